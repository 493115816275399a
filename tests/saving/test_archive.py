"""Saved simulations: each promise of docs/save_and_restore.md, bit for bit; files that are not what they should be."""

import json
import os
import platform
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.description import Description
from gifpop.engine import engine
from gifpop.saving import archive, encoding, snapshot
from tests.helpers.saved import CASES, MIXED, network, simulation
from tests.helpers.state import (
    arrays_of,
    assembly_of,
    assert_same_results,
    assert_same_state,
    buffers_of,
    engine_of,
    is_locked,
    plan_of,
    state_of,
)

DATA = Path(__file__).parents[1] / "data"
POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


@pytest.fixture
def path(tmp_path):
    """Where a test saves a simulation."""
    return tmp_path / "simulation.npz"


def saved_and_loaded(sim, path, **options):
    sim.save(path)
    return gp.Simulation.load(path, **options)


# The continued run is bit-identical to the uninterrupted one.


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_simulation_does_what_the_saved_one_does(case, path):
    """The state is the same, whatever belongs to it; so are what follows, all results, and what follows a reset."""
    original = simulation(case)
    original.run(21.5)
    loaded = saved_and_loaded(original, path)
    assert_same_state(original, loaded)
    for duration in (0.5, 40.0):
        assert_same_results(original.run(duration), loaded.run(duration))
    assert_same_results(original.result(), loaded.result())
    assert_same_state(original, loaded)
    for seed in (None, 5):
        original.reset(seed)
        loaded.reset(seed)
        assert_same_results(original.run(10.0), loaded.run(10.0))


def test_nothing_is_saved_only_while_it_is_zero():
    """Each kind of array has some content in one of these simulations when it is saved; fields of the state, too."""
    filled, kinds = set(), set()
    for case in CASES:
        sim = simulation(case)
        sim.run(21.5)
        for kind, array in arrays_of(sim):
            fields = array.dtype.names or ("",)
            kinds |= {f"{kind} {field}" for field in fields}
            filled |= {f"{kind} {field}" for field in fields if np.any(array[field] if field else array)}
    assert len(kinds) > 90
    assert kinds == filled


@pytest.mark.parametrize("case", ["exact", "currents", "sparse", "drawn weights", "mixed"])
def test_parameters_that_were_set_are_kept(case, path):
    """Also a longer refractory period, which widens windows, and constants that let cells grow."""
    original = simulation(case)
    original.run(13.5)
    original.set("I", t_ref=9.0, tau_sfa=[30.0, 2000.0], q_sfa=[2.0, 8.0], I_e=500.0, Delta_V=1.0)
    original.run(8.0)
    original.set("2/3E", t_ref=1.0, I_e=450.0, tau_syn_ex=5.0, V_m=-7.0)
    loaded = saved_and_loaded(original, path)
    assert_same_state(original, loaded)
    assert_same_results(original.run(30.0), loaded.run(30.0))
    for sim in (original, loaded):
        sim.set("I", E_L=2.0)
    assert_same_state(original, loaded)
    assert_same_results(original.run(20.0), loaded.run(20.0))
    for sim in (original, loaded):
        sim.reset()
    assert_same_state(original, loaded)
    assert_same_results(original.run(20.0), loaded.run(20.0))


@pytest.mark.parametrize("case", ["sparse", "mixed", "own noise"])
def test_changed_networks_are_kept(case, path):
    """Weights, numbers of neurons and inputs, with handles that go on to work."""
    original = simulation(case)
    original.run(13.5)
    original.set("2/3E", N=70)
    original.set(("I", "2/3E"), weight=-180.0, delay=4.0)
    handle = original.inject("I", gp.PoissonSpikes(100.0, 15.0, shared=True), delay=2.0)
    original.run(8.0)
    loaded = saved_and_loaded(original, path)
    assert_same_state(original, loaded)
    for sim in (original, loaded):
        sim.run(10.0)
        sim.set("2/3E", N=50)
        sim.set(handle, rate=300.0)
    assert_same_state(original, loaded)
    assert_same_results(original.run(20.0), loaded.run(20.0))
    for sim in (original, loaded):
        sim.remove(handle)
        sim.reset(5)
    assert_same_results(original.run(20.0), loaded.run(20.0))


def test_a_wider_window_is_kept(path):
    original = simulation("meso")
    K = plan_of(original, 1).K
    original.set("I", t_ref=30.0)
    original.run(40.0)
    assert plan_of(original, 1).K > K
    loaded = saved_and_loaded(original, path)
    assert_same_state(original, loaded)
    assert_same_results(original.run(30.0), loaded.run(30.0))


@pytest.mark.parametrize("steps", range(6))
def test_anywhere_between_deliveries(steps, path):
    """Delays of 2, 3 and 13 steps: input is on its way at every step."""
    original = simulation("mixed")
    original.run(20.0 + 0.5 * steps)
    loaded = saved_and_loaded(original, path)
    assert_same_results(original.run(15.0), loaded.run(15.0))


def test_at_the_start_and_again_and_again(path):
    whole = simulation("mixed").run(10.0)
    sim = saved_and_loaded(simulation("mixed"), path)
    with pytest.raises(ValueError, match="nothing has been simulated yet"):
        sim.result()
    for _ in range(5):
        sim.run(2.0)
        sim = saved_and_loaded(sim, path)
    assert_same_results(sim.result(), whole)


def test_saving_changes_nothing(path):
    sims = [simulation("mixed") for _ in range(2)]
    for sim in sims:
        sim.run(10.0)
    before = state_of(sims[0])
    sims[0].save(path)
    assert_same_state(before, sims[0])
    assert_same_results(*(sim.run(10.0) for sim in sims))


@pytest.mark.parametrize("case", ["sparse", "exact quasi-renewal", "own noise", "prescribed"])
def test_the_file_holds_a_state_of_its_own(case, path):
    """Whatever array of the saved simulation changes later, the loaded one has what it was."""
    original = simulation(case)
    original.run(21.5)
    before = state_of(original)
    original.save(path)
    for _, array in arrays_of(original):
        if array.flags.writeable:
            array.view(np.uint8).reshape(-1)[:] ^= 0x55
    assert_same_state(before, gp.Simulation.load(path))


def test_arrays_of_neurons_begin_at_cache_lines(path):
    sim = simulation("own noise")
    sim.run(5.0)
    loaded = saved_and_loaded(sim, path)
    buffers = buffers_of(loaded)
    assert buffers.externals[0] is not None
    for array in (*plan_of(loaded).state.values(), *buffers.rings, buffers.externals[0]):
        assert array.size == 0 or array.ctypes.data % 64 == 0


def test_results_can_stay_out(path):
    sim = simulation("mixed")
    sim.run(10.0)
    sim.save(path)
    size = path.stat().st_size
    sim.save(path, results=False)
    assert path.stat().st_size < size
    loaded = gp.Simulation.load(path)
    assert_same_state(sim, loaded)
    rest = loaded.run(5.0)
    assert_same_results(loaded.result(), rest)
    assert rest.t[0] == 10.5
    assert_same_results(sim.run(5.0), rest)


def test_compressed(path):
    sim = simulation("mixed")
    sim.run(10.0)
    sim.save(path)
    size = path.stat().st_size
    sim.save(path, compressed=True)
    assert path.stat().st_size < size
    assert_same_state(sim, gp.Simulation.load(path))


def test_connections_are_kept_as_they_were_drawn(path, monkeypatch):
    """A gifpop that would draw others goes on with those in the file, and with neurons as they were drawn."""
    sim = simulation("drawn weights")
    drawn = sim.connections("2/3E", "2/3E")
    sim.save(path)
    with monkeypatch.context() as patch:
        patch.setattr("gifpop.assembly.connections.connect", None)
        for distribution in (gp.Normal, gp.Lognormal, gp.Uniform):
            patch.setattr(distribution, "draw", lambda self, n, random: np.ones(n))
        loaded = gp.Simulation.load(path)
    assert loaded.connections("2/3E", "2/3E").tobytes() == drawn.tobytes()
    first = sim.run(10.0)
    assert_same_results(loaded.run(10.0), first)
    monkeypatch.setattr("gifpop.assembly.connections.connect", None)
    loaded.reset()
    assert_same_results(loaded.run(10.0), first)


@pytest.mark.parametrize(
    "seed",
    [
        2**20_000 + 1,
        [1, 2**100],
        (3, 4),
        np.array([5, 6], dtype=np.uint32),
        np.int64(7),
        np.random.SeedSequence(8, spawn_key=(1, 2), pool_size=8),
    ],
    ids=lambda s: type(s).__name__,
)
def test_seeds(seed, path):
    sim = simulation("meso", seed=seed)
    loaded = saved_and_loaded(sim, path)
    assert_same_state(sim.seed, loaded.seed)
    again = gp.Simulation(network(), dt=0.5, seed=loaded.seed, record="all")
    assert_same_results(sim.run(5.0), again.run(5.0))


OTHER_PROCESS = """
import sys, gifpop
gifpop.engine.threads.processors = lambda: 64
sim = gifpop.Simulation.load(sys.argv[1], threads=int(sys.argv[2]))
sim.run(37.5)
sim.save(sys.argv[3])
"""


def in_another_process(script, *arguments, **options):
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, cwd=tempfile.gettempdir(), env=environment, **options)  # not where sources are


@pytest.mark.parametrize(
    "case",
    [
        "mixed",
        pytest.param("meso", marks=pytest.mark.slow),
        *(pytest.param(case, marks=pytest.mark.slow) for case in CASES if case not in ("mixed", "meso", "stationary")),
    ],
)
def test_another_process_with_other_threads(case, path, tmp_path):
    sim = simulation(case, threads=1)
    sim.run(21.5)
    sim.save(path)
    other = tmp_path / "other.npz"
    assert in_another_process(OTHER_PROCESS, path, 3, other).wait() == 0
    sim.run(37.5)
    loaded = gp.Simulation.load(other, threads=1)
    assert_same_state(sim, loaded)
    assert_same_results(sim.result(), loaded.result())


def test_threads_and_progress(path, capsys):
    sim = simulation("meso", threads=2)
    sim.save(path)
    assert assembly_of(gp.Simulation.load(path)).options.threads == engine_of(gp.Simulation.load(path)).threads == 2
    loaded = gp.Simulation.load(path, threads=1, progress=True)
    assert assembly_of(loaded).options.threads == engine_of(loaded).threads == 1
    loaded.run(1.0)
    assert "2.00/2.00" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"Simulation.load: threads must be >= 1, got 0"):
        gp.Simulation.load(path, threads=0)
    with pytest.raises(TypeError, match=r"Simulation.load: progress must be True or False, got 3"):
        gp.Simulation.load(path, progress=3)


@POSIX
@pytest.mark.parametrize("level", ["meso", MIXED], ids=["meso", "mixed"])
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("sigint")
def test_after_ctrl_c(level, path):
    sim = gp.Simulation(network(), dt=0.1, seed=1, level=level)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(gp.SimulationInterrupted):
        sim.run(1e6)
    assert 0 < sim.time < 1e6
    loaded = saved_and_loaded(sim, path)
    loaded.run(20.0)
    whole = gp.Simulation(network(), dt=0.1, seed=1, level=level)
    whole.run(loaded.time)
    assert_same_results(loaded.result(), whole.result())


def test_after_numbers_left_their_range(path):
    net = gp.Network()
    net.population("P", 10, gp.GIF(C_m=1e-300))
    net.inject("P", gp.StepCurrent([5.0, 6.0], [1e300, -1e300]))
    sim = gp.Simulation(net, dt=0.5, seed=1)
    with pytest.raises(gp.SimulationError):
        sim.run(10.0)
    with pytest.raises(RuntimeError, match="its state is lost"):
        sim.save(path)
    assert not path.exists()
    sim.reset()
    assert_same_state(sim, saved_and_loaded(sim, path))


def test_not_while_it_runs(path):
    """In another thread, nor on a signal in the same one."""
    sim, refused = gp.Simulation(network(), dt=0.1, seed=1), []

    class Meddler:
        """A recorder, from inside a run."""

        def run(self, *_, **options):
            for attempt in (lambda: sim.save(path), sim.reset, lambda: sim.set("I", I_e=1.0), lambda: sim.run(1.0)):
                try:
                    attempt()
                except RuntimeError as error:
                    refused.append(str(error))
            return iter(())

    original = engine_of(sim).run
    engine_of(sim).run = Meddler().run
    sim.run(1.0)
    assert refused == ["this simulation is being run by another thread already"] * 4
    assert not path.exists()
    engine_of(sim).run = original
    thread = threading.Thread(target=sim.run, args=(5000.0,))
    thread.start()
    while not is_locked(sim):
        time.sleep(0)
    with pytest.raises(RuntimeError, match="this simulation is being run by another thread already"):
        sim.save(path)
    thread.join()
    del engine_of(sim).run
    assert_same_state(sim, saved_and_loaded(sim, path))


def test_another_machine_is_told(path, monkeypatch):
    sim = simulation("meso")
    monkeypatch.setattr(snapshot, "MACHINE", "Plan9 z80 lanes")
    sim.save(path)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="was saved on Plan9 z80 lanes, this is ") as caught:
        loaded = gp.Simulation.load(path)
    assert caught[0].filename == __file__
    assert_same_state(sim, loaded)
    assert engine.INSTRUCTION_SET in snapshot.MACHINE
    assert platform.machine() in snapshot.MACHINE


@pytest.mark.filterwarnings("ignore:.*was saved on")
@pytest.mark.parametrize("path", sorted(DATA.glob("simulation_format_*.npz")), ids=lambda path: path.stem)
def test_a_file_of_long_ago(path):
    """One that was saved when its format was new is read, and goes on (tests/data/make_saved.py)."""
    loaded = gp.Simulation.load(path)
    assert loaded.time == 8.5
    again = simulation("mixed", seed=11)
    assert_array_equal(again.run(1.0).counts, loaded.result().counts[:2])  # later, processors may differ
    assert loaded.run(10.0).t[0] == 9.0


# Descriptions as JSON and arrays.

numbers = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e6)
several = st.lists(numbers, min_size=3, max_size=12)
distributions = st.one_of(
    st.builds(gp.Normal, numbers, positive),
    st.builds(gp.Lognormal, numbers, positive),
    st.builds(gp.Exponential, positive),
    st.builds(lambda low, d: gp.Uniform(low, low + d), numbers, positive),
)
times = st.lists(st.floats(0.0, 1e9), max_size=20, unique=True).map(sorted)
inputs = st.one_of(
    times.map(lambda t: gp.StepCurrent(t, np.cos(t))),
    st.builds(gp.DirectCurrent, numbers, st.floats(0.0, 10.0), st.one_of(st.none(), st.floats(10.0, 20.0))),
    st.builds(gp.Waveform, st.lists(numbers, max_size=20), st.one_of(st.none(), positive), st.floats(0.0, 10.0)),
    st.builds(gp.SpikeTimes, times, numbers),
    st.builds(gp.PoissonSpikes, positive, numbers, shared=st.booleans()),
)
flags = {"allow_autapses": st.booleans(), "allow_multapses": st.booleans().map(np.bool_)}
sizes = st.one_of(st.integers(0, 10**9), st.integers(0, 10**9).map(np.int64))
probabilities = st.floats(0.0, 1.0)
pairs = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=9)
connection_rules = st.one_of(
    st.builds(gp.AllToAll, st.booleans()),
    st.just(gp.OneToOne()),
    st.builds(gp.FixedIndegree, sizes, **flags),
    st.builds(gp.IndegreeFraction, probabilities),
    st.builds(gp.FixedOutdegree, sizes, **flags),
    st.builds(gp.FixedTotalNumber, sizes, **flags),
    st.builds(gp.PairwiseBernoulli, probabilities, st.booleans()),
    pairs.map(lambda p: gp.Pairs([a for a, _ in p], [b for _, b in p])),
)
terms = st.lists(st.tuples(st.one_of(positive, distributions), st.one_of(numbers, distributions, several)), max_size=3)


@st.composite
def networks(draw):
    net = gp.Network()
    for name in draw(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3, unique=True)):
        various = st.one_of(numbers, distributions, several)
        sfa, stc = draw(terms), draw(terms)
        cell = gp.GIF(
            E_L=draw(various),
            I_e=draw(various),
            V_reset=np.float32(draw(st.floats(-90, 0, width=32))),
            C_m=draw(positive),
            V_m=draw(st.one_of(st.none(), various)),
            tau_sfa=[t for t, _ in sfa],
            q_sfa=[q for _, q in sfa],
            tau_stc=[t for t, _ in stc],
            q_stc=[q for _, q in stc],
        )
        net.population(name, draw(st.integers(1, 2**53)), cell, draw(st.integers(1, 99)), draw(st.booleans()))
    some = st.sampled_from(sorted(net.populations))
    for _ in range(draw(st.integers(0, 3))):
        weight = draw(st.one_of(numbers, distributions, several))
        net.connect(
            draw(some), draw(some), weight, draw(st.one_of(positive, distributions)), rule=draw(connection_rules)
        )
    for _ in range(draw(st.integers(0, 2))):
        net.inject(draw(some), draw(inputs), draw(st.floats(0.0, 9.0)))
    return net


@pytest.mark.filterwarnings("ignore:GIF.C_m is in pF")  # as drawn; it is to have any value
@given(networks())
def test_any_network(net):
    net = Description.copy(net)
    document, arrays = encoding.encode(net, snapshot.KINDS, "test")
    back = encoding.decode(json.loads(json.dumps(document, allow_nan=False)), arrays, snapshot.KINDS)
    assert_same_state(net, back)


plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=4),
        st.integers(-(2**200), 2**200),
        st.floats(width=32, allow_nan=False).map(np.float32),
        st.integers(-9, 9).map(np.int16),
        st.lists(st.floats(), max_size=12).map(tuple),
        st.lists(st.floats(), max_size=9).map(np.array),
        st.builds(range, st.integers(0, 9), st.integers(0, 9)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), inner, max_size=3),
    ),
    max_leaves=12,
)


@given(plain)
def test_any_plain_value(value):
    document, arrays = encoding.encode({"value": value}, snapshot.KINDS, "test")
    back = encoding.decode(json.loads(json.dumps(document, allow_nan=False)), arrays, snapshot.KINDS)
    assert_same_state([{"value": value}], [back])


def test_what_is_shared_stays_shared():
    seed, values = np.random.SeedSequence(1), np.arange(3.0)
    value = {"a": [seed, seed], "b": {"c": seed, "d": values, "e": values}}
    document, arrays = encoding.encode(value, snapshot.KINDS, "test")
    back = encoding.decode(json.loads(json.dumps(document)), arrays, snapshot.KINDS)
    assert back["a"][0] is back["a"][1] is back["b"]["c"]
    assert back["b"]["d"] is back["b"]["e"]
    assert list(arrays) == ["b.d"]


def test_names_of_arrays_do_not_meet():
    value = {"a/b": np.arange(1), "a b": np.arange(2), "a-b": np.arange(3), "\udcff": np.arange(4)}
    document, arrays = encoding.encode(value, snapshot.KINDS, "test")
    assert len(arrays) == 4
    assert_same_state([value], [encoding.decode(document, arrays, snapshot.KINDS)])


def test_classes_that_a_file_cannot_hold(path):
    class Mine(gp.OneToOne):
        pass

    path.write_bytes(b"old")
    sim = gp.Simulation(network(rule=Mine(), N=(30, 30)), dt=0.5)
    place = r"Simulation.save: network.connections.0.rule must be of a class that gifpop can write to a file, got tests.saving.test_archive.*Mine"
    with pytest.raises(TypeError, match=place):
        sim.save(path)
    with pytest.raises(TypeError, match=r"test: x must not be an array of Python objects"):
        encoding.encode({"x": np.array([{}])}, snapshot.KINDS, "test")
    assert path.read_bytes() == b"old"


def test_attributes_that_nobody_has_thought_of(path):
    """An attribute that is new in gifpop cannot be forgotten here."""
    for part_of in (assembly_of, engine_of):
        sim = simulation("meso")
        part_of(sim).spice = 1
        with pytest.raises(AssertionError, match="spice"):
            assert_same_state(sim, saved_and_loaded(sim, path))


# Files that are not what they should be.


@pytest.fixture(scope="module")
def good(tmp_path_factory, cells_at_any_cost):
    """Return the bytes of a small file, and the state in it."""
    cell = gp.GIF(tau_m=5.0, tau_sfa=[10.0], q_sfa=[1.0])
    sim = gp.Simulation(network(cell, N=(10, 10), cell_I=cell), dt=0.5, seed=1, level=MIXED, record="V_m")
    sim.run(3.5)
    path = tmp_path_factory.mktemp("good") / "good.npz"
    sim.save(path)
    return path.read_bytes(), state_of(sim)


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        gp.Simulation.load(path)
    assert str(caught.value).startswith(f"Simulation.load: {str(path)!r} ")


def check_truncated(path, data, lengths):
    for length in lengths:
        path.write_bytes(data[:length])
        refused(path, "is truncated or damaged: its end is missing")


def check_damaged(path, data, state, places, how=0x10):
    """Either an error that says so, or a byte that does not matter (the dates in a zip archive, say)."""
    harmless = 0
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= how
        path.write_bytes(damaged)
        try:
            loaded = gp.Simulation.load(path)
        except ValueError as error:
            assert str(error).startswith(f"Simulation.load: {str(path)!r} is ")
        else:
            harmless += 1
            assert_same_state(state, loaded)
    return harmless


def test_truncated(good, path):
    check_truncated(path, good[0], [0, 1, 3, 4, 5, 30, *np.linspace(100, len(good[0]) - 1, 60).astype(int)])


def test_damaged(good, path):
    places = np.random.default_rng(1).integers(0, len(good[0]), 60)
    assert check_damaged(path, *good, places) < 15


@pytest.mark.slow
def test_truncated_anywhere(good, path):
    check_truncated(path, good[0], range(len(good[0])))


@pytest.mark.slow
@pytest.mark.parametrize("how", [0x01, 0x10, 0x80, 0xFF])
def test_damaged_anywhere(good, path, how):
    check_damaged(path, *good, range(0, len(good[0]), 97), how)


def test_foreign_files(path, tmp_path):
    path.write_text("N = 500")
    refused(path, "is not a gifpop simulation: it is not an .npz file")
    with open(path, "wb") as file:
        np.save(file, np.arange(3))
    refused(path, "is not a gifpop simulation: it is not an .npz file")
    np.savez(path, a=np.arange(3))
    refused(path, "is not a gifpop simulation: it has no entry 'gifpop'")
    np.savez(path, gifpop=np.arange(3))
    refused(path, "is truncated or damaged")
    np.savez(path, gifpop=np.array([{}], dtype=object))
    refused(path, "is truncated or damaged: array 'gifpop' must not be one of Python objects")
    np.savez(path, gifpop=np.array(b"[[[{}]]]"))
    refused(path, "is truncated or damaged")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("gifpop", "text")
    refused(path, "is truncated or damaged")
    with pytest.raises(OSError, match=r"Is a directory|Permission denied"):
        gp.Simulation.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        gp.Simulation.load(tmp_path / "nothing.npz")
    with pytest.raises(TypeError):
        gp.Simulation.load(None)


def rewritten(path, change):
    """Change the entries of a saved file: ``change(document, arrays)``."""
    with np.load(path) as npz:
        arrays = dict(npz)
    document = json.loads(arrays.pop("gifpop").item())
    change(document, arrays)
    np.savez(path, gifpop=np.array(json.dumps(document).encode()), **arrays)


def test_other_formats(good, path):
    for format, remedy in ((3, "; a newer gifpop reads it"), (0, "$")):
        path.write_bytes(good[0])
        rewritten(
            path, lambda document, arrays, format=format: (document.update(format=format, gifpop="9.9"), arrays.clear())
        )
        refused(
            path, rf"has format {format}, saved by gifpop 9.9; this is gifpop .*, which reads format 1 and 2{remedy}"
        )


def test_memory_is_checked_first(good, path, monkeypatch):
    path.write_bytes(good[0])
    monkeypatch.setattr("gifpop.common.memory.available", lambda: 10_000)
    with pytest.raises(MemoryError, match=r"Simulation.load: .* would need .*; 0.0 MB are available"):
        gp.Simulation.load(path)


def test_an_array_that_is_not_what_it_was(path):
    arrays = {"a": np.arange(6.0), "b": np.zeros(2, np.int64)}
    for name, array in (
        ("a", None),
        ("a", arrays["a"].reshape(2, 3)),
        ("b", np.zeros(2)),
        ("b", np.zeros(3, np.int64)),
    ):
        archive.write(path, {}, arrays)
        with np.load(path) as npz:
            entries = {**npz, name: array}
        np.savez(path, **{key: value for key, value in entries.items() if value is not None})
        match = f"here is truncated or damaged: array {name!r} must be" if array is not None else "here is truncated"
        with pytest.raises(ValueError, match=match):
            archive.read(path, "here", lambda document: None)


def test_the_order_of_bytes_does_not_matter(path):
    arrays = {"a": np.arange(3.0), "b": np.zeros(1, np.dtype([("x", "i4"), ("y", "f8", 2)], align=True))}
    archive.write(path, {}, arrays)
    with np.load(path) as npz:
        swapped = {name: npz[name].astype(npz[name].dtype.newbyteorder()) for name in arrays}
        np.savez(path, gifpop=npz["gifpop"], **swapped)
    _, back = archive.read(path, "here", lambda document: None)
    for name, array in arrays.items():
        assert back[name].dtype.isnative
        assert_array_equal(back[name], array)


@pytest.mark.slow
def test_every_array_is_missed_and_its_kind_checked(good, path):
    path.write_bytes(good[0])
    with np.load(path) as npz:
        names = [name for name in npz.files if name != "gifpop"]
    assert len(names) > 30
    for name in names:
        path.write_bytes(good[0])
        rewritten(path, lambda document, arrays, name=name: arrays.pop(name))
        refused(path, f"is truncated or damaged: .*{name}")
        for change in (lambda a: a.astype("c16") if a.dtype.names is None else a.view("u1"), lambda a: a[np.newaxis]):
            path.write_bytes(good[0])
            rewritten(
                path, lambda document, arrays, name=name, change=change: arrays.update({name: change(arrays[name])})
            )
            refused(path, f"is truncated or damaged: array '{name}' must be .* of shape .*, got ")


@pytest.mark.slow
def test_every_array_matters(good, path):
    """No array in the file goes unused: another content is found out, or is in the loaded state."""
    path.write_bytes(good[0])
    with np.load(path) as npz:
        names = [name for name in npz.files if name != "gifpop" and npz[name].size and not name.startswith("results")]
    for name in names:
        path.write_bytes(good[0])

        def change(document, arrays, name=name):
            arrays[name] = arrays[name].copy()
            arrays[name].view(np.uint8).reshape(-1)[-2:] ^= 0x01

        rewritten(path, change)
        try:
            loaded = gp.Simulation.load(path)
        except ValueError:
            continue
        assert state_of(loaded) != good[1], name


def shorter(array, axis):
    return np.delete(array, -1, axis)


def longer(array, axis):
    return np.concatenate([array, array.take([-1], axis)], axis)


FREE = ("results", "network", "recording")  # arrays that the compiled loop does not see


@pytest.mark.slow
@pytest.mark.parametrize("case", [None, "sparse", "exact", "own noise", "drawn weights"])
@pytest.mark.parametrize("resize", [shorter, longer])
def test_arrays_of_other_shapes(case, resize, good, path):
    """Also where the list in the file says the same, the arrays would not fit together."""
    if case is None:
        data = good[0]
    else:
        sim = simulation(case, record=None)
        sim.run(3.5)
        sim.save(path)
        data = path.read_bytes()
    path.write_bytes(data)
    with np.load(path) as npz:
        arrays = {name: npz[name] for name in npz.files if not name.startswith((*FREE, "gifpop"))}
    for name, array in arrays.items():
        for axis in range(array.ndim):
            if array.shape[axis] == 0 and resize is shorter:
                continue
            if array.size == 0:
                other = np.zeros([n + (i == axis) for i, n in enumerate(array.shape)], array.dtype)
            else:
                other = resize(array, axis)
            path.write_bytes(data)

            def change(document, entries, name=name, other=other):
                entries[name] = other
                document["arrays"][name][1] = list(other.shape)

            rewritten(path, change)
            try:
                loaded = gp.Simulation.load(path)
            except ValueError as error:
                assert str(error).startswith(f"Simulation.load: {str(path)!r} is truncated or damaged: ")
            else:
                assert may_vary(name, resize), (name, axis)
                loaded.run(30.0)


def may_vary(name, resize):
    """Return whether an array may have this other length, alone: other numbers of places, another longest age."""
    return name.endswith(("cells.widest", "shared")) or (resize is longer and name.endswith("cohorts"))


OUTSIDE = {
    "a target that there is not": ("connections.0.units", lambda a: a + 60),
    "a negative target": ("connections.0.units", lambda a: a - 60),
    "connections that there are not": ("connections.0.first", lambda a: a * 2),
    "connections out of order": ("connections.0.first", lambda a: a[::-1].copy()),
    "a lag that is too long": ("connections.0.lags", lambda a: a + 20),
    "a lag that is too short": ("connections.0.lags", lambda a: a * 0),
    "budgets behind the last neuron": ("groups.2-3E.budget", lambda a: a * 0 + 1e-3),
    "a neuron less": ("groups.2-3E.draws", lambda a: a[:, :-1]),
    "parameters of fewer": ("groups.2-3E.parameters.leak", lambda a: a[:, :-1]),
    "adaptation of one term": ("groups.2-3E.sfa", lambda a: a[1:]),
    "a slot less": ("engine.shared", lambda a: a[:, :, 1:]),
    "half a key": ("groups.2-3E.stream", lambda a: a[1:]),
    "fewer sources": ("connections.0.first", lambda a: a[1:]),
    "fewer weights": ("connections.0.weights", lambda a: a[1:]),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_content_that_leads_outside(what, path):
    name, change = OUTSIDE[what]
    sim = simulation("drawn weights")
    sim.run(5.0)
    sim.save(path)

    def rewrite(document, arrays):
        arrays[name] = change(arrays[name])
        document["arrays"][name][1] = list(arrays[name].shape)

    rewritten(path, rewrite)
    refused(
        path,
        "is truncated or damaged: .* (does not hold|must be .* of shape|must have .* places|must have more than .* slots)",
    )


def test_places_that_lead_outside(good, path):
    """Numbers in the state of a population that say where its cohorts stand."""
    for field, value in (
        ("oldest", 0),
        ("oldest", 10**6),
        ("cohorts", 0),
        ("cohorts", 10**6),
        ("cells", -1),
        ("cells", 10**6),
        ("until_merging", 0),
        ("until_merging", 10**6),
    ):
        path.write_bytes(good[0])

        def change(document, arrays, field=field, value=value):
            arrays["groups.I.state"][field] = value

        rewritten(path, change)
        refused(path, "is truncated or damaged: .* does not hold")


@pytest.mark.slow
def test_numbers_in_the_json_that_lead_outside(path):
    """Whatever is loaded can be run without reading or writing outside its arrays."""

    def fields(document):
        if isinstance(document, dict):
            for key, value in document.items():
                if type(value) is int and key not in ("threads", "pool_size"):  # as slow as asked for
                    yield document, key
                yield from fields(value)
        elif isinstance(document, list):
            for value in document:
                yield from fields(value)

    sim = simulation("mixed")
    sim.run(5.0)
    sim.save(path)
    data, n = path.read_bytes(), 0
    with np.load(path) as npz:
        total = len(list(fields(json.loads(npz["gifpop"].item())["simulation"])))
    for i in range(0, total):
        for value in (-3, 10**6):
            path.write_bytes(data)

            def change(document, arrays, i=i, value=value):
                where, key = list(fields(document["simulation"]))[i]
                where[key] = value

            rewritten(path, change)
            try:
                loaded = gp.Simulation.load(path)
                loaded.run(10.0)
                loaded.reset()
                loaded.run(10.0)
            except (ValueError, MemoryError, IndexError) as error:
                n += str(error).startswith("Simulation.load")
    assert n > total / 2


# Whole, or not at all.


def leftovers(path):
    return [name for name in os.listdir(path.parent) if name != path.name]


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (OSError(28, "No space left"), "numpy.savez"),
        (KeyboardInterrupt(), "os.fsync"),
        (PermissionError(), "os.replace"),
    ],
    ids=repr,
)
def test_what_fails_leaves_the_old_file(error, where, path, monkeypatch):
    sim = simulation("meso")
    sim.save(path)
    old = path.read_bytes()
    sim.run(10.0)

    def fail(file, *_, **__):
        if where == "numpy.savez":
            file.write(b"PK half of it")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(where, fail)
        with pytest.raises(type(error)):
            sim.save(path)
    assert path.read_bytes() == old
    assert leftovers(path) == []
    sim.save(path)
    assert_same_state(sim, gp.Simulation.load(path))


SAVE_FOR_EVER = """
import sys
from tests.helpers.saved import simulation
sim = simulation("mixed")
print("ready", flush=True)
while True:
    sim.run(0.5)
    sim.save(sys.argv[1])
"""


@POSIX
@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_while_saving(kills, path):
    delays = np.random.default_rng(kills).uniform(0.02, 0.3, kills)
    for delay in delays:
        process = in_another_process(SAVE_FOR_EVER, path, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        while not path.exists():
            time.sleep(0.005)
        time.sleep(delay)
        process.kill()
        process.wait()
        process.stdout.close()
        loaded = gp.Simulation.load(path)
        whole = simulation("mixed")
        whole.run(loaded.time)
        assert_same_state(whole, loaded)
        assert len(leftovers(path)) <= 1
    whole.save(path)
    assert leftovers(path) == []


@POSIX
def test_permissions_and_links(path, tmp_path):
    sim = simulation("meso")
    before = os.umask(0o027)
    try:
        sim.save(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        sim.save(str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)
    link = tmp_path / "link"
    link.symlink_to(path)
    sim.run(1.0)
    sim.save(link)
    assert link.is_symlink()
    assert gp.Simulation.load(path).time == 1.0
    for where in (tmp_path, os.devnull):
        with pytest.raises(ValueError, match="must be the name of a file, got that of something else"):
            sim.save(where)
    with pytest.raises(FileNotFoundError):
        sim.save(tmp_path / "nowhere" / "simulation.npz")
    with pytest.raises(TypeError):
        sim.save(None)


def test_names_are_taken_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sim = simulation("meso")
    for name in ("state", b"bytes", Path("päth.npz")):
        sim.save(name)
        gp.Simulation.load(name)
    assert sorted(os.listdir()) == ["bytes", "päth.npz", "state"]


def test_the_same_state_gives_the_same_bytes(path):
    sim = simulation("mixed")
    sim.run(5.0)
    sim.save(path)
    first = path.read_bytes()
    saved_and_loaded(sim, path).save(path)
    assert path.read_bytes() == first


def test_what_a_file_needs_beside_numpy(good, path):
    """The entries can be read without gifpop."""
    path.write_bytes(good[0])
    with np.load(path, allow_pickle=False) as npz:
        document = json.loads(npz["gifpop"].item())
        assert document["format"] == snapshot.FORMAT == 2
        assert document["gifpop"] == gp.__version__
        assert document["numpy"] == np.__version__
        assert npz["groups.2-3E.V_m"].shape == (1, 128)
    assert archive.DOCUMENT == "gifpop"
