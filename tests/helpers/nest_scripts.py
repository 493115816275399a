"""Random scripts for NEST in which nothing is drawn, and what NEST 3.10 makes of them.

``run(nest, seed)`` builds a network of populations that never fire or all fire whenever they can, of generators with
odd windows and of recorders with odd intervals and offsets, simulates it in pieces and changes it in between. With NEST
as ``nest``, ``python -m tests.helpers.nest_scripts`` writes what comes out to ``data/nest_scripts.npz``.

Populations are not connected anew between runs: NEST then sends the spikes of the last slice through wrong connections.
"""

import random
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "nest_scripts.npz"
SEEDS = range(30)
LONGEST = 16  # steps between two changes


class BaseScript:
    """What all scripts do: they note their recorders and take times in whole steps of ``h``."""

    def begin(self, nest, seed):
        self.nest, self.choose = nest, random.Random(seed)
        nest.ResetKernel()
        self.h = nest.resolution = self.choose.choice([0.1, 0.5, 0.3, 1.0])

    def ms(self, low, high):
        return round(self.choose.randint(low, high) * self.h, 6)

    def any_of(self, connections):
        """Choose a connection; NEST does not keep the order of those from the same source."""
        names = ["source", "target", "delay", "weight"]
        return self.choose.choice(sorted(connections, key=lambda each: list(each.get(names).values())))

    def records(self):
        """Return what the recorders hold, as arrays by name."""
        arrays = {}
        for k, recorder in enumerate(self.recorders):
            for name, values in recorder.events.items():
                arrays[f"{k}_{name}"] = values
        return arrays


class Script(BaseScript):
    """One script: a random generator decides, and both simulators get the same calls."""

    def __init__(self, nest, seed):
        self.begin(nest, seed)
        self.populations = [self.population() for _ in range(self.choose.randint(1, 3))]
        self.shortest = self.choose.randint(1, 4)
        self.generators, self.recorders = [], []
        for _ in range(self.choose.randint(4, 8)):
            self.device()
        self.meter({"interval": self.h}, ["V_m", "I_syn_ex", "I_syn_in"], self.populations)

    def times(self, n, repeated=False):
        steps = [self.choose.randint(1, 60) for _ in range(n)] if repeated else self.choose.sample(range(1, 60), n)
        return [round(step * self.h, 6) for step in sorted(steps)]

    def values(self, n, size=50.0):
        return [self.choose.uniform(-size, size) for _ in range(n)]

    def some(self, nodes):
        return self.choose.sample(nodes, self.choose.randint(1, len(nodes)))

    def window(self):
        limits = {"start": (0, 15), "stop": (15, 45), "origin": (0, 8)}
        return {name: self.ms(*limit) for name, limit in limits.items() if self.choose.random() < 0.4}

    def population(self):
        choose = self.choose.choice
        parameters = {
            "N": choose([1, 2, 5]),
            "tau_m": choose([5.0, 20.0]),
            "C_m": choose([100.0, 250.0]),
            "tau_syn_ex": choose([0.5, 3.0]),
            "tau_syn_in": choose([0.7, 6.0]),
            "I_e": choose([0.0, 100.0]),
            "E_L": choose([0.0, -70.0]),
            "V_reset": choose([0.0, -60.0]),
            "V_m": choose([0.0, 3.0]),
            "I_syn_ex": choose([0.0, 50.0]),
            "I_syn_in": choose([0.0, -20.0]),
            "tau_sfa": [100.0],
            "q_sfa": [0.0],
            "len_kernel": choose([12, 40]),
        }
        firing = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0, "t_ref": choose([1, 2, 3]) * self.h}
        parameters |= firing if self.choose.random() < 0.5 else {"lambda_0": 0.0, "t_ref": self.h}
        return self.nest.Create("gif_pop_psc_exp", params=parameters)

    def connect(self, pre, post):
        weight = self.choose.choice([1.0, -1.0, 10.0, -20.0, 37.5])
        delay = self.ms(self.shortest, self.shortest + 3)
        self.nest.Connect(pre, post, syn_spec={"weight": weight, "delay": delay})

    def device(self):
        kind = self.choose.choice(["dc", "step", "spike", "meter", "recorder", "populations"])
        if kind == "populations":
            self.connect(self.choose.choice(self.populations), self.choose.choice(self.populations))
        elif kind == "meter":
            sampling = {"interval": self.ms(1, 4), "offset": self.ms(0, 6)}
            self.meter(sampling, ["V_m", "I_syn_ex", "n_events"], self.some(self.populations), self.window())
        elif kind == "recorder":
            recorder = self.nest.Create("spike_recorder", params=self.window())
            for sender in self.some(self.populations) + [g for g in self.generators if g.model == "spike_generator"]:
                self.connect(sender, recorder)
            self.recorders.append(recorder)
        else:
            self.generator(kind)

    def generator(self, kind):
        model = {"dc": "dc_generator", "step": "step_current_generator", "spike": "spike_generator"}[kind]
        generator = self.nest.Create(model, params=self.window() | self.emission(model))
        for target in self.some(self.populations):
            self.connect(generator, target)
        self.generators.append(generator)

    def emission(self, model):
        n = self.choose.randint(0, 6)
        if model == "dc_generator":
            return {"amplitude": self.choose.uniform(-50, 50)}
        if model == "step_current_generator":
            return {"amplitude_times": self.times(n), "amplitude_values": self.values(n)}
        weights = self.values(n, 3.0) if self.choose.random() < 0.5 else []
        counts = [self.choose.randint(0, 3) for _ in range(n)] if self.choose.random() < 0.5 else []
        times = self.times(n, repeated=True)
        return {"spike_times": times, "spike_weights": weights, "spike_multiplicities": np.array(counts, dtype=int)}

    def meter(self, sampling, variables, targets, window=None):
        meter = self.nest.Create("multimeter", params={"record_from": variables, **sampling, **(window or {})})
        for target in targets:
            self.connect(meter, target)
        self.recorders.append(meter)

    def change(self):
        choice = self.choose.choice(["population", "connection", "generator", "recorder", "device"])
        if choice == "population":
            new = [{}, {"V_m": 4.0}, {"I_e": 30.0}, {"N": 2}, {"I_syn_ex": 7.0}, {"tau_m": 8.0}]
            self.choose.choice(self.populations).set(self.choose.choice(new))
        elif choice == "connection":
            connections = self.nest.GetConnections()
            connections[self.choose.randrange(len(connections))].set(weight=self.choose.choice([2.0, -5.0]))
        elif choice == "generator" and self.generators:
            generator = self.choose.choice(self.generators)
            generator.set(self.window() if self.choose.random() < 0.5 else self.emission(generator.model))
        elif choice == "recorder":
            self.choose.choice(self.recorders).set(self.window())
        else:
            self.late_device()

    def late_device(self):
        """Make a device between runs, with delays that are still allowed."""
        kind = self.choose.choice(["dc", "step", "spike", "meter"])
        try:
            if kind == "meter":
                self.meter({"interval": self.h, "offset": self.ms(0, 3)}, ["V_m"], self.some(self.populations))
            else:
                self.generator(kind)
        except self.nest.NESTErrors.BadDelay:
            pass


def run(nest, seed, make=Script):
    """Return all records of a script."""
    script = make(nest, seed)
    for _ in range(script.choose.randint(1, 4)):
        nest.Simulate(script.ms(0, LONGEST))
        for _ in range(script.choose.randint(0, 3)):
            script.change()
    nest.Simulate(script.ms(1, LONGEST))
    return script.records()


def write(path, run, seeds=SEEDS):
    """Store what NEST, imported here, makes of all scripts."""
    import nest

    nest.verbosity = nest.VerbosityLevel.QUIET
    everything = {f"{seed}_{name}": values for seed in seeds for name, values in run(nest, seed).items()}
    np.savez_compressed(path, **everything)
    print(path.stat().st_size, "bytes")


if __name__ == "__main__":
    write(DATA, run)
