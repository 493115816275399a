from typing import final

import numpy as np

from gifpop.common.typing import Floats
from gifpop.engine.plasticity import LinkPlasticity
from gifpop.meso.plan import PopulationPlan

CONSTANTS: np.dtype[np.void]
RECEPTOR: np.dtype[np.void]
STATE: np.dtype[np.void]
MEAN_FIELD: np.dtype[np.void]
SYNAPSES: np.dtype[np.void]
PADDING: int
MOST_MODES: int
COHORT_ARRAYS: tuple[str, ...]
CELL_ARRAYS: tuple[str, ...]

@final
class MesoPopulation:
    def __init__(self, plan: PopulationPlan, bit_generator: np.random.BitGenerator) -> None: ...
    @property
    def recordables(self) -> tuple[Floats, ...]: ...
    @property
    def laws(self) -> tuple[LinkPlasticity, ...]: ...
    @property
    def bit_generator(self) -> np.random.BitGenerator: ...
