"""NEST's error classes, and functions that raise or return them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from gifpop.common import memory, ranges

if TYPE_CHECKING:
    from gifpop.common.typing import Floats

_NAMES = (
    "BackendAlreadyRegistered",
    "BackendNotPrepared",
    "BackendPrepared",
    "BadDelay",
    "BadParameter",
    "BadParameterValue",
    "BadProperty",
    "DimensionMismatch",
    "DistributionError",
    "DynamicModuleManagementError",
    "GSLSolverFailure",
    "IOError",
    "IllegalConnection",
    "IncompatibleReceptorType",
    "InexistentConnection",
    "InternalError",
    "InvalidDefaultResolution",
    "InvalidTimeInModel",
    "KeyError",
    "LayerExpected",
    "LayerNodeExpected",
    "LocalNodeExpected",
    "ModelInUse",
    "NamingConflict",
    "NewModelNameExists",
    "NoThreadSiblingsAvailable",
    "NodeWithProxiesExpected",
    "NotImplemented",
    "NumericalInstability",
    "RangeCheck",
    "StepMultipleRequired",
    "TimeMultipleRequired",
    "TypeMismatch",
    "UnaccessedDictionaryEntry",
    "UndefinedName",
    "UnexpectedEvent",
    "UnknownCompartment",
    "UnknownComponent",
    "UnknownModelName",
    "UnknownNode",
    "UnknownPort",
    "UnknownReceptorType",
    "UnknownSynapseType",
    "UnknownThread",
    "UnmatchedSteps",
    "UnsupportedEvent",
)


class KernelException(Exception):
    """Base class of all errors of NEST; public as `NESTError`."""


class NotEnoughMemory(KernelException, MemoryError):
    """Something would not fit in memory."""


class OutOfRange(KernelException, OverflowError):
    """A number that 64 bits do not hold."""


class NotInGifpop(KernelException):
    """Something of NEST that gifpop lacks."""


class AttributeNotInGifpop(NotInGifpop, AttributeError):
    """An attribute of NEST that gifpop lacks, as ``hasattr`` understands."""


class ModuleNotInGifpop(NotInGifpop, ModuleNotFoundError):
    """A module of NEST that gifpop lacks, as ``import`` understands."""


class UnknownParameter(KeyError, AttributeError):
    """A node or connection has no value of this name: NEST's KeyError, and an AttributeError for ``hasattr``."""


_CLASSES: dict[str, type[KernelException]] = {
    name: type(name, (KernelException,), {"__doc__": f"NEST's {name}.", "__module__": __name__}) for name in _NAMES
}
NESTErrors = types.SimpleNamespace(KernelException=KernelException, **_CLASSES)

BadDelay = _CLASSES["BadDelay"]
BadParameter = _CLASSES["BadParameter"]
BadParameterValue = _CLASSES["BadParameterValue"]
BadProperty = _CLASSES["BadProperty"]
DimensionMismatch = _CLASSES["DimensionMismatch"]
FileError = _CLASSES["IOError"]
IllegalConnection = _CLASSES["IllegalConnection"]
InexistentConnection = _CLASSES["InexistentConnection"]
NewModelNameExists = _CLASSES["NewModelNameExists"]
NotSupported = _CLASSES["NotImplemented"]
NumericalInstability = _CLASSES["NumericalInstability"]
StepMultipleRequired = _CLASSES["StepMultipleRequired"]
TypeMismatch = _CLASSES["TypeMismatch"]
UnaccessedDictionaryEntry = _CLASSES["UnaccessedDictionaryEntry"]
UndefinedName = _CLASSES["UndefinedName"]
UnknownComponent = _CLASSES["UnknownComponent"]
UnknownModelName = _CLASSES["UnknownModelName"]
UnknownNode = _CLASSES["UnknownNode"]
IncompatibleReceptorType = _CLASSES["IncompatibleReceptorType"]
UnknownReceptorType = _CLASSES["UnknownReceptorType"]
UnknownSynapseType = _CLASSES["UnknownSynapseType"]


@contextmanager
def memory_of_nest() -> Iterator[None]:
    """Turn a MemoryError into `NotEnoughMemory`."""
    try:
        yield
    except MemoryError as error:
        raise NotEnoughMemory(str(error)) from None


def require_memory(needs: float | Mapping[str, float], what: str) -> None:
    """Raise an error if something would not fit in memory; see `gifpop.common.memory.require`."""
    with memory_of_nest():
        memory.require(needs, what)


def check_ranges(where: str, p: Mapping[str, object]) -> None:
    """Refuse parameters of neurons that would overflow; see `gifpop.common.ranges.check_ranges`."""
    try:
        ranges.check_ranges(where, p)
    except ValueError as error:
        raise BadProperty(str(error)) from None


def reachable(threshold: float | Floats) -> float | Floats:
    """Return thresholds in mV without infinity, which is as far away as the largest potential."""
    return np.minimum(threshold, ranges.LARGEST_POTENTIAL)


def impossible_connection(reason: str) -> KernelException:
    """Return the error for a connection that is not possible."""
    return IllegalConnection(f"Creation of connection is not possible because:\n{reason}")
