"""gifpop.nest: generators of trains with memory, in common or in packets. When they act is NEST 3.10's.

Where nothing is left to chance, all numbers are NEST's; what is random follows the laws of tests/engine/test_trains.py.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop.nest as nest
from gifpop.engine._trains import gamma_hazard
from gifpop.engine.trains import ModulatedGammaLaw
from tests.helpers.nest_devices import SHORT, meter, silent

Errors = nest.NESTErrors
FALSE_ALARM = 1e-6

SINE_POISSON = "sinusoidal_poisson_generator"
SINE_GAMMA = "sinusoidal_gamma_generator"
GAMMA = "gamma_sup_generator"
DEAD_TIME = "ppd_sup_generator"
COPIES = "mip_generator"
PACKETS = "pulsepacket_generator"
ALL = [SINE_GAMMA, GAMMA, DEAD_TIME, COPIES, PACKETS]

WINDOW = {"start": 2.0, "stop": 9.0, "origin": 1.0}
THREE_STAGES = {"rate": 400.0, "gamma_shape": 3}  # a stage ends in each step of 1 ms
TWO_DEAD_STEPS = {"rate": 480.0, "dead_time": 2.0}  # all that do not rest fire
BUSY = {
    SINE_GAMMA: {"rate": 1e6},
    GAMMA: {"rate": 1000.0, "n_proc": 100},
    DEAD_TIME: {"rate": 1000.0, "n_proc": 100},
    COPIES: {"rate": 1e5},
    PACKETS: {"pulse_times": np.arange(100.0).tolist(), "activity": 100},
}


@pytest.fixture(autouse=True)
def kernel():
    nest.ResetKernel()
    nest.resolution = 1.0


def perform(acts, *nodes):
    """Simulate times, set values of the first node, and call functions with all nodes."""
    for act in acts:
        if isinstance(act, dict):
            nodes[0].set(act)
        elif callable(act):
            act(*nodes)
        else:
            nest.Simulate(float(act))


def recorded(model, *acts, recorders=1, **parameters):
    """Return the numbers of spikes at stamps from 1 on, shape (recorders, stamps)."""
    g = nest.Create(model, params=parameters)
    devices = nest.Create("spike_recorder", recorders, {"time_in_steps": True})
    nest.Connect(g, devices)
    perform(acts, g)
    stamps = round(nest.biological_time / nest.resolution)
    return np.array([np.bincount(d.events["times"].astype(int), minlength=stamps + 1)[1:] for d in devices])


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


# -- pulsepacket_generator --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolution", "acts", "parameters", "expected"),
    [
        (1.0, [12], {"pulse_times": [3.0, 5.4, 8.0]}, [4, 7, 9]),
        (0.5, [4], {"pulse_times": [1.0, 1.2, 1.5, 3.0]}, [3, 4, 4, 7]),
        (1.0, [12], {"pulse_times": [0.0, 1.0, 3.0, 10.0, 11.0]} | WINDOW, [4]),
        (1.0, [14], {"pulse_times": np.arange(1.0, 12.0), "start": 1.0, "stop": 8.0, "origin": 2.0}, [*range(3, 10)]),
        (
            1.0,
            [8],
            {"pulse_times": [0.0, 0.3, 0.5, 1.0, 1.5, 2.0004, 2.0005, 2.0006, 2.001, 2.999, 2.9996, 3.0, -1.0, -0.001]},
            [1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4],
        ),
        (1.0, [4, {"pulse_times": [9.0]}, 8], {"pulse_times": [5.0]}, [10]),
        (1.0, [4, {"pulse_times": [2.0, 4.0]}, 8], {"pulse_times": [5.0]}, [5]),
        (1.0, [2, {"activity": 2}, 8], {"pulse_times": [1.0, 5.0]}, [2, 6, 6]),
        (1.0, [13, {"start": 15.0}, 7], {"pulse_times": [13.4]}, []),
        (1.0, [13, {"start": 15.0}, 7], {"pulse_times": [14.0]}, [15]),
        (1.0, [13, {"start": 14.0}, 7], {"pulse_times": [13.4]}, [15]),
    ],
)
def test_times_of_packets(resolution, acts, parameters, expected):
    nest.resolution = resolution
    counts = recorded(PACKETS, *acts, **({"activity": 1} | parameters))[0]
    assert np.repeat(1 + np.arange(len(counts)), counts).tolist() == expected


def test_widths_of_packets():
    """A normal distribution, cut where the device begins and ends; false alarm: 1e-6 each."""
    for acts, window, first, last in (
        ([14], {}, 1, 14),
        ([14], {"start": 3.0, "stop": 10.0}, 3, 9),
        ([1] * 14, {}, 1, 14),
    ):
        nest.ResetKernel()
        nest.resolution = 1.0
        counts = recorded(PACKETS, *acts, pulse_times=[6.0], activity=100000, sdev=2.0, **window)[0]
        assert not counts[: first - 1].any()
        assert not counts[last:].any()
        within = np.diff(stats.norm(6.0, 2.0).cdf(np.arange(-1, 14) + 0.0005))
        within[first - 1] = 0.0  # all but the first thousandth of a step is of before
        expected, found = 100000 * within[first:last], counts[first:last]
        rest = 100000 - expected.sum(), 100000 - found.sum()
        assert stats.chisquare(np.append(found, rest[1]), np.append(expected, rest[0])).pvalue > FALSE_ALARM


def test_packets_that_are_under_way_go_on():
    """A change of the window or of another node does not draw them again; one of their values does."""

    def values(*acts):
        nest.ResetKernel()
        nest.resolution = 1.0
        return recorded(PACKETS, *acts, pulse_times=[5.0], activity=1000, sdev=2.0)[0]

    whole = values(20)
    assert_array_equal(values(4, {"start": 1.0}, 3, lambda g: nest.Create("dc_generator"), 13), whole)
    assert_array_equal(values(*[1] * 20), whole)
    assert whole.sum() > 980
    changed = values(4, {"activity": 2000}, 16)
    assert_array_equal(changed[:4], whole[:4])
    assert changed[4:].sum() > 1250


def test_values_of_packets():
    g = nest.Create(PACKETS, params={"pulse_times": [3.0, -1.0, 2.5]})
    assert g.pulse_times.tolist() == [-1.0, 2.5, 3.0]
    g.set(sdev=1.0)
    assert (g.activity, g.sdev) == (0, 1.0)


# -- spike_train_injector ---------------------------------------------------------------------------------------------

INJECTOR = "spike_train_injector"


def test_injected_spikes():
    times, many = [1.0, 3.0, 4.0, 5.0, 10.0, 11.0, 12.0], [1, 2, 3, 4, 5, 6, 7]
    counts = recorded(INJECTOR, 16, recorders=2, spike_times=times, spike_multiplicities=many, **WINDOW)
    assert counts.tolist() == [[0, 0, 0, 2, 3, 4] + [0] * 10] * 2


def test_an_injector_is_a_neuron():
    """It takes any rule and several synapse models; connections and their order are NEST's."""
    assert nest.GetDefaults(INJECTOR)["element_type"] == "neuron"
    injector = nest.Create(INJECTOR, params={"spike_times": [2.0, 4.0]})
    n, device = nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0}), nest.Create("spike_recorder")
    nest.CopyModel("static_synapse", "other")
    nest.Connect(injector, device)
    nest.Connect(injector, n)
    nest.Connect(injector, n, {"rule": "fixed_outdegree", "outdegree": 3}, {"weight": 2.0})
    nest.Connect(injector, n, syn_spec="other")
    connections = nest.GetConnections(synapse_model="static_synapse")
    assert connections.target[-1] == device.global_id
    assert (len(connections), nest.num_connections) == (6, 8)
    nest.Simulate(10.0)
    assert device.get("events", "times").tolist() == [2.0, 4.0]
    for name in ("label", "stimulus_source", "spike_weights"):
        with pytest.raises(Errors.UnaccessedDictionaryEntry, match=name):
            injector.set({name: "x"})
        with pytest.raises(KeyError):
            injector.get(name)
    for source, what in ((n, "spike"), (injector, "spike"), (nest.Create("dc_generator"), "current")):
        with pytest.raises(Errors.IllegalConnection, match=f"does not support {what} input"):
            nest.Connect(source, injector)
    with pytest.raises(Errors.IllegalConnection, match="does not support data logging requests"):
        nest.Connect(nest.Create("multimeter"), injector)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda g, c, n: c.set(weight=5.0), [0] * 6 + [1] * 5 + [5] * 6),
        (lambda g, c, n: c.set(delay=2.0), [0] * 6 + [1, 1, 1, 2, 2] + [1] * 6),
        (lambda g, c, n: nest.Connect(g, n, syn_spec={"weight": 10.0, "delay": 3.0}), [0] * 6 + [1] * 5 + [11] * 6),
        (lambda g, c, n: g.set(spike_times=[2.0, 2.5, 3.0, 3.5, 5.0]), [0] * 6 + [1] * 6 + [1, 0, 0, 1, 0]),
        (lambda g, c, n: g.set(stop=2.5), [0] * 6 + [1] * 6 + [0] * 5),
    ],
)
@pytest.mark.parametrize("cells", ["population", "neuron"])
def test_changes_act_on_spikes_that_an_injector_sent(change, expected, cells):
    """As for neurons, those of the last slice go through the connections of the next run."""
    nest.resolution = 0.5
    injector = nest.Create(INJECTOR, params={"spike_times": np.arange(1, 40) * 0.5})
    n = silent(**SHORT) if cells == "population" else nest.Create("gif_psc_exp", 1, {"lambda_0": 0.0} | SHORT)
    nest.Connect(injector, n, syn_spec={"weight": 1.0, "delay": 3.0})
    device = meter(n, "I_syn_ex")
    nest.Simulate(3.0)
    change(injector, nest.GetConnections(injector, n), n)
    nest.Simulate(6.0)
    scale = device.events["I_syn_ex"].max() / max(expected)
    assert_allclose(device.events["I_syn_ex"] / scale, expected, rtol=0, atol=1e-6)


def test_wrong_values_of_an_injector():
    injector = nest.Create(INJECTOR, params={"spike_times": [1.0, 2.0]})

    def refused(message, **values):
        with pytest.raises(Errors.BadProperty, match=message):
            injector.set(values)

    refused(
        "Setting status of a 'spike_train_injector' with node ID 1: Spike time cannot be set to 0.", spike_times=[0.0]
    )
    refused("spike_train_injector: Time point -1 is not representable in current resolution.", spike_times=[-1.0])
    refused("spike_train_injector: Time point 1.05 is not repr", spike_times=[1.05])
    refused("Spike times must be sorted in non-descending order.", spike_times=[2.0, 1.0])
    refused("spike_multiplicities must have the same number of elements as spike_times or 0", spike_multiplicities=[1])
    refused("Options can only be set together with spike times", allow_offgrid_times=True)
    refused("start must be a multiple of the simulation resolution.", start=1.05)
    refused("stop >= start required.", start=5.0, stop=1.0)
    assert injector.spike_times.tolist() == [1.0, 2.0]


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
