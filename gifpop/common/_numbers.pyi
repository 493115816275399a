from collections.abc import Sequence
from typing import Any

from gifpop.common.typing import Floats, Integers

def floats(values: Sequence[Any]) -> Floats | None: ...
def steps_on_grid(
    times: Floats, tics_per_ms: int, tics_per_step: int, longest: float, offgrid: bool
) -> tuple[Integers, int]: ...
