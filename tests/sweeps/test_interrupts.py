"""Ctrl-C during a sweep: in threads, processes and scripts; what has finished is kept."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.common.interrupts import deferred_interrupt
from gifpop.sweeps import executors
from tests.helpers.ctrl_c import ctrl_c
from tests.helpers.networks import brunel, single
from tests.helpers.sweeps import LONG, SCRIPT_OF_PROCESSES, Counted, sweep, sweep_row

pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")


@pytest.mark.timeout(60)
def test_interrupt_keeps_what_is_there(tmp_path):
    """Running points stop within a second; the next call goes on."""

    def build(I_e, N):
        return single(gp.GIF(I_e=I_e), N=N) if I_e == 300.0 else brunel()

    def simulate(self, duration, **options):
        return original(self, duration if len(self.populations) == 1 else 1e7, **options)

    def stored():
        return len(list((tmp_path / "s.zarr").glob("status/c/*/*"))) >= 2

    original = gp.Network.simulate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gp.Network, "simulate", simulate)
        interrupted = pytest.raises(gp.SweepInterrupted, match="interrupted with 2 of 6 points")
        with ctrl_c(0.2, after=stored) as since, interrupted as caught:
            sweep(build, store=tmp_path / "s.zarr")
        assert since() < 1.0
    data = caught.value.data
    assert_array_equal(data.status == "finished", [[True, True], [False, False], [False, False]])
    assert_array_equal(data.status == "not run", data.status != "finished")
    for thread in threading.enumerate():
        if thread.name.startswith("sweep"):
            thread.join(1.0)
            assert not thread.is_alive()
    monkey = Counted()
    with pytest.warns(UserWarning, match="begun with build"):
        sweep(monkey, store=tmp_path / "s.zarr")
    assert len(monkey.points) == 4


def interrupt_a_long_measure():
    """Interrupt a sweep whose points cannot be stopped: they are left running, until this has ended."""
    release = threading.Event()
    with ctrl_c(0.3) as since, pytest.raises(gp.SweepInterrupted, match="0 of 6 points"):
        sweep(measure=lambda result: float(release.wait(10.0)))
    assert since() < 1.0
    release.set()


@pytest.mark.timeout(60)
def test_interrupt_in_a_long_measure():
    interrupt_a_long_measure()


@pytest.mark.timeout(60)
def test_interrupt_in_a_long_build():
    release = threading.Event()
    with ctrl_c(0.3) as since, pytest.raises(gp.SweepInterrupted, match="0 of 3 points"):
        sweep_row(build=lambda I_e: release.wait(10.0))
    assert since() < 1.0
    release.set()


@pytest.mark.timeout(60)
def test_interrupt_that_is_handled_late(monkeypatch):
    """As on a busy machine: after the time to wait for points is over."""
    note = deferred_interrupt._note

    def late(self, *signal):
        time.sleep(3 * executors.LOOK)
        note(self, *signal)

    monkeypatch.setattr(deferred_interrupt, "_note", late)
    interrupt_a_long_measure()


@pytest.mark.timeout(60)
def test_stop_and_interrupts_of_other_threads():
    """Only the simulations of the sweep that is interrupted stop."""
    from gifpop.common.interrupts import stopped_by

    stop, outcome = threading.Event(), []

    def run():
        with stopped_by(stop):
            try:
                single().simulate(1e7, dt=0.5)
            except gp.SimulationInterrupted as error:
                outcome.append(error)
        single().simulate(10.0, dt=0.5)
        outcome.append("done")

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.1)
    stop.set()
    single().simulate(10.0, dt=0.5)
    thread.join(10.0)
    assert [type(one) for one in outcome] == [gp.SimulationInterrupted, str]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("executor", [None, "later", pytest.param("processes", marks=pytest.mark.slow)])
def test_interrupt_within_a_point(tmp_path, executor):
    """It interrupts the sweep, which can be continued."""

    def interrupted(result):
        if result["P"].counts.sum() >= 0 and result.seed.spawn_key == third:
            raise KeyboardInterrupt
        return 1.0

    from gifpop.sweeps.points import seed_of

    third = seed_of(np.random.SeedSequence(1), {"I_e": 340.0}).spawn_key
    with ThreadPoolExecutor(1) as pool, pytest.raises(gp.SweepInterrupted, match="interrupted with 2 of 3") as caught:
        options = {"executor": pool} if executor == "later" else {"executor": executor, "workers": 1}
        sweep_row(measure=interrupted, store=tmp_path / "s.zarr", **options)
    assert_array_equal(caught.value.data.status, ["finished", "finished", "not run"])


SCRIPT = """
import signal, sys, time
import gifpop as gp
signal.signal(signal.SIGINT, signal.default_int_handler)

def build(I_e):
    net = gp.Network()
    net.population("P", 10, gp.GIF(I_e=I_e))
    if sys.argv[1] == "build":
        print("building", flush=True)
        time.sleep(1000.0)
    return net

def measure(result):
    print("measured", flush=True)
    while True:
        time.sleep(0.01)

try:
    gp.sweep(build, {"I_e": [300.0, 320.0]}, dict(duration=5.0, dt=0.5), measure=measure)
except gp.SweepInterrupted as error:
    print(error, flush=True)
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("where", [pytest.param("build", marks=pytest.mark.slow), "measure"])
def test_the_process_can_end(where, tmp_path):
    """Though a point still runs in a thread, for ever."""
    command = [sys.executable, "-c", SCRIPT, where]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        try:
            shown, _ = process.communicate(timeout=20.0)
        finally:
            process.kill()
    assert "interrupted with 0 of 2 points" in shown
    assert process.returncode == 0


@pytest.mark.timeout(60)
def test_interrupt_while_processes_begin(capfd):
    with ctrl_c(0.2) as since, pytest.raises(gp.SweepInterrupted, match="0 of 3 points"):
        sweep_row(executor="processes", workers=2)
    assert since() < 1.5
    assert capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_interrupted_processes():
    with ctrl_c(4.0) as since, pytest.raises(gp.SweepInterrupted, match="0 of 6"):
        sweep(simulate=LONG, executor="processes", workers=2)
    assert since() < 1.5


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a terminal's Ctrl-C is a signal to all of its processes")
@pytest.mark.parametrize("seconds", [0.5, 5.0])
def test_interrupt_of_a_terminal(tmp_path, seconds):
    """All processes get the signal, while they begin or run; nothing but the sweep's own message is shown."""
    (tmp_path / "script.py").write_text(SCRIPT_OF_PROCESSES)
    with subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        shown, complaints = process.communicate(timeout=60.0)
    assert shown == "interrupted with 0 of 2 points; .data holds them\n"
    assert complaints == ""
