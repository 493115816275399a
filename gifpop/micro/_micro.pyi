from typing import final

from gifpop.common.typing import Floats, Key
from gifpop.micro.plan import NeuronPlan

TILE: int
PARAMETERS: tuple[str, ...]
VARIOUS: tuple[str, ...]
OF_TRAPEZOID: tuple[str, ...]
TERMS: dict[str, str]
STATE: tuple[str, ...]

def draw_budgets(population: MicroPopulation, first: int) -> None: ...

@final
class MicroPopulation:
    def __init__(self, plan: NeuronPlan, key: Key) -> None: ...
    @property
    def recordables(self) -> tuple[Floats, ...]: ...
