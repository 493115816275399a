"""Tests of files, copies and the state that they hold."""
