"""Parameter: a recipe for values, drawn for each node or connection that uses it."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sized
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.common.typing import Floats
from gifpop.nest.errors import NotSupported
from gifpop.nest.kernel import kernel

Draw: TypeAlias = Callable[[np.random.Generator, int], npt.ArrayLike]

MOST_REDRAWS = 1000


class Parameter:
    """A recipe for values; made by the functions of `gifpop.nest.random` and `gifpop.nest.math`.

    Parameters can be added, subtracted, multiplied and divided by each other and by numbers, and raised to powers that
    are numbers. A comparison gives a Parameter that draws one where it holds, else zero. In such an expression each
    parameter is drawn on its own.

    Parameters
    ----------
    draw : callable
        ``draw(random, n)`` returns n values from a numpy.random.Generator.
    text : str
        Representation.
    """

    __array_ufunc__ = None  # numpy's numbers leave the arithmetic to this class
    nest_type = "std::shared_ptr<nest::Parameter>"

    def __init__(self, draw: Draw, text: str) -> None:
        self._draw, self._text = draw, text

    def __repr__(self) -> str:
        return f"<Parameter {self._text}>"

    def draw(self, n: int, stream: np.random.BitGenerator) -> Floats:
        """Draw values.

        Parameters
        ----------
        n : int
            Number of values.
        stream : numpy.random.BitGenerator
            Source of random numbers.

        Returns
        -------
        float64 array, shape (n,)
            The values.
        """
        return self._drawn(np.random.Generator(stream), n)

    def _drawn(self, random: np.random.Generator, n: int) -> Floats:
        """Return ``n`` values, drawn from a generator."""
        values = np.empty(n)
        values[:] = self._draw(random, n)
        return values

    def GetValue(self) -> float:
        """Draw one value.

        Returns
        -------
        float
            The value, from a random stream of its own that ``rng_seed`` determines.
        """
        return float(self.draw(1, kernel.streams.take())[0])

    def apply(self, spatial_nc: Sized, positions: object = None) -> tuple[float, ...]:
        """Draw one value for each node of a collection.

        Parameters
        ----------
        spatial_nc : NodeCollection
            Nodes.
        positions : None
            Positions are not available.

        Returns
        -------
        tuple of float
            The values, from a random stream of their own that ``rng_seed`` determines.
        """
        if positions is not None:
            raise NotSupported("apply: positions are not available in gifpop.nest")
        return tuple(self.draw(len(spatial_nc), kernel.streams.take()).tolist())

    def is_spatial(self) -> bool:
        """Return whether the values depend on positions of nodes.

        Returns
        -------
        bool
            False: nodes have no positions here.
        """
        return False

    def __add__(self, other: Parameter | float) -> Parameter:
        return _combined(np.add, self, other, "+")

    def __radd__(self, other: Parameter | float) -> Parameter:
        return _combined(np.add, other, self, "+")

    def __sub__(self, other: Parameter | float) -> Parameter:
        return _combined(np.subtract, self, other, "-")

    def __rsub__(self, other: Parameter | float) -> Parameter:
        return _combined(np.subtract, other, self, "-")

    def __mul__(self, other: Parameter | float) -> Parameter:
        return _combined(np.multiply, self, other, "*")

    def __rmul__(self, other: Parameter | float) -> Parameter:
        return _combined(np.multiply, other, self, "*")

    def __truediv__(self, other: Parameter | float) -> Parameter:
        return _combined(np.divide, self, other, "/")

    def __rtruediv__(self, other: Parameter | float) -> Parameter:
        return _combined(np.divide, other, self, "/")

    def __pow__(self, exponent: float) -> Parameter:
        return _combined(np.power, self, float(exponent), "**")

    def __eq__(self, other: Parameter | float) -> Parameter:  # type: ignore[override]
        return _combined(np.equal, self, other, "==")

    def __ne__(self, other: Parameter | float) -> Parameter:  # type: ignore[override]
        return _combined(np.not_equal, self, other, "!=")

    def __lt__(self, other: Parameter | float) -> Parameter:
        return _combined(np.less, self, other, "<")

    def __le__(self, other: Parameter | float) -> Parameter:
        return _combined(np.less_equal, self, other, "<=")

    def __gt__(self, other: Parameter | float) -> Parameter:
        return _combined(np.greater, self, other, ">")

    def __ge__(self, other: Parameter | float) -> Parameter:
        return _combined(np.greater_equal, self, other, ">=")

    def __neg__(self) -> Parameter:
        return _combined(np.multiply, self, -1.0, "*")

    def __pos__(self) -> Parameter:
        return self


def as_parameter(value: object) -> Parameter:
    """Return a Parameter unchanged, a number as a constant Parameter."""
    if isinstance(value, Parameter):
        return value
    if not isinstance(value, numbers.Real):
        raise NotImplementedError(f"a Parameter combines with numbers and other Parameters, got {value!r}")
    number = float(value)
    return Parameter(lambda random, n: np.full(n, number), f"{value}")


def _combined(function: np.ufunc, first: Parameter | float, second: Parameter | float, sign: str) -> Parameter:
    a, b = as_parameter(first), as_parameter(second)
    text = f"({a._text} {sign} {b._text})"
    return Parameter(lambda random, n: function(a._drawn(random, n), b._drawn(random, n)), text)


def transformed(function: Callable[[Floats], Floats], parameter: Parameter, name: str) -> Parameter:
    """Return a Parameter that applies a function to the values of another."""
    if not isinstance(parameter, Parameter):
        raise TypeError(f"{name}: parameter must be a Parameter, got {parameter!r}")
    return Parameter(lambda random, n: function(parameter._drawn(random, n)), f"{name}({parameter._text})")
