"""Time gifpop against NEST, side by side in one process.

``python benchmarks/run.py`` runs every case; repetitions of the programs alternate, so that changes of the machine's
speed hit all alike, and medians are compared. Without ``nest-simulator`` only gifpop is timed.
"""

import argparse
import statistics
import time

import gifpop as gp

try:
    import nest
except ImportError:
    nest = None

SEED_NETWORK = {
    "C_m": 250.0, "tau_m": 20.0, "E_L": 0.0, "V_reset": 0.0, "V_T_star": 15.0, "Delta_V": 2.5, "lambda_0": 10.0,
    "t_ref": 4.0, "I_e": 300.0, "tau_syn_ex": 3.0, "tau_syn_in": 6.0, "tau_sfa": [100.0, 1000.0], "q_sfa": [10.0, 1.0],
}  # fmt: skip
SIZES = (800, 200)
WEIGHTS = (25.0 * 0.2, -62.5 * 0.2)  # pA, per spike of the source population
DURATION, DT = 2000.0, 0.5


def seed_network_meso_gifpop(seed):
    """Return a function that simulates the seed network mesoscopically with gifpop."""
    net = gp.Network()
    populations = [net.population(name, N, gp.GIF(**SEED_NETWORK)) for name, N in zip("EI", SIZES, strict=True)]
    for post in populations:
        for pre, weight in zip(populations, WEIGHTS, strict=True):
            net.connect(pre, post, weight=weight, delay=1.0)
    return lambda: net.simulate(DURATION, dt=DT, level="meso", seed=seed)


def seed_network_meso_nest(seed):
    """Return a function that simulates the seed network mesoscopically with NEST, one thread."""
    nest.ResetKernel()
    nest.resolution = DT
    nest.local_num_threads = 1
    nest.rng_seed = seed + 1
    populations = [nest.Create("gif_pop_psc_exp", params={**SEED_NETWORK, "N": N}) for N in SIZES]
    for post in populations:
        for pre, weight in zip(populations, WEIGHTS, strict=True):
            nest.Connect(pre, post, syn_spec={"weight": weight, "delay": 1.0})
    meter = nest.Create("multimeter", params={"record_from": ["n_events", "mean"], "interval": DT})
    for population in populations:
        nest.Connect(meter, population)
    return lambda: nest.Simulate(DURATION)


CASES = {"seed network, mesoscopic": {"gifpop": seed_network_meso_gifpop, "NEST": seed_network_meso_nest}}


def timed(make, seed):
    """Return the seconds that a simulation takes, without building the network."""
    simulate = make(seed)
    began = time.perf_counter()
    simulate()
    return time.perf_counter() - began


def run(case, repetitions):
    """Print the medians of one case and their ratios to gifpop."""
    programs = {name: make for name, make in CASES[case].items() if name != "NEST" or nest is not None}
    times = {name: [] for name in programs}
    for repetition in range(repetitions + 1):
        for name, make in programs.items():
            seconds = timed(make, repetition)
            if repetition > 0:  # the first warms up
                times[name].append(seconds)
    print(f"{case}, {DURATION / 1000:g} s, one thread, median of {repetitions} interleaved runs")
    reference = statistics.median(times["gifpop"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        spread = f"(min {min(seconds):.4f}, max {max(seconds):.4f})"
        print(f"  {name:8s} {middle:8.4f} s  {spread}  {middle / reference:6.2f} x")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", "--repetitions", type=int, default=11)
    arguments = parser.parse_args()
    if nest is None:
        print("NEST is not installed here (pip install nest-simulator): timing gifpop alone")
    else:
        nest.verbosity = nest.VerbosityLevel.ERROR
    for case in CASES:
        run(case, arguments.repetitions)


if __name__ == "__main__":
    main()
