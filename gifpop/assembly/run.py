"""One run of a simulation: advance its engine and record; Ctrl-C and errors lose nothing that was recorded."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from gifpop.assembly.recording import SpikeRoom
from gifpop.engine.chunks import Probing
from gifpop.engine.engine import SimulationError

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

    from gifpop.assembly.recording import Recorder
    from gifpop.assembly.state import State
    from gifpop.reductions import Reduced
    from gifpop.result import Result

# The result of what a recorder holds, from its first step and the seed of the run.
MakeResult: TypeAlias = "Callable[[Recorder, int, np.random.SeedSequence], Result]"

logger = logging.getLogger(__name__)


class SimulationInterrupted(KeyboardInterrupt):
    """Ctrl-C during a run.

    Parameters
    ----------
    result : Result
        What the run had simulated until then. The simulation can be continued with `Simulation.run`. Of trials, what
        `Network.simulate` returns for those that were finished, or None.
    until : str
        When that was, for the message.
    """

    result: Any  # its class depends on what was run; handlers of an error should not have to ask

    def __init__(self, result: Reduced | None, until: str) -> None:
        super().__init__(until)
        self.result, self._until = result, until

    def __str__(self) -> str:
        return f"interrupted {self._until}{'' if self.result is None else '; .result holds what was simulated'}"

    def __reduce__(self) -> tuple[type[Self], tuple[Reduced | None, str]]:
        return type(self), (self.result, self._until)


def interrupted(state: State, result: Result) -> SimulationInterrupted:
    """Return the error that ends a run with this result at the present time."""
    return SimulationInterrupted(result, f"at {round(state.time, 9)} ms")


def record(state: State, n: int, progress: bool | None, make_result: MakeResult, finished: list[Result]) -> None:
    """Run ``n`` steps; append the result to a list as soon as the records of the simulation hold it, too."""
    state.require_whole()
    engine, recording, records = state.engine, state.recording, state.records
    first, began = engine.step, time.perf_counter()
    records.end()
    state.check(n)
    recorder, room = recording.recorder(n, first), SpikeRoom("Simulation.run")
    error: KeyboardInterrupt | SimulationError | None = None
    records.begin(partial(make_result, recorder, first, state.seed))
    try:
        for chunk in engine.run(
            n,
            Probing(engine.plans, recorder.probes, recording.prescribed),
            progress,
            between=lambda: room.check(recorder.n_spikes, recorder.bytes_to_come),
        ):
            recorder.take(chunk)
    except (KeyboardInterrupt, SimulationError) as caught:
        error = caught
    finally:
        result = records.end()
        assert result is not None  # of this run, which was begun
        finished.append(result)
        logger.debug("ran %d of %d steps in %.3g s", engine.step - first, n, time.perf_counter() - began)
    if isinstance(error, KeyboardInterrupt):
        raise interrupted(state, result) from None
    if error is not None:
        error.result = result
        raise error


def skip(state: State, n: int, progress: bool | None, make_result: MakeResult) -> None:
    """Run ``n`` steps without recording; errors hold an empty result."""
    state.check(n, recorded=False)
    engine = state.engine
    nothing = state.recording.recorder(0, engine.step)
    try:
        for _ in engine.run(n, Probing(engine.plans, (), state.recording.prescribed), progress):
            pass
    except KeyboardInterrupt:
        raise interrupted(state, make_result(nothing, engine.step, state.seed)) from None
    except SimulationError as error:
        error.result = make_result(nothing, engine.step, state.seed)
        raise
