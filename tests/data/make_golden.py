"""Record the golden traces pop_*.npz with NEST 3.10 (``pip install nest-simulator``); run from this folder.

Each population trace holds the spike counts of a NEST run and what NEST computed from them, one entry per step, so
that the counts can be replayed. ``python make_golden.py --check`` compares new traces with the stored ones instead.
"""

import json
import sys

import nest
import numpy as np

SEED = 12345
RECORDABLES = ["n_events", "mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in"]
NAMES = (
    "EL_Vreset", "N1e6", "highrate", "initstate", "noadapt", "poisson", "seed2pop", "shortkernel_N20",
    "sync_negmean", "twoadapt_tref",
)  # fmt: skip


def record(meta):
    """Run the populations that ``meta`` describes and return their traces, shape (populations, steps)."""
    dt, steps, M = meta["dt"], meta["T_steps"], len(meta["pops"])
    nest.ResetKernel()
    nest.resolution = dt
    nest.rng_seed = SEED
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
    meter = nest.Create("multimeter", params={"record_from": RECORDABLES, "interval": dt})
    for population in populations:
        nest.Connect(meter, population)
    nest.Simulate((steps + 1 + max(map(max, meta["D_steps"]))) * dt)  # NEST holds back the last slice
    events = meter.events
    traces = {}
    for name in RECORDABLES:
        rows = [events[name][events["senders"] == p.global_id][:steps] for p in populations]
        traces[name] = np.array(rows, dtype=np.int32 if name == "n_events" else float)
    return traces


def main():
    nest.verbosity = nest.VerbosityLevel.ERROR
    for name in NAMES:
        path = f"pop_{name}.npz"
        with np.load(path) as stored:
            old = dict(stored)
        new = record(json.loads(str(old["meta"])))
        worst = max(np.max(np.abs(new[key] - old[key])) for key in RECORDABLES)
        print(f"{path}: largest difference to the stored trace {worst}")
        if "--check" not in sys.argv:
            np.savez_compressed(path, meta=old["meta"], **new)


if __name__ == "__main__":
    main()
