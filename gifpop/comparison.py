"""Results of `gifpop.compare`: statistics of both levels with confidence intervals. Data only."""

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
        Mean over trials.
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
        Variance of the binned activity over time.
    spectrum : Estimate, shape (frequencies, populations), Hz
        Power spectrum of the binned activity (see `gifpop.power_spectrum`).
    response : Estimate, shape (bins, populations), spikes/s
        Binned activity, averaged over trials: the response to the inputs.
    """

    rate: Estimate
    variance: Estimate
    spectrum: Estimate
    response: Estimate


@dataclass(frozen=True)
class Comparison:
    """Statistics of a network at both levels, from `compare`.

    Parameters
    ----------
    meso, micro : LevelSummary
        Statistics of each level: ``rate``, ``variance``, ``spectrum`` and ``response``, each with a ``value`` and an
        ``error``, arrays whose last axis has one entry for each population.
    names : tuple of str
        Names of the populations.
    t : float64 array, ms
        Centres of the bins of ``response``.
    f : float64 array, Hz
        Frequencies of ``spectrum``.
    trials : int
        Number of trials at each level.
    confidence : float
        Level of the confidence intervals, in (0, 1).
    """

    meso: LevelSummary
    micro: LevelSummary
    names: tuple[str, ...]
    t: Floats = field(repr=False)
    f: Floats = field(repr=False)
    trials: int
    confidence: float

    def table(self) -> str:
        """Return a text table of rates and variances at both levels.

        Returns
        -------
        str
            One line per population, with confidence intervals.
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
            Where to draw; by default a new pyplot figure.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from gifpop.plot import figures  # they draw comparisons, so they import this module

        return figures.side_by_side(self, figure)
