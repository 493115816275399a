"""Connections that pass each spike with some probability: of bernoulli_synapse, and those that start at dilutors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop.engine.thinning import Thinning
from gifpop.nest.relays import DilutorBlock

if TYPE_CHECKING:
    from gifpop.common.typing import Integers, Key, Shorts
    from gifpop.nest.nodes import Block
    from gifpop.nest.projections import Weights

    Number = TypeVar("Number", int, float)
    Entry = TypeVar("Entry", bound=np.generic)


def passing(block: Block, units: Integers | slice, p_transmit: Weights | None) -> Weights | None:
    """Return the probability that a spike passes connections: one for all, or an array; None: all spikes pass.

    Parameters
    ----------
    block : Block
        Of the sources.
    units : int array or slice
        Sources in the block: those of the connections, or all.
    p_transmit : number, array or None
        Of the connections; None: their synapse passes all spikes.
    """
    probability: Weights = 1.0 if p_transmit is None else p_transmit
    if isinstance(block, DilutorBlock):
        probability = probability * block.passing(units)
    if np.all(probability == 1.0):
        return None
    return probability


def thinning_of(probability: Weights | None, key: Callable[[int], Key], number: int) -> Thinning | None:
    """Return how a link loses spikes whose first connection is ``number``; None: not at all."""
    if probability is None:
        return None
    shared, each = either(probability, 1.0)
    return Thinning(shared, each, key(number))


def either(value: Number | npt.NDArray[Entry], factor: Number) -> tuple[Number, npt.NDArray[Entry] | None]:
    """Return a shared number and None, or a factor and the array with one value for each connection."""
    return (factor, value) if isinstance(value, np.ndarray) else (value, None)


class Sieve:
    """What a spike recorder hears of the units of a group, each through one connection at most.

    Parameters
    ----------
    units : int array
        Units that are connected.
    probability : number or array
        That a spike of each of them passes.
    n : int
        Units of the group.
    random : numpy.random.Generator
    """

    def __init__(self, units: Integers, probability: Weights, n: int, random: np.random.Generator) -> None:
        self.probabilities = np.zeros(n)
        self.probabilities[units] = probability
        self.random = random

    def passed(self, units: Integers | Shorts, counts: Integers) -> Integers:
        """Return how many of the spikes of some units pass."""
        return self.random.binomial(counts, self.probabilities[units])


def layers(units: Integers) -> list[Integers]:
    """Return the places of an array of units in few arrays, in none of which a unit is twice."""
    order = np.argsort(units, kind="stable")
    ordered = units[order]
    rank = np.arange(len(units)) - np.searchsorted(ordered, ordered)
    return [order[rank == r] for r in range(int(rank.max(initial=-1)) + 1)]
