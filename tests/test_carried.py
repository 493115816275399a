"""Cohorts that carry their members' adaptation: the compiled loops against the plain twin, and limits known exactly."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import reference
from networks import SEED_CELL, brunel, single
from numpy.testing import assert_allclose
from test_history import layouts

import gifpop as gp

VARIABLES = ("mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in")
CELL = gp.GIF(tau_sfa=[], q_sfa=[], tau_m=5.0, t_ref=2.0, E_L=1.0, V_reset=2.0, V_T_star=10.0, I_e=900.0, Delta_V=1.5)
CASES = {
    "one time constant": replace(CELL, tau_sfa=[40.0], q_sfa=[4.0]),
    "two": replace(CELL, tau_sfa=[10.0, 40.0], q_sfa=[4.0, 2.0]),
    "five": replace(CELL, tau_sfa=[2.0, 5.0, 20.0, 50.0, 80.0], q_sfa=[9.0, -1.0, 1.0, 0.5, 0.2]),
    "facilitation": replace(CELL, I_e=700.0, tau_sfa=[10.0, 30.0], q_sfa=[3.0, -1.0]),
    "steep": replace(CELL, Delta_V=0.1, tau_sfa=[20.0], q_sfa=[1.0]),
    "a current": replace(CELL, tau_stc=[30.0], q_stc=[150.0]),
    "a fast current": replace(CELL, tau_stc=[2.0], q_stc=[900.0], t_ref=0.0),
    "threshold and currents": replace(CELL, tau_sfa=[25.0], q_sfa=[2.0], tau_stc=[30.0, 8.0], q_stc=[100.0, -80.0]),
}
STEPS, DT = 600, 0.5


def parameters_of(cell, N):
    names = [*reference.DEFAULTS, "tau_stc", "q_stc"]
    p = {name: getattr(cell, name) for name in names if getattr(cell, name, None) is not None}
    return p | {"N": N, "V_m": cell.E_L, "len_kernel": 200}


@functools.cache
def twin_of_case(name, history):
    """Spike counts of a population until after its first cells have become free, and what the twin expects."""
    cell = CASES[name]
    net = single(cell, 60, len_kernel=200)
    counts = net.simulate(STEPS * DT, dt=DT, seed=1, adaptation="carried")["P"].counts
    adaptive = layouts(net, DT, adaptation="carried") if history == "adaptive" else None
    twin = reference.replay([parameters_of(cell, 60)], DT, counts[np.newaxis], [[0.0]], [[1]],
                            initial_potential=cell.V_reset, adaptive=adaptive, carried=True)  # fmt: skip
    return net, counts, twin


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("name", CASES)
def test_compiled_is_twin(name, history, loops):
    net, counts, twin = twin_of_case(name, history)
    result = net.simulate(STEPS * DT, dt=DT, adaptation="carried", history=history, counts={"P": counts}, record="all")
    assert np.count_nonzero(counts) > 20
    for variable in VARIABLES:
        expected = twin[variable][0]
        assert_allclose(getattr(result["P"], variable), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("history", ["exact", "adaptive"])
def test_coupled_network_is_twin(history):
    net = brunel(N=(80, 20))
    steps = 800
    result = net.simulate(steps * DT, dt=DT, seed=2, adaptation="carried")
    counts = np.array([result[name].counts for name in "EI"])
    adaptive = layouts(net, DT, adaptation="carried") if history == "adaptive" else None
    p = [{**parameters_of(SEED_CELL, N), "len_kernel": -1} for N in (80, 20)]
    twin = reference.replay(p, DT, counts, [[50.0, -125.0]] * 2, [[2, 2]] * 2, adaptive=adaptive, carried=True)
    prescribed = dict(zip("EI", counts, strict=True))
    again = net.simulate(steps * DT, dt=DT, adaptation="carried", history=history, counts=prescribed)
    for i, name in enumerate("EI"):
        assert_allclose(again[name].mean, twin["mean"][i], rtol=1e-9, atol=1e-9 * p[i]["N"])


@pytest.mark.parametrize(
    ("terms", "history", "tolerance"),
    [
        ({"tau_sfa": [], "q_sfa": []}, "exact", 1e-12),
        ({"tau_sfa": [], "q_sfa": []}, "adaptive", 1e-12),
        ({"tau_sfa": [30.0, 300.0], "q_sfa": [0.0, 0.0]}, "exact", 1e-12),
        # cells without survivors leave earlier here, so that others begin elsewhere
        ({"tau_sfa": [30.0, 300.0], "q_sfa": [0.0, 0.0]}, "adaptive", 1e-7),
    ],
)
def test_without_adaptation_both_closures_are_one(terms, history, tolerance):
    net = single(replace(SEED_CELL, **terms), 300, len_kernel=1500)
    options = {"dt": DT, "history": history, "record": "all"}
    ours = net.simulate(1000.0, seed=3, adaptation="carried", **options)["P"]
    theirs = net.simulate(1000.0, counts={"P": ours.counts}, adaptation="quasi-renewal", **options)["P"]
    for variable in VARIABLES:
        expected = getattr(theirs, variable)
        assert_allclose(getattr(ours, variable), expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
