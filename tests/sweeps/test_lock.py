"""Two sweeps of one store at a time."""

import errno
import os
import subprocess
import sys

import pytest

from gifpop.sweeps import lock as sweep_lock
from tests.helpers.sweeps import sweep_row

pytest.importorskip("xarray")
pytest.importorskip("zarr", "3.1")


def test_another_process_holds_the_store(tmp_path):
    path, refused = tmp_path / "folder" / "s.zarr", []

    def again(result):
        with pytest.raises(ValueError) as caught:
            sweep_row(store=path)
        refused.append(str(caught.value))
        return 1.0

    sweep_row(store=path, measure=again)
    message = (
        f"sweep: store must not be in use, got {str(path)!r}, which another sweep writes to: process {os.getpid()} on"
    )
    assert len(refused) == 3
    assert all(text.startswith(message) for text in refused)
    assert os.listdir(path.parent) == ["s.zarr"]


HOLDER = """
import sys, time
from pathlib import Path
from gifpop.sweeps.lock import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(1000.0)
"""


def test_the_lock_of_another_process_ends_with_it(tmp_path):
    """However it ends; what it wrote into the file stays until the next sweep."""
    path = tmp_path / "s.zarr"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(ValueError, match=rf"another sweep writes to: process {process.pid} on .*, begun 2.* \(if"):
            sweep_row(store=path)
        assert not path.exists()
        process.kill()
    assert os.listdir(tmp_path) == ["s.zarr.lock"]
    assert (sweep_row(store=path).status == "finished").all()
    assert os.listdir(tmp_path) == ["s.zarr"]


def test_a_file_that_is_no_lock_is_left_alone(tmp_path):
    path = tmp_path / "s.zarr"
    sweep_lock.lock_of(path).write_text("my keys")
    with pytest.raises(ValueError, match=r"'s.zarr.lock' is no lock of gifpop.sweep; move it away"):
        sweep_row(store=path)
    assert sweep_lock.lock_of(path).read_text() == "my keys"
    assert not path.exists()


def test_a_lock_that_is_released_as_it_is_taken(tmp_path, monkeypatch):
    """The file that was opened is removed by its owner; a lock of it would keep nobody out."""
    removed, lock, path = [], sweep_lock._lock, tmp_path / "s.zarr"

    def late(file):
        if not removed:
            sweep_lock.lock_of(path).unlink()
            removed.append(True)
        lock(file)

    monkeypatch.setattr(sweep_lock, "_lock", late)
    with sweep_lock.locked(path):
        assert sweep_lock.lock_of(path).exists()
    assert removed


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_stores_that_can_only_be_read_are_not_locked(tmp_path, monkeypatch, number):
    path = tmp_path / "s.zarr"
    whole = sweep_row(store=path)

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(sweep_lock, "open", refuse, raising=False)
    with sweep_lock.locked(path):
        assert not sweep_lock.lock_of(path).exists()
    monkeypatch.undo()
    assert sweep_row(store=path).equals(whole)


def test_file_systems_without_locks(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(sweep_lock, "_lock", refuse)
    with pytest.warns(UserWarning, match="s.zarr' cannot be locked against other sweeps: No locks available"):
        sweep_row(store=tmp_path / "s.zarr")
