"""Many trials of one network: gifpop in one call, NEST run again and again, NEST in a pool of processes.

``python -m benchmarks.many_trials [--trials 100] [--duration 2000] [--processes 2] [--level meso]`` prints the table of
docs/trials.md: the wall time of all trials of Brunel's network with adaptation at a step of 0.5 ms. NEST begins each
trial with ``ResetKernel`` and builds the network, since nothing else takes it back to its initial state; the processes
of the pool are started before the clock. Without NEST, gifpop alone is timed.
"""

import argparse
import statistics
import time
from multiprocessing import get_context

import gifpop as gp
from benchmarks import machine

DT = 0.5
INITIAL = {"meso": "fired", "micro": "rest"}  # as in NEST


def gifpop_trials(level, trials, duration, **options):
    """Return the seconds that all trials take; the counts of each are kept."""
    began = time.perf_counter()
    gp.models.brunel().simulate(
        duration, dt=DT, level=level, trials=trials, seed=1, initial=INITIAL[level], progress=False, **options
    )
    return time.perf_counter() - began


def gifpop_runs(level, trials, duration):
    """Return the seconds that single runs of gifpop take, each of which builds its simulation."""
    net, began = gp.models.brunel(), time.perf_counter()
    for seed in range(trials):
        net.simulate(duration, dt=DT, level=level, seed=seed, initial=INITIAL[level], progress=False)
    return time.perf_counter() - began


def nest_trial(level, seed, duration):
    """Run one trial with NEST in this process."""
    from benchmarks.programs import nest

    nest.build(gp.models.brunel(), DT, level, seed)(duration)


def nest_runs(level, trials, duration):
    nest_trial(level, 0, DT)  # the first one compiles and loads
    began = time.perf_counter()
    for seed in range(trials):
        nest_trial(level, seed, duration)
    return time.perf_counter() - began


def nest_pool(level, trials, duration, processes):
    with get_context("spawn").Pool(processes) as pool:
        pool.starmap(nest_trial, [(level, seed, DT) for seed in range(4 * processes)])
        began = time.perf_counter()
        pool.starmap(nest_trial, [(level, seed, duration) for seed in range(trials)], chunksize=1)
        return time.perf_counter() - began


def programs(level, trials, duration, processes):
    """Return what is timed: dict of name to function, gifpop's first; NEST's where it is installed."""
    timed = {
        "gifpop, single runs": lambda: gifpop_runs(level, trials, duration),
        "gifpop, trials": lambda: gifpop_trials(level, trials, duration),
        f"gifpop, trials, {processes} threads": lambda: gifpop_trials(level, trials, duration, threads=processes),
    }
    if level == "meso":
        timed[f"gifpop, trials, exact history, {processes} threads"] = lambda: gifpop_trials(
            level, trials, duration, threads=processes, history="exact", adaptation="quasi-renewal"
        )
    try:
        import nest  # noqa: F401
    except ImportError:
        print("NEST is missing (pip install nest-simulator)")
        return timed
    timed["NEST, ResetKernel and run"] = lambda: nest_runs(level, trials, duration)
    timed[f"NEST, pool of {processes} processes"] = lambda: nest_pool(level, trials, duration, processes)
    return timed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--duration", type=float, default=2000.0, help="ms")
    parser.add_argument("--processes", type=int, default=2, help="of the pool, and threads")
    parser.add_argument("--repetitions", type=int, default=3, help="interleaved; medians are shown")
    parser.add_argument("--level", choices=("meso", "micro"), action="append")
    arguments = parser.parse_args()
    print(f"{arguments.trials} trials of {arguments.duration:g} ms; {machine.describe()['name']}\n")
    for level in arguments.level or ("meso", "micro"):
        timed = programs(level, arguments.trials, arguments.duration, arguments.processes)
        seconds = {name: [] for name in timed}
        for _ in range(arguments.repetitions):
            for name, run in timed.items():
                seconds[name].append(run())
        print(f"| {level} | s | ms a trial |\n| --- | --- | --- |")
        for name, values in seconds.items():
            median = statistics.median(values)
            print(f"| {name} | {median:.3g} | {1e3 * median / arguments.trials:.3g} |")
        print()


if __name__ == "__main__":
    main()
