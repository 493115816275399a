"""Links of connections between blocks of neurons or relays, made from the arrays in which connections are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.engine.links import Link
from gifpop.nest.errors import require_memory
from gifpop.nest.projections import MANY, Exceptions, Product, Sparse, among, one_by_one, part_of
from gifpop.nest.relays import DilutorBlock, RelayBlock, is_lost
from gifpop.nest.thinning import either, passing, thinning_of

if TYPE_CHECKING:
    from gifpop.common.typing import Integers, Key, Shorts
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.nodes import Block
    from gifpop.nest.projections import Projection, Weights


class GroupLinks:
    """Make links between groups of the engine that are blocks of neurons or relays.

    Parameters
    ----------
    nodes : NodeTable
    groups, key_of_losses
        As of `gifpop.nest.wiring.Wiring`.
    """

    def __init__(self, nodes: NodeTable, groups: dict[int, int], key_of_losses: Callable[[int], Key]) -> None:
        self.nodes, self.groups, self.key_of_losses = nodes, groups, key_of_losses

    def links(self, projection: Projection, number: int) -> list[Link] | None:
        """Return the links of a projection, whose first connection is ``number``; None: an end is not a block."""
        if not isinstance(projection, Sparse | Product) or not self._is_between_groups(projection):
            return None
        if is_lost(self._ends(projection)[1], projection.receptor):
            return []
        if self._has_little_left(projection):
            return self._links_of_rest(projection, number)
        if isinstance(projection, Sparse):
            return [self._link(projection, number, projection.first, projection.units)]
        values = projection.weight, projection.delay
        various = any(isinstance(value, np.ndarray) for value in values) or self._differ(projection)
        if self._loses_spikes(projection) or various:
            return [self._link(projection, number, *_expanded(projection))]
        if len(projection.removed) or any(isinstance(value, Exceptions) for value in values):
            return self._links_and_exceptions(projection, *(_shared(value) for value in values))
        return [self._link(projection, number, None, None)]

    def _is_between_groups(self, projection: Product | Sparse) -> bool:
        """Return whether both ends are blocks of neurons or relays."""
        if isinstance(projection, Sparse):
            return True
        blocks = (self.nodes.locate(int(nodes[0]))[0] for nodes in (projection.sources, projection.targets))
        return all(block.is_group for block in blocks)

    def _ends(self, projection: Product | Sparse) -> tuple[Block, Block]:
        """Return the two blocks of neurons or relays that a projection connects."""
        k = np.array([0])
        nodes = (projection.column("source", k), projection.column("target", k))
        source, target = (self.nodes.locate(int(node[0]))[0] for node in nodes)
        return source, target

    def _loses_spikes(self, projection: Product | Sparse) -> bool:
        """Return whether some connections do not pass all spikes."""
        probability = _transmission(projection)
        unsure = probability is not None and bool(np.any(probability != 1.0))
        return unsure or passing(self._ends(projection)[0], slice(None), None) is not None

    def _differ(self, product: Product) -> bool:
        """Return whether synapses that spikes change need single connections: not all of one source are alike."""
        if not product.is_plastic:
            return False
        exceptions = any(isinstance(value, Exceptions) for value in (product.weight, product.delay))
        return exceptions or not product.synapses.of_sources

    def _has_little_left(self, projection: Product | Sparse) -> bool:
        """Return whether connections were removed, and the rest can be wired one by one."""
        if not len(projection.removed) or isinstance(projection, Sparse) or len(projection) <= MANY:
            return len(projection.removed) > 0
        if projection.is_plastic:
            return True
        various = any(isinstance(value, np.ndarray) for value in (projection.weight, projection.delay))
        return various or self._loses_spikes(projection)

    def _links_of_rest(self, projection: Product | Sparse, number: int) -> list[Link]:
        """Return a link of the connections that were not removed, one by one; nothing if there are none."""
        require_memory(60.0 * len(projection), f"Simulate: {len(projection)} connections one by one")
        k = projection.present(np.arange(len(projection)))
        if not len(k):
            return []
        sources, targets = (projection.column(name, k) for name in ("source", "target"))
        block, target_block = self._ends(projection)
        first = np.searchsorted(sources, block.first + np.arange(block.n + 1)).astype(np.int64)
        return [self._link(projection, number, first, (targets - target_block.first).astype(np.int32), k)]

    def _links_and_exceptions(self, product: Product, weight: float, lag: int) -> list[Link]:
        """Link all to all with the shared values; for each exception subtract these and add its own.

        Connections that were removed are exceptions without weight.
        """
        block, target_block = self._ends(product)
        source, target, to_relays = self.groups[block.first], self.groups[target_block.first], False
        if isinstance(target_block, RelayBlock):
            weight, to_relays = 1.0, True
        synapse = target_block.synapse(product.receptor, weight)
        exceptions = [v.k for v in (product.weight, product.delay) if isinstance(v, Exceptions)]
        k = np.unique(np.concatenate([*exceptions, product.removed]))
        first = np.searchsorted(k, np.arange(len(product.sources) + 1) * len(product.targets)).astype(np.int64)
        units = (k % len(product.targets)).astype(np.int32)
        lags = np.full(len(k), lag, dtype=np.int32)  # an array, so that the engine sums instead of counting
        own = np.where(among(k, product.removed), 0.0, 1.0 if to_relays else product.column("weight", k))
        own_lags = product.column("delay", k).astype(np.int32)
        return [
            Link(source, target, lag, synapse, weight),
            Link(source, target, lag, synapse, -weight, first, units, None, lags),
            Link(source, target, 1, target_block.synapse(product.receptor, 1.0), 1.0, first, units, own, own_lags),
        ]

    def _link(
        self,
        projection: Product | Sparse,
        number: int,
        first: Integers | None,
        units: Shorts | None,
        k: slice | Integers = slice(None),
    ) -> Link:
        """Return a link of the connections ``k``; relays know no weights."""
        block, target_block = self._ends(projection)
        source, target = self.groups[block.first], self.groups[target_block.first]
        weight, weights = 1.0, None
        if not isinstance(target_block, RelayBlock):
            weight, weights = either(part_of(one_by_one(projection, "weight"), k), 1.0)
        lag, lags = either(part_of(one_by_one(projection, "delay"), k), 1)
        thinning = None
        if first is not None:
            sources = np.repeat(np.arange(block.n), np.diff(first)) if isinstance(block, DilutorBlock) else slice(None)
            thinning = thinning_of(passing(block, sources, _transmission(projection, k)), self.key_of_losses, number)
        synapse = target_block.synapse(projection.receptor, weight)
        plasticity = self._plasticity(projection, k)
        return Link(source, target, lag, synapse, weight, first, units, weights, lags, plasticity, thinning)

    def _plasticity(self, projection: Product | Sparse, k: slice | Integers) -> LinkPlasticity | None:
        """Return how spikes change what later ones bring along the connections ``k``."""
        if not projection.is_plastic:
            return None
        synapses = projection.synapses
        places = None if synapses.of_sources else np.arange(len(projection))[k]
        return synapses.plasticity(self._ends(projection)[1], places)


def _transmission(projection: Product | Sparse, k: slice | Integers = slice(None)) -> Weights | None:
    """Return the probabilities of connections as a number or array; None: their synapse passes all spikes."""
    return part_of(one_by_one(projection, "p_transmit"), k) if projection.thins else None


def _shared(value: Any) -> Any:
    """Return the value shared by all connections, except the exceptions."""
    return value.shared if isinstance(value, Exceptions) else value


def _expanded(product: Product) -> tuple[Integers, Shorts]:
    """Return all connections of a product one by one."""
    n_pre, n_post = len(product.sources), len(product.targets)
    require_memory(4.0 * n_pre * n_post, f"Simulate: {n_pre * n_post} connections that differ")
    return np.arange(n_pre + 1) * n_post, np.tile(np.arange(n_post, dtype=np.int32), n_pre)
