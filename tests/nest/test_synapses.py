"""gifpop.nest: connections between neurons, got back, changed, and how they are stored."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from gifpop.nest.kernel import kernel as state
from gifpop.nest.projections import Product, Sparse

Errors = nest.NESTErrors


H = 0.5  # ms


def columns(connections=None):
    """Return sources, targets, weights and delays as arrays."""
    connections = nest.GetConnections() if connections is None else connections
    got = connections.get(["source", "target", "weight", "delay"])
    return tuple(np.atleast_1d(got[name]) for name in ("source", "target", "weight", "delay"))


# -- getting them back ------------------------------------------------------------------------------------------------


def build():
    """Make connections of all kinds; return the blocks."""
    a, b, c = (nest.Create("gif_psc_exp", n) for n in (40, 50, 3))
    nest.Connect(a, b, {"rule": "fixed_indegree", "indegree": 5}, {"weight": 2.0})
    nest.Connect(a, a, "all_to_all", {"weight": 3.0, "delay": 1.5})
    nest.Connect(a + b, b[10:40], {"rule": "pairwise_bernoulli", "p": 0.2}, {"weight": nest.random.normal()})
    nest.Connect(c, c, "all_to_all", {"weight": 4.0})
    nest.Connect(b, c, "all_to_all", {"weight": np.arange(150.0).reshape(3, 50)})
    nest.Connect(nest.Create("poisson_generator", 2), a + c, syn_spec={"weight": 5.0})
    nest.Connect(a + b + c, nest.Create("spike_recorder"))
    return a, b, c


def test_filters():
    a, b, c = build()
    sources, targets, weights, delays = columns()
    assert len(sources) == nest.num_connections
    order = np.lexsort((sources, np.where(sources > 93, 2, targets > 93)))
    assert_array_equal(order, np.arange(len(order)))
    generators, recorder = nest.NodeCollection([94, 95]), nest.NodeCollection([96])
    for pre in (None, a, b, c, a[3], a[10:20] + c, b[::7], generators, generators[1], recorder):
        for post in (None, a, b, c, b[5], b[5:15], a + c, recorder, generators):
            chosen = np.ones(len(sources), dtype=bool)
            if pre is not None:
                chosen &= np.isin(sources, pre.tolist())
            if post is not None:
                chosen &= np.isin(targets, post.tolist())
            found = nest.GetConnections(pre, post)
            assert len(found) == chosen.sum()
            if len(found):
                got = columns(found)
                for mine, all_of_them in zip(got, (sources, targets, weights, delays), strict=True):
                    assert_array_equal(mine, all_of_them[chosen])
    assert len(nest.GetConnections(synapse_model="static_synapse")) == len(sources)
    nest.CopyModel("static_synapse", "other")
    nest.Connect(a, b, "all_to_all", {"synapse_model": "other", "weight": 7.0})
    assert set(nest.GetConnections(synapse_model="other").weight) == {7.0}
    assert len(nest.GetConnections(a, b)) == (np.isin(sources, a.tolist()) & np.isin(targets, b.tolist())).sum() + 2000


def test_changing_some_and_all():
    a, b, _ = build()
    sources, targets, weights, delays = columns()
    random = np.random.default_rng(1)
    for k in range(30):
        pre, post = (nodes[random.integers(20) :: random.integers(1, 4)] for nodes in (a + b, a + b))
        chosen = np.isin(sources, pre.tolist()) & np.isin(targets, post.tolist())
        found = nest.GetConnections(pre, post)
        if k % 3 == 0:
            found.weight = float(k)
            weights[chosen] = k
        elif k % 3 == 1:
            new = random.normal(size=len(found))
            found.weight = new
            weights[chosen] = new
        else:
            new = random.integers(1, 9, len(found)) * 0.5
            found[: len(found) // 2].set(delay=new[: len(found) // 2])
            delays[np.flatnonzero(chosen)[: len(found) // 2]] = new[: len(found) // 2]
        got = columns()
        assert_array_equal(got[2], weights)
        assert_array_equal(got[3], delays)
    everything = nest.GetConnections()
    everything.set(weight=2.5, delay=1.0)
    assert set(everything.weight) == {2.5}
    assert set(everything.delay) == {1.0}
    with pytest.raises(IndexError):
        everything.weight = [1.0, 2.0]
    with pytest.raises(Errors.TypeMismatch, match="'weight' from std::shared_ptr<nest::Parameter> to type double"):
        everything.weight = nest.random.uniform()
    with pytest.raises(Errors.BadDelay):
        everything.set(weight=9.0, delay=0.0)
    assert set(everything.weight) == {2.5}


def test_collections_of_changed_connections():
    a, *_ = build()
    found = nest.GetConnections(a[:2], a[:2])
    assert found.get(["source", "target", "delay"]) == {
        "source": [1, 1, 2, 2],
        "target": [1, 2, 1, 2],
        "delay": [1.5] * 4,
    }
    found[1].weight = 9.0
    assert found.weight == [3.0, 9.0, 3.0, 3.0]
    assert nest.GetConnections(a[0], a[1]).weight == 9.0
    assert [each.weight for each in found] == found.weight
    assert nest.GetConnections(nest.NodeCollection()).get("weight") == ()


def test_collections_of_connections_that_the_kernel_no_longer_has():
    build()
    found = nest.GetConnections()
    nest.ResetKernel()
    a, *_ = build()
    for gone in (found, found[0], found[1:3], next(iter(found))):
        assert gone.get() == {} and gone.get("weight") == gone.get(["weight", "delay"]) == gone.weight == ()
        assert gone.get(output="json") == "{}" and gone.get(output="pandas").empty
        assert list(gone.sources()) == list(gone.targets()) == []
        assert str(gone) == "The synapse collection does not contain any connections."
        gone.set(weight=77.5)
        gone.delay = 77.5
        with pytest.raises(nest.NESTErrors.KernelException, match="invalidates all previously obtained connections"):
            gone.disconnect()
    found = nest.GetConnections()
    assert 77.5 not in {*found.weight, *found.delay}
    assert len(nest.SynapseCollection(None)) == 0 and nest.GetConnections(a[0]).get("weight")


# -- how they are stored ----------------------------------------------------------------------------------------------


def test_storage():
    """Four bytes for each connection where weights and delays are shared; nothing for all of whole blocks."""
    a, b = nest.Create("gif_psc_exp", 2000), nest.Create("gif_psc_exp", 3000)
    nest.Connect(a + b, a + b, {"rule": "fixed_indegree", "indegree": 200}, {"weight": 2.0, "delay": 1.5})
    pieces = state.connections.projections
    assert [type(piece) for piece in pieces] == [Sparse] * 4
    assert nest.num_connections == 1_000_000
    assert sum(piece.units.nbytes + piece.first.nbytes for piece in pieces) < 4.2 * 1_000_000
    nest.Connect(a, b, "all_to_all", {"weight": 0.1})
    assert type(pieces[-1]) is Product
    assert pieces[-1].sources.nbytes + pieces[-1].targets.nbytes == 8 * 5000
    nest.GetConnections(a, b).weight = 3.0
    assert all(np.ndim(piece.weight) == 0 for piece in pieces)
    nest.GetConnections(a[7], b).weight = 4.0
    assert [np.ndim(piece.weight) for piece in pieces[:-1]] == [0, 1, 0, 0]
    assert len(pieces[-1].weight.k) == 3000  # those that differ, of 6 million
    nest.Simulate(1.0)


@pytest.mark.parametrize("spread", ["one by one", "in two calls", "changed", "table"])
def test_storage_makes_no_difference(spread):
    """All to all, stored in several ways: the same run, bit for bit."""

    def run(connect):
        nest.ResetKernel()
        nest.resolution = 0.5
        n = nest.Create("gif_psc_exp", 40, {"I_e": 220.0, "lambda_0": 20.0})
        recorder, meter = nest.Create("spike_recorder"), nest.Create("voltmeter")
        connect(n)
        nest.Connect(n, recorder)
        nest.Connect(meter, n[3:5])
        nest.Simulate(100.0)
        return recorder.events["times"], recorder.events["senders"], meter.events["V_m"]

    def whole(n):
        nest.Connect(n, n, "all_to_all", {"weight": 8.0, "delay": 1.5})

    def changed(n):
        nest.Connect(n, n, "all_to_all", {"weight": 1.0, "delay": 1.5})
        found = nest.GetConnections(n, n)
        for k in range(0, 1600, 100):
            found[k : k + 100].weight = 8.0

    def in_two(n):
        nest.Connect(n[:25], n, "all_to_all", {"weight": 8.0, "delay": 1.5})
        nest.Connect(n[25:], n, "all_to_all", {"weight": 8.0, "delay": 1.5})

    def one_by_one(n):
        sources, targets = np.divmod(np.random.default_rng(1).permutation(1600), 40)
        nest.Connect(
            1 + sources, 1 + targets, "one_to_one", {"weight": np.full(1600, 8.0), "delay": np.full(1600, 1.5)}
        )

    def table(n):
        nest.Connect(n, n, "all_to_all", {"weight": np.full((40, 40), 8.0), "delay": np.full((40, 40), 1.5)})

    ways = {"one by one": one_by_one, "in two calls": in_two, "changed": changed, "table": table}
    expected = run(whole)
    assert len(expected[0]) > 100
    for got, reference in zip(run(ways[spread]), expected, strict=True):
        assert_allclose(got, reference, rtol=1e-12, atol=0)
