"""gifpop.nest: the laws of pairwise_poisson and symmetric_pairwise_bernoulli; connections made both ways.

A p-value below `UNLIKELY` doubts a law (false alarm 1e-7 per comparison); seeds are those of a kernel that was reset.
"""

import numpy as np
import pytest
from scipy import stats

import gifpop.nest as nest
from tests.nest.test_rules import UNLIKELY, counts, ends, self_pairs

Errors = nest.NESTErrors
KINDS = ["same", "blocks", "slices", "unions", "within"]


def poisson(mean, **options):
    return {"rule": "pairwise_poisson", "pairwise_avg_num_conns": mean, **options}


def symmetric(p, **options):
    return {"rule": "symmetric_pairwise_bernoulli", "p": p, "allow_autapses": False, "make_symmetric": True} | options


@pytest.mark.parametrize("autapses", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mean", [0.3, 2.0])
def test_pairwise_poisson(mean, kind, autapses):
    """Numbers of all pairs are independent Poisson numbers: their histogram, and sums of rows and columns."""
    pre, post = ends(kind)
    nest.Connect(pre, post, poisson(mean, allow_autapses=autapses))
    table, excluded = counts(pre, post), self_pairs(pre, post) & (not autapses)
    assert not table[excluded].any()
    numbers = table[~excluded]
    classes = np.arange(4 + int(3 * mean))
    expected = stats.poisson.pmf(classes, mean)
    expected[-1] += stats.poisson.sf(classes[-1], mean)
    observed = np.bincount(np.minimum(numbers, classes[-1]), minlength=len(classes))
    assert stats.chisquare(observed, expected * numbers.size).pvalue > UNLIKELY
    for axis in (0, 1):
        means = mean * np.sum(~excluded, axis=axis)
        z = np.sum((table.sum(axis=axis) - means) ** 2 / means)
        assert UNLIKELY < stats.chi2.sf(z, len(means)) < 1 - UNLIKELY


@pytest.mark.parametrize("kind", KINDS)
def test_symmetric_pairwise_bernoulli(kind):
    """Each pair is drawn once in each direction that it has, and connected both ways."""
    pre, post = ends(kind)
    nest.Connect(pre, post, symmetric(0.3))
    found = nest.GetConnections()
    forward = list(zip(found.sources(), found.targets(), strict=True))
    assert sorted(forward) == sorted((t, s) for s, t in forward)
    candidates = len(pre) * len(post) - int(self_pairs(pre, post).sum())
    drawn, left = divmod(len(forward), 2)
    assert left == 0
    assert stats.binomtest(drawn, candidates, 0.3).pvalue > UNLIKELY


def test_numbers_of_symmetric_pairs():
    """Among the same nodes a pair has none, one or two of each: drawn in both directions."""
    a = nest.Create("gif_psc_exp", 60)
    nest.Connect(a, a, symmetric(0.3))
    numbers = counts(a, a)[np.triu_indices(60, 1)]
    expected = np.array([0.49, 0.42, 0.09]) * len(numbers)
    assert stats.chisquare(np.bincount(numbers, minlength=3), expected).pvalue > UNLIKELY


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (poisson(-0.1), Errors.BadProperty, "Connection parameter 0 ≤ pairwise_avg_num_conns required."),
        (poisson(np.inf), Errors.BadProperty, "Connection parameter 0 ≤ pairwise_avg_num_conns required."),
        (poisson(np.nan), Errors.BadProperty, "Connection parameter 0 ≤ pairwise_avg_num_conns required."),
        (poisson("a"), Errors.TypeMismatch, "'pairwise_avg_num_conns' from std::string to type double"),
        (
            poisson(1.0, allow_multapses=False),
            Errors.BadProperty,
            "Multapses must be allowed for this connection rule.",
        ),
        (poisson(1.0, make_symmetric=True), Errors.NotImplemented, "does not support symmetric connections"),
        ({"rule": "pairwise_poisson"}, Errors.BadProperty, "needs pairwise_avg_num_conns"),
        (poisson(1e18), nest.NESTError, "Connect: the connections of pairwise_poisson"),
        (symmetric(1.0), Errors.BadProperty, "Connection probability 0 <= p < 1 required."),
        (symmetric(-0.1), Errors.BadProperty, "Connection probability 0 <= p < 1 required."),
        (symmetric(0.5, allow_autapses=True), Errors.BadProperty, "Autapses must be disabled."),
        (symmetric(0.5, allow_multapses=False), Errors.BadProperty, "Multapses must be enabled."),
        (symmetric(0.5, make_symmetric=False), Errors.BadProperty, "Symmetric connections must be enabled."),
    ],
)
def test_bad_rules(rule, error, message):
    a = nest.Create("gif_psc_exp", 3)
    with pytest.raises(error, match=message.replace(".", "[.]")):
        nest.Connect(a, a, rule)
    assert nest.num_connections == 0


def test_rules_and_devices():
    a, recorder, generator = (nest.Create(model) for model in ("gif_psc_exp", "spike_recorder", "poisson_generator"))
    for rule in (poisson(1.5), symmetric(0.5)):
        with pytest.raises(Errors.IllegalConnection, match="Cannot use this rule to connect to nodes without proxies"):
            nest.Connect(a, recorder, rule)
    nest.Connect(a, recorder, poisson(0.0))
    nest.Connect(generator, a, poisson(20.0))
    assert set(nest.GetConnections().sources()) == {3}


@pytest.mark.parametrize("model", ["gif_psc_exp", "gif_pop_psc_exp"])
def test_one_to_one_both_ways(model):
    a, b = nest.Create(model, 40), nest.Create(model, 40)
    weights, delays = np.arange(40.0), np.linspace(1.0, 4.9, 40)
    rule = {"rule": "one_to_one", "make_symmetric": True}
    nest.Connect(a, b, rule, {"weight": weights, "delay": delays})
    there, back = nest.GetConnections(a, b), nest.GetConnections(b, a)
    assert list(there.sources()) == list(back.targets()) == a.tolist()
    assert list(there.targets()) == list(back.sources()) == b.tolist()
    assert there.weight == back.weight == weights.tolist()
    np.testing.assert_allclose([there.delay, back.delay], [delays, delays], rtol=0, atol=1e-12)
    with pytest.raises(Errors.NotImplemented, match="Symmetric connections require parameters that"):
        nest.Connect(a, b, rule, {"weight": nest.random.uniform()})
    for device in (nest.Create("poisson_generator", 40), nest.Create("spike_recorder", 40)):
        pair = (device, a) if device.get("element_type")[0] == "stimulator" else (a, device)
        with pytest.raises(Errors.IllegalConnection):
            nest.Connect(*pair, rule)
    assert nest.num_connections == 80
