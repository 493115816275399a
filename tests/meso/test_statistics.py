"""Rates, variances, spectra and step responses against NEST 3.10 and the paper.

Reference numbers are means over many NEST runs; ``sd`` is that of one run, ``error`` that of the reference. Thresholds
are at 5.5 standard deviations (false alarm 4e-8 per comparison) unless said otherwise; seeds are fixed. Where NEST's
short history shows, only the exact history of that length agrees; `test_history` has the adaptive one there.
"""

import numpy as np
import pytest

import gifpop as gp
from tests.helpers import networks
from tests.helpers.trials import activities, assert_mean, assert_spectrum, spectrum

AS_NEST = {"adaptation": "quasi-renewal", "finite_size": "corrected"}
BOTH = pytest.mark.parametrize("history", ["exact", "adaptive"])
WITHOUT_ADAPTATION = gp.GIF(**{**vars(networks.SEED_CELL), "tau_sfa": [], "q_sfa": []})


def check_nest_test_population(seeds):
    """NEST's own test population: 120 runs of 9 s gave 22.667 spikes/s and a variance of 97.21 Hz^2 per step."""
    a = activities(networks.nest_test_population(), 10_000.0, 0.5, seeds, drop=1000.0, history="exact", **AS_NEST)[
        :, :, 0
    ]
    assert_mean(a.mean(axis=1), 22.667, 0.0059, 0.0059 / np.sqrt(120))
    assert_mean(a.var(axis=1), 97.21, 1.19, 1.19 / np.sqrt(120))


def test_nest_test_population():
    check_nest_test_population(range(8))


def check_network_without_adaptation(seeds, history):
    """Fig. 5 of the paper: rates, low- and high-frequency power, the peak at 20 Hz."""
    a = activities(networks.brunel(WITHOUT_ADAPTATION), 20_000.0, 0.5, seeds, drop=2000.0, bin_ms=1.0, history=history)
    assert_mean(a[:, :, 0].mean(axis=1), 16.945, 0.06, 0.008)
    assert_mean(a[:, :, 1].mean(axis=1), 17.125, 0.04, 0.013)
    n = a.shape[0] * a.shape[1] // 1000
    E, I = spectrum(a[:, :, 0], 1.0), spectrum(a[:, :, 1], 1.0)
    assert abs(E[19:22].mean() - 4.4) < 0.3 + 5.5 * 4.4 / np.sqrt(3 * n)
    assert abs(E[4:7].mean() - 0.079) < 0.006 + 5.5 * 0.079 / np.sqrt(3 * n)
    assert 15 <= np.argmax(E[5:40]) + 5 <= 25
    assert abs(E[300:500].mean() - 0.0218) < 0.0003 + 5.5 * 0.0218 / np.sqrt(200 * n)
    assert abs(I[300:500].mean() - 0.085) < 0.001 + 5.5 * 0.085 / np.sqrt(200 * n)


@BOTH
def test_network_without_adaptation(history):
    check_network_without_adaptation(range(16), history)


def check_seed_network(seeds):
    """64 runs of 20 s of NEST: rates, variances in 1-ms bins, spectra."""
    a = activities(networks.brunel(), 20_000.0, 0.5, seeds, drop=2000.0, bin_ms=1.0, history="exact", **AS_NEST)
    assert_mean(a[:, :, 0].mean(axis=1), 5.4436, 0.008, 0.0010)
    assert_mean(a[:, :, 1].mean(axis=1), 5.4590, 0.0055, 0.0007)
    assert_mean(a[:, :, 0].var(axis=1), 9.463, 0.17, 0.022)
    assert_mean(a[:, :, 1].var(axis=1), 30.44, 0.32, 0.04)
    E = (0.0708, 0.0946, 0.0436, 0.00591, 0.00603), (0.0011, 0.0010, 0.0006, 0.00008, 0.00008)
    I = (0.01725, 0.0449, 0.0763, 0.0405, 0.0305), (0.0003, 0.0005, 0.0010, 0.0005, 0.0003)
    assert_spectrum(a[:, :, 0], 1.0, *E)
    assert_spectrum(a[:, :, 1], 1.0, *I)


@pytest.mark.slow
def test_seed_network():
    check_seed_network(range(8))


# Bin [t, t+1) ms: (t, E, standard error, I, standard error) over 2000 trials of NEST; a trial's sd is error sqrt(2000).
STEP_RESPONSE = (
    (1505, 26.81, 0.21, 27.16, 0.31),
    (1510, 69.98, 0.41, 70.53, 0.58),
    (1520, 14.76, 0.19, 14.61, 0.24),
    (1550, 29.15, 0.25, 29.18, 0.34),
    (1600, 33.73, 0.31, 34.18, 0.42),
    (1900, 15.28, 0.18, 15.00, 0.24),
)


def check_step_response(seeds, history):
    """Return the seed network with a step of 20 mV at 1500 ms, whose generator acts one step late."""
    net = networks.brunel()
    for name in ("E", "I"):
        net.inject(name, gp.StepCurrent([1500.5], [250.0]))
    a = activities(net, 2000.0, 0.5, seeds, history=history, **AS_NEST)
    for t, E, error_E, I, error_I in STEP_RESPONSE:
        for i, (value, error) in enumerate(((E, error_E), (I, error_I))):
            bin = a[:, 2 * t - 1 : 2 * t + 1, i].mean(axis=1)  # stamps t and t + 0.5
            assert_mean(bin, value, error * np.sqrt(2000), error)
    assert_mean(a[:, 3600:, 0].mean(axis=1), 16.24, 0.48, 0.011)


@pytest.mark.parametrize("history", [pytest.param("exact", marks=pytest.mark.slow), "adaptive"])
def test_step_response(history):
    check_step_response(range(100), history)


COLUMN_RATES = (0.973, 2.860, 4.683, 5.661, 8.194, 9.040, 0.989, 7.547)
ADAPTING_COLUMN_RATES = (0.983, 2.862, 4.698, 5.671, 8.165, 9.045, 0.990, 7.545)
AUTHORS_RATES = (0.9736, 2.8607, 4.6732, 5.6498, 8.1410, 9.0128, 0.9881, 7.5303)


def check_column(seeds, duration, expected, history, **options):
    """Rates of NEST's runs, which are known to about 0.5 %; within 1 % plus 0.01 spikes/s."""
    rates = activities(networks.column(**options), duration, 0.1, seeds, drop=1000.0, history=history, **AS_NEST).mean(
        axis=(0, 1)
    )
    np.testing.assert_allclose(rates, expected, rtol=0.01, atol=0.01)
    np.testing.assert_allclose(rates, AUTHORS_RATES, rtol=0.015, atol=0.01)


@BOTH
def test_column(history):
    check_column(range(2), 5000.0, COLUMN_RATES, history)


@pytest.mark.slow
def test_nest_test_population_long():
    check_nest_test_population(range(100, 220))


@BOTH
@pytest.mark.slow
def test_network_without_adaptation_long(history):
    check_network_without_adaptation(range(100, 164), history)


@pytest.mark.slow
def test_seed_network_long():
    check_seed_network(range(100, 164))


@BOTH
@pytest.mark.slow
def test_step_response_long(history):
    check_step_response(range(1000, 1800), history)


@BOTH
@pytest.mark.slow
def test_column_long(history):
    check_column(range(4), 20_000.0, COLUMN_RATES, history)


@BOTH
@pytest.mark.slow
def test_adapting_column(history):
    check_column(range(2), 10_000.0, ADAPTING_COLUMN_RATES, history, adaptation=AUTHORS_RATES)
