"""
5. A cortical column
====================

The column of Potjans & Diesmann (2014) under one square millimetre of cortex: 77,169 neurons of four layers, connected
by 300 million synapses, in eight populations. Schwalger, Deger & Gerstner (2017) made GIF neurons of it. This tutorial
builds it, watches it rest and answer to the thalamus, compares it with neurons, and changes it.
"""

# %%
# Build it, look at it
# --------------------
#
# `gifpop.models` has networks of the literature. What they return is a `gifpop.Network` like any other, which can be
# read, extended and simulated.

import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

net = gp.models.potjans_diesmann()
names = list(net.populations)
sizes = np.array([population.N for population in net.populations.values()])

print(net, f"of {sizes.sum():,} neurons")
for name, population in net.populations.items():
    cell = population.cell
    print(f"{name:5} {population.N:6} neurons, drive {cell.I_e * cell.tau_m / cell.C_m:5.1f} mV")

# %%
# Connections say with which probability two neurons are connected. Times the number of neurons, this is how many inputs
# a neuron has from each population; times the weight, what the spikes of all of them together bring.

inputs = np.zeros((8, 8))
charge = np.zeros((8, 8))  # mV that one spike of every neuron of a population moves the potential by
for connection in net.connections:
    post, pre = names.index(connection.post), names.index(connection.pre)
    cell = net.populations[connection.post].cell
    inputs[post, pre] = connection.rule.p * sizes[pre]
    charge[post, pre] = inputs[post, pre] * connection.weight * cell.tau_syn_ex / cell.C_m

figure, axes = plt.subplots(1, 2, figsize=(10.0, 4.4), layout="constrained")
for ax, values, title, style in (
    (axes[0], inputs, "inputs of a neuron", {"cmap": "viridis"}),
    (axes[1], charge, "weight [mV]: one spike of every source", {"cmap": "RdBu_r", "vmin": -900, "vmax": 900}),
):
    figure.colorbar(ax.imshow(values, **style), ax=ax, shrink=0.85)
    ax.set_xticks(range(8), names)
    ax.set_yticks(range(8), names)
    ax.set(title=title, xlabel="from", ylabel="onto")
plt.show()

# %%
# Spontaneous activity
# --------------------
#
# The eight equations of the whole column, at a step of 0.1 ms. ``initial="stationary"`` begins where the column goes by
# itself.

common = {"dt": 0.1, "initial": "stationary"}
sim = gp.Simulation(net, seed=1, **common)
start = perf_counter()
rest = sim.run(1000.0)
print(f"one second of {sizes.sum():,} neurons in {perf_counter() - start:.2f} s")
print("spikes/s:", ", ".join(f"{p.name} {p.activity.mean():.2f}" for p in rest))

figure, axes = plt.subplots(4, 1, figsize=(8.0, 7.0), sharex=True, layout="constrained")
for ax, layer in zip(axes, ("2/3", "4", "5", "6"), strict=True):
    gp.plot.activity(
        rest, ax, populations=[layer + "E", layer + "I"], bin=1.0, expected=False, time=(500.0, 1000.0),
        colors={layer + "E": "#0072B2", layer + "I": "#D55E00"},
    )  # fmt: skip
    ax.set(title=f"layer {layer}", xlabel="", ylabel="[spikes/s]", ylim=(0.0, None))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
axes[-1].set_xlabel("time [ms]")
plt.show()

# %%
# The small populations fluctuate most, those of inhibitory neurons more than those of excitatory ones.
#
# An input from the thalamus
# --------------------------
#
# ``thalamus=(100.0, 19.0)`` adds a step of the drive of layers 4 and 6 at 100 ms, for 30 ms. It is an input as any
# other; `gifpop.Network.inject` makes such. Twenty trials show the mean answer, and by how much single ones differ.

stimulated = gp.models.potjans_diesmann(thalamus=(100.0, 19.0))
print(*(f"{i.post}: {i.input.values[0]:.0f} pA from {i.input.times[0]:g} ms on" for i in stimulated.injections), sep="\n")

answer = stimulated.simulate(200.0, trials=20, seed=2, **common)
figure, axes = plt.subplots(2, 2, figsize=(9.0, 5.5), sharex=True, layout="constrained")
for ax, layer in zip(axes.flat, ("2/3", "4", "5", "6"), strict=True):
    gp.plot.activity(
        answer, ax, populations=[layer + "E", layer + "I"], bin=1.0, expected=False, time=(80.0, 180.0),
        colors={layer + "E": "#0072B2", layer + "I": "#D55E00"},
    )  # fmt: skip
    ax.axvspan(100.0, 130.0, color="0.92", zorder=0)
    ax.set(title=f"layer {layer}", xlabel="", ylabel="[spikes/s]")
    ax.legend(frameon=False, loc="upper right")
for ax in axes[-1]:
    ax.set_xlabel("time [ms]")
figure.suptitle("Mean of 20 trials, band of one standard deviation; input in grey")
plt.show()

# %%
# Layer 4 answers first, layer 2/3 after it, layer 5 hardly; inhibition ends the answer of excitatory neurons before the
# input ends.
#
# Scale, and neurons
# ------------------
#
# ``scale`` is a factor of all numbers of neurons. Weights grow by its inverse, which keeps mean inputs, and so
# fluctuations grow. A tenth of the column are 7,717 neurons, few enough to simulate here one by one, and to see how well
# the equations do.
#
# (The sparsest projections of a tenth have less than one synapse for each neuron. gifpop rounds their number, and warns.)

small = gp.models.potjans_diesmann(scale=0.1)
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", ".*rounded to.*")
    start = perf_counter()
    neurons = small.simulate(1000.0, level="micro", seed=1, **common)
    print(f"7,717 neurons, built and one second simulated: {perf_counter() - start:.1f} s")
equations = small.simulate(1000.0, seed=1, **common)

print("      rate: neurons, equations   sd of 1 ms bins: neurons, equations, equations at scale 1")
for p, q, r in zip(neurons, equations, rest, strict=True):
    sd = [population.activity.reshape(-1, 10).mean(axis=1).std() for population in (p, q, r)]
    print(f"{p.name:5} {p.activity.mean():13.2f} {q.activity.mean():10.2f} {sd[0]:25.2f} {sd[1]:10.2f} {sd[2]:10.2f}")

figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(8.0, 6.5), sharex=True, height_ratios=(3, 1), layout="constrained"
)
gp.plot.raster(neurons, (top, bottom), neurons=100, time=(500.0, 1000.0), bin=2.0)
top.set_title("A tenth of the column: 800 of 7,717 neurons, and the rates of all")
plt.show()

# %%
# At a tenth, single synapses are ten times as strong, and neurons have few inputs of their own: ``wiring="sparse"``
# exists for this (:doc:`/closures`). All 77,169 neurons with their 300 million synapses take 1.2 GB and five seconds for
# a simulated one (:doc:`/speed`).
#
# What it costs
# -------------
#
# Populations are shared among threads, with the same result to the last bit; eight are few, but each has work for its
# own thread. Adaptation makes histories longer. With exact ones that would be costly.

for label, network, options in (
    ("equations", net, {}),
    ("equations, 2 threads", net, {"threads": 2}),
    ("equations, adapting", gp.models.potjans_diesmann(adaptation=True), {}),
    ("equations, adapting, exact", gp.models.potjans_diesmann(adaptation=True), {"history": "exact"}),
):
    sim = gp.Simulation(network, dt=0.1, seed=1, **options)
    sim.run(20.0)
    start = perf_counter()
    sim.run(200.0)
    print(f"{label:27} {(perf_counter() - start) / 0.2:6.3f} s per simulated second")

# %%
# Change it
# ---------
#
# What does a population do? Take it away: `gifpop.Simulation.set` changes a running simulation, and neurons whose
# hazard is zero are silent. Three seconds: the column as it is, without the inhibitory neurons of layer 2/3, and as it
# was.

sim = gp.Simulation(net, seed=3, **common)
lambda_0 = net.populations["5I"].cell.lambda_0
phases = {}
for phase, hazard in (("intact", lambda_0), ("5I silent", 0.0), ("again", lambda_0)):
    sim.set("5I", lambda_0=hazard)
    phases[phase] = sim.run(300.0)
print("spikes/s  ", *(f"{name:>6}" for name in names))
for phase, run in phases.items():
    print(f"{phase:10}", *(f"{rate:6.2f}" for rate in run.activity[1000:].mean(axis=0)))
