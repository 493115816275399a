"""
Plots of results
================

All functions of `gifpop.plot`: activities, a raster, potentials, spectra, and both levels on top of each other, for
Brunel's network with a step of the drive by 10 mV at 600 ms.

``python plot_pictures.py`` shows the figure, ``python plot_pictures.py figure.png`` writes it. If a folder follows, the
single plots of :doc:`/plots` are written there.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

import gifpop as gp

net = gp.models.brunel(step=(600.0, 10.0))
common = {"dt": 0.5, "initial": "stationary", "seed": 1}
meso = net.simulate(1000.0, **common)
micro = net.simulate(1000.0, level="micro", record=["V_m"], record_neurons=4, **common)
trials = net.simulate(1000.0, trials=20, **common)
micro_trials = net.simulate(1000.0, level="micro", trials=20, **common)

# %%
# Each function draws into given axes, so that you can combine plots in one figure, here as a mosaic.

figure = plt.figure(figsize=(13.0, 9.0), layout="constrained")
axes = figure.subplot_mosaic(
    [["activity", "raster"], ["trials", "raster"], ["traces", "rates"], ["response", "power"]],
    height_ratios=(1.0, 1.0, 1.0, 1.2),
)
gp.plot.activity(meso, axes["activity"], bin=2.0)
gp.plot.activity(trials, axes["trials"], populations="E", bin=2.0)
gp.plot.raster(micro, (axes["raster"], axes["rates"]))
gp.plot.traces(micro, ax=axes["traces"], neurons=2)
gp.plot.compare((trials, micro_trials), (axes["response"], axes["power"]), populations="E", bin=5.0, segment=500.0)
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
plt.show()

# %%
# Without axes, each makes its own figure.

if len(sys.argv) > 2:
    pictures = {
        "activity": gp.plot.activity(meso, bin=2.0),
        "trials": gp.plot.activity(trials, bin=2.0, time=(500.0, 800.0)),
        "raster": gp.plot.raster(micro, bin=10.0)[0],
        "traces": gp.plot.traces(micro, neurons=2),
        "spectrum": gp.plot.spectrum(trials, segment=250.0),
        "compare": gp.plot.compare((trials, micro_trials), populations="E", bin=5.0, segment=250.0)[0],
    }
    for name, ax in pictures.items():
        ax.figure.savefig(Path(sys.argv[2]) / f"plot_{name}.png", dpi=80, pil_kwargs={"optimize": True})
