"""What adaptive histories cost beside exact ones: never more."""

import statistics
import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.meso import history
from gifpop.meso.plan import automatic_history
from tests.helpers.networks import SEED_CELL, single
from tests.helpers.state import plan_of

TAU_SFA, Q_SFA = (100.0, 1000.0, 20.0, 300.0), (5.0, 1.0, 3.0, 2.0)
TAU_STC, Q_STC = (30.0, 200.0, 10.0, 100.0), (60.0, 20.0, 40.0, 30.0)


def cell(thresholds, currents, size, Delta_V):
    """Return neurons with so many thresholds and currents, of jumps that are ``size`` times what is usual."""
    return gp.GIF(
        I_e=450.0 + 150.0 * size**0.5 * (thresholds + currents > 0),
        Delta_V=Delta_V,
        tau_sfa=TAU_SFA[:thresholds],
        q_sfa=[size * q for q in Q_SFA[:thresholds]],
        tau_stc=TAU_STC[:currents],
        q_stc=[size * q for q in Q_STC[:currents]],
    )


MANY_CURRENTS = gp.GIF(
    C_m=100.0,
    tau_m=40.0,
    E_L=-75.0,
    V_reset=-60.0,
    V_T_star=-60.0,
    Delta_V=0.4,
    lambda_0=1.0,
    t_ref=3.0,
    I_e=120.0,
    tau_sfa=[10.0, 50.0, 250.0],
    q_sfa=[-15e3, 65e3, 250.0],
    tau_stc=[4.0, 180.0, 182.0],
    q_stc=[400.0, -2e5, 2.05e5],
)
STEEP = gp.GIF(
    I_e=1000.0,
    Delta_V=0.3,
    tau_sfa=[10.0, 50.0, 250.0],
    q_sfa=[10.0] * 3,
    tau_stc=[4.0, 180.0, 182.0],
    q_stc=[50.0, 20.0, 20.0],
)
CARRIED = [(J, S) for J in range(5) for S in range(5) if (J, S) in {(1, 0), (4, 0), (2, 1), (0, 2), (1, 3), (4, 4)}]
GRID = [("carried", J, S, size, Delta_V) for J, S in CARRIED for size in (1.0, 10.0) for Delta_V in (0.3, 2.0)]
GRID += [("quasi-renewal", J, 0, size, Delta_V) for J in (0, 1, 3) for size in (1.0, 10.0) for Delta_V in (0.3, 2.0)]


def simulations(neurons, dt, adaptation, **options):
    net = single(neurons, 500)
    net.connect("P", "P", weight=-0.1, delay=1.0)
    return [
        gp.Simulation(net, dt=dt, seed=1, adaptation=adaptation, history=history, **options)
        for history in ("adaptive", "exact")
    ]


def work(sim):
    """Return how many cohorts and cells are advanced in a step."""
    state = plan_of(sim).state
    return int(state["cohorts"][0] + state["cells"][0])


@pytest.mark.parametrize("dt", [0.2, 1.0])
@pytest.mark.parametrize(("adaptation", "J", "S", "size", "Delta_V"), GRID)
def test_no_more_cohorts_and_cells_than_cohorts_of_an_exact_history(adaptation, J, S, size, Delta_V, dt):
    """On average: after a volley, cells without survivors wait for the next round of merging."""
    pair, taken = simulations(cell(J, S, size, Delta_V), dt, adaptation), [0, 0]
    for _ in range(24):
        for i, sim in enumerate(pair):
            sim.run(53.0 * dt)
            taken[i] += work(sim)
    assert taken[0] <= 1.1 * taken[1] + 24 * history.MERGE_EVERY


@pytest.mark.parametrize("neurons", [MANY_CURRENTS, STEEP], ids=["many currents", "steep"])
def test_cohorts_without_survivors_leave(neurons):
    """Large jumps and steep thresholds make windows long; nearly all of their cohorts are empty."""
    adaptive, exact = simulations(neurons, 0.5, "carried")
    for sim in (adaptive, exact):
        sim.run(500.0)
    assert work(exact) < plan_of(adaptive).K
    assert work(adaptive) == work(exact)
    assert_array_equal(adaptive.result()["P"].counts, exact.result()["P"].counts)


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
def test_a_tolerance_that_merges_nothing_has_an_exact_history(adaptation):
    """Of the length that an exact one has, and with its results."""
    adaptive, exact = simulations(replace(SEED_CELL, tau_sfa=[100.0], q_sfa=[5.0]), 0.5, adaptation, tolerance=1e-9)
    assert plan_of(adaptive).cells is None
    assert_array_equal(adaptive.run(300.0)["P"].mean, exact.run(300.0)["P"].mean)


def test_neurons_begin_in_the_stationary_state_of_an_exact_history():
    """The state of a population that decides by itself not to merge."""
    net = single(replace(SEED_CELL, tau_sfa=[30.0], q_sfa=[8.0]), 5000)
    options = {"dt": 2.0, "seed": 1, "initial": "stationary"}
    assert plan_of(gp.Simulation(net, **options)).cells is None
    counts = net.simulate(2000.0, level="micro", **options)["P"].counts
    begin, later = counts[:50], counts[500:]
    # 5.5 standard deviations, false alarm 4e-8, of a mean of 50 steps that know nothing of each other
    error = 5.5 * np.sqrt(later.var() / 50)
    assert abs(begin.mean() - later.mean()) < 2.0 * error


def test_histories_are_as_long_as_can_be_afforded():
    """From four times the automatic length down to that, the coarser the tolerance the longer."""
    neurons, dt = replace(SEED_CELL, tau_sfa=[100.0], q_sfa=[5.0]), 0.5
    exact, lengths = automatic_history(neurons, dt), []
    for tolerance in (1e-2, 1e-4, 3.2e-6, 1e-6, 1e-8):
        widest = history.widest_cells(neurons, dt, 4 * exact, tolerance)
        lengths.append(history.affordable_length(widest, exact))
        if lengths[-1]:
            assert exact <= lengths[-1] <= 4 * exact
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == 4 * exact
    assert any(exact <= length < 4 * exact for length in lengths)
    assert lengths[-1] == 0


@pytest.mark.slow
@pytest.mark.parametrize("neurons", [MANY_CURRENTS, STEEP, cell(4, 4, 1.0, 0.3), cell(3, 0, 1.0, 2.0)])
def test_time(neurons):
    """Medians of interleaved runs; a machine that is busy with something else doubles the time of half of them."""
    pair = simulations(neurons, 0.1, "carried")
    times = [[], []]
    for sim in pair:
        sim.run(300.0)
    for _ in range(15):
        for sim, taken in zip(pair, times, strict=True):
            begin = time.process_time()
            sim.run(30.0)
            taken.append(time.process_time() - begin)
    adaptive, exact = (statistics.median(taken) for taken in times)
    assert adaptive < 1.5 * exact, np.array([adaptive, exact])
