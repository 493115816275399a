"""gifpop.nest: raster plots and voltage traces."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def network():
    """Three neurons that fire at .5, 3.0, 5.5, ... ms and what records them."""
    nest.ResetKernel()
    nest.resolution = 0.5
    parameters = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0, "t_ref": 2.0}
    neurons = nest.Create("gif_psc_exp", 3, parameters)
    recorders = nest.Create("spike_recorder", 3, [{}, {"time_in_steps": True}, {}])
    nest.Connect(neurons, recorders[0])
    nest.Connect(neurons[:2], recorders[1])
    meters = nest.Create("voltmeter") + nest.Create("multimeter", 2, [{"record_from": ["E_sfa"]}, {}])
    nest.Connect(meters[0], neurons[:2])
    nest.Connect(meters[1], neurons)
    nest.Simulate(20.0)
    yield neurons, recorders, meters
    plt.close("all")


def axes():
    return plt.gcf().axes


def test_raster(network):
    _, recorders, _ = network
    (line,) = nest.raster_plot.from_device(recorders[0], hist=True, hist_binwidth=5.0)
    assert_array_equal(line.get_xdata(), recorders[0].events["times"])
    assert_array_equal(line.get_ydata(), recorders[0].events["senders"])
    upper, lower = axes()
    assert upper.get_title() == "Raster plot from device '4'"
    assert (upper.get_ylabel(), lower.get_xlabel(), lower.get_ylabel()) == ("Neuron ID", "Time (ms)", "Rate (spks/s)")
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in lower.patches]
    assert_allclose(bars, [(0.5 + 5.0 * k, 5.0, 400.0) for k in range(4)], rtol=1e-12, atol=0)
    assert upper.get_xlim() == lower.get_xlim()


def test_raster_options(network):
    _, recorders, _ = network
    nest.raster_plot.from_device(recorders[0], hist=False, title="T", grayscale=True, xlabel="X")
    (ax,) = axes()
    assert (ax.get_title(), ax.get_xlabel()) == ("T", "X")
    nest.raster_plot.from_device(recorders[0], sel=[2], hist_binwidth=2.0, grayscale=True)
    assert set(axes()[0].lines[0].get_ydata()) == {2}
    nest.raster_plot.from_device(recorders[1], hist_binwidth=10.0)  # steps
    lower = axes()[1]
    assert lower.get_xlabel() == "Steps"
    assert_allclose([bar.get_height() for bar in lower.patches], 400.0, rtol=1e-12, atol=0)


def test_raster_of_data():
    data = np.array([[1, 2.0], [2, 3.0], [1, 5.0], [1, 9.0]])
    (line,) = nest.raster_plot.from_data(data, sel=[1])
    assert_array_equal(line.get_xdata(), [2.0, 5.0, 9.0])
    assert axes()[0].get_title() == "Raster plot"
    assert_array_equal(nest.raster_plot.extract_events(data, time=[2.5, 9.0]), data[1:3])
    for time in (5.0, np.int64(5), np.array(5.0)):
        assert_array_equal(nest.raster_plot.extract_events(data, time=time, sel=[1]), data[:1])
    for bad in (np.zeros(3), np.zeros((0, 2)), np.zeros((3, 1))):
        with pytest.raises(ValueError, match="data must have a row"):
            nest.raster_plot.from_data(bad)
    with pytest.raises(ValueError, match="hist_binwidth must be > 0, got 0"):
        nest.raster_plot.from_data(data, hist_binwidth=0)


@pytest.mark.parametrize(
    "choose",
    [
        lambda neurons, recorders, meters: neurons,
        lambda neurons, recorders, meters: recorders,
        lambda neurons, recorders, meters: meters[0],
        lambda neurons, recorders, meters: 3,
    ],
    ids=["neurons", "several recorders", "a meter", "a number"],
)
def test_raster_of_something_else(network, choose):
    with pytest.raises(TypeError, match="Please provide a 'spike_recorder'"):
        nest.raster_plot.from_device(choose(*network))


def test_raster_of_no_spikes(network):
    _, recorders, _ = network
    with pytest.raises(ValueError, match="No events recorded by 'spike_recorder'"):
        nest.raster_plot.from_device(recorders[2])


def test_voltage_trace(network):
    _, _, meters = network
    lines = nest.voltage_trace.from_device(meters[0])
    assert [line.get_label() for (line,) in lines] == ["Neuron 1", "Neuron 2"]
    assert_array_equal(lines[0][0].get_xdata(), np.arange(1.0, 20.0))
    events = meters[0].events
    assert_array_equal(lines[1][0].get_ydata(), events["V_m"][events["senders"] == 2])
    (ax,) = axes()
    assert (ax.get_title(), ax.get_xlabel()) == ("Membrane potential", "Time (ms)")
    assert ax.get_ylabel() == "Membrane potential (mV)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Neuron 1", "Neuron 2"]
    plt.close("all")
    ((line,),) = nest.voltage_trace.from_device(meters[0], neurons=[2], title="T", grayscale=True, timeunit="s")
    assert_allclose(line.get_xdata(), np.arange(1.0, 20.0) / 1000.0, rtol=1e-12, atol=0)
    assert axes()[0].get_xlabel() == "Time (s)"


@pytest.mark.parametrize(
    ("choose", "options", "error", "text"),
    [
        (lambda neurons, *_: neurons, {}, ValueError, "Please provide a single 'voltmeter' or 'multimeter'."),
        (lambda _, recorders, __: recorders[0], {}, TypeError, "a 'voltmeter' or a 'multimeter' measuring V_m."),
        (lambda *others: others[-1][1], {}, ValueError, "Please provide a 'multimeter' measuring 'V_m'."),
        (lambda *_: nest.Create("voltmeter"), {}, ValueError, "No events recorded."),
        (lambda *others: others[-1][0], {"timeunit": "h"}, ValueError, "timeunit must be one of ms, s, got 'h'"),
        (lambda *others: others[-1][0], {"neurons": [3]}, ValueError, "node 3 was not recorded"),
    ],
    ids=["neurons", "recorder", "no V_m", "nothing recorded", "time unit", "another neuron"],
)
def test_voltage_trace_of_something_else(network, choose, options, error, text):
    with pytest.raises(error) as raised:
        nest.voltage_trace.from_device(choose(*network), **options)
    assert text in str(raised.value)


@pytest.mark.parametrize("in_steps", [False, True])
def test_plots_of_devices_that_write_files(tmp_path, monkeypatch, in_steps):
    """The files of all threads are plotted; NEST plots those of one, and fails at meters."""
    nest.ResetKernel()
    monkeypatch.chdir(tmp_path)
    nest.local_num_threads = 2
    relays = nest.Create("parrot_neuron", 4)
    neurons = nest.Create("gif_psc_exp", 2, {"V_m": [-60.0, -65.0], "lambda_0": 0.0})
    recorder = nest.Create("spike_recorder", params={"record_to": "ascii", "time_in_steps": in_steps})
    meter = nest.Create("voltmeter", params={"record_to": "ascii", "time_in_steps": in_steps, "precision": 17})
    nest.Connect(nest.Create("spike_generator", params={"spike_times": [1.0, 5.0]}), relays)
    nest.Connect(relays, recorder)
    nest.Connect(meter, neurons)
    nest.Simulate(20.0)
    (spikes,) = nest.raster_plot.from_device(recorder, sel=[2, 3, 4], title="T")
    unit = 10 if in_steps else 1
    assert sorted(spikes.get_xydata().tolist()) == [[time * unit, node] for time in (2, 6) for node in (2, 3, 4)]
    assert (axes()[0].get_title(), axes()[1].get_xlabel()) == ("T", "Steps" if in_steps else "Time (ms)")
    plt.close("all")
    lines = nest.voltage_trace.from_device(meter, timeunit="s")
    assert [line.get_label() for (line,) in lines] == ["Neuron 5", "Neuron 6"]
    assert_allclose(lines[0][0].get_xdata(), np.arange(1, 20) * (10 if in_steps else 1e-3), rtol=1e-12, atol=0)
    assert axes()[0].get_xlabel() == ("Steps" if in_steps else "Time (s)")


def test_plots_of_devices_that_record_to_the_screen():
    recorder = nest.Create("spike_recorder", params={"record_to": "screen"})
    with pytest.raises(ValueError, match="Make sure that 'record_to' is set to either 'ascii' or 'memory'"):
        nest.raster_plot.from_device(recorder)
    with pytest.raises(ValueError, match="Provided device neither records to ascii file nor to memory"):
        nest.voltage_trace.from_device(nest.Create("voltmeter", params={"record_to": "screen"}))


def test_voltage_trace_in_steps():
    nest.ResetKernel()
    meter = nest.Create("voltmeter", params={"time_in_steps": True})
    nest.Connect(meter, nest.Create("gif_psc_exp"))
    nest.Simulate(3.0)
    ((line,),) = nest.voltage_trace.from_device(meter)
    assert_array_equal(line.get_xdata(), [10, 20])
    assert axes()[0].get_xlabel() == "Steps"


def test_files_without_names_of_columns(tmp_path):
    """As of scripts that write files of their own; they have sender, time and potential."""
    path = tmp_path / "potentials.dat"
    np.savetxt(path, [[1, 0.5, -70.0], [2, 0.5, -60.0], [1, 1.0, -71.0], [2, 1.0, -61.0]])
    (first,), (second,) = nest.voltage_trace.from_file(str(path))
    assert_array_equal(first.get_data(), [[0.5, 1.0], [-70.0, -71.0]])
    assert_array_equal(second.get_data(), [[0.5, 1.0], [-60.0, -61.0]])
    np.savetxt(path, [[1, 0.5]])
    with pytest.raises(ValueError, match="the file must have the columns sender, time_ms, V_m"):
        nest.voltage_trace.from_file(str(path))
    assert nest.raster_plot.from_file_numpy(str(path))
    plt.close("all")
