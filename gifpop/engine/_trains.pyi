import numpy as np

from gifpop.common.typing import Floats, Integers

def gamma_superposition(
    random: np.random.Generator, end_of_stage: float, occupied: Integers, entries: Integers, counts: Floats
) -> None: ...
def dead_time_superposition(
    random: np.random.Generator,
    hazards: Floats,
    ready: Integers,
    resting: Integers,
    dead_steps: Integers,
    place: Integers,
    counts: Floats,
) -> None: ...
def copies(random: np.random.Generator, mean: float, copied: float, counts: Floats) -> None: ...
def modulated_gamma(
    random: np.random.Generator, order: float, rates: Floats, growths: Floats, elapsed: Floats, counts: Floats
) -> None: ...
def dead_time_on_a_line(
    random: np.random.Generator, rate: float, dead: float, first: int, coming: Floats, counts: Floats
) -> None: ...
def gamma_hazard(order: float, x: float) -> float: ...
