"""gifpop.nest: connections are removed as in NEST, and what is left acts as if the others had never been."""

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.nest import group_links, projections, runs

Errors = nest.NESTErrors
MISSING = "Deletion of connection is not possible because it does not exist."


def neurons(n=3, **params):
    return nest.Create("gif_psc_exp", n, params)


def pairs():
    found = nest.GetConnections()
    return list(zip(found.sources(), found.targets(), strict=True))


def all_pairs(n, without=()):
    return [(s, t) for s in range(1, n + 1) for t in range(1, n + 1) if (s, t) not in without]


@pytest.mark.parametrize("n", [3, 40])  # stored one by one, and not stored
def test_disconnect_one(n):
    a = neurons(n)
    nest.Connect(a, a)
    nest.Disconnect(a[0], a[1])
    assert pairs() == all_pairs(n, [(1, 2)])
    assert nest.num_connections == nest.GetDefaults("static_synapse", "num_connections") == n * n - 1
    with pytest.raises(Errors.InexistentConnection, match=MISSING):
        nest.Disconnect(a[0], a[1])
    nest.Disconnect(a[1:], a[1:])
    assert pairs() == all_pairs(n, [(1, 2), *((k, k) for k in range(2, n + 1))])


def test_disconnect_all():
    a = neurons(40)
    nest.Connect(a, a)
    nest.Disconnect(a[:10], a, conn_spec="all_to_all")
    assert pairs() == all_pairs(40, [(s, t) for s in range(1, 11) for t in range(1, 41)])
    nest.Disconnect(a[10:], a, conn_spec={"rule": "all_to_all"})
    assert pairs() == []
    assert nest.num_connections == 0
    nest.Simulate(1.0)


def test_the_oldest_of_several_is_removed():
    a = neurons(2)
    for weight in (1.0, 2.0, 3.0):
        nest.Connect(a, a, syn_spec={"weight": weight})
    nest.Disconnect(a, a, conn_spec="all_to_all")
    assert nest.GetConnections().weight == [2.0, 2.0, 3.0, 3.0, 2.0, 2.0, 3.0, 3.0]


def test_synapse_model():
    a = neurons()
    nest.CopyModel("static_synapse", "other")
    nest.Connect(a, a)
    nest.Connect(a, a, "one_to_one", "other")
    nest.Disconnect(a, a, syn_spec="other")
    assert pairs() == all_pairs(3)
    with pytest.raises(Errors.InexistentConnection, match=MISSING):
        nest.Disconnect(a, a, syn_spec={"synapse_model": "other", "weight": 5.0})
    nest.Disconnect(a, a, syn_spec={"weight": 5.0})  # which has no effect
    assert len(pairs()) == 6


def test_nothing_is_removed_if_one_is_missing():
    a = neurons()
    nest.Connect(a[:2], a[:2])
    for conn_spec in ("one_to_one", "all_to_all"):
        with pytest.raises(Errors.InexistentConnection, match=MISSING):
            nest.Disconnect(a, a, conn_spec=conn_spec)
    assert len(pairs()) == 4
    whole = nest.GetConnections()
    whole[1].disconnect()
    with pytest.raises(Errors.InexistentConnection, match=MISSING):
        whole.disconnect()
    assert pairs() == [(1, 1), (2, 1), (2, 2)]


def test_methods_of_collections():
    a = neurons(4)
    nest.Connect(a, a, syn_spec={"weight": np.arange(16.0).reshape(4, 4).T})
    found = nest.GetConnections()
    found[1:3].disconnect()
    nest.Disconnect(nest.GetConnections(a[3]))
    nest.GetConnections(a[3]).disconnect()  # there are none
    assert nest.GetConnections().weight == [0.0, *map(float, range(3, 12))]
    assert nest.GetConnections().port == [0, *range(3, 12)]
    assert found.weight == list(range(16))  # they keep their values
    nest.Connect(a[0], a[2], syn_spec={"weight": 20.0})
    assert nest.GetConnections(a[0]).get(["target", "port"]) == {"target": [1, 4, 3], "port": [0, 3, 4]}
    nest.ResetKernel()
    with pytest.raises(nest.NESTError, match="ResetKernel"):
        found.disconnect()


def test_empty_collections_outlive_the_kernel():
    found = nest.GetConnections()
    nest.ResetKernel()
    assert found == nest.GetConnections()
    assert (found.get(), found.weight, list(found.sources())) == ({}, (), [])
    found.weight = 1.0
    found.disconnect()


def test_devices_are_not_disconnected():
    a = neurons(2)
    generator, recorder = nest.Create("poisson_generator"), nest.Create("spike_recorder")
    meter = nest.Create("multimeter", params={"record_from": ["V_m"]})
    for sources, targets in ((generator, a), (a, recorder), (meter, a)):
        nest.Connect(sources, targets)
        with pytest.raises(Errors.InexistentConnection, match=MISSING):
            nest.Disconnect(sources[0], targets[0])
        with pytest.raises(Errors.InexistentConnection, match=MISSING):
            nest.GetConnections(sources, targets).disconnect()
    assert nest.num_connections == 6


@pytest.mark.parametrize(
    ("arguments", "named", "error", "message"),
    [
        (0, {}, TypeError, "Arguments must be either a SynapseCollection or two NodeCollections"),
        (1, {}, TypeError, "Arguments must be either a SynapseCollection or two NodeCollections"),
        (2, {"conn_spec": {"rule": "fixed_indegree", "indegree": 1}}, Errors.NotImplemented, "rule is not implemented"),
        (2, {"conn_spec": "nonsense"}, Errors.BadProperty, "Unknown connectivity rule: nonsense"),
        (
            2,
            {"conn_spec": {"rule": "one_to_one", "x": 1}},
            Errors.UnaccessedDictionaryEntry,
            "Unaccessed elements in conn_spec, in function Disconnect:  x",
        ),
        (2, {"syn_spec": "nonsense"}, Errors.UnknownSynapseType, "Synapse with name nonsense does not exist"),
        (
            2,
            {"syn_spec": {"foo": 1}},
            Errors.UnaccessedDictionaryEntry,
            "Unaccessed elements in syn_spec, in function Disconnect:  foo",
        ),
        (3, {}, Errors.DimensionMismatch, "Source and Target population must be of the same size"),
    ],
)
def test_bad_arguments(arguments, named, error, message):
    a = neurons()
    nest.Connect(a, a)
    given = {0: (), 1: (a,), 2: (a, a), 3: (a, a[:2])}[arguments]
    with pytest.raises(error, match=message):
        nest.Disconnect(*given, **named)
    assert len(pairs()) == 9


@pytest.mark.parametrize("named", [{"conn_spec": "one_to_one"}, {"syn_spec": "static_synapse"}])
def test_collections_have_no_specs(named):
    a = neurons()
    nest.Connect(a, a)
    with pytest.raises(ValueError, match="a SynapseCollection, conn_spec and syn_spec cannot be specified"):
        nest.Disconnect(nest.GetConnections(), **named)
    assert len(pairs()) == 9


@pytest.mark.parametrize("model", ["gif_psc_exp", "gif_pop_psc_exp"])
@pytest.mark.parametrize(
    "synapse",
    [{"weight": 3.0}, {"weight": np.linspace(1.0, 4.0, 400).reshape(20, 20), "delay": 1.5}],
    ids=["equal", "different"],
)
def test_the_rest_acts_as_if_the_others_had_never_been(model, synapse):
    """A network with connections removed, and one that never had them, do the same."""

    def run(removed):
        nest.ResetKernel()
        cells = nest.Create(
            model, 20, {"V_T_star": -60.0, "lambda_0": 30.0, "E_L": -70.0, "V_reset": -70.0, "I_e": 60.0}
        )
        recorder = nest.Create("spike_recorder")
        gone = [(s, t) for s in range(1, 21) for t in range(1, 21) if (s + 2 * t) % 3 == 0]
        if removed:
            nest.Connect(cells, cells, syn_spec=synapse)
            for s, t in gone:
                nest.Disconnect(cells[s - 1], cells[t - 1])
        else:
            kept = np.array([pair for pair in all_pairs(20) if pair not in gone])
            weights = np.broadcast_to(synapse["weight"], (20, 20))[kept[:, 1] - 1, kept[:, 0] - 1]
            delays = np.full(len(kept), synapse.get("delay", 1.0))
            nest.Connect(kept[:, 0], kept[:, 1], "one_to_one", {"weight": weights, "delay": delays})
        nest.Connect(cells, recorder)
        nest.Simulate(100.0)
        return recorder.events

    events, expected = run(True), run(False)
    assert len(expected["times"]) > 40
    for name, values in expected.items():
        np.testing.assert_array_equal(events[name], values)


@pytest.mark.parametrize("changed", [False, True])
def test_of_many_that_are_not_stored(monkeypatch, changed):
    """Removed ones, and those whose weights differ, are exceptions from all to all."""
    events = []
    for many in (2**20, 100):
        nest.ResetKernel()
        monkeypatch.setattr(group_links, "MANY", many)
        monkeypatch.setattr(projections, "MANY", many)
        monkeypatch.setattr(runs, "WRITTEN_OUT", many)
        cells = neurons(30, V_T_star=-60.0, lambda_0=30.0, I_e=60.0)
        recorder = nest.Create("spike_recorder")
        nest.Connect(cells, cells, syn_spec={"weight": 20.0})
        nest.Connect(cells, recorder)
        found = nest.GetConnections(cells, cells)
        if changed:
            found[40:50].weight = -10.0
        gone = [7, 8, 29, 30, 45, 899]
        for place in gone:
            found[place].disconnect()
        rest = nest.GetConnections(cells, cells)
        assert isinstance(rest._places, runs.Runs) is (many == 100)
        assert len(rest) == 900 - len(gone)
        assert list(zip(rest.sources(), rest.targets(), strict=True)) == [
            (1 + k // 30, 1 + k % 30) for k in range(900) if k not in gone
        ]
        assert list(nest.GetConnections(cells[1], cells[:20]).targets()) == [
            k for k in range(1, 21) if k not in (1, 16)
        ]
        nest.Simulate(100.0)
        events.append(recorder.events)
    assert len(events[0]["times"]) > 40
    for name, values in events[0].items():
        np.testing.assert_array_equal(events[1][name], values)


def test_spikes_under_way_through_removed_connections():
    """Those of the last slice are lost, as in NEST, whose values these are."""
    expected = {
        False: [0.0, 8.187, 13.573, 17.281, 19.994, 22.127, 13.421, 14.516, 15.508, 16.453],
        True: [0.0, 8.187, 13.573, 17.281, 19.994, 12.127, 7.355, 4.461, 2.706, 1.641],
    }
    for removed, values in expected.items():
        nest.ResetKernel()
        a = neurons(2, lambda_0=[1e9, 0.0], V_T_star=-200.0, t_ref=1.0)
        nest.Connect(a[0], a[1], syn_spec={"weight": 10.0, "delay": 1.5})
        nest.Connect(a[1], a[0], syn_spec={"delay": 1.0})
        meter = nest.Create("multimeter", params={"record_from": ["I_syn_ex"]})
        nest.Connect(meter, a[1])
        nest.Simulate(4.8)
        if removed:
            nest.Disconnect(a[0], a[1])
        nest.Simulate(6.0)
        np.testing.assert_allclose(meter.events["I_syn_ex"], values, rtol=0, atol=6e-4)
