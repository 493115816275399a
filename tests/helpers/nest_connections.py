"""Neurons and their connections, for tests of gifpop.nest."""

import numpy as np

import gifpop.nest as nest


def neurons(*sizes):
    made = [nest.Create("gif_psc_exp", n) for n in sizes]
    return made[0] if len(made) == 1 else made


def columns(connections=None):
    """Return sources, targets, weights and delays as arrays."""
    connections = nest.GetConnections() if connections is None else connections
    got = connections.get(["source", "target", "weight", "delay"])
    return tuple(np.atleast_1d(got[name]) for name in ("source", "target", "weight", "delay"))
