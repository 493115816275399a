"""The demonstration: a network whose drive steps up, at both levels; figures, rates and times."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from gifpop import models
from gifpop.app.output import CommandError
from gifpop.simulation import Simulation

if TYPE_CHECKING:
    from pathlib import Path

    from gifpop.common.typing import Level

DURATION, DT = 2000.0, 0.5  # ms
STEP, JUMP = 1500.0, 20.0  # of the drive: ms, mV
SETTLED = 500.0  # ms, after which the network has forgotten that all neurons have just fired


def make_folder(folder: Path) -> None:
    """Make the folder of the figures."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--output: cannot make the folder {folder}: {error.strerror}") from None


def demonstrate(level: Level, folder: Path, seed: int) -> dict[str, Any]:
    """Simulate the network at one level and save its figure; return its numbers, rates in spikes/s."""
    simulation = Simulation(models.brunel(step=(STEP, JUMP)), dt=DT, level=level, seed=seed)
    start = perf_counter()
    result = simulation.run(DURATION)
    seconds = perf_counter() - start
    path = folder / f"gifpop_{level}.png"
    figure = result.plot()
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise CommandError(f"--output: cannot write {path}: {error.strerror}") from None
    before = (result.t > SETTLED) & (result.t <= STEP)
    after = result.t > STEP
    return {
        "neurons": sum(p.largest_N for p in result),
        "rates_before": {p.name: float(p.activity[before].mean()) for p in result},
        "rates_after": {p.name: float(p.activity[after].mean()) for p in result},
        "seconds": seconds,
        "times_real_time": DURATION / (seconds * 1e3),
        "figure": str(path),
    }


def report(levels: dict[Level, dict[str, Any]]) -> str:
    """Return the numbers of the levels as lines of text."""
    steps = f"{DURATION / 1e3:g} s; the drive steps up at {STEP / 1e3:g} s."
    lines = [f"An excitatory and an inhibitory population, {steps}"]
    for level, numbers in levels.items():
        before, after = numbers["rates_before"], numbers["rates_after"]
        rates = "; ".join(f"{name} {before[name]:.2f}, then {after[name]:.2f}" for name in before)
        seconds, speed = numbers["seconds"], numbers["times_real_time"]
        size = "2 populations" if level == "meso" else f"{numbers['neurons']:,} neurons"
        lines += [
            f"\n{level}scopic ({size})",
            f"  rates   {rates} spikes/s",
            f"  time    {seconds * 1e3:.1f} ms, {speed:.0f} times faster than real time",
            f"  figure  {numbers['figure']}",
        ]
    return "\n".join(lines)
