"""The microscopic level: a population as single neurons."""
