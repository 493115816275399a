"""Chunks of a run, between which it checks Ctrl-C and updates the progress bar: their length, and their records."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop import _core

if TYPE_CHECKING:
    from typing_extensions import Self

    from gifpop.common.typing import Floats, Integers, Prescribed, Probe, Shorts, Spikes
    from gifpop.engine.plan import Plan

SECONDS_PER_CHUNK = 0.02  # between two looks at Ctrl-C and the progress bar
LONGEST_CHUNK = 4096  # steps; bounds the memory of a chunk,
MOST_BYTES = 3.2e7  # and so does this, of what is recorded in it
SECONDS_PER_FIRST_CHUNK = 0.1  # as far as can be told before
SECONDS_PER_SLICE = 0.2  # where even a slice takes longer, a chunk is a part of one


class Chunk(NamedTuple):
    """A piece of a run."""

    step: int  # the first one
    counts: Integers  # shape (steps, groups)
    records: Floats  # shape (steps, probes)
    neurons: dict[int, Spikes]  # of each group of neurons or relays, steps and units of its spikes, in order
    repeats: dict[int, Integers]  # of each group of relays, how many spikes each of these entries stands for


class Pace:
    """The number of steps of a chunk: whole slices, as many as a check of Ctrl-C can wait for.

    Of records that are large, no more steps than are held at a time. Before any was measured, steps take
    ``seconds_per_step``.
    """

    def __init__(self, slice_steps: int, seconds_per_step: float) -> None:
        self._slice = slice_steps
        longest = slice_steps * (_core.LONGEST_SLICE // slice_steps)
        expected = max(seconds_per_step, 1e-9)
        self._size = min(longest, self._steps(SECONDS_PER_FIRST_CHUNK / expected, expected))

        self._steps_now, self._began = 0, 0.0

    def chunk(self, left: int, most: int = LONGEST_CHUNK) -> Self:
        """Choose the steps of the next chunk, at most ``most`` of those that are ``left``.

        To be entered: returns this number, and measures how long the block takes.
        """
        self._steps_now = min(self._size, left, most)
        return self

    def __enter__(self) -> int:
        self._began = time.perf_counter()
        return self._steps_now

    def __exit__(self, *error: object) -> None:
        n, seconds = self._steps_now, max(time.perf_counter() - self._began, 1e-9)
        self._size = self._steps(n * min(4.0, SECONDS_PER_CHUNK / seconds), seconds / n)

    def _steps(self, wanted: float, seconds_per_step: float) -> int:
        """Return a number of steps near to the one wanted: whole slices, or less than one that takes very long."""
        slices = max(1, min(LONGEST_CHUNK // self._slice, int(wanted / self._slice)))
        if slices == 1:
            return max(1, min(self._slice, int(SECONDS_PER_SLICE / seconds_per_step)))
        return self._slice * slices


class Probing:
    """What to record after each step, and prescribed counts and spikes of groups.

    Parameters
    ----------
    plans : sequence of gifpop.engine.plan.Plan
    probes : sequence of (group, units, recordables)
        One or several units, and one or several recordables of each of them, unit after unit.
    prescribed : dict of int to array or pair of arrays
        For a population, counts, entry ``k`` for step ``k`` of the simulation; for neurons, steps in order and the
        neurons that fire in them.
    """

    def __init__(
        self, plans: Sequence[Plan], probes: Sequence[Probe] = (), prescribed: Mapping[int, Prescribed] | None = None
    ) -> None:
        table = _numbered(plans, probes)
        self._places: Integers | None = None
        if len(table) and not _is_sorted(table):
            order = np.lexsort((table[:, 1], table[:, 0]))
            self._places, table = np.argsort(order), table[order]
        self.sorted = table
        self._prescribed = prescribed or {}
        self.chosen = np.zeros(len(plans), dtype=np.uint8)
        self.chosen[list(self._prescribed)] = 1

    def most_steps(self, runs: int = 1) -> int:
        """Return how many steps of as many runs a chunk may have, for its records not to take much memory."""
        return most_steps(len(self.sorted) * runs)

    def as_asked(self, records: Floats) -> Floats:
        """Return records of the sorted probes in the order in which they were asked for."""
        return records if self._places is None else records[:, self._places]

    def prescribe(self, counts: Integers, first: int) -> dict[int, Shorts]:
        """Fill in prescribed counts; return the prescribed spikes of each group of neurons, in order of step."""
        n: int = counts.shape[1]
        forced = {}
        for i, values in self._prescribed.items():
            if isinstance(values, tuple):
                begin, end = np.searchsorted(values[0], (first, first + n))
                counts[:, :, i] = np.bincount(values[0][begin:end] - first, minlength=n)
                forced[i] = np.ascontiguousarray(values[1][begin:end], dtype=np.int32)
            else:
                counts[:, :, i] = values[first : first + n]
        return forced


def most_steps(probes: int) -> int:
    """Return how many steps a chunk may have in which as many probes are recorded."""
    return max(1, min(LONGEST_CHUNK, int(MOST_BYTES / (8.0 * max(probes, 1)))))


def _numbered(plans: Sequence[Plan], probes: Sequence[Probe]) -> Integers:
    """Return group, unit and number of the recordable of each probe, int64 array of shape (probes, 3)."""
    blocks = [
        (
            i,
            units if isinstance(units, Sequence | np.ndarray) else (units,),
            (names,) if isinstance(names, str) else names,
        )
        for i, units, names in probes
    ]
    table = np.empty((sum(len(units) * len(names) for _, units, names in blocks), 3), dtype=np.int64)
    end = 0
    for i, units, names in blocks:
        begin, end = end, end + len(units) * len(names)
        block = table[begin:end].reshape(len(units), len(names), 3)
        block[..., 0], block[..., 1] = i, np.asarray(units)[:, np.newaxis]
        block[..., 2] = [plans[i].recordables.index(name) for name in names]
    return table


def _is_sorted(table: Integers) -> bool:
    """Return whether probes are in order of group and unit."""
    (groups, units), later = table[:-1, :2].T, table[1:, :2].T
    return bool(np.all((groups < later[0]) | ((groups == later[0]) & (units <= later[1]))))
