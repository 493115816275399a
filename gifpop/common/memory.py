"""Check memory before allocating; allocate arrays aligned to cache lines."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from gifpop.common import memory_limits
from gifpop.common.memory_limits import Limit

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats

Scalar = TypeVar("Scalar", bound=np.generic)

CACHE_LINE = 64  # bytes
SECONDS_KNOWN = 0.05  # for so long, limits are not asked for again
UNASKED = 1e5  # bytes, which may be taken between two questions
SMALLEST_PART = 0.01  # of what is needed, to be named in a message


class Headroom:
    """Available memory, updated at most every few hundredths of a second.

    In between, what has been promised since is subtracted.
    """

    def __init__(self) -> None:
        self._asked, self._promised = -math.inf, 0.0
        self._limit: Limit | None = None

    def left(self) -> Limit | None:
        """Return the memory left by the strictest limit; None if the system does not tell."""
        now = time.monotonic()
        if now - self._asked > SECONDS_KNOWN:
            self._asked, self._limit, self._promised = now, memory_limits.least(), 0.0
        return self._limit and Limit(int(self._limit - self._promised), self._limit.name)

    def covers(self, n_bytes: float) -> bool:
        """Return whether so little has been promised that there is no need to ask, even long after the last time."""
        return self._promised + n_bytes <= UNASKED

    def promise(self, n_bytes: float) -> None:
        """Note that memory is about to be taken."""
        self._promised += n_bytes

    def forget(self) -> None:
        """Query the system again next time."""
        self._asked = -math.inf


headroom = Headroom()


def available() -> Limit | None:
    """Return how many bytes this process may still take, or None where the system does not tell."""
    return headroom.left()


def require(needs: float | Mapping[str, float], what: str) -> None:
    """Raise MemoryError with the estimate if more bytes are needed than this process may still take.

    ``needs`` are bytes, or those of several parts by name, which are added up; ``what`` needs them, and how to need
    less.
    """
    parts = needs if isinstance(needs, Mapping) else {"": needs}
    n_bytes = sum(parts.values())
    if headroom.covers(n_bytes):
        headroom.promise(n_bytes)
        return
    limit = available()
    if limit is not None and n_bytes > limit:
        headroom.forget()
        limit = available()
    if limit is not None and n_bytes > limit:
        raise MemoryError(
            f"{what} would need {readable(n_bytes)}{_listed(parts)}; {readable(limit)} are available{_named(limit)}"
        )
    headroom.promise(n_bytes)


def _listed(parts: Mapping[str, float]) -> str:
    """Name the parts of the needed memory, the largest first; nothing if there is only one."""
    large = sorted(((n, name) for name, n in parts.items() if n >= SMALLEST_PART * sum(parts.values())), reverse=True)
    return f" ({', '.join(f'{name} {readable(n)}' for n, name in large)})" if len(large) > 1 else ""


def _named(limit: float) -> str:
    return f" ({limit.name})" if isinstance(limit, Limit) else ""


@overload
def aligned_zeros(shape: tuple[int, ...]) -> Floats: ...
@overload
def aligned_zeros(shape: tuple[int, ...], dtype: type[Scalar] | np.dtype[Scalar]) -> npt.NDArray[Scalar]: ...
def aligned_zeros(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """Return an array of zeros that begins at a cache line and shares its last line with nothing else."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.zeros(size + 2 * CACHE_LINE, dtype=np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    return room[start : start + size].view(dtype).reshape(shape)


def aligned_copy(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return a copy of an array that begins at a cache line, as `aligned_zeros`."""
    copy = aligned_zeros(array.shape, array.dtype)
    copy[:] = array
    return copy


def readable(n_bytes: float) -> str:
    """Return a number of bytes as text."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
