"""Sweeps that are killed, at any write of their store or at any time, and continued."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.sweeps import GRID, Counted, sweep

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")

SMALL = {"I_e": [300.0, 320.0], "N": [50]}
STEPS = pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.slow)])


class Killed(BaseException):
    """The process ends here."""


def breaks_off(monkeypatch, write, action):
    """Do something whose n-th write of a file is its last one; return whether it came so far."""
    import zarr.storage._local as local

    put, writes = local._put, []

    def counted(path, *arguments, **options):
        writes.append(path)
        if len(writes) > write:
            raise Killed
        return put(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(local, "_put", counted)
        try:
            action()
        except Killed:
            return True
    return False


@STEPS
@pytest.mark.filterwarnings(
    "ignore:.*not recognized as a component of a Zarr"
)  # a file that zarr's threads still write
def test_killed_at_any_write(tmp_path, monkeypatch, step):
    """Whatever file was the last one to be written, the sweep continues to the same end and repeats no finished point."""
    expected = sweep(parameters=SMALL)
    for write in range(0, 100, step):
        path, counted = tmp_path / f"{write}.zarr", Counted()
        if not breaks_off(monkeypatch, write, lambda path=path: sweep(parameters=SMALL, store=path, workers=1)):
            break
        finished = 0
        if (path / "status" / "zarr.json").exists():
            finished = int((xr.open_zarr(path, consolidated=False).status == "finished").sum())
        data = sweep(counted, SMALL, store=path)
        assert len(counted.points) == 2 - finished
        xr.testing.assert_identical(data, expected)
        xr.testing.assert_identical(data, xr.open_zarr(path))
    assert 15 < write < 50


@STEPS
def test_killed_while_the_grid_grows(tmp_path, monkeypatch, step):
    larger = {"I_e": [*SMALL["I_e"], 330.0], "N": [50]}
    sweep(parameters=SMALL, store=tmp_path / "small.zarr")
    expected, counted = sweep(parameters=larger), Counted()
    for write in range(2, 100, step):
        path = tmp_path / f"{write}.zarr"
        shutil.copytree(tmp_path / "small.zarr", path)
        if not breaks_off(monkeypatch, write, lambda path=path: sweep(parameters=larger, store=path, workers=1)):
            break
        xr.testing.assert_identical(sweep(counted, larger, store=path), expected)
    assert 15 < write < 50
    assert set(counted.points) == {(330.0, 50)}


@pytest.mark.parametrize("renamed", [0, 1])
def test_killed_while_the_larger_grid_takes_its_place(tmp_path, monkeypatch, renamed):
    larger, path, counted = {"I_e": [*GRID["I_e"], 330.0], "N": [50, 100]}, tmp_path / "s.zarr", Counted()
    sweep(store=path)
    rename, done = Path.rename, []

    def last(self, target):
        if len(done) == renamed:
            raise Killed
        done.append(target)
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", last)
        with pytest.raises(Killed):
            sweep(store=path, parameters=larger)
    data = sweep(counted, larger, store=path)
    assert sorted(counted.points) == [(330.0, 50), (330.0, 100)]
    xr.testing.assert_equal(data, sweep(parameters=larger))
    assert os.listdir(tmp_path) == ["s.zarr"]


SCRIPT = """
import os
import sys
import gifpop as gp

def build(I_e, N):
    with open("points.log", "a") as log:
        log.write(f"{I_e} {N} {os.getpid()}\\n")
    net = gp.Network()
    net.population("P", N, gp.GIF(I_e=I_e))
    return net

parameters = {"I_e": [300.0 + i for i in range(40)], "N": [50, 100, 150, 200, 250]}
if __name__ == "__main__":
    gp.sweep(build, parameters, dict(duration=200.0, dt=0.5), seed=1, store="s.zarr", executor=sys.argv[1], workers=2)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("executor", "times"), [("threads", 5), ("processes", 1)])
def test_process_killed(tmp_path, executor, times):
    """Nothing is lost, nothing done twice of what had finished, and no process is left behind."""
    random = np.random.default_rng(12)
    (tmp_path / "script.py").write_text(SCRIPT)
    log = tmp_path / "points.log"

    def logged():
        return [line.rsplit(" ", 1)[0] for line in lines()]

    def lines():
        return log.read_text().splitlines() if log.exists() else []

    def run():
        return subprocess.Popen([sys.executable, "script.py", executor], cwd=tmp_path)

    def finished():
        done = xr.open_zarr(tmp_path / "s.zarr", consolidated=False)["status"].load() == "finished"
        return {f"{done.I_e.values[i]} {done.N.values[j]}" for i, j in np.argwhere(done.values)}

    before, seen = set(), 0
    for turn in range(times):
        process = run()
        while len(logged()) == seen:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(random.uniform(0.0, 0.3))
        while turn == times - 1 > 0 and not finished():  # on a busy machine nothing is yet
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not before & set(logged()[seen:])
        assert before <= finished()
        before, seen = finished(), len(logged())
    assert len(before) < 200
    assert before or times == 1
    deadline = time.perf_counter() + 10.0
    while any(os.path.exists(f"/proc/{line.split()[-1]}") for line in lines()):
        assert time.perf_counter() < deadline
        time.sleep(0.05)
    assert run().wait() == 0
    assert len(finished()) == 200
    assert not before & set(logged()[seen:])
    parameters = {"I_e": [300.0 + i for i in range(40)], "N": [50, 100, 150, 200, 250]}
    xr.testing.assert_equal(
        xr.open_zarr(tmp_path / "s.zarr").load(), sweep(parameters=parameters, simulate={"duration": 200.0, "dt": 0.5})
    )
