"""gifpop.nest: what Connect makes and refuses."""

import numpy as np
import pytest

import gifpop.nest as nest

Errors = nest.NESTErrors


H = 0.5  # ms


@pytest.fixture(autouse=True)
def n():
    return nest.Create("gif_pop_psc_exp", 3)


def pairs():
    found = nest.GetConnections()
    return list(zip(found.source, found.target, strict=True))


def test_all_to_all(n):
    nest.Connect(n[:2], n)
    assert pairs() == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]


def test_one_to_one(n):
    nest.Connect(n, n, "one_to_one")
    assert pairs() == [(1, 1), (2, 2), (3, 3)]
    with pytest.raises(Errors.DimensionMismatch, match=r"Source and Target population must be of the same size."):
        nest.Connect(n, n[:2], "one_to_one")


def test_autapses(n):
    nest.Connect(n, n, {"rule": "all_to_all", "allow_autapses": False, "allow_multapses": True})
    assert all(source != target for source, target in pairs())
    assert nest.num_connections == 6


def test_from_identifiers(n):
    nest.Connect([1, 2], np.array([3]))
    assert pairs() == [(1, 3), (2, 3)]


def test_weights(n):
    nest.Connect(n, n, syn_spec={"weight": np.arange(9.0).reshape(3, 3)})
    assert nest.GetConnections().weight == [0.0, 3.0, 6.0, 1.0, 4.0, 7.0, 2.0, 5.0, 8.0]
    nest.Connect(n, n, "one_to_one", {"weight": [2.0, 3.0, 4.0], "delay": [1.0, 1.5, 2.0]})
    assert nest.GetConnections(n[2], n[2]).get(["weight", "delay"]) == {"weight": [8.0, 4.0], "delay": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("rule", "error", "text"),
    [
        ("foo", Errors.BadProperty, "Unknown connectivity rule: foo"),
        ({"rule": "pairwise_bernoulli", "p": 2.0}, Errors.BadProperty, "Connection probability 0 <= p <= 1 required."),
        ({"rule": "pairwise_bernoulli", "p": -0.1}, Errors.BadProperty, "Connection probability 0 <= p <= 1 required."),
        ({"rule": "fixed_indegree", "indegree": -1}, Errors.BadProperty, "Indegree cannot be less than zero."),
        ({"rule": "fixed_indegree", "indegree": 1.0}, Errors.TypeMismatch, "'indegree' from double to type long"),
        (
            {"rule": "fixed_indegree", "indegree": 4, "allow_multapses": False},
            Errors.BadProperty,
            "Indegree cannot be larger than population size.",
        ),
        (
            {"rule": "pairwise_poisson", "pairwise_avg_num_conns": -2.0},
            Errors.BadProperty,
            "Connection parameter 0 ≤ pairwise_avg_num_conns required",
        ),
        (
            {"rule": "all_to_all", "make_symmetric": True},
            Errors.NotImplemented,
            "This connection rule does not support symmetric connections.",
        ),
        ({"rule": "one_to_one", "make_symmetric": 1}, Errors.TypeMismatch, "'make_symmetric' from long to type bool"),
        ({"rule": "all_to_all", "allow_autapses": 1}, Errors.TypeMismatch, "'allow_autapses' from long to type bool"),
        (
            {"rule": "all_to_all", "foo": 1},
            Errors.UnaccessedDictionaryEntry,
            "Unaccessed elements in conn_spec, in function Connect:  foo",
        ),
        (3, TypeError, "conn_spec must be a string or dict"),
        ({}, KeyError, "^'rule'$"),
        ({"allow_autapses": True}, KeyError, "^'rule'$"),
    ],
)
def test_bad_rules(n, rule, error, text):
    with pytest.raises(error, match=text):
        nest.Connect(n, n, rule)
    assert nest.num_connections == 0


@pytest.mark.parametrize(
    ("synapse", "error", "text"),
    [
        ("foo", Errors.UnknownSynapseType, "Synapse with name foo does not exist."),
        ({"synapse_model": 3}, TypeError, "'synapse_model' must be specified by a 'str'."),
        ({"foo": 1}, Errors.UnaccessedDictionaryEntry, "Unaccessed elements in syn_spec, in function Connect:  foo"),
        ({"p_transmit": 0.4}, Errors.UnaccessedDictionaryEntry, "p_transmit"),
        ({"weight": "a"}, Errors.BadProperty, "Cannot handle parameter type. Received std::string"),
        ({"weight": True}, Errors.BadProperty, "Cannot handle parameter type. Received bool"),
        ({"weight": float("nan")}, Errors.BadProperty, "weight must be a finite number"),
        ({"weight": [1, 2, 3]}, TypeError, "One-dimensional parameter arrays"),
        ({"weight": np.ones((3, 2))}, ValueError, r"dimension 3x3 \(n_target x n_sources\)"),
        ({"receptor_type": 1}, Errors.UnknownReceptorType, "Receptor type 1 is not available in gif_pop_psc_exp."),
        (3, TypeError, "syn_spec must be a string"),
    ],
)
def test_bad_synapses(n, synapse, error, text):
    with pytest.raises(error, match=text):
        nest.Connect(n, n, syn_spec=synapse)
    assert nest.num_connections == 0
    nest.Connect(n, n, syn_spec={"receptor_type": 0})


def test_bad_weights_of_one_to_one(n):
    with pytest.raises(ValueError, match=r"'weight' has to be an array of dimension 3, a scalar or a dictionary."):
        nest.Connect(n, n, "one_to_one", {"weight": [1, 2]})
    with pytest.raises(TypeError, match="Two-dimensional parameter arrays"):
        nest.Connect(n, n, "one_to_one", {"weight": [[1, 2, 3]]})


def illegal(pre, post):
    with pytest.raises(Errors.IllegalConnection) as error:
        nest.Connect(pre, post)
    start = "Creation of connection is not possible because:\n"
    assert str(error.value).startswith(start)
    return str(error.value).removeprefix(start)


def test_what_cannot_be_connected(n):
    def new(model, **parameters):
        return nest.Create(model, params=parameters)

    no_spikes = (
        "The target node or synapse model does not support spike input.\n"
        "  Note that volt/multimeters must be connected as Connect(meter, neuron)."
    )
    no_output = (
        "Source node does not send output.\n  Note that recorders must be connected as Connect(neuron, recorder)."
    )
    no_current = "The target node or synapse model does not support current input."
    global_receiver = "We do not allow connection of a device to a global receiver at the moment."
    assert illegal(n, new("multimeter")) == no_spikes
    assert illegal(n, new("dc_generator")) == no_spikes
    assert illegal(new("spike_recorder"), n) == no_output
    assert illegal(new("dc_generator"), new("dc_generator")) == no_current
    assert illegal(new("dc_generator"), new("spike_recorder")) == no_current
    assert illegal(new("multimeter"), new("spike_recorder")) == (
        "The target node or synapse model does not support data logging requests."
    )
    assert illegal(new("dc_generator"), new("multimeter")) == global_receiver
    assert illegal(new("poisson_generator"), new("poisson_generator")) == global_receiver
    assert illegal(new("multimeter", record_from=["foo"]), n) == "Cannot connect with unknown recordable foo"
    assert illegal(nest.NodeCollection(), n) == "Presynaptic nodes cannot be an empty NodeCollection"
    assert illegal(n, nest.NodeCollection()) == "Postsynaptic nodes cannot be an empty NodeCollection"
    assert nest.num_connections == 0


def test_a_meter_is_connected_once(n):
    meter = nest.Create("multimeter", params={"record_from": ["V_m"]})
    nest.Connect(meter, n[:2])
    assert illegal(meter, n[1:]) == "Each multimeter can only be connected once to a given node."
    nest.Connect(meter, n[2])


def test_a_meter_samples_no_faster_than_the_resolution():
    nest.ResetKernel()
    nest.resolution = 5.0
    meter = nest.Create("multimeter", params={"record_from": ["V_m"]})
    assert illegal(meter, nest.Create("gif_pop_psc_exp")) == "Recording interval must be >= resolution."


def test_a_device_has_one_synapse_model(n):
    nest.CopyModel("static_synapse", "other")
    generator = nest.Create("dc_generator")
    nest.Connect(generator, n[0])
    with pytest.raises(Errors.IllegalConnection, match="must use the same synapse type"):
        nest.Connect(generator, n[1], syn_spec="other")
    nest.Connect(n[0], n[1], syn_spec="other")
    nest.Connect(n[0], n[1])


def test_allowed_delays():
    nest.SetKernelStatus({"min_delay": 1.0, "max_delay": 2.0})
    node = nest.NodeCollection([1])
    with pytest.raises(Errors.BadDelay, match="Delay value 3 is invalid: Delay must be smaller than or equal"):
        nest.Connect(node, node, syn_spec={"delay": 3.0})
    with pytest.raises(Errors.BadDelay, match=r"Delay value 0.5 is invalid: Delay must be greater than or equal"):
        nest.Connect(node, node, syn_spec={"delay": 0.5})
    nest.Connect(node, node)
    assert (nest.min_delay, nest.max_delay) == (1.0, 2.0)
    with pytest.raises(Errors.BadProperty, match=r"Connections already exist. Please call ResetKernel first"):
        nest.SetKernelStatus({"min_delay": 0.5, "max_delay": 3.0})


def test_single_connections_are_those_of_general_calls():
    """A loop of plain calls takes a shorter way than a call with a dict for the rule."""
    seen = []
    for rule in ("one_to_one", {"rule": "one_to_one"}):
        nest.ResetKernel()
        nodes = nest.Create("gif_psc_exp", 3) + nest.Create("gif_pop_psc_exp", 2)
        for source in nodes:
            for target in nodes:
                syn_spec = {"weight": float(source.global_id), "delay": 1.0 + 0.1 * target.global_id}
                nest.Connect(source, target, rule, syn_spec)
        nest.Connect(nodes[0], nodes[0], rule)
        seen.append((nest.GetConnections().get(), nest.min_delay, nest.max_delay, nest.num_connections))
    assert seen[0] == seen[1]
    nest.Simulate(1.0)
    for delay in (0.0, 5.0, float("nan")):
        with pytest.raises(nest.NESTErrors.BadDelay, match="Delay value"):
            nest.Connect(nodes[0], nodes[1], "one_to_one", {"delay": delay})
    assert nest.num_connections == 26


@pytest.mark.parametrize(
    ("source", "target", "syn_spec"),
    [
        ("dc_generator", "parrot_neuron", {"synapse_model": "static_synapse_lbl"}),
        ("dc_generator", "spike_recorder", {"synapse_model": "bernoulli_synapse"}),
        ("spike_generator", "parrot_neuron", {"synapse_model": "static_synapse_lbl", "receptor_type": 5}),
    ],
)
def test_a_device_with_another_synapse_model_is_refused_first(source, target, syn_spec):
    device = nest.Create(source)
    nest.Connect(device, nest.Create("gif_psc_exp"))
    with pytest.raises(Errors.IllegalConnection, match="All outgoing connections from a device must use the same"):
        nest.Connect(device, nest.Create(target), syn_spec=syn_spec)
