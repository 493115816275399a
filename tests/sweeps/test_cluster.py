"""Sweeps on a cluster of dask."""

import os
import runpy
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import gifpop as gp
from tests.helpers.ctrl_c import ctrl_c
from tests.helpers.sweeps import LONG, build, fails_at_320, sweep

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")


@pytest.fixture(scope="module")
def client():
    """Two worker processes; each dies alone."""
    distributed = pytest.importorskip("distributed")
    import logging

    for name in ("nanny", "scheduler", "client", "worker"):
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
def test_cluster_that_loses_a_worker(client, tmp_path):
    """One of two workers is killed on the way; the result is the local one to the last bit."""
    parameters = {"I_e": np.linspace(250.0, 350.0, 21), "N": [50, 100]}
    simulate = {"duration": 10000.0, "dt": 0.5}
    pids = list(client.run(os.getpid).values())
    assert len(set(pids)) == 2
    path, left = tmp_path / "s.zarr", []

    def kill():
        while len(list(path.glob("status/c/*/*"))) < 5:
            time.sleep(0.01)
        os.kill(pids[0], signal.SIGKILL)
        left.append(42 - len(list(path.glob("status/c/*/*"))))

    thread = threading.Thread(target=kill)
    thread.start()
    data = sweep(lambda I_e, N: build(I_e, N), parameters, simulate, client=client, store=path)
    thread.join()
    assert left[0] > 10
    assert pids[0] not in client.run(os.getpid).values()
    xr.testing.assert_identical(data.load(), sweep(lambda I_e, N: build(I_e, N), parameters, simulate))


@pytest.mark.slow
def test_cluster_and_failures(client):
    with pytest.warns(UserWarning, match="2 of 6 points failed"):
        data = sweep(fails_at_320, client=client)
    assert (data.error.sel(I_e=320.0) == "build: RuntimeError: no such drive").all()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_interrupted_cluster(client):
    with ctrl_c(1.0) as since, pytest.raises(gp.SweepInterrupted, match="0 of 6"):
        sweep(simulate=LONG, client=client)
    assert since() < 1.0


@pytest.mark.slow
def test_slurm_example_on_this_machine(tmp_path):
    """All of the example but SLURM itself."""
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "sweep_slurm.py"))
    arguments = ["--local", "--jobs", "1", "--points", "2", "--duration", "100", "--store", str(tmp_path / "s.zarr")]
    data = example["main"](arguments)
    assert dict(data.activity.sizes) == {"g": 2, "I_e": 2, "population": 2}
    assert (data.status == "finished").all()
