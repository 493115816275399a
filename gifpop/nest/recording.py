"""Who records what: the ends of connections to and from recorders, for the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop.nest.recorders import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gifpop.common.typing import Floats, Integers
    from gifpop.engine import signals
    from gifpop.nest.late_spikes import LateSpikes
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.recorders import MeterBlock, SpikeRecorderBlock
    from gifpop.nest.thinning import Sieve
    from gifpop.nest.weight_recorder import WeightRecorderBlock


class Listener(NamedTuple):
    """A spike recorder, the ``i``-th of a block, and the source of its spikes.

    ``heard`` is a group of the engine or a `Tap`, ``first`` its first node; ``repeats`` (int array) is the number of
    connections of each neuron, None: one; ``sieve`` what passes these, None: all.
    """

    block: SpikeRecorderBlock
    i: int
    first: int
    heard: int | Tap
    repeats: Integers | None
    sieve: Sieve | None = None


class Sampler(NamedTuple):
    """A meter, the ``i``-th of a block, and nodes that it samples.

    ``places`` are the numbers of the connections, ``senders`` the nodes; ``begun`` is the step in which the connections
    were first simulated; ``probe`` as for `Engine.run`, node after node.
    """

    block: MeterBlock
    i: int
    places: Integers
    senders: Integers
    begun: int
    probe: tuple[int, Integers, tuple[str, ...]]


class Sheet:
    """Samples of meters that sample at the same times, collected chunk by chunk and dealt out when a run ends.

    Attributes
    ----------
    samplers : list of Sampler
    width : int
        Number of probes of all samplers together.
    """

    def __init__(self, samplers: list[Sampler]) -> None:
        self.samplers = samplers
        self.width = sum(len(s.senders) * len(s.probe[2]) for s in samplers)
        self._stamps: list[Integers] = []
        self._values: list[Floats] = []

    def note(self, stamps: Integers, records: Floats) -> None:
        """Note the records of a chunk, shape (stamps, probes)."""
        meter, i, *_ = self.samplers[0]
        chosen = np.flatnonzero(meter.selected(i, stamps, self.samplers[0].begun))
        if len(chosen):
            self._values.append(records.T[:, chosen])
            self._stamps.append(stamps[chosen])

    def deal(self) -> None:
        """Hand each meter its samples; can be repeated after an exception."""
        if not self._stamps:
            return
        stamps, values = np.concatenate(self._stamps), np.concatenate(self._values, axis=1)
        dealt, begin = [], 0
        for sampler in self.samplers:
            shape = len(sampler.senders), len(sampler.probe[2]), len(stamps)
            end = begin + shape[0] * shape[1]
            own = values[begin:end].reshape(shape).transpose(1, 2, 0)
            dealt.append(Samples(sampler.places, sampler.senders, stamps, own))
            begin = end
        self._stamps, self._values = [], []
        for sampler, samples in zip(self.samplers, dealt, strict=True):
            sampler.block.take(sampler.i, samples)


def sheets_of(samplers: Iterable[Sampler]) -> list[Sheet]:
    """Return sheets for samplers, one for those with the same times."""
    together: dict[tuple[float, float, int], list[Sampler]] = {}
    for sampler in samplers:
        columns = sampler.block.columns
        key = columns["interval"][sampler.i], columns["offset"][sampler.i], sampler.begun
        together.setdefault(key, []).append(sampler)
    return [Sheet(each) for each in together.values()]


class Monitor(NamedTuple):
    """A meter, the ``i``-th of a block, and a generator whose current or rate it records.

    ``place`` is the number of the connection, ``sender`` the generator; ``begun`` as for `Sampler`.
    """

    block: MeterBlock
    i: int
    place: int
    sender: int
    begun: int
    signal: Tap


class Weigher(NamedTuple):
    """A weight recorder, the ``i``-th of a block, and the populations and blocks of neurons that it may record.

    ``firsts`` holds the population, or the first neuron of each block, in ascending order.
    """

    block: WeightRecorderBlock
    i: int
    firsts: list[int]


def catch_up(weighers: Iterable[Weigher], before: Iterable[Weigher], late: LateSpikes, nodes: NodeTable) -> None:
    """Hand weight recorders the late spikes of what they did not record before: they are delivered later."""
    known = {(id(block), i, first) for block, i, firsts in before for first in firsts}
    for block, i, firsts in weighers:
        for first in firsts:
            if (id(block), i, first) not in known:
                source = nodes.locate(first)[0]
                n = source.n if source.is_group else 1
                block.forget(i, first, n)
                block.take(i, *late.sent(first, n))


class Tap:
    """A signal that keeps its last values for recorders.

    ``offsets`` holds stamps of its spikes and how far before them they are, if they are precise (see
    `SpikeGeneratorBlock.offsets`).
    """

    offsets: tuple[Integers, Floats] | None = None

    def __init__(self, signal: signals.Emitter) -> None:
        self.signal = signal
        self.last = np.zeros(0)

    def emit(self, step: int, n: int) -> Floats:
        self.last = self.signal.emit(step, n)
        return self.last
