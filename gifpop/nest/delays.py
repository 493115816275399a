"""The range of delays: of the connections that were made, or as the user fixed it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gifpop.nest.errors import BadDelay, BadProperty

if TYPE_CHECKING:
    from gifpop.nest.clock import Clock
    from gifpop.nest.projections import Lags


class DelayRange:
    """Shortest and longest delay.

    Attributes
    ----------
    range : pair of int, or None
        Shortest and longest, in steps; None before there are connections.
    fixed : bool
        Whether the user has set them.
    used : bool
        Whether there are connections.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.range: tuple[int, int] | None = None
        self.fixed = self.used = False

    @property
    def steps(self) -> tuple[int, int]:
        """Shortest and longest delay, in steps; one step where there is none."""
        return self.range or (1, 1)

    @property
    def ms(self) -> tuple[float, float]:
        """Shortest and longest delay, in ms."""
        least, most = self.steps
        return self.clock.ms(least), self.clock.ms(most)

    def fix(self, least: float, most: float) -> None:
        """Allow new connections delays from ``least`` to ``most`` ms only."""
        if self.used:
            raise BadProperty("Connections already exist. Please call ResetKernel first")
        low, high = self._steps_below(least), self._steps_above(most)
        if low > high:
            raise BadDelay(f"Delay value {least:g} is invalid: min_delay must be smaller than or equal to max_delay.")
        self.range, self.fixed = (low, high), True

    def _steps_below(self, ms: float) -> int:
        """Convert the shortest delay to steps, rounded down."""
        nearest = self.clock.delay_steps(max(ms, self.clock.resolution) if math.isfinite(ms) else ms)
        steps = nearest - (self.clock.delay_ms(nearest) > ms * (1 + 1e-12))
        if steps < 1:
            raise BadDelay("Delay value 0 is invalid: min_delay must be greater than or equal to resolution.")
        return steps

    def _steps_above(self, ms: float) -> int:
        """Convert the longest delay to steps, rounded up."""
        nearest = self.clock.delay_steps(ms)
        return nearest + (self.clock.delay_ms(nearest) < ms * (1 - 1e-12))

    def check(self, steps: Lags, default_of: str | None = None) -> None:
        """Refuse delays (steps, int or array) out of range; ``default_of`` names the model if it is a default."""
        if isinstance(steps, int):
            self._check(steps, default_of)
        elif np.size(steps):
            for each in (int(np.min(steps)), int(np.max(steps))):
                self._check(each, default_of)

    def include(self, steps: Lags) -> None:
        """Widen the range by checked delays (steps, int or array)."""
        if not isinstance(steps, int) and not np.size(steps):
            return
        self.used = True
        if not self.fixed:
            low, high = (steps, steps) if isinstance(steps, int) else (int(np.min(steps)), int(np.max(steps)))
            least, most = self.range or (low, high)
            self.range = min(low, least), max(high, most)

    def _check(self, steps: int, default_of: str | None) -> None:
        least, most = self.steps
        if least <= steps <= most or not (self.fixed or self.clock.step):
            return
        value = f"Delay value {self.clock.delay_ms(steps):g} is invalid: "
        if self.clock.step and not least <= steps <= most:
            if default_of:
                low, high = self.ms
                raise BadDelay(
                    f"{value}Default delay of '{default_of}' must be between min_delay {low:g} and max_delay {high:g}."
                )
            raise BadDelay(f"{value}Minimum and maximum delay cannot be changed after Simulate has been called.")
        if self.fixed and steps < least:
            raise BadDelay(
                f"{value}Delay must be greater than or equal to min_delay. "
                "You may set min_delay before creating connections."
            )
        if self.fixed and steps > most:
            raise BadDelay(
                f"{value}Delay must be smaller than or equal to max_delay. "
                "You may set min_delay before creating connections."
            )
