"""gifpop.nest, to the time step: when generators act. Expected numbers are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from tests.helpers.nest_devices import FAST, SHORT, H, arrivals, course, meter, recorder, silent, spikes

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
        ({}, [2.0, {"start": 4.0}, 8.0], [(0.5, 0.0), (2.0, 1.0), (3.5, 0.0), (5.0, 2.0), (6.0, 3.0), (9.0, 4.0)]),
        ({}, [4.0, ([6.0], [7.0]), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (7.0, 7.0)]),
        ({}, [4.0, ([1.0, 4.0, 6.0], [5.0, 6.0, 7.0]), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (7.0, 7.0)]),
        ({}, [4.0, ([1.0, 4.5], [5.0, 6.0]), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (5.5, 6.0)]),
        ({}, [4.0, ([], []), 6.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0)]),
        ({}, [4.0, ([1.0], [5.0]), 3.0, ([8.0], [9.0]), 3.0], [(0.5, 0.0), (2.0, 1.0), (4.0, 2.0), (9.0, 9.0)]),
        ({"start": 4.0}, [2.0, ([1.0, 6.0], [5.0, 6.0]), 8.0], [(0.5, 0.0), (5.0, 1.0), (7.0, 6.0)]),
    ],
)
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
        (
            {"spike_multiplicities": [1, 0, 2, 3]},
            [1.0] + [5.0] * 2 + [8.0] * 3,
            [(1.5, 1.0), (5.5, 2.0), (8.5, 3.0)],
            [],
        ),
        (
            {"spike_multiplicities": [1, 0, 2, 3], "spike_weights": [1.0, 2.0, 3.0, 4.0]},
            [1.0] + [5.0] * 2 + [8.0] * 3,
            [(1.5, 1.0), (5.5, 6.0), (8.5, 12.0)],
            [],
        ),
        ({"spike_times": [1.0, 1.0, 3.0, 3.0, 3.0]}, [1.0] * 2 + [3.0] * 3, [(1.5, 2.0), (3.5, 3.0)], []),
        ({"spike_times": [5.2], "allow_offgrid_times": True}, [5.5], [(6.0, 1.0)], []),
        ({"spike_times": [5.0001]}, [5.0], [(5.5, 1.0)], []),
    ],
)
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
        ({}, 1.0, 6.0),
        ({"start": 1.0, "stop": 3.0}, 2.0, 3.5),
        ({"start": 1.0, "stop": 3.0, "origin": 1.0}, 3.0, 4.5),
        ({"stop": 2.0}, 1.0, 2.5),
    ],
)
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
