"""Adaptive histories: the compiled cells against the plain twin, their errors against exact histories, conservation."""

import functools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.meso import _meso, history
from gifpop.meso.plan import automatic_history
from tests.helpers import reference
from tests.helpers.golden import POPULATION_TRACES, Golden
from tests.helpers.invariants import cells, check_state
from tests.helpers.networks import SEED_CELL, brunel, column, nest_test_population, single
from tests.helpers.populations import CELL, RENEWING, VARIABLES, layouts, parameters_of, replay_alone
from tests.helpers.state import plan_of, plans_of
from tests.helpers.trials import activities, spectrum

pytestmark = pytest.mark.usefixtures("cells_at_any_cost")
TOLERANCES = {
    "no adaptation": 1e-3,
    "one time constant": 1e-3,
    "two": 0.1,
    "four": 1e-2,
    "facilitation": 1e-2,
    "steep": 1e-2,
}


def short_golden(name):
    golden = Golden(name)
    golden.steps = min(golden.steps, 300)
    golden.counts = golden.counts[:, : golden.steps]
    return golden


@functools.cache
def twin_of_golden(name):
    golden = short_golden(name)
    net, _ = golden.network()
    return reference.replay(
        golden.parameters,
        golden.dt,
        golden.counts,
        golden.weights,
        golden.delays,
        golden.currents[:, : golden.steps],
        adaptive=layouts(net, golden.dt),
    )


@pytest.mark.parametrize("name", POPULATION_TRACES)
def test_compiled_is_twin(name, loops):
    golden = short_golden(name)
    actual, expected = golden.replay(history="adaptive"), twin_of_golden(name)
    for variable in VARIABLES:
        scale = np.array([[p["N"] if variable == "mean" else 1.0] for p in golden.parameters])
        difference = np.abs(actual[variable] - expected[variable]) - 1e-12 * np.abs(expected[variable])
        assert np.all(difference <= 1e-12 * scale), variable


@functools.cache
def twin_of_case(name):
    """Spike counts of a population for two lengths of its history and more, and what the twin expects."""
    cell, tolerance = RENEWING[name], TOLERANCES[name]
    net, dt = single(cell, 60), 0.5
    (layout,) = layouts(net, dt, tolerance=tolerance, adaptation="quasi-renewal")
    steps = 2 * (len(layout["widest"]) + layout["every"]) + 200
    counts = net.simulate(steps * dt, dt=dt, seed=1, adaptation="quasi-renewal")["P"].counts
    return net, dt, counts, tolerance, replay_alone(parameters_of(cell, 60), dt, counts, layout)


@pytest.mark.parametrize("name", RENEWING)
def test_compiled_is_twin_through_the_whole_history(name, loops):
    net, dt, counts, tolerance, twin = twin_of_case(name)
    options = {"adaptation": "quasi-renewal", "history": "adaptive", "tolerance": tolerance}
    result = net.simulate(len(counts) * dt, dt=dt, counts={"P": counts}, record="all", **options)
    assert_allclose(result["P"].mean, twin["mean"][0], rtol=1e-12, atol=60e-12)
    assert_allclose(result["P"].E_sfa, twin["E_sfa"][0], rtol=1e-12, atol=0)


# -- accuracy -----------------------------------------------------------------------------------------------------------


def with_length(net, factor, dt):
    """Return a network whose exact histories are ``factor`` times the automatic ones."""
    copy = net.copy()
    for name, population in net.populations.items():
        length = round(factor * automatic_history(population.cell, dt))
        copy.populations[name] = replace(population, len_kernel=length)
    return copy


@functools.cache
def exact_run(make, dt, steps, adaptation):
    """Return a network and a run of it with four times the automatic length, once for all that compare with it."""
    net = make()
    options = {"history": "exact", "adaptation": adaptation, "finite_size": "corrected"}
    return net, with_length(net, 4, dt).simulate(steps * dt, dt=dt, seed=1, **options)


def replay_errors(make, dt, steps, drop, adaptation="quasi-renewal", **options):
    """Return errors of the expected counts in replay, rms and mean, relative to the mean expected count, and the plans.

    They are of a run with ``options`` against an exact one with four times the automatic length, which made the counts.
    """
    net, exact = exact_run(make, dt, steps, adaptation)
    counts = {name: exact[name].counts for name in net.populations}
    sim = gp.Simulation(net, dt=dt, counts=counts, adaptation=adaptation, **options)
    result = sim.run(steps * dt)
    errors = (result.rate - exact.rate)[drop:] / exact.rate[drop:].mean(axis=0)
    return np.sqrt(np.mean(errors**2, axis=0)), errors.mean(axis=0), plans_of(sim)


def check_accuracy(make, dt, steps, drop, adaptation):
    rms, bias, plans = replay_errors(make, dt, steps, drop, adaptation, history="adaptive")
    assert np.all(rms < 5e-4)
    assert np.all(np.abs(bias) < 3e-4)
    for plan, population in zip(plans, make().populations.values(), strict=True):
        if population.cell.tau_sfa:
            length = plan.K + plan.state["cells"][0] + history.MERGE_EVERY
            assert length <= automatic_history(population.cell, dt) / 10


@pytest.mark.slow
@pytest.mark.parametrize("adaptation", ["quasi-renewal", "carried"])
def test_accuracy_on_the_seed_network(adaptation):
    check_accuracy(gp.models.brunel, 0.5, 16_000, 12_000, adaptation)


@pytest.mark.slow
@pytest.mark.parametrize("adaptation", ["quasi-renewal", "carried"])
def test_accuracy_on_the_column(adaptation):
    check_accuracy(partial(gp.models.potjans_diesmann, adaptation=True), 0.1, 60_000, 30_000, adaptation)


def test_exact_history_of_automatic_length_is_less_accurate():
    rms, bias, _ = replay_errors(gp.models.brunel, 0.5, 16_000, 12_000, history="exact")
    assert np.all(rms > 7e-3)
    assert np.all(bias < -5e-3)


@pytest.mark.parametrize(
    ("make", "dt", "limit"),
    [
        (partial(gp.models.brunel, adaptation=False), 0.5, 5e-4),
        (gp.models.potjans_diesmann, 0.1, 5e-4),
        (nest_test_population, 0.5, 5e-4),
        (partial(single, replace(SEED_CELL, Delta_V=0.5), 500), 0.5, 5e-4),
        (partial(single, replace(SEED_CELL, I_e=3000.0), 500), 0.5, 1e-3),
        (partial(single, replace(SEED_CELL, tau_sfa=[10.0, 100.0, 1000.0], q_sfa=[5.0, 5.0, 1.0]), 500), 0.5, 5e-4),
        (partial(gp.models.brunel, step=(3000.0, 20.0)), 0.5, 3e-3),
    ],
    ids=["no adaptation", "column", "one long time constant", "steep", "fast", "three time constants", "step"],
)
def test_accuracy_elsewhere(make, dt, limit):
    rms, bias, _ = replay_errors(make, dt, 9000, 5000, history="adaptive")
    assert np.all(rms < limit)
    assert np.all(np.abs(bias) < limit)


def test_tolerance_sets_error_and_cost():
    previous = None
    for tolerance in (1e-1, 1e-2, 1e-3, 1e-4):
        rms, _, plans = replay_errors(brunel, 0.5, 9000, 5000, history="adaptive", tolerance=tolerance)
        cost = plans[0].K + plans[0].state["cells"][0]
        assert np.all(rms < 0.3 * tolerance + 2e-5)
        assert previous is None or cost > previous
        previous = cost


# -- cells --------------------------------------------------------------------------------------------------------------


def test_merging_conserves_sums_and_moments():
    """Spikes, survivors, variance, and what survivors have seen of the spikes of their own cell."""
    rng = np.random.default_rng(1)
    single = [
        {
            "n": rng.poisson(5.0),
            "m": rng.uniform(0.0, 5.0),
            "v": rng.uniform(),
            "u": rng.normal(),
            "width": 1,
            "hazard": rng.uniform(),
            "traces": rng.uniform(size=2),
            "own": 0.0,
        }
        for _ in range(12)
    ]
    seen = sum(cohort["m"] * sum(older["n"] for older in single[:i]) for i, cohort in enumerate(single))
    merge = partial(functools.reduce, reference.merged)
    for cell in (merge(single), reference.merged(merge(single[:5]), merge(single[5:]))):
        for name in ("n", "m", "v", "width"):
            assert_allclose(cell[name], sum(cohort[name] for cohort in single), rtol=1e-13, atol=0)
        for name, weight in (("u", "m"), ("hazard", "m"), ("traces", "n")):
            expected = sum(cohort[weight] * cohort[name] for cohort in single)
            assert_allclose(cell[weight] * cell[name], expected, rtol=1e-13, atol=0)
        assert_allclose(cell["own"] * cell["n"] * cell["m"], seen, rtol=1e-13, atol=0)


def test_no_spike_is_lost():
    """Counts of window, cells and what the traces of the free neurons hold add up to all spikes."""
    net = single(replace(CELL, tau_sfa=[1e9], q_sfa=[0.01]), 100)
    sim = gp.Simulation(net, dt=0.5, seed=1, history="adaptive", tolerance=0.1, adaptation="quasi-renewal")
    for _ in range(8):
        sim.run(37.5)
        plan = plan_of(sim)
        held = plan.window["count"].sum() + plan.merged["count"].sum() + plan.sfa[0] * 100
        assert_allclose(held, 100 + sim.result()["P"].counts.sum(), rtol=1e-6, atol=0)
        assert plan.merged["width"].sum() + plan.K >= min(sim.time / 0.5, len(plan.cells.widest) - 1)
    assert plan.sfa[0] > 0.0


@given(
    cell=cells(),
    N=st.integers(1, 10**7),
    dt=st.sampled_from([0.1, 0.5, 3.0]),
    tolerance=st.sampled_from([1e-6, 1e-4, 1e-3, 0.5]),
    initial=st.sampled_from(["fired", "rest", "nest"]),
    seed=st.integers(0, 2**32),
    adaptation=st.sampled_from(["carried", "quasi-renewal"]),
    finite_size=st.sampled_from(["drawn", "corrected"]),
)
def test_any_population(cell, N, dt, tolerance, initial, seed, adaptation, finite_size):
    net = single(cell, N, adaptation=adaptation, finite_size=finite_size)
    net.connect("P", "P", weight=-10.0 / N, delay=3.0)
    sim = gp.Simulation(net, dt=dt, seed=seed, record="all", initial=initial, history="adaptive", tolerance=tolerance)
    for _ in range(3):
        result = sim.run(300 * dt)["P"]
        assert np.all((result.counts >= 0) & (result.counts <= N))
        assert np.all(np.isfinite(result.mean))
        plan = plan_of(sim)
        check_state(plan, N, dt)
        merged = plan.merged
        assert np.all((merged["survivors"] >= 0) & (merged["survivors"] <= merged["count"] * (1 + 1e-12)))
        assert np.all((merged["own"] >= 0) & (merged["own"] <= 1))
        assert np.all((merged["traces"] >= 0) & (merged["traces"] <= 1))
        assert plan.state["cells"][0] < plan.cells.rows.shape[1] - _meso.PADDING
        sums = 2 if plan.drawn else 3
        assert np.all(plan.cells.rows[:sums, : _meso.PADDING] == 0)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-3, 1e-1])
@pytest.mark.parametrize("cell", [SEED_CELL, replace(SEED_CELL, tau_sfa=[], q_sfa=[]), RENEWING["four"]])
def test_layout(cell, tolerance):
    """Cells grow with age, leave the refractory cohorts alone, and are never more than there is room for."""
    dt = 0.5
    plan = plan_of(gp.Simulation(single(cell), dt=dt, history="adaptive", tolerance=tolerance))
    widest, window = plan.cells.widest, plan.K
    assert np.all(np.diff(widest) >= 0)
    assert np.all(widest[:window] == 1)
    assert window >= cell.t_ref / dt
    assert np.all(widest[window + 1 :] > 1)
    assert np.all(widest <= np.maximum(1, np.arange(len(widest)) / 4))
    sim = gp.Simulation(single(cell), dt=dt, seed=1, history="adaptive", tolerance=tolerance)
    most = 0
    for _ in range(60):
        sim.run(2 * len(widest) * dt // 60)
        most = max(most, plan_of(sim).state["cells"][0])
        widths, ages = plan_widths(sim)
        assert np.all(widths <= widest[np.minimum(ages, len(widest) - 1)])
    assert most <= history.most_cells(widest)


def plan_widths(sim):
    """Return the width of each cell and the age of its youngest cohort."""
    plan = plan_of(sim)
    widths = plan.merged["width"]
    return widths, (plan.K + 1 + np.cumsum(widths[::-1])[::-1] - widths).astype(int)


def test_length():
    """Four automatic lengths, or less where nothing is left of a spike; never less than len_kernel."""
    automatic = automatic_history(SEED_CELL, 0.5)
    assert history.adaptive_length(SEED_CELL, 0.5, -1, automatic, 1e-3) == 4 * automatic
    fast = replace(SEED_CELL, tau_sfa=[], q_sfa=[])
    length = history.adaptive_length(fast, 0.5, -1, 200, 1e-3)
    assert 200 < length < 800
    assert history.recovery(fast, 0.5, np.array([length]))[0] <= 1e-3
    assert history.recovery(fast, 0.5, np.array([length - 1]))[0] > 1e-3
    assert history.adaptive_length(fast, 0.5, 5000, 200, 1e-3) == 5000


# -- use ----------------------------------------------------------------------------------------------------------------


def test_pieces_equal_one_run():
    whole = brunel().simulate(400.0, dt=0.5, seed=3, record="all", history="adaptive")
    sim = gp.Simulation(brunel(), dt=0.5, seed=3, record="all", history="adaptive")
    for piece in (0.5, 100.0, 0.0, 33.5, 266.0):
        sim.run(piece)
    for variable in ("counts", *VARIABLES):
        assert_array_equal(getattr(sim.result()["E"], variable), getattr(whole["E"], variable))
    sim.reset()
    assert_array_equal(sim.run(400.0)["E"].counts, whole["E"].counts)


def test_set_without_a_change_changes_nothing():
    results = []
    for change in (False, True):
        sim = gp.Simulation(brunel(), dt=0.5, seed=3, history="adaptive")
        sim.run(700.0)
        if change:
            sim.set("E", I_e=SEED_CELL.I_e, tau_sfa=SEED_CELL.tau_sfa)
        results.append(sim.run(700.0)["E"].mean)
    assert_allclose(*results, rtol=1e-11, atol=0)


@functools.cache
def counts_of_the_seed_network():
    return dict(zip("EI", brunel().simulate(4000.0, dt=0.5, seed=1).counts.T, strict=True))


@pytest.mark.parametrize(
    "change",
    [
        {"I_e": 400.0},
        {"q_sfa": [5.0, 2.0]},
        {"tau_sfa": [150.0, 700.0]},
        {"Delta_V": 4.0},
        {"tau_m": 10.0},
        {"t_ref": 6.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_set_acts_as_on_an_exact_history(change):
    dt, means = 0.5, []
    exact, adaptive = {"history": "exact"}, {"history": "adaptive", "tolerance": 1e-3}
    for net, options in ((with_length(brunel(), 4, dt), exact), (brunel(), adaptive)):
        sim = gp.Simulation(net, dt=dt, counts=counts_of_the_seed_network(), **options)
        sim.run(3000.0)
        before = sim.result()["E"].mean[-2000:].mean()
        sim.set("E", **change)
        means.append(sim.run(1000.0)["E"].mean)
    assert np.max(np.abs(means[0] / before - 1.0)) > 0.1
    difference = (means[1] - means[0]) / before  # afterwards prescribed counts may keep expected ones around zero
    assert np.sqrt(np.mean(difference**2)) < 2e-3


def test_a_longer_refractory_period_than_the_window():
    sim = gp.Simulation(brunel(), dt=0.5, seed=3, history="adaptive")
    sim.run(300.0)
    window = plan_of(sim).K
    sim.set("E", t_ref=0.5 * window + 10.0)
    assert plan_of(sim).K == window + 20
    total = plan_of(sim).merged["survivors"].sum() + plan_of(sim).window["survivors"].sum()
    assert abs(total + plan_of(sim).state["survivors"][0] - 800) < 50
    result = sim.run(300.0)["E"]
    assert result.counts.sum() > 0


def test_neurons_ignore_it():
    expected = brunel().simulate(50.0, dt=0.5, level="micro", seed=1)
    actual = brunel().simulate(50.0, dt=0.5, level="micro", seed=1, history="adaptive")
    assert_array_equal(actual["E"].counts, expected["E"].counts)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"history": "coarse"}, ValueError, "Simulation.history must be one of 'exact', 'adaptive', got 'coarse'"),
        ({"history": None}, ValueError, "Simulation.history must be one of 'exact', 'adaptive', got None"),
        ({"tolerance": 0.0}, ValueError, r"Simulation.tolerance must be in \(0, 1\), got 0.0"),
        ({"tolerance": "small"}, TypeError, "Simulation.tolerance must be a real number, got 'small'"),
    ],
)
def test_options(options, error, message):
    with pytest.raises(error, match=message):
        gp.Simulation(brunel(), **options)


# -- statistics ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_statistics_are_those_of_an_exact_history():
    """Rates, variances and spectra on the seed network; each comparison raises a false alarm once in 3e7 times."""
    runs, duration, drop = 16, 20_000.0, 6000.0
    segments = runs * int((duration - drop) / 1000.0)
    nets = (with_length(brunel(), 4, 0.5), {"history": "exact"}), (brunel(), {"history": "adaptive"})
    exact, adaptive = (
        activities(net, duration, 0.5, range(first, first + runs), drop=drop, bin_ms=1.0, **options)
        for first, (net, options) in zip((0, 1000), nets, strict=True)
    )
    for i in range(2):
        for statistic in (np.mean, np.var):
            a, b = (statistic(activity[:, :, i], axis=1) for activity in (exact, adaptive))
            error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / runs)
            assert abs(a.mean() - b.mean()) < 8.0 * error  # t with 30 degrees of freedom: as 5.5 of a normal law
        a, b = (spectrum(activity[:, :, i], 1.0) for activity in (exact, adaptive))
        for f in (5, 10, 20, 50, 100):
            ratio = a[f - 2 : f + 3].mean() / b[f - 2 : f + 3].mean()
            assert abs(np.log(ratio)) < 5.5 * np.sqrt(2.0 / (5 * segments))


@pytest.mark.slow
def test_rates_of_the_adapting_column():
    """Those of an exact history of automatic length differ by the quarter of a percent that it cuts off."""
    options = {"duration": 8000.0, "dt": 0.1, "seeds": range(2), "drop": 3000.0}
    net = column((0.9736, 0, 4.6732, 0, 8.1410, 0, 0.9881, 0))
    exact = activities(net, history="exact", **options).mean(axis=(0, 1))
    adaptive = activities(net, history="adaptive", **options).mean(axis=(0, 1))
    assert_allclose(adaptive, exact, rtol=0.02, atol=0.01)
