"""Other forms of what is read: pandas, JSON and text. Numbers are those of NEST 3.10."""

import json

import numpy as np
import pytest

import gifpop.nest as nest


@pytest.fixture
def nodes():
    nest.ResetKernel()
    neurons, population = nest.Create("gif_psc_exp", 2), nest.Create("gif_pop_psc_exp")
    recorders, meter = nest.Create("spike_recorder", 2), nest.Create("multimeter", params={"record_from": ["V_m"]})
    nest.Connect(neurons, neurons)
    nest.Connect(meter, neurons)
    nest.Connect(neurons, recorders)
    nest.Simulate(3.0)
    return neurons, population, recorders, meter


def test_nodes_as_json(nodes):
    neurons, population, recorders, meter = nodes
    assert neurons.get("C_m", output="json") == "[80.0, 80.0]"
    assert neurons[0].get("C_m", output="json") == "80.0"
    assert neurons[0].get(["C_m", "tau_sfa"], output="json") == '{"C_m": 80.0, "tau_sfa": []}'
    assert (neurons + population).get(
        ["N", "C_m"], output="json"
    ) == '{"N": [null, null, 100], "C_m": [80.0, 80.0, 250.0]}'
    assert recorders.get("events", "times", output="json") == "[[], []]"
    events = '{"V_m": [-70.0, -70.0, -70.0, -70.0], "senders": [1, 2, 1, 2], "times": [1.0, 1.0, 2.0, 2.0]}'
    assert meter.get("events", output="json") == events
    assert json.loads(neurons.get(output="json"))["V_m"] == [-70.0, -70.0]


def test_nodes_as_pandas(nodes):
    pytest.importorskip("pandas")
    neurons, population, recorders, meter = nodes
    table = neurons.get(["C_m", "V_m"], output="pandas")
    assert list(table.columns) == ["C_m", "V_m"] and list(table.index) == [1, 2]
    assert table["V_m"].tolist() == [-70.0, -70.0]
    one = neurons[0].get("tau_sfa", output="pandas")
    assert one.shape == (1, 1) and one["tau_sfa"][1].tolist() == []
    mixed = (neurons + population).get(["N", "C_m"], output="pandas")
    np.testing.assert_array_equal(mixed["N"], [np.nan, np.nan, 100.0])
    events = meter.get("events", ["V_m", "times"], output="pandas")
    assert list(events.columns) == ["V_m", "times"] and events["times"][6].tolist() == [1.0, 1.0, 2.0, 2.0]
    assert list(recorders.get("events", "times", output="pandas").index) == [4, 5]
    assert neurons.get(output="pandas").shape == (2, len(neurons.get()))


def test_connections_in_other_forms(nodes):
    neurons, population, *_ = nodes
    found, none = nest.GetConnections(neurons, neurons), nest.GetConnections(neurons, population)
    assert found.get("weight", output="json") == "[1.0, 1.0, 1.0, 1.0]"
    assert found[0].get(["weight"], output="json") == '{"weight": 1.0}'
    assert none.get("weight", output="json") == none.get(output="json") == "{}"
    pytest.importorskip("pandas")
    table = found.get(["weight", "delay"], output="pandas")
    assert list(table.columns) == ["weight", "delay"] and list(table.index) == [1, 1, 2, 2]
    assert found[0].get("weight", output="pandas").shape == (1, 1)
    assert list(found.get(output="pandas").columns) == sorted(found.get())
    assert none.get("weight", output="pandas").empty


def test_status_and_defaults_as_json(nodes):
    with pytest.warns(UserWarning, match="GetStatus"):
        assert nest.GetStatus(nodes[0], ["C_m", "V_m"], output="json") == "[[80.0, -70.0], [80.0, -70.0]]"
    with pytest.warns(UserWarning, match="GetStatus"):
        assert nest.GetStatus(nodes[0], "C_m", output="pandas") == (80.0, 80.0)  # ignored, as in NEST
    assert nest.GetDefaults("gif_psc_exp", ["C_m", "tau_sfa"], output="json") == "[80.0, []]"
    assert nest.GetDefaults("gif_psc_exp", "C_m", output="pandas") == 80.0


def test_print_nodes(nodes, capsys):
    nest.PrintNodes()
    first = "1 .. 2 gif_psc_exp\n3      gif_pop_psc_exp\n4 .. 5 spike_recorder\n6      multimeter\n"
    assert capsys.readouterr().out == first
    nest.Create("gif_psc_exp")
    nest.Create("gif_psc_exp", 2)
    nest.CopyModel("gif_psc_exp", "a")
    nest.Create("a", 4)
    nest.PrintNodes()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [" 4 ..  5 spike_recorder", " 6       multimeter", " 7 ..  9 gif_psc_exp", "10 .. 13 a"]


def test_long_tables_of_connections_are_shortened(nodes):
    nest.Connect(nest.Create("gif_psc_exp", 10), nest.Create("gif_psc_exp", 10))
    found = nest.GetConnections()
    assert len(str(found[:34]).splitlines()) == 36
    assert len(str(found[:35]).splitlines()) == 33
    assert str(found).splitlines()[17] == "     ⋮        ⋮               ⋮        ⋮       ⋮ "
    assert found.print_full is False
    found.print_full = True
    assert len(str(found).splitlines()) == len(found) + 2
