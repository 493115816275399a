"""Ctrl-C: deferred while state changes, handled between changes."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps, without its enumerations: ten times faster
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType, TracebackType

SIGINT = int(_signal.SIGINT)

_thread = threading.local()
_outermost: deferred_interrupt | None = None  # the one that holds SIGINT back in the main thread


class deferred_interrupt:
    """Defer SIGINT within a block; pass it to the previous handler at the end.

    Entering it returns a function that returns whether a signal is held back. Inside another such block it is the outer
    one that hands over. Where the handler of before raises KeyboardInterrupt and the block has raised one as well, the
    block's goes on, since it may hold results; any other exception of the handler replaces that of the block.

    Nothing is held back where SIGINT is ignored, or handled by code that is not Python's. In threads other than the
    main one, where Python allows no handlers, the function returns whether the event of `stopped_by` is set.
    """

    def __init__(self) -> None:
        self._received: list[tuple[int, FrameType | None]] = []
        self._previous: Callable[[int, FrameType | None], Any] | None = None

    def __enter__(self) -> Callable[[], bool]:
        global _outermost
        if _outermost is None and threading.current_thread() is threading.main_thread():
            previous = _signal.getsignal(SIGINT)
            if callable(previous) and _handle(self._note):  # from here on no signal raises anything
                self._previous, _outermost = previous, self
        return is_interrupted

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _outermost
        if self._previous is None:
            return
        _outermost = None
        self._give_back()
        if self._received:
            try:
                self._previous(*self._received[0])
            except KeyboardInterrupt:
                if not isinstance(error, KeyboardInterrupt):
                    raise

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Handle SIGINT at once within a block that can be left at any point, unless an outer block defers it."""
        global _outermost
        if self._previous is None:
            yield
            return
        if self._received:
            raise KeyboardInterrupt
        _outermost = None
        try:
            self._give_back()
            yield
        finally:
            _handle(self._note)
            _outermost = self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received.append((number, frame))

    def _give_back(self) -> None:
        """Restore the previous handler, unless ours has been replaced meanwhile."""
        current = _signal.signal(SIGINT, self._previous)
        if callable(current) and current != self._note:
            _signal.signal(SIGINT, current)


def _leave_to_parent() -> None:
    """Restore the previous handler in the child of a fork, which has not entered the block."""
    global _outermost
    outer, _outermost = _outermost, None
    if outer is not None:
        outer._give_back()
        outer._previous = None  # its end is the parent's


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _handle(handler: Callable[[int, FrameType | None], Any]) -> bool:
    """Install a handler of SIGINT; return False if that is impossible, as in a subinterpreter."""
    try:
        _signal.signal(SIGINT, handler)
    except ValueError:
        return False
    return True


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """Stop runs in this thread, other than the main one, as by Ctrl-C once an event is set."""
    _thread.stopped = event.is_set
    try:
        yield
    finally:
        del _thread.stopped


def watch() -> Callable[[], bool]:
    """Return a function, for any thread, that returns whether to interrupt the work of this thread."""
    if threading.current_thread() is threading.main_thread():
        return _is_held_back
    stopped: Callable[[], bool] = getattr(_thread, "stopped", bool)  # bool() is False
    return stopped


def is_interrupted() -> bool:
    """Return whether a SIGINT is deferred, or the event of `stopped_by` is set."""
    return watch()()


def give_way() -> None:
    """Raise KeyboardInterrupt after an interrupt; long preparations call this where it is safe."""
    if is_interrupted():
        raise KeyboardInterrupt


def _is_held_back() -> bool:
    return _outermost is not None and bool(_outermost._received)
