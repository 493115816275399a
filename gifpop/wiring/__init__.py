"""Connections between neurons, drawn by rules."""
