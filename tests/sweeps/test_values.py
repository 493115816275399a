"""Values that measures return."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.helpers.sweeps import direct, sweep, sweep_row

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")


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

    data = sweep_row(measure=measure, **({"store": tmp_path / "s.zarr"} if stored else {})).isel(I_e=0)
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
