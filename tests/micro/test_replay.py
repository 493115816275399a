"""Neurons: the compiled loop and the plain twins against each other, and one of these against NEST 3.10."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from tests.helpers import reference
from tests.helpers.golden import NEURON_TRACES, NEURON_VARIABLES, GoldenNeuron
from tests.helpers.state import engine_of, plan_of

FULL_CELL = {
    "C_m": 200.0,
    "E_L": -60.0,
    "V_reset": -65.0,
    "V_T_star": -50.0,
    "Delta_V": 2.0,
    "lambda_0": 20.0,
    "t_ref": 3.0,
    "I_e": 150.0,
    "tau_syn_ex": 3.0,
    "tau_syn_in": 15.0,
    "tau_sfa": [30.0, 300.0, 7.0],
    "q_sfa": [5.0, 1.0, -2.0],
    "tau_stc": [20.0, 100.0],
    "q_stc": [30.0, -5.0],
}


def twin(kind, parameters, dt, ex, inh, current, fires=None):
    """Advance one neuron of a twin; spikes are given steps, or its own for a budget of 1."""
    steps = len(ex)
    neuron = kind(parameters, dt, budget=1.0)
    record, spikes = {name: np.zeros(steps) for name in NEURON_VARIABLES}, []
    for k in range(steps):
        if neuron.step(current[k], ex[k], inh[k], None if fires is None else k in fires):
            spikes.append(k)
            neuron.budget = 1.0
        for name in ("V_m", "E_sfa", "I_stc"):
            record[name][k] = getattr(neuron, name)
        record["I_syn_ex"][k], record["I_syn_in"][k] = neuron.I_syn["ex"], neuron.I_syn["in"]
    return record, np.array(spikes)


@pytest.mark.parametrize("name", NEURON_TRACES)
def test_twin_is_nest(name):
    golden = GoldenNeuron(name)
    fires = set(golden.spike_steps) if golden.replayed else None
    record, spikes = twin(reference.Neuron, golden.parameters, golden.dt, golden.ex, golden.inh, golden.current, fires)
    assert_array_equal(spikes, golden.spike_steps)
    for key in NEURON_VARIABLES:
        assert_allclose(record[key], golden.arrays[key], rtol=1e-10, atol=1e-10, err_msg=key)


def with_tau_m(parameters):
    p = {**reference.NEURON_DEFAULTS, **parameters}
    return {**p, "tau_m": p["C_m"] / p.pop("g_L")}


@pytest.mark.parametrize("name", NEURON_TRACES)
def test_compiled_is_twin(name, loops):
    """The input of NEST's traces, and their spikes."""
    golden = GoldenNeuron(name)
    dt, given = golden.dt, golden.spike_steps
    inputs = golden.ex, golden.inh, golden.current
    record, _ = twin(reference.TrapezoidalNeuron, golden.parameters, dt, *inputs, set(given))
    net = gp.Network()
    net.population(
        "P", 3, gp.GIF(**{k: v for k, v in with_tau_m(golden.parameters).items() if k not in ("g_L", "receptors")})
    )
    for arriving in (golden.ex, golden.inh):
        for step in np.flatnonzero(arriving):
            net.inject("P", gp.SpikeTimes([step * dt], arriving[step]))
    net.inject("P", gp.Waveform(golden.current), delay=dt)
    spikes = {"P": (np.repeat((given + 1) * dt, 3), np.tile(np.arange(3), len(given)))}
    result = net.simulate(golden.steps * dt, dt=dt, level="micro", record="all", initial="rest", spikes=spikes)["P"]
    for i in range(3):
        for key in NEURON_VARIABLES:
            assert_allclose(getattr(result, key)[:, i], record[key], rtol=1e-12, atol=1e-12, err_msg=key)


def simulate_twins(cells, dt, weights, delays, current, budgets):
    """Simulate connected neurons of the twin; return their spikes and records, shape (steps, neurons).

    ``budgets``: of each interval and neuron, the hazard that it takes.
    """
    T, N = len(current), len(cells)
    fires, intervals = np.zeros((T, N), dtype=bool), np.zeros(N, dtype=int)
    twins = [reference.TrapezoidalNeuron(cell, dt, budgets[0][i]) for i, cell in enumerate(cells)]
    record = {name: np.zeros((T, N)) for name in NEURON_VARIABLES}
    for k in range(T):
        for i, neuron in enumerate(twins):
            arriving = {"ex": 0.0, "in": 0.0}
            for j in range(N):
                for w, d in zip(weights[i][j], delays[i][j], strict=True):
                    if k >= d and fires[k - d, j]:
                        arriving["ex" if w >= 0 else "in"] += w
            fires[k, i] = neuron.step(current[k], arriving["ex"], arriving["in"])
            if fires[k, i]:
                intervals[i] += 1
                neuron.budget = budgets[intervals[i]][i]
            for name in ("V_m", "E_sfa", "I_stc"):
                record[name][k, i] = getattr(neuron, name)
            record["I_syn_ex"][k, i], record["I_syn_in"][k, i] = neuron.I_syn["ex"], neuron.I_syn["in"]
    return fires, record


def drawn_budgets(net, intervals, **options):
    """Return the hazard that each neuron of a population alone takes in each interval."""
    sim = gp.Simulation(net, **options)
    plan, budgets = plan_of(sim, 0).copy(), []
    for n in range(intervals):
        plan.renew_budgets(0, float(n), engine_of(sim).streams[0])
        budgets.append(plan.of_neurons("budget").copy())
    return budgets


@functools.cache
def random_network(various):
    """Return a network, options, and what the twin makes of them with the same random numbers."""
    random = np.random.default_rng(5)
    N, T, dt, C = 70, 120, 0.5, 600
    pairs = random.integers(0, N, (2, C))
    w, d = random.normal(20.0, 60.0, C), random.integers(1, 9, C)
    own = {name: random.uniform(0.9, 1.1, N) * value for name, value in FULL_CELL.items() if np.ndim(value) == 0}
    own["t_ref"] = np.floor(own["t_ref"] / dt) * dt
    terms = {name: [q * random.uniform(0.5, 1.5, N) for q in FULL_CELL[name]] for name in ("q_sfa", "tau_stc")}
    cell = {**FULL_CELL, **own, **terms} if various else FULL_CELL
    cells = [
        {
            name: [v[i] if np.ndim(v) else v for v in values]
            if isinstance(values, list)
            else np.broadcast_to(values, N)[i]
            for name, values in cell.items()
        }
        for i in range(N)
    ]
    for one in cells:
        one["g_L"] = one["C_m"] / 20.0
        one["V_m"] = one["E_L"]
    weights = [[[] for _ in range(N)] for _ in range(N)]
    delays = [[[] for _ in range(N)] for _ in range(N)]
    for s, t, weight, delay in zip(*pairs, w, d, strict=True):
        weights[t][s].append(weight)
        delays[t][s].append(delay)
    current = random.normal(100.0, 200.0, T)
    net = gp.Network()
    P = net.population("P", N, gp.GIF(**cell, tau_m=20.0))
    net.connect(P, P, weight=w, delay=d * dt, rule=gp.Pairs(*pairs))
    net.inject(P, gp.Waveform(current), delay=dt)
    options = {"dt": dt, "level": "micro", "record": "all", "initial": "rest", "seed": 2}
    budgets = drawn_budgets(net, T + 1, **options)
    return net, {"duration": T * dt, **options}, simulate_twins(cells, dt, weights, delays, current, budgets)


@pytest.mark.parametrize("various", [False, True])
def test_random_network_is_twin(various, loops):
    """70 neurons (more than a tile), connections that differ in weight, sign and delay, some doubled."""
    net, options, (fires, record) = random_network(various)
    result = net.simulate(**options)["P"]
    assert result.counts.sum() > 100
    steps, neurons = np.nonzero(fires)
    assert_array_equal(result.spikes, [(steps + 1) * options["dt"], neurons])
    for key in NEURON_VARIABLES:
        assert_allclose(getattr(result, key), record[key], rtol=1e-12, atol=1e-12, err_msg=key)


def test_forced_spikes_repeat_a_run():
    """Spikes of one run, prescribed in another: everything else follows bit for bit."""
    from tests.helpers.networks import brunel

    net = brunel(N=(160, 40))
    options = {"dt": 0.5, "level": "micro", "record": "all", "seed": 3}
    first = net.simulate(100.0, **options)
    again = net.simulate(100.0, **options, spikes={name: first[name].spikes for name in ("E", "I")})
    for name in ("E", "I"):
        for key in NEURON_VARIABLES:
            assert_array_equal(getattr(again[name], key), getattr(first[name], key))
        assert_array_equal(again[name].spikes, first[name].spikes)


@pytest.mark.parametrize("offset", [0.0, 1e-12, 1e-9, 1e-6])
def test_nearly_equal_time_constants(offset):
    cell = gp.GIF(lambda_0=0.0, tau_m=10.0, tau_syn_ex=10.0 * (1.0 + offset))
    net = gp.Network()
    net.population("P", 1, cell)
    net.inject("P", gp.SpikeTimes([1.0], 100.0))
    v = net.simulate(50.0, dt=0.5, level="micro", record="V_m", initial="rest")["P"].V_m[:, 0]
    t = np.arange(99) * 0.5  # since the beginning of the step over which the spike arrives evenly
    integral = 10.0 * (10.0 - (t + 10.0) * np.exp(-t / 10.0))  # of t exp(-t / 10), from 0 on
    assert_allclose(v[2:], 100.0 / 250.0 * np.diff(integral) / 0.5, rtol=5.0 * offset + 1e-11, atol=0)
