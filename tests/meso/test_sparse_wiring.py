"""Sparse wiring: the variance between neurons of what arrives at them, from the rule to the state of a population."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.common import seeds
from gifpop.wiring import draw
from tests.helpers.state import assembly_of, buffers_of, engine_of, plan_of

DENSE, SPARSE = ({"wiring": wiring, "adaptation": "carried"} for wiring in ("dense", "sparse"))
QUASI_RENEWAL = {"wiring": "sparse", "adaptation": "quasi-renewal"}
DT = 0.5
CELL = gp.GIF(I_e=300.0)
MOST_DEVIATIONS = 4.9  # of a normal law: false alarm 1e-6
TARGETS = 100_000

# With the variance of the number of connections of a pair of neurons, from the law of that number.
SAMPLES = [
    (gp.FixedIndegree(5), 20, 5 / 20 * (1 - 1 / 20)),  # binomial
    (gp.FixedIndegree(5, allow_multapses=False), 20, 5 / 20 * (1 - 5 / 20)),  # 0 or 1
    (gp.FixedIndegree(18, allow_multapses=False), 20, 18 / 20 * (1 - 18 / 20)),
    (gp.FixedIndegree(30), 10, 30 / 10 * (1 - 1 / 10)),
    (gp.FixedIndegree(10, allow_multapses=False), 10, 0.0),
    (gp.IndegreeFraction(0.3), 10, 0.3 * (1 - 1 / 10)),
    (gp.IndegreeFraction(1.0), 10, 0.0),
    (gp.AllToAll(), 10, 0.0),
    (gp.PairwiseBernoulli(1.0), 10, 0.0),
]
LASTING = [
    (gp.FixedOutdegree(6), 3),
    (gp.FixedTotalNumber(400), 4),
    (gp.PairwiseBernoulli(0.2), 10),
    (gp.OneToOne(), 1),
    (gp.Pairs([0, 1, 2], [3, 4, 4]), 0),
]  # with the mean in-degree of 50 to 100 neurons, or between 50 and 50


def standard_error(sample):
    """Return that of the variance of a sample."""
    return np.sqrt(np.mean((sample - sample.mean()) ** 4) - sample.var() ** 2) / np.sqrt(len(sample))


def deviations(sample, variance):
    """Return how far the variance of a sample is from the given one, in standard errors."""
    return (sample.var() - variance) / standard_error(sample)


def received(sim, population):
    """Return what a population receives in the next step from groups: excitatory and inhibitory variance, pA^2."""
    engine = engine_of(sim)
    shared = buffers_of(sim).shared[0, engine.names.index(population)]
    return tuple(float(variance) for variance in shared[engine.step % len(shared), 3:])


def pair(rule, level="meso", weight=2.0, sizes=(50, 100), **options):
    """Simulate two populations, the first connected to the second."""
    net = gp.Network()
    net.population("A", sizes[0], CELL)
    net.population("B", sizes[1], CELL)
    net.connect("A", "B", weight=weight, delay=DT, rule=rule)
    return gp.Simulation(net, dt=DT, level=level, seed=1, **options)


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize(("rule", "n_pre", "expected"), SAMPLES, ids=str)
def test_variance_of_a_rule_is_that_of_drawn_connections(rule, n_pre, expected, n):
    """Of n spikes of n sources, each neuron receives those that its drawn connections carry."""
    variance = rule.variance(n_pre, TARGETS)
    assert variance == pytest.approx(expected, rel=1e-14, abs=0)
    stream = seeds.stream(np.random.SeedSequence(1), 9)
    first, targets, _ = draw.connect(rule, n_pre, TARGETS, False, stream)
    numbers = np.bincount(targets[: first[n]], minlength=TARGETS).astype(float)
    of_few = n * variance * (1 - (n - 1) / (n_pre - 1))
    if variance == 0.0:
        assert_array_equal(numbers, n * rule.density(n_pre, TARGETS))
    else:
        assert abs(deviations(numbers, of_few)) < MOST_DEVIATIONS


@pytest.mark.parametrize("multapses", [True, False])
def test_neurons_draw_their_samples_independently(multapses):
    """The mean over n neurons of what a source's spike brings has one n-th of the variance between neurons.

    Over the sources, that is, whose numbers of targets differ.
    """
    rule, n_pre, n = gp.FixedIndegree(40, allow_multapses=multapses), 100, TARGETS // 20
    means = []
    for i in range(100):
        first, _, _ = draw.connect(rule, n_pre, n, False, seeds.stream(np.random.SeedSequence(1), i))
        means.append(np.diff(first) / n - rule.density(n_pre, n))
    sample = np.concatenate(means)
    variance = rule.variance(n_pre, n) / n
    assert abs(deviations(sample, variance)) < MOST_DEVIATIONS
    assert standard_error(sample) < 0.02 * variance


@pytest.mark.parametrize("multapses", [True, False])
def test_autapses_left_out_change_the_variance_by_the_order_of_one_source(multapses):
    """Of the numbers of connections of all pairs among 300 neurons, those with themselves included."""
    rule, n = gp.FixedIndegree(75, allow_autapses=False, allow_multapses=multapses), 300
    first, targets, _ = draw.connect(rule, n, n, True, seeds.stream(np.random.SeedSequence(1), 9))
    pairs = np.repeat(np.arange(n), np.diff(first)) * n + targets
    numbers = np.bincount(pairs, minlength=n * n).astype(float)
    variance = rule.variance(n, n)
    inaccuracy = 2 / n * variance / standard_error(numbers)
    assert abs(deviations(numbers, variance)) < MOST_DEVIATIONS + inaccuracy


@pytest.mark.parametrize(("weight", "synapse"), [(3.0, "ex"), (-3.0, "in")])
@pytest.mark.parametrize("multapses", [True, False])
def test_a_population_receives_the_variance_between_its_neurons(weight, synapse, multapses):
    """One spike, along drawn connections to every neuron and at the mesoscopic level."""
    rule, sizes = gp.FixedIndegree(8, allow_multapses=multapses), (20, TARGETS)
    current = f"I_syn_{synapse}"
    micro = pair(rule, "micro", weight, sizes, spikes={"A": ([DT], [7])}, record={"B": current})
    tau = getattr(CELL, f"tau_syn_{synapse}")
    neurons = getattr(micro.run(2 * DT)["B"], current)[-1] / (tau / DT * -np.expm1(-DT / tau))  # what has arrived
    meso = pair(rule, "meso", weight, sizes, counts={"A": np.array([1, 0])}, **SPARSE)
    meso.run(DT)
    excitatory, inhibitory = received(meso, "B")
    variance, other = (excitatory, inhibitory) if synapse == "ex" else (inhibitory, excitatory)
    assert other == 0.0
    assert abs(deviations(neurons, variance)) < MOST_DEVIATIONS


def network(stretch):
    """Two populations and some neurons onto a population; its connections as (source, variance, sign, lag)."""
    net = gp.Network()
    for name, N in (("A", 80), ("B", 60), ("C", 30), ("D", 40)):
        net.population(name, N, CELL)
    delay = DT * stretch
    net.connect("A", "C", weight=25.0, p=0.2, delay=2 * delay)
    net.connect("A", "C", weight=7.0, rule=gp.FixedIndegree(12), delay=5 * delay)
    net.connect("B", "C", weight=-40.0, rule=gp.FixedIndegree(9, allow_multapses=False), delay=delay)
    net.connect("B", "C", weight=11.0, rule=gp.AllToAll(), delay=delay)
    net.connect("C", "C", weight=-5.0, p=0.5, delay=3 * delay)
    net.connect("D", "C", weight=10.0, p=0.1, delay=4 * delay)
    net.connect("C", "D", weight=10.0, p=0.1, delay=delay)
    net.connect("C", "A", weight=0.0, p=0.1, delay=delay)
    return net, [
        ("A", 25.0**2 * 0.2 * (1 - 1 / 80), +1, 2 * stretch),
        ("A", 7.0**2 * 12 / 80 * (1 - 1 / 80), +1, 5 * stretch),
        ("B", 40.0**2 * 9 / 60 * (1 - 9 / 60), -1, stretch),
        ("C", 5.0**2 * 0.5 * (1 - 1 / 30), -1, 3 * stretch),
        ("D", 10.0**2 * 0.1 * (1 - 1 / 40), +1, 4 * stretch),
    ]


LEVELS = {"A": "meso", "B": "meso", "C": "meso", "D": "micro"}


@pytest.mark.parametrize("stretch", [1, 6])
def test_links(stretch):
    """Beside the links of dense wiring, one for each connection whose variance a population receives."""
    net, variances = network(stretch)
    dense, sparse = (
        assembly_of(gp.Simulation(net, dt=DT, level=LEVELS, **options)).links for options in (DENSE, SPARSE)
    )
    order = list(net.populations)
    added = [link for link in sparse if link.receptor.endswith("variance")]
    assert [link for link in sparse if link not in added] == dense
    assert len(added) == len(variances)
    for link, (source, variance, sign, lag) in zip(added, variances, strict=True):
        synapse = "excitatory" if sign > 0 else "inhibitory"
        assert (order[link.source], order[link.target]) == (source, "C")
        assert (link.receptor, link.lag, link.first) == (f"{synapse} variance", lag, None)
        assert link.weight == pytest.approx(variance, rel=1e-14, abs=0)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("stretch", "piece"), [(1, 1), (1, 7), (6, 1), (6, 4)])
def test_what_arrives_is_the_sum_over_connections(stretch, piece, threads):
    """With prescribed spikes, at the end of each piece of a run; delays of six steps are taken in slices."""
    net, variances = network(stretch)
    random, steps = np.random.default_rng(5), 84
    counts = {name: random.integers(0, net.populations[name].N // 3, steps) for name in "ABC"}
    fires = random.random((steps, 40)) < 0.05
    fired, neurons = np.nonzero(fires)
    sim = gp.Simulation(
        net, dt=DT, level=LEVELS, counts=counts, spikes={"D": ((fired + 1) * DT, neurons)}, threads=threads, **SPARSE
    )
    counts["D"] = fires.sum(axis=1)
    both = 0
    for end in range(piece, steps + 1, piece):
        sim.run(piece * DT)
        expected = {+1: 0.0, -1: 0.0}
        for source, variance, sign, lag in variances:
            if end >= lag:
                expected[sign] += variance * counts[source][end - lag]
        assert_allclose(received(sim, "C"), (expected[+1], expected[-1]), rtol=1e-12, atol=0)
        assert received(sim, "A") == (0.0, 0.0)
        both += expected[+1] > 0.0 and expected[-1] > 0.0
    assert both > steps // piece / 2


def test_what_is_on_its_way_after_a_reset():
    """Nothing, and then the same again."""
    sim = pair(gp.FixedIndegree(5), counts={"A": np.arange(10)}, **SPARSE)
    sim.run(4 * DT)
    assert received(sim, "B") == (pytest.approx(3 * 4.0 * 5 / 50 * (1 - 1 / 50), rel=1e-12, abs=0), 0.0)
    sim.reset(seed=2)
    sim.run(DT)
    assert received(sim, "B") == (0.0, 0.0)
    sim.run(3 * DT)
    assert received(sim, "B") == (pytest.approx(3 * 4.0 * 5 / 50 * (1 - 1 / 50), rel=1e-12, abs=0), 0.0)


def test_dense_wiring_and_generators_have_no_variance():
    dense = pair(gp.FixedIndegree(5), counts={"A": np.full(10, 3)})
    dense.run(5.0)
    assert received(dense, "B") == (0.0, 0.0)
    net = gp.Network()
    net.population("B", 100, CELL)
    net.inject("B", gp.PoissonSpikes(5000.0, 4.0, shared=True))
    driven = gp.Simulation(net, dt=DT, seed=1, **SPARSE)
    driven.run(5.0)
    assert plan_of(driven).I_syn[0] > 0.0
    assert received(driven, "B") == (0.0, 0.0)


@pytest.mark.parametrize(("rule", "indegree"), LASTING, ids=str)
@pytest.mark.parametrize("level", ["meso", {"A": "micro", "B": "meso"}], ids=["meso", "micro to meso"])
def test_rules_that_make_neurons_differ_for_good(rule, indegree, level):
    sizes = (50, 50) if isinstance(rule, gp.OneToOne) else (50, 100)
    with pytest.raises(ValueError) as refused:
        pair(rule, level, sizes=sizes, **SPARSE)
    message = str(refused.value)
    assert message.startswith("Connection 'A' -> 'B': rule must draw equally many sources for each neuron")
    assert f"got {rule}" in message
    assert "Simulation.wiring is 'sparse'" in message
    assert f"FixedIndegree({indegree}) comes nearest to the mean" in message


@pytest.mark.parametrize(("rule", "_"), LASTING[:3], ids=str)
@pytest.mark.parametrize("level", ["micro", {"A": "meso", "B": "micro"}], ids=["micro", "meso to micro"])
def test_neurons_take_any_rule(rule, _, level):
    """The variance is of populations; neurons receive what they do with dense wiring."""
    dense, sparse = (pair(rule, level, weight=200.0, **options).run(100.0) for options in (DENSE, SPARSE))
    assert dense["B"].counts.sum() > 0
    assert_array_equal(dense["B"].counts, sparse["B"].counts)


def carried(sim, population):
    """Return what the cohorts of a population carry, or None."""
    return plan_of(sim, population).carried


def test_only_populations_that_receive_samples_carry_deviations_of_synaptic_currents():
    net, _ = network(1)
    sim = gp.Simulation(net, dt=DT, level=LEVELS, **SPARSE)
    assert carried(sim, "C").noisy
    assert len(carried(sim, "C").jump) == len(CELL.tau_sfa) + 3
    assert len(CELL.tau_sfa) > 0
    assert not carried(sim, "B").noisy
    assert len(carried(sim, "B").jump) == len(CELL.tau_sfa)
    assert not carried(gp.Simulation(net, dt=DT, level=LEVELS, **DENSE), "C").noisy
    sim.set("C", I_e=350.0)
    sim.reset()
    assert carried(sim, "C").noisy


@functools.cache
def balanced_input():
    """One population that excites and inhibits another alike, and how often neurons of the latter fire.

    Those of the former fire regularly, each every 100 ms: in an interval shorter than that, none fires twice.
    """
    cell = gp.GIF(
        C_m=250.0,
        tau_m=20.0,
        E_L=0.0,
        V_reset=0.0,
        V_T_star=15.0,
        Delta_V=2.5,
        lambda_0=10.0,
        t_ref=4.0,
        I_e=100.0,
        tau_syn_ex=3.0,
        tau_syn_in=3.0,
        tau_sfa=[],
        q_sfa=[],
    )
    net, random = gp.Network(), np.random.default_rng(1)
    net.population("A", 1000, CELL)
    net.population("B", 20_000, cell)
    for weight in (80.0, -80.0):
        net.connect("A", "B", weight=weight, rule=gp.FixedIndegree(100))
    period = np.argsort(random.random((5, 200)), axis=1).ravel()  # five neurons in each step of it
    fires = np.arange(1000)[:, np.newaxis] % 200 == period
    steps, neurons = np.nonzero(fires)
    micro = net.simulate(500.0, dt=DT, level="micro", seed=1, spikes={"A": ((steps + 1) * DT, neurons)})
    return net, int(micro["B"].counts[200:].sum())


@pytest.mark.parametrize("history", ["exact", "adaptive"])
def test_samples_make_neurons_fire(history):
    """About twice as often as the mean input alone, which nearly cancels; the closure is good to 3 % here.

    If the sources' spikes counted as independent, it would be three times.
    """
    net, drawn = balanced_input()
    options = {"dt": DT, "history": history, "counts": {"A": np.full(1000, 5)}}
    dense, sparse = (net.simulate(500.0, **options, **wired)["B"].mean[200:].sum() for wired in (DENSE, SPARSE))
    assert sparse == pytest.approx(drawn, rel=0, abs=0.03 * drawn + MOST_DEVIATIONS * np.sqrt(drawn))
    assert dense < 0.6 * drawn


def test_samples_need_carried_adaptation():
    message = (
        r"Population 'B': adaptation must be 'carried' .* \(Simulation.wiring is 'sparse'.*\), got 'quasi-renewal'"
    )
    with pytest.raises(ValueError, match=message):
        pair(gp.FixedIndegree(5), **QUASI_RENEWAL)
    pair(gp.AllToAll(), **QUASI_RENEWAL)  # no samples
    net = gp.Network()
    net.population("A", 50, CELL)
    net.population("B", 100, CELL, adaptation="carried")
    net.connect("A", "B", weight=2.0, p=0.1)
    assert carried(gp.Simulation(net, **QUASI_RENEWAL), "B").noisy


def test_refused_before_connections_are_drawn(monkeypatch):
    monkeypatch.setattr("gifpop.assembly.assembly.links", lambda *_: pytest.fail("connections were drawn"))
    with pytest.raises(ValueError, match="rule must draw equally many sources"):
        pair(gp.PairwiseBernoulli(0.2), **SPARSE)


@pytest.mark.parametrize("wrong", ["Sparse", None, True])
def test_wirings_that_are_refused(wrong):
    with pytest.raises((TypeError, ValueError), match=r"Simulation\.wiring must be one of 'dense', 'sparse', got"):
        pair(gp.FixedIndegree(5), wiring=wrong)
