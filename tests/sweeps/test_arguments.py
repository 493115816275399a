"""What a sweep needs, and what it refuses before it runs or writes anything."""

import importlib.util
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.helpers.sweeps import SIMULATE, Counted, Later, sweep, sweep_row

pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")

LOCK = threading.Lock()  # cannot be pickled


def test_packages_are_optional(tmp_path):
    """Without them, gifpop works and says what a sweep needs."""
    code = """
import sys
sys.modules.update(dict.fromkeys(["xarray", "zarr", "dask", "distributed", "cloudpickle"]))
import gifpop as gp
try:
    gp.sweep(None, {}, {})
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "gifpop.sweep needs xarray: pip install 'gifpop[sweep]'\n"


def test_only_stores_need_zarr(monkeypatch, tmp_path):
    sweep()  # xarray imports what it uses, which may need these
    for name in ("zarr", "distributed", "cloudpickle"):
        monkeypatch.setitem(sys.modules, name, None)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "zarr" else find(name))
    assert (sweep().status == "finished").all()
    with pytest.raises(ImportError, match=r"gifpop.sweep with a store needs zarr: pip install 'gifpop\[sweep\]'"):
        sweep(store=tmp_path / "s.zarr")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"build": 3}, TypeError, "sweep: build must be a function, got 3"),
        ({"build": lambda I_e: None}, TypeError, "build must take the parameters I_e, N, got .* unexpected .* 'N'"),
        ({"measure": 3}, TypeError, "sweep: measure must be a function, got 3"),
        ({"parameters": {}}, TypeError, "parameters must be a dict of names to values, not empty, got {}"),
        ({"parameters": [1]}, TypeError, "parameters must be a dict of names to values, not empty, got .1."),
        ({"parameters": {"a b": [1]}}, ValueError, "names of parameters must be names of arguments .* got 'a b'"),
        ({"parameters": {"status": [1]}}, ValueError, "none of status, error, got 'status'"),
        (
            {"parameters": {"I_e": 3.0}},
            TypeError,
            r"sweep: parameters\['I_e'\] must be a sequence of numbers, .*got 3.0",
        ),
        ({"parameters": {"I_e": "ab"}}, TypeError, "must be a sequence of numbers, bools or strings, got 'ab'"),
        ({"parameters": {"I_e": []}}, ValueError, "must have at least one value, got none"),
        ({"parameters": {"I_e": [1.0, "a"]}}, TypeError, "must be a sequence of numbers, of bools or of strings, got"),
        ({"parameters": {"I_e": [True, 2]}}, TypeError, "must be a sequence of numbers, of bools or of strings, got"),
        ({"parameters": {"I_e": [[1.0]]}}, TypeError, "must be a sequence of numbers, of bools or of strings, got"),
        ({"parameters": {"I_e": [1.0, np.nan]}}, ValueError, "must be finite, got nan"),
        ({"parameters": {"I_e": [1.0, 2.0, 1]}}, ValueError, "must not have a value twice, got 1.0"),
        ({"simulate": 3}, TypeError, "simulate must be a dict of options of Network.simulate, got 3"),
        ({"simulate": {"dt": 0.5}}, ValueError, "simulate must have a duration, in ms, got none"),
        (
            {"simulate": {"duration": 1.0, "level": "x"}},
            ValueError,
            r"simulate\['level'\] must be one of 'meso', 'micro'",
        ),
        ({"simulate": {**SIMULATE, "tolerance": 2.0}}, ValueError, r"simulate\['tolerance'\] must be in \(0, 1\)"),
        ({"simulate": {"duration": 1.0, "warmup": 2.0}}, ValueError, r"simulate\['warmup'\] must be <= duration = 1"),
        (
            {"simulate": {"duration": 1.0, "network_seed": np.random.default_rng(1)}},
            ValueError,
            "must not be a generator",
        ),
        ({"parameters": {"I_e": np.array([2**63 + 1], np.uint64), "N": [50]}}, ValueError, r"must be below 2\^63"),
        ({"simulate": {"duration": 1.0, "foo": 1}}, TypeError, "simulate must have options among .*, got 'foo'"),
        (
            {"simulate": {"duration": 1.0, "seed": 1}},
            ValueError,
            "seed must be an argument of sweep, got it in simulate",
        ),
        ({"simulate": {"duration": 0.75, "dt": 0.5}}, ValueError, r"simulate\['duration'\] must be a multiple of dt"),
        ({"simulate": {"duration": -1.0}}, ValueError, r"simulate\['duration'\] must be > 0 ms, got -1.0"),
        ({"simulate": {"duration": 1.0, "dt": 0}}, ValueError, r"simulate\['dt'\] must be > 0 ms, got 0"),
        ({"simulate": {**SIMULATE, "keep": "mean"}}, ValueError, r"\['keep'\] must be left out where trials is None"),
        ({"simulate": {**SIMULATE, "keep": len}, "trials": 2}, ValueError, "measure must be given where simulate"),
        ({"trials": 0}, ValueError, "simulate.trials must be >= 1, got 0"),
        ({"trials": 1.5}, TypeError, "simulate.trials must be an integer, got 1.5"),
        ({"seed": -1}, ValueError, "seed must be what numpy.random.default_rng takes, got -1"),
        ({"executor": "gpu"}, ValueError, "executor must be one of 'threads', 'processes', got 'gpu'"),
        ({"executor": 3}, TypeError, "executor must be 'threads', 'processes' or a concurrent.futures.Executor, got 3"),
        ({"client": 3}, TypeError, "client must be a dask.distributed.Client, got 3"),
        ({"workers": 0}, ValueError, "sweep: workers must be >= 1, got 0"),
        ({"workers": 2, "executor": Later()}, ValueError, "workers must be left out where an executor or client is"),
        ({"units": {"a": "mV"}}, ValueError, r"units must name parameters of the sweep \(I_e, N\), got 'a'"),
        ({"units": {"N": 3}}, TypeError, "units must be a dict of names to strings, got {'N': 3}"),
        ({"retry_failed": 1}, TypeError, "sweep: retry_failed must be True or False, got 1"),
        ({"progress": 1}, TypeError, "sweep: progress must be True or False, got 1"),
        (
            {"executor": "processes", "simulate": {**SIMULATE, "record": LOCK}},
            TypeError,
            "that other processes can have th",
        ),
    ],
)
def test_bad_arguments(options, error, message, tmp_path):
    """Refused before anything is run or written."""
    counted = Counted()
    with pytest.raises(error, match=message):
        sweep(**{"build": counted, "store": tmp_path / "s.zarr", **options})
    assert not counted.points
    assert not os.listdir(tmp_path)


def test_masked_parameters_are_refused():
    for values in (np.ma.array([1.0, 2.0], mask=[0, 1]), [1.0, np.ma.masked]):
        with pytest.raises(ValueError, match=r"parameters\['I_e'\] must not be masked, got 1 masked value"):
            sweep_row(parameters={"I_e": values})
    pd = pytest.importorskip("pandas")
    assert_array_equal(sweep_row(parameters={"I_e": pd.Series([300.0, 310.0])}).I_e, [300.0, 310.0])
