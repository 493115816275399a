"""One sweep at a time on a store: a file beside it says which process writes to it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gifpop.engine.interrupts import deferred_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = "gifpop_sweep_of"  # key of a lock, with the process id
ATTEMPTS = 10  # at taking over what dead processes have left, while others do the same
ENDED = ("Z", "X")  # states of processes whose parents have not looked after them yet
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)  # errors of a folder that cannot be written to

_held: set[int] = set()  # numbers of the locks of this process


@contextlib.contextmanager
def locked(store: Path | None) -> Iterator[None]:
    """Keep other sweeps from a store.

    The lock of a process of this machine that has died is taken over. Where the folder around the store cannot be
    written to, there is no lock.

    Raises
    ------
    ValueError
        If another sweep uses the store, or may do so.
    """
    if store is None:
        yield
        return
    path, own = lock_of(store), _own()
    _held.add(own["number"])
    try:
        try:
            with deferred_interrupt():
                path.parent.mkdir(parents=True, exist_ok=True)
                _acquire(store, path, own)
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
        yield
    finally:
        _held.discard(own["number"])
        if _read(path) == own:
            path.unlink(missing_ok=True)


def lock_of(store: Path) -> Path:
    """Return the file that says who uses a store."""
    return store.with_name(store.name + ".lock")


def _acquire(store: Path, path: Path, own: dict[str, Any]) -> None:
    for _ in range(ATTEMPTS):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            owner = _read(path)
            if owner is None and not path.exists():
                continue  # it has just been released
            if owner is None or not _has_died(owner):
                raise ValueError(_in_use(store, path, owner)) from None
            _take_away(path, owner)
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(json.dumps(own))
            return
    raise ValueError(_in_use(store, path, _read(path)))


def _in_use(store: Path, path: Path, owner: dict[str, Any] | None) -> str:
    if owner is None:
        return (
            f"sweep: store must not be in use, got {str(store)!r}, beside which {path.name!r} is no lock of "
            "gifpop.sweep; move it away"
        )
    return (
        f"sweep: store must not be in use, got {str(store)!r}, which another sweep writes to: process "
        f"{owner[OWNER]} on {owner.get('host')}, begun {owner.get('begun')} (if there is no such process any more, "
        f"remove {str(path)!r})"
    )


def _own() -> dict[str, Any]:
    """Return what the lock of this process holds."""
    pid = os.getpid()
    return {
        OWNER: pid,
        "host": platform.node(),
        "born": _born(pid),
        "begun": time.strftime("%Y-%m-%d %H:%M:%S"),
        "number": time.monotonic_ns(),
    }


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a lock holds, None if it is none."""
    try:
        owner = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return owner if isinstance(owner, dict) and isinstance(owner.get(OWNER), int) else None


def _has_died(owner: dict[str, Any]) -> bool:
    """Return whether the owner of a lock is a process of this machine that there is no more."""
    if owner.get("host") != platform.node():
        return False
    if owner[OWNER] == os.getpid() and owner.get("born") == _born(os.getpid()):
        return owner.get("number") not in _held  # an interrupt came just before it could be released
    if os.name != "posix":
        return False
    try:
        os.kill(owner[OWNER], 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    born = _born(owner[OWNER])  # another process may have the number by now
    return born is not None and owner.get("born") is not None and born != owner["born"]


def _born(pid: int) -> str | None:
    """Return when a process began, in ticks of this machine's clock; "" if it has ended, None if that is not known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in ENDED else fields[19]
    except (OSError, IndexError):
        return None


def _take_away(path: Path, owner: dict[str, Any]) -> None:
    """Remove the lock of a dead process, unless another sweep has taken it over meanwhile."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        if _read(aside) == owner:
            aside.unlink()
        else:
            aside.rename(path)
