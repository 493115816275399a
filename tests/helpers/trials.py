"""Many runs of one network, and the statistics that are taken from them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np


def activities(net, duration, dt, seeds, drop=0.0, bin_ms=None, **options):
    """Return population activities, spikes/s, shape (runs, bins, populations); runs go side by side in two threads."""

    def run(seed):
        activity = net.simulate(duration, dt=dt, seed=seed, **options).activity[round(drop / dt) :]
        return activity if bin_ms is None else binned(activity, round(bin_ms / dt))

    with ThreadPoolExecutor(2) as pool:
        return np.array(list(pool.map(run, seeds)))


def binned(activity, steps):
    """Average over successive groups of steps, shape (bins, populations)."""
    n = len(activity) // steps
    return activity[: n * steps].reshape(n, steps, *activity.shape[1:]).mean(axis=1)


def spectrum(activity, bin_ms, segment_ms=1000.0):
    """Return two-sided power spectra in Hz, averaged over runs and segments, at multiples of 1000/segment_ms Hz.

    Parameters
    ----------
    activity : array, shape (runs, bins)
    """
    n = round(segment_ms / bin_ms)
    segments = np.concatenate([run[: len(run) // n * n].reshape(-1, n) for run in activity])
    segments = segments - segments.mean(axis=1, keepdims=True)
    return (np.abs(np.fft.rfft(segments, axis=1)) ** 2).mean(axis=0) * bin_ms * 1e-3 / n


def assert_mean(values, expected, sd_of_a_run, expected_error=0.0, z=5.5):
    """Compare the mean over runs with a reference; |z| > 5.5 happens by chance once in 3e7 times."""
    error = np.hypot(sd_of_a_run / np.sqrt(len(values)), expected_error)
    actual = np.mean(values)
    assert abs(actual - expected) < z * error, f"{actual} is {(actual - expected) / error:.1f} sd from {expected}"


def assert_spectrum(activity, bin_ms, expected, error):
    """Compare the power around 5, 10, 20, 50 and 100 Hz (f +- 2 Hz) with a reference.

    The relative error of such a mean of 5 frequencies is 1/sqrt(5 segments); |z| > 5.5 as in `assert_mean`.
    """
    segments = activity.shape[0] * int(activity.shape[1] * bin_ms / 1000.0)
    density = spectrum(activity, bin_ms)
    for f, value, uncertainty in zip((5, 10, 20, 50, 100), expected, error, strict=True):
        actual = density[f - 2 : f + 3].mean()
        total = np.hypot(value / np.sqrt(5 * segments), uncertainty)
        assert abs(actual - value) < 5.5 * total, f"{f} Hz: {actual} against {value} +- {total}"
