"""Threads of the time loop: how many, and how they survive a fork."""

import os
import threading

from gifpop import _core, checks
from gifpop.warn import warn

_forked = False


def _note_fork():
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def check_threads(where, threads):
    """Return a number of threads; warn where it has no effect."""
    threads = checks.integer(where, threads, 1)
    if threads > 1 and not _core.HAS_THREADS:
        warn(
            f"{where}: gifpop was built by a compiler without OpenMP; {threads} threads are as fast as one",
        )
    return threads


def call(function, *arguments):
    """Call a function that uses OpenMP's threads, in whatever process.

    OpenMP's threads belong to the thread that first asked for them, and are gone in the child of a fork, where that
    thread would wait for them for ever. There a new thread asks for its own.
    """
    if not _forked:
        return function(*arguments)
    outcome = []

    def work():
        try:
            outcome.append((function(*arguments), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    result, error = outcome[0]
    if error is not None:
        raise error
    return result
