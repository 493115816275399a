"""What a run records, and what its groups emit instead of what they would."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from gifpop.assembly import requests
from gifpop.assembly.recorder import Column, Recorder, bytes_of_chunks, bytes_of_records, place_probes

if TYPE_CHECKING:
    from gifpop.assembly.assembly import Assembly
    from gifpop.assembly.options import GivenCounts, GivenSpikes, Record, RecordNeurons
    from gifpop.common.typing import Prescribed, Probe
    from gifpop.description import Populations


class Recording:
    """The options of a simulation that say what comes in and out beside the network (see `gifpop.Simulation`).

    Attributes
    ----------
    columns : list of Column
        What to record of each population.
    every : int
        Steps between two records of optional variables.
    prescribed : dict of int to array or pair of arrays
        For each group that does not fire by itself (see `gifpop.engine.chunks.Probing`).
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
            **requests.check_counts(populations, levels, counts),
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

        Parameters
        ----------
        n : int
        at_once : int
            Runs that are under way at a time.
        kept : int
            Runs of which the records are kept besides.
        """
        kept_bytes = kept * bytes_of_records(n, self.columns, self.every, stamped=False)
        return {
            "records": kept_bytes + at_once * bytes_of_records(n, self.columns, self.every),
            "steps under way": bytes_of_chunks(n, self.columns, at_once),
        }
