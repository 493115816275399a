"""gifpop.nest: connections that are not stored, of all neurons to all, are counted, indexed and changed as such."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.common.memory
import gifpop.nest as nest
from gifpop.nest import projections, runs
from gifpop.nest.kernel import kernel as state
from gifpop.nest.runs import Runs


def network():
    """Connect blocks of neurons, a population and devices in all ways of storing; some sources in several calls."""
    nest.ResetKernel()
    a, b, p = nest.Create("gif_psc_exp", 7), nest.Create("gif_psc_exp", 5), nest.Create("gif_pop_psc_exp")
    recorder, generator = nest.Create("spike_recorder"), nest.Create("poisson_generator", 2)
    nest.CopyModel("static_synapse", "other")
    nest.Connect(a, b, "all_to_all", {"weight": 2.0})
    nest.Connect(a + b, a + b, {"rule": "fixed_indegree", "indegree": 9}, {"weight": nest.random.uniform()})
    nest.Connect(b, a, "all_to_all", {"synapse_model": "other", "weight": -1.0, "delay": 2.0})
    nest.Connect(a[2:5], b[1:], "all_to_all")
    nest.Connect(a, p)
    nest.Connect(generator, a)
    nest.Connect(a + b, recorder)
    nest.Connect(a, a)
    return a, b, p, generator


NODES = st.sets(st.integers(1, 16)).map(sorted)


@settings(max_examples=40, deadline=None)
@given(
    source=st.none() | NODES,
    target=st.none() | NODES,
    model=st.sampled_from([None, "static_synapse", "other"]),
    places=st.lists(st.integers(0, 10**6), max_size=5),
    cut=st.slices(250),
    value=st.integers(1, 9),
)
def test_runs_are_what_is_written_out(source, target, model, places, cut, value):
    """Numbers, order, filters, indices, slices, values, and what is set: as if all had been numbered one by one."""
    found = []
    for limit in (10**9, -1):
        network()
        nodes = [None if ids is None else nest.NodeCollection(ids) for ids in (source, target)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runs, "WRITTEN_OUT", limit)
            patch.setattr(projections, "MANY", limit)
            some = nest.GetConnections(*nodes, model)
            part = some[cut]
            seen = [len(some), list(some.sources()), list(some.targets()), some.get(), len(part), part.get(), str(part)]
            seen += [some[k % len(some)].get() for k in places if len(some)]
            seen += [[one.get("source") for one in part]]
            assert some == nest.GetConnections(*nodes, model)
            for k in places if len(some) else ():
                some[k % len(some)].set(weight=float(value), delay=1.5)
            part.set(weight=value + 0.5)
            if len(some):
                some.set(weight=np.arange(len(some), dtype=float) if value > 6 else 3.5)
                part.set([{"delay": 2.0 + k % 3} for k in range(len(part))])
            seen += [nest.GetConnections().get(), nest.num_connections]
            found.append(seen)
            assert limit > 0 or isinstance(nest.GetConnections()._places, Runs)
    for written_out, computed in zip(*found, strict=True):
        assert written_out == computed


def test_comparisons(monkeypatch):
    a, *_ = network()
    monkeypatch.setattr(runs, "WRITTEN_OUT", -1)
    everything = nest.GetConnections()
    assert everything != everything[:-1]
    assert everything[:-1] == everything[:-1]
    assert nest.GetConnections(a[0]) != nest.GetConnections(a[1])
    monkeypatch.undo()
    assert nest.GetConnections() == everything
    assert everything == nest.GetConnections()


def exceptional(many, monkeypatch):
    """Return what neurons do, of whose connections some differ in weight, sign or delay, before and during a run."""
    monkeypatch.setattr(projections, "MANY", many)
    nest.ResetKernel()
    nest.resolution = 0.5
    a = nest.Create("gif_psc_exp", 30, {"I_e": 220.0, "lambda_0": 20.0})
    b = nest.Create("gif_psc_exp", 20, {"lambda_0": 0.0, "V_m": -70.0})
    meter, recorder = (
        nest.Create("multimeter", params={"record_from": ["V_m", "I_syn_ex", "I_syn_in"]}),
        nest.Create("spike_recorder"),
    )
    nest.Connect(a, a, "all_to_all", {"weight": -2.0, "delay": 1.0})
    nest.Connect(a, b, "all_to_all", {"weight": 8.0, "delay": 1.5})
    nest.Connect(meter, b)
    nest.Connect(a, recorder)
    nest.GetConnections(a[0], b[1]).weight = 50.0
    nest.GetConnections(a[3:5], b[1:3]).set(weight=-30.0, delay=3.0)
    nest.Simulate(50.0)
    nest.GetConnections(a[0], b[1:4]).set(delay=2.0)
    nest.GetConnections(a[9], a[10]).weight = 40.0
    nest.Simulate(50.0)
    stored = [type(piece.weight).__name__ for piece in state.connections.projections[:2]]
    return stored, recorder.events, meter.events


def test_a_few_that_differ_are_as_all_one_by_one(monkeypatch):
    """Within rounding: what most share reaches all, and is taken back where it is not theirs."""
    dense, few = exceptional(10**9, monkeypatch), exceptional(-1, monkeypatch)
    assert dense[0] == ["ndarray", "ndarray"]
    assert few[0] == ["Exceptions", "Exceptions"]
    assert len(dense[1]["times"]) > 100
    for name, values in dense[1].items():
        assert_array_equal(few[1][name], values)
    for name, values in dense[2].items():
        assert_allclose(few[2][name], values, rtol=1e-10, atol=1e-10)
    assert np.ptp(dense[2]["I_syn_in"]) > 10.0


def test_a_change_of_one_of_very_many_takes_little():
    """400 million connections; a list of them would take 3.2 GB."""
    a = nest.Create("gif_psc_exp", 20_000)
    nest.Connect(a, a, "all_to_all", {"weight": 0.1})
    tracemalloc.start()
    everything = nest.GetConnections()
    assert len(everything) == nest.num_connections == 400_000_000
    assert everything[20_001].get(["source", "target"]) == {"source": 2, "target": 2}
    assert everything[-1].get(["source", "target"]) == {"source": 20_000, "target": 20_000}
    assert everything[10**8 : 3 * 10**8][5].source == 5001
    nest.GetConnections(a[0], a[1]).set(weight=5.0)
    nest.GetConnections(a[7], a[::1000]).set(delay=2.0)
    assert nest.GetConnections(a[0], a[:3]).weight == [0.1, 5.0, 0.1]
    assert len(nest.GetConnections(target=a[::2])) == 200_000_000
    assert nest.GetConnections(target=a[::2])[10_001].get(["source", "target"]) == {"source": 2, "target": 3}
    nest.Simulate(2.0)
    everything.set(weight=0.2)
    assert nest.GetConnections(a[0], a[:3]).weight == [0.2, 0.2, 0.2]
    assert everything == nest.GetConnections()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6


def test_what_needs_all_of_them_is_refused_where_memory_is_short(monkeypatch):
    a = nest.Create("gif_psc_exp", 20_000)
    nest.Connect(a, a)
    monkeypatch.setattr(gifpop.common.memory, "available", lambda: 1e9)
    everything = nest.GetConnections()
    everything.print_full = True
    for make in (
        lambda: everything.weight,
        lambda: everything.get("source"),
        lambda: everything[::-1],
        lambda: str(everything),
        lambda: everything[: 3 * 10**8].set(weight=1.0),
        lambda: everything.get(),
    ):
        with pytest.raises(nest.NESTError, match=r"would need [0-9.]+ GB; 1.0 GB are available") as error:
            make()
        assert isinstance(error.value, MemoryError)
    assert next(everything.sources()) == 1
    assert next(iter(everything)).weight == 1.0
    everything.set(weight=1.5)
    assert everything[5].weight == 1.5
