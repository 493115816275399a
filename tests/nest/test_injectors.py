"""gifpop.nest: spike_train_injector. Numbers and messages are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop.nest as nest
from tests.helpers.nest_devices import SHORT, meter, silent
from tests.helpers.nest_trains import INJECTOR, WINDOW, recorded

Errors = nest.NESTErrors


H = 1.0  # ms


def test_injected_spikes():
    times, many = [1.0, 3.0, 4.0, 5.0, 10.0, 11.0, 12.0], [1, 2, 3, 4, 5, 6, 7]
    counts = recorded(INJECTOR, 16, recorders=2, spike_times=times, spike_multiplicities=many, **WINDOW)
    assert counts.tolist() == [[0, 0, 0, 2, 3, 4] + [0] * 10] * 2


def test_an_injector_is_a_neuron():
    """It takes any rule and several synapse models; connections and their order are NEST's."""
    assert nest.GetDefaults(INJECTOR)["element_type"] == "neuron"
    injector = nest.Create(INJECTOR, params={"spike_times": [2.0, 4.0]})
    n, device = nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0}), nest.Create("spike_recorder")
    nest.CopyModel("static_synapse", "other")
    nest.Connect(injector, device)
    nest.Connect(injector, n)
    nest.Connect(injector, n, {"rule": "fixed_outdegree", "outdegree": 3}, {"weight": 2.0})
    nest.Connect(injector, n, syn_spec="other")
    connections = nest.GetConnections(synapse_model="static_synapse")
    assert connections.target[-1] == device.global_id
    assert (len(connections), nest.num_connections) == (6, 8)
    nest.Simulate(10.0)
    assert device.get("events", "times").tolist() == [2.0, 4.0]
    for name in ("label", "stimulus_source", "spike_weights"):
        with pytest.raises(Errors.UnaccessedDictionaryEntry, match=name):
            injector.set({name: "x"})
        with pytest.raises(KeyError):
            injector.get(name)
    for source, what in ((n, "spike"), (injector, "spike"), (nest.Create("dc_generator"), "current")):
        with pytest.raises(Errors.IllegalConnection, match=f"does not support {what} input"):
            nest.Connect(source, injector)
    with pytest.raises(Errors.IllegalConnection, match="does not support data logging requests"):
        nest.Connect(nest.Create("multimeter"), injector)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda g, c, n: c.set(weight=5.0), [0] * 6 + [1] * 5 + [5] * 6),
        (lambda g, c, n: c.set(delay=2.0), [0] * 6 + [1, 1, 1, 2, 2] + [1] * 6),
        (lambda g, c, n: nest.Connect(g, n, syn_spec={"weight": 10.0, "delay": 3.0}), [0] * 6 + [1] * 5 + [11] * 6),
        (lambda g, c, n: g.set(spike_times=[2.0, 2.5, 3.0, 3.5, 5.0]), [0] * 6 + [1] * 6 + [1, 0, 0, 1, 0]),
        (lambda g, c, n: g.set(stop=2.5), [0] * 6 + [1] * 6 + [0] * 5),
    ],
)
@pytest.mark.parametrize("cells", ["population", "neuron"])
def test_changes_act_on_spikes_that_an_injector_sent(change, expected, cells):
    """As for neurons, those of the last slice go through the connections of the next run."""
    nest.resolution = 0.5
    injector = nest.Create(INJECTOR, params={"spike_times": np.arange(1, 40) * 0.5})
    n = silent(**SHORT) if cells == "population" else nest.Create("gif_psc_exp", 1, {"lambda_0": 0.0} | SHORT)
    nest.Connect(injector, n, syn_spec={"weight": 1.0, "delay": 3.0})
    device = meter(n, "I_syn_ex")
    nest.Simulate(3.0)
    change(injector, nest.GetConnections(injector, n), n)
    nest.Simulate(6.0)
    scale = device.events["I_syn_ex"].max() / max(expected)
    assert_allclose(device.events["I_syn_ex"] / scale, expected, rtol=0, atol=1e-6)


def test_wrong_values_of_an_injector():
    injector = nest.Create(INJECTOR, params={"spike_times": [1.0, 2.0]})

    def refused(message, **values):
        with pytest.raises(Errors.BadProperty, match=message):
            injector.set(values)

    refused(
        "Setting status of a 'spike_train_injector' with node ID 1: Spike time cannot be set to 0.", spike_times=[0.0]
    )
    refused("spike_train_injector: Time point -1 is not representable in current resolution.", spike_times=[-1.0])
    refused("spike_train_injector: Time point 1.05 is not repr", spike_times=[1.05])
    refused("Spike times must be sorted in non-descending order.", spike_times=[2.0, 1.0])
    refused("spike_multiplicities must have the same number of elements as spike_times or 0", spike_multiplicities=[1])
    refused("Options can only be set together with spike times", allow_offgrid_times=True)
    refused("start must be a multiple of the simulation resolution.", start=1.05)
    refused("stop >= start required.", start=5.0, stop=1.0)
    assert injector.spike_times.tolist() == [1.0, 2.0]
