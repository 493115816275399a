"""What a measure returns at one point of a sweep: named arrays with dimensions, the same at all points."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gifpop.sweep_points import RESERVED

NUMBERS, LABELS = "biufc", "biufcU"  # kinds of numpy's dtypes


@dataclass(frozen=True)
class Value:
    """One measured quantity.

    Attributes
    ----------
    dims : tuple of str
    data : array
        Floating or complex, so that NaN can stand for what is missing.
    attrs : dict
    coords : dict of str to (dims, array)
        Labels along its dimensions.
    """

    dims: tuple
    data: np.ndarray
    attrs: dict = field(default_factory=dict)
    coords: dict = field(default_factory=dict)


def mean_activity(result):
    """Return the mean activity of each population over time, spikes/s; of each trial where there are several."""
    activity = np.asarray(result.activity).mean(axis=-2)
    coords = {"population": (("population",), np.array(list(result.names), dtype=str))}
    if activity.ndim == 2:
        coords["trial"] = (("trial",), result.trials)
    attrs = {"units": "Hz", "long_name": "mean activity"}
    return {"activity": Value(("trial", "population")[2 - activity.ndim :], activity, attrs, coords)}


def named_values(returned, name, parameters):
    """Return what a measure returned as a dict of name to `Value`.

    Parameters
    ----------
    returned : dict or one value
        Values are numbers, arrays, tuples (dims, data[, attrs]) or `xarray.DataArray`.
    name : str
        Of a single value.
    parameters : sequence of str
        Of the sweep, which are not to be used as dimensions again.
    """
    values = dict(returned) if isinstance(returned, Mapping) else {name: returned}
    if not values:
        raise ValueError("measure must return at least one value, got none")
    values = {key: _value(key, value) for key, value in values.items()}
    taken = {*parameters, *RESERVED}
    labels = {}
    for key, value in values.items():
        for dim in value.dims:
            if dim in taken or dim in values:
                raise ValueError(f"{key!r}: its dimension {dim!r} must not be the name of a parameter or variable")
        for label, (dims, data) in value.coords.items():
            if label in taken or label in values:
                raise ValueError(f"{key!r}: its coordinate {label!r} must not be the name of a parameter or variable")
            if not _same(labels.setdefault(label, (dims, data)), (dims, data)):
                raise ValueError(f"{key!r}: its coordinate {label!r} differs from that of another variable")
        if not isinstance(key, str) or not key or "/" in key or key.startswith("_") or key in taken:
            raise ValueError(f"names of values must be strings, not of parameters, status or error, got {key!r}")
    _check_sizes(values)
    return values


def _value(name, value):
    """Return one value of whatever form as a `Value`."""
    if isinstance(value, Value):
        return value
    attrs, coords = {}, {}
    if hasattr(value, "dims") and hasattr(value, "coords"):  # an xarray.DataArray
        dims, data, attrs = value.dims, value.data, dict(value.attrs)
        coords = {str(key): (tuple(map(str, c.dims)), _labels(name, key, c.values))
                  for key, c in value.coords.items() if c.dims}  # fmt: skip
    elif isinstance(value, tuple):
        if len(value) not in (2, 3):
            raise ValueError(f"{name!r}: a tuple must be (dims, data) or (dims, data, attrs), got {len(value)} entries")
        dims, data = value[:2]
        dims, attrs = (dims,) if isinstance(dims, str) else dims, dict(value[2]) if len(value) == 3 else {}
    else:
        dims, data = None, value
    data = np.asarray(data)
    if data.dtype.kind not in NUMBERS:
        raise TypeError(f"{name!r} must be a number or an array of numbers, got {value!r}")
    if data.dtype.kind in "biu":
        data = data.astype(np.float64)
    dims = tuple(f"{name}_dim_{i}" for i in range(data.ndim)) if dims is None else tuple(map(str, dims))
    if len(dims) != data.ndim or len(set(dims)) < len(dims):
        raise ValueError(f"{name!r} must have a dimension of its own for each axis, got {dims} for shape {data.shape}")
    return Value(dims, data, json.loads(json.dumps(attrs, default=_plain)), coords)


def _plain(value):
    """Return an attribute that is of numpy's types as numbers and lists."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"attributes must be numbers, strings, or lists or dicts of such, got {value!r}")


def _labels(name, key, labels):
    """Return the labels of a coordinate as an array of numbers or strings."""
    labels = np.asarray(labels)
    if labels.dtype.kind in "OT" and all(isinstance(label, str) for label in labels.ravel()):
        labels = labels.astype(str)
    if labels.dtype.kind not in LABELS:
        raise TypeError(f"{name!r}: its coordinate {key!r} must hold numbers or strings, got {labels.dtype}")
    return labels


def _check_sizes(values):
    """Refuse dimensions that are not of one length in all variables."""
    sizes = {}
    for name, value in values.items():
        for dim, size in zip(value.dims, value.data.shape, strict=True):
            if sizes.setdefault(dim, size) != size:
                raise ValueError(f"{name!r}: its dimension {dim!r} has length {size}, {sizes[dim]} in other variables")


def _same(one, other):
    return one[0] == other[0] and np.array_equal(one[1], other[1])


@dataclass(frozen=True)
class Schema:
    """What the values of all points have in common; that of the first point.

    Attributes
    ----------
    variables : dict of str to (dims, shape, dtype, attrs)
    coords : dict of str to (dims, array)
    """

    variables: dict
    coords: dict

    @classmethod
    def of(cls, values):
        variables = {n: (v.dims, v.data.shape, v.data.dtype, v.attrs) for n, v in values.items()}
        return cls(variables, {name: c for value in values.values() for name, c in value.coords.items()})

    def check(self, values):
        """Raise ValueError where the values of a point are of another form."""
        if set(values) != set(self.variables):
            raise ValueError(f"it returned {_names(values)}, at the first point {_names(self.variables)}")
        for name, value in values.items():
            dims, shape, dtype, _ = self.variables[name]
            if (value.dims, value.data.shape) != (dims, shape):
                raise ValueError(
                    f"{name!r} has {_form(value.dims, value.data.shape)}, at the first point {_form(dims, shape)}"
                )
            if not np.can_cast(value.data.dtype, dtype, "same_kind"):
                raise ValueError(f"{name!r} is {value.data.dtype}, at the first point {dtype}")
        coords = Schema.of(values).coords
        if set(coords) != set(self.coords):
            raise ValueError(f"it returned coordinates {_names(coords)}, at the first point {_names(self.coords)}")
        for name, labels in coords.items():
            if not _same(labels, self.coords[name]):
                raise ValueError(f"its coordinate {name!r} differs from that of the first point")


def _names(names):
    return ", ".join(map(repr, sorted(names))) or "none"


def _form(dims, shape):
    return "(" + ", ".join(f"{dim}: {size}" for dim, size in zip(dims, shape, strict=True)) + ")"
