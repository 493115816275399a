"""Changes between runs: of weights, delays, rules, inputs, numbers of neurons and parameters."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.assembly.changes import OF_CONNECTION, OF_POPULATION
from gifpop.common import memory
from tests.helpers.networks import SEED_CELL, brunel, single
from tests.helpers.reference import CarriedPopulation, MesoPopulation
from tests.helpers.state import network_of, plan_of
from tests.helpers.trials import assert_mean

DT = 0.5
THOROUGH = settings.default.max_examples > 100  # the slow tests run, too
LEVELS = {"meso": "meso", "micro": "micro", "mixed": {"E": "micro", "I": "meso"}}
QUIET = gp.GIF(lambda_0=0.0, tau_sfa=[], q_sfa=[])  # never fires


def records(result):
    """Everything that was recorded, by population and name."""
    return {
        (p.name, name): values
        for p in result
        for name, recorded in ((name, getattr(p, name)) for name in p.recorded)
        for values in [np.concatenate(recorded) if name == "spikes" else recorded]
    }


def assert_same(a, b):
    """Bit by bit."""
    a, b = records(a), records(b)
    assert a.keys() == b.keys()
    for name, values in a.items():
        assert_array_equal(values, b[name], err_msg=str(name))


# -- after a reset: a fresh simulation of the changed network ---------------------------------------------------------


class Described:
    """A network as plain data, and how it is changed there; what `gifpop.assembly.changes` does to it is not used."""

    def __init__(self, sparse):
        cell = {"I_e": 400.0, "tau_sfa": [60.0], "q_sfa": [4.0], "tau_stc": [20.0], "q_stc": [10.0]}
        self.populations = {"E": {"N": 40, "cell": dict(cell)}, "I": {"N": 12, "cell": dict(cell)}}
        self.connections = [
            {"pre": "E", "post": "E", "weight": 20.0, "delay": 1.0, "p": 0.2},
            {"pre": "E", "post": "I", "weight": 20.0, "delay": 1.5, "rule": gp.FixedIndegree(4)},
            {"pre": "I", "post": "E", "weight": -50.0, "delay": 1.0, "p": 1.0},
            {"pre": "I", "post": "I", "weight": -50.0, "delay": 2.5, "p": 0.25 if sparse else 0.5},
            {"pre": "I", "post": "E", "weight": -10.0, "delay": 1.0, "p": 0.5},
        ]
        self.inputs = [
            {"post": "E", "input": gp.PoissonSpikes(500.0, 20.0, shared=True), "delay": 1.0},
            {"post": "I", "input": gp.StepCurrent([5.0, 20.0], [100.0, -50.0]), "delay": 0.0},
            {"post": "E", "input": gp.PoissonSpikes(300.0, 15.0), "delay": 0.0},
        ]

    def build(self):
        net, handles = gp.Network(), []
        for name, p in self.populations.items():
            net.population(name, p["N"], gp.GIF(**p["cell"]))
        for c in self.connections:
            net.connect(**c)
        for one in self.inputs:
            handles.append(net.inject(**one))
        return net, handles


def changed_input(input, **parameters):
    return type(input)(**{f.name: getattr(input, f.name) for f in fields(input)} | parameters)


def apply(change, described, sim, net, handles):
    """Make one change in the data and in the simulation; ``handles`` are those of the inputs."""
    kind, where, parameters = change
    if kind == "population":
        own = described.populations[where]
        own["N"] = parameters.get("N", own["N"])
        own["cell"].update({name: value for name, value in parameters.items() if name != "N"})
        sim.set(where, **parameters)
    elif kind == "connection":
        own = described.connections[where]
        if "p" in parameters or "rule" in parameters:
            own.pop("p", None), own.pop("rule", None)
        own.update(parameters)
        sim.set(net.connections[where], **parameters)
    elif kind == "inject":
        described.inputs.append(parameters)
        handles.append(sim.inject(parameters["post"], parameters["input"], parameters["delay"]))
    elif described.inputs and kind == "remove":
        place = where % len(handles)
        del described.inputs[place]
        sim.remove(handles.pop(place))
    elif described.inputs:
        place = where % len(handles)
        own = described.inputs[place]
        names = [f.name for f in fields(own["input"])]
        mine = {name: value for name, value in parameters.items() if name in names}
        own["input"], own["delay"] = changed_input(own["input"], **mine), parameters["delay"]
        sim.set(handles[place], **mine, delay=parameters["delay"])


def of_population(level):
    numbers = st.sampled_from(
        [
            {"I_e": 450.0},
            {"tau_m": 12.0},
            {"t_ref": 7.5},
            {"tau_sfa": [200.0], "q_sfa": [2.0]},
            {"q_stc": [-5.0]},
            {"lambda_0": 20.0, "V_reset": 2.0},
            {"tau_stc": [80.0], "E_L": 1.0, "I_syn_ex": 50.0},
        ]
    )
    various = st.sampled_from([{"V_T_star": gp.Normal(15.0, 1.0)}, {"q_sfa": [gp.Uniform(1.0, 3.0)]}])
    sizes = st.integers(1, 90).map(lambda N: {"N": N})
    names = st.sampled_from("EI")
    either = st.tuples(st.just("population"), names, numbers | sizes)
    drawn = st.tuples(st.just("population"), st.just("E"), various)
    return either if level == "meso" else either | drawn


def of_connection(level, sparse):
    weights, delays = st.floats(-60.0, 60.0), st.integers(1, 8).map(lambda k: k * DT)
    rules = [gp.FixedIndegree(3), gp.IndegreeFraction(0.2), gp.AllToAll()]
    if not sparse:
        rules += [
            gp.PairwiseBernoulli(0.3),
            gp.FixedOutdegree(2),
            gp.FixedTotalNumber(30),
            gp.AllToAll(allow_autapses=False),
        ]
    change = st.fixed_dictionaries({}, optional={"weight": weights, "delay": delays, "rule": st.sampled_from(rules)})
    any_of_them = st.tuples(st.just("connection"), st.integers(0, 4), change)
    various = st.sampled_from(
        [
            {"weight": gp.Normal(10.0, 5.0)},
            {"delay": gp.Uniform(0.5, 4.0)},
            {"weight": gp.Lognormal(2.0, 0.5), "p": 0.3},
        ]
    )
    drawn = st.tuples(st.just("connection"), st.just(0), various)
    return any_of_them if level == "meso" else any_of_them | drawn


def of_input():
    new = st.sampled_from(
        [
            gp.PoissonSpikes(200.0, 10.0),
            gp.PoissonSpikes(200.0, -10.0, shared=True),
            gp.DirectCurrent(50.0, 3.0, 9.0),
            gp.SpikeTimes([1.0, 30.0], 200.0),
            gp.Waveform(np.linspace(0.0, 50.0, 30)),
        ]
    )
    delays = st.integers(0, 6).map(lambda k: k * DT)
    places = st.integers(0, 20)
    parameters = st.fixed_dictionaries(
        {"delay": delays},
        optional={
            "rate": st.floats(0.0, 1000.0),
            "weight": st.floats(-30.0, 30.0),
            "amplitude": st.floats(-50.0, 50.0),
        },
    )
    injected = st.fixed_dictionaries({"post": st.sampled_from("EI"), "input": new, "delay": delays})
    return (
        st.tuples(st.just("inject"), st.none(), injected)
        | st.tuples(st.just("remove"), places, st.none())
        | st.tuples(st.just("input"), places, parameters)
    )


@st.composite
def scripts(draw):
    level, sparse = draw(st.sampled_from(sorted(LEVELS))), draw(st.booleans())
    changes = of_population(level) | of_connection(level, sparse) | of_input()
    steps = draw(st.lists(st.tuples(changes, st.sampled_from([0.0, 0.5, 3.5, 12.0])), min_size=1, max_size=6))
    return level, sparse, draw(st.sampled_from(["fired", "rest"])), steps


@pytest.mark.filterwarnings("ignore:.* rounded to")
@settings(max_examples=300 if THOROUGH else 15)
@given(scripts())
def test_reset_after_changes_equals_a_fresh_simulation(script):
    """And two simulations with the same changes go on alike, with any number of threads."""
    level, sparse, initial, steps = script
    options = {
        "dt": DT,
        "level": LEVELS[level],
        "wiring": "sparse" if sparse else "dense",
        "record": "all",
        "initial": initial,
        "network_seed": 2,
    }

    def changed(threads):
        described = Described(sparse)
        net, handles = described.build()
        sim = gp.Simulation(net, seed=1, threads=threads, **options)
        runs = [sim.run(6.5)]
        for change, duration in steps:
            apply(change, described, sim, net, handles)
            runs.append(sim.run(duration))
        return described, sim, runs

    (described, sim, runs), (_, _, others) = changed(1), changed(2 if THOROUGH else 1)
    for one, other in zip(runs, others, strict=True):
        assert_same(one, other)
    sim.reset(seed=3)
    fresh = gp.Simulation(described.build()[0], seed=3, **options)
    assert_same(sim.run(25.0), fresh.run(25.0))
    for pre, post in (("E", "E"),) if level != "meso" else ():
        assert_array_equal(sim.connections(pre, post), fresh.connections(pre, post))


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_reset_begins_in_the_stationary_state_of_the_changed_network(level):
    described = Described(sparse=False)
    described.connections[4]["weight"] = -12.0
    net, handles = described.build()
    options = {"dt": DT, "level": LEVELS[level], "record": "all", "initial": "stationary", "network_seed": 2}
    sim = gp.Simulation(net, seed=1, **options)
    sim.run(5.0)
    for change in (
        ("population", "E", {"N": 60, "I_e": 450.0, "tau_m": 15.0}),
        ("connection", 0, {"weight": 15.0}),
        ("connection", 3, {"p": 0.8, "delay": 1.0}),
        ("remove", 0, None),
        ("input", 1, {"rate": 400.0, "delay": 2.0}),
    ):
        apply(change, described, sim, net, handles)
    sim.run(5.0)
    sim.reset(seed=3)
    assert_same(sim.run(25.0), gp.Simulation(described.build()[0], seed=3, **options).run(25.0))


def test_every_parameter_can_be_changed():
    """What is in a description and cannot be set is known here."""
    assert {f.name for f in fields(gp.Network().population("P", 1, gp.GIF()))} - {*OF_POPULATION, "cell"} == {
        "name",
        "len_kernel",
        "adaptation",
    }
    connection = brunel().connections[0]
    assert {f.name for f in fields(connection)} - set(OF_CONNECTION) == {"pre", "post", "number"}


# -- what does not change ---------------------------------------------------------------------------------------------


def busy(level, **options):
    net, handles = Described(sparse=False).build()
    return gp.Simulation(net, dt=DT, level=LEVELS[level], seed=1, record="all", **options), net, handles


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_the_same_values_change_nothing(level):
    sims = [busy(level) for _ in range(2)]
    for sim, _, _ in sims:
        sim.run(20.5)
    sim, net, handles = sims[0]
    sim.set("E", N=40, I_e=400.0, tau_sfa=[60.0], BinoRand=True)
    sim.set(net.connections[0], weight=20.0, delay=1.0, p=0.2)
    sim.set(("I", "E"), delay=1.0)
    sim.set(handles[0], rate=500.0, weight=20.0, start=0.0, stop=None, shared=True, delay=1.0)
    sim.set(handles[1], values=[100.0, -50.0])
    assert_same(*(sim.run(30.0) for sim, _, _ in sims))


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_a_refused_change_changes_nothing(level):
    sims = [busy(level, record_neurons={"E": [3, 30]}) for _ in range(2)]
    for sim, _, _ in sims:
        sim.run(20.5)
    sim, net, handles = sims[0]
    removed = sim.inject("E", gp.DirectCurrent(0.0))
    sim.remove(removed)
    other = brunel().inject("I", gp.DirectCurrent(1.0))
    wrong = [
        (("E",), {"N": 0}, ValueError, "Population 'E': N must be >= 1, got 0"),
        (("E",), {"N": 10.0}, TypeError, "Population 'E': N must be an integer"),
        (("E",), {"tau_m": -1.0}, ValueError, "GIF.tau_m must be > 0 ms"),
        (("E",), {"tau_sfa": []}, ValueError, "tau_sfa and GIF.q_sfa must have the same length|must keep its length 1"),
        (("E",), {"rate": 1.0}, TypeError, "parameter must be one of GIF's, N or BinoRand .*, got 'rate'"),
        (("E",), {"len_kernel": 5}, TypeError, "got 'len_kernel'"),
        (("Q",), {"N": 5}, ValueError, r"population must be a population of the network \('E', 'I'\), got 'Q'"),
        ((3,), {"N": 5}, TypeError, "must be a population or its name, got 3"),
        ((("E", "Q"),), {"weight": 5.0}, ValueError, "Simulation.set: post must be a population of the network"),
        ((("E", "I", "E"),), {"weight": 5.0}, TypeError, "a pair"),
        (
            (net.connections[0],),
            {"weight": "a"},
            TypeError,
            "Connection 'E' -> 'E': weight must be a real number in pA",
        ),
        ((net.connections[0],), {"delay": 0.3}, ValueError, "delay must be >= 1 step of dt = 0.5 ms|a multiple of dt"),
        ((net.connections[0],), {"delay": 0.75}, ValueError, "delay must be a multiple of dt = 0.5 ms, got 0.75"),
        (
            (net.connections[0],),
            {"p": 0.2, "rule": gp.AllToAll()},
            ValueError,
            "p must be left out where a rule is given",
        ),
        ((net.connections[0],), {"rule": "all"}, TypeError, "rule must be one of gifpop's connection rules, got 'all'"),
        ((net.connections[0],), {"rule": gp.Pairs([0, 60], [0, 0])}, ValueError, "Pairs.sources must be < 40, got 60"),
        ((net.connections[2],), {"rule": gp.OneToOne()}, ValueError, "OneToOne needs populations of the same size"),
        ((net.connections[0],), {"N": 3}, TypeError, r"of a connection \(delay, p, rule, weight\), got 'N'"),
        ((handles[0],), {"rate": -1.0}, ValueError, "PoissonSpikes.rate must be >= 0 spikes/s, got -1.0"),
        (
            (handles[0],),
            {"shared": False},
            ValueError,
            "shared must stay True; remove the input and inject another one",
        ),
        ((handles[0],), {"delay": 0.3}, ValueError, "PoissonSpikes onto 'E': delay must be a multiple"),
        ((handles[1],), {"times": [1.3, 2.0]}, ValueError, "StepCurrent onto 'I': times.* must be a multiple of dt"),
        ((handles[1],), {"weight": 1.0}, TypeError, r"of StepCurrent, or delay \(delay, times, values\), got 'weight'"),
        ((removed,), {"amplitude": 1.0}, ValueError, "DirectCurrent onto 'E' must be an input of this simulation"),
        ((other,), {"amplitude": 1.0}, ValueError, "it is not, or has been removed"),
    ]
    if level != "meso":
        wrong += [
            (("E",), {"N": 20}, ValueError, r"record_neurons\['E'\] must be in \[0, N = 20\), got 3 to 30"),
            (("E",), {"V_T_star": np.ones(3)}, ValueError, "V_T_star must be a number or have 40 values, got 3"),
            (("E",), {"tau_m": gp.Uniform(-2.0, -1.0)}, ValueError, "tau_m must be > 0 ms"),
            ((net.connections[0],), {"weight": np.ones(3)}, ValueError, "weight must be a number or have 320 values"),
            ((net.connections[0],), {"delay": gp.Uniform(-2.0, -1.0)}, ValueError, "delay must be > 0 ms"),
        ]
    if level == "meso":
        wrong += [
            (("E",), {"V_T_star": gp.Normal(1.0)}, ValueError, "must be one number at the mesoscopic level"),
            ((net.connections[0],), {"weight": gp.Normal(1.0)}, ValueError, "weight must be one number where"),
            (("E",), {"t_ref": 1e4}, ValueError, "len_kernel must be longer than the refractory period"),
        ]
    for part, parameters, error, message in wrong:
        with pytest.raises(error, match=message):
            sim.set(*part, **parameters)
    for call, error, message in [
        (lambda: sim.inject("E", 3.0), TypeError, "input must be one of StepCurrent"),
        (lambda: sim.inject("Q", gp.DirectCurrent(1.0)), ValueError, "Simulation.inject: population must be"),
        (lambda: sim.inject("E", gp.DirectCurrent(1.0), delay=0.3), ValueError, "delay must be a multiple"),
        (lambda: sim.inject("E", gp.DirectCurrent(1.0, start=0.3)), ValueError, "start must be a multiple"),
        (lambda: sim.remove(removed), ValueError, "Simulation.remove: DirectCurrent onto 'E' must be an input"),
        (lambda: sim.remove("E"), TypeError, "input must be what Network.inject or Simulation.inject returned"),
    ]:
        with pytest.raises(error, match=message):
            call()
    assert_same(*(sim.run(30.0) for sim, _, _ in sims))
    for sim, _, _ in sims:
        sim.reset()
    assert_same(*(sim.run(30.0) for sim, _, _ in sims))


def test_a_change_that_does_not_fit_in_memory_changes_nothing(monkeypatch):
    sims = [busy("micro") for _ in range(2)]
    for sim, _, _ in sims:
        sim.run(20.5)
    sim, net, _ = sims[0]
    with monkeypatch.context() as patch:
        patch.setattr(memory, "available", lambda: 4e5)
        for part, parameters, what in [
            ("E", {"N": 10**6}, "connections, neurons, histories and input on its way"),
            (
                net.connections[0],
                {"rule": gp.FixedIndegree(10**4)},
                "connections, neurons, histories and input on its way",
            ),
            (net.connections[0], {"delay": 1e4}, "ring buffers for delays of up to 10000 ms"),
        ]:
            with pytest.raises(MemoryError, match=what):
                sim.set(part, **parameters)
        sim.set("E", I_e=400.0)
    assert_same(*(sim.run(30.0) for sim, _, _ in sims))


def test_neurons_whose_ring_buffers_do_not_fit_in_memory_do_not_join(monkeypatch):
    net = single(gp.GIF(I_e=450.0), 20)
    net.inject("P", gp.PoissonSpikes(1000.0, 10.0), delay=100.0)
    sims = [gp.Simulation(net, dt=DT, level="micro", seed=1, record="V_m") for _ in range(2)]
    for sim in sims:
        sim.run(20.0)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "available", lambda: 1e6)
        with pytest.raises(
            MemoryError, match=r"connections, neurons, histories and input on its way would need [0-9.]+ MB"
        ):
            sims[0].set("P", N=2000)
    for sim in sims:
        sim.inject("P", gp.DirectCurrent(10.0))
    assert_same(*(sim.run(150.0) for sim in sims))


def test_own_input_where_adaptation_is_not_carried_is_refused():
    sim = gp.Simulation(single(), dt=DT, adaptation="quasi-renewal")
    with pytest.raises(ValueError, match="adaptation must be 'carried' where neurons receive input of their own"):
        sim.inject("P", gp.PoissonSpikes(100.0, 10.0))


# -- what acts, and when ----------------------------------------------------------------------------------------------


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
def test_a_removed_input_equals_one_that_has_stopped(level):
    def network(stop):
        net = single(QUIET, 20)
        return net, net.inject("P", gp.PoissonSpikes(3000.0, 10.0, stop=stop), delay=2.0)

    options = {"dt": DT, "level": level, "seed": 1, "record": "all"}
    net, input = network(None)
    sim = gp.Simulation(net, **options)
    sim.run(20.0)
    sim.remove(input)
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


# -- numbers of neurons -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
@pytest.mark.parametrize("initial", ["fired", "rest"])
def test_a_population_of_another_size_goes_on(initial, history, adaptation):
    """All it knows of its neurons grows in proportion: under the same activity, nothing else changes."""
    options = {"dt": DT, "history": history, "adaptation": adaptation, "record": "all", "initial": initial}
    counts = np.random.default_rng(2).binomial(100, 0.008, 1000)
    after = np.concatenate([counts[:30], 3 * counts[30:]])
    net = single(SEED_CELL, 100)
    plain = net.simulate(500.0, counts={"P": counts}, **options)["P"]
    sim = gp.Simulation(single(SEED_CELL, 300), counts={"P": after}, **options)
    sim.set("P", N=100)
    sim.run(15.0)
    sim.set("P", N=300)
    sim.run(485.0)
    result = sim.result()["P"]
    assert_allclose(result.rate, plain.rate, rtol=1e-9, atol=1e-9)
    assert_allclose(result.activity, plain.activity, rtol=1e-12, atol=0)
    for name in ("V_m", "E_sfa"):
        assert_allclose(getattr(result, name), getattr(plain, name), rtol=1e-9, atol=1e-9)


def test_neurons_that_stay_keep_their_state():
    """Those that join have the state of others, also of what is on its way to them."""
    cell = gp.GIF(lambda_0=0.0, V_m=gp.Uniform(0.0, 10.0), tau_m=gp.Uniform(10.0, 30.0))
    net = single(cell, 100)
    net.population("pre", 20, QUIET)
    net.connect("pre", "P", 40.0, p=0.3, delay=10.0)
    net.connect("pre", "P", 40.0, delay=gp.Uniform(1.0, 12.0), p=0.3)
    spikes = {"pre": (np.full(20, 20.0), np.arange(20))}
    options = {"dt": DT, "level": "micro", "seed": 1, "record": "all", "initial": "rest", "spikes": spikes}
    plain = net.simulate(40.0, **options)["P"]
    sim = gp.Simulation(net, **options)
    sim.run(20.5)
    sim.set("P", N=30)
    fewer = sim.run(1.5)["P"]
    for name in ("V_m", "I_syn_ex"):
        assert_array_equal(getattr(fewer, name), getattr(plain, name)[41:44, :30])
    sim.set("P", N=150)
    more = sim.run(18.0)["P"]
    for name in ("V_m", "I_syn_ex"):
        assert_array_equal(getattr(more, name)[:, :30], getattr(plain, name)[44:, :30])
    of_new, of_old = more.I_syn_ex[:, 30:].T, more.I_syn_ex[:, :30].T
    assert all(np.any(np.all(one == of_old, axis=1)) for one in of_new)
    assert len(np.unique(of_new, axis=0)) > 20
    assert np.ptp(np.diff(more.I_syn_ex, axis=0).max(axis=0)) > 0.0  # spikes were on their way
    assert_array_equal(
        plan_of(sim).parameters["leak"][0, :100],
        plan_of(gp.Simulation(net, **options)).parameters["leak"][0, :100],
    )


def test_neurons_that_join_draw_budgets_of_their_own():
    """From the exponential distribution, others than those drawn before by neurons of these numbers."""
    sim = gp.Simulation(single(gp.GIF(I_e=500.0), 2000), dt=DT, level="micro", seed=1)
    sim.run(100.0)

    def budgets():
        return plan_of(sim).of_neurons("budget").copy()

    old = budgets()
    sim.set("P", N=20)
    assert_array_equal(budgets(), old[:20])
    sim.set("P", N=4000)
    new = budgets()
    assert_array_equal(new[:20], old[:20])
    drawn = np.sort(new[20:])
    distance = np.abs(1.0 - np.exp(-drawn) - np.arange(len(drawn)) / len(drawn)).max()
    assert distance < 2.9 / np.sqrt(len(drawn))  # Kolmogorov-Smirnov: by chance with 2 exp(-2 * 2.9^2) = 1e-7
    first = plan_of(gp.Simulation(single(gp.GIF(I_e=500.0), 4000), dt=DT, level="micro", seed=1))
    assert not np.isin(drawn, first.of_neurons("budget")).any()
    assert not np.isin(drawn, old).any()


def test_joined_results_have_the_number_of_neurons_of_their_time():
    sim = gp.Simulation(brunel(), dt=DT, level={"E": "meso", "I": "micro"}, seed=1)
    parts = [sim.run(20.0)]
    sim.set("E", N=400)
    sim.set("I", N=50)
    parts += [sim.run(30.0), sim.run(0.0)]
    joined = sim.result()
    assert [p["E"].N for p in parts] == [800, 400, 400]
    assert_array_equal(joined["E"].N, np.repeat([800, 400], [40, 60]))
    for name in ("activity", "counts"):
        assert_array_equal(getattr(joined, name), np.concatenate([getattr(p, name) for p in parts]))
    assert_array_equal(joined["E"].rate, np.concatenate([p["E"].rate for p in parts]))
    figure = Figure()
    joined.plot(figure=figure)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["E (N = 400 to 800)", "I (N = 50 to 200)"]


def test_results_with_other_neurons_are_not_joined():
    sim = gp.Simulation(single(N=20), dt=DT, level="micro", seed=1, record="V_m")
    sim.run(5.0)
    sim.set("P", N=30)
    assert sim.run(5.0)["P"].V_m.shape == (10, 30)
    with pytest.raises(ValueError, match="the runs recorded different neurons of 'P', since N has changed"):
        sim.result()
    some = gp.Simulation(single(N=20), dt=DT, level="micro", seed=1, record="V_m", record_neurons=5)
    some.run(5.0)
    some.set("P", N=30)
    some.run(5.0)
    assert some.result()["P"].V_m.shape == (20, 5)


def test_inputs_of_the_network_are_not_those_of_the_simulation():
    """Inputs that both have added later may have the same number."""
    net = single()
    sim = gp.Simulation(net, dt=0.5, seed=1)
    later = net.inject("P", gp.DirectCurrent(10.0))
    own = sim.inject("P", gp.DirectCurrent(50.0))
    with pytest.raises(ValueError, match="must be an input of this simulation"):
        sim.set(later, amplitude=-1000.0)
    sim.set(own, amplitude=20.0)
    sim.remove(own)


def test_prescribed_counts_and_spikes_limit_the_number_of_neurons():
    sim = gp.Simulation(single(N=20), dt=DT, counts={"P": np.array([3, 7, 0])})
    with pytest.raises(ValueError, match=r"'P': N must be >= 7, so that it can have the counts .*, got 6"):
        sim.set("P", N=6)
    sim.set("P", N=7)
    sim = gp.Simulation(single(N=20), dt=DT, level="micro", spikes={"P": ([1.0, 2.0], [4, 9])})
    with pytest.raises(ValueError, match=r"'P': N must be >= 10, so that it has the neurons .*, got 9"):
        sim.set("P", N=9)
    sim.set("P", N=10)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["meso", "micro"])
def test_activity_goes_on_and_comes_to_that_of_the_new_network(level):
    """With half the weights at twice the size, the mean stays; variances come to those of the larger network.

    Means over 24 runs, of each run 1 s before, from 0 to 20 ms, and from 0.5 s after the change on.
    """
    runs, sims = [], []
    for seed in range(24):
        sim = gp.Simulation(brunel(), dt=DT, level=level, seed=seed, initial="stationary")
        before = sim.run(1000.0)
        for name in "EI":
            sim.set(name, N=2 * network_of(sim).populations[name].N)
        for pre, weight in (("E", 12.5), ("I", -31.25)):
            for post in "EI":
                sim.set((pre, post), weight=weight)
        runs.append((before, sim.run(20.0), sim.run(480.0), sim.run(1500.0)))
        sims.append(sim)
    means = np.array([[part.activity[:, 0].mean() for part in run] for run in runs])
    variances = np.array([[part.activity[:, 0].var() for part in run] for run in runs])
    larger = brunel(N=(1600, 400)).simulate(40000.0, dt=DT, level=level, seed=99, initial="stationary").activity[:, 0]
    blocks = larger[: len(larger) // 3000 * 3000].reshape(-1, 3000)
    differences = means[:, 1] - means[:, 0]  # z > 5.5 once in 3e7
    assert_mean(differences, 0.0, differences.std(ddof=1))
    assert_mean(means[:, 3], blocks.mean(), means[:, 3].std(ddof=1), blocks.mean(axis=1).std() / np.sqrt(len(blocks)))
    assert_mean(
        variances[:, 3],
        blocks.var(axis=1).mean(),
        variances[:, 3].std(ddof=1),
        blocks.var(axis=1).std() / np.sqrt(len(blocks)),
    )
    assert variances[:, 3].mean() < 0.7 * variances[:, 0].mean()
