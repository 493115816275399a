"""Checks of values that users give: each error names object, parameter, condition and value."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop.common.brief import brief

if TYPE_CHECKING:
    from gifpop.common.typing import Floats

Condition: TypeAlias = Literal["> 0", ">= 0", "in [0, 1]", "in (0, 1)", "finite"]
Option = TypeVar("Option", bound=str)

LARGEST_INTEGER = 2**63 - 1  # of arrays and of the compiled modules
LARGEST_EXACT = 2**53  # a float holds it, and all integers below

CONDITIONS: dict[Condition, Callable[[float | Floats], bool | npt.NDArray[np.bool_]]] = {
    "> 0": lambda x: x > 0,
    ">= 0": lambda x: x >= 0,
    "in [0, 1]": lambda x: (x >= 0) & (x <= 1),
    "in (0, 1)": lambda x: (x > 0) & (x < 1),
    "finite": lambda x: x == x,
}


def number(where: str, value: object, condition: Condition = "finite", unit: str = "") -> float:
    """Return a real number of Python or numpy, or an array of one, as a float.

    Raise TypeError for anything else, such as a bool, and ValueError where it violates the condition, a key of
    ``CONDITIONS``, each of which implies that it is finite. ``where`` is object and parameter, for the message:
    ``"GIF.tau_m"``.
    """
    value = single(where, value)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{where} must be a real number{_in(unit)}, got {brief(value)}")
    number = _as_float(value)
    if not math.isfinite(number) or not CONDITIONS[condition](number):
        raise ValueError(f"{where} must be {_in_words(condition, number)}{' ' + unit if unit else ''}, got {number}")
    return number


def integer(where: str, value: object, least: int, most: int = LARGEST_INTEGER) -> int:
    """Return ``value`` as an int from ``least`` to ``most``; floats and bools are refused."""
    value = single(where, value)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{where} must be an integer, got {brief(value)}")
    number = int(value)
    if number < least:
        raise ValueError(f"{where} must be >= {least}, got {brief(number)}")
    if number > most:
        raise ValueError(f"{where} must be <= {most}, got {brief(number)}")
    return number


def vector(where: str, values: object, condition: Condition = "finite", unit: str = "") -> Floats:
    """Return a sequence of real numbers as a new one-dimensional float64 array."""
    if isinstance(values, (str, bytes, dict, set)) or not np.iterable(values):
        raise TypeError(f"{where} must be a sequence of real numbers{_in(unit)}, got {values!r}")
    array = unmasked(where, values)
    if array.size == 0:
        array = array.astype(float)
    elif array.dtype.kind == "O" and all(isinstance(value, int) for value in array.flat):  # too large for numpy
        array = np.reshape([_as_float(value) for value in array.flat], array.shape)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{where} must be a sequence of real numbers{_in(unit)}, got {brief(values)}")
    if array.ndim != 1:
        raise ValueError(f"{where} must have one dimension, got shape {array.shape}")
    array = array.astype(float)
    good = np.isfinite(array) & CONDITIONS[condition](array)
    if not good.all():
        i = int(np.argmin(good))
        number(f"{where}[{i}]", array[i], condition, unit)
    return array


def by_name(where: str, values: object) -> Mapping[str, Any]:
    """Return a dict, or another mapping, whose keys are names: letters, digits and underscores."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{where} must be a dict of name to value, got {brief(values)}")
    for name in values:
        if not isinstance(name, str) or not f"_{name}".isidentifier() or not name:
            raise ValueError(f"{where} must have names of letters, digits and underscores, got {name!r}")
    return values


def is_array(value: object) -> bool:
    """Return whether a value is an array or converts to one, such as a pandas.Series."""
    return hasattr(value, "__array__") and not isinstance(value, (np.generic, type))


def single(where: str, value: object) -> object:
    """Return the entry of an array of size one, such as numbers from scipy.io.loadmat; any other value unchanged."""
    if not is_array(value):
        return value
    array = unmasked(where, value)
    return array.reshape(())[()] if array.size == 1 else value


def unmasked(where: str, values: object) -> npt.NDArray[Any]:
    """Return values as an array; raise ValueError if any is masked, since a masked value may hold any number."""
    masked = np.ma.getmask(values) if isinstance(values, np.ndarray) else np.False_
    if isinstance(values, (list, tuple)) and any(value is np.ma.masked for value in values):
        masked = np.array([value is np.ma.masked for value in values])
    if np.any(masked):
        places = np.argwhere(masked)
        first = f", the first at {places[0].tolist()}" if places.size else ""
        raise ValueError(f"{where} must not be masked, got {np.sum(masked)} masked values{first}")
    return np.asarray(values)


def choice(where: str, value: object, options: Collection[Option]) -> Option:
    """Return ``value`` if it is one of ``options``."""
    if isinstance(value, str):
        for option in options:
            if option == value:
                return option  # the option itself: its type is the Literal
    raise ValueError(f"{where} must be one of {', '.join(map(repr, options))}, got {value!r}")


def boolean(where: str, value: object) -> bool:
    """Return ``value`` as a bool; only bools are accepted."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{where} must be True or False, got {value!r}")
    return bool(value)


def same_length(where: str, first: str, second: str, n_first: int, n_second: int) -> None:
    """Raise ValueError if two parameters that belong together differ in length."""
    if n_first != n_second:
        raise ValueError(
            f"{where}.{first} and {where}.{second} must have the same length, got {n_first} and {n_second}"
        )


def _as_float(value: Any) -> float:
    """Return a real number as a float, infinite if it is out of range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _in_words(condition: Condition, value: float) -> str:
    """Return a condition for a message; mention that values must be finite if only that is violated."""
    return condition if not CONDITIONS[condition](value) or condition == "finite" else f"finite and {condition}"


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""
