"""Sweeps: files of others, two sweeps at a time, exceptions and interrupts inside `build` and `measure`."""

import asyncio
import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.sweeps import lock as sweep_lock
from tests.helpers.ctrl_c import ctrl_c
from tests.helpers.networks import single

xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr", "3.1")

GRID = {"I_e": [300.0, 320.0, 340.0]}
LARGER = {"I_e": [300.0, 320.0, 330.0, 340.0]}


def build(I_e):
    return single(gp.GIF(I_e=I_e))


def sweep(build=build, parameters=GRID, **options):
    return gp.sweep(build, parameters, {"duration": 20.0, "dt": 0.5}, seed=1, **options)


def test_folders_beside_a_store_are_left_alone(tmp_path):
    """Those that a killed sweep has left are removed."""
    path = tmp_path / "s.zarr"
    sweep(store=path)
    for name in ("growing", "outgrown"):
        folder = tmp_path / f"s.zarr.{name}"
        folder.mkdir()
        (folder / "thesis.txt").write_text("all of it")
        sweep(store=path)
        with pytest.raises(ValueError, match=rf"s.zarr' must have room to grow, got '.*s.zarr.{name}', which is some"):
            sweep(parameters=LARGER, store=path)
        assert (folder / "thesis.txt").read_text() == "all of it"
        (folder / "thesis.txt").unlink()
    assert sweep(parameters=LARGER, store=path).sizes["I_e"] == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["s.zarr"]


@pytest.mark.filterwarnings("ignore:.*not recognized as a component of a Zarr")
def test_files_within_a_store_are_left_alone(tmp_path):
    path = tmp_path / "s.zarr"
    for parameters in (GRID, LARGER):
        sweep(store=path, parameters=parameters)
        (path / "notes").mkdir(exist_ok=True)
        (path / "notes" / "thesis.txt").write_text("all of it")
        (path / "readme.txt").write_text("some of it")
    (path / "status" / "zarr.json").unlink()  # as where the process is killed early: all is made again
    xr.testing.assert_equal(sweep(store=path, parameters=LARGER), sweep(parameters=LARGER))
    assert (path / "notes" / "thesis.txt").read_text() == "all of it"
    assert (path / "readme.txt").read_text() == "some of it"


def test_what_took_the_place_of_a_store_is_not_continued(tmp_path):
    """Another's folder does not become the store."""
    (tmp_path / "s.zarr.outgrown").mkdir()
    (tmp_path / "s.zarr.outgrown" / "thesis.txt").write_text("all of it")
    sweep(store=tmp_path / "s.zarr")
    assert os.listdir(tmp_path / "s.zarr.outgrown") == ["thesis.txt"]


def test_another_process_holds_the_store(tmp_path):
    path, refused = tmp_path / "folder" / "s.zarr", []

    def again(result):
        with pytest.raises(ValueError) as caught:
            sweep(store=path)
        refused.append(str(caught.value))
        return 1.0

    sweep(store=path, measure=again)
    message = (
        f"sweep: store must not be in use, got {str(path)!r}, which another sweep writes to: process {os.getpid()} on"
    )
    assert len(refused) == 3
    assert all(text.startswith(message) for text in refused)
    assert os.listdir(path.parent) == ["s.zarr"]


HOLDER = """
import sys, time
from pathlib import Path
from gifpop.sweeps.lock import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(1000.0)
"""


def test_the_lock_of_another_process_ends_with_it(tmp_path):
    """However it ends; what it wrote into the file stays until the next sweep."""
    path = tmp_path / "s.zarr"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(ValueError, match=rf"another sweep writes to: process {process.pid} on .*, begun 2.* \(if"):
            sweep(store=path)
        assert not path.exists()
        process.kill()
    assert os.listdir(tmp_path) == ["s.zarr.lock"]
    assert (sweep(store=path).status == "finished").all()
    assert os.listdir(tmp_path) == ["s.zarr"]


def test_a_file_that_is_no_lock_is_left_alone(tmp_path):
    path = tmp_path / "s.zarr"
    sweep_lock.lock_of(path).write_text("my keys")
    with pytest.raises(ValueError, match=r"'s.zarr.lock' is no lock of gifpop.sweep; move it away"):
        sweep(store=path)
    assert sweep_lock.lock_of(path).read_text() == "my keys"
    assert not path.exists()


def test_a_lock_that_is_released_as_it_is_taken(tmp_path, monkeypatch):
    """The file that was opened is removed by its owner; a lock of it would keep nobody out."""
    removed, lock, path = [], sweep_lock._lock, tmp_path / "s.zarr"

    def late(file):
        if not removed:
            sweep_lock.lock_of(path).unlink()
            removed.append(True)
        lock(file)

    monkeypatch.setattr(sweep_lock, "_lock", late)
    with sweep_lock.locked(path):
        assert sweep_lock.lock_of(path).exists()
    assert removed


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_stores_that_can_only_be_read_are_not_locked(tmp_path, monkeypatch, number):
    path = tmp_path / "s.zarr"
    whole = sweep(store=path)

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(sweep_lock, "open", refuse, raising=False)
    with sweep_lock.locked(path):
        assert not sweep_lock.lock_of(path).exists()
    monkeypatch.undo()
    assert sweep(store=path).equals(whole)


def test_file_systems_without_locks(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(sweep_lock, "_lock", refuse)
    with pytest.warns(UserWarning, match="s.zarr' cannot be locked against other sweeps: No locks available"):
        sweep(store=tmp_path / "s.zarr")


class Odd(BaseException):
    """An exception that is no Exception, as that of `pytest.fail`."""


@pytest.mark.parametrize("error", [Odd("hm"), asyncio.CancelledError("hm"), SystemExit("hm"), GeneratorExit("hm")])
@pytest.mark.parametrize("where", ["build", "measure"])
@pytest.mark.parametrize("own", [False, True])
def test_any_exception_fails_its_point(error, where, own):
    def fails(I_e):
        if I_e == 320.0:
            raise error
        return build(I_e)

    def fails_late(result):
        values.append(result)
        if len(values) == 2:
            raise error
        return 1.0

    values = []
    options = {"build": fails} if where == "build" else {"measure": fails_late}
    with pytest.warns(UserWarning, match="1 of 3 points failed"), ThreadPoolExecutor(1) as pool:
        data = sweep(**options, **({"executor": pool} if own else {"workers": 1}))
    assert_array_equal(data.status, ["finished", "failed", "finished"])
    assert data.error.values[1] == f"{where}: {type(error).__name__}: hm"


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
        sweep(measure=interrupted, store=tmp_path / "s.zarr", **options)
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
        sweep(executor="processes", workers=2)
    assert since() < 1.5
    assert capfd.readouterr().err == ""


GROUP = """
import signal
import gifpop as gp
signal.signal(signal.SIGINT, signal.default_int_handler)

def build(I_e):
    net = gp.Network()
    net.population("P", 10, gp.GIF(I_e=I_e))
    return net

if __name__ == "__main__":
    import xarray
    try:
        print("begun", flush=True)
        gp.sweep(build, {"I_e": [300.0, 320.0]}, dict(duration=1e7, dt=0.5), executor="processes", workers=2)
    except gp.SweepInterrupted as error:
        print(error, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a terminal's Ctrl-C is a signal to all of its processes")
@pytest.mark.parametrize("seconds", [0.5, 5.0])
def test_interrupt_of_a_terminal(tmp_path, seconds):
    """All processes get the signal, while they begin or run; nothing but the sweep's own message is shown."""
    (tmp_path / "script.py").write_text(GROUP)
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


@pytest.mark.slow
def test_script_without_guard(tmp_path):
    (tmp_path / "script.py").write_text(GROUP.replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    message = r"no processes could be started \(exit code 1\); scripts must guard it by if __name__ == '__main__':$"
    assert re.search(message, done.stderr.strip())


@pytest.mark.timeout(60)
def test_interrupt_in_a_long_build():
    release = threading.Event()
    with ctrl_c(0.3) as since, pytest.raises(gp.SweepInterrupted, match="0 of 3 points"):
        sweep(build=lambda I_e: release.wait(10.0))
    assert since() < 1.0
    release.set()


@pytest.mark.parametrize("stored", [False, True])
def test_long_doubles_and_masked_values(tmp_path, stored):
    def measure(result):
        return {
            "long": np.longdouble(0.1),
            "clong": np.ones(2, dtype=np.clongdouble),
            "half": np.float16(0.5),
            "masked": np.ma.array([1.0, 999.0], mask=[False, True]),
            "integers": ("k", np.ma.array([1, 999, 3], mask=[False, True, False])),
            "complex": ("l", np.ma.array([1j, 2.0], mask=[False, True])),
            "none": np.ma.array([1, 2]),
        }

    data = sweep(measure=measure, **({"store": tmp_path / "s.zarr"} if stored else {})).isel(I_e=0)
    assert (data.long, data.long.dtype, data.clong.dtype, data.half.dtype) == (
        0.1,
        np.float64,
        np.complex128,
        np.float16,
    )
    assert_allclose(data.masked, [1.0, np.nan], rtol=0, atol=0)
    assert_allclose(data.integers, [1.0, np.nan, 3.0], rtol=0, atol=0)
    assert data["complex"].values[0] == 1j
    assert np.isnan(data["complex"].values[1])
    assert_array_equal(data["none"], [1.0, 2.0])


def test_masked_parameters_are_refused():
    for values in (np.ma.array([1.0, 2.0], mask=[0, 1]), [1.0, np.ma.masked]):
        with pytest.raises(ValueError, match=r"parameters\['I_e'\] must not be masked, got 1 masked value"):
            sweep(parameters={"I_e": values})
    pd = pytest.importorskip("pandas")
    assert_array_equal(sweep(parameters={"I_e": pd.Series([300.0, 310.0])}).I_e, [300.0, 310.0])
