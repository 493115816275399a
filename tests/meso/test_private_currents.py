"""Populations whose neurons receive fluctuating currents of their own: against a plain twin, and against neurons."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop as gp
from gifpop.meso.modes import unpack
from tests.helpers.networks import single
from tests.helpers.state import plan_of

DT = 0.5
SILENT = gp.GIF(lambda_0=0.0)
TAU, C = SILENT.tau_m, SILENT.C_m
LEAK = np.exp(-DT / TAU)
GAIN = TAU / C * (1.0 - LEAK)


def simulation(input, **options):
    net = single(SILENT, 1000)
    net.inject("P", input)
    return gp.Simulation(net, dt=DT, level="meso", seed=1, initial="rest", finite_size="corrected", **options)


def variance(sim, name="P"):
    """Return the variance of the potential between free neurons of a population, mV^2."""
    carried = plan_of(sim, name).carried
    _, covariances = unpack(carried.free[:-1, np.newaxis] / carried.decay[:, np.newaxis], len(carried.jump))
    return SILENT.Delta_V**2 * covariances.sum()


def twin(kept, variances):
    """Return the variance of the potential in a current x that is constant in each step, after each step.

    ``variances``: of the current, pA^2, in each step; it is in proportion to an autoregressive process.
    """
    covariance, found = np.zeros((2, 2)), []
    for k, size in enumerate(np.sqrt(variances)):
        step = np.array([[kept, 0.0], [GAIN * size * kept, LEAK]])
        kick = np.array([1.0, GAIN * size]) * (1.0 if k == 0 else np.sqrt(1.0 - kept**2))
        covariance = step @ covariance @ step.T + np.outer(kick, kick)
        found.append(covariance[1, 1])
    return np.array(found)


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("tau", [0.3, 2.0, 50.0])
def test_variance_of_potentials_as_the_twin(tau, history):
    sim = simulation(gp.OUCurrent(0.0, 50.0, tau), history=history)
    expected = twin(np.exp(-DT / tau), np.full(100, 2500.0))
    for k in range(100):
        sim.run(DT)
        assert_allclose(variance(sim), expected[k], rtol=1e-10, atol=0)


def test_neurons_with_other_receptors():
    """Private currents come after these; a mixed network has room for both, and saves them."""
    named = replace(SILENT, tau_syn={"ampa": 2.0, "nmda": 100.0, "gaba": 6.0})
    net = gp.Network()
    for name, cell in {"A": named, "B": SILENT, "C": named}.items():
        net.population(name, 500, cell, finite_size="corrected")
        net.inject(name, gp.OUCurrent(0.0, 50.0, 8.0))
        net.inject(name, gp.NoiseCurrent(0.0, 80.0))
    net.inject("A", gp.PoissonSpikes(500.0, 5.0), receptor="nmda")
    sim = gp.Simulation(net, dt=DT, level={"A": "meso", "B": "meso", "C": "micro"}, seed=1, initial="rest")
    sim.run(40.0)
    expected = twin(np.exp(-DT / 8.0), np.full(80, 2500.0)) + twin(0.0, np.full(80, 6400.0))
    for each in (sim, copy.deepcopy(sim)):
        assert_allclose(variance(each, "B"), expected[-1], rtol=1e-9, atol=0)
        assert variance(each, "A") > 1.01 * expected[-1]
    sim.set(net.injections[-1], weight=0.0)
    sim.run(4000.0)
    assert_allclose(variance(sim, "A"), variance(sim, "B"), rtol=1e-9, atol=0)


def test_variance_of_white_noise_as_the_twin():
    modulated = gp.NoiseCurrent(0.0, 50.0, std_mod=40.0, frequency=20.0, start=5.0, stop=40.0)
    sim = simulation(modulated)
    t = DT * (np.arange(100) + 0.5)
    variances = 50.0**2 + 40.0**2 * np.sin(2e-3 * np.pi * 20.0 * t)
    variances[(t < 5.0) | (t > 40.0)] = 0.0
    expected = twin(0.0, variances)
    for k in range(100):
        sim.run(DT)
        assert_allclose(variance(sim), expected[k], rtol=1e-10, atol=1e-14)


def test_held_noise_spreads_potentials_as_much_in_the_end():
    """By an Ornstein-Uhlenbeck current whose power at low frequencies is the same."""
    sim = simulation(gp.NoiseCurrent(0.0, 50.0, 2.0))
    sim.run(400.0)
    held = (TAU / C * 50.0) ** 2 * np.tanh(2.0 / (2.0 * TAU))  # at the end of an interval; less on average
    assert 0.95 * held < variance(sim) < held


def test_changes_act_as_on_neurons():
    """Another size scales the current at once; a second one joins, stationary; the first goes, not what it has done."""
    net = single(SILENT, 1000)
    first = net.inject("P", gp.OUCurrent(0.0, 50.0, 30.0))
    sim = gp.Simulation(net, dt=DT, level="meso", seed=1, initial="rest", finite_size="corrected")
    sim.run(10.0)
    sim.set(first, std=100.0)
    sim.run(10.0)
    of_first = twin(np.exp(-DT / 30.0), np.repeat([2500.0, 10_000.0], [20, 60]))
    assert_allclose(variance(sim), of_first[39], rtol=1e-9, atol=0)
    sim.inject("P", gp.OUCurrent(0.0, 70.0, 4.0))
    sim.run(10.0)
    of_second = twin(np.exp(-DT / 4.0), np.full(40, 4900.0))
    assert_allclose(variance(sim), of_first[59] + of_second[19], rtol=1e-9, atol=0)
    sim.remove(first)
    copied = copy.deepcopy(sim)
    for each in (sim, copied):
        each.run(10.0)
        assert_allclose(variance(each), of_first[59] * LEAK**40 + of_second[39], rtol=1e-9, atol=0)


SPIKING = gp.GIF(t_ref=2.0, Delta_V=2.0, lambda_0=20.0, V_T_star=15.0)
ADAPTING = gp.GIF(
    t_ref=2.0, Delta_V=2.0, lambda_0=20.0, V_T_star=12.0, tau_sfa=[80.0], q_sfa=[3.0], tau_stc=[50.0], q_stc=[15.0]
)


@pytest.mark.parametrize("finite_size", ["drawn", "corrected"])
@pytest.mark.parametrize("cell", [SPIKING, ADAPTING], ids=["renewal", "adapting"])
@pytest.mark.parametrize(
    "input",
    [
        gp.OUCurrent(180.0, 80.0, 5.0),
        gp.OUCurrent(180.0, 60.0, 100.0),
        gp.NoiseCurrent(180.0, 200.0),
        gp.NoiseCurrent(180.0, 200.0, 5.0),
    ],
    ids=["fast", "slow", "white", "held"],
)
def test_rates_of_neurons(input, cell, finite_size):
    """Within 3 %, which is ten times the error of the means; without the currents they differ by 10 % and more.

    From the first step on, since both begin in the stationary state.
    """
    rates, early = {}, {}
    for level in ("meso", "micro"):
        net = single(cell, 2000)
        net.inject("P", input, 1.0)
        options = {"dt": DT, "level": level, "initial": "stationary", "seed": 1, "finite_size": finite_size}
        activity = net.simulate(3000.0, **options)["P"].activity
        rates[level], early[level] = activity.mean(), activity[:60].mean()
    assert_allclose(rates["meso"], rates["micro"], rtol=0.03, atol=0)
    for level in rates:
        assert abs(early[level] - rates["micro"]) < 5.5 * np.sqrt(rates["micro"] / (2000 * 0.03))


def test_modulated_noise_drives_populations_as_neurons():
    """The variance oscillates, and the rate with it: amplitude within 15 % and phase within 0.15 rad."""
    found = {}
    for level in ("meso", "micro"):
        net = single(SPIKING, 4000)
        net.inject("P", gp.NoiseCurrent(180.0, 300.0, std_mod=300.0, frequency=10.0))
        activity = net.simulate(3000.0, dt=DT, level=level, initial="stationary", seed=2)["P"].activity
        found[level] = np.mean(activity * np.exp(-2e-2j * np.pi * DT * np.arange(len(activity))))
    assert abs(found["micro"]) > 1.0
    assert_allclose(found["meso"] / found["micro"], 1.0, rtol=0, atol=0.15)


def test_neurons_begin_in_the_stationary_state():
    """Potentials and currents together: the variance between neurons stays what it is."""
    net = single(SILENT, 20_000)
    net.inject("P", gp.OUCurrent(0.0, 50.0, 15.0), 2.0)
    net.inject("P", gp.NoiseCurrent(0.0, 80.0), 1.0)
    options = {"dt": DT, "level": "micro", "initial": "stationary", "seed": 3, "record_interval": 2.0}
    V = net.simulate(100.0, record="V_m", record_neurons=20_000, **options)["P"].V_m
    steps = [twin(np.exp(-DT / 15.0), np.full(2000, 2500.0))[-1], twin(0.0, np.full(2000, 6400.0))[-1]]
    assert_allclose(V.var(axis=1), sum(steps), rtol=5.0 * np.sqrt(2.0 / 20_000), atol=0)


def test_quasi_renewal_populations_are_refused():
    net = single(SPIKING)
    net.inject("P", gp.OUCurrent(0.0, 50.0, 5.0))
    with pytest.raises(ValueError, match=r"adaptation must be 'carried' where neurons receive input of their own"):
        net.simulate(1.0, adaptation="quasi-renewal")
