from types import ModuleType
from typing import Any, final

import numpy as np

from gifpop.history import Cells
from gifpop.modes import Carried
from gifpop.typing import Floats, Structured

CONSTANTS: np.dtype[np.void]
STATE: np.dtype[np.void]
PADDING: int
MOST_MODES: int
COHORT_ARRAYS: tuple[str, ...]
CELL_ARRAYS: tuple[str, ...]
RECORDABLES: tuple[str, ...]

def supported_instruction_sets() -> tuple[str, ...]: ...
def use_cohorts(module: ModuleType) -> None: ...
def use_cells(module: ModuleType) -> None: ...
def use_carried(module: ModuleType) -> None: ...

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
