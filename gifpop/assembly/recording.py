"""What a run records, prescribed counts and spikes, and the arrays of a run's records."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.assembly import requests
from gifpop.assembly.finished_runs import join_spikes
from gifpop.common import memory
from gifpop.common.grid import ends
from gifpop.engine import chunks
from gifpop.engine.engine import OutOfMemoryError
from gifpop.result import PopulationResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gifpop.assembly.assembly import Assembly
    from gifpop.assembly.options import GivenCounts, GivenSpikes, Record, RecordNeurons
    from gifpop.common.typing import Integers, Prescribed, Probe, Spikes
    from gifpop.description import Populations
    from gifpop.engine.chunks import Chunk

PER_PROBE = 8.0 * 3 + 24  # bytes: its numbers, and what the time loop knows of it
BYTES_BETWEEN_LOOKS = 1.6e7  # of spikes; whether memory suffices for them is looked up after as many more
PER_SPIKE = 8 + 4  # bytes, of a step and a neuron, as it is recorded,
PER_SPIKE_OF_RESULT = 8 + 4 + 8  # and of a step, a neuron and a time, in the result


@dataclass(frozen=True)
class Column:
    """What to record of one group."""

    name: str
    N: int
    neurons: bool  # a group of neurons, not a mesoscopic population
    variables: dict[str, Sequence[int] | Integers]  # units of which each optional variable is recorded


def bytes_of_records(n: int, columns: Sequence[Column], every: int, stamped: bool = True) -> float:
    """Return the memory of records of ``n`` steps, without spikes; see `Recorder`.

    ``stamped``: the steps of records are among them, once for all populations.
    """
    always = sum(1 if column.neurons else 2 for column in columns)
    sampled = sum(len(units) for column in columns for units in column.variables.values())
    return 8.0 * (always * n + (sampled + stamped) * (n // every + 1))


def bytes_of_chunks(n: int, columns: Sequence[Column], runs: int = 1) -> float:
    """Return the memory of the records of two successive chunks of ``n`` steps of parallel runs."""
    probes = sum(len(units) for column in columns for units in (*column.variables.values(), *_mean_of(column)))
    return bytes_of_probes(n, probes, runs)


def bytes_of_probes(n: int, probes: int, runs: int = 1) -> float:
    """Return the memory that recording takes while ``n`` steps are under way; see `bytes_of_chunks`."""
    return PER_PROBE * probes + 2 * 8.0 * runs * probes * min(n, chunks.most_steps(runs * probes))


def place_probes(columns: Sequence[Column]) -> tuple[list[Probe], list[list[slice]], list[slice]]:
    """Return the probes of each step, and their places among the records.

    In order of group and unit, as the time loop writes it: the probes of each column (see
    `gifpop.engine.chunks.Probing`); for each column, the slices of each of its variables, unit after unit; the slices
    of the expected counts of each population.
    """
    probes: list[Probe] = []
    places: list[list[slice]] = []
    means: list[slice] = []
    start = 0
    for i, column in enumerate(columns):
        names = (*column.variables, *([] if column.neurons else ["mean"]))
        units = next(iter((*column.variables.values(), *_mean_of(column))), ())
        stop = start + len(units) * len(names)
        own = [slice(start + j, stop, len(names)) for j in range(len(names))]
        if names:
            probes.append((i, units, names))
        if not column.neurons:
            means.append(own.pop())
        places.append(own)
        start = stop
    return probes, places, means


def _mean_of(column: Column) -> list[Sequence[int]]:
    """Return the units whose expected count is recorded: the unit of a population, none for neurons."""
    return [] if column.neurons else [[0]]


class Recorder:
    """Arrays for one run of ``n`` steps from step ``first`` on, filled piece by piece.

    Optional variables are recorded once in ``every`` steps. ``probes`` are what to record after each step, as
    `Engine.run` takes it.
    """

    def __init__(self, n: int, first: int, columns: Sequence[Column], every: int, dt: float) -> None:
        self._first, self._every, self._dt, self._columns = first, every, dt, columns
        self.probes, self._places, self._means = place_probes(columns)
        kept = n // every + 1
        self._counts = np.empty((len(columns), n), dtype=np.int64)
        self._mean = np.empty((len(self._means), n))
        self._steps = np.empty(kept, dtype=np.int64)
        self._records = [[np.empty((kept, len(units))) for units in column.variables.values()] for column in columns]
        self._spikes: list[dict[int, Spikes]] = []
        self._n_spikes = 0
        self._extent = (0, 0, 0)  # steps, records and pieces of spikes taken

    def take(self, chunk: Chunk) -> None:
        """Copy a piece; optional variables only at multiples of the recording interval."""
        (taken, begin, pieces), n = self._extent, len(chunk.counts)
        window = slice(taken, taken + n)
        self._counts[:, window] = chunk.counts.T
        for row, place in zip(self._mean, self._means, strict=True):
            row[window] = chunk.records[:, place.start]
        selected = slice(-(chunk.step + 1) % self._every, n, self._every)
        steps = np.arange(chunk.step, chunk.step + n)[selected]
        kept = slice(begin, begin + len(steps))
        self._steps[kept] = steps
        for places, arrays in zip(self._places, self._records, strict=True):
            for place, array in zip(places, arrays, strict=True):
                array[kept] = chunk.records[selected, place]
        self._spikes.append(chunk.neurons)
        self._n_spikes += sum(len(steps) for steps, _ in chunk.neurons.values())
        self._extent = (window.stop, kept.stop, pieces + 1)  # last: a piece is taken as a whole or not at all

    @property
    def n_spikes(self) -> int:
        """Number of spikes taken: int."""
        return self._n_spikes

    @property
    def bytes_to_come(self) -> float:
        """Memory that the next steps' records will need in arrays that exist already."""
        taken, n = self._extent[0], self._counts.shape[1]
        return bytes_of_records(n - taken, self._columns, self._every)

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


class SpikeRoom:
    """Monitors memory for the spikes of runs, whose number is not known in advance.

    ``recorded`` and ``in_result`` are the bytes of a spike while the run is under way, and those besides when a result
    is made of it; ``where`` begins messages.
    """

    def __init__(self, where: str, recorded: float = PER_SPIKE, in_result: float = PER_SPIKE_OF_RESULT) -> None:
        self._where, self._recorded, self._in_result = where, recorded, in_result
        self._known = self._seen = 0

    def check(self, spikes: int, bytes_to_come: float = 0.0) -> None:
        """Raise OutOfMemoryError while there is still room to make a result of the records.

        ``spikes`` have been recorded until now; ``bytes_to_come`` is what else the run will take.
        """
        chunk, self._seen = spikes - self._seen, spikes
        if self._recorded * (spikes - self._known) < BYTES_BETWEEN_LOOKS:
            return
        self._known = spikes
        ahead = max(BYTES_BETWEEN_LOOKS / self._recorded, chunk)  # until there is another look
        needs = {
            "spikes": self._in_result * spikes + (self._recorded + self._in_result) * ahead,
            "records": bytes_to_come,
        }
        try:
            memory.require(needs, f"{self._where}: a result with {spikes} spikes, recorded until now,")
        except MemoryError as error:
            raise OutOfMemoryError(f"{error}; what was recorded is kept") from None


class Recording:
    """The options of a simulation for records and prescribed activity (see `gifpop.Simulation`).

    Its ``columns`` are what to record of each population, optional variables once in ``every`` steps; ``prescribed`` is
    for each group that does not fire by itself (see `gifpop.engine.chunks.Probing`).
    """

    def __init__(
        self,
        assembly: Assembly,
        record: Record,
        record_interval: float | None,
        record_neurons: RecordNeurons,
        counts: GivenCounts,
        spikes: GivenSpikes,
    ) -> None:
        populations, levels, self._dt = assembly.net.populations, assembly.level_names, assembly.options.dt
        self._names, self._levels, self._neurons = tuple(populations), levels, record_neurons
        recordables = {name: level.recordables for name, level in assembly.levels.items()}
        self._recorded = requests.check_record(populations, record, recordables)
        self.columns = self._make_columns(populations)
        self.every = requests.check_interval(record_interval, self._dt)
        prescribed: dict[str, Prescribed] = {
            **requests.check_counts(populations, levels, counts, assembly.drawn),
            **requests.check_spikes(populations, levels, spikes, self._dt),
        }
        self.prescribed = {self._names.index(name): values for name, values in prescribed.items()}

    def _make_columns(self, populations: Populations) -> list[Column]:
        neurons = requests.check_neurons(populations, self._neurons)
        columns: list[Column] = []
        for name, population in populations.items():
            micro = self._levels[name] == "micro"
            units = neurons[name] if micro else [0]
            columns.append(Column(name, population.N, micro, dict.fromkeys(self._recorded[name], units)))
        return columns

    def changed(self, populations: Populations) -> Recording:
        """Return the recording of populations whose sizes may have changed."""
        for i, values in self.prescribed.items():
            requests.check_size(populations[self._names[i]], values)
        new = copy.copy(self)
        new.columns = self._make_columns(populations)
        return new

    def options(self) -> dict[str, Any]:
        """Return the options of an equal recording."""
        prescribed = {self._names[i]: values for i, values in self.prescribed.items()}
        spikes = {name: values for name, values in prescribed.items() if isinstance(values, tuple)}
        return {
            "record": self._recorded,
            "record_interval": self.every * self._dt,
            "record_neurons": self._neurons,
            "counts": {name: values for name, values in prescribed.items() if name not in spikes},
            "spikes": {name: (ends(steps, self._dt), neurons) for name, (steps, neurons) in spikes.items()},
        }

    @property
    def probes(self) -> list[Probe]:
        """What to record after each step, as `Engine.run` takes it."""
        return place_probes(self.columns)[0]

    def recorder(self, n: int, first: int) -> Recorder:
        """Return a recorder for ``n`` steps from step ``first`` on."""
        return Recorder(n, first, self.columns, self.every, self._dt)

    def check(self, end: int) -> None:
        """Refuse to go on to step ``end`` where given counts do not suffice."""
        for i, values in self.prescribed.items():
            if not isinstance(values, tuple) and len(values) < end:
                raise ValueError(
                    f"Simulation.counts[{self._names[i]!r}] must have an entry for each of the {end} steps "
                    f"simulated, got {len(values)}"
                )

    def needs(self, n: int, at_once: int = 1, kept: int = 0) -> dict[str, float]:
        """Return the memory, in bytes, that records of ``n`` steps take, by part.

        ``at_once`` runs are under way at a time; the records of ``kept`` runs are kept besides.
        """
        kept_bytes = kept * bytes_of_records(n, self.columns, self.every, stamped=False)
        return {
            "records": kept_bytes + at_once * bytes_of_records(n, self.columns, self.every),
            "steps under way": bytes_of_chunks(n, self.columns, at_once),
        }
