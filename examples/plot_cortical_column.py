"""
Response of a cortical column to thalamic input
===============================================

The column of Potjans & Diesmann (2014), eight populations, at both levels (Schwalger, Deger & Gerstner 2017, Fig. 10).
Layers 4 and 6 receive a step of 30 ms. A tenth of the column, 7,717 neurons, takes about a second. Its synapses are
strong, and each neuron receives its own sample of the spikes, which the equations include with ``wiring="sparse"``. All
77,169 neurons and 300 million synapses (scale 1) take 1.1 GB and some ten seconds; the equations take no longer than
for a tenth.

``python plot_cortical_column.py`` shows the figure, ``python plot_cortical_column.py figure.png`` writes it; a second
argument sets the scale.
"""

import sys
import warnings

import matplotlib.pyplot as plt

import gifpop as gp

scale = float(sys.argv[2]) if len(sys.argv) > 2 else 0.1

net = gp.models.potjans_diesmann(scale, thalamus=(600.0, 19.0))
warnings.filterwarnings("ignore", ".*rounded to.*")  # the sparsest projections have about one synapse a neuron
results = [net.simulate(800.0, dt=0.1, seed=1, **options) for options in ({"wiring": "sparse"}, {"level": "micro"})]

figure, axes = plt.subplots(4, 2, figsize=(10.0, 8.0), sharex=True, sharey="row", layout="constrained")
for column, result in zip(axes.T, results, strict=True):
    for ax, layer in zip(column, ("2/3", "4", "5", "6"), strict=True):
        for kind, color in (("I", "C1"), ("E", "C0")):
            population = result[layer + kind]
            activity = population.activity.reshape(-1, 10).mean(axis=1)  # bins of 1 ms
            ax.plot(population.t.reshape(-1, 10).mean(axis=1), activity, color=color, lw=0.8, label=layer + kind)
        ax.axvspan(600.0, 630.0, color="0.9", zorder=0)
        ax.set(xlim=(500.0, 750.0))
    column[-1].set_xlabel("time [ms]")
for ax, layer in zip(axes[:, 0], ("2/3", "4", "5", "6"), strict=True):
    ax.set_ylabel(f"layer {layer} [spikes/s]")
    ax.legend(frameon=False, loc="upper right")
neurons = sum(population.N for population in net.populations.values())
axes[0, 0].set_title("mesoscopic: 8 equations")
axes[0, 1].set_title(f"microscopic: {neurons:,} neurons")
figure.suptitle("Thalamic input at 600 to 630 ms")

for result in results:
    rates = ", ".join(f"{p.name} {p.activity[1000:6000].mean():.2f}" for p in result)
    print(f"{result.level}: mean rates before the input, spikes/s: {rates}")
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
plt.show()
