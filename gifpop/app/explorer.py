"""A running network whose parameters change: `gifpop.explore` without its window."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from gifpop.common import checks
from gifpop.models import brunel
from gifpop.simulation import Simulation

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Seed

DT = 0.5  # ms
BIN = 2.0  # ms, over which activity is averaged
LATEST = 0.1  # s; a later frame counts as one of this length, so that no time is caught up
BUDGET = 0.02  # s of computing in one frame
SPEEDS = (0.1, 20.0)  # times real time
SIZES = {"E": 800, "I": 200}  # numbers of neurons for which the network's weights are meant


@dataclass(frozen=True)
class Knob:
    """An adjustable parameter: name, label, range and initial value."""

    name: str
    label: str
    low: float
    high: float
    start: float
    unit: str = ""
    whole: bool = False
    logarithmic: bool = False

    def checked(self, value: float) -> float:
        """Return a valid value of this parameter; raise an error for any other."""
        where = f"Explorer.set: {self.name}"
        value = checks.number(where, value, unit=self.unit)
        if not self.low <= value <= self.high:
            unit = f" {self.unit}" if self.unit else ""
            raise ValueError(f"{where} must be in [{self.low:g}, {self.high:g}]{unit}, got {value:g}")
        return round(value) if self.whole else value


KNOBS = (
    Knob("drive", "drive $I_e$", 100.0, 700.0, 300.0, "pA"),
    Knob("coupling", "coupling", 0.0, 3.0, 1.0),
    Knob("inhibition", "inhibition $g$", 0.0, 10.0, 5.0),
    Knob("adaptation", "adaptation", 0.0, 3.0, 1.0),
    Knob("N_E", "neurons $N_E$", 40, 40_000, SIZES["E"], whole=True, logarithmic=True),
    Knob("N_I", "neurons $N_I$", 10, 10_000, SIZES["I"], whole=True, logarithmic=True),
)
STARTS = {knob.name: knob.start for knob in KNOBS}


class Explorer:
    """The network of `gifpop.models.brunel` as populations, its parameters, and its activity of the last seconds.

    Parameters
    ----------
    seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        Of the simulation, see `gifpop.Simulation`.
    speed : float
        Simulated over elapsed time, 0.1 to 20.
    seconds : float, s
        Simulated time whose activity is kept, > 0.

    Attributes
    ----------
    values : dict of str to float
        Parameters: ``drive`` (pA), ``coupling`` (factor of all weights), ``inhibition`` (weight of an inhibitory
        spike over that of an excitatory one, as charges), ``adaptation`` (factor of ``q_sfa``), ``N_E``, ``N_I``.
    populations : tuple of str
        Names, in the order of the rows below.
    times : float64 array, s
        Times of the columns below; the last one, now, is 0.
    activity, rate : float64 arrays, shape (populations, columns), spikes/s
        Activity and expected activity in bins of 2 ms, NaN before the start.
    lag : float, s
        Simulated time by which all frames together fell short of the speed.
    simulation : gifpop.Simulation
        The simulation that runs.

    Notes
    -----
    Weights scale with the inverse of the number of presynaptic neurons: with more of them, mean input stays the same,
    and fluctuations shrink.
    """

    def __init__(self, seed: Seed = None, speed: float = 1.0, seconds: float = 3.0) -> None:
        self.speed = speed
        columns = max(1, round(checks.number("Explorer: seconds", seconds, "> 0", "s") * 1e3 / BIN))
        self._net = brunel()
        self.values = {knob.name: knob.start for knob in KNOBS}
        self.populations = tuple(self._net.populations)
        self.times = (np.arange(columns) - (columns - 1)) * (BIN * 1e-3)
        self.activity = np.full((len(self.populations), columns), np.nan)
        self.rate = self.activity.copy()
        self._moved: set[str] = set()
        self._owed, self._cost, self.lag = 0.0, 0.0, 0.0
        self.simulation = Simulation(self._net, dt=DT, seed=seed, initial="stationary", progress=False)

    @property
    def speed(self) -> float:
        """Simulated over elapsed time."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        value = checks.number("Explorer.speed", value)
        if not SPEEDS[0] <= value <= SPEEDS[1]:
            raise ValueError(f"Explorer.speed must be in [{SPEEDS[0]:g}, {SPEEDS[1]:g}], got {value:g}")
        self._speed = value

    @property
    def time(self) -> float:
        """Time simulated, s."""
        return self.simulation.time * 1e-3

    def set(self, **values: float) -> None:
        """Move parameters to new values (see `values`); the network changes once, with the next frame."""
        known = {knob.name: knob for knob in KNOBS}
        for name in values:
            if name not in known:
                raise TypeError(f"Explorer.set: parameter must be one of {', '.join(known)}, got {name!r}")
        moved = {name: known[name].checked(value) for name, value in values.items()}
        self.values.update(moved)
        self._moved |= moved.keys()

    def frame(self, elapsed: float) -> int:
        """Simulate the time since the last frame, or as much of it as can be computed before the next one.

        That was ``elapsed`` s ago, >= 0. Return the number of new columns.
        """
        elapsed = checks.number("Explorer.frame: elapsed", elapsed, ">= 0", "s")
        self._apply()
        due = min(elapsed, LATEST) * 1e3 * self._speed + self._owed
        possible = BUDGET / self._cost if self._cost else due
        columns = int(min(due, max(possible, BIN)) / BIN + 1e-9)
        self._owed = min(due - columns * BIN, BIN)  # less than a bin is left to the next frame, more is dropped
        self.lag += (elapsed * 1e3 * self._speed - columns * BIN) * 1e-3
        if columns:
            self._run(columns)
        return columns

    def restart(self) -> None:
        """Restart in the stationary state of the network with its present parameters; clear the activity."""
        self._apply()
        self.simulation.reset()
        self.activity[:], self.rate[:] = np.nan, np.nan
        self._owed, self.lag = 0.0, 0.0

    def _run(self, columns: int) -> None:
        start = perf_counter()
        result = self.simulation.run(columns * BIN)
        cost = (perf_counter() - start) / (columns * BIN)
        self._cost = cost if not self._cost else 0.9 * self._cost + 0.1 * cost
        self.simulation.forget()
        for ring, values in ((self.activity, result.activity), (self.rate, result.rate)):
            _push(ring, values.reshape(columns, -1, len(self.populations)).mean(axis=1).T)

    def _apply(self) -> None:
        """Change the network by the parameters that have moved, in the middle of the simulation."""
        for name in self.populations:
            if changed := self._changed(name):
                self.simulation.set(name, **changed)
        for pre in self.populations:
            act = {"coupling", f"N_{pre}", "inhibition"} if pre == "I" else {"coupling", f"N_{pre}"}
            if not self._moved.isdisjoint(act):
                for post in self.populations:
                    self.simulation.set((pre, post), weight=self._weight(pre, post))
        self._moved.clear()

    def _changed(self, name: str) -> dict[str, float | list[float]]:
        """Return number and parameters of the neurons of a population that moved parameters change."""
        changed: dict[str, float | list[float]] = {}
        if f"N_{name}" in self._moved:
            changed["N"] = self.values[f"N_{name}"]
        if "drive" in self._moved:
            changed["I_e"] = self.values["drive"]
        if "adaptation" in self._moved:
            changed["q_sfa"] = [q * self.values["adaptation"] for q in self._net.populations[name].cell.q_sfa]
        return changed

    def _weight(self, pre: str, post: str) -> float:
        """Return the weight of a connection, pA."""
        as_built = next(c.weight for c in self._net.connections if (c.pre, c.post) == (pre, post))
        assert isinstance(as_built, float)  # one number for all synapses
        inhibition = self.values["inhibition"] / STARTS["inhibition"] if pre == "I" else 1.0
        return as_built * self.values["coupling"] * inhibition * SIZES[pre] / self.values[f"N_{pre}"]


def _push(ring: Floats, columns: Floats) -> None:
    """Shift an array to the left and write new columns at its right end."""
    columns = columns[:, -ring.shape[1] :]
    n = columns.shape[1]
    ring[:, : ring.shape[1] - n] = ring[:, n:]
    ring[:, ring.shape[1] - n :] = columns
