"""Functions of drawn values, under NEST's names: ``nest.math``."""

import numpy as np

from gifpop.common.typing import Floats
from gifpop.nest.errors import BadParameterValue, KernelException
from gifpop.nest.parameter import MOST_REDRAWS, Parameter, transformed


def exp(parameter: Parameter) -> Parameter:
    """Take the exponential of drawn values.

    Parameters
    ----------
    parameter : Parameter
        Recipe for the values.

    Returns
    -------
    Parameter
        Draws the exponential of its values.
    """
    return transformed(np.exp, parameter, "exp")


def sin(parameter: Parameter) -> Parameter:
    """Take the sine of drawn values.

    Parameters
    ----------
    parameter : Parameter
        Recipe for the arguments, in radians.

    Returns
    -------
    Parameter
        Draws the sine of its values.
    """
    return transformed(np.sin, parameter, "sin")


def cos(parameter: Parameter) -> Parameter:
    """Take the cosine of drawn values.

    Parameters
    ----------
    parameter : Parameter
        Recipe for the arguments, in radians.

    Returns
    -------
    Parameter
        Draws the cosine of its values.
    """
    return transformed(np.cos, parameter, "cos")


def min(parameter: Parameter, value: float) -> Parameter:
    """Bound drawn values from above.

    Parameters
    ----------
    parameter : Parameter
        Recipe for the values.
    value : float
        Upper bound; replaces greater values.

    Returns
    -------
    Parameter
        Draws the smaller of its values and the bound.
    """
    bound = float(value)
    return transformed(lambda drawn: np.minimum(drawn, bound), parameter, "min")


def max(parameter: Parameter, value: float) -> Parameter:
    """Bound drawn values from below.

    Parameters
    ----------
    parameter : Parameter
        Recipe for the values.
    value : float
        Lower bound; replaces smaller values.

    Returns
    -------
    Parameter
        Draws the greater of its values and the bound.
    """
    bound = float(value)
    return transformed(lambda drawn: np.maximum(drawn, bound), parameter, "max")


def redraw(parameter: Parameter, min: float, max: float) -> Parameter:
    """Draw values again until they lie between two bounds.

    Parameters
    ----------
    parameter : Parameter
        Recipe for the values.
    min, max : float
        Bounds, both allowed.

    Returns
    -------
    Parameter
        Draws values in [min, max]; a NESTError if one is still outside after 1000 draws.

    Raises
    ------
    NESTError
        If ``min`` is greater than ``max``.
    """
    low, high = float(min), float(max)
    if not low <= high:
        raise BadParameterValue(f"redraw: min <= max required, got {low} and {high}")
    if not isinstance(parameter, Parameter):
        raise TypeError(f"redraw: parameter must be a Parameter, got {parameter!r}")

    def draw(random: np.random.Generator, n: int) -> Floats:
        values = parameter.draw(n, random.bit_generator)
        for _ in range(MOST_REDRAWS):
            outside = np.flatnonzero(~((values >= low) & (values <= high)))
            if not len(outside):
                return values
            values[outside] = parameter.draw(len(outside), random.bit_generator)
        raise KernelException(f"Number of redraws exceeded limit of {MOST_REDRAWS}")

    return Parameter(draw, f"redraw({parameter!r}, {low}, {high})")
