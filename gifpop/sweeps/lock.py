"""One sweep at a time on a store: the process that writes to it holds the system's lock of a file beside it.

The system ends the lock with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gifpop.common.interrupts import deferred_interrupt
from gifpop.common.warn import warn

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = "gifpop_sweep_of"  # key of the process id in the file
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)  # errors of a folder that cannot be written to
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # errors of a lock that another one holds

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        file.seek(1 << 30)  # others may read what is written before
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(store: Path | None) -> Iterator[None]:
    """Lock a store against other sweeps.

    There is no lock where the folder around the store cannot be written to, or where its file system has none.

    Raises
    ------
    ValueError
        If another sweep uses the store.
    """
    file = None
    try:
        with deferred_interrupt():
            file = _acquire(store) if store is not None else None
        yield
    finally:
        if file is not None and store is not None:
            with contextlib.suppress(OSError):  # of Windows, where open files cannot be removed
                lock_of(store).unlink()
            file.close()


def lock_of(store: Path) -> Path:
    """Return the file whose lock the user of a store holds."""
    return store.with_name(store.name + ".lock")


def _acquire(store: Path) -> IO[str] | None:
    """Return an open file that this process has locked; None where that is impossible."""
    path = lock_of(store)
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            if error.errno in READ_ONLY:
                return None
            raise
        try:
            if _hold(file, store):
                return file
        except OSError as error:
            file.close()
            warn(f"sweep: store {str(store)!r} cannot be locked against other sweeps: {error.strerror}")
            return None
        except BaseException:
            file.close()
            raise


def _hold(file: IO[str], store: Path) -> bool:
    """Lock a file and write its owner into it; return False if its last owner has removed it."""
    path = lock_of(store)
    file.seek(0)
    text = file.read()
    if text and not text.startswith(f'{{"{OWNER}"'):
        raise ValueError(
            f"sweep: store must not be in use, got {str(store)!r}, beside which {path.name!r} is no lock of "
            "gifpop.sweep; move it away"
        )
    try:
        _lock(file)
    except OSError as error:
        if error.errno not in HELD:
            raise
        owner = json.loads(text or "{}")
        raise ValueError(
            f"sweep: store must not be in use, got {str(store)!r}, which another sweep writes to: process "
            f"{owner.get(OWNER)} on {owner.get('host')}, begun {owner.get('begun')} (if there is no such process any "
            f"more, remove {str(path)!r})"
        ) from None
    if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        file.close()
        return False
    file.seek(0)
    file.truncate()
    own = {OWNER: os.getpid(), "host": platform.node(), "begun": time.strftime("%Y-%m-%d %H:%M:%S")}
    file.write(json.dumps(own))
    file.flush()
    return True
