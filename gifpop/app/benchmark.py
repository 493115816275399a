"""A short benchmark that needs nothing but gifpop: how fast this machine runs the networks of the literature."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypedDict

from gifpop import models
from gifpop.common import checks
from gifpop.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from gifpop.network import Network

# name, network, options of the simulation, and ms between two looks at the clock, which take some milliseconds
CASES: tuple[tuple[str, Callable[[], Network], dict[str, Any], float], ...] = (
    ("Brunel network, mesoscopic", models.brunel, {"dt": 0.5}, 1000.0),
    ("Brunel network, mesoscopic, exact history", models.brunel, {"dt": 0.5, "history": "exact"}, 200.0),
    ("Brunel network, 1,000 neurons", models.brunel, {"dt": 0.5, "level": "micro"}, 500.0),
    ("cortical column, mesoscopic", models.potjans_diesmann, {"dt": 0.1}, 100.0),
)


class Measured(TypedDict):
    """Medians of one case; ``unit`` is what ``ns_per_unit_and_step`` counts: populations or neurons."""

    name: str
    ms_per_simulated_second: float
    times_real_time: float
    unit: str
    ns_per_unit_and_step: float
    repetitions: int


class Case:
    """One network, run again and again from a state in which its activity has settled."""

    def __init__(self, name: str, network: Callable[[], Network], options: dict[str, Any], duration: float) -> None:
        net = network()
        self.name, self.duration = name, duration
        self.seconds: list[float] = []
        self._simulation = Simulation(net, seed=1, progress=False, initial="stationary", **options)
        neurons = options.get("level") == "micro"
        self._unit = "neuron" if neurons else "population"
        self._units = sum(p.N for p in net.populations.values()) if neurons else len(net.populations)
        self._simulation.run(duration)  # caches and branch predictors are warm

    def run(self) -> None:
        """Simulate once and note the time it took."""
        self._simulation.reset()
        start = perf_counter()
        self._simulation.run(self.duration)
        self.seconds.append(perf_counter() - start)

    def numbers(self) -> Measured:
        """Return the medians."""
        seconds, steps = median(self.seconds), self.duration / self._simulation.dt
        return {
            "name": self.name,
            "ms_per_simulated_second": seconds * 1e6 / self.duration,
            "times_real_time": self.duration / (seconds * 1e3),
            "unit": self._unit,
            "ns_per_unit_and_step": seconds * 1e9 / (steps * self._units),
            "repetitions": len(self.seconds),
        }


def measure(seconds: float = 0.5) -> list[Measured]:
    """Time all cases, turn by turn, so that what slows the machine for a while slows all of them.

    Parameters
    ----------
    seconds : float
        About how long each case runs, > 0; every one at least three times.

    Returns
    -------
    list of dict
        One for each case: its name, medians and number of repetitions.
    """
    seconds = checks.number("benchmark.measure: seconds", seconds, "> 0", "s")
    cases = [Case(*case) for case in CASES]
    waiting = cases
    while waiting:
        for case in waiting:
            case.run()
        waiting = [case for case in waiting if len(case.seconds) < 3 or sum(case.seconds) < seconds]
    return [case.numbers() for case in cases]
