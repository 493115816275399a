"""gifpop.nest: settings of the kernel, before and between runs."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop
import gifpop.nest as nest
from gifpop.nest.kernel import kernel as state

Errors = nest.NESTErrors


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
        assert nest.Models("nodes", sel="gif_p") == ("gif_pop_psc_exp", "gif_psc_exp", "gif_psc_exp_multisynapse")
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


def test_errors_are_nest_errors():
    assert nest.NESTErrors.KernelException is nest.NESTError
    assert issubclass(nest.NESTErrors.BadProperty, nest.NESTError)
    assert nest.NESTErrors.NumericalInstability.__name__ == "NumericalInstability"


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
