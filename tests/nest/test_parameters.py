"""gifpop.nest: defaults of the models, types and rules of their parameters, NEST's messages."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop.nest as nest

Errors = nest.NESTErrors


H = 0.5  # ms


def population(n=1, **parameters):
    return nest.Create("gif_pop_psc_exp", n, parameters)


def message(error):
    """Return what comes after the words that say whose status it is."""
    return str(error.value).split(": ", 1)[1]


def test_population_defaults():
    expected = {
        "N": 100,
        "C_m": 250.0,
        "tau_m": 20.0,
        "t_ref": 4.0,
        "lambda_0": 10.0,
        "Delta_V": 2.0,
        "len_kernel": -1,
        "I_e": 0.0,
        "V_reset": 0.0,
        "V_T_star": 15.0,
        "E_L": 0.0,
        "V_m": 0.0,
        "tau_syn_ex": 3.0,
        "tau_syn_in": 6.0,
        "BinoRand": True,
        "I_syn_ex": 0.0,
        "I_syn_in": 0.0,
        "mean": 0.0,
        "n_events": 0,
        "E_sfa": 0.0,
        "element_type": "neuron",
        "frozen": False,
        "global_id": 1,
        "local": True,
        "model": "gif_pop_psc_exp",
        "thread": 0,
        "vp": 0,
        "recordables": ["E_sfa", "I_syn_ex", "I_syn_in", "V_m", "mean", "n_events"],
    }
    values = population().get()
    assert_array_equal(values.pop("tau_sfa"), [300.0])
    assert_array_equal(values.pop("q_sfa"), [0.5])
    assert {name: values[name] for name in expected} == expected
    for name, value in expected.items():
        assert type(values[name]) is type(value), name


FOREVER = 1.7976931348623157e308
DEVICE = {"origin": 0.0, "start": 0.0, "stop": FOREVER, "label": "", "frozen": False}
GENERATOR = DEVICE | {"stimulus_source": "", "element_type": "stimulator"}
RECORDER = DEVICE | {"record_to": "memory", "time_in_steps": False, "n_events": 0, "element_type": "recorder"}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("dc_generator", GENERATOR | {"amplitude": 0.0}),
        ("step_current_generator", GENERATOR | {"allow_offgrid_times": False}),
        ("poisson_generator", GENERATOR | {"rate": 0.0}),
        (
            "spike_generator",
            GENERATOR | {"allow_offgrid_times": False, "precise_times": False, "shift_now_spikes": False},
        ),
        ("multimeter", RECORDER | {"interval": 1.0, "offset": 0.0, "record_from": []}),
        ("voltmeter", RECORDER | {"interval": 1.0, "offset": 0.0, "record_from": ["V_m"]}),
        ("spike_recorder", RECORDER),
    ],
)
def test_device_defaults(model, expected):
    for values in (nest.GetDefaults(model), nest.Create(model).get()):
        assert {name: values[name] for name in expected} == expected


MESSAGES = [
    ({"N": 0}, "Number of neurons must be positive."),
    ({"N": -1}, "Number of neurons must be positive."),
    ({"C_m": 0}, "Capacitance must be strictly positive."),
    ({"tau_m": 0.0}, "The membrane time constants must be strictly positive."),
    ({"tau_syn_ex": 0.0}, "The synaptic time constants must be strictly positive."),
    ({"tau_syn_in": -1}, "The synaptic time constants must be strictly positive."),
    ({"lambda_0": -1}, "lambda_0 must be positive."),
    ({"t_ref": -1}, "Absolute refractory period cannot be negative."),
    ({"Delta_V": 0}, "Delta_V must be strictly positive."),
    ({"tau_sfa": [0.0], "q_sfa": [1.0]}, "All time constants must be strictly positive."),
    (
        {"tau_sfa": [3.0, 4.0]},
        "'tau_sfa' and 'q_sfa' need to have the same dimension.\nSize of tau_sfa: 2\nSize of q_sfa: 1",
    ),
]


@pytest.mark.parametrize(("bad", "expected"), MESSAGES)
def test_messages_of_the_population(bad, expected):
    nodes = population(3)
    with pytest.raises(Errors.BadProperty) as error:
        nodes[1:].set(bad)
    assert str(error.value) == f"Setting status of a 'gif_pop_psc_exp' with node ID 2: {expected}"
    with pytest.raises(Errors.BadProperty) as error:
        nest.Create("gif_pop_psc_exp", 2, bad)
    assert str(error.value) == f"Setting status of a 'gif_pop_psc_exp' with node ID 4: {expected}"
    with pytest.raises(Errors.BadProperty) as error:
        nest.SetDefaults("gif_pop_psc_exp", bad)
    assert str(error.value) == f"Setting status of model 'gif_pop_psc_exp': {expected}"


@pytest.mark.parametrize("name", ["V_m", "E_L", "I_e", "V_reset", "tau_m", "C_m", "I_syn_ex", "lambda_0"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_must_be_finite(name, value):
    """Unlike in NEST, which takes NaN."""
    with pytest.raises(Errors.BadProperty):
        population().set({name: value})


@pytest.mark.parametrize("K", [1, 8])
def test_the_history_is_longer_than_the_refractory_period(K):
    """Unlike in NEST, which cuts refractoriness."""
    with pytest.raises(Errors.BadProperty, match=f"refractory period of 8 steps, got {K}"):
        population(len_kernel=K)
    population(len_kernel=9)
    with pytest.raises(Errors.BadProperty, match="refractory period of 10 steps, got 9"):
        population(len_kernel=9).set(t_ref=5.0)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"N": 3.0}, "'N' from double to type long"),
        ({"N": True}, "'N' from bool to type long"),
        ({"N": np.float64(4)}, "'N' from double to type long"),
        ({"len_kernel": 3.0}, "'len_kernel' from double to type long"),
        ({"BinoRand": 1}, "'BinoRand' from long to type bool"),
        ({"frozen": 1}, "'frozen' from long to type bool"),
        ({"tau_sfa": 3.0}, "'tau_sfa' from double to type std::vector<double>"),
    ],
)
def test_types(bad, expected):
    with pytest.raises(Errors.TypeMismatch) as error:
        population().set(bad)
    assert str(error.value) == f"Expected datatype: Failed to cast {expected}"


def test_types_that_are_accepted():
    node = population()
    node.set(N=np.int32(4), V_m=True, I_e=3, C_m=np.float32(4.0), tau_sfa=(3.0, 4.0), q_sfa=np.array([1, 2]))
    assert (node.N, node.V_m, node.I_e, node.C_m) == (4, 1.0, 3.0, 4.0)
    node.set(lambda_0=0)
    assert_array_equal(node.q_sfa, [1.0, 2.0])
    node.set(len_kernel=-5)
    assert node.len_kernel == -5


@pytest.mark.parametrize(
    "name", ["foo", "mean", "n_events", "E_sfa", "model", "global_id", "recordables", "thread", "vp"]
)
def test_unknown_and_read_only(name):
    with pytest.raises(Errors.UnaccessedDictionaryEntry) as error:
        population().set({name: 3})
    assert str(error.value) == f"Unaccessed elements in params, in function NodeManager::set_status:  {name}"


def test_several_unknown_names():
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match=r"set_status:  bar foo$"):
        population().set({"foo": 1, "bar": 2})


@pytest.mark.parametrize("bad", [{"foo": 1}, {"tau_m": -1.0}, {"N": 1.0}])
def test_nothing_is_set_if_anything_is_wrong(bad):
    nodes = population(2)
    with pytest.raises(nest.NESTError):
        nodes.set({"I_e": 5.0, **bad})
    with pytest.raises(nest.NESTError):
        nodes.set([{"I_e": 5.0}, bad])
    assert nodes.I_e == (0.0, 0.0)
    with pytest.raises(nest.NESTError):
        nest.Create("gif_pop_psc_exp", 2, bad)
    assert nest.network_size == 2


def test_no_adaptation():
    """Unlike in NEST, which takes the empty arrays and then cannot simulate."""
    node = population(tau_sfa=[], q_sfa=[])
    nest.Simulate(5.0)
    assert node.E_sfa == 15.0


def test_history_length():
    """Chosen at the first Simulate, and again only where it is asked for."""
    node = population(tau_sfa=[100.0], q_sfa=[0.0])
    assert node.len_kernel == -1
    nest.Simulate(0.5)
    assert node.len_kernel == 200
    node.tau_m = 40.0
    nest.Simulate(0.5)
    assert node.len_kernel == 200
    node.len_kernel = -1
    nest.Simulate(0.5)
    assert node.len_kernel == 400


def test_equal_membrane_and_synaptic_time_constant():
    """Unlike NEST's, the potential is a number: the limit of the two-exponential response."""
    node = population(lambda_0=0.0, tau_m=10.0, tau_syn_ex=10.0, I_syn_ex=100.0)
    nest.Simulate(20.0)
    np.testing.assert_allclose(node.V_m, 100.0 / 250.0 * 20.0 * np.exp(-2.0), rtol=1e-12, atol=0)


# -- devices ----------------------------------------------------------------------------------------------------------

GRID = "must be a multiple of the simulation resolution."
AMPLITUDES = {"amplitude_times": [1.0], "amplitude_values": [1.0]}
CONNECTED = (
    "The recording interval, the interval offset and the list of properties to record cannot be changed after the "
    "multimeter has been connected to nodes."
)


@pytest.mark.parametrize(
    "model",
    ["dc_generator", "step_current_generator", "poisson_generator", "spike_generator", "multimeter", "spike_recorder"],
)
@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"start": 0.3}, f"start {GRID}"),
        ({"stop": 0.3}, f"stop {GRID}"),
        ({"origin": 0.3}, f"origin {GRID}"),
        ({"start": -1.0}, f"start {GRID}"),
        ({"start": 3.0, "stop": 2.0}, "stop >= start required."),
    ],
)
def test_windows(model, bad, expected):
    with pytest.raises(Errors.BadProperty) as error:
        nest.Create(model, params=bad)
    assert str(error.value) == f"Setting status of a '{model}' with node ID 1: {expected}"


@pytest.mark.parametrize(
    ("times", "values", "expected"),
    [
        ([0.0], [1.0], "Amplitude can only be changed at strictly positive times (t > 0)."),
        ([-1.0], [1.0], "Amplitude can only be changed at strictly positive times (t > 0)."),
        ([2.0, 1.0], [1.0, 1.0], "step_current_generator: amplitude times must be at strictly increasing time steps."),
        ([1.0, 1.0], [1.0, 1.0], "step_current_generator: amplitude times must be at strictly increasing time steps."),
        ([5.2], [1.0], "step_current_generator: Time point 5.2 is not representable in current resolution."),
        ([float("nan")], [1.0], "step_current_generator: Time point nan is not representable in current resolution."),
        ([1.0], None, "Amplitude times and values must be reset together."),
        (None, [1.0], "Amplitude times and values must be reset together."),
        ([1.0], [1.0, 2.0], "Amplitude times and values have to be the same size."),
    ],
)
def test_messages_of_the_step_current_generator(times, values, expected):
    given = {"amplitude_times": times, "amplitude_values": values}
    with pytest.raises(Errors.BadProperty) as error:
        nest.Create("step_current_generator", params={k: v for k, v in given.items() if v is not None})
    assert message(error) == expected


def test_amplitude_times_are_kept_on_the_grid():
    generator = nest.Create("step_current_generator")
    generator.set(amplitude_times=[5.0001], amplitude_values=[1.0])
    assert_array_equal(generator.amplitude_times, [5.0])
    with pytest.raises(Errors.BadProperty, match="allow_offgrid_times can only be changed before amplitude_times"):
        generator.allow_offgrid_times = True
    generator.set(amplitude_times=[5.2], amplitude_values=[1.0], allow_offgrid_times=True)
    assert_array_equal(generator.amplitude_times, [5.5])
    with pytest.raises(Errors.TypeMismatch, match="'amplitude_times' from double to type std::vector<double>"):
        generator.set(amplitude_times=1.0, amplitude_values=[1.0])


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"spike_times": [0.0]}, "spike time cannot be set to 0."),
        ({"spike_times": [-1.0]}, "spike_generator: Time point -1 is not representable in current resolution."),
        ({"spike_times": [5.2]}, "spike_generator: Time point 5.2 is not representable in current resolution."),
        ({"spike_times": [2.0, 1.0]}, "Spike times must be sorted in non-descending order."),
        (
            {"spike_times": [1.0], "spike_weights": [1.0, 2.0]},
            "spike_weights must have the same number of elements as spike_times, or 0 elements to clear the property.",
        ),
        (
            {"spike_times": [1.0], "spike_multiplicities": [1, 2]},
            "spike_multiplicities must have the same number of elements as spike_times or 0 elements to clear the "
            "property.",
        ),
        ({"spike_times": [1.0], "spike_multiplicities": [-1]}, "spike_multiplicities must not be negative."),
    ],
)
def test_messages_of_the_spike_generator(bad, expected):
    with pytest.raises(Errors.BadProperty) as error:
        nest.Create("spike_generator", params=bad)
    assert message(error) == expected


def test_types_of_the_spike_generator():
    with pytest.raises(Errors.TypeMismatch, match="'spike_multiplicities' from std::vector<double"):
        nest.Create("spike_generator", params={"spike_times": [1.0], "spike_multiplicities": [1.5]})
    generator = nest.Create("spike_generator", params={"spike_times": [1, 2], "spike_multiplicities": np.array([1, 2])})
    assert_array_equal(generator.spike_times, [1.0, 2.0])
    with pytest.raises(Errors.BadProperty, match="Options can only be set together with spike times"):
        generator.allow_offgrid_times = True


def test_the_rate_of_a_poisson_generator():
    with pytest.raises(Errors.BadProperty, match="The rate cannot be negative"):
        nest.Create("poisson_generator", params={"rate": -1.0})


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"interval": 0.7}, "The sampling interval must be a multiple of the simulation resolution."),
        ({"interval": 0.1}, "The sampling interval must be at least as long as the simulation resolution."),
        ({"interval": 0.0}, "The sampling interval must be at least as long as the simulation resolution."),
        (
            {"offset": 0.3},
            "The offset for the sampling interval must be at least as long as the simulation resolution.",
        ),
        ({"n_events": 1}, "Property n_events can only be set to 0 (which clears all stored events)."),
    ],
)
def test_messages_of_the_multimeter(bad, expected):
    with pytest.raises(Errors.BadProperty) as error:
        nest.Create("multimeter", params=bad)
    assert message(error) == expected


@pytest.mark.parametrize("change", [{"interval": 2.0}, {"offset": 1.0}, {"record_from": ["mean"]}], ids=str)
def test_a_connected_meter_cannot_change(change):
    meter = nest.Create("multimeter", params={"record_from": ["V_m"]})
    meter.interval = 2.0
    nest.Connect(meter, population())
    with pytest.raises(Errors.BadProperty) as error:
        meter.set(change)
    assert message(error) == CONNECTED
    meter.set(start=1.0, time_in_steps=True)


@pytest.mark.parametrize(
    ("model", "name", "neutral", "other"),
    [
        ("dc_generator", "stimulus_source", "", "mpi"),
    ],
)
def test_what_has_no_effect_may_only_be_neutral(model, name, neutral, other):
    node = nest.Create(model, params={name: neutral})
    with pytest.raises(Errors.BadProperty, match=f"{name} can only be {neutral!r} in gifpop.nest"):
        node.set({name: other})


# -- defaults and copies ----------------------------------------------------------------------------------------------


def test_defaults_and_copies_of_nodes():
    nest.SetDefaults("gif_pop_psc_exp", {"N": 50})
    nest.SetDefaults("gif_pop_psc_exp", "I_e", 7.0)
    nest.CopyModel("gif_pop_psc_exp", "mine", {"N": 70})
    assert (population().N, population().I_e) == (50, 7.0)
    assert nest.Create("mine").get(["N", "I_e", "model"]) == {"N": 70, "I_e": 7.0, "model": "mine"}
    assert nest.GetDefaults("mine", "N") == 70
    assert nest.GetDefaults("mine", ["N", "C_m"]) == [70, 250.0]
    for key in (42, [42], "foo", ["N", "foo"]):
        with pytest.raises(KeyError, match=r"42|foo"):
            nest.GetDefaults("mine", key)
    nest.SetDefaults("step_current_generator", AMPLITUDES)
    assert_array_equal(nest.Create("step_current_generator").amplitude_times, [1.0])


def test_defaults_of_a_generator_are_heard():
    nest.SetDefaults("step_current_generator", AMPLITUDES)
    node = population(lambda_0=0.0)
    nest.Connect(nest.Create("step_current_generator"), node)
    nest.Simulate(5.0)
    assert node.V_m > 0.0


def test_errors_of_defaults_and_copies():
    with pytest.raises(Errors.UnknownComponent, match=r"^foo is not a known component"):
        nest.GetDefaults("foo")
    with pytest.raises(KeyError):
        nest.GetDefaults("gif_pop_psc_exp", "foo")
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="ModelManager::set_node_defaults_:  foo"):
        nest.SetDefaults("gif_pop_psc_exp", {"foo": 1})
    with pytest.raises(Errors.UnknownModelName, match=r"^foo is not a known model name"):
        nest.CopyModel("foo", "bar")
    with pytest.raises(Errors.NewModelNameExists, match="Model dc_generator is the name of an existing model"):
        nest.CopyModel("gif_pop_psc_exp", "dc_generator")
    with pytest.raises(Errors.BadProperty, match="Setting status of model 'new'"):
        nest.CopyModel("gif_pop_psc_exp", "new", {"N": -3})
    nest.CopyModel("gif_pop_psc_exp", "new")


def test_synapse_models():
    assert nest.GetDefaults("static_synapse", ["weight", "delay"]) == [1.0, 1.0]
    nest.CopyModel("static_synapse", "strong", {"weight": 3.0, "delay": 2.24})
    node = population()
    nest.Connect(node, node, syn_spec="strong")
    nest.Connect(node, node, syn_spec={"synapse_model": "strong", "weight": 5.0})
    connections = nest.GetConnections(synapse_model="strong")
    assert connections.get(["weight", "delay"]) == {"weight": [3.0, 5.0], "delay": [2.0, 2.0]}
    assert nest.GetDefaults("strong", "num_connections") == 2
    with pytest.raises(Errors.BadDelay):
        nest.SetDefaults("strong", {"delay": 0.0})
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="ModelManager::set_synapse_defaults_:  foo"):
        nest.SetDefaults("strong", {"foo": 1})


# -- per node ---------------------------------------------------------------------------------------------------------


def test_a_list_gives_each_node_its_value():
    nodes = population(3)
    nodes.V_m = [1, 2, 3, 4]
    assert nodes.V_m == (1.0, 2.0, 3.0)
    nodes.set({"N": np.array([5, 6, 7]), "I_e": 2.0})
    assert (nodes.N, nodes.I_e) == ((5, 6, 7), (2.0, 2.0, 2.0))
    with pytest.raises(IndexError):
        nodes.V_m = [1, 2]
    nodes.set([{"V_m": 7.0}, {}, {"I_e": 1.0}])
    assert (nodes.V_m, nodes.I_e) == ((7.0, 2.0, 3.0), (2.0, 2.0, 1.0))


def test_arrays_for_all_nodes_and_for_each():
    nodes = population(2, tau_sfa=[100.0, 200.0], q_sfa=[1.0, 2.0])
    assert_array_equal(np.array(nodes.tau_sfa), [[100.0, 200.0]] * 2)
    nodes.set({"tau_sfa": [[100.0], [200.0]], "q_sfa": [[1.0], [2.0]], "N": [1, 2]})
    assert_array_equal(np.array(nodes.tau_sfa), [[100.0], [200.0]])
    nodes[0].tau_sfa[:] = -1.0
    assert_array_equal(nodes[0].tau_sfa, [100.0])
