"""Files that are truncated, damaged, of something else, or of another format."""

import zipfile

import numpy as np
import pytest

import gifpop as gp
from tests.helpers.saved import refused, rewritten
from tests.helpers.state import assert_same_state


def check_truncated(path, data, lengths):
    for length in lengths:
        path.write_bytes(data[:length])
        refused(path, "is truncated or damaged: its end is missing")


def check_damaged(path, data, state, places, how=0x10):
    """Either an error that says so, or a byte that does not matter (the dates in a zip archive, say)."""
    harmless = 0
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= how
        path.write_bytes(damaged)
        try:
            loaded = gp.Simulation.load(path)
        except ValueError as error:
            assert str(error).startswith(f"Simulation.load: {str(path)!r} is ")
        else:
            harmless += 1
            assert_same_state(state, loaded)
    return harmless


def test_truncated(good, path):
    check_truncated(path, good[0], [0, 1, 3, 4, 5, 30, *np.linspace(100, len(good[0]) - 1, 60).astype(int)])


def test_damaged(good, path):
    places = np.random.default_rng(1).integers(0, len(good[0]), 60)
    assert check_damaged(path, *good, places) < 15


@pytest.mark.slow
def test_truncated_anywhere(good, path):
    check_truncated(path, good[0], range(len(good[0])))


@pytest.mark.slow
@pytest.mark.parametrize("how", [0x01, 0x10, 0x80, 0xFF])
def test_damaged_anywhere(good, path, how):
    check_damaged(path, *good, range(0, len(good[0]), 97), how)


def test_foreign_files(path, tmp_path):
    path.write_text("N = 500")
    refused(path, "is not a gifpop simulation: it is not an .npz file")
    with open(path, "wb") as file:
        np.save(file, np.arange(3))
    refused(path, "is not a gifpop simulation: it is not an .npz file")
    np.savez(path, a=np.arange(3))
    refused(path, "is not a gifpop simulation: it has no entry 'gifpop'")
    np.savez(path, gifpop=np.arange(3))
    refused(path, "is truncated or damaged")
    np.savez(path, gifpop=np.array([{}], dtype=object))
    refused(path, "is truncated or damaged: array 'gifpop' must not be one of Python objects")
    np.savez(path, gifpop=np.array(b"[[[{}]]]"))
    refused(path, "is truncated or damaged")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("gifpop", "text")
    refused(path, "is truncated or damaged")
    with pytest.raises(OSError, match=r"Is a directory|Permission denied"):
        gp.Simulation.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        gp.Simulation.load(tmp_path / "nothing.npz")
    with pytest.raises(TypeError):
        gp.Simulation.load(None)


def test_other_formats(good, path):
    for format, remedy in ((4, "; a newer gifpop reads it"), (0, "$")):
        path.write_bytes(good[0])
        rewritten(
            path, lambda document, arrays, format=format: (document.update(format=format, gifpop="9.9"), arrays.clear())
        )
        refused(
            path, rf"has format {format}, saved by gifpop 9.9; this is gifpop .*, which reads formats 1, 2, 3{remedy}"
        )


def test_memory_is_checked_first(good, path, monkeypatch):
    path.write_bytes(good[0])
    monkeypatch.setattr("gifpop.common.memory.available", lambda: 10_000)
    with pytest.raises(MemoryError, match=r"Simulation.load: .* would need .*; 0.0 MB are available"):
        gp.Simulation.load(path)
