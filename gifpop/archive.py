"""A file of JSON and arrays: numpy's ``.npz`` without pickle, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop import memory

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.typing import Arrays

Path: TypeAlias = "str | os.PathLike[str]"

DOCUMENT = "gifpop"  # the entry that holds the JSON
BEGIN = b"PK\x03\x04"  # of any file of this kind
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, OverflowError, TypeError,
              NotImplementedError, RuntimeError, SyntaxError, AttributeError, IndexError, AssertionError)  # fmt: skip


def write(path: Path, document: dict[str, Any], arrays: Arrays, compressed: bool = False) -> None:
    """Write a file. What was there before stays until the new one is on the disk, and if anything fails.

    Parameters
    ----------
    path : str or os.PathLike
    document : dict
        For the json module.
    arrays : dict of str to array
    compressed : bool
    """
    listed = {name: _kind(array) for name, array in arrays.items()}
    text = json.dumps(document | {"arrays": listed}, allow_nan=False)
    save: Callable[..., None] = np.savez_compressed if compressed else np.savez
    with _replacing(os.fsdecode(path)) as file:
        save(file, **{DOCUMENT: np.array(text.encode())}, **arrays)


def read(path: Path, where: str, accept: Callable[[dict[str, Any]], None]) -> tuple[dict[str, Any], Arrays]:
    """Return what `write` was given, and raise ValueError if it was not this that wrote the file.

    Parameters
    ----------
    path : str or os.PathLike
    where : str
        For messages.
    accept : callable
        Looks at the document before arrays are read, and raises an error if there is no use in it.
    """
    with open(path, "rb") as file:
        head = file.read(len(BEGIN))
        if not BEGIN.startswith(head):
            raise ValueError(f"{where} is not a gifpop simulation: it is not an .npz file")
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{where} is truncated or damaged: its end is missing")
        file.seek(0)
        with damage_reported(where):
            npz = np.load(file, allow_pickle=False)
        with npz:
            if DOCUMENT not in npz.files:
                raise ValueError(f"{where} is not a gifpop simulation: it has no entry {DOCUMENT!r}")
            with damage_reported(where):
                document = json.loads(npz[DOCUMENT].item())
                listed = document.pop("arrays")
            accept(document)
            memory.require(sum(info.file_size for info in npz.zip.infolist()), where)
            with damage_reported(where):
                return document, {name: _checked(name, npz[name], kind) for name, kind in listed.items()}


@contextmanager
def damage_reported(where: str) -> Iterator[None]:
    """Turn the errors of what cannot be read into one that says so."""
    try:
        yield
    except (*UNREADABLE, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of a place that cannot be in a file
            raise
        raise ValueError(f"{where} is truncated or damaged: {error}") from error


@contextmanager
def _replacing(path: str) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of the one at ``path``, if there is one, once everything is written.

    A symbolic link stays, and so do permissions.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ValueError(f"{path!r} must be the name of a file, got that of something else")
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".gifpop-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            if os.path.exists(target):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C, too
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync(folder)


def _sync(folder: str) -> None:
    """Let the new name outlast a loss of power, where the system knows how to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _kind(array: npt.NDArray[Any]) -> Any:
    """Return type and shape of an array in JSON; the order of bytes does not matter."""
    description = np.lib.format.dtype_to_descr(array.dtype.newbyteorder("<"))
    return json.loads(json.dumps([description, array.shape]))


def _checked(name: str, array: npt.NDArray[Any], kind: list[Any]) -> npt.NDArray[Any]:
    """Return an array of the kind that is listed, in this machine's order of bytes."""
    if _kind(array) != kind:
        raise ValueError(f"array {name!r} must be {kind[0]} of shape {kind[1]}, got {array.dtype} of shape "
                         f"{array.shape}")  # fmt: skip
    return array.astype(array.dtype.newbyteorder("="), copy=False)
