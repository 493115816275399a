"""Spike trains for several receivers, drawn step by step for all of them at once; each has a state of its own.

All but `DeadTime` are on the time grid, as NEST's are: what happens in a step has a probability, and the state changes
at its end. Rates are events a step.
"""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from gifpop.engine import _trains
from gifpop.engine.scattered import Scattered
from gifpop.engine.signals import LAST_STEP

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers

FAR_OFF = 10.0  # standard deviations, beyond which no events of a packet are to be expected


class Law(Protocol):
    """The law of a train."""

    def expected(self, step: int) -> float:
        """Return the expected number of events in a step."""


AnyLaw = TypeVar("AnyLaw", bound=Law)


class GammaLaw(NamedTuple):
    """``n`` independent gamma processes of a rate, whose intervals have ``shape`` stages (int).

    A stage ends with the same probability in each step, and the last one with an event.
    """

    rate: float
    shape: int
    n: int

    @property
    def end_of_stage(self) -> float:
        """Probability that a stage ends in a step."""
        return min(self.shape * self.rate, 1.0)

    def expected(self, step: int) -> float:
        """Return the expected number of events in a step."""
        return self.n * self.end_of_stage / self.shape


class DeadTimeLaw(NamedTuple):
    """``n`` independent processes that rest for the whole steps of a dead time after each event.

    Otherwise each fires with a probability, ``1 + modulation * sin(advance * step)`` times that which makes the rate. A
    receiver begins with ``resting`` processes from each of the last dead steps: ``n * rate`` in the stationary state.
    """

    rate: float
    dead: float
    n: int
    resting: int
    modulation: float = 0.0
    advance: float = 0.0

    @property
    def dead_steps(self) -> int:
        return int(self.dead)

    def hazards(self, steps: Integers) -> Floats:
        """Return the probability that a process that does not rest fires, in some steps."""
        gap = 1 / self.rate - self.dead if self.rate else math.inf
        factors = 1 + self.modulation * np.sin(self.advance * steps)
        return np.where(factors < gap, factors / max(gap, sys.float_info.min), 1.0)

    def expected(self, step: int) -> float:
        """Return the expected number of events in a step, averaged over the modulation."""
        return self.n * self.rate


class RestingLaw(NamedTuple):
    """A Poisson process with dead time, in continuous time: at most one event in ``dead`` steps."""

    rate: float
    dead: float

    def expected(self, step: int) -> float:
        """Return the expected number of events in a step."""
        return self.rate


class CopyLaw(NamedTuple):
    """Copies of a Poisson process with ``mean`` events a step; each event is copied with a probability."""

    mean: float
    copied: float

    def expected(self, step: int) -> float:
        """Return the expected number of copied events in a step."""
        return self.mean * self.copied


class ModulatedGammaLaw(NamedTuple):
    """A gamma process of real ``order``, whose rate is ``rate + amplitude * sin(advance * step + phase)``."""

    order: float
    rate: float
    amplitude: float = 0.0
    advance: float = 0.0
    phase: float = 0.0

    def expected(self, step: int) -> float:
        """Return the rate at a step."""
        return float(self.rates(np.array([step]))[0])

    def rates(self, steps: Integers) -> Floats:
        """Return the rate at some steps."""
        return np.asarray(self.rate + self.amplitude * np.sin(self.advance * steps + self.phase))

    def growths(self, steps: Integers) -> Floats:
        """Return the integral of the rate from the step before to each of some steps."""
        half = self.advance / 2
        mean = self.amplitude * (math.sin(half) / half if half else 1.0)
        return np.asarray(self.rate + mean * np.sin(self.advance * steps + (self.phase - half)))


class Trains(Scattered, Generic[AnyLaw]):
    """Base of spike trains.

    Parameters
    ----------
    law : Law
        Can be exchanged while the trains go on.
    random : numpy.random.Generator
    first, end : int
        No events before step ``first`` and from step ``end`` on.
    """

    def __init__(self, law: AnyLaw, random: np.random.Generator, first: int = 0, end: int = LAST_STEP) -> None:
        super().__init__()
        self.law, self.random, self.first, self.end = law, random, first, end
        self._admitted = 0

    def expected(self, step: int) -> float:
        return self.law.expected(step) if self.first <= step < self.end else 0.0

    def admit(self) -> None:
        """Begin the state of receivers that are new; otherwise it begins in the next step."""
        new = len(self._receivers) - self._admitted
        if new:
            self._admit(new)
            self._admitted += new

    def _drawn(self, step: int, n: int, receivers: int) -> Floats:
        counts = np.zeros((n, receivers))
        self.admit()
        begin = min(max(step, self.first), step + n)
        end = max(min(step + n, self.end), begin)
        if step < begin:
            self._wait(range(step, begin))
        if begin < end:
            self._fire(range(begin, end), counts[begin - step : end - step])
        if end < step + n:
            self._wait(range(end, step + n))
        return counts

    def _admit(self, n: int) -> None:
        """Begin the state of ``n`` more receivers."""

    @abstractmethod
    def _fire(self, steps: range, counts: Floats) -> None:
        """Draw numbers of events, shape (steps, receivers), and advance the state."""

    def _wait(self, steps: range) -> None:
        """Advance the state in steps outside the window."""


class GammaSuperposition(Trains[GammaLaw]):
    """Superpositions of gamma processes.

    A receiver begins with equally many processes in each stage, the rest in the last one, and keeps its number of
    processes and stages.
    """

    def __init__(self, law: GammaLaw, random: np.random.Generator, first: int = 0, end: int = LAST_STEP) -> None:
        super().__init__(law, random, first, end)
        self._occupied = np.zeros((0, 1), dtype=np.int64)  # processes in each stage, the last stage in the last column
        self._entries = np.zeros(0, dtype=np.int64)  # column of the first stage

    def _admit(self, n: int) -> None:
        shape, had = self.law.shape, self._occupied.shape[1]
        columns = max(shape, had)
        old = np.pad(self._occupied, ((0, 0), (columns - had, 0)))
        new = np.zeros((n, columns), dtype=np.int64)
        new[:, columns - shape :], rest = divmod(self.law.n, shape)
        new[:, -1] += rest
        self._occupied = np.concatenate((old, new))
        self._entries = np.concatenate((self._entries + columns - had, np.full(n, columns - shape)))

    def _fire(self, steps: range, counts: Floats) -> None:
        _trains.gamma_superposition(self.random, self.law.end_of_stage, self._occupied, self._entries, counts)


class DeadTimeSuperposition(Trains[DeadTimeLaw]):
    """Superpositions of Poisson processes with dead time.

    A receiver keeps its number of processes and dead steps. While the rate is zero, time stands still, as in NEST.
    """

    def __init__(self, law: DeadTimeLaw, random: np.random.Generator, first: int = 0, end: int = LAST_STEP) -> None:
        super().__init__(law, random, first, end)
        self._ready, self._dead_steps = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        self._resting = np.zeros((0, 0), dtype=np.int64)  # processes by the step in which they fired, in a ring
        self._place = np.zeros(0, dtype=np.int64)  # of the next step in the ring

    def _admit(self, n: int) -> None:
        dead, had = self.law.dead_steps, self._resting.shape[1]
        columns = max(dead, had, 1)
        new = np.zeros((n, columns), dtype=np.int64)
        new[:, :dead] = self.law.resting
        self._resting = np.concatenate((np.pad(self._resting, ((0, 0), (0, columns - had))), new))
        self._ready = np.append(self._ready, np.full(n, self.law.n - dead * self.law.resting))
        self._dead_steps = np.append(self._dead_steps, np.full(n, dead))
        self._place = np.append(self._place, np.zeros(n, dtype=np.int64))

    def _fire(self, steps: range, counts: Floats) -> None:
        if self.law.rate:
            hazards = self.law.hazards(np.arange(steps.start, steps.stop))
            state = self._ready, self._resting, self._dead_steps, self._place
            _trains.dead_time_superposition(self.random, hazards, *state, counts)


class DeadTime(Trains[RestingLaw]):
    """Poisson processes with dead time, in continuous time, counted step by step.

    A receiver begins in the stationary state.
    """

    def __init__(self, law: RestingLaw, random: np.random.Generator, first: int = 0, end: int = LAST_STEP) -> None:
        super().__init__(law, random, first, end)
        self._coming = np.zeros(0)  # times of the next events, in steps

    def _admit(self, n: int) -> None:
        self._coming = np.append(self._coming, np.full(n, np.nan))

    def _fire(self, steps: range, counts: Floats) -> None:
        _trains.dead_time_on_a_line(self.random, *self.law, steps.start, self._coming, counts)


class Copies(Trains[CopyLaw]):
    """Trains that share events: those of one Poisson process, each copied to each receiver with a probability."""

    def _fire(self, steps: range, counts: Floats) -> None:
        _trains.copies(self.random, self.law.mean, self.law.copied, counts)


class ModulatedGamma(Trains[ModulatedGammaLaw]):
    """Gamma processes whose rate oscillates, with one event a step at most.

    An event comes with the hazard at the end of the step, times its length; time since the last event, in units of the
    mean interval at that time, goes on outside the window, and begins when the receiver does.
    """

    def __init__(
        self, law: ModulatedGammaLaw, random: np.random.Generator, first: int = 0, end: int = LAST_STEP
    ) -> None:
        super().__init__(law, random, first, end)
        self._elapsed = np.zeros(0)  # since the last event, times the order

    def _admit(self, n: int) -> None:
        self._elapsed = np.append(self._elapsed, np.zeros(n))

    def _fire(self, steps: range, counts: Floats) -> None:
        order, k = self.law.order, np.arange(steps.start, steps.stop)
        rates, growths = order * self.law.rates(k), order * self.law.growths(k)
        _trains.modulated_gamma(self.random, order, rates, growths, self._elapsed, counts)

    def _wait(self, steps: range) -> None:
        for growth in (self.law.order * self.law.growths(np.arange(steps.start, steps.stop))).tolist():
            self._elapsed += growth


class PacketLaw(NamedTuple):
    """Packets of ``size`` events each, normally distributed around ``times``; equal packets have equal laws.

    Attributes
    ----------
    times : tuple of float
        In units of time.
    size : int
    spread : float
        Standard deviation, in units of time.
    ticks : int
        A unit of time; times of events are rounded to ticks.
    ticks_per_step : int
    """

    times: tuple[float, ...]
    size: int
    spread: float
    ticks: int
    ticks_per_step: int

    def due(self) -> list[int]:
        """Return the step from which on events of each packet are to be expected."""
        begins = np.array(self.times) - FAR_OFF * self.spread
        steps = np.floor(begins * self.ticks / self.ticks_per_step)
        return np.clip(steps, 0, LAST_STEP // 2).astype(np.int64).tolist()

    def draw(self, random: np.random.Generator, time: float, first: int) -> Integers:
        """Return the steps at which or after which the events around a time come, those from step ``first`` on."""
        ticks = np.trunc((time + self.spread * random.standard_normal(self.size)) * self.ticks + 0.5)
        ticks = ticks[(ticks >= first * self.ticks_per_step) & (ticks < LAST_STEP // 2)]
        return -(-ticks.astype(np.int64) // self.ticks_per_step)


class PulsePackets:
    """Packets of events, which are the same for all receivers; each is drawn once, when its first events may come.

    Parameters
    ----------
    law : PacketLaw
    random : numpy.random.Generator
    first, end : int
        Events before step ``first`` and from step ``end`` on are lost.
    """

    stateless = False  # its stream moves on

    def __init__(self, law: PacketLaw, random: np.random.Generator, first: int = 0, end: int = LAST_STEP) -> None:
        self.law, self.random, self.first, self.end = law, random, first, end
        self._due = law.due()
        self._drawn = 0  # packets
        self._coming: Integers = np.zeros(0, dtype=np.int64)  # steps of events, sorted

    def emit(self, step: int, n: int) -> Floats:
        out = np.zeros(n)
        begin, end = max(step, self.first), min(step + n, self.end)
        if begin >= end:
            return out
        packets = [self._coming]
        while self._drawn < len(self._due) and self._due[self._drawn] < end:
            packets.append(self.law.draw(self.random, self.law.times[self._drawn], begin))
            self._drawn += 1
        if len(packets) > 1:
            self._coming = np.sort(np.concatenate(packets))
        i, j = np.searchsorted(self._coming, (begin, end))
        out += np.bincount(self._coming[i:j] - step, minlength=n)
        self._coming = self._coming[j:]
        return out

    def expected(self, step: int) -> float:
        return 0.0  # a packet does not last
