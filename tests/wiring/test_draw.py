"""How connections are drawn: the generator, laws of every rule in one block of sources and in several, order, memory."""

import tracemalloc
from collections import Counter
from itertools import combinations, combinations_with_replacement
from math import comb, factorial

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import gifpop as gp
from gifpop.common import seeds
from gifpop.wiring import _wiring
from gifpop.wiring import draw as drawing

FALSE_ALARM = 1e-6


@pytest.fixture(params=["one block", "several blocks"])
def blocks(request, monkeypatch):
    """Small networks too are drawn in several blocks of sources."""
    if request.param == "several blocks":
        monkeypatch.setattr(drawing, "SHORTEST_RUN", 0.1)


MOSTLY_SEVERAL = pytest.mark.parametrize(
    "blocks", [pytest.param("one block", marks=pytest.mark.slow), "several blocks"], indirect=True
)


def stream(seed=1):
    return seeds.stream(np.random.SeedSequence(seed), 9)


def draw(rule, n_pre, n_post, same=False, seed=1, **options):
    """Return sources and targets of the connections of a rule, in order."""
    first, targets, _ = drawing.connect(rule, n_pre, n_post, same, stream(seed), **options)
    assert first[0] == 0
    assert first[-1] == len(targets)
    assert len(first) == n_pre + 1
    assert first.dtype == np.int64
    assert targets.dtype == np.int32
    assert targets.flags.c_contiguous
    return np.repeat(np.arange(n_pre), np.diff(first)), targets


def partners(own, others, n):
    """Return the partners of each of n neurons as a sorted tuple."""
    order = np.lexsort((others, own))
    return [tuple(part.tolist()) for part in np.split(others[order], np.cumsum(np.bincount(own, minlength=n))[:-1])]


def assert_law(found, law):
    """Outcomes against their probabilities: chi-square; nothing else comes out."""
    counts, n = Counter(found), len(found)
    assert counts.keys() <= law.keys()
    expected = n * np.array(list(law.values()))
    assert expected.sum() == pytest.approx(n, rel=1e-12, abs=0)
    assert stats.chisquare([counts[outcome] for outcome in law], expected).pvalue > FALSE_ALARM


def subsets(n, k):
    return {chosen: 1.0 / comb(n, k) for chosen in combinations(range(n), k)}


def multisets(n, k):
    def ways(chosen):
        return factorial(k) / np.prod([factorial(times) for times in Counter(chosen).values()])

    return {chosen: ways(chosen) / n**k for chosen in combinations_with_replacement(range(n), k)}


def bernoulli_sets(n, p):
    return {chosen: p**k * (1.0 - p) ** (n - k) for k in range(n + 1) for chosen in combinations(range(n), k)}


def test_generator_gives_the_published_values():
    """The reference implementation of xoshiro256++ 1.0 from the state (1, 2, 3, 4)."""
    published = [
        41943041,
        58720359,
        3588806011781223,
        3591011842654386,
        9228616714210784205,
        9973669472204895162,
        14011001112246962877,
        12406186145184390807,
        15849039046786891736,
        10450023813501588000,
    ]
    assert _wiring.random_words(np.array([1, 2, 3, 4], dtype=np.uint64), 10).tolist() == published


@pytest.mark.parametrize("n", [3, 7, 64, 3 * 2**29])
def test_integers_below_a_limit_are_uniform(n):
    """Modulo 3 for the last limit, for which the upper half of a product alone would favour two thirds of them."""
    values = _wiring.random_integers(stream().random_raw(4), n, 300_001)
    assert values.max() < n
    classes = min(n, 3 if n > 1000 else n)
    assert stats.chisquare(np.bincount(values % classes, minlength=classes)).pvalue > FALSE_ALARM


@pytest.mark.parametrize("multapses", [True, False])
def test_sources_of_a_target(blocks, multapses):
    """All sets, or multisets, of 3 of 6 sources: 20,000 targets."""
    sources, targets = draw(gp.FixedIndegree(3, allow_multapses=multapses), 6, 20_000)
    assert_law(partners(targets, sources, 20_000), (multisets if multapses else subsets)(6, 3))


@pytest.mark.parametrize("multapses", [True, False])
def test_targets_of_a_source(multapses):
    sources, targets = draw(gp.FixedOutdegree(3, allow_multapses=multapses), 20_000, 6)
    assert_law(partners(sources, targets, 20_000), (multisets if multapses else subsets)(6, 3))


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_sources_with_a_probability(blocks, p):
    sources, targets = draw(gp.PairwiseBernoulli(p), 5, 20_000)
    assert_law(partners(targets, sources, 20_000), bernoulli_sets(5, p))


@MOSTLY_SEVERAL
@pytest.mark.parametrize(
    "make",
    [
        lambda **o: gp.FixedIndegree(2, **o),
        lambda **o: gp.FixedOutdegree(2, **o),
        lambda **o: gp.FixedIndegree(3, **o),
        lambda **o: gp.FixedOutdegree(3, **o),
    ],
)
@pytest.mark.parametrize("multapses", [True, False])
def test_partners_without_oneself(blocks, make, multapses):
    """Five neurons, 600 seeds: for each of them all sets, or multisets, of the four others."""
    rule, found = make(allow_autapses=False, allow_multapses=multapses), []
    inward = isinstance(rule, gp.FixedIndegree)
    for seed in range(600):
        sources, targets = draw(rule, 5, 5, True, seed)
        own, others = (targets, sources) if inward else (sources, targets)
        for neuron, chosen in enumerate(partners(own, others, 5)):
            assert neuron not in chosen
            found.append((neuron, *(i - (i > neuron) for i in chosen)))  # the others counted from 0
    law = (multisets if multapses else subsets)(4, rule.indegree if inward else rule.outdegree)
    assert_law(found, {(neuron, *chosen): p / 5 for neuron in range(5) for chosen, p in law.items()})


@MOSTLY_SEVERAL
@pytest.mark.parametrize(("multapses", "total"), [(True, 2), (False, 2), (False, 4)])
def test_total_number(blocks, multapses, total):
    """All sets, or multisets, of the 6 pairs of 2 and 3 neurons, 2,000 seeds."""
    rule, found = gp.FixedTotalNumber(total, allow_multapses=multapses), []
    for seed in range(2000):
        sources, targets = draw(rule, 2, 3, seed=seed)
        found.append(tuple((3 * sources + targets).tolist()))
    assert_law(found, (multisets if multapses else subsets)(6, total))


@MOSTLY_SEVERAL
def test_total_number_of_pairs_without_oneself(blocks):
    """All sets of 3 of the 6 pairs of different neurons among three."""
    found = []
    for seed in range(2000):
        sources, targets = draw(gp.FixedTotalNumber(3, False, False), 3, 3, True, seed)
        assert np.all(sources != targets)
        found.append(tuple((2 * sources + targets - (targets > sources)).tolist()))
    assert_law(found, subsets(6, 3))


def test_blocks_are_independent(monkeypatch):
    """Out-degrees of the n-th sources of eight blocks are not correlated."""
    monkeypatch.setattr(drawing, "SHORTEST_RUN", 0.1)
    sources, _ = draw(gp.FixedIndegree(50), 8 * 400, 3200)
    out = np.bincount(sources, minlength=3200).reshape(8, 400)
    correlations = np.corrcoef(out)[np.triu_indices(8, 1)]
    assert np.abs(correlations).max() < 6.0 / np.sqrt(400)


RULES = [
    gp.AllToAll(),
    gp.AllToAll(False),
    gp.OneToOne(),
    gp.FixedIndegree(700),
    gp.FixedIndegree(700, False, True),
    gp.FixedIndegree(700, True, False),
    gp.FixedIndegree(1500, False, False),
    gp.FixedOutdegree(50),
    gp.FixedOutdegree(50, False, False),
    gp.FixedOutdegree(1500, False, False),
    gp.FixedTotalNumber(200_000),
    gp.FixedTotalNumber(200_000, False, False),
    gp.FixedTotalNumber(3_500_000, False, False),
    gp.PairwiseBernoulli(0.1),
    gp.PairwiseBernoulli(0.9, False),
    gp.Pairs(*np.random.default_rng(1).integers(0, 2000, (2, 50_000))),
    gp.rules.IndegreeFraction(0.3),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_targets_of_a_source_ascend(rule):
    """So that threads can share out the spikes of a source by ranges of targets."""
    sources, targets = draw(rule, 2000, 2000, same=True)
    assert np.all(np.diff(sources.astype(np.int64) * 2000 + targets) >= 0)
    assert len(targets) == pytest.approx(rule.density(2000, 2000) * 2000**2, rel=0.02, abs=0)


def test_given_pairs_and_their_order():
    sources, targets = np.random.default_rng(2).integers(0, 40, (2, 5000))
    first, units, order = drawing.connect(gp.Pairs(sources, targets), 40, 50, False, stream())
    assert_array_equal(np.repeat(np.arange(40), np.diff(first)), sources[order])
    assert_array_equal(units, targets[order])
    assert_array_equal(order, np.lexsort((targets, sources)))


def test_values_of_given_pairs_stay_with_them():
    """Weights and delays given pair by pair, in any order, and the same pair twice."""
    sources, targets = np.random.default_rng(3).integers(0, 9, (2, 300))
    weights, delays = 1.0 + np.arange(300.0), 0.5 * (1 + np.arange(300) % 7)
    net = gp.Network()
    cell = gp.GIF(lambda_0=0.0)
    net.population("A", 9, cell)
    net.population("B", 9, cell)
    net.connect("A", "B", weight=weights, delay=delays, rule=gp.Pairs(sources, targets))
    got = gp.Simulation(net, dt=0.5, level="micro").connections("A", "B")
    number = got["weight"].astype(int) - 1
    assert_array_equal(np.sort(number), np.arange(300))
    assert_array_equal(got["source"], sources[number])
    assert_array_equal(got["target"], targets[number])
    assert_array_equal(got["delay"], delays[number])


@pytest.mark.parametrize(
    "rule",
    [
        gp.FixedIndegree(700),
        gp.FixedIndegree(700, False, False),
        gp.FixedTotalNumber(90_000),
        gp.PairwiseBernoulli(0.2),
    ],
    ids=str,
)
def test_threads_do_not_change_the_connections(rule):
    alone, together = (draw(rule, 1500, 1500, same=True, threads=threads) for threads in (1, 3))
    assert_array_equal(alone, together)


@pytest.mark.parametrize(
    "rule",
    [
        gp.FixedIndegree(100),
        gp.FixedIndegree(1000),
        gp.FixedIndegree(1000, allow_multapses=False),
        gp.FixedOutdegree(1000),
        gp.FixedTotalNumber(10**6),
        gp.FixedTotalNumber(10**6, allow_multapses=False),
        gp.PairwiseBernoulli(0.3),
        gp.Pairs(*np.random.default_rng(1).integers(0, 2000, (2, 10**6))),
        gp.AllToAll(False),
    ],
    ids=str,
)
def test_memory_of_connections(rule):
    kept, making = drawing.connection_bytes(rule, 2000, 3000)
    bits = stream()
    tracemalloc.start()
    try:
        first, targets, _ = drawing.connect(rule, 2000, 3000, False, bits)
        del _
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert targets.nbytes + first.nbytes == pytest.approx(kept, rel=0.01, abs=0)
    assert now < 1.05 * kept
    assert peak < 1.05 * (kept + making)
    assert peak > 0.8 * (kept + making)
