"""weight_recorder: the spikes that connections carry, with their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.nest.errors import require_memory
from gifpop.nest.projections import among, ranges
from gifpop.nest.recorded_synapses import Copies, Passage, RecordedSynapses
from gifpop.nest.recorders import RecorderBlock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.connections import ConnectionTable
    from gifpop.nest.recorders import Piece

PER_EVENT = 150.0  # bytes while events are put together,
PER_PLASTIC_EVENT = 120.0  # and more where spikes change synapses


class WeightRecorderBlock(RecorderBlock):
    """weight_recorder: one entry for each spike and each connection that carries it, as it is when it is delivered.

    NEST delivers the spikes of a slice when the next one begins, so those of the last slice are missing until the
    simulation goes on.

    Attributes
    ----------
    taken : list of list of (int array, int array) or RecordedSynapses
        Senders and stamps of spikes that are not yet events, for each device; synapses that spikes change, as they find
        them from a step on.
    connections : ConnectionTable
    """

    connections: ConnectionTable

    def variables(self, i: int) -> Sequence[str]:
        return "weights", "targets", "receptors", "ports"

    def take(self, i: int, senders: Integers, stamps: Integers) -> None:
        """Take spikes of neurons or populations: senders and stamps (arrays)."""
        if len(stamps):
            self.taken[i].append((senders, stamps))

    def forget(self, i: int, first: int, n: int) -> None:
        """Forget spikes of ``n`` nodes that are not yet events."""
        kept: list[Any] = []
        for each in self.taken[i]:
            if not _are_synapses(each):
                others = (each[0] < first) | (each[0] >= first + n)
                each = each[0][others], each[1][others]
            kept.append(each)
        self.taken[i] = kept

    def begin(self, i: int, synapses: RecordedSynapses) -> None:
        """Take the synapses that spikes change as a run finds them, instead of what was known of the same steps."""
        known = [each for each in self.taken[i] if not (_are_synapses(each) and each.step >= synapses.step)]
        self.taken[i] = [*known, synapses]

    def due(self, i: int, slice_steps: int, ended: bool) -> tuple[Piece | None, list[Any]]:
        until = (-(-self.clock.step // slice_steps) - 1) * slice_steps
        spikes = [each for each in self.taken[i] if not _are_synapses(each)]
        copies = Copies([each for each in self.taken[i] if _are_synapses(each)], self.clock.resolution)
        if not spikes:
            return None, copies.since(until)
        senders, stamps = (np.concatenate(column) for column in zip(*spikes, strict=True))
        late = stamps > until
        piece = self._delivered(i, senders[~late], stamps[~late], slice_steps, copies)
        left = [(senders[late], stamps[late])] if np.any(late) else []
        return piece, [*copies.since(until), *left]

    def _delivered(self, i: int, senders: Integers, stamps: Integers, slice_steps: int, copies: Copies) -> Piece | None:
        """Return the events of spikes that were delivered; None if there are none."""
        table, numbers = self.connections, self._carriers(i, np.unique(senders))
        sources = table.column("source", numbers)
        first, end = (np.searchsorted(sources, senders, side=side) for side in ("left", "right"))
        n = int(np.sum(end - first))
        if not n:
            return None
        require_memory(PER_EVENT * n, f"{self.model.name} {self.first + i}: {n} events")
        carriers, which = numbers[ranges(first, end)], np.repeat(np.arange(len(senders)), end - first)
        variables: dict[str, Any] = {
            "weights": self._weights(carriers, which, stamps[which] - 1, copies),
            "targets": table.column("target", carriers),
            "receptors": table.column("receptor", carriers).astype(np.int64),
            "ports": table.ports(carriers, self.threads),
        }
        return self.piece(i, stamps[which], senders[which], senders[which], slice_steps, variables)

    def _weights(self, carriers: Integers, spikes: Integers, steps: Integers, copies: Copies) -> Floats:
        """Return the weights with which spikes, given by number and step, arrive through connections."""
        weights: Floats = self.connections.column("weight", carriers)
        for projection, k, places in self.connections.split(carriers):
            if projection.is_plastic:
                require_memory(PER_PLASTIC_EVENT * len(k), f"{len(k)} events of synapses that spikes change")
                weights[places] *= copies.released(Passage(projection, k, spikes[places], steps[places]))
        return weights

    def _carriers(self, i: int, senders: Integers) -> Integers:
        """Return the connections of some senders that the ``i``-th device records, sorted by source."""
        table, chosen, targets = self.connections, self.columns["senders"][i], self.columns["targets"][i]
        numbers = table.recorded_by(self.first + i, senders[among(senders, chosen)] if len(chosen) else senders)
        return numbers[among(table.column("target", numbers), targets)] if len(targets) else numbers


def _are_synapses(taken: object) -> TypeGuard[RecordedSynapses]:
    """Return whether a recorder has taken synapses, not spikes."""
    return isinstance(taken, RecordedSynapses)
