"""The numbers of fluctuating currents, drawn by the time loop: each of a `NoiseLink`'s units has one.

They belong to the engine, as input in transit does: each trial has its own. NaN stands for one that is still to be
drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.engine.links import NoiseLink
    from gifpop.engine.plan import Plan


def fluctuating(noise: Sequence[NoiseLink]) -> list[NoiseLink]:
    """Return the links of currents, in order."""
    return [link for link in noise if link.fluctuation is not None]


def fit_fluctuations(
    noise: Sequence[NoiseLink],
    plans: Sequence[Plan],
    old_noise: Sequence[NoiseLink] = (),
    old: Sequence[Floats] = (),
    moved: Mapping[int, Integers] | None = None,
) -> list[Floats]:
    """Return the numbers of every link of currents: what they were, or still to be drawn.

    A link continues the old one with the same stream. For groups with another number of neurons, ``moved`` says whose
    input each of them receives; new neurons draw their own.
    """
    known = {id(link.stream): numbers for link, numbers in zip(fluctuating(old_noise), old, strict=True)}
    fitted = []
    for link in fluctuating(noise):
        units = 1 if link.shared else plans[link.target].units
        numbers = known.get(id(link.stream), np.full(units, np.nan))
        chosen = None if link.shared else (moved or {}).get(link.target)
        if chosen is not None:
            numbers = np.where(chosen == np.arange(units), numbers[chosen], np.nan)
        fitted.append(numbers)
    return fitted
