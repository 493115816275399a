"""Spikes that are under way between two runs, and which connections they take."""

import numpy as np

from gifpop.connectivity import receptor


class LateSpikes:
    """Spikes that NEST has not yet delivered when a run ends, and delivers through the connections of the next.

    NEST delivers the spikes of a slice (the shortest delay) when the next slice begins: a weight or delay that is set
    between two runs acts on the spikes of the last slice too, and so does a new connection of a population that had
    one. The engine delivers at once; what differs is put right here.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine):
        self.engine = engine
        self._counts = np.zeros((0, 0), dtype=np.int64)
        self._wired = None

    def take(self, counts, slice_steps):
        """Take the spikes of a piece of the run, which has just ended."""
        if counts.shape[1] != self._counts.shape[1]:
            missing = counts.shape[1] - self._counts.shape[1]
            self._counts = np.pad(self._counts, ((0, 0), (0, missing)))
        n = (self.engine.step - 1) % slice_steps + 1
        self._counts = np.concatenate((self._counts[-n:], counts[-n:]))[-n:]

    def rewire(self, rows, populations):
        """Deliver late spikes through the connections as they are now, instead of as they were."""
        before, self._wired = self._wired, rows.copy()
        if before is None or not len(self._counts):
            return
        heard = {source for source, target in before[["source", "target"]].tolist() if target in populations}
        changed = np.flatnonzero(before != rows[: len(before)])
        for k in changed.tolist():
            self._deliver(before[k], populations, -1)
            self._deliver(rows[k], populations, 1)
        for row in rows[len(before) :]:
            if row["source"] in heard:
                self._deliver(row, populations, 1)

    def _deliver(self, row, populations, sign):
        source, target = populations.get(row["source"]), populations.get(row["target"])
        if source is None or target is None or source >= self._counts.shape[1]:
            return
        first = self.engine.step - len(self._counts)
        for k in np.flatnonzero(self._counts[:, source]).tolist():
            amount = sign * row["weight"] * self._counts[k, source]
            self.engine.add_input(first + k + row["delay"], receptor(row["weight"]), target, amount)
