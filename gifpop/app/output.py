"""Output of the command: written completely, or an error in one line on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class CommandError(Exception):
    """An error that the user can fix: one line on standard error, exit code 1."""


@contextlib.contextmanager
def written() -> Iterator[None]:
    """Flush standard output at the end; raise CommandError or BrokenPipeError if that fails."""
    try:
        try:
            yield
        except SystemExit as leaving:  # of argparse, which has printed help or complained
            if not leaving.code:
                _flush()
            raise
        _flush()
    except OSError as error:
        if error.filename is not None:  # of another file
            raise
        # drop what is left to write, which Python would try to write again on exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise CommandError(f"cannot write to standard output: {error.strerror}") from None


def complain(message: str) -> None:
    """Print a line to standard error, if there is one."""
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(message, file=sys.stderr)


def _flush() -> None:
    if sys.stdout is None:
        raise CommandError("cannot write to standard output, which is closed")
    sys.stdout.flush()
