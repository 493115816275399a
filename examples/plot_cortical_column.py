"""
A cortical column answers a thalamic input
==========================================

The column of Potjans & Diesmann (2014), 77,169 neurons in eight populations, at the mesoscopic level (Schwalger, Deger
& Gerstner 2017, Fig. 10): layers 4 and 6 receive a step of 30 ms. Ten seconds of it take about one second.

Run it as ``python plot_cortical_column.py [figure.png]``.
"""

import sys

import matplotlib.pyplot as plt

import gifpop as gp

net = gp.models.potjans_diesmann(thalamus=(600.0, 19.0))
result = net.simulate(800.0, dt=0.1, seed=1)

figure, axes = plt.subplots(4, 1, figsize=(7.0, 8.0), sharex=True, layout="constrained")
for ax, layer in zip(axes, ("2/3", "4", "5", "6"), strict=True):
    for kind, color in (("I", "C1"), ("E", "C0")):
        population = result[layer + kind]
        activity = population.activity.reshape(-1, 10).mean(axis=1)  # bins of 1 ms
        ax.plot(population.t.reshape(-1, 10).mean(axis=1), activity, color=color, lw=0.8, label=layer + kind)
    ax.axvspan(600.0, 630.0, color="0.9", zorder=0)
    ax.set(xlim=(500.0, 750.0), ylabel=f"layer {layer} [spikes/s]")
    ax.legend(frameon=False, loc="upper right")
axes[0].set_title("Thalamic input at 600 to 630 ms")
axes[-1].set_xlabel("time [ms]")

path = sys.argv[1] if len(sys.argv) > 1 else "cortical_column.png"
figure.savefig(path, dpi=100)
print("figure:", path)
