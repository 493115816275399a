"""No content of a file, however crafted, crashes the process, hangs it or takes memory without bound."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import gifpop as gp
from gifpop.meso import _meso
from gifpop.meso.plan import fitting_cohorts
from gifpop.saving import archive
from tests.helpers import hostile
from tests.helpers.saved import CASES, refused, rewritten, simulation

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs signals and limits")


# Every field of a saved simulation, one after the other, with every value that may hurt.


def harm(path, first, stride, seconds):
    """Load and run what becomes of a file in a process of its own; return how many could be loaded."""
    command = [sys.executable, hostile.__file__, str(path), str(first), str(10**9), str(stride)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    last = process.stdout.splitlines()[-1]
    assert process.returncode == 0, (process.returncode, last, process.stderr[-3000:])
    return int(re.fullmatch(r"done: (\d+) loaded of \d+", last)[1])


@POSIX
@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", ["mixed", "drawn weights"])
def test_some_fields(case, path):
    sim = simulation(case)
    sim.run(8.5)
    sim.save(path)
    assert harm(path, 3, 499, seconds=120) > 5


@POSIX
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("first", "case"), list(enumerate(CASES)))
def test_every_field(first, case, path):
    """Of each file one change in so many, together all of them."""
    sim = simulation(case, record=None)
    sim.run(8.5)
    sim.save(path)
    assert harm(path, first, len(CASES), seconds=1800) > 150


# What fits together by itself, and would lead the compiled loop astray.


def craft(path, change):
    """Change the entries of a saved file, ``change(parts, arrays)``, and its list of arrays to fit them."""

    def change_all(document, arrays):
        parts = dict(document["simulation"]["dict"])
        change(parts, arrays)
        document["simulation"]["dict"] = list(parts.items())
        for name, array in arrays.items():
            document["arrays"][name] = archive._kind(array.dtype, array.shape)

    rewritten(path, change_all)


def entry(node, name):
    """Return the entry of a dict, a list of key and value."""
    return next(pair for pair in node["dict"] if pair[0] == name)


def network_of(parts):
    return parts["network"]["Description"]


def input_of(parts, kind):
    return next(i["Injection"] for i in network_of(parts)["injections"] if kind in i["Injection"]["input"])


def cell_of(parts):
    return network_of(parts)["populations"]["dict"][0][1]["Population"]["cell"]["GIF"]  # both have this one


def set_step(parts, arrays):
    entry(parts["engine"], "step")[1] = 2**63 - 5


def set_refractory(parts, arrays):
    cell_of(parts)["t_ref"] = 1e19


def widen_cells(parts, arrays):
    widest = arrays["groups.I.cells.widest"]
    widest[: len(widest) // 2] = 10**9


def mix_up_widest(parts, arrays):
    arrays["groups.I.cells.widest"] = arrays["groups.I.cells.widest"][::-1].copy()


def fill_the_window(arrays):
    """Let all cohorts and two cells be there."""
    state, places = arrays["groups.I.state"], arrays["groups.I.cohorts"].shape[1]
    state["oldest"], state["cohorts"], state["cells"] = _meso.PADDING, fitting_cohorts(places), 2


def make_cells_endless(parts, arrays):
    fill_the_window(arrays)
    arrays["groups.I.cells.rows"][-1, 8:10] = 1e308


def make_cells_thin(parts, arrays):
    fill_the_window(arrays)
    arrays["groups.I.cells.rows"][-1, 8:10] = 1.5


def wrap_around(parts, arrays):
    first = arrays["connections.0.first"]
    first[1:4] = 2**63 - 1, -(2**63) + 3, -1  # differences overflow, and are >= 0 then


def count_draws_below_zero(parts, arrays):
    arrays["groups.2-3E.draws"][:] = -1e300


def take_a_group_away(parts, arrays):
    del parts["groups"]["dict"][1]


def exchange_groups(parts, arrays):
    parts["groups"]["dict"].reverse()


def exchange_arrays(parts, arrays):
    first, second = (dict(parts["groups"]["dict"])[name] for name in ("2/3E", "I"))
    entry(first, "stream")[1] = entry(second, "stream")[1]


def take_inputs_away(parts, arrays):
    parts["inputs"]["dict"].clear()


def prescribe_nobody(parts, arrays):
    arrays["hostile"] = np.zeros(100, dtype=np.int64)
    entry(parts["recording"], "counts")[1] = {"dict": [[-1, {"array": "hostile"}]]}


def prescribe_more_than_all(parts, arrays):
    arrays["hostile"] = np.full(100, 2**40)
    entry(parts["recording"], "counts")[1] = {"dict": [["I", {"array": "hostile"}]]}


def prescribe_spikes_outside(parts, arrays):
    arrays["a"], arrays["b"] = np.arange(1.0, 4.0), np.array([0, 2**31 - 1, -5], dtype=np.int32)
    entry(parts["recording"], "spikes")[1] = {"dict": [["2/3E", {"tuple": [{"array": "a"}, {"array": "b"}]}]]}


def prescribe_spikes_at_no_time(parts, arrays):
    arrays["a"], arrays["b"] = np.array([1.0, 1e300, -1e300]), np.zeros(3, dtype=np.int32)
    entry(parts["recording"], "spikes")[1] = {"dict": [["2/3E", {"tuple": [{"array": "a"}, {"array": "b"}]}]]}


def mix_up_events(parts, arrays):
    input_of(parts, "SpikeTimes")["input"]["SpikeTimes"]["times"] = {"tuple": [0.0, 1e300, 3.0]}


def link_others(parts, arrays):
    parts["connections"][2] = parts["connections"][0]


def lengthen_history(parts, arrays):
    network_of(parts)["populations"]["dict"][1][1]["Population"]["len_kernel"] = 10**13


def number_inputs_without_end(parts, arrays):
    network_of(parts)["injections"][0]["Injection"]["number"] = {"range": [0, 2**62, 1]}


def number_inputs_alike(parts, arrays):
    network_of(parts)["injections"][0]["Injection"]["number"] = 1


def seed_without_end(parts, arrays):
    parts["seed"]["SeedSequence"]["entropy"] = {"range": [0, 2**40, 1]}


def forget_terms(parts, arrays):
    cell_of(parts).update(tau_sfa={"tuple": [1.0] * 7}, q_sfa={"tuple": [1.0] * 7})


def fill_the_pool(parts, arrays):
    parts["seed"]["SeedSequence"]["pool_size"] = 2**31 - 1


def take_a_void(parts, arrays):
    parts["more"] = {"scalar": ["V", 10**12]}


def take_ever_more(parts, arrays):
    arrays["hostile"] = np.zeros(10**5)
    parts["more"] = [{"floats": "hostile"}] * 10**4


def copy_ever_more(parts, arrays):
    arrays["hostile"] = np.zeros(10**5)
    parts["more"] = [{"Given": {"values": {"array": "hostile"}}}] * 10**4


def multiply(parts, arrays):
    for _, population in network_of(parts)["populations"]["dict"]:
        population["Population"]["N"] = 10**8


def nest(parts, arrays):
    deep = None
    for _ in range(600):
        deep = [deep]
    entry(parts["options"], "level")[1] = {"tuple": [deep]}


def name_no_number(parts, arrays):
    entry(parts["engine"], "step")[1] = "3"


def record_below_zero(parts, arrays):
    entry(parts["recording"], "record_interval")[1] = 0


def emit_without_end(parts, arrays):
    input_of(parts, "Waveform")["input"]["Waveform"]["interval"] = 0.0


def delay_for_ever(parts, arrays):
    network_of(parts)["connections"][2]["Connection"]["delay"] = 1e6


CRAFTED = [
    set_step,
    set_refractory,
    widen_cells,
    mix_up_widest,
    make_cells_endless,
    make_cells_thin,
    wrap_around,
    count_draws_below_zero,
    take_a_group_away,
    exchange_groups,
    exchange_arrays,
    take_inputs_away,
    prescribe_nobody,
    prescribe_more_than_all,
    prescribe_spikes_outside,
    prescribe_spikes_at_no_time,
    mix_up_events,
    link_others,
    lengthen_history,
    number_inputs_without_end,
    number_inputs_alike,
    seed_without_end,
    forget_terms,
    fill_the_pool,
    take_a_void,
    take_ever_more,
    copy_ever_more,
    multiply,
    nest,
    name_no_number,
    record_below_zero,
    emit_without_end,
    delay_for_ever,
]


@pytest.mark.parametrize("change", CRAFTED, ids=lambda change: change.__name__)
def test_crafted(change, mixed_file, path):
    path.write_bytes(mixed_file)
    craft(path, change)
    if change is lengthen_history:
        refused(path, "histories after a reset would need .* are available", MemoryError)
    else:
        refused(path, "is truncated or damaged: ")


def test_a_trace_of_cells_for_each_term(path):
    """With past spikes that act as if Poisson, cells have a trace for each time constant."""
    sim = simulation("quasi-renewal")
    sim.run(8.5)
    sim.save(path)

    def take_traces_away(parts, arrays):
        arrays["groups.I.cells.traces"] = arrays["groups.I.cells.traces"][:0]

    craft(path, take_traces_away)
    refused(path, "cells.traces must be float64 of shape")


def test_each_population_has_a_state_of_its_own(path):
    """Also where a file says that arrays are the same ones."""
    sim = simulation("quasi-renewal")
    sim.run(8.5)
    sim.save(path)

    def share(parts, arrays):
        first, second = (dict(parts["groups"]["dict"])[name] for name in ("2/3E", "I"))
        first["dict"] = second["dict"]

    craft(path, share)
    one, other = gp.Simulation.load(path)._engine.plans
    for name, array in one.state_arrays().items():
        assert name == "cells.widest" or not np.shares_memory(array, other.state_arrays()[name])


@pytest.mark.parametrize("slots", [0, 1])
def test_fewer_slots_than_steps_of_a_slice(slots, path):
    """Where nothing is connected, slices may have been shorter, but there is a slot at least."""
    net = gp.Network()
    net.population("P", 100, gp.GIF(I_e=500.0))
    sim = gp.Simulation(net, dt=0.5, seed=1, level="micro")
    sim.run(8.5)
    sim.save(path)

    def change(parts, arrays):
        arrays["engine.shared"] = arrays["engine.shared"][:, :, :slots]
        arrays["engine.rings.0"] = arrays["engine.rings.0"][:slots]

    craft(path, change)
    if slots == 0:
        refused(path, "input must have more than 0 slots, got 0")
    else:
        assert (gp.Simulation.load(path).run(30.0).counts == sim.run(30.0).counts).all()


def test_a_seed_that_takes_too_long(path):
    sim = simulation("meso", seed=np.random.SeedSequence(1, pool_size=2**9))
    with pytest.raises(ValueError, match=r"Simulation.save: seed.pool_size must be <= 256, got 512"):
        sim.save(path)
    assert not path.exists()


def test_rows_and_bytes_in_another_order(mixed_file, path):
    """Content that is the same is the same simulation, however an array is laid out."""
    path.write_bytes(mixed_file)
    expected = gp.Simulation.load(path).run(10.0).counts

    def change(parts, arrays):
        for name, array in arrays.items():
            arrays[name] = np.asfortranarray(array.astype(array.dtype.newbyteorder()))

    craft(path, change)
    assert (gp.Simulation.load(path).run(10.0).counts == expected).all()


def test_what_hurts_is_tried_at_every_place(mixed_file, path):
    """The list of what could be done to a file has every number and array in it."""
    path.write_bytes(mixed_file)
    original = hostile.Original(path)
    tried = {mutation[1] for mutation in original.mutations if mutation[0] == "number"}
    for name, array in original.arrays.items():
        assert {(name, field) for field in array.dtype.names or (None,)} <= tried
    assert len(original.mutations) > 20_000
