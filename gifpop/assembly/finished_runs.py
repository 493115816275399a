"""Results of the runs of a simulation: kept run by run, and joined into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from gifpop.common import memory
from gifpop.result import PopulationResult, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gifpop.common.typing import Integers, Spikes


class Records:
    """Results of finished runs, and the recordings of a run that has no result yet."""

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self.results = list(results)
        self._make: Callable[[], Result] | None = None
        self._made: Result | None = None

    def begin(self, make: Callable[[], Result]) -> None:
        """Begin a run; ``make`` returns its result so far."""
        self._make, self._made = make, None

    def end(self) -> Result | None:
        """Keep and return the result of the current run; return None if there is none.

        Call it again if it ran out of memory.
        """
        if self._make is None:
            return None
        if self._made is None:
            self._made = self._make()
        made = self._made
        if not self.results or self.results[-1] is not made:
            self.results.append(made)
        self._make = self._made = None
        return made

    def joined(self) -> Result:
        """Return the results of all runs as one (see `gifpop.Simulation.result`)."""
        results = list(self.results)
        if not results:
            raise ValueError("Simulation.result: nothing has been simulated yet")
        memory.require(
            bytes_of_joined(results),
            "Simulation.result: a copy of what all runs recorded (forget() drops what is there; what each run returns "
            "need not be joined)",
        )
        return concatenate(results)

    def forget(self, running: bool) -> None:
        """Drop all results; a run that is ``running`` still gets its own."""
        if not running:
            self._make = self._made = None
        self.results = []


def concatenate(results: Sequence[Result]) -> Result:
    """Join the results of successive runs of one simulation.

    Raises
    ------
    ValueError
        If a run does not begin where the one before ends: time stamps count on from the first.
    """
    first = results[0]
    _check_succession(results)
    populations = [_join(parts) for parts in zip(*results, strict=True)]
    return Result(populations, first.dt, first.level, first.seed, first.network_seed, first._first)


def _check_succession(results: Sequence[Result]) -> None:
    """Raise if there is a gap between two results; skip results without steps, such as those of failed runs."""
    end = results[0]._first
    for result in results:
        steps = len(next(iter(result)).counts)
        if steps and result._first != end:
            raise ValueError(
                f"Simulation.result: each run must begin where the one before ends, at {end * result.dt:g} ms, got one "
                f"from {result._first * result.dt:g} ms on: what lies between was not recorded; take what each run "
                "returned"
            )
        end = result._first + steps if steps else end


def bytes_of_joined(results: Iterable[Result]) -> float:
    """Return the memory in bytes that the joined results take."""
    populations = [p for result in results for p in result]
    arrays = [array for p in populations for array in (*p.arrays.values(), p._record_steps)]
    spikes = [array for p in populations if isinstance(p._spikes, tuple) for array in (*p._spikes, p._spikes[0])]
    return float(sum(array.nbytes for array in (*arrays, *spikes)))  # a spike has a step and a time


def _join(parts: Sequence[PopulationResult]) -> PopulationResult:
    """Join the records of one population in successive runs."""
    first = parts[0]
    if first.level == "micro" and any(not np.array_equal(p.neurons, first.neurons) for p in parts):
        raise ValueError(
            f"Simulation.result: the runs recorded different neurons of {first.name!r}, since N has changed; take what "
            "each run returned, or name the neurons (record_neurons)"
        )
    arrays = {name: np.concatenate([p.arrays[name] for p in parts]) for name in first.arrays}
    steps = np.concatenate([p._record_steps for p in parts])
    spikes = [p._spikes for p in parts if isinstance(p._spikes, tuple)]
    return first.with_arrays(arrays, join_spikes(spikes) if spikes else None, steps, _joined_size(parts))


def join_spikes(pieces: Sequence[Spikes]) -> Spikes:
    """Join pairs of steps and neurons into one pair of arrays."""
    if not pieces:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    steps, neurons = zip(*pieces, strict=True)
    return np.concatenate(steps), np.concatenate(neurons)


def _joined_size(parts: Sequence[PopulationResult]) -> int | Integers:
    """Return the number of neurons, or an array with one entry per step if it changed between runs."""
    sizes = {p.N for p in parts if len(p.counts)} or {parts[0].N}
    return sizes.pop() if len(sizes) == 1 else np.repeat([p.N for p in parts], [len(p.counts) for p in parts])
