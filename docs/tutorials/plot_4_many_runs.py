"""
4. Many runs
============

Statistics need many runs, and models have many parameters. This tutorial runs a network in trials, changes it between
runs, saves and continues it, and sweeps over its parameters. The last two parts need xarray and zarr from the extra
``sweep``, and Python 3.11 or newer: ``pip install 'gifpop[sweep]'`` (:doc:`/install`). All files are written to a
folder that is deleted at the end.
"""

# %%
# Trials
# ------
#
# The drive of Brunel's network steps up by 10 mV at 200 ms. ``trials=100`` runs the network a hundred times in one
# call. Results have an additional first dimension; everything that does not change is built once.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

folder = tempfile.TemporaryDirectory()
files = Path(folder.name)

net = gp.models.brunel(step=(200.0, 10.0))
common = {"dt": 0.5, "initial": "stationary"}
result = net.simulate(400.0, trials=100, seed=1, **common)
print("activity:", result.activity.shape, "trials, steps, populations")
print("trial 7, spikes of E in the first ten steps:", result.trial(7)["E"].counts[:10])

# %%
# Each trial has its own seed, made from ``seed`` and its number. So trial 7 is the same whether it runs alone, with
# ninety-nine others, or on another machine with ``trials=range(10)``.

alone = net.simulate(400.0, trials=[7], seed=1, **common)
assert np.array_equal(alone.counts[0], result.counts[7])

ax = gp.plot.activity(result, bin=2.0, populations="E")
ax.set_title("100 trials: mean, and standard deviation as a band")
plt.show()

# %%
# What to keep
# ------------
#
# A thousand trials of many populations may not fit into memory. ``keep="mean"`` keeps only means, variances and mean
# spectra over trials, computed while they run. If ``keep`` is a function, its return value for each trial is kept; here
# the height and time of the response to the step.

summary = net.simulate(400.0, trials=100, seed=1, keep="mean", **common)
print(summary)
print("the same mean:", np.allclose(summary.activity, result.activity.mean(axis=0), rtol=1e-12, atol=1e-9))


def answer(trial):
    """Return the height of the peak of E in bins of 2 ms, and its time after the step."""
    binned = trial["E"].activity[400:].reshape(-1, 4).mean(axis=1)
    return {"height": binned.max(), "latency": 2.0 * binned.argmax() + 1.0}


peaks = net.simulate(400.0, trials=500, seed=1, keep=answer, **common)
print(f"height {peaks['height'].mean():.1f} +- {peaks['height'].std():.1f} spikes/s (mean and standard deviation)")
print(f"latency {np.median(peaks['latency']):.0f} ms (median), 90 % below {np.quantile(peaks['latency'], 0.9):.0f} ms")

figure, ax = plt.subplots(figsize=(5.5, 4.0), layout="constrained")
ax.plot(peaks["latency"] + np.random.default_rng(1).uniform(-1.0, 1.0, 500), peaks["height"], ".", color="#0072B2")
ax.set(xlabel="time of the peak after the step [ms]", ylabel="height [spikes/s]", title="500 answers to the step")
plt.show()

# %%
# Most responses peak within 30 ms. In some trials a later oscillation happens to be higher.
#
# ``warmup=500.0`` does not record the first 500 ms of every trial, for networks with a transient. It is part of the
# duration. With ``initial="stationary"``, as here, there is no transient (:doc:`/stationary`).
# ``threads=8`` runs eight trials at a time, with the same results (:doc:`/trials`).
#
# One simulation, changed between runs
# ------------------------------------
#
# A `gifpop.Simulation` holds the state of a network. `gifpop.Simulation.run` advances it, `gifpop.Simulation.set`
# changes everything except structure, from the next step on, and `gifpop.Simulation.reset` returns to the initial
# state, with the network as it is now.

sim = gp.Simulation(gp.models.brunel(), seed=1, **common)
sim.run(300.0)
sim.set(("I", "E"), weight=0.0)  # no inhibition of E
sim.run(100.0)
sim.set(("I", "E"), weight=-62.5)
sim.run(300.0)
whole = sim.result()  # of all runs since the start
ax = gp.plot.activity(whole, bin=2.0)
ax.axvspan(300.0, 400.0, color="0.9", zorder=0)
ax.set_title("E without inhibition from 300 to 400 ms")
plt.show()

# %%
# Save, and continue several times
# --------------------------------
#
# `gifpop.Simulation.save` writes the whole state: spikes in transit, history, random streams. `gifpop.Simulation.load`
# continues bit for bit, in another process or next week. So you can continue one past in several ways.

sim.reset()
sim.run(200.0)
sim.save(files / "branch.npz")
print(f"saved at {sim.time} ms: {(files / 'branch.npz').stat().st_size / 1e3:.0f} kB")

figure, ax = plt.subplots(figsize=(8.0, 3.8), layout="constrained")
for drive, color, style in ((200.0, "#D55E00", ":"), (300.0, "black", "-"), (400.0, "#0072B2", "--")):
    branch = gp.Simulation.load(files / "branch.npz")
    for name in ("E", "I"):
        branch.set(name, I_e=drive)
    branch.run(200.0)
    E = branch.result()["E"]
    ax.plot(E.t, E.rate, color=color, ls=style, lw=1.2, label=f"I_e = {drive:g} pA")
ax.axvline(200.0, color="0.8", zorder=0)
ax.set(xlabel="time [ms]", ylabel="E: expected activity [spikes/s]", title="One past, three futures")
ax.legend(frameon=False)
plt.show()

# %%
# :doc:`/save_and_restore` tells more: runs of days in jobs of hours, and guarantees between machines.
#
# A sweep
# -------
#
# `gifpop.sweep` simulates every point of a grid of parameters. It takes a function that returns the network of a point,
# and one that returns the values to keep; without the second, it keeps mean rates.


def build(g, drive):
    """Return Brunel's network with inhibition g times as strong as excitation and a drive in mV."""
    cell = gp.GIF(tau_m=20.0, Delta_V=2.5, I_e=12.5 * drive, tau_sfa=[100.0], q_sfa=[5.0])
    net = gp.Network()
    net.population("E", 800, cell)
    net.population("I", 200, cell)
    for post in ("E", "I"):
        net.connect("E", post, weight=25.0, p=0.2)
        net.connect("I", post, weight=-25.0 * g, p=0.2)
    return net


def measure(result):
    """Return rate and standard deviation of the activity of E (bins of 5 ms) in each trial."""
    binned = result["E"].activity.reshape(len(result.trials), -1, 10).mean(axis=-1)
    return {"rate": ("trial", binned.mean(axis=-1), {"units": "Hz"}), "deviation": ("trial", binned.std(axis=-1))}


options = {"duration": 500.0, "warmup": 250.0, "dt": 0.5}
grid = {"g": np.linspace(1.5, 5.5, 5), "drive": np.linspace(18.0, 34.0, 5)}
data = gp.sweep(
    build, grid, options, trials=4, seed=1, measure=measure, store=files / "sweep.zarr", units={"drive": "mV"}
)
print(data)

# %%
# The result is an xarray dataset, with the parameters as dimensions. Each point is written to the store as soon as it
# finishes. Called again, after an interrupt or with more values, a sweep runs only the missing points.

grid["g"] = np.linspace(1.5, 5.5, 9)
data = gp.sweep(
    build, grid, options, trials=4, seed=1, measure=measure, store=files / "sweep.zarr", units={"drive": "mV"}
)
print(f"{data.rate[..., 0].size} points, of which {5 * 5} were there already")

figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
rate, deviation = data.rate.mean("trial"), data.deviation.mean("trial")
rate.plot(ax=left, x="g", cmap="viridis", cbar_kwargs={"label": "mean rate of E [spikes/s]"})
(deviation / rate).plot(ax=right, x="g", cmap="magma", cbar_kwargs={"label": "standard deviation / mean"})
left.set(title="Rate", xlabel="inhibition g", ylabel="drive [mV]")
right.set(title="Fluctuations of the activity", xlabel="inhibition g", ylabel="drive [mV]")
plt.show()

# %%
# Points run in threads, one per core. ``executor="processes"`` uses processes instead, for which a script needs the
# guard ``if __name__ == "__main__":``; ``client=`` uses a cluster (:doc:`/sweeps`).
#
# To other programs
# -----------------
#
# ``to_xarray`` converts a single result to a dataset, with names, units, and the seeds to repeat the run. ``to_neo``
# and ``to_dataframe`` do the same for Neo and pandas, from the extra ``export`` (:doc:`/results`).

table = result.to_xarray()
response = table.activity.sel(population="E", time=slice(200.0, 250.0)).mean("trial")
print(f"highest mean activity of E: {float(response.max()):.1f} Hz at {float(response.idxmax('time'))} ms")
print({name: table.attrs[name] for name in ("source", "dt", "level", "seed")})

folder.cleanup()

# %%
# Where to go next
# ----------------
#
# - :doc:`plot_5_cortical_column`, the next tutorial
# - :doc:`/trials`, :doc:`/rerun`, :doc:`/save_and_restore`, :doc:`/sweeps`, :doc:`/results`: a page for each of these
# - :doc:`/auto_examples/plot_sweep`: a finer sweep, and a measure of synchrony
