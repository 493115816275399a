"""Spikes drawn cohort by cohort: the compiled loops against the plain twin, and the laws that hold exactly."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop as gp
from gifpop.common import seeds
from tests.helpers import reference
from tests.helpers.networks import single
from tests.helpers.populations import CARRYING, CELL, layouts, parameters_of
from tests.helpers.state import plan_of

pytestmark = pytest.mark.usefixtures("cells_at_any_cost")
DT, K = 0.5, 80
DRAWN = {"dt": DT, "finite_size": "drawn"}
FALSE_ALARM = 1e-6


def bits_of(seed, population=0):
    """Return the random stream of a population."""
    return seeds.stream(seeds.root_sequence(seed), seeds.POPULATION, population)


@pytest.mark.parametrize("N", [1, 7, 300, 6000])
@pytest.mark.parametrize("name", ["two", "a current"])
def test_compiled_is_twin(name, N, loops):
    check_twin(name, N, "adaptive", 110)


@pytest.mark.slow
@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("N", [1, 7, 300, 6000, 500_000])
@pytest.mark.parametrize("name", list(CARRYING))
def test_compiled_is_twin_of_any_cell(name, N, history):
    check_twin(name, N, history, 240)


@functools.cache
def twin_of_case(name, N, history, steps):
    """Return a population, and counts, expected counts and thresholds of its twin, once for all variants of the loops."""
    cell = CARRYING[name]
    net = single(cell, N, len_kernel=K)
    layout = layouts(net, DT, finite_size="drawn")[0] if history == "adaptive" else None
    twin = reference.DrawnPopulation(parameters_of(cell, N, K), DT, bits_of(3), layout)
    counts, mean, E_sfa = np.zeros(steps, int), np.zeros(steps), np.zeros(steps)
    for k in range(steps):
        mean[k] = twin.expect()
        counts[k], E_sfa[k] = twin.drawn, twin.E_sfa
        twin.emit(twin.drawn)
    return net, counts, mean, E_sfa


def check_twin(name, N, history, steps):
    net, counts, mean, E_sfa = twin_of_case(name, N, history, steps)
    result = net.simulate(steps * DT, seed=3, history=history, record="all", **DRAWN)["P"]
    assert_array_equal(result.counts, counts)
    assert_allclose(result.mean, mean, rtol=1e-8, atol=1e-10 * N)
    assert_allclose(result.E_sfa, E_sfa, rtol=1e-12)
    assert counts.sum() > N


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize(
    "name", ["no adaptation", pytest.param("two", marks=pytest.mark.slow), "threshold and currents"]
)
def test_sparse_network_is_twin(name, history):
    """Each neuron has input of its own, which moves the mean of a cohort."""
    cell, steps, sizes, weights = CARRYING[name], 110, {"E": 40, "I": 3}, {"E": 150.0, "I": -375.0}
    net = gp.Network()
    for population, N in sizes.items():
        net.population(population, N, cell, len_kernel=K)
    for post in "EI":
        net.connect("E", post, weight=150.0, p=0.2, delay=1.0)
        net.connect("I", post, weight=-375.0, p=0.2, delay=1.5)
    options = {"wiring": "sparse", "finite_size": "drawn", "dt": DT}
    adaptive = layouts(net, **options) if history == "adaptive" else [None, None]
    result = net.simulate(steps * DT, seed=3, history=history, **options)
    variance = {pre: weights[pre] ** 2 * 0.2 * (1.0 - 1.0 / N) for pre, N in sizes.items()}
    capacity = {"ex": variance["E"] * sizes["E"], "in": variance["I"] * sizes["I"]}
    twins = {
        population: reference.DrawnPopulation(parameters_of(cell, N, K), DT, bits_of(3, i), adaptive[i], capacity)
        for i, (population, N) in enumerate(sizes.items())
    }
    counts, mean = {p: np.zeros(steps, int) for p in sizes}, {p: np.zeros(steps) for p in sizes}
    for k in range(steps):
        ex, inh = (counts[pre][k - d] if k >= d else 0 for pre, d in (("E", 2), ("I", 3)))
        for p, twin in twins.items():
            mean[p][k] = twin.expect(
                0.0, 0.2 * weights["E"] * ex, 0.2 * weights["I"] * inh, variance["E"] * ex, variance["I"] * inh
            )
        for p, twin in twins.items():
            counts[p][k] = twin.drawn
            twin.emit(twin.drawn)
    for p in sizes:
        assert_array_equal(result[p].counts, counts[p])
        assert_allclose(result[p].mean, mean[p], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("history", ["exact", "adaptive"])
def test_three_receptors_are_twin(history):
    """Neurons have input of their own at each of three receptors."""
    weights, lags = {"ex": 150.0, "in": -100.0, "nmda": 4.0}, {"ex": 2, "in": 3, "nmda": 4}
    cell = gp.GIF(I_e=400.0, tau_sfa=[30.0], q_sfa=[1.0], tau_syn={"ex": 3.0, "in": 6.0, "nmda": 50.0})
    N, steps = 40, 110
    net = gp.Network()
    net.population("P", N, cell, len_kernel=K)
    for receptor, weight in weights.items():
        net.connect("P", "P", weight=weight, p=0.2, delay=lags[receptor] * DT, receptor=receptor)
    options = {"wiring": "sparse", "finite_size": "drawn", "dt": DT}
    adaptive = layouts(net, **options) if history == "adaptive" else [None]
    result = net.simulate(steps * DT, seed=3, history=history, record=["I_syn_nmda"], **options)["P"]
    variance = {receptor: weight**2 * 0.2 * (1.0 - 1.0 / N) for receptor, weight in weights.items()}
    capacity = {receptor: value * N for receptor, value in variance.items()}
    twin = reference.DrawnPopulation(parameters_of(cell, N, K), DT, bits_of(3, 0), adaptive[0], capacity)
    counts = np.zeros(steps, int)
    for k in range(steps):
        arrived = {receptor: counts[k - lag] if k >= lag else 0 for receptor, lag in lags.items()}
        ex, inh, nmda = (0.2 * weights[receptor] * n for receptor, n in arrived.items())
        ex_variance, in_variance, more = (variance[receptor] * n for receptor, n in arrived.items())
        mean = twin.expect(0.0, ex, inh, ex_variance, in_variance, {"nmda": more}, nmda=nmda)
        assert_allclose(result.mean[k], mean, rtol=1e-7, atol=1e-9)
        assert_allclose(result.I_syn_nmda[k], twin.I_syn["nmda"], rtol=1e-9, atol=1e-12)
        counts[k] = twin.drawn
        twin.emit(twin.drawn)
    assert_array_equal(result.counts, counts)
    assert counts.sum() > 20


def counts_of_trials(net, steps, **options):
    """Return the spike counts of the population in all trials: (trials, steps)."""
    return np.asarray(net.simulate(steps * DT, **options, **DRAWN)["P"].counts)


def every_neuron(cell, N, steps, trials, random):
    """Return the counts of N neurons that have just fired, each a Bernoulli variable in each step: (trials, steps)."""
    u, hazard = np.full((trials, N), cell.V_reset), np.zeros((trials, N))
    age, counts = np.zeros((trials, N), int), np.zeros((trials, steps), int)
    P, driven = np.exp(-DT / cell.tau_m), cell.E_L + cell.I_e * cell.tau_m / cell.C_m
    for k in range(steps):
        age += 1
        awake = age > round(cell.t_ref / DT)
        u = np.where(awake, driven + (u - driven) * P, u)
        now = cell.lambda_0 * np.exp((u - cell.V_T_star) / cell.Delta_V)
        fires = awake & (random.random(u.shape) < -np.expm1(-0.5e-3 * DT * (hazard + now)))
        hazard = np.where(awake & ~fires, now, 0.0)
        u[fires], age[fires] = cell.V_reset, 0
        counts[:, k] = fires.sum(axis=1)
    return counts


@pytest.mark.parametrize("N", [1, 5, 200])
def test_law_is_that_of_neurons(N):
    """Two-sample Kolmogorov-Smirnov tests of counts in steps, their sums and products: 9 tests at 1e-6."""
    trials, steps, chosen = 2000, 40, (6, 12, 39)
    drawn = counts_of_trials(single(CELL, N, len_kernel=200), steps, trials=trials, seed=5)
    neurons = every_neuron(CELL, N, steps, trials, np.random.default_rng(6))
    assert drawn.shape == neurons.shape
    for k in chosen:
        for summary in (
            lambda n, k: n[:, k],
            lambda n, k: n[:, : k + 1].sum(axis=1),
            lambda n, k: n[:, k] * n[:, k - 3],
        ):
            assert stats.ks_2samp(summary(drawn, k), summary(neurons, k), method="asymp").pvalue > FALSE_ALARM


@pytest.mark.parametrize("trials", [400, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("N", [5, 100, 1000, 10**9])
def test_first_step_is_binomial(N, trials):
    """All have just fired; in the first step after refractoriness each fires with the same probability, 8 %.

    Finds means that are a tenth of a standard deviation off. A few are drawn by points, more of them by inversion of
    the distribution, very many by numpy.
    """
    cell = replace(CELL, lambda_0=1e3 * CELL.lambda_0)
    steps, copies = round(cell.t_ref / DT) + 1, 25
    net = gp.Network()
    for k in range(copies):  # takes less time than as many trials
        net.population(f"P{k}", N, cell, len_kernel=50)
    counts = net.simulate(steps * DT, trials=trials, seed=7, keep=lambda result: result.counts[-1], **DRAWN).ravel()
    p = net.simulate(steps * DT, record="all", **DRAWN)["P0"].mean[-1] / N
    law = stats.binom(N, p)
    edges = np.unique(law.ppf(np.linspace(0.0, 1.0, 21)[1:-1]))
    bins = np.searchsorted(edges, counts)
    expected = np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]])) * len(counts)
    assert stats.chisquare(np.bincount(bins, minlength=len(expected)), expected).pvalue > FALSE_ALARM


def test_intervals_of_one_neuron():
    """The intervals of a population of one neuron are those that its hazard gives: chi-square."""
    steps = 200_000
    counts = single(CELL, 1, len_kernel=400).simulate(steps * DT, seed=8, **DRAWN)["P"].counts
    intervals = np.diff(np.flatnonzero(counts))
    one = reference.MesoPopulation(parameters_of(CELL, 1, 400), DT, CELL.V_reset, smooth=True)
    survival = [1.0]
    for _ in range(300):
        one.expect()
        survival.append(one.m.sum() + one.x)
        one.emit(0)
    probability = -np.diff(survival)
    upto = int(np.searchsorted(np.cumsum(probability), 1.0 - 30.0 / len(intervals)))
    probability = np.append(probability[:upto], survival[upto])
    kept = probability * len(intervals) > 10.0
    observed = np.bincount(np.minimum(intervals - 1, upto), minlength=upto + 1)
    pooled = [np.append(x[kept], x[~kept].sum()) for x in (observed, probability * len(intervals))]
    assert len(intervals) > 4_000
    assert stats.chisquare(*pooled).pvalue > FALSE_ALARM


def whole(plan):
    """Return the numbers of neurons in the cohorts, the cells and the free pool of a population."""
    cells = [] if plan.cells is None else plan.merged["survivors"]
    return np.concatenate([plan.state["survivors"], cells, plan.window["survivors"]])


@pytest.mark.parametrize("initial", ["fired", "rest", "stationary"])
@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("name", ["no adaptation", "two", "threshold and currents"])
def test_neurons_are_whole_and_stay_as_many(name, history, initial):
    cell, N = CARRYING[name], 77
    sim = gp.Simulation(single(cell, N, len_kernel=K), seed=9, history=history, initial=initial, **DRAWN)
    for n_now in (N, N, 40, 131):
        if n_now != N:
            sim.set("P", N=n_now)
        neurons = whole(plan_of(sim))
        assert_array_equal(neurons, np.rint(neurons))
        assert neurons.min() >= 0.0
        assert neurons.sum() == n_now
        result = sim.run(40.0)
        assert result["P"].counts.max() <= n_now
        assert whole(plan_of(sim)).sum() == n_now


def test_parting_members_conserves_sums():
    """Number, sum and sum of squares over members of any cohort, whoever fires; covariances stay non-negative."""
    random = np.random.default_rng(10)
    cell = CARRYING["threshold and currents"]
    twin = reference.DrawnPopulation(parameters_of(cell, 10, K), DT, np.random.PCG64(11))
    for _ in range(300):
        M, D = int(random.integers(2, 12)), twin.size
        members = random.standard_normal((M, D)) @ random.standard_normal((D, D))
        members[:, [i for i in range(D) if i not in twin.kept]] = 0.0
        x, C = members.mean(axis=0), np.cov(members.T, bias=True)
        c, k = {"m": float(M), "x": x, "C": C}, int(random.integers(1, M))
        those, spread = twin.split(c, k, q=float(random.exponential()))
        assert c["m"] == M - k
        assert_allclose(k * those + c["m"] * c["x"], M * x, atol=1e-9)
        squares = k * (spread + np.outer(those, those)) + c["m"] * (c["C"] + np.outer(c["x"], c["x"]))
        assert_allclose(squares, M * (C + np.outer(x, x)), atol=1e-8 * M * np.abs(C).max())
        assert min(np.linalg.eigvalsh(spread).min(), np.linalg.eigvalsh(c["C"]).min()) > -1e-9 * np.abs(C).max()


@pytest.mark.parametrize(
    ("population", "options", "message"),
    [
        ({"BinoRand": False}, {}, "Population 'P': BinoRand must be True with finite_size='drawn', got False"),
        ({}, {"smooth": True}, "Population 'P': finite_size must be 'corrected' with Simulation.smooth, got 'drawn'"),
        (
            {},
            {"counts": {"P": [1, 2]}},
            r"Simulation.counts\['P'\] must be of a population with finite_size='corrected'",
        ),
    ],
)
def test_what_needs_expected_numbers_is_refused(population, options, message):
    with pytest.raises(ValueError, match=message):
        gp.Simulation(single(CELL, 10, **population), **DRAWN, **options)


def test_a_population_has_its_own_form():
    net = single(CELL, 10, finite_size="corrected")
    net.population("Q", 10, CELL, finite_size="drawn")
    sim = gp.Simulation(net, dt=DT, finite_size="drawn")
    assert [plan_of(sim, name).drawn for name in "PQ"] == [False, True]
    assert plan_of(gp.Simulation(net, dt=DT), "Q").drawn


def networks():
    """Yield networks of populations and neurons, which do all that cohorts of whole neurons can."""
    for name in ("no adaptation", "two", "threshold and currents"):
        net = gp.Network()
        net.population("E", 60, CARRYING[name], len_kernel=K)
        net.population("I", 15, CARRYING[name], len_kernel=K)
        for post in "EI":
            net.connect("E", post, weight=50.0, p=0.3, delay=1.0)
            net.connect("I", post, weight=-200.0, p=0.3, delay=1.5)
        yield net


@pytest.mark.parametrize("wiring", ["dense", "sparse"])
@pytest.mark.parametrize("net", list(networks()))
def test_runs_go_on_as_they_would_have(net, wiring, tmp_path):
    """Saved and restored, as one of several trials, with two threads, after a reset: the same numbers."""
    options = {"wiring": wiring, "initial": "stationary", **DRAWN}
    sim = gp.Simulation(net, seed=12, threads=2, **options)
    begun = sim.run(30.0).counts
    sim.save(tmp_path / "drawn.npz")
    rest = sim.run(30.0).counts
    assert_array_equal(gp.Simulation.load(tmp_path / "drawn.npz").run(30.0).counts, rest)
    whole_run = net.simulate(60.0, seed=12, **options).counts
    assert_array_equal(np.concatenate([begun, rest]), whole_run)
    sim.reset()
    assert_array_equal(sim.run(60.0).counts, whole_run)
    trials = net.simulate(60.0, seed=13, trials=3, **options)
    assert_array_equal(net.simulate(60.0, seed=trials.seeds[1], network_seed=13, **options).counts, trials.counts[1])


def test_mixed_levels():
    net = next(networks())
    result = net.simulate(200.0, level={"E": "micro", "I": "meso"}, seed=14, **DRAWN)
    assert result["E"].counts.sum() > 100
    assert result["I"].counts.sum() > 25
