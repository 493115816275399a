"""What a simulation returns: numpy arrays with their time stamps."""

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
    """What was recorded of one population.

    Recorded variables are attributes, with one entry per time of `t_record`. Of a mesoscopic population,
    one-dimensional float64 arrays: any of ``V_m``, ``E_sfa`` (mV), ``I_syn_ex``, ``I_syn_in`` (pA). Of neurons, float64
    arrays of shape (times, recorded neurons): any of ``V_m``, ``E_sfa``, ``I_stc``, ``I_syn_ex``, ``I_syn_in``.

    Of trials, all arrays but `t` and `t_record` have one more dimension, the first; `spikes` is a list with a pair of
    arrays for each trial.

    Parameters
    ----------
    name : str
        Of the population.
    N : int, or int64 array of one entry a step
        Number of neurons; an array where runs are joined between which it has changed.
    dt : float, ms
        Step.
    first : int
        Step at which the records begin.
    counts : int64 array
        Spikes per step.
    record_steps : int64 array
        Steps after which variables were recorded.
    variables : dict of str to float64 array
        What was recorded of each variable.
    mean : float64 array or None
        Expected spikes per step; of a mesoscopic population.
    spikes : pair of arrays, list of such, or None
        Steps (int64) and neurons (int32) of all spikes, in order; of neurons. Of trials, a list.
    neurons : int64 array or None
        Indices of the neurons whose variables were recorded; of neurons.

    Attributes
    ----------
    spikes : pair of arrays
        Times (ms, float64) and neurons (int32) of all spikes, in order; of neurons.
    """

    mean: Floats
    spikes: Any  # a pair of times and neurons; of trials, which only the values tell, a list of pairs
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
        """What was recorded in every step, or at every time of `t_record`: dict of str to array."""
        always = {"counts": self.counts} | ({"mean": self.mean} if self.level == "meso" else {})
        return always | self._variables

    def with_arrays(
        self,
        arrays: Arrays,
        spikes: Spikes | list[Spikes] | None = None,
        record_steps: Integers | None = None,
        N: int | Integers | None = None,
    ) -> PopulationResult:
        """Return the same population with other records.

        Parameters
        ----------
        arrays : dict of str to array
            In place of `arrays`, with the same names.
        spikes : pair of int arrays, list of such, or None
            Steps and neurons of spikes; None: of a mesoscopic population.
        record_steps : int64 array or None
            Steps after which variables were recorded; None: as they are.
        N : int, int64 array or None
            Number of neurons; None: as it is.

        Returns
        -------
        PopulationResult
            Another one; this one stays as it is.
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
        """Return what was recorded of one of several trials; arrays are views."""
        spikes = self._spikes[place] if isinstance(self._spikes, list) else None
        return self.with_arrays({name: values[place] for name, values in self.arrays.items()}, spikes)

    @property
    def recorded(self) -> tuple[str, ...]:
        """Names of what was recorded: tuple of str."""
        return ("counts", "mean" if self._spikes is None else "spikes", *self._variables)

    @property
    def largest_N(self) -> int:
        """Number of neurons, the largest one where it has changed: int."""
        return int(np.max(self.N))

    @property
    def n_events(self) -> Integers:
        """NEST's name of ``counts``."""
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
        """Population activity A_N, spikes/s: float64 array of one entry a step."""
        return self.counts * (1e3 / (self.N * self.dt))

    @property
    def rate(self) -> Floats:
        """Expected activity, spikes/s: float64 array of one entry a step; of a mesoscopic population.

        Can be negative (finite-size correction).
        """
        return self.mean * (1e3 / (self.N * self.dt))


class Named(Protocol):
    """What belongs to a population."""

    name: str


Part = TypeVar("Part", bound=Named)


class ByPopulation(Generic[Part]):
    """Something for each population; index it with a population or its name."""

    def __init__(self, populations: Iterable[Part]) -> None:
        self._populations = {p.name: p for p in populations}

    def __getitem__(self, population: Population | str) -> Part:
        name = getattr(population, "name", population)
        if name not in self._populations:
            raise KeyError(f"no population {name!r}; there are {', '.join(map(repr, self.names))}")
        return self._populations[name]

    def __iter__(self) -> Iterator[Part]:
        return iter(self._populations.values())

    def __len__(self) -> int:
        return len(self._populations)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the populations, in the order of the columns: tuple of str."""
        return tuple(self._populations)


class Result(ByPopulation[PopulationResult]):
    """What a simulation returns.

    Index it with a population or its name for a `PopulationResult`. Of trials, arrays have one more dimension, the
    first, but for `t`.

    Parameters
    ----------
    populations : sequence of PopulationResult
        Of each population, in the order of the columns below.
    dt : float, ms
        Step.
    level : str, or dict of str to str
        ``"meso"`` or ``"micro"``; of each population by name, if it was given so.
    seed, network_seed : numpy.random.SeedSequence
        What `gifpop.Simulation` takes to repeat the run from the initial state.
    first : int
        Step at which the records begin.
    trials : int64 array or None
        Numbers of the trials; None: a single run.

    Attributes
    ----------
    names : tuple of str
        Populations, in the order of the columns below.
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
        """Seeds of the trials, with each of which `gifpop.Simulation` repeats one: list of SeedSequence, or None."""
        return None if self.trials is None else [seeds.trial(self.seed, number) for number in self.trials.tolist()]

    def trial(self, number: int) -> Result:
        """Return one of several trials.

        Parameters
        ----------
        number : int
            Of the trial, one of ``trials``.

        Returns
        -------
        Result
            As of a single run; its arrays are views.

        Raises
        ------
        ValueError
            If there is no trial of this number.
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
        """Plot activities and expected activities against time; of trials, means and standard deviations.

        `gifpop.plot` has more pictures, and draws them into axes.

        Parameters
        ----------
        bin : float, ms
            Activities are averaged over bins of about this width, at least one step.
        figure : matplotlib.figure.Figure, optional
            To draw into; by default a new one of pyplot.

        Returns
        -------
        matplotlib.figure.Figure
            The one drawn into.
        """
        from gifpop.plot import figures  # they draw results, so they import this module

        return figures.overview(self, bin, figure)

    def to_xarray(self) -> xr.Dataset:
        """Return the result as a dataset of xarray, which `to_netcdf` and `to_zarr` write as it is.

        Returns
        -------
        xarray.Dataset
            ``counts`` (1), ``activity`` and ``rate`` (Hz; NaN for neurons)
                (time, population).
            ``V_m``, ... of mesoscopic populations (mV, pA), where recorded
                (time, population); NaN for a population of which it was not recorded.
            ``V_m_E``, ... of neurons of population "E", where recorded
                (time, neuron_E).
            ``spike_time_E`` (ms) of neurons of population "E"
                (spikes_E), flat, since neurons fire unequally often, in order of time; with the coordinate
                ``spike_neuron_E``.

            The coordinates ``N`` and ``level`` belong to ``population``. Variables that were not recorded at every step
            are along ``time_record`` instead of ``time``. Trials come first, ``trial``; among spikes they follow one
            another, with the coordinate ``spike_trial_E``. In names of variables, "_" stands for what is not a letter
            or digit ("2/3E": ``V_m_2_3E``); their attribute ``population`` has the name itself. All have attributes
            ``units`` and ``long_name``; those of the dataset are ``source``, ``dt`` (ms), ``level``, ``seed`` and
            ``network_seed`` (what to give `Simulation` to repeat the run, in Python).

        Raises
        ------
        ImportError
            Without xarray, which ``pip install 'gifpop[export]'`` installs.

        Notes
        -----
        Variables of neurons are not copied. NetCDF 3, all that `to_netcdf` can write without further packages, has
        integers of 32 bits; xarray refuses to write larger counts or numbers of neurons.

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
        """Return the result as a block of Neo, for Elephant and the formats that Neo writes.

        Returns
        -------
        neo.Block
            With one `Segment`, or one a trial (annotation ``trial``). Each has

            - an `AnalogSignal` named ``activity`` and, with mesoscopic populations, one named ``rate`` (Hz), with one
              channel a population (array annotation ``population``);
            - an `AnalogSignal` for each recorded variable of each population (mV, pA), named after the variable,
              annotated with ``population``, with one channel a recorded neuron (array annotation ``neuron``);
            - a `SpikeTrain` (ms) for each neuron, also if it is silent, annotated with ``population`` and ``neuron``:
              populations in their order, neurons in theirs.

            The annotations of the block are the attributes of the dataset of `to_xarray`.

        Raises
        ------
        ImportError
            Without neo, which ``pip install 'gifpop[export]'`` installs.

        Notes
        -----
        The value of a step belongs to its end, the time at which a signal has it; a neuron fires at the end of a step,
        too, so that its train begins with the run, one step before the first sample, and may have a spike at its
        ``t_stop``. Elephant's bins have their left ends but not their right ones: in bins of dt its counts come one
        step after those of the result, and it leaves out the spikes of the last step, with a warning.

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
        """Return a part of the result as a table of pandas.

        Parameters
        ----------
        table : {"activity", "recorded", "spikes"}
            ``"activity"``: one row a step; columns (population, variable): ``counts`` (int64), ``activity`` and, of
            mesoscopic populations, ``rate`` (Hz). ``"recorded"``: one row a record; columns (population, variable) of
            what was recorded (mV, pA). If neurons are among it, (population, variable, neuron), with "" in place of a
            neuron for populations. ``"spikes"``: one row a spike; columns ``population`` (categorical), ``trial``
            where there are trials, ``time`` (ms) and ``neuron``, in order of these, but for neurons.

        Returns
        -------
        pandas.DataFrame
            The index of the first two is ``time`` (ms), or (``trial``, ``time``). ``attrs`` are those of the dataset of
            `to_xarray`.

        Raises
        ------
        ImportError
            Without pandas, which ``pip install 'gifpop[export]'`` installs.
        ValueError
            If nothing was recorded, or no population is at the microscopic level for there to be spikes.

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
    """Return pairs of steps and neurons as pairs of times, the ends of the steps, and neurons."""
    return ends(spikes[0], dt), spikes[1]


def _extent(counts: Integers) -> str:
    """Say how many steps, and of how many trials, there are."""
    trials = f"{len(counts)} trials of " if counts.ndim == 2 else ""
    return f"{trials}{counts.shape[-1]} steps"


def concatenate(results: Sequence[Result]) -> Result:
    """Join the results of successive runs of one simulation, each of which begins where the one before ends.

    Raises
    ------
    ValueError
        If one does not: stamps, which count on from the first, would be wrong.
    """
    first = results[0]
    _check_succession(results)
    populations = [_join(parts) for parts in zip(*results, strict=True)]
    return Result(populations, first.dt, first.level, first.seed, first.network_seed, first._first)


def _check_succession(results: Sequence[Result]) -> None:
    """Refuse a hole between two results; those of no steps, as of a run that failed at once, do not matter."""
    end = results[0]._first
    for result in results:
        steps = len(next(iter(result)).counts)
        if steps and result._first != end:
            raise ValueError(
                f"Simulation.result: each run must begin where the one before ends, at {end * result.dt:g} ms, got one "
                f"from {result._first * result.dt:g} ms on: what lies between was not recorded; take what each run "
                "returned"
            )
        end = result._first + steps if steps else end


def bytes_of_joined(results: Iterable[Result]) -> float:
    """Return the memory that results take when they are joined."""
    populations = [p for result in results for p in result]
    arrays = [array for p in populations for array in (*p.arrays.values(), p._record_steps)]
    spikes = [array for p in populations if isinstance(p._spikes, tuple) for array in (*p._spikes, p._spikes[0])]
    return float(sum(array.nbytes for array in (*arrays, *spikes)))  # of a spike, the step and the time


def _join(parts: Sequence[PopulationResult]) -> PopulationResult:
    """Join what successive runs recorded of one population."""
    first = parts[0]
    if first.level == "micro" and any(not np.array_equal(p.neurons, first.neurons) for p in parts):
        raise ValueError(
            f"Simulation.result: the runs recorded different neurons of {first.name!r}, since N has changed; take what "
            "each run returned, or name the neurons (record_neurons)"
        )
    arrays = {name: np.concatenate([p.arrays[name] for p in parts]) for name in first.arrays}
    steps = np.concatenate([p._record_steps for p in parts])
    spikes = [p._spikes for p in parts if isinstance(p._spikes, tuple)]
    return first.with_arrays(arrays, join_spikes(spikes) if spikes else None, steps, _joined_size(parts))


def join_spikes(pieces: Sequence[Spikes]) -> Spikes:
    """Join pairs of steps and neurons into one pair of arrays."""
    if not pieces:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    steps, neurons = zip(*pieces, strict=True)
    return np.concatenate(steps), np.concatenate(neurons)


def _joined_size(parts: Sequence[PopulationResult]) -> int | Integers:
    """Return the number of neurons in successive runs, or, where it has changed, in each of their steps."""
    sizes = {p.N for p in parts if len(p.counts)} or {parts[0].N}
    return sizes.pop() if len(sizes) == 1 else np.repeat([p.N for p in parts], [len(p.counts) for p in parts])
