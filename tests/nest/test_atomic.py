"""gifpop.nest: whatever meets a change or a run, the state is the old one, the new one, or said to be lost.

Random sequences of calls are disturbed at random lines of the package, by an exception or by SIGINT, and compared with
an undisturbed twin: all values, connections, settings and records, bit for bit.
"""

import os
import signal
import sys

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.common import interrupts
from gifpop.nest import projections, simulator
from gifpop.nest.kernel import kernel as state
from tests.helpers.nest_sequences import Sequence, is_run

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
    nodes = nest.GetNodes()
    for block in state.nodes.blocks:
        values = nodes[block.first - 1 : block.first - 1 + block.n].get()
        events = values.pop("events", {})
        columns = [of_node.items() for of_node in (events if block.n > 1 else [events])]
        seen += [sorted(values.items()), [sorted((name, column.tolist()) for name, column in each) for each in columns]]
    connections = nest.GetConnections()
    seen += [sorted(connections.get().items()), connections._places.tolist()]
    return repr(seen)


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
        elif (found := fingerprint()) == seen[i] != seen[i + 1]:
            outcomes["old"] += 1
            call()
        else:
            outcomes["new"] += 1
            assert found == seen[i + 1], f"seed {seed}, call {i}, {call}"
            continue
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


@pytest.mark.parametrize("most_held", [0.0, simulator.MOST_HELD], ids=["when the run ends", "when they are asked for"])
def test_memory_runs_out_as_events_are_put_together(monkeypatch, most_held):
    """Nothing is lost: they are put together when they are asked for again, or with those of the next run."""
    from gifpop.nest.recorders import RecorderBlock

    monkeypatch.setattr(simulator, "MOST_HELD", most_held)

    expected, piece = spiking(), RecorderBlock.piece

    def too_much(*arguments):
        raise MemoryError("no room")

    def disturb():
        monkeypatch.setattr(RecorderBlock, "piece", too_much)
        with pytest.raises(MemoryError, match="no room"):
            nest.Simulate(20.0)
            nest.GetNodes({"model": "spike_recorder"}).events  # noqa: B018
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
