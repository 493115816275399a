"""Shared by all rooms: checks of values, the time grid, memory, seeds, warnings, types, the membrane."""
