"""Numbers that users give to gifpop.nest: whole floats, integers beyond 64 bits, times that are none, drawn values."""

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.common import _numbers

Errors = nest.NESTErrors
HUGE = [2**63, -(2**63) - 1, 2**64, 10**400, 10**5000]


@pytest.mark.parametrize("n", [40.0, np.float32(40), np.float64(40.0), np.array(40), np.array(40.0), np.int8(40), 40])
def test_whole_numbers_of_nodes(n):
    """As NEST."""
    assert len(nest.Create("gif_psc_exp", n)) == 40


@pytest.mark.parametrize("n", [True, np.True_, np.array(True)])
def test_true_is_one_node(n):
    assert len(nest.Create("gif_psc_exp", n)) == 1


@pytest.mark.parametrize(
    "n", [2.5, np.array(2.5), "3", None, 1 + 0j, np.array([3]), [3], float("nan"), float("inf"), -float("inf")]
)
def test_what_is_no_number_of_nodes(n):
    with pytest.raises(TypeError, match="n must be a whole number, got"):
        nest.Create("gif_psc_exp", n)
    assert nest.network_size == 0


@pytest.mark.parametrize("model", ["gif_psc_exp", "gif_pop_psc_exp", "spike_recorder", "step_current_generator"])
def test_more_nodes_than_there_is_memory_for(model):
    for n in (2**62, 1e18):
        with pytest.raises(MemoryError, match="Create"):
            nest.Create(model, n)
    with pytest.raises(nest.NESTError, match="Create: n must be"):
        nest.Create(model, 1e300)
    assert nest.network_size == 0


def integer_parameters():
    """Return, by name, what takes an integer."""

    def connect(**spec):
        nodes = nest.Create("gif_psc_exp", 2)
        nest.Connect(nodes, nodes, {"rule": "fixed_indegree", "indegree": 1, **spec})

    return {
        "n": lambda k: nest.Create("gif_psc_exp", k),
        "N": lambda k: nest.Create("gif_pop_psc_exp", params={"N": k}),
        "len_kernel": lambda k: nest.Create("gif_pop_psc_exp").set(len_kernel=k),
        "len_kernel of some": lambda k: nest.Create("gif_pop_psc_exp", 2).set(len_kernel=[100, k]),
        "N by default": lambda k: nest.SetDefaults("gif_pop_psc_exp", {"N": k}),
        "n_events": lambda k: nest.Create("spike_recorder").set(n_events=k),
        "spike_multiplicities": lambda k: nest.Create(
            "spike_generator", params={"spike_times": [1.0], "spike_multiplicities": [k]}
        ),
        "indegree": lambda k: connect(indegree=k),
        "receptor_type": lambda k: nest.Connect(*nest.Create("gif_psc_exp", 2), syn_spec={"receptor_type": k}),
        "receptor_type by default": lambda k: nest.SetDefaults("static_synapse", {"receptor_type": k}),
        "rng_seed": lambda k: nest.set(rng_seed=k),
        "local_num_threads": lambda k: nest.set(local_num_threads=k),
        "total_num_virtual_procs": lambda k: nest.set(total_num_virtual_procs=k),
        "max": nest.random.uniform_int,
    }


@pytest.mark.parametrize("value", HUGE, ids=lambda k: f"{k.bit_length()} bits")
@pytest.mark.parametrize("name", integer_parameters())
def test_integers_beyond_64_bits(name, value):
    """An OverflowError as of NEST, and an error of NEST's that names the parameter."""
    with pytest.raises(OverflowError, match=rf"{name.split()[0]} must be >= -2\^63 and < 2\^63") as error:
        integer_parameters()[name](value)
    assert isinstance(error.value, nest.NESTError)


def test_unsigned_integers_do_not_wrap():
    populations = nest.Create("gif_pop_psc_exp", 2)
    with pytest.raises(OverflowError, match="N must be"):
        populations.N = np.array([2**63, 5], dtype=np.uint64)
    populations.N = np.array([4, 5], dtype=np.uint64)
    assert populations.N == (4, 5)


def test_drawn_integers_beyond_64_bits():
    with pytest.raises(Errors.BadProperty, match="N must be >= -2"):
        nest.Create("gif_pop_psc_exp", 3, {"N": nest.random.uniform(1e20, 2e20)})


@pytest.mark.parametrize("value", [2**63, 10**400, 10**5000], ids=["64 bits", "400 digits", "5000 digits"])
@pytest.mark.parametrize(
    "give",
    [
        lambda neurons, value: neurons.set(I_e=value),
        lambda neurons, value: neurons.set(I_e=[1.0, value]),
        lambda neurons, value: neurons.set(tau_sfa=[10 * value]),
        lambda neurons, value: nest.Connect(neurons, neurons, syn_spec={"weight": value}),
    ],
    ids=["one", "of a neuron", "in a vector", "of a synapse"],
)
def test_integers_that_no_number_of_nest_holds(give, value):
    neurons = nest.Create("gif_psc_exp", 2)
    with pytest.raises(OverflowError, match=r"must be >= -2\^63 and < 2\^63") as error:
        give(neurons, value)
    assert isinstance(error.value, nest.NESTError)
    with pytest.raises(OverflowError, match=r"must be >= -2\^63 and < 2\^63, got "):
        neurons.set(I_e=-2 * value)
    assert neurons.I_e == (0.0, 0.0)


@pytest.mark.parametrize(
    "ids", [[2**70], [1, 2**63], [-(2**70)], np.array([2**63], dtype=np.uint64), [0], [1e300]], ids=str
)
def test_identifiers_that_no_node_has(ids):
    nest.Create("gif_psc_exp", 3)
    with pytest.raises(Errors.UnknownNode, match="does not exist"):
        nest.NodeCollection(ids)


@pytest.mark.parametrize("ids", [[1.5], ["1"], [float("nan")], [None]], ids=str)
def test_identifiers_that_are_no_integers(ids):
    nest.Create("gif_psc_exp", 3)
    with pytest.raises(TypeError, match="node IDs must be integers"):
        nest.NodeCollection(ids)


def test_identifiers_of_any_size_and_type():
    nodes = nest.Create("gif_psc_exp", 3)
    with pytest.raises(Errors.UnknownNode):
        nest.Connect([2**70], [1])
    assert 2**70 not in nodes
    with pytest.raises(ValueError, match="not in NodeCollection"):
        nodes.index(2**70)
    with pytest.raises(IndexError):
        nodes[2**70]
    assert nest.NodeCollection([1.0, np.int8(2)]).tolist() == [1, 2]


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf"), 1e16, 9.3e15, 1e300, 10**400])
def test_durations_that_are_none(time):
    """Without a warning of numpy's, which would be an error here."""
    with pytest.raises(Errors.BadParameter, match="The simulation time"):
        nest.Simulate(time)
    assert nest.biological_time == 0.0
    nest.Simulate(np.array(1.0))
    assert nest.biological_time == 1.0


NO_TIMES = [float("nan"), float("inf"), -float("inf"), 1e16, 9.3e15, 1e300]


@pytest.mark.parametrize("time", NO_TIMES)
@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("spike_generator", lambda time: {"spike_times": [time], "allow_offgrid_times": True}),
        (
            "step_current_generator",
            lambda time: {"amplitude_times": [time], "amplitude_values": [1.0], "allow_offgrid_times": True},
        ),
        ("dc_generator", lambda time: {"start": time}),
        ("dc_generator", lambda time: {"origin": time}),
        ("multimeter", lambda time: {"interval": time}),
        ("multimeter", lambda time: {"offset": time}),
    ],
    ids=["spike_times", "amplitude_times", "start", "origin", "interval", "offset"],
)
def test_times_of_devices_that_are_none(model, parameters, time):
    with pytest.raises(Errors.BadProperty):
        nest.Create(model, params=parameters(time))


@pytest.mark.parametrize("time", NO_TIMES)
@pytest.mark.parametrize("shape", [(), (2, 2)], ids=["one", "of each connection"])
def test_delays_that_are_none(shape, time):
    nodes = nest.Create("gif_psc_exp", 2)
    with pytest.raises((Errors.BadDelay, Errors.BadProperty)):
        nest.Connect(nodes, nodes, syn_spec={"delay": np.full(shape, time).tolist()})


def test_generators_may_go_on_for_ever():
    nest.Create("dc_generator").set(stop=1e300)


# -- one dict in a list -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", [list, tuple])
def test_one_dict_in_a_list_is_for_all(container):
    """As NEST, but for Create and connections."""
    neurons, populations = nest.Create("gif_psc_exp", 3), nest.Create("gif_pop_psc_exp", 2)
    neurons.set(container([{"I_e": 5.0}]))
    assert neurons.I_e == (5.0, 5.0, 5.0)
    populations.set(container([{"N": 7}]))
    assert populations.N == (7, 7)
    devices = nest.Create("dc_generator", 2)
    with pytest.warns(UserWarning, match="SetStatus"):
        nest.SetStatus(devices, container([{"amplitude": 2.0}]))
    assert devices.amplitude == (2.0, 2.0)
    neurons.set(container([{"I_e": nest.random.uniform()}]))
    assert len(set(neurons.I_e)) == 3
    with pytest.raises(Errors.TypeMismatch):
        neurons.set(container([{"I_e": [1.0, 2.0, 3.0]}]))
    with pytest.raises(Errors.BadParameter, match="must be the same size"):
        neurons.set(container([{"I_e": 1.0}] * 2))
    with pytest.raises(Errors.BadParameter, match="must be the same size"):
        neurons.set(container([]))
    with pytest.raises(TypeError, match="one dictionary per node"):
        nest.Create("gif_psc_exp", 3, container([{"I_e": 1.0}]))
    nest.Connect(neurons, neurons)
    with pytest.raises(TypeError, match="one dict for each"):
        nest.GetConnections().set(container([{"weight": 1.0}]))


# -- drawn values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compared", "share"),
    [
        (nest.random.uniform() < 0.5, 0.5),
        (0.5 < nest.random.uniform(), 0.5),
        (nest.random.uniform() <= -1, 0.0),
        (nest.random.uniform() > nest.random.uniform(), 0.5),
        (nest.random.uniform() >= 0, 1.0),
        (nest.logic.conditional(nest.random.uniform() < 0.5, 1.0, 0.0), 0.5),
        (nest.logic.conditional(nest.random.uniform() > 2, nest.random.uniform() + 5, 1), 1.0),
    ],
)
def test_comparisons_and_conditions(compared, share):
    """Shares of 1000 draws: 0.5 +- 0.1 is 6 standard deviations, exceeded with a probability of 3e-10."""
    drawn = np.array(compared.apply(nest.Create("gif_psc_exp", 1000)))
    assert set(np.unique(drawn)) <= {0.0, 1.0}
    assert np.mean(drawn) == pytest.approx(share, rel=0.0, abs=0.1 if share == 0.5 else 0.0)


def test_values_that_are_applied():
    nodes = nest.Create("gif_psc_exp", 3)
    recipe = nest.random.uniform(2.0, 2.1)
    first, second = recipe.apply(nodes), recipe.apply(nodes)
    assert len(first) == 3 and len({*first, *second}) == 6
    assert all(isinstance(each, float) and 2.0 <= each < 2.1 for each in first)
    assert (recipe * 0 + 3).apply(nodes[0]) == (3.0,)
    assert recipe.apply(nest.NodeCollection()) == ()
    with pytest.raises(Errors.NotImplemented, match="apply: positions are not available"):
        recipe.apply(nodes, [[0.0, 0.0]])
    with pytest.raises(NotImplementedError, match="a Parameter combines with numbers and other Parameters"):
        recipe < "a"  # noqa: B015
    with pytest.raises(TypeError, match="condition must be a Parameter"):
        nest.logic.conditional(True, 1.0, 2.0)


@pytest.mark.parametrize(
    ("name", "specs", "low", "high"),
    [
        ("constant", {"value": 3.0}, 3.0, 3.0),
        ("uniform", {"min": 3.0, "max": 3.5}, 3.0, 3.5),
        ("uniform", {}, 0.0, 1.0),
        ("normal", {"mean": 3.0, "std": 1e-9}, 2.9, 3.1),
        ("lognormal", {"mean": 0.0, "std": 1e-9}, 0.9, 1.1),
        ("exponential", {"beta": 3.0}, 0.0, 300.0),
        ("uniform_int", {"max": 1}, 0.0, 0.0),
    ],
)
def test_create_parameter(name, specs, low, high):
    assert low <= nest.CreateParameter(name, specs).GetValue() <= high


def test_create_parameter_refuses():
    with pytest.raises(Errors.UndefinedName, match="The name foo is not defined"):
        nest.CreateParameter("foo", {})
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="in param, in function create_parameter:  low"):
        nest.CreateParameter("uniform", {"low": 3})
    with pytest.raises(IndexError, match="constant needs a value"):
        nest.CreateParameter("constant", {})
    for value, kind in (("a", "std::string"), (nest.random.uniform(), "std::shared_ptr<nest::Parameter>")):
        with pytest.raises(Errors.TypeMismatch, match=f"Failed to cast 'value' from {kind} to type double"):
            nest.CreateParameter("constant", {"value": value})


def test_drawn_values_are_compared_where_they_are_drawn():
    """As in NEST a Parameter, never Python's comparison of objects."""
    whole, neurons = nest.random.uniform_int(2), nest.Create("gif_psc_exp", 200)
    for compared, share in ((whole == 1, 0.5), (1 == whole, 0.5), (whole != 5, 1.0), (whole == 0.5, 0.0)):
        assert isinstance(compared, nest.Parameter)
        neurons.I_e = compared
        assert set(neurons.I_e) <= {0.0, 1.0}
        assert np.mean(neurons.I_e) == pytest.approx(share, abs=0.2 if share == 0.5 else 0.0)
    assert isinstance(whole == whole, nest.Parameter)
    for other in (None, "x", [1]):
        with pytest.raises(NotImplementedError, match="combines with numbers"):
            whole == other  # noqa: B015
        with pytest.raises(NotImplementedError, match="combines with numbers"):
            whole != other  # noqa: B015
    with pytest.raises(TypeError, match="unhashable"):
        hash(whole)


# -- names ------------------------------------------------------------------------------------------------------------


def test_messages_name_all_models():
    with pytest.raises(Errors.UnknownModelName, match=r"foo is not a known model name.*gif_psc_exp.*static_sy"):
        nest.CopyModel("foo", "x")
    for ask in (lambda: nest.GetDefaults("foo"), lambda: nest.SetDefaults("foo", {})):
        with pytest.raises(Errors.UnknownComponent, match=r"foo is not a known component.*gifpop.nest has gif"):
            ask()
    with pytest.raises(Errors.UnknownModelName) as error:
        nest.Create("static_synapse")
    assert "gifpop.nest has" in str(error.value)


@pytest.mark.parametrize("values", [[2**63], [1.0, 2**64], [-(2**63) - 10**4, 1]], ids=str)
def test_integers_beyond_64_bits_in_vectors(values):
    node = nest.Create("gif_psc_exp")
    with pytest.raises(nest.NESTError, match=r"q_sfa must be >= -2\^63 and < 2\^63"):
        node.set({"tau_sfa": [10.0] * len(values), "q_sfa": values})
    node.set({"tau_sfa": [10.0, 20.0], "q_sfa": [1e30, 2**62]})
    assert node.q_sfa.tolist() == [1e30, 2.0**62]


# -- read in compiled code --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [[1.5, np.float64(2.5), 3, True, -(2**63), 2**63 - 1, 1e300], (float("inf"), -0.0), [float("nan")], []]
)
def test_lists_of_numbers_are_read_at_once(values):
    np.testing.assert_array_equal(_numbers.floats(values), np.array(values, dtype=float), strict=True)


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, 10**400, "1", None, 1j, [1.0], np.float32(1), np.int64(1)], ids=str
)
def test_lists_of_anything_else_are_not(value):
    assert _numbers.floats([1.0, value]) is None


@pytest.mark.parametrize("per_step", [1, 100, 250])
def test_times_as_steps(per_step):
    """The same as of whole microseconds, computed by numpy."""
    times = np.concatenate((np.arange(2000) * 0.05, np.random.default_rng(1).uniform(0.0, 1e6, 2000)))
    steps, rest = np.divmod(np.floor(times * 1000 + 0.5).astype(np.int64), per_step)
    found, wrong = _numbers.steps_on_grid(times, 1000, per_step, 1e15, True)
    np.testing.assert_array_equal(found, steps + (rest > 0), strict=True)
    assert wrong == -1
    _, wrong = _numbers.steps_on_grid(times, 1000, per_step, 1e15, False)
    assert wrong == (np.argmax(rest > 0) if rest.any() else -1)


@pytest.mark.parametrize("time", [-0.1, 1e15, float("nan"), float("inf")])
def test_times_that_are_no_steps(time):
    assert _numbers.steps_on_grid(np.array([0.1, time, 0.2]), 1000, 100, 1e15, True)[1] == 1
