"""Tests of connections between neurons, drawn by rules."""
