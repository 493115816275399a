"""Without a refractory period: neurons may fire again in the next step, from the reset, at either level."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
import gifpop.nest as nest
from tests.helpers import populations, reference
from tests.helpers.networks import single
from tests.helpers.populations import VARIABLES, layouts, parameters_of, replay_alone

CELL = replace(populations.CELL, t_ref=0.0, lambda_0=30.0)
CASES = {
    "no adaptation": CELL,
    "one time constant": replace(CELL, tau_sfa=[20.0], q_sfa=[2.0]),
    "two": replace(CELL, tau_sfa=[5.0, 20.0], q_sfa=[4.0, -1.0]),
    "a current": replace(CELL, tau_stc=[12.0], q_stc=[150.0]),
    "threshold and currents": replace(CELL, tau_sfa=[15.0], q_sfa=[2.0], tau_stc=[12.0, 4.0], q_stc=[100.0, -80.0]),
}
CLOSURES = [
    ("no adaptation", "quasi-renewal"),
    ("one time constant", "quasi-renewal"),
    ("two", "quasi-renewal"),
    ("two", "carried"),
    ("a current", "carried"),
    ("threshold and currents", "carried"),
]
DT, STEPS = 0.5, 160


@functools.cache
def twin_of_case(name, history, adaptation):
    """Return a population, its spike counts, and what the twin expects."""
    cell = CASES[name]
    net = single(cell, 60, len_kernel=60)
    options = {"dt": DT, "adaptation": adaptation}
    counts = net.simulate(STEPS * DT, seed=1, **options)["P"].counts
    layout = layouts(net, **options)[0] if history == "adaptive" else None
    twin = replay_alone(parameters_of(cell, 60, 60), DT, counts, layout, carried=adaptation == "carried")
    return net, counts, twin


@pytest.mark.usefixtures("cells_at_any_cost")
@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize(("name", "adaptation"), CLOSURES)
def test_compiled_population_is_twin(name, adaptation, history, loops):
    net, counts, twin = twin_of_case(name, history, adaptation)
    options = {"dt": DT, "history": history, "adaptation": adaptation, "record": "all"}
    result = net.simulate(STEPS * DT, counts={"P": counts}, **options)["P"]
    assert np.count_nonzero(counts) > 100
    for variable in VARIABLES:
        expected = twin[variable][0]
        assert_allclose(getattr(result, variable), expected, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(expected).max()))


def test_compiled_neurons_are_twins(loops):
    cell, N = replace(CASES["threshold and currents"], V_reset=12.0, lambda_0=500.0), 20
    result = single(cell, N).simulate(STEPS * DT, dt=DT, level="micro", record="all", initial="rest", seed=3)["P"]
    times, neurons = result.spikes
    fired = np.zeros((STEPS, N), dtype=bool)
    fired[np.rint(times / DT).astype(int) - 1, neurons] = True
    assert np.count_nonzero(fired[1:] & fired[:-1]) > 5  # in two steps, one after the other
    p = {key: getattr(cell, key) for key in [*reference.NEURON_DEFAULTS, "tau_m"] if hasattr(cell, key)}
    p |= {"g_L": p["C_m"] / p.pop("tau_m"), "V_m": cell.E_L}
    for i in range(N):
        twin = reference.TrapezoidalNeuron(p, DT)
        for k in range(STEPS):
            twin.step(forced=fired[k, i])
            for name in ("V_m", "E_sfa", "I_stc"):
                assert_allclose(getattr(result, name)[k, i], getattr(twin, name), rtol=1e-10, atol=1e-10)


def renewal_rate(cell, dt, linear):
    """Return the probability to fire in a step, of neurons that have no memory but their last spike.

    ``linear``: where it is small, the hazard integrated over the step.
    """
    resting = cell.E_L + cell.I_e * cell.tau_m / cell.C_m
    age = np.arange(2000) * dt
    hazard = cell.lambda_0 * np.exp(
        (resting + (cell.V_reset - resting) * np.exp(-age / cell.tau_m) - cell.V_T_star) / cell.Delta_V
    )
    hazard[0] = 0.0
    integral = 0.5e-3 * dt * (hazard[:-1] + hazard[1:])
    probability = np.where(linear & (integral <= 0.01), integral, -np.expm1(-integral))
    return 1.0 / np.sum(np.concatenate(([1.0], np.cumprod(1.0 - probability))))


@pytest.mark.parametrize("dt", [0.1, 1.0])
@pytest.mark.parametrize("finite_size", ["corrected", "drawn"])
@pytest.mark.parametrize(
    ("history", "adaptation", "rtol"),
    [("exact", "quasi-renewal", 1e-5), ("adaptive", "quasi-renewal", 1e-3), ("exact", "carried", 1e-5)],
)
def test_rate_of_a_population(dt, history, adaptation, rtol, finite_size):
    terms = {"tau_sfa": [10.0], "q_sfa": [0.0]} if adaptation == "carried" else {}
    net = single(replace(CELL, **terms), 10**9, len_kernel=round(60.0 / dt))
    options = {"history": history, "adaptation": adaptation, "finite_size": finite_size}
    result = net.simulate(200.0, dt=dt, seed=1, **options)["P"]
    rate = result.counts[len(result.counts) // 2 :].mean() / 1e9
    assert_allclose(rate, renewal_rate(CELL, dt, linear=finite_size == "corrected"), rtol=rtol, atol=0)


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_rate_of_neurons(dt):
    """Six standard deviations at most, of counts that vary less than Poisson's: a false alarm in 10^9."""
    result = single(CELL, 2000).simulate(300.0, dt=dt, level="micro", seed=1)["P"]
    counts = result.counts[len(result.counts) // 3 :]
    expected = 2000 * len(counts) * renewal_rate(CELL, dt, linear=False)
    assert abs(counts.sum() - expected) < 6.0 * math.sqrt(expected)


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_all_may_fire_again_in_the_next_step(level):
    certain = replace(CELL, lambda_0=1e9)
    assert_array_equal(single(certain, 10).simulate(3.0, dt=DT, level=level, seed=1)["P"].counts, [10] * 6)


def test_stationary_neurons_begin_as_they_go_on():
    """The first step's count is that of all others, within six standard deviations."""
    net = single(CELL, 40_000)
    counts = net.simulate(20.0, dt=DT, level="micro", initial="stationary", seed=2)["P"].counts
    assert abs(counts[0] - counts[1:].mean()) < 6.0 * math.sqrt(counts.mean())


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_changed_between_two_runs(level):
    """A refractory period that is taken away, and one that is given, at either level."""
    sim = gp.Simulation(single(replace(CELL, lambda_0=1e9), 10), dt=DT, level=level, seed=1)
    sim.run(1.0)
    sim.set("P", t_ref=0.5)
    sim.run(2.0)
    sim.set("P", t_ref=0.0)
    sim.run(1.5)
    assert sim.result()["P"].counts[-3:].tolist() == [10, 10, 10]
    assert sim.result()["P"].counts[2:6].sum() == 20


@pytest.mark.parametrize(
    ("h", "expected"),
    [
        (0.1, [0.01980133, 0.03882653, 0.03846]),
        (0.5, [0.09516258, 0.17307788, 0.16690]),
        (1.0, [0.18126925, 0.30278393, 0.28708]),
    ],
)
@pytest.mark.usefixtures("cells_at_any_cost")
@pytest.mark.parametrize("history", ["exact", "adaptive"])
def test_populations_of_nest(h, expected, history):
    """As NEST 3.10: first, second and stationary mean, for N neurons of constant hazard."""
    nest.ResetKernel()
    nest.set(resolution=h, gifpop_history=history)
    cell = {"N": 10**8, "lambda_0": 400.0, "V_T_star": 0.0, "t_ref": 0.0, "tau_sfa": [100.0], "q_sfa": [0.0]}
    population = nest.Create("gif_pop_psc_exp", params=cell)
    meter = nest.Create("multimeter", params={"record_from": ["mean"], "interval": h})
    nest.Connect(meter, population)
    nest.Simulate(40.0)
    assert_allclose(meter.events["mean"][[0, 1, -1]] / 1e8, expected, rtol=0, atol=2e-5)


def test_neurons_of_nest_are_never_reset():
    nest.ResetKernel()
    neuron = nest.Create("gif_psc_exp", params={"t_ref": 0.0, "lambda_0": 1e9, "V_T_star": -100.0, "V_m": -70.0})
    nest.Simulate(1.0)
    assert neuron.V_m == pytest.approx(-70.0, abs=1e-12)
