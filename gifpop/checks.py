"""Checks of values that users give: each error names object, parameter, rule and value."""

import math
import numbers

import numpy as np

RULES = {
    "> 0": lambda x: x > 0,
    ">= 0": lambda x: x >= 0,
    "in [0, 1]": lambda x: (x >= 0) & (x <= 1),
    "in (0, 1)": lambda x: (x > 0) & (x < 1),
    "finite": lambda x: x == x,
}


def number(where, value, rule="finite", unit=""):
    """Return ``value`` as a float.

    Parameters
    ----------
    where : str
        Object and parameter, for the message: ``"GIF.tau_m"``.
    value : real number
    rule : str
        A key of ``RULES``; every rule implies that the value is finite.
    unit : str
        For the message.

    Raises
    ------
    TypeError
        If the value is not a real number.
    ValueError
        If the value breaks the rule.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{where} must be a real number{_in(unit)}, got {value!r}")
    value = float(value)
    if not math.isfinite(value) or not RULES[rule](value):
        raise ValueError(f"{where} must be {rule}{' ' + unit if unit else ''}, got {value}")
    return value


def integer(where, value, least):
    """Return ``value`` as an int of at least ``least``; floats and bools are refused."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{where} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{where} must be >= {least}, got {value}")
    return int(value)


def vector(where, values, rule="finite", unit=""):
    """Return a sequence of real numbers as a one-dimensional float64 array of its own."""
    if isinstance(values, (str, bytes, dict, set)) or not np.iterable(values):
        raise TypeError(f"{where} must be a sequence of real numbers{_in(unit)}, got {values!r}")
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(float)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{where} must be a sequence of real numbers{_in(unit)}, got {values!r}")
    if array.ndim != 1:
        raise ValueError(f"{where} must have one dimension, got shape {array.shape}")
    array = array.astype(float)
    good = np.isfinite(array) & RULES[rule](array)
    if not good.all():
        i = np.argmin(good)
        raise ValueError(f"{where}[{i}] must be {rule}{' ' + unit if unit else ''}, got {array[i]}")
    return array


def choice(where, value, options):
    """Return ``value`` if it is one of ``options``."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{where} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def boolean(where, value):
    """Return ``value`` as a bool; only bools are accepted."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{where} must be True or False, got {value!r}")
    return bool(value)


def same_length(where, first, second, n_first, n_second):
    """Refuse two parameters that belong together and differ in length."""
    if n_first != n_second:
        raise ValueError(
            f"{where}.{first} and {where}.{second} must have the same length, got {n_first} and {n_second}"
        )


def _in(unit):
    return f" in {unit}" if unit else ""
