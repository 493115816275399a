"""Changes between runs: after a reset, a simulation is a fresh one of the changed network."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.assembly.changes import OF_CONNECTION, OF_POPULATION
from tests.helpers.changes import DT, LEVELS, Described, assert_same
from tests.helpers.networks import brunel

THOROUGH = settings.default.max_examples > 100  # the slow tests run, too


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
            gp.OUCurrent(0.0, 50.0, 5.0, shared=True),
            gp.OUCurrent(0.0, 50.0, 9.0),
            gp.NoiseCurrent(0.0, 50.0, 1.0),
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
        "finite_size",
    }
    connection = brunel().connections[0]
    assert {f.name for f in fields(connection)} - set(OF_CONNECTION) == {"pre", "post", "number"}
