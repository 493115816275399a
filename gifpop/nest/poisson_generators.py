"""Generators of random spikes, with spikes of its own for each connection, indexed by the step of sending."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Set
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gifpop.engine import signals
from gifpop.nest.errors import BadProperty
from gifpop.nest.generators import GeneratorBlock, OscillatingBlock

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import NodeModel
    from gifpop.nest.value_types import Values

MOST_EVENTS = 1e15  # of a process in a step; they are counted as integers


def check_rate(rate: float, clock: Clock) -> None:
    """Refuse a rate whose number of spikes in a step cannot be counted."""
    if 1e-3 * rate * clock.resolution > MOST_EVENTS:
        raise BadProperty(f"The rate must be at most {MOST_EVENTS:g} spikes a step, got {rate:g} spikes/s.")


class TrainBlock(GeneratorBlock):
    """Devices that send random spike trains: one through each connection, or one through all of them."""

    sends = "spikes"

    def is_shared(self, i: int) -> bool:
        """Return whether all connections of the ``i``-th device carry the same train."""
        return False

    @abstractmethod
    def trains(
        self, i: int, of_device: Callable[[], np.random.Generator], of_connection: Callable[[int], np.random.Generator]
    ) -> Callable[[int], signals.Emitter]:
        """Return a function of a connection's number: the spikes that the ``i``-th device sends through it.

        ``of_device`` and ``of_connection`` return random generators: the device's, for trains that are shared or drawn
        for all connections at once; a connection's, by its number.
        """

    def per_step(self, rate: Floats | float) -> Floats:
        """Convert spikes/s to spikes a step."""
        return np.asarray(1e-3 * self.clock.resolution * np.asarray(rate))

    def late_steps(self, i: int) -> tuple[int, int]:
        """Return the steps of sending in which the ``i``-th device begins and ends, by NEST a step late."""
        start, stop = self.window(i)
        return start + 1, stop + 1

    def early_steps(self, i: int) -> tuple[int, int]:
        """Return the steps of sending in which the ``i``-th device begins and ends, by NEST a step early."""
        start, stop = self.window(i)
        return max(start - 1, 0), max(stop - 1, 0)


class OscillatingTrainBlock(OscillatingBlock, TrainBlock):
    """Devices whose rate is a sine around an offset; a multimeter records it."""

    recordables = ("rate",)
    receives = frozenset({"requests"})

    def planned(self, i: int, given: Values, connected: bool = False) -> Values:
        if "individual_spike_trains" in given:
            raise BadProperty(
                f"Setting status of a '{self.model.name}' with node ID {self.first + i}: The individual_spike_trains "
                "property can only be set as a model default using SetDefaults or upon CopyModel."
            )
        return super().planned(i, given, connected)

    def is_shared(self, i: int) -> bool:
        return not self.columns["individual_spike_trains"][i]

    def signal(self, i: int) -> signals.Sinusoid:
        """Return the rate of the ``i``-th device for a meter; it is recorded outside the window, too, and is >= 0."""
        rate, amplitude = (self.columns[name][i].item() for name in ("rate", "amplitude"))
        return signals.Sinusoid(rate, amplitude, *self.oscillation(i), lowest=0.0)


class PoissonProcessBlock(TrainBlock):
    """Devices that send Poisson processes, whose rates may vary in time."""

    def law(self, i: int) -> Hashable:
        """Return what devices with the same mean have in common."""
        return self.first + i

    @abstractmethod
    def mean(self, i: int) -> signals.Signal:
        """Return the mean number of spikes a step of the ``i``-th device."""

    def counts(self, i: int) -> Callable[[np.random.Generator], signals.Emitter]:
        """Return a function of a random generator: numbers of spikes of the ``i``-th device."""
        return partial(signals.VaryingPoissonCounts, self.mean(i))

    def trains(
        self, i: int, of_device: Callable[[], np.random.Generator], of_connection: Callable[[int], np.random.Generator]
    ) -> Callable[[int], signals.Emitter]:
        counts, shared = self.counts(i), self.is_shared(i)
        return lambda number: counts(of_device() if shared else of_connection(number))


class PoissonBlock(PoissonProcessBlock):
    """poisson_generator."""

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        check_rate(row["rate"], clock)

    def law(self, i: int) -> Hashable:
        return self.columns["rate"][i].item(), self.window(i)

    def mean(self, i: int) -> signals.Signal:
        return signals.Piecewise([0], self.per_step(self.columns["rate"][[i]]), *self.late_steps(i))

    def counts(self, i: int) -> Callable[[np.random.Generator], signals.Emitter]:
        mean, (begin, end) = self.per_step(self.columns["rate"][i]).item(), self.late_steps(i)
        return lambda random: signals.PoissonCounts(mean, random, begin, end)


class InhomogeneousPoissonBlock(PoissonProcessBlock):
    """inhomogeneous_poisson_generator; a new rate counts from the stamp of its time on.

    Attributes
    ----------
    held : float array
        Rate of each device before the first change of ``changes``.
    changes : list of (int array, float array)
        Stamps and rates of the changes that were to come when they were set.
    """

    together = frozenset({"rate_times"})
    model_name = "inhomogeneous_poisson_generator"

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.held = np.zeros(n)
        self.changes: list[tuple[Integers, Floats]] = [(np.zeros(0, np.int64), np.zeros(0))] * n
        for i in range(n):
            self._schedule(i)

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        arrays = given & {"rate_times", "rate_values"}
        times, values = row["rate_times"], row["rate_values"]
        if len(arrays) == 1:
            raise BadProperty("Rate times and values must be reset together.")
        if "allow_offgrid_times" in given and not arrays and len(times):
            raise BadProperty("Option can only be set together with rate times or if no rate times have been set.")
        if len(times) != len(values):
            raise BadProperty("Rate times and values have to be the same size.")
        if not arrays:
            return
        steps = clock.grid(cls.model_name, times, row["allow_offgrid_times"])
        if np.any(steps <= clock.step):
            raise BadProperty("Time points must lie strictly in the future.")
        if np.any(np.diff(steps) <= 0):
            raise BadProperty("Rate times must be strictly increasing.")
        for rate in values.tolist():
            check_rate(rate, clock)
        row["rate_times"] = clock.ms(steps)

    def apply(self, i: int, values: Values, given: Values) -> None:
        super().apply(i, values, given)
        if "rate_times" in given and len(self.columns["rate_times"][i]):
            self._schedule(i)

    def mean(self, i: int) -> signals.Signal:
        stamps, rates = self.changes[i]
        return signals.Piecewise(
            [-1, *(stamps - 1)], self.per_step(np.maximum([self.held[i], *rates], 0.0)), *self.late_steps(i)
        )

    def _schedule(self, i: int) -> None:
        """Hold the present rate until the first new time."""
        stamps, rates = self.changes[i]
        past = np.searchsorted(stamps, self.clock.step, side="right")
        if past:
            self.held[i] = rates[past - 1]
        stamps = self.clock.grid(self.model_name, self.columns["rate_times"][i])
        self.changes[i] = stamps, self.columns["rate_values"][i].copy()


class SinusoidalPoissonBlock(OscillatingTrainBlock, PoissonProcessBlock):
    """sinusoidal_poisson_generator."""

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        check_rate(abs(row["rate"]) + abs(row["amplitude"]), clock)

    def radius(self, i: int) -> float:
        amplitude: float = 1e-3 * self.columns["amplitude"][i].item()
        return amplitude

    def mean(self, i: int) -> signals.Signal:
        rate, amplitude = (self.per_step(self.columns[name][i]).item() for name in ("rate", "amplitude"))
        return signals.Sinusoid(rate, amplitude, *self.oscillation(i), *self.early_steps(i), lowest=0.0)
