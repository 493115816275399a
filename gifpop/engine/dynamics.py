"""Dynamics of connections: how spikes change the strength of those that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gifpop.common.typing import Floats

VARIABLES = ("resources", "last")  # rows of a state


@dataclass(frozen=True)
class Depression:
    """Resources that spikes release and that recover exponentially (Tsodyks and Markram).

    A spike arrives with the weight of its link times ``use`` times the resources before it, of which it leaves ``1 -
    use``. ``n`` spikes of a population of ``N`` neurons leave ``1 - use n / N``.
    """

    use: float  # share of the resources that a spike releases
    rate: float  # of recovery, per step

    def at_rest(self, units: int) -> Floats:
        """Return the state of source units that have not fired: ``VARIABLES``, shape (2, units)."""
        state = np.zeros((len(VARIABLES), units))
        state[0] = 1.0
        return state
