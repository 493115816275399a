"""What holds for any parameters: neurons are conserved, probabilities are probabilities, counts never exceed N."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import gifpop as gp

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
    adaptation=st.sampled_from(["carried", "quasi-renewal"]),
)
def test_any_population(cell, N, dt, weight, delay, binomial, kernel, seed, history, adaptation):
    net = gp.Network()
    net.population("P", N, cell, len_kernel=kernel, BinoRand=binomial)
    net.connect("P", "P", weight=weight / N * 1e3, delay=delay * dt)
    sim = gp.Simulation(net, dt=dt, seed=seed, record="all", history=history, adaptation=adaptation)
    for _ in range(3):
        result = sim.run(100 * dt)["P"]
        assert np.all((result.counts >= 0) & (result.counts <= N))
        assert np.all(np.isfinite(result.mean))
        check_state(sim._engine.plans[0], N, dt)


def check_state(plan, N, dt):
    state, cohorts = plan.state[0], plan.window
    for name in cohorts:
        assert np.all(np.isfinite(cohorts[name])), name
    for name in state.dtype.names:
        assert np.all(np.isfinite(state[name])), name
    assert np.all((cohorts["survivors"] >= 0) & (cohorts["survivors"] <= cohorts["count"]))
    assert np.all((cohorts["variance"] >= 0) & (cohorts["variance"] <= N))
    assert np.all(cohorts["hazard"] >= 0)
    assert state["survivors"] >= 0
    if plan.carried is not None:
        for moments in (plan.carried.cohorts[:, plan.in_use], plan.carried.free, plan.carried.fired):
            assert np.all(np.isfinite(moments))


@given(
    drive=st.floats(0.0, 2000.0), N=st.integers(10, 10**6), seed=st.integers(0, 2**32)
)
def test_neurons_are_conserved(drive, N, seed):
    """Survivors of all cohorts and free neurons add up to N but for what the finite-size correction draws back."""
    net = gp.Network()
    net.population("P", N, gp.GIF(I_e=drive))
    sim = gp.Simulation(net, dt=0.5, seed=seed, history="exact")
    sim.run(1000.0)
    plan = sim._engine.plans[0]
    total = np.sum(plan.window["survivors"]) + plan.state["survivors"][0]
    assert abs(total - N) < 10.0 * np.sqrt(N)
