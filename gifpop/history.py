"""Adaptive histories: cohorts that have grown old are merged with their neighbours (docs/history.md).

Neurons that fired long ago resemble those that fired a few steps before or after them. A cell holds the cohorts of
several successive steps; how many it may hold grows with their age, as the differences between them fade.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gifpop import _meso
from gifpop.grid import refractory_steps
from gifpop.membrane import threshold_kernel, underflows_to_zero

if TYPE_CHECKING:
    from gifpop.parameters import GIF
    from gifpop.typing import Floats, History, Integers

HISTORIES: tuple[History, ...] = ("exact", "adaptive")
TOLERANCE = 3e-3
MERGE_EVERY = 16  # steps between two rounds of merging
MOST_LENGTHS = 4  # automatic lengths of NEST that an adaptive history covers at most
ACTIVITY = 20.0  # spikes/s; by how much neighbours differ for what fired between them is estimated for this activity
MARGIN = 3.0  # in Delta_V, above the threshold: how far neurons may recover


@dataclass
class Cells:
    """The cells of one population as arrays (see `_meso.MesoPopulation`).

    Attributes
    ----------
    tolerance : float
    every : int
        Steps between two rounds of merging.
    widest : int64 array
        Steps that a cell may span, by the age of its youngest cohort; cohorts older than the last entry are free.
    tau : float64 array of length J, ms
        ``tau_sfa``; empty where cohorts carry their adaptation.
    newest : float64 array of length J
        ``exp(-age/tau_sfa)`` of the cohort that leaves the window.
    rows : float64 array, shape (7, places)
        As in ``_meso.CELL_ARRAYS``: cells side by side, the oldest first, after PADDING empty places.
    traces : float64 array, shape (J, places)
        ``exp(-age/tau_sfa)``, averaged over the spikes of each cell.
    """

    tolerance: float
    every: int
    widest: Integers
    tau: Floats
    newest: Floats
    rows: Floats
    traces: Floats

    def copy(self) -> Cells:
        """Return cells with the same parameters and a state of their own."""
        return replace(self, rows=self.rows.copy(), traces=self.traces.copy())


def adaptive_length(cell: GIF, dt: float, len_kernel: int, automatic: int, tolerance: float) -> int:
    """Return the number of steps that an adaptive history covers.

    Until nothing of the last spike is left, within the tolerance, but no more than 4 times NEST's automatic length; and
    no less than ``len_kernel`` (-1: none given) or the automatic length.
    """
    ages = np.arange(automatic, MOST_LENGTHS * automatic + 1)
    left, _ = recovery(cell, dt, ages)
    return max(len_kernel, int(ages[min(int(np.count_nonzero(left > tolerance)), len(ages) - 1)]))


@underflows_to_zero
def recovery(cell: GIF, dt: float, ages: Integers) -> tuple[Floats, Floats]:
    """Return how far neurons are from having recovered from their last spike, and by how much they recover in a step.

    Both in units of Delta_V, hence of the logarithm of the hazard, at ages in steps (array). From the reset, potentials
    rise at least to a margin above the threshold, or to where the constant drive takes them.
    """
    driven = abs(cell.E_L + cell.I_e * cell.tau_m / cell.C_m - cell.V_reset)
    height = max(abs(cell.V_T_star - cell.V_reset) + MARGIN * cell.Delta_V, driven)
    rising = np.maximum(ages - refractory_steps(cell.t_ref, dt), 0) * dt
    left, slope = np.zeros(len(ages)), np.zeros(len(ages))
    terms = [(height, cell.tau_m, rising)]
    terms += [(abs(q), tau, ages * dt) for q, tau in zip(cell.q_sfa, cell.tau_sfa, strict=True)]
    resistance = cell.tau_m / cell.C_m
    terms += [(abs(q) * resistance, tau, ages * dt) for q, tau in zip(cell.q_stc, cell.tau_stc, strict=True)]
    for size, tau, time in terms:
        term = size / cell.Delta_V * np.exp(-time / tau)
        left += term
        slope += term * dt / tau
    return left, slope


@underflows_to_zero
def widest_cells(cell: GIF, dt: float, length: int, tolerance: float) -> Integers:
    """Return how many steps a cell may span, for each age in steps, 0 to ``length``, of its youngest cohort.

    If the logarithms of hazards in a cell spread evenly over a range r, their common value is wrong by r^2/24 of itself
    (the variance is r^2/12); this must be below the tolerance at this age and later. They spread because neurons
    recover, and because neurons of one cell see different numbers of its spikes.
    """
    ages = np.arange(length + 1)
    _, slope = recovery(cell, dt, ages)
    own = threshold_kernel(cell, ages * dt) / cell.Delta_V
    slope = slope + 1e-3 * dt * ACTIVITY * np.abs(np.expm1(np.minimum(-own, 600.0)))
    with np.errstate(divide="ignore", over="ignore"):
        width = math.sqrt(24.0 * tolerance) / slope
    width = np.minimum(np.minimum.accumulate(width[::-1])[::-1], ages / 4)
    width[: refractory_steps(cell.t_ref, dt) + 1] = 1
    return np.fmax(width, 1).astype(np.int64)  # whatever the parameters: 1 where a width is not a number


def window_length(widest: Integers) -> int:
    """Return the number of young cohorts that stay apart, up to the age where merging begins."""
    return int(np.count_nonzero(widest == 1)) - 1


def most_cells(widest: Integers) -> int:
    """Return a number of cells that is never exceeded.

    Two neighbours together span more than one cell might where the younger one begins, which is not below half the age
    at which the older one ends; the oldest cells reach beyond the history by no more than half its length.
    """
    ages = np.arange(1, 3 * len(widest) // 2 + MERGE_EVERY + 1)
    return int(np.sum(2.0 / widest[np.minimum(ages // 2, len(widest) - 1)])) + 2 * MERGE_EVERY


@underflows_to_zero
def plan_cells(cell: GIF, dt: float, window: int, widest: Integers, tolerance: float,
               with_spikes: bool = True) -> Cells:  # fmt: skip
    """Return the cells of a population, all empty, for a window of that many young cohorts.

    ``with_spikes``: they remember what their spikes have left in all younger neurons (quasi-renewal).
    """
    places, tau = _meso.PADDING + most_cells(widest), np.array(cell.tau_sfa if with_spikes else ())
    return Cells(
        tolerance=tolerance,
        every=MERGE_EVERY,
        widest=widest,
        tau=tau,
        newest=np.exp(-window * dt / tau),
        rows=np.zeros((len(_meso.CELL_ARRAYS), places)),
        traces=np.zeros((len(tau), places)),
    )


@underflows_to_zero
def update_cells(cells: Cells, cell: GIF, dt: float, window: int, used: int) -> Cells:
    """Return cells with new parameters and the same state, traces as if time constants had always been the new ones.

    Parameters
    ----------
    cells : Cells
    cell : GIF
    dt : float, ms
    window : int
        Young cohorts.
    used : int
        Cells in use.
    """
    widest = widest_cells(cell, dt, len(cells.widest) - 1, cells.tolerance)
    new = plan_cells(cell, dt, window, widest, cells.tolerance, with_spikes=len(cells.tau) > 0)
    filled = _meso.PADDING + used
    places = max(cells.rows.shape[1], new.rows.shape[1] + used)
    for name in ("rows", "traces"):
        old = getattr(cells, name)
        grown = np.zeros((len(old), places))
        grown[:, :filled] = old[:, :filled]
        setattr(new, name, grown)
    new.traces **= (cells.tau / new.tau)[:, np.newaxis]
    return new
