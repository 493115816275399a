"""The points of a sweep: a grid of parameter values, their units, and the seed of each point."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop.common import checks, seeds
from gifpop.common.brief import brief
from gifpop.parameters import GIF

if TYPE_CHECKING:
    import numpy.typing as npt

    Parameter: TypeAlias = float | str  # int and bool are floats to a checker
    Parameters: TypeAlias = Mapping[str, Sequence[float] | Sequence[str] | npt.NDArray[Any]]

RESERVED = ("status", "error")  # variables of every sweep
UNITS = {f.name: f.metadata["unit"] for f in fields(GIF)} | {"weight": "pA", "delay": "ms"}


@dataclass(frozen=True)
class Point:
    """One point of a grid: ``index`` into its arrays, and ``values``, a dict of name to number, bool or string."""

    index: tuple[int, ...]
    values: dict[str, Parameter]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.values.items())


@dataclass(frozen=True)
class Grid:
    """All combinations of the values of some parameters."""

    parameters: dict[str, npt.NDArray[Any]]  # of one dimension
    units: dict[str, str]

    @property
    def dims(self) -> tuple[str, ...]:
        return tuple(self.parameters)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(len, self.parameters.values()))

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def point(self, index: Iterable[int]) -> Point:
        """Return the point at an index."""
        index = tuple(map(int, index))
        values = {
            name: array[i].item() if isinstance(array[i], np.generic) else array[i]
            for i, (name, array) in zip(index, self.parameters.items(), strict=True)
        }
        return Point(index, values)


def check_grid(parameters: object, units: object) -> Grid:
    """Return the grid of a dict of name to sequence of values, with gifpop's own units where none are given."""
    if not isinstance(parameters, Mapping) or not parameters:
        raise TypeError(f"sweep: parameters must be a dict of names to values, not empty, got {parameters!r}")
    arrays = {name: _check_values(name, values) for name, values in parameters.items()}
    units = {} if units is None else units
    if not isinstance(units, Mapping) or not all(isinstance(unit, str) for unit in units.values()):
        raise TypeError(f"sweep: units must be a dict of names to strings, got {units!r}")
    for name in units:
        if name not in arrays:
            raise ValueError(f"sweep: units must name parameters of the sweep ({', '.join(arrays)}), got {name!r}")
    return Grid(arrays, {name: units.get(name, UNITS.get(name, "")) for name in arrays})


def _check_values(name: object, values: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values of one parameter as an array of its own: float64, int64, bool or strings."""
    if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
        raise ValueError(
            f"sweep: names of parameters must be names of arguments of build and none of {', '.join(RESERVED)}, "
            f"got {name!r}"
        )
    where = f"sweep: parameters[{name!r}]"
    if isinstance(values, (str, bytes, dict, set)) or not np.iterable(values):
        raise TypeError(f"{where} must be a sequence of numbers, bools or strings, got {brief(values)}")
    values = checks.unmasked(where, values) if checks.is_array(values) else list(values)
    alike = len({_kind(value) for value in values}) == 1
    array = checks.unmasked(where, values) if alike else np.empty(0, dtype=object)
    if len(values) == 0:
        raise ValueError(f"{where} must have at least one value, got none")
    if array.ndim != 1 or array.dtype.kind not in "biufU":
        raise TypeError(f"{where} must be a sequence of numbers, of bools or of strings, got {brief(values)}")
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{where} must be below 2^63, got {array.max()}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{where} must be finite, got {array[~np.isfinite(array)][0]}")
    unique, counts = np.unique(array, return_counts=True)
    if len(unique) < len(array):
        raise ValueError(f"{where} must not have a value twice, got {unique[np.argmax(counts)]}")
    return array.astype({"i": np.int64, "u": np.int64, "f": np.float64}.get(array.dtype.kind, array.dtype))


def _kind(value: object) -> str:
    """Return whether a value is a bool, a string or something else; a sequence has values of one kind."""
    return next((kind for kind, types in (("bool", (bool, np.bool_)), ("str", str)) if isinstance(value, types)), "")


def seed_of(root: np.random.SeedSequence, values: Mapping[str, Parameter]) -> np.random.SeedSequence:
    """Return the SeedSequence of a point.

    It depends on the names and values of the point's parameters alone, neither on their order nor on other points.
    """
    text = json.dumps([[name, _text(values[name])] for name in sorted(values)])
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=">u4")
    return seeds.child(root, *map(int, words))


def _text(value: object) -> str:
    """Return a text that is the same for equal values: 2 and 2.0, 0.0 and -0.0."""
    if isinstance(value, (bool, str)):
        return json.dumps(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)
