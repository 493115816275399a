"""Random scripts for NEST with neurons and nothing drawn, and what NEST 3.10 makes of them.

As `nest_scripts`, but with blocks of neurons that never fire, fire whenever they can, or at a sharp threshold, with
parameters that differ; with a population beside them; connected all to all, one to one and by lists, to blocks, slices
and unions, with weights and delays that differ. With NEST as ``nest``, ``python -m tests.helpers.nest_neuron_scripts``
writes the results to ``data/nest_neuron_scripts.npz``.
"""

import contextlib
from functools import partial
from pathlib import Path

import numpy as np

from tests.helpers import nest_scripts

DATA = Path(__file__).parents[1] / "data" / "nest_neuron_scripts.npz"
SEEDS = nest_scripts.SEEDS
VARIABLES = ["V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in"]
FIRING = (
    {"lambda_0": 0.0},
    {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0},
    {"lambda_0": 1e6, "V_T_star": -55.0, "Delta_V": 1e-7, "V_reset": -65.0, "I_e": 120.0},
)


class Script(nest_scripts.BaseScript):
    """One script: a random generator decides, and both simulators get the same calls."""

    model, variables = "gif_psc_exp", VARIABLES

    def __init__(self, nest, seed):
        self.begin(nest, seed)
        self.shortest = self.choose.randint(1, 4)
        self.blocks = [self.neurons() for _ in range(self.choose.randint(1, 3))]
        self.population = nest.Create("gif_pop_psc_exp", params=self.population_parameters())
        self.generators, self.recorders = [], []
        for _ in range(self.choose.randint(2, 6)):
            self.connect()
        for _ in range(self.choose.randint(2, 6)):
            self.device()
        for block in self.blocks:
            self.meter(block, self.variables, {"interval": self.h})
        self.meter(self.population, ["V_m", "I_syn_ex", "I_syn_in"], {"interval": self.h})
        self.recorder(sum(self.blocks[1:], self.blocks[0]))

    def delay(self):
        return self.ms(self.shortest, self.shortest + 3)

    def neurons(self):
        choose, n = self.choose.choice, self.choose.choice([1, 2, 3, 4, 5, 5, 6, 40])
        terms = {kind: self.choose.randint(0, 2) for kind in ("sfa", "stc")}
        parameters = {
            "C_m": choose([60.0, 80.0]),
            "g_L": choose([3.0, 4.0]),
            "E_L": choose([-70.0, -60.0]),
            "V_reset": -62.0,
            "V_m": choose([-70.0, -66.0]),
            "t_ref": choose([0, 1, 3]) * self.h,
            **self.synapses(),
            **choose(FIRING),
            **{f"tau_{kind}": [choose([5.0, 50.0]) for _ in range(k)] for kind, k in terms.items()},
            **{f"q_{kind}": [choose([1.0, 3.0, -0.5]) for _ in range(k)] for kind, k in terms.items()},
        }
        block = self.nest.Create(self.model, n, parameters)
        if choose([True, False]):
            block.I_e = [self.choose.uniform(0.0, 150.0) for _ in range(n)]
        if choose([True, False]):
            block.set([{"tau_sfa": [10.0] * k, "q_sfa": [2.0] * k} for k in self.choose.choices([0, 1, 2], k=n)])
        return block

    def synapses(self):
        """Return parameters of the receptors of neurons."""
        return {"tau_syn_ex": self.choose.choice([0.7, 2.0]), "tau_syn_in": self.choose.choice([1.0, 20.0])}

    def other_synapses(self):
        """Return receptors that neurons can change to."""
        return {"tau_syn_ex": 1.3}

    def receptor(self, post):
        """Return which receptor of its targets a connection names."""
        return {}

    def population_parameters(self):
        firing = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0, "t_ref": 3 * self.h, "N": 2}
        quiet = {"lambda_0": 0.0, "t_ref": self.h}
        return self.choose.choice([firing, quiet]) | {"tau_sfa": [100.0], "q_sfa": [0.0], "len_kernel": 12}

    def part(self, population=False):
        """Return a block, a slice of one, several blocks, or the population."""
        block = self.choose.choice(self.blocks)
        parts = [
            block,
            block,
            block[: self.choose.randint(1, len(block))],
            block[:: self.choose.randint(1, 2)],
            sum(self.blocks[1:], self.blocks[0]),
        ]
        return self.choose.choice([*parts, self.population] if population else parts)

    def values(self, *shape):
        n = int(np.prod(shape))
        return np.array([self.choose.choice([5.0, 10.0, -20.0]) + self.choose.random() for _ in range(n)]).reshape(
            shape
        )

    def delays(self, *shape):
        return np.array([self.delay() for _ in range(int(np.prod(shape)))]).reshape(shape)

    def connect(self):
        kind = self.choose.choice(["all", "table", "one", "list", "list"])
        pre, post = self.part(population=True), self.part(population=True)
        if kind == "all":
            autapses = self.choose.choice([True, False])
            weight = self.choose.choice([10.0, -5.0])
            synapse = {"weight": weight, "delay": self.delay(), **self.receptor(post)}
            self.nest.Connect(pre, post, {"rule": "all_to_all", "allow_autapses": autapses}, synapse)
        elif kind == "table":
            shape = len(post), len(pre)
            synapse = {"weight": self.values(*shape), "delay": self.delays(*shape), **self.receptor(post)}
            self.nest.Connect(pre, post, "all_to_all", synapse)
        elif kind == "one":
            n = len(post)
            synapse = {"weight": self.values(n), "delay": self.delay(), **self.receptor(post)}
            self.nest.Connect(post, post, "one_to_one", synapse)
        else:
            n = self.choose.randint(1, 60)
            sources, targets = (np.array(self.choose.choices(nodes.tolist(), k=n)) for nodes in (pre, post))
            synapse = {"weight": self.values(n), "delay": self.delays(n), **self.receptor(post)}
            self.nest.Connect(sources, targets, "one_to_one", synapse)

    def device(self):
        kind = self.choose.choice(["dc", "step", "spike", "meter", "recorder"])
        if kind == "meter":
            sampling = {"interval": self.ms(1, 4), "offset": self.ms(0, 6)}
            self.meter(self.part(), self.choose.sample(self.variables, 2), sampling)
        elif kind == "recorder":
            self.recorder(self.part(population=True), self.part())
        else:
            self.generator(kind)

    def generator(self, kind):
        model = {"dc": "dc_generator", "step": "step_current_generator", "spike": "spike_generator"}[kind]
        generator = self.nest.Create(model, params=self.window() | self.emission(kind))
        for _ in range(self.choose.randint(1, 2)):
            target = self.part(population=True)
            weights = self.choose.choice([0.5, -2.0, self.values(len(target), 1)])
            synapse = {"weight": weights, "delay": self.delay()}
            if kind == "spike":
                synapse |= self.receptor(target)
            self.nest.Connect(generator, target, "all_to_all", synapse)
        self.generators.append((generator, kind))

    def window(self):
        limits = {"start": (0, 15), "stop": (15, 45), "origin": (0, 8)}
        return {name: self.ms(*limit) for name, limit in limits.items() if self.choose.random() < 0.4}

    def emission(self, kind):
        n = self.choose.randint(0, 6)
        if kind == "dc":
            return {"amplitude": self.choose.uniform(-50, 50)}
        times = [round(step * self.h, 6) for step in sorted(self.choose.sample(range(1, 60), n))]
        values = [self.choose.uniform(-30, 30) for _ in range(n)]
        if kind == "step":
            return {"amplitude_times": times, "amplitude_values": values}
        return {"spike_times": times, "spike_weights": values if self.choose.random() < 0.5 else []}

    def meter(self, targets, variables, sampling):
        meter = self.nest.Create("multimeter", params={"record_from": variables, **sampling, **self.window()})
        self.nest.Connect(meter, targets, syn_spec={"delay": self.delay()})
        self.recorders.append(meter)

    def recorder(self, *senders):
        recorder = self.nest.Create("spike_recorder", params=self.window())
        for each in senders:
            self.nest.Connect(each, recorder, syn_spec={"delay": self.delay()})
        self.recorders.append(recorder)

    def change(self):
        choice = self.choose.choice(["neurons", "neurons", "weights", "generator", "meter"])
        if choice == "neurons":
            new = [
                {"V_m": -64.0},
                {"I_e": 30.0},
                {"tau_sfa": [7.0], "q_sfa": [1.5]},
                {"t_ref": 2 * self.h},
                {"tau_stc": [], "q_stc": []},
                {"tau_stc": [4.0, 9.0, 30.0], "q_stc": [1.0, 2.0, -1.0]},
                {"C_m": 70.0},
                {"E_L": -65.0, "g_L": 3.5},
                self.other_synapses(),
                {"V_reset": -60.0},
            ]
            self.part().set(self.choose.choice(new))
        elif choice == "weights":
            connections = self.nest.GetConnections(self.choose.choice(self.blocks), self.choose.choice(self.blocks))
            if len(connections):
                connections.weight = self.choose.choice([2.0, -5.0])
        elif choice == "generator" and self.generators:
            generator, kind = self.choose.choice(self.generators)
            generator.set(self.window() if self.choose.random() < 0.5 else self.emission(kind))
        elif choice == "meter":
            with contextlib.suppress(self.nest.NESTErrors.BadDelay):
                self.meter(self.part(), ["V_m"], {"interval": self.h})


run = partial(nest_scripts.run, make=Script)

if __name__ == "__main__":
    nest_scripts.write(DATA, run)
