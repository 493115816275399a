"""What differs between the receivers of one source, drawn for all of them at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gifpop.common.typing import Floats


class Scattered(ABC):
    """Base of what is drawn for several receivers at once, step after step."""

    stateless = False  # its stream moves on

    def __init__(self) -> None:
        self._receivers: dict[int, Receiver] = {}
        self._chunk: tuple[int, int, int] | None = None  # of `emitted`
        self._emitted = np.zeros((0, 0))

    def receiver(self, key: int) -> Receiver:
        """Return what one receiver gets; a new one for a new key."""
        return self._receivers.setdefault(key, Receiver(self, len(self._receivers)))

    def emitted(self, step: int, n: int) -> Floats:
        """Return what all receivers get, shape (n, receivers); the same if it is asked for again."""
        chunk = step, n, len(self._receivers)
        if self._chunk != chunk:
            self._emitted, self._chunk = self._drawn(step, n, len(self._receivers)), chunk
        return self._emitted

    @abstractmethod
    def expected(self, step: int) -> float:
        """Return the mean of what a receiver gets at a step."""

    @abstractmethod
    def _drawn(self, step: int, n: int, receivers: int) -> Floats:
        """Draw what all receivers get in the next steps, shape (n, receivers)."""


class Receiver:
    """What one receiver gets."""

    stateless = False

    def __init__(self, source: Scattered, place: int) -> None:
        self.source, self.place = source, place

    def emit(self, step: int, n: int) -> Floats:
        return self.source.emitted(step, n)[:, self.place]

    def expected(self, step: int) -> float:
        return self.source.expected(step)
