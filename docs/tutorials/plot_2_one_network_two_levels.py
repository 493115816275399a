"""
2. One network, two levels
==========================

You describe a network once and simulate it at either of two levels: as one stochastic equation for each population
(mesoscopic), or as all its neurons and synapses (microscopic). This tutorial shows what both levels have in common, the
effects of finite size, and when to use the mesoscopic level.
"""

# %%
# Describe
# --------
#
# The network has excitatory and inhibitory neurons, connected at random with probability 0.2. ``size`` is the number of
# inhibitory neurons; weights are inversely proportional to it, so that the mean input of a neuron stays the same.

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

cell = gp.GIF(
    C_m=250.0,
    tau_m=20.0,
    E_L=0.0,
    V_reset=0.0,
    V_T_star=15.0,
    Delta_V=2.5,
    lambda_0=10.0,
    t_ref=4.0,
    I_e=300.0,
    tau_syn_ex=3.0,
    tau_syn_in=6.0,
    tau_sfa=[100.0, 1000.0],
    q_sfa=[10.0, 1.0],
)


def network(size):
    """Return a network of 4 * size excitatory and size inhibitory neurons."""
    net = gp.Network()
    net.population("E", 4 * size, cell)
    net.population("I", size, cell)
    for post in ("E", "I"):
        net.connect("E", post, weight=25.0 * 200 / size, p=0.2, delay=1.0)  # pA, ms
        net.connect("I", post, weight=-62.5 * 200 / size, p=0.2, delay=1.0)
        net.inject(post, gp.StepCurrent(times=[600.0], values=[125.0]))
    return net


net = network(200)
print(net)

# %%
# Simulate at both levels
# -----------------------
#
# ``level`` selects the level. The microscopic level also records spikes of neurons, and on request potentials.
# ``initial="stationary"`` starts without a transient, at either level (:doc:`/stationary`).

common = {"dt": 0.5, "initial": "stationary"}
meso = net.simulate(1000.0, level="meso", seed=1, **common)
micro = net.simulate(1000.0, level="micro", seed=1, record={"E": ["V_m"]}, record_neurons=5, **common)

for result in (meso, micro):
    before = result.activity[:1200].mean(axis=0)
    after = result.activity[1200:].mean(axis=0)
    print(f"{result.level:6} E {before[0]:.1f} -> {after[0]:.1f}   I {before[1]:.1f} -> {after[1]:.1f} spikes/s")

# %%
# The figure shows the spikes of the neurons above and the activity of the populations below: the response to the step
# is the same. Random numbers differ between levels, so single fluctuations are unrelated.

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8.0, 6.0), sharex=True, layout="constrained", height_ratios=(3, 2))
gp.plot.raster(micro, top, neurons=200)
gp.plot.activity(meso, bottom, bin=2.0)
top.set(title="microscopic: spikes of 400 of 1,000 neurons", xlabel="")
bottom.set_title("mesoscopic: activity of both populations")
plt.show()

# %%
# Fluctuations scale with the square root of the number of neurons
# ----------------------------------------------------------------
#
# At either level a population of N neurons has finite-size fluctuations: the standard deviation of its activity is
# proportional to 1/sqrt(N). ``keep`` computes it for each trial, so that no trajectory needs to be stored.


def deviation(trial):
    """Return the standard deviation of the activity of E in bins of 5 ms before the step."""
    return trial["E"].activity[:1200].reshape(-1, 10).mean(axis=1).std()


sizes = np.array([25, 50, 100, 200, 400, 800])
deviations = {
    level: [
        network(int(size)).simulate(600.0, level=level, trials=12, keep=deviation, seed=2, **common).mean()
        for size in sizes[:last]
    ]
    for level, last in (("meso", None), ("micro", 4))
}
for level, values in deviations.items():
    exponent = np.polyfit(np.log(4 * sizes[: len(values)]), np.log(values), 1)[0]
    print(f"{level:6} standard deviation ~ N^{exponent:.2f}")

figure, ax = plt.subplots(figsize=(6.0, 4.0), layout="constrained")
ax.loglog(4 * sizes, deviations["meso"], "o-", color="#0072B2", label="mesoscopic")
ax.loglog(4 * sizes[:4], deviations["micro"], "s--", color="#D55E00", label="microscopic")
ax.loglog(4 * sizes, deviations["meso"][3] * np.sqrt(200 / sizes), ":", color="black", label=r"$\propto 1/\sqrt{N}$")
ax.set(xlabel="number of excitatory neurons N", ylabel="standard deviation of $A_N$ [spikes/s]")
ax.set_xticks(4 * sizes, 4 * sizes)
ax.set_yticks([1, 2, 5, 10], [1, 2, 5, 10])
ax.minorticks_off()
ax.set_title("Fluctuations in bins of 5 ms")
ax.legend(frameon=False)
plt.show()

# %%
# The cost of the mesoscopic level does not depend on N: a million neurons cost no more. The cost of neurons grows with
# their number and with the number of synapses.
#
# Spectra of the fluctuations
# ---------------------------
#
# The power spectrum shows the time scales of the fluctuations. Independent Poisson neurons have a flat spectrum of
# rate/N (dashed), which populations approach at high frequencies. Around 60 Hz there is less power, since neurons do
# not fire again soon after a spike; around 10 Hz there is much more, because excitation and inhibition oscillate
# together.

trials = network(200).simulate(600.0, trials=40, seed=3, **common)
ax = gp.plot.spectrum(trials, segment=250.0)
ax.set_title("Power spectra of both populations before the step")
plt.show()

# %%
# Mix the levels
# --------------
#
# Each population can have its own level. Neurons receive the mean input from the spikes of populations; populations
# receive the spikes of neurons. So you can simulate neurons where they matter, and the rest as populations at little
# cost.

levels = {"E": "micro", "I": "meso"}
mixed = net.simulate(1000.0, level=levels, seed=1, record={"E": ["V_m"]}, record_neurons=3, **common)
for population in mixed:
    print(f"{population.name}: {population.level}, recorded {', '.join(population.recorded)}")

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8.0, 5.5), sharex=True, layout="constrained")
gp.plot.traces(mixed, ax=top, populations="E")
gp.plot.activity(mixed, bottom, bin=2.0)
top.set(title="three of the neurons of E", xlabel="")
bottom.set_title("E: activity of its neurons, I: a population")
plt.show()

# %%
# Compare with statistics
# -----------------------
#
# `gifpop.compare` runs both levels many times, and returns rates, variances, spectra and mean responses with confidence
# intervals. Significant differences are errors of the mesoscopic approximation.

comparison = gp.compare(net, 1000.0, trials=10, seed=1, bin=2.0, **common)
print(comparison.table())
comparison.plot()
plt.show()

# %%
# (Rates and variances are over the whole second, including the step; ``warmup=`` excludes the start.)
#
# How much of the difference is due to the wiring? With p = 0.2, each neuron does not receive all spikes, but its own
# sample of them. ``wiring="sparse"`` includes the differences between samples, which spread the potentials of the
# neurons (:doc:`/closures`).

for options in ({"level": "meso"}, {"level": "meso", "wiring": "sparse"}, {"level": "micro"}):
    rates = net.simulate(600.0, trials=20, keep=lambda trial: trial.activity.mean(axis=0), seed=4, **options, **common)
    mean, error = rates.mean(axis=0), rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    name = " ".join(options.values())
    print(f"{name:12} E {mean[0]:.3f} +- {error[0]:.3f}   I {mean[1]:.3f} +- {error[1]:.3f} spikes/s")

# %%
# When to use the mesoscopic level
# --------------------------------
#
# Use the mesoscopic level if populations are homogeneous and your question is about populations: activities, their
# fluctuations and correlations, responses, oscillations, switches between states; and if you have too many neurons or
# runs to simulate single neurons.
#
# Simulate neurons
#
# - if the neurons of a population have different parameters (arrays, or distributions such as `gifpop.Normal`, in
#   `gifpop.GIF`), or different numbers of connections (`gifpop.PairwiseBernoulli`);
# - if single connections matter: weights that differ, structure beyond populations;
# - if populations have ten neurons rather than a hundred, or synapses are so strong that a few spikes make a neuron
#   fire;
# - if you need potentials or spike trains of neurons.
#
# In between, compare both levels: it takes one call.
#
# Where to go next
# ----------------
#
# - :doc:`plot_3_adaptation_and_history`, the next tutorial
# - :doc:`/auto_examples/plot_compare_levels`: a longer comparison, of a strongly adapting network
# - :doc:`/plots`: all plots of `gifpop.plot`
# - :doc:`/theory`: the equations
# - :doc:`/closures`: where each approximation holds
