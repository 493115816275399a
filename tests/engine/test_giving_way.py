"""Ctrl-C acts within a second: long preparations give way, chunks are short."""

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop import _core, distributions
from gifpop.assembly import stationary
from gifpop.engine import chunks, threads
from gifpop.wiring import _wiring, draw
from tests.helpers.ctrl_c import Stopwatch, ctrl_c
from tests.helpers.saved import simulation
from tests.helpers.state import assert_same_results, assert_same_state, engine_of, state_of
from tests.helpers.strikes import DT, POSIX, once, press

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("sigint")]


def counting(limit):
    """Return a function that raises KeyboardInterrupt when it is called once too often, and its calls."""
    calls = []

    def look():
        calls.append(1)
        if len(calls) > limit:
            raise KeyboardInterrupt

    return look, calls


RULES = [
    gp.AllToAll(allow_autapses=False),
    gp.FixedOutdegree(1500),
    gp.FixedIndegree(1500),
    gp.FixedIndegree(1500, allow_multapses=False),
    gp.FixedTotalNumber(4_500_000),
    gp.FixedTotalNumber(4_500_000, allow_multapses=False),
    gp.PairwiseBernoulli(0.5),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_drawing_gives_way(rule, monkeypatch):
    """At least once in three pieces of a million connections, and without an effect on what is drawn."""
    drawn = [draw.connect(rule, 3000, 3000, True, np.random.PCG64(1))]

    def watch_by(look):
        monkeypatch.setattr(draw, "give_way", look)
        monkeypatch.setattr(threads, "watch", lambda: look)

    look, calls = counting(2)
    watch_by(look)
    with pytest.raises(KeyboardInterrupt):
        draw.connect(rule, 3000, 3000, True, np.random.PCG64(1))
    look, calls = counting(10**6)
    watch_by(look)
    drawn.append(draw.connect(rule, 3000, 3000, True, np.random.PCG64(1)))
    assert len(calls) >= 4
    for one, other in zip(*drawn, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize(
    "work",
    [
        lambda pairs, look: _wiring.by_source(pairs, pairs, 1000, 1000, look),
        lambda pairs, look: _core.largest_indegree(pairs.astype(np.int32), look),
    ],
    ids=["sorting", "counting"],
)
def test_sorting_and_counting_give_way(work):
    look, calls = counting(2)
    with pytest.raises(KeyboardInterrupt):
        work(np.arange(3_000_000) % 1000, look)
    assert len(calls) == 3


@pytest.mark.parametrize("distribution", [gp.Uniform(), gp.Normal(), gp.Lognormal(), gp.Exponential()], ids=str)
def test_values_are_drawn_in_pieces(distribution, monkeypatch):
    whole = distribution.draw(1000, np.random.default_rng(1))
    monkeypatch.setattr(distributions, "PIECE", 64)
    assert_array_equal(distribution.draw(1000, np.random.default_rng(1)), whole)
    look, _ = counting(3)
    monkeypatch.setattr(distributions, "give_way", look)
    with pytest.raises(KeyboardInterrupt):
        distribution.draw(1000, np.random.default_rng(1))


@POSIX
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_while_connections_are_drawn(threads):
    """Of a new simulation, and of one that is changed, which stays what it is."""
    net = gp.Network()
    E = net.population("E", 6000, gp.GIF())
    net.connect(E, E, weight=1.0, delay=1.0, rule=gp.FixedIndegree(20))
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1, threads=threads, progress=False)
    before = state_of(sim)
    net.connect(E, E, weight=1.0, delay=1.0, rule=gp.FixedIndegree(100_000))
    many = (
        lambda: gp.Simulation(net, dt=DT, level="micro", seed=1, threads=threads),
        lambda: sim.set((E, E), rule=gp.FixedIndegree(100_000)),
    )
    for work in many:
        with ctrl_c(0.2) as since, pytest.raises(KeyboardInterrupt):
            work()
        assert since() < 1.0
    assert_same_state(sim, before)


def test_ctrl_c_while_the_stationary_state_is_found(monkeypatch):
    sim = gp.Simulation(gp.models.brunel(), dt=DT, seed=1, initial="stationary", progress=False)
    sim.set("E", I_e=310.0)
    sim.run(10.0)
    before = state_of(sim)
    once(monkeypatch, stationary, "_fill_up", press)
    seconds = Stopwatch()
    with pytest.raises(KeyboardInterrupt):
        sim.reset()
    assert seconds() < 1.0
    assert_same_state(sim, before)


def test_first_chunks_are_as_long_as_steps_allow():
    assert chunks.Pace(1, 1e-6)._size == 32
    assert chunks.Pace(15, 1e-6)._size == 30
    assert chunks.Pace(10, 1e-2)._size == 10
    assert chunks.Pace(10, 0.12)._size == 1
    slow = chunks.Pace(32, 1e-6)
    with slow.chunk(100) as n:
        time.sleep(0.5)
    assert n == 32
    assert slow._size < 16  # not even a slice
    net = gp.Network()
    E = net.population("E", 300_000, gp.GIF())
    net.connect(E, E, weight=0.1, delay=15.0)
    engine = engine_of(gp.Simulation(net, dt=DT, level="micro"))
    assert chunks.Pace(engine.slice_steps, engine.seconds_per_step())._size < 32


@pytest.mark.parametrize("size", [1, 3, 7])
def test_chunks_do_not_change_results(size, monkeypatch):
    """Also where they are shorter than a slice."""
    whole = simulation("mixed").run(50.0)
    monkeypatch.setattr(chunks.Pace, "_steps", lambda self, wanted, seconds: size)
    assert_same_results(simulation("mixed").run(50.0), whole)
