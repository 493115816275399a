"""Links that lose spikes, and relays, in the engine."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

from gifpop.common.seeds import philox_key, root_sequence
from gifpop.engine import signals
from gifpop.engine.engine import Engine
from gifpop.engine.links import Link
from gifpop.engine.relays import RelayPlan
from gifpop.engine.thinning import Thinning

N, FAN = 50, 40
FALSE_ALARM = 1e-6


def key(k):
    return philox_key(root_sequence(k), k)


def engine_of(probability, counts=(1,), repeat=1, threads=1):
    """Return relays that each get ``counts`` in turn, and others that these reach through connections that lose some."""
    plans = [RelayPlan(N), RelayPlan(FAN)]
    first = np.arange(N + 1, dtype=np.int64) * FAN
    units = np.tile(np.arange(FAN, dtype=np.int32), N)
    shared, each = (probability, None) if np.ndim(probability) == 0 else (1.0, np.asarray(probability, dtype=float))
    links = [
        Link(0, 1, 2, "excitatory", 1.0, first, units, thinning=Thinning(shared, each, key(1))),
        Link(2, 0, 1, "excitatory", 1.0),
    ]
    lines = [signals.Samples(np.resize(counts, 400), repeat=repeat)]
    return Engine(["A", "B"], plans, [key(2), key(3)], links, lines, dt=1.0, n_threads=threads)


def counted(engine, n=200, pieces=1):
    """Return the spikes of the second group in each step, shape (steps, units)."""
    found = np.zeros((n + 2, FAN), dtype=int)
    for _ in range(pieces):
        for chunk in engine.run(n // pieces):
            np.add.at(found, chunk.neurons[1], chunk.repeats[1])
    return found[3:n]  # from the step of the first arrival


@pytest.mark.parametrize(("spikes", "p"), [(1, 0.25), (3, 0.1), (500, 0.02)])
def test_sums_are_binomial(spikes, p):
    got = counted(engine_of(p, (spikes,))).ravel()
    u = stats.binom.cdf(got - 1, N * spikes, p)
    u = u + np.random.default_rng(4).random(len(got)) * stats.binom.pmf(got, N * spikes, p)
    assert stats.kstest(u, "uniform").pvalue > FALSE_ALARM


def test_each_connection_has_its_probability():
    p = np.zeros(N * FAN)
    p[3 * FAN + 7], p[4 * FAN + 8] = 1.0, 0.5
    got = counted(engine_of(p))
    assert_array_equal(np.flatnonzero(got.any(axis=0)), [7, 8])
    assert np.all(got[:, 7] == 1)
    assert stats.binomtest(int(got[:, 8].sum()), len(got), 0.5).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("p", "sums"), [(0.0, 0), (1.0, N)])
def test_none_or_all(p, sums):
    assert np.all(counted(engine_of(p)) == sums)


def test_connections_and_steps_are_independent():
    got = counted(engine_of(0.5))
    correlations = np.corrcoef(got.T)[np.triu_indices(FAN, 1)] * np.sqrt(len(got))
    assert stats.kstest(correlations, "norm").pvalue > FALSE_ALARM
    assert abs(np.corrcoef(got[:-1].ravel(), got[1:].ravel())[0, 1]) < 5.2 / np.sqrt(got.size)  # p = 2e-7


def test_pieces_of_a_run_change_nothing():
    assert_array_equal(counted(engine_of(0.3)), counted(engine_of(0.3), pieces=8))


def test_relays_repeat_what_arrives_in_their_window():
    window = np.array([[0, 5, 0], [100, 8, 4]], dtype=np.int64)
    lines = [signals.Events([2, 5, 6, 9], [1.0, 3.0, 2.0, 1.0])]
    links = [Link(1, 0, 1, "excitatory", 1.0)]
    engine = Engine(["R"], [RelayPlan(3, window)], [key(1)], links, lines, dt=1.0)
    got = np.zeros((20, 3), dtype=int)
    for chunk in engine.run(20):
        np.add.at(got, chunk.neurons[0], chunk.repeats[0])
    expected = np.zeros((20, 3), dtype=int)
    for step, n in ((3, 1), (6, 3), (7, 2), (10, 1)):
        expected[step] = n * ((window[0] <= step) & (step < window[1]))
    assert_array_equal(got, expected)


def test_enormous_numbers_of_spikes_take_no_memory():
    links = [Link(1, 0, 1, "excitatory", 1.0)]
    engine = Engine(["R"], [RelayPlan(1)], [key(1)], links, [signals.Events([2, 4], [1e15, 1e30])], dt=1.0)
    repeats = np.concatenate([chunk.repeats[0] for chunk in engine.run(20)])
    assert repeats.tolist() == [10**15, 2**53]
