"""A loaded simulation goes on as the saved one would have done: each promise of docs/save_and_restore.md, bit for bit."""

import os
import platform
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.engine import engine
from gifpop.saving import snapshot
from tests.helpers.saved import CASES, MIXED, in_another_process, network, rewritten, saved_and_loaded, simulation
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


@pytest.mark.parametrize("case", ["drawn weights", "micro"])
def test_neurons_of_format_2(case, path):
    """They had the same state, but no parameters for spikes that arrive evenly over a step."""
    sim = simulation(case)
    sim.run(8.5)
    sim.save(path)

    def change(document, arrays):
        document["format"] = 2
        parts = dict(document["simulation"]["dict"])
        _, group = parts["groups"]["dict"][0]
        kept = [part for part in group["dict"] if part[0] != "parameters.arrive"]
        assert (len(kept) < len(group["dict"])) == (case == "drawn weights")
        group["dict"] = kept

    rewritten(path, change)
    assert_same_results(gp.Simulation.load(path).run(20.0), sim.run(20.0))
