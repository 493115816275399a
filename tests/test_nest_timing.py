"""gifpop.nest, to the time step: when devices act and when recorders record. Expected numbers are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest

H = 0.5
FAST = {"tau_m": 0.001, "C_m": 0.001}  # V_m is the current, in numbers
SHORT = {"tau_syn_ex": 0.01, "tau_syn_in": 0.01}  # I_syn / 0.02 is the weight that arrived in the step


@pytest.fixture(autouse=True)
def kernel():
    nest.ResetKernel()
    nest.resolution = H


def silent(**parameters):
    return nest.Create("gif_pop_psc_exp", params={"lambda_0": 0.0, "tau_sfa": [100.0], "q_sfa": [0.0]} | parameters)


def firing(N=1, every=2):
    """A population in which all neurons fire together, every ``every`` steps."""
    return nest.Create(
        "gif_pop_psc_exp",
        params={
            "lambda_0": 1e9, "N": N, "t_ref": (every - 1) * H, "tau_sfa": [10.0], "q_sfa": [0.0], "len_kernel": 30
        },
    )  # fmt: skip


def meter(target, *variables, delay=H, **parameters):
    device = nest.Create("multimeter", params={"record_from": list(variables or ["V_m"]), "interval": H} | parameters)
    nest.Connect(device, target, syn_spec={"delay": delay})
    return device


def recorder(*senders, **parameters):
    device = nest.Create("spike_recorder", params=parameters)
    for sender in senders:
        nest.Connect(sender, device, syn_spec={"delay": H})
    return device


def spikes(times, target, delay=H, weight=1.0, **parameters):
    generator = nest.Create("spike_generator", params={"spike_times": times} | parameters)
    nest.Connect(generator, target, syn_spec={"delay": delay, "weight": weight})
    return generator


def arrivals(device, name="I_syn_ex"):
    """Return (stamp, weight) of all that arrived at a population with SHORT synapses."""
    weights = np.round(device.get("events", name) / 0.02, 6).tolist()
    return [(t, w) for t, w in zip(device.get("events", "times").tolist(), weights, strict=True) if w]


def course(device):
    """Return (stamp, value) wherever the recorded V_m changes."""
    times, values = device.get("events", "times").tolist(), np.round(device.get("events", "V_m"), 6).tolist()
    return [(times[k], v) for k, v in enumerate(values) if k == 0 or v != values[k - 1]]


def order(device):
    return list(zip(device.get("events", "times").tolist(), device.get("events", "senders").tolist(), strict=True))


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
        (0.5, 0.25, 0.5), (0.5, 0.74, 0.5), (0.5, 0.75, 1.0), (0.5, 1.24999, 1.0), (0.5, 1.25, 1.5),
        (0.1, 0.15, 0.2), (0.1, 0.35, 0.4), (0.1, 0.249999, 0.2), (0.3, 0.15, 0.3), (0.3, 0.45, 0.6),
        (0.3, 1.0, 0.8999999999999999), (0.3, None, 1.2), (2.0, None, 2.0), (0.7, 7.0, 7.0),
    ],
)  # fmt: skip
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
    assert str(error.value) == (
        f"Delay value {shown} is invalid: Delay must be greater than or equal to resolution"
    )
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
        (0.5, 4.0, [1, 1, 1, 100, 100]), (2.0, 4.0, [1, 1, 100, 100, 100]), (2.0, 5.0, [1, 1, 1, 1, 100]),
    ],
)  # fmt: skip
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


# -- multimeter -------------------------------------------------------------------------------------------------------


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


# -- current generators -----------------------------------------------------------------------------------------------

AMPLITUDES = {"amplitude_times": [1.0, 3.0, 5.0, 8.0], "amplitude_values": [1.0, 2.0, 3.0, 4.0]}
PLAIN = [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (6.0, 3.0), (9.0, 4.0)]


@pytest.mark.parametrize(
    ("window", "script", "expected"),
    [
        ({}, [10.0], PLAIN),
        ({}, [0.5] * 6 + [7.0], PLAIN),
        ({"start": 2.0, "stop": 4.0}, [10.0], [(0.5, 0.0), (3.0, 1.0), (4.0, 2.0), (5.0, 0.0)]),
        ({"start": 1.0, "stop": 4.0, "origin": 2.0}, [10.0], [(0.5, 0.0), (4.0, 2.0), (6.0, 3.0), (7.0, 0.0)]),
        ({}, [4.0, {"stop": 4.5}, 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (5.5, 0.0)]),
        ({}, [2.0, {"start": 4.0}, 8.0],
         [(0.5, 0.0), (2.0, 1.0), (3.5, 0.0), (5.0, 2.0), (6.0, 3.0), (9.0, 4.0)]),
        ({}, [4.0, ([6.0], [7.0]), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (7.0, 7.0)]),
        ({}, [4.0, ([1.0, 4.0, 6.0], [5.0, 6.0, 7.0]), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (7.0, 7.0)]),
        ({}, [4.0, ([1.0, 4.5], [5.0, 6.0]), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (5.5, 6.0)]),
        ({}, [4.0, ([], []), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0)]),
        ({}, [4.0, ([1.0], [5.0]), 3.0, ([8.0], [9.0]), 3.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (9.0, 9.0)]),
        ({"start": 4.0}, [2.0, ([1.0, 6.0], [5.0, 6.0]), 8.0], [(0.5, 0.0), (5.0, 1.0), (7.0, 6.0)]),
    ],
)  # fmt: skip
def test_step_current_generator(window, script, expected):
    population = silent(**FAST)
    generator = nest.Create("step_current_generator", params=AMPLITUDES | window)
    nest.Connect(generator, population, syn_spec={"delay": H})
    device = meter(population)
    for act in script:
        if isinstance(act, float):
            nest.Simulate(act)
        elif isinstance(act, dict):
            generator.set(act)
        else:
            generator.set(amplitude_times=act[0], amplitude_values=act[1])
    assert course(device) == expected


def test_an_amplitude_is_felt_after_its_delay():
    population = silent()
    generator = nest.Create("step_current_generator", params={"amplitude_times": [10.0], "amplitude_values": [1.0]})
    nest.Connect(generator, population, syn_spec={"delay": H})
    device = meter(population)
    nest.Simulate(14.0)
    assert device.get("events", "times")[np.flatnonzero(device.get("events", "V_m"))[0]] == 11.0


@pytest.mark.parametrize(
    ("window", "delay", "expected"),
    [
        ({}, 0.5, (1.5, 7.5)),
        ({}, 1.5, (2.5, 7.5)),
        ({"start": 0.5}, 0.5, (1.5, 7.5)),
        ({"start": 1.0, "stop": 3.0}, 0.5, (2.0, 3.5)),
        ({"start": 1.0, "stop": 3.0}, 1.5, (3.0, 4.5)),
        ({"start": 1.0, "stop": 3.0, "origin": 1.0}, 0.5, (3.0, 4.5)),
        ({"stop": 1.0}, 0.5, (1.5, 1.5)),
        ({"stop": 0.5}, 0.5, None),
        ({"start": 2.0, "stop": 2.0}, 0.5, None),
    ],
)
def test_window_of_a_dc_generator(window, delay, expected):
    population = silent(**FAST)
    generator = nest.Create("dc_generator", params={"amplitude": 1.0} | window)
    nest.Connect(generator, population, syn_spec={"delay": delay, "weight": 3.0})
    device = meter(population)
    nest.Simulate(8.0)
    felt = device.get("events", "times")[device.get("events", "V_m") > 2.9]
    assert (felt[0], felt[-1]) == expected if expected else felt.size == 0


def test_changes_of_a_dc_generator():
    """Amplitude and weight act when the current is sent, a step after the change at the earliest."""
    population = silent(**FAST)
    generator = nest.Create("dc_generator", params={"amplitude": 1.0})
    nest.Connect(generator, population, syn_spec={"delay": 2.0})
    device = meter(population)
    nest.Simulate(4.0)
    nest.GetConnections(generator).weight = 5.0
    nest.Simulate(5.0)
    generator.amplitude = 3.0
    nest.Simulate(4.0)
    assert course(device) == [(0.5, 0.0), (3.0, 1.0), (7.0, 5.0), (12.0, 15.0)]


# -- spike generator --------------------------------------------------------------------------------------------------

TIMES = [1.0, 3.0, 5.0, 8.0]


@pytest.mark.parametrize(
    ("parameters", "recorded", "ex", "inh"),
    [
        ({}, TIMES, [(1.5, 1.0), (3.5, 1.0), (5.5, 1.0), (8.5, 1.0)], []),
        ({"start": 1.0, "stop": 5.0}, [3.0, 5.0], [(3.5, 1.0), (5.5, 1.0)], []),
        ({"origin": 2.0}, [3.0, 5.0, 7.0, 10.0], [(3.5, 1.0), (5.5, 1.0), (7.5, 1.0)], []),
        ({"origin": 2.0, "start": 1.0, "stop": 5.0}, [5.0, 7.0], [(5.5, 1.0), (7.5, 1.0)], []),
        ({"spike_weights": [1.0, -2.0, 3.0, 0.0]}, TIMES, [(1.5, 1.0), (5.5, 3.0)], [(3.5, -2.0)]),
        ({"spike_multiplicities": [1, 0, 2, 3]}, [1.0] + [5.0] * 2 + [8.0] * 3,
         [(1.5, 1.0), (5.5, 2.0), (8.5, 3.0)], []),
        ({"spike_multiplicities": [1, 0, 2, 3], "spike_weights": [1.0, 2.0, 3.0, 4.0]},
         [1.0] + [5.0] * 2 + [8.0] * 3, [(1.5, 1.0), (5.5, 6.0), (8.5, 12.0)], []),
        ({"spike_times": [1.0, 1.0, 3.0, 3.0, 3.0]}, [1.0] * 2 + [3.0] * 3, [(1.5, 2.0), (3.5, 3.0)], []),
        ({"spike_times": [5.2], "allow_offgrid_times": True}, [5.5], [(6.0, 1.0)], []),
        ({"spike_times": [5.0001]}, [5.0], [(5.5, 1.0)], []),
    ],
)  # fmt: skip
def test_spike_generator(parameters, recorded, ex, inh):
    population = silent(**SHORT)
    generator = spikes(TIMES, population, **parameters)
    device, spike_recorder = meter(population, "I_syn_ex", "I_syn_in"), recorder(generator)
    nest.Simulate(10.0)
    assert spike_recorder.get("events", "times").tolist() == recorded
    assert arrivals(device) == ex
    assert arrivals(device, "I_syn_in") == inh


def test_the_sign_of_both_weights_chooses_the_synapse():
    population = silent(**SHORT)
    spikes(TIMES, population, weight=-2.0, spike_weights=[1.0, -2.0, 3.0, 4.0])
    device = meter(population, "I_syn_ex", "I_syn_in")
    nest.Simulate(10.0)
    assert arrivals(device) == [(3.5, 4.0)]
    assert arrivals(device, "I_syn_in") == [(1.5, -2.0), (5.5, -6.0), (8.5, -8.0)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"spike_times": [1.0, 4.0, 4.5, 7.0]}, [(5.0, 5.0), (7.5, 5.0)]),
        ({"origin": 2.0}, [(5.5, 2.0), (7.5, 3.0)]),
        ({"spike_times": []}, []),
        ({"spike_weights": []}, [(5.5, 1.0), (8.5, 1.0)]),
        ({"start": 5.0}, [(8.5, 4.0)]),
    ],
)
def test_spike_generators_change_from_now_on(change, expected):
    population = silent(**SHORT)
    generator = spikes(TIMES, population, spike_weights=[1.0, 2.0, 3.0, 4.0])
    device = meter(population, "I_syn_ex")
    nest.Simulate(4.0)
    if change.get("spike_times"):
        change = change | {"spike_weights": [5.0] * 4}
    generator.set(change | ({"spike_weights": []} if change.get("spike_times") == [] else {}))
    nest.Simulate(6.0)
    assert arrivals(device) == [(1.5, 1.0), (3.5, 2.0), *expected]


# -- Poisson generator ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        ({}, 1.0, 6.0), ({"start": 1.0, "stop": 3.0}, 2.0, 3.5),
        ({"start": 1.0, "stop": 3.0, "origin": 1.0}, 3.0, 4.5), ({"stop": 2.0}, 1.0, 2.5),
    ],
)  # fmt: skip
def test_window_of_a_poisson_generator(window, first, last):
    generator = nest.Create("poisson_generator", params={"rate": 1e5} | window)
    population = silent(**SHORT)
    nest.Connect(generator, population, syn_spec={"delay": 1.0})
    device, spike_recorder = meter(population, "I_syn_ex"), recorder(generator)
    nest.Simulate(6.0)
    stamps = np.arange(first, last + H, H)
    assert_array_equal(np.unique(spike_recorder.get("events", "times")), stamps)
    assert_array_equal([t for t, _ in arrivals(device)], stamps[stamps + 1.0 <= 5.5] + 1.0)


def test_poisson_generators_draw_for_each_connection():
    """Independent counts with mean = variance = 5; each bound is exceeded with probability below 1e-6."""
    generator = nest.Create("poisson_generator", params={"rate": 1e4})
    populations = [silent(**SHORT), silent(**SHORT)]
    devices = []
    for population in populations:
        nest.Connect(generator, population, syn_spec={"delay": H})
        devices.append(meter(population, "I_syn_ex"))
    nest.Simulate(10_000.0)
    counts = np.array([device.get("events", "I_syn_ex")[2:] / 0.02 for device in devices])
    n = counts.shape[1]
    assert_allclose(counts.mean(axis=1), 5.0, rtol=0, atol=5.0 * np.sqrt(5.0 / n))
    assert_allclose(counts.var(axis=1), 5.0, rtol=0, atol=5.0 * np.sqrt((5.0 + 2 * 25.0) / n))
    assert abs(np.corrcoef(counts)[0, 1]) < 5.0 / np.sqrt(n)


def test_poisson_streams_survive_changes():
    """New nodes and connections, other rates and further runs leave what a connection draws alone."""

    def counts(disturbed):
        nest.ResetKernel()
        nest.resolution = H
        generator = nest.Create("poisson_generator", params={"rate": 1e4})
        population = silent(**SHORT)
        nest.Connect(generator, population, syn_spec={"delay": H})
        device = meter(population, "I_syn_ex")
        nest.Simulate(10.0)
        if disturbed:
            other = silent()
            nest.Connect(generator, other, syn_spec={"delay": H})
            nest.Connect(population, other, syn_spec={"delay": H})
            meter(other)
        nest.Simulate(10.0)
        return device.get("events", "I_syn_ex")

    assert_array_equal(counts(True), counts(False))


# -- chunks and history -----------------------------------------------------------------------------------------------


def noisy():
    """A network with everything in it."""
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
    expected = [0.988, 1.951, 2.89, 3.807, 4.7, 5.576, 6.426, 7.255, 8.063, 8.852, 9.621, 10.371, 11.102, 11.82,
                12.515, 13.194, 13.856, 14.501, 15.131, 15.745, 16.344, 16.928, 17.498]  # fmt: skip
    assert_allclose(V_m, expected, rtol=0, atol=5.1e-4)


def test_all_potentials_start_at_zero():
    """As in NEST, whatever E_L and V_reset are: its first expectation after the refractory period."""
    node = nest.Create(
        "gif_pop_psc_exp", params={"E_L": -65.0, "V_reset": -60.0, "V_T_star": -5.0, "t_ref": 2.0, "N": 1000}
    )
    device = meter(node, "mean")
    nest.Simulate(3.0)
    assert_allclose(device.get("events", "mean"), [0.0] * 4 + [10.597469728164445], rtol=1e-12, atol=0)
