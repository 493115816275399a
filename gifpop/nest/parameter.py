"""Parameter: values that are drawn where they are used, one for each node or connection."""

import numbers

import numpy as np

from gifpop.nest.kernel import kernel

MOST_REDRAWS = 1000


class Parameter:
    """A recipe for values; made by the functions of `gifpop.nest.random` and `gifpop.nest.math`.

    Parameters can be added, subtracted, multiplied and divided by each other and by numbers, and raised to powers that
    are numbers. In such an expression each parameter is drawn on its own.

    Parameters
    ----------
    draw : callable
        ``draw(random, n)`` returns n values from a numpy.random.Generator.
    text : str
        How it was made, for its representation.
    """

    __array_ufunc__ = None  # numpy's numbers leave the arithmetic to this class
    nest_type = "std::shared_ptr<nest::Parameter>"

    def __init__(self, draw, text):
        self._draw, self._text = draw, text

    def __repr__(self):
        return f"<Parameter {self._text}>"

    def draw(self, n, stream):
        """Return ``n`` values as a float64 array, drawn from a bit generator."""
        return self.drawn(np.random.Generator(stream), n)

    def drawn(self, random, n):
        """Return ``n`` values as a float64 array, drawn from a numpy.random.Generator."""
        values = np.empty(n)
        values[:] = self._draw(random, n)
        return values

    def GetValue(self):
        """Draw and return one value."""
        return float(self.draw(1, kernel.new_stream())[0])

    def is_spatial(self):
        """Return whether the values depend on positions of nodes: never."""
        return False

    def __add__(self, other):
        return _combined(np.add, self, other, "+")

    def __radd__(self, other):
        return _combined(np.add, other, self, "+")

    def __sub__(self, other):
        return _combined(np.subtract, self, other, "-")

    def __rsub__(self, other):
        return _combined(np.subtract, other, self, "-")

    def __mul__(self, other):
        return _combined(np.multiply, self, other, "*")

    def __rmul__(self, other):
        return _combined(np.multiply, other, self, "*")

    def __truediv__(self, other):
        return _combined(np.divide, self, other, "/")

    def __rtruediv__(self, other):
        return _combined(np.divide, other, self, "/")

    def __pow__(self, exponent):
        return _combined(np.power, self, float(exponent), "**")

    def __neg__(self):
        return _combined(np.multiply, self, -1.0, "*")

    def __pos__(self):
        return self


def as_parameter(value):
    """Return a parameter as it is, a number as one that is always this number."""
    if isinstance(value, Parameter):
        return value
    if not isinstance(value, numbers.Real):
        raise NotImplementedError(f"a Parameter combines with numbers and other Parameters, got {value!r}")
    return Parameter(lambda random, n: np.full(n, float(value)), f"{value}")


def _combined(function, first, second, sign):
    first, second = as_parameter(first), as_parameter(second)
    return Parameter(
        lambda random, n: function(first.drawn(random, n), second.drawn(random, n)),
        f"({first._text} {sign} {second._text})",
    )


def transformed(function, parameter, name):
    """Return a parameter whose values are those of another after a function."""
    if not isinstance(parameter, Parameter):
        raise TypeError(f"{name}: parameter must be a Parameter, got {parameter!r}")
    return Parameter(lambda random, n: function(parameter.drawn(random, n)), f"{name}({parameter._text})")
