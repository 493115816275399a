"""Results of a simulation: numpy arrays with their time stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from gifpop import export
from gifpop.common import seeds
from gifpop.common.grid import ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import neo
    import numpy.typing as npt
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    from gifpop.common.typing import Arrays, Floats, Integers, Level, Shorts, Spikes, Table
    from gifpop.description import Population


class PopulationResult:
    """The records of one population.

    Recorded variables are attributes, with one entry per time of `t_record`. A mesoscopic population has
    one-dimensional float64 arrays: any of ``V_m``, ``E_sfa`` (mV) and ``I_syn_NAME`` of each receptor, such as
    ``I_syn_ex`` (pA). A microscopic one has float64 arrays of shape (times, recorded neurons): any of these, and
    ``I_stc`` (pA).

    With trials, all arrays except `t` and `t_record` have a leading dimension for them; `spikes` is a list with one
    pair of arrays per trial.

    Parameters
    ----------
    name : str
        Name of the population.
    N : int, or int64 array of one entry per step
        Number of neurons; an array if it changed between joined runs.
    dt : float, ms
        Step.
    first : int
        Index of the first recorded step.
    counts : int64 array
        Spikes per step.
    record_steps : int64 array
        Steps after which variables were recorded.
    variables : dict of str to float64 array
        Records of each variable.
    mean : float64 array or None
        Expected spikes per step; None at the microscopic level.
    spikes : pair of arrays, list of pairs, or None
        Steps (int64) and neurons (int32) of all spikes, in order of time; with trials, one pair for each. None at the
        mesoscopic level.
    neurons : int64 array or None
        Indices of the neurons whose variables were recorded; None at the mesoscopic level.

    Attributes
    ----------
    spikes : pair of arrays
        Times (ms, float64) and neurons (int32) of all spikes, in order of time; only at the microscopic level.
    """

    mean: Floats
    spikes: Any  # a pair of times and neurons, or with trials a list of pairs, which types cannot tell apart
    neurons: Integers

    def __init__(
        self,
        name: str,
        N: int | Integers,
        dt: float,
        first: int,
        counts: Integers,
        record_steps: Integers,
        variables: Arrays,
        mean: Floats | None = None,
        spikes: Spikes | list[Spikes] | None = None,
        neurons: Sequence[int] | Integers | None = None,
    ) -> None:
        self.name, self.N, self.dt = name, N, dt
        self.counts = counts
        self._first, self._record_steps, self._variables, self._spikes = first, record_steps, variables, spikes
        if mean is not None:
            self.mean = mean
        if spikes is not None:
            self.spikes = _in_ms(spikes, dt) if isinstance(spikes, tuple) else [_in_ms(each, dt) for each in spikes]
            self.neurons = np.zeros(0, dtype=np.int64) if neurons is None else np.asarray(neurons)

    def __repr__(self) -> str:
        return f"<gifpop.PopulationResult {self.name!r}: {_extent(self.counts)}, {', '.join(self.recorded)}>"

    def __getattr__(self, name: str) -> Floats:
        if name.startswith("_") or "_variables" not in self.__dict__:  # while it is being copied
            raise AttributeError(name)
        if name not in self._variables:
            raise AttributeError(
                f"population {self.name!r} has no recorded variable {name!r}; it has {', '.join(self.recorded)} "
                f"(see the options level and record of simulate)"
            )
        return self._variables[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._variables]

    @property
    def level(self) -> Level:
        """Level of description, ``"meso"`` or ``"micro"``: str."""
        return "meso" if self._spikes is None else "micro"

    @property
    def arrays(self) -> Arrays:
        """Records of every step, or of every time of `t_record`, by name: dict of str to array."""
        always = {"counts": self.counts} | ({"mean": self.mean} if self.level == "meso" else {})
        return always | self._variables

    def with_arrays(
        self,
        arrays: Arrays,
        spikes: Spikes | list[Spikes] | None = None,
        record_steps: Integers | None = None,
        N: int | Integers | None = None,
    ) -> PopulationResult:
        """Return a copy with other records.

        Parameters
        ----------
        arrays : dict of str to array
            Replaces `arrays`; has the same names.
        spikes : pair of int arrays, list of pairs, or None
            Steps and neurons of spikes; None for a mesoscopic population.
        record_steps : int64 array or None
            Steps after which variables were recorded; None keeps them.
        N : int, int64 array or None
            Number of neurons; None keeps it.

        Returns
        -------
        PopulationResult
            The copy.
        """
        variables = {name: arrays[name] for name in self._variables}
        record_steps = self._record_steps if record_steps is None else record_steps
        N = self.N if N is None else N
        return PopulationResult(
            self.name,
            N,
            self.dt,
            self._first,
            arrays["counts"],
            record_steps,
            variables,
            arrays.get("mean"),
            spikes,
            getattr(self, "neurons", None),
        )

    def _trial(self, place: int) -> PopulationResult:
        """Return the records of one of several trials; its arrays are views."""
        spikes = self._spikes[place] if isinstance(self._spikes, list) else None
        return self.with_arrays({name: values[place] for name, values in self.arrays.items()}, spikes)

    @property
    def recorded(self) -> tuple[str, ...]:
        """Names of all records: tuple of str."""
        return ("counts", "mean" if self._spikes is None else "spikes", *self._variables)

    @property
    def largest_N(self) -> int:
        """Number of neurons, the largest if it changed between runs: int."""
        return int(np.max(self.N))

    @property
    def n_events(self) -> Integers:
        """Spikes per step: NEST's name of ``counts``."""
        return self.counts

    @property
    def t(self) -> Floats:
        """Time stamps of ``counts`` and ``mean``, the ends of the steps, ms: float64 array."""
        return ends(self._first + np.arange(self.counts.shape[-1]), self.dt)

    @property
    def t_record(self) -> Floats:
        """Time stamps of the recorded variables, ms: float64 array."""
        return ends(self._record_steps, self.dt)

    @property
    def activity(self) -> Floats:
        """Population activity A_N, spikes/s: float64 array of one entry per step."""
        return self.counts * (1e3 / (self.N * self.dt))

    @property
    def rate(self) -> Floats:
        """Expected activity, spikes/s: float64 array of one entry per step; only at the mesoscopic level.

        It can be negative (finite-size correction).
        """
        return self.mean * (1e3 / (self.N * self.dt))


class Named(Protocol):
    """Has the name of a population."""

    name: str


OfPopulation = TypeVar("OfPopulation", bound=Named)


class ByPopulation(Generic[OfPopulation]):
    """One entry per population; index it with a population or its name."""

    def __init__(self, populations: Iterable[OfPopulation]) -> None:
        self._populations = {p.name: p for p in populations}

    def __getitem__(self, population: Population | str) -> OfPopulation:
        name = getattr(population, "name", population)
        if name not in self._populations:
            raise KeyError(f"no population {name!r}; there are {', '.join(map(repr, self.names))}")
        return self._populations[name]

    def __iter__(self) -> Iterator[OfPopulation]:
        return iter(self._populations.values())

    def __len__(self) -> int:
        return len(self._populations)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the populations, in the order of the columns: tuple of str."""
        return tuple(self._populations)


class Result(ByPopulation[PopulationResult]):
    """The result of a simulation.

    Index it with a population or its name for a `PopulationResult`. With trials, all arrays except `t` have a leading
    dimension for them.

    Parameters
    ----------
    populations : sequence of PopulationResult
        One for each population, in the order of the columns below.
    dt : float, ms
        Step.
    level : str, or dict of str to str
        ``"meso"`` or ``"micro"``; a dict by population if it was given as one.
    seed, network_seed : numpy.random.SeedSequence
        Seeds with which `gifpop.Simulation` repeats the run from the initial state.
    first : int
        Index of the first recorded step.
    trials : int64 array or None
        Numbers of the trials; None for a single run.

    Attributes
    ----------
    names : tuple of str
        Names of the populations, in the order of the columns below.
    """

    def __init__(
        self,
        populations: Iterable[PopulationResult],
        dt: float,
        level: Level | dict[str, Level],
        seed: np.random.SeedSequence,
        network_seed: np.random.SeedSequence,
        first: int,
        trials: Integers | None = None,
    ) -> None:
        super().__init__(populations)
        self.dt, self.level, self.seed, self.network_seed, self._first = dt, level, seed, network_seed, first
        self.trials = trials

    def __repr__(self) -> str:
        extent = _extent(next(iter(self)).counts)
        return f"<gifpop.Result: {extent} of {self.dt} ms, populations {', '.join(self.names)}>"

    @property
    def t(self) -> Floats:
        """Time stamps, the ends of the steps, ms: float64 array of length T."""
        return next(iter(self)).t

    @property
    def seeds(self) -> list[np.random.SeedSequence] | None:
        """Seeds with which `gifpop.Simulation` repeats each trial: list of SeedSequence, or None without trials."""
        return None if self.trials is None else [seeds.trial(self.seed, number) for number in self.trials.tolist()]

    def trial(self, number: int) -> Result:
        """Return one of several trials.

        Parameters
        ----------
        number : int
            Number of the trial, one of ``trials``.

        Returns
        -------
        Result
            Result of a single run; its arrays are views.

        Raises
        ------
        ValueError
            If there is no trial with this number.
        """
        if self.trials is None or number not in self.trials:
            known = "no trials" if self.trials is None else f"{len(self.trials)} trials, {self.trials}"
            raise ValueError(f"Result.trial: number must be of a trial of this result ({known}), got {number!r}")
        place = int(np.flatnonzero(self.trials == number)[0])
        seed = seeds.trial(self.seed, number)
        return Result([p._trial(place) for p in self], self.dt, self.level, seed, self.network_seed, self._first)

    @property
    def counts(self) -> Integers:
        """Spikes per step: int64 array, shape (T, populations)."""
        return self._columns("counts")

    @property
    def activity(self) -> Floats:
        """Population activities A_N, spikes/s: float64 array, shape (T, populations)."""
        return self._columns("activity")

    @property
    def rate(self) -> Floats:
        """Expected activities, spikes/s: float64 array, shape (T, populations); NaN for neurons."""
        columns = [p.rate if p.level == "meso" else np.full(p.counts.shape, np.nan) for p in self]
        return np.stack(columns, axis=-1)

    def _columns(self, name: str) -> npt.NDArray[Any]:
        return np.stack([getattr(p, name) for p in self], axis=-1)

    def plot(self, bin: float = 1.0, figure: Figure | None = None) -> Figure:
        """Plot activities and expected activities against time; with trials, means and standard deviations.

        `gifpop.plot` has more plots, which draw into axes.

        Parameters
        ----------
        bin : float, ms
            Width of the bins over which to average, rounded to steps, at least one.
        figure : matplotlib.figure.Figure, optional
            Where to draw; by default a new pyplot figure.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from gifpop.plot import figures  # they draw results, so they import this module

        return figures.overview(self, bin, figure)

    def to_xarray(self) -> xr.Dataset:
        """Return the result as an xarray dataset, ready for `to_netcdf` and `to_zarr`.

        Returns
        -------
        xarray.Dataset
            ``counts`` (1), ``activity`` and ``rate`` (Hz; NaN for neurons)
                (time, population).
            ``V_m``, ... of mesoscopic populations (mV, pA), if recorded
                (time, population); NaN for populations without this record.
            ``V_m_E``, ... of the neurons of population "E", if recorded
                (time, neuron_E).
            ``spike_time_E`` (ms) of the neurons of population "E"
                (spikes_E), in order of time, with the coordinate ``spike_neuron_E``.

            The coordinates ``N`` and ``level`` belong to ``population``. Variables that were not recorded at every step
            have the dimension ``time_record`` instead of ``time``. The dimension ``trial`` comes first; spikes of
            successive trials follow each other, with the coordinate ``spike_trial_E``. In names of variables, "_"
            replaces everything but letters and digits ("2/3E": ``V_m_2_3E``); the attribute ``population`` has the
            original name. All have attributes ``units`` and ``long_name``. The dataset has the attributes ``source``,
            ``dt`` (ms), ``level``, and ``seed`` and ``network_seed`` (Python expressions that repeat the run with
            `Simulation`).

        Raises
        ------
        ImportError
            If xarray is missing; ``pip install 'gifpop[export]'`` installs it.

        Notes
        -----
        Variables of neurons are not copied. NetCDF 3, which is all that `to_netcdf` can write without further packages,
        has 32-bit integers; xarray refuses to write larger counts or numbers of neurons.

        Examples
        --------
        >>> import gifpop as gp
        >>> net = gp.models.brunel()
        >>> data = net.simulate(100.0, dt=0.5, seed=1).to_xarray()
        >>> dict(data.activity.sizes)
        {'time': 200, 'population': 2}
        >>> data.rate.sel(population="E", time=slice(50.0, None)).attrs["units"]
        'Hz'
        """
        return export.to_xarray(self)

    def to_neo(self) -> neo.Block:
        """Return the result as a Neo block, for Elephant and the file formats of Neo.

        Returns
        -------
        neo.Block
            A block with one `Segment`, or one per trial (annotation ``trial``). Each has

            - an `AnalogSignal` named ``activity`` and, with mesoscopic populations, one named ``rate`` (Hz), with one
              channel per population (array annotation ``population``);
            - an `AnalogSignal` for each recorded variable of each population (mV, pA), named after the variable,
              annotated with ``population``, with one channel per recorded neuron (array annotation ``neuron``);
            - a `SpikeTrain` (ms) for each neuron, silent ones included, annotated with ``population`` and ``neuron``,
              in the order of populations and neurons.

            The block's annotations are the attributes of the dataset of `to_xarray`.

        Raises
        ------
        ImportError
            If neo is missing; ``pip install 'gifpop[export]'`` installs it.

        Notes
        -----
        Signals are sampled at the ends of steps. Neurons fire at the ends of steps, too, so that a spike train starts
        with the run, one step before the first sample, and may have a spike at its ``t_stop``. Elephant's bins include
        their left edge but not the right one: with bins of dt its counts come one step after those of the result, and
        it drops the spikes of the last step, with a warning.

        Examples
        --------
        >>> import gifpop as gp
        >>> net = gp.models.brunel()
        >>> block = net.simulate(100.0, dt=0.5, level="micro", seed=1).to_neo()
        >>> len(block.segments[0].spiketrains)
        1000
        >>> trains = block.filter(population="I", objects="SpikeTrain")
        >>> len(trains), trains[0].name, trains[0].t_stop.item()
        (200, 'I[0]', 100.0)
        """
        return export.to_neo(self)

    def to_dataframe(self, table: Table = "activity") -> pd.DataFrame:
        """Return part of the result as a pandas table.

        Parameters
        ----------
        table : {"activity", "recorded", "spikes"}
            ``"activity"``: one row per step; columns (population, variable): ``counts`` (int64), ``activity`` and, for
            mesoscopic populations, ``rate`` (Hz). ``"recorded"``: one row per time of record; columns (population,
            variable) of recorded variables (mV, pA), or (population, variable, neuron) if some are of neurons, with ""
            as the neuron of mesoscopic populations. ``"spikes"``: one row per spike; columns ``population``
            (categorical), ``trial`` if there are trials, ``time`` (ms) and ``neuron``; sorted by the first three.

        Returns
        -------
        pandas.DataFrame
            The first two tables are indexed by ``time`` (ms), or by (``trial``, ``time``). ``attrs`` are those of the
            dataset of `to_xarray`.

        Raises
        ------
        ImportError
            If pandas is missing; ``pip install 'gifpop[export]'`` installs it.
        ValueError
            If no variable was recorded (``"recorded"``) or no population is microscopic (``"spikes"``).

        Examples
        --------
        >>> import gifpop as gp
        >>> net = gp.models.brunel()
        >>> result = net.simulate(100.0, dt=0.5, seed=1, record={"E": ["V_m"]})
        >>> table = result.to_dataframe().join(result.to_dataframe("recorded"))
        >>> list(table["E"])
        ['counts', 'activity', 'rate', 'V_m']
        >>> table["E", "rate"].loc[50.0:60.0].shape
        (21,)
        """
        return export.to_dataframe(self, table)


def _in_ms(spikes: Spikes, dt: float) -> tuple[Floats, Shorts]:
    """Convert the steps of spikes to times, the ends of the steps."""
    return ends(spikes[0], dt), spikes[1]


def _extent(counts: Integers) -> str:
    """Return the number of steps, and of trials if there are any, in words."""
    trials = f"{len(counts)} trials of " if counts.ndim == 2 else ""
    return f"{trials}{counts.shape[-1]} steps"
