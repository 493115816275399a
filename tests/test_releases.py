"""What is no longer needed is given back: inputs that were removed, networks that are gone, kernels that were reset.

Garbage collection is switched off: it counts objects, not bytes, and large arrays in cycles may wait for it long.
"""

import gc
import os
import signal
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import gifpop as gp
import gifpop.nest as nest
from gifpop.common import remembered
from gifpop.meso import plan
from tests.helpers.state import assembly_of, engine_of

MB = 1e6
SAMPLES = 100_000  # 0.8 MB each time that they are held


@pytest.fixture
def traced():
    """Return a function that returns how many bytes are held more than at the first call."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    before = []

    def grown():
        before.append(tracemalloc.get_traced_memory()[0])
        return before[-1] - before[0]

    yield grown
    tracemalloc.stop()
    gc.enable()


def simulation(level="meso", **options):
    net = gp.Network()
    net.population("E", 50, gp.GIF(I_e=300.0))
    net.connect("E", "E", weight=1.0, delay=1.0)
    return gp.Simulation(net, dt=0.5, seed=1, level=level, **options)


def waveform(i):
    return gp.Waveform(np.full(SAMPLES, float(i)), interval=0.5)


def test_signals_of_removed_inputs(traced):
    sim = simulation()
    for i in range(5):
        given = sim.inject("E", waveform(i))
        sim.run(1.0)
        sim.remove(given)
        del given
        if i < 2:
            traced()
    assert traced() < 1 * MB


def test_signals_of_changed_inputs(traced):
    sim = simulation()
    given = sim.inject("E", gp.Waveform([0.0], interval=0.5))
    sim.set(given, values=waveform(0).values)
    traced()
    for i in range(5):
        sim.set(given, values=waveform(i).values)
        sim.run(1.0)
    assert traced() < 1 * MB


def test_signals_of_kept_inputs_are_not_made_twice():
    sim = simulation()
    sim.inject("E", waveform(0))
    before = engine_of(sim).signals[0]
    other = sim.inject("E", waveform(1))
    sim.remove(other)
    sim.set("E", I_e=200.0)
    sim.reset()
    assert engine_of(sim).signals[0] is before
    assert len(assembly_of(sim)._signals) == 1


def test_nothing_of_a_removed_input_is_left_after_reset(traced):
    sim = simulation()
    sim.reset()
    traced()
    for i in range(5):
        given = sim.inject("E", waveform(i))
        sim.run(1.0)
        sim.remove(given)
        del given
    sim.reset()
    assert traced() < 1 * MB


@pytest.mark.parametrize("history", ["adaptive", "exact"])
def test_histories_of_networks_that_are_gone(traced, history):
    cells = [gp.GIF(tau_m=20.0 + i, tau_sfa=(2000.0,), q_sfa=(5.0,)) for i in range(4)]

    def run(cell):
        net = gp.Network()
        net.population("E", 50, cell)
        gp.Simulation(net, dt=0.01, history=history).run(0.1)

    run(gp.GIF(tau_m=10.0))
    traced()
    for cell in cells:
        run(cell)
    assert traced() < remembered.BYTES_KEPT + 1 * MB


@pytest.mark.usefixtures("cells_at_any_cost")
def test_histories_are_shared_by_networks_that_live(monkeypatch):
    monkeypatch.setattr(remembered, "BYTES_KEPT", 0)
    cell = gp.GIF(tau_m=21.0)
    first, second = (plan.plan_adaptive(cell, 10, 0.1, -1, 3e-3) for _ in range(2))
    assert first.cells.widest.base is second.cells.widest.base is not None
    held = weakref.ref(first.cells.widest.base)
    del first, second
    assert held() is None


def test_the_last_small_arrays_are_remembered(monkeypatch):
    made = []

    @remembered.remembered
    def make(n):
        made.append(n)
        return np.zeros(n)

    monkeypatch.setattr(remembered, "BYTES_KEPT", 8 * 100)
    for n in (10, 20, 10, 20):
        make(n)
    assert made == [10, 20]
    make(90)
    make(10), make(20)
    assert made == [10, 20, 90, 10, 20]
    make(1000)
    held = make(1000)
    assert make(1000) is held
    assert made[5:] == [1000, 1000]


@pytest.mark.parametrize("level", ["meso", "micro"])
@pytest.mark.parametrize("initial", ["fired", "stationary"])
def test_simulations_that_are_gone(traced, level, initial):
    sim = simulation(level, initial=initial)
    sim.run(10.0)
    sim.set("E", I_e=310.0)
    sim.reset()
    held = [weakref.ref(each) for each in (sim, assembly_of(sim), engine_of(sim), sim.run(1.0))]
    del sim
    assert [each() for each in held] == [None] * 4


def test_results_that_are_forgotten(traced):
    sim = simulation("micro", record=["V_m"])
    sim.run(10.0)
    sim.reset()
    traced()
    sim.run(5000.0)
    assert traced() > 4 * MB
    sim.forget()
    assert traced() < 0.5 * MB
    sim.run(5000.0)
    sim.reset()
    assert traced() < 0.5 * MB


def test_trials_leave_only_their_result(traced):
    net = gp.Network()
    net.population("E", 2000, gp.GIF(I_e=300.0))
    net.simulate(1.0, dt=0.5, level="micro", trials=3, seed=1)
    traced()
    net.simulate(1.0, dt=0.5, level="micro", trials=20, seed=1, keep="mean")
    assert traced() < 0.2 * MB


def test_kernels_that_were_reset(traced):
    nest.ResetKernel()
    neurons = nest.Create("gif_psc_exp", 1000)
    nest.Connect(neurons, neurons, {"rule": "fixed_indegree", "indegree": 100}, {"weight": 0.1, "delay": 1.0})
    meter = nest.Create("multimeter", params={"record_from": ["V_m"]})
    nest.Connect(meter, neurons)
    nest.Connect(nest.Create("poisson_generator", params={"rate": 1000.0}), neurons)
    nest.Simulate(50.0)
    kernel = nest.api.kernel
    simulator = kernel._simulator
    held = [weakref.ref(each) for each in (simulator, simulator.engine, kernel.connections, *kernel.nodes.blocks)]
    del simulator
    nest.ResetKernel()
    del neurons, meter
    assert [each() for each in held] == [None] * len(held)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.timeout(60)
def test_a_fork_while_another_thread_looks_up_an_array():
    """The child does not wait for a thread that exists in its parent only."""
    looking, found = threading.Event(), threading.Event()

    class Slow:
        def __hash__(self):  # is asked for while the lock is held
            looking.set()
            found.wait(30.0)
            return 1

    recall = remembered.remembered(lambda key: np.zeros(1))
    thread = threading.Thread(target=recall, args=(Slow(),))
    thread.start()
    looking.wait(30.0)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        recall("another")
        os._exit(0)
    found.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
