"""What a run records, and what its groups emit instead of what they would."""

from gifpop import options
from gifpop.recorder import Column, Recorder, place_probes, require_memory


class Recording:
    """The options of a simulation that say what comes in and out beside the network (see `gifpop.Simulation`).

    Attributes
    ----------
    columns : list of Column
        What to record of each population.
    every : int
        Steps between two records of optional variables.
    prescribed : dict of int to array or pair of arrays
        For each group that does not fire by itself (see `gifpop.chunks.Probing`).
    """

    def __init__(self, assembly, record, record_interval, record_neurons, counts, spikes):
        populations, levels, self._dt = assembly.net.populations, assembly.level_names, assembly.dt
        self._names = tuple(populations)
        recordables = {name: level.recordables for name, level in assembly.levels.items()}
        recorded = options.check_record(populations, record, recordables)
        neurons = options.check_neurons(populations, record_neurons)
        self.columns = []
        for name, population in populations.items():
            micro = levels[name] == "micro"
            units = neurons[name] if micro else [0]
            self.columns.append(Column(name, population.N, micro, dict.fromkeys(recorded[name], units)))
        self.every = options.check_interval(record_interval, self._dt)
        prescribed = {
            **options.check_counts(populations, levels, counts),
            **options.check_spikes(populations, levels, spikes, self._dt),
        }
        self.prescribed = {self._names.index(name): values for name, values in prescribed.items()}

    @property
    def probes(self):
        """What to record after each step, as `Engine.run` takes it."""
        return place_probes(self.columns)[0]

    def recorder(self, n, first):
        """Return a recorder for ``n`` steps from step ``first`` on."""
        return Recorder(n, first, self.columns, self.every, self._dt)

    def check(self, n, end, runs=1):
        """Refuse to record ``n`` steps up to step ``end``, of so many runs, where memory or counts do not suffice."""
        for i, values in self.prescribed.items():
            if not isinstance(values, tuple) and len(values) < end:
                raise ValueError(
                    f"Simulation.counts[{self._names[i]!r}] must have an entry for each of the {end} steps "
                    f"simulated, got {len(values)}"
                )
        require_memory(n, self.columns, self.every, runs)
