"""The engine that both faces drive: arrays, random streams and the chunked run over the compiled time loop."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop import _core, chunks, instruction_set
from gifpop.counting import count_units, multiple
from gifpop.interrupts import deferred_interrupt
from gifpop.ring_buffers import RingBuffers

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.plan import Link, NoiseLink
    from gifpop.signals import Emitter
    from gifpop.typing import Floats, Integers, Plan, Prescribed, Probe, Receptor, Stream

INSTRUCTION_SET = instruction_set.select()


class SimulationError(RuntimeError):
    """The equations left the range of numbers; what was simulated until then is kept.

    Attributes
    ----------
    result : Result, TrialStatistics, array, dict of arrays, or None
        What had been simulated until then, as `Simulation.run` or `Network.simulate` returns it; of trials, those
        before the first one that failed, None if there are none.
    """

    result: Any = None  # what it is depends on what was run; handlers of an error should not have to ask


class Engine:
    """Groups with their state, projections with the input on its way, and the time.

    Parameters
    ----------
    names : sequence of str
        Of the groups, for messages.
    plans : sequence of PopulationPlan or NeuronPlan
    streams : sequence
        A numpy.random.BitGenerator for a population, a key (see `gifpop.seeds.philox_key`) for a group of neurons.
    links : sequence of gifpop.plan.Link
    signals : sequence
        What the input lines emit (see `gifpop.signals`).
    noise : sequence of gifpop.plan.NoiseLink
    dt : float, ms
    n_threads : int
    """

    def __init__(
        self,
        names: Iterable[str],
        plans: Iterable[Plan],
        streams: Iterable[Stream],
        links: Sequence[Link] = (),
        signals: Iterable[Emitter] = (),
        noise: Sequence[NoiseLink] = (),
        *,
        dt: float,
        n_threads: int = 1,
    ) -> None:
        self.step = 0
        self.dt, self.threads = dt, n_threads
        self.names, self.plans, self.streams = list(names), list(plans), list(streams)
        self._buffers = RingBuffers()
        self._running = threading.Lock()
        self.wire(links, signals, noise)

    def resume(self) -> None:
        """Make what the other attributes do not hold, once they have been restored from a file."""
        self._running = threading.Lock()
        self.bind()

    def add(self, name: str, plan: Plan, stream: Stream) -> None:
        """Add a group; to be followed by `wire`, since the numbers of the input lines shift."""
        self.names.append(name)
        self.plans.append(plan)
        self.streams.append(stream)

    def restart(self, plans: Iterable[Plan], streams: Iterable[Stream], links: Sequence[Link],
                signals: Iterable[Emitter], noise: Sequence[NoiseLink] = ()) -> None:  # fmt: skip
        """Go back to step 0 with other groups of the same size; nothing is on its way."""
        self.step = 0
        self.plans, self.streams = list(plans), list(streams)
        self._buffers.clear()
        self.wire(links, signals, noise)

    def wire(self, links: Sequence[Link], signals: Iterable[Emitter], noise: Sequence[NoiseLink] = ()) -> None:
        """Set the projections and input lines; what is already on its way is kept.

        Raises
        ------
        MemoryError
            If the ring buffers for the longest delay would not fit in memory; nothing has changed then.
        """
        groups = len(self.plans)
        lags = [link.longest_lag for link in links] + [link.lag for link in noise]
        steps = min([_core.LONGEST_SLICE, *(link.shortest_lag for link in links if link.source < groups)])
        single = {link.target for link in links if link.source >= groups and link.first is not None}
        single |= {link.target for link in noise}
        units = count_units(links, self.plans)
        self._buffers.fit(self.plans, max(lags, default=0), steps, units, single, self.step, self.dt)
        self.slice_steps = steps
        self.links = sorted(links, key=lambda link: link.source)
        self.signals, self.noise = list(signals), list(noise)
        self.bind()

    def change(self, plans: Sequence[Plan], links: Sequence[Link] | None = None, signals: Iterable[Emitter] = (),
               noise: Sequence[NoiseLink] = (), moved: Mapping[int, Integers] | None = None) -> None:  # fmt: skip
        """Go on with other plans of the same groups, projections and input lines; what is on its way is kept.

        Parameters
        ----------
        plans : sequence of PopulationPlan or NeuronPlan
        links : sequence of gifpop.plan.Link, or None
            None: links, signals and noise stay as they are.
        signals, noise : see `Engine`
        moved : dict of int to int array, or None
            For groups with another number of neurons, what is on its way to which one each of them receives.

        Raises
        ------
        MemoryError
            If it would not fit in memory; nothing has changed then.
        """
        before = self.plans, self._buffers
        try:
            self.plans, self._buffers = list(plans), self._buffers.chosen(moved or {})
            if links is None:
                self.bind()
            else:
                self.wire(links, signals, noise)
        except MemoryError:
            self.plans, self._buffers = before
            raise

    def bind(self) -> None:
        """Hand the arrays to the time loop; needed after a group's arrays have been exchanged."""
        sources = [link.source for link in self.links]
        n_sources = len(self.plans) + len(self.signals)
        receptor = _core.RECEPTOR
        self.core = _core.Core(
            [plan.bind(stream) for plan, stream in zip(self.plans, self.streams, strict=True)],
            self._buffers.shared,
            self._buffers.rings,
            [unit and unit.size for unit in self._buffers.units],
            self._buffers.externals,
            np.searchsorted(sources, np.arange(n_sources + 1)).astype(np.int64),
            [(p.target, p.lag, receptor[p.receptor], p.weight, self._multiple(p), *p.connections) for p in self.links],
            [(p.target, p.lag, receptor[p.receptor], p.weight, p.units, p.weights, p.stream) for p in self.noise],
            self.slice_steps,
        )

    def _multiple(self, link: Link) -> int:
        """Return the counts that a spike along a link stands for, or 0 where nothing is counted."""
        unit = self._buffers.units[link.target]
        if unit is None or link.source >= len(self.plans) or link.first is None:
            return 0
        return multiple(link, unit)

    def add_input(
        self,
        steps: int | Integers,
        receptor: Receptor,
        target: int,
        amounts: float | npt.NDArray[np.floating],
        units: int | Integers | None = None,
    ) -> None:
        """Let amounts (pA) arrive at a group in steps to come, at most the longest lag from now.

        ``steps``, ``amounts`` and ``units`` (neurons; None: all units of the group) are numbers or arrays.
        """
        if self._buffers.add(steps, receptor, target, amounts, units):
            self.bind()

    def take_over(self, other: Engine) -> None:
        """Let arrive at all units, from step 0 on, what is on its way in another engine with as many groups."""
        self._buffers.take_over(other._buffers, other.step)

    def run(
        self,
        n_steps: int,
        probes: Sequence[Probe] = (),
        prescribed: Mapping[int, Prescribed] | None = None,
        progress: bool | None = False,
        label: str = "gifpop",
    ) -> Iterator[chunks.Chunk]:
        """Advance ``n_steps`` steps and yield the pieces of the run as `Chunk`.

        Parameters
        ----------
        n_steps : int
        probes : sequence of (group, unit, recordable)
            What to record after each step.
        prescribed : dict of int to array or pair of arrays
            What groups emit instead of what they would: for a population, counts, entry ``k`` for step ``k`` of the
            simulation; for neurons, steps in order and the neurons that fire in them.
        progress : bool or None
            Show a progress bar; None: where standard error is a terminal, after two seconds.

        Raises
        ------
        KeyboardInterrupt
            After the piece during which Ctrl-C was pressed has been yielded.
        SimulationError
            If an expected count or a potential is not finite.
        RuntimeError
            If another thread is running this engine.
        """
        if not self._running.acquire(blocking=False):
            raise RuntimeError("this simulation is being run by another thread already")
        try:
            yield from self._run(n_steps, probes, prescribed, progress, label)
        finally:
            self._running.release()

    def _run(self, n_steps: int, probes: Sequence[Probe], prescribed: Mapping[int, Prescribed] | None,
             progress: bool | None, label: str) -> Iterator[chunks.Chunk]:  # fmt: skip
        probing, pace = chunks.Probing(self.plans, probes, prescribed), chunks.Pace(self.slice_steps)
        end = self.step + n_steps
        with chunks.progress_bar(n_steps, label, "step", progress) as bar, deferred_interrupt() as interrupted:
            while self.step < end and not interrupted():
                with pace.chunk(end - self.step) as n:
                    [(failed, chunk)] = chunks.advance([self], n, probing, self.threads)
                    bar.update(len(chunk.counts))
                    yield chunk
                if failed >= 0:
                    raise self.failure(failed, chunk)
        if self.step < end:
            raise KeyboardInterrupt  # also where a handler of the user's own has returned

    def failure(self, group: int, chunk: chunks.Chunk) -> SimulationError:
        """Return the error of a group whose numbers are no longer finite in the step after a chunk."""
        what = "a potential" if self.plans[group].neurons else "the expected spike count or a potential"
        end = (chunk.step + len(chunk.counts) + 1) * self.dt
        return SimulationError(
            f"population {self.names[group]!r}: {what} is no longer a finite number in the step that ends at {end} ms; "
            "a weight or current is too large"
        )

    def emissions(self, n: int) -> list[Floats]:
        """Return what the input lines emit in the next steps, and the mean numbers of events of the noise."""
        return [_emitted(which, self.step, n) for which in (self.signals, [p.signal for p in self.noise])]


def _emitted(signals: Sequence[Emitter], first: int, n: int) -> Floats:
    """Return what signals emit in ``n`` steps, shape (n, signals)."""
    values = np.empty((n, len(signals)))
    for column, signal in enumerate(signals):
        values[:, column] = signal.emit(first, n)
    return values
