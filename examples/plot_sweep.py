"""
A sweep: rate and synchrony over inhibition and drive
=====================================================

``gp.sweep`` simulates a network of 800 excitatory and 200 inhibitory neurons at every point of a grid of two
parameters: the strength of inhibition relative to excitation, and the drive of all neurons. For each point it keeps the
mean rate of the excitatory neurons and their synchrony: the variance of their spike counts in bins of 10 ms over the
mean, which is one for independent Poisson neurons (dashed line).

``python plot_sweep.py`` shows the figure, ``python plot_sweep.py figure.png`` writes it.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

BIN = 20  # steps of 0.5 ms


def build(g, drive):
    """Return the network for an inhibition of ``g`` times the excitation, and a drive in mV."""
    cell = gp.GIF(tau_m=20.0, Delta_V=2.5, I_e=drive * 12.5, tau_syn_ex=3.0, tau_syn_in=6.0, tau_sfa=[], q_sfa=[])
    net = gp.Network()
    for name, N in (("E", 800), ("I", 200)):
        net.population(name, N, cell)
    for post in ("E", "I"):
        net.connect("E", post, weight=25.0, p=0.2)
        net.connect("I", post, weight=-25.0 * g, p=0.2)
    return net


def measure(result):
    """Return the mean rate and the synchrony of the excitatory neurons."""
    counts = result["E"].counts
    binned = counts.reshape(len(counts), -1, BIN).sum(axis=-1)
    seconds = result.t[-1] * 1e-3 - 0.5
    return {
        "rate": ((), counts.sum(axis=-1).mean() / (800 * seconds), {"long_name": "mean rate", "units": "Hz"}),
        "synchrony": ((), (binned.var(axis=-1) / binned.mean(axis=-1)).mean(), {"long_name": "variance / mean"}),
    }


if __name__ == "__main__":  # so that it could use processes, too
    data = gp.sweep(
        build,
        {"g": np.linspace(1.0, 6.0, 11), "drive": np.linspace(16.0, 40.0, 13)},
        simulate={"duration": 1500.0, "dt": 0.5, "warmup": 500.0},
        trials=3,
        seed=1,
        measure=measure,
        units={"drive": "mV"},
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, 4.2), layout="constrained")
    data.rate.plot(ax=left, x="g", cmap="viridis")
    np.log10(data.synchrony).plot(ax=right, x="g", cmap="magma", cbar_kwargs={"label": "log10(variance / mean)"})
    data.synchrony.plot.contour(ax=right, x="g", levels=[1.0], colors="w", linestyles="--")
    left.set_title("Mean rate")
    right.set_title("Synchrony of spike counts in 10 ms")
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1], dpi=100)
    plt.show()
