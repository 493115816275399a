"""gifpop.nest: degrees and probabilities of Connect that are drawn."""

import numpy as np
import pytest
from scipy import stats

import gifpop.nest as nest

Errors = nest.NESTErrors
DEGREES = [("fixed_indegree", "indegree", "target"), ("fixed_outdegree", "outdegree", "source")]


def constant(value):
    return nest.CreateParameter("constant", {"value": value})


def connect(pre, post, rule, **options):
    nest.Connect(pre, post, {"rule": rule, **options})
    return nest.GetConnections(pre, post)


@pytest.mark.parametrize(("rule", "name", "side"), DEGREES)
@pytest.mark.parametrize(
    ("drawn", "degree"), [(2.7, 3), (2.5, 3), (2.3, 2), (0.5, 1), (0.4, 0), (-0.6, 0), (-2.0, 0), (0.0, 0)]
)
def test_degrees_are_rounded(rule, name, side, drawn, degree):
    pre, post = nest.Create("gif_psc_exp", 4), nest.Create("gif_psc_exp", 5)
    found = connect(pre, post, rule, **{name: constant(drawn)})
    nodes = post if side == "target" else pre
    assert (
        list(found.get(side) if len(found) else ()) == sorted(found.get(side) if len(found) else ()) or side == "target"
    )
    assert np.bincount(np.array(found.get(side), dtype=int), minlength=10)[np.array(nodes)].tolist() == [degree] * len(
        nodes
    )


@pytest.mark.parametrize(("rule", "name", "side"), DEGREES)
def test_each_node_draws_its_degree(rule, name, side):
    nodes = nest.Create("gif_psc_exp", 3000)
    found = connect(nodes, nodes, rule, **{name: 2 + nest.random.uniform_int(3)})
    degrees = np.bincount(found.get(side), minlength=3001)[1:]
    assert stats.chisquare(np.bincount(degrees, minlength=5)[2:]).pvalue > 1e-6
    assert set(degrees) == {2, 3, 4}


@pytest.mark.parametrize(("rule", "name", "side"), DEGREES)
def test_the_other_side_is_uniform(rule, name, side):
    nodes = nest.Create("gif_psc_exp", 10)
    others = nest.Create("gif_psc_exp", 2000)
    ends = (nodes, others) if side == "target" else (others, nodes)
    found = connect(*ends, rule, **{name: constant(7.0)})
    counts = np.bincount(found.get("source" if side == "target" else "target"), minlength=11)[1:]
    assert counts.sum() == 14_000
    assert stats.chisquare(counts).pvalue > 1e-6


@pytest.mark.parametrize(("rule", "name", "side"), DEGREES)
@pytest.mark.parametrize("multapses", [True, False])
def test_no_autapses_and_multapses(rule, name, side, multapses):
    nodes = nest.Create("gif_psc_exp", 30)
    some, rest = nodes[:20], nodes[10:]
    options = {name: constant(12.0), "allow_autapses": False, "allow_multapses": multapses}
    found = connect(some, rest, rule, **options)
    pairs = list(zip(found.source, found.target, strict=True))
    assert len(pairs) == 12 * 20
    assert all(source != target for source, target in pairs)
    assert (len(set(pairs)) == len(pairs)) is not multapses


@pytest.mark.parametrize(("rule", "name", "side"), DEGREES)
def test_degrees_that_nobody_can_have(rule, name, side):
    nodes = nest.Create("gif_psc_exp", 4)
    for degree, options in (
        (5.0, {"allow_multapses": False}),
        (4.0, {"allow_multapses": False, "allow_autapses": False}),
        (np.inf, {}),
        (np.nan, {}),
    ):
        with pytest.raises(Errors.BadProperty, match=f"^{rule}: drew a degree of"):
            connect(nodes, nodes, rule, **{name: constant(degree)}, **options)
    with pytest.raises(Errors.BadProperty, match="more than there are nodes to choose, 0"):
        connect(nodes[0], nodes[0], rule, **{name: constant(1.0)}, allow_autapses=False)
    assert nest.num_connections == 0


@pytest.mark.parametrize(("rule", "name", "side"), DEGREES)
def test_values_of_connections(rule, name, side):
    nodes = nest.Create("gif_psc_exp", 50)
    conn_spec = {"rule": rule, name: nest.random.uniform_int(5)}
    nest.Connect(nodes, nodes, conn_spec, {"weight": nest.random.uniform(1.0, 2.0), "delay": 2.0})
    weights = np.array(nest.GetConnections().weight)
    assert len(set(weights)) == len(weights) and np.all((weights >= 1.0) & (weights < 2.0))
    with pytest.raises(ValueError, match="'weight' has to be a scalar or a dictionary where degrees are drawn"):
        nest.Connect(nodes, nodes, conn_spec, {"weight": np.ones((50, 2))})


@pytest.mark.parametrize(("p", "number"), [(-1.0, 0), (0.0, 0), (1.0, 12), (2.0, 12)])
def test_probabilities_out_of_range(p, number):
    pre, post = nest.Create("gif_psc_exp", 3), nest.Create("gif_psc_exp", 4)
    found = connect(pre, post, "pairwise_bernoulli", p=constant(p))
    assert len(found) == number
    if number:
        assert list(zip(found.source, found.target, strict=True)) == [(i, j) for i in (1, 2, 3) for j in (4, 5, 6, 7)]


def test_each_pair_draws_its_probability():
    pre, post = nest.Create("gif_psc_exp", 1100), nest.Create("gif_psc_exp", 1000)
    n = len(connect(pre, post, "pairwise_bernoulli", p=nest.random.uniform(-0.1, 0.3)))
    mean = 0.3 * 0.3 / 2 / 0.4
    assert stats.binomtest(n, 1_100_000, mean).pvalue > 1e-6


def test_pairs_without_autapses():
    nodes = nest.Create("gif_psc_exp", 20)
    found = connect(nodes, nodes, "pairwise_bernoulli", p=constant(1.0), allow_autapses=False)
    assert len(found) == 380
    assert all(source != target for source, target in zip(found.source, found.target, strict=True))


def test_the_seed_decides():
    def made(seed):
        nest.ResetKernel()
        nest.rng_seed = seed
        nodes = nest.Create("gif_psc_exp", 30)
        first = connect(nodes, nodes, "pairwise_bernoulli", p=nest.random.uniform())
        second = connect(nodes, nodes, "fixed_indegree", indegree=nest.random.uniform_int(5))
        return first.source, first.target, second.source, second.target

    assert made(1) == made(1) != made(2)


def test_totals_are_not_drawn():
    nodes = nest.Create("gif_psc_exp", 2)
    with pytest.raises(
        Errors.TypeMismatch, match="Failed to cast 'N' from std::shared_ptr<nest::Parameter> to type long"
    ):
        connect(nodes, nodes, "fixed_total_number", N=constant(3.0))


def test_populations():
    populations = nest.Create("gif_pop_psc_exp", 3)
    assert len(connect(populations, populations, "fixed_indegree", indegree=constant(2.0))) == 6


def test_drawn_kinds_of_counts():
    populations = nest.Create("gif_pop_psc_exp", 100, {"BinoRand": nest.random.uniform_int(2)})
    assert set(populations.BinoRand) == {True, False}
    populations.BinoRand = constant(0.5)
    assert all(populations.BinoRand)


def test_mean_numbers_of_connections():
    """Each pair draws a mean, then a Poisson number of connections, as in NEST."""
    nodes = nest.Create("gif_psc_exp", 300)
    found = connect(nodes, nodes, "pairwise_poisson", pairwise_avg_num_conns=2.0 * nest.random.uniform_int(2))
    counts = np.zeros((301, 301), dtype=int)
    np.add.at(counts, (found.source, found.target), 1)
    seen = np.bincount(np.minimum(counts[1:, 1:], 6).ravel())
    law = stats.poisson(2.0).pmf(np.arange(6))
    law = np.append(law, 1.0 - law.sum())
    law[0] += 1.0
    assert stats.chisquare(seen, 90_000 * law / 2.0).pvalue > 1e-6


def test_mean_numbers_that_are_negative_or_no_numbers():
    nodes = nest.Create("gif_psc_exp", 4)
    assert len(connect(nodes, nodes, "pairwise_poisson", pairwise_avg_num_conns=nest.random.uniform(-3.0, -2.0))) == 0
    for bad in (constant(np.inf), constant(np.nan), constant(1e300)):
        with pytest.raises(Errors.BadProperty, match="pairwise_poisson: drew a mean of"):
            connect(nodes, nodes, "pairwise_poisson", pairwise_avg_num_conns=bad)
    with pytest.raises(Errors.BadProperty, match="Multapses must be allowed for this connection rule"):
        connect(nodes, nodes, "pairwise_poisson", pairwise_avg_num_conns=constant(1.0), allow_multapses=False)
    assert nest.num_connections == 0


def test_mean_numbers_without_autapses():
    nodes = nest.Create("gif_psc_exp", 40)
    some, rest = nodes[:30], nodes[10:]
    options = {"pairwise_avg_num_conns": constant(30.0), "allow_autapses": False}
    found = connect(some, rest, "pairwise_poisson", **options)
    pairs = set(zip(found.source, found.target, strict=True))
    assert len(pairs) == 30 * 30 - 20
    assert all(source != target for source, target in pairs)
