"""Types that annotations name in several files: arrays, seeds, and what options may be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gifpop.neurons import NeuronPlan
    from gifpop.plan import PopulationPlan

Floats: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.int32]  # of neurons
Integers: TypeAlias = npt.NDArray[np.int64]
Structured: TypeAlias = npt.NDArray[np.void]  # with named fields
Numbers: TypeAlias = float | Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer]

Seed: TypeAlias = int | Sequence[int] | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator | None

Level: TypeAlias = Literal["meso", "micro"]
Initial: TypeAlias = Literal["fired", "rest", "stationary", "nest"]
History: TypeAlias = Literal["adaptive", "exact"]
Adaptation: TypeAlias = Literal["quasi-renewal", "carried"]
Wiring: TypeAlias = Literal["dense", "sparse"]

Synapse: TypeAlias = Literal["excitatory", "inhibitory"]
Receptor: TypeAlias = Synapse | Literal["current", "excitatory variance", "inhibitory variance"]

Key: TypeAlias = npt.NDArray[np.uint64]  # of the random numbers of a group of neurons
Plan: TypeAlias = "PopulationPlan | NeuronPlan"
Stream: TypeAlias = np.random.BitGenerator | Key
Spikes: TypeAlias = tuple[Integers, Indices]  # steps in order and the neurons that fire in them
Prescribed: TypeAlias = Integers | Spikes  # of a population, its counts, step by step
Probe: TypeAlias = tuple[int, int, str]  # group, unit and recordable
