"""Handlers of signals that are not Python's own, other threads and forked children."""

import os
import signal
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.assembly.recording import Recorder
from gifpop.common.interrupts import deferred_interrupt, give_way, is_interrupted, stopped_by
from gifpop.engine import chunks
from gifpop.engine.engine import Engine, SimulationError, StateLostError
from tests.helpers.state import engine_of
from tests.helpers.strikes import DT, POSIX, brunel, once, press

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("sigint")]


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
    once(monkeypatch, Engine, "emit", press)
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
