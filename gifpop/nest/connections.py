"""The table of connections, and the delays that they may have."""

import numpy as np

from gifpop.nest.errors import BadDelay, BadProperty

CONNECTION = np.dtype(
    [("source", np.int64), ("target", np.int64), ("delay", np.int64), ("weight", np.float64), ("model", np.int64)]
)


class ConnectionTable:
    """All connections as one array, in the order in which they were made; delays in steps."""

    def __init__(self):
        self._pieces = [np.zeros(0, CONNECTION)]

    def __len__(self):
        return sum(map(len, self._pieces))

    @property
    def rows(self):
        """The connections; writing to it changes them."""
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def append(self, source, target, delay, weight, model):
        """Add connections; arrays or single values."""
        piece = np.zeros(len(source), CONNECTION)
        for name, values in zip(CONNECTION.names, (source, target, delay, weight, model), strict=True):
            piece[name] = values
        self._pieces.append(piece)


class DelayRange:
    """Shortest and longest delay of the connections, or what the user allows.

    Attributes
    ----------
    least, most : int or None
        Steps; None before there are connections.
    fixed : bool
        Whether the user has set them.
    used : bool
        Whether there are connections.
    """

    def __init__(self, clock):
        self.clock = clock
        self.least = self.most = None
        self.fixed = self.used = False

    @property
    def steps(self):
        """Shortest and longest delay, in steps; one step where there is none."""
        return (1, 1) if self.least is None else (self.least, self.most)

    @property
    def ms(self):
        """Shortest and longest delay, in ms."""
        return tuple(map(self.clock.ms, self.steps))

    def fix(self, least, most):
        """Allow delays from ``least`` to ``most`` ms, of connections that are still to be made."""
        if self.used:
            raise BadProperty("Connections already exist. Please call ResetKernel first")
        low, high = self.clock.delay_steps(least), self.clock.delay_steps(most)
        if low > high:
            raise BadDelay(f"Delay value {least:g} is invalid: min_delay must be smaller than or equal to max_delay.")
        self.least, self.most, self.fixed = low, high, True

    def check(self, steps, default_of=None):
        """Refuse delays (int array, steps) that may not be; ``default_of`` names the model whose default they are."""
        for each in np.unique(steps):
            self._check(int(each), default_of)

    def include(self, steps):
        """Widen the range by delays that were checked."""
        self.used = self.used or len(steps) > 0
        if not self.fixed and len(steps):
            self.least = int(min(np.min(steps), self.least or np.min(steps)))
            self.most = int(max(np.max(steps), self.most or 0))

    def _check(self, steps, default_of):
        least, most = self.steps
        value = f"Delay value {self.clock.delay_ms(steps):g} is invalid: "
        if self.clock.simulated and not least <= steps <= most:
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
