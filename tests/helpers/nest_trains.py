"""Generators of trains for tests of gifpop.nest: their names, values with which they are busy, what they send."""

import numpy as np

import gifpop.nest as nest

SINE_POISSON = "sinusoidal_poisson_generator"
SINE_GAMMA = "sinusoidal_gamma_generator"
GAMMA = "gamma_sup_generator"
DEAD_TIME = "ppd_sup_generator"
COPIES = "mip_generator"
PACKETS = "pulsepacket_generator"
INJECTOR = "spike_train_injector"

WINDOW = {"start": 2.0, "stop": 9.0, "origin": 1.0}


def perform(acts, *nodes):
    """Simulate times, set values of the first node, and call functions with all nodes."""
    for act in acts:
        if isinstance(act, dict):
            nodes[0].set(act)
        elif callable(act):
            act(*nodes)
        else:
            nest.Simulate(float(act))


def recorded(model, *acts, recorders=1, **parameters):
    """Return the numbers of spikes at stamps from 1 on, shape (recorders, stamps)."""
    g = nest.Create(model, params=parameters)
    devices = nest.Create("spike_recorder", recorders, {"time_in_steps": True})
    nest.Connect(g, devices)
    perform(acts, g)
    stamps = round(nest.biological_time / nest.resolution)
    return np.array([np.bincount(d.events["times"].astype(int), minlength=stamps + 1)[1:] for d in devices])
