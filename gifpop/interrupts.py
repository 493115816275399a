"""Ctrl-C during a run: taken note of at once, acted on between two chunks of steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_thread = threading.local()


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """Let runs in this thread, other than the main one, stop as by Ctrl-C once an event is set."""
    _thread.stopped = event.is_set
    try:
        yield
    finally:
        del _thread.stopped


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Hold back SIGINT; yield a function that tells whether one has come, and hand over to the old handler after.

    In threads other than the main one, where Python allows no handlers, nothing is held back; there the function tells
    whether the event of `stopped_by` is set.
    """
    received: list[tuple[int, FrameType | None]] = []
    if threading.current_thread() is not threading.main_thread():
        yield getattr(_thread, "stopped", lambda: False)
        return
    previous = signal.getsignal(signal.SIGINT)
    if not callable(previous):  # ignored, or not installed by Python: nothing to defer
        yield lambda: False
        return
    signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGINT, previous)
        if received:
            previous(*received[0])
