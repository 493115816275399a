"""Which groups of neurons can count the spikes that arrive, instead of adding up their weights.

A count takes a quarter of the memory of a sum, and the memory that input passes through is what limits large networks.
"""

import numpy as np

from gifpop import _core, _wiring

MOST = np.iinfo(np.uint16).max
SPIKES = ("excitatory", "inhibitory")


def count_units(links, groups):
    """Return for each group what one count stands for, or None where weights must be added up.

    Parameters
    ----------
    links : sequence of gifpop.plan.Link
    groups : sequence of int
        Number of units of each group; sources from ``len(groups)`` on are generators, which are never counted.

    Returns
    -------
    list of float64 array of length 2, or None
        pA, excitatory and inhibitory: all connections from groups to single neurons have multiples of it, the same
        delay along a link, and no neuron can receive more than fits in a count.
    """
    own = [[] for _ in groups]
    for link in links:
        if link.source < len(groups) and link.first is not None:
            own[link.target].append(link)
    return [_unit(one, n) if one else None for one, n in zip(own, groups, strict=True)]


def multiple(link, unit):
    """Return the counts that a spike along a link stands for."""
    return round(link.weight / unit[_core.RECEPTOR[link.receptor]])


def _unit(links, n):
    if any(link.weights is not None or link.lags is not None for link in links):
        return None
    unit = np.ones(len(SPIKES))
    for kind in SPIKES:
        weights = [link.weight for link in links if link.receptor == kind and link.weight != 0.0]
        if weights:
            unit[_core.RECEPTOR[kind]] = min(weights, key=abs)
    counts = dict.fromkeys(SPIKES, 0)
    for link in links:
        size = unit[_core.RECEPTOR[link.receptor]]
        if abs(link.weight) > MOST * abs(size) or multiple(link, unit) * size != link.weight:
            return None
        counts[link.receptor] += multiple(link, unit) * _wiring.largest_indegree(link.units, n)
    return unit if max(counts.values()) <= MOST else None
