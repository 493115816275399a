"""From the description of a network to arrays: levels, connections, inputs, records, the initial state."""
