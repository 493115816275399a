"""What `sweep` returns: its points, their seeds and trials."""

import doctest
import sys
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.sweeps.points import seed_of
from tests.helpers.networks import single
from tests.helpers.sweeps import GRID, SIMULATE, Later, direct, sweep

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")


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


def test_workers_change_nothing():
    data = sweep(workers=1)
    xr.testing.assert_identical(sweep(workers=3), data)
    xr.testing.assert_identical(sweep(executor=Later()), data)
    with ThreadPoolExecutor(2) as pool:
        xr.testing.assert_identical(sweep(executor=pool), data)


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
