"""Replace files atomically, and leave no temporary files behind."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

if sys.platform != "win32":  # which does not delete open files
    import fcntl

HAS_LOCKS = sys.platform != "win32"


@contextmanager
def replacing(path: str, begin: bytes) -> Iterator[IO[bytes]]:
    """Open a file that replaces the one at ``path`` once everything is written.

    A symbolic link stays, and so do permissions. Where the system can, the file has no name until it is whole, so that
    nothing remains of a process that is killed. What remains elsewhere, the next one removes.

    Parameters
    ----------
    path : str
    begin : bytes
        With which all that is written begins: nothing else is ever removed.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ValueError(f"{path!r} must be the name of a file, got that of something else")
    folder, name = os.path.split(target)
    with suppress(OSError):
        _remove_abandoned(folder, name, begin)
    temporary = os.path.join(folder, f"{_prefix(name)}{secrets.token_hex(8)}.tmp")
    try:
        with _nameless(temporary) or _named(temporary) as file:
            _lock(file)
            if os.path.exists(target):
                _set_mode(file, temporary, stat.S_IMODE(os.stat(target).st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not os.path.exists(temporary):
                _give_name(file, temporary)
            if HAS_LOCKS:
                os.replace(temporary, target)  # while it is locked
        if not HAS_LOCKS:
            os.replace(temporary, target)  # once it is closed
    except BaseException:  # Ctrl-C, too
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync(folder)


def _prefix(name: str) -> str:
    """Return how the names of temporary files begin that are to become the one of this name."""
    return f".gifpop-{zlib.crc32(os.fsencode(name)):08x}-"


def _nameless(temporary: str) -> IO[bytes] | None:
    """Open a file without a name in the folder of ``temporary``; None if the system does not support it.

    Whether it can be given a name is tried out with another one.
    """
    folder = os.path.dirname(temporary)
    try:
        with _open_nameless(folder) as trial:
            _give_name(trial, temporary)
        os.unlink(temporary)
        return _open_nameless(folder)
    except (OSError, AttributeError):  # this disk or this system has none
        return None


def _open_nameless(folder: str) -> IO[bytes]:
    return open(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666), "wb")


def _give_name(file: IO[bytes], name: str) -> None:
    """Give a file without a name one; only with the descriptor of some folder does `os.link` follow links."""
    folder = os.open(os.path.dirname(name), os.O_RDONLY)
    try:
        os.link(f"/proc/self/fd/{file.fileno()}", name, src_dir_fd=folder)
    finally:
        os.close(folder)


def _named(temporary: str) -> IO[bytes]:
    """Open a new file; open another one if a process removes it as abandoned before it is locked."""
    while True:
        file = open(temporary, "xb")  # noqa: SIM115  # to be closed by who writes it
        if not _lock(file) or os.path.exists(temporary):
            return file
        file.close()


def _lock(file: IO[bytes]) -> bool:
    """Lock a file while it is open; return False if it is locked already or cannot be locked."""
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _remove_abandoned(folder: str, name: str, begin: bytes) -> None:
    """Remove temporary files that were to become the one of this name, and whose writers no longer exist."""
    pattern = re.compile(re.escape(_prefix(name)) + r"[0-9a-f]{16}\.tmp")
    with os.scandir(folder) as entries:
        left = [entry for entry in entries if pattern.fullmatch(entry.name)]
    for entry in left:
        with suppress(OSError):
            if entry.is_file(follow_symlinks=False) and _is_abandoned(entry.path, begin):
                os.unlink(entry.path)


def _is_abandoned(path: str, begin: bytes) -> bool:
    """Return whether a file is this user's, begins as it should, if it does, and has no lock."""
    with open(path, "r+b") as file:
        own = sys.platform == "win32" or os.fstat(file.fileno()).st_uid == os.getuid()
        known = begin.startswith(file.read(len(begin)))
        return own and known and (_lock(file) or not HAS_LOCKS)


def _set_mode(file: IO[bytes], name: str, mode: int) -> None:
    if hasattr(os, "fchmod"):
        os.fchmod(file.fileno(), mode)
    else:
        os.chmod(name, mode)


def _sync(folder: str) -> None:
    """Write the folder to the disk, so that the new name outlasts a loss of power, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
