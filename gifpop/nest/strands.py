"""Strands: connections that are wired together.

All of a strand lead from one population, device, block of neurons or relays to one population, recorder, block of
neurons or relays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gifpop.nest.errors import require_memory
from gifpop.nest.projections import MANY, Product, one_by_one, part_of
from gifpop.nest.relays import RelayBlock

if TYPE_CHECKING:
    from gifpop.common.typing import Integers, Synapse
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.nodes import Block
    from gifpop.nest.plastic_synapses import PlasticSynapses
    from gifpop.nest.projections import Lags, Projection, Weights


@dataclass
class Strand:
    """Connections from one group or device to one group or recorder.

    Attributes
    ----------
    block, i : Block, int
        Source: the ``i``-th node of a block; a whole block of neurons or relays, and 0.
    target_block, j : Block, int
        Target, likewise.
    units, target_units : int array
        Neurons of the blocks, for each connection; 0 where it is one node.
    weight, delay : number or array
    p_transmit : number, array or None
        None: all spikes are transmitted.
    numbers : int array
        Of the connections.
    receptor : int
        That they name.
    synapses : PlasticSynapses or None
        If spikes change what later ones bring,
    records : int array or None
        with the record of each connection.
    """

    block: Block
    i: int
    target_block: Block
    j: int
    units: Integers
    target_units: Integers
    weight: Weights
    delay: Lags
    p_transmit: Weights | None
    numbers: Integers
    receptor: int
    synapses: PlasticSynapses | None = None
    records: Integers | None = None

    @property
    def source(self) -> int:
        """First node of the source."""
        return self.block.first + self.i

    @property
    def target(self) -> int:
        """First node of the target."""
        return self.target_block.first + self.j

    def synapse(self, weight: float) -> Synapse:
        """Return the synapse at which spikes of this weight arrive."""
        return self.target_block.synapse(self.receptor, weight)

    def plasticity(self, which: Integers | slice) -> LinkPlasticity | None:
        """Return how spikes change what later ones bring along some of the connections."""
        if self.synapses is None or self.records is None:
            return None
        return self.synapses.plasticity(self.target_block, self.records[which])

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of units of source and target; 1 for a population or device."""
        n_source, n_target = (b.n if b.is_group else 1 for b in (self.block, self.target_block))
        return n_source, n_target


def strands_of(projection: Projection, first: int, table: NodeTable) -> Iterator[Strand]:
    """Yield the strands of a projection; ``first`` is the number of its first connection."""
    everything = projection.everything()
    numbers = np.arange(first, first + len(projection))[everything]
    if not len(numbers):
        return
    if len(projection) > MANY:
        require_memory(100.0 * len(projection), f"Simulate: {len(projection)} connections of devices")
    sources, targets = projection.column("source", everything), projection.column("target", everything)
    weight: Weights
    delay: Lags
    if isinstance(projection, Product):
        weight, delay = (part_of(one_by_one(projection, name), everything) for name in ("weight", "delay"))
    else:
        weight, delay = projection.column("weight", everything), projection.column("delay", everything)
    if projection.is_plastic:
        projection.separate()
    p_transmit = projection.column("p_transmit", everything) if projection.thins else None
    key = ends_of(sources, table) * (table.size + 1) + ends_of(targets, table)
    order = np.argsort(key, kind="stable")
    bounds = [*(1 + np.flatnonzero(np.diff(key[order]))).tolist(), len(order)]
    found = [np.array(order[a:b]) for a, b in zip([0, *bounds[:-1]], bounds, strict=True)]
    for k in sorted(found, key=lambda k: k[0]):
        block, i, units = _units(sources[k], table)
        target_block, j, target_units = _units(targets[k], table)
        own_weight = 1.0 if isinstance(target_block, RelayBlock) else part_of(weight, k)  # relays know no weights
        values = own_weight, part_of(delay, k), part_of(p_transmit, k)
        strand = Strand(block, i, target_block, j, units, target_units, *values, numbers[k], projection.receptor)
        if projection.is_plastic:
            strand.synapses, strand.records = projection.synapses, numbers[k] - first
        yield strand


def ends_of(nodes: Integers, table: NodeTable) -> Integers:
    """Return the first node of the block of each neuron or relay; other nodes as they are."""
    numbers = table.block_numbers(nodes)
    firsts = np.array([block.first for block in table.blocks])[numbers]
    return np.where(np.array([block.is_group for block in table.blocks])[numbers], firsts, nodes)


def _units(nodes: Integers, table: NodeTable) -> tuple[Block, int, Integers]:
    """Return the block of one end of a strand, its place in the block, and the unit of each connection."""
    block, i = table.locate(int(nodes[0]))
    return (block, 0, nodes - block.first) if block.is_group else (block, i, np.zeros_like(nodes))
