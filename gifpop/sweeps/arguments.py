"""Checks of the arguments of a sweep before anything is run or written."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.assembly.options import CHECKS, Options, SimulationOptions, check_option
from gifpop.common.grid import check_span
from gifpop.network import Network
from gifpop.sweeps.values import mean_activity

if TYPE_CHECKING:
    from collections.abc import Callable

    from gifpop.sweeps.points import Grid


def require_packages(stored: bool) -> None:
    """Refuse to begin without xarray, or without zarr where points are stored."""
    needed = ("xarray", "zarr") if stored else ("xarray",)
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if stored and not missing:
        import zarr

        if int(zarr.__version__.split(".")[0]) < 3:
            missing = ["zarr >= 3 (with Python >= 3.11)"]
    if missing:
        what = "gifpop.sweep with a store" if stored else "gifpop.sweep"
        raise ImportError(f"{what} needs {' and '.join(missing)}: pip install 'gifpop[sweep]'")
    importlib.import_module("xarray")  # takes a second, which is not to be that after Ctrl-C


def check_functions(build: Callable[..., Network], measure: Callable[[Any], object], grid: Grid) -> None:
    """Raise an error for arguments that are not functions, or a `build` that does not take the parameters."""
    functions: dict[str, object] = {"build": build, "measure": measure}
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"sweep: {name} must be a function, got {function!r}")
    try:
        signature = inspect.signature(build)
    except (TypeError, ValueError):  # not every callable has one
        return
    try:
        signature.bind(**dict.fromkeys(grid.dims))
    except TypeError as error:
        raise TypeError(f"sweep: build must take the parameters {', '.join(grid.dims)}, got {error}") from None


def check_simulate(simulate: object, measure: Callable[[Any], object], trials: object) -> None:
    """Refuse options that a simulation does not have, bad values, and options that do not go together."""
    if not isinstance(simulate, dict):
        raise TypeError(f"sweep: simulate must be a dict of options of Network.simulate, got {simulate!r}")
    for name in ("seed", "trials"):
        if name in simulate:
            raise ValueError(f"sweep: {name} must be an argument of sweep, got it in simulate")
    known = {*inspect.signature(Network.simulate).parameters, *SimulationOptions.__optional_keys__}
    known -= {"self", "options", "seed", "trials"}
    for name, value in simulate.items():
        if name not in known:
            raise TypeError(f"sweep: simulate must have options among {', '.join(sorted(known))}, got {name!r}")
        if name in CHECKS:
            check_option(f"sweep: simulate[{name!r}]", name, value)
    if trials is None and simulate.get("keep", "all") != "all":
        raise ValueError(f"sweep: simulate['keep'] must be left out where trials is None, got {simulate['keep']!r}")
    if callable(simulate.get("keep")) and measure is mean_activity:
        raise ValueError("sweep: measure must be given where simulate['keep'] is a function, whose values it measures")
    if isinstance(simulate.get("network_seed"), np.random.Generator | np.random.BitGenerator | np.random.RandomState):
        raise ValueError("sweep: simulate['network_seed'] must not be a generator, which gives each point another")
    if "duration" not in simulate:
        raise ValueError("sweep: simulate must have a duration, in ms, got none")
    duration, warmup = simulate["duration"], simulate.get("warmup", 0.0)
    check_span("sweep: simulate[{!r}]", duration, warmup, float(simulate.get("dt", Options.dt)), "> 0")
