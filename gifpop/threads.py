"""Threads of the time loop: how many, and how they survive a fork."""

import os
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gifpop import _core, checks
from gifpop.warn import warn

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_forked = False


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def check_threads(where: str, threads: object) -> int:
    """Return a number of threads; warn where it has no effect."""
    number = checks.integer(where, threads, 1)
    if number > 1 and not _core.HAS_THREADS:
        warn(f"{where}: gifpop was built by a compiler without OpenMP; {number} threads are as fast as one")
    return number


def call(function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
    """Call a function that uses OpenMP's threads, in whatever process.

    OpenMP's threads belong to the thread that first asked for them, and are gone in the child of a fork, where that
    thread would wait for them for ever. There a new thread asks for its own.
    """
    if not _forked:
        return function(*arguments, **named)
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function(*arguments, **named))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
