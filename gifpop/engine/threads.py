"""Threads of the time loop: their number, and teams that wait for work."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from gifpop.common import checks
from gifpop.common.interrupts import watch
from gifpop.common.warn import warn
from gifpop.engine import _team

_idle: list[_team.Team] = []  # a run takes one out for each chunk, so that runs of several threads do not share any
_failed = False  # to start as many threads as were asked for; said once


def _after_fork() -> None:
    """Start without teams in the child of a fork: their threads exist in the parent only."""
    _team.forget_helpers()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_or_two() -> int:
    """Return how many threads to take where none were asked for: two, or one where there is one processor."""
    return min(2, processors())


def check_threads(where: str, threads: object) -> int:
    """Return a number of threads, at most one for each processor, with a warning."""
    number, most = checks.integer(where, threads, 1), processors()
    if number > most:
        each = f"{most} processors" if most > 1 else "one processor"
        warn(f"{where}: {number} threads were asked for, {most} used, since this process may run on {each}")
    return usable(number)


def usable(number: int) -> int:
    """Return a number of threads, or that of processors if there are fewer."""
    return number if number == 1 else min(number, processors())  # which takes a system call


def team(number: int) -> AbstractContextManager[_team.Team | None]:
    """Return a context of a team of ``number`` threads, including the calling one, or as many as can start.

    Of one thread, the context of None.
    """
    return nullcontext() if number == 1 else _together(number)


@contextmanager
def _together(number: int) -> Iterator[_team.Team]:
    try:
        own = _idle.pop()
    except IndexError:  # asked for once: other threads take teams out, too
        own = _team.Team()
    try:
        started = own.grow(number)
        if started < number:
            _note_failure(number, started)
        yield own
    finally:
        _idle.append(own)


def for_each(function: Callable[[int, Callable[[], None]], object], n: int, number: int) -> None:
    """Call a function for each i < n, in any order, in ``number`` threads, or as many as can be started.

    It also gets a function to call from time to time, which raises KeyboardInterrupt once this thread is interrupted or
    another call has failed.
    """
    left, errors, interrupted = iter(range(n)), list[BaseException](), watch()

    def look() -> None:
        if errors or interrupted():
            raise KeyboardInterrupt

    def work() -> None:
        try:
            for i in left:
                function(i, look)
                look()
        except BaseException as error:
            errors.append(error)

    wanted, helpers = min(number, n), list[threading.Thread]()
    while len(helpers) + 1 < wanted:
        helper = threading.Thread(target=work)
        try:
            helper.start()
        except RuntimeError:
            break
        helpers.append(helper)
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
    if len(helpers) + 1 < wanted:
        _note_failure(number, len(helpers) + 1)


def _note_failure(number: int, started: int) -> None:
    global _failed
    if not _failed:
        _failed = True
        warn(f"gifpop: the system does not start as many threads as were asked for: {started} of {number} are used")
