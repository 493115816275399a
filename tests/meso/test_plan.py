"""From physical units to the arrays of the time loop."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gifpop as gp
from gifpop.common import grid
from gifpop.common.membrane import synaptic_carry
from gifpop.meso import plan
from tests.helpers import reference
from tests.helpers.golden import POPULATION_TRACES, Golden


@pytest.mark.parametrize("name", POPULATION_TRACES)
def test_automatic_history_is_nests(name):
    golden = Golden(name)
    for parameters, length in zip(golden.parameters, golden.lengths, strict=True):
        if parameters["len_kernel"] == -1:
            p = {k: v for k, v in parameters.items() if k in gp.GIF.__dataclass_fields__}
            assert plan.automatic_history(gp.GIF(**p), golden.dt) == length


@pytest.mark.parametrize(
    ("parameters", "dt"),
    [
        ({}, 0.1),
        ({"tau_sfa": [], "q_sfa": []}, 0.5),
        ({"tau_sfa": [100.0, 1000.0], "q_sfa": [10.0, 1.0], "Delta_V": 2.5}, 0.5),
        ({"tau_sfa": [1e5], "q_sfa": [100.0]}, 1.0),  # never short of 20 s
        ({"tau_sfa": [4000.0], "q_sfa": [-3.0]}, 0.5),  # facilitation does not count
        ({"tau_m": 5000.0}, 1.0),
        ({"t_ref": 300.0}, 0.7),
        ({"tau_sfa": [50.0, 3000.0], "q_sfa": [9.0, 0.201]}, 0.25),
    ],
)
def test_automatic_history_is_the_twins(parameters, dt):
    cell = gp.GIF(**parameters)
    expected = reference.history_length({**reference.DEFAULTS, **parameters}, dt)
    assert plan.automatic_history(cell, dt) == max(expected, grid.refractory_steps(cell.t_ref, dt) + 1)


@pytest.mark.parametrize(
    ("t_ref", "dt", "steps"),
    [
        (4.0, 0.5, 8),
        (0.0, 0.5, 0),
        (0.2, 0.5, 1),
        (4.1, 0.5, 9),
        (3.3, 0.1, 33),
        (0.3, 0.1, 3),
        (2.0, 0.1, 20),
        (4.0, 0.0125, 320),
        (4.0, 0.03125, 128),
        (4.0, 1 / 3, 12),
    ],
)
def test_refractory_steps(t_ref, dt, steps):
    assert grid.refractory_steps(t_ref, dt) == steps


@given(tau_s=st.floats(0.01, 1e4), ratio=st.floats(1e-3, 1e3), dt=st.floats(0.001, 10.0))
def test_synaptic_propagator_is_positive_and_symmetric(tau_s, ratio, dt):
    tau_m = tau_s * ratio
    carry = synaptic_carry(tau_s, tau_m, dt)
    assert 0.0 <= carry <= dt * 1.0000001
    assert math.isclose(carry, synaptic_carry(tau_m, tau_s, dt), rel_tol=1e-9, abs_tol=1e-300)


def test_multiples_of_the_step():
    assert grid.whole_steps("x", 0.3, 0.1) == 3
    assert grid.whole_steps("x", 1e7 * 0.1, 0.1) == 10**7
    with pytest.raises(ValueError, match=r"x must be a multiple of dt = 0.1 ms, got 0.25"):
        grid.whole_steps("x", 0.25, 0.1)
    with pytest.raises(ValueError, match=r"x must be >= 1 step of dt = 0.1 ms, got 0.0"):
        grid.whole_steps("x", 0.0, 0.1, least=1)
