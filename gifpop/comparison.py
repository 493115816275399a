"""What `gifpop.compare` returns: statistics of both levels with their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gifpop.common.brief import MOST_SHOWN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gifpop.common.typing import Floats


@dataclass(frozen=True)
class Estimate:
    """A mean over trials with its confidence interval.

    Parameters
    ----------
    value : float64 array
        The mean.
    error : float64 array
        Half the width of the confidence interval (Student's t over the trials).
    """

    value: Floats
    error: Floats

    def __repr__(self) -> str:
        if np.size(self.value) > MOST_SHOWN:
            return f"Estimate(<values of shape {np.shape(self.value)}>)"
        return f"Estimate({self.value} +- {self.error})"


@dataclass(frozen=True)
class LevelSummary:
    """Statistics of one level; arrays have one column for each population.

    Parameters
    ----------
    rate : Estimate, shape (populations,), spikes/s
        Mean rate.
    variance : Estimate, shape (populations,), (spikes/s)^2
        Of the activity in bins.
    spectrum : Estimate, shape (frequencies, populations), Hz
        Two-sided power spectrum of the activity.
    response : Estimate, shape (bins, populations), spikes/s
        Activity in bins, averaged over trials: the response to what the inputs do.
    """

    rate: Estimate
    variance: Estimate
    spectrum: Estimate
    response: Estimate


@dataclass(frozen=True)
class Comparison:
    """What `compare` returns.

    Parameters
    ----------
    meso, micro : LevelSummary
        Statistics of each level: ``rate``, ``variance``, ``spectrum`` and ``response``, each with a ``value`` and an
        ``error``, arrays whose last axis has one entry for each population.
    names : tuple of str
        Populations.
    t : float64 array, ms
        Centres of the bins of ``response``.
    f : float64 array, Hz
        Frequencies of ``spectrum``.
    trials : int
        Trials at each level.
    confidence : float
        Of the intervals, in (0, 1).
    """

    meso: LevelSummary
    micro: LevelSummary
    names: tuple[str, ...]
    t: Floats = field(repr=False)
    f: Floats = field(repr=False)
    trials: int
    confidence: float

    def table(self) -> str:
        """Return rates and variances of both levels as text.

        Returns
        -------
        str
            One line for each population, with confidence intervals.
        """
        rows = [["", "rate, meso", "rate, micro", "variance, meso", "variance, micro"]]
        for i, name in enumerate(self.names):
            estimates = (self.meso.rate, self.micro.rate, self.meso.variance, self.micro.variance)
            rows.append([name, *(f"{e.value[i]:.3f} +- {e.error[i]:.3f}" for e in estimates)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        note = (
            f"(rates in spikes/s, variances in (spikes/s)^2; {self.trials} trials, "
            f"{100 * self.confidence:g} % confidence)"
        )
        return "\n".join([*lines, note])

    def plot(self, figure: Figure | None = None) -> Figure:
        """Plot rates, variances, spectra and responses of both levels.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, optional
            To draw into; by default a new one of pyplot.

        Returns
        -------
        matplotlib.figure.Figure
            The one drawn into.
        """
        from gifpop.plot import figures  # they draw comparisons, so they import this module

        return figures.side_by_side(self, figure)
