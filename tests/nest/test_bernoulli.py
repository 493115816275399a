"""gifpop.nest: bernoulli_synapse. Errors are NEST 3.10's; spikes pass connections by their law, independently."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import gifpop.nest as nest
from gifpop import _core
from tests.helpers.nest_devices import SHORT, H, arrivals, firing, meter, recorder, silent

Errors = nest.NESTErrors
FALSE_ALARM = 1e-6
WRONG = r"Spike transmission probability must be in \[0, 1\]."


def bernoulli(p=1.0, **values):
    return {"synapse_model": "bernoulli_synapse", "p_transmit": p, "weight": 1.0, "delay": H} | values


def every_step(n):
    """Create neurons that fire in every other step."""
    return nest.Create("gif_psc_exp", n, {"lambda_0": 1e12, "V_T_star": -100.0, "t_ref": H})


def deaf(n):
    """Create neurons that do not fire; their I_syn is what arrived in the step."""
    return nest.Create("gif_psc_exp", n, {"lambda_0": 0.0, **SHORT})


def received(target, steps, n):
    """Return what arrived at each of some neurons in each step, shape (steps, n)."""
    m = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": H})
    nest.Connect(m, target, syn_spec={"delay": H})
    nest.Simulate(steps * H)
    events = m.events
    order = np.lexsort((events["senders"], events["times"]))
    return np.round(events["I_syn_ex"][order].reshape(-1, n), 6)


def of_law(counts, law, most):
    """Return whether numbers up to ``most`` follow a law; rare ones are put together."""
    expected = len(counts) * law.pmf(np.arange(most + 1))
    observed = np.bincount(counts, minlength=most + 1)[: most + 1].astype(float)
    often = np.flatnonzero(expected >= 5)
    first, last = often[0], often[-1] + 1
    parts = [slice(0, first + 1), *(slice(k, k + 1) for k in range(first + 1, last - 1)), slice(last - 1, None)]
    expected, observed = ([values[part].sum() for part in parts] for values in (expected, observed))
    return stats.chisquare(observed, expected, sum_check=False).pvalue > FALSE_ALARM


# -- laws -------------------------------------------------------------------------------------------------------------


def test_the_mean_between_populations():
    """Of 1000 neurons that fire once in 3.1 ms a quarter arrives: 1000 / 3.1 ms x 0.25 x 3 ms."""
    nest.resolution = 0.1
    often = {"N": 1000, "lambda_0": 1e6, "V_T_star": -100.0, "t_ref": 3.0, "tau_sfa": [1.0], "q_sfa": [0.0]}
    p, q = nest.Create("gif_pop_psc_exp", 1, often), nest.Create("gif_pop_psc_exp", 1, {"N": 10, "lambda_0": 0.0})
    nest.Connect(p, q, syn_spec={"synapse_model": "bernoulli_synapse", "p_transmit": 0.25, "weight": 1.0})
    m = meter(q, "I_syn_ex", delay=1.0, interval=0.1)
    nest.Simulate(400.0)
    mean = m.events["I_syn_ex"][-62 * 31 :].mean()  # of 62 volleys
    deviation = 3 / 3.1 * np.sqrt(1000 * 0.25 * 0.75 / 62)
    assert abs(mean - 1000 / 3.1 * 0.25 * 3) < 5.2 * deviation + 0.5  # p = 2e-7


@pytest.mark.parametrize(("N", "p"), [(1, 0.4), (30, 0.1), (1000, 0.25), (1000, 0.9)])
def test_counts_of_populations_are_thinned_binomially(N, p):
    """Onto a population, neurons, parrots and recorders, each connection by itself."""
    source, target, neurons = firing(N=N), silent(**SHORT), deaf(3)
    parrot, heard = nest.Create("parrot_neuron"), nest.Create("spike_recorder")
    for post in (target, neurons, parrot):
        nest.Connect(source, post, syn_spec=bernoulli(p))
    nest.Connect(source, heard, syn_spec=bernoulli(p))
    of_parrot, m = recorder(parrot), meter(target, "I_syn_ex")
    rows = received(neurons, 2000, 3)
    active = np.flatnonzero(rows.any(axis=1))
    rows = rows[active[0] % 2 :: 2][2:990].astype(int)
    counts = list(rows.T)
    got = dict(arrivals(m))
    stamps = sorted({round(t * 2) for t in got})
    counts.append(np.array([int(got.get(k / 2, 0)) for k in range(stamps[0] % 2 + 4, 1900, 2)]))
    for device in (of_parrot, heard):
        steps = np.round(device.events["times"] / H).astype(int)
        counts.append(np.bincount(steps, minlength=1900)[steps[0] % 2 + 4 : 1900 : 2])
    for each in counts:
        assert of_law(each, stats.binom(N, p), N)
    n = min(map(len, counts))
    correlations = np.corrcoef([each[:n] for each in counts])[np.triu_indices(len(counts), 1)]
    assert np.all(np.abs(correlations) < 5.5 / np.sqrt(n))  # p = 4e-8 each


def test_connections_between_neurons_have_their_own_probabilities():
    """Numbers of spikes through each of 900 connections; those of a neuron are independent, and of successive steps."""
    sources, targets = every_step(1), deaf(900)
    p = np.linspace(0.0, 1.0, 900)
    nest.Connect(sources, targets, syn_spec=bernoulli(p[:, np.newaxis]))
    assert_array_equal(nest.GetConnections(sources, targets).p_transmit, p)
    rows = received(targets, 800, 900) > 0
    rows = rows[np.flatnonzero(rows.any(axis=1))[0] :: 2]
    n = len(rows)
    sums = rows.sum(axis=0)
    assert sums[0] == 0
    assert sums[-1] == n
    u = stats.binom.cdf(sums[1:-1] - 1, n, p[1:-1]) + np.random.default_rng(1).random(898) * stats.binom.pmf(
        sums[1:-1], n, p[1:-1]
    )
    assert stats.kstest(u, "uniform").pvalue > FALSE_ALARM
    totals = rows.sum(axis=1)
    variance = np.sum(p * (1 - p))
    assert stats.kstest((totals - p.sum()) / np.sqrt(variance), "norm").pvalue > FALSE_ALARM
    assert abs(np.corrcoef(totals[:-1], totals[1:])[0, 1]) < 5.2 / np.sqrt(n)  # p = 2e-7


@pytest.mark.parametrize("n", [4, 60])
def test_all_to_all_with_one_probability(n):
    """Few connections are stored one by one, those of whole blocks not at all: the sums are binomial."""
    sources, targets = every_step(n), deaf(n)
    nest.Connect(sources, targets, syn_spec=bernoulli(0.3))
    rows = received(targets, 600, n)
    rows = rows[np.flatnonzero(rows.any(axis=1))[0] :: 2]
    assert of_law(rows.astype(int).ravel(), stats.binom(n, 0.3), n)


def test_drawn_probabilities():
    n = nest.Create("gif_psc_exp", 100)
    nest.Connect(n, n, syn_spec=bernoulli(nest.random.uniform(0.1, 0.3)))
    p = np.array(nest.GetConnections().p_transmit)
    assert stats.kstest(p, "uniform", (0.1, 0.2)).pvalue > FALSE_ALARM


def test_recorders_of_neurons_through_several_connections():
    sources = every_step(3)
    heard = nest.Create("spike_recorder")
    for p in (0.2, 0.5):
        nest.Connect(sources, heard, syn_spec=bernoulli(p))
    nest.Connect(sources[0], heard, syn_spec=bernoulli(0.0))
    full = recorder(sources)
    nest.Simulate(1000.0)
    fired = np.bincount(full.events["senders"])[1:4]
    senders, steps = heard.events["senders"], np.round(heard.events["times"] / H).astype(int)
    law = [0.8 * 0.5, 0.2 * 0.5 + 0.8 * 0.5, 0.2 * 0.5]
    for k, n in enumerate(fired.tolist(), start=1):
        times = np.bincount(np.bincount(steps[senders == k]), minlength=3)
        times[0] = n - times[1] - times[2]
        assert stats.chisquare(times[:3], n * np.array(law)).pvalue > FALSE_ALARM


def test_injectors_send_through_it():
    n = 3000
    g = nest.Create(
        "spike_train_injector", params={"spike_times": np.arange(1.0, n + 1.0), "spike_multiplicities": [3] * n}
    )
    target, heard = silent(**SHORT), nest.Create("spike_recorder")
    for post in (target, heard):
        nest.Connect(g, post, syn_spec=bernoulli(0.4, weight=2.0))
    m = meter(target, "I_syn_ex")
    nest.Simulate(n + 5.0)
    arrived = [w / 2 for _, w in arrivals(m)]
    counts = np.array(arrived + [0] * (n - len(arrived)), dtype=int)
    assert of_law(counts, stats.binom(3, 0.4), 3)
    of_steps = np.bincount(heard.events["times"].astype(int), minlength=n + 1)[1 : n + 1]
    assert of_law(of_steps, stats.binom(3, 0.4), 3)


def test_dilutors_and_their_synapses_both_lose_spikes():
    dilutor, heard = nest.Create("spike_dilutor", params={"p_copy": 0.5}), nest.Create("spike_recorder")
    g = nest.Create("spike_generator", params={"spike_times": np.arange(1.0, 3001.0)})
    nest.Connect(g, dilutor)
    nest.Connect(dilutor, heard, syn_spec=bernoulli(0.4))
    nest.Simulate(3010.0)
    assert stats.binomtest(heard.n_events, 3000, 0.2).pvalue > FALSE_ALARM


# -- what does not depend on how it is computed -----------------------------------------------------------------------


def build(threads=1):
    nest.ResetKernel()
    nest.set(resolution=H, local_num_threads=threads)
    nest.rng_seed = 5
    neurons, parrots = (
        nest.Create("gif_psc_exp", 1500, {"I_e": 150.0, "lambda_0": 20.0}),
        nest.Create("parrot_neuron", 700),
    )
    population = firing(N=400, every=3)
    rule = {"rule": "fixed_indegree", "indegree": 20}
    nest.Connect(neurons, neurons, rule, bernoulli(0.3, weight=2.0))
    nest.Connect(population, parrots, syn_spec=bernoulli(0.01))
    nest.Connect(parrots, neurons, rule, bernoulli(nest.random.uniform(0.2, 0.8), weight=-3.0, delay=2 * H))
    m = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": H})
    nest.Connect(m, neurons[::50], syn_spec={"delay": H})
    heard = nest.Create("spike_recorder")
    nest.Connect(neurons + parrots, heard, syn_spec=bernoulli(0.5))
    return m, heard


def test_threads_and_pieces_of_runs_change_nothing():
    runs = []
    for threads, pieces in ((1, [40.0]), (2, [40.0]), (1, [3.5, 0.5, 20.0, 16.0])):
        _core.share_always_among_threads(threads > 1)
        try:
            m, heard = build(threads)
            for time in pieces:
                nest.Simulate(time)
        finally:
            _core.share_always_among_threads(False)
        events, spikes = m.events, heard.events
        k = np.lexsort((events["senders"], events["times"]))
        j = np.lexsort((spikes["senders"], spikes["times"]))
        runs.append((events["V_m"][k], spikes["times"][j], spikes["senders"][j]))
    assert len(runs[0][1]) > 1000
    for other in runs[1:]:
        for one, another in zip(runs[0], other, strict=True):
            assert_array_equal(one, another)


def test_the_seed_decides():
    def drawn(seed):
        nest.ResetKernel()
        nest.resolution = H
        nest.rng_seed = seed
        source, heard = firing(N=100), nest.Create("parrot_neuron")
        nest.Connect(source, heard, syn_spec=bernoulli(0.5))
        device = recorder(heard)
        nest.Simulate(20.0)
        return device.events["times"].tolist()

    assert drawn(3) == drawn(3) != drawn(4)


def test_weights_delays_and_probabilities_change_between_runs():
    source, target = firing(N=10), silent(**SHORT)
    nest.Connect(source, target, syn_spec=bernoulli(1.0))
    m = meter(target, "I_syn_ex")
    nest.Simulate(10.0)
    nest.GetConnections(source, target).set(weight=2.0, p_transmit=0.0)
    nest.Simulate(10.0)
    nest.GetConnections(source, target).p_transmit = 1.0
    nest.Simulate(10.0)
    got = arrivals(m)
    assert {w for t, w in got if t <= 10.0} == {10.0}
    assert [w for t, w in got if 11.0 < t <= 20.0] == []
    assert {w for t, w in got if t > 21.0} == {20.0}


# -- what scripts see -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), nest.random.uniform(1.1, 1.2)])
def test_bad_probabilities(value):
    n = nest.Create("gif_psc_exp", 3)
    with pytest.raises(Errors.BadProperty, match=f"^{WRONG}$"):
        nest.Connect(n, n, syn_spec=bernoulli(value))
    assert nest.num_connections == 0
    nest.Connect(n, n, syn_spec=bernoulli(0.5))
    if isinstance(value, float):
        for change in (value, [0.1] * 8 + [value]):
            with pytest.raises(Errors.BadProperty, match=WRONG):
                nest.GetConnections().p_transmit = change
        with pytest.raises(Errors.BadProperty, match=WRONG):
            nest.SetDefaults("bernoulli_synapse", {"p_transmit": value})
        with pytest.raises(Errors.BadProperty, match=WRONG):
            nest.CopyModel("bernoulli_synapse", "other", {"p_transmit": value})
    assert nest.GetConnections().p_transmit == [0.5] * 9


@pytest.mark.parametrize(
    ("value", "rule", "error", "text"),
    [
        ("a", None, Errors.BadProperty, "Cannot handle parameter type. Received std::string"),
        (True, None, Errors.BadProperty, "Cannot handle parameter type. Received bool"),
        ([0.1, 0.2, 0.3], None, TypeError, "'p_transmit' has the wrong type. One-dimensional parameter arrays"),
        ([0.1, 0.2, 1.3], "one_to_one", Errors.BadProperty, WRONG),
        ([0.1, 0.2], "one_to_one", ValueError, "'p_transmit' has to be an array of dimension 3"),
    ],
)
def test_bad_types(value, rule, error, text):
    n = nest.Create("gif_psc_exp", 3)
    with pytest.raises(error, match=text):
        nest.Connect(n, n, rule, bernoulli(value))


def test_arrays_of_probabilities():
    n = nest.Create("gif_psc_exp", 3)
    nest.Connect(n, n, "one_to_one", bernoulli([0.1, 0.2, 0.3]))
    assert nest.GetConnections().p_transmit == [0.1, 0.2, 0.3]
    nest.ResetKernel()
    n = nest.Create("gif_psc_exp", 3)
    nest.Connect(n, n, syn_spec=bernoulli([[0.1, 0.2, 0.3]] * 3, delay=1.0))
    assert nest.GetConnections().p_transmit == [0.1] * 3 + [0.2] * 3 + [0.3] * 3


def test_values_of_connections_of_both_synapses():
    n = nest.Create("gif_psc_exp", 2)
    nest.Connect(n, n)
    assert "p_transmit" not in nest.GetConnections().get()
    nest.Connect(n, n, syn_spec="bernoulli_synapse")
    found = nest.GetConnections()
    assert found.synapse_model == ["bernoulli_synapse"] * 4 + ["static_synapse"] * 4
    assert found.p_transmit == [1.0] * 4 + [None] * 4
    assert "p_transmit" in found.get()
    assert "p_transmit" not in nest.GetConnections(synapse_model="static_synapse").get()
    with pytest.raises(Errors.UnaccessedDictionaryEntry) as error:
        nest.GetConnections(synapse_model="static_synapse").p_transmit = 0.3
    assert str(error.value) == "Unaccessed elements in params, in function connection.set():  p_transmit"
    found[:4].set([{"p_transmit": 0.1 * k} for k in range(4)])
    assert_allclose(found[:4].p_transmit, [0.0, 0.1, 0.2, 0.3], rtol=1e-15, atol=0)


def test_defaults_and_copies():
    assert nest.GetDefaults("bernoulli_synapse", "p_transmit") == 1.0
    assert "p_transmit" not in nest.GetDefaults("static_synapse")
    with pytest.raises(Errors.UnaccessedDictionaryEntry):
        nest.SetDefaults("static_synapse", {"p_transmit": 0.4})
    nest.CopyModel("bernoulli_synapse", "unreliable", {"p_transmit": 0.4, "weight": 3.0})
    nest.SetDefaults("bernoulli_synapse", {"p_transmit": 0.7})
    n = nest.Create("gif_psc_exp")
    nest.Connect(n, n, syn_spec="unreliable")
    nest.Connect(n, n, syn_spec="bernoulli_synapse")
    found = nest.GetConnections()
    assert sorted(zip(found.p_transmit, found.weight, strict=True)) == [(0.4, 3.0), (0.7, 1.0)]
    nest.ResetKernel()
    assert nest.GetDefaults("bernoulli_synapse", "p_transmit") == 1.0
    assert "unreliable" not in nest.synapse_models


def test_it_has_no_weight_recorder():
    recorder = nest.Create("weight_recorder")
    with pytest.raises(nest.NESTError, match=r"gifpop\.nest has no weight_recorder of bernoulli_synapse"):
        nest.CopyModel("bernoulli_synapse", "recorded", {"weight_recorder": recorder})


REFUSED = [
    *((g, f"{kind} input") for g, kind in (("spike_generator", "spike"), ("poisson_generator", "spike"))),
    *((g, "current input") for g in ("dc_generator", "ac_generator", "step_current_generator")),
    ("noise_generator", "DS current input"),
    *((meter, "data logging requests") for meter in ("multimeter", "voltmeter")),
]


@pytest.mark.parametrize(("device", "kind"), REFUSED)
@pytest.mark.parametrize(
    "target", ["gif_psc_exp", "gif_pop_psc_exp", "spike_recorder", "parrot_neuron", "spike_dilutor"]
)
def test_devices_do_not_send_through_it(device, kind, target):
    pre, post = nest.Create(device), nest.Create(target)
    with pytest.raises(Errors.IllegalConnection) as error:
        nest.Connect(pre, post, syn_spec="bernoulli_synapse")
    text = f"The target node or synapse model does not support {kind}."
    assert str(error.value) == f"Creation of connection is not possible because:\n{text}"
