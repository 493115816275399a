"""Who records what: the ends of connections to and from recorders, for the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.engine import signals
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
