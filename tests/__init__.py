"""The tests of gifpop: a package, so that modules of the same name in different folders are told apart."""
