"""Distributions of values that nodes and connections draw, under NEST's names: ``nest.random``."""

import numpy as np

from gifpop.nest.errors import BadProperty
from gifpop.nest.kinds import LONG
from gifpop.nest.parameter import Parameter


def uniform(min=0.0, max=1.0):
    """Return a Parameter distributed uniformly between ``min`` and ``max``."""
    low, high = float(min), float(max)
    if not low < high:
        raise BadProperty("nest::UniformParameter: min < max required.")
    return Parameter(lambda random, n: random.uniform(low, high, n), f"uniform({low}, {high})")


def uniform_int(max):
    """Return a Parameter that takes the integers from 0 to ``max`` - 1 with equal probability."""
    most = LONG.convert("max", max)
    if most <= 0:
        raise BadProperty("nest::UniformIntParameter: max > 0 required.")
    return Parameter(lambda random, n: random.integers(most, size=n), f"uniform_int({most})")


def normal(mean=0.0, std=1.0):
    """Return a normally distributed Parameter; bounds are set by `gifpop.nest.math.redraw`."""
    mean, std = float(mean), _deviation("Normal", std)
    return Parameter(lambda random, n: random.normal(mean, std, n), f"normal({mean}, {std})")


def lognormal(mean=0.0, std=1.0):
    """Return a Parameter whose logarithm is normal with the given mean and standard deviation."""
    mean, std = float(mean), _deviation("Lognormal", std)
    return Parameter(lambda random, n: random.lognormal(mean, std, n), f"lognormal({mean}, {std})")


def exponential(beta=1.0):
    """Return an exponentially distributed Parameter with mean ``beta``."""
    beta = float(beta)
    return Parameter(lambda random, n: beta * random.standard_exponential(n), f"exponential({beta})")


def _deviation(name, std):
    std = float(std)
    if not 0.0 < std < np.inf:
        raise BadProperty(f"nest::{name}Parameter: std > 0 required.")
    return std
