"""A file of JSON and arrays: numpy's ``.npz`` without pickle, written atomically.

Nothing that a file says is believed before it has been checked: no size is allocated that the file could not hold.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop.common import memory
from gifpop.saving.replacing import replacing

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Arrays

Path: TypeAlias = "str | os.PathLike[str]"

DOCUMENT = "gifpop"  # the entry that holds the JSON
BEGIN = b"PK\x03\x04"  # of any file of this kind
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those that numpy writes
LARGEST_RATIO = 1100  # of what deflate writes to what it has read, which is 1032 at most
PARSED = 40  # bytes of Python's objects for each byte of JSON, at most
LONGEST_HEADER = 10_000  # bytes of an array's file; numpy's own limit
PLAIN = re.compile(rb"(?:'[^'\\\n]*'|True|False|[0-9]|[()\[\]{},: ])*\n")  # a header
READERS: dict[tuple[int, int], tuple[int, Callable[..., Any]]] = {  # and how many bytes tell a header's length
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
}


def write(path: Path, document: dict[str, Any], arrays: Arrays, compressed: bool = False) -> None:
    """Write a file. An existing one stays until the new one is on disk, and if anything fails.

    Parameters
    ----------
    path : str or os.PathLike
    document : dict
        For the json module.
    arrays : dict of str to array
    compressed : bool
    """
    listed = {name: _kind(array.dtype, array.shape) for name, array in arrays.items()}
    text = json.dumps(document | {"arrays": listed}, allow_nan=False)
    save: Callable[..., None] = np.savez_compressed if compressed else np.savez
    with replacing(os.fsdecode(path), BEGIN) as file:
        save(file, **{DOCUMENT: np.array(text.encode())}, **arrays)


def read(path: Path, where: str, accept: Callable[[dict[str, Any]], None]) -> tuple[dict[str, Any], Arrays]:
    """Return the content written by `write`; raise ValueError for other files.

    Parameters
    ----------
    path : str or os.PathLike
    where : str
        For messages.
    accept : callable
        Looks at the document before arrays are read, and raises an error if there is no use in it.

    Raises
    ------
    ValueError
        Whatever is wrong with the content.
    OSError
        If the system cannot read the file.
    MemoryError
        If what it holds does not fit in memory.
    """
    with open(path, "rb") as file:
        head = file.read(len(BEGIN))
        if not BEGIN.startswith(head):
            raise ValueError(f"{where} is not a gifpop simulation: it is not an .npz file")
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{where} is truncated or damaged: its end is missing")
        with damage_reported(where):
            archive = _Archive(file)
        if DOCUMENT not in archive.sizes:
            raise ValueError(f"{where} is not a gifpop simulation: it has no entry {DOCUMENT!r}")
        memory.require(PARSED * archive.sizes[DOCUMENT], where)
        with damage_reported(where):
            document = json.loads(archive.array(DOCUMENT).item())
            listed = document.pop("arrays")
        accept(document)
        memory.require(sum(archive.sizes.values()), where)
        with damage_reported(where):
            return document, {name: _checked(name, archive.array(name), kind) for name, kind in listed.items()}


@contextmanager
def damage_reported(where: str) -> Iterator[None]:
    """Convert errors caused by damaged content to a ValueError; pass errors of the system on."""
    try:
        yield
    except MemoryError:
        raise
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # zlib's, and of a place that cannot be in a file
            raise
        raise ValueError(f"{where} is truncated or damaged: {error}") from error
    except Exception as error:  # the content decides which of numpy's, zipfile's or our own
        raise ValueError(f"{where} is truncated or damaged: {error}") from error


class _Archive:
    """The arrays of a zip archive, by name.

    Attributes
    ----------
    sizes : dict of str to int
        Bytes of each, with its header.
    """

    def __init__(self, file: IO[bytes]) -> None:
        length = file.seek(0, os.SEEK_END)
        self._zip = zipfile.ZipFile(file)
        self._entries = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}
        if len(self._entries) < len(self._zip.infolist()):
            raise ValueError("two entries have the same name")
        for name, info in self._entries.items():
            ratio = 1 if info.compress_type == zipfile.ZIP_STORED else LARGEST_RATIO
            if info.compress_type not in METHODS:
                raise ValueError(f"entry {name!r} is compressed in another way than by numpy")
            if not 0 <= info.compress_size <= length or not 0 <= info.file_size <= ratio * (info.compress_size + 1):
                raise ValueError(f"entry {name!r} does not hold the {info.file_size} bytes that it should")
        self.sizes = {name: info.file_size for name, info in self._entries.items()}

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return an array that is as large as its entry."""
        with self._zip.open(self._entries[name]) as entry:
            shape, dtype, begin = _header(entry)
        if dtype.hasobject:
            raise ValueError(f"array {name!r} must not be one of Python objects")
        needed = begin + math.prod(shape) * dtype.itemsize
        if needed != self.sizes[name]:
            raise ValueError(
                f"array {name!r} must take the {self.sizes[name]} bytes of its entry, got {needed} for "
                f"{dtype} of shape {shape}"
            )
        with self._zip.open(self._entries[name]) as entry:
            array: npt.NDArray[Any] = np.lib.format.read_array(entry, allow_pickle=False)
            if entry.read(1):
                raise ValueError(f"array {name!r} is followed by something else")
        return array


def _header(entry: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape and type of an array, and the offset of its content.

    Headers are parsed as Python, of which some ends Python's parser: none is that holds more than numpy writes.
    """
    head = entry.read(LONGEST_HEADER)
    file = io.BytesIO(head)
    version = np.lib.format.read_magic(file)
    if version not in READERS:
        raise ValueError(f"an array has format {version}, which numpy does not write for numbers")
    width = file.tell() + READERS[version][0]
    begin = width + int.from_bytes(head[file.tell() : width], "little")
    if not PLAIN.fullmatch(head[width:begin]):
        raise ValueError("the header of an array has something else in it than type and shape")
    shape, _, dtype = READERS[version][1](file)
    if any(size < 0 for size in shape):
        raise ValueError(f"an array has shape {shape}")
    return shape, dtype, begin


def _kind(dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    """Return type and shape of an array in JSON; the order of bytes does not matter."""
    description = np.lib.format.dtype_to_descr(dtype.newbyteorder("<"))
    return json.loads(json.dumps([description, shape]))


def _checked(name: str, array: npt.NDArray[Any], kind: list[Any]) -> npt.NDArray[Any]:
    """Return an array of the kind that is listed, in this machine's order of bytes, its rows side by side."""
    if _kind(array.dtype, array.shape) != kind:
        raise ValueError(
            f"array {name!r} must be {kind[0]} of shape {kind[1]}, got {array.dtype} of shape {array.shape}"
        )
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
