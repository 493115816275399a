"""Numbers for plots: binned activities, spectra, samples of neurons, and thinned curves."""

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
    """Points, and the half-width of a band around them."""

    x: Floats
    y: Floats
    error: Floats | None = None


def binned(t: Floats, values: Floats, width: int) -> tuple[Floats, Floats]:
    """Return centres and means of bins of ``width`` steps along the last axis; drop an incomplete last bin."""
    n = len(t) // width
    whole = slice(n * width)
    return t[whole].reshape(n, width).mean(axis=1), values[..., whole].reshape(*values.shape[:-1], n, width).mean(-1)


def activity(p: PopulationResult | PopulationStatistics, width: int, window: slice = slice(None)) -> Curve:
    """Return the activity, spikes/s, of a population in bins of ``width`` steps of a window; with trials, their mean.

    The error is the standard deviation over trials: of bins or, from statistics, of steps (root of its mean square in
    each bin).
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
    """Return the expected activity of each step, averaged over trials (spikes/s); None for neurons."""
    if isinstance(p, PopulationStatistics):
        return p.mean["rate"][window] if "rate" in p.mean else None
    if p.level == "micro":
        return None
    rate = p.rate[..., window]
    return rate if rate.ndim == 1 else rate.mean(axis=0)


def spectrum(activities: Floats, dt: float, steps: int) -> Curve:
    """Return frequencies, Hz, without 0, and the mean two-sided power spectrum, Hz, over trials and segments.

    See `gifpop.power_spectrum`. Activities have shape (T,) or (trials, T); segments have ``steps`` <= T, and an
    incomplete last one is left out.
    """
    activities = np.atleast_2d(activities)
    n = activities.shape[1] // steps
    segments = activities[:, : n * steps].reshape(-1, steps)
    f, power = power_spectrum(segments, dt)
    return Curve(f[1:], power[:, 1:].mean(axis=0))


def even_sample(n: int, most: int) -> Integers:
    """Return at most ``most`` of the integers below ``n``, evenly spread from the first to the last."""
    return np.arange(n) if n <= most else np.rint(np.linspace(0, n - 1, most)).astype(np.int64)


def within(t: Floats, limits: Sequence[float] | Floats, dt: float) -> slice:
    """Return the increasing times in (first limit, second limit], as a slice."""
    return slice(*np.searchsorted(t, np.asarray(limits) + SAME_TIME * dt, side="right").tolist())


def rows_of_spikes(p: PopulationResult, sample: Integers, limits: Sequence[float]) -> tuple[Floats, Integers]:
    """Return times of the spikes of sampled neurons, and the places of these neurons in the sample."""
    times, neurons = p.spikes
    inside = within(times, limits, p.dt)
    row_of = np.full(p.largest_N, -1)
    row_of[sample] = np.arange(len(sample))
    rows = row_of[neurons[inside]]
    shown = rows >= 0
    return times[inside][shown], rows[shown]


def thin(x: Floats, y: Floats, log: bool = False, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
    """Thin a curve to ``most`` points: keep the lowest and the highest point of each of many pieces.

    ``x`` increases. ``log``: make pieces equally wide on a logarithmic axis, for x > 0.
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
    """Thin a band to one point for each piece of `thin`, so that it covers the whole band."""
    if len(x) <= most:
        return x, low, high
    begins = _pieces(x, log, most)
    return x[begins], np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)


def _pieces(x: Floats, log: bool, most: int) -> list[int]:
    """Return the first points of the pieces, equally wide on the axis, that hold points."""
    space = np.geomspace if log else np.linspace
    return np.unique(np.searchsorted(x, space(x[0], x[-1], most // 2, endpoint=False))).tolist()
