"""Tests of the command and the explorer."""
