"""A network at every point of a grid."""
