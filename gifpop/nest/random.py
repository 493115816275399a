"""Distributions of values that nodes and connections draw, under NEST's names: ``nest.random``."""

import numpy as np

from gifpop.nest.errors import BadProperty
from gifpop.nest.parameter import Parameter
from gifpop.nest.value_types import LONG


def uniform(min: float = 0.0, max: float = 1.0) -> Parameter:
    """Draw from a uniform distribution.

    Parameters
    ----------
    min, max : float
        Bounds; the upper one is not drawn.

    Returns
    -------
    Parameter
        Draws numbers in [min, max).

    Raises
    ------
    NESTError
        Unless ``min`` is less than ``max``.
    """
    low, high = float(min), float(max)
    if not low < high:
        raise BadProperty("nest::UniformParameter: min < max required.")
    return Parameter(lambda random, n: random.uniform(low, high, n), f"uniform({low}, {high})")


def uniform_int(max: int) -> Parameter:
    """Draw integers that are equally probable.

    Parameters
    ----------
    max : int
        Number of different values.

    Returns
    -------
    Parameter
        Draws integers from 0 to ``max`` - 1.

    Raises
    ------
    NESTError
        Unless ``max`` is a positive integer.
    """
    most = LONG.convert("max", max)
    if most <= 0:
        raise BadProperty("nest::UniformIntParameter: max > 0 required.")
    return Parameter(lambda random, n: random.integers(most, size=n), f"uniform_int({most})")


def normal(mean: float = 0.0, std: float = 1.0) -> Parameter:
    """Draw from a normal distribution; `gifpop.nest.math.redraw` sets bounds.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation.

    Returns
    -------
    Parameter
        Draws normally distributed numbers.

    Raises
    ------
    NESTError
        Unless ``std`` is positive and finite.
    """
    mean, std = float(mean), _deviation("Normal", std)
    return Parameter(lambda random, n: random.normal(mean, std, n), f"normal({mean}, {std})")


def lognormal(mean: float = 0.0, std: float = 1.0) -> Parameter:
    """Draw from a lognormal distribution.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation of the logarithm.

    Returns
    -------
    Parameter
        Draws positive numbers whose logarithm is normal.

    Raises
    ------
    NESTError
        Unless ``std`` is positive and finite.
    """
    mean, std = float(mean), _deviation("Lognormal", std)
    return Parameter(lambda random, n: random.lognormal(mean, std, n), f"lognormal({mean}, {std})")


def exponential(beta: float = 1.0) -> Parameter:
    """Draw from an exponential distribution.

    Parameters
    ----------
    beta : float
        Mean; numbers below zero mirror the distribution.

    Returns
    -------
    Parameter
        Draws exponentially distributed numbers.
    """
    beta = float(beta)
    return Parameter(lambda random, n: beta * random.standard_exponential(n), f"exponential({beta})")


def _deviation(name: str, std: float) -> float:
    std = float(std)
    if not 0.0 < std < np.inf:
        raise BadProperty(f"nest::{name}Parameter: std > 0 required.")
    return std
