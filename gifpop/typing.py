"""Types that annotations name in several files: arrays, seeds, and what options may be."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = float | Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer]

Seed: TypeAlias = int | Sequence[int] | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator | None

Level: TypeAlias = Literal["meso", "micro"]
Initial: TypeAlias = Literal["fired", "rest", "stationary", "nest"]
History: TypeAlias = Literal["adaptive", "exact"]
Adaptation: TypeAlias = Literal["quasi-renewal", "carried"]
Wiring: TypeAlias = Literal["dense", "sparse"]
