"""gifpop.nest: weight_recorder of tsodyks_synapse and tsodyks2_synapse, whose weights spikes find changed.

What NEST 3.10 records is compared in `test_scripts`.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from gifpop.nest import backends
from gifpop.nest.kernel import kernel
from tests.helpers.ctrl_c import ctrl_c
from tests.nest.test_plastic_synapses import BOTH, VALUES, parrots, released, silent

H = 0.5


def recorded(model, sources, targets, synapse=None, **params):
    """Connect nodes by a model and return a recorder of its weights."""
    recorder = nest.Create("weight_recorder", params=params)
    nest.CopyModel(model, "recorded", {"weight_recorder": recorder})
    nest.Connect(sources, targets, syn_spec={"synapse_model": "recorded", "delay": 1.0, **VALUES, **(synapse or {})})
    return recorder


def firing(n=3):
    """Create neurons that fire at once and every some milliseconds."""
    parameters = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0}
    return nest.Create("gif_psc_exp", n, [parameters | {"t_ref": 20.0 + 3.5 * k} for k in range(n)])


@pytest.mark.parametrize("model", BOTH)
def test_weights_are_those_that_arrive(model):
    recorder = recorded(model, parrots([10.0, 20.0, 20.5], counts=[1, 2, 1]), silent(2), {"weight": [[3.0], [-2.0]]})
    nest.Simulate(40.0)
    each = released([10.5, 20.5, 20.5, 21.0], VALUES, model == "tsodyks_synapse")
    events = recorder.events
    assert_allclose(events["weights"], np.outer(each, [3.0, -2.0]).ravel(), rtol=1e-12, atol=0.0)
    assert_array_equal(events["ports"], [0, 1] * 4)
    assert_array_equal(events["targets"], [3, 4] * 4)
    assert_array_equal(events["receptors"], [0] * 8)


@pytest.mark.parametrize("model", BOTH)
def test_pieces_of_a_run_make_no_difference(model):
    """Also pieces shorter than a slice."""
    found = []
    for pieces in ([60.0], [10.5, 0.5, 0.5, 0.5, 20.0, 1.5, 26.5]):
        nest.ResetKernel()
        nest.resolution = H
        recorder = recorded(model, firing(), silent(4))
        for piece in pieces:
            nest.Simulate(piece)
        found.append(recorder.events)
    for name, values in found[0].items():
        assert_array_equal(found[1][name], values, err_msg=name)
    assert len(found[0]["weights"]) == 36


@pytest.mark.parametrize("model", BOTH)
def test_new_values_act_on_spikes_of_the_last_slice(model):
    recorder = recorded(model, parrots([10.0]), silent())
    nest.Simulate(10.5)
    assert recorder.n_events == 0
    nest.GetConnections(synapse_model="recorded").set(x=0.2, weight=2.0)
    nest.Simulate(1.0)
    expected = 2.0 * released([10.5], VALUES | {"x": 0.2}, model == "tsodyks_synapse")
    assert_allclose(recorder.events["weights"], expected, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("model", BOTH)
def test_written_chunk_by_chunk(model, tmp_path, monkeypatch):
    """The same numbers as in memory, also if a part could not be written before."""
    nest.set(data_path=str(tmp_path), data_prefix="")
    sources, targets = firing(), silent(2)
    kept = recorded(model, sources, targets)
    written = nest.Create("weight_recorder", params={"record_to": "ascii", "precision": 15})
    nest.CopyModel(model, "written", {"weight_recorder": written})
    nest.Connect(sources, targets, syn_spec={"synapse_model": "written", "delay": 1.0, **VALUES})
    append, calls = backends.append, []

    def full(texts):
        calls.append(texts)
        if len(calls) > 1:
            raise nest.NESTErrors.IOError("No space left on device")
        append(texts)

    nest.Prepare()
    monkeypatch.setattr(backends, "append", full)
    with pytest.raises(nest.NESTErrors.IOError, match="No space left"):
        nest.Run(10000.0)
    monkeypatch.setattr(backends, "append", append)
    nest.Run(5000.0)
    nest.Cleanup()
    (file,) = written.filenames
    lines = (tmp_path / file).read_text().splitlines()[3:]
    table = np.array([line.split("\t") for line in lines], dtype=float)
    events = kept.events
    assert len(calls) > 1
    assert_allclose(table[:, 1], events["times"], rtol=0.0, atol=1e-9)
    assert_array_equal(table[:, 0], events["senders"])
    assert_allclose(table[:, 2], events["weights"], rtol=0.0, atol=1e-14)
    kernel.stored = {}  # of which ResetKernel keeps the path


@pytest.mark.timeout(60)
@pytest.mark.parametrize("model", BOTH)
def test_a_run_that_was_interrupted_goes_on(model):
    found, reached = [], 0.0
    for interrupted in (True, False):
        nest.ResetKernel()
        nest.resolution = H
        recorder = recorded(model, firing(), silent(2))
        if interrupted:
            with ctrl_c(0.2), pytest.raises(KeyboardInterrupt):
                nest.Simulate(1e8)
            reached = nest.biological_time
            nest.Simulate(100.0)
        else:
            nest.Simulate(reached + 100.0)
        found.append(recorder.events)
    for name, values in found[0].items():
        assert_array_equal(values, found[1][name], err_msg=name)


@pytest.mark.parametrize("model", BOTH)
def test_connections_made_later_and_synapses_that_come_to_differ(model):
    """Records for each source become those for each connection between two runs."""
    sources = parrots([10.0, 20.0, 30.0], 2)
    recorder = recorded(model, sources, silent(2))
    nest.Simulate(15.0)
    nest.GetConnections(synapse_model="recorded")[1:3].x = 0.1
    spec = {"synapse_model": "recorded", "delay": 1.0, **VALUES}
    nest.Connect(sources[:1], silent(), syn_spec=spec)
    nest.Simulate(20.0)
    events, active = recorder.events, model == "tsodyks_synapse"
    late = (events["senders"] == 2) & (events["targets"] == 7)
    assert_allclose(events["weights"][late], released([20.5, 30.5], VALUES, active), rtol=1e-12, atol=0.0)
    first = (events["senders"] == 2) & (events["targets"] == 4)
    expected = released([10.5, 20.5, 30.5], VALUES, active)
    assert_allclose(events["weights"][first], expected, rtol=1e-12, atol=0.0)
    other = (events["senders"] == 2) & (events["targets"] == 5)
    assert events["weights"][other][0] == events["weights"][first][0]
    assert events["weights"][other][1] != events["weights"][first][1]
