"""Values that differ between neurons or connections: arrays, or distributions to draw them from."""

from dataclasses import dataclass

import numpy as np

from gifpop import checks


class Distribution:
    """Base of what a parameter can be besides a number."""

    def draw(self, n, random):
        """Return ``n`` values as a float64 array.

        Parameters
        ----------
        n : int
        random : numpy.random.Generator
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform distribution between ``low`` and ``high`` (in the unit of the parameter)."""

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self):
        _numbers(self)
        if self.high < self.low:
            raise ValueError(f"Uniform.high must be >= low = {self.low}, got {self.high}")

    def draw(self, n, random):
        return random.uniform(self.low, self.high, n)


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal distribution, by mean and standard deviation."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self):
        _numbers(self, std=">= 0")

    def draw(self, n, random):
        return random.normal(self.mean, self.std, n)


@dataclass(frozen=True)
class Lognormal(Distribution):
    """Distribution whose logarithm is normal with the given mean and standard deviation."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self):
        _numbers(self, std=">= 0")

    def draw(self, n, random):
        return random.lognormal(self.mean, self.std, n)


@dataclass(frozen=True)
class Exponential(Distribution):
    """Exponential distribution with mean ``beta``."""

    beta: float = 1.0

    def __post_init__(self):
        _numbers(self, beta=">= 0")

    def draw(self, n, random):
        return random.exponential(self.beta, n)


class Given(Distribution):
    """Values given as an array, one for each neuron or connection."""

    def __init__(self, values):
        self.values = np.array(values, dtype=float)
        self.values.flags.writeable = False

    def __repr__(self):
        return f"<{len(self.values)} values>"

    def __eq__(self, other):
        return isinstance(other, Given) and np.array_equal(self.values, other.values)

    def __hash__(self):
        return hash(self.values.tobytes())

    def draw(self, n, random):
        if len(self.values) != n:
            raise ValueError(f"must be a number or have {n} values, got {len(self.values)}")
        return self.values


def scalar_or_distribution(where, value, rule="finite", unit=""):
    """Return a number as a float, an array as `Given`, a distribution as it is.

    What a distribution draws is checked against the rule when it has been drawn (`draw_checked`).
    """
    if isinstance(value, Distribution):
        return value
    if isinstance(value, np.ndarray | list | tuple) and np.ndim(value) > 0:
        return Given(checks.vector(where, value, rule, unit))
    return checks.number(where, value, rule, unit)


def draw_checked(where, value, n, random, rule="finite", unit=""):
    """Return a number as it is, and of a distribution ``n`` values that keep the rule."""
    if not isinstance(value, Distribution):
        return value
    try:
        values = value.draw(n, random)
    except ValueError as error:
        raise ValueError(f"{where} {error}") from None
    good = np.isfinite(values) & checks.RULES[rule](values)
    if not good.all():
        raise ValueError(f"{where} must be {rule} {unit}".rstrip() + f", {value} gave {values[~good][0]}")
    return values


def _numbers(distribution, **rules):
    name = type(distribution).__name__
    for parameter, value in vars(distribution).items():
        checked = checks.number(f"{name}.{parameter}", value, rules.get(parameter, "finite"))
        object.__setattr__(distribution, parameter, checked)
