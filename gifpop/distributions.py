"""Values that differ between neurons or connections: arrays, or distributions to draw them from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from gifpop.common import checks
from gifpop.common.interrupts import give_way

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats, Vector

Scalar = TypeVar("Scalar", bound=np.generic)

PIECE = 2**20  # values drawn between two checks for Ctrl-C
CONDITIONS: dict[str, checks.Condition] = {"std": ">= 0", "beta": ">= 0"}  # of parameters


class Distribution:
    """Base of the distributions, which parameters accept instead of numbers.

    Each is named as the method of `numpy.random.Generator` that draws it, and has that one's parameters, in order.
    """

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            checked = checks.number(f"{type(self).__name__}.{name}", value, CONDITIONS.get(name, "finite"))
            object.__setattr__(self, name, checked)

    def draw(self, n: int, random: np.random.Generator) -> Floats:
        """Draw values, one for each neuron or connection.

        Parameters
        ----------
        n : int
            How many.
        random : numpy.random.Generator
            What to draw them with.

        Returns
        -------
        float64 array of length n
            In the unit of the parameter.
        """
        law, parameters = getattr(random, type(self).__name__.lower()), vars(self).values()
        return draw_in_pieces(n, lambda begin, end: law(*parameters, end - begin))


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform distribution.

    Parameters
    ----------
    low, high : float, unit of the parameter
        Bounds of the values; ``high`` >= ``low``.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.high < self.low:
            raise ValueError(f"Uniform.high must be >= low = {self.low}, got {self.high}")


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal distribution.

    Parameters
    ----------
    mean : float, unit of the parameter
        Mean of the values.
    std : float, unit of the parameter
        Their standard deviation, >= 0.
    """

    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True)
class Lognormal(Distribution):
    """Lognormal distribution: the logarithm of a value, in the unit of the parameter, is normal.

    Parameters
    ----------
    mean : float
        Mean of the logarithm; the median of the values is ``exp(mean)``.
    std : float
        Standard deviation of the logarithm, >= 0.
    """

    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True)
class Exponential(Distribution):
    """Exponential distribution.

    Parameters
    ----------
    beta : float, unit of the parameter
        Mean of the values, >= 0.
    """

    beta: float = 1.0


class Given(Distribution):
    """Values given as an array.

    Parameters
    ----------
    values : sequence of float, unit of the parameter
        One for each neuron or connection, in their order.
    """

    def __init__(self, values: Vector) -> None:
        self.values = np.array(values, dtype=float)
        self.values.flags.writeable = False

    def __repr__(self) -> str:
        return f"<{len(self.values)} values>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash(self.values.tobytes())

    def draw(self, n: int, random: np.random.Generator) -> Floats:
        if len(self.values) != n:
            raise ValueError(f"must be a number or have {n} values, got {len(self.values)}")
        return self.values


DISTRIBUTIONS = (Uniform, Normal, Lognormal, Exponential, Given)


def draw_in_pieces(n: int, draw: Callable[[int, int], npt.NDArray[Scalar]]) -> npt.NDArray[Scalar]:
    """Return ``n`` values of ``draw(begin, end)``, drawn in pieces; obey Ctrl-C between them.

    Pieces change no value, since numpy's generators draw one value after the other.
    """
    if n <= PIECE:
        return draw(0, n)
    first = draw(0, PIECE)
    values = np.empty(n, dtype=first.dtype)
    values[:PIECE] = first
    for begin in range(PIECE, n, PIECE):
        give_way()
        end = min(n, begin + PIECE)
        values[begin:end] = draw(begin, end)
    return values


def scalar_or_distribution(
    where: str, value: object, condition: checks.Condition = "finite", unit: str = ""
) -> float | Distribution:
    """Return a number as a float, an array as `Given`, a distribution as it is.

    `draw_checked` checks the values that a distribution draws.
    """
    if isinstance(value, Distribution):
        return value
    if isinstance(value, list | tuple) or (checks.is_array(value) and _holds_several(value)):
        return Given(checks.vector(where, value, condition, unit))
    return checks.number(where, value, condition, unit)


@overload
def draw_checked(
    where: str,
    value: Distribution,
    n: int,
    random: np.random.Generator,
    condition: checks.Condition = "finite",
    unit: str = "",
) -> Floats: ...
@overload
def draw_checked(
    where: str,
    value: float | Distribution,
    n: int,
    random: np.random.Generator,
    condition: checks.Condition = "finite",
    unit: str = "",
) -> float | Floats: ...
def draw_checked(
    where: str,
    value: float | Distribution,
    n: int,
    random: np.random.Generator,
    condition: checks.Condition = "finite",
    unit: str = "",
) -> float | Floats:
    """Return a number as it is, or ``n`` values of a distribution; raise ValueError if one violates the condition."""
    if not isinstance(value, Distribution):
        return value
    try:
        values = value.draw(n, random)
    except ValueError as error:
        raise ValueError(f"{where} {error}") from None
    good = np.isfinite(values) & checks.CONDITIONS[condition](values)
    if not good.all():
        raise ValueError(f"{where} must be {condition} {unit}".rstrip() + f", {value} gave {values[~good][0]}")
    return values


def _holds_several(array: Any) -> bool:
    """Return whether an array holds values of several neurons; a table of one entry is a number."""
    return np.ndim(array) == 1 or np.size(array) != 1
