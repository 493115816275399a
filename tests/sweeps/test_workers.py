"""Executors that break, and processes that die."""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest
from numpy.testing import assert_array_equal

from tests.helpers.sweeps import SCRIPT_OF_PROCESSES, build, sweep

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")


class Breaking(Executor):
    """The points that run when a worker dies are lost with it."""

    _max_workers = 1

    def __init__(self):
        self.futures, self.broken = [], False

    def submit(self, function, *arguments):
        if self.broken:
            raise BrokenExecutor("broken")
        future = Future()
        self.futures.append(future)
        if len(self.futures) == 1:
            future.set_result(function(*arguments))
        elif len(self.futures) == 3:
            self.broken = True
            for future in self.futures[1:]:
                future.set_exception(BrokenExecutor("a worker died"))
        return future


def test_broken_executor(tmp_path):
    """Points under way fail, others are left, and nothing else is lost."""
    with pytest.warns(UserWarning) as warned:
        data = sweep(executor=Breaking(), store=tmp_path / "s.zarr")
    assert [str(one.message).split(" points ")[0] for one in warned] == ["sweep: 2 of 6", "sweep: 3 of 6"]
    assert_array_equal(data.status.values.ravel(), ["finished"] + ["failed"] * 2 + ["not run"] * 3)
    assert data.error[0, 1] == "executor: BrokenExecutor: a worker died; this point was under way"
    xr.testing.assert_equal(sweep(store=tmp_path / "s.zarr", retry_failed=True), sweep())


def test_closed_executor():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.warns(UserWarning, match="6 of 6 points were not run"):
        assert (sweep(executor=pool).status == "not run").all()


def dies(I_e, N, mark):
    """Kill the process at one point, as often as there is nothing at the path ``mark``."""
    if (I_e, N) == (320.0, 50) and not os.path.exists(mark):
        if mark:
            open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return build(I_e, N)


@pytest.mark.slow
def test_processes(tmp_path):
    """Closures work, too; a point whose process died once runs again."""
    mark = str(tmp_path / "died")
    data = sweep(lambda I_e, N: dies(I_e, N, mark), executor="processes", workers=2)
    xr.testing.assert_equal(data, sweep())
    assert os.path.exists(mark)


@pytest.mark.slow
def test_a_point_that_kills_its_process():
    """Only this point fails, not those that ran beside it."""
    with pytest.warns(
        UserWarning,
        match=r"1 of 6 points failed, the first at I_e=320.0, N=50: executor: 2 processes died: killed by SIGKILL",
    ):
        data = sweep(lambda I_e, N: dies(I_e, N, ""), executor="processes", workers=2)
    assert (data.status == "finished").sum() == 5


@pytest.mark.slow
def test_process_pool_of_the_users():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        xr.testing.assert_equal(sweep(lambda I_e, N: build(I_e, N), executor=pool), sweep())


@pytest.mark.slow
def test_script_without_guard(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT_OF_PROCESSES.replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    message = r"no processes could be started \(exit code 1\); scripts must guard it by if __name__ == '__main__':$"
    assert re.search(message, done.stderr.strip())
