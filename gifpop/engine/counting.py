"""Choose the groups of neurons that count arriving spikes instead of adding their weights.

A count takes a quarter of the memory of a sum, and the memory that input passes through is what limits large networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop import _core

if TYPE_CHECKING:
    from gifpop.common.typing import Floats
    from gifpop.engine.links import Link
    from gifpop.engine.plan import Plan

MOST = np.iinfo(np.uint16).max


class Unit(NamedTuple):
    """The weight of one count at the synapses of a group of neurons."""

    size: Floats  # pA, of each receptor
    most: int  # largest count that a neuron can receive in a step


def count_units(links: Sequence[Link], plans: Sequence[Plan]) -> list[Unit | None]:
    """Return for each group the `Unit` of its counts, or None where weights must be added up.

    Counts need neurons whose single connections all come from neurons, which fire at most once a step, with fixed
    weights that are multiples of a unit, one delay along a link, and no more spikes than fit in a count. Sources from
    ``len(plans)`` on are generators, whose input is added up apart.
    """
    own: list[list[Link]] = [[] for _ in plans]
    for link in links:
        if link.source < len(plans) and link.first is not None:
            own[link.target].append(link)
    return [
        _unit(one, plan.n_receptors)
        if plan.fires_once and one and all(plans[link.source].fires_once for link in one)
        else None
        for one, plan in zip(own, plans, strict=True)
    ]


def multiple(link: Link, unit: Unit) -> int:
    """Return the counts that a spike along a link stands for."""
    return round(link.weight / unit.size[_core.place_in_slot(link.receptor, len(unit.size))])


def _unit(links: list[Link], receptors: int) -> Unit | None:
    if any(link.weights is not None or link.lags is not None for link in links):
        return None
    if any(link.plasticity is not None or link.thinning is not None for link in links):
        return None
    unit = Unit(np.ones(receptors), 0)
    at_receptors = [
        [link for link in links if _core.place_in_slot(link.receptor, receptors) == r] for r in range(receptors)
    ]
    most = 0
    for r, own in enumerate(at_receptors):
        unit.size[r] = min((link.weight for link in own if link.weight != 0.0), key=abs, default=1.0)
        if any(abs(link.weight) > MOST * abs(unit.size[r]) for link in own):
            return None
        multiples = [multiple(link, unit) for link in own]
        if any(m < 0 or m * unit.size[r] != link.weight for m, link in zip(multiples, own, strict=True)):
            return None
        most = max(most, sum(m * link.largest_indegree for m, link in zip(multiples, own, strict=True)))
    return unit._replace(most=most) if most <= MOST else None
