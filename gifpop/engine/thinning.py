"""Thinning: spikes pass a connection with some probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Key


@dataclass(frozen=True)
class Thinning:
    """Spikes pass each connection of a link, or are lost, independently of all others.

    What several spikes of a source unit in one step bring through a connection is a binomial number of them.

    Attributes
    ----------
    probability : float
        That a spike passes, in [0, 1]; of all connections, if ``probabilities`` is None.
    probabilities : float64 array, or None
        Of each connection.
    key : uint64 array of length 2
        Of the link's random numbers (`gifpop.common.seeds.philox_key`), which follow from it and the step.
    """

    probability: float
    probabilities: Floats | None
    key: Key
