"""Ctrl-C, errors of memory and of terminals: changes are made as a whole or not at all, and nothing recorded is lost."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop import distributions
from gifpop.assembly import stationary
from gifpop.assembly.recorder import Recorder
from gifpop.assembly.records import concatenate
from gifpop.engine import _delivery, chunks, ring_buffers, threads
from gifpop.engine.engine import Engine, SimulationError, StateLostError
from gifpop.engine.interrupts import deferred_interrupt, give_way, is_interrupted, stopped_by
from gifpop.engine.links import Link
from gifpop.wiring import _wiring, draw
from tests.helpers.saved import simulation
from tests.helpers.state import assert_same_results, assert_same_state, engine_of, network_of, state_of

DT = 0.5
POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("sigint")]


def press():
    """Press Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def once(monkeypatch, owner, name, before):
    """Have a function called before a method, the first time."""
    original, called = getattr(owner, name), []

    def patched(*arguments, **options):
        monkeypatch.setattr(owner, name, original)
        if not called:
            called.append(True)
            before()
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, patched)


def fail(error=MemoryError):
    def raising():
        raise error("no more")

    return raising


def brunel(**options):
    return gp.Simulation(gp.models.brunel(), **{"dt": DT, "seed": 1, "progress": False, **options})


CHANGES = {
    "set a population": lambda sim: sim.set("2/3E", I_e=500.0),
    "set N": lambda sim: sim.set("2/3E", N=70),
    "set connections": lambda sim: sim.set(("I", "2/3E"), weight=-100.0, delay=9.0),
    "inject": lambda sim: sim.inject("I", gp.PoissonSpikes(300.0, 5.0, shared=True), delay=2.0),
    "remove": lambda sim: sim.remove(network_of(sim).injections[1]),
    "reset": lambda sim: sim.reset(7),
}

# -- changes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["meso", "mixed"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("strike", [press, fail(), fail(OSError)], ids=["Ctrl-C", "memory", "other"])
def test_a_change_is_not_made_where_something_strikes(case, change, strike, monkeypatch):
    """Just before the arrays of the new state are bound."""
    sim, other = simulation(case), simulation(case)
    for one in (sim, other):
        one.run(20.0)
    before = state_of(sim)
    once(monkeypatch, Engine, "bind", strike)
    with pytest.raises((KeyboardInterrupt, MemoryError, OSError)):
        CHANGES[change](sim)
    if change == "reset":  # reuses ring buffers: it is made all the same, or leaves what refuses
        if strike is press:
            CHANGES[change](other)
        else:
            with pytest.raises(StateLostError, match="Simulation: a reset was cut short, and its state is lost"):
                sim.run(1.0)
            for one in (sim, other):
                CHANGES[change](one)
    else:
        assert_same_state(sim, before)
    assert_same_state(sim, other)
    assert_same_results(sim.run(20.0), other.run(20.0))
    assert_same_results(sim.result(), other.result())


def test_ctrl_c_after_the_change():
    """It has been made then; the signal is obeyed after it."""
    sim = brunel()
    with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
        once(patch, ring_buffers.RingBuffers, "clear", press)
        sim.reset(5)
    assert sim.seed.entropy == 5
    assert_array_equal(sim.run(50.0).counts, brunel(seed=5, network_seed=1).run(50.0).counts)


def test_the_engine_of_nests_face_is_wired_as_a_whole(monkeypatch):
    sim = simulation("micro")
    sim.run(5.0)
    engine, before = engine_of(sim), state_of(sim)
    links = [*engine.links, Link(0, 1, 40, "excitatory", 10.0)]
    once(monkeypatch, Engine, "bind", fail())
    with pytest.raises(MemoryError):
        engine.wire(links, engine.signals, engine.noise)
    assert_same_state(sim, before)
    engine.wire(links, engine.signals, engine.noise)
    assert len(engine.links) == len(links)


@pytest.mark.parametrize("level", ["meso", "micro"])
@pytest.mark.parametrize(
    "place",
    [(chunks._core, "advance"), (chunks, "Chunk"), (Recorder, "take")],
    ids=["compiled", "unpacking", "recording"],
)
def test_a_chunk_that_is_cut_short_leaves_a_simulation_that_refuses(level, place, monkeypatch, tmp_path):
    sim = brunel(level=level)
    first = sim.run(20.0)
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", 8)
    with pytest.MonkeyPatch.context() as patch:
        once(patch, *place, fail())
        with pytest.raises(MemoryError):
            sim.run(20.0)
    asked = [
        lambda: sim.run(1.0),
        lambda: sim.set("E", I_e=1.0),
        lambda: sim.save(tmp_path / "s.npz"),
        lambda: sim.inject("E", gp.DirectCurrent(1.0)),
    ]
    for ask in asked:
        with pytest.raises(
            StateLostError, match="a run was cut short, and its state is lost; reset it, or load a saved"
        ):
            ask()
    assert not list(tmp_path.iterdir())
    assert_same_results(sim.result(), first)
    sim.reset()
    assert_same_results(sim.run(20.0), first)


def test_no_memory_for_the_spikes_of_a_chunk(monkeypatch):
    """The compiled loop has advanced a part of the chunk; time has not moved."""
    sim = brunel(level="micro")
    advance = chunks._core.advance

    def advance_in_part(cores, step, lines, means, counts, *rest):
        advance(cores, step, lines, means, counts, *rest)
        raise MemoryError("gifpop: no memory for the spikes of a chunk")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks._core, "advance", advance_in_part)
        with pytest.raises(MemoryError):
            sim.run(20.0)
    assert sim.time == 0.0
    with pytest.raises(StateLostError):
        sim.run(20.0)
    monkeypatch.undo()
    sim.reset()
    assert_array_equal(sim.run(20.0).counts, brunel(level="micro").run(20.0).counts)


def test_memory_that_fails_before_a_chunk_costs_nothing(monkeypatch):
    sim = brunel()
    with pytest.MonkeyPatch.context() as patch:
        once(patch, chunks.Probing, "prescribe", fail())
        with pytest.raises(MemoryError):
            sim.run(20.0)
    assert_array_equal(sim.run(20.0).counts, brunel().run(20.0).counts)


# -- records -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_ctrl_c_while_the_result_is_put_together(level, monkeypatch):
    sim = brunel(level=level)
    sim.run(100.0)
    once(monkeypatch, gp.Simulation, "_make_result", press)
    with pytest.raises(gp.SimulationInterrupted, match=r"at 200.0 ms") as caught:
        sim.run(100.0)
    sim.run(100.0)
    whole = brunel(level=level).run(300.0)
    assert_same_results(sim.result(), whole)
    assert_array_equal(caught.value.result.counts, whole.counts[200:400])


def test_a_result_for_which_there_was_no_memory_comes_later(monkeypatch, tmp_path):
    sim = brunel(level="micro")
    sim.run(10.0)
    for again in (lambda: sim.run(10.0), lambda: sim.save(tmp_path / "s.npz"), lambda: sim.result()):
        once(monkeypatch, gp.Simulation, "_make_result", fail())
        with pytest.raises(MemoryError):
            sim.run(10.0)
        again()
    whole = brunel(level="micro").run(50.0)
    assert sim.time == 50.0
    assert_same_results(sim.result(), whole)
    assert_array_equal(gp.Simulation.load(tmp_path / "s.npz").result().counts, whole.counts[:80])
    once(monkeypatch, gp.Simulation, "_make_result", fail())
    with pytest.raises(MemoryError):
        sim.run(10.0)
    sim.forget()
    with pytest.raises(ValueError, match="nothing has been simulated"):
        sim.result()


def test_joining_refuses_holes():
    sim = brunel()
    runs = [sim.run(duration) for duration in (10.0, 0.0, 5.0, 20.0)]
    assert len(concatenate(runs).t) == 70
    with pytest.raises(
        ValueError, match=r"begin where the one before ends, at 10 ms, got one from 15 ms on: what lies"
    ):
        concatenate([runs[0], runs[1], runs[3]])
    with pytest.raises(ValueError, match=r"at 35 ms, got one from 10 ms on"):
        concatenate([runs[3], runs[2]])


def test_ctrl_c_at_the_end_of_trials():
    """They are finished; what was kept of them is not lost."""

    def keep(result):
        if result.seed.spawn_key[-1] == 3:
            press()
        return result.counts.sum()

    with pytest.raises(gp.SimulationInterrupted, match="after all 4 trials") as caught:
        gp.models.brunel().simulate(20.0, dt=DT, seed=1, trials=4, keep=keep, progress=False)
    expected = gp.models.brunel().simulate(20.0, dt=DT, seed=1, trials=4, keep=lambda result: result.counts.sum())
    assert_array_equal(caught.value.result, expected)


# -- progress bars -----------------------------------------------------------------------------------------------------


class Gone:
    """A terminal that is no longer there."""

    encoding = "utf-8"

    def __init__(self, error):
        self.error = error

    def isatty(self):
        return True

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error


@pytest.mark.parametrize("progress", [None, True])
@pytest.mark.parametrize(
    "stderr",
    [None, Gone(BrokenPipeError()), Gone(ValueError("I/O operation on closed file")), Gone(AttributeError("write"))],
    ids=lambda stderr: "none" if stderr is None else type(stderr.error).__name__,
)
def test_no_bar_ends_a_run(stderr, progress, monkeypatch):
    expected = brunel().run(100.0)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(chunks, "SHOW_PROGRESS_AFTER", 0.0)
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", 8)
    sim = brunel(progress=progress)
    sim.run(100.0)
    trials = gp.models.brunel().simulate(20.0, dt=DT, seed=1, trials=3, progress=progress)
    monkeypatch.undo()
    assert_same_results(sim.result(), expected)
    assert len(trials.trials) == 3


def test_a_bar_that_comes_late_counts_from_the_beginning(monkeypatch, capsys):
    monkeypatch.setattr(Gone, "write", lambda self, text: written.append(text))
    monkeypatch.setattr(Gone, "flush", lambda self: None)
    written = []
    monkeypatch.setattr(sys, "stderr", Gone(None))
    monkeypatch.setattr(chunks, "SHOW_PROGRESS_AFTER", 0.2)
    with chunks.progress_bar(1000, "gifpop", "step", None) as bar:
        bar.update(400)
        assert not written
        time.sleep(0.25)
        bar.update(200)
    assert any("600/1.00k" in text for text in written), written


# -- within a second ---------------------------------------------------------------------------------------------------


def counting(limit):
    """Return a function that raises KeyboardInterrupt when it is called once too often, and its calls."""
    calls = []

    def look():
        calls.append(1)
        if len(calls) > limit:
            raise KeyboardInterrupt

    return look, calls


RULES = [
    gp.AllToAll(allow_autapses=False),
    gp.FixedOutdegree(1500),
    gp.FixedIndegree(1500),
    gp.FixedIndegree(1500, allow_multapses=False),
    gp.FixedTotalNumber(4_500_000),
    gp.FixedTotalNumber(4_500_000, allow_multapses=False),
    gp.PairwiseBernoulli(0.5),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_drawing_gives_way(rule, monkeypatch):
    """At least once in three pieces of a million connections, and without an effect on what is drawn."""
    drawn = [draw.connect(rule, 3000, 3000, True, np.random.PCG64(1))]

    def watch_by(look):
        monkeypatch.setattr(draw, "give_way", look)
        monkeypatch.setattr(threads, "watch", lambda: look)

    look, calls = counting(2)
    watch_by(look)
    with pytest.raises(KeyboardInterrupt):
        draw.connect(rule, 3000, 3000, True, np.random.PCG64(1))
    look, calls = counting(10**6)
    watch_by(look)
    drawn.append(draw.connect(rule, 3000, 3000, True, np.random.PCG64(1)))
    assert len(calls) >= 4
    for one, other in zip(*drawn, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize(
    "work",
    [
        lambda pairs, look: _wiring.by_source(pairs, pairs, 1000, 1000, look),
        lambda pairs, look: _delivery.largest_indegree(pairs.astype(np.int32), look),
    ],
    ids=["sorting", "counting"],
)
def test_sorting_and_counting_give_way(work):
    look, calls = counting(2)
    with pytest.raises(KeyboardInterrupt):
        work(np.arange(3_000_000) % 1000, look)
    assert len(calls) == 3


@pytest.mark.parametrize("distribution", [gp.Uniform(), gp.Normal(), gp.Lognormal(), gp.Exponential()], ids=str)
def test_values_are_drawn_in_pieces(distribution, monkeypatch):
    whole = distribution.draw(1000, np.random.default_rng(1))
    monkeypatch.setattr(distributions, "PIECE", 64)
    assert_array_equal(distribution.draw(1000, np.random.default_rng(1)), whole)
    look, _ = counting(3)
    monkeypatch.setattr(distributions, "give_way", look)
    with pytest.raises(KeyboardInterrupt):
        distribution.draw(1000, np.random.default_rng(1))


@POSIX
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_while_connections_are_drawn(threads):
    """Of a new simulation, and of one that is changed, which stays what it is."""
    net = gp.Network()
    E = net.population("E", 6000, gp.GIF())
    net.connect(E, E, weight=1.0, delay=1.0, rule=gp.FixedIndegree(20))
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1, threads=threads, progress=False)
    before = state_of(sim)
    net.connect(E, E, weight=1.0, delay=1.0, rule=gp.FixedIndegree(100_000))
    many = (
        lambda: gp.Simulation(net, dt=DT, level="micro", seed=1, threads=threads),
        lambda: sim.set((E, E), rule=gp.FixedIndegree(100_000)),
    )
    for work in many:
        pressed = []
        timer = threading.Timer(
            0.2, lambda pressed=pressed: (pressed.append(time.perf_counter()), os.kill(os.getpid(), signal.SIGINT))
        )
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            work()
        assert time.perf_counter() - pressed[0] < 1.0
        timer.join()
    assert_same_state(sim, before)


def test_ctrl_c_while_the_stationary_state_is_found(monkeypatch):
    sim = gp.Simulation(gp.models.brunel(), dt=DT, seed=1, initial="stationary", progress=False)
    sim.set("E", I_e=310.0)
    sim.run(10.0)
    before = state_of(sim)
    once(monkeypatch, stationary, "_fill_up", press)
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        sim.reset()
    assert time.perf_counter() - began < 1.0
    assert_same_state(sim, before)


def test_first_chunks_are_as_long_as_steps_allow():
    assert chunks.Pace(1, 1e-6)._size == 32
    assert chunks.Pace(15, 1e-6)._size == 30
    assert chunks.Pace(10, 1e-2)._size == 10
    assert chunks.Pace(10, 0.12)._size == 1
    slow = chunks.Pace(32, 1e-6)
    with slow.chunk(100) as n:
        time.sleep(0.5)
    assert n == 32
    assert slow._size < 16  # not even a slice
    net = gp.Network()
    E = net.population("E", 300_000, gp.GIF())
    net.connect(E, E, weight=0.1, delay=15.0)
    engine = engine_of(gp.Simulation(net, dt=DT, level="micro"))
    assert chunks.Pace(engine.slice_steps, engine.seconds_per_step())._size < 32


@pytest.mark.parametrize("size", [1, 3, 7])
def test_chunks_do_not_change_results(size, monkeypatch):
    """Also where they are shorter than a slice."""
    whole = simulation("mixed").run(50.0)
    monkeypatch.setattr(chunks.Pace, "_steps", lambda self, wanted, seconds: size)
    assert_same_results(simulation("mixed").run(50.0), whole)


# -- handlers of others ------------------------------------------------------------------------------------------------


@POSIX
def test_ignored_signals_are_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    sim = brunel()
    result = sim.run(3000.0)
    press()
    sim.set("E", I_e=310.0)
    timer.join()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert len(result.t) == 6000


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_a_handler_that_returns_stops_the_run_all_the_same(level, monkeypatch):
    noted = []

    def note(*signal_and_frame):
        noted.append(signal_and_frame)

    signal.signal(signal.SIGINT, note)
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", 8)
    sim = brunel(level=level)
    once(monkeypatch, Recorder, "take", press)
    with pytest.raises(gp.SimulationInterrupted):
        sim.run(100.0)
    assert len(noted) == 1
    assert signal.getsignal(signal.SIGINT) is note
    assert 0.0 < sim.time < 100.0
    sim.run(100.0 - sim.time)
    assert_array_equal(sim.result().counts, brunel(level=level).run(100.0).counts)
    once(monkeypatch, gp.Simulation, "_make_result", press)
    assert len(sim.run(10.0).t) == 20  # complete, so that there is nothing to stop
    assert len(noted) == 2


def test_an_error_of_the_handler_is_what_is_raised(monkeypatch):
    def refuse(*signal_and_frame):
        raise TimeoutError("enough")

    signal.signal(signal.SIGINT, refuse)
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", 8)
    sim = brunel()
    once(monkeypatch, Recorder, "take", press)
    with pytest.raises(TimeoutError, match="enough"):
        sim.run(100.0)
    assert len(sim.result().t) * DT == sim.time
    assert signal.getsignal(signal.SIGINT) is refuse


@pytest.mark.filterwarnings("ignore:There is no current event loop")
def test_in_asyncio():
    """Its handler returns, and cancels the task that waits."""
    import asyncio

    if sys.version_info < (3, 11):
        pytest.skip("asyncio handles SIGINT from Python 3.11 on")

    async def simulate():
        sim = brunel()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            sim.run(1e7)
        except gp.SimulationInterrupted as error:
            times.append(len(error.result.t) * DT == sim.time)
        await asyncio.sleep(10.0)

    times = []
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(simulate())
    assert times == [True]


def test_deferral_within_deferral():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt() as outer:
        with deferred_interrupt() as inner:
            assert not inner()
            press()
            assert inner()
        assert outer()
        assert is_interrupted()
        with pytest.raises(KeyboardInterrupt):
            give_way()
    assert not is_interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("in_thread", [False, True])
def test_signals_of_a_forked_child_are_its_own(in_thread):
    """It holds back what it asks for, and otherwise obeys the handler from before the block of its parent."""
    children = []

    def fork():
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if obeyed_by_child() else 1)
            finally:
                os._exit(2)
        children.append(child)

    with deferred_interrupt():
        if in_thread:
            thread = threading.Thread(target=fork)
            thread.start()
            thread.join()
        else:
            fork()
        assert os.waitpid(children[0], 0)[1] == 0
        assert not is_interrupted()


def obeyed_by_child():
    interrupted = []
    try:
        with deferred_interrupt() as stop:
            press()
            interrupted.append(stop())
    except KeyboardInterrupt:
        interrupted.append(is_interrupted())
    try:
        press()
    except KeyboardInterrupt:
        interrupted.append(is_interrupted())
    return interrupted == [True, False, False]


def test_results_of_the_block_are_kept():
    with pytest.raises(gp.SimulationInterrupted, match="half way"), deferred_interrupt():
        press()
        raise gp.SimulationInterrupted(None, "half way")
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        press()
        raise ValueError("of the block")


def test_a_handler_that_was_exchanged_meanwhile_stays():
    def own(*signal_and_frame):
        pass

    with deferred_interrupt():
        signal.signal(signal.SIGINT, own)
    assert signal.getsignal(signal.SIGINT) is own


def test_obeyed_at_once_where_a_deferral_is_suspended(tmp_path, monkeypatch):
    deferral = deferred_interrupt()
    reached = []
    with pytest.raises(KeyboardInterrupt), deferral:
        with deferral.suspended():
            press()
        reached.append(1)
    assert not reached
    sim = brunel()
    sim.save(tmp_path / "s.npz")
    before = (tmp_path / "s.npz").read_bytes()
    sim.run(10.0)
    once(monkeypatch, os, "fsync", press)
    with pytest.raises(KeyboardInterrupt):
        sim.save(tmp_path / "s.npz")
    assert (tmp_path / "s.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
    sim.run(10.0)


def test_in_other_threads_an_event_stops_preparations_too():
    event, raised = threading.Event(), []

    def work():
        with stopped_by(event):
            give_way()
            event.set()
            try:
                gp.models.brunel().simulate(10.0, dt=DT, level="micro")
            except KeyboardInterrupt as error:
                raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(raised) == 1
    give_way()


def test_messages_name_times_without_what_rounding_adds(monkeypatch):
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", 1)
    sim = brunel(dt=0.1)
    sim.run(0.5)
    once(monkeypatch, Engine, "emissions", press)
    with pytest.raises(gp.SimulationInterrupted) as e:
        sim.run(1.0)
    assert sim.time == 6 * 0.1 != 0.6
    assert str(e.value) == "interrupted at 0.6 ms; .result holds what was simulated"


def test_numbers_out_of_range_lose_the_state_but_no_records():
    net = gp.Network()
    net.population("P", 10, gp.GIF(C_m=1e-300))
    net.inject("P", gp.StepCurrent([5.0, 6.0], [1e300, -1e300]))
    sim = gp.Simulation(net, dt=DT, seed=1, progress=False)
    first = sim.run(4.0)
    with pytest.raises(SimulationError) as e:
        sim.run(46.0)
    assert_array_equal(sim.result().counts, np.concatenate([first.counts, e.value.result.counts]))
    with pytest.raises(StateLostError):
        sim.run(1.0)
    sim.reset()
    assert engine_of(sim).broken is None
