"""Types of parameters: what a value must be, what it is stored as, and what NEST calls it in messages."""

import numbers
from dataclasses import dataclass

import numpy as np

from gifpop.nest.errors import TypeMismatch


@dataclass(frozen=True)
class Kind:
    """Type of a parameter.

    Attributes
    ----------
    nest_name : str
        As NEST's messages have it.
    dtype : type
        Of one value or element.
    vector : bool
    """

    nest_name: str
    dtype: type
    vector: bool = False

    def convert(self, name, value):
        """Return one node's value; raise TypeMismatch if it has another type."""
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        if not self.vector:
            return self._scalar(name, value)
        if not is_sequence(value):
            raise self._mismatch(name, value)
        if not all(self._accepts(element) or (self.dtype is int and _is_bool(element)) for element in value):
            raise self._mismatch(name, value)
        return list(value) if self.dtype is str else np.array([self.dtype(element) for element in value], self.dtype)

    def convert_many(self, name, values):
        """Return the values of several nodes or connections: an array; of vectors or texts, a list."""
        numeric = {float: "iuf", int: "iu", bool: "b", str: ""}[self.dtype]
        if not self.vector and isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in numeric:
            return values.astype(self.dtype)
        if self.dtype is float and not self.vector and _all_plain(values):
            return np.array(values, dtype=float)
        converted = [self.convert(name, value) for value in values]
        return converted if self.vector or self.dtype is str else np.array(converted, dtype=self.dtype)

    def column(self, n, value):
        """Return an array that holds ``value`` for each of n nodes."""
        if not self.vector and self.dtype is not str:
            return np.full(n, value, dtype={float: np.float64, int: np.int64, bool: np.bool_}[self.dtype])
        column = np.empty(n, dtype=object)
        for i in range(n):
            column[i] = value
        return column

    def _scalar(self, name, value):
        if not self._accepts(value):
            raise self._mismatch(name, value)
        return self.dtype(value)

    def _accepts(self, value):
        if self.dtype is bool:
            return _is_bool(value)
        if self.dtype is str:
            return isinstance(value, str)
        if self.dtype is int:
            return isinstance(value, numbers.Integral) and not _is_bool(value)
        return isinstance(value, numbers.Real) or _is_bool(value)

    def _mismatch(self, name, value):
        dot = "." if self.nest_name == "double" else ""
        return TypeMismatch(
            f"Expected datatype: Failed to cast '{name}' from {nest_type(value)} to type {self.nest_name}{dot}"
        )


DOUBLE = Kind("double", float)
LONG = Kind("long", int)
BOOL = Kind("bool", bool)
STRING = Kind("std::string", str)
DOUBLES = Kind("std::vector<double>", float, vector=True)
LONGS = Kind("std::vector<long, std::allocator<long> >", int, vector=True)
STRINGS = Kind("std::vector<string>", str, vector=True)


def is_sequence(value):
    """Tell whether a value holds several: a list, tuple or array, but not a text."""
    return isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _all_plain(values):
    """Tell whether a sequence holds nothing but Python's own floats and integers."""
    return set(map(type, values)) <= {float, int}


def _is_bool(value):
    return isinstance(value, (bool, np.bool_))


def nest_type(value):
    """Return what NEST's messages call the type of a value."""
    if is_sequence(value):
        element = nest_type(value[0]) if len(value) else "double"
        space = " " if element.endswith(">") else ""
        return f"std::vector<{element}, std::allocator<{element}{space}> >"
    if _is_bool(value):
        return "bool"
    if isinstance(value, numbers.Integral):
        return "long"
    if isinstance(value, numbers.Real):
        return "double"
    return "std::string" if isinstance(value, str) else getattr(value, "nest_type", type(value).__name__)
