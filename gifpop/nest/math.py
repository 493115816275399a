"""Functions of drawn values, under NEST's names: ``nest.math``."""

import numpy as np

from gifpop.nest.errors import BadParameterValue, KernelException
from gifpop.nest.parameter import MOST_REDRAWS, Parameter, transformed


def exp(parameter):
    """Return a Parameter with the exponential of another's values."""
    return transformed(np.exp, parameter, "exp")


def sin(parameter):
    """Return a Parameter with the sine of another's values."""
    return transformed(np.sin, parameter, "sin")


def cos(parameter):
    """Return a Parameter with the cosine of another's values."""
    return transformed(np.cos, parameter, "cos")


def min(parameter, value):
    """Return a Parameter with another's values, but none above ``value``."""
    value = float(value)
    return transformed(lambda drawn: np.minimum(drawn, value), parameter, "min")


def max(parameter, value):
    """Return a Parameter with another's values, but none below ``value``."""
    value = float(value)
    return transformed(lambda drawn: np.maximum(drawn, value), parameter, "max")


def redraw(parameter, min, max):
    """Return a Parameter that draws another until its value lies in [min, max]."""
    low, high = float(min), float(max)
    if not low <= high:
        raise BadParameterValue(f"redraw: min <= max required, got {low} and {high}")
    if not isinstance(parameter, Parameter):
        raise TypeError(f"redraw: parameter must be a Parameter, got {parameter!r}")

    def draw(random, n):
        values = parameter.drawn(random, n).copy()
        for _ in range(MOST_REDRAWS):
            outside = np.flatnonzero(~((values >= low) & (values <= high)))
            if not len(outside):
                return values
            values[outside] = parameter.drawn(random, len(outside))
        raise KernelException(f"Number of redraws exceeded limit of {MOST_REDRAWS}")

    return Parameter(draw, f"redraw({parameter!r}, {low}, {high})")
