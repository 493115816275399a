"""What would not fit in memory is refused before anything is allocated; arrays that begin at cache lines."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.typing import Floats

Scalar = TypeVar("Scalar", bound=np.generic)

CACHE_LINE = 64  # bytes


def available() -> int | None:
    """Return the memory that the system can give, in bytes, or None where it does not tell."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def require(n_bytes: float, what: str) -> None:
    """Raise MemoryError with the estimate if ``n_bytes`` are more than the system has.

    Parameters
    ----------
    n_bytes : float
    what : str
        What needs them and how to need less, for the message.
    """
    limit = available()
    if limit is not None and n_bytes > limit:
        raise MemoryError(f"{what} would need {readable(n_bytes)}; {readable(limit)} are available")


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
