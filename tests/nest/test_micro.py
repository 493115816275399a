"""gifpop.nest: networks of neurons - devices, networks mixed with populations, changes between runs.

Statistics may be 5.5 standard deviations off (false alarm 4e-8 per comparison); seeds are fixed.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from gifpop.common import memory

H = 0.5
ALWAYS = {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0}  # fires whenever it can
NEVER = {"lambda_0": 0.0}


def meter_of(nodes, *names, interval=H):
    meter = nest.Create("multimeter", params={"record_from": names, "interval": interval})
    nest.Connect(meter, nodes)
    return meter


def of(meter, node, name):
    """Return what a meter recorded of a node."""
    return meter.events[name][meter.events["senders"] == node]


# -- devices ----------------------------------------------------------------------------------------------------------


def test_currents_onto_parts_of_a_block():
    """A generator onto a block, a slice and single neurons is felt by these, with the weights of the connections."""
    n = nest.Create("gif_psc_exp", 6, NEVER)
    lone = [nest.Create("gif_psc_exp", 1, NEVER) for _ in range(6)]
    generator = nest.Create("dc_generator", params={"amplitude": 10.0, "start": 5.0, "stop": 20.0})
    for whole, parts in ((n, lone), (n[2:4], lone[2:4]), (n[::5], lone[::5]), (n[1], [lone[1]])):
        for targets in (whole, *parts):
            nest.Connect(generator, targets, syn_spec={"weight": 2.0, "delay": 1.5})
    weights = np.arange(1.0, 7.0)
    nest.Connect(generator, n, "all_to_all", {"weight": weights[:, None], "delay": nest.random.uniform(1.0, 4.0)})
    delays = {c.target: c.delay for c in nest.GetConnections(generator, n) if c.delay != 1.5 or c.weight != 2.0}
    for k, each in enumerate(lone):
        nest.Connect(generator, each, syn_spec={"weight": weights[k], "delay": delays.get(k + 1, 1.5)})
    meter = meter_of(n, "V_m")
    other = meter_of(sum(lone[1:], lone[0]), "V_m")
    nest.Simulate(40.0)
    for k in range(6):
        got, expected = of(meter, k + 1, "V_m"), of(other, k + 7, "V_m")
        assert got.max() > -69.0
        assert_allclose(got, expected, rtol=1e-12, atol=0)


def test_spikes_onto_parts_of_a_block():
    """Positive and negative weights of spikes and connections, to single neurons."""
    n = nest.Create("gif_psc_exp", 5, NEVER)
    generator = nest.Create("spike_generator", params={"spike_times": [2.0, 4.0], "spike_weights": [1.0, -3.0]})
    nest.Connect(generator, n[1:3], syn_spec={"weight": 2.0, "delay": 1.0})
    nest.Connect(generator, n[2:], "all_to_all", {"weight": [[5.0], [-7.0], [0.0]], "delay": 2.0})
    meter = meter_of(n, "I_syn_ex", "I_syn_in", interval=H)
    nest.Simulate(9.0)
    jumps = {
        name: [np.diff(of(meter, k, name) * np.exp(np.arange(16) * H / 2.0)) for k in range(1, 6)]
        for name in ("I_syn_ex", "I_syn_in")
    }
    arrived = {
        name: [
            {k + 1: round(float(x * np.exp(-(k + 1) * H / 2.0)), 9) for k, x in enumerate(each) if abs(x) > 1e-9}
            for each in values
        ]
        for name, values in jumps.items()
    }
    # entry k has stamp (k + 1) h: spikes of 2 and 4 ms arrive at stamps 3 and 5 (delay 1), 4 and 6 (delay 2)
    assert arrived["I_syn_ex"] == [{}, {5: 2.0}, {5: 2.0, 7: 5.0}, {11: 21.0}, {}]
    assert arrived["I_syn_in"] == [{}, {9: -6.0}, {9: -6.0, 11: -15.0}, {7: -7.0}, {}]


def test_independent_noise():
    """Each neuron has spikes of its own from each generator, also where a connection is doubled or has its own weight."""
    n = 200
    neurons = nest.Create("gif_psc_exp", n, NEVER | {"tau_syn_ex": H / 800, "tau_syn_in": H / 800})
    generators = nest.Create("poisson_generator", 3, {"rate": [400.0, 400.0, 800.0], "start": 10.0, "stop": 1010.0})
    nest.Connect(generators[:2], neurons[:150], syn_spec={"weight": 2.0})  # .2 a step each
    nest.Connect(generators[2], neurons[100:], "all_to_all", {"weight": np.linspace(1.0, 3.0, 100)[:, None]})
    node = generators[2].global_id
    nest.Connect([node] * 100, neurons[150:].tolist() * 2, "one_to_one", {"weight": -1.0})
    meter = meter_of(neurons, "I_syn_ex", "I_syn_in")
    nest.Simulate(1030.0)
    events = meter.events
    arrived = {
        name: events[name][np.lexsort((events["senders"], events["times"]))].reshape(-1, n)
        for name in ("I_syn_ex", "I_syn_in")
    }
    times = np.unique(events["times"])
    active = (times > 10.0 + H + 1.0) & (times <= 1010.0 + H + 1.0)  # a delay of 1 ms
    for values in arrived.values():
        assert not values[~active].any()
    steps = active.sum()
    assert steps == 2000
    ex, inh = arrived["I_syn_ex"][active], arrived["I_syn_in"][active]
    weights = np.linspace(1.0, 3.0, 100)
    mean, variance = np.zeros(n), np.zeros(n)
    mean[:150] += 2 * 2.0 * 0.2
    variance[:150] += 2 * 4.0 * 0.2
    mean[100:] += 0.4 * weights
    variance[100:] += 0.4 * weights**2
    assert np.abs((ex.mean(axis=0) - mean) / np.sqrt(variance / steps)).max() < 6.0  # of 200: once in 2e6 times
    kurtosis = 1 / 0.4  # of the counts, which the variance of their variance needs
    assert np.abs((ex.var(axis=0) / variance - 1) / np.sqrt((2 + 2 * kurtosis) / steps)).max() < 6.0
    assert abs((inh[:, 150:].mean() + 0.8) / np.sqrt(0.8 / (50 * steps))) < 5.5
    assert not inh[:, :150].any()
    correlation = np.corrcoef(ex.T) - np.eye(n)
    assert np.abs(correlation).max() < 6.5 / np.sqrt(steps)  # of 20000 pairs: once in 6e5 times
    along = [np.corrcoef(ex[1:, k], ex[:-1, k])[0, 1] for k in range(n)]
    assert np.abs(along).max() < 6.0 / np.sqrt(steps)


def test_noise_does_not_depend_on_the_pieces():
    def run(pieces):
        nest.ResetKernel()
        nest.resolution = H
        neurons = nest.Create("gif_psc_exp", 30, {"I_e": 100.0, "lambda_0": 10.0})
        generators = nest.Create("poisson_generator", 5, {"rate": 300.0})
        recorder = nest.Create("spike_recorder")
        nest.Connect(generators, neurons, syn_spec={"weight": 30.0})
        nest.Connect(generators, recorder)
        nest.Connect(
            neurons, neurons, {"rule": "fixed_indegree", "indegree": 5}, {"weight": nest.random.normal(20, 50)}
        )
        nest.Connect(neurons, recorder)
        meter = meter_of(neurons[3:9], "V_m", "I_syn_ex")
        for ms in pieces:
            nest.Simulate(ms)
        return recorder.events, meter.events

    def sorted_events(events):  # where a run ends within a slice, the slice comes in two pieces, as in NEST
        columns = np.array([values for _, values in sorted(events.items())])
        return columns[:, np.lexsort(columns)]

    whole = run([300.0])
    assert len(whole[0]["times"]) > 500
    for pieces in ([150.0, 150.0], [0.5] * 37 + [0.0, 281.5], [7.0] * 42 + [6.0]):
        for got, expected in zip(run(pieces), whole, strict=True):
            assert_array_equal(sorted_events(got), sorted_events(expected))


def test_the_seed_decides():
    def run(seed, reseed=None):
        nest.ResetKernel()
        nest.rng_seed = seed
        neurons = nest.Create("gif_psc_exp", 20, {"I_e": 160.0})
        recorder = nest.Create("spike_recorder")
        nest.Connect(neurons, recorder)
        nest.Simulate(100.0)
        if reseed:
            nest.rng_seed = reseed
        nest.Simulate(200.0)
        return list(zip(recorder.events["times"], recorder.events["senders"], strict=True))

    assert run(1) == run(1)
    assert run(1) != run(2)
    first, second = run(1, 5), run(2, 5)
    assert run(1, 5) == first
    assert run(1, 6) != first != run(1)
    assert second != first


def test_a_new_seed_forgets_the_old_one():
    """What happens after rng_seed is set does not depend on earlier random numbers, only on the state."""

    def run(seed):
        nest.ResetKernel()
        nest.rng_seed = seed
        neurons = nest.Create("gif_psc_exp", 20, NEVER | {"I_e": 160.0})
        recorder = nest.Create("spike_recorder")
        nest.Connect(neurons, recorder)
        nest.Simulate(50.0)
        nest.rng_seed = 5
        neurons.lambda_0 = 1.0
        nest.Simulate(200.0)
        return recorder.events["times"].tolist()

    assert run(1) == run(2)
    assert len(run(1)) > 20


# -- populations beside neurons ---------------------------------------------------------------------------------------


def test_mixed_networks():
    """A population delivers w n to a neuron; a neuron adds w to a population: values of NEST 3.10."""
    p = nest.Create("gif_pop_psc_exp", 2, ALWAYS | {"N": 3, "t_ref": 3.0, "tau_sfa": [1.0], "q_sfa": [0.0]})
    a, q = nest.Create("gif_psc_exp", 3, ALWAYS | {"t_ref": 2.0}), nest.Create("gif_psc_exp", 2, NEVER)
    quiet = nest.Create("gif_pop_psc_exp", 2, {"N": 3, "lambda_0": 0.0})
    nest.Connect(p, q, "one_to_one", {"weight": 10.0, "delay": 0.5})
    nest.Connect(p, q[:1], syn_spec={"weight": -7.0, "delay": 1.0})
    nest.Connect(a, quiet[0], syn_spec={"weight": 10.0, "delay": 0.5})
    nest.Connect(a[:2], quiet[1], syn_spec={"weight": -7.0, "delay": 1.0})
    nest.Connect(a, quiet, {"rule": "fixed_indegree", "indegree": 2}, {"weight": 1.0, "delay": 0.5})
    meter = meter_of(q, "I_syn_ex", "I_syn_in")
    other = meter_of(quiet, "V_m", "I_syn_ex", "I_syn_in")
    nest.Simulate(6.0)
    ex = [0.0] * 7 + [30.0, 23.36402, 18.19592, 14.171]
    for node in q.tolist():
        assert_allclose(of(meter, node, "I_syn_ex"), ex, rtol=0, atol=1e-5)
    inhibited = [0.0] * 8 + [-42.0, -32.70963, -25.47429]
    assert_allclose(of(meter, q[0].global_id, "I_syn_in"), inhibited, rtol=0, atol=1e-5)
    assert_allclose(of(meter, q[1].global_id, "I_syn_in"), 0.0, rtol=0, atol=0)
    first, second = quiet.tolist()
    assert_allclose(
        of(other, first, "I_syn_ex"),
        [0.0, 29.47551, 24.95048, 21.12012, 17.8778, 15.13323, 42.28551, 35.79391, 30.29889, 25.64746, 21.71011],
        rtol=0,
        atol=1e-5,
    )
    assert_allclose(
        of(other, second, "I_syn_in")[:8],
        [0.0, 0.0, -13.43254, -12.35853, -11.3704, -10.46127, -9.62483, -22.28781],
        rtol=0,
        atol=1e-5,
    )


def test_levels_side_by_side():
    """Uncoupled, at 20 mV threshold drive: 6.040 spikes/s of neurons, 5.980 of a population (NEST)."""
    cell = {
        "C_m": 250.0,
        "I_e": 300.0,
        "lambda_0": 10.0,
        "Delta_V": 2.5,
        "tau_sfa": [100.0, 1000.0],
        "q_sfa": [10.0, 1.0],
        "V_T_star": 15.0,
        "V_reset": 0.0,
        "E_L": 0.0,
        "V_m": 0.0,
        "tau_syn_ex": 3.0,
        "tau_syn_in": 6.0,
    }
    neurons = nest.Create("gif_psc_exp", 500, cell | {"g_L": 12.5})
    population = nest.Create("gif_pop_psc_exp", 1, cell | {"tau_m": 20.0, "N": 500})
    recorders = nest.Create("spike_recorder", 2, {"start": 3000.0})
    nest.Connect(neurons, recorders[0])
    nest.Connect(population, recorders[1])
    nest.Simulate(13_000.0)
    rates = np.array(recorders.n_events) / 500 / 10.0
    # renewal-like trains of CV .34 over 10 s: variance of a count .12 of its mean
    error = np.sqrt(0.12 * 6.0 / (500 * 10.0))
    assert abs(rates[0] - 6.040) < 5.5 * np.hypot(error, 0.0017)
    assert abs(rates[1] - 5.980) < 5.5 * np.hypot(error, 0.0013)


# -- changes between runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 40])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("weight", [0.0, 0.0, 0.0, 101.0, 78.659, 61.26, 47.709]),
        ("new", [0.0, 0.0, 0.0, 2002.0, 1559.159, 1214.274, 945.678]),
        ("nothing", [0.0, 0.0, 0.0, 2.0, 1.558, 1.213, 0.945]),
    ],
)
def test_late_spikes(change, expected, size):
    """A weight set between two runs acts on spikes of the last slice too, and so do new connections, as in NEST."""
    firing, quiet = nest.Create("gif_psc_exp", size, ALWAYS), nest.Create("gif_psc_exp", size, NEVER)
    nest.Connect(firing[:2], quiet, syn_spec={"weight": 1.0, "delay": 1.5})
    meter = meter_of(quiet[0], "I_syn_ex")
    nest.Simulate(1.0)
    if change == "weight":
        nest.GetConnections(firing[0], quiet[0]).weight = 100.0
    elif change == "new":
        nest.Connect(firing[:2], quiet, syn_spec={"weight": 1000.0, "delay": 1.5})
    nest.Simulate(5.0)
    assert_allclose(meter.events["I_syn_ex"][:7], expected, rtol=0, atol=1e-3)


def test_delays_after_a_run():
    n = nest.Create("gif_psc_exp", 50)
    nest.Connect(n, n, {"rule": "fixed_indegree", "indegree": 5}, {"delay": nest.random.uniform(1.0, 3.0)})
    nest.Simulate(2.0)
    text = "Minimum and maximum delay cannot be changed after Simulate has been called."
    for delay in (0.5, 4.0, nest.random.uniform(3.3, 4.0)):
        with pytest.raises(nest.NESTErrors.BadDelay, match=text):
            nest.Connect(n, n, {"rule": "fixed_indegree", "indegree": 5}, {"delay": delay})
    with pytest.raises(nest.NESTErrors.BadDelay, match=text):
        nest.GetConnections().delay = 3.5
    nest.Connect(n, n, syn_spec={"delay": 2.0})


@pytest.mark.parametrize(("rule", "side"), [("fixed_indegree", "target"), ("fixed_outdegree", "source")])
def test_delays_of_drawn_connections_as_a_table(rule, side):
    """Each neuron of one side has a connection of each delay of its row, and spikes arrive after these."""
    firing, quiet = nest.Create("gif_psc_exp", 20, ALWAYS), nest.Create("gif_psc_exp", 20, NEVER)
    delays = np.array([[1.0, 2.0, 5.0], [1.5, 2.5, 5.5]] * 10)
    spec = {"rule": rule, rule.removeprefix("fixed_"): 3}
    nest.Connect(firing, quiet, spec, {"weight": 10.0, "delay": delays})
    made = nest.GetConnections().get(["target", "delay", side])
    for node, row in zip(quiet if side == "target" else firing, delays, strict=True):
        assert sorted(np.array(made["delay"])[np.array(made[side]) == node.global_id]) == row.tolist()
    meter = meter_of(quiet, "I_syn_ex")
    nest.Simulate(8.0)
    for node in set(made["target"]):
        current = of(meter, node, "I_syn_ex")
        shortest = np.array(made["delay"])[np.array(made["target"]) == node].min()
        assert np.argmax(current > 0) == shortest / H  # all sources fire in the first step


def test_neurons_made_between_runs():
    a = nest.Create("gif_psc_exp", 3, ALWAYS)
    recorder = nest.Create("spike_recorder")
    nest.Connect(a, recorder)
    nest.Simulate(3.0)
    b = nest.Create("gif_psc_exp", 60, ALWAYS | {"t_ref": 1.0})
    nest.Connect(b, recorder)
    nest.Connect(b, a, syn_spec={"weight": 1.0})
    nest.Simulate(3.0)
    events = recorder.events
    assert set(events["senders"][events["times"] <= 3.0]) == {1, 2, 3}
    assert np.count_nonzero(events["senders"] > 3) == 60 * 2


def test_delays_that_do_not_fit_in_memory_are_refused(monkeypatch):
    """As a NESTError that is a MemoryError, with the estimate; a shorter delay then works."""
    nest.ResetKernel()
    neurons = nest.Create("gif_psc_exp", 1000)
    nest.Connect(neurons, neurons, syn_spec={"delay": 1000.0})
    monkeypatch.setattr(memory, "available", lambda: 1e8)
    with pytest.raises(nest.NESTError, match=r"ring buffers for delays of up to 1000 ms would need 175.4 MB") as caught:
        nest.Simulate(1.0)
    assert isinstance(caught.value, MemoryError)
    monkeypatch.undo()
    nest.Simulate(1.0)
    assert nest.biological_time == 1.0
