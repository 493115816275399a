"""Wiring: turn nodes and connections into links and signals of the engine, and note who records what."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop.assembly.connections import receptor
from gifpop.common.interrupts import give_way
from gifpop.engine import signals
from gifpop.engine.links import Link, NoiseLink
from gifpop.engine.thinning import Thinning
from gifpop.nest import errors
from gifpop.nest.generators import CurrentBlock, NoiseBlock, SpikeGeneratorBlock
from gifpop.nest.poisson_generators import OscillatingTrainBlock, PoissonProcessBlock, TrainBlock
from gifpop.nest.projections import MANY, Exceptions, Product, Sparse, among, one_by_one, part_of
from gifpop.nest.recorders import MeterBlock, SpikeRecorderBlock
from gifpop.nest.recording import Listener, Monitor, Sampler, Tap, Weigher
from gifpop.nest.relays import DilutorBlock, RelayBlock
from gifpop.nest.strands import Strand, ends_of, strands_of
from gifpop.nest.thinning import Sieve, layers, passing
from gifpop.nest.train_generators import JointTrainBlock
from gifpop.nest.weight_recorder import WeightRecorderBlock
from gifpop.wiring import _wiring

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Key, Receptor, Shorts, Synapse
    from gifpop.nest.connections import ConnectionTable
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.nodes import Block
    from gifpop.nest.projections import Weights

    Number = TypeVar("Number", int, float)
    Entry = TypeVar("Entry", bound=np.generic)


ALL = -1  # number of a train that all connections of a device share


class Noise(NamedTuple):
    """Properties that independent Poisson processes onto a group share (see `NoiseLink`)."""

    group: int
    lag: int
    receptor: Synapse
    law: Hashable


class Wiring:
    """All connections, as links and signals for the engine, listeners and samplers for recorders.

    Parameters
    ----------
    nodes : NodeTable
    connections : ConnectionTable
    groups : dict of int to int
        Group of the engine of each population, by node, and of each block of neurons or relays, by its first node.
    random : callable
        ``random(connection)`` returns the random generator of an independent input.
    random_of_device : callable
        ``random_of_device(node)`` returns that of a device.
    key_of_losses : callable
        ``key_of_losses(connection)`` returns the key of the random numbers by which spikes are lost.
    begun : callable
        ``begun(meter, i, connection, frozen)`` returns the step in which the ``i``-th meter of a block began to sample
        the node to which a connection leads.

    Attributes
    ----------
    links : list of gifpop.engine.links.Link
    lines : list of Tap
    noise : list of gifpop.engine.links.NoiseLink
    listeners : list of Listener
    samplers : list of Sampler
    monitors : list of Monitor
    weighers : list of Weigher
    injected : dict of int to Tap
        Spikes of each spike_train_injector, by node.
    """

    def __init__(
        self,
        nodes: NodeTable,
        connections: ConnectionTable,
        groups: dict[int, int],
        random: Callable[[int], np.random.Generator],
        random_of_device: Callable[[int], np.random.Generator],
        key_of_losses: Callable[[int], Key],
        begun: Callable[[MeterBlock, int, int, bool], int],
    ) -> None:
        self.nodes, self.groups, self.begun = nodes, groups, begun
        self.random, self.random_of_device, self.key_of_losses = random, random_of_device, key_of_losses
        self.links: list[Link] = []
        self.lines: list[Tap] = []
        self.listeners: list[Listener] = []
        self.samplers: list[Sampler] = []
        self.monitors: list[Monitor] = []
        self.injected: dict[int, Tap] = {}
        self._line_of: dict[Hashable, int] = {}
        self._held: dict[int, signals.HeldNoise] = {}
        self._trains: dict[int, Callable[[int], signals.Emitter]] = {}  # of generators, by number of connection
        self._noise: dict[Noise, tuple[signals.Signal, list[tuple[Shorts, Floats, int]]]] = {}
        for first, projection in zip(connections.firsts().tolist(), connections.projections, strict=True):
            if projection.receptor:
                continue  # that of parrots, at which spikes are lost
            between = isinstance(projection, Sparse | Product) and self._is_between_groups(projection)
            if isinstance(projection, Sparse | Product) and between and self._has_little_left(projection):
                self._link_rest(projection, first)
            elif isinstance(projection, Sparse):
                self._link_groups(projection, first, projection.first, projection.units)
            elif isinstance(projection, Product) and between:
                self._link_product(projection, first)
            else:
                for strand in strands_of(projection, first, nodes):
                    self._wire(strand)
        for block in nodes.blocks:
            if isinstance(block, JointTrainBlock):
                block.admit()
        self.noise = [self._noise_link(noise, *found) for noise, found in self._noise.items()]
        self.weighers = [
            Weigher(block, i, np.unique(ends_of(sources[~nodes.are_devices(sources)], nodes)).tolist())
            for block in nodes.of_type(WeightRecorderBlock)
            for i in range(block.n)
            if len(sources := connections.recorded_sources(block.first + i))
        ]

    def _is_between_groups(self, projection: Product | Sparse) -> bool:
        """Return whether both ends are blocks of neurons or relays."""
        if isinstance(projection, Sparse):
            return True
        blocks = (self.nodes.locate(int(nodes[0]))[0] for nodes in (projection.sources, projection.targets))
        return all(block.is_group for block in blocks)

    def _link_product(self, product: Product, number: int) -> None:
        """Wire all units of a block to all of another; one by one only if their values differ or spikes are lost."""
        values = product.weight, product.delay
        if self._loses_spikes(product) or any(isinstance(value, np.ndarray) for value in values):
            self._link_groups(product, number, *_expanded(product))
        elif not (len(product.removed) or any(isinstance(value, Exceptions) for value in values)):
            self._link_groups(product, number, None, None)
        else:
            self._link_exceptions(product, *(_shared(value) for value in values))

    def _link_exceptions(self, product: Product, weight: float, lag: int) -> None:
        """Wire all to all with the shared values; for each exception subtract these and add its own.

        Connections that were removed are exceptions without weight.
        """
        block, target_block = self._ends(product)
        source, target, to_relays = self.groups[block.first], self.groups[target_block.first], False
        if isinstance(target_block, RelayBlock):
            weight, to_relays = 1.0, True
        exceptions = [v.k for v in (product.weight, product.delay) if isinstance(v, Exceptions)]
        k = np.unique(np.concatenate([*exceptions, product.removed]))
        first = np.searchsorted(k, np.arange(len(product.sources) + 1) * len(product.targets)).astype(np.int64)
        units = (k % len(product.targets)).astype(np.int32)
        lags = np.full(len(k), lag, dtype=np.int32)  # an array, so that the engine sums instead of counting
        own = np.where(among(k, product.removed), 0.0, 1.0 if to_relays else product.column("weight", k))
        own_lags = product.column("delay", k).astype(np.int32)
        self.links.append(Link(source, target, lag, receptor(weight), weight))
        self.links.append(Link(source, target, lag, receptor(weight), -weight, first, units, None, lags))
        self.links.append(Link(source, target, 1, receptor(1.0), 1.0, first, units, own, own_lags))

    def _ends(self, projection: Product | Sparse) -> tuple[Block, Block]:
        """Return the two blocks of neurons or relays that a projection connects."""
        k = np.array([0])
        nodes = (projection.column("source", k), projection.column("target", k))
        source, target = (self.nodes.locate(int(node[0]))[0] for node in nodes)
        return source, target

    def _loses_spikes(self, projection: Product | Sparse) -> bool:
        """Return whether some connections do not pass all spikes."""
        probability = _transmission(projection)
        unsure = probability is not None and bool(np.any(probability != 1.0))
        return unsure or passing(self._ends(projection)[0], slice(None), None) is not None

    def _has_little_left(self, projection: Product | Sparse) -> bool:
        """Return whether connections were removed, and the rest can be wired one by one."""
        if not len(projection.removed) or isinstance(projection, Sparse) or len(projection) <= MANY:
            return len(projection.removed) > 0
        various = any(isinstance(value, np.ndarray) for value in (projection.weight, projection.delay))
        return various or self._loses_spikes(projection)

    def _link_rest(self, projection: Product | Sparse, number: int) -> None:
        """Wire what is left of connections between two blocks of neurons or relays."""
        errors.require_memory(60.0 * len(projection), f"Simulate: {len(projection)} connections one by one")
        k = projection.present(np.arange(len(projection)))
        if len(k):
            sources, targets = (projection.column(name, k) for name in ("source", "target"))
            block, target_block = self._ends(projection)
            first = np.searchsorted(sources, block.first + np.arange(block.n + 1)).astype(np.int64)
            self._link_groups(projection, number, first, (targets - target_block.first).astype(np.int32), k)

    def _link_groups(
        self,
        projection: Product | Sparse,
        number: int,
        first: Integers | None,
        units: Shorts | None,
        k: slice | Integers = slice(None),
    ) -> None:
        """Wire the connections ``k`` between two blocks of neurons or relays as they are stored."""
        block, target_block = self._ends(projection)
        source, target = self.groups[block.first], self.groups[target_block.first]
        weight, weights = 1.0, None
        if not isinstance(target_block, RelayBlock):
            weight, weights = _either(part_of(one_by_one(projection, "weight"), k), 1.0)
        lag, lags = _either(part_of(one_by_one(projection, "delay"), k), 1)
        thinning = None
        if first is not None:
            sources = np.repeat(np.arange(block.n), np.diff(first)) if isinstance(block, DilutorBlock) else slice(None)
            thinning = self._thinning(passing(block, sources, _transmission(projection, k)), number)
        self.links.append(
            Link(source, target, lag, receptor(weight), weight, first, units, weights, lags, thinning=thinning)
        )

    def _thinning(self, probability: Weights | None, number: int) -> Thinning | None:
        """Return how a link loses spikes whose first connection is ``number``; None: not at all."""
        if probability is None:
            return None
        shared, each = _either(probability, 1.0)
        return Thinning(shared, each, self.key_of_losses(number))

    # -- strands ----------------------------------------------------------------------------------------------------

    def _wire(self, strand: Strand) -> None:
        block, i = strand.block, strand.i
        if isinstance(block, MeterBlock):
            if isinstance(strand.target_block, CurrentBlock | OscillatingTrainBlock):
                self._monitor(strand, block, strand.target_block)
            else:
                self._sample(strand, block)
        elif isinstance(strand.target_block, SpikeRecorderBlock):
            self._listen(strand, strand.target_block)
        elif isinstance(block, NoiseBlock):
            noise = self._held_noise(block, i)
            receiver = partial(partial, noise.receiver)
            self._scatter(strand, lambda number: self._line((strand.source, number), receiver(number)), current=True)
        elif isinstance(block, CurrentBlock):
            self._link_line(strand, self._line((strand.source,), partial(block.signal, i)), current=True)
        elif isinstance(block, TrainBlock) and block.is_shared(i):
            self._link_line(strand, self._train_line(block, i, ALL))
        elif isinstance(block, TrainBlock):
            self._drive(strand, block)
        elif isinstance(block, SpikeGeneratorBlock):
            for channel in ("all",) if isinstance(strand.target_block, RelayBlock) else block.channels(i):
                line = self._line((strand.source, channel), partial(block.signal, i, channel))
                self._link_line(strand, line, sign=-1.0 if channel == "inhibit" else 1.0)
            if block.is_cell:
                self.injected[strand.source] = self.lines[line]
        else:
            self._link(strand, self.groups[strand.source])

    # -- recorders --------------------------------------------------------------------------------------------------

    def _sample(self, strand: Strand, meter: MeterBlock) -> None:
        """Connect a meter to its nodes; apart if the connections were first simulated in different steps.

        Frozen nodes are not sampled.
        """
        frozen = strand.target_block.columns["frozen"][strand.j + strand.target_units]
        each = zip(strand.numbers.tolist(), frozen.tolist(), strict=True)
        begun = np.array([self.begun(meter, strand.i, number, still) for number, still in each])
        group, variables = self.groups[strand.target], meter.variables(strand.i)
        for time in np.unique(begun[~frozen]).tolist():
            chosen = np.flatnonzero(~frozen & (begun == time))
            units = strand.target_units[chosen]
            probe = group, units, tuple(variables)
            self.samplers.append(Sampler(meter, strand.i, strand.numbers[chosen], strand.target + units, time, probe))

    def _monitor(self, strand: Strand, meter: MeterBlock, generator: CurrentBlock | OscillatingTrainBlock) -> None:
        """Connect a meter to a generator, unless it is frozen."""
        number, frozen = int(strand.numbers[0]), bool(generator.columns["frozen"][strand.j])
        begun = self.begun(meter, strand.i, number, frozen)
        if frozen:
            return
        if isinstance(generator, NoiseBlock):
            line = self._line((strand.target, "mean"), lambda: self._held_noise(generator, strand.j))
        else:
            line = self._line((strand.target, "recorded"), partial(generator.signal, strand.j))
        self.monitors.append(Monitor(meter, strand.i, number, strand.target, begun, self.lines[line]))

    def _listen(self, strand: Strand, recorder: SpikeRecorderBlock) -> None:
        """Connect a spike recorder to a source, once for each connection."""
        block = strand.block
        probability = passing(block, strand.units, strand.p_transmit)
        if probability is not None:
            self._listen_to_some(strand, recorder, probability)
            return
        if block.is_group:
            counts = np.bincount(strand.units, minlength=block.n)
            repeats = None if np.all(counts == 1) else counts
            self.listeners.append(Listener(recorder, strand.j, strand.source, self.groups[strand.source], repeats))
            return
        for number in strand.numbers.tolist():
            self.listeners.append(Listener(recorder, strand.j, strand.source, self._heard(strand, number), None))

    def _listen_to_some(self, strand: Strand, recorder: SpikeRecorderBlock, probability: Weights) -> None:
        """Connect a spike recorder through connections that lose spikes."""
        n = strand.sizes[0]
        for k in layers(strand.units):
            number = int(strand.numbers[k[0]])
            heard = self._heard(strand, number)
            sieve = Sieve(strand.units[k], part_of(probability, k), n, self.random(number))
            self.listeners.append(Listener(recorder, strand.j, strand.source, heard, None, sieve))

    def _heard(self, strand: Strand, number: int) -> int | Tap:
        """Return the group or signal that a spike recorder hears through a connection."""
        block, i = strand.block, strand.i
        if isinstance(block, TrainBlock):
            return self.lines[self._train_line(block, i, number)]
        if isinstance(block, SpikeGeneratorBlock):
            tap = self.lines[self._line((strand.source, "all"), partial(block.signal, i, "all"))]
            tap.offsets = block.offsets(i)
            return tap
        return self.groups[strand.source]

    # -- input and spikes -------------------------------------------------------------------------------------------

    def _line(self, key: Hashable, signal: Callable[[], signals.Emitter]) -> int:
        """Return the number of the line with a key; make it if there is none."""
        if key not in self._line_of:
            self._line_of[key] = len(self.lines)
            self.lines.append(Tap(signal()))
        return self._line_of[key]

    def _train_line(self, block: TrainBlock, i: int, number: int) -> int:
        """Return the line of the train of a connection, or of the one that all connections of a device share."""
        node, shared = block.first + i, block.is_shared(i)
        key = ALL if shared else number

        def train() -> signals.Emitter:
            if node not in self._trains:
                self._trains[node] = block.trains(i, partial(self.random_of_device, node), self.random)
            return self._trains[node](key)

        return self._line(("train", node, key), train)

    def _held_noise(self, block: NoiseBlock, i: int) -> signals.HeldNoise:
        """Return the currents of a noise generator; in each wiring, update them once."""
        if block.first + i not in self._held:
            self._held[block.first + i] = block.updated(i, self.random_of_device(block.first + i))
        return self._held[block.first + i]

    def _scatter(self, strand: Strand, line_of: Callable[[int], int], current: bool = False) -> None:
        """Wire a device with a line of its own for each connection; ``line_of`` takes the number of a connection."""
        errors.require_memory(2000.0 * len(strand.numbers), f"Simulate: {len(strand.numbers)} connections of noise")
        group = self.groups[strand.target]
        first = np.array([0, 1])
        weights, lags = (
            np.broadcast_to(value, len(strand.numbers)) for value in (strand.weight, strand.delay + current)
        )
        units: list[Shorts | None] = [None] * len(strand.numbers)
        if strand.target_block.is_group:
            units = list(strand.target_units.astype(np.int32)[:, np.newaxis])
        columns = (strand.numbers.tolist(), weights.tolist(), lags.tolist(), units)
        for number, weight, lag, unit in zip(*columns, strict=True):
            line, onto = len(self.groups) + line_of(number), "current" if current else receptor(weight)
            self.links.append(Link(line, group, lag, onto, weight, None if unit is None else first, unit))

    def _link_line(self, strand: Strand, line: int, current: bool = False, sign: float = 1.0) -> None:
        """Wire a strand that starts at a line."""
        self._link(strand, len(self.groups) + line, current, sign)

    def _link(self, strand: Strand, source: int, current: bool = False, sign: float = 1.0) -> None:
        """Wire a strand that starts at a group, or at the number that the engine gives a line."""
        target, delay = self.groups[strand.target], strand.delay + current
        n_units, n_target = strand.sizes
        probability = passing(strand.block, strand.units, strand.p_transmit)

        def onto(weight: float) -> Receptor:
            return "current" if current else receptor(sign * weight)

        if n_units == n_target == 1 and probability is None:
            n = len(strand.numbers)
            for w, d in zip(*(np.broadcast_to(value, n).tolist() for value in (strand.weight, delay)), strict=True):
                self.links.append(Link(source, target, d, onto(w), w))
            return
        first, units, order = _wiring.by_source(
            strand.units.astype(np.int64), strand.target_units.astype(np.int64), n_units, n_target, give_way
        )
        weight, weights = _split_shared(strand.weight, order, float)
        lag, lags = _split_shared(delay, order, np.int32)
        whole = len(units) == n_units * n_target and np.array_equal(units, np.tile(np.arange(n_target), n_units))
        whole = whole and bool(np.all(np.diff(first) == n_target)) and probability is None
        if whole and weights is None and lags is None:
            self.links.append(Link(source, target, lag, onto(weight), weight))
            return
        if isinstance(probability, np.ndarray):
            probability = np.ascontiguousarray(probability[order])
        thinning = self._thinning(probability, int(strand.numbers[0]))
        factor = 1.0 if weights is not None else weight
        self.links.append(
            Link(source, target, lag, onto(weight), factor, first, units, weights, lags, thinning=thinning)
        )

    def _drive(self, strand: Strand, block: TrainBlock) -> None:
        """Wire a generator of random spikes, with independent spikes for each connection."""
        i, group = strand.i, self.groups[strand.target]
        weights, lags = (np.broadcast_to(value, len(strand.numbers)) for value in (strand.weight, strand.delay))
        if not strand.target_block.is_group:
            for number, w, lag in zip(*(array.tolist() for array in (strand.numbers, weights, lags)), strict=True):
                line = len(self.groups) + self._train_line(block, i, number)
                self.links.append(Link(line, group, lag, receptor(w), w))
            return
        if not isinstance(block, PoissonProcessBlock):
            self._scatter(strand, lambda number: self._train_line(block, i, number))
            return
        by_synapse: dict[Synapse, npt.NDArray[np.bool_]] = {"excitatory": weights >= 0, "inhibitory": weights < 0}
        for lag in np.unique(lags).tolist():
            for synapse, chosen in by_synapse.items():
                k = np.flatnonzero(chosen & (lags == lag))
                if len(k):
                    pieces = self._noise.setdefault(Noise(group, lag, synapse, block.law(i)), (block.mean(i), []))[1]
                    pieces.append((strand.target_units[k].astype(np.int32), weights[k], int(strand.numbers[k[0]])))

    def _noise_link(self, noise: Noise, mean: signals.Signal, pieces: list[tuple[Shorts, Floats, int]]) -> NoiseLink:
        """Return the independent processes of all connections that differ in target and weight only.

        Each connection is an entry of its own, also where a neuron has several.
        """
        all_units, all_weights, numbers = zip(*pieces, strict=True)
        units = np.concatenate(all_units)
        weight, weights = _split_shared(np.concatenate(all_weights), slice(None), float)
        return NoiseLink(
            target=noise.group,
            lag=noise.lag,
            receptor=noise.receptor,
            weight=1.0 if weights is not None else weight,
            signal=mean,
            stream=self.random(numbers[0]).bit_generator,
            units=units,
            weights=weights,
        )


def _either(value: Number | npt.NDArray[Entry], factor: Number) -> tuple[Number, npt.NDArray[Entry] | None]:
    """Return a shared number and None, or a factor and the array with one value for each connection."""
    return (factor, value) if isinstance(value, np.ndarray) else (value, None)


def _split_shared(
    value: Number | npt.NDArray[Entry], order: Integers | slice, dtype: type[Number] | type[Entry]
) -> tuple[Number, npt.NDArray[Entry] | None]:
    """Return a shared value and None, or the first value and an array with one for each connection."""
    if not isinstance(value, np.ndarray):
        return value, None
    first = value[0].item()
    if np.all(value == value[0]):
        return first, None
    return first, np.ascontiguousarray(value[order], dtype=dtype)


def _transmission(projection: Product | Sparse, k: slice | Integers = slice(None)) -> Weights | None:
    """Return the probabilities of connections as a number or array; None: their synapse passes all spikes."""
    return part_of(one_by_one(projection, "p_transmit"), k) if projection.thins else None


def _shared(value: Any) -> Any:
    """Return the value shared by all connections, except the exceptions."""
    return value.shared if isinstance(value, Exceptions) else value


def _expanded(product: Product) -> tuple[Integers, Shorts]:
    """Return all connections of a product one by one."""
    n_pre, n_post = len(product.sources), len(product.targets)
    errors.require_memory(4.0 * n_pre * n_post, f"Simulate: {n_pre * n_post} connections that differ")
    return np.arange(n_pre + 1) * n_post, np.tile(np.arange(n_post, dtype=np.int32), n_pre)
