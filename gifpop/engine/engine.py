"""The engine of `gifpop` and `gifpop.nest`: arrays, random streams and the chunked run over the compiled time loop."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop import _core
from gifpop.common import checks
from gifpop.common.interrupts import deferred_interrupt
from gifpop.common.stateful import fill
from gifpop.engine import chunks, instruction_set, threads
from gifpop.engine.connection_state import fit_states, with_state
from gifpop.engine.counting import count_units
from gifpop.engine.fluctuations import fit_fluctuations, fluctuating
from gifpop.engine.progress import progress_bar
from gifpop.engine.ring_buffers import RingBuffers

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats, Integers, Receptor, Stream
    from gifpop.engine.links import Link, NoiseLink
    from gifpop.engine.plan import Plan
    from gifpop.engine.signals import Emitter

INSTRUCTION_SET = instruction_set.select()
SECONDS_PER_UNIT = 3e-8  # of a step, for each neuron or cohort,
SECONDS_PER_CONNECTION = 2e-11  # and for each connection, one in a hundred of which is taken


class SimulationError(RuntimeError):
    """Numbers left their range; the simulation up to then is kept.

    Attributes
    ----------
    result : Result, TrialStatistics, array, dict of arrays, or None
        What had been simulated until then, as `Simulation.run` or `Network.simulate` returns it; of trials, those
        before the first one that failed, None if there are none.
    """

    result: Any = None  # what it is depends on what was run; handlers of an error should not have to ask


class StateLostError(RuntimeError):
    """A change of the state was interrupted, and left it inconsistent."""


class OutOfMemoryError(SimulationError, MemoryError):
    """Spikes, whose number is not known in advance, fill the memory; the simulation up to then is kept.

    Both a SimulationError, with its ``result``, and a MemoryError.
    """


class Engine:
    """Groups with their state, links with input in transit, and the time.

    The ``names`` of the groups are for messages. The stream of a population is a numpy.random.BitGenerator, that of a
    group of neurons a key (`gifpop.common.seeds.philox_key`). ``signals`` are what the input lines emit. ``buffers``
    are empty ones, of an engine of the same groups that is no longer used (`give_up`); None: new ones.

    ``broken`` says what was cut short, so that the state is lost; None: the state is whole. It is set before arrays
    that hold state are written, and None again when all of them, and the records of it, belong together.
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
        buffers: RingBuffers | None = None,
    ) -> None:
        self.step = 0
        self.broken: str | None = None
        self.dt, self.threads = dt, n_threads
        self.names, self.plans, self.streams = list(names), list(plans), list(streams)
        self._buffers = RingBuffers() if buffers is None else buffers
        self.links: list[Link] = []
        self._states: list[Floats] = []
        self.noise: list[NoiseLink] = []
        self._fluctuations: list[Floats] = []
        self.slice_steps = _core.LONGEST_SLICE
        self._running = threading.Lock()
        self.wire(links, signals, noise)

    def state(self) -> dict[str, Any]:
        """Return step, input in transit and the state of links, for `resume`; plans and streams have their own."""
        of_links = {"links": self._states, "fluctuations": self._fluctuations}
        return {"step": self.step, **of_links, **self._buffers.state()}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Take over the `state` of another engine with the same groups, links and signals; ValueError if unfit."""
        self.step = checks.integer("step", kept["step"], 0, checks.LARGEST_EXACT)
        longest = self._buffers.slots - self.slice_steps
        self._buffers.resume(kept)
        self.slice_steps = min(self.slice_steps, self._buffers.slots - longest)  # those of the other one may be shorter
        if self.slice_steps < 1:
            raise ValueError(f"input must have more than {longest} slots, got {self._buffers.slots}")
        for what, mine, theirs in (
            ("state of link", self._states, kept["links"]),
            ("fluctuation", self._fluctuations, kept.get("fluctuations", [])),  # files of format 3 may have none
        ):
            fill(*({f"{what} {i}": each for i, each in enumerate(of)} for of in (mine, theirs)))
        self.bind()

    def check_whole(self) -> None:
        """Raise StateLostError if a change of the state was cut short."""
        if self.broken is not None:
            raise StateLostError(f"the state is lost, since {self.broken}")

    def add(self, name: str, plan: Plan, stream: Stream) -> None:
        """Add a group; to be followed by `wire`, since the numbers of the input lines shift."""
        self.names.append(name)
        self.plans.append(plan)
        self.streams.append(stream)

    def give_up(self) -> RingBuffers:
        """Return the ring buffers, empty, for another engine; this one must not be used again."""
        self.broken = "a reset was cut short"
        self._buffers.clear()
        return self._buffers

    def wire(self, links: Sequence[Link], signals: Iterable[Emitter], noise: Sequence[NoiseLink] = ()) -> None:
        """Set the links and input lines; keep input in transit.

        Raise MemoryError if the ring buffers for the longest delay would not fit in memory. Whatever is raised, nothing
        has changed then.
        """
        self.check_whole()
        new = copy.copy(self)
        new._buffers = self._buffers.copy()
        new._wire(links, list(signals), list(noise))
        vars(self).update(vars(new))  # at once: there is no moment in which only a part has changed

    def _wire(
        self,
        links: Sequence[Link],
        signals: list[Emitter],
        noise: list[NoiseLink],
        moved: Mapping[int, Integers] | None = None,
    ) -> None:
        """Set the links and input lines of an engine that is not running."""
        groups = len(self.plans)
        lags = [link.longest_lag for link in links] + [link.lag for link in noise]
        steps = min([_core.LONGEST_SLICE, *(link.shortest_lag for link in links if link.source < groups)])
        single = {link.target for link in links if link.source >= groups and link.first is not None}
        single |= {link.target for link in noise if not link.shared and self.plans[link.target].places}
        units = count_units(links, self.plans)
        self._buffers.fit(self.plans, max(lags, default=0), steps, units, single, self.step, self.dt)
        self.slice_steps = steps
        before, self.links = self.links, sorted(links, key=lambda link: link.source)
        self._states = fit_states(self.links, self.plans, before, self._states, moved)
        self._fluctuations = fit_fluctuations(noise, self.plans, self.noise, self._fluctuations, moved)
        self.signals, self.noise = signals, noise
        self.bind()

    def changed(
        self,
        plans: Sequence[Plan],
        links: Sequence[Link] | None = None,
        signals: Iterable[Emitter] = (),
        noise: Sequence[NoiseLink] = (),
        moved: Mapping[int, Integers] | None = None,
    ) -> Engine:
        """Return an engine that goes on with other plans of the same groups, links and input lines.

        What is on its way is kept. This engine stays as it is, but shares random streams and arrays with the new one:
        only one of them may run. ``links`` None: links, signals and noise stay as they are. For groups with another
        number of neurons, ``moved`` names those whose input on its way each of them receives. Raise MemoryError if it
        would not fit in memory.
        """
        self.check_whole()
        new = copy.copy(self)
        new.plans, new._buffers = list(plans), self._buffers.copy()
        for i, neurons in (moved or {}).items():
            new._buffers.move(i, neurons, plans[i].places)
        if links is None:
            new.bind()
        else:
            new._wire(links, list(signals), list(noise), moved)
        return new

    def bind(self) -> None:
        """Hand the arrays to the time loop; needed after replacing a group's arrays."""
        self.core = _core.Core(
            [plan.bind(stream) for plan, stream in zip(self.plans, self.streams, strict=True)],
            self._buffers,
            self.links,
            self._states,
            self.noise,
            self._fluctuations,
            len(self.signals),
            self.slice_steps,
        )
        self._pace: chunks.Pace | None = None

    def add_input(
        self,
        steps: int | Integers,
        receptor: Receptor,
        target: int,
        amounts: float | npt.NDArray[np.floating],
        units: int | Integers | None = None,
    ) -> None:
        """Add amounts (pA) that arrive at a group in steps to come, at most the longest lag from now.

        ``steps``, ``amounts`` and ``units`` (neurons; None: all units of the group) are numbers or arrays.
        """
        if self._buffers.add(steps, receptor, target, amounts, units):
            self.bind()

    def numbers_of(self, noise: NoiseLink) -> Floats:
        """Return the numbers of fluctuating currents (see `gifpop.engine.fluctuations`), to be read or written."""
        return self._fluctuations[next(i for i, one in enumerate(fluctuating(self.noise)) if one is noise)]

    def states_from(self, source: int) -> list[tuple[Link, Floats]]:
        """Return the links from a group that have a state (`gifpop.engine.connection_state`), with it, to write."""
        return [pair for pair in zip(with_state(self.links), self._states, strict=True) if pair[0].source == source]

    def take_over(self, other: Engine) -> None:
        """Copy the input in transit to all units from another engine with as many groups, to arrive from step 0 on."""
        self._buffers.take_over(other._buffers, other.step)

    def bytes_of_input(self) -> float:
        """Return the memory of input in transit."""
        return self._buffers.bytes

    def bytes_to_come(self, n: int) -> float:
        """Return the additional memory of input in transit during ``n`` steps."""
        return self._buffers.bytes_to_come(self.step, n)

    def run(
        self,
        n_steps: int,
        probing: chunks.Probing | None = None,
        progress: bool | None = False,
        label: str = "gifpop",
        between: Callable[[], None] | None = None,
    ) -> Iterator[chunks.Chunk]:
        """Advance ``n_steps`` steps and yield the pieces of the run as `Chunk`.

        ``probing`` None records nothing. ``progress`` None shows a bar where standard error is a terminal, after two
        seconds. ``between`` is called between two pieces; it may raise an error to end the run there.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, once the piece during which it was pressed has been taken; the state is whole.
        SimulationError
            If an expected count or a potential is not finite; the state is lost then.
        StateLostError
            If this or an earlier change of the state was cut short: a run whose pieces could not be taken, for one.
        RuntimeError
            If another thread is running this engine.
        """
        if not self._running.acquire(blocking=False):
            raise RuntimeError("this simulation is being run by another thread already")
        try:
            self.check_whole()
            probing = chunks.Probing(self.plans) if probing is None else probing
            pace, most = self._known_pace(), probing.most_steps()
            end = self.step + n_steps
            with deferred_interrupt() as interrupted, progress_bar(n_steps, label, "step", progress) as bar:
                while self.step < end and not interrupted():
                    with pace.chunk(end - self.step, most) as n:
                        [(failed, chunk)] = advance([self], n, probing, self.threads)
                        bar.update(len(chunk.counts))
                        yield chunk
                    self.broken = None  # not before the piece has been recorded
                    if failed >= 0:
                        error, self.broken = self.failure(failed, chunk), self._loss(failed, chunk)
                        raise error
                    if between is not None and self.step < end:
                        between()
                if self.step < end:
                    raise KeyboardInterrupt  # also where a handler of the user's own returns
        finally:
            self._running.release()

    def _known_pace(self) -> chunks.Pace:
        """Return the pace of the runs since the arrays were bound."""
        if self._pace is None:
            self._pace = chunks.Pace(self.slice_steps, self.seconds_per_step())
        return self._pace

    def seconds_per_step(self) -> float:
        """Return about how long a step takes in one thread, before any has been measured."""
        units = sum(plan.work for plan in self.plans)
        connections = sum(len(link.units) for link in self.links if link.units is not None)
        return SECONDS_PER_UNIT * units + SECONDS_PER_CONNECTION * connections

    def failure(self, group: int, chunk: chunks.Chunk) -> SimulationError:
        """Return the error of a group whose numbers are no longer finite in the step after a chunk."""
        what = "a potential" if self.plans[group].neurons else "the expected spike count or a potential"
        return SimulationError(
            f"population {self.names[group]!r}: {what} is no longer a finite number {self._place(chunk)}; a weight or "
            "current is too large"
        )

    def _loss(self, group: int, chunk: chunks.Chunk) -> str:
        """Return why the state is lost: what is left of it depends on where the slice ends, and does not recover."""
        return f"numbers of population {self.names[group]!r} were no longer finite {self._place(chunk)}"

    def _place(self, chunk: chunks.Chunk) -> str:
        """Return which step comes after a chunk, for messages."""
        return f"in the step that ends at {round((chunk.step + len(chunk.counts) + 1) * self.dt, 9)} ms"

    def emit(self, lines: Floats, means: Floats) -> None:
        """Fill in what the input lines emit in the next steps, and the means or variances of the noise.

        Both have the shape (steps, lines or noise).
        """
        for column, signal in enumerate(self.signals):
            lines[:, column] = signal.emit(self.step, len(lines))
        for column, noise in enumerate(self.noise):
            means[:, column] = noise.signal.emit(self.step, len(means))


def advance(
    engines: Sequence[Engine], n: int, probing: chunks.Probing, n_threads: int
) -> list[tuple[int, chunks.Chunk]]:
    """Run engines with equal groups, all at the same step, through one chunk of the compiled loop.

    They are marked as broken, until whoever calls this has recorded the chunk: what ends it early leaves states that
    are not those of any step, or of a step with what is not recorded.

    Returns
    -------
    list of tuple, one for each engine
        The group that failed, or -1; what it did as a `gifpop.engine.chunks.Chunk`.
    """
    first, shape = engines[0].step, (len(engines), n)
    counts = np.zeros((*shape, len(engines[0].plans)), dtype=np.int64)
    forced = probing.prescribe(counts, first)
    records = np.empty((*shape, len(probing.sorted)))
    lines, means = np.empty((*shape, len(engines[0].signals))), np.empty((*shape, len(engines[0].noise)))
    cores = [engine.core for engine in engines]
    with threads.team(n_threads) as team:
        for i, engine in enumerate(engines):
            engine.broken = "a run was cut short"
            engine.emit(lines[i], means[i])
        outcomes = _core.advance(
            cores, first, lines, means, counts, probing.chosen, forced, probing.sorted, records, team
        )
    advanced = []
    for engine, counted, recorded, outcome in zip(engines, counts, records, outcomes, strict=True):
        failed, done, steps, spikes, repeats = outcome
        engine.step += steps if failed < 0 else done  # where the records end
        chunk = chunks.Chunk(first, counted[:done], probing.as_asked(recorded[:done]), spikes, repeats)
        advanced.append((failed, chunk))
    return advanced
