"""Connection rules of two populations, as in NEST."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from gifpop.common import checks
from gifpop.common.brief import brief

if TYPE_CHECKING:
    from gifpop.common.typing import Indices, Integers


class Rule:
    """Base of the connection rules."""

    def resolve(self, n_pre: int) -> Rule:
        """Return the rule to draw by.

        Parameters
        ----------
        n_pre : int
            Number of source neurons.

        Returns
        -------
        Rule
            Another one where the number of sources turns a fraction of them into an in-degree, else the rule itself.
        """
        return self

    def density(self, n_pre: int, n_post: int) -> float:
        """Return the expected number of connections of a pair of neurons.

        A mesoscopic population takes it as a factor of the weight.

        Parameters
        ----------
        n_pre, n_post : int
            Numbers of source and target neurons.

        Returns
        -------
        float
            From one source neuron to one target neuron.
        """
        raise NotImplementedError

    def variance(self, n_pre: int, n_post: int) -> float | None:
        """Return the variance of the number of connections of a pair of neurons.

        Parameters
        ----------
        n_pre, n_post : int
            Numbers of source and target neurons.

        Returns
        -------
        float or None
            The variance v, where every neuron receives as many connections, from sources drawn at random; None where
            lasting differences between neurons come with it.

        Notes
        -----
        Of n spikes of n sources a neuron receives a number with mean n density and variance
        n v (1 - (n - 1)/(n_pre - 1)), since the numbers of connections from all sources, which add up to the in-degree,
        have the covariance -v/(n_pre - 1) in pairs. As few sources fire in one step, each spike counts for v. Autapses
        left out would change v by the order of density/n_pre, and are not considered.
        """
        return None

    def __post_init__(self) -> None:
        """Check bools, numbers of connections (int) and probabilities (float)."""
        for f in fields(self):  # type: ignore[arg-type]  # rules with parameters are dataclasses
            where, value = f"{type(self).__name__}.{f.name}", getattr(self, f.name)
            if f.type == "bool":
                checks.boolean(where, value)
            elif f.type == "int":
                checks.integer(where, value, 0)
            else:
                object.__setattr__(self, f.name, checks.number(where, value, "in [0, 1]"))


@dataclass(frozen=True)
class AllToAll(Rule):
    """Every neuron to every neuron.

    Parameters
    ----------
    allow_autapses : bool
        False: within a population, no neuron connects to itself.
    """

    allow_autapses: bool = True

    def density(self, n_pre: int, n_post: int) -> float:
        return 1.0

    def variance(self, n_pre: int, n_post: int) -> float | None:
        return 0.0


@dataclass(frozen=True)
class OneToOne(Rule):
    """The i-th neuron to the i-th; both populations have the same size."""

    def density(self, n_pre: int, n_post: int) -> float:
        return 1.0 / n_pre


@dataclass(frozen=True)
class FixedIndegree(Rule):
    """Each target neuron receives the same number of connections, from random sources.

    Parameters
    ----------
    indegree : int
        Number of connections of each target neuron, >= 0.
    allow_autapses : bool
        False: within a population, no neuron connects to itself.
    allow_multapses : bool
        False: no source is drawn twice for the same target.
    """

    indegree: int
    allow_autapses: bool = True
    allow_multapses: bool = True

    def density(self, n_pre: int, n_post: int) -> float:
        return self.indegree / n_pre

    def variance(self, n_pre: int, n_post: int) -> float | None:
        density = self.density(n_pre, n_post)  # multapses: binomial numbers of connections, else 0 or 1
        return density * (1.0 - (1.0 / n_pre if self.allow_multapses else density))


@dataclass(frozen=True)
class IndegreeFraction(Rule):
    """Each target neuron receives connections from a fraction of the sources; the rule of ``connect(p=...)``.

    Drawn with repetition, as many as ``p`` times the number of sources, rounded; every source once for ``p = 1``.

    Parameters
    ----------
    p : float
        The fraction, in [0, 1].
    """

    p: float

    def density(self, n_pre: int, n_post: int) -> float:
        return self.p

    def variance(self, n_pre: int, n_post: int) -> float | None:
        return 0.0 if self.p == 1.0 else self.p * (1.0 - 1.0 / n_pre)

    def resolve(self, n_pre: int) -> Rule:
        return AllToAll() if self.p == 1.0 else FixedIndegree(round(self.p * n_pre))


@dataclass(frozen=True)
class FixedOutdegree(Rule):
    """Each source neuron sends the same number of connections, to random targets.

    Parameters
    ----------
    outdegree : int
        Number of connections of each source neuron, >= 0.
    allow_autapses : bool
        False: within a population, no neuron connects to itself.
    allow_multapses : bool
        False: no target is drawn twice for the same source.
    """

    outdegree: int
    allow_autapses: bool = True
    allow_multapses: bool = True

    def density(self, n_pre: int, n_post: int) -> float:
        return self.outdegree / n_post


@dataclass(frozen=True)
class FixedTotalNumber(Rule):
    """A given total number of connections, each between a random source and a random target.

    Parameters
    ----------
    N : int
        Number of connections, >= 0.
    allow_autapses : bool
        False: within a population, no neuron connects to itself.
    allow_multapses : bool
        False: no pair of neurons is drawn twice.
    """

    N: int
    allow_autapses: bool = True
    allow_multapses: bool = True

    def density(self, n_pre: int, n_post: int) -> float:
        return self.N / (n_pre * n_post)


@dataclass(frozen=True)
class PairwiseBernoulli(Rule):
    """Each pair of neurons is connected with the same probability, independently.

    Parameters
    ----------
    p : float
        The probability, in [0, 1].
    allow_autapses : bool
        False: within a population, no neuron connects to itself.
    """

    p: float
    allow_autapses: bool = True

    def density(self, n_pre: int, n_post: int) -> float:
        return self.p

    def variance(self, n_pre: int, n_post: int) -> float | None:
        return 0.0 if self.p in (0.0, 1.0) else None


class Pairs(Rule):
    """Connections given one by one.

    Parameters
    ----------
    sources, targets : sequence of int
        Neurons of the two populations, counted from 0; the i-th connection is from ``sources[i]`` to ``targets[i]``.
    """

    def __init__(self, sources: Indices, targets: Indices) -> None:
        self.sources, self.targets = (
            _indices(f"Pairs.{name}", values) for name, values in (("sources", sources), ("targets", targets))
        )
        checks.same_length("Pairs", "sources", "targets", len(self.sources), len(self.targets))

    def __repr__(self) -> str:
        return f"Pairs(<{len(self.sources)} connections>)"

    def density(self, n_pre: int, n_post: int) -> float:
        return len(self.sources) / (n_pre * n_post)


def _indices(where: str, values: object) -> Integers:
    array = checks.unmasked(where, values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"{where} must be a sequence of integers, got {brief(values)}")
    if array.size and array.min() < 0:
        raise ValueError(f"{where} must be >= 0, got {array.min()}")
    return array.astype(np.int64)


RULES = (
    AllToAll,
    OneToOne,
    FixedIndegree,
    IndegreeFraction,
    FixedOutdegree,
    FixedTotalNumber,
    PairwiseBernoulli,
    Pairs,
)
