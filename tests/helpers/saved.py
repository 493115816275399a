"""Simulations to save, copy and interrupt: a network with every kind of input, in every mode."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import gifpop as gp
from tests.helpers.networks import SEED_CELL


def network(
    cell=SEED_CELL, N=(60, 30), rule=None, weight=200.0, delay=1.5, own_noise=False, cell_I=SEED_CELL, **options
):
    """Two populations with every kind of input."""
    net = gp.Network()
    E, I = net.population("2/3E", N[0], cell, **options), net.population("I", N[1], cell_I, **options)
    net.connect(E, E, weight=weight, p=None if rule else 0.2, delay=delay, rule=rule)
    net.connect(E, I, weight=150.0, p=0.2, delay=1.0)
    net.connect(I, E, weight=-250.0, p=0.5, delay=6.5)
    net.inject(E, gp.StepCurrent([5.0, 30.0], [400.0, 0.0]))
    net.inject(E, gp.PoissonSpikes(300.0, 20.0, shared=not own_noise), delay=3.0)
    net.inject(I, gp.PoissonSpikes(200.0, -10.0, start=2.0, stop=400.0, shared=True))
    net.inject(I, gp.SpikeTimes([10.0, 12.5, 60.0], 500.0))
    net.inject(I, gp.Waveform(np.linspace(0.0, 50.0, 100), interval=1.0, start=1.5))
    net.inject(I, gp.DirectCurrent(20.0, stop=80.0))
    return net


STC_CELL = gp.GIF(
    **{
        **vars(SEED_CELL),
        "tau_stc": [30.0, 200.0],
        "q_stc": [50.0, -5.0],
        "V_m": -3.0,
        "I_syn_ex": 7.0,
        "E_L": 1.0,
        "V_reset": -2.0,
    }
)
VARIOUS_CELL = gp.GIF(
    **{
        **vars(SEED_CELL),
        "tau_m": np.linspace(10.0, 25.0, 60),
        "V_m": gp.Normal(0.0, 2.0),
        "E_L": gp.Uniform(-2.0, 2.0),
        "tau_sfa": [gp.Lognormal(4.0, 0.1), 900.0],
    }
)
MIXED = {"2/3E": "micro", "I": "meso"}


def prescribed_network():
    net = network(N=(20, 30))
    return {
        "net": net,
        "level": MIXED,
        "counts": {"I": np.arange(400) % 7},
        "spikes": {"2/3E": (np.arange(1, 100) * 1.5, np.arange(99) % 20)},
    }


def plastic_network():
    net = network()
    laws = gp.TsodyksMarkram(0.2, 30.0, 50.0), gp.TsodyksMarkram(0.5, 40.0, 20.0, form="mean-field")
    net.connect("2/3E", "2/3E", weight=100.0, delay=2.0, plasticity=laws[0])
    net.connect("2/3E", "I", weight=100.0, delay=1.0, plasticity=laws[1])
    net.connect("I", "2/3E", weight=-100.0, delay=1.0, plasticity=laws[0])
    return net


CASES = {
    "meso": lambda: {"net": network(), "record": "all"},
    "exact": lambda: {"net": network(len_kernel=70), "history": "exact", "record": "V_m"},
    "quasi-renewal": lambda: {"net": network(BinoRand=False), "adaptation": "quasi-renewal", "record": "E_sfa"},
    "corrected": lambda: {"net": network(), "finite_size": "corrected", "initial": "stationary"},
    "exact quasi-renewal": lambda: {"net": network(), "adaptation": "quasi-renewal", "history": "exact"},
    "currents": lambda: {"net": network(STC_CELL), "record": "all", "record_interval": 3.5, "initial": "rest"},
    "sparse": lambda: {"net": network(own_noise=True), "wiring": "sparse", "tolerance": 1e-2, "record": "all"},
    "stationary": lambda: {"net": network(), "initial": "stationary", "level": MIXED, "record": "mean"},
    "micro": lambda: {"net": network(STC_CELL), "level": "micro", "record": "all", "record_neurons": [3, 5, 11]},
    "own noise": lambda: {"net": network(own_noise=True), "level": "micro", "record": "V_m", "record_neurons": 2},
    "drawn weights": lambda: {
        "net": network(
            VARIOUS_CELL, rule=gp.PairwiseBernoulli(0.3), weight=gp.Normal(200.0, 50.0), delay=gp.Uniform(1.0, 9.0)
        ),
        "level": "micro",
        "initial": "rest",
        "network_seed": [7, 2**70],
    },
    "given pairs": lambda: {
        "net": network(rule=gp.Pairs([0, 0, 59, 3, 0], [0, 7, 59, 5, 0]), weight=[1.0, 2.0, -3.0, 4.0, 0.0]),
        "level": "micro",
    },
    "mixed": lambda: {
        "net": network(rule=gp.FixedOutdegree(3, allow_autapses=False)),
        "level": MIXED,
        "record": "all",
        "initial": "nest",
    },
    "plastic": lambda: {"net": plastic_network(), "record": "all"},
    "plastic, mixed": lambda: {"net": plastic_network(), "level": MIXED, "initial": "stationary"},
    "prescribed": prescribed_network,
}


def simulation(case, seed=11, **options):
    """Return one of the simulations above, at time 0."""
    return gp.Simulation(**{"dt": 0.5, "seed": seed, **CASES[case](), **options})


def refused(path, match="", error=ValueError):
    """Check that a file is refused with a message that names it, unless the error is another one."""
    with pytest.raises(error, match=match) as caught:
        gp.Simulation.load(path)
    if error is ValueError:
        file = f"Simulation.load: {str(path)!r}"
        assert str(caught.value).startswith((f"{file} is ", f"{file} has "))


def rewritten(path, change):
    """Change the entries of a saved file: ``change(document, arrays)``."""
    with np.load(path) as npz:
        arrays = dict(npz)
    document = json.loads(arrays.pop("gifpop").item())
    change(document, arrays)
    np.savez(path, gifpop=np.array(json.dumps(document).encode()), **arrays)


def saved_and_loaded(sim, path, **options):
    """Return a simulation that was saved and loaded again."""
    sim.save(path)
    return gp.Simulation.load(path, **options)


def in_another_process(script, *arguments, **options):
    """Start a script in a process that raises its warnings; return it."""
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, cwd=tempfile.gettempdir(), env=environment, **options)  # not where sources are
