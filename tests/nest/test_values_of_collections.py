"""gifpop.nest: what `get`, `GetStatus` and `_to_array` return of nodes and connections; values are NEST 3.10's."""

import numpy as np
import pytest

import gifpop.nest as nest

Errors = nest.NESTErrors

pytestmark = pytest.mark.filterwarnings(r"ignore:GetStatus\(\) is deprecated:UserWarning")


@pytest.fixture
def nodes():
    return nest.Create("gif_psc_exp", 2)


# -- identifiers in lists ---------------------------------------------------------------------------------------------


def test_identifiers_by_thread():
    nest.local_num_threads = 3
    neurons, devices = nest.Create("gif_psc_exp", 7), nest.Create("poisson_generator", 4)
    assert neurons._to_array() == neurons._to_array("all") == {"All": [1, 2, 3, 4, 5, 6, 7]}
    assert devices._to_array("rank") == {"Rank 0": [8, 9, 10, 11]}
    assert (neurons + devices)._to_array("thread") == {0: [3, 6, 9], 1: [1, 4, 7, 10], 2: [2, 5, 8, 11]}
    assert neurons[::2]._to_array("thread") == {0: [3], 1: [1, 7], 2: [5]}
    assert (neurons + devices)[[2, 8]]._to_array("thread") == {0: [3, 9], 1: [], 2: []}
    assert nest.NodeCollection()._to_array() == {"All": []}
    assert type(neurons._to_array("thread")[0][0]) is int
    nest.ResetKernel()
    assert neurons._to_array()["All"] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("selection", ["foo", "All", 5])
def test_other_selections(nodes, selection):
    text = rf"^to_array\(\) accepts only 'all', 'rank', 'thread', but got '{selection}'\.$"
    with pytest.raises(Errors.BadParameter, match=text):
        nodes._to_array(selection)


# -- names in any iterable --------------------------------------------------------------------------------------------

ITERABLES = [list, tuple, set, dict.fromkeys, iter, np.array]


@pytest.mark.parametrize("of", ITERABLES)
def test_names_in_any_iterable(nodes, of):
    nest.Connect(nodes, nodes, "one_to_one")
    assert nodes.get(of(["C_m"])) == {"C_m": (80.0, 80.0)}
    assert nest.GetConnections().get(of(["weight"])) == {"weight": [1.0, 1.0]}
    assert nest.GetStatus(nodes, of(["C_m"])) == ((80.0,), (80.0,))
    assert nest.GetDefaults("noise_generator", of(["mean"])) == [0.0]
    assert nest.GetKernelStatus(of(["resolution"])) == (0.1,)


def test_a_default_that_is_no_name():
    for model in ("gif_psc_exp", "static_synapse"):
        with pytest.raises(KeyError, match="3"):
            nest.GetDefaults(model, 3)


def test_several_settings():
    assert nest.get("resolution", "rng_seed") == nest.get(["resolution", "rng_seed"]) == (0.1, 143202461)


@pytest.mark.parametrize("ask", ["nodes.get", "connections.get", "GetStatus", "GetKernelStatus"])
def test_names_that_are_none(nodes, ask):
    nest.Connect(nodes, nodes)
    asked = {
        "nodes.get": nodes.get,
        "connections.get": nest.GetConnections().get,
        "GetStatus": lambda name: nest.GetStatus(nodes, name),
        "GetKernelStatus": nest.GetKernelStatus,
    }
    with pytest.raises(TypeError, match="should be either a string or an iterable"):
        asked[ask](3)


# -- values that some connections lack --------------------------------------------------------------------------------


def test_values_that_all_connections_lack(nodes):
    nest.Connect(nodes, nodes, syn_spec="static_synapse_hom_w")
    found = nest.GetConnections()
    for name in ("weight", "p_transmit", "foo"):
        assert found.get(name) == getattr(found, name) == nest.GetStatus(found, name) == []
        for ask in (
            lambda name: found[0].get(name),
            lambda name: getattr(found[0], name),
            lambda name: found.get([name, "delay"]),
            lambda name: nest.GetStatus(found, ["delay", name]),
            lambda name: nest.GetStatus(found[0], name),
            lambda name: found[0].get(name, output="pandas"),
        ):
            with pytest.raises(KeyError, match=f"'{name}'"):
                ask(name)
    assert "weight" not in found.get() and not hasattr(found[0], "weight")


def test_values_that_some_connections_lack(nodes):
    nest.Connect(nodes[0], nodes[0], syn_spec={"synapse_model": "static_synapse_lbl", "synapse_label": 3})
    nest.Connect(nodes[0], nodes[0])
    found = nest.GetConnections()
    assert found.synapse_label == nest.GetStatus(found, "synapse_label") == [None, 3]
    assert found.get()["synapse_label"] == [None, 3]
    with pytest.raises(KeyError, match="'synapse_label'"):
        found.get(["synapse_label", "weight"])
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="synapse_label"):
        found.synapse_label = [1, 2]
    found.synapse_label = 5
    assert found.synapse_label == [None, 5]


def test_no_connections(nodes):
    none = nest.GetConnections()
    assert none.get() == {} and none.get("weight") == none.get(["weight"]) == none.weight == ()
    assert nest.GetStatus(none) == nest.GetStatus(none, "weight") == nest.GetStatus(none, ["weight"]) == ()


def test_comparison_with_anything_else(nodes):
    nest.Connect(nodes, nodes)
    for ask in (lambda x: x == 4, lambda x: x != 4):
        for each in (nodes, nest.GetConnections()):
            with pytest.raises(NotImplementedError):
                ask(each)


# -- GetStatus --------------------------------------------------------------------------------------------------------


def test_forms_of_status(nodes):
    nest.Connect(nodes, nodes, "one_to_one")
    found, mixed = nest.GetConnections(), nodes + nest.Create("gif_pop_psc_exp")
    assert nest.GetStatus(nodes, "C_m") == (80.0, 80.0)
    assert nest.GetStatus(nodes[0], "C_m") == (80.0,)
    assert nest.GetStatus(found, "weight") == [1.0, 1.0]
    assert nest.GetStatus(found[0], "weight") == (1.0,)
    assert nest.GetStatus(found, ["weight", "delay"]) == ((1.0, 1.0),) * 2
    assert nest.GetStatus(mixed, "g_L") == (4.0, 4.0, None)
    assert nest.GetStatus(mixed, ["C_m", "g_L"]) == ((80.0, 4.0), (80.0, 4.0), (250.0, None))
    assert nest.GetStatus(found) == nest.GetStatus(found, []) == tuple(each.get() for each in found)
    assert nest.GetStatus(nest.NodeCollection(), "C_m") == ()


# -- errors of set ----------------------------------------------------------------------------------------------------

PROBABILITY = "Spike transmission probability must be in [0, 1]."
LABEL = "Connection label must not be negative."


@pytest.mark.parametrize(
    ("model", "name", "value", "bad", "rule"),
    [
        ("bernoulli_synapse", "p_transmit", 2.0, (1, 1, 0), PROBABILITY),
        ("bernoulli_synapse", "p_transmit", [0.1, 0.2, 0.3, -1.0], (2, 2, 3), PROBABILITY),
        ("bernoulli_synapse", "p_transmit", [0.1, 1.5, 0.3, -1.0], (1, 2, 1), PROBABILITY),
        ("static_synapse_lbl", "synapse_label", -1, (1, 1, 0), LABEL),
        ("static_synapse_hom_w_lbl", "synapse_label", [3, 4, -2, 5], (2, 1, 2), LABEL),
    ],
)
def test_errors_name_the_connection(nodes, model, name, value, bad, rule):
    nest.Connect(nodes, nodes, syn_spec=model)
    found = nest.GetConnections()
    before = found.get(name)
    source, target, port = bad
    for change in (
        lambda: found.set({name: value}),
        lambda: setattr(found, name, value),
        lambda: found.set([{name: value[i] if isinstance(value, list) else value} for i in range(4)]),
    ):
        with pytest.raises(Errors.BadProperty) as error:
            change()
        assert str(error.value) == (
            f"Setting status of '{model}' connecting from node ID {source} to node ID {target} via port {port}: {rule}"
        )
    assert found.get(name) == before


def test_errors_name_the_first_connection_that_has_the_value(nodes):
    nest.Connect(nodes, nodes, syn_spec="bernoulli_synapse")
    nest.Connect(nodes, nodes)
    with pytest.raises(
        Errors.BadProperty, match="'bernoulli_synapse' connecting from node ID 1 to node ID 1 via port 0"
    ):
        nest.GetConnections().p_transmit = 2.0
