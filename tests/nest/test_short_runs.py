"""Many short runs: what need not be prepared again is not, and nothing depends on when results are looked at."""

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.common import memory
from gifpop.engine.engine import Engine
from gifpop.nest import simulator
from gifpop.nest.simulator import Simulator


@pytest.fixture
def calls(monkeypatch):
    """Return a list that receives the name of each preparation."""
    made = []

    def count(owner, name):
        function = getattr(owner, name)

        def counted(*args, **kwargs):
            made.append(name)
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    for owner, name in ((Simulator, "prepare"), (Engine, "wire"), (Engine, "bind"), (Simulator, "show")):
        count(owner, name)
    return made


def network():
    neurons = nest.Create("gif_psc_exp", 20, {"I_e": 900.0, "lambda_0": 50.0})
    populations = nest.Create("gif_pop_psc_exp", 2, {"N": 50, "lambda_0": 20.0})
    nest.Connect(neurons, neurons, {"rule": "fixed_indegree", "indegree": 5}, {"weight": 20.0, "delay": 1.0})
    nest.Connect(populations, neurons, syn_spec={"weight": 1.0, "delay": 1.5})
    spikes = nest.Create("spike_recorder")
    nest.Connect(neurons, spikes)
    nest.Connect(populations, spikes)
    meters = nest.Create("multimeter", 20, {"record_from": ["V_m", "E_sfa"]})
    nest.Connect(meters, neurons, "one_to_one")
    of_populations = nest.Create("multimeter", params={"record_from": ["mean", "n_events"], "interval": 0.5})
    nest.Connect(of_populations, populations)
    return neurons, populations, (spikes, *meters, of_populations)


def assert_same(one, other):
    """Compare events of recorders bit for bit."""
    for own, theirs in zip(one, other, strict=True):
        assert own.keys() == theirs.keys()
        for name, values in theirs.items():
            np.testing.assert_array_equal(own[name], values, strict=True)


@pytest.mark.parametrize("piece", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("change", [False, True], ids=["unchanged", "changed"])
def test_when_results_are_looked_at(piece, change, monkeypatch):
    def events(look, most_held=simulator.MOST_HELD):
        monkeypatch.setattr(simulator, "MOST_HELD", most_held)
        nest.ResetKernel()
        neurons, populations, recorders = network()
        for k in range(round(24 / piece)):
            nest.Simulate(piece)
            if look:
                assert max(recorders[0].events["times"], default=0.0) <= nest.biological_time
            if change and k % 3 == 2:
                neurons[k % 20].I_e = 1000.0 + k
                populations[0].V_m = -60.0
                recorders[1].stop = 1000.0 + k
                if k == 5:
                    nest.Connect(neurons, neurons, "one_to_one", {"weight": 30.0, "delay": 1.5})
        return [recorder.events for recorder in recorders]

    expected = events(look=False)
    assert len(expected[0]["times"]) > 60
    assert_same(events(look=True), expected)
    assert_same(events(look=False, most_held=0.0), expected)


def test_short_runs_are_a_long_one():
    def events(piece):
        nest.ResetKernel()
        recorders = network()[-1]
        for _ in range(round(20 / piece)):
            nest.Simulate(piece)
        return [recorder.events for recorder in recorders]

    assert_same(events(1.0), events(20.0))


def test_nothing_is_prepared_again(calls):
    recorders = network()[-1]
    nest.Simulate(1.0)
    calls.clear()
    for _ in range(5):
        nest.Simulate(1.0)
    assert calls == []
    recorders[0].n_events  # noqa: B018
    assert calls == ["show"]
    nest.Simulate(1.0)
    with nest.RunManager():
        nest.Run(1.0)
    assert calls == ["show"]


def changes():
    """Return, by name, what changes a network of `network` between two runs."""
    return {
        "a neuron": lambda neurons, populations, recorders: neurons[3].set(I_e=1.0),
        "a population": lambda neurons, populations, recorders: populations.set(N=40),
        "a recorder": lambda neurons, populations, recorders: recorders[1].set(start=0.0),
        "a frozen neuron": lambda neurons, populations, recorders: neurons[2].set(frozen=True),
        "a weight": lambda neurons, populations, recorders: nest.GetConnections(neurons, neurons)[0].set(weight=2.0),
        "new nodes": lambda neurons, populations, recorders: nest.Create("gif_psc_exp"),
        "new connections": lambda neurons, populations, recorders: nest.Connect(neurons[0], neurons[1]),
        "fewer connections": lambda neurons, populations, recorders: nest.GetConnections(neurons)[0].disconnect(),
        "the seed": lambda neurons, populations, recorders: nest.set(rng_seed=7),
    }


@pytest.mark.parametrize("name", changes())
def test_changes_are_prepared_once(calls, name):
    nodes = network()
    nest.Simulate(1.0)
    changes()[name](*nodes)
    calls.clear()
    nest.Simulate(1.0)
    assert calls.count("prepare") == 1
    calls.clear()
    nest.Simulate(1.0)
    assert calls == []


def test_frozen_neurons_stay_in_many_runs():
    neurons = network()[0]
    nest.Simulate(1.0)
    neurons[2].frozen = True
    before = neurons[2].V_m
    for _ in range(3):
        nest.Simulate(1.0)
        assert neurons[2].V_m == before


def test_what_is_held_counts_as_memory(monkeypatch):
    """Samples of earlier runs that are not shown yet are counted with those to come."""
    network()
    needed = []
    monkeypatch.setattr(simulator, "require_memory", lambda needs, what: needed.append(needs["samples"]))
    for _ in range(40):
        nest.Simulate(5.0)
    assert needed[39] == pytest.approx(2 * needed[19], rel=1e-9)
    assert needed[39] < simulator.MOST_HELD


def test_small_needs_are_added_up_before_the_system_is_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(memory.memory_limits, "least", lambda: asked.append(1))
    monkeypatch.setattr(memory, "headroom", memory.Headroom())
    monkeypatch.setattr(memory, "SECONDS_KNOWN", 0.0)
    for _ in range(101):
        memory.require(1e3, "a test")
    assert len(asked) == 1
    memory.require(1e6, "a test")
    assert len(asked) == 2
