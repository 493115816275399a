"""Trials: many runs of one network, side by side in the compiled loop.

Trials share connections, parameters and everything else that is constant. The seed of a trial is derived from the seed
of all and its number, so that its result does not depend on which other trials run, how many at a time, or in which
thread.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from gifpop.assembly import footprint
from gifpop.assembly.recording import SpikeRoom, bytes_of_records
from gifpop.assembly.run import SimulationInterrupted
from gifpop.common import checks, memory, seeds
from gifpop.common.interrupts import deferred_interrupt, give_way
from gifpop.engine import chunks
from gifpop.engine.engine import OutOfMemoryError, SimulationError, advance
from gifpop.engine.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from gifpop.common.typing import Integers
    from gifpop.engine.engine import Engine
    from gifpop.engine.progress import Bar
    from gifpop.reductions import Reduced, Reduction
    from gifpop.result import Result
    from gifpop.simulation import Simulation

logger = logging.getLogger(__name__)

# A wave is the trials that run side by side: as many as take about this long, within these limits.
SECONDS_PER_WAVE = 0.1
MOST_PER_THREAD = 64
BYTES_PER_WAVE = 2.5e8  # unless one trial for each thread takes more


def check_trials(trials: object) -> Integers:
    """Return the numbers of trials, an int64 array, given their count or the numbers themselves."""
    numbers = checks.unmasked("simulate.trials", trials)
    if numbers.ndim == 0:
        return np.arange(checks.integer("simulate.trials", trials, 1))
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise TypeError(f"simulate.trials must be a number of trials or a sequence of their numbers, got {trials!r}")
    if not len(numbers) or numbers.min() < 0 or len(np.unique(numbers)) < len(numbers):
        raise ValueError(f"simulate.trials must be different numbers >= 0, at least one, got {trials!r}")
    return numbers.astype(np.int64)


class Trials:
    """Run trials in waves, each of which advances several engines side by side.

    Parameters
    ----------
    sim : Simulation
        Holds all that trials share. Its engine is reused for one of them.
    before, steps : int
        Number of steps without recording, and of those recorded after them.
    """

    def __init__(self, sim: Simulation, before: int, steps: int) -> None:
        self._assembly, self._recording, self._sim = sim._assembly, sim._recording, sim
        self._engines = [sim._engine]
        self._parts = [(before, False), (steps, True)]
        self._before, self._steps = before, steps
        self._probing = {
            True: chunks.Probing(sim._engine.plans, self._recording.probes, self._recording.prescribed),
            False: chunks.Probing(sim._engine.plans, (), self._recording.prescribed),
        }
        self._pace = chunks.Pace(sim._engine.slice_steps, sim._engine.seconds_per_step())
        self._room, self._kept_spikes, self._keeps_all = SpikeRoom("simulate"), 0, False
        self._threads = self._assembly.options.threads
        self._most = self._threads * (1 if any(plan.neurons for plan in sim._engine.plans) else MOST_PER_THREAD)

    def run(self, numbers: Integers, reduction: Reduction) -> Reduced:
        """Run the trials with these numbers and return their reduction."""
        self._check(numbers, reduction)
        outcome: list[Reduced] = []
        try:
            with deferred_interrupt() as stop:
                outcome.append(self._run_waves(numbers, reduction, stop))
        except SimulationInterrupted:
            raise
        except KeyboardInterrupt:
            if not outcome:
                raise
            raise SimulationInterrupted(outcome[0], f"after all {len(numbers)} trials") from None  # too late to stop
        return outcome[0]

    def _run_waves(self, numbers: Integers, reduction: Reduction, stop: Callable[[], bool]) -> Reduced:
        """Run wave after wave until all trials are done, one fails, or Ctrl-C stops them."""
        done, size = 0, min(self._threads, self._most)
        error: SimulationError | SimulationInterrupted | None = None
        total = len(numbers) * (self._before + self._steps)
        with progress_bar(total, "gifpop", "step", self._sim._progress) as bar:
            while done < len(numbers) and error is None and not stop():
                wave, began = numbers[done : done + size].tolist(), time.perf_counter()
                results, error = self._run_wave(wave, bar, stop)
                for result in results:
                    reduction.take(result)
                done += len(results)
                seconds = time.perf_counter() - began
                logger.debug("%d of %d trials; the last %d in %.3g s", done, len(numbers), len(results), seconds)
                size = self._next_size(len(wave), seconds)
        if stop() and done < len(numbers):  # even if a handler installed by the user returns
            error = SimulationInterrupted(None, f"after {done} of {len(numbers)} trials")
        if error is not None:
            error.result = reduction.result() if done else None
            raise error
        return reduction.result()

    def _check(self, numbers: Integers, reduction: Reduction) -> None:
        """Raise if trials would not fit in memory; limit how many run at a time."""
        # a mean and a variance each take as much memory as one result
        kept, at_once = (len(numbers) if reduction.keeps_all else 2), min(self._threads, len(numbers))
        end = self._before + self._steps
        self._recording.check(end)
        engine, sizes = self._sim._engine, footprint.of_levels(self._assembly.net, self._assembly.levels)
        state = sum(own for _, own in sizes) + engine.bytes_of_input()
        needs = self._recording.needs(self._steps, at_once, kept)
        # one state exists, except for its input in transit; a restart holds one more
        needs |= {"states": at_once * state - engine.bytes_of_input() + engine.bytes_to_come(end)}
        memory.require(
            needs,
            f"simulate: records of {self._steps} steps, {kept + at_once} times, and states, "
            f"{at_once} times (keep='mean' and fewer threads need less)",
        )
        left = memory.available()
        room = BYTES_PER_WAVE if left is None else min(BYTES_PER_WAVE, left - sum(needs.values()))
        records = bytes_of_records(self._steps, self._recording.columns, self._recording.every)
        more = int(room / (state + records)) // self._threads * self._threads
        self._most = max(self._threads, min(self._most, more))
        self._keeps_all = reduction.keeps_all

    def _next_size(self, size: int, seconds: float) -> int:
        """Return the size of the next wave, a multiple of the number of threads."""
        rounds = int(size / self._threads * SECONDS_PER_WAVE / max(seconds, 1e-9))
        return min(self._most, self._threads * max(1, rounds))

    def _run_wave(
        self, wave: list[int], bar: Bar, stop: Callable[[], bool]
    ) -> tuple[list[Result], SimulationError | None]:
        """Return the results of the trials before the first that failed, and its error or None.

        There are no results if Ctrl-C stopped the wave.
        """
        error: SimulationError | None = None
        roots = [seeds.trial(self._sim.seed, number) for number in wave]
        try:
            engines = self._begin(roots)
        except KeyboardInterrupt:
            return [], None
        recorders = [self._recording.recorder(self._steps, self._before) for _ in wave]
        for steps, recorded in self._parts:
            probing = self._probing[recorded]
            while steps > 0 and engines:
                if stop():
                    return [], None
                with self._pace.chunk(steps, probing.most_steps(len(engines))) as n:
                    advanced = advance(engines, n, probing, self._threads)
                for i, (failed, chunk) in enumerate(advanced):
                    engines[i].broken = None  # nothing continues from this engine unless the whole wave succeeds
                    if failed >= 0:
                        error = SimulationError(f"trial {wave[i]}: {engines[i].failure(failed, chunk)}")
                        engines = engines[:i]
                        break
                    if recorded:
                        recorders[i].take(chunk)
                try:
                    spikes = self._kept_spikes + sum(recorder.n_spikes for recorder in recorders)
                    self._room.check(spikes, sum(recorder.bytes_to_come for recorder in recorders))
                except OutOfMemoryError as full:
                    return [], full
                bar.update(n * len(wave))
                steps -= n
        if self._keeps_all:
            self._kept_spikes += sum(recorder.n_spikes for recorder in recorders)
        finished = zip(engines, recorders, roots, strict=False)
        return [self._sim._make_result(recorder, self._before, root) for _, recorder, root in finished], error

    def _begin(self, roots: list[np.random.SeedSequence]) -> list[Engine]:
        """Return an engine in its initial state for each seed; reuse the existing engines."""
        for i, root in enumerate(roots):
            give_way()
            if i < len(self._engines):
                self._engines[i] = self._assembly.engine(root, instead_of=self._engines[i])
            else:
                self._engines.append(self._assembly.engine(root))
        return self._engines[: len(roots)]
