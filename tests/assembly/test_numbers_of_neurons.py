"""Changes of the numbers of neurons between runs."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from tests.helpers.changes import DT, QUIET
from tests.helpers.networks import SEED_CELL, brunel, single
from tests.helpers.state import network_of, plan_of
from tests.helpers.trials import assert_mean


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
@pytest.mark.parametrize("initial", ["fired", "rest"])
def test_a_population_of_another_size_goes_on(initial, history, adaptation):
    """All it knows of its neurons grows in proportion: under the same activity, nothing else changes."""
    options = {"dt": DT, "history": history, "adaptation": adaptation, "record": "all", "initial": initial}
    counts = np.random.default_rng(2).binomial(100, 0.008, 1000)
    after = np.concatenate([counts[:30], 3 * counts[30:]])
    net = single(SEED_CELL, 100)
    plain = net.simulate(500.0, counts={"P": counts}, **options)["P"]
    sim = gp.Simulation(single(SEED_CELL, 300), counts={"P": after}, **options)
    sim.set("P", N=100)
    sim.run(15.0)
    sim.set("P", N=300)
    sim.run(485.0)
    result = sim.result()["P"]
    assert_allclose(result.rate, plain.rate, rtol=1e-9, atol=1e-9)
    assert_allclose(result.activity, plain.activity, rtol=1e-12, atol=0)
    for name in ("V_m", "E_sfa"):
        assert_allclose(getattr(result, name), getattr(plain, name), rtol=1e-9, atol=1e-9)


def test_neurons_that_stay_keep_their_state():
    """Those that join have the state of others, also of what is on its way to them."""
    cell = gp.GIF(lambda_0=0.0, V_m=gp.Uniform(0.0, 10.0), tau_m=gp.Uniform(10.0, 30.0))
    net = single(cell, 100)
    net.population("pre", 20, QUIET)
    net.connect("pre", "P", 40.0, p=0.3, delay=10.0)
    net.connect("pre", "P", 40.0, delay=gp.Uniform(1.0, 12.0), p=0.3)
    spikes = {"pre": (np.full(20, 20.0), np.arange(20))}
    options = {"dt": DT, "level": "micro", "seed": 1, "record": "all", "initial": "rest", "spikes": spikes}
    plain = net.simulate(40.0, **options)["P"]
    sim = gp.Simulation(net, **options)
    sim.run(20.5)
    sim.set("P", N=30)
    fewer = sim.run(1.5)["P"]
    for name in ("V_m", "I_syn_ex"):
        assert_array_equal(getattr(fewer, name), getattr(plain, name)[41:44, :30])
    sim.set("P", N=150)
    more = sim.run(18.0)["P"]
    for name in ("V_m", "I_syn_ex"):
        assert_array_equal(getattr(more, name)[:, :30], getattr(plain, name)[44:, :30])
    of_new, of_old = more.I_syn_ex[:, 30:].T, more.I_syn_ex[:, :30].T
    assert all(np.any(np.all(one == of_old, axis=1)) for one in of_new)
    assert len(np.unique(of_new, axis=0)) > 20
    assert np.ptp(np.diff(more.I_syn_ex, axis=0).max(axis=0)) > 0.0  # spikes were on their way
    assert_array_equal(
        plan_of(sim).parameters["leak"][0, :100],
        plan_of(gp.Simulation(net, **options)).parameters["leak"][0, :100],
    )


def test_neurons_that_join_draw_budgets_of_their_own():
    """From the exponential distribution, others than those drawn before by neurons of these numbers."""
    sim = gp.Simulation(single(gp.GIF(I_e=500.0), 2000), dt=DT, level="micro", seed=1)
    sim.run(100.0)

    def budgets():
        return plan_of(sim).of_neurons("budget").copy()

    old = budgets()
    sim.set("P", N=20)
    assert_array_equal(budgets(), old[:20])
    sim.set("P", N=4000)
    new = budgets()
    assert_array_equal(new[:20], old[:20])
    half = plan_of(sim).copy()
    half.of_neurons("budget")[:] = 0.0
    half.begin_trapezoids()
    assert np.count_nonzero(half.of_neurons("budget") < 0.0) > 2000
    drawn = np.sort((new - half.of_neurons("budget"))[20:])  # without the hazard that the next step begins with
    distance = np.abs(1.0 - np.exp(-drawn) - np.arange(len(drawn)) / len(drawn)).max()
    assert distance < 2.9 / np.sqrt(len(drawn))  # Kolmogorov-Smirnov: by chance with 2 exp(-2 * 2.9^2) = 1e-7
    first = plan_of(gp.Simulation(single(gp.GIF(I_e=500.0), 4000), dt=DT, level="micro", seed=1))
    assert not np.isin(drawn, first.of_neurons("budget")).any()
    assert not np.isin(drawn, old).any()


def test_joined_results_have_the_number_of_neurons_of_their_time():
    sim = gp.Simulation(brunel(), dt=DT, level={"E": "meso", "I": "micro"}, seed=1)
    parts = [sim.run(20.0)]
    sim.set("E", N=400)
    sim.set("I", N=50)
    parts += [sim.run(30.0), sim.run(0.0)]
    joined = sim.result()
    assert [p["E"].N for p in parts] == [800, 400, 400]
    assert_array_equal(joined["E"].N, np.repeat([800, 400], [40, 60]))
    for name in ("activity", "counts"):
        assert_array_equal(getattr(joined, name), np.concatenate([getattr(p, name) for p in parts]))
    assert_array_equal(joined["E"].rate, np.concatenate([p["E"].rate for p in parts]))
    figure = Figure()
    joined.plot(figure=figure)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["E (N = 400 to 800)", "I (N = 50 to 200)"]


def test_results_with_other_neurons_are_not_joined():
    sim = gp.Simulation(single(N=20), dt=DT, level="micro", seed=1, record="V_m")
    sim.run(5.0)
    sim.set("P", N=30)
    assert sim.run(5.0)["P"].V_m.shape == (10, 30)
    with pytest.raises(ValueError, match="the runs recorded different neurons of 'P', since N has changed"):
        sim.result()
    some = gp.Simulation(single(N=20), dt=DT, level="micro", seed=1, record="V_m", record_neurons=5)
    some.run(5.0)
    some.set("P", N=30)
    some.run(5.0)
    assert some.result()["P"].V_m.shape == (20, 5)


def test_inputs_of_the_network_are_not_those_of_the_simulation():
    """Inputs that both have added later may have the same number."""
    net = single()
    sim = gp.Simulation(net, dt=0.5, seed=1)
    later = net.inject("P", gp.DirectCurrent(10.0))
    own = sim.inject("P", gp.DirectCurrent(50.0))
    with pytest.raises(ValueError, match="must be an input of this simulation"):
        sim.set(later, amplitude=-1000.0)
    sim.set(own, amplitude=20.0)
    sim.remove(own)


def test_prescribed_counts_and_spikes_limit_the_number_of_neurons():
    sim = gp.Simulation(single(N=20), dt=DT, counts={"P": np.array([3, 7, 0])})
    with pytest.raises(ValueError, match=r"'P': N must be >= 7, so that it can have the counts .*, got 6"):
        sim.set("P", N=6)
    sim.set("P", N=7)
    sim = gp.Simulation(single(N=20), dt=DT, level="micro", spikes={"P": ([1.0, 2.0], [4, 9])})
    with pytest.raises(ValueError, match=r"'P': N must be >= 10, so that it has the neurons .*, got 9"):
        sim.set("P", N=9)
    sim.set("P", N=10)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["meso", "micro"])
def test_activity_goes_on_and_comes_to_that_of_the_new_network(level):
    """With half the weights at twice the size, the mean stays; variances come to those of the larger network.

    Means over 24 runs, of each run 1 s before, from 0 to 20 ms, and from 0.5 s after the change on.
    """
    runs, sims = [], []
    for seed in range(24):
        sim = gp.Simulation(brunel(), dt=DT, level=level, seed=seed, initial="stationary")
        before = sim.run(1000.0)
        for name in "EI":
            sim.set(name, N=2 * network_of(sim).populations[name].N)
        for pre, weight in (("E", 12.5), ("I", -31.25)):
            for post in "EI":
                sim.set((pre, post), weight=weight)
        runs.append((before, sim.run(20.0), sim.run(480.0), sim.run(1500.0)))
        sims.append(sim)
    means = np.array([[part.activity[:, 0].mean() for part in run] for run in runs])
    variances = np.array([[part.activity[:, 0].var() for part in run] for run in runs])
    larger = brunel(N=(1600, 400)).simulate(40000.0, dt=DT, level=level, seed=99, initial="stationary").activity[:, 0]
    blocks = larger[: len(larger) // 3000 * 3000].reshape(-1, 3000)
    differences = means[:, 1] - means[:, 0]  # z > 5.5 once in 3e7
    assert_mean(differences, 0.0, differences.std(ddof=1))
    assert_mean(means[:, 3], blocks.mean(), means[:, 3].std(ddof=1), blocks.mean(axis=1).std() / np.sqrt(len(blocks)))
    assert_mean(
        variances[:, 3],
        blocks.var(axis=1).mean(),
        variances[:, 3].std(ddof=1),
        blocks.var(axis=1).std() / np.sqrt(len(blocks)),
    )
    assert variances[:, 3].mean() < 0.7 * variances[:, 0].mean()
