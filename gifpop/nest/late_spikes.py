"""Spikes that are under way between two runs, and which connections they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gifpop.nest.neurons import NeuronBlock

if TYPE_CHECKING:
    from gifpop.engine import Engine
    from gifpop.nest.kernel import Kernel
    from gifpop.typing import Floats, Integers, Synapse


class Arrivals(NamedTuple):
    """What is to arrive at nodes in steps to come: one entry for each connection."""

    steps: Integers
    targets: Integers
    amounts: Floats
    weights: Floats


class LateSpikes:
    """Spikes that NEST has not yet delivered when a run ends, and delivers through the connections of the next.

    NEST delivers the spikes of a slice (the shortest delay) when the next slice begins: a weight or delay that is set
    between two runs acts on the spikes of the last slice too, and so does a new connection of a neuron or population
    that had one. The engine delivers at once; what differs is put right here.

    Parameters
    ----------
    kernel : Kernel
    engine : Engine
    """

    def __init__(self, kernel: Kernel, engine: Engine) -> None:
        self.kernel, self.engine = kernel, engine
        self._steps, self._nodes, self._counts = (np.zeros(0, np.int64) for _ in range(3))
        self._wired = 0  # connections that the engine has
        self._pending: list[Arrivals] = []  # besides

    def take(self, steps: Integers, nodes: Integers, counts: Integers) -> None:
        """Take spikes of a piece of the run: arrays of steps, neurons or populations, and numbers of spikes."""
        self._steps = np.concatenate((self._steps, steps))
        self._nodes = np.concatenate((self._nodes, nodes))
        self._counts = np.concatenate((self._counts, counts))

    def forget(self, slice_steps: int) -> None:
        """Forget spikes of slices before the last."""
        begin = (self.engine.step - 1) // slice_steps * slice_steps
        kept = self._steps >= begin
        self._steps, self._nodes, self._counts = (each[kept] for each in (self._steps, self._nodes, self._counts))

    def on_change(self, numbers: Integers, sign: Literal[-1, 1]) -> None:
        """Take back (sign -1) what connections have delivered of the last slice, or deliver it (1), as they are now."""
        numbers = numbers[numbers < self._wired]
        if len(numbers) and len(self._steps):
            self._redeliver(numbers, sign)

    def _redeliver(self, numbers: Integers, sign: Literal[-1, 1]) -> None:
        table = self.kernel.connections
        sources = table.column("source", numbers)
        late = np.isin(sources, self._nodes)
        numbers, sources = numbers[late], sources[late]
        if not len(numbers):
            return
        targets = table.column("target", numbers)
        delays, weights = table.column("delay", numbers), table.column("weight", numbers)
        cells = ~self.kernel.are_devices(targets)
        for step, node, count in zip(self._steps.tolist(), self._nodes.tolist(), self._counts.tolist(), strict=True):
            k = np.flatnonzero(cells & (sources == node))
            if len(k):
                self._pending.append(Arrivals(step + delays[k], targets[k], sign * count * weights[k], weights[k]))

    def wire(self, groups: dict[int, int]) -> None:
        """Deliver what changed, and late spikes through new connections of nodes that had one, to the engine."""
        table = self.kernel.connections
        if self._wired and len(self._steps) and self._wired < len(table):
            senders = np.unique(self._nodes)
            numbers = table.find(sources=senders)
            sources, cells = table.column("source", numbers), ~self.kernel.are_devices(table.column("target", numbers))
            heard = np.unique(sources[cells & (numbers < self._wired)])
            self._redeliver(numbers[(numbers >= self._wired) & np.isin(sources, heard)], 1)
        for arrivals in self._pending:
            self._deliver(groups, arrivals)
        self._pending.clear()
        self._wired = len(table)

    def _deliver(self, groups: dict[int, int], arrivals: Arrivals) -> None:
        """Let amounts arrive at neurons or populations in steps to come."""
        steps, targets, amounts, weights = arrivals
        excitatory = weights > 0
        by_synapse: dict[Synapse, npt.NDArray[np.bool_]] = {"excitatory": excitatory, "inhibitory": ~excitatory}
        blocks = self.kernel.block_numbers(targets)
        for b in np.unique(blocks).tolist():
            block = self.kernel.blocks[b]
            for kind, chosen in by_synapse.items():
                k = np.flatnonzero((blocks == b) & chosen)
                if isinstance(block, NeuronBlock):
                    units = targets[k] - block.first
                    self.engine.add_input(steps[k], kind, groups[block.first], amounts[k], units)
                    continue
                for place, node in zip(k.tolist(), targets[k].tolist(), strict=True):
                    self.engine.add_input(steps[place], kind, groups[node], amounts[place])
