"""The golden traces of NEST 3.10 in tests/data, and the networks they were recorded from."""

import json
from pathlib import Path

import numpy as np

import gifpop as gp

DATA = Path(__file__).parents[1] / "data"
POPULATION_TRACES = sorted(path.stem for path in DATA.glob("pop_*.npz"))
NEURON_TRACES = sorted(path.stem for path in DATA.glob("psc_*.npz"))
NEURON_VARIABLES = ("V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in")


def load(name):
    """Return the arrays and the description of a trace."""
    with np.load(DATA / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays if key != "meta"}, json.loads(str(arrays["meta"]))


class Golden:
    """One trace: parameters and recorded arrays of shape (populations, steps)."""

    def __init__(self, name):
        self.arrays, meta = load(name)
        self.dt, self.steps = meta["dt"], meta["T_steps"]
        self.parameters, self.weights, self.delays = meta["pops"], meta["W"], meta["D_steps"]
        self.lengths, self.step = meta["len_kernel_used"], meta["step"]
        self.counts = self.arrays["n_events"].astype(np.int64)

    @property
    def currents(self):
        """External current that acts in each step: a NEST generator with delay dt acts one step late."""
        currents = np.zeros(self.counts.shape)
        if self.step:
            currents[:, round(self.step[0] / self.dt) + 1 :] = self.step[1]
        return currents

    def network(self):
        """Return the network and the names of its populations."""
        net, names = gp.Network(), []
        for i, parameters in enumerate(self.parameters):
            p = dict(parameters)
            own = {key: p.pop(key) for key in ("N", "len_kernel", "BinoRand")}
            net.population(f"P{i}", own.pop("N"), gp.GIF(**p), **own)
            names.append(f"P{i}")
        for i, post in enumerate(names):
            for j, pre in enumerate(names):
                net.connect(pre, post, weight=self.weights[i][j], delay=self.delays[i][j] * self.dt)
            if self.step:
                net.inject(post, gp.StepCurrent([self.step[0] + self.dt], [self.step[1]]))
        return net, names

    def replay(self, **options):
        """Replay the counts with the package; return arrays of shape (populations, steps)."""
        net, names = self.network()
        counts = dict(zip(names, self.counts, strict=True))
        nest = {"level": "meso", "history": "exact", "adaptation": "quasi-renewal", "initial": "nest"}
        options = {**nest, "record": "all", **options}
        result = net.simulate(self.steps * self.dt, dt=self.dt, counts=counts, **options)
        variables = [key for key in self.arrays if key != "n_events"]
        return {key: np.array([getattr(result[name], key) for name in names]) for key in variables}


class GoldenNeuron:
    """A trace of one neuron: parameters, recorded arrays and the input that arrives in each step."""

    def __init__(self, name):
        self.arrays, meta = load(name)
        self.dt, self.steps, self.parameters = meta["dt"], meta["T_steps"], meta["params"]
        self.spike_steps = self.arrays["spike_steps"] - 1
        self.replayed = name.startswith("psc_spk")  # the spikes depend on NEST's random numbers
        self.ex, self.inh, self.current = np.zeros(self.steps), np.zeros(self.steps), np.zeros(self.steps)
        for times, multiplicities, weight, delay in meta["spikes"]:
            for i, time in enumerate(times):
                arriving = self.ex if weight >= 0 else self.inh
                step = self.step(time) - 1 + self.step(delay)
                if step < self.steps:
                    arriving[step] += weight * (multiplicities[i] if multiplicities else 1)
        for device, p, weight, delay in meta["currents"]:
            lag = self.step(delay)
            sent = np.array([self.amplitude(device, p, k) for k in range(self.steps - lag)])
            self.current[lag:] += weight * sent

    def step(self, ms):
        return round(ms / self.dt)

    def amplitude(self, device, p, k):
        """Return the current that a generator of NEST sends in a step."""
        origin = p.get("origin", 0.0)
        if not self.step(origin + p.get("start", 0.0)) < k + 2 <= self.step(origin + p.get("stop", 1e9)):
            return 0.0
        if device == "dc_generator":
            return p["amplitude"]
        begun = [i for i, t in enumerate(p["amplitude_times"]) if self.step(t) <= k + 1]
        return p["amplitude_values"][begun[-1]] if begun else 0.0
