"""What pictures show of results: bins, spectra, samples of neurons, and no more points than can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop.reductions import PopulationStatistics
from gifpop.spectrum import power_spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gifpop.common.typing import Floats, Integers
    from gifpop.result import PopulationResult

MOST_POINTS = 4000  # of a line: two for each pixel of a wide picture
SAME_TIME = 1e-3  # steps


class Curve(NamedTuple):
    """Points, and how far a band reaches to both sides of them."""

    x: Floats
    y: Floats
    error: Floats | None = None


def binned(t: Floats, values: Floats, width: int) -> tuple[Floats, Floats]:
    """Return centres and averages of successive bins of ``width`` steps along the last axis; no incomplete bin."""
    n = len(t) // width
    whole = slice(n * width)
    return t[whole].reshape(n, width).mean(axis=1), values[..., whole].reshape(*values.shape[:-1], n, width).mean(-1)


def activity(p: PopulationResult | PopulationStatistics, width: int, window: slice = slice(None)) -> Curve:
    """Return the activity of a population in bins.

    Parameters
    ----------
    p : PopulationResult or PopulationStatistics
    width : int
        Steps of a bin.
    window : slice
        Of steps.

    Returns
    -------
    x : float64 array, ms
        Centres of the bins.
    y : float64 array, spikes/s
        Mean over trials, if there are any.
    error : float64 array, spikes/s, or None
        Standard deviation over trials: of bins, or where only that of steps is known, the root of its mean square in
        each bin.
    """
    t = p.t[window]
    if isinstance(p, PopulationStatistics):
        centres, variance = binned(t, p.variance["activity"][window], width)
        return Curve(centres, binned(t, p.mean["activity"][window], width)[1], np.sqrt(variance))
    centres, values = binned(t, p.activity[..., window], width)
    if values.ndim == 1:
        return Curve(centres, values)
    return Curve(centres, values.mean(axis=0), values.std(axis=0, ddof=1) if len(values) > 1 else None)


def expected(p: PopulationResult | PopulationStatistics, window: slice = slice(None)) -> Floats | None:
    """Return the expected activity of each step, of trials their mean: float64 array, spikes/s; None for neurons."""
    if isinstance(p, PopulationStatistics):
        return p.mean["rate"][window] if "rate" in p.mean else None
    if p.level == "micro":
        return None
    rate = p.rate[..., window]
    return rate if rate.ndim == 1 else rate.mean(axis=0)


def spectrum(activities: Floats, dt: float, steps: int) -> Curve:
    """Return frequencies and the power spectrum of activities, averaged over trials and segments of so many steps.

    Each segment is taken without its mean and without a taper (Bartlett 1948, Nature 161:686), so that this is the
    spectrum of `gifpop.TrialStatistics` and `gifpop.compare` where one segment is as long as the run.

    Parameters
    ----------
    activities : float64 array, shape (T,) or (trials, T), spikes/s
    dt : float, ms
    steps : int
        Of a segment, <= T; an incomplete last one is left out.

    Returns
    -------
    x : float64 array, shape (steps // 2,), Hz
        Frequencies, without 0.
    y : float64 array of the same shape, Hz
        Power, two-sided.
    """
    activities = np.atleast_2d(activities)
    n = activities.shape[1] // steps
    segments = activities[:, : n * steps].reshape(-1, steps)
    f, power = power_spectrum(segments, dt)
    return Curve(f[1:], power[:, 1:].mean(axis=0))


def even_sample(n: int, most: int) -> Integers:
    """Return at most ``most`` of the first ``n`` integers, evenly spread from the first to the last."""
    return np.arange(n) if n <= most else np.rint(np.linspace(0, n - 1, most)).astype(np.int64)


def within(t: Floats, limits: Sequence[float] | Floats, dt: float) -> slice:
    """Return the slice of increasing times that are after the first limit and not after the second."""
    return slice(*np.searchsorted(t, np.asarray(limits) + SAME_TIME * dt, side="right").tolist())


def rows_of_spikes(p: PopulationResult, sample: Integers, limits: Sequence[float]) -> tuple[Floats, Integers]:
    """Return times of the spikes of sampled neurons, and the places of the neurons in the sample."""
    times, neurons = p.spikes
    inside = within(times, limits, p.dt)
    row_of = np.full(p.largest_N, -1)
    row_of[sample] = np.arange(len(sample))
    rows = row_of[neurons[inside]]
    shown = rows >= 0
    return times[inside][shown], rows[shown]


def spikes_of(p: PopulationResult, neuron: int, limits: Sequence[float]) -> Floats:
    """Return the times of the spikes of one neuron."""
    times, neurons = p.spikes
    inside = within(times, limits, p.dt)
    return times[inside][neurons[inside] == neuron]


def thin(x: Floats, y: Floats, log: bool = False, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
    """Return the points of a curve that can be seen: of each of many pieces the lowest and the highest.

    Parameters
    ----------
    x : increasing float64 array
    y : float64 array of the same length
    log : bool
        Pieces are equally wide on a logarithmic axis; x > 0.
    most : int
        Points that a curve may have.
    """
    if len(x) <= most:
        return x, y
    begins = _pieces(x, log, most)
    ends = [*begins[1:], len(x)]
    extremes: set[int] = set()
    for begin, end in zip(begins, ends, strict=True):
        piece = y[begin:end]
        extremes.update((begin + int(piece.argmin()), begin + int(piece.argmax())))
    kept = sorted(extremes)
    return x[kept], y[kept]


def thin_band(
    x: Floats, low: Floats, high: Floats, log: bool = False, most: int = MOST_POINTS
) -> tuple[Floats, Floats, Floats]:
    """Return a band that covers the given one, with a point for each of the pieces of `thin`."""
    if len(x) <= most:
        return x, low, high
    begins = _pieces(x, log, most)
    return x[begins], np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)


def _pieces(x: Floats, log: bool, most: int) -> list[int]:
    """Return where equally wide pieces of an axis begin that hold any point."""
    space = np.geomspace if log else np.linspace
    return np.unique(np.searchsorted(x, space(x[0], x[-1], most // 2, endpoint=False))).tolist()
