"""Adaptive histories: old cohorts are merged with their neighbours (docs/history.md).

Neurons that fired long ago resemble those that fired a few steps before or after them. A cell holds the cohorts of
several successive steps; how many it may hold grows with their age, as the differences between them fade.
"""

from __future__ import annotations

import copy
import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gifpop.common.checks import LARGEST_INTEGER
from gifpop.common.grid import refractory_steps
from gifpop.common.membrane import underflows_to_zero
from gifpop.common.stateful import Stateful
from gifpop.meso import _meso
from gifpop.meso.kernels import threshold_kernel

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, History, Integers
    from gifpop.parameters import GIF

HISTORIES: tuple[History, ...] = ("exact", "adaptive")
TOLERANCE = 3e-3
MERGE_EVERY = 16  # steps between two rounds of merging
MOST_LENGTHS = 4  # automatic lengths of NEST that an adaptive history covers at most
ACTIVITY = 20.0  # spikes/s; by how much neighbours differ for what fired between them is estimated for this activity
BLOCK = 2**16  # ages that are looked at at a time
GRID = 4  # parts of an octave, to which parameters are rounded where histories are not to follow small changes
CELL_WORK = 1.8  # cohorts' worth of work for cells of width w, one every w steps, which are seldom as wide as allowed
MERGING_WORK = 60.0  # and for entering and merging cells, whatever their number
MARGIN = 3.0  # in Delta_V, above the threshold: how far neurons may recover


@dataclass
class Cells(Stateful):
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

    STATE: ClassVar = ("rows", "traces")
    LASTING: ClassVar = ("widest",)


def adaptive_length(cell: GIF, dt: float, len_kernel: int, automatic: int, tolerance: float) -> int:
    """Return the number of steps that an adaptive history covers.

    Until nothing of the last spike is left, within the tolerance, but no more than 4 times NEST's automatic length; and
    no less than ``len_kernel`` (-1: none given) or the automatic length.
    """

    def has_recovered(age: int) -> bool:
        left, _ = recovery(cell, dt, np.array([age]))  # falls with age
        return not left[0] > tolerance

    ages = range(automatic, min(MOST_LENGTHS * automatic, LARGEST_INTEGER))
    return max(len_kernel, automatic + bisect_left(ages, True, key=has_recovered))


def rounded(cell: GIF) -> GIF:
    """Return neurons like these with parameters on a coarse grid, so that all in their neighbourhood are the same.

    Where expected counts are to be smooth functions of the parameters, these neurons decide what is discrete: how long
    a history is, and which cohorts are merged. Of potentials only differences matter.
    """
    tau_m, resistance = _to_grid(cell.tau_m), _to_grid(cell.tau_m / cell.C_m)
    driven = cell.E_L + cell.I_e * cell.tau_m / cell.C_m - cell.V_reset
    near = copy.copy(cell)  # unchecked: what is at a limit may be rounded to beyond it, and has been warned of once
    vars(near).update(
        tau_m=tau_m,
        C_m=tau_m / resistance,
        E_L=0.0,
        V_reset=0.0,
        V_m=None,
        V_T_star=_to_grid(cell.V_T_star - cell.V_reset),
        I_e=_to_grid(driven) / resistance,
        Delta_V=_to_grid(cell.Delta_V),
        **{name: tuple(map(_to_grid, getattr(cell, name))) for name in ("tau_sfa", "q_sfa", "tau_stc", "q_stc")},
    )
    return near


def _to_grid(value: float) -> float:
    """Return the nearest of the numbers that divide each octave into GRID parts."""
    if value == 0.0:
        return 0.0
    return math.copysign(2.0 ** (round(GRID * math.log2(abs(value))) / GRID), value)


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
    widest = np.empty(length + 1, dtype=np.int64)
    most = np.inf
    for begin in reversed(range(0, length + 1, BLOCK)):  # a few ages at a time: there may be very many
        ages = np.arange(begin, min(begin + BLOCK, length + 1))
        width = np.minimum(_sufficient_width(cell, dt, ages, tolerance), most)
        width = np.minimum.accumulate(width[::-1])[::-1]
        most = width[0]
        widest[begin : begin + BLOCK] = np.fmax(np.minimum(width, ages / 4), 1)  # 1 where a width is not a number
    widest[: refractory_steps(cell.t_ref, dt) + 1] = 1
    return widest


def _sufficient_width(cell: GIF, dt: float, ages: Integers, tolerance: float) -> Floats:
    """Return the width of a cell, in steps, allowed at each age alone."""
    _, slope = recovery(cell, dt, ages)
    own = threshold_kernel(cell, ages * dt) / cell.Delta_V
    slope = slope + 1e-3 * dt * ACTIVITY * np.abs(np.expm1(np.minimum(-own, 600.0)))
    with np.errstate(divide="ignore", over="ignore"):
        return math.sqrt(24.0 * tolerance) / slope


def check_widest(widest: Integers) -> None:
    """Raise ValueError for widths, by age, for which `most_cells` need not hold."""
    if widest.ndim != 1 or widest.dtype != np.int64 or len(widest) < 2 or widest.min() < 1:
        raise ValueError(f"cells must span steps, got {widest.dtype} of shape {widest.shape}")
    if np.any(widest > np.maximum(np.arange(len(widest)) // 4, 1)) or np.any(widest[1:] < widest[:-1]):
        raise ValueError("cells must grow with age, to a quarter of it at most")


def window_length(widest: Integers) -> int:
    """Return the number of young cohorts that stay apart, up to the age where merging begins."""
    return int(np.searchsorted(widest, 1, side="right")) - 1  # they only grow


def most_cells(widest: Integers) -> int:
    """Return a number of cells that is never exceeded.

    Two neighbours together span more than one cell might where the younger one begins, which is not below half the age
    at which the older one ends; the oldest cells reach beyond the history by no more than half its length.
    """
    oldest, cells = 3 * len(widest) // 2 + MERGE_EVERY, 0.0
    for begin in range(1, oldest + 1, BLOCK):
        ages = np.arange(begin, min(begin + BLOCK, oldest + 1))
        cells += np.sum(2.0 / widest[np.minimum(ages // 2, len(widest) - 1)])
    return int(cells) + 2 * MERGE_EVERY


def affordable_length(widest: Integers, exact: int) -> int:
    """Return the greatest length of an adaptive history that takes no more work than an exact one of ``exact`` steps.

    At least as long as that one, and no longer than ``widest`` reaches; 0 if there is none.
    """
    longest, window, work_of_cells = 0, window_length(widest), MERGING_WORK
    for begin in range(0, len(widest), BLOCK):
        ages = np.arange(begin, min(begin + BLOCK, len(widest)))
        cells = work_of_cells + np.cumsum(np.where(ages > window, CELL_WORK / widest[ages], 0.0))
        affordable = ages[(ages >= exact) & (np.minimum(ages, window) + cells <= exact)]
        longest, work_of_cells = int(np.max(affordable, initial=longest)), cells[-1]
    return longest


@underflows_to_zero
def plan_cells(
    cell: GIF,
    dt: float,
    window: int,
    widest: Integers,
    tolerance: float,
    with_spikes: bool = True,
    least_places: int = 0,
) -> Cells:
    """Return the cells of a population, all empty, for a window of that many young cohorts.

    ``with_spikes``: they remember what their spikes have left in all younger neurons (quasi-renewal).
    """
    places = max(_meso.PADDING + most_cells(widest), least_places)
    tau = np.array(cell.tau_sfa if with_spikes else ())
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
def update_cells(cells: Cells, cell: GIF, dt: float, window: int, used: int, smooth: bool = False) -> Cells:
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
    smooth : bool
        Widths do not follow small changes (`rounded`).
    """
    widest = widest_cells(rounded(cell) if smooth else cell, dt, len(cells.widest) - 1, cells.tolerance)
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
