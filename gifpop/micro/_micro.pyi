from typing import final

from gifpop.common.typing import Floats, Key

TILE: int
RECORDABLES: tuple[str, ...]
PARAMETERS: tuple[str, ...]
VARIOUS: tuple[str, ...]
TERMS: tuple[str, ...]
STATE: tuple[str, ...]

def draw_budgets(population: MicroPopulation, first: int) -> None: ...

@final
class MicroPopulation:
    def __init__(self, N: int, parameters: dict[str, Floats], state: dict[str, Floats], key: Key) -> None: ...
    @property
    def arrays(self) -> tuple[dict[str, Floats], dict[str, Floats]]: ...
