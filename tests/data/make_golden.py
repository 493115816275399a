"""Record the golden traces with NEST 3.10 (``pip install nest-simulator``); run from this folder.

``pop_*.npz``: the spike counts of populations and what NEST computed from them, one entry per step, so that the counts
can be replayed. ``psc_*.npz``: the variables and spikes of one neuron. ``python make_golden.py --check`` compares new
traces with the stored ones instead of writing them.
"""

import json
import sys
from pathlib import Path

import nest
import numpy as np

POPULATION_SEED, NEURON_SEED = 12345, 1
POPULATION_VARIABLES = ["n_events", "mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in"]
NEURON_VARIABLES = ["V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in"]


def reset(dt, seed):
    nest.ResetKernel()
    nest.resolution = dt
    nest.rng_seed = seed


def record_populations(meta):
    """Run the populations that ``meta`` describes and return their traces, shape (populations, steps)."""
    dt, steps, M = meta["dt"], meta["T_steps"], len(meta["pops"])
    reset(dt, POPULATION_SEED)
    populations = [nest.Create("gif_pop_psc_exp", params=p) for p in meta["pops"]]
    for i in range(M):
        for j in range(M):
            synapse = {"weight": meta["W"][i][j], "delay": meta["D_steps"][i][j] * dt}
            nest.Connect(populations[j], populations[i], syn_spec=synapse)
    if meta["step"]:
        time, amplitude = meta["step"]
        generator = nest.Create(
            "step_current_generator", params={"amplitude_times": [time], "amplitude_values": [amplitude]}
        )
        for population in populations:
            nest.Connect(generator, population, syn_spec={"weight": 1.0, "delay": dt})
    meter = nest.Create("multimeter", params={"record_from": POPULATION_VARIABLES, "interval": dt})
    for population in populations:
        nest.Connect(meter, population)
    nest.Simulate((steps + 1 + max(map(max, meta["D_steps"]))) * dt)  # NEST holds back the last slice
    events = meter.events
    traces = {}
    for name in POPULATION_VARIABLES:
        rows = [events[name][events["senders"] == p.global_id][:steps] for p in populations]
        traces[name] = np.array(rows, dtype=np.int32 if name == "n_events" else float)
    return traces


def record_neuron(meta):
    """Run the neuron that ``meta`` describes and return its traces, shape (steps,), and the stamps of its spikes."""
    dt, steps = meta["dt"], meta["T_steps"]
    reset(dt, NEURON_SEED)
    neuron = nest.Create("gif_psc_exp", params=meta["params"])
    inputs = []
    for times, multiplicities, weight, delay in meta["spikes"]:
        spikes = {"spike_times": times} | ({"spike_multiplicities": multiplicities} if multiplicities else {})
        inputs.append(("spike_generator", spikes, weight, delay))
    for model, parameters, weight, delay in inputs + meta["currents"]:
        device = nest.Create(model, params=parameters)
        nest.Connect(device, neuron, syn_spec={"weight": weight, "delay": delay})
    meter = nest.Create("multimeter", params={"record_from": NEURON_VARIABLES, "interval": dt})
    nest.Connect(meter, neuron)
    recorder = nest.Create("spike_recorder", params={"time_in_steps": True})
    nest.Connect(neuron, recorder)
    nest.Simulate((steps + 200) * dt)  # NEST holds back the last slice
    traces = {name: meter.events[name][:steps] for name in NEURON_VARIABLES}
    stamps = recorder.events["times"]
    return traces | {"spike_steps": stamps[stamps <= steps].astype(np.int64)}


def main():
    nest.verbosity = nest.VerbosityLevel.ERROR
    for path in sorted(Path().glob("p*_*.npz")):
        record = record_populations if path.name.startswith("pop_") else record_neuron
        with np.load(path) as stored:
            old = dict(stored)
        new = record(json.loads(str(old["meta"])))
        worst = max(np.max(np.abs(new[key] - old[key]), initial=0.0) for key in new)
        print(f"{path}: largest difference to the stored trace {worst}")
        if "--check" not in sys.argv:
            np.savez_compressed(path, meta=old["meta"], **new)


if __name__ == "__main__":
    main()
