"""Points that fail: at any exception, or with values of another form than the first point."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.helpers.sweeps import SIMULATE, Later, build, fails_at_320, sweep, sweep_row

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")


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
        data = sweep_row(**options, **({"executor": pool} if own else {"workers": 1}))
    assert_array_equal(data.status, ["finished", "failed", "finished"])
    assert data.error.values[1] == f"{where}: {type(error).__name__}: hm"
