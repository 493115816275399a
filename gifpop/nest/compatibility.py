"""Check which nodes can be connected; nodes are arrays of identifiers."""

from __future__ import annotations

from collections.abc import Iterator, Set
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from gifpop.nest import errors
from gifpop.nest.generators import NoiseBlock
from gifpop.nest.kernel import kernel
from gifpop.nest.recorders import MeterBlock
from gifpop.nest.relays import DilutorBlock

if TYPE_CHECKING:
    from gifpop.common.typing import Integers
    from gifpop.nest.nodes import Block
    from gifpop.nest.rules import ConnSpec
    from gifpop.nest.synapse_parameters import SynapseModel

RULES_FOR_DEVICES = ("all_to_all", "one_to_one")  # as targets


def check_blocks(pre: Integers, post: Integers, spec: ConnSpec, receptor: int, model: SynapseModel) -> None:
    """Refuse connections that the models of the nodes or of the synapses do not support."""
    if not spec.is_drawn and spec.number == 0:
        return  # as NEST, which checks only connections that are made
    for source, target in _pairs_of_blocks(pre, post, spec.name == "one_to_one"):
        if not target.is_cell and spec.name not in RULES_FOR_DEVICES:
            raise errors.impossible_connection(
                "Cannot use this rule to connect to nodes without proxies (usually devices)."
            )
        _check_pair(source, target, model.is_of_neurons and not (source.is_cell or source.is_group))
        if model.is_plastic and isinstance(source, DilutorBlock):
            raise errors.NotInGifpop(f"gifpop.nest has no {model.base} that starts at a spike_dilutor, which NEST has")
        if source.sends is not None:
            target.check_receptor(receptor, source.sends, _places(target, post))
        if model.reaches_one_receptor and (receptor or source.sends == "requests"):
            raise errors.impossible_connection(
                "Only rport==0 allowed for HPC synapses. Use normal synapse models instead. See Kunkel et al, Front "
                "Neuroinform 8:78 (2014), Sec 3.3.2."
            )


def _places(block: Block, nodes: Integers) -> Integers:
    """Return the places of those nodes that are in a block."""
    places = nodes - block.first
    return places[(places >= 0) & (places < block.n)]


def _pairs_of_blocks(pre: Integers, post: Integers, one_to_one: bool) -> Iterator[tuple[Block, Block]]:
    """Yield the pairs of blocks that connections join."""
    if not one_to_one:
        yield from product(kernel.nodes.blocks_of(pre), kernel.nodes.blocks_of(post))
        return
    blocks = kernel.nodes.blocks
    for pair in np.unique(kernel.nodes.block_numbers(pre) * len(blocks) + kernel.nodes.block_numbers(post)).tolist():
        yield blocks[pair // len(blocks)], blocks[pair % len(blocks)]


def _check_pair(source: Block, target: Block, refused: bool) -> None:
    """Refuse to connect nodes of two blocks; ``refused`` is whether the synapse model does not fit the source."""
    if source.sends is None:
        raise errors.impossible_connection(
            "Source node does not send output.\n  Note that recorders must be connected as Connect(neuron, recorder)."
        )
    if source.sends in target.receives and not refused:
        return
    if not (source.is_cell or refused or target.is_cell or target.receives):
        raise errors.impossible_connection("We do not allow connection of a device to a global receiver at the moment.")
    kind = {"spikes": "spike input", "current": "current input", "requests": "data logging requests"}[source.sends]
    if refused and isinstance(source, NoiseBlock):
        kind = f"DS {kind}"
    plain = refused or source.sends != "spikes"
    note = "" if plain else "\n  Note that volt/multimeters must be connected as Connect(meter, neuron)."
    raise errors.impossible_connection(f"The target node or synapse model does not support {kind}.{note}")


def check_meters(sources: Integers, targets: Integers) -> None:
    """Refuse meters that cannot record from a target, or are connected to it already.

    ``targets`` has one node for each source; other sources are ignored.
    """
    for source in np.unique(sources).tolist():
        meter, i = kernel.nodes.locate(source)
        if isinstance(meter, MeterBlock):
            _check_meter(source, meter, i, targets[sources == source])


def _check_meter(source: int, meter: MeterBlock, i: int, targets: Integers) -> None:
    for block in kernel.nodes.blocks_of(targets):
        for name in meter.variables(i):
            if name not in block.recordables:
                raise errors.impossible_connection(f"Cannot connect with unknown recordable {name}")
    if meter.variables(i) and meter.columns["interval"][i] < kernel.clock.resolution:
        raise errors.impossible_connection("Recording interval must be >= resolution.")
    known = kernel.connections.metered.get(source, ())
    if len(np.unique(targets)) < len(targets) or any(node in known for node in targets.tolist()):
        raise errors.impossible_connection("Each multimeter can only be connected once to a given node.")


def check_synapse_types(sources: Integers, models: Set[int]) -> None:
    """Refuse a second synapse model for a device."""
    devices = sources[kernel.nodes.are_devices(sources)]
    known = kernel.connections.models
    if any(len(models | ({known[device]} if device in known else set())) > 1 for device in devices.tolist()):
        raise errors.impossible_connection("All outgoing connections from a device must use the same synapse type.")
