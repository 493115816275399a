"""gifpop.nest: generators of random spikes. When they act is NEST 3.10's; the numbers follow laws.

With means of a thousand spikes a step, the probability of a false alarm of `counts` is below 1e-6 (six standard
deviations); that of other tests is stated there.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop.nest as nest
from tests.helpers.nest_devices import SHORT, meter, silent

Errors = nest.NESTErrors
FALSE_ALARM = 1e-6

INHOMOGENEOUS = "inhomogeneous_poisson_generator"
SINUSOIDAL = "sinusoidal_poisson_generator"
DEAD_TIME = "poisson_generator_ps"


H = 1.0  # ms


def recorded(model, *acts, **parameters):
    """Return the numbers of spikes at stamps from 1 on, after acts: times to simulate and values to set."""
    g = nest.Create(model, params=parameters)
    device = nest.Create("spike_recorder")
    nest.Connect(g, device)
    for act in acts:
        if isinstance(act, dict):
            g.set(act)
        else:
            nest.Simulate(float(act))
    return np.bincount(device.events["times"].astype(int), minlength=int(nest.biological_time) + 1)[1:]


def check(counts, thousands):
    """Check numbers of spikes against means, given in thousands."""
    means = 1000.0 * np.asarray(thousands, dtype=float)
    assert len(counts) == len(means)
    assert np.all(counts[means == 0] == 0)
    assert np.all(np.abs(counts - means) < 6 * np.sqrt(means) + 0.5)


WINDOW = {"start": 2.0, "stop": 9.0, "origin": 1.0}


@pytest.mark.parametrize(
    ("model", "first", "last"),
    [("poisson_generator", 5, 11), (INHOMOGENEOUS, 5, 11), (SINUSOIDAL, 3, 9), (DEAD_TIME, 4, 10)],
)
def test_windows(model, first, last):
    rates = {"rate_times": [1.0], "rate_values": [1e6]} if model == INHOMOGENEOUS else {"rate": 1e6}
    expected = [1 if first <= k <= last else 0 for k in range(1, 17)]
    check(recorded(model, 16, **rates, **WINDOW), expected)
    nest.ResetKernel()
    nest.resolution = 1.0
    begin = first - 3
    check(recorded(model, 4, 3, **rates), [0] * (max(begin, 1) - 1) + [1] * (8 - max(begin, 1)))


@pytest.mark.parametrize("model", ["poisson_generator", INHOMOGENEOUS, SINUSOIDAL, DEAD_TIME])
@pytest.mark.parametrize("cells", ["population", "neurons"])
def test_arrivals(model, cells):
    """A spike is used a delay after the stamp that a recorder shows."""
    rates = {"rate_times": [1.0], "rate_values": [1e5]} if model == INHOMOGENEOUS else {"rate": 1e5}
    g = nest.Create(model, params=rates | {"start": 2.0, "stop": 5.0})
    targets = silent(**SHORT) if cells == "population" else nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0} | SHORT)
    nest.Connect(g, targets, syn_spec={"delay": 3.0})
    device = meter(targets, "I_syn_ex", delay=1.0, interval=1.0)
    nest.Simulate(16.0)
    first = {"poisson_generator": 7, INHOMOGENEOUS: 7, SINUSOIDAL: 5, DEAD_TIME: 6}[model]
    times = device.events["times"][device.events["I_syn_ex"] > 0.3]
    assert np.unique(times).tolist() == [first, first + 1, first + 2]


@pytest.mark.parametrize("model", ["poisson_generator", INHOMOGENEOUS, SINUSOIDAL, DEAD_TIME])
def test_each_target_has_spikes_of_its_own(model):
    rates = {"rate_times": [1.0], "rate_values": [1e5]} if model == INHOMOGENEOUS else {"rate": 1e5}
    g = nest.Create(model, params=rates)
    populations = [silent(**SHORT), silent(**SHORT)]
    neurons = nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0} | SHORT)
    for target in (*populations, neurons):
        nest.Connect(g, target)
    devices = [meter(target, "I_syn_ex", delay=1.0, interval=1.0) for target in (*populations, neurons)]
    nest.Simulate(200.0)
    a, b = (device.events["I_syn_ex"] for device in devices[:2])
    c, d = devices[2].events["I_syn_ex"].reshape(-1, 2).T
    for x, y in ((a, b), (a, c), (c, d)):
        x, y = x[5:], y[5:]
        assert abs(np.corrcoef(x, y)[0, 1]) * np.sqrt(len(x)) < 5.0  # false alarm: 6e-7 each


def test_trains_depend_on_neither_threads_nor_pieces():
    def values(pieces, threads):
        nest.ResetKernel()
        nest.set(resolution=0.5, local_num_threads=threads)
        n = nest.Create("gif_psc_exp", 3, {"lambda_0": 0.0}) + silent()
        for model, parameters in (
            (SINUSOIDAL, {"rate": 500.0, "amplitude": 400.0, "frequency": 30.0}),
            (DEAD_TIME, {"rate": 300.0, "dead_time": 1.0}),
            (INHOMOGENEOUS, {"rate_times": [1.0, 5.0], "rate_values": [200.0, 3000.0]}),
        ):
            nest.Connect(nest.Create(model, params=parameters), n)
        device = meter(n, "I_syn_ex")
        for ms in pieces:
            nest.Simulate(ms)
        return device.events["I_syn_ex"]

    expected = values([30.0], 1)
    assert_array_equal(values([0.5, 9.0, 20.5], 2), expected)
    assert np.all(expected[-4:] > 0)


# -- inhomogeneous_poisson_generator ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "rates", "window", "expected"),
    [
        ([3.0, 6.0, 10.0], [1e6, 2e6, 0.0], {}, [0, 0, 1, 1, 1, 2, 2, 2, 2, 0, 0]),
        ([1.0, 6.0], [1e6, 2e6], {"start": 2.0, "stop": 9.0}, [0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 0]),
        ([3.0, 6.0], [1e6, 2e6], {"start": 5.0, "stop": 9.0}, [0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0]),
        ([3.0, 6.0], [1e6, 2e6], {"origin": 5.0, "stop": 4.0}, [0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0]),
        ([3.0, 6.0], [1e6, -1.0], {}, [0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]),
        ([3.5, 4.2], [1e6, 2e6], {"allow_offgrid_times": True}, [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2]),
        ([], [], {}, [0] * 11),
    ],
)
def test_rates_in_time(times, rates, window, expected):
    check(recorded(INHOMOGENEOUS, 11, rate_times=times, rate_values=rates, **window), expected)


def test_new_rates():
    later = {"rate_times": [8.0], "rate_values": [9e6]}
    counts = recorded(INHOMOGENEOUS, 5, later, 5, rate_times=[1.0, 3.0], rate_values=[1e6, 3e6])
    check(counts, [0, 1, 3, 3, 3, 3, 3, 9, 9, 9])


def test_wrong_rates_in_time():
    g = nest.Create(INHOMOGENEOUS, params={"rate_times": [3.0, 6.0], "rate_values": [1.0, 2.0]})
    nest.Simulate(5.0)

    def refused(message, **values):
        with pytest.raises(Errors.BadProperty, match=message):
            g.set(values)

    refused("Option can only be set together with rate times", allow_offgrid_times=True)
    refused("Time points must lie strictly in the future.", rate_times=[3.0, 8.0], rate_values=[1.0, 2.0])
    refused("Time points must lie strictly in the future.", rate_times=[5.0, 8.0], rate_values=[1.0, 2.0])
    refused("Rate times and values have to be the same size.", rate_times=[8.0], rate_values=[1.0, 2.0])
    refused("Rate times and values must be reset together.", rate_times=[8.0])
    refused("Rate times and values must be reset together.", rate_values=[8.0])
    refused("Rate times must be strictly increasing.", rate_times=[9.0, 8.0], rate_values=[1.0, 2.0])
    refused(r"inhomogeneous_poisson_generator: Time point 8.5 is not rep", rate_times=[8.5], rate_values=[1.0])
    refused("The rate must be at most 1e.15 spikes a step", rate_times=[8.0], rate_values=[1e19])
    assert g.rate_times.tolist() == [3.0, 6.0]


# -- sinusoidal_poisson_generator -------------------------------------------------------------------------------------

SINE = {"rate": 1e6, "amplitude": 1e6, "frequency": 250.0}


@pytest.mark.parametrize(
    ("parameters", "acts", "expected"),
    [
        (SINE, [9], [2, 1, 0, 1, 2, 1, 0, 1, 2]),
        (SINE | {"phase": 90.0}, [8], [1, 0, 1, 2, 1, 0, 1, 2]),
        (SINE | WINDOW, [11], [0, 0, 0, 1, 2, 1, 0, 1, 2, 0, 0]),
        (SINE, [5, {"phase": 90.0}, 6, {"rate": 5e6}, 4], [2, 1, 0, 1, 2, 0, 1, 2, 1, 0, 1, 6, 5, 4, 5]),
        (SINE | {"rate": 0.0}, [5], [1, 0, 0, 0, 1]),
    ],
)
def test_sinusoidal_rate(parameters, acts, expected):
    check(recorded(SINUSOIDAL, *acts, **parameters), expected)


def test_recorded_rate():
    """It is recorded outside the window, too."""
    g = nest.Create(SINUSOIDAL, params=SINE | {"start": 2.0, "stop": 9.0})
    assert g.recordables == ["rate"]
    device = meter(g, "rate", delay=1.0, interval=1.0)
    nest.Simulate(14.0)
    assert_allclose(device.events["rate"], 1e6 * np.array([2, 1, 0, 1] * 3 + [2]), rtol=0, atol=1e-5)
    assert_allclose((g.y_0, g.y_1), (-1000.0, 0.0), rtol=0, atol=1e-9)


def test_recorded_rate_is_never_negative():
    g = nest.Create(SINUSOIDAL, params=SINE | {"rate": -4e5})
    device = meter(g, "rate", delay=1.0, interval=1.0)
    nest.Simulate(9.0)
    assert_allclose(device.events["rate"], 1e5 * np.array([6, 0, 0, 0] * 2), rtol=0, atol=1e-5)


# -- poisson_generator_ps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead", [1.0, 0.25, 0.0])
def test_intervals_with_dead_time(dead):
    """The time between two spikes is `dead` plus an exponential one, each rounded up to 0.1 ms; false alarm: 1e-6."""
    nest.resolution = 0.1
    g = nest.Create(DEAD_TIME, params={"rate": 500.0, "dead_time": dead})
    device = nest.Create("spike_recorder", params={"time_in_steps": True})
    nest.Connect(g, device)
    nest.Simulate(20000.0)
    intervals = np.diff(device.events["times"])
    edges = np.arange(0, 80)

    def integral(x):
        """Return the integral of the probability that an interval, in steps, is at most ``x``."""
        scale = 10 * (2.0 - dead)
        y = np.maximum(x - 10 * dead, 0.0)
        return y - scale * -np.expm1(-y / scale)

    upto = integral(edges + 1.0) - integral(edges + 0.0)  # P(interval in steps <= k)
    expected = np.diff(upto, prepend=0.0)
    usable = np.flatnonzero(expected * len(intervals) > 5)
    observed = np.bincount(intervals, minlength=80)[:80]
    rest = len(intervals) - observed[usable].sum()
    f_exp = np.append(expected[usable], 1 - expected[usable].sum()) * len(intervals)
    assert stats.chisquare(np.append(observed[usable], rest), f_exp).pvalue > FALSE_ALARM


def test_a_change_of_others_leaves_a_train_alone():
    g = nest.Create(DEAD_TIME, params={"rate": 500.0, "dead_time": 2.0})
    device = nest.Create("spike_recorder")
    nest.Connect(g, device)
    other = nest.Create("dc_generator")
    nest.Connect(other, silent())
    for k in range(200):
        nest.Simulate(1.0)
        other.amplitude = float(k)
    assert np.diff(device.events["times"]).tolist() == [2.0] * (len(device.events["times"]) - 1)


def test_wrong_values_of_dead_time():
    g = nest.Create(DEAD_TIME, params={"rate": 1000.0, "dead_time": 1.0})
    for values, message in (
        ({"rate": -1.0}, "The rate cannot be negative."),
        ({"dead_time": -1.0}, "The dead time cannot be negative."),
        ({"dead_time": 1.1}, "The inverse rate cannot be smaller than the dead time."),
    ):
        with pytest.raises(Errors.BadProperty, match=message):
            g.set(values)
    assert (g.rate, g.dead_time) == (1000.0, 1.0)


@pytest.mark.parametrize("cells", ["population", "neurons"])
def test_inhibitory_weights(cells):
    targets = silent() if cells == "population" else nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0})
    nest.Connect(nest.Create(DEAD_TIME, params={"rate": 1000.0}), targets, syn_spec={"weight": -2.0})
    device = meter(targets, "I_syn_in", "I_syn_ex", delay=1.0, interval=1.0)
    nest.Simulate(20.0)
    assert np.all(device.events["I_syn_in"][-2:] < 0)
    assert not np.any(device.events["I_syn_ex"])
