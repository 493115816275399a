"""gifpop.nest: whatever meets a change or a run, the state is the old one, the new one, or said to be lost.

Random sequences of calls are disturbed at random lines of the package, by an exception or by SIGINT, and compared with
an undisturbed twin: all values, connections, settings and records, bit for bit.
"""

import os
import signal
import sys
from functools import partial

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.common import interrupts
from gifpop.nest import projections
from gifpop.nest.kernel import kernel as state

PACKAGE = os.path.dirname(os.path.dirname(nest.__file__))
# what holds SIGINT or a lock is not disturbed itself, nor what would leave a file open, of which a warning tells
UNTOUCHED = {
    (os.path.join(PACKAGE, name), function)
    for name, function in (("common/interrupts.py", None), ("common/memory.py", None), ("engine/engine.py", "run"))
}

pytestmark = [
    pytest.mark.timeout(300),
    # what is cut short between open and with leaves a file to the garbage collector
    pytest.mark.filterwarnings("ignore:Exception ignored in.*FileIO:pytest.PytestUnraisableExceptionWarning"),
]

MEASURED = {  # settings that say what a run took, or count spikes of the last one, which an interrupt divides
    "local_spike_counter",
    "memory_size",
    "time_construction_connect",
    "time_construction_connect_cpu",
    "time_construction_create",
    "time_construction_create_cpu",
    "time_simulate",
    "time_simulate_cpu",
}


@pytest.fixture(autouse=True)
def kernel():
    """Begin with SIGINT handled as by Python, however these tests are started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    nest.ResetKernel()
    yield
    obey_interrupts()
    signal.signal(signal.SIGINT, before)
    nest.ResetKernel()


def obey_interrupts():
    """End what holds SIGINT back: an exception where Python is about to leave a ``with`` block leaves it held."""
    interrupts._outermost = None
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Disturbance:
    """Call a function at the ``n``-th line of the package that runs within the block; -1: never."""

    def __init__(self, n, act):
        self.n, self.act, self.lines = n, act, 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def enter(self, frame, event, argument):
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        untouched = {(name, function), (name, None)} & UNTOUCHED
        return self.line if name.startswith(PACKAGE) and not untouched else None

    def line(self, frame, event, argument):
        if event == "line":
            self.lines += 1
            if self.lines == self.n:
                self.act()
        return self.line


def raising(error):
    def act():
        raise error

    return act


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def fingerprint():
    """Return all that a user can see of the kernel, which nodes have been set, and the random streams taken."""
    settings = nest.GetKernelStatus()
    seen = [sorted((name, settings[name]) for name in settings.keys() - MEASURED), state.streams.taken]
    seen += [np.asarray(getattr(block, "changed", False)).tolist() for block in state.nodes.blocks]
    for model in [*nest.node_models, *nest.synapse_models]:
        seen.append(sorted(nest.GetDefaults(model).items()))
    for node in nest.GetNodes():
        values = node.get()
        events = values.pop("events", {})
        seen += [sorted(values.items()), sorted((name, column.tolist()) for name, column in events.items())]
    connections = nest.GetConnections()
    seen += [sorted(connections.get().items()), connections._places.tolist()]
    return repr(seen)


# -- sequences of calls -----------------------------------------------------------------------------------------------


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


# -- the comparison ---------------------------------------------------------------------------------------------------


def undisturbed(calls):
    """Return what there is to see after each call, the time then, and how many lines it took."""
    nest.ResetKernel()
    seen, times, lines = [fingerprint()], [0.0], []
    for call in calls:
        with Disturbance(-1, None) as counter:
            call()
        lines.append(counter.lines)
        seen.append(fingerprint())
        times.append(nest.biological_time)
    return seen, times, lines


def compare(seed, act, error, random):
    """Disturb each call of a sequence once; return how often the state was old, new and lost."""
    calls = Sequence(seed).calls
    seen, times, lines = undisturbed(calls)
    outcomes = {"old": 0, "new": 0, "lost": 0, "part": 0}
    nest.ResetKernel()
    for i, call in enumerate(calls):
        try:
            with Disturbance(int(random.integers(1, lines[i] + 1)), act):
                call()
        except error:
            pass
        obey_interrupts()
        if nest.prepared:  # met where `RunManager` was about to clean up
            nest.Cleanup()
        if state.changes.broken is not None:
            outcomes["lost"] += 1
            say_it_is_lost()
            nest.ResetKernel()
            for earlier in calls[: i + 1]:
                earlier()
        elif is_run(call):
            left = times[i + 1] - nest.biological_time
            outcomes["new" if left == 0.0 else "part"] += 1
            nest.Simulate(left)
        elif fingerprint() == seen[i] != seen[i + 1]:
            outcomes["old"] += 1
            call()
        else:
            outcomes["new"] += 1
        assert fingerprint() == seen[i + 1], f"seed {seed}, call {i}, {call}"
    return outcomes


def say_it_is_lost():
    """Nothing goes on but ResetKernel, and what was recorded can be read."""
    fingerprint()
    for go_on in (
        lambda: nest.Simulate(0.5),
        lambda: nest.Create("gif_psc_exp"),
        nest.Prepare,
        lambda: nest.set(rng_seed=5),
    ):
        with pytest.raises(nest.NESTError, match=r"state of the kernel is lost, since .* was cut short.*ResetKernel"):
            go_on()


def disturb_many(seeds, monkeypatch):
    """Disturb many sequences by exceptions; return how often the state was old, new, and lost."""
    total = {"old": 0, "new": 0, "lost": 0, "part": 0}
    for seed in seeds:
        random = np.random.default_rng(seed)
        with monkeypatch.context() as patch:
            if seed % 2:  # as of many connections
                patch.setattr(projections, "MANY", -1)
            error = (KeyboardInterrupt, MemoryError, OSError)[seed % 3]
            for name, n in compare(seed, raising(error()), error, random).items():
                total[name] += n
    return total


def test_disturbed_by_exceptions(monkeypatch):
    total = disturb_many(range(3), monkeypatch)
    assert min(total.values()) > 0
    assert total["lost"] < 0.3 * sum(total.values())


def test_disturbed_by_interrupts():
    """SIGINT is held back where it would do harm: no state is ever lost."""
    for seed in range(100, 101):
        outcomes = compare(seed, interrupt, KeyboardInterrupt, np.random.default_rng(seed))
        assert outcomes["lost"] == 0
        assert outcomes["new"] > 0


@pytest.mark.slow
def test_disturbed_by_exceptions_for_long(monkeypatch):
    total = disturb_many(range(1000, 1060), monkeypatch)
    assert total["lost"] < 0.3 * sum(total.values())


@pytest.mark.slow
def test_disturbed_by_interrupts_for_long():
    for seed in range(2000, 2060):
        assert compare(seed, interrupt, KeyboardInterrupt, np.random.default_rng(seed))["lost"] == 0


# -- single cases -----------------------------------------------------------------------------------------------------


def test_reset_is_old_or_new():
    """Disturbed at lines all over it, and at each of the last."""
    nest.ResetKernel()
    fresh = fingerprint()
    with Disturbance(-1, None) as counter:
        nest.ResetKernel()
    last = counter.lines
    for n in [*range(1, last - 5, max(1, last // 12)), *range(last - 5, last + 1)]:
        nest.set(resolution=0.5, rng_seed=7)
        neurons = nest.Create("gif_psc_exp", 2, {"I_e": nest.random.uniform()})
        nest.Connect(neurons, neurons)
        nest.Simulate(2.0)
        before = fingerprint()
        with pytest.raises(OSError, match="now"), Disturbance(n, raising(OSError("now"))):
            nest.ResetKernel()
        assert fingerprint() in (before, fresh)
        nest.Simulate(1.0)
        nest.ResetKernel()
        assert fingerprint() == fresh


def test_reset_with_a_bad_environment(monkeypatch):
    nest.set(resolution=0.5)
    nest.Create("gif_psc_exp", 3)
    before = fingerprint()
    monkeypatch.setenv("GIFPOP_HISTORY", "none")
    with pytest.raises(nest.NESTError, match="GIFPOP_HISTORY must be one of"):
        nest.ResetKernel()
    assert fingerprint() == before
    monkeypatch.undo()


@pytest.mark.parametrize(
    "wrong",
    [{"resolution": -1.0}, {"local_num_threads": 0}, {"min_delay": 1.0}, {"gifpop_history": "none"}, {"rng_seed": 0.5}],
)
def test_settings_are_set_all_or_none(wrong):
    before = fingerprint()
    good = {"rng_seed": 5, "print_time": True, "gifpop_history": "adaptive", "resolution": 0.5, "local_num_threads": 2}
    with pytest.raises(nest.NESTError):
        nest.SetKernelStatus({name: value for name, value in good.items() if name not in wrong} | wrong)
    assert fingerprint() == before


def test_what_is_refused_takes_no_random_numbers():
    """The same values are drawn whether something was refused before or not."""

    def drawn(refuse):
        nest.ResetKernel()
        neurons = nest.Create("gif_psc_exp", 3)
        if refuse:
            with pytest.raises(nest.NESTError):
                nest.Create("gif_psc_exp", 3, {"V_m": nest.random.uniform(), "C_m": -1.0})
            with pytest.raises(nest.NESTError):
                neurons.set(V_m=nest.random.uniform(), tau_syn_ex=-1.0)
            with pytest.raises(nest.NESTError):
                nest.Connect(neurons, neurons, syn_spec={"delay": nest.random.uniform(-2.0, -1.0)})
        neurons.V_m = nest.random.uniform()
        return neurons.V_m

    assert drawn(True) == drawn(False)


def spiking(disturb=None):
    """Return the events of a run in two parts, the first of which ends while ``disturb`` is set on a recorder."""
    nest.ResetKernel()
    nest.resolution = 0.5
    neurons = nest.Create("gif_psc_exp", 20, {"lambda_0": 1e3, "V_T_star": -70.0})
    recorder, meter = nest.Create("spike_recorder"), nest.Create("multimeter", params={"record_from": ["V_m"]})
    nest.Connect(neurons, recorder)
    nest.Connect(meter, neurons)
    if disturb is None:
        nest.Simulate(20.0)
    else:
        disturb()
    nest.Simulate(20.0)
    return recorder.events, meter.events


def assert_same_events(events, expected):
    for own, theirs in zip(events, expected, strict=True):
        for name, values in theirs.items():
            np.testing.assert_array_equal(own[name], values)


def test_memory_runs_out_as_events_are_put_together(monkeypatch):
    """Nothing is lost: they are put together when they are asked for, or with those of the next run."""
    from gifpop.nest.recorders import RecorderBlock

    expected, piece = spiking(), RecorderBlock.piece

    def too_much(*arguments):
        raise MemoryError("no room")

    def disturb():
        monkeypatch.setattr(RecorderBlock, "piece", too_much)
        with pytest.raises(MemoryError, match="no room"):
            nest.Simulate(20.0)
        assert nest.biological_time == 20.0
        monkeypatch.setattr(RecorderBlock, "piece", piece)

    assert_same_events(spiking(disturb), expected)
    disturbed = []

    def look():
        disturb()
        disturbed.append(len(nest.GetNodes({"model": "spike_recorder"}).events["times"]))

    assert_same_events(spiking(look), expected)
    assert disturbed[0] > 50


def test_memory_runs_out_as_a_piece_is_recorded(monkeypatch):
    """A piece that was simulated and cannot be kept would be a hole in the records: the kernel says so."""
    from gifpop.nest.recorders import SpikeRecorderBlock

    def too_much(*arguments):
        raise MemoryError("no room")

    def disturb():
        monkeypatch.setattr(SpikeRecorderBlock, "take", too_much)
        with pytest.raises(MemoryError, match="no room"):
            nest.Simulate(20.0)
        monkeypatch.undo()

    with pytest.raises(nest.NESTError, match="state of the kernel is lost, since a run was cut short"):
        spiking(disturb)
    say_it_is_lost()
    nest.ResetKernel()
    nest.Simulate(1.0)


def test_interrupted_as_a_piece_is_recorded(monkeypatch):
    """What was simulated is recorded; the rest follows as if nothing had been."""
    from gifpop.nest.recorders import SpikeRecorderBlock

    expected, take = spiking(), SpikeRecorderBlock.take

    def pressed(*arguments):
        interrupt()
        take(*arguments)

    def disturb():
        monkeypatch.setattr(SpikeRecorderBlock, "take", pressed)
        with pytest.raises(KeyboardInterrupt):
            nest.Simulate(20.0)
        monkeypatch.undo()
        assert 0.0 < nest.biological_time <= 20.0
        nest.Simulate(20.0 - nest.biological_time)

    assert_same_events(spiking(disturb), expected)


def test_memory_runs_out_as_the_network_is_prepared(monkeypatch):
    """Nothing has changed, and the same call can be made again."""
    from gifpop.engine.engine import Engine

    expected = spiking()

    def too_much(*arguments):
        raise MemoryError("no room")

    def disturb():
        monkeypatch.setattr(Engine, "wire", too_much)
        with pytest.raises(MemoryError, match="no room"):
            nest.Simulate(20.0)
        monkeypatch.undo()
        assert nest.biological_time == 0.0
        nest.Simulate(20.0)

    assert_same_events(spiking(disturb), expected)
