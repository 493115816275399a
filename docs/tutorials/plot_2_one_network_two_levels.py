"""
2. One network, two levels
==========================

A network is described once and simulated in either of two ways: as one stochastic equation for each population
(mesoscopic), or as all of its neurons and synapses (microscopic). This tutorial looks at what both have in common,
where finite size shows, and when the mesoscopic level is the right one.
"""

# %%
# Describe
# --------
#
# Excitatory and inhibitory neurons, connected at random with probability 0.2. ``size`` is the number of inhibitory
# neurons; weights shrink as it grows, so that the mean input of a neuron stays.

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
# ``level`` chooses. Neurons give their spikes, and potentials where asked. ``initial="stationary"`` begins without a
# transient, at either level (:doc:`/stationary`).

common = {"dt": 0.5, "initial": "stationary"}
meso = net.simulate(1000.0, level="meso", seed=1, **common)
micro = net.simulate(1000.0, level="micro", seed=1, record={"E": ["V_m"]}, record_neurons=5, **common)

for result in (meso, micro):
    before = result.activity[:1200].mean(axis=0)
    after = result.activity[1200:].mean(axis=0)
    print(f"{result.level:6} E {before[0]:.1f} -> {after[0]:.1f}   I {before[1]:.1f} -> {after[1]:.1f} spikes/s")

# %%
# The neurons' spikes above, the equations' activity below: the same network, the same kind of response to the step.
# Chance differs between levels, so that single fluctuations have nothing to do with each other.

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
# A population of N neurons fluctuates as the finite number that it is, at either level: the standard deviation of its
# activity falls with 1/sqrt(N). ``keep`` computes it within each trial, so that no trajectory needs to be stored.


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
# The cost of the mesoscopic level does not depend on N, which can be a million just as well. That of neurons grows with
# their number, and with that of their synapses.
#
# What is in the fluctuations: spectra
# ------------------------------------
#
# A power spectrum tells how fast they are. Independent Poisson neurons have a flat one, at the height rate/N (dashed),
# which populations approach at high frequencies. Around 60 Hz there is less, since neurons do not fire again soon after
# a spike; around 10 Hz much more, where excitation and inhibition swing each other up.

trials = network(200).simulate(600.0, trials=40, seed=3, **common)
ax = gp.plot.spectrum(trials, segment=250.0)
ax.set_title("Power spectra of both populations before the step")
plt.show()

# %%
# Mix the levels
# --------------
#
# Each population can have its own level. Neurons receive the spike counts of populations as if all of their spikes came
# to them in the mean proportion; populations receive the spikes of neurons. So one can look at neurons where they are
# of interest, in the company of populations that cost little.

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
# `gifpop.compare` runs both levels many times, and gives rates, variances, spectra and mean responses with confidence
# intervals. What is left outside of them is what the mesoscopic equations approximate.

comparison = gp.compare(net, 1000.0, trials=10, seed=1, bin=2.0, **common)
print(comparison.table())
comparison.plot()
plt.show()

# %%
# (Rates and variances are over the whole second here, with the step in it; ``warmup=`` leaves out a beginning.)
#
# What of it is due to the wiring? A neuron with p = 0.2 does not receive all spikes, but a sample of its own.
# ``wiring="sparse"`` adds the differences between samples to the equations, which spread the potentials of the neurons
# (:doc:`/closures`).

for options in ({"level": "meso"}, {"level": "meso", "wiring": "sparse"}, {"level": "micro"}):
    rates = net.simulate(600.0, trials=20, keep=lambda trial: trial.activity.mean(axis=0), seed=4, **options, **common)
    mean, error = rates.mean(axis=0), rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    name = " ".join(options.values())
    print(f"{name:12} E {mean[0]:.3f} +- {error[0]:.3f}   I {mean[1]:.3f} +- {error[1]:.3f} spikes/s")

# %%
# When the mesoscopic level is right
# ----------------------------------
#
# It is the level of choice where populations are homogeneous, and the question is about populations: activities, their
# fluctuations and correlations, responses, oscillations, switches between states; and where neurons are so many, or
# runs so numerous, that neurons cost too much.
#
# Simulate neurons
#
# - where the neurons of a population differ in their parameters (arrays, or `gifpop.Normal` and the like, in
#   `gifpop.GIF`), or in how many connections they have (`gifpop.PairwiseBernoulli`);
# - where single connections matter: weights that differ, structure beyond populations;
# - where populations are of ten neurons rather than a hundred, or single synapses so strong that a few spikes decide;
# - where you want potentials or spike trains of neurons.
#
# In between, compare: it is one call.
#
# Where to go next
# ----------------
#
# - :doc:`plot_3_adaptation_and_history`, the next tutorial
# - :doc:`/auto_examples/plot_compare_levels`: a longer comparison, of a network that adapts strongly
# - :doc:`/plots`: all pictures of `gifpop.plot`
# - :doc:`/theory`: the equations
# - :doc:`/closures`: where each approximation holds
