"""Random scripts for NEST with devices of all kinds, nothing drawn, and what NEST 3.10 makes of them.

As `nest_scripts`, but with currents of every generator that has one, spikes of generators and injectors between steps
and at the present time, generators that are silent, and weight recorders; through synapses with shared weights, labels,
in pairs and both ways, some of which are removed. With NEST as ``nest``, ``python -m
tests.helpers.nest_device_scripts`` writes the results to ``data/nest_device_scripts.npz``.

What NEST loses or delays is left out. Frozen neurons get no input, and nodes freeze for longer than the shortest delay.
Packets of spikes are empty. Precise times are not on the time grid, and generators have them always or never. Injectors
are neurons for NEST and are not connected between runs (see `nest_scripts`).
"""

import contextlib
from functools import partial
from pathlib import Path

import numpy as np

from tests.helpers import nest_scripts

DATA = Path(__file__).parents[1] / "data" / "nest_device_scripts.npz"
SEEDS = range(60)
QUIET = {"lambda_0": 0.0}
FIRING = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0}
CURRENTS = ["dc_generator", "step_current_generator", "ac_generator", "noise_generator"]
SPIKES = ["spike_generator", "spike_train_injector"]
SILENT = {
    "poisson_generator": {},
    "poisson_generator_ps": {"dead_time": 1.0},
    "inhomogeneous_poisson_generator": {"rate_times": [60.0], "rate_values": [0.0]},
    "sinusoidal_poisson_generator": {"frequency": 30.0},
    "sinusoidal_gamma_generator": {"order": 3.0},
    "gamma_sup_generator": {"gamma_shape": 2, "n_proc": 3},
    "ppd_sup_generator": {"dead_time": 3.0, "n_proc": 2},
    "mip_generator": {"p_copy": 0.5},
    "pulsepacket_generator": {"pulse_times": [3.0], "activity": 0},
}


class Script(nest_scripts.Script):
    """One script: a random generator decides, and both simulators get the same calls."""

    steady = ()  # models of generators that are not frozen and keep their windows

    def __init__(self, nest, seed):
        self.begin(nest, seed)
        self.shortest = self.shortest_delay()
        self.recorders = []
        self.synapses = self.synapse_models()
        self.alone = nest.Create("gif_psc_exp", 2, {**FIRING, "t_ref": self.ms(1, 4)})
        self.cells = [self.neurons(QUIET), self.neurons(FIRING), self.population(QUIET), self.population(FIRING)]
        self.cells.append(nest.Create("parrot_neuron", 3))
        self.generators = []
        for _ in range(self.choose.randint(3, 7)):
            self.device()
        for _ in range(self.choose.randint(1, 4)):
            self.join(self.choose.choice(self.cells[:-1]), self.choose.choice(self.cells), self.synapses)
        self.join(self.cells[-1], self.choose.choice(self.cells[:-1]), self.synapses)
        for block in (self.alone, self.cells[-1]):
            self.record(block)
        for block in self.cells[0][:1], self.cells[2]:
            self.meter({"interval": self.h}, ["V_m"], [block])

    def shortest_delay(self):
        return self.choose.randint(1, 4)

    def synapse_models(self):
        """Make models of synapses with a common weight and with a recorder of weights."""
        self.weights = self.nest.Create("weight_recorder", params=self.window())
        recorder = {"weight_recorder": self.weights}
        self.nest.CopyModel("static_synapse", "recorded", recorder)
        self.nest.CopyModel("static_synapse_hom_w", "common", {"weight": 3.0})
        self.nest.CopyModel("static_synapse_hom_w", "recorded_common", {"weight": -4.0, **recorder})
        return ["static_synapse", "static_synapse_lbl", "recorded", "common", "recorded_common"]

    def neurons(self, firing):
        terms = {"tau_syn_ex": self.choose.choice([0.7, 2.0]), "tau_syn_in": self.choose.choice([1.0, 20.0])}
        return self.nest.Create("gif_psc_exp", 3, {**firing, **terms, "t_ref": self.ms(0, 4)})

    def population(self, firing):
        terms = {"N": self.choose.choice([1, 4]), "tau_sfa": [100.0], "q_sfa": [0.0], "len_kernel": 20}
        return self.nest.Create("gif_pop_psc_exp", params={**firing, **terms, "t_ref": self.ms(1, 4)})

    def synapse(self, model):
        synapse = {"synapse_model": model, "delay": self.ms(self.shortest, self.shortest + 3)}
        if "common" not in model:
            synapse["weight"] = self.choose.choice([1.0, -1.0, 10.0, -20.0, 37.5])
        if model.endswith("lbl"):
            synapse["synapse_label"] = self.choose.randint(0, 3)
        return synapse

    def join(self, pre, post, models):
        """Connect by one synapse or two, pairs perhaps both ways."""
        synapse = self.synapse(self.choose.choice(models))
        if self.choose.random() < 0.3:
            synapse = self.nest.CollocatedSynapses(synapse, self.synapse(self.choose.choice(models)))
        rule = "one_to_one" if len(pre) == len(post) and self.choose.random() < 0.6 else "all_to_all"
        symmetric = rule == "one_to_one" and any(pre == cells for cells in self.cells) and self.choose.random() < 0.6
        self.nest.Connect(pre, post, {"rule": rule, "make_symmetric": symmetric}, synapse)

    def record(self, block, model="static_synapse"):
        parameters = self.window()
        if not self.nest.biological_time:
            parameters["time_in_steps"] = self.choose.random() < 0.5
        recorder = self.nest.Create("spike_recorder", params=parameters)
        self.nest.Connect(block, recorder, "all_to_all", self.synapse(model))
        self.recorders.append(recorder)

    def device(self):
        """Create generators of one model, connect them and record what they send."""
        model = self.model()
        n = self.choose.choice([1, 3])
        precise = model in SPIKES and not self.nest.biological_time and self.choose.random() < 0.3
        generators = self.nest.Create(model, n, self.window() | self.emission(model, precise))
        currents = model in CURRENTS
        models = self.synapses if model == "spike_train_injector" else [self.choose.choice(self.synapses)]
        for target in self.some(self.cells[:-1] if currents else self.cells):
            self.join(generators, target, models)
        if currents:
            sampling = {"interval": self.ms(1, 3), "offset": self.ms(0, 2)}
            self.meter(sampling, ["I"], [generators], self.window())
        elif model not in SILENT:
            self.record(generators, models[0])
        self.generators.append((model, generators, precise))

    def model(self):
        injector = [] if self.nest.biological_time else ["spike_train_injector"] * 2
        return self.choose.choice([*CURRENTS, "spike_generator", *injector, self.choose.choice(list(SILENT))])

    def emission(self, model, precise=False):
        choose = self.choose
        if model == "ac_generator":
            sine = {"frequency": choose.uniform(0.0, 300.0), "phase": choose.uniform(-90.0, 400.0)}
            return {"amplitude": choose.uniform(-50.0, 50.0), "offset": choose.choice([0.0, 20.0]), **sine}
        if model == "noise_generator":
            sine = {"frequency": choose.choice([0.0, 40.0]), "phase": choose.choice([0.0, 70.0])}
            return {"mean": choose.uniform(-50.0, 50.0), "std": 0.0, "dt": self.ms(1, 5), **sine}
        if model in SILENT:
            return SILENT[model]
        return self.train(model, precise) if model in SPIKES else super().emission(model)

    def train(self, model, precise):
        """Draw times of spikes: of steps, between them, or shifted if they are at the present time."""
        kind = "precise_times" if precise else self.choose.choice(["", "allow_offgrid_times", "shift_now_spikes"])
        times = self.times(self.choose.randint(0, 6), repeated=True)
        if kind == "shift_now_spikes":
            times = sorted([self.nest.biological_time, *times])
        elif kind:
            times = sorted(round(time - self.choose.choice([0.25, 0.7]) * self.h, 6) for time in times)
        options = {name: name == kind for name in ("allow_offgrid_times", "precise_times", "shift_now_spikes")}
        counts = [self.choose.randint(0, 3) for _ in times] if self.choose.random() < 0.5 else []
        train = {"spike_times": times, "spike_multiplicities": np.array(counts, dtype=int), **options}
        if model == "spike_generator":
            train["spike_weights"] = self.values(len(times), 3.0) if self.choose.random() < 0.5 else []
        return train

    def change(self):
        choice = self.choose.choice(["run", "run", "generator", "generator", "frozen", "weight", "removed", "device"])
        if choice == "run":
            self.nest.Simulate(self.ms(0, 3))
        elif choice == "generator":
            model, generators, precise = self.choose.choice(self.generators)
            generators.set(self.new_values(model, precise))
        elif choice == "frozen":
            nodes = self.choose.choice(
                [self.alone, *(nodes for model, nodes, _ in self.generators if model not in self.steady)]
            )
            nodes.frozen = self.choose.choice([True, False])
            self.nest.Simulate(self.ms(8, 12))
        elif choice == "weight":
            self.change_weight()
        elif choice == "removed":
            self.remove()
        else:
            with contextlib.suppress(self.nest.NESTErrors.BadDelay):
                self.device()

    def new_values(self, model, precise):
        return (
            self.window() if model not in self.steady and self.choose.random() < 0.5 else self.emission(model, precise)
        )

    def change_weight(self):
        model, weight = self.choose.choice(self.synapses), self.choose.choice([2.0, -5.0])
        connections = self.nest.GetConnections(synapse_model=model)
        if "common" in model:
            self.nest.SetDefaults(model, {"weight": weight})
        elif len(connections):
            self.any_of(connections).set(weight=weight)

    def remove(self):
        """Disconnect two neurons between which there is one connection of a model."""
        connections = self.nest.GetConnections(self.cells[1], synapse_model=self.choose.choice(self.synapses))
        pairs = list(zip(connections.sources(), connections.targets(), strict=True))
        pair = self.choose.choice(sorted(pairs)) if pairs else None
        if pairs.count(pair) == 1:
            self.nest.Disconnect(connections[pairs.index(pair)])

    def records(self):
        """Return what the recorders hold; that of weights sorted, without ports, and receptors, which are 0."""
        events = {name: values for name, values in self.weights.events.items() if name not in ("ports", "receptors")}
        order = np.lexsort([events[name] for name in sorted(events)])
        return super().records() | {f"weights_{name}": values[order] for name, values in events.items()}


run = partial(nest_scripts.run, make=Script)

if __name__ == "__main__":
    nest_scripts.write(DATA, run, SEEDS)
