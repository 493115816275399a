"""Nodes that repeat the spikes that arrive at them: parrot_neuron and spike_dilutor."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

import numpy as np

from gifpop.engine.relays import RelayPlan
from gifpop.engine.signals import LAST_STEP
from gifpop.nest.generators import check_window, window
from gifpop.nest.nodes import Block

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.clock import Clock
    from gifpop.nest.value_types import Values


class RelayBlock(Block):
    """Nodes that emit each spike in the step in which it arrives, whatever the weight of its connection.

    Attributes
    ----------
    sliced : int or None
        Steps of a slice in the plan that the engine has; None if it has none, or nodes were set since.
    """

    receives = frozenset({"spikes"})
    sends = "spikes"
    is_group = True
    bytes_per_node = 100.0
    sliced: int | None = None

    def apply(self, i: int, values: Values, given: Values) -> None:
        super().apply(i, values, given)
        self.sliced = None

    def plan(self, slice_steps: int) -> RelayPlan:
        """Return the plan that the engine advances; slices have ``slice_steps`` steps."""
        window, frozen = self._window(slice_steps), self.columns["frozen"]
        if np.any(frozen):
            window = np.where(frozen, 0, [[0], [LAST_STEP]] if window is None else window)
        return RelayPlan(self.n, None if window is None else np.ascontiguousarray(window))

    def _window(self, slice_steps: int) -> Integers | None:
        """Return the window of a `RelayPlan` of nodes that are not frozen."""
        return None


def is_lost(target: Block, receptor: int) -> bool:
    """Return whether spikes are lost that arrive at a receptor of a node: the second one of a parrot."""
    return isinstance(target, RelayBlock) and receptor > 0


class ParrotBlock(RelayBlock):
    """parrot_neuron; what arrives at its second receptor is lost."""

    is_cell = True
    receptors = 2


class DilutorBlock(RelayBlock):
    """spike_dilutor: a spike passes each connection that starts there with a probability of the node.

    As in NEST, it is active throughout each slice that begins in its window, (start, stop].
    """

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        check_window(row, clock)

    def _window(self, slice_steps: int) -> Integers | None:
        windows = np.array([window(self.row(i), self.clock) for i in range(self.n)])
        return np.asarray((windows.T // slice_steps + 1) * slice_steps)

    def passing(self, units: Integers | slice) -> Floats:
        """Return the probability that a spike passes a connection of each of some nodes."""
        probability: Floats = self.columns["p_copy"][units]
        return probability
