"""Changes between runs that change nothing: the same values, what is refused, what does not fit in memory."""

import numpy as np
import pytest

import gifpop as gp
from gifpop.common import memory
from tests.helpers.changes import DT, LEVELS, Described, assert_same
from tests.helpers.networks import brunel, single


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
        (
            (net.connections[0],),
            {"N": 3},
            TypeError,
            r"of a connection \(delay, p, plasticity, receptor, rule, weight\), got 'N'",
        ),
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
