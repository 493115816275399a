"""weight_recorder: the spikes that connections carry, with their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.nest.errors import require_memory
from gifpop.nest.projections import among, ranges
from gifpop.nest.recorders import RecorderBlock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gifpop.common.typing import Integers
    from gifpop.nest.connections import ConnectionTable
    from gifpop.nest.recorders import Piece

PER_EVENT = 150.0  # bytes while events are put together


class WeightRecorderBlock(RecorderBlock):
    """weight_recorder: one entry for each spike and each connection that carries it, as it is when it is delivered.

    NEST delivers the spikes of a slice when the next one begins, so those of the last slice are missing until the
    simulation goes on.

    Attributes
    ----------
    taken : list of list of (int array, int array)
        Senders and stamps of spikes that are not yet events, for each device.
    connections : ConnectionTable
    """

    connections: ConnectionTable

    def variables(self, i: int) -> Sequence[str]:
        return "weights", "targets", "receptors", "ports"

    def take(self, i: int, senders: Integers, stamps: Integers) -> None:
        """Take spikes of neurons or populations: senders and stamps (arrays)."""
        if len(stamps):
            self.taken[i].append((senders, stamps))

    def due(self, i: int, slice_steps: int, ended: bool) -> tuple[Piece | None, list[Any]]:
        until = (-(-self.clock.step // slice_steps) - 1) * slice_steps
        if not self.taken[i]:
            return None, []
        senders, stamps = (np.concatenate(column) for column in zip(*self.taken[i], strict=True))
        late = stamps > until
        left = [(senders[late], stamps[late])] if np.any(late) else []
        return self._delivered(i, senders[~late], stamps[~late], slice_steps), left

    def _delivered(self, i: int, senders: Integers, stamps: Integers, slice_steps: int) -> Piece | None:
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
            "weights": table.column("weight", carriers),
            "targets": table.column("target", carriers),
            "receptors": table.column("receptor", carriers).astype(np.int64),
            "ports": table.ports(carriers, self.threads),
        }
        return self.piece(i, stamps[which], senders[which], senders[which], slice_steps, variables)

    def _carriers(self, i: int, senders: Integers) -> Integers:
        """Return the connections of some senders that the ``i``-th device records, sorted by source."""
        table, chosen, targets = self.connections, self.columns["senders"][i], self.columns["targets"][i]
        numbers = table.recorded_by(self.first + i, senders[among(senders, chosen)] if len(chosen) else senders)
        return numbers[among(table.column("target", numbers), targets)] if len(targets) else numbers
