"""The golden traces of NEST 3.10 in tests/data, and the networks they were recorded from."""

import json
from pathlib import Path

import numpy as np

import gifpop as gp

DATA = Path(__file__).parent / "data"
POPULATION_TRACES = sorted(path.stem for path in DATA.glob("pop_*.npz"))


class Golden:
    """One trace: parameters and recorded arrays of shape (populations, steps)."""

    def __init__(self, name):
        with np.load(DATA / f"{name}.npz") as arrays:
            self.arrays = {key: arrays[key] for key in arrays if key != "meta"}
            meta = json.loads(str(arrays["meta"]))
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
        result = net.simulate(
            self.steps * self.dt, dt=self.dt, level="meso", counts=counts, record="all", initial="nest", **options
        )
        variables = [key for key in self.arrays if key != "n_events"]
        return {key: np.array([getattr(result[name], key) for name in names]) for key in variables}
