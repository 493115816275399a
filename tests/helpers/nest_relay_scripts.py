"""Random scripts for NEST with parrots, dilutors, bernoulli_synapse, nothing drawn, and what NEST 3.10 makes of them.

As `nest_scripts`, but spikes of generators, neurons and a population pass blocks of relays on their way; probabilities
are 0 or 1. With NEST as ``nest``, ``python -m tests.helpers.nest_relay_scripts`` writes the results to
``data/nest_relay_scripts.npz``.

Windows of dilutors have no beginning: NEST keeps what arrives before it in its ring buffer and sends it a round later.
"""

from functools import partial
from pathlib import Path

import numpy as np

from tests.helpers import nest_scripts

DATA = Path(__file__).parents[1] / "data" / "nest_relay_scripts.npz"
SEEDS = nest_scripts.SEEDS
FIRING = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0}


class Script(nest_scripts.BaseScript):
    """One script: a random generator decides, and both simulators get the same calls."""

    def __init__(self, nest, seed):
        self.begin(nest, seed)
        self.shortest = self.choose.randint(1, 4)
        self.targets = nest.Create("gif_psc_exp", 3, {"lambda_0": 0.0}), self.population({"lambda_0": 0.0})
        self.sources = [self.generator() for _ in range(self.choose.randint(1, 3))]
        self.sources.append(nest.Create("gif_psc_exp", 2, FIRING | {"t_ref": self.ms(1, 4)}))
        self.sources.append(self.population({"N": 3, **FIRING, "t_ref": self.ms(1, 4)}))
        self.models = []  # pairs of a dilutor and the synapse model that all its connections have
        self.relays, self.recorders = [], []
        for _ in range(self.choose.randint(2, 5)):
            self.relay()
        for block in self.relays:
            self.connect(block, self.choose.choice(self.targets), self.rule(block))
            self.record(block)
        self.connect(self.sources[-1], self.targets[0])
        for target in self.targets:
            self.meter(target)

    def population(self, parameters):
        return self.nest.Create(
            "gif_pop_psc_exp", params={"tau_sfa": [100.0], "q_sfa": [0.0], "len_kernel": 50, **parameters}
        )

    def generator(self):
        n = self.choose.randint(1, 8)
        times = sorted(self.choose.randint(1, 50) for _ in range(n))
        return self.nest.Create(
            "spike_generator",
            params={
                "spike_times": [round(step * self.h, 6) for step in times],
                "spike_multiplicities": np.array([self.choose.randint(0, 3) for _ in times]),
                "spike_weights": [self.choose.choice([1.0, -2.0, 0.0]) for _ in times],
            },
        )

    def relay(self):
        """Create relays that hear sources and earlier relays."""
        model = self.choose.choice(["parrot_neuron", "parrot_neuron", "spike_dilutor"])
        block = self.nest.Create(model, self.choose.choice([1, 2, 3, 40]))
        if model == "spike_dilutor":
            self.models.append((block, self.choose.choice(["static_synapse", "bernoulli_synapse"])))
            self.dilute(block)
        for source in self.choose.sample(self.sources + self.relays, self.choose.randint(1, 3)):
            self.connect(source, block, self.rule(block))
        self.relays.append(block)

    def dilute(self, block):
        block.set([{"p_copy": self.choose.choice([0.0, 1.0, 1.0])} for _ in block])
        if self.choose.random() < 0.3:
            block.set(stop=self.ms(20, 40))

    def rule(self, block):
        return "one_to_one" if len(block) == 3 and self.choose.random() < 0.3 else "all_to_all"

    def connect(self, pre, post, rule="all_to_all"):
        if len(pre) != len(post):
            rule = "all_to_all"
        synapse = {"weight": self.choose.choice([1.0, -1.0, 10.0, 0.0, 37.5]), "delay": self.ms(*self.delays())}
        model = next((model for block, model in self.models if block == pre), None)
        if model is None and not any(pre == source for source in self.sources[:-2]):
            model = self.choose.choice(["static_synapse", "bernoulli_synapse"])
        if model == "bernoulli_synapse":
            synapse |= {"synapse_model": model, "p_transmit": self.choose.choice([0.0, 1.0, 1.0])}
        self.nest.Connect(pre, post, rule, synapse)

    def delays(self):
        return self.shortest, self.shortest + 3

    def record(self, block):
        recorder = self.nest.Create("spike_recorder")
        self.connect(block, recorder)
        self.recorders.append(recorder)

    def meter(self, target):
        parameters = {"record_from": ["I_syn_ex", "I_syn_in", "V_m"], "interval": self.h}
        meter = self.nest.Create("multimeter", params=parameters)
        self.nest.Connect(meter, target, syn_spec={"delay": self.ms(self.shortest, self.shortest)})
        self.recorders.append(meter)

    def change(self):
        static = self.nest.GetConnections(synapse_model="static_synapse")
        dilutors = [block for block, _ in self.models]
        if dilutors and self.choose.random() < 0.5:
            self.dilute(self.choose.choice(dilutors))
        elif len(static):
            self.any_of(static).set(weight=self.choose.choice([2.0, -5.0]))


run = partial(nest_scripts.run, make=Script)

if __name__ == "__main__":
    nest_scripts.write(DATA, run)
