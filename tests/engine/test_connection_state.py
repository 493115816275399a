"""Connections whose spikes change what later ones deliver."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import expm

import gifpop as gp
from gifpop import _core
from gifpop.engine import signals
from gifpop.engine.chunks import Probing
from gifpop.engine.engine import Engine
from gifpop.engine.links import Link
from gifpop.engine.plasticity import NEVER, RECORD, LinkPlasticity
from gifpop.meso.plan import plan_population, start_history
from gifpop.micro.plan import plan_neurons
from tests.helpers.state import resumed

DT, STEPS = 0.5, 300
SOURCES, N, SIZE = 20, 30, 50
NEURON = {"C_m": 250.0, "tau_m": 20.0, "E_L": 0.0, "V_reset": 0.0, "V_T_star": 15.0, "Delta_V": 2.0, "lambda_0": 10.0}
NEURON |= {"t_ref": 4.0, "tau_syn_ex": 3.0, "tau_syn_in": 6.0, "I_e": 250.0, "V_m": 0.0, "I_syn_ex": 0.0}
NEURON |= {"I_syn_in": 0.0, "tau_sfa": [], "q_sfa": [], "tau_stc": [], "q_stc": []}
NEURONS_A, NEURONS_B, POPULATION = range(3)
U = [0.5, 0.3, 0.2, 0.6, 0.4]
TAU_REC = [100.0, 50.0, 300.0, 80.0, 120.0]
TAU_FAC = [0.0, 200.0, 1000.0, 30.0, 80.0]
CONNECTIONS = 90
LAST = RECORD.index("last")
RATES = [U[3], TAU_REC[3], TAU_FAC[3], 0.0]


def records():
    """Return synapses that differ, one for each connection of the second link, the last half with tau_psc."""
    random, half = np.random.default_rng(4), CONNECTIONS // 2
    taus = random.uniform(20.0, 200.0, CONNECTIONS), random.choice([0.0, 50.0], CONNECTIONS)
    tau_psc = np.where(np.arange(CONNECTIONS) < half, 0.0, random.choice([3.0, 40.0], CONNECTIONS))
    tau_psc[-1] = taus[0][-1]
    x, y = random.uniform(0.2, 0.6, (2, CONNECTIONS)) * [[1.0], [0.5]]
    u, last = random.uniform(0.1, 0.5, CONNECTIONS), np.where(tau_psc > 0.0, -1.0, NEVER)
    return np.stack([random.uniform(0.1, 0.6, CONNECTIONS), *taus, tau_psc, x, y, u, last], axis=1)


def places():
    return np.random.default_rng(5).permutation(CONNECTIONS)


def plasticity(i):
    own = [{}, {"synapses": records(), "places": places()}, {"squared": True}, {}, {}][i]
    return LinkPlasticity(DT, U[i], TAU_REC[i], TAU_FAC[i], **own)


def connections():
    random = np.random.default_rng(3)
    source, target = np.sort(random.integers(0, SOURCES, CONNECTIONS)), random.integers(0, N, CONNECTIONS)
    order = np.lexsort((target, source))
    return source[order], target[order], random.uniform(5.0, 15.0, CONNECTIONS), random.integers(3, 9, CONNECTIONS)


def links(changing=True):
    """Return links of each kind: along single connections, alike or not, to all units, and of a population."""
    source, target, weight, lag = connections()
    first = np.searchsorted(source, np.arange(SOURCES + 1)).astype(np.int64)
    units = target.astype(np.int32)
    own = [plasticity(i) if changing else None for i in range(5)]
    return [
        Link(NEURONS_A, NEURONS_B, 3, "excitatory", 10.0, first, units, plasticity=own[0]),
        Link(NEURONS_A, NEURONS_B, 3, "excitatory", 1.0, first, units, weight, lag.astype(np.int32), own[1]),
        Link(NEURONS_A, NEURONS_B, 5, "inhibitory", -2.0, plasticity=own[2]),
        Link(NEURONS_A, POPULATION, 4, "excitatory", 3.0, plasticity=own[3]),
        Link(POPULATION, NEURONS_B, 6, "excitatory", 4.0, plasticity=own[4]),
    ]


def engine_of(threads=1, changing=True):
    population = plan_population(gp.GIF(I_e=400.0), SIZE, DT, 100)
    start_history(population, 0.0)
    plans = [plan_neurons(NEURON, SOURCES, DT), plan_neurons(NEURON, N, DT), population]
    streams = [np.array([1, 2], dtype=np.uint64), np.array([3, 4], dtype=np.uint64), np.random.PCG64(5)]
    for plan, key in zip(plans[:2], streams, strict=False):
        plan.restart(key)
    lines = [signals.Samples([100.0], repeat=STEPS)]
    drive = [Link(3, NEURONS_A, 1, "current", 2.0)]
    return Engine(["A", "B", "P"], plans, streams, links(changing) + drive, lines, dt=DT, n_threads=threads)


PROBES = [(NEURONS_B, list(range(N)), ("I_syn_ex", "I_syn_in")), (POPULATION, 0, "I_syn_ex")]


def run(engine, n=STEPS, prescribed=None, pieces=1):
    records = []
    for _ in range(pieces):
        records += [chunk.records for chunk in engine.run(n // pieces, Probing(engine.plans, PROBES, prescribed))]
    return np.vstack(records)


class Synapses:
    """Synapses of some source units, step by step."""

    def __init__(self, records):
        self.U, self.tau_rec, self.tau_fac, self.tau_psc, self.x, self.y, self.u, _ = records.T.copy()
        self.fired = np.zeros(len(records), dtype=bool)
        self.waits = self.tau_psc > 0.0  # what is released, before it recovers
        flow = [
            [[-1.0 / psc, 0.0], [1.0 / psc, -1.0 / rec]] if psc else [[0.0, 0.0], [0.0, -1.0 / rec]]
            for psc, rec in zip(self.tau_psc, self.tau_rec, strict=True)
        ]
        self.step = expm(DT * np.array(flow))  # of the released and the inactive resources
        self.kept = np.exp(-DT / np.where(self.tau_fac > 0.0, self.tau_fac, 1e-9))

    def release(self, spikes):
        """Recover for a step, then release spike by spike; return what each unit delivers."""
        recovers = self.waits | self.fired
        y, z = np.einsum("ijk,ik->ji", self.step, np.stack([self.y, 1.0 - self.x - self.y], axis=1))
        self.x, self.y = np.where(recovers, 1.0 - y - z, self.x), np.where(recovers, y, self.y)
        rest = np.where(self.waits, 0.0, self.U)
        self.u = np.where(recovers, rest + (self.u - rest) * self.kept, self.u)
        delivered = np.zeros(len(self.x))
        for spike in range(int(np.max(spikes))):
            fires = spikes > spike
            jumped = self.u + self.U * (1.0 - self.u)
            used = np.where(self.waits, jumped, self.u)
            released = np.where(fires, used * self.x, 0.0)
            self.u = np.where(fires, jumped, self.u)
            self.x, self.y = self.x - released, np.where(self.waits, self.y + released, 0.0)
            self.fired |= fires
            delivered += released
        return delivered


def expected(fires, counts):
    """Return the synaptic currents of the neurons, and what arrives at the population, from given spikes."""
    source, target, weight, lag = connections()
    each = [Synapses(plasticity(i).at_rest(1 if i == 4 else SOURCES)) for i in range(5)]
    each[1] = Synapses(records()[places()])
    shared, single, of_population = np.zeros((4, STEPS, SOURCES)), np.zeros((STEPS, CONNECTIONS)), np.zeros(STEPS)
    for k in range(STEPS):
        for i in (0, 2, 3):
            shared[i, k] = each[i].release(fires[k])
        single[k] = each[1].release(fires[k, source])
        of_population[k] = each[4].release(counts[k : k + 1])[0]
    arriving, at_population = np.zeros((STEPS, N, 2)), np.zeros(STEPS)
    for k in range(STEPS):
        if k >= 3:
            np.add.at(arriving[k, :, 0], target, 10.0 * shared[0, k - 3, source])
        for j, (t, w, d) in enumerate(zip(target, weight, lag, strict=True)):
            if k >= d:
                arriving[k, t, 0] += w * single[k - d, j]
        if k >= 5:
            arriving[k, :, 1] -= 2.0 * np.sum(shared[2, k - 5] ** 2)
        if k >= 6:
            arriving[k, :, 0] += 4.0 * of_population[k - 6]
        if k >= 4:
            at_population[k] = 3.0 * shared[3, k - 4].sum()
    return arriving, at_population


def test_plasticity_is_twin():
    random = np.random.default_rng(1)
    fires, counts = random.random((STEPS, SOURCES)) < 0.08, random.poisson(2.0, STEPS).astype(np.int64)
    steps, units = np.nonzero(fires)
    nobody = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    prescribed = {NEURONS_A: (steps, units.astype(np.int32)), NEURONS_B: nobody, POPULATION: counts}
    records = run(engine_of(), prescribed=prescribed)
    arriving, at_population = expected(fires.astype(float), counts)
    taus, tau = np.array([3.0, 6.0]), gp.GIF().tau_syn_ex
    currents, of_population = np.zeros((N, 2)), 0.0
    for k in range(STEPS):  # spikes arrive evenly over the step
        currents = currents * np.exp(-DT / taus) - taus / DT * np.expm1(-DT / taus) * arriving[k]
        assert_allclose(records[k, :-1].reshape(N, 2), currents, rtol=1e-10, atol=1e-10)
        of_population = of_population * np.exp(-DT / tau) - tau / DT * np.expm1(-DT / tau) * at_population[k]
        assert_allclose(records[k, -1], of_population, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads(threads):
    try:
        _core.share_always_among_threads(True)
        one, several = engine_of(), engine_of(threads)
        assert_array_equal(run(one), run(several))
        assert_array_equal(np.vstack(one._states), np.vstack(several._states))
    finally:
        _core.share_always_among_threads(False)


def test_state_changes_what_arrives():
    """It is used at all, and links without it are as they were."""
    assert engine_of(changing=False)._states == []
    assert not np.array_equal(run(engine_of()), run(engine_of(changing=False)))


def test_each_engine_has_its_own():
    one, other = engine_of(), engine_of()
    run(one)
    for mine, theirs in zip(one._states, other._states, strict=True):
        assert np.all(theirs[:, LAST] < 0.0)
        assert np.any(mine[:, LAST] > 0.0)


def test_in_pieces_and_saved_and_restored():
    whole = run(engine_of(), pieces=2)
    engine = engine_of()
    first = run(engine, STEPS // 2)
    restored = resumed(engine_of(), engine)
    assert_array_equal(np.vstack([first, run(restored, STEPS // 2)]), whole)


def test_state_stays_where_links_change():
    """Links between the same groups go on; those of chosen neurons have their state."""
    engine = engine_of()
    run(engine)
    before = [state.copy() for state in engine._states]
    engine.wire(engine.links, engine.signals)
    assert_array_equal(engine._states[0], before[0])
    chosen = np.array([3, 3, 7])
    _, target, *_ = connections()
    plans = [engine.plans[0].chosen(chosen), *engine.plans[1:]]
    first = np.array([0, 1, 2, 3], dtype=np.int64)
    few = Link(
        NEURONS_A, NEURONS_B, 3, "excitatory", 10.0, first, target[:3].astype(np.int32), plasticity=plasticity(0)
    )
    changed = engine.changed(plans, [few], moved={NEURONS_A: chosen})
    (state,) = changed._states
    assert_array_equal(state, before[0][chosen])


def test_other_parameters_leave_what_was_released():
    engine = engine_of()
    run(engine)
    before = engine._states[0].copy()
    first, *others = engine.links
    changed = engine.changed(engine.plans, [replace(first, plasticity=plasticity(3)), *others], engine.signals)
    assert_array_equal(engine._states[0], before)
    assert_array_equal(changed._states[0][:, :LAST], np.hstack([np.tile(RATES, (SOURCES, 1)), before[:, 4:LAST]]))


def test_spikes_of_such_links_are_not_counted():
    assert engine_of()._buffers.units[NEURONS_B] is None
