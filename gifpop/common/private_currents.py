"""Currents that fluctuate, of each neuron its own, as a population knows them."""

from __future__ import annotations

import math
from typing import NamedTuple

LEAST_KEPT = 1e-3  # in a step; a current that forgets faster is white noise
MOST_KEPT = 1.0 - 2.0**-53
LEAST_UNIT = 1e-6  # pA; of a current that does not fluctuate now


class PrivateCurrent(NamedTuple):
    """A current that fluctuates about its mean, in each neuron by itself: an autoregressive process.

    Attributes
    ----------
    number : int
        Of the injection, by which the current is known when others come and go.
    kept : float
        Share that is left after a step; 0: white noise.
    unit : float
        Standard deviation, pA, as long as that does not change.
    """

    number: int
    kept: float
    unit: float

    def tau(self, dt: float) -> float:
        """Return the correlation time of a current that is not white, ms."""
        return -dt / math.log(self.kept)


def correlated(number: int, std: float, kept: float) -> PrivateCurrent:
    """Return a current of which so much is left after a step."""
    return PrivateCurrent(number, min(kept, MOST_KEPT) if kept >= LEAST_KEPT else 0.0, max(std, LEAST_UNIT))


def held(number: int, std: float, hold: int) -> PrivateCurrent:
    """Return the current that comes nearest to white noise whose values are held for some steps.

    Of both, the autocorrelation C over k steps has the same sums of C and of |k| C: h and (h^2 - 1) / 3 times the
    variance of the noise.
    """
    m = (hold * hold - 1.0) / (3.0 * hold)  # 2 kept / (1 - kept^2)
    kept = m / (math.sqrt(1.0 + m * m) + 1.0)
    return correlated(number, std * math.sqrt(hold * (1.0 - kept) / (1.0 + kept)), kept)


def with_memory(private: tuple[PrivateCurrent, ...]) -> list[PrivateCurrent]:
    """Return those that are not white."""
    return [one for one in private if one.kept > 0.0]


def place_of_variance(receptors: int, place: int) -> int:
    """Return where the variance of the private current at a place arrives, by number, after those of receptors."""
    return -2 - receptors - place
