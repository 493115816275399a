"""Stores: continued without repeating a point, grown, refused; files of others in them and beside them."""

import os
from concurrent.futures import Executor, Future

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.helpers.sweeps import GRID, LONGER_ROW, ROW, Counted, build, fails_at_320, sweep, sweep_row

xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr", "3.1")


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


def begin(path, points, build=build, **options):
    """Begin a sweep that breaks off after some points."""
    with pytest.warns(UserWarning, match="of 6 points were not run, since the executor broke"):
        return sweep(build, store=path, executor=Exhausted(points), **options)


def test_store_is_the_dataset(tmp_path):
    data = sweep(store=tmp_path / "s.zarr", units={"N": "neurons"})
    xr.testing.assert_identical(data, xr.open_zarr(tmp_path / "s.zarr"))
    xr.testing.assert_identical(data, sweep(units={"N": "neurons"}))


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


def test_folders_beside_a_store_are_left_alone(tmp_path):
    """Those that a killed sweep has left are removed."""
    path = tmp_path / "s.zarr"
    sweep_row(store=path)
    for name in ("growing", "outgrown"):
        folder = tmp_path / f"s.zarr.{name}"
        folder.mkdir()
        (folder / "thesis.txt").write_text("all of it")
        sweep_row(store=path)
        with pytest.raises(ValueError, match=rf"s.zarr' must have room to grow, got '.*s.zarr.{name}', which is some"):
            sweep_row(parameters=LONGER_ROW, store=path)
        assert (folder / "thesis.txt").read_text() == "all of it"
        (folder / "thesis.txt").unlink()
    assert sweep_row(parameters=LONGER_ROW, store=path).sizes["I_e"] == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["s.zarr"]


@pytest.mark.filterwarnings("ignore:.*not recognized as a component of a Zarr")
def test_files_within_a_store_are_left_alone(tmp_path):
    path = tmp_path / "s.zarr"
    for parameters in (ROW, LONGER_ROW):
        sweep_row(store=path, parameters=parameters)
        (path / "notes").mkdir(exist_ok=True)
        (path / "notes" / "thesis.txt").write_text("all of it")
        (path / "readme.txt").write_text("some of it")
    (path / "status" / "zarr.json").unlink()  # as where the process is killed early: all is made again
    xr.testing.assert_equal(sweep_row(store=path, parameters=LONGER_ROW), sweep_row(parameters=LONGER_ROW))
    assert (path / "notes" / "thesis.txt").read_text() == "all of it"
    assert (path / "readme.txt").read_text() == "some of it"


def test_what_took_the_place_of_a_store_is_not_continued(tmp_path):
    """Another's folder does not become the store."""
    (tmp_path / "s.zarr.outgrown").mkdir()
    (tmp_path / "s.zarr.outgrown" / "thesis.txt").write_text("all of it")
    sweep_row(store=tmp_path / "s.zarr")
    assert os.listdir(tmp_path / "s.zarr.outgrown") == ["thesis.txt"]
