"""The clock of a simulation: resolution, time, and the conversions between ms and steps."""

import math
from typing import overload

import numpy as np
import numpy.typing as npt

from gifpop.common import _numbers
from gifpop.common.grid import LONGEST_STEP, TICS_PER_MS, nearest_steps, tics
from gifpop.common.typing import Floats, Integers
from gifpop.nest.errors import BadDelay, BadProperty, KernelException

MS_PER_TIC = 1 / TICS_PER_MS
LONGEST_DELAY = 2**31 - 2  # steps
LONGEST_TIME = 9e15  # ms; its tics are an integer of 64 bits


class Clock:
    """Time in steps of the resolution.

    Attributes
    ----------
    tics_per_step : int
        The resolution in microseconds.
    step : int
        Steps simulated.
    simulated : bool
        Whether Simulate has been called.
    """

    def __init__(self) -> None:
        self.tics_per_step = 100
        self.step = 0
        self.simulated = False

    @property
    def resolution(self) -> float:
        """Length of a step, in ms."""
        return self.tics_per_step / TICS_PER_MS

    def set_resolution(self, ms: float) -> None:
        """Set the length of a step; refuse lengths that are not a whole number of tics."""
        if not ms >= MS_PER_TIC and not math.isnan(ms):
            raise KernelException("Resolution must be greater than or equal to one tic. Value unchanged.")
        if not math.isfinite(ms) or abs(ms * TICS_PER_MS - round(ms * TICS_PER_MS)) > 1e-9 * ms * TICS_PER_MS:
            raise KernelException("Resolution must be a multiple of the tic length. Value unchanged.")
        if ms > LONGEST_STEP:
            raise KernelException(f"Resolution must be at most {LONGEST_STEP:g} ms. Value unchanged.")
        self.tics_per_step = round(ms * TICS_PER_MS)

    @overload
    def ms(self, steps: int) -> float: ...
    @overload
    def ms(self, steps: Integers) -> Floats: ...
    def ms(self, steps: int | Integers) -> float | npt.NDArray[np.floating]:
        """Convert steps to ms, rounded as in NEST."""
        return steps * self.tics_per_step * MS_PER_TIC

    def whole_steps(self, ms: float) -> int | None:
        """Convert ms to steps; return None if the time is off the grid."""
        if not abs(ms) < LONGEST_TIME:
            return None
        steps, rest = divmod(tics(ms), self.tics_per_step)
        return None if rest else steps

    def grid(self, who: str, times: Floats, offgrid: bool = True) -> Integers:
        """Convert times of a device in ms to steps; round times off the grid up, or refuse them.

        Raises BadProperty, which names the model ``who`` and the time.
        """
        ms = np.ascontiguousarray(times, dtype=float)
        steps, wrong = _numbers.steps_on_grid(ms, TICS_PER_MS, self.tics_per_step, 1e15, offgrid)
        if wrong >= 0:
            raise BadProperty(f"{who}: Time point {ms[wrong]:g} is not representable in current resolution.")
        return steps

    def steps_after(self, times: Floats) -> Integers:
        """Return the steps at or after times in ms that need not be on the grid, as NEST rounds them."""
        steps = np.rint(times / self.resolution)
        return (steps + (steps * self.resolution < times)).astype(np.int64)

    def steps_above(self, ms: float) -> int:
        """Convert ms to steps, rounded up."""
        return -(-tics(ms) // self.tics_per_step)

    def point(self, name: str, ms: float) -> int:
        """Convert a time of a device in ms to steps; raise BadProperty, with its name, if it is off the grid."""
        steps = self.whole_steps(ms)
        if steps is None or steps < 0:
            raise BadProperty(f"{name} must be a multiple of the simulation resolution.")
        return steps

    def delay_steps(self, ms: float) -> int:
        """Convert a delay in ms to steps, rounded to the nearest; refuse delays of less than one."""
        steps = nearest_steps(ms, TICS_PER_MS / self.tics_per_step) if math.isfinite(ms) else 0
        if steps > LONGEST_DELAY:
            raise BadDelay(f"Delay value {ms:g} is invalid: it is longer than {LONGEST_DELAY} steps.")
        if steps < 1:
            shown = self.delay_ms(steps) if math.isfinite(ms) else ms
            raise BadDelay(f"Delay value {shown:g} is invalid: Delay must be greater than or equal to resolution")
        return steps

    def delays_steps(self, ms: Floats) -> npt.NDArray[np.int32]:
        """Convert an array of delays in ms to steps (int32), as `delay_steps`."""
        steps = nearest_steps(ms, TICS_PER_MS / self.tics_per_step)
        for bad in ms[~((steps >= 1) & (steps <= LONGEST_DELAY))][:1].tolist():
            self.delay_steps(bad)
        return steps.astype(np.int32)

    def default_delay_steps(self) -> int:
        """Return the default delay of synapse models, 1 ms rounded up to steps."""
        return -(-TICS_PER_MS // self.tics_per_step)

    @overload
    def delay_ms(self, steps: int) -> float: ...
    @overload
    def delay_ms(self, steps: Integers) -> Floats: ...
    def delay_ms(self, steps: int | Integers) -> float | npt.NDArray[np.floating]:
        """Convert a delay in steps to ms, rounded as in NEST."""
        return steps * self.resolution
