"""Tests of the face that speaks NEST's names."""
