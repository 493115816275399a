"""Values that a measure returns at a point of a sweep: named arrays with dimensions, the same at all points."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop.common import checks
from gifpop.common.brief import brief
from gifpop.result import Result
from gifpop.sweeps.points import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from gifpop.reductions import TrialStatistics

    Labels: TypeAlias = tuple[tuple[str, ...], npt.NDArray[Any]]  # of a coordinate: dimensions and what stands there

NUMBERS, LABELS = "biufc", "biufcU"  # kinds of numpy's dtypes
WIDEST = {"f": 8, "c": 16}  # bytes of the widest types that zarr knows, by kind; both have NaN


@dataclass(frozen=True)
class Value:
    """One measured quantity."""

    dims: tuple[str, ...]
    data: npt.NDArray[Any]  # floating or complex, so that NaN can stand for missing values
    attrs: dict[str, Any] = field(default_factory=dict)
    coords: dict[str, Labels] = field(default_factory=dict)  # labels along its dimensions


def mean_activity(result: Result | TrialStatistics) -> dict[str, Value]:
    """Return the mean activity of each population over time, spikes/s; for each of several trials."""
    activity = np.asarray(result.activity).mean(axis=-2)
    trials = result.trials if isinstance(result, Result) else None
    dims: tuple[str, ...] = ("population",)
    coords: dict[str, Labels] = {"population": (dims, np.array(list(result.names), dtype=str))}
    if trials is not None:
        dims = ("trial", "population")
        coords["trial"] = ("trial",), trials
    return {"activity": Value(dims, activity, {"units": "Hz", "long_name": "mean activity"}, coords)}


def named_values(returned: object, name: str, parameters: Iterable[str]) -> dict[str, Value]:
    """Return the result of a measure as a dict of name to `Value`.

    It may return a dict, or one value with the given name; values are numbers, arrays, tuples (dims, data[, attrs]) or
    `xarray.DataArray`. The ``parameters`` of the sweep may not be used as dimensions again.
    """
    several: Mapping[Any, object] = returned if isinstance(returned, Mapping) else {name: returned}
    if not several:
        raise ValueError("measure must return at least one value, got none")
    values = {key: _value(key, value) for key, value in several.items()}
    taken = {*parameters, *RESERVED}
    labels: dict[str, Labels] = {}
    sizes: dict[str, int] = {}
    for key, value in values.items():
        for dim, size in zip(value.dims, value.data.shape, strict=True):
            if dim in taken or dim in values:
                raise ValueError(f"{key!r}: its dimension {dim!r} must not be the name of a parameter or variable")
            if sizes.setdefault(dim, size) != size:
                raise ValueError(f"{key!r}: its dimension {dim!r} has length {size}, {sizes[dim]} in other variables")
        for label, (dims, data) in value.coords.items():
            if label in taken or label in values:
                raise ValueError(f"{key!r}: its coordinate {label!r} must not be the name of a parameter or variable")
            if not _same(labels.setdefault(label, (dims, data)), (dims, data)):
                raise ValueError(f"{key!r}: its coordinate {label!r} differs from that of another variable")
        if not isinstance(key, str) or not key or "/" in key or key.startswith("_") or key in taken:
            raise ValueError(f"names of values must be strings, not of parameters, status or error, got {key!r}")
    return values


def _value(name: object, value: Any) -> Value:
    """Return one value in any of its forms as a `Value`."""
    if isinstance(value, Value):
        return value
    attrs: dict[str, Any] = {}
    coords: dict[str, Labels] = {}
    if hasattr(value, "dims") and hasattr(value, "coords"):  # an xarray.DataArray
        dims, data, attrs = value.dims, value.data, dict(value.attrs)
        coords = {
            str(key): (tuple(map(str, c.dims)), _labels(name, key, c.values))
            for key, c in value.coords.items()
            if c.dims
        }
    elif isinstance(value, tuple):
        if len(value) not in (2, 3):
            raise ValueError(f"{name!r}: a tuple must be (dims, data) or (dims, data, attrs), got {len(value)} entries")
        dims, data = value[:2]
        dims, attrs = (dims,) if isinstance(dims, str) else dims, dict(value[2]) if len(value) == 3 else {}
    else:
        dims, data = None, value
    data = np.ma.asanyarray(data) if np.ma.isMaskedArray(data) else np.asarray(data)
    if data.dtype.kind not in NUMBERS:
        raise TypeError(f"{name!r} must be a number or an array of numbers, got {brief(value)}")
    kind, size = data.dtype.kind, data.dtype.itemsize
    data = data.astype(f"{kind}{min(size, WIDEST[kind])}" if kind in WIDEST else float)
    data = np.ma.filled(data, np.nan)  # which stands for masked values
    dims = tuple(f"{name}_dim_{i}" for i in range(data.ndim)) if dims is None else tuple(map(str, dims))
    if len(dims) != data.ndim or len(set(dims)) < len(dims):
        raise ValueError(f"{name!r} must have a dimension of its own for each axis, got {dims} for shape {data.shape}")
    return Value(dims, data, json.loads(json.dumps(attrs, default=_plain)), coords)


def _plain(value: object) -> Any:
    """Return an attribute of numpy's types as numbers and lists."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"attributes must be numbers, strings, or lists or dicts of these, got {value!r}")


def _labels(name: object, key: object, labels: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the labels of a coordinate as an array of numbers or strings."""
    labels = checks.unmasked(f"{name!r}: its coordinate {key!r}", labels)
    if labels.dtype.kind in "OT" and all(isinstance(label, str) for label in labels.ravel()):
        labels = labels.astype(str)
    if labels.dtype.kind not in LABELS:
        raise TypeError(f"{name!r}: its coordinate {key!r} must hold numbers or strings, got {labels.dtype}")
    return labels


def _same(one: Labels, other: Labels) -> bool:
    return one[0] == other[0] and np.array_equal(one[1], other[1])


@dataclass(frozen=True)
class Schema:
    """The common form of the values of all points, taken from the first point.

    ``variables`` are values with the dimensions, shape, type and attributes of all.
    """

    variables: Mapping[str, Value]
    coords: dict[str, Labels]

    @classmethod
    def of(cls, values: Mapping[str, Value]) -> Schema:
        """Return the schema of the values of a point."""
        return cls(values, {name: c for value in values.values() for name, c in value.coords.items()})

    def check(self, values: Mapping[str, Value]) -> None:
        """Raise ValueError where the values of a point are of another form."""
        if set(values) != set(self.variables):
            raise ValueError(f"it returned {_names(values)}, at the first point {_names(self.variables)}")
        for name, value in values.items():
            first = self.variables[name]
            if _form(value) != _form(first):
                raise ValueError(f"{name!r} has {_form(value)}, at the first point {_form(first)}")
            if not np.can_cast(value.data.dtype, first.data.dtype, "same_kind"):
                raise ValueError(f"{name!r} is {value.data.dtype}, at the first point {first.data.dtype}")
        coords = Schema.of(values).coords
        if set(coords) != set(self.coords):
            raise ValueError(f"it returned coordinates {_names(coords)}, at the first point {_names(self.coords)}")
        for name, labels in coords.items():
            if not _same(labels, self.coords[name]):
                raise ValueError(f"its coordinate {name!r} differs from that of the first point")


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "none"


def _form(value: Value) -> str:
    return "(" + ", ".join(f"{dim}: {size}" for dim, size in zip(value.dims, value.data.shape, strict=True)) + ")"
