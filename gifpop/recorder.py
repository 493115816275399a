"""Collects the pieces of a run into arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from gifpop import memory
from gifpop.result import PopulationResult, join_spikes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gifpop.chunks import Chunk
    from gifpop.typing import Integers, Probe, Spikes

Place: TypeAlias = tuple[int, int]  # start and stop among the records


@dataclass(frozen=True)
class Column:
    """What to record of one group.

    Attributes
    ----------
    name : str
    N : int
    neurons : bool
        A group of neurons, not a mesoscopic population.
    variables : dict of str to sequence of int
        Units of which each optional variable is recorded.
    """

    name: str
    N: int
    neurons: bool
    variables: dict[str, Sequence[int] | Integers]


def bytes_of_records(n: int, columns: Sequence[Column], every: int) -> float:
    """Return the memory of records of ``n`` steps; see `Recorder`."""
    always = sum(1 if column.neurons else 2 for column in columns)
    sampled = sum(len(units) for column in columns for units in column.variables.values())
    return 8.0 * (always * n + sampled * (n // every + 1))


def require_memory(n: int, columns: Sequence[Column], every: int, runs: int = 1) -> None:
    """Refuse to hold records of so many runs of ``n`` steps that would not fit in memory; see `Recorder`."""
    memory.require(
        runs * bytes_of_records(n, columns, every),
        f"Simulation.run: records of {n} steps{f', {runs} times' if runs > 1 else ''} (longer record_interval, "
        "fewer variables or shorter runs need less)",
    )


def place_probes(columns: Sequence[Column]) -> tuple[list[Probe], list[list[Place]], list[Place]]:
    """Return what to record after each step as (group, unit, recordable), and where it stands among the records.

    Returns
    -------
    probes : list of tuple
    slots : list of list of (start, stop)
        For each column, the places of each of its variables.
    means : list of (start, stop)
        Those of the expected counts of each population.
    """
    probes: list[Probe] = []

    def place(group: int, name: str, units: Sequence[int] | Integers) -> Place:
        start = len(probes)
        probes.extend((group, unit, name) for unit in units)
        return start, len(probes)

    slots = [[place(i, name, units) for name, units in c.variables.items()] for i, c in enumerate(columns)]
    means = [place(i, "mean", [0]) for i, c in enumerate(columns) if not c.neurons]
    return probes, slots, means


class Recorder:
    """Arrays for one run, filled piece by piece.

    Parameters
    ----------
    n : int
        Steps of the run.
    first : int
        Step at which it begins.
    columns : sequence of Column
        What to record of each group.
    every : int
        Steps between two records of the optional variables.
    dt : float, ms
    """

    def __init__(self, n: int, first: int, columns: Sequence[Column], every: int, dt: float) -> None:
        self._first, self._every, self._dt, self._columns = first, every, dt, columns
        _, self._slots, self._means = place_probes(columns)
        kept = n // every + 1
        self._counts = np.empty((len(columns), n), dtype=np.int64)
        self._mean = np.empty((len(self._means), n))
        self._steps = np.empty(kept, dtype=np.int64)
        self._records = [[np.empty((kept, stop - start)) for start, stop in slots] for slots in self._slots]
        self._spikes: list[dict[int, Spikes]] = []
        self._extent = (0, 0, 0)  # steps, records and pieces of spikes taken

    def take(self, chunk: Chunk) -> None:
        """Copy a piece; of the optional variables those at multiples of the recording interval."""
        (taken, begin, pieces), n = self._extent, len(chunk.counts)
        window = slice(taken, taken + n)
        self._counts[:, window] = chunk.counts.T
        for row, (start, _) in zip(self._mean, self._means, strict=True):
            row[window] = chunk.records[:, start]
        steps = np.arange(chunk.step, chunk.step + n)
        selected = (steps + 1) % self._every == 0
        kept = slice(begin, begin + int(np.count_nonzero(selected)))
        self._steps[kept] = steps[selected]
        for slots, arrays in zip(self._slots, self._records, strict=True):
            for (start, stop), array in zip(slots, arrays, strict=True):
                array[kept] = chunk.records[selected, start:stop]
        self._spikes.append(chunk.neurons)
        self._extent = (window.stop, kept.stop, pieces + 1)  # last, so that a part of a piece is nothing

    def results(self) -> list[PopulationResult]:
        """Return a `PopulationResult` for each group."""
        taken, kept, pieces = self._extent
        means = iter(self._mean[:, :taken])
        results = []
        for i, column in enumerate(self._columns):
            variables = {
                name: array[:kept] if column.neurons else array[:kept, 0]
                for name, array in zip(column.variables, self._records[i], strict=True)
            }
            results.append(
                PopulationResult(
                    column.name,
                    column.N,
                    self._dt,
                    self._first,
                    self._counts[i, :taken],
                    record_steps=self._steps[:kept],
                    variables=variables,
                    mean=None if column.neurons else next(means),
                    spikes=join_spikes([piece[i] for piece in self._spikes[:pieces]]) if column.neurons else None,
                    neurons=next(iter(column.variables.values()), None) if column.neurons else None,
                )
            )
        return results
