"""From nodes and connections to what the engine wires, and to who records what."""

from collections import namedtuple

from gifpop.connectivity import receptor
from gifpop.nest.generators import CurrentBlock, PoissonBlock
from gifpop.nest.populations import PopulationBlock
from gifpop.nest.recorders import MeterBlock, SpikeRecorderBlock
from gifpop.plan import Link

Listener = namedtuple("Listener", "block i sender heard")
Listener.__doc__ = "The ``i``-th spike recorder of a block, a sender, and where its spikes are: population or `Tap`."

Sampler = namedtuple("Sampler", "block i place sender begun probes")
Sampler.__doc__ = """The ``i``-th meter of a block and a population that it samples.

place: the connection. begun: steps that were done when it was made known. probes: as `Engine.run` takes them.
"""


class Tap:
    """A signal that keeps what it emitted last, for recorders."""

    def __init__(self, signal):
        self.signal = signal
        self.last = None

    def emit(self, step, n):
        self.last = self.signal.emit(step, n)
        return self.last


class Wiring:
    """All connections, as the engine and the recorders take them.

    Parameters
    ----------
    kernel : Kernel
    populations : dict of int to int
        Index in the engine of each population, by node.
    random : callable
        ``random(connection)`` returns the random generator of an independent input.
    begun : callable
        ``begun(connection)`` returns the steps that were done when a meter's connection was first simulated.

    Attributes
    ----------
    links : list of gifpop.plan.Link
    lines : list of Tap
    listeners : list of Listener
    samplers : list of Sampler
    """

    def __init__(self, kernel, populations, random, begun):
        self.kernel, self.populations, self.random, self.begun = kernel, populations, random, begun
        self.links, self.lines, self.listeners, self.samplers = [], [], [], []
        self._line_of = {}
        for k, (source, target, delay, weight, _) in enumerate(kernel.connections.rows.tolist()):
            self._connect(k, source, target, delay, weight)

    def _connect(self, k, source, target, delay, weight):
        M = len(self.populations)
        source_block, i = self.kernel.locate(source)
        target_block, j = self.kernel.locate(target)
        if isinstance(source_block, MeterBlock):
            self._sample(k, source_block, i, target)
        elif isinstance(target_block, SpikeRecorderBlock):
            self._listen(k, source_block, i, source, target_block, j)
        elif isinstance(source_block, PopulationBlock):
            self._link(self.populations[source], target, delay, receptor(weight), weight)
        elif isinstance(source_block, CurrentBlock):
            line = self._line((source,), lambda: source_block.signal(i))
            self._link(M + line, target, delay + 1, "current", weight)
        elif isinstance(source_block, PoissonBlock):
            line = self._line((k,), lambda: source_block.signal(i, self.random(k)))
            self._link(M + line, target, delay, receptor(weight), weight)
        else:
            for part in source_block.parts(i):
                signed = weight if part == "excite" else -weight
                line = self._line((source, part), lambda part=part: source_block.signal(i, part))
                self._link(M + line, target, delay, receptor(signed), weight)

    def _sample(self, k, block, i, target):
        index = self.populations[target]
        probes = [(index, 0, name) for name in block.variables(i)]
        self.samplers.append(Sampler(block, i, k, target, self.begun(k), probes))

    def _listen(self, k, block, i, sender, recorder, j):
        if isinstance(block, PopulationBlock):
            heard = self.populations[sender]
        elif isinstance(block, PoissonBlock):
            heard = self.lines[self._line((k,), lambda: block.signal(i, self.random(k)))]
        else:
            heard = self.lines[self._line((sender, "all"), lambda: block.signal(i, "all"))]
        self.listeners.append(Listener(recorder, j, sender, heard))

    def _line(self, key, signal):
        """Return the number of an input line; the lines of equal keys are one."""
        if key not in self._line_of:
            self._line_of[key] = len(self.lines)
            self.lines.append(Tap(signal()))
        return self._line_of[key]

    def _link(self, source, target, lag, kind, weight):
        self.links.append(Link(source, self.populations[target], lag, kind, weight))
