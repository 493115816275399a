"""Reductions over trials: keep all, compute statistics, or apply a function to each.

A reduction takes the `Result` of one trial after the other, in order of their numbers, so that its outcome depends
neither on threads nor on the number of trials that run side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.common import checks
from gifpop.result import ByPopulation, PopulationResult, Result
from gifpop.spectrum import frequencies, power_spectrum

if TYPE_CHECKING:
    from gifpop.common.typing import Arrays, Floats, Integers, Spikes

Keep: TypeAlias = Literal["all", "mean"] | Callable[[Result], npt.ArrayLike | dict[str, Any]]


class Reduction(Protocol):
    """Takes the results of trials one by one and reduces them."""

    keeps_all: bool  # its memory grows with the number of trials

    def take(self, result: Result) -> None: ...

    def result(self) -> Reduced: ...


def make_reduction(keep: object, trials: Integers, seed: np.random.SeedSequence) -> Reduction:
    """Return the reduction for the option ``keep`` of `gifpop.Network.simulate`.

    The seeds of the trials with these numbers are made from ``seed``.
    """
    if callable(keep):
        return Applied(keep)
    if not isinstance(keep, str) or keep not in REDUCTIONS:
        raise ValueError(f"simulate.keep must be one of 'all', 'mean' or a function, got {keep!r}")
    return REDUCTIONS[keep](trials, seed)


class Everything:
    """Keeps the records of every trial; parameters as in `make_reduction`."""

    keeps_all = True

    def __init__(self, trials: Integers, seed: np.random.SeedSequence) -> None:
        self._trials, self._seed, self._taken = trials, seed, 0
        self._arrays: dict[str, Arrays] = {}
        self._spikes: dict[str, list[Spikes]] = {}

    def take(self, result: Result) -> None:
        for p in result:
            if p.name not in self._arrays:
                self._arrays[p.name] = {
                    name: np.empty((len(self._trials), *values.shape), values.dtype)
                    for name, values in p.arrays.items()
                }
                self._spikes[p.name] = []
            for name, values in p.arrays.items():
                self._arrays[p.name][name][self._taken] = values
            if isinstance(p._spikes, tuple):
                self._spikes[p.name].append(p._spikes)
        self._last = result
        self._taken += 1

    def result(self) -> Result:
        """Return a `Result` with a leading dimension for trials."""
        one, n = self._last, self._taken
        populations = [
            p.with_arrays(
                {name: values[:n] for name, values in self._arrays[p.name].items()},
                self._spikes[p.name] if p.level == "micro" else None,
            )
            for p in one
        ]
        return Result(populations, one.dt, one.level, self._seed, one.network_seed, one._first, self._trials[:n])


class Applied:
    """Keeps the return value of a function for the `Result` of each trial: numbers, arrays, or dicts of these."""

    keeps_all = False

    def __init__(self, function: Callable[[Result], object]) -> None:
        self._function = function
        self._taken: list[Arrays] = []
        self._form: dict[str, tuple[tuple[int, ...], str]] = {}
        self._is_dict = False

    def take(self, result: Result) -> None:
        value = self._function(result)
        parts = value if isinstance(value, dict) else {"": value}
        arrays = {name: checks.unmasked("simulate.keep: what it returns", part) for name, part in parts.items()}
        form = {name: (array.shape, str(array.dtype.kind)) for name, array in arrays.items()}
        if any(kind == "O" for _, kind in form.values()):
            raise TypeError(f"simulate.keep must return numbers, arrays or a dict of these, got {value!r}")
        if not self._taken:
            self._form, self._is_dict = form, isinstance(value, dict)
        if form != self._form:
            raise ValueError(
                f"simulate.keep must return values of the same form for all trials, got shapes and kinds {form} after "
                f"{self._form}"
            )
        self._taken.append(arrays)

    def result(self) -> npt.NDArray[Any] | Arrays:
        """Return an array with a leading dimension for trials, or a dict of these."""
        stacked = {name: np.stack([arrays[name] for arrays in self._taken]) for name in self._form}
        return stacked if self._is_dict else stacked[""]


class Moments:
    """Keeps means, variances and the mean spectrum over trials; parameters as in `make_reduction`.

    They are updated trial by trial (Welford 1962, Technometrics 4:419), so that no trajectory is kept.
    """

    keeps_all = False

    def __init__(self, trials: Integers, seed: np.random.SeedSequence) -> None:
        self._n = 0
        self._sums: dict[tuple[str, str], tuple[Floats, Floats]] = {}

    def take(self, result: Result) -> None:
        self._n += 1
        for p in result:
            for name, values in (*_in_spikes_per_s(p).items(), ("spectrum", power_spectrum(p.activity, p.dt)[1])):
                self._add((p.name, name), values)
        self._last = result

    def _add(self, key: tuple[str, str], values: Floats) -> None:
        if key not in self._sums:
            self._sums[key] = np.zeros(values.shape), np.zeros(values.shape)
        mean, squares = self._sums[key]
        deviation = values - mean
        mean += deviation / self._n
        squares += deviation * (values - mean)

    def result(self) -> TrialStatistics:
        """Return the `TrialStatistics` of the trials taken so far."""
        one, factor = self._last, 1.0 / (self._n - 1) if self._n > 1 else np.nan
        populations = []
        for p in one:
            names = (*_in_spikes_per_s(p), "spectrum")
            mean = {name: self._sums[p.name, name][0] for name in names}
            variance = {name: self._sums[p.name, name][1] * factor for name in names}
            populations.append(PopulationStatistics(p, mean, variance))
        return TrialStatistics(populations, one, self._n)


def _in_spikes_per_s(p: PopulationResult) -> dict[str, Floats]:
    """Return the records of a population, with counts and expected counts as activities in spikes/s."""
    always = {"activity": p.activity} | ({"rate": p.rate} if p.level == "meso" else {})
    return always | {name: values for name, values in p.arrays.items() if name not in ("counts", "mean")}


REDUCTIONS: dict[str, Callable[[Integers, np.random.SeedSequence], Reduction]] = {"all": Everything, "mean": Moments}


class PopulationStatistics:
    """Statistics over trials of the records of one population.

    Parameters
    ----------
    p : PopulationResult
        The population in one of the trials.
    mean, variance : dict of str to float64 array
        Mean and variance over trials of ``"activity"`` and ``"rate"`` (spikes/s, one entry per time of `t`), of
        recorded variables (per time of `t_record`, and neuron), and of the power ``"spectrum"`` of a trial's activity
        (Hz, per frequency of `f`). The variance is the sample variance (divided by trials - 1).

    Attributes
    ----------
    name : str
        Name of the population.
    N : int
        Number of neurons.
    t, t_record : float64 array, ms
        Time stamps, as in `PopulationResult`.
    f : float64 array, Hz
        Frequencies of the spectrum.
    """

    def __init__(self, p: PopulationResult, mean: dict[str, Floats], variance: dict[str, Floats]) -> None:
        self.name, self.N, self.t, self.t_record = p.name, p.N, p.t, p.t_record
        self.f = frequencies(len(p.t), p.dt)
        self.mean, self.variance = mean, variance

    def __repr__(self) -> str:
        return f"<gifpop.PopulationStatistics {self.name!r}: {len(self.t)} steps, {', '.join(self.mean)}>"


class TrialStatistics(ByPopulation[PopulationStatistics]):
    """Statistics over trials; index it with a population or its name for `PopulationStatistics`.

    Parameters
    ----------
    populations : sequence of PopulationStatistics
        One for each population, in the order of the columns below.
    one : Result
        Result of one of the trials.
    n : int
        Number of trials.

    Attributes
    ----------
    dt : float, ms
        Step.
    level : str, or dict of str to str
        ``"meso"`` or ``"micro"``; a dict by population if it was given as one.
    t : float64 array of length T, ms
        Time stamps, the ends of the steps.
    f : float64 array of length F, Hz
        Frequencies of the spectrum.
    names : tuple of str
        Names of the populations, in the order of the columns below.
    activity, variance : float64 array, shape (T, populations)
        Mean, spikes/s, and variance, (spikes/s)^2, of the population activity over trials.
    rate : float64 array, shape (T, populations), spikes/s
        Mean of the expected activity; NaN at the microscopic level.
    spectrum : float64 array, shape (F, populations), Hz
        Mean over trials of the power spectrum of the activity (see `gifpop.power_spectrum`).
    """

    def __init__(self, populations: list[PopulationStatistics], one: Result, n: int) -> None:
        super().__init__(populations)
        self.n, self.dt, self.level = n, one.dt, one.level
        first = populations[0]
        self.t, self.f = first.t, first.f

        def columns(statistic: Literal["mean", "variance"], name: str) -> Floats:
            missing = np.full(len(first.t), np.nan)
            return np.stack([getattr(p, statistic).get(name, missing) for p in populations], axis=-1)

        self.activity, self.variance = columns("mean", "activity"), columns("variance", "activity")
        self.rate, self.spectrum = columns("mean", "rate"), columns("mean", "spectrum")

    def __repr__(self) -> str:
        return f"<gifpop.TrialStatistics: {self.n} trials of {len(self.t)} steps, populations {', '.join(self.names)}>"


Reduced: TypeAlias = Result | TrialStatistics | npt.NDArray[Any] | dict[str, npt.NDArray[Any]]
