"""gifpop.nest: weights and delays that differ between connections, and connections that are given one by one.

Means may be 5.5 standard deviations off (false alarm 4e-8 per comparison); seeds are those of a kernel that was reset.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop.nest as nest
from tests.helpers.nest_connections import columns, neurons

Errors = nest.NESTErrors


H = 0.5  # ms


# -- weights and delays -----------------------------------------------------------------------------------------------


SHAPES = [
    ("one_to_one", (4,), (5,), "an array of dimension 5, a scalar or a dictionary."),
    ({"rule": "fixed_total_number", "N": 4}, (5,), (4,), "an array of dimension 4, a scalar or a dictionary."),
    ("all_to_all", (3, 5), (5, 5), "an array of dimension 5x5 (n_target x n_sources), a scalar or a dictionary."),
    (
        {"rule": "fixed_indegree", "indegree": 2},
        (2, 5),
        (5, 2),
        "an array of dimension 5x2 (n_target x indegree), a scalar or a dictionary.",
    ),
    (
        {"rule": "fixed_outdegree", "outdegree": 2},
        (2, 5),
        (5, 2),
        "an array of dimension 5x2 (n_sources x outdegree), a scalar or a dictionary.",
    ),
]


@pytest.mark.parametrize(("rule", "bad", "good", "text"), SHAPES)
def test_shapes(rule, bad, good, text):
    n = neurons(5)
    for name in ("weight", "delay"):
        with pytest.raises(ValueError) as error:
            nest.Connect(n, n, rule, {name: np.ones(bad)})
        assert str(error.value) == f"'{name}' has to be {text}"
        nest.Connect(n, n, rule, {name: np.ones(good)})
    wrong = np.ones(5) if len(good) == 2 else np.ones((5, 5))
    with pytest.raises(
        TypeError, match=r"'weight' has the wrong type\. (One|Two)-dimensional parameter arrays can only"
    ):
        nest.Connect(n, n, rule, {"weight": wrong})


@pytest.mark.parametrize("wrong", [np.ones(5), np.ones((5, 5))])
def test_no_arrays_for_pairwise_bernoulli(wrong):
    n = neurons(5)
    with pytest.raises(TypeError, match="'weight' has the wrong type"):
        nest.Connect(n, n, {"rule": "pairwise_bernoulli", "p": 0.5}, {"weight": wrong})


@pytest.mark.parametrize("n", [3, 40])
def test_table_of_weights_for_all_to_all(n):
    pre, post = neurons(n, n + 1)
    weights = np.arange(n * (n + 1.0)).reshape(n + 1, n)  # targets x sources
    nest.Connect(pre, post, "all_to_all", {"weight": weights, "delay": 0.5 + weights // 10})
    sources, targets, got, delays = columns()
    assert_array_equal(got, weights[targets - n - 1, sources - 1])
    assert_array_equal(delays, 0.5 + got // 10)
    nest.ResetKernel()
    pre, post = neurons(n, n + 1)
    both, size = pre + post, 2 * n + 1
    weights = np.arange(1.0 * size**2).reshape(size, size)
    nest.Connect(both, both, {"rule": "all_to_all", "allow_autapses": False}, {"weight": weights})
    sources, targets, got, _ = columns()
    assert len(got) == size * (size - 1)
    assert_array_equal(got, weights[targets - 1, sources - 1])


@pytest.mark.parametrize("n", [5, 60])
def test_table_of_weights_for_degrees(n):
    """Each target of an indegree, each source of an outdegree, has its row of weights."""
    pre, post = neurons(n, n)
    rows = np.arange(n * 3.0).reshape(n, 3)
    nest.Connect(pre, post, {"rule": "fixed_indegree", "indegree": 3}, {"weight": rows})
    sources, targets, weights, _ = columns()
    for k, target in enumerate(post.tolist()):
        assert_array_equal(np.sort(weights[targets == target]), rows[k])
    if n == 60:  # which weight comes from which source is drawn
        first = sources[np.isin(weights, rows[:, 0])]
        assert abs(first.mean() - (n + 1) / 2) < 5.5 * n / np.sqrt(12 * n)
    nest.ResetKernel()
    pre, post = neurons(n, n)
    nest.Connect(pre, post, {"rule": "fixed_outdegree", "outdegree": 3}, {"weight": rows})
    sources, targets, weights, _ = columns()
    assert_array_equal(np.sort(weights.reshape(n, 3), axis=1), rows)
    if n == 60:  # which weight goes to which target is drawn, though the targets of a source ascend
        first = targets[np.isin(weights, rows[:, 0])]
        assert abs(first.mean() - np.mean(post.tolist())) < 5.5 * n / np.sqrt(12 * n)
    nest.ResetKernel()
    pre, post = neurons(n, n)
    nest.Connect(pre, post, {"rule": "fixed_total_number", "N": 3 * n}, {"weight": rows.ravel()})
    assert_array_equal(np.sort(columns()[2]), rows.ravel())


@pytest.mark.parametrize("rule", ["all_to_all", {"rule": "fixed_indegree", "indegree": 20}, "one_to_one"])
def test_drawn_weights_and_delays(rule):
    n = neurons(200)
    nest.Connect(n, n, rule, {"weight": nest.random.normal(3.0, 2.0), "delay": nest.random.uniform(1.0, 3.0)})
    _, _, weights, delays = columns()
    C = len(weights)
    assert abs(weights.mean() - 3.0) < 5.5 * 2.0 / np.sqrt(C)
    assert set(delays) == {1.0, 1.5, 2.0, 2.5, 3.0}
    assert abs(np.mean(delays == 1.0) - 0.125) < 5.5 * np.sqrt(0.125 * 0.875 / C)  # rounded to the nearest step
    assert (nest.min_delay, nest.max_delay) == (1.0, 3.0)
    for bad in (nest.random.uniform(-1.0, 0.2), nest.random.uniform() * 0.0):
        with pytest.raises(Errors.BadDelay, match="is invalid: Delay must be greater than or equal to resolution"):
            nest.Connect(n, n, rule, {"delay": bad})
    assert nest.num_connections == C


def test_the_same_parameter_for_weight_and_delay():
    n, parameter = neurons(40), nest.random.uniform(1.0, 2.0)
    nest.Connect(n, n, "all_to_all", {"weight": parameter, "delay": parameter})
    _, _, weights, delays = columns()
    assert len(set(weights)) == 1600
    assert set(delays) == {1.0, 1.5, 2.0}


# -- connections given one by one -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 500])
def test_lists_of_nodes(n):
    neurons(20, 30)
    random = np.random.default_rng(1)
    sources, targets = random.integers(1, 51, n), random.integers(1, 51, n)
    weights, delays = random.normal(size=n), random.integers(1, 9, n) * 0.5
    nest.Connect(sources, targets, "one_to_one", {"weight": weights, "delay": delays})
    order = np.argsort(sources, kind="stable")
    got = columns()
    for mine, given in zip(got[:1] + got[2:], (sources, weights, delays), strict=True):
        if n == 4:
            assert_array_equal(mine, given[order])
        assert_array_equal(np.sort(mine), np.sort(given))
    pairs = sorted(zip(*(column.tolist() for column in got), strict=True))
    assert pairs == sorted(zip(*(c.tolist() for c in (sources, targets, weights, delays)), strict=True))


def test_lists_of_equal_connections():
    neurons(20)
    nest.Connect([1, 1, 2], [3, 4, 4], "one_to_one")
    nest.Connect(nest.NodeCollection([3, 4, 5]), [9, 9, 2], "one_to_one", {"weight": 2.0})
    nest.Connect([3, 1, 2], [4, 5, 6], "one_to_one", {"weight": nest.random.uniform()})
    assert list(zip(*(column.tolist() for column in columns()[:2]), strict=True)) == [
        (1, 3),
        (1, 4),
        (1, 5),
        (2, 4),
        (2, 6),
        (3, 9),
        (3, 4),
        (4, 9),
        (5, 2),
    ]


@pytest.mark.parametrize(
    ("pre", "post", "rule", "error", "text"),
    [
        ([1, 1, 2], [3, 4, 4], None, ValueError, "When connecting two arrays with non-unique IDs, `conn_spec` must be"),
        ([1, 1, 2], [3, 4], "one_to_one", ValueError, "non-unique IDs, then they must have the same length."),
        ([3, 1], [3, 4], None, Errors.BadProperty, "Indices must be sorted in ascending order"),
        ([1, 1, 2], [3, 4, 99], "one_to_one", Errors.UnknownNode, "Node with id 99 does not exist."),
        ([1, 1, 0], [3, 4, 5], "one_to_one", Errors.UnknownNode, "Node with id 0 does not exist."),
        ([1.5, 1.5], [3, 4], "one_to_one", TypeError, "'pre' node IDs must be integers."),
        (1, [2], None, TypeError, "'int' object is not iterable"),
    ],
)
def test_bad_lists(pre, post, rule, error, text):
    neurons(20)
    with pytest.raises(error) as raised:
        nest.Connect(pre, post, rule)
    assert text in str(raised.value)
    with pytest.raises(ValueError, match="SynapseCollection cannot be returned when connecting two arrays of node IDs"):
        nest.Connect([1, 1], [2, 3], "one_to_one", return_synapsecollection=True)


@pytest.mark.parametrize(
    ("conn_spec", "shape"),
    [
        ({"rule": "fixed_indegree", "indegree": 3}, (20, 3)),
        ({"rule": "fixed_outdegree", "outdegree": 3}, (20, 3)),
        ({"rule": "fixed_total_number", "N": 60}, (60,)),
        ({"rule": "all_to_all"}, (20, 20)),
        ({"rule": "one_to_one"}, (20,)),
    ],
)
def test_what_is_given_for_a_connection_stays_together(conn_spec, shape):
    nest.ResetKernel()
    nodes = nest.Create("gif_psc_exp", 20)
    values = np.arange(1.0, np.prod(shape) + 1.0).reshape(shape)
    nest.Connect(nodes, nodes, conn_spec, {"weight": values, "delay": values})
    made = nest.GetConnections()
    assert sorted(made.weight) == values.ravel().tolist()
    assert made.delay == made.weight
    if conn_spec["rule"] in ("fixed_indegree", "fixed_outdegree"):
        at_fixed_side = made.target if conn_spec["rule"] == "fixed_indegree" else made.source
        rows = [(int(weight) - 1) // 3 for weight in made.weight]
        assert rows == [node - 1 for node in at_fixed_side]
