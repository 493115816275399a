from typing import Any, final

import numpy as np

from gifpop.common.typing import Floats, Structured
from gifpop.meso.history import Cells
from gifpop.meso.modes import Carried

CONSTANTS: np.dtype[np.void]
STATE: np.dtype[np.void]
PADDING: int
MOST_MODES: int
COHORT_ARRAYS: tuple[str, ...]
CELL_ARRAYS: tuple[str, ...]
RECORDABLES: tuple[str, ...]

@final
class MesoPopulation:
    def __init__(
        self,
        constants: Structured,
        state: Structured,
        theta: Floats,
        quasi: Floats,
        sfa_decay: Floats,
        sfa_feed: Floats,
        sfa_weight: Floats,
        relative_jumps: Floats,
        sfa: Floats,
        cohorts: Floats,
        cells: Cells | None,
        carried: Carried | None,
        smooth: bool,
        bit_generator: np.random.BitGenerator,
    ) -> None: ...
    @property
    def arrays(self) -> tuple[Any, ...]: ...
    @property
    def bit_generator(self) -> np.random.BitGenerator: ...
