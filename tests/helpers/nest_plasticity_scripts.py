"""Random scripts for NEST with tsodyks_synapse and tsodyks2_synapse, nothing drawn, and what NEST 3.10 makes of them.

As `nest_scripts`, but spikes of neurons, parrots (several in a step) and a population change the connections that carry
them, whose parameters and initial states are alike or differ, and are changed between runs, as are their weights and
delays. The states of connections are recorded, too. With NEST as ``nest``, ``python -m
tests.helpers.nest_plasticity_scripts`` writes the results to ``data/nest_plasticity_scripts.npz``.
"""

import contextlib
from functools import partial
from pathlib import Path

import numpy as np

from tests.helpers import nest_scripts

DATA = Path(__file__).parents[1] / "data" / "nest_plasticity_scripts.npz"
SEEDS = range(60)
FIRING = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0}
COMMON = ["U", "tau_rec", "tau_fac", "x", "u"]
NAMES = {"tsodyks2_synapse": COMMON, "tsodyks_synapse": [*COMMON, "tau_psc", "y"]}


class Script(nest_scripts.BaseScript):
    """One script: a random generator decides, and both simulators get the same calls."""

    def __init__(self, nest, seed):
        self.begin(nest, seed)
        self.shortest = self.choose.randint(1, 4)
        self.states, self.models = [], {}
        self.targets = [nest.Create("gif_psc_exp", n, {"lambda_0": 0.0}) for n in (3, self.choose.choice([1, 12]))]
        self.targets.append(self.population({"lambda_0": 0.0}))
        self.sources = [self.parrots() for _ in range(self.choose.randint(1, 3))]
        self.sources.append(nest.Create("gif_psc_exp", 4, FIRING))
        self.sources[-1].set([{"t_ref": self.ms(1, 9)} for _ in range(4)])
        self.sources.append(self.population({"N": 3, **FIRING, "t_ref": self.ms(2, 7)}))
        self.heard = nest.Create("parrot_neuron", 2)
        self.recorders = [nest.Create("spike_recorder")]
        for source in [*self.sources, self.heard]:
            nest.Connect(source, self.recorders[0])
        self.make_models()
        for _ in range(self.choose.randint(2, 6)):
            self.connect()
        for target in self.targets:
            parameters = {"record_from": ["I_syn_ex", "I_syn_in"], "interval": self.h}
            meter = nest.Create("multimeter", params=parameters)
            nest.Connect(meter, target, syn_spec={"delay": self.ms(self.shortest, self.shortest)})
            self.recorders.append(meter)

    def make_models(self):
        for base, names in NAMES.items():
            for k in range(2):
                name = self.choose.choice([base, f"{base}_lbl", f"{base}_hpc"])
                self.nest.CopyModel(name, f"{base}_{k}", self.some_values(names))
                self.models[f"{base}_{k}"] = names

    def population(self, parameters):
        return self.nest.Create(
            "gif_pop_psc_exp", params={"tau_sfa": [100.0], "q_sfa": [0.0], "len_kernel": 50, **parameters}
        )

    def parrots(self):
        """Create parrots that repeat spikes of a generator, some of them several in a step."""
        block = self.nest.Create("parrot_neuron", self.choose.choice([1, 2, 5, 12]))
        for _ in range(2):
            times = sorted(self.choose.randint(1, 50) for _ in range(self.choose.randint(1, 8)))
            generator = self.nest.Create(
                "spike_generator",
                params={
                    "spike_times": [round(step * self.h, 6) for step in times],
                    "spike_multiplicities": np.array([self.choose.choice([0, 1, 1, 1, 2, 3]) for _ in times]),
                },
            )
            part = block[: self.choose.randint(1, len(block))]
            self.nest.Connect(generator, part, syn_spec={"delay": self.delay()})
        return block

    def delay(self):
        return self.ms(self.shortest, self.shortest + 3)

    def value(self, name):
        choose = self.choose
        if name == "tau_psc":  # that of tau_rec gives NaN in NEST
            return choose.choice([0.5, 4.0, 30.0])
        if name.startswith("tau"):
            zero = [0.0, 0.0] if name == "tau_fac" else []
            return choose.choice([*zero, 0.7, 2.5, 20.0, 200.0]) * choose.choice([1.0, choose.uniform(0.9, 1.1)])
        if name == "y":
            return choose.uniform(0.0, 0.3)
        return choose.uniform(0.0, 0.7)

    def some_values(self, names, share=0.5):
        return {name: self.value(name) for name in self.together(n for n in names if self.choose.random() < share)}

    def together(self, some):
        """Return names with ``x`` where ``y`` is among them, whose sum is at most 1."""
        some = list(some)
        return [*some, "x"] if "y" in some and "x" not in some else some

    def values(self, names):
        """Return synaptic parameters that connections share."""
        weight = self.choose.choice([1.0, 10.0, -20.0])
        return {"weight": weight, "delay": self.delay(), **self.some_values(names, 0.3)}

    def arrays(self, names, *shape):
        """Return synaptic parameters of each connection."""
        n = int(np.prod(shape))
        own = {"weight": [self.choose.choice([5.0, -3.0]) * self.choose.random() for _ in range(n)]}
        own["delay"] = [self.delay() for _ in range(n)]
        for name in self.together(self.choose.sample(names, self.choose.randint(0, 3))):
            own[name] = [self.value(name) for _ in range(n)]
        return {name: np.array(values).reshape(shape) for name, values in own.items()}

    def part(self, blocks):
        block = self.choose.choice(blocks)
        return self.choose.choice([block, block, block[: self.choose.randint(1, len(block))]])

    def connect(self):
        model, names = self.choose.choice(sorted(self.models.items()))
        pre, post = self.part(self.sources), self.part([*self.targets, *self.targets, self.heard])
        kind = self.choose.choice(["all", "table", "list"])
        if kind == "all":
            self.nest.Connect(pre, post, "all_to_all", {"synapse_model": model, **self.values(names)})
        elif kind == "table":
            shape = len(post), len(pre)
            arrays = self.arrays(names, *shape)
            kept = self.together(self.choose.sample(sorted(arrays), self.choose.randint(1, len(arrays))))
            synapse = self.values(names) | {name: arrays[name] for name in kept if name in arrays}
            self.nest.Connect(pre, post, "all_to_all", {"synapse_model": model, **synapse})
        else:
            n = self.choose.randint(1, 60)
            sources, targets = (np.array(self.choose.choices(nodes.tolist(), k=n)) for nodes in (pre, post))
            self.nest.Connect(sources, targets, "one_to_one", {"synapse_model": model, **self.arrays(names, n)})

    def change(self):
        if self.choose.random() < 0.5:
            self.note_states()
        model, names = self.choose.choice(sorted(self.models.items()))
        kind = self.choose.choice(["all", "some", "each", "weight", "delay", "defaults", "disconnect"])
        found = self.nest.GetConnections(synapse_model=model)
        if kind == "defaults":
            self.nest.SetDefaults(model, {"U": self.value("U"), "x": self.value("x")})
        elif not len(found):
            return
        elif kind == "all":
            found.set(self.new_values(names))
        elif kind == "some":
            sources = self.part(self.sources)
            some = self.nest.GetConnections(source=sources, synapse_model=model)
            if len(some):
                some.set(self.new_values(names))
        elif kind == "each":  # NEST does not keep the order of those from the same source
            name = self.choose.choice(["x", "u", "U"])
            same = {"y": 0.2} if name == "x" and "y" in names else {}
            found.set({name: [0.05 + 0.09 * (target % 7) for target in found.targets()]} | same)
        elif kind == "weight":
            found.weight = self.choose.choice([2.0, -5.0])
        elif kind == "delay":
            with contextlib.suppress(self.nest.NESTErrors.BadDelay):
                found.delay = self.delay()
        else:
            ends = list(zip(found.sources(), found.targets(), strict=True))
            single = [one for one, pair in zip(found, ends, strict=True) if ends.count(pair) == 1]
            if single:
                self.any_of(single).disconnect()

    def new_values(self, names):
        some = self.choose.sample(names, 2)
        if "x" in some and "y" in names:
            some = ["x", "y"]
        return {name: self.value(name) for name in self.together(some)}

    def note_states(self):
        """Note the state of all connections, in an order that does not depend on that of their making."""
        for model, names in self.models.items():
            found = self.nest.GetConnections(synapse_model=model)
            if len(found):
                values = found.get(["source", "target", "delay", "weight", *names])
                values = {name: np.atleast_1d(column).astype(float) for name, column in values.items()}
                order = np.lexsort(list(values.values())[::-1])
                self.states.append(np.array([values[name][order] for name in ("x", "u", "y") if name in names]))

    def records(self):
        self.note_states()
        return super().records() | {f"states_{k}": table for k, table in enumerate(self.states)}


run = partial(nest_scripts.run, make=Script)

if __name__ == "__main__":
    nest_scripts.write(DATA, run, SEEDS)
