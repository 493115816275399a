"""Changes of the network: prepared first, then made at once; an error or Ctrl-C leaves the old state or the new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gifpop.common.interrupts import deferred_interrupt
from gifpop.nest.errors import KernelException

if TYPE_CHECKING:
    from gifpop.nest.streams import RandomStreams


class Changes:
    """Changes of the network, all or nothing.

    Parameters
    ----------
    streams : RandomStreams
        Streams that an attempt may take; given back if it fails.

    Attributes
    ----------
    broken : str or None
        The change that was cut short, after which the state is lost; None: the state is whole.
    wirings : int
        Number of changes after which the network must be wired again.
    made : int
        Number of all changes, those of settings included.
    catch_up : callable
        Called before a change: brings what nodes show up to date.
    """

    def __init__(self, streams: RandomStreams) -> None:
        self._streams = streams
        self.broken: str | None = None
        self.wirings = 1
        self.made = 0
        self.catch_up: Callable[[], None] = lambda: None

    def check_whole(self) -> None:
        """Raise an error if an earlier change was cut short."""
        if self.broken is not None:
            raise KernelException(f"The state of the kernel is lost, since {self.broken}. ResetKernel begins anew.")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Prepare a change and make it with `commit`; an exception before the commit leaves everything as it was.

        Before the commit the block may take random streams, and change nothing else.
        """
        self.check_whole()
        self.catch_up()
        taken, made = self._streams.taken, self.made
        try:
            yield
        except BaseException:
            if self.made == made:
                self._streams.taken = taken
            raise

    @contextmanager
    def commit(self, what: str, rewires: bool = False) -> Iterator[None]:
        """Make a prepared change; obey SIGINT after it.

        Parameters
        ----------
        what : str
            Name of the change; if an exception cuts it short, the state is lost and the message says so.
        rewires : bool
            Whether the network must be wired again.
        """
        with deferred_interrupt():
            self.broken = f"{what} was cut short"
            yield
            self.made += 1
            self.wirings += rewires
            self.broken = None
