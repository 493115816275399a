"""Wall time of a sweep of 1,000 points (the table of docs/sweeps.md), in threads and in processes.

``python -m benchmarks.sweep`` sweeps inhibition and drive of the seed network, 10 trials of 1 s at each point, and says
how long a plain loop over some of the points takes, for one core.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import gifpop as gp
from benchmarks import machine

SIMULATE = {"duration": 1000.0, "dt": 0.5}
TRIALS = 10
LOOP = 100  # points of the plain loop


def build(g, I_e):
    """Return the seed network, whose own values are g = 2.5 and I_e = 300 pA."""
    cell = gp.GIF(C_m=250.0, tau_m=20.0, Delta_V=2.5, I_e=I_e, tau_sfa=[100.0, 1000.0], q_sfa=[10.0, 1.0])
    net = gp.Network()
    for name, N in (("E", 800), ("I", 200)):
        net.population(name, N, cell)
    for post in ("E", "I"):
        net.connect("E", post, weight=25.0, p=0.2)
        net.connect("I", post, weight=-25.0 * g, p=0.2)
    return net


def timed(action):
    """Return the wall time and the processor time (s) that an action takes in this process and its children."""
    began, used = time.perf_counter(), sum(os.times()[:4])
    action()
    return time.perf_counter() - began, sum(os.times()[:4]) - used


def plain_loop(parameters):
    """Simulate and measure some points one after the other."""
    points = [(g, I_e) for g in parameters["g"] for I_e in parameters["I_e"]]
    for g, I_e in points[:: max(1, len(points) // LOOP)][:LOOP]:
        build(g, I_e).simulate(**SIMULATE, trials=TRIALS, seed=1).activity.mean(axis=1)


def main(arguments=None):
    """Measure, in turns, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--points", type=int, nargs=2, default=(25, 40), help="values of the two parameters")
    parser.add_argument("--workers", type=int, default=machine.cores())
    parser.add_argument("--case", default="", help="part of the names of the cases to run")
    options = parser.parse_args(arguments)
    parameters = {"g": np.linspace(2.0, 6.0, options.points[0]), "I_e": np.linspace(250.0, 400.0, options.points[1])}
    size = options.points[0] * options.points[1]

    def sweep(executor, stored):
        with tempfile.TemporaryDirectory() as folder:
            data = gp.sweep(
                build,
                parameters,
                SIMULATE,
                trials=TRIALS,
                seed=1,
                executor=executor,
                workers=options.workers,
                store=Path(folder) / "s.zarr" if stored else None,
            )
            assert (data.status == "finished").all()

    cases = {f"a plain loop over {min(size, LOOP)} points": lambda: plain_loop(parameters)}
    for executor in ("threads", "processes"):
        for stored in (False, True):
            name = f"{size} points, {options.workers} {executor}, {'with' if stored else 'without'} a store"
            cases[name] = lambda executor=executor, stored=stored: sweep(executor, stored)
    cases = {name: action for name, action in cases.items() if options.case in name}
    print(machine.describe()["name"])
    times = {name: [] for name in cases}
    for _ in range(options.repetitions):
        for name, action in cases.items():
            times[name].append(timed(action))
    for name, values in times.items():
        wall, processor = map(statistics.median, zip(*values, strict=True))
        print(f"{name}: {wall:.1f} s, processor time {processor:.1f} s")


if __name__ == "__main__":
    main()
