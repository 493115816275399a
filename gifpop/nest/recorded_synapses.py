"""Synapses that spikes change, as a weight recorder needs them: with what weight they carry each spike.

The recorder learns of spikes chunk by chunk, but users may set the synapses between two runs. So it keeps copies of
their records, one from the beginning of each run, along which it replays what it has taken. It never changes a copy:
what cannot be written is replayed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop.engine.plasticity import RECORD, release
from gifpop.nest.errors import require_memory
from gifpop.nest.ports import places_among_equals

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.projections import Projection


class RecordedSynapses(NamedTuple):
    """Records of all synapses of a weight recorder without the spikes from a step on.

    ``records`` holds those of each projection, shape (n, 8), and whether each is of a source unit.
    """

    step: int
    records: dict[Projection, tuple[Floats, bool]]

    @classmethod
    def of(cls, projections: Iterable[Projection]) -> RecordedSynapses:
        """Return the present records of projections, as users see them."""
        several = {projection: projection.synapses for projection in projections}
        n = sum(map(len, several.values()))
        require_memory(8.0 * len(RECORD) * n, f"{n} recorded synapses that spikes change")
        step = max((synapses.shown_at for synapses in several.values()), default=0)
        return cls(step, {each: (synapses.shown.copy(), synapses.of_sources) for each, synapses in several.items()})

    def has(self, projection: Projection, k: Integers) -> npt.NDArray[np.bool_]:
        """Return whether there are records of the connections ``k`` of a projection."""
        records, of_sources = self.records.get(projection, (np.zeros((0, len(RECORD))), False))
        return np.full(len(k), True) if of_sources else k < len(records)


class Passage(NamedTuple):
    """Spikes that pass connections ``k`` of a projection in ``steps``; ``spikes`` are their numbers, in order."""

    projection: Projection
    k: Integers
    spikes: Integers
    steps: Integers

    def part(self, chosen: npt.NDArray[np.bool_]) -> Passage:
        """Return some of them."""
        return Passage(self.projection, self.k[chosen], self.spikes[chosen], self.steps[chosen])


class Copies:
    """Copies of the records of a recorder's synapses, each in force for spikes from its step to that of the next.

    Parameters
    ----------
    copies : sequence of RecordedSynapses
        By step. They are not changed.
    dt : float, ms
    """

    def __init__(self, copies: Sequence[RecordedSynapses], dt: float) -> None:
        self._copies = [RecordedSynapses(copy.step, dict(copy.records)) for copy in copies]
        self._dt = dt

    def released(self, passage: Passage) -> Floats:
        """Return what spikes bring, in units of the weight; those that follow find the synapses changed."""
        steps = np.array([copy.step for copy in self._copies])
        which = np.maximum(np.searchsorted(steps, passage.steps, side="right") - 1, 0)
        for number, copy in enumerate(self._copies[:-1]):  # connections made later begin in a later copy
            which[(which == number) & ~copy.has(passage.projection, passage.k)] = number + 1
        found = np.empty(len(which))
        for number in np.unique(which).tolist():
            chosen = which == number
            found[chosen] = self._replay(self._copies[number], passage.part(chosen))
        return found

    def since(self, step: int) -> list[RecordedSynapses]:
        """Return the copies in force for spikes from a step on, when all before it are replayed."""
        past = [copy for copy in self._copies if copy.step <= step]
        return [copy._replace(step=step) for copy in past[-1:]] + self._copies[len(past) :]

    def _replay(self, copy: RecordedSynapses, passage: Passage) -> Floats:
        """Return what spikes release, and put changed records in the place of those of a copy."""
        records, of_sources = copy.records[passage.projection]
        own = passage.projection.records(passage.k, of_sources)
        changed = records.copy()
        keys = own * (int(passage.spikes.max()) + 1) + passage.spikes
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        own, steps = own[first], passage.steps[first]
        ranks = places_among_equals(own)  # all first spikes of the synapses, then all second ones, ...
        brought = np.empty(len(own))
        for each in np.split(np.argsort(ranks, kind="stable"), np.cumsum(np.bincount(ranks))[:-1]):
            part = changed[own[each]]
            brought[each] = release(part, steps[each], self._dt)
            changed[own[each]] = part
        copy.records[passage.projection] = changed, of_sources
        return brought[inverse]
