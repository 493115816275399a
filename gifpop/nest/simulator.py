"""What runs: the engine, with the nodes' state, random streams and records between the runs."""

import numpy as np

from gifpop import memory, seeds
from gifpop.engine import Engine, SimulationError
from gifpop.nest.errors import NumericalInstability
from gifpop.nest.late_spikes import LateSpikes
from gifpop.nest.populations import PopulationBlock
from gifpop.nest.recorders import RecorderBlock
from gifpop.nest.wiring import Tap, Wiring


class Simulator:
    """The engine of a kernel.

    Parameters
    ----------
    kernel : Kernel
    """

    def __init__(self, kernel):
        self.kernel = kernel
        self.engine = Engine([], [], [], dt=kernel.clock.resolution)
        self._populations = {}  # node -> index
        self._seed = self._known = None
        self._random = {}  # connection -> numpy Generator
        self._begun = {}  # connection of a meter -> step
        self._late = LateSpikes(self.engine)

    def prepare(self):
        """Bring nodes and connections, as they are now, to the engine."""
        if self._known == self.kernel.changes:
            return
        self._reseed()
        self._bring_populations()
        self._wiring = Wiring(
            self.kernel, self._populations, self._generator, lambda k: self._begun.setdefault(k, self.engine.step)
        )
        longest = max((link.lag for link in self._wiring.links), default=0)
        memory.require(24.0 * longest * len(self._populations), f"Simulate: a delay of {longest} steps")
        self.engine.wire(self._wiring.links, self._wiring.lines)
        self._late.rewire(self.kernel.connections.rows, self._populations)
        self._known = self.kernel.changes

    def run(self, n_steps):
        """Simulate; what was simulated is kept whatever ends the run."""
        kernel, began = self.kernel, self.engine.step
        probes = [probe for sampler in self._wiring.samplers for probe in sampler.probes]
        self._check_memory(n_steps)
        try:
            for chunk in self.engine.run(n_steps, probes, progress=True if kernel.print_time else None):
                self._take(chunk)
                self._late.take(chunk.counts, kernel.delays.steps[0])
        except SimulationError as error:
            raise NumericalInstability(str(error)) from None
        finally:
            kernel.clock.step = self.engine.step
            self._show(began)

    def _check_memory(self, n_steps):
        """Refuse a run whose meters would not fit in memory."""
        needed = sum(
            8.0 * (2 + len(sampler.probes)) * n_steps / sampler.block.interval(sampler.i)
            for sampler in self._wiring.samplers
        )
        memory.require(needed, f"Simulate: what meters record in {n_steps} steps (a longer interval needs less)")

    def _reseed(self):
        """Start all random streams anew if the seed was set."""
        if self._seed is self.kernel.seed:
            return
        self._seed = self.kernel.seed
        self._root = seeds.root_sequence(self._seed.value)
        self._random.clear()
        self.engine.streams[:] = [self._stream(node) for node in self._populations]

    def _stream(self, node):
        return seeds.stream(self._root, seeds.POPULATION, node)

    def _generator(self, k):
        """Return the random generator of a connection with noise of its own, as far as it has been drawn from."""
        if k not in self._random:
            self._random[k] = np.random.Generator(seeds.stream(self._root, seeds.INPUT, k))
        return self._random[k]

    def _bring_populations(self):
        """Add new populations, and start those anew that were set."""
        for block in self._blocks(PopulationBlock):
            for i in np.flatnonzero(block.changed).tolist():
                node, plan = block.first + i, block.plan(i)
                if node in self._populations:
                    self.engine.plans[self._populations[node]] = plan
                else:
                    self._populations[node] = len(self._populations)
                    self.engine.add(f"{block.model.name} {node}", plan, self._stream(node))

    def _take(self, chunk):
        """Hand a piece of the run to the recorders."""
        for block, i, sender, heard in self._wiring.listeners:
            if isinstance(heard, Tap):
                block.take(i, sender, chunk.step, heard.last[: len(chunk.counts)])
            else:
                block.take(i, sender, chunk.step, chunk.counts[:, heard])
        stamps = chunk.step + 1 + np.arange(len(chunk.counts))
        row = 0
        for block, i, place, sender, begun, probes in self._wiring.samplers:
            chosen = block.selected(i, stamps, begun)
            block.take(i, place, sender, stamps[chosen], chunk.records[chosen, row : row + len(probes)].T)
            row += len(probes)

    def _show(self, began):
        """Let nodes show the state and the events of the run that began at a step."""
        for block in self._blocks(PopulationBlock) if self.engine.step > began else ():
            block.show()
        for block in self._blocks(RecorderBlock):
            block.flush(self.kernel.delays.steps[0])

    def _blocks(self, kind):
        return [block for block in self.kernel.blocks if isinstance(block, kind)]
