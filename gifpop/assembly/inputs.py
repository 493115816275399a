"""Convert inputs, in ms, pA and spikes/s, to signals on the time grid, links to groups, and noise."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from gifpop.assembly.connections import is_fluctuating, is_own_noise, receptor_of, squared, variance_at
from gifpop.common.grid import whole_steps
from gifpop.common.private_currents import PrivateCurrent, correlated, held, place_of_variance
from gifpop.engine import signals
from gifpop.engine.links import Fluctuation, Link, NoiseLink
from gifpop.inputs import (
    SPIKES,
    DirectCurrent,
    NoiseCurrent,
    OUCurrent,
    PoissonSpikes,
    SineCurrent,
    SpikeTimes,
    StepCurrent,
    Waveform,
)

if TYPE_CHECKING:
    from gifpop.common.typing import Integers, Level, Streams
    from gifpop.description import Description, Injection
    from gifpop.engine.signals import Signal
    from gifpop.inputs import Input

    Part: TypeAlias = Literal["line", "noise"]

MOST_EVENTS = 10**6  # of a Poisson process in a step
HIGHEST_FREQUENCY = 500.0  # Hz, times the step in ms: half a cycle a step


def private_currents(net: Description, dt: float) -> dict[str, tuple[PrivateCurrent, ...]]:
    """Return the private currents of populations that have some, in the order of the inputs."""
    found: dict[str, tuple[PrivateCurrent, ...]] = {}
    for injection in net.injections:
        input = injection.input
        if is_fluctuating(input) and not input.shared:
            if isinstance(input, OUCurrent):
                current = correlated(injection.number, input.std, math.exp(-dt / input.tau))
            else:
                current = held(injection.number, input.std, _Grid(injection.label, dt).interval(input.interval))
            found[injection.post] = (*found.get(injection.post, ()), current)
    return found


def parts_of(input: Input, level: Level) -> tuple[Part, ...]:
    """Return what becomes of an input onto a population at some level, in order: lines and noise."""
    if is_fluctuating(input):
        return "line", "noise"
    return ("noise",) if is_own_noise(input) and level == "micro" else ("line",)


def inputs(
    net: Description,
    levels: Mapping[str, Level],
    dt: float,
    streams: Streams,
    kept: dict[int, tuple[Injection, Signal]],
) -> tuple[list[Signal], list[Link], list[NoiseLink]]:
    """Return signals and links of the inputs that all neurons of a population share, and the noise.

    The noise is input that differs between neurons, and currents that fluctuate, about a mean that is a signal. As
    many parts come from each input as `parts_of` says.

    ``streams(i)`` returns the bit generator of the i-th input. ``kept`` holds stateless signals made before, with their
    inputs, by the number of the input; it is completed here.
    """
    index = {name: i for i, name in enumerate(net.populations)}
    lines: list[Signal] = []
    made: list[Link] = []
    noise: list[NoiseLink] = []
    private = private_currents(net, dt)
    for i, injection in enumerate(net.injections):
        delay = whole_steps(f"{injection.label}: delay", injection.delay, dt)
        input, target, stream = injection.input, index[injection.post], streams(i)
        signal = _kept_signal(injection, dt, stream, kept)
        synapse = receptor_of(net, injection, getattr(input, "weight", 0.0))
        if is_fluctuating(input):
            fluctuation = _fluctuation(injection, target, delay, dt, stream)
            if not input.shared and levels[injection.post] == "meso":
                place = sum(one.target == target and not one.shared for one in noise)
                after = len(net.populations[injection.post].cell.receptors)
                fluctuation = _of_population(fluctuation, private[injection.post][place], after, place)
            noise.append(fluctuation)
        elif isinstance(input, PoissonSpikes) and not input.shared and levels[injection.post] == "micro":
            noise.append(NoiseLink(target, delay, synapse, input.weight, signal, stream))
            continue
        line = len(index) + len(lines)
        if isinstance(input, SPIKES):
            made.append(Link(line, target, delay, synapse, input.weight))
        else:
            made.append(Link(line, target, delay, "current", 1.0))
        if isinstance(input, PoissonSpikes) and not input.shared and not input.is_silent:
            variance = squared(f"{injection.label}: weight", input.weight)
            made.append(replace(made[-1], receptor=variance_at(synapse), weight=variance))
        lines.append(signal)
    return lines, made, noise


def _fluctuation(injection: Injection, target: int, delay: int, dt: float, stream: np.random.BitGenerator) -> NoiseLink:
    """Return the noise of a current about its mean."""
    input, grid = injection.input, _Grid(injection.label, dt)
    assert isinstance(input, NoiseCurrent | OUCurrent)
    first, end = grid.window(input.start, input.stop)
    squared(f"{injection.label}: std", input.std)
    if isinstance(input, OUCurrent):
        law = Fluctuation(math.exp(-dt / input.tau), 1, first)
        variance = signals.HeldVariance(input.std, first=first, end=end)
    else:
        law = Fluctuation(0.0, grid.interval(input.interval), first)
        oscillation = input.std_mod, *grid.oscillation(input.frequency, input.phase)
        variance = signals.HeldVariance(input.std, *oscillation, law.hold, first, end)
    return NoiseLink(target, delay, "current", 1.0, variance, stream, fluctuation=law, shared=input.shared)


def _kept_signal(
    injection: Injection, dt: float, stream: np.random.BitGenerator, kept: dict[int, tuple[Injection, Signal]]
) -> Signal:
    """Return the signal of an input: the one made before if it has no state, which simulations can share."""
    known, signal = kept.get(injection.number, (None, None))
    if signal is not None and known is injection:
        return signal
    signal = make_signal(injection.input, injection.label, dt, stream)
    if signal.stateless:
        kept[injection.number] = injection, signal
    return signal


def _of_population(link: NoiseLink, current: PrivateCurrent, receptors: int, place: int) -> NoiseLink:
    """Return the link by which a population with so many receptors receives the variance of a private current.

    It is in units of its own.
    """
    law, variance = link.fluctuation, link.signal
    assert law is not None
    assert isinstance(variance, signals.HeldVariance)
    law, variance = replace(law, kept=current.kept), copy.copy(variance)
    if variance.std > 0.0:
        variance.std, variance.modulation = 1.0, variance.modulation / variance.std
    return replace(link, receptor=place_of_variance(receptors, place), signal=variance, fluctuation=law)


class _Grid:
    """The time grid of an input, whose ``label`` is for messages."""

    def __init__(self, label: str, dt: float) -> None:
        self.label, self.dt = label, dt

    def step(self, name: str, time: float) -> int:
        return whole_steps(f"{self.label}: {name}", time, self.dt)

    def steps(self, times: tuple[float, ...]) -> Integers:
        return whole_steps(f"{self.label}: times", np.array(times), self.dt)

    def window(self, start: float, stop: float | None) -> tuple[int, int]:
        """Return the first step, and the step after the last one."""
        return self.step("start", start), signals.LAST_STEP if stop is None else self.step("stop", stop)

    def interval(self, interval: float | None) -> int:
        """Return for how many steps a value acts."""
        return 1 if interval is None else whole_steps(f"{self.label}: interval", interval, self.dt, least=1)

    def oscillation(self, frequency: float, phase: float) -> tuple[float, float]:
        """Return how far the phase of a sine advances in a step, and its value at time 0 (radians)."""
        if frequency * self.dt > HIGHEST_FREQUENCY:
            raise ValueError(
                f"{self.label}: frequency must be <= {HIGHEST_FREQUENCY / self.dt:g} Hz, half a cycle a step of "
                f"{self.dt} ms, got {frequency}"
            )
        return 2e-3 * math.pi * frequency * self.dt, math.radians(phase % 360.0)

    def sine(
        self,
        input: SineCurrent | PoissonSpikes,
        offset: float,
        amplitude: float,
        lowest: float = -math.inf,
    ) -> signals.Sinusoid:
        """Return the sine of an input, in each step what it is in the middle."""
        advance, phase = self.oscillation(input.frequency, input.phase)
        window = self.window(input.start, input.stop)
        return signals.Sinusoid(offset, amplitude, advance, phase + 0.5 * advance, *window, lowest)


def make_signal(input: Input, label: str, dt: float, stream: np.random.BitGenerator) -> Signal:
    """Return the signal of an input, on the time grid; a random one draws from ``stream``.

    Of independent processes, and of currents that fluctuate, it is the mean.
    """
    grid = _Grid(label, dt)
    match input:
        case StepCurrent():
            return signals.Piecewise(grid.steps(input.times), input.values)
        case DirectCurrent():
            return signals.Piecewise([0], [input.amplitude], *grid.window(input.start, input.stop))
        case Waveform():
            return signals.Samples(input.values, grid.step("start", input.start), grid.interval(input.interval))
        case SineCurrent():
            return grid.sine(input, input.offset, input.amplitude)
        case NoiseCurrent() | OUCurrent():
            return signals.Piecewise([0], [input.mean], *grid.window(input.start, input.stop))
        case SpikeTimes():
            return signals.Events(grid.steps(input.times), np.ones(len(input.times)))
        case PoissonSpikes():
            return _spikes(input, grid, stream)


def _spikes(input: PoissonSpikes, grid: _Grid, stream: np.random.BitGenerator) -> Signal:
    """Return the numbers of spikes a step of a shared Poisson process, or the mean number of private ones."""
    rates = input.rate if isinstance(input.rate, tuple) else (input.rate + abs(input.amplitude),)
    most = 1e-3 * grid.dt * max(rates, default=0.0)
    if most > MOST_EVENTS:
        raise ValueError(f"{grid.label}: rate must be <= {MOST_EVENTS} spikes a step of {grid.dt} ms, got {most}")
    window = grid.window(input.start, input.stop)
    if isinstance(input.rate, tuple):
        mean: Signal = signals.Piecewise(grid.steps(input.times), 1e-3 * grid.dt * np.array(input.rate), *window)
    elif input.amplitude == 0.0:
        constant = 1e-3 * input.rate * grid.dt
        if input.shared:
            return signals.PoissonCounts(constant, np.random.Generator(stream), *window)
        mean = signals.Piecewise([0], [constant], *window)
    else:
        mean = grid.sine(input, 1e-3 * input.rate * grid.dt, 1e-3 * input.amplitude * grid.dt, lowest=0.0)
    return signals.VaryingPoissonCounts(mean, np.random.Generator(stream)) if input.shared else mean
