"""Recording backends: where recorders put events, if not in memory; NEST's names and format of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gifpop.nest.errors import FileError
from gifpop.version import __version__

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats, Integers

BACKENDS = ("ascii", "memory", "screen")
HEADER = f"# gifpop version: {__version__}\n# RecordingBackendASCII version: 2\n"
DIGITS_BY_DEFAULT = 6  # of a negative precision, as in C++
MOST_DIGITS = 1000


class Destination(NamedTuple):
    """Where the kernel puts files.

    Attributes
    ----------
    path, prefix : str
        Folder, and how the names of files begin.
    overwrite : bool
        Whether files that exist are overwritten.
    threads : int
        Number of virtual processes; a device has one file for each.
    """

    path: str = ""
    prefix: str = ""
    overwrite: bool = False
    threads: int = 1

    def files(self, name: str, node: int, extension: str) -> list[str]:
        """Return the files of a device, given by its label or model and its identifier."""
        start = os.path.join(self.path, f"{self.prefix}{name}-{node}-")
        digits = len(str(self.threads))  # as NEST pads them
        return [f"{start}{thread:0{digits}d}.{extension}" for thread in range(self.threads)]


class Table(NamedTuple):
    """Events of a device, as lines of numbers.

    Attributes
    ----------
    names : sequence of str
        Of the columns.
    columns : sequence of array
        One entry for each event.
    formats : sequence of str
        Of the columns.
    """

    names: Sequence[str]
    columns: Sequence[npt.NDArray[Any]]
    formats: Sequence[str]

    @classmethod
    def of(cls, piece: Mapping[str, npt.NDArray[Any]], times: npt.NDArray[Any], precision: int) -> Table:
        """Return the events of a piece, with ``times``, and values of variables with ``precision``.

        The times are in ms or, if the piece has offsets, in steps.
        """
        number = f"%.{DIGITS_BY_DEFAULT if precision < 0 else precision}f"
        senders = piece["senders"]
        variables = [name for name in piece if name not in ("offsets", "senders", "stamps")]
        values = [piece[name] for name in variables]
        if "offsets" in piece:
            names, columns = ["sender", "time_step", "time_offset"], [senders, times, piece["offsets"]]
            formats = ["%d", "%d", number]
        else:
            names, columns, formats = ["sender", "time_ms"], [senders, times], ["%d", number]
        return cls(
            [*names, *variables],
            [*columns, *values],
            [*formats, *("%d" if value.dtype.kind == "i" else number for value in values)],
        )

    def header(self) -> str:
        return HEADER + "\t".join(self.names) + "\n"

    def lines(self, chosen: slice | Integers = slice(None)) -> str:
        """Return some of the events as text, one line for each."""
        columns = [column[chosen].tolist() for column in self.columns]
        line = "\t".join(self.formats) + "\n"
        return "".join([line % row for row in zip(*columns, strict=True)])


def open_files(headers: Mapping[str, str], overwrite: bool) -> None:
    """Begin files with their headers: all of them or, if an error is raised, none."""
    for file in headers if not overwrite else ():
        if os.path.exists(file):
            raise FileError(
                f"The file '{file}' already exists and overwriting files is disabled. To overwrite files, set the "
                "kernel property overwrite_files to true. To change the name or location of the file, change the "
                "kernel properties data_path or data_prefix, or the device property label."
            )
    created: list[str] = []
    try:
        for file in headers:
            new = not os.path.exists(file)
            with open(file, "ab"):
                created += [file] if new else []
        for file, header in headers.items():
            with open(file, "wb") as stream:
                stream.write(header.encode())
    except OSError as error:
        for file in created:
            os.unlink(file)
        raise FileError(f"I/O error while opening file '{file}': {error.strerror}") from None


def append(texts: Mapping[str, str]) -> None:
    """Add text to files: to all of them or, if an error is raised, to none."""
    ends: dict[str, int] = {}
    try:
        for file, text in texts.items():
            with open(file, "ab", buffering=0) as stream:
                ends[file], rest = stream.seek(0, os.SEEK_END), memoryview(text.encode())
                while len(rest):
                    rest = rest[stream.write(rest) :]
    except OSError as error:
        for each, end in ends.items():
            os.truncate(each, end)
        raise FileError(f"I/O error while writing to file '{file}': {error.strerror}") from None


def show(text: str) -> None:
    """Print text."""
    sys.stdout.write(text)
    sys.stdout.flush()


def read(file: str) -> tuple[list[str], Floats]:
    """Return the names of the columns of a file, empty if it has none, and its lines of numbers as an array."""
    names: list[str] = []
    numbers: list[str] = []
    with open(file, encoding="utf-8") as stream:
        for line in stream:
            if not line.startswith("#") and line.strip():
                if line[0].isalpha():
                    names = line.split()
                else:
                    numbers = [line]
                    break
        table: Floats = np.loadtxt(chain(numbers, stream), ndmin=2) if numbers else np.zeros((0, max(len(names), 2)))
    return names, table


def read_all(who: str, files: str | Sequence[str]) -> tuple[list[str], Floats]:
    """Return the names of the columns and the lines of one file or of several with the same columns, one after another.

    ``who`` is the name of the caller, for messages.
    """
    if isinstance(files, str):
        return read(files)
    if not isinstance(files, (list, tuple)) or not files or not all(isinstance(file, str) for file in files):
        raise TypeError(f"{who}: fname must be the name of a file, or a list of names, got {files!r}")
    tables = [read(file) for file in files]
    names = tables[0][0]
    if any(other != names or data.shape[1] != tables[0][1].shape[1] for other, data in tables):
        raise ValueError(f"{who}: the files must have the same columns")
    return names, np.concatenate([data for _, data in tables])
