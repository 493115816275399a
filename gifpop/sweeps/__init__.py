"""Parameter sweeps: a network at every point of a grid."""
