"""From nodes and connections to what the engine wires, and to who records what.

Connections are taken in strands: those from one population, one device or one block of neurons to one population, one
recorder or one block of neurons.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gifpop import _wiring, signals
from gifpop.connectivity import receptor
from gifpop.nest import errors
from gifpop.nest.generators import CurrentBlock, PoissonBlock
from gifpop.nest.neurons import NeuronBlock
from gifpop.nest.projections import Product, Sparse
from gifpop.nest.recorders import MeterBlock, SpikeRecorderBlock
from gifpop.plan import Link, NoiseLink


class Listener(NamedTuple):
    """A spike recorder, the ``i``-th of a block, and whose spikes it hears.

    ``heard`` is a group of the engine or a `Tap`; ``first`` its first node; ``repeats``, for neurons, how often each is
    heard (int array), or None: once.
    """

    block: object
    i: int
    first: int
    heard: object
    repeats: object


class Sampler(NamedTuple):
    """A meter, the ``i``-th of a block, and nodes that it samples.

    ``places`` are the numbers of the connections, ``senders`` the nodes; ``begun`` the steps that were done when the
    connections were made known; ``probes`` as `Engine.run` takes them, node after node.
    """

    block: object
    i: int
    places: np.ndarray
    senders: np.ndarray
    begun: int
    probes: list


class Tap:
    """A signal that keeps what it emitted last, for recorders."""

    def __init__(self, signal):
        self.signal = signal
        self.last = None

    def emit(self, step, n):
        self.last = self.signal.emit(step, n)
        return self.last


@dataclass
class Strand:
    """Connections between two of the things that the engine or the recorders know as one.

    Attributes
    ----------
    block, i : Block, int or None
        Source: the ``i``-th node of a block, or all neurons of one.
    target_block, j : Block, int or None
        Target, likewise.
    units, target_units : int array
        Neurons of the blocks, for each connection; 0 where it is one node.
    weight, delay : number or array
    numbers : int array
        Of the connections.
    """

    block: object
    i: int | None
    target_block: object
    j: int | None
    units: np.ndarray
    target_units: np.ndarray
    weight: object
    delay: object
    numbers: np.ndarray

    @property
    def source(self):
        """First node of the source."""
        return self.block.first + (self.i or 0)

    @property
    def target(self):
        return self.target_block.first + (self.j or 0)


class Wiring:
    """All connections, as the engine and the recorders take them.

    Parameters
    ----------
    kernel : Kernel
    groups : dict of int to int
        Group in the engine of each population, by node, and of each block of neurons, by its first node.
    random : callable
        ``random(connection)`` returns the random generator of an independent input.
    begun : callable
        ``begun(connection)`` returns the steps that were done when a meter's connection was first simulated.

    Attributes
    ----------
    links : list of gifpop.plan.Link
    lines : list of Tap
    noise : list of gifpop.plan.NoiseLink
    listeners : list of Listener
    samplers : list of Sampler
    """

    def __init__(self, kernel, groups, random, begun):
        self.kernel, self.groups, self.random, self.begun = kernel, groups, random, begun
        self.links, self.lines, self.listeners, self.samplers = [], [], [], []
        self._line_of, self._noise = {}, {}
        table = kernel.connections
        for first, projection in zip(table.firsts().tolist(), table.projections, strict=True):
            if isinstance(projection, Sparse):
                self._link_neurons(projection, projection.first, projection.units)
            elif isinstance(projection, Product) and self._is_between_neurons(projection):
                self._link_neurons(projection, *_expanded(projection))
            else:
                for strand in self._strands(projection, first):
                    self._wire(strand)
        self.noise = [self._noise_link(key, *zip(*pieces, strict=True)) for key, pieces in self._noise.items()]

    def _is_between_neurons(self, projection):
        """Tell whether a product is of whole blocks of neurons, as those of neurons are."""
        blocks = (self.kernel.locate(int(nodes[0]))[0] for nodes in (projection.sources, projection.targets))
        return all(isinstance(block, NeuronBlock) for block in blocks)

    def _link_neurons(self, projection, first, units):
        """Wire connections between two blocks of neurons as they are stored."""
        source, target = (
            self.groups[self.kernel.locate(int(projection.column(name, np.array([0]))[0]))[0].first]
            for name in ("source", "target")
        )
        weight, delay = projection.weight, projection.delay
        weights, lags = (value if np.ndim(value) else None for value in (weight, delay))
        weight, lag = 1.0 if np.ndim(weight) else weight, 1 if np.ndim(delay) else delay
        self.links.append(Link(source, target, lag, receptor(weight), weight, first, units, weights, lags))

    # -- strands ----------------------------------------------------------------------------------------------------

    def _strands(self, projection, first):
        """Return the strands of a projection whose first connection has a number."""
        everything = slice(None)
        sources, targets = (projection.column(name, everything) for name in ("source", "target"))
        shared = isinstance(projection, Product)
        weight, delay = (
            getattr(projection, name) if shared else projection.column(name, everything) for name in ("weight", "delay")
        )
        ends = [self._end(nodes) for nodes in (sources, targets)]
        key = ends[0] * (self.kernel.size + 1) + ends[1]
        order = np.argsort(key, kind="stable")
        bounds = [*(1 + np.flatnonzero(np.diff(key[order]))).tolist(), len(order)]
        found = [np.array(order[a:b]) for a, b in zip([0, *bounds[:-1]], bounds, strict=True)]
        for k in sorted(found, key=lambda k: k[0]):
            values = [value[k] if np.ndim(value) else value for value in (weight, delay)]
            yield self._strand(sources[k], targets[k], *values, first + k)

    def _end(self, nodes):
        """Return the first node of what each node is one with: its block for neurons, else itself."""
        blocks = self.kernel.blocks
        numbers = self.kernel.block_numbers(nodes)
        firsts = np.array([block.first for block in blocks])[numbers]
        return np.where(np.array([isinstance(block, NeuronBlock) for block in blocks])[numbers], firsts, nodes)

    def _strand(self, sources, targets, weight, delay, numbers):
        """Return connections of one source and one target as a strand."""
        ends = []
        for nodes in (sources, targets):
            block, i = self.kernel.locate(int(nodes[0]))
            neurons = isinstance(block, NeuronBlock)
            ends.append((block, None if neurons else i, nodes - block.first if neurons else np.zeros_like(nodes)))
        (block, i, units), (target_block, j, target_units) = ends
        return Strand(block, i, target_block, j, units, target_units, weight, delay, numbers)

    def _wire(self, strand):
        block, i = strand.block, strand.i
        if isinstance(block, MeterBlock):
            self._sample(strand)
        elif isinstance(strand.target_block, SpikeRecorderBlock):
            self._listen(strand)
        elif block.is_cell:
            self._link(strand, self.groups[strand.source], strand.weight)
        elif isinstance(block, CurrentBlock):
            line = self._line((strand.source,), lambda: block.signal(i))
            self._link(strand, line, strand.weight, current=True)
        elif isinstance(block, PoissonBlock):
            self._drive(strand)
        else:
            for part in block.parts(i):
                line = self._line((strand.source, part), lambda part=part: block.signal(i, part))
                self._link(strand, line, strand.weight, sign=1.0 if part == "excite" else -1.0)

    # -- recorders --------------------------------------------------------------------------------------------------

    def _sample(self, strand):
        """Let a meter sample nodes; those whose connections became known at different times, apart."""
        begun = np.array([self.begun(number) for number in strand.numbers.tolist()])
        group, variables = self.groups[strand.target], strand.block.variables(strand.i)
        for time in np.unique(begun).tolist():
            chosen = np.flatnonzero(begun == time)
            units = strand.target_units[chosen]
            probes = [(group, unit, name) for unit in units.tolist() for name in variables]
            self.samplers.append(
                Sampler(strand.block, strand.i, strand.numbers[chosen], strand.target + units, time, probes)
            )

    def _listen(self, strand):
        block, i, repeats = strand.block, strand.i, None
        if isinstance(block, NeuronBlock):
            counts = np.bincount(strand.units, minlength=block.n)
            repeats = None if np.all(counts == 1) else counts
            self._hear(strand, self.groups[strand.source], repeats)
            return
        for number in strand.numbers.tolist():
            if block.is_cell:
                heard = self.groups[strand.source]
            elif isinstance(block, PoissonBlock):
                heard = self.lines[self._poisson_line(block, i, number)]
            else:
                heard = self.lines[self._line((strand.source, "all"), lambda: block.signal(i, "all"))]
            self._hear(strand, heard, None)

    def _hear(self, strand, heard, repeats):
        self.listeners.append(Listener(strand.target_block, strand.j, strand.source, heard, repeats))

    # -- input and spikes -------------------------------------------------------------------------------------------

    def _line(self, key, signal):
        """Return the number of an input line; the lines of equal keys are one."""
        if key not in self._line_of:
            self._line_of[key] = len(self.lines)
            self.lines.append(Tap(signal()))
        return self._line_of[key]

    def _poisson_line(self, block, i, number):
        return self._line(("poisson", number), lambda: block.signal(i, self.random(number)))

    def _link(self, strand, source, weight, current=False, sign=1.0):
        """Wire a strand from a group or, of a device, from an input line."""
        if not strand.block.is_cell:
            source += len(self.groups)
        target, lag = self.groups[strand.target], strand.delay + current
        n_units = strand.block.n if strand.i is None else 1
        n_target = strand.target_block.n if strand.j is None else 1

        def kind(weight):
            return "current" if current else receptor(sign * weight)

        if n_units == n_target == 1:
            n = len(strand.numbers)
            for w, d in zip(*(np.broadcast_to(value, n).tolist() for value in (weight, lag)), strict=True):
                self.links.append(Link(source, target, d, kind(w), w))
            return
        first, units, order = _wiring.by_source(
            strand.units.astype(np.int64), strand.target_units.astype(np.int64), n_units, n_target
        )
        weight, weights = _split_shared(weight, order, float)
        lag, lags = _split_shared(lag, order, np.int32)
        whole = len(units) == n_units * n_target and np.array_equal(units, np.tile(np.arange(n_target), n_units))
        if whole and weights is None and lags is None and np.all(np.diff(first) == n_target):
            first = units = None
        self.links.append(
            Link(source, target, lag, kind(weight), 1.0 if weights is not None else weight, first, units, weights, lags)
        )

    def _drive(self, strand):
        """Wire a Poisson generator: spikes of its own for each connection."""
        block, i, group = strand.block, strand.i, self.groups[strand.target]
        weights, lags = (np.broadcast_to(value, len(strand.numbers)) for value in (strand.weight, strand.delay))
        if not isinstance(strand.target_block, NeuronBlock):
            for number, w, lag in zip(*(array.tolist() for array in (strand.numbers, weights, lags)), strict=True):
                line = len(self.groups) + self._poisson_line(block, i, number)
                self.links.append(Link(line, group, lag, receptor(w), w))
            return
        mean, begin, end = block.mean(i)
        excitatory = weights >= 0
        for lag in np.unique(lags).tolist():
            for kind, chosen in (("excitatory", excitatory), ("inhibitory", ~excitatory)):
                k = np.flatnonzero(chosen & (lags == lag))
                if len(k):
                    key = (group, lag, kind, mean, begin, end)
                    pieces = self._noise.setdefault(key, [])
                    pieces.append((strand.target_units[k].astype(np.int32), weights[k], int(strand.numbers[k[0]])))

    def _noise_link(self, key, units, weights, numbers):
        """Return the independent processes of all connections that differ in target and weight only.

        Several of one neuron are one entry each, so that each draws on its own.
        """
        group, lag, kind, mean, begin, end = key
        units, weights = np.concatenate(units), np.concatenate(weights)
        weight, weights = _split_shared(weights, slice(None), float)
        signal = signals.Piecewise([0], [mean], begin, end)
        stream = self.random(numbers[0]).bit_generator
        return NoiseLink(group, lag, kind, 1.0 if weights is not None else weight, signal, stream, units, weights)


def _split_shared(value, order, dtype):
    """Return a value that connections share, and None; or that of the first, and an array with one for each."""
    if np.ndim(value) == 0:
        return value, None
    first = value[0].item()
    if np.all(value == value[0]):
        return first, None
    return first, np.ascontiguousarray(value[order], dtype=dtype)


def _expanded(product):
    """Return the connections of all neurons to all neurons one by one, or None where they need not be."""
    if not np.ndim(product.weight) and not np.ndim(product.delay):
        return None, None
    n_pre, n_post = len(product.sources), len(product.targets)
    errors.require_memory(4.0 * n_pre * n_post, f"Simulate: {n_pre * n_post} connections that differ")
    return np.arange(n_pre + 1) * n_post, np.tile(np.arange(n_post, dtype=np.int32), n_pre)
