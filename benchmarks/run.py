"""Time gifpop against NEST, side by side in one process.

``python benchmarks/run.py`` runs every case; repetitions of the programs alternate, so that changes of the machine's
speed hit all alike, and medians are compared. Without ``nest-simulator`` only gifpop is timed.
"""

import argparse
import resource
import statistics
import time
from dataclasses import dataclass
from functools import partial

import gifpop as gp

try:
    import nest
except ImportError:
    nest = None

CELL = {
    "C_m": 250.0, "E_L": 0.0, "V_reset": 0.0, "V_T_star": 15.0, "Delta_V": 2.5, "lambda_0": 10.0, "t_ref": 4.0,
    "I_e": 300.0, "tau_syn_ex": 3.0, "tau_syn_in": 6.0, "tau_sfa": [100.0, 1000.0], "q_sfa": [10.0, 1.0],
}  # fmt: skip
TAU_M, P, DT = 20.0, 0.2, 0.5
WEIGHTS = {"E": 25.0, "I": -62.5}  # pA, for 800 and 200 neurons


def sizes(size):
    return {"E": 4 * size, "I": size}


def gifpop_network(size):
    """The network of NEST's gallery example."""
    net = gp.Network()
    for name, N in sizes(size).items():
        net.population(name, N, gp.GIF(tau_m=TAU_M, **CELL))
    for post in "EI":
        for pre, weight in WEIGHTS.items():
            net.connect(pre, post, weight=weight * 200 / size, p=P, delay=1.0)
    return net


def gifpop_build(level, size, seed):
    """Return a simulation of gifpop, ready to run."""
    return gp.Simulation(gifpop_network(size), dt=DT, level=level, seed=seed, progress=False).run


def nest_prepare(seed):
    """Start NEST anew, on one thread."""
    nest.ResetKernel()
    nest.resolution = DT
    nest.local_num_threads = 1
    nest.rng_seed = seed + 1


def nest_build_meso(size, seed):
    """Return NEST's Simulate for the mesoscopic network."""
    nest_prepare(seed)
    N = sizes(size)
    populations = {n: nest.Create("gif_pop_psc_exp", params={"tau_m": TAU_M, **CELL, "N": N[n]}) for n in N}
    for post in populations.values():
        for name, pre in populations.items():
            weight = WEIGHTS[name] * P * 200 / size
            nest.Connect(pre, post, syn_spec={"weight": weight, "delay": 1.0})
    meter = nest.Create("multimeter", params={"record_from": ["n_events", "mean"], "interval": DT})
    for population in populations.values():
        nest.Connect(meter, population)
    return nest.Simulate


def nest_build_micro(size, seed):
    """Return NEST's Simulate for the microscopic network."""
    nest_prepare(seed)
    N = sizes(size)
    cell = {"g_L": CELL["C_m"] / TAU_M, "V_m": 0.0, **CELL}
    populations = {n: nest.Create("gif_psc_exp", N[n], params=cell) for n in N}
    for post in populations.values():
        for name, pre in populations.items():
            rule = {"rule": "fixed_indegree", "indegree": int(P * N[name])}
            nest.Connect(pre, post, rule, {"weight": WEIGHTS[name] * 200 / size, "delay": 1.0})
    recorder = nest.Create("spike_recorder")
    for population in populations.values():
        nest.Connect(population, recorder)
    return nest.Simulate


@dataclass(frozen=True)
class Case:
    """A network for which both programs are timed; ``builds`` maps a program to a function of the seed."""

    duration: float
    repetitions: int
    builds: dict


CASES = {
    "seed network, mesoscopic": Case(
        2000.0, 11, {"gifpop": partial(gifpop_build, "meso", 200), "NEST": partial(nest_build_meso, 200)}
    ),
    "seed network, 1,000 neurons": Case(
        2000.0, 11, {"gifpop": partial(gifpop_build, "micro", 200), "NEST": partial(nest_build_micro, 200)}
    ),
    "10,000 neurons, 20 million synapses": Case(
        500.0, 3, {"gifpop": partial(gifpop_build, "micro", 2000), "NEST": partial(nest_build_micro, 2000)}
    ),
}


def timed(build, duration, seed):
    """Return the seconds that building and simulating take."""
    began = time.perf_counter()
    simulate = build(seed)
    built = time.perf_counter()
    simulate(duration)
    return built - began, time.perf_counter() - built


def report(what, times):
    """Print medians and their ratios to gifpop's."""
    reference = statistics.median(times["gifpop"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        spread = f"(min {min(seconds):.4f}, max {max(seconds):.4f})"
        print(f"  {what:9s} {name:8s} {middle:8.4f} s  {spread}  {middle / reference:6.2f} x")


def run(name, case):
    """Time one case."""
    builds = {program: build for program, build in case.builds.items() if program != "NEST" or nest is not None}
    building, simulating = {program: [] for program in builds}, {program: [] for program in builds}
    for repetition in range(case.repetitions + 1):
        for program, build in builds.items():
            built, simulated = timed(build, case.duration, repetition)
            if repetition > 0:  # the first warms up
                building[program].append(built)
                simulating[program].append(simulated)
    print(f"{name}, {case.duration / 1000:g} s, one thread, median of {case.repetitions} interleaved runs")
    report("build", building)
    report("simulate", simulating)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("case", nargs="*", help="part of the name of a case; all by default")
    arguments = parser.parse_args()
    if nest is None:
        print("NEST is not installed here (pip install nest-simulator): timing gifpop alone")
    else:
        nest.verbosity = nest.VerbosityLevel.ERROR
    for name, case in CASES.items():
        if not arguments.case or any(part in name for part in arguments.case):
            run(name, case)
    print(f"largest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
