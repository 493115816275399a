"""
Working memory in facilitated synapses
======================================

Two populations of 800 excitatory neurons, one for each item, and inhibition (after Mongillo, Barak & Tsodyks 2008). A
cue of 350 ms loads the first item: its synapses stay facilitated, and bursts of the population renew that several times
a second, though neurons fire at only some 5 spikes/s. Another cue loads the second one, and the two burst in turn,
until one is lost to a fluctuation. Populations do what their neurons do.

``python plot_working_memory.py`` shows the figure, ``python plot_working_memory.py figure.png`` writes it.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

DT, BIN = 0.5, 20.0  # ms
LEVELS = {"micro": "2,000 neurons", "meso": "three populations"}
CUES = [(2000.0, 1), (8000.0, 2)]

figure, axes = plt.subplots(4, 1, figsize=(9.0, 8.0), sharex=True, sharey=True, layout="constrained")
for pair, (level, label) in zip(axes.reshape(2, 2), LEVELS.items(), strict=True):
    result = gp.models.working_memory(cues=CUES).simulate(14_000.0, dt=DT, seed=2, level=level)
    for ax, (begin, item) in zip(pair, CUES, strict=True):
        activity = result[str(item)].activity.reshape(-1, round(BIN / DT)).mean(axis=1)
        ax.plot(np.arange(len(activity)) * BIN / 1000.0, activity, lw=0.8, color=f"C{item - 1}")
        ax.axvspan(begin / 1000.0, begin / 1000.0 + 0.35, color="0.85", lw=0)
        ax.set(title=f"{label}: item {item}", ylabel="spikes/s")
axes[-1].set(xlabel="time [s]", xlim=(0.0, 14.0), ylim=(0.0, None))

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
plt.show()
