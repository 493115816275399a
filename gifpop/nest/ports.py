"""Ports: the places of connections among those of the same synapse model in NEST, which sorts them by source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.nest.projections import Pairs, Product, Sparse

if TYPE_CHECKING:
    from collections.abc import Callable

    from gifpop.common.typing import Integers
    from gifpop.nest.projections import Projection


class Ports:
    """Ports of all connections.

    On each thread, connections between neurons or populations are numbered for each synapse model, by source and time
    of making; those of a device, and those of a neuron to recorders, are numbered apart, for each source. Removed ones
    keep their ports.

    Parameters
    ----------
    projections : list of Projection
    ranks : callable
        ``ranks(projection, k, sources)`` returns 0 for connections between neurons, 1 for those to recorders, 2 for
        those from devices.
    size : int
        Number of nodes.
    threads : callable
        ``threads(sources, targets)`` returns the thread of each connection.
    n_threads : int
    """

    def __init__(
        self,
        projections: list[Projection],
        ranks: Callable[[Projection, Integers, Integers], int | Integers],
        size: int,
        threads: Callable[[Integers, Integers], Integers],
        n_threads: int,
    ) -> None:
        self._several = n_threads > 1
        step = size + 1  # between keys of the same node with another rank or on another thread
        # keys of each source (or of each connection), and how many connections with the same are in front
        self._known: dict[Projection, tuple[Integers, Integers]] = {}
        counts: dict[int, Integers] = {}
        for projection in projections:
            known = counts.setdefault(projection.model, np.zeros(3 * n_threads * step, dtype=np.int64))
            sources, numbers = self._sources(projection)
            k = np.arange(len(sources)) if isinstance(projection, Pairs) else np.zeros(min(1, len(projection)), int)
            keys = ranks(projection, k, sources) * n_threads * step + sources
            if self._several:
                keys += threads(sources, projection.column("target", slice(None))) * step
            before = known[keys]
            if self._by_connection(projection):
                before += places_among_equals(keys)
            np.add.at(known, keys, numbers)
            self._known[projection] = keys, before
        self._starts = {}
        for model, known in counts.items():
            starts = np.zeros((3 * n_threads, step), dtype=np.int64)
            between = known.reshape(starts.shape)[:n_threads]  # neurons or populations
            starts[:n_threads] = np.cumsum(between, axis=1) - between
            self._starts[model] = starts.ravel()

    def at(self, projection: Projection, k: Integers) -> Integers:
        """Return the ports of connections ``k`` of a projection."""
        keys, before = self._known[projection]
        which, within = k, np.zeros_like(k)
        if isinstance(projection, Product) and not self._several:
            which, within = np.divmod(k, len(projection.targets))
        elif isinstance(projection, Sparse) and not self._several:
            which = np.searchsorted(projection.first, k, side="right") - 1
            within = k - projection.first[which]
        ports: Integers = self._starts[projection.model][keys[which]] + before[which] + within
        return ports

    def _by_connection(self, projection: Projection) -> bool:
        """Return whether each connection of a projection has a key of its own."""
        return self._several or isinstance(projection, Pairs)

    def _sources(self, projection: Projection) -> tuple[Integers, Integers]:
        """Return sources of a projection, and how many connections they stand for."""
        if not self._by_connection(projection) and isinstance(projection, Product):
            return projection.sources, np.full(len(projection.sources), len(projection.targets))
        if not self._by_connection(projection) and isinstance(projection, Sparse):
            block = projection.source_block
            return block.first + np.arange(block.n), np.diff(projection.first)
        sources = projection.column("source", slice(None))
        return sources, np.ones(len(sources), dtype=np.int64)


def places_among_equals(keys: Integers) -> Integers:
    """Return how many equal keys stand in front of each."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    firsts = np.flatnonzero(np.diff(ordered, prepend=-1))
    places = np.empty_like(keys)
    places[order] = np.arange(len(keys)) - np.repeat(firsts, np.diff(firsts, append=len(keys)))
    return places
