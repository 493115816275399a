"""gifpop.nest, to the time step: what recorders of neurons record, and in which order. Numbers are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop.nest as nest

H = 0.5
ALWAYS = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0}  # fires whenever it can
NEVER = {"lambda_0": 0.0}


def of(meter, node, name):
    """Return what a meter recorded of a node."""
    return meter.events[name][meter.events["senders"] == node]


def test_order_of_spikes_of_several_blocks():
    """Slice by slice, node by node, as NEST: slices of 2 ms here."""
    a = nest.Create("gif_psc_exp", 3, ALWAYS | {"t_ref": 2.0})
    p = nest.Create("gif_pop_psc_exp", params=ALWAYS | {"N": 2, "t_ref": 1.0})
    b = nest.Create("gif_psc_exp", 2, ALWAYS | {"t_ref": [0.0, 1.0]})
    recorder = nest.Create("spike_recorder")
    for senders in (b, a, p, b[:1]):
        nest.Connect(senders, recorder, syn_spec={"delay": 2.0})
    nest.Simulate(5.0)
    # of NEST 3.10
    assert recorder.events["senders"].tolist() == [
        1,
        2,
        3,
        4,
        4,
        5,
        5,
        5,
        5,
        5,
        5,
        5,
        5,
        6,
        6,
        1,
        2,
        3,
        4,
        4,
        5,
        5,
        5,
        5,
        5,
        5,
        5,
        5,
        6,
        4,
        4,
        5,
        5,
        5,
        5,
        6,
    ]
    assert recorder.events["times"].tolist() == [
        0.5,
        0.5,
        0.5,
        1.5,
        1.5,
        0.5,
        0.5,
        1.0,
        1.0,
        1.5,
        1.5,
        2.0,
        2.0,
        0.5,
        2.0,
        3.0,
        3.0,
        3.0,
        3.0,
        3.0,
        2.5,
        2.5,
        3.0,
        3.0,
        3.5,
        3.5,
        4.0,
        4.0,
        3.5,
        4.5,
        4.5,
        4.5,
        4.5,
        5.0,
        5.0,
        5.0,
    ]


def test_order_of_samples_of_slices():
    """Slice by slice, node by node in the order of connection, as NEST: slices of 1 ms here."""
    a, p = nest.Create("gif_psc_exp", 6, NEVER | {"V_m": np.arange(6.0)}), nest.Create("gif_pop_psc_exp")
    meter = nest.Create("multimeter", params={"record_from": ["V_m", "E_sfa"], "interval": H})
    for nodes in (a[3:5], p, a[:2]):
        nest.Connect(meter, nodes)
    voltmeter = nest.Create("voltmeter")
    nest.Connect(voltmeter, a[::2])
    nest.Simulate(4.5)
    assert meter.events["senders"].tolist() == [4, 4, 5, 5, 7, 7, 1, 1, 2, 2] * 4
    times = np.array([0.5, 1.0] * 5)
    assert meter.events["times"].tolist() == np.concatenate([times + k for k in range(4)]).tolist()
    assert voltmeter.events["senders"].tolist() == [1, 3, 5] * 4
    nest.Simulate(1.0)
    assert meter.events["senders"].tolist() == [4, 4, 5, 5, 7, 7, 1, 1, 2, 2] * 5
    for node in (4, 5, 1, 2):
        expected = -70.0 + (node - 1 + 70.0) * np.exp(-np.arange(1, 11) * H / 20.0)
        assert_allclose(of(meter, node, "V_m"), expected, rtol=1e-12, atol=0)


def test_spikes_of_slices_and_steps():
    n = nest.Create("gif_psc_exp", 8, ALWAYS | {"t_ref": 2.0})
    recorders = nest.Create("spike_recorder", 2, {"time_in_steps": True})
    nest.Connect(n[2:5], recorders[0])
    nest.Connect(n[4:], recorders[1], syn_spec={"weight": 3.0, "delay": 5.0})
    nest.Connect(n[::3], recorders[1])
    nest.Simulate(5.0)
    assert recorders[0].events["senders"].tolist() == [3, 4, 5, 3, 4, 5]
    assert recorders[0].events["times"].tolist() == [1, 1, 1, 6, 6, 6]
    assert recorders[1].n_events == 2 * (4 + 3)
    assert recorders[0].events["times"].dtype == np.int64


def test_meters_without_variables_and_bad_ones():
    n, p = nest.Create("gif_psc_exp", 40), nest.Create("gif_pop_psc_exp")
    nest.Connect(nest.Create("multimeter"), n)
    with pytest.raises(nest.NESTErrors.IllegalConnection, match="Cannot connect with unknown recordable n_events"):
        nest.Connect(nest.Create("multimeter", params={"record_from": ["n_events"]}), p + n)
    meter = nest.Create("multimeter", params={"record_from": ["I_stc", "E_sfa"]})
    nest.Connect(meter, n[:20])
    with pytest.raises(nest.NESTErrors.IllegalConnection, match="can only be connected once to a given node"):
        nest.Connect(meter, n[19:])
    nest.Connect(meter, n[20:])
    with pytest.raises(nest.NESTErrors.IllegalConnection, match="can only be connected once to a given node"):
        nest.Connect(nest.Create("voltmeter", 2), n[:2] + n[5:7], {"rule": "fixed_indegree", "indegree": 5})
    nest.Simulate(5.0)
    assert meter.n_events == 40 * 4
    with pytest.raises(nest.NESTErrors.UnknownReceptorType, match="Receptor type 1 is not available in gif_psc_exp"):
        nest.Connect(n, n, syn_spec={"receptor_type": 1})
