"""Advance groups of any level in time: the time loop, input in transit, threads."""
