"""
5. A cortical column
====================

The cortical column of Potjans & Diesmann (2014), under one square millimetre of cortex, has 77,169 neurons in four
layers and eight populations, connected by 300 million synapses. Schwalger, Deger & Gerstner (2017) adapted it to GIF
neurons. This tutorial builds it, simulates its spontaneous activity and its response to the thalamus, compares it with
neurons, and changes it.
"""

# %%
# Build it, look at it
# --------------------
#
# `gifpop.models` has networks of the literature. Its functions return a `gifpop.Network` like any other, which you can
# inspect, extend and simulate.

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
# Connections have the probability that two neurons are connected. Times the number of neurons, it gives the number of
# inputs of a neuron from each population; times the weight, the effect of one spike of all of them.

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
# The mesoscopic level simulates eight equations for the whole column, at a step of 0.1 ms. ``initial="stationary"``
# starts in the stationary state.

common = {"dt": 0.1, "initial": "stationary"}
sim = gp.Simulation(net, seed=1, **common)
start = perf_counter()
rest = sim.run(1000.0)
print(f"one second of {sizes.sum():,} neurons in {perf_counter() - start:.2f} s")
print("spikes/s:", ", ".join(f"{p.name} {p.activity.mean():.2f}" for p in rest))

figure, axes = plt.subplots(4, 1, figsize=(8.0, 7.0), sharex=True, layout="constrained")
for ax, layer in zip(axes, ("2/3", "4", "5", "6"), strict=True):
    gp.plot.activity(
        rest,
        ax,
        populations=[layer + "E", layer + "I"],
        bin=1.0,
        expected=False,
        time=(500.0, 1000.0),
        colors={layer + "E": "#0072B2", layer + "I": "#D55E00"},
    )
    ax.set(title=f"layer {layer}", xlabel="", ylabel="[spikes/s]", ylim=(0.0, None))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
axes[-1].set_xlabel("time [ms]")
plt.show()

# %%
# Small populations fluctuate most, and inhibitory ones more than excitatory ones.
#
# An input from the thalamus
# --------------------------
#
# ``thalamus=(100.0, 19.0)`` adds a step of the drive of layers 4 and 6 at 100 ms, for 30 ms, an input as
# `gifpop.Network.inject` adds it. Twenty trials show the mean response and its variability.

stimulated = gp.models.potjans_diesmann(thalamus=(100.0, 19.0))
for injection in stimulated.injections:
    print(f"{injection.post}: {injection.input.values[0]:.0f} pA from {injection.input.times[0]:g} ms on")

answer = stimulated.simulate(200.0, trials=20, seed=2, **common)
figure, axes = plt.subplots(2, 2, figsize=(9.0, 5.5), sharex=True, layout="constrained")
for ax, layer in zip(axes.flat, ("2/3", "4", "5", "6"), strict=True):
    gp.plot.activity(
        answer,
        ax,
        populations=[layer + "E", layer + "I"],
        bin=1.0,
        expected=False,
        time=(80.0, 180.0),
        colors={layer + "E": "#0072B2", layer + "I": "#D55E00"},
    )
    ax.axvspan(100.0, 130.0, color="0.92", zorder=0)
    ax.set(title=f"layer {layer}", xlabel="", ylabel="[spikes/s]")
    ax.legend(frameon=False, loc="upper right")
for ax in axes[-1]:
    ax.set_xlabel("time [ms]")
figure.suptitle("Mean of 20 trials, band of one standard deviation; input in grey")
plt.show()

# %%
# Layer 4 responds first, layers 2/3 and 5 follow within 15 ms, and inhibition ends this first wave before the input
# ends. A second wave, at the end of the input, varies much from trial to trial; its band extends below zero, since a
# few trials lie far above the mean.
#
# Scale, and neurons
# ------------------
#
# ``scale`` multiplies all numbers of neurons. Weights are divided by it, which keeps mean inputs. A tenth of the column
# has 7,717 neurons, few enough to simulate each of them here. (Its sparsest projections have about one synapse per
# neuron, a number that gifpop rounds, with a warning.)

small = gp.models.potjans_diesmann(scale=0.1)
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", ".*rounded to.*")
    start = perf_counter()
    neurons = small.simulate(1000.0, level="micro", seed=1, **common)
    print(f"{neurons}: {perf_counter() - start:.1f} s with building")

figure, ax = plt.subplots(figsize=(8.0, 5.0), layout="constrained")
gp.plot.raster(neurons, ax, neurons=100, time=(500.0, 1000.0))
ax.set_title("A tenth of the column, spikes of 100 neurons of each population")
plt.show()

# %%
# How good are the equations? In a tenth of the column, synapses are ten times as strong. Each neuron receives its own
# sample of the spikes, and the differences matter: neurons fire more than in equations where all receive the same
# input. ``wiring="sparse"`` includes the samples (:doc:`/closures`). In the whole column, it changes rates by a few
# percent.

runs = {
    "neurons, 0.1": neurons,
    "equations, 0.1": small.simulate(1000.0, seed=1, **common),
    "sparse, 0.1": small.simulate(1000.0, seed=1, wiring="sparse", **common),
    "equations, 1": rest,
    "sparse, 1": net.simulate(1000.0, seed=1, wiring="sparse", **common),
}
print(f"{'rates [spikes/s]':20}", *(f"{name:>6}" for name in names))
for label, run in runs.items():
    print(f"{label:20}", *(f"{population.activity.mean():6.2f}" for population in run))

print(f"\n{'deviation in 1 ms':20}", *(f"{name:>6}" for name in names))
for label, run in runs.items():
    print(f"{label:20}", *(f"{p.activity.reshape(-1, 10).mean(axis=1).std():6.2f}" for p in run))

# %%
# Standard deviations at scale 1 are smaller by about the square root of ten.
#
# All 77,169 neurons and 300 million synapses take 1.1 GB, and some five seconds per simulated second (:doc:`/speed`).
#
# What it costs
# -------------
#
# Threads share the populations, with the same result to the last bit. At this size, two threads are faster on an idle
# machine, but not on a busy one. Adaptation of the excitatory neurons makes histories longer, and exact ones expensive.

adapting = gp.models.potjans_diesmann(adaptation=True)
for label, network, options in (
    ("equations", net, {}),
    ("equations, 2 threads", net, {"threads": 2}),
    ("equations, adapting", adapting, {}),
    ("equations, adapting, exact", adapting, {"history": "exact"}),
):
    sim = gp.Simulation(network, dt=0.1, seed=1, **options)
    sim.run(20.0)
    start = perf_counter()
    sim.run(200.0)
    print(f"{label:27} {(perf_counter() - start) / 0.2:6.3f} s per simulated second")

# %%
# Change it: silence a population
# -------------------------------
#
# What does a population do? Silence it and see. `gifpop.Simulation.set` changes a running simulation, and neurons with
# zero hazard are silent. Here the thousand inhibitory neurons of layer 5 are silent for 200 ms.

sim = gp.Simulation(net, seed=3, **common)
lambda_0 = net.populations["5I"].cell.lambda_0
print(f"{'rates [spikes/s]':20}", *(f"{name:>6}" for name in names))
for phase, hazard in (("as it is", lambda_0), ("5I silent", 0.0), ("as it was", lambda_0)):
    sim.set("5I", lambda_0=hazard)
    run = sim.run(200.0)
    print(f"{phase:20}", *(f"{rate:6.2f}" for rate in run.activity[500:].mean(axis=0)))  # after 50 ms

whole = sim.result()
figure, ax = plt.subplots(figsize=(8.0, 4.0), layout="constrained")
gp.plot.activity(whole, ax, populations=["5E", "2/3I", "2/3E"], bin=2.0, expected=False, time=(100.0, 500.0))
ax.axvspan(200.0, 400.0, color="0.92", zorder=0)
ax.set_title("5I is silent from 200 to 400 ms")
plt.show()

# %%
# Without this inhibition, the excitatory neurons of layer 5 fire in volleys, about every 35 ms, with four times as many
# spikes as before. Each volley triggers a volley of the inhibitory neurons of the upper layers, whose excitatory
# neurons become nearly silent. Afterwards the column returns to its previous state.
#
# Change it: other neurons
# ------------------------
#
# ``adaptation=True`` makes the excitatory neurons adapt with a time constant of 1 s, and raises their drives to keep
# the stationary rates. Does the column still respond in the same way?

figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.6), sharex=True, layout="constrained")
for adaptation, color, style in ((False, "#0072B2", "-"), (True, "#D55E00", "--")):
    column = gp.models.potjans_diesmann(adaptation=adaptation, thalamus=(100.0, 19.0))
    mean = column.simulate(180.0, trials=10, seed=4, keep="mean", **common)
    for ax, name in zip(axes, ("4E", "5E"), strict=True):
        rate = mean[name].mean["rate"]
        label = "adapting" if adaptation else "not adapting"
        ax.plot(mean.t, rate, color=color, ls=style, lw=1.2, label=label)
        ax.set(xlim=(80.0, 180.0), title=name, xlabel="time [ms]")
        print(f"{name} {label:13} {rate[:1000].mean():5.2f} spikes/s at rest, at most {rate.max():5.1f}")
for ax in axes:
    ax.axvspan(100.0, 130.0, color="0.92", zorder=0)
axes[0].set_ylabel("expected activity [spikes/s]")
axes[0].legend(frameon=False)
plt.show()

# %%
# The first wave hardly changes, since thresholds rise slowly. The second one is lower in layer 5, which has fired a
# lot.
#
# Other changes go into the description: copy the few lines of `gifpop.models.potjans_diesmann`, or add populations,
# connections and inputs to what it returns.
#
# Where to go next
# ----------------
#
# - :doc:`/auto_examples/plot_cortical_column`: both levels side by side, at any scale
# - :doc:`/auto_examples/plot_winner_take_all`: another network of the literature, which switches between states
# - :doc:`/rerun`: changes between runs
# - :doc:`/closures`: sparse wiring, and where the equations hold
# - :doc:`/speed`: the cost of networks
