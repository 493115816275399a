"""
1. From NEST
============

A script for NEST runs in gifpop with one line changed. This tutorial starts from such a script, rewrites it for
gifpop's own interface, checks that both give the same results, and shows what the own interface offers. It only needs
gifpop, not NEST.
"""

# %%
# A script for NEST
# -----------------
#
# Brunel's network of NEST's gallery has an excitatory and an inhibitory population of adapting neurons, each a
# ``gif_pop_psc_exp``. At 1500 ms the drive of all neurons steps up by 250 pA. NEST 3.10 runs the same script, with
# ``import nest`` instead.
#
# A script that cannot be changed, or that also says ``import nest.raster_plot``, runs as it is by ``python -m gifpop
# nest script.py``; in a notebook, ``gifpop.nest.install()`` makes ``import nest`` import ``gifpop.nest``. Without
# either, ``import nest.raster_plot`` imports NEST itself, and the name ``nest`` means NEST from then on.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp
import gifpop.nest as nest

neuron = {
    "C_m": 250.0,
    "tau_m": 20.0,
    "E_L": 0.0,
    "V_reset": 0.0,
    "V_T_star": 15.0,
    "Delta_V": 2.5,
    "lambda_0": 10.0,
    "t_ref": 4.0,
    "I_e": 300.0,
    "tau_syn_ex": 3.0,
    "tau_syn_in": 6.0,
    "tau_sfa": [100.0, 1000.0],
    "q_sfa": [10.0, 1.0],
}


def simulate_with_nest(seed, duration=2000.0):
    """Return what the multimeter has recorded, by population."""
    nest.ResetKernel()
    nest.resolution = 0.5
    nest.rng_seed = seed
    E = nest.Create("gif_pop_psc_exp", params={**neuron, "N": 800})
    I = nest.Create("gif_pop_psc_exp", params={**neuron, "N": 200})
    for post in (E, I):  # connection probability 0.2, as a factor of the weight
        nest.Connect(E, post, syn_spec={"weight": 0.2 * 25.0, "delay": 1.0})
        nest.Connect(I, post, syn_spec={"weight": 0.2 * -62.5, "delay": 1.0})
    step = nest.Create("step_current_generator", params={"amplitude_times": [1500.0], "amplitude_values": [250.0]})
    nest.Connect(step, E + I, syn_spec={"delay": 0.5})
    meter = nest.Create("multimeter", params={"record_from": ["n_events", "mean"], "interval": 0.5})
    nest.Connect(meter, E + I, syn_spec={"delay": 0.5})
    nest.Simulate(duration + 0.5)  # the multimeter reads the last step one step later
    events = meter.events
    return {
        name: {key: events[key][events["senders"] == population.global_id] for key in ("times", "n_events", "mean")}
        for name, population in (("E", E), ("I", I))
    }


# %%
# The multimeter records spike counts (``n_events``) and expected counts (``mean``) of every step. Divide them by the
# number of neurons and the length of a step to get the activity and expected activity of a population.

recorded = simulate_with_nest(seed=1)
per_second = {"E": 1e3 / (800 * 0.5), "I": 1e3 / (200 * 0.5)}  # a count as spikes/s

figure, axes = plt.subplots(2, 1, figsize=(8.0, 4.5), sharex=True, layout="constrained")
for ax, (name, events), color in zip(axes, recorded.items(), ("#0072B2", "#D55E00"), strict=True):
    ax.plot(events["times"], events["n_events"] * per_second[name], color=color, alpha=0.4, lw=0.7, label="activity")
    ax.plot(events["times"], events["mean"] * per_second[name], color=color, lw=1.2, label="expected")
    ax.set_ylabel(f"{name} [spikes/s]")
    ax.legend(frameon=False, loc="upper left")
axes[0].set(xlim=(1300.0, 2000.0), title="A script for NEST, run by gifpop.nest")
axes[1].set_xlabel("time [ms]")
plt.show()

# %%
# The same network in gifpop
# --------------------------
#
# A `gifpop.Network` is a description. It consists of populations, not nodes; weights and probabilities are those of
# single synapses, so that the same description works for neurons, too. State, random numbers and records belong to a
# run.

cell = gp.GIF(**neuron)

net = gp.Network()
E = net.population("E", 800, cell)
I = net.population("I", 200, cell)
for post in (E, I):
    net.connect(E, post, weight=25.0, p=0.2, delay=1.0)
    net.connect(I, post, weight=-62.5, p=0.2, delay=1.0)
    net.inject(post, gp.StepCurrent(times=[1500.0], values=[250.0]), delay=0.5)

result = net.simulate(2000.0, dt=0.5, seed=1)
for population in result:
    before, after = population.activity[2000:3000].mean(), population.activity[3000:].mean()
    print(f"{population.name}: {before:.1f} spikes/s before the step, {after:.1f} after it")

# %%
# What corresponds to what
# ------------------------
#
# .. list-table::
#    :header-rows: 1
#    :widths: 50 50
#
#    * - NEST, and ``gifpop.nest``
#      - `gifpop`
#    * - ``Create("gif_pop_psc_exp", params={"N": 800, ...})``
#      - ``net.population("E", 800, cell)`` and ``level="meso"``
#    * - ``Create("gif_psc_exp", 800, ...)``, with ``g_L``
#      - the same population and ``level="micro"``; ``tau_m`` is ``C_m / g_L``
#    * - ``Connect`` of populations, weight times probability
#      - ``net.connect(E, I, weight=..., p=...)``
#    * - ``"fixed_indegree"``, ``"pairwise_bernoulli"``, ...
#      - ``rule=gp.FixedIndegree(160)``, `gifpop.PairwiseBernoulli`, ...
#    * - ``step_current_generator``, ``dc_generator``
#      - `gifpop.StepCurrent`, `gifpop.DirectCurrent`; `gifpop.Waveform` for any other current
#    * - ``poisson_generator``, ``spike_generator``
#      - `gifpop.PoissonSpikes`, with ``shared=True`` onto a population (one train for all its neurons, as in NEST;
#        otherwise each neuron has its own), `gifpop.SpikeTimes`
#    * - ``multimeter`` of ``n_events`` and ``mean``
#      - always recorded: ``result["E"].counts`` and ``.mean``; ``.activity`` and ``.rate`` in spikes/s
#    * - ``multimeter`` of ``V_m``, ``E_sfa``, ``I_syn_ex``, ...
#      - ``record={"E": ["V_m"]}``, ``record_interval=``, ``record_neurons=``
#    * - ``spike_recorder``
#      - always there: ``result["E"].spikes``
#    * - ``resolution``, ``rng_seed``, ``local_num_threads``
#      - ``dt=``, ``seed=``, ``threads=``
#    * - ``Simulate`` several times, ``population.set`` between
#      - `gifpop.Simulation`: ``run``, ``set``, ``reset``, ``save``, ``load``
#
# Units are the same everywhere: ms, mV, pA, pF, spikes/s. So are the names of parameters. Time stamps are the ends of
# steps, so that ``result.t`` begins with ``dt``.
#
# Only the delay of the step current above looks different. In NEST every device is connected with a delay of at least
# one step, and its current acts one step later than its times say. In gifpop an input has no delay unless you set one,
# and ``values[i]`` acts from ``times[i]`` on.

# %%
# What differs on purpose
# -----------------------
#
# gifpop's own interface departs from NEST in three defaults, which you can change:
#
# .. list-table::
#    :header-rows: 1
#    :widths: 22 28 50
#
#    * - option
#      - as in NEST
#      - default, and why
#    * - ``adaptation``
#      - ``"quasi-renewal"``
#      - ``"carried"`` follows neurons that adapt strongly: :doc:`/closures`
#    * - ``history``
#      - ``"exact"``
#      - ``"adaptive"`` is much faster, with errors of 1e-4: :doc:`/history`
#    * - ``initial``
#      - ``"nest"``
#      - ``"fired"``: as in NEST, but with potentials at ``E_L`` instead of 0 mV
#
# Three differences always remain. Random numbers differ. NEST's history update corrects the threshold with the wrong
# one of the old spike counts, gifpop with the right one. And single neurons take the same steps in time as populations
# (:doc:`/theory`); :doc:`/correctness` lists all differences.

# %%
# Do both agree? First check: rates
# ---------------------------------
#
# Random numbers differ between the two, so compare averages: the mean rates between 500 and 1500 ms, before the step,
# in twenty runs of each.

as_nest = {"dt": 0.5, "adaptation": "quasi-renewal", "history": "exact", "initial": "nest"}
own = net.simulate(2000.0, trials=20, seed=1, **as_nest).activity[:, 1000:3000].mean(axis=1)
other = np.array(
    [
        [run[name]["n_events"][1000:3000].mean() * per_second[name] for name in ("E", "I")]
        for run in (simulate_with_nest(seed, duration=1500.0) for seed in range(1, 21))
    ]
)
for face, rates in (("gifpop.nest", other), ("gifpop", own)):
    mean, error = rates.mean(axis=0), rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    print(f"{face:12} E {mean[0]:.3f} +- {error[0]:.3f}   I {mean[1]:.3f} +- {error[1]:.3f} spikes/s")

# %%
# Second check: replay
# --------------------
#
# Replay removes randomness altogether. If spike counts are prescribed, a population draws nothing, and its expected
# counts must be the same in every step. A wrong parameter shows at once: below, the spikes are replayed a second time,
# with a delay of 2 ms instead of 1 ms from I to E.

counts = {name: events["n_events"].astype(int) for name, events in recorded.items()}
sim = gp.Simulation(net, counts=counts, **as_nest)
replay = sim.run(2000.0)
sim.reset()
sim.set((I, E), delay=2.0)
wrong = sim.run(2000.0)

for what, run in (("the same delays", replay), ("another delay", wrong)):
    difference = np.abs(run["E"].mean - recorded["E"]["mean"]).max()
    print(f"{what:16} largest difference of expected counts {difference:.3g}, of at most {run['E'].mean.max():.1f}")

figure, ax = plt.subplots(figsize=(8.0, 3.5), layout="constrained")
ax.plot(replay.t, recorded["E"]["mean"] * per_second["E"], color="0.75", lw=5.0, label="script for NEST")
ax.plot(replay.t, replay["E"].rate, color="#0072B2", lw=1.2, label="replay")
ax.plot(replay.t, wrong["E"].rate, color="#D55E00", lw=1.2, ls="--", label="replay, inhibition 1 ms late")
ax.set(xlim=(1490.0, 1670.0), xlabel="time [ms]", ylabel="E: expected activity [spikes/s]")
ax.set_title("Replay of the same spike counts")
ax.legend(frameon=False)
plt.show()

# %%
# You can replay counts recorded with NEST in the same way. For the counts of this script in NEST 3.10, expected counts
# are the same up to rounding (1e-9) until 1385 ms, when the initial volley of all neurons leaves the history. Then
# NEST's update goes wrong: single expected counts differ by up to 5 %, their mean over the run by 1.5e-4.

# %%
# What is not supported
# ---------------------
#
# gifpop lacks models other than ``gif_pop_psc_exp`` and ``gif_psc_exp``, plasticity, spatial networks, and MPI. If a
# script uses something that gifpop lacks, a ``nest.NESTError`` names it; gifpop never ignores it silently.


def try_it(name, action):
    """Print the error that an unsupported action raises."""
    try:
        action()
    except nest.NESTError as error:
        print(f"{name}:\n    {error}")


nest.ResetKernel()
neurons = nest.Create("gif_psc_exp", 2)
try_it("another model", lambda: nest.Create("iaf_psc_alpha"))
try_it("plasticity", lambda: nest.Connect(neurons, neurons, syn_spec={"synapse_model": "stdp_synapse"}))
try_it("a missing function", lambda: nest.TripartiteConnect(neurons, neurons, neurons))
try_it("a wrong value", lambda: nest.Create("gif_pop_psc_exp", params={"tau_m": -20.0}))

# %%
# Why use gifpop's own interface
# ------------------------------
#
# A script for NEST uses NEST's exact history, which keeps every past step separately. gifpop's default merges past
# steps, more coarsely the longer ago they are. The times below are for 2 s of the network above, on the machine that
# built this page, possibly under other load.


def seconds(action):
    """Return the shortest of three run times, s."""
    times = []
    for _ in range(3):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return min(times)


print(f"script for NEST, exact history   {seconds(lambda: simulate_with_nest(1)) * 1e3:6.1f} ms")
print(f"net.simulate, exact history      {seconds(lambda: net.simulate(2000.0, **as_nest)) * 1e3:6.1f} ms")
print(f"net.simulate, adaptive history   {seconds(lambda: net.simulate(2000.0, dt=0.5)) * 1e3:6.1f} ms")

# %%
# Scripts for NEST can use adaptive histories, too: set ``nest.gifpop_history = "adaptive"`` before creating
# populations. Carried adaptation is only available in gifpop's own interface.
#
# A second reason is trials: many runs in one call, with nothing built twice. Their mean is the response to the step,
# and the band around it shows the fluctuations of single runs.

trials = net.simulate(2000.0, dt=0.5, trials=50, seed=1)
ax = gp.plot.activity(trials, bin=2.0, time=(1400.0, 1800.0))
ax.set_title("50 trials: mean and standard deviation")
plt.show()

# %%
# A third reason: ``level="micro"`` simulates all neurons of the same description.
#
# Where to go next
# ----------------
#
# - :doc:`plot_2_one_network_two_levels`, the next tutorial
# - :doc:`/auto_examples/gif_pop_psc_exp_nest`: NEST's complete gallery example, with one line changed
# - :doc:`/auto_examples/gif_population_nest`: neurons in a script for NEST
# - :doc:`/reference/nest`: all names, models and settings of ``gifpop.nest``
# - :doc:`/rerun`: changes between two runs
# - :doc:`/speed`: gifpop's speed compared with NEST's
