from collections.abc import Callable, Mapping, Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from gifpop.common.typing import Floats, Integers, Receptor, Shorts, Spikes
from gifpop.engine._relays import RelayGroup
from gifpop.engine._team import Team
from gifpop.engine.links import Link, NoiseLink
from gifpop.engine.ring_buffers import RingBuffers
from gifpop.meso._meso import MesoPopulation
from gifpop.micro._micro import MicroPopulation

RECEPTOR: dict[Receptor, int]
LONGEST_SLICE: int
NO_SPIKES: Spikes

@final
class Core:
    def __init__(
        self,
        groups: Sequence[MesoPopulation | MicroPopulation | RelayGroup],
        buffers: RingBuffers,
        links: Sequence[Link],
        states: Sequence[Floats] = (),
        noise: Sequence[NoiseLink] = (),
        fluctuations: Sequence[Floats] = (),
        lines: int = 0,
        slice_steps: int = 1,
    ) -> None: ...
    @property
    def groups(self) -> tuple[MesoPopulation | MicroPopulation | RelayGroup, ...]: ...

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
) -> list[tuple[int, int, int, dict[int, Spikes], dict[int, Integers]]]: ...
def place_in_slot(receptor: Receptor, R: int) -> int: ...
def largest_indegree(targets: Shorts, look: Callable[[], None]) -> int: ...
def share_always_among_threads(always: bool) -> None: ...
def rehearse(alone: Integers, together: Integers) -> list[bool]: ...
