from collections.abc import Callable

from gifpop.common.typing import Integers, Key, Shorts

def all_to_all(n_pre: int, n_post: int, without_self: bool, look: Callable[[], None]) -> tuple[Integers, Shorts]: ...
def fixed_outdegree(
    n_pre: int, n_post: int, degree: int, without_self: bool, multapses: bool, seed: Key, look: Callable[[], None]
) -> tuple[Integers, Shorts]: ...
def fill_rows(
    shares: Shorts,
    n: int,
    offset: int,
    without_self: bool,
    multapses: bool,
    seed: Key,
    first: Integers,
    targets: Shorts,
    look: Callable[[], None],
) -> None: ...
def by_source(
    sources: Integers, targets: Integers, n_pre: int, n_post: int, look: Callable[[], None]
) -> tuple[Integers, Shorts, Integers]: ...
def sort_by(keys: Integers, n_keys: int, order: Integers, look: Callable[[], None]) -> Integers: ...
def random_words(seed: Key, size: int) -> Key: ...
def random_integers(seed: Key, n: int, size: int) -> Key: ...
