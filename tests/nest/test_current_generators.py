"""gifpop.nest: alternating currents and noise, and what meters record of generators. Numbers are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop.nest as nest
from gifpop.engine.signals import HeldNoise, NormalLaw
from tests.helpers.nest_devices import FAST, H, meter, silent

Errors = nest.NESTErrors
FALSE_ALARM = 1e-6


def generator(model, **parameters):
    return nest.Create(model, params=parameters)


def current(device):
    return device.get("events", "I")


RECORDED = [
    ("dc_generator", {"amplitude": 3.0, "start": 2.0, "stop": 5.0}, [0, 0, 0, 3, 3, 3, 3, 3, 3, 0, 0, 0]),
    ("dc_generator", {"amplitude": 3.0, "start": 0.5, "stop": 1.5, "origin": 1.0}, [0, 0, 3, 3] + [0] * 8),
    ("dc_generator", {"amplitude": 3.0, "stop": 1.0}, [3] + [0] * 11),
    (
        "step_current_generator",
        {"amplitude_times": [1.0, 2.5, 4.0], "amplitude_values": [1.0, 2.0, 3.0], "start": 0.5, "stop": 5.0},
        [0, 1, 1, 1, 2, 2, 2, 3, 3, 0, 0, 0],
    ),
    (
        "ac_generator",
        {"amplitude": 3.0, "offset": 1.0, "frequency": 50.0, "phase": 30.0, "start": 1.0, "stop": 4.0, "origin": 0.5},
        [0, 0, 3.51601170383627, 3.7406363729278, 3.8977774788672, 3.98356568610482, 3.99588860426372, 3.93444280220142]
        + [0] * 4,
    ),
    ("noise_generator", {"mean": 2.0, "start": 1.0, "stop": 4.0, "origin": 0.5}, [0, 0] + [2] * 6 + [0] * 4),
]


@pytest.mark.parametrize(("model", "parameters", "expected"), RECORDED)
def test_recorded_currents(model, parameters, expected):
    g = generator(model, **parameters)
    device = meter(g, "I")
    nest.Connect(g, silent())
    nest.Simulate(4.0)
    nest.Simulate(3.0)
    assert_allclose(current(device), [*expected, 0], rtol=0, atol=1e-12)
    assert device.get("events", "times")[[0, -1]].tolist() == [0.5, 6.5]


def test_a_current_is_recorded_before_it_is_connected():
    g = generator("dc_generator", amplitude=2.0)
    device = meter(g, "I", offset=1.0, stop=3.0)
    nest.Simulate(4.0)
    assert device.get("events", "times").tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert set(current(device)) == {2.0}


def test_order_of_recorded_currents():
    a, b = generator("dc_generator", amplitude=1.0), generator("dc_generator", amplitude=2.0)
    device = meter(a + b, "I", delay=1.0)
    nest.Connect(a + b, silent(), syn_spec={"delay": 1.5})
    nest.Simulate(4.0)
    assert_array_equal(current(device), [1, 1, 2, 2] * 3)


@pytest.mark.parametrize("model", ["dc_generator", "step_current_generator", "ac_generator", "noise_generator"])
def test_recordables_of_generators(model):
    assert nest.GetDefaults(model)["recordables"] == ["I"]
    g = generator(model)
    assert g.recordables == ["I"]
    with pytest.raises(KeyError):
        g.get("I")
    with pytest.raises(Errors.IllegalConnection, match="unknown recordable V_m"):
        nest.Connect(generator("voltmeter"), g)
    device = meter(g, "I")
    with pytest.raises(Errors.IllegalConnection, match="only be connected once"):
        nest.Connect(device, g)


# -- ac_generator -----------------------------------------------------------------------------------------------------


def test_alternating_current_goes_on_in_absolute_time():
    nest.resolution = 1.0
    g = generator("ac_generator", amplitude=1.0, frequency=50.0)
    device = meter(g, "I", delay=1.0, interval=1.0)
    assert (g.y_0, g.y_1) == (0.0, 0.0)
    nest.Simulate(5.0)
    g.set(amplitude=2.0, phase=90.0)
    nest.Simulate(5.0)
    g.frequency = 100.0
    nest.Simulate(5.0)
    first = np.sin(np.pi * np.arange(1, 6) / 10)
    second = 2 * np.cos(np.pi * np.arange(6, 11) / 10)
    third = 2 * np.cos(np.pi * np.arange(11, 15) / 5)
    assert_allclose(current(device), [*first, *second, *third], rtol=0, atol=1e-12)


def test_phase_of_an_alternating_current():
    nest.resolution = 1.0
    g = generator(
        "ac_generator", amplitude=3.0, offset=1.0, frequency=50.0, phase=30.0, start=2.0, stop=7.0, origin=1.0
    )
    nest.Simulate(15.0)
    assert_allclose((g.y_0, g.y_1), (1.5, -2.598076211353315), rtol=0, atol=1e-10)
    for name in ("y_0", "y_1"):
        with pytest.raises(Errors.UnaccessedDictionaryEntry, match=name):
            g.set({name: 1.0})


def test_delay_of_an_alternating_current():
    """What is recorded at a stamp is felt a delay and a step later."""
    population = silent(**FAST)
    g = generator("ac_generator", amplitude=3.0, frequency=20.0)
    nest.Connect(g, population, syn_spec={"delay": 1.5, "weight": 2.0})
    sent, felt = meter(g, "I"), meter(population)
    nest.Simulate(20.0)
    assert_allclose(felt.get("events", "V_m")[4:], 2 * current(sent)[:-4], rtol=0, atol=1e-9)
    assert not felt.get("events", "V_m")[:4].any()


def test_potential_under_an_alternating_current():
    population = silent(C_m=250.0, tau_m=20.0)
    nest.Connect(generator("ac_generator", amplitude=100.0, frequency=10.0, offset=50.0), population)
    device = meter(population)
    nest.Simulate(1200.0)
    v = device.get("events", "V_m")[1000:2200]
    assert_allclose((v.mean(), v.max()), (4.0, 4 + 8 / np.sqrt(1 + 0.16 * np.pi**2)), rtol=1e-3, atol=0)


# -- noise_generator --------------------------------------------------------------------------------------------------


def runs(values):
    """Return the lengths of stretches of equal values."""
    changes = np.flatnonzero(np.diff(values))
    return np.diff([0, *(changes + 1), len(values)]).tolist()


@pytest.mark.parametrize(
    ("parameters", "acts", "expected"),
    [
        ({}, [14], [3, 3, 3, 3, 1]),
        ({}, [4, 4, 6], [3, 3, 3, 3, 1]),
        ({"start": 1.0, "origin": 1.0}, [14], [1, 3, 3, 3, 3]),
        ({}, [4, {"start": 6.0}, 10], [3, 1, 1, 1, 3, 3, 1]),
        ({"stop": 7.0}, [8, {"stop": 100.0}, 10], [3, 3, 2, 3, 3, 3]),
        ({}, [4, {"dt": 5.0}, 20], [3, 3, 5, 5, 5, 2]),
        ({}, [4, {"dt": 1.0}, 7], [3, 3, 1, 1, 1, 1]),
    ],
)
def test_times_of_draws(parameters, acts, expected):
    nest.resolution = 1.0
    g = generator("noise_generator", std=1.0, dt=3.0, **parameters)
    nest.Connect(g, silent())
    device = meter(g, "I", delay=1.0, interval=1.0)
    for act in acts:
        if isinstance(act, dict):
            g.set(act)
        else:
            nest.Simulate(float(act))
    assert runs(current(device)) == expected


def test_new_values_of_noise_count_from_the_next_draw():
    nest.resolution = 1.0
    g = generator("noise_generator", std=1.0, dt=3.0)
    nest.Connect(g, silent())
    device = meter(g, "I", delay=1.0, interval=1.0)
    nest.Simulate(5.0)
    g.set(std=0.0, mean=5.0)
    nest.Simulate(6.0)
    values = current(device)
    assert len(set(values[3:6])) == 1
    assert values[5] != 5.0
    assert_array_equal(values[6:], 5.0)


def test_modulated_noise():
    """The variance is that of the time of the draw; it is zero at 7 ms."""
    nest.resolution = 1.0
    g = generator("noise_generator", std=1.0, std_mod=1.0, dt=3.0, frequency=125.0, phase=-45.0, start=1.0)
    nest.Connect(g, silent())
    device = meter(g, "I", delay=1.0, interval=1.0)
    nest.Simulate(22.0)
    values = current(device)
    assert np.flatnonzero(np.abs(values) < 1e-6).tolist() == [6, 7, 8]
    g.frequency = 100.0
    nest.Simulate(10.0)
    assert_allclose((g.y_0, g.y_1), (0.8910065241883691, 0.45399049973954564), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("acts", "expected"), [([22], [12, 20]), ([2, 20], [10, 18]), ([12, 10], [12, 16]), ([None, 2, 20, None], [12, 20])]
)
def test_the_phase_of_noise_stands_still_until_the_device_begins(acts, expected):
    """It is that of absolute time when a run is prepared; the variance vanishes once in 8 ms."""
    nest.resolution = 1.0
    g = generator("noise_generator", std=1.0, std_mod=1.0, dt=1.0, frequency=125.0, phase=-90.0, start=5.0)
    nest.Connect(g, silent())
    device = meter(g, "I", delay=1.0, interval=1.0)
    for act in acts:
        if act is None:
            (nest.Cleanup if nest.prepared else nest.Prepare)()
        else:
            (nest.Run if nest.prepared else nest.Simulate)(float(act))
    values = current(device)
    assert not np.any(values[:4])
    assert (5 + np.flatnonzero(np.abs(values[4:]) < 1e-6)).tolist() == expected


TENTHS = {"frequency": 1000 / 36, "phase": 10.0}  # of 100 degrees a step
MODULATED = {"std": 1.0, "std_mod": 1.0, **TENTHS}


@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        ("ac_generator", {"amplitude": 1.0, "start": 4.0, **TENTHS}, [0, 2, 5, 5, 5, 5, 6]),
        ("noise_generator", {"start": 4.0, **MODULATED}, [0, 0, 2, 5, 5, 5, 6]),
        ("noise_generator", {"start": 2.0, "stop": 4.0, **MODULATED}, [0, 1, 2, 5, 5, 5, 6]),
        ("noise_generator", {**MODULATED, "std_mod": 0.0}, [0, 0, 0, 5, 5, 5, 6]),
    ],
)
def test_shown_phases(model, parameters, expected):
    """They show the last step in which the device was updated, and new values from the next run on."""
    nest.resolution = 1.0
    g = generator(model, **parameters)
    nest.Connect(g, silent())
    shown = []

    def show():
        shown.append(round((np.degrees(np.arctan2(g.y_1, g.y_0)) - 10) % 360 / 10, 6))

    nest.Prepare()
    show()
    for time in (2.0, 3.0):
        nest.Run(time)
        show()
    nest.Cleanup()
    g.frozen = True
    nest.Simulate(1.0)
    show()
    g.frequency = 0.0
    show()
    g.set(frequency=1000 / 36, frozen=False)
    show()
    nest.Simulate(0.0)
    show()
    assert shown == expected


def test_law_of_noise():
    """Independent normal currents for each neuron, also where two connections lead to one; false alarm: 1e-6 each."""
    n = nest.Create("gif_psc_exp", 300, {"lambda_0": 0.0, "E_L": 0.0, "V_m": 0.0, "C_m": 1.0, "g_L": 1e-9})
    g = generator("noise_generator", mean=3.0, std=2.0, dt=H)
    nest.Connect(g, n, syn_spec={"delay": H})
    device, own = meter(n), meter(g, "I")
    nest.Simulate(30.0)
    v = device.get("events", "V_m").reshape(-1, 300)
    draws = np.diff(v, axis=0) / H
    assert_allclose(draws[1:].mean(axis=1), current(own)[: len(draws) - 1], rtol=1e-6, atol=1e-9)
    draws = draws[1:]
    assert stats.kstest((draws.ravel() - 3.0) / 2.0, "norm").pvalue > FALSE_ALARM
    correlations = np.corrcoef(draws.T)[np.triu_indices(300, 1)] * np.sqrt(len(draws))
    assert stats.norm.sf(abs(correlations.mean()) * np.sqrt(len(correlations))) > FALSE_ALARM / 2


def test_potential_under_noise():
    nest.resolution = 0.1
    n = nest.Create("gif_psc_exp", 400, {"lambda_0": 0.0, "E_L": 0.0, "V_m": 0.0, "C_m": 250.0, "g_L": 12.5})
    nest.Connect(generator("noise_generator", mean=100.0, std=50.0, dt=1.0), n)
    device = meter(n, interval=100.0)
    nest.Simulate(900.0)
    v = device.get("events", "V_m").reshape(-1, 400)[2:].ravel()
    a = np.exp(-1 / 20)
    assert stats.kstest((v - 8.0) / (4 * np.sqrt((1 - a) / (1 + a))), "norm").pvalue > FALSE_ALARM


def test_noise_depends_on_neither_threads_nor_pieces():
    def values(pieces, threads):
        nest.ResetKernel()
        nest.set(resolution=H, local_num_threads=threads)
        n = nest.Create("gif_psc_exp", 5, {"lambda_0": 0.0})
        g = generator("noise_generator", std=20.0, dt=1.5)
        nest.Connect(g, n + silent())
        device = meter(n)
        for ms in pieces:
            nest.Simulate(ms)
        return device.get("events", "V_m")

    expected = values([20.0], 1)
    assert_array_equal(values([0.5, 7.0, 12.5], 2), expected)
    assert len(np.unique(expected[-5:])) == 5


def test_noise_for_a_target_that_comes_later():
    g = generator("noise_generator", std=1.0, dt=2.0)
    nest.Connect(g, silent())
    device = meter(g, "I")
    nest.Simulate(3.0)
    nest.Connect(g, silent())
    nest.Simulate(4.0)
    assert np.all(current(device) != 0.0)


def test_a_seed_restarts_noise():
    def values(seed):
        nest.rng_seed = seed
        g = generator("noise_generator", std=1.0, dt=H)
        device = meter(g, "I")
        nest.Connect(g, silent())
        nest.Simulate(10.0)
        return current(device)

    one = values(1)
    nest.ResetKernel()
    nest.resolution = H
    assert_array_equal(values(1), one)
    assert not np.array_equal(values(2), one)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"std": -1.0}, Errors.BadProperty, "The standard deviation cannot be negative."),
        ({"std_mod": -1.0}, Errors.BadProperty, "The standard deviation cannot be negative."),
        ({"std": 1.0, "std_mod": 2.0}, Errors.BadProperty, "must be smaller or equal to the baseline amplitude"),
        ({"dt": 0.7}, Errors.StepMultipleRequired, "dt = 0.7 ms of model noise_generator must be a positive multiple"),
        ({"dt": 0.0}, Errors.StepMultipleRequired, "dt = 0 ms"),
        ({"dt": -1.0}, Errors.StepMultipleRequired, "dt = -1 ms"),
        ({"mean": np.nan}, Errors.BadProperty, "mean must be a finite number"),
        ({"amplitude": 1.0}, Errors.UnaccessedDictionaryEntry, "amplitude"),
    ],
)
def test_wrong_values_of_noise(values, error, message):
    g = generator("noise_generator", std=3.0)
    with pytest.raises(error, match=message):
        g.set(values)
    assert (g.std, g.std_mod, g.dt) == (3.0, 0.0, 1.0)


# -- signals ----------------------------------------------------------------------------------------------------------


def test_held_noise_is_the_same_in_any_chunks():
    def emitted(chunks):
        noise = HeldNoise(NormalLaw(1.0, 2.0), 3, np.random.default_rng(5), 2, 17)
        receivers = [noise.receiver(key) for key in (7, 9, 7)]
        pieces, step = [], 0
        for n in chunks:
            pieces.append([receiver.emit(step, n) for receiver in receivers])
            step += n
        return np.concatenate(pieces, axis=1)

    whole = emitted([20])
    assert_array_equal(emitted([1, 4, 6, 9]), whole)
    assert_array_equal(whole[0], whole[2])
    assert runs(whole[0]) == [2, 3, 3, 3, 3, 3, 3]
    assert not whole[:, [0, 1, 17, 18, 19]].any()
