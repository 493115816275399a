"""gifpop.nest: shared weights, labels, ports and collocated synapses; values are NEST 3.10's."""

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.nest import errors

Errors = nest.NESTErrors
SHARED, LABELLED = "static_synapse_hom_w", "static_synapse_lbl"


def neurons(n=3, **params):
    return nest.Create("gif_psc_exp", n, params)


def labelled(label):
    return {"synapse_model": LABELLED, "synapse_label": label}


# -- shared weights ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1.0, 2.0, [1.0, 1.0, 1.0], nest.random.uniform()])
def test_shared_weight_belongs_to_the_model(weight):
    a = neurons()
    message = 'Synapse parameter "weight" can only be set via SetDefaults\\(\\) or CopyModel\\(\\)'
    with pytest.raises(Errors.NotImplemented, match=message):
        nest.Connect(a, a, "one_to_one", {"synapse_model": SHARED, "weight": weight})
    nest.Connect(a, a, syn_spec={"synapse_model": SHARED, "delay": 2.0})
    found = nest.GetConnections()
    assert "weight" not in found.get()
    assert found.weight == []
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="weight"):
        found.weight = 3.0
    found.delay = 3.0
    assert found.delay == [3.0] * 9


def test_some_have_a_weight_of_their_own():
    a = neurons(2)
    nest.Connect(a, a, syn_spec=SHARED)
    nest.Connect(a, a)
    found = nest.GetConnections()
    found.weight = 3.0
    assert found.weight == found.get()["weight"] == [3.0] * 4 + [None] * 4
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match=r"connection.set\(\):  weight$"):
        found.weight = list(range(8))
    assert found.weight == [3.0] * 4 + [None] * 4
    found[:4].weight = list(range(4))
    assert found.weight == [0.0, 1.0, 2.0, 3.0] + [None] * 4
    assert nest.GetDefaults(SHARED, "weight") == 1.0
    assert str(found).splitlines()[0] == " source   target     synapse model      weight   delay "


def test_shared_weight_changes_for_all():
    """From the next delivery on, as in NEST, whose values these are."""
    expected = [0, 8.18731, 6.37628, 4.96585, 3.86741, 3.01194, 2.34570]
    for weight, after in ((20.0, [10.43392, 8.12594]), (0.0, [10.43392, 8.12594])):
        nest.ResetKernel()
        a = nest.Create(
            "gif_psc_exp", 2, {"lambda_0": [1e9, 0.0], "V_T_star": -50.0, "V_m": 0.0, "E_L": 0.0, "t_ref": 3.0}
        )
        meter = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": 0.5})
        nest.SetDefaults(SHARED, {"weight": 10.0})
        nest.Connect(meter, a[1])
        nest.Connect(a[0], a[1], syn_spec=SHARED)
        nest.Simulate(5.0)
        nest.SetDefaults(SHARED, {"weight": weight})
        nest.Simulate(6.0)
        values = meter.events["I_syn_ex"]
        np.testing.assert_allclose(values[1:10], [*expected, *after], rtol=0, atol=1e-5)
        np.testing.assert_allclose(values[14], 20.42487 if weight else 2.32812, rtol=0, atol=1e-5)


def test_copies_share_their_own():
    a = neurons(2)
    nest.CopyModel(SHARED, "other", {"weight": 7.0})
    nest.SetDefaults(SHARED, {"weight": 5.0})
    assert nest.GetDefaults("other", "weight") == 7.0
    nest.Connect(a, a, syn_spec="other")
    assert nest.GetDefaults("other", "num_connections") == 4
    assert nest.GetDefaults("other", "synapse_modelid") == 77


# -- labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "label", "expected"),
    [
        ("all_to_all", 5, [5] * 9),
        ("all_to_all", np.arange(9).reshape(3, 3), [0, 3, 6, 1, 4, 7, 2, 5, 8]),
        ("one_to_one", [1, 2, 3], [1, 2, 3]),
        ({"rule": "fixed_total_number", "N": 4}, 2**40, [2**40] * 4),
    ],
)
def test_labels(rule, label, expected):
    a = neurons()
    nest.Connect(a, a, rule, labelled(label))
    assert nest.GetConnections().synapse_label == expected


def test_drawn_labels():
    a = neurons(40)
    nest.Connect(a, a, syn_spec=labelled(nest.random.uniform_int(5)))
    assert set(nest.GetConnections().synapse_label) == set(range(5))
    with pytest.raises(RuntimeError, match="does not hold a numeric integer type"):
        nest.Connect(a, a, syn_spec=labelled(nest.random.uniform()))


def test_find_by_label():
    a = neurons()
    nest.Connect(a, a, syn_spec=labelled(3))
    nest.Connect(a, a, "one_to_one", labelled(4))
    nest.Connect(a, a, "one_to_one")
    for label, n in ((3, 9), (4, 3), (5, 0), (-1, 15), (None, 15), (0, 0)):
        assert len(nest.GetConnections(synapse_label=label)) == n
    assert list(nest.GetConnections(a[:2], a[1:], LABELLED, 4).sources()) == [2]
    assert len(nest.GetConnections(synapse_model="static_synapse", synapse_label=3)) == 0
    for label in (2.5, 3.0, "a", [3], True):
        with pytest.raises(Errors.TypeMismatch, match=r"'synapse_label' from .* to type long"):
            nest.GetConnections(synapse_label=label)
    found = nest.GetConnections(synapse_label=4)
    found.synapse_label = [7, 8, 9]
    assert nest.GetConnections(synapse_label=8) == found[1]
    assert nest.GetConnections().synapse_label[:3] == [None] * 3
    assert nest.GetConnections(synapse_model="static_synapse").synapse_label == []


@pytest.mark.parametrize(
    ("label", "error", "message"),
    [
        (-1, Errors.BadProperty, "Connection label must not be negative."),
        (2.0, RuntimeError, "synapse_label does not hold a numeric integer type"),
        ("a", Errors.BadProperty, "Cannot handle parameter type. Received std::string"),
        (True, Errors.BadProperty, "Cannot handle parameter type. Received bool"),
        ([1, 2, 3], TypeError, "'synapse_label' has the wrong type"),
    ],
)
def test_bad_labels(label, error, message):
    a = neurons()
    with pytest.raises(error, match=message):
        nest.Connect(a, a, syn_spec=labelled(label))
    assert nest.num_connections == 0


def test_default_labels():
    a = neurons()
    for function, arguments in (("Connect", (a, a, None)), ("set_synapse_defaults_", ("static_synapse",))):
        call = nest.Connect if function == "Connect" else nest.SetDefaults
        with pytest.raises(Errors.UnaccessedDictionaryEntry, match=f"{function}:  synapse_label"):
            call(*arguments, {"synapse_label": 3})
    nest.CopyModel(LABELLED, "copy", {"synapse_label": 7})
    with pytest.raises(Errors.BadProperty, match="must not be negative"):
        nest.SetDefaults("copy", {"synapse_label": -2})
    nest.Connect(a, a, "one_to_one", "copy")
    assert nest.GetConnections().synapse_label == [7] * 3
    assert nest.GetDefaults(LABELLED, "synapse_label") == -1


# -- ports and numbers ------------------------------------------------------------------------------------------------


def test_ports():
    """By source; of devices, and of neurons to recorders, for each source."""
    a, recorders = neurons(2), nest.Create("spike_recorder", 2)
    generator = nest.Create("poisson_generator")
    nest.Connect(a[1], a)
    nest.Connect(a[0], a)
    for _ in range(2):
        nest.Connect(a, recorders)
    nest.Connect(generator, a)
    nest.Connect(generator, recorders)
    nest.Connect(a, a, syn_spec=LABELLED)
    found = nest.GetConnections()
    assert found.port == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]
    assert [one.port for one in found] == found.port
    assert set(found.get("synapse_id")) == {29, 31}
    assert set(found.sizeof) == {32, 40}


def test_ports_of_connections_stored_in_all_ways():
    a, b = neurons(40), neurons(40)
    nodes = a + b
    nest.Connect(b, a)
    nest.Connect(a, a, {"rule": "pairwise_bernoulli", "p": 0.5})
    nest.Connect(a, b, syn_spec={"weight": nest.random.uniform()})
    nest.Connect(nodes[3], nodes[4])
    nest.Connect(a[5:9], b[2:30])
    found = nest.GetConnections()
    assert found.port == list(range(len(found)))
    found[7:900].disconnect()
    assert nest.GetConnections().port == [*range(7), *range(900, len(found))]


def test_ports_on_several_threads():
    """Each thread counts its own, as NEST does, whose numbers these are."""
    nest.local_num_threads = 3
    n, m, g, r = neurons(3), neurons(3), nest.Create("poisson_generator"), nest.Create("spike_recorder", 2)
    p = nest.Create("gif_pop_psc_exp", 2)
    nest.Connect(n, m, syn_spec=LABELLED)
    nest.Connect(g, n)
    nest.Connect(m, r)
    nest.Connect(n, n, "one_to_one")
    nest.Connect(n, m)
    nest.Connect(g, m)
    nest.Connect(n, p)
    nest.Connect(p, p)
    found = nest.GetConnections()
    ports = dict(zip(zip(found.synapse_id, found.source, found.target, strict=True), found.port, strict=True))
    labelled = [ports[31, source, target] for source in n.tolist() for target in m.tolist()]
    assert labelled == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    static = {key[1:]: port for key, port in ports.items() if key[0] == 29}
    assert [static[1, target] for target in (1, 4, 5, 6, 10, 11)] == [0, 1, 0, 0, 2, 1]
    assert [static[2, target] for target in (2, 4, 5, 6, 10, 11)] == [2, 3, 3, 1, 4, 4]
    assert [static[3, target] for target in (3, 4, 5, 6, 10, 11)] == [2, 5, 5, 3, 6, 6]
    assert [static[source, target] for source in (4, 5, 6) for target in (8, 9)] == [0, 1] * 3
    assert [static[7, target] for target in range(1, 7)] == [0, 0, 0, 1, 1, 1]
    assert [static[source, target] for source in (10, 11) for target in (10, 11)] == [7, 7, 8, 8]


def test_ports_of_each_thread_are_counted():
    ports = {}
    for threads in (1, 2):
        nest.ResetKernel()
        nest.local_num_threads = threads
        a, b = neurons(40), neurons(40)
        nest.Connect(b, a)
        nest.Connect(a, a, {"rule": "pairwise_bernoulli", "p": 0.5})
        nest.Connect(a, b, syn_spec={"weight": nest.random.uniform()})
        nest.Connect(a[3], b[4])
        found = nest.GetConnections()
        ports[threads] = found.port, found.target_thread
    assert ports[1] == (list(range(len(found))), [0] * len(found))
    for thread in (0, 1):
        own = [port for port, at in zip(*ports[2], strict=True) if at == thread]
        assert own == list(range(len(own))) and own


# -- collocated synapses ----------------------------------------------------------------------------------------------


def test_collocated():
    a = neurons()
    both = nest.CollocatedSynapses({"weight": 2.0}, {"weight": -3.0, "delay": 2.0})
    assert len(both) == 2
    nest.Connect(a, a, {"rule": "fixed_indegree", "indegree": 2}, both)
    found = nest.GetConnections()
    assert found.weight == [2.0, -3.0] * 6
    assert found.delay == [1.0, 2.0] * 6
    targets = list(found.targets())
    assert targets[::2] == targets[1::2]
    assert sorted(targets) == [1] * 4 + [2] * 4 + [3] * 4


def test_collocated_models():
    a = neurons(40)
    several = nest.CollocatedSynapses(
        {"weight": np.arange(1600.0).reshape(40, 40)}, labelled(4), labelled(nest.random.uniform_int(3))
    )
    made = nest.Connect(a, a, "all_to_all", several, return_synapsecollection=True)
    assert len(made) == nest.num_connections == 4800
    assert len(nest.GetConnections(synapse_label=4)) == 1600
    weights = np.array(nest.GetConnections(synapse_model="static_synapse").weight).reshape(40, 40)
    np.testing.assert_array_equal(weights, np.arange(1600.0).reshape(40, 40).T)


def test_collocated_and_symmetric():
    a = neurons()
    both = nest.CollocatedSynapses({"weight": [2.0, 3.0]}, {"weight": 3.0, "delay": [1.0, 2.0]})
    nest.Connect(a[:2], a[1:], {"rule": "one_to_one", "make_symmetric": True}, both)
    found = nest.GetConnections()
    rows = list(zip(found.sources(), found.targets(), found.weight, found.delay, strict=True))
    assert rows == [
        *[(1, 2, 2.0, 1.0), (1, 2, 3.0, 1.0), (2, 3, 3.0, 1.0), (2, 3, 3.0, 2.0)],
        *[(2, 1, 2.0, 1.0), (2, 1, 3.0, 1.0), (3, 2, 3.0, 1.0), (3, 2, 3.0, 2.0)],
    ]


def test_collocated_all_or_nothing():
    a = neurons()
    meter = nest.Create("multimeter", params={"record_from": ["V_m"]})
    for sources, second, error, message in (
        (a, {"synapse_model": "nope"}, Errors.UnknownSynapseType, "Synapse with name nope does not exist"),
        (a, {"foo": 1}, Errors.UnaccessedDictionaryEntry, "in syn_spec, in function Connect:  foo"),
        (a, {"receptor_type": 2}, Errors.UnknownReceptorType, "Receptor type 2 is not available"),
        (meter, {}, Errors.IllegalConnection, "can only be connected once to a given node"),
        (meter, labelled(3), Errors.IllegalConnection, "from a device must use the same synapse type"),
    ):
        with pytest.raises(error, match=message):
            nest.Connect(sources, a, "all_to_all", nest.CollocatedSynapses({}, second))
        assert nest.num_connections == 0
    nest.Connect(a, a, "one_to_one", nest.CollocatedSynapses())
    assert nest.num_connections == 0


# -- variants of models -----------------------------------------------------------------------------------------------

VARIANTS = {  # synapse_id and sizeof of NEST 3.10
    "bernoulli_synapse": (0, 40),
    "bernoulli_synapse_hpc": (1, 24),
    "bernoulli_synapse_lbl": (2, 48),
    "static_synapse": (29, 32),
    "static_synapse_hom_w": (32, 24),
    "static_synapse_hom_w_hpc": (33, 8),
    "static_synapse_hom_w_lbl": (34, 32),
    "static_synapse_hpc": (30, 16),
    "static_synapse_lbl": (31, 40),
    "tsodyks2_synapse": (62, 80),
    "tsodyks2_synapse_hpc": (63, 64),
    "tsodyks2_synapse_lbl": (64, 88),
    "tsodyks_synapse": (65, 96),
    "tsodyks_synapse_hpc": (66, 80),
    "tsodyks_synapse_lbl": (67, 104),
}
LARGE = [name for name in VARIANTS if name.endswith("_hpc")]


def test_names_of_variants():
    assert nest.synapse_models == list(VARIANTS)


@pytest.mark.parametrize("model", VARIANTS)
def test_variants_share_all_but_labels_and_identifiers(model):
    plain = model.removesuffix("_hpc").removesuffix("_lbl")
    own, others = nest.GetDefaults(model), nest.GetDefaults(plain)
    assert (own.pop("synapse_modelid"), own.pop("sizeof"), own.pop("synapse_model")) == (*VARIANTS[model], model)
    label = own.pop("synapse_label", None)
    assert (label == -1) is model.endswith("_lbl")
    assert own == {name: value for name, value in others.items() if name in own} and len(own) == len(others) - 3
    values = {"delay": 2.0} if "hom_w" in model else {"delay": 2.0, "weight": 3.0}
    nest.CopyModel(model, "mine", values)
    a = neurons(2, lambda_0=1e9, V_T_star=-100.0)
    nest.Connect(a, a, syn_spec="mine")
    nest.Connect(a, a, syn_spec={"synapse_model": model, **values})
    first, second = (nest.GetConnections(synapse_model=name) for name in (model, "mine"))
    assert first.synapse_id == [VARIANTS[model][0]] * 4 and second.synapse_id == [77] * 4
    assert first.sizeof == second.sizeof == [VARIANTS[model][1]] * 4
    for name in first.get().keys() - {"synapse_id", "synapse_model"}:
        assert first.get(name) == second.get(name), name
    nest.Disconnect(a[0], a[1], syn_spec="mine")
    assert nest.GetDefaults("mine", "num_connections") == len(second) - 1
    nest.Simulate(5.0)
    assert nest.local_spike_counter > 0


def test_labels_of_synapses_that_lose_spikes():
    a = neurons(2)
    nest.Connect(a, a, syn_spec={"synapse_model": "bernoulli_synapse_lbl", "p_transmit": 0.5, "synapse_label": 3})
    nest.Connect(a, a, syn_spec={"synapse_model": "bernoulli_synapse_lbl", "p_transmit": 0.25})
    found = nest.GetConnections(synapse_label=3)
    assert found.p_transmit == [0.5] * 4 and found.synapse_model == ["bernoulli_synapse_lbl"] * 4
    found.synapse_label = [1, 2, 3, 4]
    assert len(nest.GetConnections(synapse_label=3)) == 1


@pytest.mark.parametrize("model", LARGE)
def test_synapses_for_large_networks_reach_one_receptor(model):
    parrots, text = nest.Create("parrot_neuron", 2), "Only rport==0 allowed for HPC synapses. Use normal synapse models"
    with pytest.raises(Errors.IllegalConnection, match=text):
        nest.Connect(parrots, parrots, syn_spec={"synapse_model": model, "receptor_type": 1})
    meter = nest.Create("multimeter")
    with pytest.raises(Errors.IllegalConnection, match=text if model.startswith("static") else "data logging"):
        nest.Connect(meter, neurons(2), syn_spec=model)
    nest.Connect(parrots, parrots, syn_spec=model)
    assert nest.num_connections == 4


@pytest.mark.parametrize("model", ["static_synapse_hpc", "static_synapse_hom_w_hpc"])
def test_recorded_synapses_for_large_networks(model):
    recorder = nest.Create("weight_recorder")
    nest.SetDefaults(model, {"weight_recorder": recorder, "weight": 2.0})
    a = neurons(2, lambda_0=1e9, V_T_star=-100.0)
    nest.Connect(a, a, syn_spec=model)
    nest.Simulate(5.0)
    events = recorder.events
    assert events["ports"].tolist() == [0, 1, 2, 3] and events["weights"].tolist() == [2.0] * 4


@pytest.mark.parametrize("rule", [{"rule": "fixed_indegree", "indegree": 50}, {"rule": "pairwise_bernoulli", "p": 0.1}])
def test_memory_of_values_besides_weights_and_delays(monkeypatch, rule):
    needs = []
    monkeypatch.setattr(errors.memory, "require", lambda n_bytes, what: needs.append(n_bytes))
    a, most = neurons(500), []
    for values in ({}, {"p_transmit": nest.random.uniform()}):
        needs.clear()
        nest.Connect(a, a, rule, {"synapse_model": "bernoulli_synapse_lbl", **values})
        most.append(max(needs))
    assert most[1] == most[0] + 8.0 * 25_000
