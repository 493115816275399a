"""Types of parameters: check and convert values, with NEST's messages."""

import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, SupportsInt, TypeAlias, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop.common import _numbers
from gifpop.common.brief import brief
from gifpop.common.typing import Floats, Integers
from gifpop.nest.errors import BadParameterValue, OutOfRange, TypeMismatch

Element: TypeAlias = float | int | bool | str
Value = TypeVar("Value")
SMALLEST_LONG, LARGEST_LONG = -(2**63), 2**63 - 1
Values: TypeAlias = dict[str, Any]  # by parameter


@dataclass(frozen=True)
class ValueType(Generic[Value]):
    """Type of a parameter.

    Attributes
    ----------
    nest_name : str
        Name of the type in NEST's messages.
    dtype : type
        Type of a value, or of an element of a vector.
    vector : bool
    """

    nest_name: str
    dtype: type[Element]
    vector: bool = False

    def convert(self, name: str, value: Any) -> Value:
        """Convert a value of one node; raise TypeMismatch if it has another type."""
        if isinstance(value, np.ndarray):
            refuse_masked(name, value)
            value = value if value.ndim else value.item()
        return self._vector(name, value) if self.vector else self._scalar(name, value)

    def convert_many(self, name: str, values: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[Any] | list[Value]:
        """Convert values of several nodes or connections to an array, or to a list if they are vectors or texts."""
        refuse_masked(name, values)
        numeric = {float: "iuf", int: "iu", bool: "b", str: ""}[self.dtype]
        if not self.vector and isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in numeric:
            if self.dtype is int and values.dtype.kind == "u":
                in_range(name, int(values.max(initial=0)))
            return values.astype(self.dtype)
        if self.dtype is float and not self.vector and (floats := _as_floats(values)) is not None:
            return floats
        converted = [self.convert(name, value) for value in values]
        return converted if self.vector or self.dtype is str else np.array(converted, dtype=self.dtype)

    def column(self, n: int, value: Value) -> npt.NDArray[Any]:
        """Return an array with ``value`` for each of n nodes."""
        if not self.vector and self.dtype is not str:
            return np.full(n, value, dtype={float: np.float64, int: np.int64, bool: np.bool_}[self.dtype])
        column = np.empty(n, dtype=object)
        for i in range(n):
            column[i] = value
        return column

    def _scalar(self, name: str, value: Any) -> Any:
        if not self._accepts(value):
            raise self._mismatch(name, value)
        return self._cast(name, value)

    def _vector(self, name: str, value: Any) -> Any:
        if not is_sequence(value):
            raise self._mismatch(name, value)
        if self.dtype is float and (floats := _as_floats(value)) is not None:
            return floats
        if not all(self._accepts(element) or (self.dtype is int and _is_bool(element)) for element in value):
            raise self._mismatch(name, value)
        if self.dtype is str:
            return list(value)
        return np.array([self._cast(name, element) for element in value], self.dtype)

    def _cast(self, name: str, value: Any) -> Element:
        """Return an accepted value as what it is stored as, if that holds it."""
        if self.dtype is int or (self.dtype is float and isinstance(value, int)):
            return self.dtype(in_range(name, int(value)))  # also of floats, as in NEST
        return self.dtype(value)

    def _accepts(self, value: object) -> bool:
        if self.dtype is bool:
            return _is_bool(value)
        if self.dtype is str:
            return isinstance(value, str)
        if self.dtype is int:
            return is_integer(value)
        return isinstance(value, numbers.Real) or _is_bool(value)

    def _mismatch(self, name: str, value: object) -> Exception:
        dot = "." if self.nest_name == "double" else ""
        return TypeMismatch(
            f"Expected datatype: Failed to cast '{name}' from {nest_type(value)} to type {self.nest_name}{dot}"
        )


DOUBLE: ValueType[float] = ValueType("double", float)
LONG: ValueType[int] = ValueType("long", int)
BOOL: ValueType[bool] = ValueType("bool", bool)
STRING: ValueType[str] = ValueType("std::string", str)
DOUBLES: ValueType[Floats] = ValueType("std::vector<double>", float, vector=True)
LONGS: ValueType[Integers] = ValueType("std::vector<long, std::allocator<long> >", int, vector=True)
STRINGS: ValueType[list[str]] = ValueType("std::vector<string>", str, vector=True)


class PlainLongType(ValueType[int]):
    """Labels and numbers of threads, of which NEST says in its own way that they are integers."""

    def _mismatch(self, name: str, value: object) -> Exception:
        return RuntimeError(f"The dictionary value with key {name} does not hold a numeric integer type.")

    def whole(self, name: str, values: Floats) -> Integers:
        """Return whole numbers as integers."""
        if np.any(values != np.floor(values)):
            raise self._mismatch(name, values)
        return values.astype(np.int64)


class NodesType(ValueType[Integers]):
    """Collections of nodes, kept as ascending identifiers."""

    def convert(self, name: str, value: Any) -> Integers:
        """Return the identifiers of a collection of nodes or of a sequence."""
        if is_sequence(value):
            return np.unique(super().convert(name, value))
        if nest_type(value) != self.nest_name:
            raise TypeMismatch(f"Expected datatype: {self.nest_name}, provided datatype: {nest_type(value)}")
        return np.array(value, dtype=np.int64)


NODES = NodesType("NodeCollection", int, vector=True)
PLAIN_LONG = PlainLongType("long", int)


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is a list, tuple, range or array."""
    return isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def listed(names: object, what: str) -> list[Any]:
    """Return several names as a list; raise TypeError, which says ``what`` they are, for anything else."""
    found = list(names) if isinstance(names, Iterable) else [None]
    if isinstance(names, str) or not all(isinstance(name, str) for name in found):
        raise TypeError(f"{what} should be either a string or an iterable")
    return found


def refuse_masked(name: str, value: object) -> None:
    """Raise BadParameterValue for an array with masked entries, whose values are undefined."""
    if np.ma.is_masked(value):
        raise BadParameterValue(f"'{name}' must not be masked.")


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer of Python or numpy, and not a bool."""
    return type(value) is int or (isinstance(value, numbers.Integral) and not _is_bool(value))


def is_whole(value: object) -> TypeGuard[SupportsInt]:
    """Return whether a value is one whole number: an integer, a bool, or a float without fraction."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if _is_bool(value) or isinstance(value, numbers.Integral):
        return True
    return isinstance(value, numbers.Real) and float(value).is_integer()


def in_range(name: str, value: int) -> int:
    """Return an integer; raise OutOfRange, with its name, if 64 bits do not hold it."""
    if not is_long(value):
        raise OutOfRange(f"{name} must be >= -2^63 and < 2^63, got {brief(value)}")
    return value


def is_long(value: int) -> bool:
    """Return whether 64 bits hold an integer."""
    return SMALLEST_LONG <= value <= LARGEST_LONG


def _as_floats(values: Sequence[Any] | npt.NDArray[Any]) -> Floats | None:
    """Return a new float64 array of a sequence of plain numbers; None if it may hold anything else.

    Also of integers that 64 bits do not hold: these are looked at one by one.
    """
    if isinstance(values, (list, tuple)) and (floats := _numbers.floats(values)) is not None:
        return floats
    try:
        array = np.array(values)
    except (ValueError, OverflowError):  # sequences of different lengths, or integers that no float holds
        return None
    if array.ndim != 1 or not np.can_cast(array.dtype, float):
        return None
    array = array.astype(float, copy=False)
    held = isinstance(values, np.ndarray) and values.dtype.kind == "f"
    return array if held or np.all(np.abs(array) < 2.0**63) else None


def _is_bool(value: object) -> bool:
    return isinstance(value, (bool, np.bool_))


def nest_type(value: object) -> str:
    """Return the name of a value's type in NEST's messages."""
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
    return "std::string" if isinstance(value, str) else str(getattr(value, "nest_type", type(value).__name__))
