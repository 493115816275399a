"""Random streams, all of which follow from the seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gifpop.common import seeds

if TYPE_CHECKING:
    import numpy as np

    from gifpop.common.typing import Key

DEFAULT_SEED = 143202461


class RandomStreams:
    """Random streams of nodes and connections.

    Attributes
    ----------
    seed : int
    restarts : int
        Number of times that the seed was set, be it to the same value.
    taken : int
        Number of streams taken since then, for connections and values to draw.
    """

    restarts = 0

    def __init__(self) -> None:
        self.reseed(DEFAULT_SEED)

    def reseed(self, seed: int) -> None:
        """Restart all streams; those of a run restart at the next one."""
        self.seed = seed
        self.restarts += 1
        self.taken = 0
        self._root = seeds.root_sequence(seed)

    def take(self) -> np.random.BitGenerator:
        """Return a new stream, for connections or values to draw."""
        self.taken += 1
        return seeds.stream(self._root, seeds.CONNECTION, self.taken)

    def of_population(self, node: int) -> np.random.BitGenerator:
        """Return the stream of a population."""
        return seeds.stream(self._root, seeds.POPULATION, node)

    def of_neurons(self, first: int) -> Key:
        """Return the key of the random numbers of a block of neurons, by its first node."""
        return seeds.philox_key(self._root, seeds.POPULATION, first)

    def of_device(self, node: int) -> np.random.BitGenerator:
        """Return the stream of a device that draws for all its targets at once."""
        return seeds.stream(self._root, seeds.POPULATION, node)  # no population has this node

    def of_losses(self, k: int) -> Key:
        """Return the key of the random numbers of connections that lose spikes, by the first one."""
        return seeds.philox_key(self._root, seeds.INPUT, k)

    def of_connection(self, k: int) -> np.random.BitGenerator:
        """Return the stream of a connection that has noise of its own."""
        return seeds.stream(self._root, seeds.INPUT, k)
