"""gifpop.nest: settings of the kernel, runs, seeds and errors."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop
import gifpop.nest as nest
from gifpop.nest.kernel import kernel as state
from tests.helpers.ctrl_c import ctrl_c

Errors = nest.NESTErrors


# -- settings ---------------------------------------------------------------------------------------------------------


def test_defaults():
    assert nest.resolution == 0.1
    assert nest.rng_seed == 143202461
    assert nest.local_num_threads == nest.total_num_virtual_procs == 1
    assert nest.print_time is False
    assert nest.biological_time == 0.0
    assert (nest.min_delay, nest.max_delay) == (0.1, 0.1)
    assert nest.network_size == nest.num_connections == 0
    assert nest.kernel_status["resolution"] == 0.1
    assert "gif_pop_psc_exp" in nest.node_models
    assert "static_synapse" in nest.synapse_models
    assert nest.__version__ == gifpop.__version__


def test_reset_restores_settings():
    nest.SetKernelStatus({"resolution": 0.5, "rng_seed": 3, "print_time": True, "local_num_threads": 4})
    nest.Create("gif_pop_psc_exp", 2)
    nest.SetDefaults("gif_pop_psc_exp", {"N": 7})
    nest.Simulate(1.0)
    nest.ResetKernel()
    test_defaults()
    assert nest.Create("gif_pop_psc_exp").N == 100


def test_unknown_and_read_only_attributes():
    with pytest.raises(AttributeError, match="Cannot set attribute 'foo' on module 'nest'"):
        nest.foo = 3
    with pytest.raises(AttributeError, match="module 'nest' has no attribute 'foo'"):
        nest.foo  # noqa: B018
    with pytest.raises(AttributeError, match=r"`network_size` is a read only kernel attribute."):
        nest.network_size = 4
    with pytest.raises(ValueError, match="`foo` is not a valid kernel parameter, valid parameters are: "):
        nest.SetKernelStatus({"foo": 1, "resolution": 0.5})
    with pytest.raises(ValueError, match="`network_size` is a readonly kernel parameter"):
        nest.SetKernelStatus({"network_size": 3})
    with pytest.raises(KeyError):
        nest.GetKernelStatus("foo")
    assert nest.resolution == 0.1


def test_kernel_status():
    nest.SetKernelStatus({"resolution": 0.5})
    assert nest.GetKernelStatus("resolution") == 0.5
    assert nest.GetKernelStatus(["resolution", "rng_seed"]) == (0.5, 143202461)
    assert nest.GetKernelStatus()["tics_per_step"] == 500
    nest.set(rng_seed=7)
    assert nest.get("rng_seed") == 7


@pytest.mark.parametrize(
    ("name", "value", "bad"),
    [
        ("overwrite_files", True, 1),
        ("data_prefix", "run_", 3),
        ("rng_type", "Philox_32", 3),
        ("structural_plasticity_update_interval", 5.0, "a"),
        ("use_compressed_spikes", False, "a"),
        ("keep_source_table", False, 0),
        ("adaptive_target_buffers", False, None),
        ("use_wfr", False, 1.0),
    ],
)
def test_settings_without_effect(name, value, bad):
    before = getattr(nest, name)
    setattr(nest, name, value)
    assert nest.GetKernelStatus(name) == value
    with pytest.raises(Errors.TypeMismatch, match=f"Failed to cast '{name}'"):
        nest.SetKernelStatus({"resolution": 0.5, name: bad})
    assert getattr(nest, name) == value and nest.resolution == 0.1
    nest.ResetKernel()
    assert getattr(nest, name) == (value if name == "data_prefix" else before)
    nest.SetKernelStatus({name: before})


def test_paths_of_files(tmp_path):
    nest.SetKernelStatus({"data_path": str(tmp_path), "overwrite_files": True})
    nest.data_path = str(tmp_path / "nowhere")  # as in NEST, without an error
    assert nest.data_path == str(tmp_path)
    nest.ResetKernel()
    assert nest.data_path == str(tmp_path)
    state.stored = {}


def test_types_of_random_numbers():
    with pytest.raises(Errors.BadProperty, match="'foo' is not a known RNG type"):
        nest.rng_type = "foo"
    assert nest.rng_type in nest.rng_types


@pytest.mark.parametrize("name", ["off_grid_spiking", "rng_types"])
def test_settings_that_are_read_only(name):
    with pytest.raises(AttributeError, match=f"`{name}` is a read only kernel attribute"):
        setattr(nest, name, True)


def with_unknown_entries():
    """Return all calls that read dictionaries, with an entry that is unknown to them."""
    n, p, foo = nest.Create("gif_psc_exp", 2), nest.Create("gif_pop_psc_exp"), {"foo": 3}
    nest.Connect(n, n)
    c = nest.GetConnections()
    return [
        *(
            lambda model=model: nest.Create(model, params={"frozen": False} | foo)
            for model in ("gif_psc_exp", "multimeter")
        ),
        *(lambda nodes=nodes: nodes.set(foo) for nodes in (n, p, c, n + p)),
        lambda: n.set([foo, foo]),
        lambda: setattr(n, "foo", 4),
        *(lambda model=model: nest.SetDefaults(model, foo) for model in ("gif_psc_exp", "static_synapse")),
        *(lambda model=model: nest.CopyModel(model, f"my_{model}", foo) for model in ("gif_psc_exp", "static_synapse")),
        lambda: nest.Connect(n, p, {"rule": "all_to_all"} | foo),
        lambda: nest.Connect(n, p, "all_to_all", foo),
        lambda: nest.Disconnect(n, n, conn_spec={"rule": "one_to_one"} | foo),
        lambda: nest.CreateParameter("uniform", foo),
    ]


def test_unknown_entries_are_errors():
    assert nest.dict_miss_is_error
    for call in with_unknown_entries():
        with pytest.raises(Errors.UnaccessedDictionaryEntry, match="foo"):
            call()
    with pytest.raises(ValueError, match="`foo` is not a valid kernel parameter"):
        nest.set(foo=3)


def test_unknown_entries_are_ignored():
    nest.dict_miss_is_error = False
    for call in with_unknown_entries():
        call()
    n = nest.GetNodes({"model": "gif_psc_exp"})
    n.set(foo=3, V_m=-50.0)
    assert set(n.V_m) == {-50.0} and nest.num_connections == 4 + 4 - 2
    nest.GetConnections().set(foo=3, weight=2.0)
    assert set(nest.GetConnections().weight) == {2.0}
    nest.set(foo=3, rng_seed=5)
    assert nest.rng_seed == 5
    with pytest.raises(AttributeError):
        nest.foo = 3
    with pytest.raises(KeyError):
        n.get("foo")
    with pytest.raises(nest.NESTError, match=r"not available in gifpop\.nest"):
        nest.set(structural_plasticity_synapses={})
    nest.Simulate(1.0)
    with pytest.raises(Errors.TypeMismatch, match="dict_miss_is_error"):
        nest.dict_miss_is_error = 3
    nest.ResetKernel()
    assert nest.dict_miss_is_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.0001, nest.NESTError, "Resolution must be greater than or equal to one tic. Value unchanged."),
        (-1.0, nest.NESTError, "Resolution must be greater than or equal to one tic. Value unchanged."),
        (0.0015, nest.NESTError, "Resolution must be a multiple of the tic length. Value unchanged."),
        (float("nan"), nest.NESTError, "Resolution must be a multiple of the tic length. Value unchanged."),
        ("a", Errors.TypeMismatch, "Failed to cast 'resolution' from std::string to type double."),
    ],
)
def test_bad_resolutions(value, error, text):
    with pytest.raises(error, match=text):
        nest.resolution = value
    assert nest.resolution == 0.1


@pytest.mark.parametrize("value", [0.001, 0.3, 1, np.float32(0.25)])
def test_resolutions(value):
    nest.resolution = value
    assert nest.resolution == value


def test_the_resolution_is_fixed_early():
    nest.CopyModel("static_synapse", "mine")
    with pytest.raises(nest.NESTError, match=r"Model defaults were modified: time representation cannot be changed."):
        nest.resolution = 0.5
    nest.ResetKernel()
    nest.Create("gif_pop_psc_exp")
    with pytest.raises(nest.NESTError, match="Nodes have already been created: time representation cannot"):
        nest.resolution = 0.5
    nest.Simulate(1.0)
    with pytest.raises(nest.NESTError, match=r"Nodes have already been created. Network has been simulated."):
        nest.resolution = 0.5


@pytest.mark.parametrize("seed", [0, 2**32, -1])
def test_bad_seeds(seed):
    with pytest.raises(Errors.BadProperty) as error:
        nest.rng_seed = seed
    assert str(error.value) == "RNG seed must be in (0, 2^32-1)."


@pytest.mark.parametrize("seed", [1.5, True])
def test_seeds_are_integers(seed):
    with pytest.raises(Errors.TypeMismatch, match="Failed to cast 'rng_seed'"):
        nest.rng_seed = seed


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


def test_build_info():
    info = nest.build_info
    assert info["have_threads"] and not info["have_mpi"]
    assert info["version"] == gifpop.__version__
    assert nest.GetKernelStatus("build_info") == info


def test_memory_of_the_process():
    assert nest.memory_size == -1 or nest.memory_size > 10_000


def test_names_of_models():
    nest.CopyModel("static_synapse", "mine")
    with pytest.warns(UserWarning, match=r"Models is deprecated(?s:.)*nest.node_models or nest.synapse_models"):
        assert nest.Models() == (*nest.node_models, *nest.synapse_models)
    with pytest.warns(UserWarning):
        assert nest.Models("nodes", sel="gif_p") == ("gif_pop_psc_exp", "gif_psc_exp")
    with pytest.warns(UserWarning):
        assert "mine" in nest.Models(mtype="synapses")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="mtype has to be one of 'all', 'nodes'"):
        nest.Models("foo")
    with pytest.warns(UserWarning, match="ConnectionRules is deprecated"):
        assert nest.ConnectionRules() == tuple(nest.connection_rules)


def test_processes():
    nest.local_num_threads = 3
    nodes = nest.Create("gif_psc_exp", 4)
    assert nest.GetLocalVPs() == range(3)
    nest.SyncProcesses()
    with pytest.warns(UserWarning, match="inherently unsafe"):
        assert nest.GetLocalNodeCollection(nodes) == nodes
    with pytest.warns(UserWarning), pytest.raises(TypeError, match="requires a NodeCollection"):
        nest.GetLocalNodeCollection([1])
    assert nest.GetNodes(local_only=True) == nodes
    assert nodes.vp == nodes.thread == (1, 2, 0, 1)
    assert nest.GetNodes({"vp": 1}) == nodes[[0, 3]]
    assert nest.Create("spike_recorder", 2).vp == (0, 0)


def test_times_without_limit():
    nest.update_time_limit = math.inf
    with pytest.raises(Errors.BadProperty, match="update_time_limit can only be inf"):
        nest.update_time_limit = 1.0


def test_threads():
    nest.local_num_threads = 8
    assert nest.local_num_threads == 8
    for value in (0, -1):
        with pytest.raises(Errors.BadProperty, match="local_num_threads must be >= 1"):
            nest.local_num_threads = value
    for name, value in (("local_num_threads", 1.5), ("local_num_threads", "a"), ("total_num_virtual_procs", True)):
        with pytest.raises(RuntimeError, match=f"key {name} does not hold a numeric integer type"):
            nest.set(**{name: value})
    with pytest.raises(Errors.BadProperty, match="incompatible with the number of processes and threads"):
        nest.set(local_num_threads=2, total_num_virtual_procs=3)
    nest.set(local_num_threads=3, total_num_virtual_procs=3)
    assert nest.local_num_threads == 3


CONDITIONS = {
    "Nodes exist": lambda: nest.Create("gif_psc_exp"),
    "Nodes exist. Network has been simulated": lambda: (nest.Create("gif_psc_exp"), nest.Simulate(1.0)),
    "Network has been simulated": lambda: nest.Simulate(1.0),
    "Model defaults were modified": lambda: nest.SetDefaults("gif_psc_exp", {"C_m": 3.0}),
    "Delay extrema have been set": lambda: nest.set(min_delay=0.5, max_delay=2.0),
}


@pytest.mark.parametrize("conditions", CONDITIONS)
@pytest.mark.parametrize("name", ["local_num_threads", "total_num_virtual_procs"])
def test_threads_are_set_at_the_beginning(conditions, name):
    nest.resolution = 0.5
    CONDITIONS[conditions]()
    with pytest.raises(nest.NESTError, match=rf"^Number of threads unchanged. Error conditions: {conditions}\.$"):
        nest.set(rng_seed=3, resolution=0.1, **{name: 2})
    nest.set(**{name: 1})  # no change
    assert (nest.local_num_threads, nest.resolution, nest.rng_seed) == (1, 0.5, 143202461)


def test_numbers_of_nodes_on_threads():
    """NEST's: a device is on all threads, a neuron on one; they are numbered by Connect and Simulate."""
    nest.local_num_threads = 3
    several = {"gif_psc_exp": 7, "poisson_generator": 4, "gif_pop_psc_exp": 2, "parrot_neuron": 3}
    made = [nest.Create(model, n) for model, n in several.items()]
    made += [nest.Create("spike_train_injector"), nest.Create("multimeter"), nest.Create("gif_psc_exp", 5)]
    assert made[0].thread_local_id == (-1,) * 7
    nest.Connect(made[0][0], made[0][1])
    numbers = [nodes.thread_local_id for nodes in made]
    assert numbers[:4] == [(0, 0, 0, 1, 1, 1, 2), (2, 3, 4, 5), (6, 7), (6, 7, 8)]
    assert numbers[4:] == [7, 8, (10, 9, 9, 11, 10)]
    new = nest.Create("gif_psc_exp", 2)
    assert new.thread_local_id == (-1, -1) and made[0].thread_local_id == numbers[0]
    nest.Simulate(0.1)
    assert new.thread_local_id == (10, 12)


def test_times_of_construction():
    assert nest.get("time_construction_create", "time_construction_connect") == (0.0, 0.0)
    n = nest.Create("gif_psc_exp", 100)
    assert nest.time_construction_create > 0.0 == nest.time_construction_connect
    nest.Connect(n, n)
    assert nest.time_construction_connect > 0.0
    assert nest.GetKernelStatus("time_communicate_prepare").tolist() == [0.0]
    nest.ResetKernel()
    assert nest.time_construction_create == 0.0


def test_single_delay_limits():
    with pytest.raises(Errors.BadProperty, match="Both min_delay and max_delay have to be specified"):
        nest.min_delay = 0.5


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    ("resolution", "given", "found"),
    [(0.3, (0.4, 2.0), (0.3, 2.1)), (0.25, (1.0, 2.0), (1.0, 2.0)), (0.2, (0.25, 0.75), (0.2, 0.8))],
)
def test_resolution_and_delay_limits(resolution, given, found, together):
    limits = dict(zip(("min_delay", "max_delay"), given, strict=True))
    if together:
        nest.set(**limits, resolution=resolution)
    else:
        nest.set(**limits)
        nest.resolution = resolution
    assert_allclose([nest.min_delay, nest.max_delay], found, rtol=1e-14, atol=0)
    nest.Simulate(10 * resolution)
    assert (nest.resolution, nest.biological_time) == (resolution, 10 * resolution)


def test_resolution_above_the_shortest_delay():
    nest.set(min_delay=0.4, max_delay=2.0)
    with pytest.raises(Errors.BadDelay, match="min_delay must be greater than or equal to resolution"):
        nest.resolution = 0.5
    assert (nest.resolution, nest.min_delay, nest.max_delay) == (0.1, 0.4, 2.0)


def test_print_time():
    with pytest.raises(Errors.TypeMismatch, match="'print_time' from long to type bool"):
        nest.print_time = 1


def test_progress(capsys):
    nest.print_time = True
    nest.Simulate(100.0)
    assert "1.00k/1.00k" in capsys.readouterr().err


def test_verbosity():
    before = nest.verbosity
    with pytest.warns(UserWarning, match="Provided for backward compatibility only"):
        nest.set_verbosity("M_WARNING")
    assert nest.verbosity is nest.VerbosityLevel.WARNING
    assert nest.verbosity == 20
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    assert nest.verbosity is nest.VerbosityLevel.ERROR
    with pytest.raises(Errors.TypeMismatch, match="'verbosity' from std::string to type nest::VerbosityLevel"):
        nest.verbosity = "M_WARNING"
    with pytest.warns(UserWarning), pytest.raises(nest.NESTError):
        nest.set_verbosity("WARNING")
    nest.verbosity = before


def test_time_can_only_be_zero():
    nest.biological_time = 0.0
    with pytest.raises(Errors.BadProperty, match=r"The simulation time can only be set to 0.0."):
        nest.biological_time = 3.0
    nest.Simulate(1.0)
    with pytest.raises(Errors.BadProperty, match="ResetKernel begins anew"):
        nest.biological_time = 0.0


def test_errors_are_nest_errors():
    assert nest.NESTErrors.KernelException is nest.NESTError
    assert issubclass(nest.NESTErrors.BadProperty, nest.NESTError)
    assert nest.NESTErrors.NumericalInstability.__name__ == "NumericalInstability"


# -- runs -------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("params", [{}, {"resolution": 0.5}])
def test_types_of_tics(params):
    with pytest.raises(Errors.TypeMismatch, match="Failed to cast 'tics_per_ms' from double to type long"):
        nest.set(tics_per_ms=1000.0, **params)
    nest.set(tics_per_ms=1000, resolution=0.5)
    assert nest.tics_per_step == 500


@pytest.mark.parametrize("name", [3, None, ["mine"]])
def test_names_of_copies_are_texts(name):
    before = nest.node_models, nest.synapse_models
    for model in ("gif_psc_exp", "static_synapse"):
        with pytest.raises(TypeError, match="CopyModel: the new name must be a text"):
            nest.CopyModel(model, name)
    assert (nest.node_models, nest.synapse_models) == before
