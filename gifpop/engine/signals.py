"""Signals on the time grid: one value a step, a current in pA or a number of spikes.

Signals know neither units of time nor targets. Each class says whether it is stateless: whether what it emits depends
on the step alone, so that any number of simulations can share one signal. A class that does not say so cannot be used.
Those with a ``first`` step and an ``end`` are zero, and draw nothing, before the first step and from the end on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from gifpop.engine.scattered import Scattered

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats

LAST_STEP = np.iinfo(np.int64).max


class Emitter(Protocol):
    """The interface of an input line of the engine."""

    def emit(self, step: int, n: int) -> Floats:
        """Return the values of steps ``step`` to ``step + n - 1``."""


class Signal(Emitter, Protocol):
    """An input of a description on the time grid."""

    @property
    def stateless(self) -> bool:
        """Whether the output depends on the step alone."""

    def expected(self, step: int) -> float:
        """Return the mean of the lasting part at a step."""


class Current:
    """Base of the continuous signals that are known in advance."""

    def emit(self, step: int, n: int) -> Floats:
        raise NotImplementedError

    def expected(self, step: int) -> float:
        return float(self.emit(step, 1)[0])


class Piecewise(Current):
    """A value that changes at given steps: ``values[i]`` holds from ``steps[i]`` on; zero before the first."""

    stateless = True

    def __init__(self, steps: npt.ArrayLike, values: npt.ArrayLike, first: int = 0, end: int = LAST_STEP) -> None:
        self.steps = np.asarray(steps, dtype=np.int64)
        self.values: Floats = np.concatenate(([0.0], values))
        self.first, self.end = first, end

    def emit(self, step: int, n: int) -> Floats:
        k = np.arange(step, step + n)
        values = self.values[np.searchsorted(self.steps, k, side="right")]
        values[(k < self.first) | (k >= self.end)] = 0.0
        return values


class Samples(Current):
    """An array that begins at a step, each value held for ``repeat`` steps; zero around it."""

    stateless = True

    def __init__(self, values: npt.ArrayLike, first: int = 0, repeat: int = 1) -> None:
        self.values = np.append(np.asarray(values, dtype=float), 0.0)
        self.first, self.repeat = first, repeat

    def emit(self, step: int, n: int) -> Floats:
        place = (np.arange(step, step + n) - self.first) // self.repeat
        return self.values[np.where((place >= 0) & (place < len(self.values)), place, -1)]


class Sinusoid(Current):
    """A sine around an offset: ``offset + amplitude * sin(advance * step + phase)``, raised to ``lowest`` where lower.

    Angles are in radians.
    """

    stateless = True

    def __init__(
        self,
        offset: float,
        amplitude: float,
        advance: float,
        phase: float,
        first: int = 0,
        end: int = LAST_STEP,
        lowest: float = -math.inf,
    ) -> None:
        self.offset, self.amplitude, self.advance, self.phase = offset, amplitude, advance, phase
        self.first, self.end, self.lowest = first, end, lowest

    def emit(self, step: int, n: int) -> Floats:
        k = np.arange(step, step + n)
        values: Floats = self.offset + self.amplitude * np.sin(self.advance * k + self.phase)
        np.maximum(values, self.lowest, out=values)
        values[(k < self.first) | (k >= self.end)] = 0.0
        return values

    def expected(self, step: int) -> float:
        """Return the mean over a cycle."""
        if not self.first <= step < self.end:
            return 0.0
        above, size = self.offset - self.lowest, abs(self.amplitude)
        if above >= size:
            return self.offset
        if above <= -size:
            return self.lowest
        angle = math.acos(above / size)  # of the sine, between its top and where it falls to the lowest value
        return self.lowest + (above * (math.pi - angle) + size * math.sin(angle)) / math.pi


class HeldVariance(Current):
    """The variance of noise, which may oscillate, the same for ``hold`` steps at a time from ``first`` on.

    It is ``std**2 + modulation**2 * sin(advance * step + phase)`` at the middle of these steps.
    """

    stateless = True

    def __init__(
        self,
        std: float,
        modulation: float = 0.0,
        advance: float = 0.0,
        phase: float = 0.0,
        hold: int = 1,
        first: int = 0,
        end: int = LAST_STEP,
    ) -> None:
        self.std, self.modulation, self.advance, self.phase = std, modulation, advance, phase
        self.hold, self.first, self.end = hold, first, end

    def emit(self, step: int, n: int) -> Floats:
        k = np.arange(step, step + n)
        middle = k - (k - self.first) % self.hold + 0.5 * self.hold
        variance = self.std**2 + self.modulation**2 * np.sin(self.advance * middle + self.phase)
        values: Floats = np.maximum(variance, 0.0)
        values[(k < self.first) | (k >= self.end)] = 0.0
        return values

    def expected(self, step: int) -> float:
        """Return the mean over a cycle."""
        return self.std**2 if self.first <= step < self.end else 0.0


class NormalLaw(NamedTuple):
    """A normal distribution whose variance oscillates: ``std**2 + modulation**2 * sin(advance * step + phase)``."""

    mean: float
    std: float
    modulation: float = 0.0
    advance: float = 0.0
    phase: float = 0.0

    def draw(self, random: np.random.Generator, step: int, n: int) -> Floats:
        """Return ``n`` numbers of the distribution at a step."""
        variance = self.std**2 + self.modulation**2 * math.sin(self.advance * step + self.phase)
        return self.mean + math.sqrt(max(variance, 0.0)) * random.standard_normal(n)


class HeldNoise(Scattered):
    """Independent noise for several receivers, drawn for all at once and held for some steps; emits its mean.

    Numbers are drawn in the first step within the window, and then as soon as the last ones were held long enough. A
    receiver that is added gets its first number in the next step.
    """

    def __init__(
        self, law: NormalLaw, hold: int, random: np.random.Generator, first: int = 0, end: int = LAST_STEP
    ) -> None:
        super().__init__()
        self.law, self.hold, self.random, self.first, self.end = law, hold, random, first, end
        self._values = np.zeros(0)
        self._due = 0  # step of the next draw

    def emit(self, step: int, n: int) -> Floats:
        values = self.emitted(step, n)
        mean: Floats = values.mean(axis=1) if values.shape[1] else np.zeros(n)
        return mean

    def expected(self, step: int) -> float:
        return self.law.mean if self.first <= step < self.end else 0.0

    def _drawn(self, step: int, n: int, receivers: int) -> Floats:
        values = np.zeros((n, receivers))
        k, end = max(step, self.first), min(step + n, self.end)
        while k < end:
            if k >= self._due:
                self._values, self._due = self._values[:0], k + self.hold
            missing = receivers - len(self._values)
            if missing:
                self._values = np.append(self._values, self.law.draw(self.random, k, missing))
            until = min(self._due, end)
            values[k - step : until - step] = self._values
            k = until
        return values


class Events:
    """Events at given steps, in order, each with an amount; amounts of the same step add up."""

    stateless = True

    def __init__(self, steps: npt.ArrayLike, amounts: npt.ArrayLike) -> None:
        self.steps, self.amounts = np.asarray(steps, dtype=np.int64), np.asarray(amounts, dtype=float)

    def emit(self, step: int, n: int) -> Floats:
        i, j = np.searchsorted(self.steps, (step, step + n))
        return np.asarray(np.bincount(self.steps[i:j] - step, self.amounts[i:j], minlength=n), dtype=float)

    def expected(self, step: int) -> float:
        return 0.0  # a single event does not last


class PoissonCounts:
    """Numbers of events of a Poisson process, ``mean`` a step, drawn step after step from a stream of its own."""

    stateless = False  # its stream moves on

    def __init__(self, mean: float, random: np.random.Generator, first: int = 0, end: int = LAST_STEP) -> None:
        self.mean, self.random, self.first, self.end = mean, random, first, end

    def emit(self, step: int, n: int) -> Floats:
        out = np.zeros(n)
        start, end = max(step, self.first), min(step + n, self.end)
        if start < end:
            out[start - step : end - step] = self.random.poisson(self.mean, end - start)
        return out

    def expected(self, step: int) -> float:
        return self.mean if self.first <= step < self.end else 0.0


class VaryingPoissonCounts:
    """Numbers of events of a Poisson process whose mean is a signal, drawn step after step from a stream of its own.

    The signal is not negative.
    """

    stateless = False  # its stream moves on

    def __init__(self, mean: Signal, random: np.random.Generator) -> None:
        self.mean, self.random = mean, random

    def emit(self, step: int, n: int) -> Floats:
        return self.random.poisson(self.mean.emit(step, n)).astype(float)

    def expected(self, step: int) -> float:
        return self.mean.expected(step)
