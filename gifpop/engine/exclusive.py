"""Methods that run one at a time, with SIGINT deferred."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from gifpop.common.interrupts import deferred_interrupt

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")
Owner = TypeVar("Owner", bound="Exclusive")


class Exclusive:
    """Base of a class whose objects admit one caller at a time: threads, and handlers of signals.

    Attributes
    ----------
    _busy : threading.Lock
        Made by the class itself.
    """

    _busy: threading.Lock

    @contextmanager
    def _if_idle(self) -> Iterator[deferred_interrupt | None]:
        """Defer SIGINT and exclude other callers; yield None if another one is active."""
        deferral = deferred_interrupt()
        with deferral:
            idle = self._busy.acquire(blocking=False)
            try:
                yield deferral if idle else None
            finally:
                if idle:
                    self._busy.release()

    @contextmanager
    def _alone(self) -> Iterator[deferred_interrupt]:
        """Defer SIGINT and exclude other callers; raise RuntimeError if another one is active."""
        with self._if_idle() as deferral:
            if deferral is None:
                raise RuntimeError(f"this {type(self).__name__.lower()} is being run by another thread already")
            yield deferral


def exclusive(
    method: Callable[Concatenate[Owner, Arguments], Returned],
) -> Callable[Concatenate[Owner, Arguments], Returned]:
    """Make a method of an `Exclusive` run alone, with SIGINT deferred."""

    @wraps(method)
    def call(self: Owner, /, *arguments: Arguments.args, **options: Arguments.kwargs) -> Returned:
        with self._alone():
            return method(self, *arguments, **options)

    return call
