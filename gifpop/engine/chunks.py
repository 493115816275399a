"""Run in chunks; check for Ctrl-C and update the progress bar between them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from gifpop import _core
from gifpop.engine import threads

if TYPE_CHECKING:
    from tqdm import tqdm
    from typing_extensions import Self

    from gifpop.common.typing import Floats, Integers, Prescribed, Probe, Shorts, Spikes
    from gifpop.engine.engine import Engine
    from gifpop.engine.plan import Plan

SECONDS_PER_CHUNK = 0.02  # between two looks at Ctrl-C and the progress bar
LONGEST_CHUNK = 4096  # steps; bounds the memory of a chunk,
MOST_BYTES = 3.2e7  # and so does this, of what is recorded in it
SECONDS_PER_FIRST_CHUNK = 0.1  # as far as can be told before
SECONDS_PER_SLICE = 0.2  # where even a slice takes longer, a chunk is a part of one
SHOW_PROGRESS_AFTER = 2.0  # s


@dataclass(frozen=True)
class Chunk:
    """A piece of a run.

    Attributes
    ----------
    step : int
        The first one.
    counts : int64 array, shape (steps, groups)
    records : float64 array, shape (steps, probes)
    neurons : dict of int to pair of arrays
        For each group of neurons: steps (int64) and neurons (int32) of its spikes, in order.
    """

    step: int
    counts: Integers
    records: Floats
    neurons: dict[int, Spikes]


class Pace:
    """How many steps to take in a chunk: whole slices, about as many as a look at Ctrl-C may wait for.

    Of records that are large, no more steps than are held at a time.

    Parameters
    ----------
    slice_steps : int
    seconds_per_step : float
        What to expect of the first chunk.
    """

    def __init__(self, slice_steps: int, seconds_per_step: float) -> None:
        self._slice = slice_steps
        longest = slice_steps * (_core.LONGEST_SLICE // slice_steps)
        expected = max(seconds_per_step, 1e-9)
        self._size = min(longest, self._steps(SECONDS_PER_FIRST_CHUNK / expected, expected))

    @contextmanager
    def chunk(self, left: int, most: int = LONGEST_CHUNK) -> Iterator[int]:
        """Yield the steps of the next chunk, at most ``most`` of those that are left; measure it."""
        n, began = min(self._size, left, most), time.perf_counter()
        yield n
        seconds = max(time.perf_counter() - began, 1e-9)
        self._size = self._steps(n * min(4.0, SECONDS_PER_CHUNK / seconds), seconds / n)

    def _steps(self, wanted: float, seconds_per_step: float) -> int:
        """Return a number of steps near to the one wanted: whole slices, or less than one that takes very long."""
        slices = max(1, min(LONGEST_CHUNK // self._slice, int(wanted / self._slice)))
        if slices == 1:
            return max(1, min(self._slice, int(SECONDS_PER_SLICE / seconds_per_step)))
        return self._slice * slices


class Bar:
    """A progress bar that gives up where nothing can be shown: no run ends because of it.

    Parameters
    ----------
    make : callable or None
        Returns what shows the progress; None: nothing does.
    delay : float, s
        After which it is called.
    """

    def __init__(self, make: Callable[[], tqdm[NoReturn]] | None, delay: float) -> None:
        self._make, self._delay, self._began = make, delay, time.perf_counter()
        self._bar: tqdm[NoReturn] | None = None
        self._done = 0
        self.update(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._drop()

    def update(self, n: int = 1) -> None:
        """Go on by ``n`` units."""
        self._done += n
        try:
            if self._bar is not None:
                self._bar.update(n)
            elif self._make is not None and time.perf_counter() >= self._began + self._delay:
                self._show(self._make)
        except Exception:  # the terminal has gone, the file was closed, the notebook's widgets are broken
            self._drop()

    def _show(self, make: Callable[[], tqdm[NoReturn]]) -> None:
        self._make, self._bar = None, make()
        if not self._bar.disable:
            self._bar.start_t -= time.perf_counter() - self._began
            self._bar.n = self._done
            self._bar.refresh()

    def _drop(self) -> None:
        bar, self._bar, self._make = self._bar, None, None
        with suppress(Exception):
            if bar is not None:
                bar.close()


def progress_bar(total: int, label: str, unit: str, progress: bool | None) -> Bar:
    """Return a progress bar; ``progress`` None: where standard error is a terminal, after two seconds."""
    if progress is False or sys.stderr is None:
        return Bar(None, 0.0)

    def make() -> tqdm[NoReturn]:
        from tqdm.auto import tqdm  # slow to import, and few runs are long

        return tqdm(
            total=total,
            desc=label,
            unit=unit,
            unit_scale=True,
            mininterval=0.1,
            leave=bool(progress),
            disable=False if progress else None,
        )

    return Bar(make, 0.0 if progress else SHOW_PROGRESS_AFTER)


class Probing:
    """What to record after each step, and what groups emit instead of what they would.

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
        if not _is_sorted(table):
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
        """Fill in prescribed counts; return for each group of neurons those that are to fire, in order of step."""
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


def advance(engines: Sequence[Engine], n: int, probing: Probing, n_threads: int) -> list[tuple[int, Chunk]]:
    """Run engines with equal groups, all at the same step, through one chunk of the compiled loop.

    They are marked as broken, until whoever calls this has recorded the chunk: what ends it early leaves states that
    are not those of any step, or of a step with what is not recorded.

    Returns
    -------
    list of tuple, one for each engine
        The group that failed, or -1; what it did as a `Chunk`.
    """
    first, groups = engines[0].step, len(engines[0].plans)
    counts = np.zeros((len(engines), n, groups), dtype=np.int64)
    forced = probing.prescribe(counts, first)
    records = np.empty((len(engines), n, len(probing.sorted)))
    cores = [engine.core for engine in engines]
    with threads.team(n_threads) as team:
        for engine in engines:
            engine.broken = "a run was cut short"
        lines, means = (np.array(emitted) for emitted in zip(*(engine.emissions(n) for engine in engines), strict=True))
        outcomes = _core.advance(
            cores, first, lines, means, counts, probing.chosen, forced, probing.sorted, records, team
        )
    neurons = [i for i, plan in enumerate(engines[0].plans) if plan.neurons]
    advanced = []
    for engine, counted, recorded, (failed, done, steps, fired) in zip(engines, counts, records, outcomes, strict=True):
        engine.step += steps if failed < 0 else done  # where the records end
        spikes = _spikes(counted[:done], fired, first, neurons)
        chunk = Chunk(first, counted[:done], probing.as_asked(recorded[:done]), spikes)
        advanced.append((failed, chunk))
    return advanced


def _spikes(counts: Integers, fired: Shorts, first: int, groups: list[int]) -> dict[int, Spikes]:
    """Return the spikes of each group of neurons: their steps and neurons."""
    if not groups:
        return {}
    events = np.repeat(np.arange(len(counts) * len(groups)), counts[:, groups].ravel())
    steps, which = first + events // len(groups), events % len(groups)
    if len(groups) == 1:
        return {groups[0]: (steps, fired)}
    return {group: (steps[which == j], fired[which == j]) for j, group in enumerate(groups)}
