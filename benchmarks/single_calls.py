"""What scripts for NEST call often: the processor time of gifpop.nest, and of NEST where a Python that has it is given.

``python -m benchmarks.single_calls [--nest PYTHON] [--rounds 5] [--call NAME]`` prints milliseconds and how they
compare. Both run in processes of their own, which take turns; numbers are the shortest of all rounds.
"""

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
import time

from benchmarks import ROOT

MS = 1e3
REPEATED = 3  # in each process


def connect_one_by_one(nest):
    """Connect 60 populations, each pair by itself."""
    populations = nest.Create("gif_pop_psc_exp", 60)

    def call():
        for source in populations:
            for target in populations:
                nest.Connect(source, target, syn_spec={"weight": 0.1, "delay": 1.0})

    return call


def connect_one_to_one(nest):
    """Connect a million pairs of neurons that arrays give, with weights and delays."""
    import numpy as np

    nest.Create("gif_psc_exp", 10_000)
    rng = np.random.default_rng(1)
    pairs = rng.integers(1, 10_001, (2, 10**6))
    synapse = {"weight": rng.random(10**6), "delay": rng.integers(1, 20, 10**6) * 0.1}
    return lambda: nest.Connect(*pairs, "one_to_one", synapse)


def short_runs(nest):
    """Simulate 1 ms of a neuron 300 times."""
    nest.Create("gif_psc_exp")
    return lambda: simulate_often(nest)


def short_runs_of_a_network(nest):
    """Simulate 1 ms of 100 connected neurons 300 times."""
    neurons, spikes = nest.Create("gif_psc_exp", 100, {"I_e": 800.0}), nest.Create("spike_recorder")
    nest.Connect(neurons, neurons, {"rule": "fixed_indegree", "indegree": 10}, {"weight": 5.0, "delay": 1.0})
    nest.Connect(neurons, spikes)
    return lambda: simulate_often(nest)


def short_runs_of_meters(nest):
    """Simulate 1 ms of 100 neurons, each with a multimeter, 300 times."""
    neurons, meters = nest.Create("gif_psc_exp", 100), nest.Create("multimeter", 100, {"record_from": ["V_m"]})
    nest.Connect(meters, neurons, "one_to_one")
    return lambda: simulate_often(nest)


def simulate_often(nest):
    for _ in range(300):
        nest.Simulate(1.0)


def many_meters(nest):
    """Connect 1,000 multimeters to one neuron each, and simulate 200 ms."""
    neurons, meters = nest.Create("gif_psc_exp", 1000), nest.Create("multimeter", 1000, {"record_from": ["V_m"]})

    def call():
        nest.Connect(meters, neurons, "one_to_one")
        nest.Simulate(200.0)

    return call


def dead_time(nest):
    """Simulate 200 ms of 1,000 neurons that receive spikes of a poisson_generator_ps."""
    neurons = nest.Create("gif_psc_exp", 1000)
    generator = nest.Create("poisson_generator_ps", params={"rate": 800.0, "dead_time": 0.5})
    nest.Connect(generator, neurons, syn_spec={"weight": 2.0, "delay": 1.0})
    return lambda: nest.Simulate(200.0)


def spike_times(nest, container=list):
    """Set 6,400 spike times of each of 100 spike generators, as lists."""
    rng = random.Random(2)
    times = [container(0.1 * k for k in sorted(rng.sample(range(1, 10**6), 6400))) for _ in range(100)]
    generators = nest.Create("spike_generator", 100)

    def call():
        for i, own in enumerate(times):
            generators[i].spike_times = own

    return call


def spike_times_of_arrays(nest):
    """Set 6,400 spike times of each of 100 spike generators, as arrays."""
    import numpy as np

    return spike_times(nest, lambda times: np.array(list(times)))


def step_current(nest):
    """Set 200,000 amplitudes of a step current, as lists."""
    generator = nest.Create("step_current_generator")
    times, values = [round(0.1 * k, 1) for k in range(1, 200_001)], [float(k % 7) for k in range(200_000)]
    return lambda: generator.set({"amplitude_times": times, "amplitude_values": values})


def adaptation(nest):
    """Set the adaptation of 2,000 neurons, one by one."""
    neurons = nest.Create("gif_psc_exp", 2000)

    def call():
        for i, neuron in enumerate(neurons):
            neuron.set({"tau_sfa": [100.0, 10.0 + i], "q_sfa": [1.0, 2.0]})

    return call


CALLS = {
    prepare.__name__: prepare
    for prepare in (
        connect_one_by_one,
        connect_one_to_one,
        short_runs,
        short_runs_of_a_network,
        short_runs_of_meters,
        many_meters,
        dead_time,
        spike_times,
        spike_times_of_arrays,
        step_current,
        adaptation,
    )
}


def measure(module, names):
    """Return the shortest processor time of each call in seconds; ``module`` is ``nest`` or ``gifpop.nest``."""
    nest = importlib.import_module(module)
    shortest = {}
    for name in names:
        times = []
        for _ in range(REPEATED):
            nest.ResetKernel()
            nest.verbosity = nest.VerbosityLevel.ERROR
            call = CALLS[name](nest)
            began = time.process_time()
            call()
            times.append(time.process_time() - began)
        shortest[name] = min(times)
    return shortest


def measure_apart(python, module, names):
    """Return what `measure` returns, in a process of its own."""
    program = (
        f"import json; from benchmarks.single_calls import measure; print(json.dumps(measure({module!r}, {names})))"
    )
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command, environment = [python, "-c", program], os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nest", help="a Python that has NEST")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--call", choices=CALLS, action="append", help="only this one; can be given several times")
    chosen = parser.parse_args(arguments)
    names = chosen.call or list(CALLS)
    programs = {"gifpop.nest": sys.executable} | ({"nest": chosen.nest} if chosen.nest else {})
    rounds = [
        {module: measure_apart(python, module, names) for module, python in programs.items()}
        for _ in range(chosen.rounds)
    ]
    print(
        "call                        " + "".join(f"{module:>14}" for module in programs) + "  ratio" * bool(chosen.nest)
    )
    for name in names:
        shortest = {module: min(each[module][name] for each in rounds) for module in programs}
        ratio = f"{shortest['gifpop.nest'] / shortest['nest']:7.2f}" if chosen.nest else ""
        print(f"{name:28}" + "".join(f"{MS * seconds:11.2f} ms" for seconds in shortest.values()) + ratio)


if __name__ == "__main__":
    main()
