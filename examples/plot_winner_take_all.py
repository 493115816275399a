"""
Winner-take-all: two populations that compete
=============================================

Two excitatory populations of 400 neurons share one inhibitory population of 200. One wins for some seconds, until a
fluctuation lets the other one win: a finite-size effect that the mesoscopic equations reproduce (Schwalger, Deger &
Gerstner 2017, Fig. 7). With adaptation the winner tires, and switches are more regular.

``python plot_winner_take_all.py`` shows the figure, ``python plot_winner_take_all.py figure.png`` writes it.
"""

import sys

import matplotlib.pyplot as plt

import gifpop as gp

figure, axes = plt.subplots(2, 1, figsize=(9.0, 5.0), sharex=True, layout="constrained")
for ax, adaptation in zip(axes, (False, True), strict=True):
    result = gp.models.winner_take_all(adaptation).simulate(60_000.0, dt=0.5, seed=2)
    activity = result.activity.reshape(-1, 100, 3).mean(axis=1)  # bins of 50 ms
    t = result.t.reshape(-1, 100).mean(axis=1) / 1000.0
    for i, name in enumerate(result.names[:2]):
        ax.plot(t, activity[:, i], lw=0.9, label=name)
    ax.set(title="with adaptation" if adaptation else "without adaptation", ylabel="activity [spikes/s]")
    ax.set_ylim(0.0, 28.0)
axes[0].legend(frameon=False, ncols=2, loc="upper right")
axes[1].set_xlabel("time [s]")

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
plt.show()
