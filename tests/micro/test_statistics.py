"""Rates, variances, spectra and step responses of neurons that take steps as NEST's, against NEST 3.10.

Reference numbers are means over many NEST runs; ``sd`` is that of one run, ``error`` that of the reference. Thresholds
are at 5.5 standard deviations (false alarm 4e-8 per comparison); seeds are fixed.
"""

import functools

import numpy as np
import pytest

import gifpop as gp
from tests.helpers import networks
from tests.helpers.trials import activities, assert_mean, assert_spectrum

pytestmark = pytest.mark.usefixtures("as_nest")


def test_nest_test_population():
    """NEST's own test population, neuron by neuron: 22.28 spikes/s, variance 92 Hz^2 per step."""
    a = activities(networks.nest_test_population(), 10_000.0, 0.5, range(6), drop=1000.0, level="micro")[:, :, 0]
    assert_mean(a.mean(axis=1), 22.28, 0.006, 0.005)
    assert_mean(a.var(axis=1), 92.0, 1.2, 0.5)


@functools.cache
def seed_network(seeds):
    """Return activities in 1-ms bins, shape (runs, bins, 2)."""
    return activities(networks.brunel(), 20_000.0, 0.5, seeds, drop=2000.0, bin_ms=1.0, level="micro")


def check_seed_network(a):
    """64 runs of 20 s of NEST (fixed in-degree): rates, variances in 1-ms bins, spectra."""
    assert_mean(a[:, :, 0].mean(axis=1), 5.6881, 0.007, 0.0009)
    assert_mean(a[:, :, 1].mean(axis=1), 5.7026, 0.005, 0.0006)
    assert_mean(a[:, :, 0].var(axis=1), 10.032, 0.20, 0.025)
    assert_mean(a[:, :, 1].var(axis=1), 31.64, 0.31, 0.04)
    E = (0.0837, 0.1118, 0.0444, 0.00620, 0.00626), (0.0012, 0.0012, 0.0006, 0.00007, 0.00008)
    I = (0.0202, 0.0519, 0.0779, 0.0384, 0.0312), (0.0003, 0.0006, 0.0009, 0.0004, 0.0004)
    assert_spectrum(a[:, :, 0], 1.0, *E)
    assert_spectrum(a[:, :, 1], 1.0, *I)


@pytest.mark.slow
def test_seed_network():
    check_seed_network(seed_network(range(16)))


# Bin [t, t+1) ms: (t, E, standard error, I, standard error) over 2000 trials of NEST; a trial's sd is error sqrt(2000).
STEP_RESPONSE = (
    (1505, 28.60, 0.22, 28.72, 0.33),
    (1510, 63.56, 0.38, 63.78, 0.52),
    (1520, 15.90, 0.19, 15.91, 0.25),
    (1550, 26.51, 0.23, 26.64, 0.32),
    (1600, 20.09, 0.19, 20.18, 0.27),
    (1900, 14.20, 0.15, 14.40, 0.22),
)


def check_step_response(seeds):
    """Return the seed network with a step of 20 mV at 1500 ms, whose generator acts one step late."""
    net = networks.brunel()
    for name in ("E", "I"):
        net.inject(name, gp.StepCurrent([1500.5], [250.0]))
    a = activities(net, 2000.0, 0.5, seeds, level="micro", initial="rest")
    for t, E, error_E, I, error_I in STEP_RESPONSE:
        for i, (value, error) in enumerate(((E, error_E), (I, error_I))):
            bin = a[:, 2 * t - 1 : 2 * t + 1, i].mean(axis=1)  # stamps t and t + 0.5
            assert_mean(bin, value, error * np.sqrt(2000), error)
    assert_mean(a[:, 3600:, 0].mean(axis=1), 14.75, 0.48, 0.011)


@pytest.mark.slow
def test_step_response():
    check_step_response(range(150))


@pytest.mark.slow
def test_dense_wiring():
    """All to all with weight p J, which is what the mesoscopic equations describe: 5.522 and 5.535 spikes/s."""
    net = gp.Network()
    E, I = net.population("E", 800, networks.SEED_CELL), net.population("I", 200, networks.SEED_CELL)
    for post in (E, I):
        net.connect(E, post, weight=5.0)
        net.connect(I, post, weight=-12.5)
    a = activities(net, 20_000.0, 0.5, range(12), drop=2000.0, level="micro")
    assert_mean(a[:, :, 0].mean(axis=1), 5.522, 0.008, 0.003)
    assert_mean(a[:, :, 1].mean(axis=1), 5.535, 0.006, 0.003)


def test_uncoupled_neurons():
    """6.040 +- 0.0017 spikes/s, coefficient of variation of the intervals 0.339."""
    net = gp.Network()
    net.population("P", 1000, networks.SEED_CELL)
    result = net.simulate(30_000.0, dt=0.5, level="micro", seed=1)["P"]
    assert abs(result.activity[4000:].mean() - 6.040) < 5.5 * np.hypot(0.0017, 6.04 * 0.339 / np.sqrt(6.04 * 28 * 1000))
    times, neurons = result.spikes
    intervals = np.concatenate([np.diff(times[(neurons == i) & (times > 2000)]) for i in range(1000)])
    assert abs(intervals.std() / intervals.mean() - 0.339) < 0.005


def test_levels_differ_as_they_should():
    """The quasi-renewal approximation lowers the rate of the seed network by 4.3 %; more or less would be an error."""
    micro = seed_network(range(16)).mean(axis=(0, 1))
    options = {"drop": 2000.0, "adaptation": "quasi-renewal"}
    meso = activities(networks.brunel(), 20_000.0, 0.5, range(6), **options).mean(axis=(0, 1))
    assert np.all(np.abs(meso / micro - (5.4436 / 5.6881, 5.4590 / 5.7026)) < 0.005)


@pytest.mark.slow
def test_seed_network_long():
    check_seed_network(seed_network(range(100, 164)))


@pytest.mark.slow
def test_step_response_long():
    check_step_response(range(1000, 2000))


# Mean and standard deviation of 3 runs of NEST, 3 s each, with fixed in-degree.
SMALL_COLUMN = (
    (1.581, 4.680, 4.876, 7.843, 12.411, 12.169, 1.937, 9.984),
    (0.034, 0.056, 0.037, 0.022, 0.198, 0.058, 0.049, 0.033),
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Connection:UserWarning")  # in-degrees of 0.03, which NEST's runs left out too
def test_column_at_a_tenth():
    """7,717 neurons; sparse wiring at this size raises the rates far above those of the whole column."""
    a = activities(networks.column(scale=0.1), 4000.0, 0.1, range(4), drop=1000.0, level="micro", initial="rest")
    for rates, expected, sd in zip(a.mean(axis=1).T, *SMALL_COLUMN, strict=True):
        assert_mean(rates, expected, 1.5 * sd, 1.5 * sd / np.sqrt(3))  # sd from 3 runs is uncertain
