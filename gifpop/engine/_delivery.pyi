from collections.abc import Callable

from gifpop.common.typing import Shorts

def largest_indegree(targets: Shorts, look: Callable[[], None]) -> int: ...
