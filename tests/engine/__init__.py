"""Tests of the time loop, its threads, chunks and signals."""
