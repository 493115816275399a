"""What every room uses: checks of values, the time grid, memory, seeds, warnings, types, the membrane."""
