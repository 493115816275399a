"""Changes between runs: what acts from when on, on cohorts, connections, input in transit and streams."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from tests.helpers.changes import DT, LEVELS, QUIET, assert_same
from tests.helpers.networks import single
from tests.helpers.reference import CarriedPopulation, MesoPopulation


def grow(twin, after):
    """Change the plain twin of a population."""
    share = after["N"] / twin.p["N"]
    if isinstance(twin, CarriedPopulation):
        twin.emitted *= share
        for cohort in (*twin.cohorts, twin.free):
            cohort["m"], cohort["v"] = cohort["m"] * share, cohort["v"] * share
    else:
        for name in ("n", "m", "v"):
            getattr(twin, name)[:] *= share
        twin.x, twin.z, twin.quasi = twin.x * share, twin.z * share, twin.quasi / share
    twin.p.update(after)


@pytest.mark.parametrize("closure", ["quasi-renewal", "carried", "sparse"])
@pytest.mark.parametrize("step", [0, 37])
def test_a_population_changed_between_runs_equals_the_plain_twin(step, closure):
    """Weight, delay, number of neurons and drive of a population that inhibits itself; history and spikes replayed."""
    cell = {"tau_sfa": [50.0], "q_sfa": [3.0], "V_T_star": 12.0}
    before, after, p, steps, length = {"N": 60, "I_e": 420.0}, {"N": 90, "I_e": 380.0}, 0.2, 80, 70
    weights, delays = (-40.0 / p, -15.0 / p), (2, 5)
    counts = np.random.default_rng(5).binomial(60, 0.02, steps)

    def variances(when):
        return weights[when] ** 2 * p * (1.0 - 1.0 / (before, after)[when]["N"])

    def capacity(when):
        return {"ex": 0.0, "in": (before, after)[when]["N"] * variances(when)}

    parameters = {**cell, **before, "len_kernel": length}
    if closure == "quasi-renewal":
        twin = MesoPopulation(parameters, DT)
    else:
        twin = CarriedPopulation(parameters, DT, capacity=capacity(0) if closure == "sparse" else None)
    arriving, spreading, expected = np.zeros(steps + 10), np.zeros(steps + 10), []
    for k in range(steps):
        if k == step:
            grow(twin, after)
            if closure == "sparse":
                twin.capacity = capacity(1)
        variance = {"in_variance": spreading[k]} if closure == "sparse" else {}
        expected.append(twin.expect(inh=arriving[k], **variance))
        twin.emit(counts[k])
        when = int(k >= step)
        arriving[k + delays[when]] += weights[when] * p * counts[k]
        spreading[k + delays[when]] += variances(when) * counts[k]

    net = single(gp.GIF(I_e=before["I_e"], **cell), before["N"], len_kernel=length)
    inhibition = net.connect("P", "P", weight=weights[0], p=p, delay=delays[0] * DT)
    sim = gp.Simulation(
        net,
        dt=DT,
        counts={"P": counts},
        history="exact",
        wiring="sparse" if closure == "sparse" else "dense",
        adaptation="quasi-renewal" if closure == "quasi-renewal" else "carried",
    )
    sim.run(step * DT)
    sim.set("P", **after)
    sim.set(inhibition, weight=weights[1], delay=delays[1] * DT)
    sim.run((steps - step) * DT)
    assert_allclose(sim.result()["P"].mean, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("level", ["meso", "micro"])
@pytest.mark.parametrize(
    "rule", [{"p": 1 / 3}, {"rule": gp.AllToAll()}, {"rule": gp.Pairs([0, 1, 2, 2], [5, 5, 0, 7])}]
)
def test_weights_and_delays_equal_those_of_two_sources(level, rule):
    """Spikes before the change, and those after it, as if from two populations with connections of their own."""
    fired = np.array([1.0, 5.0, 9.0, 12.0, 12.5, 14.0, 20.0]), np.array([0, 1, 2, 0, 2, 1, 2])
    early = fired[0] <= 12.0

    def options(**names):
        if level == "meso":
            counts = {
                name: np.bincount(np.rint(fired[0][chosen] / DT).astype(int) - 1, minlength=60)
                for name, chosen in names.items()
            }
            return {"counts": counts}
        return {"spikes": {name: (fired[0][chosen], fired[1][chosen]) for name, chosen in names.items()}}

    def network(*sources):
        net = gp.Network()
        net.population("post", 10, QUIET)
        for name, weight, delay in sources:
            net.population(name, 3, QUIET)
            net.connect(name, "post", weight=weight, delay=delay, **rule)
        return net

    common = {"dt": DT, "level": level, "record": "V_m", "seed": 1}
    sim = gp.Simulation(network(("A", 30.0, 4.0)), **options(A=slice(None)), **common)
    sim.run(12.0)
    drawn = sim.connections("A", "post") if level == "micro" else None
    sim.set(("A", "post"), weight=-45.0, delay=1.5)
    sim.run(18.0)
    if level == "micro":
        assert_array_equal(sim.connections("A", "post")[["source", "target"]], drawn[["source", "target"]])
    if level == "micro" and "p" in rule:  # drawn for one source only: the other one is to have the same
        rule = {"rule": gp.Pairs(drawn["source"], drawn["target"])}
    both = network(("A", 30.0, 4.0), ("B", -45.0, 1.5))
    expected = both.simulate(30.0, **options(A=early, B=~early), **common)
    assert_allclose(sim.result()["post"].V_m, expected["post"].V_m, rtol=1e-12, atol=1e-12)
    assert np.ptp(expected["post"].V_m) > 0.01


@pytest.mark.parametrize("others", [False, True])
def test_samples_on_their_way_arrive_where_no_more_are_drawn(others):
    """As if from a second population that has fired until then; it counts among those that samples come from."""
    counts = np.zeros(80, dtype=int)
    counts[5:20] = 3

    def network(weight):
        net = single(gp.GIF(I_e=500.0), 100)
        net.population("pre", 100, QUIET)
        if others:
            net.connect("P", "P", -30.0, p=0.3)
        return net, net.connect("pre", "P", weight, p=0.1, delay=10.0)

    options = {"dt": DT, "wiring": "sparse", "initial": "rest", "record": "V_m"}
    drawn = {"pre": counts, "P": np.random.default_rng(1).binomial(100, 0.01, 80)}
    net, connection = network(100.0)
    plain = net.simulate(40.0, counts=drawn, **options)["P"]
    sim = gp.Simulation(net, counts=drawn, **options)
    sim.run(10.0)
    sim.set(connection, weight=0.0)
    sim.run(30.0)
    assert_allclose(sim.result()["P"].mean, plain.mean, rtol=1e-12, atol=0)
    assert np.any(plain.mean != network(0.0)[0].simulate(40.0, counts=drawn, **options)["P"].mean)


INPUTS = [
    gp.PoissonSpikes(2000.0, 15.0, start=20.0, shared=True),
    gp.PoissonSpikes(800.0, 15.0, start=20.0),
    gp.PoissonSpikes(5000.0, -5.0, start=20.0),
    gp.PoissonSpikes([2000.0, 500.0], 15.0, times=[20.0, 35.0]),
    gp.PoissonSpikes(2000.0, 15.0, start=20.0, shared=True, amplitude=2500.0, frequency=30.0),
    gp.NoiseCurrent(50.0, 80.0, 1.0, start=20.0, shared=True),
    gp.OUCurrent(50.0, 80.0, 5.0, start=20.0, shared=True),
    gp.NoiseCurrent(50.0, 80.0, start=20.0),
    gp.OUCurrent(50.0, 80.0, 5.0, start=20.0),
    gp.SineCurrent(80.0, 30.0, start=20.0),
    gp.DirectCurrent(80.0, start=20.0, stop=40.0),
    gp.StepCurrent([20.0, 30.0], [50.0, -50.0]),
    gp.SpikeTimes([20.0, 21.0], 300.0),
]


TERMS = {
    "none": {"tau_sfa": [], "q_sfa": []},
    "threshold": {"tau_sfa": [60.0], "q_sfa": [4.0]},
    "threshold and current": {"tau_sfa": [60.0], "q_sfa": [4.0], "tau_stc": [30.0], "q_stc": [20.0]},
}


@pytest.mark.parametrize("level", sorted(LEVELS))
@pytest.mark.parametrize("terms", sorted(TERMS))
@pytest.mark.parametrize("input", INPUTS, ids=[f"{type(one).__name__}{i}" for i, one in enumerate(INPUTS)])
def test_an_injected_input_equals_one_that_has_waited(input, terms, level):
    """Its times count from the start; populations that had no input of their neurons' own get the modes for it."""

    def network():
        net = gp.Network()
        for name in "EI":
            net.population(name, 50, gp.GIF(I_e=400.0, **TERMS[terms]))
        net.connect("E", "I", 20.0, delay=2.0)
        return net

    for post, history in zip("EI", ("exact", "adaptive"), strict=True):
        waited, injected = network(), network()
        waited.inject(post, input, delay=1.0)
        options = {
            "dt": DT,
            "level": LEVELS[level],
            "seed": 1,
            "record": ["V_m", "I_syn_ex"],
            "initial": "rest",
            "history": history,
        }
        sim = gp.Simulation(injected, **options)
        sim.run(20.0)
        sim.inject(post, input, delay=1.0)
        sim.run(30.0)
        expected = waited.simulate(50.0, **options)
        for name in "EI":
            assert_array_equal(sim.result()[name].counts, expected[name].counts)
            if expected[name].level == "meso":
                assert_allclose(sim.result()[name].mean, expected[name].mean, rtol=1e-9, atol=1e-9)
            assert_allclose(sim.result()[name].V_m, expected[name].V_m, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("level", ["meso", "micro"])
@pytest.mark.parametrize(
    "input",
    [
        gp.PoissonSpikes(3000.0, 10.0),
        gp.PoissonSpikes(3000.0, 10.0, amplitude=4000.0, frequency=9.0),
        gp.NoiseCurrent(0.0, 50.0, 2.0, shared=True),
        gp.OUCurrent(10.0, 50.0, 8.0, shared=True),
    ],
    ids=repr,
)
def test_a_removed_input_equals_one_that_has_stopped(level, input):
    def network(stop):
        net = single(QUIET, 20)
        return net, net.inject("P", replace(input, stop=stop), delay=2.0)

    options = {"dt": DT, "level": level, "seed": 1, "record": "all"}
    net, handle = network(None)
    sim = gp.Simulation(net, **options)
    sim.run(20.0)
    sim.remove(handle)
    sim.run(20.0)
    assert_same(sim.result(), network(20.0)[0].simulate(40.0, **options))


def test_reset_forgets_the_generators_that_are_gone():
    """Their ring buffers would stay, empty, and sums be rounded otherwise."""

    def network():
        net = single(gp.GIF(I_e=450.0), 300)
        net.connect("P", "P", 0.37, p=0.2, delay=1.0)
        net.inject("P", gp.PoissonSpikes(3000.0, 0.73, shared=True))
        return net

    options = {"dt": DT, "level": "micro", "seed": 1, "record": "V_m"}
    sim = gp.Simulation(network(), **options)
    own = sim.inject("P", gp.PoissonSpikes(1000.0, 5.0))
    sim.run(5.0)
    sim.remove(own)
    sim.reset()
    assert_same(sim.run(200.0), network().simulate(200.0, **options))


@pytest.mark.parametrize("shared", [False, True])
def test_streams_of_inputs_go_on(shared):
    """With another weight the same events come; the other input does not notice, even when the first one goes."""

    def run(change):
        net = gp.Network()
        for name in "AB":
            net.population(name, 10, QUIET)
        handles = [net.inject(name, gp.PoissonSpikes(1000.0, 10.0, shared=shared)) for name in "AB"]
        sim = gp.Simulation(net, dt=DT, level="micro", seed=1, record=["I_syn_ex"])
        sim.run(20.0)
        change(sim, *handles)
        sim.run(20.0)
        return sim.result()

    def jumps(result, name):
        I_syn = result[name].I_syn_ex
        return I_syn[1:] - I_syn[:-1] * np.exp(-DT / 3.0)

    plain = run(lambda sim, a, b: None)
    double = run(lambda sim, a, b: sim.set(a, weight=20.0))
    gone = run(lambda sim, a, b: sim.remove(a))
    assert_array_equal(double["B"].I_syn_ex, plain["B"].I_syn_ex)
    assert_array_equal(gone["B"].I_syn_ex, plain["B"].I_syn_ex)
    factor = np.where(np.arange(1, 80) < 40, 1.0, 2.0)[:, np.newaxis]
    assert_allclose(jumps(double, "A"), factor * jumps(plain, "A"), rtol=1e-9, atol=1e-9)
    assert not jumps(gone, "A")[40:].round(9).any()

    def replaced(sim, a, b):
        sim.remove(a)
        sim.inject("A", gp.PoissonSpikes(1000.0, 10.0, shared=shared))

    new = run(replaced)
    for events in (jumps(plain, "A"), jumps(plain, "B")):  # a stream that is neither where one of these is nor begins
        for part in (events[40:], events[:39]):
            assert np.abs(jumps(new, "A")[40:] - part).max() > 1.0
