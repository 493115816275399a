"""Short-term plasticity of links: how spikes change what those that follow deliver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gifpop.common.typing import Floats

VARIABLES = ("resources", "use", "last")  # rows of a state


@dataclass(frozen=True)
class LinkPlasticity:
    """Resources that spikes release and that recover, and their use, which spikes facilitate (Tsodyks and Markram).

    A spike arrives with the weight of its link times u x, the use and the resources before it; it leaves the resources
    x - u x and the use u + U (1 - u). Of a population of N neurons, n spikes leave x - u x n/N and u + U (1 - u) n/N.
    """

    U: float  # the use after a long pause
    recovery: float  # rate at which resources recover, per step
    facilitation: float  # rate at which facilitation ends, per step; infinite: there is none
    squared: bool = False  # the square of u x is delivered, for variances

    def at_rest(self, units: int) -> Floats:
        """Return the state of source units that have not fired: ``VARIABLES``, shape (3, units)."""
        state = np.empty((len(VARIABLES), units))
        state[:] = np.array([1.0, self.U, -1.0])[:, np.newaxis]
        return state
