"""gifpop.nest: node and synapse collections."""

import doctest

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop.nest as nest

Errors = nest.NESTErrors
PAD = "\n               "


@pytest.fixture
def n():
    return nest.Create("gif_pop_psc_exp", 5)


def test_representation(n):
    meter = nest.Create("multimeter")
    model = "model=gif_pop_psc_exp"
    assert repr(n) == str(n) == f"NodeCollection(metadata=None, {model}, size=5, first=1, last=5)"
    assert repr(n[0]) == f"NodeCollection(metadata=None, {model}, size=1, first=1)"
    assert repr(n[::2]) == f"NodeCollection(metadata=None,{PAD}{model}, size=3, first=1, last=5, step=2)"
    assert repr(n[[1, 3]]) == (
        f"NodeCollection(metadata=None,{PAD}{model}, size=1, first=2;{PAD}{model}, size=1, first=4)"
    )
    assert repr(n + meter) == (
        f"NodeCollection(metadata=None,{PAD}{model}, size=5, first=1, last=5;{PAD}model=multimeter, size=1, first=6)"
    )
    assert repr(nest.NodeCollection()) == "NodeCollection(<empty>)"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (0, [1]),
        (-1, [5]),
        (slice(1, 3), [2, 3]),
        (slice(None, None, 2), [1, 3, 5]),
        (slice(1, 4, 2), [2, 4]),
        ([1, 3], [2, 4]),
        ((1, 3), [2, 4]),
        (np.array([0, 2]), [1, 3]),
        ([True, False, True, False, False], [1, 3]),
        (np.array([False] * 5), []),
        ([], []),
        (np.int64(2), [3]),
        (slice(-2, None), [4, 5]),
        ([-1], [5]),
    ],
)
def test_indexing(n, key, expected):
    assert n[key].tolist() == expected


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        (5, IndexError, "index value outside of the NodeCollection"),
        (-6, IndexError, "index value outside of the NodeCollection"),
        (slice(None, None, -1), IndexError, "slicing step for NodeCollection must be strictly positive"),
        (slice(2, 6), IndexError, "slice stop value outside of the NodeCollection"),
        (slice(None, -6), IndexError, "slice stop value outside of the NodeCollection"),
        (slice(5, None), IndexError, "slice start value outside of the NodeCollection"),
        (slice(-6, 3), IndexError, "slice start value outside of the NodeCollection"),
        (slice(3, 1), Errors.BadParameter, "start < stop required."),
        (slice(None, 0), Errors.BadParameter, "start < stop required."),
        ([3, 1], Errors.BadProperty, "Indices must be sorted in ascending order"),
        ([0, 0], ValueError, "All node IDs in a NodeCollection have to be unique"),
        ([7], IndexError, "pos 7 points outside of the NodeCollection"),
        ([True, False], IndexError, "Bool index array must be the same length as NodeCollection"),
        ([True, False, True, True, 0], TypeError, "Indices must be integers or bools"),
        ([0.5, 1], TypeError, "Indices must be integers or bools"),
        (["a"], TypeError, "Indices must be integers or bools"),
        (np.array([1.0, 2.0]), TypeError, "NumPy indices must be an array of integers or bools"),
        (np.array([[1, 2]]), TypeError, "NumPy indices must one-dimensional"),
        (1.5, IndexError, "only integers, slices, lists, tuples, and numpy arrays are valid indices"),
        ("a", IndexError, "only integers, slices, lists, tuples, and numpy arrays are valid indices"),
    ],
)
def test_bad_indices(n, key, error, text):
    with pytest.raises(error, match=text):
        n[key]


def test_zero_is_the_start_of_a_sum(n):
    populations = nest.Create("gif_pop_psc_exp", 2)
    assert n + 0 == 0 + n == n + 0.0 == n + nest.NodeCollection() == n
    assert sum([n, populations]).tolist() == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(TypeError, match="Cannot add object of type 'int' to 'NodeCollection'"):
        n + 1


def test_slices_that_can_be_added(n):
    more = n + nest.Create("gif_psc_exp", 5)
    others = nest.Create("gif_pop_psc_exp", 2)
    assert (more[1:4] + others).tolist() == [2, 3, 4, 11, 12]
    assert (more[[1, 2, 7]] + others).tolist() == [2, 3, 8, 11, 12]
    assert (n[[1, 2, 4]] + others).tolist() == [2, 3, 5, 11, 12]


@pytest.mark.parametrize("key", [slice(None, None, 2), slice(1, 8), slice(None, 10)])
def test_slices_that_cannot_be_added(n, key):
    more = n + nest.Create("gif_psc_exp", 5)
    others = nest.Create("gif_pop_psc_exp", 2)
    for first, second in ((more[key], others), (others, more[key])):
        with pytest.raises(Errors.BadProperty, match="Cannot add NodeCollection to a sliced composite"):
            first + second


def test_from_identifiers(n):
    assert nest.NodeCollection([1, 3]).tolist() == [1, 3]
    assert nest.NodeCollection(range(1, 4)) == n[:3]
    assert nest.NodeCollection(np.array([1, 2])) == n[:2]


@pytest.mark.parametrize(
    ("ids", "error", "text"),
    [
        ([3, 1], Errors.BadProperty, "Indices must be sorted in ascending order"),
        ([1, 1], Errors.BadProperty, "All node IDs in a NodeCollection have to be unique"),
        ([9], Errors.UnknownNode, "Node with id 9 does not exist."),
        ([0], Errors.UnknownNode, "Node with id 0 does not exist."),
    ],
)
def test_from_identifiers_that_do_not_go(n, ids, error, text):
    with pytest.raises(error, match=text):
        nest.NodeCollection(ids)


def test_a_collection_is_a_sequence(n):
    assert len(n) == 5
    assert [node.global_id for node in n] == [1, 2, 3, 4, 5]
    assert n.global_id == (1, 2, 3, 4, 5)
    assert n[0].global_id == 1
    assert n.tolist() == [1, 2, 3, 4, 5]
    assert_array_equal(np.array(n), [1, 2, 3, 4, 5])
    assert n.index(3) == 2
    assert n[2:].index(3) == 0
    assert 1 in n
    assert 9 not in n
    assert n
    assert not nest.NodeCollection()
    with pytest.raises(TypeError, match="an integer is required"):
        n[0] in n  # noqa: B015
    with pytest.raises(ValueError, match="9 is not in NodeCollection"):
        n.index(9)


def test_sums_and_comparisons(n):
    assert (n[3:] + n[:2]).tolist() == [1, 2, 4, 5]
    assert n[:2] + n[2:] == n
    assert n[:2] != n
    assert n[:2] + nest.NodeCollection() == n[:2]
    with pytest.raises(Errors.BadProperty, match="Cannot join overlapping NodeCollections"):
        n[:2] + n[1:]
    with pytest.raises(TypeError, match="Cannot add object of type 'list' to 'NodeCollection'"):
        n + [1]  # noqa: RUF005
    with pytest.raises(NotImplementedError, match="Cannot compare NodeCollection to int"):
        n == 3  # noqa: B015
    with pytest.raises(TypeError):
        hash(n)


def test_get(n):
    assert n.get("N") == (100,) * 5
    assert n[0].get("N") == 100
    assert n[:2].get(["N", "V_m"]) == {"N": (100, 100), "V_m": (0.0, 0.0)}
    assert n[0].get(["N", "V_m"]) == {"N": 100, "V_m": 0.0}
    assert n.get([]) == {}
    for names in ({"N": 5, "V_m": 7}, {"N", "V_m"}, (name for name in ("N", "V_m")), np.array(["N", "V_m"])):
        assert n[:2].get(names) == {"N": (100, 100), "V_m": (0.0, 0.0)}
    with pytest.warns(UserWarning, match="deprecated"):
        assert nest.GetStatus(n[:1], {"N": 5}) == ((100,),)
    assert n[0].get()["model"] == "gif_pop_psc_exp"
    for bad in (lambda: n.get("foo"), lambda: n.foo, lambda: n[0].get(["N", "foo"])):
        with pytest.raises(KeyError, match="foo"):
            bad()
    assert not hasattr(n, "foo")
    with pytest.raises(ValueError, match="Cannot get parameter of empty NodeCollection"):
        nest.NodeCollection().get("N")
    with pytest.raises(AttributeError, match="Cannot get attribute of empty NodeCollection"):
        nest.NodeCollection().N  # noqa: B018
    for bad in (3, [3], ["N", None]):
        with pytest.raises(TypeError, match="Params should be either a string or an iterable"):
            n.get(bad)
    assert n.get("N", output="numpy") == n.N  # ignored, as in NEST


def test_nodes_of_several_models(n):
    mixed = n[:1] + nest.Create("multimeter")
    assert mixed.get("V_m") == (0.0, None)
    assert mixed.model == ("gif_pop_psc_exp", "multimeter")
    with pytest.raises(Errors.UnaccessedDictionaryEntry):
        mixed.V_m = 3.0
    assert n[0].V_m == 0.0


def test_get_of_events(n):
    meter = nest.Create("multimeter", 2, {"record_from": ["V_m"], "interval": 0.1})
    nest.Connect(meter[0], n[0], syn_spec={"delay": 0.1})
    nest.Simulate(0.3)
    times = meter[0].get("events", "times")
    assert times.tolist() == [0.1, 0.2]
    assert list(meter[0].get("events", ["times", "senders"])) == ["times", "senders"]
    both = meter.get("events", "times")
    assert isinstance(both, list)
    assert [len(each) for each in both] == [2, 0]
    assert [len(each) for each in meter.get("events", ["times"])["times"]] == [2, 0]
    assert meter.n_events == (2, 0)
    assert len(meter.events) == 2
    times[:] = 0.0
    assert meter[0].get("events", "times").tolist() == [0.1, 0.2]
    with pytest.raises(KeyError):
        meter[0].get("events", "foo")
    with pytest.raises(TypeError):
        n.get("N", "times")
    with pytest.raises(TypeError, match="First argument must be a string"):
        meter.get(["events"], ["times"])


def test_set_takes_one_form(n):
    n.set({"I_e": 1.0})
    n.set(V_m=2.0)
    n.I_e = 3.0
    assert n[1].get(["I_e", "V_m"]) == {"I_e": 3.0, "V_m": 2.0}
    with pytest.raises(TypeError, match="must either provide params or kwargs, but not both"):
        n.set({"V_m": 7.0}, I_e=3.0)
    with pytest.raises(Errors.BadParameter, match=r"must be the same size as the NodeCollection \(5\), 4 given"):
        n.set([{"V_m": 1.0}] * 4)
    for bad in (3, None, "V_m"):
        with pytest.raises(TypeError):
            n.set(bad)


def test_status(n):
    with pytest.warns(UserWarning, match=r"SetStatus\(\) is deprecated"):
        nest.SetStatus(n, "I_e", [1.0, 2.0, 3.0, 4.0, 5.0])
    with pytest.warns(UserWarning, match=r"SetStatus\(\) is deprecated"):
        nest.SetStatus(n, {"V_m": 3})
    with pytest.warns(UserWarning, match=r"GetStatus\(\) is deprecated"):
        assert nest.GetStatus(n, "I_e") == (1.0, 2.0, 3.0, 4.0, 5.0)
    with pytest.warns(UserWarning, match=r"GetStatus\(\) is deprecated"):
        assert nest.GetStatus(n[:2], ["N", "V_m"]) == ((100, 3.0), (100, 3.0))
    with pytest.warns(UserWarning, match=r"GetStatus\(\) is deprecated"):
        assert nest.GetStatus(n)[4]["global_id"] == 5


def test_get_nodes(n):
    meter = nest.Create("multimeter", 2)
    assert nest.GetNodes() == n + meter
    assert nest.GetNodes({"model": "multimeter"}) == meter


def test_collections_die_with_the_kernel(n):
    nest.Connect(n, n)
    connections = nest.GetConnections()
    nest.ResetKernel()
    nest.Create("gif_pop_psc_exp", 5)
    for use in (lambda: n.N, lambda: n.set(N=3), lambda: list(n), lambda: nest.Connect(n, n)):
        with pytest.raises(nest.NESTError):
            use()
    connections.weight = 1.0
    assert connections.weight == ()  # as in NEST
    assert len(n) == 5


@pytest.mark.parametrize(
    ("n", "error"),
    [(0, Errors.BadParameterValue), (-1, nest.NESTError), (1.5, TypeError)],
)
def test_numbers_of_nodes(n, error):
    with pytest.raises(error):
        nest.Create("gif_pop_psc_exp", n)


def test_create():
    assert nest.Create("gif_pop_psc_exp", np.int64(2), {"N": [1, 2]}).N == (1, 2)
    assert nest.Create("gif_pop_psc_exp", 2, [{"N": 3}, {"N": 4}]).N == (3, 4)
    with pytest.raises(Errors.UnknownModelName, match=r"^foo is not a known model name"):
        nest.Create("foo")
    with pytest.raises(TypeError, match="list of params must have one dictionary per node"):
        nest.Create("gif_pop_psc_exp", 2, [{"N": 1}])
    with pytest.raises(TypeError, match="params must be either a dict of parameters or a list or tuple of dicts"):
        nest.Create("gif_pop_psc_exp", params=3)
    assert nest.network_size == 4


# -- connections ------------------------------------------------------------------------------------------------------


def test_order_of_connections(n):
    """First among populations, then to recorders, then from devices; each by source."""
    n = n[:2]
    meter, dc = nest.Create("multimeter", params={"record_from": ["V_m"]}), nest.Create("dc_generator", 2)
    nest.Connect(meter, n)
    nest.Connect(dc, n, "one_to_one")
    nest.Connect(n[1], n)
    recorder = nest.Create("spike_recorder")
    nest.Connect(n, recorder)
    nest.Connect(n[0], n)
    connections = nest.GetConnections()
    assert connections.source == [1, 1, 2, 2, 1, 2, 6, 6, 7, 8]
    assert connections.target == [1, 2, 1, 2, 9, 9, 1, 2, 1, 2]
    assert nest.GetConnections(n).source == [1, 1, 2, 2, 1, 2]
    assert nest.GetConnections(target=n[1]).source == [1, 2, 6, 8]
    assert nest.GetConnections(n[0], n[1]).source == 1
    assert nest.num_connections == 10


def test_synapse_collection(n):
    nest.Connect(n[:2], n[:2])
    connections = nest.GetConnections()
    assert len(connections) == 4
    assert connections.get(["source", "target"]) == {"source": [1, 1, 2, 2], "target": [1, 2, 1, 2]}
    assert connections[1].get(["target", "delay"]) == {"target": 2, "delay": 1.0}
    assert [c.target for c in connections] == [1, 2, 1, 2]
    assert connections[1:3].target == [2, 1]
    assert connections[-1].source == 2
    assert list(connections.sources()) == [1, 1, 2, 2]
    assert list(connections.targets()) == [1, 2, 1, 2]
    assert connections == nest.GetConnections()
    assert connections[0] != connections[1]
    assert connections.synapse_model == ["static_synapse"] * 4
    assert str(connections[0]) == (
        " source   target   synapse model   weight   delay \n-------- -------- --------------- -------- -------\n"
        "      1        1  static_synapse    1.000   1.000"
    )
    with pytest.raises(IndexError, match="list index out of range"):
        connections[4]
    with pytest.raises(TypeError):
        connections["a"]
    nothing = nest.GetConnections(n[4])
    assert (len(nothing), nothing.get()) == (0, {})
    assert str(nothing) == "The synapse collection does not contain any connections."


def test_setting_connections(n):
    nest.Connect(n[:2], n[:2])
    connections = nest.GetConnections()
    connections.weight = 3
    connections[1].weight = 5.0
    assert connections.weight == [3.0, 5.0, 3.0, 3.0]
    connections.set(weight=[1, 2, 3, 4])
    connections.set([{"delay": 2.0}, {}, {"delay": 0.56}, {"weight": 7.0}])
    assert connections.weight == [1.0, 2.0, 3.0, 7.0]
    assert connections.delay == [2.0, 1.0, 0.6000000000000001, 1.0]
    assert (nest.min_delay, nest.max_delay) == (0.6, 2.0)
    for name in ("foo", "target", "source", "receptor_type", "synapse_model"):
        with pytest.raises(Errors.UnaccessedDictionaryEntry) as error:
            connections.set({name: 2, "weight": 9.0})
        assert str(error.value) == f"Unaccessed elements in params, in function connection.set():  {name}"
    with pytest.raises(IndexError):
        connections.weight = [1, 2]
    with pytest.raises(Errors.BadDelay):
        connections.set(weight=9.0, delay=0.0)
    assert connections.weight == [1.0, 2.0, 3.0, 7.0]


def test_find_connections(n):
    nest.Connect(n, n)
    with pytest.raises(TypeError, match="source must be NodeCollection"):
        nest.GetConnections(1)
    with pytest.raises(Errors.UnknownSynapseType, match=r"^Synapse with name foo does not exist"):
        nest.GetConnections(synapse_model="foo")
    made = nest.Connect(n[0], n[1], return_synapsecollection=True)
    assert made.get(["source", "target"]) == {"source": [1, 1], "target": [2, 2]}
    assert nest.Connect(n[0], n[1]) is None


def test_docstrings():
    from gifpop.nest import node_collection

    assert doctest.testmod(node_collection).failed == 0


def test_identifiers_that_are_numbers_of_other_types(n):
    assert n.index(2.0) == n.index(np.int32(2)) == 1 and n.index(True) == 0
    assert 2.0 in n and np.float64(3.0) in n and 2.5 not in n and float("nan") not in n and 1e300 not in n
    for other in (2.5, 1e300, 10**30):
        with pytest.raises(ValueError, match="is not in NodeCollection"):
            n.index(other)
    for wrong in ("a", None, n[1]):
        for ask in (n.index, n.__contains__):
            with pytest.raises(TypeError, match="an integer is required"):
                ask(wrong)


def test_names_of_models_that_are_no_texts(n):
    with pytest.raises(Errors.TypeMismatch, match="Failed to cast 'synapse_model' from long to type std::string"):
        nest.GetConnections(synapse_model=3)
