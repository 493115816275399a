"""
Population bursts of depressing excitation
==========================================

400 excitatory neurons whose synapses depress (Tsodyks, Uziel & Markram 2000). While resources recover, the population
comes closer to where excitation outweighs the leak; a fluctuation then grows to a burst, which uses the resources up.
When that happens is a matter of finite size: a mesoscopic population has the same intervals between bursts as its
neurons, because its cohorts carry the state of their members' synapses, and those of each that fire are drawn.

``python plot_population_bursts.py`` shows the figure, ``python plot_population_bursts.py figure.png`` writes it.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

DT, BIN = 0.5, 10.0  # ms
LEVELS = {"micro": "400 neurons", "meso": "one population"}

# %%
# A burst begins where the activity rises above 20 spikes/s; the bins of 100 ms after that belong to it.


def bursts(activity):
    """Return the times at which bursts begin, s."""
    up = activity > 20.0
    begins = np.flatnonzero(up[1:] & ~up[:-1]) + 1
    apart = np.diff(begins, prepend=-100) * BIN > 100.0
    return begins[apart] * BIN / 1000.0


# %%
# Both levels, for two minutes:

figure, axes = plt.subplots(3, 1, figsize=(9.0, 7.0), layout="constrained")
axes[1].sharex(axes[0])
for ax, (level, label) in zip(axes, LEVELS.items(), strict=False):
    result = gp.models.population_bursts().simulate(120_000.0, dt=DT, seed=1, level=level)["E"]
    activity = result.activity.reshape(-1, round(BIN / DT)).mean(axis=1)
    begins = bursts(activity)
    intervals = np.diff(begins)
    text = f"{len(begins)} bursts, {intervals.mean():.2f} s apart, CV {intervals.std() / intervals.mean():.2f}"
    print(f"{label}: {activity.mean():.2f} spikes/s, {text}")
    ax.plot(np.arange(2000) * BIN / 1000.0, activity[:2000], lw=0.9)
    ax.set(title=f"{label}: {text}", ylabel="activity [spikes/s]", xlim=(0.0, 20.0))
    axes[2].plot(
        np.sort(intervals), np.arange(1, len(intervals) + 1) / len(intervals), drawstyle="steps-post", label=label
    )
axes[1].set_xlabel("time [s]")
axes[2].set(xlabel="interval between bursts [s]", ylabel="share of intervals", xlim=(0.0, None), ylim=(0.0, 1.0))
axes[2].legend(frameon=False)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
plt.show()
