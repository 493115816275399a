"""gifpop.nest: frozen nodes keep their state, send nothing and are not sampled, as in NEST."""

import numpy as np
import pytest

import gifpop.nest as nest

Errors = nest.NESTErrors
FIRING = {"lambda_0": 1e9, "V_T_star": -200.0, "t_ref": 1.0}


def watched(model="gif_psc_exp", n=1, **params):
    """Return nodes, a spike recorder and a meter of them."""
    cells = nest.Create(model, n, params)
    recorder = nest.Create("spike_recorder")
    meter = nest.Create("multimeter", params={"record_from": ["V_m", "I_syn_ex"]})
    nest.Connect(cells, recorder)
    nest.Connect(meter, cells)
    return cells, recorder, meter


def test_state_goes_on_as_if_time_had_stood_still():
    """Frozen and free alternately, a neuron does what another does without a break."""
    traces = []
    for frozen in (False, True):
        nest.ResetKernel()
        params = {"V_m": -60.0, "I_e": 30.0, "lambda_0": 1e9, "V_T_star": -57.0, "tau_sfa": [20.0], "q_sfa": [3.0]}
        cells, recorder, meter = watched(n=3, **params)
        free = np.zeros(0)
        for _ in range(4):
            nest.Simulate(5.0)
            free = np.concatenate((free, nest.biological_time - 5.0 + np.arange(1.0, 5.0)))
            if frozen:
                cells.frozen = True
                before = repr(cells.get(["V_m", "E_sfa", "I_stc", "t_spike"]))
                nest.Simulate(7.0)
                assert repr(cells.get(["V_m", "E_sfa", "I_stc", "t_spike"])) == before
                cells.frozen = False
        events = meter.events
        kept = np.isin(events["times"], free)
        traces.append(events["V_m"][kept])
        if frozen:
            assert not np.any(events["times"] % 12.0 > 5.0)
        assert recorder.n_events > 0
        traces.append(np.sort(recorder.events["times"] % (12.0 if frozen else 5.0)))
    np.testing.assert_array_equal(traces[0], traces[2])
    np.testing.assert_allclose(traces[1], traces[3], rtol=0, atol=1e-9)


def test_some_of_many():
    cells, recorder, meter = watched(n=3, frozen=[False, True, False], **FIRING)
    nest.Connect(cells, cells, syn_spec={"weight": 3.0})
    nest.Simulate(6.0)
    assert recorder.events["senders"].tolist() == [1, 3] * 6
    assert meter.events["senders"].tolist() == [1, 3] * 5
    currents = [0.0, 3.8257689, 6.3423664, 8.074968225, 9.3426251]
    np.testing.assert_allclose(meter.events["I_syn_ex"], np.repeat(currents, 2), rtol=0, atol=1e-6)
    assert cells.V_m == (-55.0, -70.0, -55.0)
    np.testing.assert_allclose(cells.t_spike, (5.6, -1.0, 5.6), rtol=1e-12, atol=0)


def test_populations():
    """As in NEST, a population that is set starts again: all have just fired."""
    cells, recorder, meter = watched("gif_pop_psc_exp", frozen=True, N=20, V_m=3.0, lambda_0=1e9, V_T_star=-200.0)
    nest.Simulate(5.0)
    assert recorder.n_events == len(meter.events["times"]) == 0
    assert cells.V_m == 3.0
    cells.frozen = False
    nest.Simulate(5.0)
    np.testing.assert_allclose(recorder.events["times"], np.full(20, 9.1), rtol=1e-12, atol=0)
    assert meter.events["times"].tolist() == [6.0, 7.0, 8.0, 9.0]


@pytest.mark.parametrize(
    ("model", "params", "expected"),
    [
        ("dc_generator", {"amplitude": 50.0}, [0.0, 2.750157385, 5.6641915957]),
        ("noise_generator", {"mean": 50.0}, [0.0, 2.750157385, 5.6641915957]),
        ("ac_generator", {"amplitude": 10.0, "frequency": 50.0}, [0.0, 0.541384116, 1.059873964]),
        ("step_current_generator", {"amplitude_times": [2.0, 8.0], "amplitude_values": [10.0, 50.0]}, [0.0, 0.0, 0.0]),
        ("spike_generator", {"spike_times": [2.0, 3.0, 8.0]}, [0.0, 0.0, 0.0]),
    ],
)
def test_generators(model, params, expected):
    """They send nothing; what was to come meanwhile does not come later."""
    cell = nest.Create("gif_psc_exp", params={"lambda_0": 0.0, "E_L": 0.0, "V_m": 0.0})
    generator = nest.Create(model, params=params | {"frozen": True})
    meter = nest.Create("multimeter", params={"record_from": ["V_m"]})
    nest.Connect(meter, cell)
    nest.Connect(generator, cell, syn_spec={"weight": 5.0})
    nest.Simulate(5.0)
    generator.frozen = False
    nest.Simulate(8.0)
    np.testing.assert_allclose(meter.events["V_m"][:8], [*[0.0] * 5, *expected], rtol=0, atol=1e-8)
    assert meter.events["V_m"][-1] > 0.0


def test_random_spikes():
    generator, recorder = nest.Create("poisson_generator", params={"rate": 2000.0}), nest.Create("spike_recorder")
    nest.Connect(generator, recorder)
    for frozen in (False, True, False):
        generator.frozen = frozen
        nest.Simulate(20.0)
    times = recorder.events["times"]
    assert np.any(times <= 20.0) and np.any(times > 40.0)
    assert not np.any((times > 20.0) & (times <= 40.0))


def test_recorders():
    """Of spike recorders it has no effect; meters cannot be frozen."""
    cells = nest.Create("gif_psc_exp", 2, FIRING)
    recorder = nest.Create("spike_recorder", params={"frozen": True})
    nest.Connect(cells, recorder)
    nest.Simulate(5.0)
    assert recorder.n_events == 10
    for model in ("multimeter", "voltmeter"):
        with pytest.raises(Errors.BadProperty, match="multimeter cannot be frozen"):
            nest.Create(model, params={"frozen": True})


def test_types_and_defaults():
    assert nest.Create("gif_psc_exp", 3, {"frozen": [True, False, True]}).frozen == (True, False, True)
    for value in (1, 0, "a", 1.0):
        with pytest.raises(Errors.TypeMismatch, match=r"'frozen' from .* to type bool"):
            nest.Create("gif_psc_exp", params={"frozen": value})
    for model in ("gif_psc_exp", "dc_generator"):
        with pytest.raises(Errors.UnaccessedDictionaryEntry, match="set_node_defaults_:  frozen"):
            nest.SetDefaults(model, {"frozen": True})
        assert nest.GetDefaults(model, "frozen") is False


# -- other parameters of neurons --------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["gif_psc_exp", "gif_pop_psc_exp"])
def test_infinite_threshold(model):
    """Such neurons never fire; finite again, they do."""
    cells, recorder, meter = watched(model, 2, I_e=1000.0, V_T_star=[np.inf, 5.0])
    assert cells.V_T_star == (np.inf, 5.0)
    nest.Simulate(100.0)
    assert set(recorder.events["senders"]) == {2}
    assert np.all(np.isfinite(meter.events["V_m"]))
    cells.V_T_star = 5.0
    nest.Simulate(50.0)
    assert set(recorder.events["senders"]) == {1, 2}
    for wrong in (-np.inf, np.nan):
        with pytest.raises(Errors.BadProperty, match="V_T_star"):
            cells.V_T_star = wrong


def test_ignore_and_spike():
    """NEST 3.10 stores it for this model, without effect."""
    params = {"ignore_and_spike": True, "ignore_and_spike_interval": 10.0, "ignore_and_spike_offset": 3.0}
    cells, recorder, _ = watched(lambda_0=0.0, **params)
    nest.Simulate(50.0)
    assert recorder.n_events == 0
    assert cells.get(list(params)) == params
    for name in ("ignore_and_spike_interval", "ignore_and_spike_offset"):
        for value in (0.0, -1.0):
            with pytest.raises(Errors.BadProperty, match=f"{name} > 0 required"):
                cells.set({name: value})
    with pytest.raises(Errors.TypeMismatch, match="'ignore_and_spike' from long to type bool"):
        cells.ignore_and_spike = 1


@pytest.mark.parametrize(
    ("offset", "pause", "expected"),
    [
        (0.0, 9.0, [3, 6, 18, 21, 24]),
        (1.0, 9.0, [4, 7, 19, 22, 25]),
        (2.0, 9.0, [2, 5, 20, 23, 26]),
        (2.0, 3.0, [2, 5, 14, 17, 20]),
        (2.0, 2.0, [2, 5, 11, 14, 17]),
        (2.0, 1.0, [2, 5, 11, 14, 17]),
    ],
)
@pytest.mark.parametrize(("model", "name"), [("gif_psc_exp", "V_m"), ("gif_pop_psc_exp", "V_m"), ("dc_generator", "I")])
def test_an_offset_counts_again_after_a_pause_in_which_a_sample_was_due(model, name, offset, pause, expected):
    nest.resolution = 1.0
    node = nest.Create(model)
    device = nest.Create("multimeter", params={"record_from": [name], "interval": 3.0, "offset": offset})
    nest.Connect(device, node)
    for frozen, time in ((False, 7.0), (True, pause), (False, 11.0)):
        node.frozen = frozen
        nest.Simulate(time)
    assert device.events["times"].tolist() == expected


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_numbers_of_models():
    cells, devices = nest.Create("gif_psc_exp", 3), nest.Create("spike_recorder", 2)
    assert cells.model_id == (49, 49, 49)
    assert cells.thread_local_id == (-1, -1, -1)
    nest.CopyModel("gif_psc_exp", "one")
    nest.CopyModel("gif_psc_exp", "two")
    nest.Create("two", 4)
    found = nest.GetDefaults("two")
    assert (found["model_id"], found["type_id"], found["elementsize"]) == (107, "gif_psc_exp", 912)
    assert (found["instantiations"].tolist(), found["capacity"].tolist(), found["available"].tolist()) == (
        [4],
        [4],
        [0],
    )
    assert nest.GetDefaults("gif_psc_exp", "instantiations").tolist() == [3]
    nest.Simulate(1.0)
    assert (cells + devices).thread_local_id == (0, 1, 2, 3, 4)
    for name in ("model_id", "thread_local_id", "node_uses_wfr"):
        with pytest.raises(Errors.UnaccessedDictionaryEntry, match=f"set_status:  {name}"):
            cells.set({name: 1})
