"""What runs: the engine, with the nodes' state, random streams and records between the runs."""

import numpy as np

from gifpop import seeds
from gifpop.engine import Engine, SimulationError
from gifpop.nest.errors import NumericalInstability, memory_of_nest, require_memory
from gifpop.nest.late_spikes import LateSpikes
from gifpop.nest.neurons import NeuronBlock
from gifpop.nest.populations import PopulationBlock
from gifpop.nest.recorders import RecorderBlock
from gifpop.nest.wiring import Tap, Wiring


class Simulator:
    """The engine of a kernel.

    Parameters
    ----------
    kernel : Kernel

    Attributes
    ----------
    late : LateSpikes
    """

    def __init__(self, kernel):
        self.kernel = kernel
        self.engine = Engine([], [], [], dt=kernel.clock.resolution)
        self.late = LateSpikes(kernel, self.engine)
        self._groups = {}  # population, or first neuron of a block -> group of the engine
        self._seed = self._known = None
        self._random = {}  # connection -> numpy Generator
        self._begun = {}  # connection of a meter -> step

    def prepare(self):
        """Bring nodes and connections, as they are now, to the engine."""
        self._reseed()
        changed = self._bring_populations() + self._bring_neurons()
        if self._known != self.kernel.changes:
            self._wire()
            self._known = self.kernel.changes
        elif changed:
            self.engine.bind()

    def _wire(self):
        self._wiring = wiring = Wiring(
            self.kernel, self._groups, self._generator, lambda k: self._begun.setdefault(k, self.engine.step)
        )
        with memory_of_nest():
            self.engine.wire(wiring.links, wiring.lines, wiring.noise)
        self.late.wire(self._groups)

    def run(self, n_steps):
        """Simulate; what was simulated is kept whatever ends the run."""
        kernel, began = self.kernel, self.engine.step
        self.engine.threads = kernel.threads
        probes = [probe for sampler in self._wiring.samplers for probe in sampler.probes]
        self._check_memory(n_steps)
        try:
            for chunk in self.engine.run(n_steps, probes, progress=True if kernel.print_time else None):
                self._record(chunk)
                self._note_spikes(chunk)
        except SimulationError as error:
            raise NumericalInstability(str(error)) from None
        finally:
            kernel.clock.step = self.engine.step
            self._show(began)

    def _check_memory(self, n_steps):
        """Refuse a run whose meters would not fit in memory."""
        needed = sum(
            8.0 * (2 * len(sampler.senders) + len(sampler.probes)) * n_steps / sampler.block.interval(sampler.i)
            for sampler in self._wiring.samplers
        )
        require_memory(needed, f"Simulate: what meters record in {n_steps} steps (a longer interval needs less)")

    # -- streams ----------------------------------------------------------------------------------------------------

    def _reseed(self):
        """Start all random streams anew if the seed was set."""
        if self._seed is self.kernel.seed:
            return
        self._seed = self.kernel.seed
        self._root = seeds.root_sequence(self._seed.value)
        self._random.clear()
        for node, group in self._groups.items():
            block, _ = self.kernel.locate(node)
            self.engine.streams[group] = self._stream(block, node)
            if isinstance(block, NeuronBlock):
                block.plan.restart(self.engine.streams[group])

    def _stream(self, block, node):
        """Return the stream of a population, or the key of a block of neurons."""
        if isinstance(block, NeuronBlock):
            return seeds.philox_key(self._root, seeds.POPULATION, node)
        return seeds.stream(self._root, seeds.POPULATION, node)

    def _generator(self, k):
        """Return the random generator of a connection with noise of its own, as far as it has been drawn from."""
        if k not in self._random:
            self._random[k] = np.random.Generator(seeds.stream(self._root, seeds.INPUT, k))
        return self._random[k]

    # -- nodes ------------------------------------------------------------------------------------------------------

    def _bring_populations(self):
        """Add new populations, and start those anew that were set; return how many changed."""
        changed = 0
        for block in self._blocks(PopulationBlock):
            for i in np.flatnonzero(block.changed).tolist():
                node, plan = block.first + i, block.plan(i)
                if node in self._groups:
                    self.engine.plans[self._groups[node]] = plan
                else:
                    self._add(f"{block.model.name} {node}", block, node, plan, self._stream(block, node))
                changed += 1
        return changed

    def _bring_neurons(self):
        """Add new neurons, and give the others the parameters that were set; return how many blocks changed."""
        changed = 0
        for block in self._blocks(NeuronBlock):
            if block.plan is None:
                key = self._stream(block, block.first)
                block.bring(key)
                self._add(f"{block.model.name} {block.first}", block, block.first, block.plan, key)
            elif block.changed:
                block.bring()
            else:
                continue
            changed += 1
        return changed

    def _add(self, name, block, node, plan, stream):
        self._groups[node] = len(self._groups)
        self.engine.add(name, plan, stream)

    # -- records ----------------------------------------------------------------------------------------------------

    def _record(self, chunk):
        """Hand a piece of the run to the recorders."""
        for block, i, first, heard, repeats in self._wiring.listeners:
            if not isinstance(heard, Tap) and heard in chunk.neurons:
                steps, units = chunk.neurons[heard]
                block.take(i, first + units.astype(np.int64), steps + 1, None if repeats is None else repeats[units])
                continue
            counts = heard.last[: len(chunk.counts)] if isinstance(heard, Tap) else chunk.counts[:, heard]
            fired = np.flatnonzero(counts)
            block.take(i, np.full(len(fired), first), chunk.step + 1 + fired, counts[fired].astype(np.int64))
        stamps = chunk.step + 1 + np.arange(len(chunk.counts))
        column = 0
        for block, i, places, senders, begun, probes in self._wiring.samplers:
            chosen = block.selected(i, stamps, begun)
            end = column + len(probes)
            sampled, n = stamps[chosen], len(senders)
            values = chunk.records[chosen, column:end].reshape(len(sampled), n, len(probes) // n)
            block.take(i, places, senders, sampled, np.ascontiguousarray(values.transpose(2, 0, 1)))
            column = end

    def _note_spikes(self, chunk):
        """Remember spikes of the last slice, and when each neuron fired."""
        slice_steps = self.kernel.delays.steps[0]
        end = chunk.step + len(chunk.counts)
        for node, group in self._groups.items():
            if group in chunk.neurons:
                steps, units = chunk.neurons[group]
                self.kernel.locate(node)[0].note_spikes(steps, units)
                late = np.searchsorted(steps, end - slice_steps)
                self.late.take(steps[late:], node + units[late:].astype(np.int64), np.ones(len(steps) - late, np.int64))
            else:
                counts = chunk.counts[-slice_steps:, group]
                fired = np.flatnonzero(counts)
                self.late.take(end - len(counts) + fired, np.full(len(fired), node), counts[fired])
        self.late.forget(slice_steps)

    def _show(self, began):
        """Let nodes show the state and the events of the run that began at a step."""
        for block in self._blocks(PopulationBlock) if self.engine.step > began else ():
            block.show()
        for block in self._blocks(RecorderBlock):
            block.flush(self.kernel.delays.steps[0])

    def _blocks(self, kind):
        return [block for block in self.kernel.blocks if isinstance(block, kind)]
