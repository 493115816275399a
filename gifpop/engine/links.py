"""Links: who receives the emissions of a group, an input line or a Poisson process, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gifpop import _core
from gifpop.common.interrupts import give_way
from gifpop.common.remembered import computed_once

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Receptor, Shorts
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.engine.signals import Signal
    from gifpop.engine.thinning import Thinning

NEVER = 2**31 - 1  # steps until something arrives that is never sent


@dataclass(frozen=True)
class Link:
    """What carries spikes or currents from a group or a line to a group, in the time loop's units.

    It leads from every unit of its source (a population, a group of neurons, or an input line) to every unit of its
    target, or along single connections: those of source unit ``u`` are ``first[u]`` to ``first[u + 1]``. How spikes of
    groups change what later ones deliver is its ``plasticity``, whose state belongs to the engine.
    """

    source: int  # group, or number of groups + input line
    target: int  # group
    lag: int  # steps from emission to use
    receptor: Receptor  # or that of a variance: between the neurons of a population, of what arrives at each of them
    weight: float  # pA, or pA^2 of a variance, of each connection; a factor where `weights` are given
    first: Integers | None = None  # of length source units + 1
    units: Shorts | None = None  # target unit of each connection; in ascending order for each source unit
    weights: Floats | None = None  # of each connection; if excitatory or inhibitory, their sign selects the synapse
    lags: Shorts | None = None  # of each connection
    plasticity: LinkPlasticity | None = None
    thinning: Thinning | None = None  # of spikes along single connections; not together with `plasticity`

    @property
    def connections(self) -> tuple[Integers | None, Shorts | None, Floats | None, Shorts | None]:
        """The arrays of single connections."""
        return self.first, self.units, self.weights, self.lags

    @computed_once
    def largest_indegree(self) -> int:
        """Largest number of the single connections that end at one unit."""
        assert self.units is not None
        return _core.largest_indegree(self.units, give_way)

    @property
    def is_empty(self) -> bool:
        """Whether the link has single connections, but zero of them."""
        return self.units is not None and len(self.units) == 0

    @property
    def longest_lag(self) -> int:
        """Longest lag of this link, in steps: 0 without connections."""
        if self.is_empty:
            return 0
        return self.lag if self.lags is None else int(np.max(self.lags))

    @property
    def shortest_lag(self) -> int:
        """Shortest lag of this link, in steps; without connections, more than the steps of any slice."""
        if self.is_empty:
            return NEVER
        return self.lag if self.lags is None else int(np.min(self.lags))


@dataclass(frozen=True)
class Fluctuation:
    """A law of Gaussian numbers of variance 1, which are kept for ``hold`` steps at a time from step ``first`` on.

    Of the last number, the share ``kept`` is left in the next one; the rest is drawn. The numbers belong to the engine
    (`gifpop.engine.fluctuations`).
    """

    kept: float
    hold: int = 1
    first: int = 0


@dataclass(frozen=True)
class NoiseLink:
    """Independent Poisson processes, one onto each of some neurons; or currents that fluctuate."""

    target: int  # group
    lag: int
    receptor: Receptor  # or that of the variance of private currents of a population
    weight: float  # pA, of each event; a factor where `weights` are given
    signal: Signal  # mean number of events a step, or variance of the currents, pA^2
    stream: np.random.BitGenerator
    units: Shorts | None = None  # target neurons, one entry for each process; None: all of the group, each once
    weights: Floats | None = None  # of the processes' events, all of one sign
    fluctuation: Fluctuation | None = None  # of currents
    shared: bool = False  # by all units of the group: one process, of currents only
