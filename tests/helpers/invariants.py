"""Any mesoscopic population, for hypothesis, and what always holds of its state."""

import numpy as np
from hypothesis import strategies as st

import gifpop as gp
from gifpop.meso import _meso
from gifpop.meso.modes import unpack


@st.composite
def cells(draw):
    """Draw any cell that GIF takes, within wide limits."""
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


def check_state(plan, N, dt):
    """Check what holds for any state of a population: numbers are finite, survivors no more than there were."""
    state, cohorts = plan.state[0], plan.window
    for name in cohorts:
        assert np.all(np.isfinite(cohorts[name])), name
    for name in state.dtype.names:
        assert np.all(np.isfinite(state[name])), name
    assert np.all(np.isfinite(plan.I_syn))
    assert np.all((cohorts["survivors"] >= 0) & (cohorts["survivors"] <= cohorts["count"]))
    if plan.drawn:
        assert np.all(plan.survivors % 1.0 == 0.0)
        assert plan.survivors.sum() == N
    else:
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
