from collections.abc import Mapping, Sequence
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from gifpop.common.typing import Floats, Integers, Receptor, Shorts
from gifpop.engine._team import Team
from gifpop.meso._meso import MesoPopulation
from gifpop.micro._micro import MicroPopulation

RECEPTOR: dict[Receptor, int]
SYNAPSES: int
RECEPTORS: int
SHARED_RECEPTORS: int
LONGEST_SLICE: int

_Ring: TypeAlias = npt.NDArray[np.float64 | np.uint16]
_Projection: TypeAlias = tuple[int, int, int, float, int, Integers | None, Shorts | None, Floats | None, Shorts | None]
_Noise: TypeAlias = tuple[int, int, int, float, Shorts | None, Floats | None, np.random.BitGenerator]

@final
class Core:
    def __init__(
        self,
        groups: Sequence[MesoPopulation | MicroPopulation],
        shared: Floats,
        rings: Sequence[_Ring | None],
        units: Sequence[Floats | None],
        externals: Sequence[Floats | None],
        first: Integers,
        projections: Sequence[_Projection],
        noise: Sequence[_Noise] = (),
        slice_steps: int = 1,
    ) -> None: ...
    @property
    def groups(self) -> tuple[MesoPopulation | MicroPopulation, ...]: ...

def advance(
    cores: Sequence[Core],
    step: int,
    lines: Floats,
    noise_means: Floats,
    counts: Integers,
    prescribed: npt.NDArray[np.uint8],
    forced: Mapping[int, Shorts],
    probes: Integers,
    records: Floats,
    team: Team | None = None,
) -> list[tuple[int, int, int, Shorts]]: ...
def share_always_among_threads(always: bool) -> None: ...
def rehearse(alone: Integers, together: Integers) -> list[bool]: ...
