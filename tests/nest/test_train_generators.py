"""gifpop.nest: generators of trains with memory, in common or in packets. When they act is NEST 3.10's.

Where nothing is left to chance, all numbers are NEST's.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from tests.helpers.nest_devices import SHORT, meter, silent
from tests.helpers.nest_trains import (
    COPIES,
    DEAD_TIME,
    GAMMA,
    PACKETS,
    SINE_GAMMA,
    SINE_POISSON,
    WINDOW,
    perform,
    recorded,
)

Errors = nest.NESTErrors
ALL = [SINE_GAMMA, GAMMA, DEAD_TIME, COPIES, PACKETS]

THREE_STAGES = {"rate": 400.0, "gamma_shape": 3}  # a stage ends in each step of 1 ms
TWO_DEAD_STEPS = {"rate": 480.0, "dead_time": 2.0}  # all that do not rest fire
BUSY = {
    SINE_GAMMA: {"rate": 1e6},
    GAMMA: {"rate": 1000.0, "n_proc": 100},
    DEAD_TIME: {"rate": 1000.0, "n_proc": 100},
    COPIES: {"rate": 1e5},
    PACKETS: {"pulse_times": np.arange(100.0).tolist(), "activity": 100},
}


H = 1.0  # ms


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "first", "last"),
    [(SINE_GAMMA, 5, 11), (GAMMA, 5, 11), (DEAD_TIME, 5, 11), (COPIES, 5, 11), (PACKETS, 3, 9)],
)
def test_windows(model, first, last):
    counts = recorded(model, 5, 3, 8, recorders=2, **BUSY[model], **WINDOW)
    assert np.all((counts > 0) == (np.arange(1, 17) >= first) & (np.arange(1, 17) <= last))


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("cells", ["population", "neurons"])
def test_arrivals(model, cells):
    """A spike is used a delay after the stamp that a recorder shows."""
    g = nest.Create(model, params=BUSY[model] | {"start": 2.0, "stop": 5.0})
    targets = silent(**SHORT) if cells == "population" else nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0} | SHORT)
    nest.Connect(g, targets, syn_spec={"delay": 3.0, "weight": 100.0})
    device = meter(targets, "I_syn_ex", delay=1.0, interval=1.0)
    nest.Simulate(16.0)
    first = 5 if model == PACKETS else 7
    times = device.events["times"][device.events["I_syn_ex"] > 0.3]
    assert np.unique(times).tolist() == [first, first + 1, first + 2]


@pytest.mark.parametrize(
    ("acts", "parameters", "expected"),
    [
        ([16], {}, [2, 5, 8, 11, 14]),
        ([4, 12], {}, [2, 5, 8, 11, 14]),
        ([1] * 16, {}, [2, 5, 8, 11, 14]),
        ([4, {"n_proc": 2}, 12], {}, [2, 5, 8, 11, 14]),
        ([4, {"start": 1.0}, 12], {}, [2, 5, 8, 11, 14]),
        ([5, {"start": 8.0}, 5, {"stop": 12.0}, 5, {"stop": 100.0}, 10], {}, [2, 5, 12, 17, 20, 23]),
        ([8, {"stop": 100.0}, 10], {"stop": 6.0}, [2, 5, 9, 12, 15, 18]),
        ([12], {"origin": 3.0}, [5, 8, 11]),
        ([5, {"rate": 0.0}, 3, {"rate": 480.0}, 8], {}, [2, 5, 11, 14]),
        ([0, {"n_proc": 3}, 8], {}, [2, 5, 8]),
    ],
)
@pytest.mark.parametrize(("model", "law"), [(GAMMA, THREE_STAGES), (DEAD_TIME, TWO_DEAD_STEPS)])
def test_state_goes_on(model, law, acts, parameters, expected):
    """Without chance, a process of three stages or two dead steps fires in every third step in which it is active."""
    counts = recorded(model, *acts, recorders=2, **law, **parameters)
    for train in counts:
        assert (1 + np.flatnonzero(train)).tolist() == expected


def test_first_stages_and_dead_steps():
    """Processes begin in all stages alike, the rest in the last one; so do those that rest, rounded down."""
    assert recorded(GAMMA, 9, n_proc=5, **THREE_STAGES)[0].tolist() == [0, 3, 1, 1, 3, 1, 1, 3, 1]
    nest.ResetKernel()
    nest.resolution = 1.0
    assert recorded(DEAD_TIME, 9, n_proc=5, **TWO_DEAD_STEPS)[0].tolist() == [0, 1, 2, 2, 1, 2, 2, 1, 2]


@pytest.mark.parametrize(
    ("dead", "steps"),
    [(0.05, 1), (0.1, 2), (0.15, 2), (0.29, 3), (0.3, 3), (0.31, 4), (0.6, 6), (0.7, 7), (1.1, 12), (2.3, 23)],
)
def test_dead_steps_are_rounded_as_by_nest(dead, steps):
    """0.3 / 0.1 is less than 3."""
    nest.resolution = 0.1
    counts = recorded(DEAD_TIME, 10, rate=1000 / (dead + 0.01), dead_time=dead)[0]
    assert set(np.diff(np.flatnonzero(counts)).tolist()) == {steps}


def test_numbers_of_resting_processes_are_rounded_as_by_nest():
    nest.resolution = 0.1
    counts = recorded(DEAD_TIME, 2, rate=869.5652173913043, dead_time=1.1, n_proc=23)[0]
    assert counts.tolist() == [0, 12] + [1] * 11 + [12] + [1] * 6


@pytest.mark.parametrize(
    ("model", "law", "changes", "expected"),
    [
        (
            GAMMA,
            {"rate": 1000.0, "gamma_shape": 3},
            ({"gamma_shape": 5}, {"n_proc": 2, "gamma_shape": 2}),
            ([2, 5, 8, 11, 14, 17, 20, 23], [6, 11, 16, 21], [*range(16, 26)]),
        ),
        (
            DEAD_TIME,
            TWO_DEAD_STEPS,
            ({"rate": 1e3 / 3.1, "dead_time": 3.01}, {"rate": 1e3 / 0.31, "dead_time": 0.301}),
            ([2, 5, 8, 11, 14, 17, 20, 23], [6, 10, 14, 18, 22], [*range(16, 26)]),
        ),
    ],
)
def test_connections_keep_the_shape_that_they_began_with(model, law, changes, expected):
    g, devices = nest.Create(model, params=law), nest.Create("spike_recorder", 3)
    nest.Connect(g, devices[0])
    nest.Simulate(5.0)
    for change, device in zip(changes, devices[1:], strict=True):
        g.set(change)
        nest.Connect(g, device)
        nest.Simulate(10.0)
    assert [times.tolist() for times in devices.get("events", "times")] == [list(map(float, e)) for e in expected]


# -- values, kernel ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (SINE_GAMMA, {"rate": -1.0}, "Rate parameters must fulfill 0 <= amplitude <= rate."),
        (SINE_GAMMA, {"amplitude": 5.0, "rate": 2.0}, "Rate parameters must fulfill 0 <= amplitude <= rate."),
        (SINE_GAMMA, {"amplitude": -5.0, "rate": 6.0}, "Rate parameters must fulfill 0 <= amplitude <= rate."),
        (SINE_GAMMA, {"order": 0.5}, "The gamma order must be at least 1."),
        (SINE_GAMMA, {"rate": 1e19}, "The rate must be at most 1e.15 spikes a step"),
        (GAMMA, {"rate": -1.0}, "The rate must be larger than 0."),
        (GAMMA, {"gamma_shape": 0}, "The shape must be larger or equal 1"),
        (GAMMA, {"n_proc": 0}, "The number of component processes cannot be smaller than one"),
        (DEAD_TIME, {"rate": -1.0}, "The inverse rate has to be larger than the dead time."),
        (DEAD_TIME, {"rate": 1000.0, "dead_time": 1.0}, "The inverse rate has to be larger than the dead time."),
        (DEAD_TIME, {"dead_time": -1.0}, "The dead time cannot be negative."),
        (GAMMA, {"n_proc": 10**16}, "n_proc must be at most 1e.15"),
        (DEAD_TIME, {"n_proc": 10**16}, "n_proc must be at most 1e.15"),
        (DEAD_TIME, {"frequency": 1e101}, "frequency must be at most 1e.100 Hz"),
        (SINE_GAMMA, {"frequency": -1e101}, "frequency must be at most 1e.100 Hz"),
        (SINE_POISSON, {"frequency": 1e101}, "frequency must be at most 1e.100 Hz"),
        (DEAD_TIME, {"n_proc": -1}, "The number of component processes cannot be smaller than one"),
        (DEAD_TIME, {"relative_amplitude": 1.1}, r"The relative amplitude of the rate modulation must be in \[0,1\]."),
        (COPIES, {"rate": -1.0}, "Rate must be non-negative."),
        (COPIES, {"p_copy": 1.1}, r"Copy probability must be in \[0, 1\]."),
        (COPIES, {"p_copy": -0.1}, r"Copy probability must be in \[0, 1\]."),
        (PACKETS, {"activity": -1}, "The activity cannot be negative."),
        (PACKETS, {"sdev": -1.0}, "The standard deviation cannot be negative."),
        (PACKETS, {"pulse_times": [np.nan]}, "pulse_times must be a finite number"),
    ],
)
def test_wrong_values(model, values, message):
    g = nest.Create(model)
    before = g.get(list(values))
    with pytest.raises(Errors.BadProperty, match=f"Setting status of a '{model}' with node ID 1: {message}"):
        g.set(values)
    with pytest.raises(Errors.BadProperty, match=f"Setting status of model '{model}': {message}"):
        nest.SetDefaults(model, values)
    assert str(g.get(list(values))) == str(before)


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [(GAMMA, "gamma_shape", 2.0), (GAMMA, "n_proc", 2.0), (DEAD_TIME, "n_proc", 2.5), (PACKETS, "activity", 2.0)],
)
def test_whole_numbers(model, name, value):
    with pytest.raises(Errors.TypeMismatch, match=f"Failed to cast '{name}' from double to type long"):
        nest.Create(model).set({name: value})


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [(GAMMA, "gamma_shape", 2**60), (DEAD_TIME, "dead_time", 1e15), (PACKETS, "activity", 2**60)],
)
def test_values_that_do_not_fit_in_memory(model, name, value):
    with pytest.raises(nest.NESTError, match="memory"):
        nest.Create(model).set({name: value})


def test_enormous_numbers_of_processes():
    n = silent(**SHORT)
    nest.Connect(nest.Create(GAMMA, params={"rate": 100.0, "n_proc": 2**40}), n)
    device = meter(n, "I_syn_ex", delay=1.0, interval=1.0)
    nest.Simulate(6.0)
    assert device.events["I_syn_ex"][4] > 1e8


DEFAULTS = {
    SINE_GAMMA: {"rate": 0.0, "amplitude": 0.0, "frequency": 0.0, "phase": 0.0, "order": 1.0}
    | {"individual_spike_trains": True, "recordables": ["rate"]},
    GAMMA: {"rate": 0.0, "gamma_shape": 1, "n_proc": 1},
    DEAD_TIME: {"rate": 0.0, "dead_time": 0.0, "frequency": 0.0, "relative_amplitude": 0.0, "n_proc": 1},
    COPIES: {"rate": 0.0, "p_copy": 1.0},
    PACKETS: {"activity": 0, "sdev": 0.0},
}


@pytest.mark.parametrize("model", ALL)
def test_defaults(model):
    defaults = nest.GetDefaults(model)
    assert DEFAULTS[model].items() <= defaults.items()
    assert defaults["element_type"] == "stimulator"
    assert ("recordables" in defaults) == (model == SINE_GAMMA)
    for name in ("y_0", "y_1"):
        with pytest.raises(KeyError):
            nest.Create(model).get(name)


def test_recorded_rate():
    """Numbers are NEST's; the rate is recorded outside the window, too."""
    law = {"rate": 100.0, "amplitude": 50.0, "frequency": 50.0, "phase": 30.0, "order": 3.0, "start": 2.0, "stop": 6.0}
    g = nest.Create(SINE_GAMMA, params=law)
    device = meter(g, "rate", delay=1.0, interval=1.0)
    perform([5, {"amplitude": 20.0}, 5], g)
    first = [137.15724127386972, 145.67727288213007, 149.72609476841367, 148.90738003669028, 143.30127018922195]
    second = [113.38261212717718, 108.13473286151601, 102.09056926535308, 95.84176618364484]
    assert_allclose(device.events["rate"], [*first, *second], rtol=1e-12, atol=0)


@pytest.mark.parametrize("model", ALL)
def test_connections_that_are_refused(model):
    n, g = nest.Create("gif_psc_exp"), nest.Create(model)
    receives = model == SINE_GAMMA
    both = "We do not allow connection of a device to a global receiver at the moment."
    spikes = "does not support spike input.\n  Note that volt/multimeters must be connected as Connect.meter, neuron.."
    cases = [(n, g, spikes), (g, g, spikes if receives else both), (g, nest.Create("multimeter"), both)]
    cases.append((nest.Create("dc_generator"), g, "does not support current input." if receives else both))
    cases.append((nest.Create("spike_generator"), g, spikes if receives else both))
    cases.append((nest.Create("voltmeter"), g, "unknown recordable V_m" if receives else both))
    for source, target, message in cases:
        with pytest.raises(Errors.IllegalConnection, match=message):
            nest.Connect(source, target)


def test_results_depend_on_neither_threads_nor_pieces():
    def values(pieces, threads, seed=3):
        nest.ResetKernel()
        nest.set(resolution=0.5, local_num_threads=threads, rng_seed=seed)
        n = nest.Create("gif_psc_exp", 3, {"lambda_0": 0.0}) + silent()
        nest.SetDefaults(SINE_POISSON, {"individual_spike_trains": False})
        for model, parameters in (
            (SINE_POISSON, {"rate": 500.0}),
            (SINE_GAMMA, {"rate": 500.0, "amplitude": 400.0, "frequency": 30.0, "order": 3.0}),
            (GAMMA, {"rate": 30.0, "gamma_shape": 3, "n_proc": 50}),
            (DEAD_TIME, {"rate": 30.0, "dead_time": 4.0, "n_proc": 50}),
            (COPIES, {"rate": 3000.0, "p_copy": 0.3}),
            (PACKETS, {"pulse_times": [5.0, 20.0], "activity": 100, "sdev": 2.0}),
        ):
            nest.Connect(nest.Create(model, params=parameters), n)
        device = meter(n, "I_syn_ex")
        if pieces is None:
            nest.Prepare()
            for _ in range(6):
                nest.Run(5.0)
            nest.Cleanup()
        for ms in pieces or ():
            nest.Simulate(ms)
        return device.events["I_syn_ex"]

    expected = values([30.0], 1)
    assert_array_equal(values([0.5, 9.0, 20.5], 2), expected)
    assert_array_equal(values([0.5] * 60, 1), expected)
    assert_array_equal(values(None, 1), expected)
    assert not np.array_equal(values([30.0], 1, seed=4), expected)
    assert len(set(expected[-4:].tolist())) == 4


@pytest.mark.parametrize("cells", ["population", "neurons"])
@pytest.mark.parametrize("model", ALL)
def test_inhibitory_weights(model, cells):
    targets = silent() if cells == "population" else nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0})
    nest.Connect(nest.Create(model, params=BUSY[model]), targets, syn_spec={"weight": -2.0})
    device = meter(targets, "I_syn_in", "I_syn_ex", delay=1.0, interval=1.0)
    nest.Simulate(20.0)
    assert np.all(device.events["I_syn_in"][-2:] < 0)
    assert not np.any(device.events["I_syn_ex"])


def test_weights_of_both_signs():
    n = nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0})
    g = nest.Create(PACKETS, params={"pulse_times": [2.0], "activity": 1})
    nest.Connect(g, n, syn_spec={"weight": [[2.0], [-3.0]]})
    device = meter(n, "I_syn_in", "I_syn_ex", delay=1.0, interval=1.0)
    nest.Simulate(6.0)
    signs = {name: np.sign(device.events[name].reshape(-1, 2)[-1]).tolist() for name in ("I_syn_ex", "I_syn_in")}
    assert signs == {"I_syn_ex": [1.0, 0.0], "I_syn_in": [0.0, -1.0]}
