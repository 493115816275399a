"""Relays: units that emit in each step the spikes that arrive at them in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gifpop.engine import _relays

if TYPE_CHECKING:
    from gifpop.common.typing import Arrays, Integers, Stream


@dataclass(frozen=True)
class RelayPlan:
    """A group of relays, without state.

    Links to it have weight 1 and the receptor "excitatory", whatever becomes of the spikes.

    Attributes
    ----------
    N : int
    window : int64 array of shape (2, N), or None
        The first step of each relay, and the step after its last one: what arrives in others is lost. None: nothing is.
    """

    N: int
    window: Integers | None = None

    neurons: ClassVar[Literal[True]] = True
    fires_once: ClassVar[Literal[False]] = False
    recordables: ClassVar[tuple[()]] = ()
    n_receptors: ClassVar[int] = 1

    @property
    def units(self) -> int:
        """Number of units."""
        return self.N

    @property
    def places(self) -> int:
        return self.N

    @property
    def work(self) -> int:
        return self.N

    def copy(self) -> RelayPlan:
        """Return the plan itself, which does not change."""
        return self

    def state_arrays(self) -> Arrays:
        """Return nothing: relays have no state."""
        return {}

    def bind(self, stream: Stream) -> _relays.RelayGroup:
        """Return the group for the time loop; it draws nothing from ``stream``."""
        return _relays.RelayGroup(self)
