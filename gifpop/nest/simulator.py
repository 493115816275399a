"""Run the engine: bring nodes and connections to it, and take state and records from it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop.assembly.recording import SpikeRoom, bytes_of_probes
from gifpop.common.interrupts import deferred_interrupt
from gifpop.engine.chunks import Probing
from gifpop.engine.engine import Engine, OutOfMemoryError, SimulationError
from gifpop.engine.threads import usable
from gifpop.nest.errors import NotEnoughMemory, NumericalInstability, memory_of_nest, require_memory
from gifpop.nest.late_spikes import LateSpikes
from gifpop.nest.neurons import NeuronBlock
from gifpop.nest.populations import PopulationBlock
from gifpop.nest.recorded_synapses import RecordedSynapses
from gifpop.nest.recorders import MeterBlock, RecorderBlock, Samples, SpikeRecorderBlock
from gifpop.nest.recording import Tap, catch_up, sheets_of
from gifpop.nest.relays import RelayBlock
from gifpop.nest.stopwatch import ProcessorStopwatch
from gifpop.nest.wiring import Wiring

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats, Key, Stream
    from gifpop.engine.chunks import Chunk
    from gifpop.engine.plan import Plan
    from gifpop.engine.relays import RelayPlan
    from gifpop.meso.plan import PopulationPlan
    from gifpop.micro.plan import NeuronPlan
    from gifpop.nest.changes import Changes
    from gifpop.nest.clock import Clock
    from gifpop.nest.connections import ConnectionTable
    from gifpop.nest.delays import DelayRange
    from gifpop.nest.neurons import Adaptation
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.nodes import Block
    from gifpop.nest.recording import Listener, Monitor, Sheet, Weigher
    from gifpop.nest.streams import RandomStreams

# Bytes of each time at which a meter samples, of a sample until it is shown, and of each value in it; of a recorded
# spike until the run ends, and more when it is shown (52, or 75 where events are copied to be ordered or cut).
PER_TIME, PER_SAMPLE, PER_VALUE = 24.0, 36.0, 24.0
BRIEF = 1e-3  # s
MOST_HELD = 3.2e7  # of what was recorded in short runs and is not shown yet
PER_TAKEN_SPIKE, PER_SHOWN_SPIKE = 16.0, 64.0


class Load(NamedTuple):
    """Memory of meters in a step, in bytes: of what they take, of what they show; and how many probes they have."""

    taken: float
    shown: float
    probes: int


class LastRun:
    """Figures of the last run: spikes of neurons, populations and parrots; the time that it took.

    Of a ``brief`` one, the elapsed time is the processor time: to ask the system for it would take as long.
    """

    def __init__(self, brief: bool = False) -> None:
        self.spikes = 0
        self.time = ProcessorStopwatch(time.perf_counter if brief else time.process_time)


class Simulator:
    """The engine with the nodes, connections and recorders that it serves.

    Parameters
    ----------
    clock : Clock
    nodes : NodeTable
    connections : ConnectionTable
    delays : DelayRange
    streams : RandomStreams
    changes : Changes

    Attributes
    ----------
    late : LateSpikes
    last_run : LastRun
    """

    def __init__(
        self,
        clock: Clock,
        nodes: NodeTable,
        connections: ConnectionTable,
        delays: DelayRange,
        streams: RandomStreams,
        changes: Changes,
    ) -> None:
        self.clock, self.nodes, self.connections = clock, nodes, connections
        self.delays, self.streams, self.changes = delays, streams, changes
        self.engine = Engine([], [], [], dt=clock.resolution)
        self.late = LateSpikes(nodes, connections, self.engine)
        self.last_run = LastRun()
        self._groups: dict[int, int] = {}  # population, or first neuron of a block -> group of the engine
        self._restarts = 0  # of the random streams
        self._wirings = 0  # changes of the network that are wired
        self._random: dict[int, np.random.Generator] = {}  # of connections
        self._device_random: dict[int, np.random.Generator] = {}
        self._begun: dict[int, int] = {}  # connection of a meter -> step in which sampling began
        self._paused: dict[int, int] = {}  # connection of a meter to a frozen node -> step in which sampling ended
        self._listeners: list[Listener] = []
        self._sheets: list[Sheet] = []
        self._monitors: list[Monitor] = []
        self._weighers: list[Weigher] = []
        self._injected: dict[int, Tap] = {}
        self._bound = True  # whether the time loop has the arrays of all plans
        self._prepared = -1  # number of changes that all is prepared for
        self._shown_until: int | None = None  # step up to which nodes show state and events; None: all
        changes.catch_up = partial(_show, weakref.ref(self))  # no circle that would keep this object

    def is_ready(self) -> bool:
        """Return whether nothing has changed since `prepare`."""
        return self._prepared == self.changes.made

    def prepare(self) -> None:
        """Transfer changed nodes and connections to the engine; can be repeated after an exception."""
        self.show()
        self._reseed()
        steps = [*self._bring_populations(), *self._bring_neurons(), *self._bring_relays()]
        if steps:
            with self.changes.commit("Simulate"):
                self._bound = False
                for step in steps:
                    step()
        if self._wirings != self.changes.wirings:
            self._wire()
        elif not self._bound:
            self.engine.bind()
        self._bound = True
        self._look_up()
        self._prepared = self.changes.made

    def _look_up(self) -> None:
        """Look up what runs need and only changes of the network change."""
        self.writing = [block for block in self.nodes.of_type(RecorderBlock) if block.elsewhere()]
        self._frozen = [block for block in self.nodes.of_type(NeuronBlock) if block.columns["frozen"].any()]
        self._hearing = self.nodes.of_type(SpikeRecorderBlock)
        located = ((node, group, self.nodes.locate(node)[0]) for node, group in self._groups.items())
        self._cells = [each for each in located if each[2].is_cell]  # a device sends at once
        recorded = [(block, i, self.connections.recorded_plastic(block.first + i)) for block, i, _ in self._weighers]
        self._plastic = [each for each in recorded if each[2]]
        self._slice_steps = self.delays.steps[0]
        probes = [sampler.probe for sheet in self._sheets for sampler in sheet.samplers]
        self._probing = Probing(self.engine.plans, probes)
        self._load = self._meters_load()
        self._seconds_per_step = self.engine.seconds_per_step()

    def _wire(self) -> None:
        wirings = self.changes.wirings
        wiring = Wiring(
            self.nodes,
            self.connections,
            self._groups,
            self._generator,
            self._device_generator,
            self.streams.of_losses,
            self._sampled_from,
        )
        late = self.late.through_new_connections()
        with memory_of_nest():
            self.engine.wire(wiring.links, wiring.lines, wiring.noise)
        with self.changes.commit("Simulate"):
            catch_up(wiring.weighers, self._weighers, self.late, self.nodes)
            self.late.deliver(self._groups, late)
            # not the wiring itself, which refers to this object
            self._listeners, self._monitors = wiring.listeners, wiring.monitors
            self._sheets = sheets_of(wiring.samplers)
            self._weighers = wiring.weighers
            self._injected = wiring.injected
            self._wirings = wirings

    def _sampled_from(self, meter: MeterBlock, i: int, number: int, frozen: bool) -> int:
        """Return the step in which sampling through a connection of the ``i``-th meter began.

        As in NEST, it begins again after the node was frozen, if a sample was due meanwhile.
        """
        now = self.engine.step
        begun = self._begun.setdefault(number, now)
        if frozen:
            self._paused.setdefault(number, now)
        elif number in self._paused and meter.is_due(i, self._paused.pop(number), now, begun):
            self._begun[number] = begun = now
        return begun

    def run(self, n_steps: int, threads: int, progress: bool) -> None:
        """Simulate chunk by chunk; after an exception, keep all complete chunks."""
        engine = self.engine
        engine.threads = usable(threads)
        self._check_memory(n_steps)
        room = SpikeRoom("Simulate", PER_TAKEN_SPIKE, PER_SHOWN_SPIKE)

        def between() -> None:
            room.check(self._spikes_taken())
            self._write(ended=False)

        with deferred_interrupt():
            for recorder, i, projections in self._plastic:
                recorder.begin(i, RecordedSynapses.of(projections))
            restore = [block.freeze() for block in self._frozen]
            if self._shown_until is None:
                self._shown_until = engine.step
            brief = threads == 1 and n_steps * self._seconds_per_step < BRIEF
            self.last_run, complete = LastRun(brief), False
            try:
                with self.last_run.time:
                    for steps in self._until_last_slice(n_steps):
                        for chunk in engine.run(
                            steps, self._probing, progress=True if progress else None, between=between
                        ):
                            self._take(chunk)
                complete = True
            except OutOfMemoryError as error:
                raise NotEnoughMemory(str(error)) from None
            except SimulationError as error:
                raise NumericalInstability(str(error)) from None
            finally:
                if engine.broken is not None:
                    self.changes.broken = engine.broken
                for each in restore:
                    each()
                if not complete:
                    self._show_synapses()  # which spikes of the last slice have changed, too
                if not (complete and self._can_wait()):
                    self.show()
                self._write(ended=True)

    def _until_last_slice(self, n_steps: int) -> Iterator[int]:
        """Yield the steps of a run in one piece; or in two, if there are synapses to be shown as of the last slice."""
        if not self.connections.plastic_synapses():
            yield n_steps
            return
        end = self.engine.step + n_steps
        begin = (end - 1) // self._slice_steps * self._slice_steps
        if begin > self.engine.step:
            yield begin - self.engine.step
        if begin == self.engine.step:
            self._show_synapses()
        yield end - self.engine.step

    def _show_synapses(self) -> None:
        """Show synapses as spikes have changed them until now."""
        for synapses in self.connections.plastic_synapses():
            synapses.show(self.engine.step)

    def _can_wait(self) -> bool:
        """Return whether nodes need not show yet what was simulated: it takes little memory, and the slice has ended.

        Within a slice events are ordered run by run; recorded synapses that spikes change take memory.
        """
        since = self.engine.step - (self._shown_until or 0)
        held = self._load.shown * since + PER_SHOWN_SPIKE * self._spikes_taken()
        return held < MOST_HELD and self.engine.step % self._slice_steps == 0 and not self._plastic

    def _write(self, ended: bool) -> None:
        """Write what recorders have taken, all that is complete, to files or to the screen."""
        if self.writing:
            self._deal()
        for recorder in self.writing:
            recorder.write(self._slice_steps, ended, self.nodes.are_devices)

    def _deal(self) -> None:
        """Hand the meters what was sampled."""
        for sheet in self._sheets:
            sheet.deal()

    def _take(self, chunk: Chunk) -> None:
        """Record a chunk; until this is done the engine counts as broken."""
        self._record(chunk)
        self._weigh(chunk)
        self._note_spikes(chunk)
        self.clock.step = self.engine.step

    def show(self) -> None:
        """Update the nodes' state and events after runs; can be repeated after an exception."""
        if self._shown_until is None:
            return
        for population in self.nodes.of_type(PopulationBlock) if self.engine.step > self._shown_until else ():
            population.show()
        self._deal()
        for recorder in self.nodes.of_type(RecorderBlock):
            recorder.flush(self.delays.steps[0])
        self._shown_until = None

    def _meters_load(self) -> Load:
        """Return the memory that meters take."""
        samples = [(s.block, s.i, len(s.senders), len(s.probe[2])) for sheet in self._sheets for s in sheet.samplers]
        samples += [(m.block, m.i, 1, len(m.block.variables(m.i))) for m in self._monitors]
        taken = shown = 0.0
        for block, i, n, variables in samples:
            if block.columns["record_to"][i] == "memory":
                taken += 8.0 * variables * n / block.interval(i)
                shown += (PER_TIME + n * (PER_SAMPLE + PER_VALUE * variables)) / block.interval(i)
        return Load(taken, shown, sum(n * variables for *_, n, variables in samples))

    def _check_memory(self, n_steps: int) -> None:
        """Refuse a run whose meters would not fit in memory."""
        load, of_input = self._load, self.engine.bytes_to_come(n_steps)
        if not load.probes and not of_input:
            return
        held = n_steps if self._shown_until is None else n_steps + self.engine.step - self._shown_until
        recorded = max(load.taken * n_steps + bytes_of_probes(n_steps, load.probes), load.shown * held)
        needs = {"samples": recorded, "input on its way": of_input}
        require_memory(needs, f"Simulate: what meters record in {n_steps} steps (a longer interval needs less)")

    def _spikes_taken(self) -> int:
        """Return the number of spikes that spike recorders have taken and do not show yet."""
        return sum(block.n_taken for block in self._hearing)

    # -- streams ----------------------------------------------------------------------------------------------------

    def _reseed(self) -> None:
        """Restart all random streams if the seed was set."""
        restarts = self.streams.restarts
        if self._restarts == restarts:
            return
        self._random.clear()
        self._device_random.clear()
        for node, group in self._groups.items():
            block, _ = self.nodes.locate(node)
            if isinstance(block, NeuronBlock):
                key = self.streams.of_neurons(node)
                self.engine.streams[group] = key
                block.plan.restart(key)
            elif isinstance(block, PopulationBlock):
                self.engine.streams[group] = self.streams.of_population(node)
        self._restarts = restarts  # last, so that after an exception all is done again

    def _generator(self, k: int) -> np.random.Generator:
        """Return the random generator of a connection with noise of its own, in its present state."""
        if k not in self._random:
            self._random[k] = np.random.Generator(self.streams.of_connection(k))
        return self._random[k]

    def _device_generator(self, node: int) -> np.random.Generator:
        """Return the random generator of a device, in its present state."""
        if node not in self._device_random:
            self._device_random[node] = np.random.Generator(self.streams.of_device(node))
        return self._device_random[node]

    # -- nodes ------------------------------------------------------------------------------------------------------

    def _bring_populations(self) -> Iterator[Callable[[], None]]:
        """Yield functions that add new populations, or restart those that were set."""
        for block in self.nodes.of_type(PopulationBlock):
            for i in np.flatnonzero(block.changed).tolist():
                yield partial(self._adopt, block, i, *block.plan(i), self.streams.of_population(block.first + i))

    def _adopt(self, block: PopulationBlock, i: int, plan: PopulationPlan, len_kernel: int, stream: Stream) -> None:
        node = block.first + i
        if node in self._groups:
            self.engine.plans[self._groups[node]] = plan
        else:
            self._add(block, node, plan, stream)
        block.adopt(i, plan, len_kernel)

    def _bring_neurons(self) -> Iterator[Callable[[], None]]:
        """Yield functions that add new neurons, or update the parameters of others."""
        for block in self.nodes.of_type(NeuronBlock):
            if not block.begun:
                key = self.streams.of_neurons(block.first)
                yield partial(self._begin, block, block.first_plan(key), key)
            elif block.changed:
                yield partial(self._update, block, block.updated())

    def _begin(self, block: NeuronBlock, plan: NeuronPlan, key: Key) -> None:
        self._add(block, block.first, plan, key)
        block.begin(plan)

    def _update(self, block: NeuronBlock, new: tuple[dict[str, Floats], dict[Adaptation, Floats]]) -> None:
        before = block.plan.n_receptors
        block.update(*new)
        if block.plan.n_receptors != before:
            self._wirings = -1  # their input needs room

    def _bring_relays(self) -> Iterator[Callable[[], None]]:
        """Yield functions that add new relays, or restart those that were set."""
        for block in self.nodes.of_type(RelayBlock):
            slice_steps = self.delays.steps[0]
            if block.sliced != slice_steps:
                yield partial(self._relay, block, block.plan(slice_steps), slice_steps)

    def _relay(self, block: RelayBlock, plan: RelayPlan, slice_steps: int) -> None:
        if block.first in self._groups:
            self.engine.plans[self._groups[block.first]] = plan
        else:
            self._add(block, block.first, plan, self.streams.of_neurons(block.first))
        block.sliced = slice_steps

    def _add(self, block: Block, node: int, plan: Plan, stream: Stream) -> None:
        """Add a group to the engine: a population, or a block of neurons or relays given by its first one."""
        self._groups[node] = len(self._groups)
        self.engine.add(f"{block.model.name} {node}", plan, stream)

    # -- records ----------------------------------------------------------------------------------------------------

    def _record(self, chunk: Chunk) -> None:
        """Hand a chunk to the recorders."""
        for listener in self._listeners:
            self._hear(chunk, listener)
        if not (self._sheets or self._monitors):
            return
        stamps = chunk.step + 1 + np.arange(len(chunk.counts))
        column = 0
        for sheet in self._sheets:
            end = column + sheet.width
            sheet.note(stamps, chunk.records[:, column:end])
            column = end
        for meter, i, place, sender, begun, signal in self._monitors:
            chosen = np.flatnonzero(meter.selected(i, stamps, begun))
            values = np.tile(signal.last[: len(stamps)][chosen], (len(meter.variables(i)), 1))
            meter.take(i, Samples(np.array([place]), np.array([sender]), stamps[chosen], values[:, :, np.newaxis]))

    def _hear(self, chunk: Chunk, listener: Listener) -> None:
        """Hand the spikes of a chunk to a spike recorder."""
        recorder, i, first, heard, repeats, sieve = listener
        if isinstance(heard, Tap) and heard.offsets is not None and sieve is None:
            stamps, offsets = heard.offsets
            k = slice(*np.searchsorted(stamps, (chunk.step, chunk.step + len(chunk.counts)), side="right").tolist())
            recorder.take(i, np.full(len(stamps[k]), first), stamps[k], None, offsets[k])
            return
        if isinstance(heard, Tap) or heard not in chunk.neurons:
            emitted = heard.last[: len(chunk.counts)] if isinstance(heard, Tap) else chunk.counts[:, heard]
            fired = np.flatnonzero(emitted)
            counts = emitted[fired].astype(np.int64)
            if sieve is not None:
                counts = sieve.passed(np.zeros(len(fired), np.int64), counts)
            recorder.take(i, np.full(len(fired), first), chunk.step + 1 + fired, counts)
            return
        steps, units = chunk.neurons[heard]
        times = chunk.repeats.get(heard)
        if sieve is not None:
            times = sieve.passed(units, np.ones(len(units), np.int64) if times is None else times)
        if repeats is not None:
            times = repeats[units] if times is None else repeats[units] * times
        recorder.take(i, first + units.astype(np.int64), steps + 1, times)

    def _weigh(self, chunk: Chunk) -> None:
        """Hand the spikes of a chunk to the weight recorders."""
        for recorder, i, firsts in self._weighers:
            for first in firsts:
                group = self._groups.get(first)
                if group in chunk.neurons:
                    steps, units = chunk.neurons[group]
                    repeats = chunk.repeats.get(group, 1)
                    recorder.take(i, np.repeat(first + units.astype(np.int64), repeats), np.repeat(steps + 1, repeats))
                    continue
                n = len(chunk.counts)
                counts = self._injected[first].last[:n] if group is None else chunk.counts[:, group]
                stamps = np.repeat(chunk.step + 1 + np.arange(n), counts.astype(np.int64))
                recorder.take(i, np.full(len(stamps), first), stamps)

    def _note_spikes(self, chunk: Chunk) -> None:
        """Count the spikes; note those of the last slice, and when each neuron fired."""
        end = chunk.step + len(chunk.counts)
        for node, group, block in self._cells:
            if block.is_group:
                steps, units = chunk.neurons[group]
                if not len(steps):
                    continue
                if isinstance(block, NeuronBlock):
                    block.note_spikes(steps, units)
                late = np.searchsorted(steps, end - self._slice_steps)
                counts = chunk.repeats.get(group)
                counts = np.ones(len(steps), np.int64) if counts is None else counts
                self.late.take(steps[late:], node + units[late:].astype(np.int64), counts[late:])
            else:
                counts = chunk.counts[:, group]
                self._note_late(node, counts[-self._slice_steps :], end)
            self.last_run.spikes += int(counts.sum())
        for node, tap in self._injected.items():
            emitted = tap.last[: len(chunk.counts)]
            self._note_late(node, emitted[-self._slice_steps :], end)
            self.last_run.spikes += int(emitted.sum())
        self.late.forget(self._slice_steps)

    def _note_late(self, node: int, counts: npt.NDArray[np.number], end: int) -> None:
        """Note numbers of spikes of a node in steps up to ``end``."""
        fired = np.flatnonzero(counts)
        self.late.take(end - len(counts) + fired, np.full(len(fired), node), counts[fired].astype(np.int64))


def _show(simulator: weakref.ref[Simulator]) -> None:
    """Update what nodes show, if their simulator still exists."""
    alive = simulator()
    if alive is not None:
        alive.show()
