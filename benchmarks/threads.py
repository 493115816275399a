"""One thread and several, on an idle machine and beside processes that keep processors busy.

``python -m benchmarks.threads [--threads 2] [--hogs 1] [--rounds 15] [--seconds 0.2] [--case NAME] [--other CHECKOUT]``
prints simulated seconds per second of wall time, and how they compare. Each variant runs in a process of its own; they
take turns, in an order that changes from round to round, so that what slows the machine for a while slows all of them.
Numbers are medians over the rounds; ratios are medians of the ratios within rounds. ``--other`` is a checkout, compiled
in place, of another version of gifpop, to be timed beside this one.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
TRIALS = "trials of Brunel's network"


def cases():
    """Return what is timed: dict of name to network and options of the simulation."""
    import gifpop as gp

    brunel, column = gp.models.brunel, gp.models.potjans_diesmann
    return {
        "Brunel, mesoscopic": (brunel, {"dt": 0.5}),
        "Brunel, 1,000 neurons": (brunel, {"dt": 0.5, "level": "micro"}),
        "Brunel, 10,000 neurons": (partial(brunel, 2000), {"dt": 0.5, "level": "micro"}),
        "column, mesoscopic": (column, {"dt": 0.1}),
        "column with adaptation, mesoscopic": (partial(column, adaptation=True), {"dt": 0.1}),
        "column, 7,717 neurons": (partial(column, 0.1), {"dt": 0.1, "level": "micro"}),
        TRIALS: (brunel, {"dt": 0.5}),
    }


def work(name, threads):
    """Run a case for the duration (ms) on each line of the input; print the seconds that it takes."""
    import gifpop as gp

    warnings.simplefilter("ignore")  # of numbers of connections that are rounded
    build, options = cases()[name]
    net = build()
    if name == TRIALS:
        run = partial(net.simulate, trials=20, keep="mean", seed=1, progress=False, threads=threads, **options)
    else:
        run = gp.Simulation(net, seed=1, progress=False, threads=threads, **options).run
    for line in sys.stdin:
        began = time.perf_counter()
        run(options["dt"] * max(1, round(float(line) / options["dt"])))
        print(time.perf_counter() - began, flush=True)


class Variant:
    """A case with a number of threads, by this version or another one, in a process that waits for orders."""

    def __init__(self, name, threads, checkout):
        # Run as a file: with -m, the gifpop of this folder would come before that of the checkout.
        command = [sys.executable, __file__, "--work", json.dumps([name, threads])]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(checkout)},
        )
        self.times = []

    def run(self, duration):
        """Return the seconds that it takes to simulate a duration (ms)."""
        self._process.stdin.write(f"{duration}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def end(self):
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def busy(n):
    """Keep processors busy with n processes."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def measure(name, versions, threads, rounds, seconds):
    """Return the time of a simulated second (s) in each round, by version and number of threads."""
    variants = {(version, n): Variant(name, n, path) for version, path in versions.items() for n in (1, threads)}
    try:
        first = next(iter(variants.values()))
        duration = 20.0
        for variant in variants.values():
            variant.run(duration)
        while (taken := first.run(duration)) < seconds / 4:
            duration *= min(10.0, 1.5 * seconds / taken)
        duration *= seconds / taken
        for variant in variants.values():
            variant.run(duration / 2)
        order = list(variants)
        for _ in range(rounds):
            random.shuffle(order)
            for key in order:
                variants[key].times.append(variants[key].run(duration) / (1e-3 * duration))
        return {key: variant.times for key, variant in variants.items()}
    finally:
        for variant in variants.values():
            variant.end()


def ratio(times, reference):
    return statistics.median(a / b for a, b in zip(times, reference, strict=True))


def report(times, threads):
    """Return a row of the table: speeds, then times relative to one thread of the same version, and to the other."""
    cells = [f"{1.0 / statistics.median(each):.4g}" for each in times.values()]
    versions = list(dict.fromkeys(version for version, _ in times))
    cells += [f"{ratio(times[version, threads], times[version, 1]):.3f}" for version in versions]
    for other in versions[1:]:
        cells += [f"{ratio(times[versions[0], n], times[other, n]):.3f}" for n in (1, threads)]
    return cells


def heading(versions, threads):
    names = list(versions)
    cells = [f"{name}, {n}" for name in names for n in (1, threads)]
    cells += [f"{name}: time of {threads} to that of 1" for name in names]
    return cells + [f"{n}: time of {names[0]} to that of {other}" for other in names[1:] for n in (1, threads)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--hogs", type=int, action="append", help="busy processes beside; can be repeated")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.2, help="that each piece takes in one thread, about")
    parser.add_argument("--case", action="append", help="a part of the name; can be repeated")
    parser.add_argument("--other", type=Path, help="a checkout of another version, compiled in place")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*json.loads(arguments.work))
        return
    versions = {"this": HERE} | ({"other": arguments.other.resolve()} if arguments.other else {})
    names = [name for name in cases() if not arguments.case or any(part in name for part in arguments.case)]
    for hogs in arguments.hogs or [0, 1]:
        print(f"\n{hogs} busy processes beside; simulated seconds per second, by version and threads\n")
        cells = ["network", *heading(versions, arguments.threads)]
        print(f"| {' | '.join(cells)} |\n|{' --- |' * len(cells)}")
        for name in names:
            with busy(hogs):
                times = measure(name, versions, arguments.threads, arguments.rounds, arguments.seconds)
            print(f"| {name} | {' | '.join(report(times, arguments.threads))} |", flush=True)


if __name__ == "__main__":
    main()
