"""gifpop.nest, to the time step: delays, slices and runs in pieces. Expected numbers are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from tests.helpers.nest_devices import SHORT, H, arrivals, firing, meter, order, recorder, silent, spikes

# -- spikes and delays ------------------------------------------------------------------------------------------------


def test_a_spike_shows_after_its_delay():
    population = silent()
    spikes([5.0], population, weight=40.0)
    device = meter(population, "I_syn_ex", "V_m")
    nest.Simulate(8.0)
    tau = 3.0
    for name in ("I_syn_ex", "V_m"):
        values = device.get("events", name)
        assert device.get("events", "times")[np.flatnonzero(values)[0]] == 5.5
    assert_allclose(device.get("events", "I_syn_ex").max(), 40.0 * tau / H * (1 - np.exp(-H / tau)), rtol=1e-12, atol=0)


def test_spikes_between_populations():
    source, target = firing(N=7), silent(**SHORT)
    nest.Connect(source, target, syn_spec={"weight": -3.0, "delay": 2.0})
    device = meter(target, "I_syn_in")
    nest.Simulate(6.0)
    assert arrivals(device, "I_syn_in") == [(3.0, -21.0), (4.0, -21.0), (5.0, -21.0)]


@pytest.mark.parametrize(
    ("h", "given", "expected"),
    [
        (0.5, 0.25, 0.5),
        (0.5, 0.74, 0.5),
        (0.5, 0.75, 1.0),
        (0.5, 1.24999, 1.0),
        (0.5, 1.25, 1.5),
        (0.1, 0.15, 0.2),
        (0.1, 0.35, 0.4),
        (0.1, 0.249999, 0.2),
        (0.3, 0.15, 0.3),
        (0.3, 0.45, 0.6),
        (0.3, 1.0, 0.8999999999999999),
        (0.3, None, 1.2),
        (2.0, None, 2.0),
        (0.7, 7.0, 7.0),
    ],
)
def test_delays_round_to_steps(h, given, expected):
    nest.resolution = h
    population = silent()
    nest.Connect(population, population, syn_spec={} if given is None else {"delay": given})
    assert nest.GetConnections().delay == expected


@pytest.mark.parametrize(
    ("given", "shown"), [(0.0, "0"), (0.2, "0"), (0.249999, "0"), (-1.0, "-1"), (float("nan"), "nan")]
)
def test_delays_of_less_than_a_step(given, shown):
    population = silent()
    with pytest.raises(nest.NESTErrors.BadDelay) as error:
        nest.Connect(population, population, syn_spec={"delay": given})
    assert str(error.value) == (f"Delay value {shown} is invalid: Delay must be greater than or equal to resolution")
    assert nest.num_connections == 0


def test_delays_after_simulating():
    population = silent()
    nest.Connect(population, population, syn_spec={"delay": 2.0})
    nest.Connect(population, population, syn_spec={"delay": 4.0})
    nest.Simulate(1.0)
    assert (nest.min_delay, nest.max_delay) == (2.0, 4.0)
    nest.Connect(population, population, syn_spec={"delay": 3.0})
    for value in (1.0, 5.0):
        message = f"Delay value {value:g} is invalid: Minimum and maximum delay cannot be changed after Simulate"
        with pytest.raises(nest.NESTErrors.BadDelay, match=message):
            nest.Connect(population, population, syn_spec={"delay": value})
        with pytest.raises(nest.NESTErrors.BadDelay, match=message):
            nest.GetConnections().set(delay=value)
    message = "Default delay of 'static_synapse' must be between min_delay 2 and max_delay 4."
    with pytest.raises(nest.NESTErrors.BadDelay, match=message):
        nest.Connect(population, population)
    assert nest.GetConnections().delay == [2.0, 4.0, 3.0]


@pytest.mark.parametrize(("delay", "limits"), [(1.0, (1.0, 3.0)), (5.0, (3.0, 5.0))])
def test_delays_after_a_run_of_no_steps(delay, limits):
    """They may still be shorter or longer than all others, as in NEST; spikes and parrots keep to them."""
    parrots = nest.Create("parrot_neuron", 2)
    spikes([2.0], parrots[0], delay=3.0)
    device = nest.Create("spike_recorder")
    nest.Connect(parrots, device, syn_spec={"delay": 3.0})
    nest.Simulate(0.0)
    nest.Connect(parrots[0], parrots[1], syn_spec={"delay": delay})
    assert (nest.min_delay, nest.max_delay) == limits
    nest.Simulate(16.0)
    assert sorted(order(device)) == [(5.0, 1), (5.0 + delay, 2)]


def test_a_delay_set_between_runs():
    population = silent(**SHORT)
    spikes([1.0, 3.0, 5.0], population, delay=H)
    nest.Connect(population, population, syn_spec={"delay": 4.0})
    device = meter(population, "I_syn_ex")
    nest.Simulate(4.0)
    nest.GetConnections(target=population)[1].set(delay=2.0)
    nest.Simulate(4.5)
    assert arrivals(device) == [(1.5, 1.0), (3.5, 1.0), (7.0, 1.0)]


@pytest.mark.parametrize(
    ("slice_ms", "until", "expected"),
    [
        (0.5, 4.0, [1, 1, 1, 100, 100]),
        (2.0, 4.0, [1, 1, 100, 100, 100]),
        (2.0, 5.0, [1, 1, 1, 1, 100]),
    ],
)
def test_a_weight_set_between_runs_acts_on_the_last_slice(slice_ms, until, expected):
    source, target = firing(), silent(**SHORT)
    nest.Connect(source, target, syn_spec={"delay": 2.0, "weight": 1.0})
    device = meter(target, "I_syn_ex", delay=slice_ms)
    nest.Simulate(until)
    nest.GetConnections(source, target).set(weight=100.0)
    nest.Simulate(10.0 - until)
    assert arrivals(device)[:5] == [(3.0 + k, float(weight)) for k, weight in enumerate(expected)]


@pytest.mark.parametrize(("before", "expected"), [(True, [5.0, 6.0, 7.0, 8.0]), (False, [7.0, 8.0, 9.0, 10.0])])
def test_a_new_connection_gets_the_last_slice_if_its_source_had_one(before, expected):
    source, target = firing(), silent(**SHORT)
    nest.Connect(target, target, syn_spec={"delay": 2.0})
    if before:
        nest.Connect(source, source, syn_spec={"delay": 2.0, "weight": 0.0})
    device = meter(target, "I_syn_ex", delay=2.0)
    nest.Simulate(4.0)
    nest.Connect(source, target, syn_spec={"delay": 2.0, "weight": 100.0})
    nest.Simulate(8.0)
    assert arrivals(device)[:4] == [(t, 100.0) for t in expected]


# -- chunks and history -----------------------------------------------------------------------------------------------


def noisy():
    """Build a network with everything in it."""
    nodes = nest.Create("gif_pop_psc_exp", 2, {"N": [100, 30], "I_e": 300.0, "Delta_V": 4.0})
    nest.Connect(nodes[0], nodes, syn_spec={"weight": 10.0, "delay": 1.5})
    nest.Connect(nodes[1], nodes, syn_spec={"weight": -30.0, "delay": 2.0})
    for model, parameters in (
        ("poisson_generator", {"rate": 2000.0, "start": 3.0}),
        ("dc_generator", {"amplitude": 50.0, "stop": 20.0}),
        ("step_current_generator", {"amplitude_times": [5.0, 12.5], "amplitude_values": [30.0, -20.0]}),
        ("spike_generator", {"spike_times": [4.0, 9.5], "spike_multiplicities": [2, 1]}),
    ):
        nest.Connect(nest.Create(model, params=parameters), nodes, syn_spec={"weight": 2.0, "delay": 1.5})
    return meter(nodes, "V_m", "mean", "n_events", "I_syn_ex", "E_sfa", delay=1.5), recorder(nodes)


@pytest.mark.parametrize("durations", [[30.0], [0.5] * 60, [0.0, 7.5, 1.0, 0.5, 21.0], [29.5, 0.5]])
def test_pieces_equal_one_call(durations):
    devices = noisy()
    nest.Simulate(30.0)
    whole = [device.events for device in devices]
    nest.ResetKernel()
    nest.resolution = H
    devices = noisy()
    for duration in durations:
        nest.Simulate(duration)
    for device, events in zip(devices, whole, strict=True):
        assert device.events.keys() == events.keys()
        key = np.lexsort((device.events["senders"], device.events["times"]))
        expected_key = np.lexsort((events["senders"], events["times"]))
        for name, values in events.items():
            assert_array_equal(device.events[name][key], values[expected_key])


@pytest.mark.parametrize("change", [{}, {"I_e": 500.0}])
def test_setting_a_population_starts_its_history_anew(change):
    """Numbers of NEST 3.10: the mean is zero during the refractory period after each start, V_m goes on."""
    population = silent(lambda_0=10.0, I_e=500.0, N=1000, **SHORT)
    device = meter(population, "mean", "V_m")
    spikes([1.0, 5.0], population, weight=100.0, delay=2.0)
    nest.Simulate(6.0)
    population.set(change)
    nest.Simulate(6.0)
    mean, V_m = device.get("events", "mean"), device.get("events", "V_m")
    assert_array_equal(mean[:8], 0.0)
    assert_array_equal(mean[12:20], 0.0)
    assert_allclose(mean[11], 0.015140787952505464, rtol=1e-12, atol=0)
    assert np.all(np.diff(V_m) > 0)
    expected = [
        0.988,
        1.951,
        2.89,
        3.807,
        4.7,
        5.576,
        6.426,
        7.255,
        8.063,
        8.852,
        9.621,
        10.371,
        11.102,
        11.82,
        12.515,
        13.194,
        13.856,
        14.501,
        15.131,
        15.745,
        16.344,
        16.928,
        17.498,
    ]
    assert_allclose(V_m, expected, rtol=0, atol=5.1e-4)


def test_all_potentials_start_at_zero():
    """As in NEST, whatever E_L and V_reset are: its first expectation after the refractory period."""
    node = nest.Create(
        "gif_pop_psc_exp", params={"E_L": -65.0, "V_reset": -60.0, "V_T_star": -5.0, "t_ref": 2.0, "N": 1000}
    )
    device = meter(node, "mean")
    nest.Simulate(3.0)
    assert_allclose(device.get("events", "mean"), [0.0] * 4 + [10.597469728164445], rtol=1e-12, atol=0)
