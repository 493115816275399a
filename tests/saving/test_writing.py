"""Files are written whole or not at all, the same bytes for the same state."""

import json
import os
import stat
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import gifpop as gp
from gifpop.saving import archive, snapshot
from tests.helpers.saved import in_another_process, saved_and_loaded, simulation
from tests.helpers.state import assert_same_state

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


def leftovers(path):
    return [name for name in os.listdir(path.parent) if name != path.name]


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (OSError(28, "No space left"), "numpy.savez"),
        (KeyboardInterrupt(), "os.fsync"),
        (PermissionError(), "os.replace"),
    ],
    ids=repr,
)
def test_what_fails_leaves_the_old_file(error, where, path, monkeypatch):
    sim = simulation("meso")
    sim.save(path)
    old = path.read_bytes()
    sim.run(10.0)

    def fail(file, *_, **__):
        if where == "numpy.savez":
            file.write(b"PK half of it")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(where, fail)
        with pytest.raises(type(error)):
            sim.save(path)
    assert path.read_bytes() == old
    assert leftovers(path) == []
    sim.save(path)
    assert_same_state(sim, gp.Simulation.load(path))


SAVE_FOR_EVER = """
import sys
from tests.helpers.saved import simulation
sim = simulation("mixed")
print("ready", flush=True)
while True:
    sim.run(0.5)
    sim.save(sys.argv[1])
"""


@POSIX
@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_while_saving(kills, path):
    delays = np.random.default_rng(kills).uniform(0.02, 0.3, kills)
    for delay in delays:
        process = in_another_process(SAVE_FOR_EVER, path, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        while not path.exists():
            time.sleep(0.005)
        time.sleep(delay)
        process.kill()
        process.wait()
        process.stdout.close()
        loaded = gp.Simulation.load(path)
        whole = simulation("mixed")
        whole.run(loaded.time)
        assert_same_state(whole, loaded)
        assert len(leftovers(path)) <= 1
    whole.save(path)
    assert leftovers(path) == []


@POSIX
def test_permissions_and_links(path, tmp_path):
    sim = simulation("meso")
    before = os.umask(0o027)
    try:
        sim.save(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        sim.save(str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)
    link = tmp_path / "link"
    link.symlink_to(path)
    sim.run(1.0)
    sim.save(link)
    assert link.is_symlink()
    assert gp.Simulation.load(path).time == 1.0
    for where in (tmp_path, os.devnull):
        with pytest.raises(ValueError, match="must be the name of a file, got that of something else"):
            sim.save(where)
    with pytest.raises(FileNotFoundError):
        sim.save(tmp_path / "nowhere" / "simulation.npz")
    with pytest.raises(TypeError):
        sim.save(None)


def test_names_are_taken_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sim = simulation("meso")
    for name in ("state", b"bytes", Path("päth.npz")):
        sim.save(name)
        gp.Simulation.load(name)
    assert sorted(os.listdir()) == ["bytes", "päth.npz", "state"]


def test_the_same_state_gives_the_same_bytes(path):
    sim = simulation("mixed")
    sim.run(5.0)
    sim.save(path)
    first = path.read_bytes()
    saved_and_loaded(sim, path).save(path)
    assert path.read_bytes() == first


def test_what_a_file_needs_beside_numpy(good, path):
    """The entries can be read without gifpop."""
    path.write_bytes(good[0])
    with np.load(path, allow_pickle=False) as npz:
        document = json.loads(npz["gifpop"].item())
        assert document["format"] == snapshot.FORMAT == 3
        assert document["gifpop"] == gp.__version__
        assert document["numpy"] == np.__version__
        assert npz["groups.2-3E.V_m"].shape == (1, 128)
    assert archive.DOCUMENT == "gifpop"
