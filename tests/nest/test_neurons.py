"""gifpop.nest: gif_psc_exp - golden traces, parameters, values that differ between neurons, state between runs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from gifpop.engine.chunks import Probing
from gifpop.engine.engine import Engine
from tests.helpers.golden import NEURON_TRACES, NEURON_VARIABLES, GoldenNeuron, load

Errors = nest.NESTErrors
H = 0.5


def message(error):
    """Return what comes after the words that say whose status it is."""
    return str(error.value).split(": ", 1)[1]


# -- golden traces ----------------------------------------------------------------------------------------------------


@pytest.fixture
def replay(monkeypatch):
    """Let the neurons of the first group fire in given steps, whatever their random numbers."""

    def prescribe(steps, n):
        spikes = np.repeat(steps, n), np.tile(np.arange(n, dtype=np.int32), len(steps))
        run = Engine.run

        def run_replaying(self, n, probing, **options):
            again = Probing(self.plans, (), {0: spikes})
            again.sorted, again._places = probing.sorted, probing._places
            return run(self, n, again, **options)

        monkeypatch.setattr(Engine, "run", run_replaying)

    return prescribe


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("name", NEURON_TRACES)
def test_trace_of_nest(name, pieces, replay, loops):
    golden, inputs = GoldenNeuron(name), load(name)[1]
    nest.ResetKernel()
    nest.resolution = golden.dt
    n = 3  # neurons beside each other that must not differ
    neurons = nest.Create("gif_psc_exp", n, golden.parameters)
    for times, multiplicities, weight, delay in inputs["spikes"]:
        generator = nest.Create("spike_generator", params={"spike_times": times})
        if multiplicities:
            generator.spike_multiplicities = multiplicities
        nest.Connect(generator, neurons, syn_spec={"weight": weight, "delay": delay})
    for model, parameters, weight, delay in inputs["currents"]:
        nest.Connect(nest.Create(model, params=parameters), neurons, syn_spec={"weight": weight, "delay": delay})
    meter = nest.Create("multimeter", params={"record_from": NEURON_VARIABLES, "interval": golden.dt})
    recorder = nest.Create("spike_recorder", params={"time_in_steps": True})
    nest.Connect(meter, neurons)
    nest.Connect(neurons, recorder)
    if golden.replayed:
        replay(golden.spike_steps, n)
    total = golden.steps + 100  # the meter holds back the last slice
    for k in range(pieces):
        nest.Simulate(round((total // pieces + (total % pieces if k == 0 else 0)) * golden.dt, 6))
    events, spikes = meter.events, recorder.events
    for node in neurons.tolist():
        own = events["senders"] == node
        for key in NEURON_VARIABLES:
            values = events[key][own][: golden.steps]
            assert_allclose(values, golden.arrays[key], rtol=1e-10, atol=1e-10, err_msg=key)
        stamps = spikes["times"][spikes["senders"] == node]
        assert_array_equal(stamps[stamps <= golden.steps], golden.spike_steps + 1)


# -- parameters -------------------------------------------------------------------------------------------------------


def test_defaults():
    expected = {
        "C_m": 80.0,
        "g_L": 4.0,
        "E_L": -70.0,
        "V_m": -70.0,
        "V_reset": -55.0,
        "Delta_V": 0.5,
        "V_T_star": -35.0,
        "lambda_0": 1.0,
        "t_ref": 4.0,
        "tau_syn_ex": 2.0,
        "tau_syn_in": 2.0,
        "I_e": 0.0,
        "E_sfa": 0.0,
        "I_stc": 0.0,
        "t_spike": -1.0,
        "frozen": False,
        "element_type": "neuron",
        "model": "gif_psc_exp",
        "recordables": ["E_sfa", "I_stc", "I_syn_ex", "I_syn_in", "V_m"],
    }
    for values in (nest.Create("gif_psc_exp").get(), nest.GetDefaults("gif_psc_exp")):
        assert {name: values[name] for name in expected} == expected
        for name in ("tau_sfa", "q_sfa", "tau_stc", "q_stc"):
            assert_array_equal(values[name], [])


MESSAGES = [
    ({"C_m": 0.0}, "Capacitance must be strictly positive."),
    ({"g_L": 0}, "Membrane conductance must be strictly positive."),
    ({"Delta_V": -1.0}, "Delta_V must be strictly positive."),
    ({"t_ref": -1.0}, "Refractory time must not be negative."),
    ({"lambda_0": -1.0}, "lambda_0 must not be negative."),
    ({"tau_syn_ex": 0.0}, "Synapse time constants must be strictly positive."),
    ({"tau_syn_in": -1.0}, "Synapse time constants must be strictly positive."),
    ({"tau_sfa": [0.0], "q_sfa": [1.0]}, "All time constants must be strictly positive."),
    ({"tau_stc": [3.0, -1.0], "q_stc": [1.0, 1.0]}, "All time constants must be strictly positive."),
    (
        {"tau_sfa": [3.0, 4.0]},
        "'tau_sfa' and 'q_sfa' need to have the same dimensions.\nSize of tau_sfa: 2\nSize of q_sfa: 0",
    ),
    ({"q_stc": [3.0]}, "'tau_stc' and 'q_stc' need to have the same dimensions.\nSize of tau_stc: 0\nSize of q_stc: 1"),
    ({"V_m": float("nan")}, "V_m must be a finite number, got nan."),
]


@pytest.mark.parametrize(("parameters", "text"), MESSAGES)
def test_messages(parameters, text):
    neurons = nest.Create("gif_psc_exp", 2)
    for whose, use in (
        ("Setting status of a 'gif_psc_exp' with node ID 1", lambda: neurons.set(parameters)),
        ("Setting status of a 'gif_psc_exp' with node ID 3", lambda: nest.Create("gif_psc_exp", 2, parameters)),
        ("Setting status of a 'gif_psc_exp' with node ID 2", lambda: neurons.set([{"V_m": -60.0}, parameters])),
        ("Setting status of model 'gif_psc_exp'", lambda: nest.SetDefaults("gif_psc_exp", parameters)),
    ):
        with pytest.raises(Errors.BadProperty) as error:
            use()
        assert str(error.value).startswith(whose)
        assert message(error) == text
    assert neurons.V_m == (-70.0, -70.0)
    assert nest.network_size == 2


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"C_m": 0.0, "g_L": 0.0}, "Membrane conductance must be strictly positive."),
        ({"lambda_0": -1.0, "Delta_V": 0.0}, "Delta_V must be strictly positive."),
        ({"tau_sfa": [0.0], "g_L": 0.0}, "'tau_sfa' and 'q_sfa' need to have the same dimensions."),
        ({"tau_syn_ex": 0.0, "tau_sfa": [0.0], "q_sfa": [1.0]}, "All time constants must be strictly positive."),
    ],
)
def test_the_first_of_several_errors(parameters, text):
    neurons = nest.Create("gif_psc_exp", 2)
    with pytest.raises(Errors.BadProperty) as error:
        neurons.set(parameters)
    assert message(error).startswith(text)


@pytest.mark.parametrize("name", ["E_sfa", "I_stc", "I_syn_ex", "I_syn_in", "tau_m", "foo", "t_spike", "recordables"])
def test_what_cannot_be_set(name):
    neurons = nest.Create("gif_psc_exp", 2)
    with pytest.raises(Errors.UnaccessedDictionaryEntry) as error:
        neurons.set({name: 1.0, "V_m": 3.0})
    assert str(error.value) == f"Unaccessed elements in params, in function NodeManager::set_status:  {name}"
    assert neurons.V_m == (-70.0, -70.0)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ("a", "'V_m' from std::string to type double."),
        (["a", "b"], "'V_m' from std::string to type double."),
        ([1.0, None], "'V_m' from NoneType to type double."),
        ([[1.0], [2.0]], "'V_m' from std::vector<double, std::allocator<double> > to type double."),
    ],
)
def test_types(values, text):
    neurons = nest.Create("gif_psc_exp", 2)
    with pytest.raises(Errors.TypeMismatch) as error:
        neurons.V_m = values
    assert str(error.value) == f"Expected datatype: Failed to cast {text}"
    with pytest.raises(Errors.TypeMismatch, match="'tau_sfa' from double to type std::vector<double>"):
        neurons.tau_sfa = 3.0


# -- values that differ between neurons -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [[1, 2.0, 3, 4], (1, 2, 3, 4), range(1, 5), np.arange(1, 5), np.arange(1.0, 9.0), np.arange(1, 5, dtype="f4")],
)
def test_sequences_are_dealt_out(values):
    neurons = nest.Create("gif_psc_exp", 4, {"V_m": values})
    assert neurons.V_m == (1.0, 2.0, 3.0, 4.0)
    neurons.E_L = values
    assert neurons[1:3].E_L == (2.0, 3.0)
    assert type(neurons[0].E_L) is float
    with pytest.raises(IndexError):
        neurons.C_m = values[:3]
    neurons[2:].C_m = [7.0, 8.0]
    assert neurons.C_m == (80.0, 80.0, 7.0, 8.0)


def test_the_first_bad_neuron_is_named():
    neurons = nest.Create("gif_psc_exp", 4)
    with pytest.raises(Errors.BadProperty, match="with node ID 3: Capacitance must be strictly positive"):
        neurons.C_m = [1.0, 2.0, -3.0, -4.0]
    with pytest.raises(Errors.BadProperty, match="with node ID 4: Capacitance must be strictly positive"):
        neurons[2:].C_m = [1.0, -1.0]
    with pytest.raises(Errors.BadProperty, match="with node ID 2: Delta_V must be strictly positive"):
        neurons.set(C_m=[1.0, 2.0, -3.0, 4.0], Delta_V=[1.0, 0.0, 1.0, 1.0])
    assert neurons.C_m == (80.0,) * 4


def test_several_blocks_and_models_at_once():
    first, population = nest.Create("gif_psc_exp", 2), nest.Create("gif_pop_psc_exp")
    second = nest.Create("gif_psc_exp", 2)
    everything = first + population + second
    everything.V_m = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert everything.V_m == (1.0, 2.0, 3.0, 4.0, 5.0)
    everything.set([{"C_m": 10.0 + k} for k in range(5)])
    assert population.C_m == 12.0
    assert second.C_m == (13.0, 14.0)
    with pytest.raises(Errors.UnaccessedDictionaryEntry):
        everything.set(g_L=3.0, V_m=9.0)
    assert first.get(["g_L", "V_m"]) == {"g_L": (4.0, 4.0), "V_m": (1.0, 2.0)}


def test_vectors_of_different_lengths():
    neurons = nest.Create("gif_psc_exp", 4)
    neurons.set([{"tau_sfa": [10.0] * k, "q_sfa": [1.0] * k} for k in (0, 1, 2, 1)])
    assert [len(tau) for tau in neurons.tau_sfa] == [0, 1, 2, 1]
    with pytest.raises(Errors.BadProperty, match=r"with node ID 3: 'tau_sfa' and 'q_sfa' need to have"):
        neurons.q_sfa = [[], [2.0], [1.0], [2.0]]
    neurons.q_sfa = [[], [2.0], [3.0, 4.0], [5.0]]
    assert [q.tolist() for q in neurons.q_sfa] == [[], [2.0], [3.0, 4.0], [5.0]]
    neurons[1:].set(tau_sfa=[20.0], q_sfa=[1.5])
    assert [q.tolist() for q in neurons.q_sfa] == [[], [1.5], [1.5], [1.5]]
    neurons[1].q_sfa[0] = 9.0  # a copy
    assert neurons[1].q_sfa.tolist() == [1.5]


def always(n=1, **parameters):
    """Neurons that fire whenever they can."""
    return nest.Create("gif_psc_exp", n, {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0} | parameters)


def traces(neurons, *names):
    """Return a function that gives what was recorded, shape (steps, neurons), by name."""
    meter = nest.Create("multimeter", params={"record_from": names, "interval": H})
    nest.Connect(meter, neurons, syn_spec={"delay": H})

    def recorded():
        events = meter.events
        order = np.lexsort((events["senders"], events["times"]))
        return {name: events[name][order].reshape(-1, len(neurons)) for name in names}

    return recorded


def test_neurons_that_differ_are_those_alone():
    """Each of 70 different neurons does what it does as the only one of its block."""
    random = np.random.default_rng(1)
    n = 70  # more than a tile of the inner loop
    cells = [
        {
            "C_m": random.uniform(60, 90),
            "g_L": random.uniform(3, 5),
            "E_L": random.uniform(-72, -68),
            "t_ref": k % 4 * H,
            "V_reset": random.uniform(-60, -50),
            "V_T_star": random.uniform(-58, -50),
            "lambda_0": 1e6,
            "Delta_V": 1e-7,
            "I_e": random.uniform(50, 90),
            "tau_sfa": random.uniform(5, 50, k % 3),
            "q_sfa": random.uniform(-1, 3, k % 3),
            "tau_stc": random.uniform(5, 50, k % 2),
            "q_stc": random.uniform(-1, 3, k % 2),
            "tau_syn_ex": 1.0 + k,
        }
        for k in range(n)
    ]
    together = nest.Create("gif_psc_exp", n, cells)
    alone = [nest.Create("gif_psc_exp", 1, cell) for cell in cells]
    both = sum(alone, together)
    generator = nest.Create("spike_generator", params={"spike_times": [3.0, 20.0]})
    nest.Connect(generator, both, syn_spec={"weight": 30.0})
    recorded = traces(both, "V_m", "E_sfa", "I_stc", "I_syn_ex")
    recorder = nest.Create("spike_recorder")
    nest.Connect(both, recorder)
    nest.Simulate(60.0)
    for values in recorded().values():
        assert_allclose(values[:, :n], values[:, n:], rtol=1e-12, atol=1e-12)
    spikes = recorder.events
    assert len(spikes["times"]) > 200
    for k in range(n):
        assert_array_equal(spikes["times"][spikes["senders"] == k + 1], spikes["times"][spikes["senders"] == n + k + 1])


# -- state between runs -----------------------------------------------------------------------------------------------


def test_setting_keeps_the_state():
    """Nothing of the state changes when values are set, be it to what they are."""

    def run(change):
        nest.ResetKernel()
        nest.resolution = H
        neurons = nest.Create("gif_psc_exp", 5, {"I_e": 300.0, "tau_sfa": [50.0], "q_sfa": [2.0], "lambda_0": 50.0})
        nest.Connect(neurons, neurons, syn_spec={"weight": 20.0})
        recorder = nest.Create("spike_recorder")
        nest.Connect(neurons, recorder)
        for _ in range(10):
            nest.Simulate(7.0)
            change(neurons)
        return recorder.events["times"]

    undisturbed = run(lambda neurons: None)
    assert len(undisturbed) > 15
    for change in (
        lambda neurons: neurons.set(I_e=300.0),
        lambda neurons: neurons.set(V_m=list(neurons.V_m)),
        lambda neurons: neurons[2].set(tau_sfa=[50.0], q_sfa=[2.0]),
        lambda neurons: neurons.set([{}] * 5),
    ):
        assert_array_equal(run(change), undisturbed)
    assert not np.array_equal(run(lambda neurons: neurons.set(I_e=310.0)), undisturbed)


def test_adaptation_that_is_set_anew():
    """As NEST: a term that stays keeps its trace, a new one begins at zero, none at all shows nothing."""
    neuron = always(tau_sfa=[10.0, 20.0], q_sfa=[3.0, 5.0], tau_stc=[10.0, 20.0], q_stc=[3.0, 5.0], t_ref=2.0)
    nest.Connect(neuron, neuron, syn_spec={"weight": 0.0, "delay": H})
    recorded = traces(neuron, "E_sfa", "I_stc")
    nest.Simulate(3.0)
    neuron.set(tau_stc=[10.0], q_stc=[3.0], tau_sfa=[], q_sfa=[], lambda_0=0.0)
    nest.Simulate(2.0)
    neuron.set(tau_stc=[10.0, 20.0], q_stc=[3.0, 5.0], tau_sfa=[10.0, 20.0, 7.0], q_sfa=[3.0, 5.0, 1.0])
    nest.Simulate(2.0)
    neuron.set(tau_stc=[], q_stc=[])
    nest.Simulate(1.5)
    expected_stc = [
        0.0,
        8.0,
        7.7302,
        7.4707,
        7.2208,
        6.9804,
        5.3364,
        5.0761,
        4.8286,
        4.5931,
        4.3691,
        4.1560,
        3.9533,
        3.7605,
        0.0,
        0.0,
    ]
    assert_allclose(recorded()["I_stc"][:, 0], expected_stc, rtol=0, atol=1e-4)
    expected_sfa = [-200.0, -192.0, -192.2698, -192.5293, -192.7792, -193.0196] + [-200.0] * 10
    assert_allclose(recorded()["E_sfa"][:, 0], expected_sfa, rtol=0, atol=1e-4)


def test_potential_and_reset_that_are_set():
    """A potential that is set while the neuron is refractory is lost; a new reset acts at once."""
    neuron = always(t_ref=5.0)
    nest.Connect(neuron, neuron, syn_spec={"weight": 0.0, "delay": H})
    recorded = traces(neuron, "V_m")
    nest.Simulate(1.5)
    neuron.V_m = -60.0
    assert neuron.V_m == -60.0
    nest.Simulate(1.0)
    neuron.V_reset = -50.0
    nest.Simulate(6.0)
    assert_allclose(
        recorded()["V_m"][:, 0], [-70.0] + [-55.0] * 4 + [-50.0] * 6 + [-50.49380176] + [-50.0] * 4, rtol=0, atol=1e-8
    )


def test_what_is_shown_after_a_run():
    neuron = always(t_ref=2.0, tau_sfa=[10.0], q_sfa=[1.0], tau_stc=[10.0], q_stc=[2.0])
    recorded = traces(neuron, "V_m", "E_sfa", "I_stc")
    assert neuron.get(["E_sfa", "I_stc", "V_m"]) == {"E_sfa": 0.0, "I_stc": 0.0, "V_m": -70.0}
    nest.Simulate(5.0)
    shown = neuron.get(["E_sfa", "I_stc", "V_m"])
    nest.Simulate(2.0)
    assert {name: values[9, 0] for name, values in recorded().items()} == shown
    assert neuron.t_spike == 5.5
    neuron.V_T_star = -100.0
    assert neuron.E_sfa < -190.0


def test_no_refractory_period():
    """As NEST, t_ref = 0 means no pause and no reset."""
    neuron = always(t_ref=0.0, V_reset=-60.0)
    recorder = nest.Create("spike_recorder")
    nest.Connect(neuron, recorder)
    recorded = traces(neuron, "V_m")
    nest.Simulate(3.0)
    neuron.t_ref = 1.0
    nest.Simulate(4.5)
    assert recorder.events["times"].tolist() == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 5.0, 6.5]
    assert_allclose(recorded()["V_m"][:10, 0], [-70.0] * 7 + [-60.0, -60.0, -60.24690088], rtol=0, atol=1e-8)


def test_models_that_are_copied():
    nest.CopyModel("gif_psc_exp", "mine", {"C_m": 100.0, "tau_sfa": [5.0], "q_sfa": [1.0]})
    nest.SetDefaults("gif_psc_exp", {"V_m": -60.0})
    mine = nest.Create("mine", 2)
    assert mine.get(["model", "C_m", "V_m"]) == {"model": ("mine",) * 2, "C_m": (100.0,) * 2, "V_m": (-70.0,) * 2}
    assert nest.Create("gif_psc_exp").V_m == -60.0
    nest.Connect(mine, mine)
    nest.Simulate(5.0)


# -- size -------------------------------------------------------------------------------------------------------------


def test_many_neurons():
    """Nothing goes neuron by neuron: a million get values, and are refused if they would not fit, at once."""
    neurons = nest.Create("gif_psc_exp", 1_000_000, {"I_e": 3.0, "tau_sfa": [100.0], "q_sfa": [1.0]})
    neurons.V_m = np.linspace(-70.0, -60.0, 1_000_000)
    assert neurons[-1].V_m == -60.0
    with pytest.raises(nest.NESTError, match="Create: 1000000000000 nodes of gif_psc_exp would need") as error:
        nest.Create("gif_psc_exp", 10**12)
    assert isinstance(error.value, MemoryError)
