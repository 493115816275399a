"""The inputs that a population can receive, in NEST's names and units."""

# ruff: noqa: RUF009 - the functions that stand for defaults return dataclasses.field

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from gifpop.common import checks
from gifpop.fields import Checked, Series, scalar, vector


@dataclass(frozen=True, repr=False)
class StepCurrent(Checked):
    """A current that changes at given times.

    Parameters
    ----------
    times : sequence of float, ms
        When the current changes; increasing, >= 0, on the time grid.
    values : sequence of float, pA
        What it changes to: ``values[i]`` acts from the step that starts at ``times[i]``, so that the potential first
        differs at the stamp ``times[i] + dt``, until the next entry. Before the first: zero.

    Notes
    -----
    A NEST ``step_current_generator`` connected with delay dt acts one step later than its ``amplitude_times``.
    """

    times: Series = vector((), "ms", ">= 0")
    values: Series = vector((), "pA")

    def _check(self) -> None:
        name = type(self).__name__
        checks.same_length(name, "times", "values", len(self.times), len(self.values))
        _check_increasing(f"{name}.times", self.times)


@dataclass(frozen=True, repr=False)
class DirectCurrent(Checked):
    """A constant current between two times.

    Parameters
    ----------
    amplitude : float, pA
        The current while it acts; zero before and after.
    start, stop : float or None, ms
        On the time grid. The current acts in the steps within [start, stop); None for ``stop``: without end.
    """

    amplitude: float = scalar(0.0, "pA")
    start: float = scalar(0.0, "ms", ">= 0")
    stop: float | None = scalar(None, "ms")

    def _check(self) -> None:
        _check_window(self)


@dataclass(frozen=True, repr=False)
class Waveform(Checked):
    """A current given as an array.

    Parameters
    ----------
    values : sequence of float, pA
        Zero after the last one.
    interval : float or None, ms
        How long each value acts, a multiple of the step. None: one step.
    start : float, ms
        When the first value begins to act, on the time grid.
    """

    values: Series = vector((), "pA")
    interval: float | None = scalar(None, "ms")
    start: float = scalar(0.0, "ms", ">= 0")


@dataclass(frozen=True, repr=False)
class SpikeTimes(Checked):
    """Spikes at given times, the same for every neuron of the target population.

    Parameters
    ----------
    times : sequence of float, ms
        In order, >= 0, on the time grid; a time may occur several times. With delay zero, a spike at t arrives in
        the step that starts at t.
    weight : float, pA
        Jump of the synaptic current; >= 0 excitatory, < 0 inhibitory.
    """

    times: Series = vector((), "ms", ">= 0")
    weight: float = scalar(1.0, "pA")

    def _check(self) -> None:
        _check_increasing(f"{type(self).__name__}.times", self.times, strictly=False)


@dataclass(frozen=True, repr=False)
class PoissonSpikes(Checked):
    """Spikes of a Poisson process.

    Parameters
    ----------
    rate : float, spikes/s
        >= 0. The sum over all the sources that the process stands for.
    weight : float, pA
        Jump of the synaptic current; >= 0 excitatory, < 0 inhibitory.
    start, stop : float or None, ms
        On the time grid. Spikes arrive in the steps within [start, stop); None for ``stop``: without end.
    shared : bool
        True: one process, whose spikes reach every neuron of the target population. False: a process of its own
        for each neuron; at the mesoscopic level, with ``adaptation="carried"`` only, by its mean and variance.
    """

    rate: float = scalar(0.0, "spikes/s", ">= 0")
    weight: float = scalar(1.0, "pA")
    start: float = scalar(0.0, "ms", ">= 0")
    stop: float | None = scalar(None, "ms")
    shared: bool = False

    def _check(self) -> None:
        _check_window(self)
        checks.boolean(f"{type(self).__name__}.shared", self.shared)


Input: TypeAlias = StepCurrent | DirectCurrent | Waveform | SpikeTimes | PoissonSpikes
INPUTS = (StepCurrent, DirectCurrent, Waveform, SpikeTimes, PoissonSpikes)


def _check_increasing(where: str, times: Iterable[float], strictly: bool = True) -> None:
    for earlier, later in pairwise(times):
        if later < earlier or (strictly and later == earlier):
            raise ValueError(f"{where} must be increasing, got {earlier} before {later}")


def _check_window(input: DirectCurrent | PoissonSpikes) -> None:
    if input.stop is not None and input.stop < input.start:
        raise ValueError(f"{type(input).__name__}.stop must be >= start = {input.start} ms, got {input.stop}")
