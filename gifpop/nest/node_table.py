"""All nodes, in blocks: which block and which place in it belong to an identifier."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop.nest.errors import UnknownNode

if TYPE_CHECKING:
    from gifpop.common.typing import Integers
    from gifpop.nest.nodes import Block

    BlockType = TypeVar("BlockType", bound=Block)


class Part(NamedTuple):
    """The nodes ``start`` to ``end`` of an array of nodes, which belong to one block."""

    block: Block
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


class NodeTable:
    """Blocks of nodes with consecutive identifiers, the first of which is 1.

    Attributes
    ----------
    blocks : list of Block
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._firsts: list[int] = []

    @property
    def size(self) -> int:
        """Number of nodes."""
        return self.blocks[-1].first + self.blocks[-1].n - 1 if self.blocks else 0

    def add(self, block: Block) -> None:
        """Add a block, whose identifiers follow those of all others."""
        # in this order: an exception between the two leaves a table in which no node is in the wrong block
        self._firsts.append(block.first)
        self.blocks.append(block)

    def on_threads(self, n: int) -> Integers:
        """Return the numbers of nodes on each of ``n`` threads."""
        return self.blocks[-1].up_to_last() if self.blocks else np.zeros(n, dtype=np.int64)

    def number(self) -> None:
        """Give the nodes their numbers on each thread, as NEST does before it connects or simulates them."""
        for block in reversed(self.blocks):
            if block.numbered:
                return
            block.numbered = True

    def of_type(self, block_type: type[BlockType]) -> list[BlockType]:
        """Return the blocks of a class."""
        return [block for block in self.blocks if isinstance(block, block_type)]

    def locate(self, node: int) -> tuple[Block, int]:
        """Return the block of a node and its place there; raise UnknownNode if there is no such node."""
        b = bisect_right(self._firsts, node) - 1
        if b < 0 or node > self.size:
            raise UnknownNode(f"Node with id {node} does not exist.")
        return self.blocks[b], node - self._firsts[b]

    def base_model(self, node: int) -> str:
        """Return the name of the model that a node is, or is copied from."""
        return self.locate(node)[0].model.base

    def block_numbers(self, nodes: Integers) -> Integers:
        """Return the place in ``blocks`` of each node of an array."""
        return np.searchsorted(self._firsts, nodes, side="right") - 1

    def blocks_of(self, nodes: Integers) -> list[Block]:
        """Return the blocks of the nodes of an array, in ascending order."""
        return [self.blocks[b] for b in np.flatnonzero(np.bincount(self.block_numbers(nodes))).tolist()]

    def are_devices(self, nodes: Integers) -> npt.NDArray[np.bool_]:
        """Return whether each node of an array is a device."""
        devices = np.array([not block.is_cell for block in self.blocks], dtype=bool)
        return devices[self.block_numbers(nodes)]

    def parts(self, nodes: Integers) -> list[Part]:
        """Return the parts of an array of ascending nodes, one for each block."""
        numbers = self.block_numbers(nodes)
        ends = [*(1 + np.flatnonzero(np.diff(numbers))).tolist(), len(numbers)]
        return [
            Part(self.blocks[numbers[start]], start, end)
            for start, end in zip([0, *ends], ends, strict=False)
            if end > start
        ]
