"""Error and cost of adaptive histories against their tolerance (the table of docs/history.md).

``python -m benchmarks.history_error`` replays spike counts that an exact history of four times the automatic length has
made, and compares expected counts; then it times simulations, in turns, so that changes of the machine's speed hit all.
"""

import argparse
import statistics
import time
from dataclasses import replace

import numpy as np

import gifpop as gp
from gifpop.meso.plan import automatic_history

TOLERANCES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)

# network, step in ms, steps of the replay, steps left out at its start, steps of a timed run, populations to report
CASES = {
    "seed network": (gp.models.brunel(), 0.5, 40_000, 14_000, 8_000, ("E", "I")),
    "column with adaptation": (
        gp.models.potjans_diesmann(adaptation=True),
        0.1,
        80_000,
        40_000,
        4_000,
        ("4E", "5E", "5I"),
    ),
    "column": (gp.models.potjans_diesmann(), 0.1, 40_000, 10_000, 4_000, ("4E", "5E", "5I")),
}


def converged(net, dt):
    """Return the network with exact histories of four times the automatic length."""
    copy = net.copy()
    for name, population in net.populations.items():
        copy.populations[name] = replace(population, len_kernel=4 * automatic_history(population.cell, dt))
    return copy


def errors(net, exact, dt, steps, drop, options):
    """Return rms and mean error of each population, relative to its mean expected count, and its cohorts and cells."""
    counts = {name: exact[name].counts for name in net.populations}
    sim = gp.Simulation(net, dt=dt, counts=counts, progress=False, **options)
    result = sim.run(steps * dt)
    cells = [int(plan.state["cohorts"][0] + plan.state["cells"][0]) for plan in sim._engine.plans]
    table = {}
    for name, size in zip(net.populations, cells, strict=True):
        expected = exact[name].mean[drop:]
        error = (result[name].mean[drop:] - expected) / expected.mean()
        table[name] = np.sqrt(np.mean(error**2)), error.mean(), size
    return table


def nanoseconds(net, dt, steps, choices, repetitions):
    """Return the time of one step of one population for each choice of options, medians of interleaved runs."""
    sims = [gp.Simulation(net, dt=dt, seed=1, progress=False, **options) for options in choices]
    times = [[] for _ in sims]
    for repetition in range(repetitions + 1):
        for sim, seconds in zip(sims, times, strict=True):
            began = time.perf_counter()
            sim.run(steps * dt)
            if repetition > 0:  # the first fills the histories
                seconds.append(time.perf_counter() - began)
    return [statistics.median(seconds) / steps / len(net.populations) * 1e9 for seconds in times]


def report(title, net, dt, steps, drop, timed_steps, shown, repetitions, adaptation):
    """Print the table of one network."""
    labels = ["exact", *(f"{tolerance:g}" for tolerance in TOLERANCES)]
    choices = [{"history": "exact"}, *({"history": "adaptive", "tolerance": tolerance} for tolerance in TOLERANCES)]
    choices = [{**options, "adaptation": adaptation} for options in choices]
    exact = converged(net, dt).simulate(steps * dt, dt=dt, seed=1, progress=False, **choices[0])
    times = nanoseconds(net, dt, timed_steps, choices, repetitions)
    print(f"\n{title}, dt {dt} ms\n")
    print("| tolerance | " + " | ".join(f"{name}: rms, bias, cells" for name in shown) + " | ns |")
    print("| --- " * (len(shown) + 2) + "|")
    for label, options, ns in zip(labels, choices, times, strict=True):
        table = errors(net, exact, dt, steps, drop, options)
        columns = ("{:.1e}, {:+.1e}, {}".format(*table[name]) for name in shown)
        print(f"| {label} | " + " | ".join(columns) + f" | {ns:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("case", nargs="*", help="part of the name of a case; all by default")
    parser.add_argument("--repetitions", type=int, default=7, help="timed runs of each")
    parser.add_argument("--adaptation", choices=("carried", "quasi-renewal"), default="carried")
    arguments = parser.parse_args()
    for title, case in CASES.items():
        if not arguments.case or any(part in title for part in arguments.case):
            report(title, *case, arguments.repetitions, arguments.adaptation)


if __name__ == "__main__":
    main()
