"""The power spectrum of activities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp

DT = 0.5


def test_poisson_counts():
    """Flat at the rate over N, whatever the length. The mean of 200 x 99 powers, chi2(2)/2 each, is exact to 0.7 %."""
    random = np.random.default_rng(1)
    activity = random.poisson(5.0, (200, 200)) * 1e3 / (100 * DT)
    _, power = gp.power_spectrum(activity, DT)
    assert abs(power[:, 1:-1].mean() / (activity.mean() / 100) - 1.0) < 0.04  # 5.6 standard deviations: 2e-8


def test_its_sum_is_the_variance():
    activity = np.random.default_rng(2).normal(20.0, 3.0, (4, 3, 101))
    f, power = gp.power_spectrum(activity, DT)
    assert_allclose(f, np.arange(51) / (101 * DT * 1e-3), rtol=1e-12, atol=0)
    assert_allclose(2.0 * power.sum(axis=-1) * f[1], activity.var(axis=-1), rtol=1e-12, atol=0)  # both sides of 0


@pytest.mark.parametrize(("steps", "n"), [(0, 0), (1, 1), (2, 2)])
def test_short_activities(steps, n):
    f, power = gp.power_spectrum(np.ones(steps), DT)
    assert f.shape == power.shape == (n,)
    assert_array_equal(power, 0.0)


@pytest.mark.parametrize(
    ("activity", "dt", "message"),
    [
        (3.0, DT, "power_spectrum.activity must have at least one axis, time, got 3.0"),
        (np.ma.masked_less([1.0, 2.0], 1.5), DT, "power_spectrum.activity must not be masked"),
        ([1.0, 2.0], 0.0, "power_spectrum.dt must be > 0 ms, got 0.0"),
    ],
)
def test_errors(activity, dt, message):
    with pytest.raises(ValueError, match=message):
        gp.power_spectrum(activity, dt)
