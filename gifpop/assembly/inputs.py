"""Convert inputs, in ms, pA and spikes/s, to signals on the time grid and links to groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gifpop.assembly.connections import is_own_noise, receptor, squared, variance_receptor
from gifpop.common.grid import whole_steps
from gifpop.engine import signals
from gifpop.engine.links import Link, NoiseLink
from gifpop.inputs import DirectCurrent, PoissonSpikes, SpikeTimes, StepCurrent, Waveform

if TYPE_CHECKING:
    from gifpop.common.typing import Integers, Level, Streams
    from gifpop.description import Description, Injection
    from gifpop.engine.signals import Signal
    from gifpop.inputs import Input

MOST_EVENTS = 10**6  # of a Poisson process in a step


def inputs(
    net: Description,
    levels: Mapping[str, Level],
    dt: float,
    streams: Streams,
    kept: dict[int, tuple[Injection, Signal]],
) -> tuple[list[Signal], list[Link], list[NoiseLink]]:
    """Return signals and links of the inputs that all neurons of a population share, and the noise that they do not.

    ``streams(i)`` returns the bit generator of the i-th input. ``kept`` holds stateless signals made before, with their
    inputs, by the number of the input; it is completed here.
    """
    index = {name: i for i, name in enumerate(net.populations)}
    lines: list[Signal] = []
    made: list[Link] = []
    noise: list[NoiseLink] = []
    for i, injection in enumerate(net.injections):
        delay = whole_steps(f"{injection.label}: delay", injection.delay, dt)
        input, target, stream = injection.input, index[injection.post], streams(i)
        signal = _kept_signal(injection, dt, stream, kept)
        if is_own_noise(input) and levels[injection.post] == "micro":
            noise.append(NoiseLink(target, delay, receptor(input.weight), input.weight, signal, stream))
            continue
        line = len(index) + len(lines)
        if isinstance(input, SpikeTimes | PoissonSpikes):
            made.append(Link(line, target, delay, receptor(input.weight), input.weight))
        else:
            made.append(Link(line, target, delay, "current", 1.0))
        if is_own_noise(input) and input.weight != 0.0 and input.rate > 0.0:  # besides the mean for all, the variance
            variance = squared(injection.label, input.weight)
            made.append(replace(made[-1], receptor=variance_receptor(input.weight), weight=variance))
        lines.append(signal)
    return lines, made, noise


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


def make_signal(input: Input, label: str, dt: float, stream: np.random.BitGenerator) -> Signal:
    """Return the signal of an input, on the time grid; a random one draws from ``stream``."""

    def step(name: str, time: float) -> int:
        return whole_steps(f"{label}: {name}", time, dt)

    def steps(times: tuple[float, ...]) -> Integers:
        return whole_steps(f"{label}: times", np.array(times), dt)

    def window(start: float, stop: float | None) -> tuple[int, int]:
        return step("start", start), signals.LAST_STEP if stop is None else step("stop", stop)

    match input:
        case StepCurrent():
            return signals.Piecewise(steps(input.times), input.values)
        case DirectCurrent():
            return signals.Piecewise([0], [input.amplitude], *window(input.start, input.stop))
        case Waveform():
            repeat = 1 if input.interval is None else whole_steps(f"{label}: interval", input.interval, dt, least=1)
            return signals.Samples(input.values, step("start", input.start), repeat)
        case SpikeTimes():
            return signals.Events(steps(input.times), np.ones(len(input.times)))
        case PoissonSpikes():
            mean = 1e-3 * input.rate * dt
            if mean > MOST_EVENTS:
                raise ValueError(f"{label}: rate must be <= {MOST_EVENTS} spikes a step of {dt} ms, got {mean}")
            if input.shared:
                return signals.PoissonCounts(mean, np.random.Generator(stream), *window(input.start, input.stop))
            return signals.Piecewise([0], [mean], *window(input.start, input.stop))
