"""The power spectrum of activities: one definition for statistics over trials, comparisons of levels and plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.common import checks

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats


def power_spectrum(activity: npt.ArrayLike, dt: float) -> tuple[Floats, Floats]:
    """Return the two-sided power spectrum of population activities, each without its mean over time.

    Parameters
    ----------
    activity : array_like, shape (..., T), spikes/s
        Activities, with time along the last axis: one or several runs, or segments of one.
    dt : float, ms
        Time from one entry to the next: the step, or the width of bins.

    Returns
    -------
    f : float64 array, shape (T // 2 + 1,), Hz
        Frequencies from 0 to half the sampling rate; empty if there are no steps.
    power : float64 array, shape (..., T // 2 + 1), Hz
        Power spectrum of each activity; that of independent Poisson neurons is flat at rate / N.

    Raises
    ------
    ValueError
        If ``activity`` has no axis or is masked, or ``dt`` is not positive.

    Notes
    -----
    No taper is applied. The mean over segments of equal length is Bartlett's estimate (1948, Nature 161:686), which
    `gifpop.plot.spectrum` draws.

    Examples
    --------
    >>> import gifpop as gp
    >>> result = gp.models.brunel().simulate(1000.0, dt=0.5, seed=1)
    >>> f, power = gp.power_spectrum(result["E"].activity, result.dt)
    >>> power.shape, float(f[1])
    ((1001,), 1.0)
    """
    dt = checks.number("power_spectrum.dt", dt, "> 0", "ms")
    activity = np.asarray(checks.unmasked("power_spectrum.activity", activity), dtype=np.float64)
    if activity.ndim == 0:
        raise ValueError(f"power_spectrum.activity must have at least one axis, time, got {activity}")
    steps = activity.shape[-1]
    f = frequencies(steps, dt)
    if steps == 0:
        return f, np.zeros(activity.shape)
    transform = np.fft.rfft(activity - activity.mean(axis=-1, keepdims=True), axis=-1)
    return f, np.abs(transform) ** 2 * (1e-3 * dt / steps)


def frequencies(steps: int, dt: float) -> Floats:
    """Return the frequencies, Hz, of the power spectrum of ``steps`` values that are ``dt`` ms apart."""
    return np.fft.rfftfreq(steps, 1e-3 * dt).astype(np.float64) if steps else np.zeros(0)
