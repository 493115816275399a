"""The state of a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gifpop.common import memory
from gifpop.engine.engine import StateLostError

if TYPE_CHECKING:
    import numpy as np

    from gifpop.assembly.assembly import Assembly
    from gifpop.assembly.finished_runs import Records
    from gifpop.assembly.recording import Recording
    from gifpop.engine.engine import Engine


@dataclass(frozen=True)
class State:
    """The parts of a simulation that are replaced together, so that changes are atomic."""

    seed: np.random.SeedSequence  # of the run
    assembly: Assembly
    recording: Recording
    engine: Engine
    records: Records

    @property
    def time(self) -> float:
        """Time simulated, ms."""
        return self.engine.step * self.assembly.options.dt

    def require_whole(self) -> None:
        """Raise StateLostError where a change or a run that was cut short has left no state to go on from."""
        broken = self.engine.broken
        if broken is not None:
            raise StateLostError(f"Simulation: {broken}, and its state is lost; reset it, or load a saved one")

    def check(self, n: int, recorded: bool = True) -> None:
        """Refuse a run of ``n`` steps for which given counts or memory do not suffice."""
        self.recording.check(self.engine.step + n)
        needs = {"input on its way": self.engine.bytes_to_come(n)} | (self.recording.needs(n) if recorded else {})
        memory.require(
            needs,
            f"Simulation.run: records of {n} steps (longer record_interval, fewer variables or shorter runs need less)",
        )
