"""Tests of a population as one stochastic equation."""
