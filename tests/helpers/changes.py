"""Changes of networks: what they are made to, and how results are compared after them."""

import numpy as np
from numpy.testing import assert_array_equal

import gifpop as gp

DT = 0.5
LEVELS = {"meso": "meso", "micro": "micro", "mixed": {"E": "micro", "I": "meso"}}
QUIET = gp.GIF(lambda_0=0.0, tau_sfa=[], q_sfa=[])  # never fires


def records(result):
    """Return everything that was recorded, by population and name."""
    return {
        (p.name, name): values
        for p in result
        for name, recorded in ((name, getattr(p, name)) for name in p.recorded)
        for values in [np.concatenate(recorded) if name == "spikes" else recorded]
    }


def assert_same(a, b):
    """Compare everything that was recorded, bit by bit."""
    a, b = records(a), records(b)
    assert a.keys() == b.keys()
    for name, values in a.items():
        assert_array_equal(values, b[name], err_msg=str(name))


class Described:
    """A network as plain data, and how it is changed there; what `gifpop.assembly.changes` does to it is not used."""

    def __init__(self, sparse):
        cell = {"I_e": 400.0, "tau_sfa": [60.0], "q_sfa": [4.0], "tau_stc": [20.0], "q_stc": [10.0]}
        self.populations = {"E": {"N": 40, "cell": dict(cell)}, "I": {"N": 12, "cell": dict(cell)}}
        self.connections = [
            {"pre": "E", "post": "E", "weight": 20.0, "delay": 1.0, "p": 0.2},
            {"pre": "E", "post": "I", "weight": 20.0, "delay": 1.5, "rule": gp.FixedIndegree(4)},
            {"pre": "I", "post": "E", "weight": -50.0, "delay": 1.0, "p": 1.0},
            {"pre": "I", "post": "I", "weight": -50.0, "delay": 2.5, "p": 0.25 if sparse else 0.5},
            {"pre": "I", "post": "E", "weight": -10.0, "delay": 1.0, "p": 0.5},
        ]
        self.inputs = [
            {"post": "E", "input": gp.PoissonSpikes(500.0, 20.0, shared=True), "delay": 1.0},
            {"post": "I", "input": gp.StepCurrent([5.0, 20.0], [100.0, -50.0]), "delay": 0.0},
            {"post": "E", "input": gp.PoissonSpikes(300.0, 15.0), "delay": 0.0},
        ]

    def build(self):
        net, handles = gp.Network(), []
        for name, p in self.populations.items():
            net.population(name, p["N"], gp.GIF(**p["cell"]))
        for c in self.connections:
            net.connect(**c)
        for one in self.inputs:
            handles.append(net.inject(**one))
        return net, handles
