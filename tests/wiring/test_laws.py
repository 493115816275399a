"""Laws that random parts of the microscopic level keep: intervals, Poisson input, degrees of every connection rule.

Means and variances may be 5 to 6 standard deviations off, p-values as small as `FALSE_ALARM`: false alarms in at most
1e-6 of all comparisons. Seeds are fixed.
"""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import gifpop as gp
from gifpop import rules
from gifpop.common import seeds
from gifpop.wiring import draw

FALSE_ALARM = 1e-6


def stream(seed=1):
    return seeds.stream(np.random.SeedSequence(seed), 9)


def first_intervals(result, dt, n):
    """Return the first ``n`` interspike intervals of each neuron, in steps; more would favour short ones."""
    times, neurons = result.spikes
    assert np.bincount(neurons, minlength=result.N).min() > n
    steps = np.rint(times / dt).astype(int)
    return np.concatenate([np.diff(steps[neurons == i][: n + 1]) for i in range(result.N)])


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_interval_distribution_is_the_survivor_function(dt):
    """One neuron under constant drive, 100,000 intervals, against S(k) = exp(-sum of hazards): Kolmogorov-Smirnov.

    For a discrete law the Kolmogorov-Smirnov limit errs on the safe side (fewer false alarms).
    """
    # from a reset so high that some fire in the first step that they can, of which half the hazard counts
    cell = gp.GIF(I_e=450.0, tau_m=10.0, V_T_star=10.0, Delta_V=3.0, t_ref=2.0, V_reset=3.0, tau_sfa=[], q_sfa=[])
    net = gp.Network()
    net.population("P", 500, cell)
    found = first_intervals(net.simulate(10_000.0, dt=dt, level="micro", seed=4)["P"], dt, 200)
    k = np.arange(1, 20_000)
    refractory = round(cell.t_ref / dt)
    age = np.maximum(k - refractory, 0) * dt
    rest = cell.I_e * cell.tau_m / cell.C_m
    V = rest + (cell.V_reset - rest) * np.exp(-age / cell.tau_m)
    hazard = np.where(age > 0, 1e-3 * dt * cell.lambda_0 * np.exp((V - cell.V_T_star) / cell.Delta_V), 0.0)
    law = 1.0 - np.exp(-np.cumsum(0.5 * (hazard + np.append(0.0, hazard[:-1]))))
    assert found.min() == refractory + 1
    counts = np.bincount(np.minimum(found, k[-1]), minlength=k[-1] + 1)[1:]
    distance = np.max(np.abs(np.cumsum(counts) / len(found) - law))
    assert distance < stats.kstwobign.isf(FALSE_ALARM) / np.sqrt(len(found))


def test_hazard_taken_until_a_spike_is_exponential():
    """Coupled, adapting neurons: the hazards of the recorded potentials, summed from spike to spike, are Exp(1)."""
    from tests.helpers.networks import brunel

    dt = 0.1
    net = brunel(N=(160, 40))
    result = net.simulate(3000.0, dt=dt, level="micro", record=["V_m", "E_sfa"], seed=6)["E"]
    cell = net.populations["E"].cell
    hazard = 1e-3 * dt * cell.lambda_0 * np.exp((result.V_m - result.E_sfa) / cell.Delta_V)
    steps, neurons = np.rint(result.spikes[0] / dt).astype(int) - 1, result.spikes[1]
    taken = []
    for i in range(160):
        own = steps[neurons == i]
        for a, b in pairwise(own):
            taken.append(np.trapezoid(np.append(0.0, hazard[a + 41 : b + 1, i])))
    assert len(taken) > 1500
    assert stats.kstest(taken, stats.expon(0, 1).cdf).statistic < stats.kstwobign.isf(FALSE_ALARM) / np.sqrt(
        len(taken)
    ) + np.max(hazard)  # a budget is used up at the end of a step


def test_poisson_input_of_each_neuron():
    """Counts of 50 neurons and 2,000 steps: Poisson, independent between neurons, 7 of 50 pA weight by delay."""
    dt = 0.5
    net = gp.Network()
    net.population("P", 50, gp.GIF(lambda_0=0.0, tau_syn_ex=0.01))
    net.inject("P", gp.PoissonSpikes(900.0, 7.0, start=5.0), delay=1.5)
    counts = net.simulate(1006.5, dt=dt, level="micro", record="I_syn_ex", seed=3)["P"].I_syn_ex[-2000:]
    counts = counts / (7.0 * 0.01 / dt)  # the current that spikes have left which arrive evenly over the step
    counts = np.rint(counts).astype(int)
    observed = np.bincount(np.minimum(counts.ravel(), 4), minlength=5)
    p = stats.poisson.pmf(np.arange(5), 0.45)
    p[4] = 1.0 - p[:4].sum()
    assert stats.chisquare(observed, p * counts.size).pvalue > FALSE_ALARM
    total = counts.sum(axis=1)
    assert abs(total.var() / 22.5 - 1.0) < 5.0 * np.sqrt(2.0 / 2000)  # correlated neurons would add variance
    rows = net.simulate(20.0, dt=dt, level="micro", record="I_syn_ex", seed=3)["P"].I_syn_ex
    assert np.flatnonzero(rows.any(axis=1))[0] >= 13


def test_intense_poisson_input():
    """Many events a step are drawn for each neuron by itself, at the same mean and variance."""
    net = gp.Network()
    net.population("P", 400, gp.GIF(lambda_0=0.0, tau_syn_ex=0.01))
    net.inject("P", gp.PoissonSpikes(20_000.0, 3.0))
    counts = net.simulate(50.0, dt=0.5, level="micro", record="I_syn_ex", seed=5)["P"].I_syn_ex
    counts = counts / (3.0 * 0.01 / 0.5)  # the current that spikes have left which arrive evenly over the step
    n = counts.size
    assert abs(counts.mean() - 10.0) < 5.5 * np.sqrt(10.0 / n)
    assert abs(counts.var() / 10.0 - 1.0) < 5.5 * np.sqrt(2.1 / n)


def test_noise_drives_a_membrane_as_shot_noise():
    """Mean and variance of the potential: r w tau / C tau_m and Campbell's theorem for exponential currents."""
    net = gp.Network()
    cell = gp.GIF(lambda_0=0.0, tau_m=10.0, tau_syn_ex=2.0)
    net.population("P", 2000, cell)
    net.inject("P", gp.PoissonSpikes(5000.0, 50.0))
    V = net.simulate(200.0, dt=0.1, level="micro", record="V_m", record_interval=200.0, initial="rest", seed=8)["P"].V_m
    rate, jump = 5.0, 50.0 * 2.0 / 250.0  # 1/ms; potential that a spike's charge moves, mV
    mean = rate * jump * 10.0
    variance = rate * jump**2 * 10.0**2 / (2.0 * (10.0 + 2.0))
    assert abs(V.mean() - mean) < 5.5 * np.sqrt(variance / 2000) + 0.02 * mean * 0.1
    assert abs(V.var() / variance - 1.0) < 5.5 * np.sqrt(2.0 / 2000) + 0.02


def degrees(rule, n_pre, n_post, same=False, seed=1):
    first, targets, _ = draw.connect(rule, n_pre, n_post, same, stream(seed))
    assert first[0] == 0
    assert first[-1] == len(targets)
    out = np.diff(first)
    sources = np.repeat(np.arange(n_pre), out)
    return sources, targets, out, np.bincount(targets, minlength=n_post)


def assert_uniform(counts):
    """Check counts of equally likely outcomes by chi-square."""
    assert stats.chisquare(counts).pvalue > FALSE_ALARM


def test_fixed_indegree():
    sources, targets, out, into = degrees(gp.FixedIndegree(40), 300, 500)
    assert np.all(into == 40)
    assert_uniform(out)
    assert np.all(np.diff(targets)[np.diff(sources) == 0] >= 0)  # in order of target: delivery runs through memory
    pairs = sources * 500 + targets
    repeated = len(pairs) - len(np.unique(pairs))
    expected = 500 * 40 * 39 / 2 / 300
    assert abs(repeated - expected) < 6 * np.sqrt(expected)


def test_fixed_outdegree():
    _, _, out, into = degrees(gp.FixedOutdegree(40), 500, 300)
    assert np.all(out == 40)
    assert_uniform(into)


def test_fixed_total_number():
    _, targets, out, into = degrees(gp.FixedTotalNumber(60_000), 300, 500)
    assert len(targets) == 60_000
    assert_uniform(out)
    assert_uniform(into)


@pytest.mark.parametrize("p", [0.003, 0.2, 0.97])
def test_pairwise_bernoulli(p):
    sources, targets, out, into = degrees(gp.PairwiseBernoulli(p), 300, 500)
    assert len(np.unique(sources * 500 + targets)) == len(targets)
    for degree, n in ((out, 500), (into, 300)):
        assert abs(degree.mean() - n * p) < 5.5 * np.sqrt(n * p * (1 - p) / len(degree))
        spread = degree.var() / (n * p * (1 - p))
        assert abs(spread - 1.0) < 6.0 * np.sqrt(3.0 / len(degree))


def test_extreme_probabilities():
    assert degrees(gp.PairwiseBernoulli(0.0), 30, 50)[2].sum() == 0
    assert np.all(degrees(gp.PairwiseBernoulli(1.0), 30, 50)[2] == 50)
    assert np.all(degrees(gp.PairwiseBernoulli(1.0, allow_autapses=False), 30, 30, same=True)[2] == 29)


ALL_RULES = [
    lambda **o: gp.FixedIndegree(20, **o),
    lambda **o: gp.FixedOutdegree(20, **o),
    lambda **o: gp.FixedTotalNumber(700, **o),
]


@pytest.mark.parametrize("make", ALL_RULES)
def test_autapses_and_multapses(make):
    sources, targets, _, _ = degrees(make(), 40, 40, same=True)
    assert np.any(sources == targets)
    assert len(np.unique(sources * 40 + targets)) < len(targets)
    sources, targets, _, _ = degrees(make(allow_autapses=False), 40, 40, same=True)
    assert not np.any(sources == targets)
    sources, targets, _, _ = degrees(make(allow_autapses=False, allow_multapses=False), 40, 40, same=True)
    assert not np.any(sources == targets)
    assert len(np.unique(sources * 40 + targets)) == len(targets)


def test_without_multapses_all_candidates_can_be_taken():
    _, _, out, into = degrees(gp.FixedIndegree(39, False, False), 40, 40, same=True)
    assert np.all(into == 39)
    assert np.all(out == 39)
    degrees(gp.FixedTotalNumber(40 * 39, False, False), 40, 40, same=True)


@pytest.mark.parametrize("multapses", [True, False])
def test_sources_without_an_excluded_one_are_uniform(multapses):
    counts = np.zeros((10, 10))
    for seed in range(400):
        sources, targets, _, _ = degrees(gp.FixedIndegree(3, False, multapses), 10, 10, same=True, seed=seed)
        np.add.at(counts, (sources, targets), 1)
    assert_uniform(counts[~np.eye(10, dtype=bool)])
    assert not counts[np.eye(10, dtype=bool)].any()


def test_simple_rules():
    assert_array_equal(degrees(gp.OneToOne(), 5, 5)[1], np.arange(5))
    assert_array_equal(degrees(gp.AllToAll(), 3, 2)[1], [0, 1] * 3)
    assert_array_equal(degrees(gp.AllToAll(allow_autapses=False), 3, 3, same=True)[1], [1, 2, 0, 2, 0, 1])
    rule = gp.Pairs([2, 0, 2, 1], [1, 1, 0, 3])
    first, targets, order = draw.connect(rule, 3, 4, False, stream())
    assert_array_equal(first, [0, 1, 2, 4])
    assert_array_equal(targets, [1, 3, 0, 1])
    assert_array_equal(order, [1, 3, 2, 0])


@pytest.mark.parametrize(
    "rule", [gp.FixedIndegree(5), gp.PairwiseBernoulli(0.1), gp.FixedTotalNumber(99, allow_multapses=False)]
)
def test_same_seed_same_connections(rule):
    a, b = (draw.connect(rule, 100, 100, False, stream(3)) for _ in range(2))
    assert_array_equal(a[1], b[1])
    assert not np.array_equal(a[1], draw.connect(rule, 100, 100, False, stream(4))[1])


@pytest.mark.parametrize(
    ("rule", "n_pre", "n_post", "message"),
    [
        (gp.OneToOne(), 3, 4, "OneToOne needs populations of the same size, got 3 and 4"),
        (gp.FixedIndegree(5, allow_multapses=False), 4, 4, "FixedIndegree.indegree must be <= 4"),
        (gp.FixedIndegree(4, False, False), 4, 4, "FixedIndegree.indegree must be <= 3"),
        (gp.FixedIndegree(1, False), 1, 1, "FixedIndegree.indegree must be <= 0"),
        (gp.FixedOutdegree(4, False, False), 4, 4, "FixedOutdegree.outdegree must be <= 3"),
        (gp.FixedTotalNumber(13, False, False), 4, 4, "FixedTotalNumber.N must be <= 12"),
        (gp.Pairs([4], [0]), 4, 4, "Pairs.sources must be < 4, got 4"),
        (gp.Pairs([0], [4]), 4, 4, "Pairs.targets must be < 4, got 4"),
    ],
)
def test_rules_that_cannot_be_fulfilled(rule, n_pre, n_post, message):
    with pytest.raises(ValueError, match=message):
        draw.check_rule("x", rule, n_pre, n_post, n_pre == n_post)


def test_bad_rules():
    with pytest.raises(ValueError, match=r"FixedIndegree.indegree must be >= 0, got -1"):
        gp.FixedIndegree(-1)
    with pytest.raises(TypeError, match=r"FixedOutdegree.outdegree must be an integer, got 2.0"):
        gp.FixedOutdegree(2.0)
    with pytest.raises(ValueError, match=r"PairwiseBernoulli.p must be in \[0, 1\], got 1.2"):
        gp.PairwiseBernoulli(1.2)
    with pytest.raises(ValueError, match=r"Pairs.sources must be >= 0, got -1"):
        gp.Pairs([-1], [0])
    with pytest.raises(TypeError, match=r"Pairs.targets must be a sequence of integers"):
        gp.Pairs([1], [0.5])
    with pytest.raises(ValueError, match=r"Pairs.sources and Pairs.targets must have the same length, got 2 and 1"):
        gp.Pairs([1, 2], [0])


def test_equal_connections_of_all_to_all_take_no_memory():
    assert draw.connection_bytes(gp.AllToAll(), 1000, 1000) == (0, 0)
    assert draw.connection_bytes(gp.AllToAll(allow_autapses=False), 1000, 1000, same=False) == (0, 0)


@pytest.mark.parametrize(
    "rule",
    [
        gp.FixedIndegree(7),
        gp.FixedOutdegree(9),
        gp.FixedTotalNumber(4000),
        gp.PairwiseBernoulli(0.3),
        rules.IndegreeFraction(0.25),
        gp.AllToAll(),
    ],
)
def test_density_is_the_mean_number_of_connections_of_a_pair(rule):
    """Only `PairwiseBernoulli` draws the number: 5 % of 9,600 connections are 5.9 standard deviations (4e-9)."""
    sources, _, _, _ = degrees(rule, 200, 160)
    assert abs(len(sources) / (200 * 160) / rule.density(200, 160) - 1.0) < 0.05
