"""Computed once: arrays shared by all users while any of them lives, and attributes of objects."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload
from weakref import WeakValueDictionary

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

Arguments = ParamSpec("Arguments")
Scalar = TypeVar("Scalar", bound=np.generic)
Value = TypeVar("Value")

ARRAYS_KEPT = 16  # arrays that stay without any holder, the last ones requested,
BYTES_KEPT = 8e6  # as long as all of them together are no larger


def remembered(make: Callable[Arguments, npt.NDArray[Scalar]]) -> Callable[Arguments, npt.NDArray[Scalar]]:
    """Return a function that makes an array once for all holders, and keeps small ones a while longer.

    ``make`` takes arguments that can be hashed; what it returns must not be changed.
    """
    alive: WeakValueDictionary[Hashable, npt.NDArray[Scalar]] = WeakValueDictionary()
    last: dict[Hashable, npt.NDArray[Scalar]] = {}  # no OrderedDict: an exception within a key's hash breaks it
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
            last.pop(key, None)
            last[key] = array
            while last and (len(last) > ARRAYS_KEPT or sum(one.nbytes for one in last.values()) > BYTES_KEPT):
                last.pop(next(iter(last)))
        return array

    return recall


class computed_once(Generic[Value]):
    """A property that is computed when it is first asked for, as `functools.cached_property` but without a lock.

    Until Python 3.12 that one holds a lock, the same for all objects, while it computes: threads wait for each other,
    and the child of a fork waits for a thread of its parent for ever.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        value = vars(instance)[self._name] = self._compute(instance)
        return value
