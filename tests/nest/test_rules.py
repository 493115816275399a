"""gifpop.nest: connections between neurons - the laws of the rules, and what they refuse.

Means may be 5.5 standard deviations off (false alarm 4e-8 per comparison), p-values as small as `UNLIKELY`; seeds are
those of a kernel that was reset.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import gifpop.common.memory
import gifpop.nest as nest
from tests.helpers.nest_connections import columns, neurons

Errors = nest.NESTErrors
UNLIKELY = 1e-7  # p-value below which a law is doubted


H = 0.5  # ms


def counts(pre, post):
    """Return the number of connections of each pair, shape (sources, targets)."""
    sources, targets, *_ = columns()
    table = np.zeros((len(pre), len(post)), dtype=int)
    np.add.at(table, (np.searchsorted(pre.tolist(), sources), np.searchsorted(post.tolist(), targets)), 1)
    assert table.sum() == nest.num_connections
    return table


def self_pairs(pre, post):
    """Return which pairs are a node and itself."""
    return np.array(pre.tolist())[:, None] == np.array(post.tolist())


def ends(kind):
    """Return sources and targets: a block with itself, two blocks, overlapping slices, or unions of blocks."""
    a, b, c = neurons(30, 40, 35)
    return {
        "same": (a, a),
        "blocks": (a, b),
        "slices": (b[:25], b[10:]),
        "stepped": (b[::2], b[1::3]),
        "unions": (a + c, b + c),
        "union and itself": (a + b, a + b),
        "within": (b[5:15], b),
    }[kind]


ENDS = ["same", "blocks", "slices", "stepped", "unions", "union and itself", "within"]


# -- laws of the rules ------------------------------------------------------------------------------------------------


def assert_uniform(table, excluded):
    """Compare numbers of connections with equal expectation of all pairs but those that are excluded."""
    assert not table[excluded].any()
    numbers = table[~excluded]
    assert stats.chisquare(numbers).pvalue > UNLIKELY
    assert stats.chisquare(numbers).pvalue < 1 - UNLIKELY


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("autapses", [True, False])
@pytest.mark.parametrize("rule", ["fixed_indegree", "fixed_outdegree"])
def test_degrees_with_repetition(rule, autapses, kind):
    pre, post = ends(kind)
    inward = rule == "fixed_indegree"
    degree = 5 * len(pre if inward else post)
    nest.Connect(pre, post, {"rule": rule, rule.removeprefix("fixed_"): degree, "allow_autapses": autapses})
    table = counts(pre, post)
    assert np.all(table.sum(axis=0 if inward else 1) == degree)
    excluded = self_pairs(pre, post) & (not autapses)
    expected = degree / (~excluded).sum(axis=0 if inward else 1, keepdims=True)
    assert not table[excluded].any()
    statistic = (((table - expected) ** 2 / expected)[~excluded]).sum()
    freedom = (~excluded).sum() - table.shape[1 if inward else 0]
    assert UNLIKELY < stats.chi2.sf(statistic, freedom) < 1 - UNLIKELY


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("autapses", [True, False])
@pytest.mark.parametrize("rule", ["fixed_indegree", "fixed_outdegree"])
def test_degrees_without_repetition(rule, autapses, kind):
    pre, post = ends(kind)
    inward = rule == "fixed_indegree"
    spec = {"rule": rule, rule.removeprefix("fixed_"): 7, "allow_autapses": autapses, "allow_multapses": False}
    for k in range(20):
        nest.Connect(pre, post, spec)
        if k == 0:
            assert counts(pre, post).max() == 1
    table = counts(pre, post)
    assert np.all(table.sum(axis=0 if inward else 1) == 7 * 20)
    excluded = self_pairs(pre, post) & (not autapses)
    assert not table[excluded].any()
    p = 7 / (~excluded).sum(axis=0 if inward else 1, keepdims=True)  # each pair is there with this probability
    z = (table - 20 * p) / np.sqrt(20 * p * (1 - p))
    assert np.abs(z[~excluded]).max() < 6.5  # of 4000 pairs, skewed at worst: once in 1e6 times
    assert abs((z[~excluded] ** 2).mean() - 1) < 0.3


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("autapses", [True, False])
def test_fixed_total_number(autapses, kind):
    pre, post = ends(kind)
    excluded = self_pairs(pre, post) & (not autapses)
    total = 5 * (~excluded).sum()
    nest.Connect(pre, post, {"rule": "fixed_total_number", "N": int(total), "allow_autapses": autapses})
    table = counts(pre, post)
    assert table.sum() == total
    assert_uniform(table, excluded)


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("autapses", [True, False])
def test_pairwise_bernoulli(autapses, kind):
    pre, post = ends(kind)
    for _ in range(30):
        nest.Connect(pre, post, {"rule": "pairwise_bernoulli", "p": 0.3, "allow_autapses": autapses})
    table = counts(pre, post)
    excluded = self_pairs(pre, post) & (not autapses)
    assert not table[excluded].any()
    assert table.max() <= 30
    numbers = table[~excluded]
    assert abs(numbers.sum() - 9 * numbers.size) < 5.5 * np.sqrt(30 * 0.3 * 0.7 * numbers.size)
    statistic = ((numbers - 9.0) ** 2 / (30 * 0.3 * 0.7)).sum()
    assert UNLIKELY < stats.chi2.sf(statistic, numbers.size) < 1 - UNLIKELY


@pytest.mark.parametrize(
    ("rule", "name", "number"),
    [
        ("fixed_indegree", "indegree", 40_000),
        ("fixed_outdegree", "outdegree", 40_000),
        ("fixed_total_number", "N", 120_000),
    ],
)
def test_few_nodes_of_which_some_are_on_both_sides(rule, name, number):
    """Where autapses leave few choices, these are equally probable."""
    n = neurons(5)
    pre, post = n[:3], n[2:]
    nest.Connect(pre, post, {"rule": rule, name: number, "allow_autapses": False})
    table = counts(pre, post)
    assert table.sum() == 120_000
    if rule == "fixed_total_number":
        assert_uniform(table, self_pairs(pre, post))
        return
    rows = table if rule == "fixed_outdegree" else table.T
    assert np.all(rows.sum(axis=1) == number)
    for numbers in (rows[0], rows[1], rows[2]):
        assert stats.chisquare(numbers[numbers > 0]).pvalue > UNLIKELY
    assert np.count_nonzero(table) == 8


@pytest.mark.parametrize(("rule", "name"), [("fixed_indegree", "indegree"), ("fixed_outdegree", "outdegree")])
def test_all_nodes_of_one_side_are_on_the_other(rule, name):
    n = neurons(5)
    pre, post = (n, n[3:]) if rule == "fixed_indegree" else (n[3:], n)
    nest.Connect(pre, post, {"rule": rule, name: 4, "allow_autapses": False, "allow_multapses": False})
    assert_array_equal(counts(pre, post), ~self_pairs(pre, post))


def test_density_of_pairwise_bernoulli():
    n = neurons(3000)
    nest.Connect(n, n, {"rule": "pairwise_bernoulli", "p": 0.1})
    assert abs(nest.num_connections - 900_000) < 5.5 * 900


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("autapses", [True, False])
def test_all_to_all(autapses, kind):
    pre, post = ends(kind)
    nest.Connect(pre, post, {"rule": "all_to_all", "allow_autapses": autapses})
    assert_array_equal(counts(pre, post), 1 - (self_pairs(pre, post) & (not autapses)))


def test_one_to_one():
    a, b, c = neurons(30, 20, 10)
    nest.Connect(a, b + c, "one_to_one", {"weight": np.arange(30.0), "delay": np.arange(1.0, 31.0)})
    sources, targets, weights, delays = columns()
    assert_array_equal(sources, np.arange(1, 31))
    assert_array_equal(targets, np.arange(31, 61))
    assert_array_equal(weights, np.arange(30.0))
    assert_array_equal(delays, np.arange(1.0, 31.0))
    nest.Connect(a, a, {"rule": "one_to_one", "allow_autapses": False})
    nest.Connect(a[:20], a[10:], {"rule": "one_to_one", "allow_autapses": False})
    assert nest.num_connections == 50


def test_connections_come_from_the_seed():
    def draw(seed):
        nest.ResetKernel()
        nest.rng_seed = seed
        a, b = neurons(50, 40)
        for spec in ({"rule": "fixed_indegree", "indegree": 5}, {"rule": "pairwise_bernoulli", "p": 0.2}):
            nest.Connect(a, b, spec, {"weight": nest.random.normal()})
        return np.concatenate(columns())

    assert_array_equal(draw(1), draw(1))
    assert len(draw(1)) != len(draw(2)) or not np.array_equal(draw(1), draw(2))


# -- what is refused --------------------------------------------------------------------------------------------------


BAD_RULES = [
    ({"rule": "fixed_indegree", "indegree": -1}, Errors.BadProperty, "Indegree cannot be less than zero."),
    ({"rule": "fixed_indegree", "indegree": 2.0}, Errors.TypeMismatch, "'indegree' from double to type long"),
    ({"rule": "fixed_indegree", "indegree": True}, Errors.TypeMismatch, "'indegree' from bool to type long"),
    ({"rule": "fixed_indegree", "indegree": "a"}, Errors.TypeMismatch, "'indegree' from std::string to type long"),
    (
        {"rule": "fixed_indegree", "indegree": 6, "allow_multapses": False},
        Errors.BadProperty,
        "Indegree cannot be larger than population size.",
    ),
    (
        {"rule": "fixed_indegree", "indegree": 5, "allow_multapses": False, "allow_autapses": False},
        Errors.BadProperty,
        "Indegree cannot be larger than population size without autapses, 4.",
    ),
    ({"rule": "fixed_indegree"}, nest.NESTError, "The rule fixed_indegree needs indegree."),
    (
        {"rule": "fixed_indegree", "indegree": 2, "outdegree": 2},
        Errors.UnaccessedDictionaryEntry,
        "Unaccessed elements in conn_spec, in function Connect:  outdegree",
    ),
    ({"rule": "fixed_outdegree", "outdegree": -1}, Errors.BadProperty, "Outdegree cannot be less than zero."),
    ({"rule": "fixed_outdegree", "outdegree": 2.0}, Errors.TypeMismatch, "'outdegree' from double to type long"),
    (
        {"rule": "fixed_outdegree", "outdegree": 6, "allow_multapses": False},
        Errors.BadProperty,
        "Outdegree cannot be larger than population size.",
    ),
    (
        {"rule": "fixed_outdegree", "outdegree": 5, "allow_multapses": False, "allow_autapses": False},
        Errors.BadProperty,
        "Outdegree cannot be larger than population size without autapses, 4.",
    ),
    ({"rule": "fixed_total_number", "N": -7}, Errors.BadProperty, "Total number of connections cannot be negative."),
    ({"rule": "fixed_total_number", "N": 7.0}, Errors.TypeMismatch, "'N' from double to type long"),
    (
        {"rule": "fixed_total_number", "N": 26, "allow_multapses": False},
        Errors.BadProperty,
        "Total number of connections cannot exceed product of source and target population sizes.",
    ),
    (
        {"rule": "fixed_total_number", "N": 7, "allow_multapses": False},
        Errors.NotImplemented,
        "Connect doesn't support the suppression of multapses in the FixedTotalNumber connector.",
    ),
    ({"rule": "pairwise_bernoulli", "p": 1.0001}, Errors.BadProperty, "Connection probability 0 <= p <= 1 required."),
    ({"rule": "pairwise_bernoulli", "p": -1e-9}, Errors.BadProperty, "Connection probability 0 <= p <= 1 required."),
    ({"rule": "pairwise_bernoulli", "p": float("nan")}, Errors.BadProperty, "Connection probability 0 <= p <= 1"),
    ({"rule": "pairwise_bernoulli", "p": "a"}, Errors.TypeMismatch, "'p' from std::string to type double."),
    (
        {"rule": "pairwise_bernoulli", "p": 0.5, "make_symmetric": True},
        Errors.NotImplemented,
        "This connection rule does not support symmetric connections.",
    ),
]


@pytest.mark.parametrize(("rule", "error", "text"), BAD_RULES)
def test_bad_rules(rule, error, text):
    n = neurons(5)
    with pytest.raises(error) as raised:
        nest.Connect(n, n, rule)
    assert text in str(raised.value)
    assert nest.num_connections == 0


def test_degrees_that_are_just_possible():
    n = neurons(5)
    for rule in ("indegree", "outdegree"):
        nest.Connect(n, n, {"rule": f"fixed_{rule}", rule: 5, "allow_multapses": False})
        nest.Connect(n, n, {"rule": f"fixed_{rule}", rule: 4, "allow_multapses": False, "allow_autapses": False})
    assert nest.num_connections == 2 * (25 + 20)
    for degree in (0, 7):
        nest.Connect(n, n, {"rule": "fixed_indegree", "indegree": degree})
    nest.Connect(n, n, {"rule": "pairwise_bernoulli", "p": 1})
    nest.Connect(n, n, {"rule": "pairwise_bernoulli", "p": 0.0})
    assert nest.num_connections == 90 + 35 + 25


@pytest.mark.parametrize("rule", ["fixed_indegree", "fixed_outdegree", "fixed_total_number"])
def test_nothing_but_autapses(rule):
    """NEST would search for ever."""
    name = {"fixed_total_number": "N"}.get(rule, rule.removeprefix("fixed_"))
    one = neurons(1)
    with pytest.raises(Errors.BadProperty, match="autapse"):
        nest.Connect(one, one, {"rule": rule, name: 3, "allow_autapses": False})


@pytest.mark.parametrize("source", ["gif_psc_exp", "poisson_generator", "gif_pop_psc_exp"])
@pytest.mark.parametrize("rule", [{"rule": "fixed_indegree", "indegree": 1}, {"rule": "pairwise_bernoulli", "p": 0.5}])
def test_rules_for_recorders(rule, source):
    with pytest.raises(Errors.IllegalConnection) as error:
        nest.Connect(nest.Create(source, 2), nest.Create("spike_recorder", 2), rule)
    text = "Cannot use this rule to connect to nodes without proxies (usually devices)."
    assert str(error.value) == f"Creation of connection is not possible because:\n{text}"


@pytest.mark.parametrize("source", ["gif_psc_exp", "poisson_generator", "dc_generator", "gif_pop_psc_exp"])
@pytest.mark.parametrize("target", ["gif_psc_exp", "gif_pop_psc_exp"])
@pytest.mark.parametrize(
    ("rule", "name", "number", "made"),
    [
        ("fixed_indegree", "indegree", 2, 6),
        ("fixed_outdegree", "outdegree", 2, 6),
        ("fixed_total_number", "N", 4, 4),
        ("pairwise_bernoulli", "p", 1.0, 9),
        ("fixed_total_number", "N", 0, 0),
    ],
)
def test_rules_for_all_kinds_of_nodes(source, target, rule, name, number, made):
    nest.Connect(nest.Create(source, 3), nest.Create(target, 3), {"rule": rule, name: number})
    assert nest.num_connections == made
    nest.Simulate(5.0)


def test_networks_that_would_not_fit(monkeypatch):
    n = nest.Create("gif_psc_exp", 100_000)
    monkeypatch.setattr(gifpop.common.memory, "available", lambda: 1e9)
    nest.Connect(n, n, "all_to_all", {"weight": 0.1})  # takes no memory
    for spec, synapse in (
        ({"rule": "fixed_indegree", "indegree": 10_000}, {}),
        ({"rule": "pairwise_bernoulli", "p": 0.1}, {}),
        ("all_to_all", {"weight": nest.random.normal()}),
        ({"rule": "fixed_total_number", "N": 100_000_000}, {"weight": nest.random.normal()}),
    ):
        with pytest.raises(nest.NESTError, match=r"Connect: .* would need [0-9.]+ GB; 1.0 GB are available") as error:
            nest.Connect(n, n, spec, synapse)
        assert isinstance(error.value, MemoryError)
    some = n[:20_000]  # not a whole block: their targets are listed, though all weights are equal
    with pytest.raises(nest.NESTError, match=r"Connect: 400000000 connections would need 1.6 GB"):
        nest.Connect(some, some, "all_to_all")
    assert nest.num_connections == 10**10
    assert len(nest.GetConnections(n[5], n[7])) == 1
    everything = nest.GetConnections()
    assert len(everything) == 10**10
    with pytest.raises(nest.NESTError, match="get: weight of 10000000000 connections would need"):
        everything.get("weight")
