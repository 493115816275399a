"""Runs: sequences of connection numbers that are computed instead of stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from gifpop.common.remembered import computed_once
from gifpop.common.typing import Integers
from gifpop.nest.errors import require_memory

WRITTEN_OUT = 2**20  # up to this length, the numbers of connections that are not stored are an array


@dataclass(frozen=True)
class Runs:
    """A sequence of connection numbers, run after run; each run has one source.

    Attributes
    ----------
    starts, skips, lengths : int64 array
        Number ``o`` of run ``r`` is ``starts[r] + skips[r] + o``; where the run has a pattern, it is ``starts[r] +
        patterns[pattern_numbers[r]][skips[r] + o]``.
    sources : int64 array
        Nodes.
    pattern_numbers : int64 array
        Index of the pattern of each run; -1: none.
    patterns : sequence of int64 array
    """

    starts: Integers
    skips: Integers
    lengths: Integers
    sources: Integers
    pattern_numbers: Integers
    patterns: Sequence[Integers]

    @classmethod
    def simple(cls, starts: Integers, lengths: Integers, sources: Integers, pattern: Integers | None = None) -> Runs:
        """Return runs without a pattern, or all with the same."""
        pattern_numbers = np.full(len(starts), -1 if pattern is None else 0)
        return cls(
            starts, np.zeros_like(starts), lengths, sources, pattern_numbers, () if pattern is None else (pattern,)
        )

    @classmethod
    def joined(cls, several: Sequence[Runs], keys: Sequence[Integers]) -> Runs:
        """Join several and sort their runs by keys; leave out empty runs."""
        patterns: list[Integers] = []
        pattern_numbers = []
        for runs in several:
            pattern_numbers.append(np.where(runs.pattern_numbers >= 0, runs.pattern_numbers + len(patterns), -1))
            patterns += runs.patterns
        order = np.argsort(np.concatenate(keys), kind="stable")
        lengths = np.concatenate([runs.lengths for runs in several])
        order = order[lengths[order] > 0]
        starts, skips, sources = (
            np.concatenate([getattr(runs, name) for runs in several])[order] for name in ("starts", "skips", "sources")
        )
        return cls(starts, skips, lengths[order], sources, np.concatenate(pattern_numbers)[order], patterns)

    @computed_once
    def ends(self) -> Integers:
        """Places at which the runs end."""
        return np.cumsum(self.lengths)

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def at(self, places: Integers) -> Integers:
        """Return the numbers at some places."""
        run = np.searchsorted(self.ends, places, side="right")
        offsets = places - (self.ends[run] - self.lengths[run]) + self.skips[run]
        for number, pattern in enumerate(self.patterns):
            mine = self.pattern_numbers[run] == number
            offsets[mine] = pattern[offsets[mine]]
        return self.starts[run] + offsets

    def part(self, places: range) -> Places:
        """Return the numbers at a range of places; an array if they are few, or if the step is not 1."""
        if not places or len(places) <= WRITTEN_OUT or places.step != 1:
            require_memory(40.0 * len(places), f"a slice of {len(places)} connections")
            return self.at(np.arange(places.start, places.stop, places.step))
        first, last = np.searchsorted(self.ends, (places.start, places.stop - 1), side="right").tolist()
        chosen = slice(first, last + 1)
        skips, lengths = self.skips[chosen].copy(), self.lengths[chosen].copy()
        before = places.start - int(self.ends[first] - self.lengths[first])
        skips[0] += before
        lengths[0] -= before
        lengths[-1] -= int(self.ends[last]) - places.stop
        return Runs(
            self.starts[chosen], skips, lengths, self.sources[chosen], self.pattern_numbers[chosen], self.patterns
        )

    def is_same(self, other: Runs) -> bool:
        """Return whether the runs are equal; different runs may hold the same numbers."""
        names = ("starts", "skips", "lengths", "pattern_numbers")
        return (
            all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)
            and len(self.patterns) == len(other.patterns)
            and all(np.array_equal(*both) for both in zip(self.patterns, other.patterns, strict=True))
        )

    def chosen(self, which: Integers) -> Runs:
        """Return some of the runs, given by index or mask."""
        return Runs(
            self.starts[which],
            self.skips[which],
            self.lengths[which],
            self.sources[which],
            self.pattern_numbers[which],
            self.patterns,
        )

    def without(self, numbers: Integers) -> Runs:
        """Return ascending runs that have no patterns, split where ascending numbers are left out."""
        starts, ends = self.starts + self.skips, self.starts + self.skips + self.lengths
        which = np.searchsorted(starts, numbers, side="right") - 1
        inside = numbers[(which >= 0) & (numbers < ends[which])]
        pieces = np.sort(np.concatenate((starts, inside + 1)))
        sources = self.sources[np.searchsorted(starts, pieces, side="right") - 1]
        return Runs.simple(pieces, np.sort(np.concatenate((ends, inside))) - pieces, sources)

    def of_sources(self, nodes: Integers) -> Runs:
        """Return the runs of some nodes."""
        return self.chosen(np.flatnonzero(np.isin(self.sources, nodes)))

    def written_out(self, purpose: str) -> Integers:
        """Return all numbers as an array, if they fit in memory; ``purpose`` is for the message."""
        require_memory(60.0 * len(self), f"{purpose}: {len(self)} connections one by one")
        return self.at(np.arange(len(self)))


Places: TypeAlias = Integers | Runs
