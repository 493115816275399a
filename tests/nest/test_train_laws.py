"""gifpop.nest: generators of trains follow the laws of tests/engine/test_trains.py, and have NEST's numbers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop.nest as nest
from gifpop.engine._trains import gamma_hazard
from gifpop.engine.trains import ModulatedGammaLaw
from tests.helpers.nest_devices import SHORT, meter, silent
from tests.helpers.nest_trains import COPIES, DEAD_TIME, GAMMA, PACKETS, SINE_GAMMA, SINE_POISSON, WINDOW, recorded

Errors = nest.NESTErrors
FALSE_ALARM = 1e-6


H = 1.0  # ms


# -- laws -------------------------------------------------------------------------------------------------------------


def check_law_of_first_spikes(counts, hazards):
    """Check numbers of first spikes by step, the last of which are those without; false alarm: 1e-6."""
    law = np.append(hazards, 1.0) * np.append(1.0, np.cumprod(1 - np.array(hazards)))
    n = counts.sum()
    usable = law * n > 10
    found, expected = counts[usable], law[usable] * n
    found[-1] += n - found.sum()
    expected[-1] += n - expected.sum()
    assert stats.chisquare(found, expected).pvalue > FALSE_ALARM


def sine_hazards(schedule, steps, first):
    """Return the hazards of trains that have not fired, from laws by the step in which they begin."""
    elapsed, hazards = 0.0, []
    for k in range(steps):
        law = schedule[max(begin for begin in schedule if begin <= k)]
        elapsed += law.order * law.growths(np.array([k]))[0]
        hazard = law.order * law.expected(k) * gamma_hazard(law.order, elapsed)
        hazards.append(min(hazard, 1.0) if k >= first else 0.0)
    return hazards


def sine_law(order, rate, amplitude=0.0, frequency=0.0, phase=0.0):
    advance = 2e-3 * np.pi * frequency
    return ModulatedGammaLaw(order, 1e-3 * rate, 1e-3 * amplitude, advance, advance + np.deg2rad(phase))


SINE = {"order": 4.0, "rate": 200.0, "amplitude": 200.0, "frequency": 60.0, "phase": 40.0}
FIRST_SPIKES = [0, 65432, 42820, 10083, 1340, 214, 53, 14, 7, 37]  # of NEST, at stamps 1 to 9, and later


def test_law_of_nest():
    hazards = sine_hazards({0: sine_law(4.0, 200.0, 200.0, 60.0, 40.0)}, 9, 1)
    check_law_of_first_spikes(np.array(FIRST_SPIKES), hazards)


@pytest.mark.parametrize(
    ("acts", "parameters", "schedule", "first"),
    [
        ([9], SINE, {0: sine_law(4.0, 200.0, 200.0, 60.0, 40.0)}, 1),
        (
            [4, {"frequency": 120.0}, 6],
            SINE | {"start": 3.0},
            {0: sine_law(4.0, 200.0, 200.0, 60.0, 40.0), 4: sine_law(4.0, 200.0, 200.0, 120.0, 40.0)},
            4,
        ),
        (
            [5, {"rate": 0.0}, 3, {"rate": 100.0, "order": 6.0}, 8],
            {"rate": 100.0, "order": 3.0, "start": 10.0},
            {0: sine_law(3.0, 100.0), 5: sine_law(3.0, 0.0), 8: sine_law(6.0, 100.0)},
            11,
        ),
    ],
)
def test_first_spikes_of_sinusoidal_gamma_trains(acts, parameters, schedule, first):
    """Time since the last spike is counted outside the window, and by the values of its time; false alarm: 1e-6."""
    counts = recorded(SINE_GAMMA, *acts, recorders=2000, **parameters)
    steps = counts.shape[1]
    firsts = np.where(counts.any(axis=1), counts.argmax(axis=1), steps)
    check_law_of_first_spikes(np.bincount(firsts, minlength=steps + 1), sine_hazards(schedule, steps, first))


def test_a_late_connection_begins_without_memory():
    g, devices = nest.Create(SINE_GAMMA, params={"rate": 300.0, "order": 10.0}), nest.Create("spike_recorder", 2001)
    nest.Connect(g, devices[0])
    nest.Simulate(20.0)
    nest.Connect(g, devices[1:])
    nest.Simulate(10.0)
    firsts = np.array([times[0] for times in devices[1:].get("events", "times")]).astype(int) - 21
    hazards = sine_hazards({0: sine_law(10.0, 300.0)}, 10, 0)
    check_law_of_first_spikes(np.bincount(firsts, minlength=11), hazards)


MEANS = [1.355, 1.393, 1.154, 0.819, 0.552, 0.474, 0.725, 1.254, 1.674, 1.599, 1.159, 0.718, 0.466, 0.439, 0.728, 1.299]


def test_modulated_rate_with_dead_time():
    """Means of NEST, of 200 connections; those of chance differ by 1e-3 at most. False alarm: 1e-6."""
    law = {"rate": 100.0, "dead_time": 5.0, "n_proc": 10000, "relative_amplitude": 0.5, "frequency": 125.0}
    counts = recorded(DEAD_TIME, 9, 8, recorders=50, **law).mean(axis=0)[1:]
    assert_allclose(counts / 1000, MEANS, rtol=0, atol=0.003 + 5.1 * np.sqrt(1.7 / 50 / 1000))


def test_phase_of_modulated_rate_after_a_change():
    """It is that of absolute time; numbers are NEST's. False alarm: 1e-6."""
    law = {"rate": 100.0, "n_proc": 10000, "relative_amplitude": 0.5, "frequency": 125.0}
    changes = [9, {"frequency": 62.5}, 9, {"relative_amplitude": 1.0}, 6]
    counts = recorded(DEAD_TIME, *changes, recorders=50, **law).mean(axis=0)
    first = [0, 1.35, 1.5, 1.35, 1, 0.65, 0.5, 0.64, 1]
    second = [0.81, 0.64, 0.53, 0.5, 0.54, 0.64, 0.81, 1, 1.19]
    third = [1.71, 1.91, 2, 1.92, 1.71, 1.38]
    assert_allclose(counts / 1000, [*first, *second, *third], rtol=0, atol=0.01 + 5.1 * np.sqrt(2 / 50 / 1000))


@pytest.mark.parametrize("cells", ["population", "neurons"])
@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        (GAMMA, {"rate": 20.0, "n_proc": 100}, 60.0),
        (GAMMA, {"rate": 20.0, "n_proc": 100, "gamma_shape": 5}, 60.0),
        (DEAD_TIME, {"rate": 20.0, "n_proc": 100, "dead_time": 10.0}, 60.0),
        (COPIES, {"rate": 2000.0, "p_copy": 0.5}, 30.0),
        (SINE_GAMMA, {"rate": 2000.0, "order": 1.0}, 60.0),
        (SINE_POISSON, {"rate": 2000.0}, 60.0),
    ],
)
def test_mean_current(model, parameters, expected, cells):
    """Rate, weight and time constant; false alarm: below 1e-6."""
    nest.resolution = 0.5
    nest.SetDefaults("gif_psc_exp", {"tau_syn_ex": 3.0})
    targets = silent() if cells == "population" else nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0})
    nest.Connect(nest.Create(model, params=parameters), targets, syn_spec={"weight": 10.0})
    device = meter(targets, "I_syn_ex", interval=1.0)
    nest.Simulate(2050.0)
    current = device.events["I_syn_ex"][device.events["times"] > 50.0]
    if cells == "neurons":  # their current jumps at the end of a step
        expected *= 0.5 / 3 / -np.expm1(-0.5 / 3)
    spikes = expected / 30.0 * 2000
    assert abs(current.mean() / expected - 1) < 5.1 / np.sqrt(spikes)


def test_trains_of_a_mip_generator_have_spikes_in_common():
    counts = recorded(COPIES, 4000, recorders=2, rate=1500.0, p_copy=0.4)[:, 1:]
    assert np.corrcoef(counts)[0, 1] == pytest.approx(0.4, abs=5.1 * 1.2 / np.sqrt(4000))  # false alarm: 1e-6
    nest.ResetKernel()
    nest.resolution = 1.0
    same = recorded(COPIES, 100, recorders=2, rate=1500.0)
    assert_array_equal(*same)


# -- one train for all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [SINE_GAMMA, GAMMA, DEAD_TIME])
def test_each_connection_has_a_train_of_its_own(model):
    law = {SINE_GAMMA: {"rate": 300.0}, GAMMA: {"rate": 300.0}, DEAD_TIME: {"rate": 300.0}}[model]
    counts = recorded(model, 2000, recorders=3, **law)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(counts[a], counts[b])[0, 1]) < 5.1 / np.sqrt(2000)  # false alarm: 1e-6


@pytest.mark.parametrize("model", [SINE_POISSON, SINE_GAMMA, PACKETS])
def test_one_train_for_all(model):
    if model == PACKETS:
        parameters = {"pulse_times": [5.0, 9.0], "activity": 20, "sdev": 3.0}
    else:
        nest.SetDefaults(model, {"individual_spike_trains": False})
        parameters = {"rate": 500.0}
    g, device = nest.Create(model, params=parameters), nest.Create("spike_recorder", 2)
    targets = [silent(**SHORT), silent(**SHORT), nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0} | SHORT)]
    nest.Connect(g, device)
    for target in targets:
        nest.Connect(g, target, syn_spec={"delay": 2.0})
    devices = [meter(target, "I_syn_ex", delay=1.0, interval=1.0) for target in targets]
    nest.Simulate(20.0)
    nest.Simulate(21.0)
    arrived = [d.events["I_syn_ex"] for d in devices]
    arrived[2:] = arrived[2].reshape(-1, 2).T
    times = device.get("events", "times")
    assert_array_equal(*times)
    counts = np.bincount(times[0].astype(int), minlength=39)[1:39]
    assert counts.any()
    for values in arrived:
        assert_array_equal(np.flatnonzero(values > 1e-6), 2 + np.flatnonzero(counts))


@pytest.mark.parametrize(("model", "first"), [(SINE_POISSON, 3), (SINE_GAMMA, 5)])
def test_windows_of_one_train_for_all(model, first):
    nest.SetDefaults(model, {"individual_spike_trains": False})
    counts = recorded(model, 16, rate=1e5, **WINDOW)[0]
    assert (1 + np.flatnonzero(counts)).tolist() == list(range(first, first + 7))


@pytest.mark.parametrize("model", [SINE_POISSON, SINE_GAMMA])
def test_individual_spike_trains_are_set_for_models_only(model):
    g = nest.Create(model)
    message = (
        f"Setting status of a '{model}' with node ID 1: The individual_spike_trains property can only be set as a "
        "model default using SetDefaults or upon CopyModel."
    )
    for value in (True, False):
        with pytest.raises(Errors.BadProperty, match=message):
            g.set(individual_spike_trains=value, rate=3.0)
    with pytest.raises(Errors.BadProperty, match="can only be set as a model default"):
        nest.Create(model, params={"individual_spike_trains": False})
    with pytest.raises(Errors.TypeMismatch, match="Failed to cast 'individual_spike_trains' from long to type bool"):
        nest.SetDefaults(model, {"individual_spike_trains": 0})
    nest.CopyModel(model, "common", {"individual_spike_trains": False})
    assert (nest.Create("common").individual_spike_trains, g.individual_spike_trains, g.rate) == (False, True, 0.0)
    nest.SetDefaults(model, {"individual_spike_trains": False})
    assert (nest.Create(model).individual_spike_trains, g.individual_spike_trains) == (False, True)
