"""Types that annotations name in several files: arrays, seeds, and what options may be."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Shorts: TypeAlias = npt.NDArray[np.int32]
Spikes: TypeAlias = tuple[Integers, Shorts]  # steps and neurons
Structured: TypeAlias = npt.NDArray[np.void]  # with named fields
Arrays: TypeAlias = dict[str, npt.NDArray[Any]]
Vector: TypeAlias = Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer]
Number: TypeAlias = float | np.floating | np.integer
Count: TypeAlias = int | np.integer
Numbers: TypeAlias = Number | Vector
Indices: TypeAlias = Sequence[int] | npt.NDArray[np.integer]
Streams: TypeAlias = Callable[[int], np.random.BitGenerator]

Seed: TypeAlias = (
    Count
    | Sequence[int]
    | npt.NDArray[np.integer]
    | np.random.SeedSequence
    | np.random.BitGenerator
    | np.random.Generator
    | np.random.RandomState
    | None
)

Level: TypeAlias = Literal["meso", "micro"]
Initial: TypeAlias = Literal["fired", "rest", "stationary", "nest"]
History: TypeAlias = Literal["exact", "adaptive"]
Adaptation: TypeAlias = Literal["quasi-renewal", "carried"]
FiniteSize: TypeAlias = Literal["drawn", "corrected"]
PlasticityForm: TypeAlias = Literal["carried", "mean-field"]
Wiring: TypeAlias = Literal["dense", "sparse"]
Table: TypeAlias = Literal["activity", "recorded", "spikes"]

Sign: TypeAlias = Literal["excitatory", "inhibitory"]
Synapse: TypeAlias = Sign | int  # the sign of a weight selects one of the first two; or by number
Receptor: TypeAlias = Synapse | Literal["current", "excitatory variance", "inhibitory variance"]

Key: TypeAlias = npt.NDArray[np.uint64]  # of the random numbers of a group of neurons
Stream: TypeAlias = np.random.BitGenerator | Key
Prescribed: TypeAlias = Integers | Spikes  # of a population, its counts, step by step
Probe: TypeAlias = "tuple[int, int | Sequence[int] | Integers, str | tuple[str, ...]]"  # group, units, recordables

Kept_co = TypeVar("Kept_co", covariant=True)
Given_contra = TypeVar("Given_contra", contravariant=True)


class Field(Generic[Kept_co, Given_contra]):
    """A field of a frozen dataclass that accepts one type and stores another; for annotations only."""

    def __get__(self, instance: object, owner: type) -> Kept_co:
        raise NotImplementedError

    def __set__(self, instance: object, value: Given_contra) -> None:
        raise NotImplementedError


class LevelOptions(Protocol):
    """The options of a simulation that a level of description reads (`gifpop.assembly.options.Options`)."""

    @property
    def dt(self) -> float: ...

    @property
    def initial(self) -> Initial: ...

    @property
    def relaxing_tolerance(self) -> float: ...

    @property
    def merging(self) -> float | None: ...

    @property
    def adaptation(self) -> Adaptation: ...

    @property
    def smooth(self) -> bool: ...
