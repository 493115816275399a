"""`sweep`: points, seeds, measures, failures, and stores that are continued."""

import doctest
import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.sweeps.points import seed_of
from tests.helpers.ctrl_c import ctrl_c
from tests.helpers.networks import brunel, single

xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr", "3.1")

GRID = {"I_e": [300.0, 320.0, 340.0], "N": [50, 100]}
LOCK = threading.Lock()  # cannot be pickled
SIMULATE = {"duration": 40.0, "dt": 0.5}


def build(I_e, N):
    return single(gp.GIF(I_e=I_e), N=N)


def sweep(build=build, parameters=GRID, simulate=SIMULATE, seed=1, **options):
    return gp.sweep(build, parameters, simulate, seed=seed, **options)


def direct(I_e, N, seed=1, **options):
    """One point by hand."""
    own = seed_of(np.random.SeedSequence(seed), {"I_e": I_e, "N": N})
    return build(I_e, N).simulate(**SIMULATE, seed=own, **options)


class Counted:
    """`build`, which keeps the points for which it is called."""

    def __init__(self):
        functools.update_wrapper(self, build)
        self.points = []

    def __call__(self, I_e, N):
        self.points.append((I_e, N))
        return build(I_e, N)


class Exhausted(Executor):
    """An executor that runs some points, and then refuses more."""

    def __init__(self, points):
        self.points = points

    def submit(self, function, *arguments):
        if self.points == 0:
            raise RuntimeError("no more")
        self.points -= 1
        future = Future()
        future.set_result(function(*arguments))
        return future


class Later(Executor):
    """An executor that runs all six points once it has them, the last one first."""

    def __init__(self):
        self.tasks = []

    def submit(self, function, *arguments):
        future = Future()
        self.tasks.append((future, function, arguments))
        if len(self.tasks) == 6:
            for future, function, arguments in reversed(self.tasks):
                future.set_result(function(*arguments))
        return self.tasks[-1][0]


# what a sweep returns


def test_dataset():
    data = sweep(units={"N": "neurons"})
    assert data.activity.dims == ("I_e", "N", "population")
    assert_array_equal(data.I_e, GRID["I_e"])
    assert_array_equal(data.N, GRID["N"])
    assert_array_equal(data.population, ["P"])
    assert data.I_e.attrs == {"units": "pA"}
    assert data.N.attrs == {"units": "neurons"}
    assert data.activity.attrs["units"] == "Hz"
    assert (data.status == "finished").all()
    assert data.identical(sweep(parameters=MappingProxyType(GRID), units=MappingProxyType({"N": "neurons"})))
    assert (data.error == "").all()
    assert data.attrs["seed"] == "1"
    for I_e in GRID["I_e"]:
        for N in GRID["N"]:
            expected = direct(I_e, N).activity.mean(axis=0)
            assert_array_equal(data.activity.sel(I_e=I_e, N=N), expected)
    assert len(np.unique(data.activity)) == 6


def test_doctest():
    failed, attempted = doctest.testmod(sys.modules["gifpop.sweeps.sweep"])
    assert failed == 0
    assert attempted > 3


def test_values_reach_build_as_python_values():
    seen = []

    def build(a, b, c):
        seen.append((a, b, c))
        return single()

    sweep(build, {"a": np.array([1.5]), "b": np.array([2]), "c": [True]}, workers=1)
    assert [list(map(type, point)) for point in seen] == [[float, int, bool]]
    data = sweep(lambda level: single(gp.GIF(), N=10), {"level": ["x", "y"]})
    assert_array_equal(data.level, ["x", "y"])


# what it needs, and what it refuses


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


# seeds


def test_seeds_belong_to_values():
    """More values, or the parameters in another order, change nothing."""
    data = sweep()
    more = sweep(parameters={"N": [100, 70, 50], "I_e": [340, 330.0, 320, 300, 1e3]})
    for I_e in GRID["I_e"]:
        for N in GRID["N"]:
            assert_array_equal(data.activity.sel(I_e=I_e, N=N), more.activity.sel(I_e=I_e, N=N))
    assert not np.array_equal(data.activity, sweep(seed=2).activity)


def test_seed_of_a_point_is_frozen():
    """Stored sweeps are continued by later versions."""
    root = np.random.SeedSequence(1)
    state = seed_of(root, {"g": 5.0, "wiring": "dense"}).generate_state(2)
    assert state.tolist() == [63120759, 2878236825]
    assert_array_equal(seed_of(root, {"wiring": "dense", "g": 5}).generate_state(2), state)
    other = [{"g": 5.0}, {"g": 5.5, "wiring": "dense"}, {"h": 5.0, "wiring": "dense"}, {"g": "5", "wiring": "dense"}]
    assert len({tuple(seed_of(root, values).generate_state(2)) for values in other} | {tuple(state)}) == 5
    assert seed_of(root, {"a": -0.0}).spawn_key == seed_of(root, {"a": 0}).spawn_key
    assert seed_of(root, {"a": True}).spawn_key != seed_of(root, {"a": 1}).spawn_key


def test_workers_change_nothing():
    data = sweep(workers=1)
    xr.testing.assert_identical(sweep(workers=3), data)
    xr.testing.assert_identical(sweep(executor=Later()), data)
    with ThreadPoolExecutor(2) as pool:
        xr.testing.assert_identical(sweep(executor=pool), data)


def test_seeds_of_other_kinds():
    sequence = np.random.SeedSequence(5, spawn_key=(2, 3))
    data, again = sweep(seed=sequence), sweep(seed=np.random.SeedSequence(5, spawn_key=(2, 3)))
    xr.testing.assert_identical(data, again)
    assert data.attrs["seed_spawn_key"] == "[2, 3]"
    xr.testing.assert_identical(sweep(seed=[1, 2]), sweep(seed=np.array([1, 2])))
    xr.testing.assert_identical(sweep(seed=3), sweep(seed=np.int64(3)))
    sweep(seed=np.random.default_rng(1))
    unseeded = sweep(seed=None)
    assert_array_equal(sweep(seed=int(unseeded.attrs["seed"])).activity, unseeded.activity)


# trials


def test_trials():
    """The default measure, of all trials, of some of them, and of their mean; one trial is the one of `simulate`."""
    data, some = sweep(trials=3), sweep(trials=[0, 2])
    assert data.activity.dims == ("I_e", "N", "trial", "population")
    assert_array_equal(data.trial, [0, 1, 2])
    assert_array_equal(some.trial, [0, 2])
    assert data.attrs["trials"] == 3
    assert some.attrs["trials"] == "[0, 2]"
    xr.testing.assert_equal(data.sel(trial=[0, 2]), some)
    assert_array_equal(data.activity.sel(I_e=320.0, N=100), direct(320.0, 100, trials=3).activity.mean(axis=1))
    mean = sweep(trials=3, simulate={**SIMULATE, "keep": "mean"})
    xr.testing.assert_allclose(mean.activity, data.activity.mean("trial"), rtol=1e-12, atol=0)
    own = sweep(trials=3, simulate={**SIMULATE, "keep": lambda result: result.counts.sum()}, measure=lambda sums: sums)
    assert_array_equal(own["lambda"].sel(I_e=320.0, N=100), direct(320.0, 100, trials=3).counts.sum(axis=(1, 2)))


# measures


def test_measures_of_all_kinds():
    def measure(result):
        trace = xr.DataArray(
            result.activity[:4],
            dims=("t", "population"),
            attrs={"units": "spikes/s", "n": np.int64(3)},
            coords={"t": result.t[:4], "population": ["P"], "kind": ("population", ["exc"]), "scalar": 3.0},
        )
        return {
            "count": int(result.counts.sum()),
            "vector": result.counts[:3, 0],
            "single": np.float32(2.0),
            "wave": (("phase",), np.array([1.0 + 2.0j, 3.0]), {"units": "mV"}),
            "named": ("phase", [1, 2]),
            "flag": True,
            "trace": trace,
        }

    data = sweep(measure=measure)
    result = direct(320.0, 50)
    point = data.sel(I_e=320.0, N=50)
    assert float(point["count"]) == result.counts.sum()
    assert_array_equal(point["vector"], result.counts[:3, 0])
    assert point["vector"].dims == ("vector_dim_0",)
    assert point["single"].dtype == np.float32
    assert_array_equal(point["wave"], [1.0 + 2.0j, 3.0])
    assert point["wave"].dims == point["named"].dims == ("phase",)
    assert point["wave"].attrs == {"units": "mV"}
    assert float(point["flag"]) == 1.0
    assert_array_equal(point["trace"], result.activity[:4])
    assert data["trace"].attrs == {"units": "spikes/s", "n": 3}
    assert_array_equal(data["t"], result.t[:4])
    assert_array_equal(data["kind"], ["exc"])
    assert set(data.coords) == {"I_e", "N", "t", "population", "kind"}


@pytest.mark.parametrize("store", [None, "s.zarr"])
def test_measures_in_a_store(tmp_path, store):
    """The same data come from memory and disk, with all kinds of values."""

    def measure(result):
        return xr.Dataset(
            {
                "a": (("x", "y"), np.arange(6.0).reshape(3, 2) * result.counts.sum()),
                "b": ("y", np.array([1.0 + 2.0j, 3.0])),
                "empty": ("z", np.zeros(0)),
                "c": 1.0,
            },
            {"x": ["u", "v", "ü"], "w": ("y", [1, 2])},
        )

    data = sweep(measure=measure, store=store and tmp_path / store)
    if store:
        xr.testing.assert_identical(data, sweep(measure=measure))
        xr.testing.assert_identical(data, xr.open_zarr(tmp_path / store))
        xr.testing.assert_identical(data, sweep(measure=measure, store=tmp_path / store))
        assert set(data.coords) == {"I_e", "N", "x", "w"}


def test_names_of_single_values():
    def spikes(result):
        return result.counts.sum()

    assert set(sweep(measure=spikes)) == {"status", "error", "spikes"}
    assert set(sweep(measure=lambda result: 1.0)) == {"status", "error", "lambda"}


# failures


def fails_at_320(I_e, N):
    if I_e == 320.0:
        raise RuntimeError("no such drive")
    return build(I_e, N)


def test_failed_points_are_recorded(tmp_path):
    with pytest.warns(UserWarning, match=r"2 of 6 points failed, the first at I_e=320.0, N=50: build: RuntimeError"):
        data = sweep(fails_at_320, store=tmp_path / "s.zarr")
    assert_array_equal(data.status == "failed", [[False, False], [True, True], [False, False]])
    assert (data.error.sel(I_e=320.0) == "build: RuntimeError: no such drive").all()
    assert_array_equal(np.isnan(data.activity[..., 0]), data.status == "failed")
    assert_array_equal(data.activity.sel(I_e=[300.0, 340.0]), sweep().activity.sel(I_e=[300.0, 340.0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"build": lambda I_e, N: None}, "build: TypeError: it must return a gifpop.Network, got None"),
        (
            {"simulate": {**SIMULATE, "record": "V"}},
            "simulate: ValueError: Simulation.record: variables of 'P' must be",
        ),
        ({"measure": lambda result: result.nothing}, "measure: AttributeError: 'Result' object has no attribute 'noth"),
        ({"measure": lambda result: "text"}, "measure: TypeError: 'lambda' must be a number or an array of numbers"),
        ({"measure": lambda result: {}}, "measure: ValueError: measure must return at least one value, got none"),
        ({"measure": lambda result: ("x",)}, r"measure: ValueError: 'lambda': a tuple must be \(dims, data\)"),
        ({"measure": lambda result: {"status": 1}}, "measure: ValueError: names of values must be strings, not of par"),
        ({"measure": lambda result: ("I_e", [1])}, "measure: ValueError: 'lambda': its dimension 'I_e' must not be"),
        ({"measure": lambda result: (("x", "x"), np.eye(2))}, "measure: ValueError: 'lambda' must have a dimension of"),
        ({"measure": lambda result: {"a": ("x", [1]), "b": ("x", [1, 2])}}, "measure: ValueError: 'b': its dimension"),
        ({"measure": lambda result: sys.exit(3)}, "measure: SystemExit: 3"),
    ],
)
def test_what_fails_everywhere(options, message):
    with pytest.warns(UserWarning, match="6 of 6 points failed, the first at I_e=300.0, N=50: " + message):
        data = sweep(**options)
    assert set(data) == {"status", "error"}
    assert (data.status == "failed").all()


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ([1.0, 2.0, 3.0], r"'lambda' has (lambda_dim_0: 3), at the first point (lambda_dim_0: 2)"),
        (("x", [1.0, 2.0]), r"'lambda' has (x: 2), at the first point (lambda_dim_0: 2)"),
        ({"a": 1.0}, "it returned 'a', at the first point 'lambda'"),
        ([1.0, 2.0j], "'lambda' is complex128, at the first point float64"),
        (
            xr.DataArray([1.0, 2.0], dims="lambda_dim_0", coords={"lambda_dim_0": [0, 1]}),
            "it returned coordinates 'lambda_dim_0', at the first point none",
        ),
    ],
)
@pytest.mark.parametrize("executor", ["threads", "later"])
def test_the_first_point_decides_the_form(odd, message, executor):
    """Not the one that ends first."""
    measure = lambda result: odd if result["P"].N == 100 else [1.0, 2.0]  # noqa: E731
    with pytest.warns(UserWarning, match="3 of 6 points failed"):
        data = sweep(measure=measure, executor=Later() if executor == "later" else executor)
    assert_array_equal(data.status.sel(N=50), ["finished"] * 3)
    assert_array_equal(data.error.sel(N=100), [f"measure: ValueError: {message}"] * 3)


def test_form_where_the_first_points_fail():
    with pytest.warns(UserWarning, match="3 of 6 points failed"):
        data = sweep(lambda I_e, N: build(I_e, N) if N == 100 else None, executor=Later())
    assert_array_equal(data.activity.sel(N=100), sweep().activity.sel(N=100))


# stores


def test_store_is_the_dataset(tmp_path):
    data = sweep(store=tmp_path / "s.zarr", units={"N": "neurons"})
    xr.testing.assert_identical(data, xr.open_zarr(tmp_path / "s.zarr"))
    xr.testing.assert_identical(data, sweep(units={"N": "neurons"}))


def begin(path, points, build=build, **options):
    """Begin a sweep that breaks off after some points."""
    with pytest.warns(UserWarning, match="of 6 points were not run, since the executor broke"):
        return sweep(build, store=path, executor=Exhausted(points), **options)


@pytest.mark.parametrize("seed", [1, None])
def test_continued_without_repeating(tmp_path, seed):
    path, counted = tmp_path / "s.zarr", Counted()
    data = begin(path, 2, counted, seed=seed)
    assert_array_equal(data.status == "finished", [[True, True], [False, False], [False, False]])
    assert np.isnan(data.activity[1:]).all()
    begin(path, 3, counted, seed=seed)
    assert len(counted.points) == 5
    data = sweep(counted, store=path, seed=seed)
    assert len(counted.points) == 6
    assert len(set(counted.points)) == 6
    xr.testing.assert_equal(data, sweep(seed=int(data.attrs["seed"])))
    xr.testing.assert_identical(data, xr.open_zarr(path))


def test_failed_points_are_run_again_on_demand(tmp_path):
    path, counted = tmp_path / "s.zarr", Counted()

    for _ in range(2):
        with pytest.warns(UserWarning, match="2 of 6 points failed"):
            sweep(fails_at_320, store=path)
    with pytest.warns(UserWarning, match="the store was begun with build = .*fails_at_320, now .*build"):
        data = sweep(counted, store=path, retry_failed=True)
    assert sorted(counted.points) == [(320.0, 50), (320.0, 100)]
    xr.testing.assert_equal(data, sweep())


def test_all_fail_and_then_none(tmp_path):
    path, works = tmp_path / "s.zarr", []

    def build_later(I_e, N):
        return build(I_e, N) if works else None

    with pytest.warns(UserWarning, match="6 of 6"):
        sweep(build_later, store=path)
    works.append(True)
    xr.testing.assert_equal(sweep(build_later, store=path, retry_failed=True), sweep())


def test_grid_grows(tmp_path):
    path, counted = tmp_path / "s.zarr", Counted()
    with pytest.warns(UserWarning, match="2 of 6 points failed"):
        sweep(fails_at_320, store=path)
    larger = {"I_e": [290.0, 300.0, 320.0, 330.0, 340.0], "N": [100, 70, 50]}
    with pytest.warns(UserWarning):
        data = sweep(counted, larger, store=path)
    assert len(counted.points) == 15 - 6
    assert (data.error.sel(I_e=320.0, N=50) == "build: RuntimeError: no such drive").all()
    with pytest.warns(UserWarning, match="begun with build"):
        data = sweep(counted, larger, store=path, retry_failed=True)
    xr.testing.assert_equal(data, sweep(parameters=larger))
    xr.testing.assert_identical(data, xr.open_zarr(path))
    assert os.listdir(tmp_path) == ["s.zarr"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": {"I_e": [300.0], "N": [50, 100]}}, r"it has the value 320.0 of 'I_e', now \[300.0\]"),
        ({"parameters": {**GRID, "N": [100, 50]}}, r"its values of 'N' are in the order \[50, 100\]"),
        ({"parameters": {**GRID, "N": [True, False]}}, r"its values of 'N' are \[50, 100\], now \[True, False\]"),
        ({"parameters": {"N": [50], "I_e": [1.0]}}, "its parameters are I_e, N, now N, I_e"),
        ({"parameters": {"I_e": [1.0]}, "build": lambda I_e: None}, "its parameters are I_e, N, now I_e"),
        ({"seed": 2}, "its seed is 1, now 2"),
        ({"seed": np.random.SeedSequence(1, spawn_key=(1,))}, r"its seed_spawn_key is \[\], now \[1\]"),
        ({"simulate": {"duration": 40.0, "dt": 0.1}}, r"its simulate is {dt: 0.5, duration: 40}, now {dt: 0.1, dura"),
        ({"trials": 2}, "its trials is None, now 2"),
    ],
)
def test_another_sweep_is_refused(tmp_path, options, message):
    sweep(store=tmp_path / "s.zarr")
    with pytest.raises(ValueError, match="store holds another sweep: " + message):
        sweep(**{"store": tmp_path / "s.zarr", **options})


def test_seeds_of_a_stored_sweep(tmp_path):
    """A sweep without a seed takes the one of its store; a seed of several numbers is known again."""
    data = sweep(store=tmp_path / "s.zarr", seed=[3, 2**40])
    assert data.attrs["seed"] == "[3, 1099511627776]"
    for seed in ([3, 2**40], None):
        xr.testing.assert_identical(sweep(store=tmp_path / "s.zarr", seed=seed), data)
    larger = {**GRID, "N": [50, 60, 100]}
    xr.testing.assert_equal(
        sweep(store=tmp_path / "s.zarr", seed=None, parameters=larger), sweep(parameters=larger, seed=[3, 2**40])
    )


def test_options_without_effect_may_change(tmp_path):
    data = sweep(store=tmp_path / "s.zarr")
    again = sweep(store=tmp_path / "s.zarr", simulate={"dt": 0.5, "duration": 40, "threads": 2})
    xr.testing.assert_identical(data, again)


def test_what_is_no_store_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("precious")
    xr.Dataset({"a": ("x", [1.0, 2.0])}).to_zarr(tmp_path / "other", consolidated=False)
    zarr.open_group(tmp_path / "later", mode="w").attrs["gifpop_sweep"] = 2
    for name, message in (
        ("file", "store must be a folder, got the file"),
        ("folder", "store must be new or of gifpop.sweep, got .* which is something else"),
        ("other", "store must be new or of gifpop.sweep, got .* which is something else"),
        ("later", "store must be of format 1, got .* of format 2"),
    ):
        with pytest.raises(ValueError, match=message):
            sweep(store=tmp_path / name)
    assert (tmp_path / "folder" / "file").read_text() == "precious"
    for store in (3, "s3://bucket/sweep"):
        with pytest.raises(TypeError, match="store must be the path of a local folder, or None, got"):
            sweep(store=store)


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


SMALL = {"I_e": [300.0, 320.0], "N": [50]}


STEPS = pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.slow)])


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


# interrupts, processes, clusters


LONG = {"duration": 1e7, "dt": 0.5}  # a minute or more


@pytest.mark.timeout(60)
def test_interrupt_keeps_what_is_there(tmp_path):
    """Running points stop within a second; the next call goes on."""

    def build(I_e, N):
        return single(gp.GIF(I_e=I_e), N=N) if I_e == 300.0 else brunel()

    def simulate(self, duration, **options):
        return original(self, duration if len(self.populations) == 1 else 1e7, **options)

    original = gp.Network.simulate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gp.Network, "simulate", simulate)
        with ctrl_c(0.5) as since, pytest.raises(gp.SweepInterrupted, match="interrupted with 2 of 6 points") as caught:
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


@pytest.mark.timeout(60)
def test_interrupt_in_a_long_measure():
    """A point that cannot be stopped is left running."""
    release = threading.Event()
    with ctrl_c(0.3) as since, pytest.raises(gp.SweepInterrupted, match="0 of 6 points"):
        sweep(measure=lambda result: float(release.wait(10.0)))
    assert since() < 1.0
    release.set()


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
@pytest.mark.timeout(120)
def test_interrupted_processes():
    with ctrl_c(4.0) as since, pytest.raises(gp.SweepInterrupted, match="0 of 6"):
        sweep(simulate=LONG, executor="processes", workers=2)
    assert since() < 1.5


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
    for _ in range(times):
        process = run()
        while len(logged()) == seen:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(random.uniform(0.0, 0.3))
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


# dask


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
    import runpy

    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "sweep_slurm.py"))
    arguments = ["--local", "--jobs", "1", "--points", "2", "--duration", "100", "--store", str(tmp_path / "s.zarr")]
    data = example["main"](arguments)
    assert dict(data.activity.sizes) == {"g": 2, "I_e": 2, "population": 2}
    assert (data.status == "finished").all()
