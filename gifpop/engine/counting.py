"""Which groups of neurons can count the spikes that arrive, instead of adding up their weights.

A count takes a quarter of the memory of a sum, and the memory that input passes through is what limits large networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop import _core

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Receptor, Synapse
    from gifpop.engine.links import Link
    from gifpop.engine.plan import Plan

MOST = np.iinfo(np.uint16).max
SPIKES: tuple[Synapse, ...] = ("excitatory", "inhibitory")


class Unit(NamedTuple):
    """What a count stands for at the synapses of a group of neurons.

    Attributes
    ----------
    size : float64 array of length 2
        pA, excitatory and inhibitory.
    most : int
        Largest count that a neuron can receive in a step.
    """

    size: Floats
    most: int


def count_units(links: Sequence[Link], plans: Sequence[Plan]) -> list[Unit | None]:
    """Return for each group the `Unit` of its counts, or None where weights must be added up.

    Counts need neurons whose single connections all come from neurons, which fire at most once a step, with weights
    that are multiples of a unit, one delay along a link, and no more spikes than fit in a count.

    Parameters
    ----------
    links : sequence of gifpop.engine.links.Link
        Sources from ``len(plans)`` on are generators, whose input is added up apart.
    plans : sequence of gifpop.engine.plan.Plan
    """
    own: list[list[Link]] = [[] for _ in plans]
    for link in links:
        if link.source < len(plans) and link.first is not None:
            own[link.target].append(link)
    return [
        _unit(one) if plan.neurons and one and all(plans[link.source].neurons for link in one) else None
        for one, plan in zip(own, plans, strict=True)
    ]


def multiple(link: Link, unit: Unit) -> int:
    """Return the counts that a spike along a link stands for."""
    return round(link.weight / unit.size[_core.RECEPTOR[link.receptor]])


def _unit(links: list[Link]) -> Unit | None:
    if any(link.weights is not None or link.lags is not None for link in links):
        return None
    unit = Unit(np.ones(len(SPIKES)), 0)
    for kind in SPIKES:
        weights = [link.weight for link in links if link.receptor == kind and link.weight != 0.0]
        if weights:
            unit.size[_core.RECEPTOR[kind]] = min(weights, key=abs)
    counts: dict[Receptor, int] = dict.fromkeys(SPIKES, 0)
    for link in links:
        size = unit.size[_core.RECEPTOR[link.receptor]]
        if abs(link.weight) > MOST * abs(size) or multiple(link, unit) * size != link.weight:
            return None
        counts[link.receptor] += multiple(link, unit) * link.largest_indegree
    most = max(counts.values())
    return unit._replace(most=most) if most <= MOST else None
