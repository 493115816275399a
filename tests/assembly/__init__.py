"""Tests of changes, initial states and memory of a network."""
