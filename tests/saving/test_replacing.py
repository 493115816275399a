"""Files that replace others: whole or not at all, and nothing stays behind."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from gifpop.saving import replacing

BEGIN = b"BEGIN"
POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


@pytest.fixture(params=["nameless", "named"])
def way(request, monkeypatch, tmp_path):
    """Files without a name, where there are such, and files with one."""
    if request.param == "named":
        monkeypatch.setattr(replacing, "_nameless", lambda temporary: None)
    else:
        trial = replacing._nameless(str(tmp_path / "trial"))
        if trial is None:
            pytest.skip("needs a disk that has files without names")
        trial.close()
    return request.param


def write(path, content=b" content"):
    with replacing.replacing(str(path), BEGIN) as file:
        file.write(BEGIN + content)


def leftovers(path):
    return [name for name in os.listdir(path.parent) if name != path.name]


def test_the_new_takes_the_place_of_the_old(path, way):
    path.write_bytes(b"old")
    with replacing.replacing(str(path), BEGIN) as file:
        file.write(BEGIN)
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == BEGIN
    assert leftovers(path) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()], ids=repr)
def test_what_fails_leaves_nothing(error, path, way):
    path.write_bytes(b"old")
    with pytest.raises(type(error)), replacing.replacing(str(path), BEGIN) as file:
        file.write(BEGIN)
        raise error
    assert path.read_bytes() == b"old"
    assert leftovers(path) == []


@POSIX
def test_permissions(path, way):
    before = os.umask(0o027)
    try:
        write(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


KILLED = """
import os, signal, sys
names = {"__name__": "replacing"}
exec(open(sys.argv[1]).read(), names)  # without the package, which takes longer to import
if sys.argv[3] == "named":
    names["_nameless"] = lambda temporary: None
with names["replacing"](sys.argv[2], b"BEGIN") as file:
    file.write(b"BEGIN" * int(sys.argv[4]))
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_writer(path, way, times=1000):
    process = subprocess.run([sys.executable, "-c", KILLED, replacing.__file__, str(path), way, str(times)])
    assert process.returncode == -signal.SIGKILL


@POSIX
def test_the_killed_leave_nothing_for_long(path, way):
    """Where files have names, until the next one is written; but for nothing that somebody else has made."""
    write(path)
    for times in (0, 1000):
        kill_writer(path, way, times)
    kill_writer(path.parent / "other", way)
    assert len(leftovers(path)) == (2 if way == "named" else 0)
    write(path)
    assert len(leftovers(path)) == (1 if way == "named" else 0)
    write(path.parent / "other")
    assert leftovers(path) == ["other"]


@POSIX
def test_nobody_removes_what_is_being_written(path, way):
    with replacing.replacing(str(path), BEGIN) as file:
        file.write(BEGIN)
        file.flush()
        write(path, b" of another one")
        assert path.read_bytes() == BEGIN + b" of another one"
    assert path.read_bytes() == BEGIN
    assert leftovers(path) == []


@POSIX
def test_only_what_is_ours_is_removed(path, way):
    folder, ours = path.parent, replacing._prefix(path.name)
    name = f"{ours}{'0' * 16}.tmp"
    (folder / name).write_bytes(b"my thesis")
    (folder / f"{ours}{'1' * 16}.tmp").symlink_to(folder / "elsewhere")
    (folder / "elsewhere").write_bytes(BEGIN)
    (folder / f"{ours}{'2' * 16}.tmp").mkdir()
    for other in (f"{ours}notes.tmp", f"{name}.txt", ".gifpop-0123456789abcdef.tmp", "file.tmp"):
        (folder / other).write_bytes(BEGIN)
    before = sorted(leftovers(path))
    write(path)
    assert sorted(leftovers(path)) == before


def test_a_name_that_is_taken_away_before_it_is_locked(path, monkeypatch):
    """Another writer may look between the making of a file and its lock."""
    lock, taken = replacing._lock, []

    def late(file):
        if not taken:
            taken.append(file.name)
            os.unlink(file.name)
        return lock(file)

    if not replacing.HAS_LOCKS:
        pytest.skip("needs locks")
    monkeypatch.setattr(replacing, "_nameless", lambda temporary: None)
    monkeypatch.setattr(replacing, "_lock", late)
    write(path)
    assert taken
    assert path.read_bytes().startswith(BEGIN)
    assert leftovers(path) == []
