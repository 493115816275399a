"""Random sequences of calls of gifpop.nest that create, connect, change, run and remove."""

from functools import partial

import numpy as np

import gifpop.nest as nest


def nodes(first, n):
    return nest.NodeCollection(range(first, first + n))


CELL = {"lambda_0": 30.0, "V_T_star": -50.0, "Delta_V": 3.0, "I_e": 60.0}
POPULATION = {"N": 40, "I_e": 250.0, "tau_sfa": [50.0], "q_sfa": [2.0], "len_kernel": 60}


class Sequence:
    """Draw a sequence of calls; each is a function without arguments that refers to nodes by their identifiers."""

    def __init__(self, seed):
        self.random, self.calls, self.size = np.random.default_rng(seed), [], 0
        self.cells, self.neurons, self.generators, self.recorders = [], [], [], []
        self.add(nest.set, resolution=0.5, rng_seed=int(seed) + 1)
        self.add(nest.set, min_delay=1.0, max_delay=2.0)
        for make in (
            self.create_neurons,
            self.create_population,
            self.create_recorder,
            self.create_generator,
            self.connect,
            self.connect,
            self.relay,
            self.listen,
        ):
            make()
        steps = (
            (self.create_neurons, 1),
            (self.create_population, 1),
            (self.create_recorder, 1),
            (self.create_generator, 1),
            (self.connect, 4),
            (self.listen, 2),
            (self.relay, 1),
            (self.set_probabilities, 1),
            (self.set_cells, 3),
            (self.set_devices, 2),
            (self.set_connections, 3),
            (self.disconnect, 2),
            (self.weigh, 1),
            (self.set_defaults, 1),
            (self.copy_model, 1),
            (self.set_kernel, 2),
            (self.simulate, 6),
            (self.run, 2),
        )
        weights = np.array([weight for _, weight in steps], dtype=float)
        for k in self.random.choice(len(steps), size=16, p=weights / weights.sum()):
            steps[k][0]()
        self.simulate()

    def add(self, call, *arguments, **named):
        self.calls.append(partial(call, *arguments, **named))

    def some(self, groups):
        return groups[self.random.integers(len(groups))]

    def create(self, model, n, params, groups):
        self.add(nest.Create, model, n, params)
        groups.append((self.size + 1, n))
        self.size += n

    def create_neurons(self):
        n = int(self.random.integers(2, 7))
        self.create("gif_psc_exp", n, CELL | {"V_m": nest.random.uniform(-70.0, -60.0)}, self.neurons)
        self.cells.append(self.neurons[-1])

    def create_population(self):
        self.create("gif_pop_psc_exp", 2, [POPULATION, POPULATION | {"V_m": 3.0, "t_ref": 0.0}], self.cells)

    def create_recorder(self):
        self.create("spike_recorder", 1, None, self.recorders)

    def create_generator(self):
        model, params = self.some(
            [
                ("poisson_generator", {"rate": 500.0}),
                ("dc_generator", {"amplitude": 20.0}),
                ("spike_generator", {"spike_times": np.arange(1.0, 60.0, 1.5)}),
                ("step_current_generator", {"amplitude_times": [5.0, 20.0], "amplitude_values": [10.0, -5.0]}),
            ]
        )
        self.create(model, 2, params, self.generators)

    def connect(self):
        sources = self.some(self.cells + self.generators)
        rule = self.some(
            ["all_to_all", {"rule": "fixed_indegree", "indegree": 3}, {"rule": "pairwise_bernoulli", "p": 0.5}]
        )
        weight = self.some([5.0, -3.0, nest.random.normal(4.0, 2.0), nest.random.uniform(-5.0, 5.0)])
        delay = self.some([1.0, 1.5, 2.0])
        self.add(self.connect_now, sources, self.some(self.cells), rule, {"weight": weight, "delay": delay})

    @staticmethod
    def connect_now(sources, targets, rule, synapse):
        nest.Connect(nodes(*sources), nodes(*targets), rule, synapse)

    def listen(self):
        n = self.size + 1
        self.create("multimeter", 1, {"record_from": ["V_m"], "interval": 1.0}, [])
        self.add(self.connect_now, (n, 1), self.some(self.cells), "all_to_all", {"delay": 1.0})
        self.add(self.connect_now, self.some(self.cells), self.some(self.recorders), "all_to_all", {"delay": 1.0})

    def relay(self):
        """Create relays between cells, to and from which some spikes are lost."""
        model, params = self.some([("parrot_neuron", None), ("spike_dilutor", {"p_copy": 0.6, "stop": 40.0})])
        n = self.size + 1
        self.create(model, 2, params, self.generators if model == "spike_dilutor" else [])
        lossy = {"synapse_model": "bernoulli_synapse", "p_transmit": 0.5, "weight": 6.0, "delay": 1.5}
        static = {"weight": 4.0, "delay": 1.5}  # all that start at a device have the same model
        self.add(self.connect_now, self.some(self.cells), (n, 2), "all_to_all", lossy)
        self.add(
            self.connect_now, (n, 2), self.some(self.cells), "all_to_all", lossy if model == "parrot_neuron" else static
        )

    def set_probabilities(self):
        p = self.some([0.3, 1.0])

        def call():
            found = nest.GetConnections(synapse_model="bernoulli_synapse")
            found.set(p_transmit=p if self.size % 2 else [p] * len(found))

        self.calls.append(call)

    def set_cells(self):
        first, n = self.some(self.cells)
        values = self.some(
            [
                {"I_e": 80.0},
                {"I_e": nest.random.uniform(0.0, 100.0)},
                {"Delta_V": 2.5, "t_ref": 2.0},
                {"tau_sfa": [20.0, 90.0], "q_sfa": [3.0, 1.0]},
                [{"I_e": 10.0 * k} for k in range(n)],
            ]
        )
        self.add(lambda: nodes(first, n).set(values))

    def set_devices(self):
        (first, n), value = self.some(self.generators + self.recorders), float(self.random.integers(1, 9))
        self.add(lambda: nodes(first, n).set(stop=1000.0 + value, origin=0.0))

    def set_connections(self):
        (first, n), values = self.some(self.cells), self.some([{"weight": 6.0}, {"weight": -2.0, "delay": 1.5}])
        one, each = bool(self.random.integers(2)), bool(self.random.integers(2))

        def call():
            found = nest.GetConnections(nodes(first, n), nodes(first, n))
            found = found[:1] if one else found
            found.set([values] * len(found) if each else values)

        self.calls.append(call)

    def disconnect(self):
        (first, n), (target, m) = self.some(self.cells), self.some(self.cells)
        whole, k = bool(self.random.integers(2)), int(self.random.integers(9))

        def call():
            found = nest.GetConnections(nodes(first, n), nodes(target, m))
            if whole or not len(found):
                nest.Disconnect(found)
            else:
                one = found[k % len(found)]
                ends = (nest.NodeCollection([one.get(name)]) for name in ("source", "target"))
                nest.Disconnect(*ends, syn_spec=one.get("synapse_model"))

        self.calls.append(call)

    def weigh(self):
        """Record the weights of a model of synapses whose connections share one, and change it."""
        n, name = self.size + 1, f"shared{len(self.calls)}"
        self.create("weight_recorder", 1, None, [])
        self.add(self.copy_recorded, n, name)
        self.add(self.connect_now, self.some(self.cells), self.some(self.cells), "all_to_all", {"synapse_model": name})
        self.simulate()
        self.add(nest.SetDefaults, name, {"weight": float(self.random.integers(-9, 9))})

    @staticmethod
    def copy_recorded(recorder, name):
        nest.CopyModel(
            "static_synapse_hom_w", name, {"weight": 2.0, "delay": 1.0, "weight_recorder": nodes(recorder, 1)}
        )

    def set_defaults(self):
        self.add(
            nest.SetDefaults, "gif_psc_exp", {"I_e": float(self.random.integers(9)), "tau_sfa": [10.0], "q_sfa": [1.0]}
        )

    def copy_model(self):
        name = f"copy{len(self.calls)}"
        self.add(nest.CopyModel, self.some(["gif_psc_exp", "static_synapse"]), name)

    def set_kernel(self):
        self.add(
            nest.SetKernelStatus,
            {
                "rng_seed": int(self.random.integers(1, 99)),
                "local_num_threads": 1,
                "gifpop_history": self.some(["exact", "adaptive"]),
            },
        )

    def simulate(self):
        self.add(nest.Simulate, 0.5 * float(self.random.integers(1, 20)))

    def run(self):
        self.add(self.run_now, 0.5 * float(self.random.integers(1, 10)))

    @staticmethod
    def run_now(time):
        with nest.RunManager():
            nest.Run(time)


def is_run(call):
    return call.func in (nest.Simulate, Sequence.run_now) if isinstance(call, partial) else False
