"""Wiring: turn nodes and connections into links and signals of the engine, and note who records what."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop.common.interrupts import give_way
from gifpop.engine import signals
from gifpop.engine.links import Link, NoiseLink
from gifpop.nest import errors
from gifpop.nest.generators import CurrentBlock, NoiseBlock, SpikeGeneratorBlock
from gifpop.nest.group_links import GroupLinks
from gifpop.nest.poisson_generators import OscillatingTrainBlock, PoissonProcessBlock, TrainBlock
from gifpop.nest.projections import part_of
from gifpop.nest.recorders import MeterBlock, SpikeRecorderBlock
from gifpop.nest.recording import Listener, Monitor, Sampler, Tap, Weigher
from gifpop.nest.relays import RelayBlock, is_lost
from gifpop.nest.strands import Strand, ends_of, strands_of
from gifpop.nest.thinning import Sieve, layers, passing, thinning_of
from gifpop.nest.train_generators import JointTrainBlock
from gifpop.nest.weight_recorder import WeightRecorderBlock
from gifpop.wiring import _wiring

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Key, Receptor, Shorts, Synapse
    from gifpop.nest.connections import ConnectionTable
    from gifpop.nest.node_table import NodeTable
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
        group_links = GroupLinks(nodes, groups, key_of_losses)
        for first, projection in zip(connections.firsts().tolist(), connections.projections, strict=True):
            links = group_links.links(projection, first)
            if links is not None:
                self.links.extend(links)
                continue
            for strand in strands_of(projection, first, nodes):
                if not is_lost(strand.target_block, strand.receptor):
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
            line, onto = len(self.groups) + line_of(number), "current" if current else strand.synapse(weight)
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
            return "current" if current else strand.synapse(sign * weight)

        if n_units == n_target == 1 and probability is None and strand.synapses is None:
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
        plasticity = strand.plasticity(order)
        if plasticity is None and whole and weights is None and lags is None:
            self.links.append(Link(source, target, lag, onto(weight), weight))
            return
        if isinstance(probability, np.ndarray):
            probability = np.ascontiguousarray(probability[order])
        thinning = thinning_of(probability, self.key_of_losses, int(strand.numbers[0]))
        factor = 1.0 if weights is not None else weight
        self.links.append(
            Link(source, target, lag, onto(weight), factor, first, units, weights, lags, plasticity, thinning)
        )

    def _drive(self, strand: Strand, block: TrainBlock) -> None:
        """Wire a generator of random spikes, with independent spikes for each connection."""
        i, group = strand.i, self.groups[strand.target]
        weights, lags = (np.broadcast_to(value, len(strand.numbers)) for value in (strand.weight, strand.delay))
        if not strand.target_block.is_group:
            for number, w, lag in zip(*(array.tolist() for array in (strand.numbers, weights, lags)), strict=True):
                line = len(self.groups) + self._train_line(block, i, number)
                self.links.append(Link(line, group, lag, strand.synapse(w), w))
            return
        if not isinstance(block, PoissonProcessBlock):
            self._scatter(strand, lambda number: self._train_line(block, i, number))
            return
        signs = np.where(weights >= 0, 1.0, -1.0)
        for lag in np.unique(lags).tolist():
            for sign in (1.0, -1.0):
                k = np.flatnonzero((signs == sign) & (lags == lag))
                if len(k):
                    noise = Noise(group, lag, strand.synapse(sign), block.law(i))
                    pieces = self._noise.setdefault(noise, (block.mean(i), []))[1]
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
