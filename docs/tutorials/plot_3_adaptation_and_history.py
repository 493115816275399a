"""
3. Adaptation and history
=========================

Adapting neurons remember their spikes for seconds, and so must the equations of a population. This tutorial shows the
effect of adaptation on a population, how well the equations agree with neurons, what the memory costs, and how to start
a simulation without a transient.
"""

# %%
# What adaptation does
# --------------------
#
# Each spike raises the threshold of its neuron by ``q_sfa``, which decays with ``tau_sfa``. Here are three populations
# without connections: one does not adapt, one adapts within 100 ms, one within a second. Their drives make them all
# fire at about 9 spikes/s at first. At 500 ms the drive steps up by 10 mV, and a second and a half later down again. A
# million neurons in each population hardly fluctuate, and cost no more than a hundred.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

MV = 250.0 / 20.0  # pA that move the resting potential by 1 mV: C_m / tau_m


def cell(drive, tau_sfa=(), q_sfa=()):
    """Return neurons with a drive in mV."""
    return gp.GIF(C_m=250.0, tau_m=20.0, V_T_star=15.0, Delta_V=2.5, I_e=drive * MV, tau_sfa=tau_sfa, q_sfa=q_sfa)


net = gp.Network()
for name, neurons in {
    "none": cell(16.5),
    "100 ms": cell(22.0, [100.0], [10.0]),
    "1 s": cell(26.0, [1000.0], [1.0]),
}.items():
    net.population(name, 1_000_000, neurons)
    net.inject(name, gp.StepCurrent(times=[500.0, 2000.0], values=[10.0 * MV, 0.0]))

result = net.simulate(3500.0, dt=0.5, seed=1, initial="stationary", record="all")
for population in result:
    before, peak, after = (
        f(population.activity[w])
        for f, w in (
            (np.mean, slice(0, 1000)),
            (np.max, slice(1000, 1200)),
            (np.mean, slice(3800, 4000)),
        )
    )
    print(f"{population.name:7} before {before:4.1f}, peak {peak:5.1f}, 1.4 s later {after:4.1f} spikes/s")

# %%
# At the peak they differ least: adaptation follows spikes, and there were few until then. Afterwards adaptation reduces
# the rate, faster with a shorter time constant. It also has an after-effect: when the step ends, the threshold is still
# high, and the slowly adapting population takes a second to recover.
#
# ``record="all"`` also records the threshold of an average neuron, ``E_sfa``.

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8.0, 6.0), sharex=True, layout="constrained")
for population, color in zip(result, ("black", "#D55E00", "#0072B2"), strict=True):
    top.plot(population.t, population.activity, color=color, lw=1.2, label=population.name)
    bottom.plot(population.t_record, population.E_sfa, color=color, lw=1.2, label=population.name)
top.set(ylabel="activity [spikes/s]", ylim=(0.0, 60.0), title="A step of 10 mV, three kinds of adaptation")
bottom.set(ylabel="mean threshold [mV]", xlabel="time [ms]")
top.legend(title="adaptation", frameon=False)
plt.show()

# %%
# Two closures, and neurons
# -------------------------
#
# A population knows how many of its neurons fired when, but not which. The adaptation of a neuron depends on all its
# spikes, so the equations need an assumption about the spikes before the last one: a *closure* (:doc:`/closures`).
#
# - ``adaptation="quasi-renewal"`` assumes that they are Poisson, as Schwalger, Deger & Gerstner (2017) and NEST do.
# - ``adaptation="carried"``, the default, follows the mean and covariance of the adaptation of neurons that fired
#   together.
#
# A comparison with four thousand neurons shows which is right: adapting neurons fire more regularly than Poisson
# processes. This matters if a spike raises the threshold by four Delta_V, as here. (The activity of 4,000 neurons, in
# bins of 5 ms, has a standard deviation of 1 spike/s.)


def step_response(N, **options):
    """Return the response of N neurons that adapt within 100 ms."""
    net = gp.Network()
    net.population("P", N, cell(22.0, [100.0], [10.0]))
    net.inject("P", gp.StepCurrent(times=[500.0], values=[20.0 * MV]))
    return net.simulate(1000.0, dt=0.5, seed=2, initial="stationary", **options)


runs = {
    "neurons": step_response(4000, level="micro"),
    "carried": step_response(1_000_000),
    "quasi-renewal": step_response(1_000_000, adaptation="quasi-renewal"),
}
binned = {name: run.activity[:, 0].reshape(-1, 10).mean(axis=1) for name, run in runs.items()}  # 5 ms
for name, activity in binned.items():
    error = np.sqrt(np.mean((activity - binned["neurons"])[100:] ** 2))
    print(f"{name:14} {activity[:100].mean():5.2f} spikes/s before the step; after it, rms difference {error:4.2f}")

figure, ax = plt.subplots(figsize=(8.0, 3.8), layout="constrained")
for (name, activity), (color, style, width) in zip(
    binned.items(), (("0.6", "-", 3.0), ("#0072B2", "-", 1.2), ("#D55E00", "--", 1.2)), strict=True
):
    ax.plot(5.0 * np.arange(len(activity)) + 2.5, activity, color=color, ls=style, lw=width, label=name)
ax.set(xlim=(450.0, 800.0), xlabel="time [ms]", ylabel="activity [spikes/s]", title="A step of 20 mV")
ax.legend(frameon=False)
plt.show()

# %%
# With the carried closure, only the random fluctuations of the neurons remain. Use ``"quasi-renewal"`` to reproduce
# published results, or those of NEST.
#
# The cost of memory
# ------------------
#
# An exact history keeps, for each of the last few thousand steps, the neurons that fired in it and have not fired
# since. The default merges steps, more coarsely the longer ago they are (:doc:`/history`). ``tolerance`` is the largest
# relative error of the hazard of merged neurons.
#
# Replay measures the error: with the same spike counts, only the history makes expected counts differ.

brunel = gp.models.brunel()
exact = brunel.simulate(2000.0, dt=0.5, seed=1, history="exact")
counts = {population.name: population.counts for population in exact}
print("history     tolerance   rms error of expected counts   ms per simulated second")
rows = []
for options in (
    {"history": "exact"},
    {"history": "adaptive", "tolerance": 0.001},
    {"history": "adaptive"},
    {"history": "adaptive", "tolerance": 0.1},
):
    sim = gp.Simulation(brunel, dt=0.5, counts=counts, **options)
    start = perf_counter()
    replay = sim.run(2000.0)
    cost = (perf_counter() - start) * 1e3 / 2.0
    error = np.sqrt(np.mean((replay["E"].mean - exact["E"].mean) ** 2)) / exact["E"].mean.mean()
    rows.append((options["history"], options.get("tolerance", ""), error, cost))
    print(f"{rows[-1][0]:11} {rows[-1][1]!s:>9}   {error:28.1e}   {cost:23.1f}")

# %%
# (The third line has the default tolerance. Times are those of the machine that built this page.)
#
# The cost of an exact history grows with the longest time constant of adaptation; that of an adaptive one hardly does.

taus = [30.0, 100.0, 300.0, 1000.0, 3000.0]
costs = {"exact": [], "adaptive": []}
for history, cost in costs.items():
    for tau in taus:
        net = gp.Network()
        net.population("P", 1000, cell(20.0, [tau], [1.0]))
        sim = gp.Simulation(net, dt=0.2, seed=1, history=history, adaptation="quasi-renewal")
        sim.run(100.0)
        times = []
        for _ in range(3):
            start = perf_counter()
            sim.run(100.0)
            times.append(perf_counter() - start)
        cost.append(min(times) * 1e4)

figure, ax = plt.subplots(figsize=(6.0, 4.0), layout="constrained")
for (history, cost), (color, style) in zip(costs.items(), (("#D55E00", "s--"), ("#0072B2", "o-")), strict=True):
    ax.loglog(taus, cost, style, color=color, label=f'history="{history}"')
ax.set(xlabel="time constant of adaptation [ms]", ylabel="ms per simulated second", title="One population, dt 0.2 ms")
ax.set_xticks(taus, [f"{tau:g}" for tau in taus])
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()

# %%
# How long the history is
# -----------------------
#
# ``len_kernel`` of a population is the length of its history in steps. By default (-1) it is chosen from the time
# constants, as in NEST, so that older spikes have little effect. Neurons whose last spike is older count as free. With
# the quasi-renewal closure, the history is the only memory of adaptation, and a short one forgets too early. With the
# carried closure, it only has to be as long as the longest intervals between spikes.

print("len_kernel    quasi-renewal        carried")
for len_kernel in (100, 300, 1000, 3000, -1):
    rates = []
    for adaptation in ("quasi-renewal", "carried"):
        net = gp.Network()
        net.population("P", 1_000_000, cell(26.0, [1000.0], [1.0]), len_kernel=len_kernel, adaptation=adaptation)
        sim = gp.Simulation(net, dt=0.5, seed=1, history="exact")
        sim.run(3000.0)
        rates.append(sim.run(1000.0).activity.mean())
    print(f"{len_kernel:10} {rates[0]:7.2f} spikes/s {rates[1]:7.2f} spikes/s")

# %%
# Leave it at -1 unless you reproduce a published setting. With an adaptive history it is a lower bound.
#
# The initial state
# -----------------
#
# By default all neurons have just fired. This is simple, but causes a transient as long as the slowest adaptation.
# ``initial="rest"`` starts with neurons that have not fired for a long time, and ``initial="stationary"`` as if the
# network had run for ever.

figure, axes = plt.subplots(3, 1, figsize=(8.0, 6.0), sharex=True, sharey=True, layout="constrained")
for ax, initial in zip(axes, ("fired", "rest", "stationary"), strict=True):
    start = perf_counter()
    result = brunel.simulate(1500.0, dt=0.5, seed=1, initial=initial)
    took = perf_counter() - start
    first, last = (result["E"].activity[window].mean() for window in (slice(0, 600), slice(2400, 3000)))
    print(f"{initial:11} E {first:5.2f} spikes/s in the first 300 ms, {last:5.2f} in the last ({took * 1e3:.0f} ms)")
    gp.plot.activity(result, ax, populations="E", bin=2.0)
    ax.set(title=f'initial="{initial}"', xlabel="", ylabel="E [spikes/s]", ylim=(0.0, 60.0))
    ax.legend(frameon=False, loc="upper right")
axes[-1].set_xlabel("time [ms]")
plt.show()

# %%
# gifpop finds the stationary state once, in a fraction of a second, and keeps it for `gifpop.Simulation.reset`.
#
# Where to go next
# ----------------
#
# - :doc:`plot_4_many_runs`, the next tutorial
# - :doc:`/auto_examples/plot_adaptation_closures`: both closures against neurons, over many parameters
# - :doc:`/closures`: the equations of the carried closure, and where each closure holds
# - :doc:`/history`: how adaptive histories work, and their errors
# - :doc:`/stationary`: how the stationary state is found
