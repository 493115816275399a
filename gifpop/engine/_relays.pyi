from typing import final

from gifpop.engine.relays import RelayPlan

@final
class RelayGroup:
    def __init__(self, plan: RelayPlan) -> None: ...
    @property
    def recordables(self) -> tuple[()]: ...
