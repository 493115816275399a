"""gifpop.nest: parrot_neuron and spike_dilutor. All numbers are NEST 3.10's; see test_scripts.py for more of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop.nest as nest
from tests.helpers.nest_devices import SHORT, H, arrivals, firing, meter, order, recorder, silent, spikes

Errors = nest.NESTErrors
FALSE_ALARM = 1e-6
RELAYS = ("parrot_neuron", "spike_dilutor")


def times(device):
    return device.events["times"].tolist()


# -- timing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", RELAYS)
def test_a_relay_repeats_spikes_after_their_delay(model):
    nest.resolution = 0.1
    relay = nest.Create(model)
    spikes([1.0, 5.0], relay, delay=1.0)
    heard = nest.Create("spike_recorder")
    nest.Connect(relay, heard)
    nest.Simulate(10.0)
    assert_allclose(heard.events["times"], [2.0, 6.0], rtol=0, atol=1e-12)
    assert_array_equal(heard.events["senders"], relay.tolist() * 2)


@pytest.mark.parametrize("model", RELAYS)
def test_chains_multiplicities_and_weights(model):
    """Weights and multiplicities onto relays: the former are ignored; those from relays act as from neurons."""
    nest.resolution = 0.1
    g = nest.Create("spike_generator", params={"spike_times": [1.0, 2.0, 5.0, 5.0]})
    g.set(spike_multiplicities=[1, 3, 2, 1], spike_weights=[1.0, -2.0, 0.0, 1.0])
    relay, second, heard = nest.Create(model), nest.Create("parrot_neuron"), nest.Create("spike_recorder", 3)
    n = nest.Create("gif_psc_exp", params={"lambda_0": 0.0})
    m = meter(n, "I_syn_ex", "I_syn_in", delay=1.0, interval=0.1)
    for pre, post, weight, delay in (
        (g, relay, -3.0, 1.5),
        (relay, heard[0], 1.0, 1.0),
        (relay, second, 0.0, 2.0),
        (second, heard[1], 1.0, 1.0),
        (relay, heard[2], 1.0, 3.0),
        (relay, heard[2], 1.0, 1.0),
        (relay, n, 10.0, 1.0),
    ):
        nest.Connect(pre, post, syn_spec={"weight": weight, "delay": delay})
    nest.Simulate(15.0)
    once = [2.5, 3.5, 3.5, 3.5, 6.5, 6.5, 6.5]
    twice = sorted(once * 2)
    for device, expected in zip(heard, (once, [t + 2.0 for t in once], twice), strict=True):
        assert_allclose(device.events["times"], expected, rtol=0, atol=1e-12)
    current = m.events["I_syn_ex"]
    arrived = np.diff(current) + current[:-1] * (1 - np.exp(-0.05))
    k = np.flatnonzero(np.abs(arrived) > 1e-9)
    assert_allclose(m.events["times"][k + 1], [3.5, 4.5, 7.5], rtol=0, atol=1e-12)
    assert_allclose(arrived[k], [10.0, 30.0, 30.0], rtol=1e-10, atol=0)
    assert np.all(m.events["I_syn_in"] == 0)


def test_parrots_share_a_train_among_their_targets():
    g, parrot = nest.Create("poisson_generator", params={"rate": 2000.0}), nest.Create("parrot_neuron")
    targets = [silent(**SHORT) for _ in range(2)]
    nest.Connect(g, parrot)
    meters = [meter(target, "I_syn_ex") for target in targets]
    for target in targets:
        nest.Connect(parrot, target, syn_spec={"delay": H})
    heard = recorder(parrot)
    nest.Simulate(500.0)
    one, other = map(arrivals, meters)
    assert one == other
    counts = np.bincount(np.round(heard.events["times"] / H).astype(int), minlength=1001)[2:]
    assert [(H * (k + 3), float(n)) for k, n in enumerate(counts[:-1]) if n] == one
    assert abs(counts.sum() - 999) < 5 * np.sqrt(999)  # p = 6e-7


def test_parrots_of_one_block_have_trains_of_their_own():
    parrots, g = nest.Create("parrot_neuron", 1000), nest.Create("poisson_generator", params={"rate": 200.0})
    nest.Connect(g, parrots)
    heard = recorder(parrots)
    nest.Simulate(100.0)
    counts = np.bincount(heard.events["senders"], minlength=1001)[1:]
    mean = 200.0 * 0.001 * (100.0 - 2 * H)
    bins = np.arange(10, 32)
    observed = [np.sum(counts <= 9), *(np.sum(counts == k) for k in bins), np.sum(counts > 31)]
    law = stats.poisson(mean)
    expected = 1000 * np.array([law.cdf(9), *law.pmf(bins), law.sf(31)])
    assert stats.chisquare(observed, expected).pvalue > FALSE_ALARM


def test_parrots_repeat_populations_and_feed_them():
    population, parrot, target = firing(N=7), nest.Create("parrot_neuron"), silent(**SHORT)
    nest.Connect(population, parrot, syn_spec={"delay": 2 * H, "weight": -5.0})
    nest.Connect(parrot, target, syn_spec={"delay": 3 * H, "weight": 2.0})
    m, source, heard = meter(target, "I_syn_ex", delay=2 * H), recorder(population), recorder(parrot)
    nest.Simulate(12.0)
    fired = sorted(set(times(source)))
    assert times(heard) == [t + 2 * H for t in fired for _ in range(7) if t + 2 * H <= 12.0]
    assert arrivals(m) == [(t + 5 * H, 14.0) for t in fired if t + 5 * H <= 12.0]


def test_a_loop_of_parrots_goes_on():
    parrots = nest.Create("parrot_neuron", 2)
    nest.Connect(parrots[0], parrots[1], syn_spec={"delay": 2.0})
    nest.Connect(parrots[1], parrots[0], syn_spec={"delay": 1.0})
    spikes([1.0], parrots[0], delay=1.0, spike_multiplicities=[2])
    heard = recorder(parrots)
    nest.Simulate(4.5)
    nest.Simulate(4.5)
    assert sorted(order(heard)) == [(t, s) for t, s in [(2.0, 1), (4.0, 2), (5.0, 1), (7.0, 2), (8.0, 1)] for _ in "ab"]


def test_many_spikes_at_once_are_delivered_together():
    parrot, target = nest.Create("parrot_neuron"), silent(**SHORT)
    spikes([1.0], parrot, spike_multiplicities=[10**6])
    nest.Connect(parrot, target, syn_spec={"delay": H})
    m = meter(target, "I_syn_ex")
    nest.Simulate(4.0)
    assert arrivals(m) == [(2.0, 1e6)]


def test_the_second_receptor_of_parrots_ignores_spikes():
    parrots = nest.Create("parrot_neuron", 3)
    g = spikes([1.0], parrots[0])
    nest.Connect(g, parrots[1:], syn_spec={"receptor_type": 1})
    nest.Connect(parrots[0], parrots[2], syn_spec={"delay": H})
    heard = recorder(parrots)
    nest.Simulate(5.0)
    assert order(heard) == [(1.5, 2 - 1), (2.0, 3)]
    assert nest.GetConnections(g).receptor == [0, 1, 1]


@pytest.mark.parametrize(("model", "jumps"), [("parrot_neuron", [20, 20, 20]), ("spike_dilutor", [10, 10, 20])])
def test_weights_that_change_while_spikes_are_under_way(model, jumps):
    """Parrots hand on their spikes with the slice, as neurons; dilutors at once, as generators."""
    nest.resolution = 0.1
    relay, n = nest.Create(model), nest.Create("gif_psc_exp", params={"lambda_0": 0.0})
    spikes([3.9, 4.0, 4.1], relay, delay=1.0)
    nest.Connect(relay, n, syn_spec={"weight": 10.0, "delay": 1.5})
    nest.Connect(relay, n, syn_spec={"weight": 0.0, "delay": 1.0})
    m = meter(n, "I_syn_ex", delay=1.0, interval=0.1)
    nest.Simulate(5.0)
    nest.GetConnections(relay, n)[0].weight = 20.0
    nest.Simulate(5.0)
    current = m.events["I_syn_ex"]
    arrived = np.diff(current) + current[:-1] * (1 - np.exp(-0.05))
    k = np.flatnonzero(np.abs(arrived) > 1e-9)
    assert_allclose(m.events["times"][k + 1], [6.4, 6.5, 6.6], rtol=0, atol=1e-12)
    assert_allclose(arrived[k], jumps, rtol=1e-10, atol=0)


def test_a_delay_onto_parrots_that_changes_while_spikes_are_under_way():
    n = nest.Create("gif_psc_exp", params={"lambda_0": 1e12, "V_T_star": -100.0, "t_ref": 50.0})
    parrot = nest.Create("parrot_neuron")
    nest.Connect(n, parrot, syn_spec={"delay": 3.0, "weight": -7.0})
    heard = recorder(parrot)
    nest.Simulate(0.5)
    nest.GetConnections(n, parrot).delay = 2.0
    nest.Simulate(3.0)
    assert times(heard)[0] == 2.5


# -- dilutors ---------------------------------------------------------------------------------------------------------

WINDOWS = [  # shortest delay, window, times to simulate; first and last spike
    (1.0, {"start": 4.9}, [30.0], 5.5, 28.0),
    (1.0, {"start": 5.0}, [30.0], 6.5, 28.0),
    (1.0, {"start": 5.7, "stop": 20.0}, [30.0], 6.5, 21.0),
    (1.0, {"start": 6.2, "stop": 12.1}, [3.3, 2.9, 20.0], 7.5, 13.0),
    (1.0, {"origin": 4.0, "stop": 12.1}, [30.0], 5.5, 17.0),
    (1.0, {"stop": 11.9}, [30.0], 3.5, 12.0),
    (1.0, {"stop": 12.0}, [30.0], 3.5, 13.0),
    (0.7, {"start": 4.9, "stop": 20.0}, [30.0], 6.0, 20.0),
    (0.7, {"start": 5.6, "stop": 20.0}, [30.0], 6.5, 20.0),
    (0.7, {"stop": 11.2}, [3.3, 2.9, 20.0], 3.5, 11.5),
    (0.7, {"stop": 12.1}, [30.0], 3.5, 12.5),
    (3.0, {"start": 5.7, "stop": 20.0}, [30.0], 6.5, 21.0),
    (3.0, {"start": 6.2, "stop": 12.1}, [3.3, 2.9, 20.0], 9.5, 15.0),
]


@pytest.mark.parametrize(("shortest", "window", "runs", "first", "last"), WINDOWS)
def test_windows_of_dilutors(shortest, window, runs, first, last):
    """A dilutor is active throughout the slices that begin in its window; in others it loses what arrives."""
    nest.resolution = 0.1
    dilutor, parrots = nest.Create("spike_dilutor", params=window), nest.Create("parrot_neuron", 2)
    nest.Connect(parrots[0], parrots[1], syn_spec={"delay": shortest})
    spikes([round(0.5 * k, 1) for k in range(1, 50 + 1)], dilutor, delay=3.0)
    heard = nest.Create("spike_recorder")
    nest.Connect(dilutor, heard, syn_spec={"delay": 3.0})
    for time in runs:
        nest.Simulate(time)
    last = min(last, sum(runs))
    assert_allclose(heard.events["times"], np.arange(first, last + 0.1, 0.5), rtol=0, atol=1e-9)


def test_windows_of_dilutors_change_between_runs():
    dilutor = nest.Create("spike_dilutor", 2)
    spikes(np.arange(1.0, 30.0), dilutor, delay=1.0)
    heard = nest.Create("spike_recorder")
    nest.Connect(dilutor, heard)
    nest.Simulate(10.0)
    dilutor[1].stop = 12.0
    nest.Simulate(10.0)
    senders = heard.events["senders"]
    assert np.max(heard.events["times"][senders == 2]) == 13.0
    assert np.max(heard.events["times"][senders == 1]) == 20.0


@pytest.mark.parametrize("model", RELAYS)
def test_frozen_relays_are_silent(model):
    relays = nest.Create(model, 2, [{"frozen": True}, {}])
    spikes(np.arange(1.0, 30.0), relays, delay=1.0)
    heard = nest.Create("spike_recorder")
    nest.Connect(relays, heard)
    nest.Simulate(5.0)
    assert set(heard.events["senders"]) == {2}
    relays.frozen = [False, True]
    nest.Simulate(20.0)
    late = heard.events["times"] > 5.0
    assert set(heard.events["senders"][late]) == {1}


def test_dilutors_lose_spikes_of_each_connection_at_random():
    """Of four spikes at once each connection passes a binomial number, whatever the others do."""
    nest.resolution = 1.0
    n, p = 3000, 0.3
    dilutor, parrots, heard = nest.Create("spike_dilutor"), nest.Create("parrot_neuron", 2), []
    dilutor.p_copy = p
    spikes(np.arange(1.0, n + 1.0), dilutor, delay=1.0, spike_multiplicities=np.full(n, 4))
    nest.Connect(dilutor, parrots)
    nest.Connect(dilutor, parrots[0])
    for source in (dilutor, parrots[0], parrots[1], dilutor):
        heard.append(nest.Create("spike_recorder"))
        nest.Connect(source, heard[-1])
    nest.Simulate(n + 5.0)
    counts = [np.bincount(device.events["times"].astype(int), minlength=n + 6) for device in heard]
    counts = [c[shift : n + shift] for c, shift in zip(counts, (2, 3, 3, 2), strict=True)]
    for c, most in zip(counts, (4, 8, 4, 4), strict=True):
        expected = n * stats.binom(most, p).pmf(np.arange(most + 1))
        observed = np.bincount(c, minlength=most + 1)
        if most == 8:  # rare ones together
            expected, observed = (
                np.append(expected[:6], expected[6:].sum()),
                np.append(observed[:6], observed[6:].sum()),
            )
        assert stats.chisquare(observed, expected).pvalue > FALSE_ALARM
    correlations = np.corrcoef(counts)[np.triu_indices(4, 1)]
    assert np.all(np.abs(correlations) < 5.2 / np.sqrt(n))  # p = 2e-7 each


def test_dilutors_of_a_block_have_their_own_probabilities():
    nest.resolution = 1.0
    dilutors = nest.Create("spike_dilutor", 4, {"p_copy": [0.0, 1.0, 0.5, 0.1]})
    parrots = nest.Create("parrot_neuron", 4)
    n = 4000
    spikes(np.arange(1.0, n + 1.0), dilutors, delay=1.0)
    nest.Connect(dilutors, parrots, "one_to_one")
    heard = nest.Create("spike_recorder", 2)
    nest.Connect(parrots, heard[0])
    nest.Connect(dilutors, heard[1])
    nest.Simulate(n + 5.0)
    for device, first in ((heard[0], parrots[0].global_id), (heard[1], 1)):
        counts = np.bincount(device.events["senders"] - first, minlength=4)
        assert counts[:2].tolist() == [0, n]
        for count, p in zip(counts[2:].tolist(), (0.5, 0.1), strict=True):
            assert stats.binomtest(count, n, p).pvalue > FALSE_ALARM


@pytest.mark.parametrize("value", [1.2, -0.1, float("nan")])
def test_bad_probabilities_of_dilutors(value):
    text = "Copy probability must be in [0, 1]."
    with pytest.raises(Errors.BadProperty) as error:
        nest.Create("spike_dilutor", params={"p_copy": value})
    assert str(error.value) == f"Setting status of a 'spike_dilutor' with node ID 1: {text}"
    with pytest.raises(Errors.BadProperty) as error:
        nest.SetDefaults("spike_dilutor", {"p_copy": value})
    assert str(error.value) == f"Setting status of model 'spike_dilutor': {text}"


# -- what scripts see -------------------------------------------------------------------------------------------------


def test_status_and_defaults():
    assert nest.GetDefaults("parrot_neuron", "element_type") == "neuron"
    assert nest.GetDefaults("spike_dilutor", ["element_type", "p_copy", "start"]) == ["stimulator", 1.0, 0.0]
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="V_m"):
        nest.Create("parrot_neuron", params={"V_m": 1.0})
    assert nest.GetDefaults("parrot_neuron", "flush_event_send_interval") == np.inf
    assert nest.Create("parrot_neuron", params={"flush_event_send_interval": 5.0}).flush_event_send_interval == 5.0
    with pytest.raises(Errors.BadProperty, match="flush_event_send_interval > 0 required"):
        nest.SetDefaults("parrot_neuron", {"flush_event_send_interval": 0.0})
    nest.CopyModel("spike_dilutor", "half", {"p_copy": 0.5})
    nest.SetDefaults("spike_dilutor", {"p_copy": 0.25})
    assert nest.Create("half", 2).p_copy == (0.5, 0.5)
    assert nest.Create("spike_dilutor").p_copy == 0.25
    nest.ResetKernel()
    assert nest.GetDefaults("spike_dilutor", "p_copy") == 1.0
    assert "half" not in nest.node_models


def test_order_of_connections():
    """Those to and from dilutors come among those of devices."""
    n, p, d = nest.Create("gif_psc_exp", 2), nest.Create("parrot_neuron", 2), nest.Create("spike_dilutor", 2)
    g, r = nest.Create("poisson_generator"), nest.Create("spike_recorder")
    for pre, post in ((d, p), (g, d), (n, d), (p, d), (d, d), (d, r), (p, r), (g, p), (p, n)):
        nest.Connect(pre, post)
    nest.Connect(n, p, syn_spec="bernoulli_synapse")
    nest.Connect(p, p)
    found = nest.GetConnections()
    ends = list(zip(found.source, found.target, strict=True))
    first = [(1, 3), (1, 4), (2, 3), (2, 4)]
    cells = [(s, t) for s in (3, 4) for t in (1, 2, 3, 4)]
    to_devices = [(s, t) for s in (1, 2) for t in (5, 6)] + [(s, t) for s in (3, 4) for t in (5, 6, 8)]
    from_devices = [(s, t) for s in (5, 6) for t in (3, 4, 5, 6, 8)] + [(7, t) for t in (5, 6, 3, 4)]
    assert ends == [*first, *cells, *to_devices, *from_devices]


NO_SPIKES = "The target node or synapse model does not support spike input."
NOTE = "\n  Note that volt/multimeters must be connected as Connect(meter, neuron)."
RECORDER = "Source node does not send output.\n  Note that recorders must be connected as Connect(neuron, recorder)."
RECEIVER = "We do not allow connection of a device to a global receiver at the moment."
LOGGING = "The target node or synapse model does not support data logging requests."
CURRENT = "The target node or synapse model does not support current input."
PROXIES = "Cannot use this rule to connect to nodes without proxies (usually devices)."
ONE_SOURCE = {"rule": "fixed_indegree", "indegree": 1}


@pytest.mark.parametrize(
    ("pre", "post", "rule", "text"),
    [
        *(("spike_recorder", relay, None, RECORDER) for relay in RELAYS),
        *((meter, relay, None, LOGGING) for relay in RELAYS for meter in ("multimeter", "voltmeter")),
        *((current, relay, None, CURRENT) for relay in RELAYS for current in ("dc_generator", "noise_generator")),
        *(("parrot_neuron", post, None, NO_SPIKES + NOTE) for post in ("multimeter", "poisson_generator")),
        *(("parrot_neuron", post, None, NO_SPIKES + NOTE) for post in ("dc_generator", "spike_generator")),
        *(("spike_dilutor", post, None, RECEIVER) for post in ("multimeter", "poisson_generator", "spike_generator")),
        *(("spike_dilutor", post, None, NO_SPIKES + NOTE) for post in ("dc_generator", "sinusoidal_poisson_generator")),
        *((pre, "spike_dilutor", ONE_SOURCE, PROXIES) for pre in ("parrot_neuron", "spike_generator")),
    ],
)
def test_wrong_connections(pre, post, rule, text):
    pre, post = nest.Create(pre), nest.Create(post)
    with pytest.raises(Errors.IllegalConnection) as error:
        nest.Connect(pre, post, rule)
    assert str(error.value) == f"Creation of connection is not possible because:\n{text}"
    assert nest.num_connections == 0


@pytest.mark.parametrize(
    ("pre", "post", "receptor"),
    [
        ("spike_generator", "parrot_neuron", 2),
        ("parrot_neuron", "gif_psc_exp", 1),
        ("gif_psc_exp", "spike_dilutor", 1),
        ("parrot_neuron", "parrot_neuron", 2),
    ],
)
def test_wrong_receptors(pre, post, receptor):
    with pytest.raises(Errors.UnknownReceptorType) as error:
        nest.Connect(nest.Create(pre), nest.Create(post), syn_spec={"receptor_type": receptor})
    assert str(error.value) == f"Receptor type {receptor} is not available in {post}."


def test_a_dilutor_has_one_synapse_model():
    dilutor, n = nest.Create("spike_dilutor", 40), nest.Create("gif_psc_exp", 40)
    nest.Connect(dilutor, n, syn_spec="bernoulli_synapse")
    with pytest.raises(Errors.IllegalConnection, match="All outgoing connections from a device must use the same"):
        nest.Connect(dilutor[5], n)


def test_prepare_run_cleanup():
    parrot = nest.Create("parrot_neuron", 100)
    spikes(np.arange(1.0, 20.0), parrot, delay=1.0)
    heard = recorder(parrot)
    with nest.RunManager():
        for _ in range(4):
            nest.Run(5.0)
    assert np.bincount(heard.events["senders"], minlength=101)[1:].tolist() == [19] * 100


def test_spikes_are_counted():
    """As NEST does: those of parrots and injectors each as many times as they are, those of dilutors not."""
    g = nest.Create("spike_generator", params={"spike_times": [1.0, 2.0, 15.0], "spike_multiplicities": [3, 2, 4]})
    first, second = nest.Create("parrot_neuron", 2), nest.Create("parrot_neuron", 2)
    nest.Connect(g, first)
    nest.Connect(first, second)
    nest.Simulate(10.0)
    assert nest.local_spike_counter == 2 * 5 + 2 * 2 * 5
    nest.Simulate(10.0)
    assert nest.local_spike_counter == 2 * 4 + 2 * 2 * 4
    nest.ResetKernel()
    times = {"spike_times": [1.0, 2.0], "spike_multiplicities": [3, 2]}
    dilutors, parrots = nest.Create("spike_dilutor", 2), nest.Create("parrot_neuron", 2)
    nest.Connect(nest.Create("spike_generator", params=times), dilutors)
    nest.Connect(dilutors, parrots)
    nest.Connect(nest.Create("spike_train_injector", params=times), nest.Create("gif_psc_exp", 3))
    nest.Simulate(10.0)
    assert nest.local_spike_counter == 2 * 2 * 5 + 5


@pytest.mark.parametrize(
    ("rule", "receptors", "error", "text"),
    [
        ("one_to_one", [0, 1], nest.NESTError, "receptors that differ between connections are not available"),
        ("all_to_all", [[0, 1], [0, 1]], nest.NESTError, "receptors that differ between connections are not available"),
        ("one_to_one", nest.random.uniform_int(2), nest.NESTError, "receptors that are drawn are not available"),
        ("one_to_one", [0, 1, 1], ValueError, "'receptor_type' has to be an array of dimension 2"),
        ("one_to_one", [0, 2], Errors.UnknownReceptorType, "Receptor type 2 is not available in parrot_neuron"),
        ("all_to_all", [0, 0], TypeError, "'receptor_type' has the wrong type. One-dimensional"),
        ("all_to_all", [], TypeError, "'receptor_type' has the wrong type. One-dimensional"),
        ("all_to_all", 1.0, RuntimeError, "key receptor_type does not hold a numeric integer type"),
        ("all_to_all", True, Errors.BadProperty, "Cannot handle parameter type. Received bool"),
        ("all_to_all", "a", Errors.BadProperty, "Cannot handle parameter type. Received std::string"),
        ("all_to_all", {"a": 3}, Errors.BadProperty, "Cannot handle parameter type. Received Dictionary"),
    ],
)
def test_several_receptors(rule, receptors, error, text):
    """All but the first three are NEST's errors."""
    parrots = nest.Create("parrot_neuron", 2)
    with pytest.raises(error, match=text):
        nest.Connect(parrots, parrots, rule, {"receptor_type": receptors})
    assert nest.num_connections == 0
    nest.Connect(parrots, parrots, "one_to_one", {"receptor_type": [1, 1]})
    nest.Connect(parrots, parrots, "all_to_all", {"receptor_type": [[0, 0], [0, 0]]})
    assert nest.GetConnections().get("receptor") == [1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("name", ["weight", "delay"])
def test_dictionaries_are_no_values(name):
    parrots = nest.Create("parrot_neuron", 2)
    with pytest.raises(Errors.BadProperty, match=r"Cannot handle parameter type\. Received Dictionary"):
        nest.Connect(parrots, parrots, syn_spec={name: {"a": 3}})
