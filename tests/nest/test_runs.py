"""gifpop.nest: durations, interrupts and counts of runs; the seed that they depend on; nodes that come between them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop
import gifpop.nest as nest
from tests.helpers.ctrl_c import ctrl_c

Errors = nest.NESTErrors


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0.05, "The simulation time must be a multiple of the simulation resolution."),
        (0.15, "The simulation time must be a multiple of the simulation resolution."),
        (-0.1, "The simulation time cannot be negative."),
        (float("nan"), "The simulation time must be finite."),
        (float("inf"), "The simulation time must be finite."),
    ],
)
def test_bad_durations(duration, text):
    with pytest.raises(Errors.BadParameter) as error:
        nest.Simulate(duration)
    assert str(error.value) == text
    nest.Simulate(1.0)
    assert nest.biological_time == 1.0


def test_durations():
    for duration in (0, 3, 0.1000001, np.float64(0.2)):
        nest.Simulate(duration)
    assert nest.biological_time == 3.3000000000000003
    with pytest.raises(TypeError):
        nest.Simulate("a")


def test_prepare_run_cleanup():
    node = nest.Create("gif_pop_psc_exp", params={"lambda_0": 0.0, "I_e": 100.0})
    for early in (lambda: nest.Run(1.0), nest.Cleanup):
        with pytest.raises(nest.NESTError):
            early()
    nest.Prepare()
    assert nest.GetKernelStatus("prepared")
    for late in (nest.Prepare, lambda: nest.Simulate(1.0)):
        with pytest.raises(nest.NESTError):
            late()
    nest.Run(1.0)
    nest.Run(1.5)
    nest.Cleanup()
    with nest.RunManager():
        nest.Run(0.5)
    assert nest.biological_time == 3.0
    V_m = node.V_m
    nest.ResetKernel()
    node = nest.Create("gif_pop_psc_exp", params={"lambda_0": 0.0, "I_e": 100.0})
    nest.Simulate(3.0)
    assert node.V_m == V_m


def test_too_large_a_current():
    node = nest.Create("gif_pop_psc_exp", params={"C_m": 1e-300})
    amplitudes = {"amplitude_times": [5.0, 6.0], "amplitude_values": [1e300, -1e300]}
    nest.Connect(nest.Create("step_current_generator", params=amplitudes), node)
    with pytest.raises(Errors.NumericalInstability, match="population 'gif_pop_psc_exp 1': the expected spike count"):
        nest.Simulate(20.0)
    assert nest.biological_time == 6.0  # where the first of the currents arrives


def test_too_much_memory(monkeypatch):
    monkeypatch.setattr(gifpop.common.memory, "available", lambda: 1e9)
    node = nest.Create("gif_pop_psc_exp", params={"len_kernel": 10**14})
    with pytest.raises(MemoryError, match="len_kernel of 100000000000000 steps"):
        nest.Simulate(1.0)
    node.len_kernel = -1
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 0.1})
    nest.Connect(meter, node)
    with pytest.raises(MemoryError, match="what meters record"):
        nest.Simulate(1e12)
    nest.Simulate(1.0)


@pytest.mark.timeout(60)
def test_interrupt():
    """Ctrl-C ends the run; what was simulated is there, and it goes on from there."""
    node = nest.Create("gif_pop_psc_exp", params={"I_e": 400.0})
    recorder = nest.Create("spike_recorder")
    nest.Connect(node, recorder)
    with ctrl_c(0.3) as since, pytest.raises(KeyboardInterrupt):
        nest.Simulate(1e7)
    assert since() < 1.0
    reached = nest.biological_time
    assert 0.0 < reached < 1e7
    assert 0.0 < recorder.get("events", "times")[-1] <= reached
    nest.Simulate(1.0)
    assert nest.biological_time == pytest.approx(reached + 1.0, rel=1e-12)


def test_spikes_and_time_of_the_last_run():
    nest.Create("gif_psc_exp", 10, {"V_m": 0.0, "lambda_0": 1e9, "t_ref": 6.0})
    assert nest.local_spike_counter == 0
    nest.Simulate(10.0)
    assert nest.local_spike_counter == 10
    wall, cpu = nest.GetKernelStatus(["time_simulate", "time_simulate_cpu"])
    assert 0.0 < wall < 60.0 and 0.0 <= cpu < 60.0
    with nest.RunManager():
        nest.Run(1.0)
        assert nest.local_spike_counter == 0


def test_spikes_of_populations_and_of_generators():
    population = nest.Create("gif_pop_psc_exp", 1, {"N": 100, "lambda_0": 1e9, "V_T_star": -50.0})
    nest.Connect(nest.Create("spike_generator", 1, {"spike_times": [1.0]}), population)
    nest.Simulate(6.0)
    assert nest.local_spike_counter == 100


def test_multiplicities_count_as_spikes():
    spikes = nest.Create("spike_generator", 1, {"spike_times": [1.0, 2.0], "spike_multiplicities": [2, 3]})
    nest.Connect(spikes, nest.Create("parrot_neuron", 2))
    nest.Simulate(10.0)
    assert nest.local_spike_counter == 10


def test_time_can_only_be_zero():
    nest.biological_time = 0.0
    with pytest.raises(Errors.BadProperty, match=r"The simulation time can only be set to 0.0."):
        nest.biological_time = 3.0
    nest.Simulate(1.0)
    with pytest.raises(Errors.BadProperty, match="ResetKernel begins anew"):
        nest.biological_time = 0.0


def test_progress(capsys):
    nest.print_time = True
    nest.Simulate(100.0)
    assert "1.00k/1.00k" in capsys.readouterr().err


# -- seeds ------------------------------------------------------------------------------------------------------------


def simulate(seed=None, early=True, threads=1, meters=0, restart=None):
    """Return the spikes of two coupled populations with a noisy input."""
    nest.ResetKernel()
    nest.local_num_threads = threads
    if seed and early:
        nest.rng_seed = seed
    nodes = nest.Create("gif_pop_psc_exp", 2, {"I_e": 300.0})
    generator = nest.Create("poisson_generator", params={"rate": 1000.0})
    recorder = nest.Create("spike_recorder")
    nest.Connect(generator, nodes, syn_spec={"weight": 20.0})
    nest.Connect(nodes, nodes, syn_spec={"weight": 10.0})
    nest.Connect(nodes, recorder)
    for _ in range(meters):
        nest.Connect(nest.Create("voltmeter"), nodes)
    if seed and not early:
        nest.rng_seed = seed
    nest.Simulate(100.0)
    if restart:
        nest.rng_seed = restart
    nest.Simulate(100.0)
    return recorder.events["times"]


def test_same_seed_same_spikes():
    spikes = simulate(7)
    assert_array_equal(simulate(7), spikes)
    assert_array_equal(simulate(7, early=False), spikes)
    assert_array_equal(simulate(7, threads=5), spikes)
    assert_array_equal(simulate(7, meters=2), spikes)


def test_other_seeds_other_spikes():
    spikes = simulate()
    assert_array_equal(simulate(143202461), spikes)
    assert not np.array_equal(simulate(8), spikes)


def test_a_seed_set_between_runs():
    plain, reseeded = simulate(7), simulate(7, restart=9)
    assert_array_equal(plain[plain <= 100.0], reseeded[reseeded <= 100.0])
    assert not np.array_equal(plain, reseeded)


# -- growing networks -------------------------------------------------------------------------------------------------


def test_nodes_and_connections_between_runs():
    """What is there keeps its course when unconnected nodes come."""

    def course(grow):
        nest.ResetKernel()
        first = nest.Create("gif_pop_psc_exp", 2, {"I_e": 300.0})
        nest.Connect(first, first, syn_spec={"weight": 20.0, "delay": 2.5})
        meter = nest.Create("multimeter", params={"record_from": ["V_m", "mean"], "interval": 0.1})
        nest.Connect(meter, first, syn_spec={"delay": 2.5})
        nest.Simulate(50.0)
        if grow:
            new = nest.Create("gif_pop_psc_exp", 2, {"I_e": 300.0})
            nest.Connect(first, new, syn_spec={"weight": 20.0, "delay": 2.5})
            nest.Connect(nest.Create("dc_generator", params={"amplitude": 50.0}), new, syn_spec={"delay": 2.5})
        nest.Simulate(50.0)
        if grow:
            assert np.all(np.array(new.V_m) > 0.0)
        return meter.events

    plain, grown = course(False), course(True)
    for name, values in plain.items():
        assert_array_equal(grown[name], values)


def test_simulating_nothing():
    nest.Simulate(10.0)
    recorder = nest.Create("spike_recorder")
    generator = nest.Create("spike_generator", params={"spike_times": [11.0, 12.0]})
    nest.Connect(generator, recorder, syn_spec={"delay": 0.1})
    nest.Simulate(10.0)
    assert_array_equal(recorder.get("events", "times"), [11.0, 12.0])
