"""Replayed expected counts as smooth functions of the parameters: what likelihoods and their gradients stand on."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from tests.helpers.networks import SEED_CELL
from tests.helpers.populations import CARRYING, RENEWING, layouts, parameters_of, replay_alone

pytestmark = pytest.mark.usefixtures("cells_at_any_cost")
DT, STEPS, N, K = 0.5, 600, 200, 80
CELL = replace(SEED_CELL, tau_m=20.5, V_T_star=14.7, I_e=420.0, tau_sfa=[80.0, 300.0], q_sfa=[2.0, 1.0])
CELLS = {
    "no adaptation": replace(CELL, tau_sfa=[], q_sfa=[]),
    "adapting": CELL,
    "strongly": replace(CELL, I_e=900.0, q_sfa=[12.0, 6.0]),
    "steep, in volleys": replace(CELL, I_e=900.0, tau_sfa=[80.0], q_sfa=[5.0], Delta_V=0.3),
    "currents": replace(CELL, I_e=600.0, tau_stc=[30.0, 150.0], q_stc=[60.0, 20.0]),
}
WEIGHT = -0.3
PARAMETERS = ("I_e", "V_T_star", "tau_m", "Delta_V", "lambda_0", "weight", "tau_sfa", "q_sfa", "tau_stc", "q_stc")


def network(cell, weight=WEIGHT):
    """Two populations, of which one inhibits itself."""
    net = gp.Network()
    net.population("P", N, cell)
    net.population("Q", 100, CELLS["no adaptation"])
    net.connect("P", "P", weight=weight, delay=2.0)
    net.connect("Q", "P", weight=0.2, delay=1.5)
    return net


@functools.cache
def counts_of(name, adaptation):
    result = network(CELLS[name]).simulate(STEPS * DT, dt=DT, seed=1, history="exact", adaptation=adaptation)
    return {population: result[population].counts for population in "PQ"}


def replayed(name, parameter, factor, adaptation, **options):
    """Return the expected counts of P if a parameter, or the first of several, is multiplied by a factor."""
    cell, weight = CELLS[name], WEIGHT
    if parameter == "weight":
        weight *= factor
    else:
        value = getattr(cell, parameter)
        value = [value[0] * factor, *value[1:]] if isinstance(value, tuple) else value * factor
        cell = replace(cell, **{parameter: value})
    options = {"dt": DT, "counts": counts_of(name, adaptation), "adaptation": adaptation, **options}
    return network(cell, weight).simulate(STEPS * DT, **options)["P"].mean


def check_differences(function, largest=1e-3):
    """Check that central differences of ``function(factor)``, an array, are those of a smooth function at 1.

    Their errors shrink with the square of the step, from the ``largest`` one on, until those of rounding, which grow
    with its inverse.
    """

    def difference(h):
        return (function(1.0 + h) - function(1.0 - h)) / (2.0 * h)

    def size(x):
        return np.sqrt(np.mean(np.square(x)))

    coarse, fine = difference(largest), difference(0.5 * largest)
    slope = (4.0 * fine - coarse) / 3.0
    rounding = 400.0 * np.finfo(float).eps * size(function(1.0))
    first, second = size(coarse - slope), size(fine - slope)
    if first > 100.0 * rounding / largest:
        assert 3.8 < first / second < 4.2
    for h in 10.0 ** -np.arange(4, 8):
        assert size(difference(h) - slope) < (2.0 * (h / largest) ** 2 + 1e-3) * first + rounding / h, h


def present(name):
    return [p for p in PARAMETERS if p == "weight" or getattr(CELLS[name], p) != ()]


@pytest.mark.parametrize(
    ("name", "adaptation", "history"),
    [
        (name, adaptation, history)
        for name in CELLS
        for adaptation in ("carried", "quasi-renewal")
        for history in ("exact", "adaptive")
        if name != "currents" or adaptation == "carried"
    ],
)
def test_expected_counts(name, adaptation, history):
    options = {"adaptation": adaptation, "history": history, "smooth": True}
    largest = 1e-4 if name.startswith("steep") else 1e-3  # farther away, higher orders count
    for parameter in present(name):
        check_differences(lambda factor, p=parameter: replayed(name, p, factor, **options), largest)


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
def test_log_likelihood(adaptation):
    counts = counts_of("adapting", adaptation)["P"]

    def log_likelihood(factor):
        p = np.clip(replayed("adapting", "q_sfa", factor, adaptation, history="exact", smooth=True) / N, 1e-6, 1 - 1e-6)
        return np.array([np.sum(counts * np.log(p) + (N - counts) * np.log1p(-p))])

    check_differences(log_likelihood)


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
def test_with_the_switch_of_nest_they_jump(adaptation):
    with pytest.raises(AssertionError):
        check_differences(lambda factor: replayed("adapting", "I_e", factor, adaptation, history="exact"))


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
def test_it_is_nearly_the_same_model(adaptation):
    """What is smooth are other expected counts, by less than half the probability where NEST's choice begins."""
    ours, theirs = (
        replayed("adapting", "I_e", 1.0, adaptation, history="exact", smooth=smooth) for smooth in (True, False)
    )
    assert 1e-4 < np.sqrt(np.mean((ours - theirs) ** 2)) / theirs.mean() < 5e-3


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize(
    ("name", "carried"),
    [
        ("two", True),
        ("five", True),
        ("steep", True),
        ("threshold and currents", True),
        ("no adaptation", False),
        ("four", False),
        ("steep", False),
    ],
)
def test_compiled_is_twin(name, carried, history, loops):
    cell = CARRYING[name] if carried else RENEWING[name]
    options = {"dt": DT, "smooth": True, "adaptation": "carried" if carried else "quasi-renewal", "history": history}
    net, steps = gp.Network(), 240
    net.population("P", 60, cell, len_kernel=K)
    counts, layout, twin = twin_of_case(name, carried, history, steps)
    result = net.simulate(steps * DT, counts={"P": counts}, **options)
    if history == "adaptive":
        (now,) = layouts(net, options.pop("dt"), **{k: v for k, v in options.items() if k != "history"})
        assert_array_equal(now["widest"], layout["widest"])
    limit = 1e-9 if carried else 1e-12
    assert_allclose(result["P"].mean, twin, rtol=limit, atol=60 * limit)


@functools.cache
def twin_of_case(name, carried, history, steps):
    """Return spike counts of a population, the layout of its history, and what the twin expects."""
    cell = CARRYING[name] if carried else RENEWING[name]
    net = gp.Network()
    net.population("P", 60, cell, len_kernel=K)
    adaptation = "carried" if carried else "quasi-renewal"
    counts = net.simulate(steps * DT, dt=DT, seed=1, adaptation=adaptation)["P"].counts
    layout = layouts(net, DT, adaptation=adaptation, smooth=True)[0] if history == "adaptive" else None
    twin = replay_alone(parameters_of(cell, 60, K), DT, counts, layout, carried=carried, smooth=True)
    return counts, layout, twin["mean"][0]


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
@pytest.mark.parametrize(
    "change",
    [{"tau_m": 20.7}, {"Delta_V": 2.52}, {"I_e": 424.0}, {"q_sfa": [2.02, 1.01]}, {"V_T_star": 14.8}],
    ids=str,
)
def test_layouts_do_not_follow_small_changes(change, adaptation):
    """Length, window and widths of a history are the same in a neighbourhood."""
    options = {"smooth": True, "adaptation": adaptation}
    (before, _), (after, _) = (layouts(network(c), DT, **options) for c in (CELL, replace(CELL, **change)))
    assert before["window"] == after["window"]
    assert_array_equal(before["widest"], after["widest"])


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
def test_layouts_follow_large_changes(adaptation):
    options = {"smooth": True, "adaptation": adaptation}
    (before, _), (after, _) = (layouts(network(c), DT, **options) for c in (CELL, replace(CELL, Delta_V=0.5)))
    assert after["window"] > before["window"]


def test_set_keeps_it():
    """Parameters that a simulation is set to act as those of another one."""
    sim = gp.Simulation(network(CELLS["adapting"]), dt=DT, seed=1, smooth=True, counts=counts_of("adapting", "carried"))
    sim.set("P", I_e=400.0)
    expected = network(replace(CELL, I_e=400.0)).simulate(
        STEPS * DT, dt=DT, smooth=True, counts=counts_of("adapting", "carried")
    )
    assert_array_equal(sim.run(STEPS * DT)["P"].mean, expected["P"].mean)


def test_it_is_saved(tmp_path):
    sim = gp.Simulation(network(CELL), dt=DT, seed=1, smooth=True)
    sim.run(50.0)
    sim.save(tmp_path / "state.npz")
    again = gp.Simulation.load(tmp_path / "state.npz")
    assert_array_equal(again.run(50.0)["P"].mean, sim.run(50.0)["P"].mean)
    sim.reset(seed=3), again.reset(seed=3)
    assert_array_equal(again.run(50.0)["P"].mean, sim.run(50.0)["P"].mean)


def test_wrong_type():
    with pytest.raises(TypeError, match=r"Simulation\.smooth must be True or False, got 1"):
        gp.Simulation(network(CELL), smooth=1)


@pytest.mark.parametrize("parameters", [{"tau_m": 1e100}, {"Delta_V": 1e50}, {"V_T_star": 1e50, "V_reset": -1e50}])
def test_parameters_at_their_limits_can_be_rounded(parameters):
    net = gp.Network()
    net.population("P", N, gp.GIF(**parameters))
    assert np.isfinite(net.simulate(10.0, dt=DT, seed=1, smooth=True)["P"].mean).all()


def test_rounding_parameters_warns_of_nothing():
    with pytest.warns(UserWarning, match="looks like a value in nF"):
        cell = replace(CELL, C_m=0.5, I_e=1.0)
    net = gp.Network()
    net.population("P", N, cell)
    net.simulate(10.0, dt=DT, seed=1, smooth=True)
