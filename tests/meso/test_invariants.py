"""What holds for any parameters: neurons are conserved, probabilities are probabilities, counts never exceed N."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gifpop as gp
from tests.helpers.invariants import cells, check_state
from tests.helpers.state import plan_of


@given(
    cell=cells(),
    N=st.integers(1, 10**7),
    dt=st.sampled_from([0.1, 0.5, 1.0, 3.0]),
    weight=st.floats(-100.0, 100.0),
    delay=st.integers(1, 40),
    binomial=st.booleans(),
    kernel=st.one_of(st.just(-1), st.integers(210, 300)),
    seed=st.integers(0, 2**32),
    history=st.sampled_from(["exact", "adaptive"]),
    closure=st.sampled_from(["carried", "quasi-renewal", "sparse"]),
    p=st.sampled_from([0.1, 0.5, 0.9]),
)
def test_any_population(cell, N, dt, weight, delay, binomial, kernel, seed, history, closure, p):
    """With either closure; where wiring is sparse, adaptation is carried."""
    options = {"wiring": "sparse"} if closure == "sparse" else {"adaptation": closure}
    net = gp.Network()
    net.population("P", N, cell, len_kernel=kernel, BinoRand=binomial)
    net.connect("P", "P", weight=weight / N * 1e3, delay=delay * dt, p=p)
    sim = gp.Simulation(net, dt=dt, seed=seed, record="all", history=history, **options)
    for _ in range(3):
        result = sim.run(100 * dt)["P"]
        assert np.all((result.counts >= 0) & (result.counts <= N))
        assert np.all(np.isfinite(result.mean))
        check_state(plan_of(sim), N, dt)


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize(
    ("N", "weight", "p", "delay", "cell"),
    [
        (
            2,
            17360.0,
            0.5,
            15,
            {
                "C_m": 26.6,
                "tau_m": 23.4,
                "E_L": -31.4,
                "V_reset": 8.9,
                "V_T_star": -25.2,
                "Delta_V": 0.195,
                "lambda_0": 10.0,
                "t_ref": 15.6,
                "I_e": 9050.0,
                "tau_syn_ex": 22.9,
                "tau_syn_in": 0.342,
                "tau_sfa": [112.7, 455.4],
                "q_sfa": [23.6, 25.8],
            },
        ),
        (
            9,
            -7755.0,
            0.1,
            1,
            {
                "C_m": 72.4,
                "tau_m": 42.5,
                "E_L": -38.0,
                "V_reset": -37.4,
                "V_T_star": -26.2,
                "Delta_V": 0.0203,
                "lambda_0": 746.0,
                "t_ref": 11.2,
                "I_e": 44166.0,
                "tau_syn_ex": 26.5,
                "tau_syn_in": 45.0,
                "tau_sfa": [],
                "q_sfa": [],
            },
        ),
        (
            46,
            176.7,
            0.9,
            5,
            {
                "C_m": 2.6,
                "tau_m": 2.57,
                "E_L": -10.2,
                "V_reset": -77.4,
                "V_T_star": 13.3,
                "Delta_V": 0.0238,
                "lambda_0": 10.0,
                "t_ref": 5.14,
                "I_e": 25341.0,
                "tau_syn_ex": 1.7,
                "tau_syn_in": 26.1,
                "tau_sfa": [2853.0, 356.5],
                "q_sfa": [25.5, 20.35],
            },
        ),
    ],
)
def test_few_neurons_with_sparse_wiring_and_a_huge_drive(N, weight, p, delay, cell, history):
    """Where potentials spread over hundreds of Delta_V, and who fires is all but certain."""
    net = gp.Network()
    net.population("P", N, gp.GIF(**cell))
    net.connect("P", "P", weight=weight, delay=0.1 * delay, p=p)
    sim = gp.Simulation(net, dt=0.1, seed=1, record="all", history=history, wiring="sparse")
    for _ in range(10):
        assert np.all(np.isfinite(sim.run(50.0)["P"].mean))
        check_state(plan_of(sim), N, 0.1)


@given(drive=st.floats(0.0, 2000.0), N=st.integers(10, 10**6), seed=st.integers(0, 2**32))
def test_neurons_are_conserved(drive, N, seed):
    """Survivors of all cohorts and free neurons add up to N but for what the finite-size correction draws back."""
    net = gp.Network()
    net.population("P", N, gp.GIF(I_e=drive))
    sim = gp.Simulation(net, dt=0.5, seed=seed, history="exact")
    sim.run(1000.0)
    plan = plan_of(sim)
    total = np.sum(plan.window["survivors"]) + plan.state["survivors"][0]
    assert abs(total - N) < 10.0 * np.sqrt(N)
