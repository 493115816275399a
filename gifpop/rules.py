"""Rules that say which neurons of two populations are connected, as NEST's."""

from dataclasses import dataclass

import numpy as np

from gifpop import checks


class Rule:
    """Base of the connection rules.

    ``density(n_pre, n_post)`` is the expected number of connections of a pair of neurons, which a mesoscopic
    population takes as a factor of the weight. ``resolve(n_pre)`` returns the rule to draw by.

    ``variance(n_pre, n_post)`` is the variance v of that number where every neuron receives as many connections, from
    sources drawn at random, and None where lasting differences between neurons come with it. Of n spikes of n sources a
    neuron then receives a number with mean n density and variance n v (1 - (n - 1)/(n_pre - 1)), since the numbers of
    connections from all sources, which add up to the in-degree, have the covariance -v/(n_pre - 1) in pairs. As few
    sources fire in one step, each spike counts for v. Autapses left out would change v by the order of density/n_pre,
    and are not considered.
    """

    def resolve(self, n_pre):
        return self

    def variance(self, n_pre, n_post):
        return None

    def __post_init__(self):
        for name in ("allow_autapses", "allow_multapses"):
            if hasattr(self, name):
                checks.boolean(f"{type(self).__name__}.{name}", getattr(self, name))


@dataclass(frozen=True)
class AllToAll(Rule):
    """Every neuron to every neuron; ``allow_autapses=False`` leaves out those to itself."""

    allow_autapses: bool = True

    def density(self, n_pre, n_post):
        return 1.0

    def variance(self, n_pre, n_post):
        return 0.0


@dataclass(frozen=True)
class OneToOne(Rule):
    """The i-th neuron to the i-th; both populations have the same size."""

    def density(self, n_pre, n_post):
        return 1.0 / n_pre


@dataclass(frozen=True)
class FixedIndegree(Rule):
    """Each target neuron receives ``indegree`` connections from sources drawn at random."""

    indegree: int
    allow_autapses: bool = True
    allow_multapses: bool = True

    def __post_init__(self):
        super().__post_init__()
        checks.integer("FixedIndegree.indegree", self.indegree, 0)

    def density(self, n_pre, n_post):
        return self.indegree / n_pre

    def variance(self, n_pre, n_post):
        density = self.density(n_pre, n_post)  # multapses: binomial numbers of connections, else 0 or 1
        return density * (1.0 - (1.0 / n_pre if self.allow_multapses else density))


@dataclass(frozen=True)
class IndegreeFraction(Rule):
    """Each target neuron receives a connection from the fraction ``p`` of the sources; what ``connect(p=...)`` means.

    Drawn with repetition, as many as ``p`` times the number of sources, rounded; every source once for ``p = 1``.
    """

    p: float

    def __post_init__(self):
        object.__setattr__(self, "p", checks.number("IndegreeFraction.p", self.p, "in [0, 1]"))

    def density(self, n_pre, n_post):
        return self.p

    def variance(self, n_pre, n_post):
        return 0.0 if self.p == 1.0 else self.p * (1.0 - 1.0 / n_pre)

    def resolve(self, n_pre):
        return AllToAll() if self.p == 1.0 else FixedIndegree(round(self.p * n_pre))


@dataclass(frozen=True)
class FixedOutdegree(Rule):
    """Each source neuron sends ``outdegree`` connections to targets drawn at random."""

    outdegree: int
    allow_autapses: bool = True
    allow_multapses: bool = True

    def __post_init__(self):
        super().__post_init__()
        checks.integer("FixedOutdegree.outdegree", self.outdegree, 0)

    def density(self, n_pre, n_post):
        return self.outdegree / n_post


@dataclass(frozen=True)
class FixedTotalNumber(Rule):
    """``N`` connections, each between a source and a target drawn at random."""

    N: int
    allow_autapses: bool = True
    allow_multapses: bool = True

    def __post_init__(self):
        super().__post_init__()
        checks.integer("FixedTotalNumber.N", self.N, 0)

    def density(self, n_pre, n_post):
        return self.N / (n_pre * n_post)


@dataclass(frozen=True)
class PairwiseBernoulli(Rule):
    """Each pair of neurons is connected with probability ``p``, independently."""

    p: float
    allow_autapses: bool = True

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "p", checks.number("PairwiseBernoulli.p", self.p, "in [0, 1]"))

    def density(self, n_pre, n_post):
        return self.p

    def variance(self, n_pre, n_post):
        return 0.0 if self.p in (0.0, 1.0) else None


class Pairs(Rule):
    """Connections given one by one.

    Parameters
    ----------
    sources, targets : sequence of int
        Neurons of the two populations, counted from 0.
    """

    def __init__(self, sources, targets):
        self.sources, self.targets = (
            _indices(f"Pairs.{name}", values) for name, values in (("sources", sources), ("targets", targets))
        )
        checks.same_length("Pairs", "sources", "targets", len(self.sources), len(self.targets))

    def __repr__(self):
        return f"Pairs(<{len(self.sources)} connections>)"

    def density(self, n_pre, n_post):
        return len(self.sources) / (n_pre * n_post)


def _indices(where, values):
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"{where} must be a sequence of integers, got {values!r}")
    if array.size and array.min() < 0:
        raise ValueError(f"{where} must be >= 0, got {array.min()}")
    return array.astype(np.int64)
