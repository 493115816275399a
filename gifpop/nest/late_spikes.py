"""Spikes under way between two runs: deliver them through the connections of the next run, as NEST does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from gifpop.nest.projections import among
from gifpop.nest.relays import RelayBlock
from gifpop.nest.runs import Runs

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.engine.engine import Engine
    from gifpop.nest.connections import ConnectionTable
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.runs import Places


class Arrivals(NamedTuple):
    """Input that arrives at nodes in later steps: one entry for each connection."""

    steps: Integers
    targets: Integers
    amounts: Floats
    weights: Floats
    receptors: Integers


class LateSpikes:
    """Spikes of the last slice of a run, which NEST delivers through the connections of the next run.

    NEST delivers the spikes of a slice (the shortest delay) when the next slice begins: a weight or delay that is set
    between two runs acts on the spikes of the last slice too, and so does a new connection of a neuron or population
    that already had one. The engine delivers at once; this class corrects the difference, except for synapses that can
    lose spikes. Synapses that spikes change are replayed from the beginning of the slice.

    Parameters
    ----------
    nodes : NodeTable
    connections : ConnectionTable
    engine : Engine
    """

    def __init__(self, nodes: NodeTable, connections: ConnectionTable, engine: Engine) -> None:
        self.nodes, self.connections, self.engine = nodes, connections, engine
        self._steps, self._nodes, self._counts = (np.zeros(0, np.int64) for _ in range(3))
        self._wired = 0  # number of connections that the engine has
        self._pending: list[Arrivals] = []  # corrections for changed connections

    def take(self, steps: Integers, nodes: Integers, counts: Integers) -> None:
        """Take spikes of a chunk: arrays of steps, neurons or populations, and numbers of spikes."""
        if not len(steps):
            return
        self._steps = np.concatenate((self._steps, steps))
        self._nodes = np.concatenate((self._nodes, nodes))
        self._counts = np.concatenate((self._counts, counts))

    def forget(self, slice_steps: int) -> None:
        """Forget spikes before the last slice."""
        if not len(self._steps):
            return
        begin = (self.engine.step - 1) // slice_steps * slice_steps
        kept = self._steps >= begin
        self._steps, self._nodes, self._counts = (each[kept] for each in (self._steps, self._nodes, self._counts))

    def carried(self, numbers: Places, sign: Literal[-1, 1]) -> list[Arrivals]:
        """Return the late spikes' input through connections, to subtract (-1) or to add."""
        if not len(self._steps):
            return []
        nodes = np.unique(self._nodes)
        if isinstance(numbers, Runs):
            numbers = numbers.of_sources(nodes).written_out("the spikes that are under way")
        return self._carried(numbers[numbers < self._wired], nodes, sign)

    def _carried(self, numbers: Integers, nodes: Integers, sign: Literal[-1, 1]) -> list[Arrivals]:
        table = self.connections
        sources = table.column("source", numbers)
        late = among(sources, nodes) & ~table.are_removed(numbers)
        numbers, sources = numbers[late], sources[late]
        if not len(numbers):
            return []
        targets, receptors = table.column("target", numbers), table.column("receptor", numbers)
        relays = np.array([isinstance(block, RelayBlock) for block in self.nodes.blocks])
        to_relays = relays[self.nodes.block_numbers(targets)]
        lost = to_relays & (receptors > 0)
        heard = ~self.nodes.are_devices(targets) & ~lost & ~table.column("thins", numbers)
        delays, weights = table.column("delay", numbers), table.column("weight", numbers)
        weights = np.where(to_relays, 1.0, weights)
        plastic = np.flatnonzero(heard & table.column("is_plastic", numbers))
        replay = table.replay(numbers, plastic, self.engine.dt)
        found = []
        for step, node, count in zip(self._steps.tolist(), self._nodes.tolist(), self._counts.tolist(), strict=True):
            k = np.flatnonzero(heard & (sources == node))
            if len(k):
                brought = np.where(to_relays[k], count, replay.released(k, step, count))
                amounts = sign * brought * weights[k]
                found.append(Arrivals(step + delays[k], targets[k], amounts, weights[k], receptors[k]))
        if sign > 0:
            replay.keep()
        return found

    def note(self, arrivals: list[Arrivals]) -> None:
        """Note what `carried` returned, for the next `deliver`."""
        self._pending += arrivals

    def through_new_connections(self) -> list[Arrivals]:
        """Return the late spikes' input through new connections of nodes that already had one."""
        table = self.connections
        if not (self._wired and len(self._steps) and self._wired < table.made):
            return []
        heard = table.heard(np.unique(self._nodes), self._wired)
        if not len(heard):
            return []
        numbers = table.find(sources=heard, since=self._wired)
        if isinstance(numbers, Runs):
            numbers = numbers.written_out("the spikes that are under way")
        return self._carried(numbers[numbers >= self._wired], heard, 1)

    def sent(self, first: int, n: int) -> tuple[Integers, Integers]:
        """Return senders and stamps of the late spikes of ``n`` nodes that connections carried when they fired."""
        own = (self._nodes >= first) & (self._nodes < first + n)
        own &= among(self._nodes, self.connections.heard(np.unique(self._nodes[own]), self._wired))
        counts = self._counts[own]
        return np.repeat(self._nodes[own], counts), np.repeat(self._steps[own] + 1, counts)

    def deliver(self, groups: dict[int, int], arrivals: list[Arrivals]) -> None:
        """Deliver noted and other arrivals to the engine, which has all connections now."""
        for each in (*self._pending, *arrivals):
            self._deliver(groups, each)
        self._pending.clear()
        self._wired = self.connections.made

    def _deliver(self, groups: dict[int, int], arrivals: Arrivals) -> None:
        """Add the amounts to the engine's input."""
        steps, targets, amounts, weights, receptors = arrivals
        signs, blocks = np.where(weights > 0, 1.0, -1.0), self.nodes.block_numbers(targets)
        each = set(zip(blocks.tolist(), receptors.tolist(), (-signs).tolist(), strict=True))
        for b, receptor, minus in sorted(each):  # excitatory ones first
            block = self.nodes.blocks[b]
            synapse = block.synapse(receptor, -minus)
            k = np.flatnonzero((blocks == b) & (receptors == receptor) & (signs == -minus))
            if block.is_group:
                units = targets[k] - block.first
                self.engine.add_input(steps[k], synapse, groups[block.first], amounts[k], units)
                continue
            for place, node in zip(k.tolist(), targets[k].tolist(), strict=True):
                self.engine.add_input(steps[place], synapse, groups[node], amounts[place])
