"""The networks of the literature at both levels."""

import inspect
from time import perf_counter

import gifpop as gp

NETWORKS = {
    "Brunel network": (gp.models.brunel, 0.5),
    "column": (gp.models.potjans_diesmann, 0.1),
    "column with adaptation": (lambda: gp.models.potjans_diesmann(adaptation=True), 0.1),
}


def simulation(net, dt, level, history=None):
    """Return a simulation that has done its first step; NotImplementedError where a version lacks the option."""
    options = {} if history is None else {"history": history}
    if not options.keys() <= inspect.signature(gp.Simulation).parameters.keys():
        raise NotImplementedError("this version has no such option")  # asv skips it
    sim = gp.Simulation(net, dt=dt, level=level, seed=1, progress=False, **options)
    sim.run(dt)
    return sim


class Mesoscopic:
    """200 ms of a network, populations as stochastic equations."""

    params = (list(NETWORKS), ["exact", "adaptive"])
    param_names = ("network", "history")

    def setup(self, network, history):
        make, dt = NETWORKS[network]
        self.sim = simulation(make(), dt, "meso", history)

    def time_simulate(self, network, history):
        self.sim.run(200.0)

    def track_seconds_per_simulated_second(self, network, history):
        began = perf_counter()
        self.sim.run(1000.0)
        return perf_counter() - began

    track_seconds_per_simulated_second.unit = "s/s"


class Microscopic:
    """Brunel's network neuron by neuron, against its number of neurons."""

    params = (1000, 5000)
    param_names = ("neurons",)

    def setup(self, neurons):
        self.net = gp.models.brunel(neurons // 5)
        self.sim = simulation(self.net, 0.5, "micro")

    def time_simulate(self, neurons):
        self.sim.run(100.0)

    def time_build(self, neurons):
        simulation(self.net, 0.5, "micro")

    def peakmem_build(self, neurons):
        simulation(self.net, 0.5, "micro")


class Records:
    """What a result costs beside the simulation."""

    def setup(self):
        self.net = gp.models.brunel()

    def time_build_populations(self):
        simulation(self.net, 0.5, "meso")

    def time_record_everything(self):
        self.net.simulate(200.0, dt=0.5, level="micro", seed=1, record="all", progress=False)

    def peakmem_record_everything(self):
        self.net.simulate(1000.0, dt=0.5, level="micro", seed=1, record="all", record_neurons=500, progress=False)
