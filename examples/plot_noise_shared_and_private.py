"""
Noise that neurons share, and noise of their own
================================================

An Ornstein-Uhlenbeck current onto 1,000 neurons. Shared by all, it moves the whole population; private to each neuron,
it spreads potentials, so that only the mean rate rises, from 6.5 spikes/s. Both levels receive the same shared current,
since they have the same seed. The population carries the spread that private ones cause. Below, private Poisson
processes, whose rate oscillates at 8 Hz.

``python plot_noise_shared_and_private.py`` shows the figure, ``python plot_noise_shared_and_private.py figure.png``
writes it.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

CELL = gp.GIF(t_ref=2.0, Delta_V=2.0, lambda_0=20.0, V_T_star=15.0)
DT, BIN = 0.5, 20  # ms, steps
INPUTS = {
    "shared current": gp.OUCurrent(mean=180.0, std=60.0, tau=30.0, shared=True),
    "private currents": gp.OUCurrent(mean=180.0, std=60.0, tau=30.0),
    "private Poisson spikes, rate at 8 Hz": gp.PoissonSpikes(3000.0, 20.0, amplitude=1500.0, frequency=8.0),
}

figure, axes = plt.subplots(3, 1, figsize=(9.0, 6.5), layout="constrained")
for ax, (title, noise) in zip(axes, INPUTS.items(), strict=True):
    net = gp.Network()
    P = net.population("P", 1000, CELL)
    net.inject(P, noise)
    for level, label, color in (("micro", "neurons", "0.6"), ("meso", "population", "C3")):
        result = net.simulate(1000.0, dt=DT, level=level, initial="stationary", seed=3)
        activity = result["P"].activity.reshape(-1, BIN).mean(axis=1)
        t = result.t.reshape(-1, BIN).mean(axis=1)
        ax.plot(t, activity, color=color, lw=1.2 if level == "meso" else 2.5, label=f"{label}, {np.mean(activity):.1f}")
    ax.set(title=title, ylabel="activity [spikes/s]")
    ax.set_ylim(0.0, 45.0)
    ax.legend(frameon=False, ncols=2, loc="upper right")
axes[-1].set_xlabel("time [ms]")

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
plt.show()
