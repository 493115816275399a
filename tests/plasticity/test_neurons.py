"""Short-term plasticity of connections from neurons: what arrives is what a twin of each neuron releases."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.assembly.connections import links
from tests.helpers.state import assert_same_results

DT, DURATION, N = 0.5, 300.0, 20
PLASTICITIES = {
    "depressing": gp.TsodyksMarkram(U=0.5, tau_rec=200.0),
    "facilitating": gp.TsodyksMarkram(U=0.1, tau_rec=50.0, tau_fac=500.0),
    "both": gp.TsodyksMarkram(U=0.3, tau_rec=150.0, tau_fac=40.0),
    "all at once": gp.TsodyksMarkram(U=1.0, tau_rec=100.0),
}
RULES = {
    "to all": gp.AllToAll(),
    "drawn": gp.FixedIndegree(8),
    "pairs": gp.Pairs([0, 3, 3, 7, 19], [0, 1, 1, 2, 0]),
}


def releases(plasticity, steps, neurons):
    """Return what each spike releases: u x, from the intervals between a neuron's spikes (in order of time)."""
    x, u, last = np.ones(N), np.full(N, plasticity.U), np.zeros(N)
    released = np.zeros(len(steps))
    for k, (step, i) in enumerate(zip(steps, neurons, strict=True)):
        t = (step - last[i]) * DT
        x[i] = 1.0 + (x[i] - 1.0) * np.exp(-t / plasticity.tau_rec)
        u[i] = plasticity.U + (u[i] - plasticity.U) * (np.exp(-t / plasticity.tau_fac) if plasticity.tau_fac else 0.0)
        released[k] = u[i] * x[i]
        x[i] -= released[k]
        u[i] += plasticity.U * (1.0 - u[i])
        last[i] = step
    return released


def network(plasticity, rule, weight=10.0, delay=2.0):
    net = gp.Network()
    net.population("A", N, gp.GIF(I_e=700.0))
    net.population("B", N, gp.GIF())
    net.connect("A", "B", weight, delay=delay, rule=rule, plasticity=plasticity)
    return net


def currents(net, spikes, plasticity, *taus):
    """Return the synaptic currents of B, of shape (steps, N), from the spikes of A and its connections."""
    steps, neurons = np.rint(spikes[0] / DT).astype(int), spikes[1]
    released = releases(plasticity, steps, neurons)
    c = gp.Simulation(net, dt=DT, level="micro", seed=1).connections("A", "B")
    n = round(DURATION / DT)
    arriving = np.zeros((2, n + 100, N))
    for source, target, weight, delay in zip(c["source"], c["target"], c["weight"], c["delay"], strict=True):
        own = neurons == source
        places = steps[own] - 1 + round(delay / DT)
        np.add.at(arriving[int(weight < 0.0), :, target], places, weight * released[own])
    taus = taus or (gp.GIF().tau_syn_ex, gp.GIF().tau_syn_in)
    found = np.zeros((2, n, N))
    for r, tau in enumerate(taus):
        current = np.zeros(N)
        for k in range(n):  # spikes arrive evenly over the step
            current = current * np.exp(-DT / tau) - tau / DT * np.expm1(-DT / tau) * arriving[r, k]
            found[r, k] = current
    return found


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", PLASTICITIES)
def test_neurons_receive_what_is_released(kind, rule):
    net = network(PLASTICITIES[kind], RULES[rule])
    result = net.simulate(DURATION, dt=DT, level="micro", seed=1, record=["I_syn_ex"])
    expected = currents(net, result["A"].spikes, PLASTICITIES[kind])[0]
    assert len(result["A"].spikes[0]) > 100
    assert_allclose(result["B"].I_syn_ex, expected, rtol=1e-10, atol=1e-10)


def test_each_connection_has_its_weight_and_delay():
    net = network(PLASTICITIES["both"], RULES["drawn"], weight=gp.Normal(2.0, 5.0), delay=gp.Uniform(0.5, 6.0))
    result = net.simulate(DURATION, dt=DT, level="micro", seed=1, record=["I_syn_ex", "I_syn_in"])
    expected = currents(net, result["A"].spikes, PLASTICITIES["both"])
    assert expected[1].min() < -0.1
    assert_allclose(result["B"].I_syn_ex, expected[0], rtol=1e-10, atol=1e-10)
    assert_allclose(result["B"].I_syn_in, expected[1], rtol=1e-10, atol=1e-10)


def test_a_population_receives_the_mean():
    net = network(PLASTICITIES["both"], gp.FixedIndegree(8))
    result = net.simulate(DURATION, dt=DT, level={"A": "micro", "B": "meso"}, seed=1, record={"B": ["I_syn_ex"]})
    all_to_all = network(PLASTICITIES["both"], gp.AllToAll(), weight=10.0 * 8 / N)
    expected = currents(all_to_all, result["A"].spikes, PLASTICITIES["both"])[0, :, 0]
    assert_allclose(result["B"].I_syn_ex, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("threads", [1, 2])
def test_saved_and_continued(tmp_path, threads):
    net = network(PLASTICITIES["both"], RULES["drawn"])
    options = {"dt": DT, "level": "micro", "seed": 1, "record": "all", "threads": threads}
    whole = gp.Simulation(net, **options)
    whole.run(100.0)
    whole.save(tmp_path / "one.npz")
    loaded = gp.Simulation.load(tmp_path / "one.npz")
    assert loaded.run(100.0)["B"].I_syn_ex.any()
    assert_same_results(loaded.run(50.0), (whole.run(100.0), whole.run(50.0))[1])


def test_receptors_have_their_own_plasticity():
    """What arrives at each receptor is what its connection releases; each has a state of its own."""
    net = gp.Network()
    net.population("A", N, gp.GIF(I_e=700.0))
    net.population("B", N, gp.GIF(tau_syn={"fast": 2.0, "slow": 80.0}))
    kinds = {"fast": PLASTICITIES["depressing"], "slow": PLASTICITIES["facilitating"]}
    for name, plasticity in kinds.items():
        net.connect("A", "B", 3.0, delay=1.5, rule=gp.AllToAll(), receptor=name, plasticity=plasticity)
    result = net.simulate(DURATION, dt=DT, level="micro", seed=1, record={"B": ["I_syn_fast", "I_syn_slow"]})
    for name, tau in (("fast", 2.0), ("slow", 80.0)):
        alone = network(kinds[name], gp.AllToAll(), weight=3.0, delay=1.5)
        expected = currents(alone, result["A"].spikes, kinds[name], tau)[0]
        assert_allclose(getattr(result["B"], f"I_syn_{name}"), expected, rtol=1e-10, atol=1e-10)


def test_samples_of_spikes_bring_the_variance_of_what_is_released():
    """A link with the mean delivers w u x of each spike, one with the variance between neurons (w u x)^2."""
    net, levels = network(PLASTICITIES["both"], gp.FixedIndegree(8)), {"A": "micro", "B": "meso"}
    mean, variance = links(net, net.connections[0], levels, DT, lambda: None, wiring="sparse")
    assert mean.plasticity == replace(variance.plasticity, squared=False)
    assert variance.plasticity.squared
    one, other = (
        net.simulate(DURATION, dt=DT, level=levels, wiring=wiring, seed=1, record="all")
        for wiring in ("sparse", "dense")
    )
    assert_array_equal(one["B"].I_syn_ex, other["B"].I_syn_ex)
    assert not np.array_equal(one["B"].mean, other["B"].mean)


def test_any_number_of_threads(loops):
    net = network(PLASTICITIES["both"], RULES["drawn"])
    one, two = (net.simulate(DURATION, dt=DT, level="micro", seed=1, threads=n, record="all") for n in (1, 2))
    assert_same_results(one, two)
    expected = currents(net, one["A"].spikes, PLASTICITIES["both"])[0]
    assert_allclose(one["B"].I_syn_ex, expected, rtol=1e-10, atol=1e-10)


def test_sweep_over_plasticity():
    def build(U):
        return network(gp.TsodyksMarkram(U=U, tau_rec=50.0), gp.AllToAll())

    def arriving(result):
        return result["B"].I_syn_ex.sum()

    options = {"duration": 50.0, "dt": DT, "level": "micro", "record": ["I_syn_ex"]}
    found = gp.sweep(build, {"U": [0.0, 0.5]}, options, seed=1, measure=arriving)
    none, some = found["arriving"].values
    assert none == 0.0
    assert some > 0.0


def test_reset_and_trials_begin_rested():
    net = network(PLASTICITIES["both"], RULES["drawn"])
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1, record=["I_syn_ex"])
    first = sim.run(100.0)
    sim.reset()
    assert_array_equal(sim.run(100.0)["B"].I_syn_ex, first["B"].I_syn_ex)
    trials = net.simulate(100.0, dt=DT, level="micro", seed=1, trials=3, record=["I_syn_ex"])
    for k in (0, 2):
        alone = net.simulate(100.0, dt=DT, level="micro", seed=1, trials=[k], record=["I_syn_ex"])
        assert_array_equal(trials["B"].I_syn_ex[k], alone["B"].I_syn_ex[0])


def test_state_stays_where_something_is_set():
    net = network(PLASTICITIES["both"], RULES["drawn"])
    whole = net.simulate(100.0, dt=DT, level="micro", seed=1, record=["I_syn_ex"])
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1, record=["I_syn_ex"])
    sim.run(50.0)
    sim.set(("A", "B"), weight=10.0)
    sim.set("B", I_e=1e-300)
    sim.run(50.0)
    assert_array_equal(sim.result()["B"].I_syn_ex, whole["B"].I_syn_ex)


def test_plasticity_can_be_set():
    """Without it, spikes arrive as they are; with it again, from rest."""
    sim = gp.Simulation(network(PLASTICITIES["both"], gp.AllToAll()), dt=DT, level="micro", seed=1, record=["I_syn_ex"])
    sim.run(50.0)
    sim.set(("A", "B"), plasticity=None)
    sim.run(100.0)
    plain = gp.Simulation(network(None, gp.AllToAll()), dt=DT, level="micro", seed=1, record=["I_syn_ex"])
    plain.run(150.0)
    assert_array_equal(sim.result()["A"].counts, plain.result()["A"].counts)
    tail = sim.result()["B"].I_syn_ex[-20:], plain.result()["B"].I_syn_ex[-20:]
    assert_allclose(*tail, rtol=1e-12)
    sim.set(("A", "B"), plasticity=PLASTICITIES["both"])
    again = sim.run(100.0)
    steps, neurons = again["A"].spikes[0], again["A"].spikes[1]
    recorded = currents(network(PLASTICITIES["both"], gp.AllToAll()), (steps - 150.0, neurons), PLASTICITIES["both"])
    assert_allclose(again["B"].I_syn_ex[120:], recorded[0, 120:200], rtol=1e-7)  # what arrived before has decayed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"U": 1.5, "tau_rec": 100.0}, r"TsodyksMarkram\.U must be in \[0, 1\], got 1\.5"),
        ({"U": 0.5, "tau_rec": 0.0}, r"TsodyksMarkram\.tau_rec must be > 0 ms, got 0\.0"),
        ({"U": 0.5, "tau_rec": 10.0, "tau_fac": -1.0}, r"TsodyksMarkram\.tau_fac must be >= 0 ms, got -1\.0"),
    ],
)
def test_values_are_checked(values, message):
    with pytest.raises(ValueError, match=message):
        gp.TsodyksMarkram(**values)


def test_only_plasticity_is_taken():
    net = gp.Network()
    net.population("A", N, gp.GIF())
    with pytest.raises(
        TypeError, match=r"Connection 'A' -> 'A': plasticity must be a TsodyksMarkram or None, got 0\.5"
    ):
        net.connect("A", "A", 1.0, plasticity=0.5)
