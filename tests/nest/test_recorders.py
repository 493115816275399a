"""gifpop.nest, to the time step: what multimeters and spike recorders record. Expected numbers are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop.nest as nest
from tests.helpers.nest_devices import H, firing, meter, order, recorder, silent

# -- multimeter -------------------------------------------------------------------------------------------------------


def test_multimeters_without_variables_record_nothing():
    device = nest.Create("multimeter")
    nest.Connect(device, nest.Create("gif_psc_exp", 2) + nest.Create("gif_pop_psc_exp"))
    nest.Simulate(10.0)
    assert device.n_events == 0
    assert {name: len(values) for name, values in device.events.items()} == {"senders": 0, "times": 0}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"interval": 1.0}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"interval": 1.0, "offset": 0.5}, [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]),
        ({"interval": 2.0, "offset": 1.0}, [1, 3, 5, 7, 9]),
        ({"interval": 2.0, "offset": 3.0}, [3, 5, 7, 9]),
        ({"interval": 2.0, "offset": 0.5}, [2.5, 4.5, 6.5, 8.5]),
        ({"interval": 1.5, "start": 2.0}, [3, 4.5, 6, 7.5, 9]),
        ({"interval": 1.5, "start": 2.0, "stop": 6.0}, [3, 4.5, 6]),
        ({"interval": 1.0, "start": 1.0, "stop": 4.0, "origin": 2.0}, [4, 5, 6]),
    ],
)
def test_what_a_meter_samples(parameters, expected):
    device = meter(silent(), **parameters)
    nest.Simulate(10.0)
    assert device.get("events", "times").tolist() == expected


def test_the_default_interval_rounds_up():
    nest.resolution = 0.3
    device = nest.Create("multimeter", params={"record_from": ["V_m"]})
    nest.Connect(device, silent())
    nest.Simulate(6.0)
    assert device.interval == 1.0
    assert_allclose(device.get("events", "times"), [1.2, 2.4, 3.6, 4.8], rtol=1e-12, atol=0)


def test_a_meter_that_comes_late():
    population = silent()
    nest.Simulate(3.0)
    devices = [meter(population), meter(population, interval=1.0, offset=1.5)]
    nest.Simulate(3.0)
    assert devices[0].get("events", "times").tolist() == [3.5, 4.0, 4.5, 5.0, 5.5]
    assert devices[1].get("events", "times").tolist() == [4.5, 5.5]


def test_meters_miss_the_last_slice_until_the_simulation_goes_on():
    nodes = [silent(), silent()]
    device = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": H})
    for node in nodes:
        nest.Connect(device, node, syn_spec={"delay": 2.0})
    seen = []
    for duration in (1.0, 0.5, 3.0, 2.0, 0.5, 0.5, 0.5, 0.5, 4.0, 1.0):
        nest.Simulate(duration)
        seen.append(order(device))
        device.n_events = 0

    def piece(start):
        return [(start + H * k, sender) for sender in (1, 2) for k in (1, 2, 3, 4)]

    assert seen[:2] == [[], []]
    assert seen[2] == piece(0.0) + piece(2.0)
    assert seen[3] == piece(4.0)
    assert seen[4:7] == [[], [], []]
    assert seen[7:] == [piece(6.0), piece(8.0) + piece(10.0), []]


def test_a_meter_samples_in_the_order_of_its_connections():
    nodes = [silent(), silent()]
    device = meter(nodes[1])
    nest.Connect(device, nodes[0])
    nest.Simulate(1.5)
    assert order(device) == [(0.5, 2), (0.5, 1), (1.0, 2), (1.0, 1)]


def test_the_window_of_a_meter_counts_when_its_records_show():
    devices = [meter(silent(), delay=2.0) for _ in range(2)]
    nest.Simulate(4.0)
    devices[0].start = 4.0
    devices[1].stop = 3.0
    nest.Simulate(4.0)
    assert devices[0].get("events", "times").tolist() == [0.5, 1.0, 1.5, 2.0, 4.5, 5.0, 5.5, 6.0]
    assert devices[1].get("events", "times").tolist() == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


def test_meters_count_for_the_shortest_delay():
    population = silent()
    nest.Connect(population, population, syn_spec={"delay": 2.0})
    assert nest.min_delay == 2.0
    meter(population, delay=1.0)
    assert nest.min_delay == 1.0


def test_times_of_a_meter_in_steps():
    device = meter(silent(), "V_m", "mean", interval=1.0, time_in_steps=True)
    assert sorted(device.events) == ["offsets", "senders", "times"]
    nest.Simulate(4.0)
    events = device.events
    assert list(events) == ["V_m", "mean", "offsets", "senders", "times"]
    assert events["times"].tolist() == [2, 4, 6]
    assert (events["times"].dtype, events["offsets"].dtype, events["senders"].dtype) == ("int64", "float64", "int64")


# -- spike recorder ---------------------------------------------------------------------------------------------------


def test_spikes_are_recorded_one_by_one_at_emission_slice_by_slice():
    nodes = [firing(2), firing(3)]
    device = nest.Create("spike_recorder")
    for node in nodes:
        nest.Connect(node, device, syn_spec={"delay": 2.0, "weight": 7.0})
    nest.Simulate(5.0)

    def piece(*times):
        return [(t, sender) for sender, n in ((1, 2), (2, 3)) for t in times for _ in range(n)]

    assert order(device) == piece(1.0, 2.0) + piece(3.0, 4.0) + piece(5.0)
    assert device.n_events == 25
    assert device.events["times"].dtype == np.float64


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"start": 1.0, "stop": 3.0}, [2.0, 3.0]),
        ({"origin": 1.0, "start": 1.0, "stop": 2.0}, [3.0]),
        ({"time_in_steps": True}, [2, 4, 6, 8, 10]),
    ],
)
def test_window_and_units_of_a_spike_recorder(parameters, expected):
    device = recorder(firing(), **parameters)
    nest.Simulate(5.0)
    assert device.get("events", "times").tolist() == expected


def test_clearing_and_changing_a_spike_recorder():
    device = recorder(firing())
    assert device.events["times"].dtype == device.events["senders"].dtype == np.float64
    nest.Simulate(3.0)
    device.n_events = 0
    assert device.events["times"].size == 0
    nest.Simulate(2.0)
    assert device.get("events", "times").tolist() == [4.0, 5.0]
    with pytest.raises(nest.NESTErrors.BadProperty, match="n_events can only be set to 0"):
        device.n_events = 2
    with pytest.raises(nest.NESTErrors.BadProperty, match="time_in_steps cannot be set after Simulate"):
        device.time_in_steps = True


def test_a_recorder_hears_a_sender_once_for_each_connection():
    node = firing(2)
    device = recorder(node, node)
    nest.Simulate(2.0)
    assert device.get("events", "times").tolist() == [1.0] * 4 + [2.0] * 4
