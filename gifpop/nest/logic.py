"""Choices between drawn values, under NEST's names: ``nest.logic``."""

from __future__ import annotations

import numpy as np

from gifpop.common.typing import Floats
from gifpop.nest.parameter import Parameter, as_parameter


def conditional(condition: Parameter, param_if_true: Parameter | float, param_if_false: Parameter | float) -> Parameter:
    """Choose between two values by a condition.

    Parameters
    ----------
    condition : Parameter
        Comparison, such as ``nest.random.uniform() < 0.5``.
    param_if_true, param_if_false : Parameter or float
        Values to choose from.

    Returns
    -------
    Parameter
        Draws the first value where the condition is not zero, else the second.
    """
    if not isinstance(condition, Parameter):
        raise TypeError(f"conditional: condition must be a Parameter, got {condition!r}")
    yes, no = as_parameter(param_if_true), as_parameter(param_if_false)

    def draw(random: np.random.Generator, n: int) -> Floats:
        stream = random.bit_generator
        return np.where(condition.draw(n, stream) != 0.0, yes.draw(n, stream), no.draw(n, stream))

    return Parameter(draw, f"conditional({condition!r}, {yes!r}, {no!r})")
