"""What holds for any parameters: neurons are conserved, probabilities are probabilities, counts never exceed N."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gifpop as gp
from gifpop.meso import _meso
from gifpop.meso.modes import unpack
from tests.helpers.state import plan_of

finite = {"allow_nan": False, "allow_infinity": False}


@st.composite
def cells(draw):
    n = draw(st.integers(0, 3))
    return gp.GIF(
        C_m=draw(st.floats(1.0, 1e3)),
        tau_m=draw(st.floats(0.1, 100.0)),
        E_L=draw(st.floats(-80.0, 20.0)),
        V_reset=draw(st.floats(-80.0, 20.0)),
        V_T_star=draw(st.floats(-60.0, 40.0)),
        Delta_V=draw(st.floats(0.01, 20.0)),
        lambda_0=draw(st.floats(0.0, 1e3)),
        t_ref=draw(st.floats(0.0, 20.0)),
        I_e=draw(st.floats(-1e3, 1e4)),
        tau_syn_ex=draw(st.floats(0.1, 50.0)),
        tau_syn_in=draw(st.floats(0.1, 50.0)),
        tau_sfa=draw(st.lists(st.floats(1.0, 3000.0), min_size=n, max_size=n)),
        q_sfa=draw(st.lists(st.floats(-20.0, 50.0), min_size=n, max_size=n)),
    )


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


def check_state(plan, N, dt):
    state, cohorts = plan.state[0], plan.window
    for name in cohorts:
        assert np.all(np.isfinite(cohorts[name])), name
    for name in state.dtype.names:
        assert np.all(np.isfinite(state[name])), name
    assert np.all(np.isfinite(plan.I_syn))
    assert np.all((cohorts["survivors"] >= 0) & (cohorts["survivors"] <= cohorts["count"]))
    assert np.all((cohorts["variance"] >= 0) & (cohorts["variance"] <= N))
    assert np.all(cohorts["hazard"] >= 0)
    assert state["survivors"] >= 0
    if plan.carried is not None:
        for moments in (plan.carried.cohorts[:, plan.in_use], plan.carried.free, plan.carried.fired):
            assert np.all(np.isfinite(moments))
        check_variances(plan)


def check_variances(plan):
    """No mode of neurons that there are has a variance that their input and their spikes could not have brought."""
    carried, cell_arrays = plan.carried, plan.merged if plan.cells is not None else {"survivors": np.zeros(0)}
    D, used = len(carried.jump), slice(_meso.PADDING, _meso.PADDING + plan.state["cells"][0])
    survivors = np.concatenate([plan.state["survivors"], plan.window["survivors"], cell_arrays["survivors"]])
    rows = [carried.free[:, np.newaxis], carried.cohorts[:, plan.in_use]]
    rows += [] if carried.cells is None else [carried.cells[:, used]]
    _, covariances = unpack(np.concatenate(rows, axis=1)[:-1, survivors > 1e-6], D)
    variances = np.einsum("ddn->dn", covariances)
    _, brought = unpack((carried.capacity @ carried.noise)[:, np.newaxis], D)
    lasting = 1.0 - carried.decay[:D]
    most = np.diag(brought[:, :, 0]) / lasting**2 + (carried.jump / lasting) ** 2
    assert np.all(variances <= 1.001 * most[:, np.newaxis] + 1e-6)


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
