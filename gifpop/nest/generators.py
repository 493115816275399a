"""Generators: turn NEST's times and windows into signals on the engine's grid, indexed by the step of sending.

Step ``t - 1`` ends at the time ``t``. A device is active at stamps in (origin + start, origin + stop].
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from gifpop.engine import signals
from gifpop.nest.errors import BadProperty, StepMultipleRequired
from gifpop.nest.nodes import Block

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import NodeModel
    from gifpop.nest.value_types import Values

Channel: TypeAlias = Literal["all", "excite", "inhibit"]  # which spikes of a spike generator

ENDLESS = 1e15  # ms; a device that stops there or later never stops
OPTIONS_OF_TIMES = ("allow_offgrid_times", "precise_times", "shift_now_spikes")
FAR = signals.LAST_STEP // 2  # steps
HIGHEST_FREQUENCY = 1e100  # Hz


def check_window(row: Values, clock: Clock) -> None:
    """Refuse start, stop and origin off the grid, and a stop before the start."""
    for name in ("origin", "start"):
        clock.point(name, row[name])
    if row["stop"] < ENDLESS:
        clock.point("stop", row["stop"])
    if row["stop"] < row["start"]:
        raise BadProperty("stop >= start required.")


def window(row: Values, clock: Clock) -> tuple[int, int]:
    """Return the steps ``origin + start`` and ``origin + stop``; a device that never stops has a stop far away."""
    origin = clock.point("origin", row["origin"])
    stop = FAR if row["stop"] >= ENDLESS else clock.point("stop", row["stop"])
    return min(origin + clock.point("start", row["start"]), FAR), min(origin + stop, FAR)


class GeneratorBlock(Block):
    """Devices that send."""

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        check_window(row, clock)

    def window(self, i: int) -> tuple[int, int]:
        """Return the steps at which the ``i``-th device begins and ends."""
        if self.columns["frozen"][i]:
            return FAR, FAR
        return window(self.row(i), self.clock)


class CurrentBlock(GeneratorBlock):
    """Devices that send a current; NEST sends it one step ahead and applies it one step after its arrival.

    So the recorded current is on at stamps from ``origin + start`` to a step before ``origin + stop``.
    """

    recordables = ("I",)
    receives = frozenset({"requests"})
    sends = "current"

    def steps(self, i: int) -> tuple[int, int]:
        """Return the steps of sending in which the ``i``-th device begins and ends."""
        start, stop = self.window(i)
        return max(start - 1, 0), max(stop - 1, 0)

    def signal(self, i: int) -> signals.Emitter:
        """Return the current of the ``i``-th device, which all targets share."""
        raise NotImplementedError


class PiecewiseCurrentBlock(CurrentBlock):
    """Devices that send a current that changes at given times."""

    def amplitudes(self, i: int) -> tuple[Sequence[int] | Integers, list[float]]:
        """Return the steps at which the current of the ``i``-th device changes, and its values in between."""
        raise NotImplementedError

    def signal(self, i: int) -> signals.Piecewise:
        steps, values = self.amplitudes(i)
        return signals.Piecewise([-1, *(np.asarray(steps) - 1)], values, *self.steps(i))


class DirectCurrentBlock(PiecewiseCurrentBlock):
    """dc_generator."""

    def amplitudes(self, i: int) -> tuple[Sequence[int] | Integers, list[float]]:
        return [], [self.columns["amplitude"][i]]


class StepCurrentBlock(PiecewiseCurrentBlock):
    """step_current_generator.

    Attributes
    ----------
    held : float array
        Amplitude of each device before the first change of ``changes``.
    changes : list of (int array, float array)
        Steps and amplitudes of the changes that were to come when they were set.
    """

    together = frozenset({"amplitude_times"})

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.held = np.zeros(n)
        self.changes: list[tuple[Integers, Floats]] = [(np.zeros(0, np.int64), np.zeros(0))] * n
        for i in range(n):
            self._schedule(i)

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        arrays = given & {"amplitude_times", "amplitude_values"}
        times, values = row["amplitude_times"], row["amplitude_values"]
        if len(arrays) == 1:
            raise BadProperty("Amplitude times and values must be reset together.")
        if "allow_offgrid_times" in given and not arrays and len(times):
            raise BadProperty(
                "allow_offgrid_times can only be changed before amplitude_times have been set, or together with "
                "amplitude_times and amplitude_values."
            )
        if len(times) != len(values):
            raise BadProperty("Amplitude times and values have to be the same size.")
        if not arrays:
            return
        if np.any(times <= 0.0):
            raise BadProperty("Amplitude can only be changed at strictly positive times (t > 0).")
        steps = clock.grid("step_current_generator", times, row["allow_offgrid_times"])
        if np.any(np.diff(steps) <= 0):
            raise BadProperty("step_current_generator: amplitude times must be at strictly increasing time steps.")
        row["amplitude_times"] = clock.ms(steps)

    def apply(self, i: int, values: Values, given: Values) -> None:
        frozen = self.columns["frozen"][i]
        super().apply(i, values, given)
        if given.keys() & {"amplitude_times", "frozen"}:
            self._schedule(i, frozen)

    def amplitudes(self, i: int) -> tuple[Sequence[int] | Integers, list[float]]:
        steps, values = self.changes[i]
        return steps, [self.held[i], *values]

    def _schedule(self, i: int, frozen: bool = False) -> None:
        """Hold the present amplitude, or that from before the device was frozen; skip changes up to now."""
        now = self.clock.step
        steps, values = self.changes[i]
        past = np.searchsorted(steps, now, side="right")
        if past and not frozen:
            self.held[i] = values[past - 1]
        steps = self.clock.grid("step_current_generator", self.columns["amplitude_times"][i])
        coming = steps > now
        self.changes[i] = steps[coming], self.columns["amplitude_values"][i][coming]


def check_frequency(frequency: float) -> None:
    """Refuse a frequency whose phase would overflow."""
    if abs(frequency) > HIGHEST_FREQUENCY:
        raise BadProperty(f"frequency must be at most {HIGHEST_FREQUENCY:g} Hz, got {frequency:g}.")


class OscillatingBlock(GeneratorBlock):
    """Devices with a sine of absolute time: of ``frequency`` (Hz) and ``phase`` (degrees).

    The vector (``y_0``, ``y_1``) shows the phase. As in NEST, it turns while the device is updated, and new values act
    on it when the next run is prepared.

    Attributes
    ----------
    begun : int or None
        Step at which the last run was prepared.
    shown : dict of int to tuple of float
        Vectors of devices that were set since.
    """

    begun: int | None = None

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.shown: dict[int, tuple[float, float]] = {}

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock, connected)
        check_frequency(row["frequency"])

    def apply(self, i: int, values: Values, given: Values) -> None:
        self.shown[i] = self.vector(i)
        super().apply(i, values, given)

    def begin(self) -> None:
        """Note that a run is prepared at the present step."""
        self.begun = self.clock.step
        self.shown.clear()

    def oscillation(self, i: int) -> tuple[float, float]:
        """Return how far the phase of the ``i``-th device advances in a step, and its value at step 0 (radians)."""
        advance = 2e-3 * math.pi * self.columns["frequency"][i].item() * self.clock.resolution
        return advance, advance + math.radians(self.columns["phase"][i].item())

    def radius(self, i: int) -> float:
        """Return the length of the vector of the ``i``-th device."""
        return 1.0

    def turns_between(self, i: int) -> tuple[int, int]:
        """Return the steps from which and up to which the vector of the ``i``-th device turns."""
        return (0, 0) if self.columns["frozen"][i] else (0, signals.LAST_STEP)

    def vector(self, i: int) -> tuple[float, float]:
        """Return (``y_0``, ``y_1``) of the ``i``-th device."""
        if self.begun is None:
            return 0.0, 0.0
        if i in self.shown:
            return self.shown[i]
        first, end = self.turns_between(i)
        turned = max(min(self.clock.step, end) - max(self.begun, first), 0)
        advance, phase = self.oscillation(i)
        angle, radius = advance * (self.begun + turned - 1) + phase, self.radius(i)
        return radius * math.cos(angle), radius * math.sin(angle)

    def get(self, name: str, i: int) -> Any:
        if name in ("y_0", "y_1") and name in self.columns:
            return self.vector(i)[name == "y_1"]
        return super().get(name, i)


class AlternatingCurrentBlock(OscillatingBlock, CurrentBlock):
    """ac_generator."""

    def radius(self, i: int) -> float:
        amplitude: float = self.columns["amplitude"][i].item()
        return amplitude

    def signal(self, i: int) -> signals.Sinusoid:
        offset = self.columns["offset"][i].item()
        return signals.Sinusoid(offset, self.radius(i), *self.oscillation(i), *self.steps(i))


class NoiseBlock(OscillatingBlock, CurrentBlock):
    """noise_generator; each connection has a current of its own, and a meter records their mean.

    Attributes
    ----------
    noise : list of HeldNoise or None
        Of each device, once it takes part in a run.
    """

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.noise: list[signals.HeldNoise | None] = [None] * n

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        if row["std_mod"] > row["std"]:
            raise BadProperty("The modulation amplitude must be smaller or equal to the baseline amplitude.")
        hold = clock.whole_steps(row["dt"])
        if hold is None or hold < 1:
            raise StepMultipleRequired(
                f"The time property dt = {row['dt']:g} ms of model noise_generator must be a positive multiple of the "
                f"resolution {clock.resolution:g} ms."
            )

    def begin(self) -> None:
        super().begin()
        for i in np.flatnonzero(self.columns["std_mod"]).tolist():
            noise = self.noise[i]
            if noise is not None:
                noise.law = self.law(i)

    def turns_between(self, i: int) -> tuple[int, int]:
        return self.steps(i) if self.columns["std_mod"][i] else (0, 0)

    def law(self, i: int) -> signals.NormalLaw:
        """Return the law of the ``i``-th device; as in NEST, its phase stands still until the device begins."""
        mean, std, modulation = (self.columns[name][i].item() for name in ("mean", "std", "std_mod"))
        advance, phase = self.oscillation(i)
        waiting = max(self.steps(i)[0] - (self.begun or 0), 0)
        return signals.NormalLaw(mean, std, modulation, advance, phase - advance * waiting)

    def updated(self, i: int, random: np.random.Generator) -> signals.HeldNoise:
        """Return the currents of the ``i``-th device, which go on, with its present values."""
        law, hold = self.law(i), self.clock.steps_above(self.columns["dt"][i])
        noise = self.noise[i]
        if noise is None:
            noise = self.noise[i] = signals.HeldNoise(law, hold, random, *self.steps(i))
        else:
            noise.law, noise.hold, noise.random, (noise.first, noise.end) = law, hold, random, self.steps(i)
        return noise


class SpikeGeneratorBlock(GeneratorBlock):
    """spike_generator."""

    sends = "spikes"
    together = frozenset({"spike_times"})
    model_name = "spike_generator"
    at_zero = "spike time"  # in a message

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        times = row["spike_times"]
        if given & set(OPTIONS_OF_TIMES) and "spike_times" not in given and len(times):
            raise BadProperty("Options can only be set together with spike times or if no spike times have been set.")
        if row["precise_times"] and (row["allow_offgrid_times"] or row["shift_now_spikes"]):
            raise BadProperty(
                "Option precise_times cannot be set to true when either allow_offgrid_times or shift_now_spikes is set "
                "to true."
            )
        if "spike_times" in given:
            if not row["shift_now_spikes"] and np.any(times == 0.0):
                raise BadProperty(f"{cls.at_zero} cannot be set to 0.")
            if np.any(np.diff(times) < 0):
                raise BadProperty("Spike times must be sorted in non-descending order.")
            row["spike_times"] = cls._on_grid(row, clock)
        for name, comma in (("spike_weights", ","), ("spike_multiplicities", "")):
            size = len(row.get(name, ()))
            if (name in given and size not in (0, len(times))) or 0 < size < len(times):
                raise BadProperty(
                    f"{name} must have the same number of elements as spike_times{comma} or 0 elements to clear the "
                    "property."
                )

    @classmethod
    def _on_grid(cls, row: Values, clock: Clock) -> Floats:
        """Return spike times as they are kept: on the time grid, unless they are precise."""
        times = np.asarray(row["spike_times"])
        if row["precise_times"]:
            if not np.all(np.abs(times) < ENDLESS):
                raise BadProperty(f"{cls.model_name}: spike_times must be finite.")
            return times
        steps = clock.grid(cls.model_name, times, row["allow_offgrid_times"])
        if row["shift_now_spikes"]:
            steps = steps + (steps == clock.step - clock.point("origin", row["origin"]))
        return clock.ms(steps)

    def stamps(self, i: int) -> Integers:
        """Return the steps at whose end the spikes of the ``i``-th generator are sent."""
        origin, times = self.clock.point("origin", self.columns["origin"][i]), self.columns["spike_times"][i]
        if self.columns["precise_times"][i]:
            return origin + self.clock.steps_after(times)
        return origin + self.clock.grid(self.model_name, times)

    def offsets(self, i: int) -> tuple[Integers, Floats] | None:
        """Return stamps of precise spikes, and how far before them (ms) each is; None if none is between steps."""
        if not self.columns["precise_times"][i]:
            return None
        times, steps = self.columns["spike_times"][i], self.clock.steps_after(self.columns["spike_times"][i])
        offsets, stamps = self.clock.ms(steps) - times, self.stamps(i)
        offsets[np.abs(offsets) <= 4.0 * np.spacing(times)] = 0.0  # as of times on the grid
        start, stop = self.window(i)
        chosen = np.flatnonzero((stamps > start) & (stamps <= stop))
        numbers = self._amounts("spike_multiplicities", i, len(stamps))[chosen].astype(np.int64)
        repeated = np.repeat(chosen, numbers)
        return (stamps[repeated], offsets[repeated]) if np.any(offsets[repeated]) else None

    def channels(self, i: int) -> tuple[Channel, ...]:
        """Return the channels of the ``i``-th generator, "excite" and perhaps "inhibit" (see `signal`)."""
        weights = self.columns["spike_weights"][i] if "spike_weights" in self.columns else 1.0
        return ("excite", "inhibit") if np.any(weights < 0) else ("excite",)

    def signal(self, i: int, channel: Channel) -> signals.Events:
        """Return the spikes of the ``i``-th generator.

        ``channel`` is "all": numbers of spikes; "excite" or "inhibit": spikes whose own weights are > 0 or < 0, times
        these weights. The sign of a connection's weight times a spike's chooses the synapse.
        """
        start, stop = self.window(i)
        stamps = self.stamps(i)
        amounts = self._amounts("spike_multiplicities", i, len(stamps))
        weights = self._amounts("spike_weights", i, len(stamps))
        chosen = (stamps > start) & (stamps <= stop)
        if channel != "all":
            amounts = amounts * weights
            chosen &= weights > 0 if channel == "excite" else weights < 0
        return signals.Events(stamps[chosen] - 1, amounts[chosen])

    def _amounts(self, name: str, i: int, n: int) -> Floats:
        """Return one amount for each spike, by default 1; as in NEST, fewer new times use the first amounts."""
        amounts = self.columns[name][i][:n].astype(float) if name in self.columns else np.ones(n)
        return amounts if len(amounts) else np.ones(n)


class InjectorBlock(SpikeGeneratorBlock):
    """spike_train_injector; for NEST it is a neuron, whose spikes carry no weights of their own."""

    is_cell = True
    model_name = "spike_train_injector"
    at_zero = "Spike time"
