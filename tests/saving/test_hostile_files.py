"""No content of a file, however crafted, crashes the process, hangs it or takes memory without bound."""

import io
import json
import os
import re
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

import gifpop as gp
from gifpop.meso import _meso
from gifpop.meso.plan import fitting_cohorts
from gifpop.saving import archive
from tests.helpers import hostile
from tests.helpers.saved import CASES, simulation

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs signals and limits")


def refused(path, match="", error=ValueError):
    with pytest.raises(error, match=match) as caught:
        gp.Simulation.load(path)
    if error is ValueError:
        assert str(caught.value).startswith(f"Simulation.load: {str(path)!r} is ")


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


def rewritten(path, change):
    """Change the entries of a saved file: ``change(parts, arrays)``."""
    with np.load(path) as npz:
        arrays = dict(npz)
    document = json.loads(arrays.pop("gifpop").item())
    parts = dict(document["simulation"]["dict"])
    change(parts, arrays)
    document["simulation"]["dict"] = list(parts.items())
    for name, array in arrays.items():
        document["arrays"][name] = archive._kind(array.dtype, array.shape)
    np.savez(path, gifpop=np.array(json.dumps(document).encode()), **arrays)


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


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    sim = simulation("mixed")
    sim.run(8.5)
    path = tmp_path_factory.mktemp("good") / "good.npz"
    sim.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("change", CRAFTED, ids=lambda change: change.__name__)
def test_crafted(change, good, path):
    path.write_bytes(good)
    rewritten(path, change)
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

    rewritten(path, take_traces_away)
    refused(path, "cells.traces must be float64 of shape")


def test_each_population_has_a_state_of_its_own(path):
    """Also where a file says that arrays are the same ones."""
    sim = simulation("quasi-renewal")
    sim.run(8.5)
    sim.save(path)

    def share(parts, arrays):
        first, second = (dict(parts["groups"]["dict"])[name] for name in ("2/3E", "I"))
        first["dict"] = second["dict"]

    rewritten(path, share)
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

    rewritten(path, change)
    if slots == 0:
        refused(path, "input must have more than 0 slots, got 0")
    else:
        assert (gp.Simulation.load(path).run(30.0).counts == sim.run(30.0).counts).all()


def test_a_seed_that_takes_too_long(path):
    sim = simulation("meso", seed=np.random.SeedSequence(1, pool_size=2**9))
    with pytest.raises(ValueError, match=r"Simulation.save: seed.pool_size must be <= 256, got 512"):
        sim.save(path)
    assert not path.exists()


# Archives that are not what they say.


def zipped(path, entries, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in entries:
            file.writestr(name, content)


def array_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def header(text, version=(1, 0)):
    """Return the beginning of an array's file."""
    body = text.encode("latin1") + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(body))
    return b"\x93NUMPY" + bytes(version) + length + body


JSON = array_bytes(
    np.array(b'{"format": 1, "gifpop": "0", "arrays": {"a": ["<f8", [1]]}, "simulation": 1, "machine": "x"}')
)
HEADERS = {
    "1e12 entries": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
    "more than there is memory": header("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}"),
    "more than integers hold": header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"),
    "fewer than none": header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
    "a huge element": header("{'descr': '<V2147483647', 'fortran_order': False, 'shape': ()}"),
    "objects": header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
    "objects inside": header("{'descr': [('x', '|O')], 'fortran_order': False, 'shape': (1,)}"),
    "no dictionary": header("__import__('os').abort()"),
    "an open bracket": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,"),
    "an open quote": header("{'descr': '''<f8"),
    "brackets without end": header("(" * 5000),
    "minus without end": header("-" * 9000 + "1"),
    "not without end": header("not " * 2000 + "1"),
    "digits without end": header("9" * 9000 + "!"),
    "another version": header("{}", (9, 0)),
    "of old": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1L,)}"),
    "a header that is too long": header(" " * 60000),
    "no content": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"),
    "more content": array_bytes(np.ones(1)) + b"more",
    "nothing": b"",
    "a text": b"text",
}


@pytest.mark.parametrize("what", HEADERS)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_arrays_that_are_not_what_they_say(what, method, path):
    zipped(path, [("gifpop.npy", JSON), ("a.npy", HEADERS[what])], method)
    tracemalloc.start()
    refused(path, "is truncated or damaged: ")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


DOCUMENTS = {
    "brackets without end": b"[" * 100_000,
    "braces without end": b'{"a":' * 100_000,
    "a number without end": b'{"format": ' + b"9" * 100_000 + b"}",
    "no format": b"{}",
    "not a format": b'{"format": 1e999, "gifpop": "0", "arrays": {}}',
    "a list": b"[1]",
    "no text": b"\xff\xfe",
    "nothing": b"",
    "no arrays": b'{"format": 1, "gifpop": "0", "simulation": 1}',
    "nothing to simulate": b'{"format": 1, "gifpop": "0", "arrays": {}, "machine": 1}',
    "a list of arrays": b'{"format": 1, "gifpop": "0", "arrays": [1], "machine": 1}',
    "an array that is missing": b'{"format": 1, "gifpop": "0", "arrays": {"b": 1}, "machine": 1}',
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_json_that_is_not_what_it_should_be(what, path):
    zipped(path, [("gifpop.npy", array_bytes(np.array(DOCUMENTS[what])))])
    refused(path, "is truncated or damaged: ")


def test_what_is_not_compressed_as_numpy_does(path):
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        zipped(path, [("gifpop.npy", JSON)], method)
        refused(path, "is truncated or damaged: entry 'gifpop' is compressed in another way than by numpy")


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_names_that_come_twice(path):
    for other in ("a.npy", "a"):
        zipped(path, [("gifpop.npy", JSON), ("a.npy", array_bytes(np.ones(1))), (other, array_bytes(np.zeros(1)))])
        refused(path, "is truncated or damaged: two entries have the same name")


def test_more_bytes_than_there_are(path):
    """Sizes in the archive's list that what is there cannot hold."""
    zipped(path, [("gifpop.npy", JSON), ("a.npy", array_bytes(np.ones(1)))])
    data = path.read_bytes()
    place = data.rindex(b"PK\x01\x02")
    for offset, size in ((24, 2**32 - 2), (20, 2**32 - 2), (24, 2**30)):  # as large as it was, and as it is
        path.write_bytes(data[: place + offset] + struct.pack("<I", size) + data[place + offset + 4 :])
        refused(path, "is truncated or damaged: entry 'a' does not hold the .* bytes that it should")


def test_bombs(path, monkeypatch):
    """What becomes large when it is unpacked has to fit in memory, and is not unpacked else."""
    monkeypatch.setattr("gifpop.common.memory.available", lambda: 2_000_000)
    other = path.with_name("other.npz")
    zipped(path, [("gifpop.npy", JSON), ("a.npy", array_bytes(np.zeros(10**6)))], zipfile.ZIP_DEFLATED)
    zipped(other, [("gifpop.npy", array_bytes(np.array(b"[" * 10**6)))], zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    tracemalloc.start()
    refused(path, "would need 8.0 MB; 2.0 MB are available", MemoryError)
    refused(other, "would need 40.0 MB; 2.0 MB are available", MemoryError)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
@pytest.mark.parametrize("times", [10, pytest.param(1500, marks=pytest.mark.slow)])
def test_bytes_that_are_anything(method, times, good, path):
    """Damage with sums that fit it: the error is the same one, whatever was hit."""
    with np.load(io.BytesIO(good)) as npz:
        entries = {name: array_bytes(npz[name]) for name in npz.files}
    random, names = np.random.default_rng(times), list(entries)
    for _ in range(times):
        name = names[random.integers(len(names))] if random.random() < 0.7 else "gifpop"
        content = bytearray(entries[name])
        begin = 0 if random.random() < 0.5 else random.integers(len(content))
        for place in begin + random.integers(max(1, min(120, len(content) - begin)), size=2):
            content[place] = random.integers(256)
        zipped(path, [(f"{each}.npy", bytes(content) if each == name else entries[each]) for each in names], method)
        try:
            gp.Simulation.load(path)
        except ValueError as error:
            assert str(error).startswith(f"Simulation.load: {str(path)!r} ")
        except MemoryError as error:
            assert "are available" in str(error)


def test_errors_of_the_system_stay_what_they_are(good, path, monkeypatch, tmp_path):
    path.write_bytes(good)
    with pytest.raises(FileNotFoundError):
        gp.Simulation.load(tmp_path / "nothing.npz")

    def fail(*_, **__):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(np.lib.format, "read_array", fail)
    with pytest.raises(OSError, match="Input/output error"):
        gp.Simulation.load(path)
    for error in (
        OSError("Invalid data stream"),
        zlib.error("bad"),
        RecursionError(),
        UnicodeDecodeError("a", b"", 0, 1, ""),
    ):
        monkeypatch.setattr(np.lib.format, "read_array", lambda *_, error=error, **__: (_ for _ in ()).throw(error))
        refused(path, "is truncated or damaged: ")


def test_rows_and_bytes_in_another_order(good, path):
    """Content that is the same is the same simulation, however an array is laid out."""
    path.write_bytes(good)
    expected = gp.Simulation.load(path).run(10.0).counts

    def change(parts, arrays):
        for name, array in arrays.items():
            arrays[name] = np.asfortranarray(array.astype(array.dtype.newbyteorder()))

    rewritten(path, change)
    assert (gp.Simulation.load(path).run(10.0).counts == expected).all()


def test_what_hurts_is_tried_at_every_place(good, path):
    """The list of what could be done to a file has every number and array in it."""
    path.write_bytes(good)
    original = hostile.Original(path)
    tried = {mutation[1] for mutation in original.mutations if mutation[0] == "number"}
    for name, array in original.arrays.items():
        assert {(name, field) for field in array.dtype.names or (None,)} <= tried
    assert len(original.mutations) > 20_000
