"""gifpop.nest: weight_recorder records which spikes are delivered by which connections; values are NEST 3.10's."""

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.nest.kernel import kernel as state

Errors = nest.NESTErrors
FIRING = {"lambda_0": 1e9, "V_T_star": -200.0, "t_ref": 3.0}  # at 0.1, 3.2, 6.3, ... ms


def connected(base="static_synapse", rule="all_to_all", synapse=None, **params):
    """Return two neurons that fire and a recorder of their connections; ``params`` are functions of the neurons."""
    neurons = nest.Create("gif_psc_exp", 2, FIRING)
    recorder = nest.Create("weight_recorder", params={name: value(neurons) for name, value in params.items()})
    nest.CopyModel(base, "recorded", {"weight_recorder": recorder})
    nest.Connect(neurons, neurons, rule, {"synapse_model": "recorded", **(synapse or {})})
    return neurons, recorder


def rows(recorder, *names):
    events = recorder.events
    return list(zip(*(events[name].tolist() for name in names), strict=True))


def test_events():
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    _, recorder = connected(synapse={"weight": weights, "delay": np.array([[1.0, 2.0], [1.5, 1.0]])})
    assert set(recorder.events) == {"senders", "times"}
    nest.Simulate(5.0)
    found = rows(recorder, "senders", "targets", "weights", "ports", "receptors")
    assert found == [(1, 1, 1.0, 0, 0), (1, 2, 3.0, 1, 0), (2, 1, 2.0, 2, 0), (2, 2, 4.0, 3, 0)] * 2
    np.testing.assert_allclose(recorder.events["times"], [0.1] * 4 + [3.2] * 4, rtol=1e-12, atol=0)
    assert recorder.n_events == 8
    recorder.n_events = 0
    assert set(recorder.events) == {"ports", "receptors", "senders", "targets", "times", "weights"}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"senders": lambda a: a[:1]}, [(1, 1), (1, 2)] * 2),
        ({"targets": lambda a: a[:1]}, [(1, 1), (2, 1)] * 2),
        ({"targets": lambda a: a[:1], "senders": lambda a: a[1:]}, [(2, 1)] * 2),
        ({"senders": lambda a: [2]}, [(2, 1), (2, 2)] * 2),
        ({"start": lambda a: 1.0, "stop": lambda a: 3.2}, [(1, 1), (1, 2), (2, 1), (2, 2)]),
    ],
)
def test_filters(params, expected):
    _, recorder = connected(**params)
    nest.Simulate(5.0)
    assert rows(recorder, "senders", "targets") == expected


def test_filters_change_between_runs():
    neurons, recorder = connected("static_synapse_hom_w", "one_to_one")
    nest.Simulate(5.0)
    recorder.senders = neurons[:1]
    assert recorder.senders == neurons[:1]
    nest.Simulate(4.0)
    recorder.senders = nest.NodeCollection()
    nest.Simulate(4.0)
    assert rows(recorder, "senders") == [(1,), (2,), (1,), (2,), (1,), (1,), (2,)]


def test_delivered_when_the_next_slice_begins():
    """With the weight that the connection has then."""
    _, recorder = connected(rule="one_to_one", synapse={"weight": 2.0})
    nest.Simulate(4.0)
    assert rows(recorder, "weights") == [(2.0,)] * 2
    nest.GetConnections().weight = 9.0
    nest.Simulate(0.1)
    assert rows(recorder, "weights") == [(2.0,)] * 2 + [(9.0,)] * 2
    nest.Simulate(2.9)
    nest.GetConnections()[0].disconnect()
    nest.Simulate(1.0)
    assert rows(recorder, "senders")[4:] == [(2,)]


def test_of_several_models():
    neurons, recorder = connected(rule="one_to_one", synapse={"weight": 1.0})
    nest.CopyModel("static_synapse_lbl", "labelled", {"weight_recorder": recorder, "weight": 2.0})
    nest.Connect(neurons, neurons, "one_to_one", "labelled")
    nest.Connect(neurons, neurons)
    nest.Simulate(3.0)
    assert rows(recorder, "senders", "weights") == [(1, 1.0), (1, 2.0), (2, 1.0), (2, 2.0)]


def test_set_after_connecting():
    neurons, recorders = nest.Create("gif_psc_exp", 2, FIRING), nest.Create("weight_recorder", 2)
    nest.Connect(neurons, neurons)
    nest.Simulate(2.0)
    for recorder, time in zip(recorders, (3.0, 5.0), strict=True):
        nest.SetDefaults("static_synapse", {"weight_recorder": recorder})
        assert nest.GetDefaults("static_synapse", "weight_recorder") == recorder
        nest.Simulate(time)
    for recorder, stamp in zip(recorders, (3.2, 6.3), strict=True):
        np.testing.assert_allclose(recorder.events["times"], [stamp] * 4, rtol=1e-12, atol=0)


@pytest.mark.parametrize("model", ["static_synapse", "tsodyks2_synapse"])
def test_a_new_recorder_gets_the_last_slice(model):
    """Once, though it recorded the connections before."""
    neurons, recorders = nest.Create("gif_psc_exp", 1, FIRING), nest.Create("weight_recorder", 2)
    nest.Connect(neurons, neurons, syn_spec={"synapse_model": model, "delay": 2.0})
    nest.Simulate(3.2)
    for k in (0, 1, 0):
        nest.SetDefaults(model, {"weight_recorder": recorders[k]})
        nest.Simulate(0.2)
    nest.Simulate(2.0)
    np.testing.assert_allclose(recorders[0].events["times"], [3.2], rtol=1e-12, atol=0)
    assert recorders[1].n_events == 0


def test_populations_and_devices():
    """One entry for each neuron that fires; devices are not recorded."""
    populations = nest.Create("gif_pop_psc_exp", 2, FIRING | {"N": 50})
    generator, listener = (
        nest.Create("spike_generator", params={"spike_times": [1.0, 2.0]}),
        nest.Create("spike_recorder"),
    )
    recorder = nest.Create("weight_recorder")
    nest.SetDefaults("static_synapse", {"weight_recorder": recorder, "weight": 3.0})
    nest.Connect(generator, populations)
    nest.Connect(populations, listener)
    nest.Connect(populations, populations)
    nest.Simulate(6.0)
    assert rows(recorder, "senders", "targets", "ports", "weights") == (
        [(1, 1, 0, 3.0), (1, 2, 1, 3.0)] * 50 + [(2, 1, 2, 3.0), (2, 2, 3, 3.0)] * 50
    )
    assert len(listener.events["times"]) == 100


def test_injectors():
    """For NEST they are neurons; precise times are those of the step."""
    injectors = nest.Create("spike_train_injector", 2, {"spike_times": [1.0, 2.05, 2.4], "precise_times": True})
    cells, recorder = nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0}), nest.Create("weight_recorder")
    nest.SetDefaults("static_synapse", {"weight_recorder": recorder, "weight": 3.0})
    nest.Connect(injectors, cells)
    nest.Simulate(5.0)
    found = rows(recorder, "senders", "targets", "ports", "weights")
    one, two = [(1, 3, 0, 3.0), (1, 4, 1, 3.0)], [(2, 3, 2, 3.0), (2, 4, 3, 3.0)]
    assert found == [*one, *two, *one, *one, *two, *two]
    np.testing.assert_allclose(recorder.events["times"][4:8], [2.1, 2.1, 2.4, 2.4], rtol=1e-12, atol=0)


def test_to_files(tmp_path):
    nest.set(data_path=str(tmp_path), data_prefix="")
    _, recorder = connected(record_to=lambda a: "ascii")
    nest.Simulate(3.0)
    header, *lines = (tmp_path / recorder.filenames[0]).read_text().splitlines()[2:]
    assert header.split() == ["sender", "time_ms", "weights", "targets", "receptors", "ports"]
    assert lines[1] == "1\t0.100\t1.000\t2\t0\t1"
    assert len(lines) == recorder.n_events == 4
    state.stored = {}  # of which ResetKernel keeps the path


def test_as_a_default():
    neurons, recorders = nest.Create("gif_psc_exp", 2), nest.Create("weight_recorder", 2)
    assert not len(nest.GetDefaults("static_synapse", "weight_recorder"))
    for value, error, message in (
        (recorders, Errors.BadProperty, "must be a single element NodeCollection"),
        (nest.NodeCollection(), Errors.BadProperty, "must be a single element NodeCollection"),
        (neurons[0], Errors.BadProperty, "must be set to a node of type weight_recorder"),
        (3, Errors.TypeMismatch, "from long to type std::shared_ptr<nest::NodeCollection>"),
    ):
        with pytest.raises(error, match=message):
            nest.CopyModel("static_synapse", "copy", {"weight_recorder": value})
    message = 'Synapse parameter "weight_recorder" can only be set via SetDefaults\\(\\) or CopyModel\\(\\)'
    with pytest.raises(Errors.NotImplemented, match=message):
        nest.Connect(neurons, neurons, syn_spec={"weight_recorder": recorders[0]})
    for sources, targets in ((neurons, recorders), (recorders, neurons)):
        with pytest.raises(Errors.IllegalConnection):
            nest.Connect(sources, targets)
    for value in (1, "a", 2.5):
        with pytest.raises(Errors.TypeMismatch, match="Expected datatype: NodeCollection, provided datatype"):
            nest.Create("weight_recorder", params={"senders": value})
