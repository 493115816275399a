"""The identity of a sweep: attributes of its store, by which it is recognized and others are refused."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common import seeds
from gifpop.common.warn import warn
from gifpop.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from gifpop.common.typing import Seed
    from gifpop.sweeps.points import Grid

WITHOUT_EFFECT = ("threads", "progress")  # on results


def describe_sweep(
    build: Callable[..., object], measure: Callable[[Any], object], simulate: dict[str, Any], trials: list[int] | None
) -> dict[str, int | str]:
    """Return the attributes by which a stored sweep is recognized."""
    options = {name: value for name, value in simulate.items() if name not in WITHOUT_EFFECT}
    about: dict[str, int | str] = {
        "gifpop_version": __version__,
        "build": _qualified_name(build),
        "measure": _qualified_name(measure),
        "simulate": _describe_options(options),
    }
    return about if trials is None else {**about, "trials": _describe_trials(trials)}


def describe_seed(root: np.random.SeedSequence) -> dict[str, str]:
    """Return the attributes that hold the seed of a sweep."""
    entropy = root.entropy
    assert entropy is not None  # it is drawn where none is given
    entropy = int(entropy) if isinstance(entropy, int | np.integer) else [int(word) for word in entropy]
    return {"seed": json.dumps(entropy), "seed_spawn_key": json.dumps([int(word) for word in root.spawn_key])}


def stored_seed(attrs: Mapping[str, Any]) -> np.random.SeedSequence:
    """Return the seed that attributes hold."""
    return np.random.SeedSequence(json.loads(attrs["seed"]), spawn_key=json.loads(attrs["seed_spawn_key"]))


def check_same(
    grid: Grid,
    about: dict[str, int | str],
    seed: Seed,
    stored: Mapping[str, npt.NDArray[Any]],
    attrs: Mapping[str, Any],
) -> None:
    """Refuse to continue another sweep; warn where the same one may have changed."""
    where = "sweep: store holds another sweep:"
    if tuple(stored) != grid.dims:
        raise ValueError(f"{where} its parameters are {', '.join(stored)}, now {', '.join(grid.dims)}")
    for name, values in grid.parameters.items():
        kinds = {values.dtype.kind, stored[name].dtype.kind}
        if len(kinds) > 1 and kinds != {"i", "f"}:
            raise ValueError(f"{where} its values of {name!r} are {stored[name].tolist()}, now {values.tolist()}")
        missing = stored[name][~np.isin(stored[name], values)]
        if len(missing):
            raise ValueError(f"{where} it has the value {missing[0]!s} of {name!r}, now {values.tolist()}")
        if len(values) == len(stored[name]) and not np.array_equal(values, stored[name]):
            raise ValueError(f"{where} its values of {name!r} are in the order {stored[name].tolist()}")
    asked = {**about, **({} if seed is None else describe_seed(seeds.root_sequence(seed)))}
    for name in ("simulate", "trials", "seed", "seed_spawn_key"):
        if name in asked or name == "trials":
            before, now = attrs.get(name), asked.get(name)
            if before != now:
                raise ValueError(f"{where} its {name} is {before}, now {now}")
    for name in ("build", "measure", "gifpop_version"):
        if attrs[name] != asked[name]:
            warn(f"sweep: the store was begun with {name} = {attrs[name]}, now {asked[name]}")


def _describe_options(value: object) -> str:
    """Return a text of the options of a simulation: equal options, equal text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_describe_options(value[k])}" for k in sorted(value, key=str)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_describe_options, value)) + "]"
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(value.tobytes()).hexdigest()[:16]
        return f"array({value.dtype}, {value.shape}, {digest})"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _qualified_name(value) if callable(value) else repr(value)


def _qualified_name(function: Callable[..., object]) -> str:
    """Return module and name of a function, or of the type of another callable."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _describe_trials(trials: list[int]) -> int | str:
    """Return how many trials there are, or their numbers as a text."""
    return len(trials) if trials == list(range(len(trials))) else json.dumps(trials)
