"""Ctrl-C and errors of memory: changes and chunks are made as a whole or not at all."""

import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.assembly.recording import Recorder
from gifpop.engine import chunks, ring_buffers
from gifpop.engine.engine import Engine, StateLostError
from gifpop.engine.links import Link
from tests.helpers.saved import simulation
from tests.helpers.state import assert_same_results, assert_same_state, engine_of, network_of, state_of
from tests.helpers.strikes import brunel, fail, once, press

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("sigint")]

CHANGES = {
    "set a population": lambda sim: sim.set("2/3E", I_e=500.0),
    "set N": lambda sim: sim.set("2/3E", N=70),
    "set connections": lambda sim: sim.set(("I", "2/3E"), weight=-100.0, delay=9.0),
    "inject": lambda sim: sim.inject("I", gp.PoissonSpikes(300.0, 5.0, shared=True), delay=2.0),
    "remove": lambda sim: sim.remove(network_of(sim).injections[1]),
    "reset": lambda sim: sim.reset(7),
}


@pytest.mark.parametrize("case", ["meso", "mixed"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("strike", [press, fail(), fail(OSError)], ids=["Ctrl-C", "memory", "other"])
def test_a_change_is_not_made_where_something_strikes(case, change, strike, monkeypatch):
    """Just before the arrays of the new state are bound."""
    sim, other = simulation(case), simulation(case)
    for one in (sim, other):
        one.run(20.0)
    before = state_of(sim)
    once(monkeypatch, Engine, "bind", strike)
    with pytest.raises((KeyboardInterrupt, MemoryError, OSError)):
        CHANGES[change](sim)
    if change == "reset":  # reuses ring buffers: it is made all the same, or leaves what refuses
        if strike is press:
            CHANGES[change](other)
        else:
            with pytest.raises(StateLostError, match="Simulation: a reset was cut short, and its state is lost"):
                sim.run(1.0)
            for one in (sim, other):
                CHANGES[change](one)
    else:
        assert_same_state(sim, before)
    assert_same_state(sim, other)
    assert_same_results(sim.run(20.0), other.run(20.0))
    assert_same_results(sim.result(), other.result())


def test_ctrl_c_after_the_change():
    """It has been made then; the signal is obeyed after it."""
    sim = brunel()
    with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
        once(patch, ring_buffers.RingBuffers, "clear", press)
        sim.reset(5)
    assert sim.seed.entropy == 5
    assert_array_equal(sim.run(50.0).counts, brunel(seed=5, network_seed=1).run(50.0).counts)


def test_the_engine_of_nests_face_is_wired_as_a_whole(monkeypatch):
    sim = simulation("micro")
    sim.run(5.0)
    engine, before = engine_of(sim), state_of(sim)
    links = [*engine.links, Link(0, 1, 40, "excitatory", 10.0)]
    once(monkeypatch, Engine, "bind", fail())
    with pytest.raises(MemoryError):
        engine.wire(links, engine.signals, engine.noise)
    assert_same_state(sim, before)
    engine.wire(links, engine.signals, engine.noise)
    assert len(engine.links) == len(links)


@pytest.mark.parametrize("level", ["meso", "micro"])
@pytest.mark.parametrize(
    "place",
    [(chunks._core, "advance"), (chunks, "Chunk"), (Recorder, "take")],
    ids=["compiled", "unpacking", "recording"],
)
def test_a_chunk_that_is_cut_short_leaves_a_simulation_that_refuses(level, place, monkeypatch, tmp_path):
    sim = brunel(level=level)
    first = sim.run(20.0)
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", 8)
    with pytest.MonkeyPatch.context() as patch:
        once(patch, *place, fail())
        with pytest.raises(MemoryError):
            sim.run(20.0)
    asked = [
        lambda: sim.run(1.0),
        lambda: sim.set("E", I_e=1.0),
        lambda: sim.save(tmp_path / "s.npz"),
        lambda: sim.inject("E", gp.DirectCurrent(1.0)),
    ]
    for ask in asked:
        with pytest.raises(
            StateLostError, match="a run was cut short, and its state is lost; reset it, or load a saved"
        ):
            ask()
    assert not list(tmp_path.iterdir())
    assert_same_results(sim.result(), first)
    sim.reset()
    assert_same_results(sim.run(20.0), first)


def test_no_memory_for_the_spikes_of_a_chunk(monkeypatch):
    """The compiled loop has advanced a part of the chunk; time has not moved."""
    sim = brunel(level="micro")
    advance = chunks._core.advance

    def advance_in_part(cores, step, lines, means, counts, *rest):
        advance(cores, step, lines, means, counts, *rest)
        raise MemoryError("gifpop: no memory for the spikes of a chunk")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks._core, "advance", advance_in_part)
        with pytest.raises(MemoryError):
            sim.run(20.0)
    assert sim.time == 0.0
    with pytest.raises(StateLostError):
        sim.run(20.0)
    monkeypatch.undo()
    sim.reset()
    assert_array_equal(sim.run(20.0).counts, brunel(level="micro").run(20.0).counts)


def test_memory_that_fails_before_a_chunk_costs_nothing(monkeypatch):
    sim = brunel()
    with pytest.MonkeyPatch.context() as patch:
        once(patch, chunks.Probing, "prescribe", fail())
        with pytest.raises(MemoryError):
            sim.run(20.0)
    assert_array_equal(sim.run(20.0).counts, brunel().run(20.0).counts)
