"""The state of a simulation in a file."""
