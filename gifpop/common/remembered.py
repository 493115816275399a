"""Arrays that are computed once for all who need them, and not kept for those who no longer do."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Arguments = ParamSpec("Arguments")
Scalar = TypeVar("Scalar", bound=np.generic)

KEPT = 16  # arrays that stay although nobody holds them, the last ones that were asked for,
MOST_BYTES = 8e6  # as long as all of them together are no larger


def remembered(make: Callable[Arguments, npt.NDArray[Scalar]]) -> Callable[Arguments, npt.NDArray[Scalar]]:
    """Return a function that makes an array once for all who hold it, and for a while longer where it is small.

    Parameters
    ----------
    make : callable
        Takes positional arguments that can be hashed; what it returns must not be changed.
    """
    alive: WeakValueDictionary[Hashable, npt.NDArray[Scalar]] = WeakValueDictionary()
    last: OrderedDict[Hashable, npt.NDArray[Scalar]] = OrderedDict()
    lock = threading.Lock()

    def renew_lock() -> None:
        """Take another lock in the child of a fork: a thread of the parent may have held this one."""
        nonlocal lock
        lock = threading.Lock()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew_lock)

    @wraps(make)
    def recall(*args: Arguments.args, **kwargs: Arguments.kwargs) -> npt.NDArray[Scalar]:
        key = (*args, *kwargs.items())
        with lock:
            array = alive.get(key)
        if array is None:
            array = make(*args, **kwargs)
        with lock:
            array = alive.setdefault(key, array)
            last[key] = array
            last.move_to_end(key)
            while last and (len(last) > KEPT or sum(one.nbytes for one in last.values()) > MOST_BYTES):
                last.popitem(last=False)
        return array

    return recall
