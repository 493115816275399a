"""Rates that change, currents that oscillate or fluctuate: against plain twins, and against their laws."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop as gp
from gifpop.common import seeds
from tests.helpers.networks import single
from tests.helpers.state import contents_of

DT = 0.5
SILENT = gp.GIF(lambda_0=0.0)
INSTANT = gp.GIF(lambda_0=0.0, tau_syn_ex=0.01)  # what remains of a synaptic current tells the spikes of the step
TAU, C = SILENT.tau_m, SILENT.C_m
LEAK = np.exp(-DT / TAU)
GAIN = TAU / C * (1.0 - LEAK)
FALSE_ALARM = 1e-6


def currents(*inputs, level="micro", N=1, duration=50.0, seed=1, delay=0.0):
    """Return the currents that neurons receive, from their potentials: shape (steps, neurons)."""
    net = single(SILENT, N)
    for input in inputs:
        net.inject("P", input, delay)
    result = net.simulate(duration, dt=DT, level=level, seed=seed, record="V_m", record_neurons=N, initial="rest")
    V = result["P"].V_m.reshape(round(duration / DT), -1)
    return (V - LEAK * np.vstack([np.zeros(V.shape[1]), V[:-1]])) / GAIN


def counts(input, level, N=1, duration=50.0, seed=1):
    """Return the numbers of spikes that neurons receive in each step."""
    net = single(INSTANT, N)
    net.inject("P", input)
    result = net.simulate(duration, dt=DT, level=level, seed=seed, record="I_syn_ex", record_neurons=N, initial="rest")
    return np.rint(result["P"].I_syn_ex.reshape(round(duration / DT), -1) / (0.01 / DT)).astype(int)


def random(seed=1, number=0):
    """Return the random numbers of an input."""
    return np.random.Generator(seeds.stream(np.random.SeedSequence(seed), seeds.INPUT, number))


def fluctuations(random, n, N, kept, hold=1):
    """Return Gaussian numbers of variance 1, drawn one by one: shape (steps, N)."""
    numbers = np.zeros((n, N))
    for k in range(n):
        for i in range(N):
            if k == 0:
                numbers[k, i] = random.standard_normal()
            elif k % hold == 0:
                numbers[k, i] = kept * numbers[k - 1, i] + np.sqrt(1.0 - kept**2) * random.standard_normal()
            else:
                numbers[k, i] = numbers[k - 1, i]
    return numbers


def assert_poisson(found, mean):
    """Compare counts with a Poisson law of changing mean: sum, and sum of squares, each by its normal distribution."""
    assert abs(np.sum(found - mean)) < 5.0 * np.sqrt(np.sum(mean))
    squares = (found - mean) ** 2 - mean
    assert abs(np.sum(squares)) < 5.0 * np.sqrt(np.sum(mean + 2.0 * mean**2))


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_sine_current(level):
    """The sine of absolute time, at the middle of each step."""
    found = currents(gp.SineCurrent(80.0, 30.0, 40.0, offset=7.0, start=5.0, stop=40.0), level=level, delay=1.0)
    t = DT * (np.arange(100) + 0.5) - 1.0
    expected = 7.0 + 80.0 * np.sin(2e-3 * np.pi * 30.0 * t + np.radians(40.0))
    expected[(t < 5.0) | (t > 40.0)] = 0.0
    assert_allclose(found[:, 0], expected, rtol=0, atol=1e-9)


def test_a_sine_as_fast_as_steps_is_refused():
    net = single()
    net.inject("P", gp.SineCurrent(1.0, 1000.1))
    with pytest.raises(ValueError, match=r"SineCurrent onto 'P': frequency must be <= 1000 Hz, half a cycle a step"):
        net.simulate(1.0, dt=0.5)


def test_rates_as_their_twin():
    """A shared process of changing rate takes the numbers that numpy draws with its means."""
    rates = np.array([300.0, 0.0, 2500.0])
    found = counts(gp.PoissonSpikes(rates, times=[5.0, 10.0, 30.0], stop=45.0, shared=True), "meso")
    mean = np.repeat([0.0, *(1e-3 * rates * DT), 0.0], [10, 10, 40, 30, 10])
    assert_array_equal(found[:, 0], random().poisson(mean))

    found = counts(gp.PoissonSpikes(500.0, start=5.0, shared=True, amplitude=900.0, frequency=25.0, phase=30.0), "meso")
    t = DT * (np.arange(100) + 0.5)
    mean = 1e-3 * DT * np.maximum(500.0 + 900.0 * np.sin(2e-3 * np.pi * 25.0 * t + np.radians(30.0)), 0.0)
    assert_array_equal(found[:, 0], random().poisson(np.where(t > 5.0, mean, 0.0)))


@pytest.mark.parametrize("scale", [1.0, 30.0], ids=["rare", "frequent"])
def test_rates_of_private_processes(scale):
    t = DT * (np.arange(200) + 0.5)
    sine = gp.PoissonSpikes(60.0 * scale, amplitude=50.0 * scale, frequency=20.0)
    found = counts(sine, "micro", N=2000, duration=100.0)
    mean = 1e-3 * DT * scale * (60.0 + 50.0 * np.sin(2e-3 * np.pi * 20.0 * t))
    assert_poisson(found, np.broadcast_to(mean[:, np.newaxis], found.shape))
    p = np.corrcoef(found[:, :1000].ravel() - np.repeat(mean, 1000), found[:, 1000:].ravel() - np.repeat(mean, 1000))
    assert abs(p[0, 1]) < 5.0 / np.sqrt(200_000)

    steps = gp.PoissonSpikes([40.0 * scale, 10.0 * scale], times=[0.0, 60.0])
    mean = 1e-3 * DT * scale * np.where(t < 60.0, 40.0, 10.0)
    found = counts(steps, "micro", N=2000, duration=100.0)
    assert_poisson(found, np.broadcast_to(mean[:, np.newaxis], found.shape))


@pytest.mark.parametrize(
    ("level", "shared"), [("meso", True), ("micro", True), ("micro", False)], ids=["meso", "shared", "private"]
)
def test_currents_as_their_twin(level, shared):
    N, n = (1 if shared else 3), 60
    window = {"start": 10.0, "stop": 40.0, "shared": shared}

    def found(input):
        values = currents(input, level=level, N=1 if level == "meso" else 3)
        assert_allclose(values[[*range(20), *range(80, 100)]], 0.0, rtol=0, atol=1e-9)
        return values[20:80]

    white = 5.0 + 20.0 * fluctuations(random(), n, N, 0.0)
    assert_allclose(found(gp.NoiseCurrent(5.0, 20.0, **window)) - white, 0.0, rtol=0, atol=1e-9)
    held = 20.0 * fluctuations(random(), n, N, 0.0, hold=7)
    assert_allclose(found(gp.NoiseCurrent(0.0, 20.0, 3.5, **window)) - held, 0.0, rtol=0, atol=1e-9)
    slow = 3.0 + 20.0 * fluctuations(random(), n, N, np.exp(-DT / 8.0))
    assert_allclose(found(gp.OUCurrent(3.0, 20.0, 8.0, **window)) - slow, 0.0, rtol=0, atol=1e-9)

    middle = 10.0 + DT * (np.arange(n) // 4 * 4 + 2.0)
    variance = 20.0**2 + 15.0**2 * np.sin(2e-3 * np.pi * 30.0 * middle + np.radians(50.0))
    modulated = np.sqrt(variance)[:, np.newaxis] * fluctuations(random(), n, N, 0.0, hold=4)
    modulation = {"std_mod": 15.0, "frequency": 30.0, "phase": 50.0}
    assert_allclose(found(gp.NoiseCurrent(0.0, 20.0, 2.0, **modulation, **window)) - modulated, 0, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shared", [False, True])
def test_laws_of_currents(shared):
    """Normal distribution from the first step on; correlations in time, and none between neurons."""
    N, runs = (400, 1) if not shared else (1, 400)
    trials = [currents(gp.OUCurrent(50.0, 20.0, 4.0, shared=shared), N=N, seed=seed) for seed in range(runs)]
    z = (np.hstack(trials) - 50.0) / 20.0
    for k in (0, 1, 99):
        assert stats.kstest(z[k], "norm").pvalue > FALSE_ALARM
    for lag in (1, 8, 40):
        correlation, n = np.exp(-lag * DT / 4.0), 400 * (100 - lag) * DT / 8.0
        assert abs(np.mean(z[lag:] * z[:-lag]) - correlation) < 5.0 * np.sqrt((1.0 + correlation**2) / n)
    assert abs(np.mean(z[:, 1:] * z[:, :-1])) < 5.0 / np.sqrt(400 * 100 * DT / 8.0)


@pytest.mark.parametrize("interval", [None, 2.0])
def test_variance_of_a_potential_in_noise(interval):
    """As the docstring of `NoiseCurrent` says."""
    net = single(SILENT, 20_000)
    net.inject("P", gp.NoiseCurrent(0.0, 100.0, interval))
    V = net.simulate(100.0, dt=DT, level="micro", seed=3, record="V_m", record_neurons=20_000)["P"].V_m[-1]
    held = DT if interval is None else interval
    variance = (TAU / C * 100.0) ** 2 * np.tanh(held / (2.0 * TAU)) * -np.expm1(-2.0 * 100.0 / TAU)
    assert stats.kstest(V / np.sqrt(variance), "norm").pvalue > FALSE_ALARM


@pytest.mark.parametrize("shared", [False, True])
def test_numbers_of_currents_go_on(shared):
    """With another size or mean they are the same; in another trial they are others."""
    net = single(SILENT, 3)
    handle = net.inject("P", gp.OUCurrent(0.0, 10.0, 30.0, shared=shared))
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1, record="V_m", record_neurons=3, initial="rest")
    sim.run(20.0)
    sim.set(handle, std=30.0, mean=5.0)
    copied = copy.deepcopy(sim)
    sim.run(20.0)
    copied.run(20.0)
    V = sim.result()["P"].V_m
    assert_array_equal(copied.result()["P"].V_m, V)
    found = (V - LEAK * np.vstack([np.zeros(3), V[:-1]])) / GAIN
    numbers = fluctuations(random(), 80, 1 if shared else 3, np.exp(-DT / 30.0))
    sizes, means = (np.repeat(each, 40)[:, np.newaxis] for each in ([10.0, 30.0], [0.0, 5.0]))
    assert_allclose(found - means - sizes * numbers, 0.0, rtol=0, atol=1e-9)


def test_new_neurons_have_currents_of_their_own():
    """Drawn in the next step, while those of the old neurons go on."""
    net = single(SILENT, 3)
    net.inject("P", gp.OUCurrent(0.0, 10.0, 30.0))
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1, initial="rest")
    sim.run(5.0)
    before = contents_of(sim)["engine"]["fluctuations"][0].copy()
    sim.set("P", N=2000)
    sim.run(DT)
    after = contents_of(sim)["engine"]["fluctuations"][0]
    assert np.abs(after[:3] - np.exp(-DT / 30.0) * before).max() < 6.0 * np.sqrt(2.0 * DT / 30.0)
    assert len(np.unique(after)) == 2000
    assert stats.kstest(after[3:], "norm").pvalue > FALSE_ALARM
    sim.set("P", N=2)
    sim.run(DT)
    assert len(contents_of(sim)["engine"]["fluctuations"][0]) == 2
