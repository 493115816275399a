"""A short benchmark of the networks of the literature on this machine, with gifpop alone."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from gifpop import models
from gifpop.common import checks
from gifpop.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from gifpop.network import Network

# name, network, options of the simulation, and ms of a run, which is timed as a whole
CASES: tuple[tuple[str, Callable[[], Network], dict[str, Any], float], ...] = (
    ("Brunel network, mesoscopic", models.brunel, {"dt": 0.5}, 1000.0),
    ("Brunel network, mesoscopic, exact history", models.brunel, {"dt": 0.5, "history": "exact"}, 200.0),
    ("Brunel network, 1,000 neurons", models.brunel, {"dt": 0.5, "level": "micro"}, 500.0),
    ("cortical column, mesoscopic", models.potjans_diesmann, {"dt": 0.1}, 100.0),
)


class Case:
    """A network that runs repeatedly from its stationary state."""

    def __init__(self, name: str, network: Callable[[], Network], options: dict[str, Any], duration: float) -> None:
        net = network()
        self.name, self.duration = name, duration
        self.seconds: list[float] = []
        self._simulation = Simulation(net, seed=1, progress=False, initial="stationary", **options)
        neurons = options.get("level") == "micro"
        self._unit = "neuron" if neurons else "population"
        self._units = sum(p.N for p in net.populations.values()) if neurons else len(net.populations)
        self._simulation.run(duration)  # to warm up caches and branch predictors

    def run(self) -> None:
        """Simulate once and keep the time that it took."""
        self._simulation.reset()
        start = perf_counter()
        self._simulation.run(self.duration)
        self.seconds.append(perf_counter() - start)

    def numbers(self) -> dict[str, Any]:
        """Return the medians; ``unit``: whether ``ns_per_unit_and_step`` is of a population or a neuron."""
        seconds, steps = median(self.seconds), self.duration / self._simulation.dt
        return {
            "name": self.name,
            "ms_per_simulated_second": seconds * 1e6 / self.duration,
            "times_real_time": self.duration / (seconds * 1e3),
            "unit": self._unit,
            "ns_per_unit_and_step": seconds * 1e9 / (steps * self._units),
            "repetitions": len(self.seconds),
        }


def measure(seconds: float = 0.5) -> list[dict[str, Any]]:
    """Return medians of all cases, timed in turns, so that other load on the machine slows all of them.

    Each runs for about as many seconds, at least three times.
    """
    seconds = checks.number("benchmark.measure: seconds", seconds, "> 0", "s")
    cases = [Case(*case) for case in CASES]
    waiting = cases
    while waiting:
        for case in waiting:
            case.run()
        waiting = [case for case in waiting if len(case.seconds) < 3 or sum(case.seconds) < seconds]
    return [case.numbers() for case in cases]


def report(cases: list[dict[str, Any]]) -> str:
    """Return a table of the medians."""
    lines = [
        f"{'':42}{'a simulated':>13}{'times':>11}{'a step':>12}",
        f"{'medians':42}{'second':>13}{'real time':>11}{'of one':>12}",
    ]
    for case in cases:
        lines.append(
            f"{case['name']:42}{case['ms_per_simulated_second']:10.2f} ms{case['times_real_time']:11.0f}"
            f"{case['ns_per_unit_and_step']:9.1f} ns {case['unit']}"
        )
    return "\n".join(lines)
