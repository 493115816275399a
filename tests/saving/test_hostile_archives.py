"""Archives, arrays and JSON that are not what they say are refused, without taking memory for what they claim."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

import gifpop as gp
from tests.helpers.saved import refused


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
def test_bytes_that_are_anything(method, times, mixed_file, path):
    """Damage with sums that fit it: the error is the same one, whatever was hit."""
    with np.load(io.BytesIO(mixed_file)) as npz:
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


def test_errors_of_the_system_stay_what_they_are(mixed_file, path, monkeypatch, tmp_path):
    path.write_bytes(mixed_file)
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
