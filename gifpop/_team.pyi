from typing import final

@final
class Team:
    def grow(self, threads: int) -> int: ...

def forget_helpers() -> None: ...
