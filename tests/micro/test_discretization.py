"""Neurons take steps as populations do: at any dt, both levels are one process in time.

Statistics have fixed seeds and false-alarm probabilities of 1e-6 at most.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import gifpop as gp
from tests.helpers.networks import single
from tests.helpers.state import plan_of

DT = 0.5
# regular and fast: a step is a considerable part of what intervals differ by
CELL = gp.GIF(I_e=700.0, tau_sfa=[], q_sfa=[], Delta_V=1.0, t_ref=2.0)


def interval_probabilities(cell, dt, ages=400):
    """Return the probability of each interval in steps, 1 to ``ages``, from the hazards of a population's cohorts."""
    net = single(cell, 10**6, len_kernel=ages)
    sim = gp.Simulation(net, dt=dt, history="exact", finite_size="corrected", seed=1)
    sim.run(ages * dt)
    hazard = plan_of(sim, 0).window["hazard"][::-1]  # integrated over half a step, at ages 0, 1, ... steps
    assert hazard[0] == 0.0
    p = -np.expm1(-(hazard[:-1] + hazard[1:]))
    return p * np.cumprod(np.concatenate(([1.0], 1.0 - p[:-1])))


def interval_histogram(cell, dt, N, n, longest, **options):
    """Return how often each interval in steps, below ``longest``, occurs among the first ``n`` of each of N neurons."""
    duration = dt * 2.0 * n * np.sum(np.arange(1, longest) * interval_probabilities(cell, dt, longest))
    net = single(cell, N)
    times, neurons = net.simulate(round(duration / dt) * dt, dt=dt, level="micro", seed=2, **options)["P"].spikes
    order = np.argsort(neurons, kind="stable")
    steps = np.split(np.rint(times[order] / dt).astype(int), np.cumsum(np.bincount(neurons, minlength=N))[:-1])
    intervals = [np.diff(own, prepend=0)[:n] for own in steps]  # all have fired at time 0
    assert all(len(own) == n for own in intervals)
    return np.bincount(np.concatenate(intervals), minlength=longest)[1:longest]


def chi_square(observed, probabilities):
    """Return the probability of so large a chi-square; intervals rarer than 20 in all are taken together."""
    expected = observed.sum() * probabilities
    often = expected >= 20.0
    observed = np.append(observed[often], observed[~often].sum())
    expected = np.append(expected[often], observed.sum() - expected[often].sum())
    return stats.chi2.sf(np.sum((observed - expected) ** 2 / np.maximum(expected, 1.0)), np.count_nonzero(often))


@pytest.mark.parametrize("N", [1, 10, 200])
def test_intervals_are_those_of_cohorts(N):
    observed = interval_histogram(CELL, DT, N, 40_000 // N, 200)
    assert chi_square(observed, interval_probabilities(CELL, DT, 200)) > 1e-6


@pytest.mark.usefixtures("as_nest")
def test_intervals_in_nest_are_not():
    observed = interval_histogram(CELL, DT, 200, 200, 200)
    assert chi_square(observed, interval_probabilities(CELL, DT, 200)) < 1e-9


def rates(**options):
    """Return the stationary rates, spikes/s, of many neurons and of a population, at 50 spikes/s."""
    cell, options = replace(CELL, I_e=400.0, Delta_V=2.5), {"dt": DT, "initial": "stationary", "seed": 3, **options}
    neurons = single(cell, 100_000).simulate(1000.0, level="micro", **options)["P"].counts.mean() / 100_000
    population = single(cell, 10**12).simulate(100.0, level="meso", **options)["P"].counts.mean() / 1e12
    return 1e3 / DT * neurons, 1e3 / DT * population


@pytest.mark.parametrize("smooth", [False, True])
def test_rate_is_that_of_a_population(smooth):
    neurons, population = rates(smooth=smooth)
    assert_allclose(neurons, population, rtol=1e-3)


@pytest.mark.usefixtures("as_nest")
def test_rate_in_nest_is_higher():
    neurons, population = rates()
    assert neurons > 1.005 * population


def test_input_acts_as_on_populations():
    """Potentials, currents and thresholds after a volley at time 0, with every kind of input."""
    cell = replace(CELL, lambda_0=0.0, tau_sfa=[30.0, 5.0], q_sfa=[2.0, -1.0], V_m=None)
    net = gp.Network()
    for name in ("N", "P"):
        net.population(name, 5, cell)
        net.inject(name, gp.SpikeTimes([1.0, 7.5, 7.5, 20.0], 60.0))
        net.inject(name, gp.SpikeTimes([3.0, 4.5], -90.0), delay=2.0)
        net.inject(name, gp.Waveform(np.cos(np.arange(60.0)), interval=DT))
    result = net.simulate(40.0, dt=DT, level={"N": "micro", "P": "meso"}, record="all", initial="fired", seed=1)
    for name in ("I_syn_ex", "I_syn_in", "E_sfa"):
        expected = getattr(result["P"], name)
        assert np.ptp(expected) > 0.5
        assert_allclose(getattr(result["N"], name), np.tile(expected[:, np.newaxis], 5), rtol=1e-12, atol=1e-12)
    at_rest = net.simulate(40.0, dt=DT, level={"N": "micro", "P": "meso"}, record="V_m", initial="rest", seed=1)
    assert_allclose(at_rest["N"].V_m[:, 0], at_rest["P"].V_m, rtol=1e-12, atol=1e-12)


def test_currents_of_spikes_act_as_in_cohorts():
    """The current of the volley at time 0 pulls the potential that rises from the reset when refractoriness ends."""
    cell = replace(CELL, lambda_0=0.0, I_e=0.0, tau_stc=[15.0, 4.0], q_stc=[50.0, -30.0])
    result = single(cell, 2).simulate(40.0, dt=DT, level="micro", record="all", initial="fired")["P"]
    t = np.arange(1, 81) * DT
    expected = np.zeros(80)
    for tau, q in zip(cell.tau_stc, cell.q_stc, strict=True):
        left, since = q * np.exp(-cell.t_ref / tau), np.maximum(t - cell.t_ref, 0.0)
        kernel = (np.exp(-since / tau) - np.exp(-since / cell.tau_m)) * tau * cell.tau_m / (tau - cell.tau_m)
        expected -= left * kernel / cell.C_m
    assert_allclose(result.V_m[:, 0], cell.V_reset + expected, rtol=0, atol=1e-12)
    decayed = [q * np.exp(-t / tau) for tau, q in zip(cell.tau_stc, cell.q_stc, strict=True)]
    assert_allclose(result.I_stc[:, 1], np.sum(decayed, axis=0), rtol=1e-12, atol=0)


def volleys(N, trials, copies=20, **options):
    """Return the spikes of P in some windows, shape (windows, trials), of two populations that all neurons connect.

    A network of many unconnected copies takes less time than as many trials.
    """
    net = gp.Network()
    for k in range(copies):
        P, Q = (
            net.population(f"{name}{k}", N, replace(CELL, I_e=drive, Delta_V=2.5, t_ref=4.0))
            for name, drive in (("P", 400.0), ("Q", 300.0))
        )
        for post in (P, Q):
            net.connect(P, post, weight=800.0 / N, delay=1.0)
            net.connect(Q, post, weight=-1600.0 / N, delay=1.0)
        net.inject(P, gp.StepCurrent([30.0], [150.0]))
    result = net.simulate(100.0, dt=DT, trials=trials // copies, **options)
    counts = np.concatenate([result[f"P{k}"].counts for k in range(copies)])
    return np.array([counts[:, begin:end].sum(axis=1) for begin, end in ((0, 40), (80, 200), (100, 120), (0, 200))])


def law_differs(one, other):
    """Return the smallest probability of so large a chi-square, over windows; rare counts are taken together."""
    values = []
    for a, b in zip(one, other, strict=True):
        table = np.array([np.bincount(each, minlength=1 + max(a.max(), b.max())) for each in (a, b)])
        often = table.sum(axis=0) >= 20
        table = np.column_stack([table[:, often], table[:, ~often].sum(axis=1)])
        values.append(stats.chi2_contingency(table[:, table.any(axis=0)]).pvalue)
    return min(values)


def law_of_levels(N, trials=10_000):
    neurons = volleys(N, trials, level="micro", seed=1)
    return law_differs(neurons, volleys(N, trials, level="meso", finite_size="drawn", seed=2))


@pytest.mark.parametrize(
    ("N", "trials"), [(5, 2000), *(pytest.param(N, 10_000, marks=pytest.mark.slow) for N in (1, 5, 50))]
)
def test_levels_are_one_process(N, trials):
    """Without adaptation, populations whose spikes are drawn have the law of their neurons, at a step of 0.5 ms."""
    assert law_of_levels(N, trials) > 1e-6


@pytest.mark.slow
@pytest.mark.usefixtures("as_nest")
def test_levels_in_steps_of_nest_are_not():
    assert law_of_levels(50) < 1e-9
