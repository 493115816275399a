"""Draw connections between two groups of neurons by a rule, as the time loop reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gifpop.common.interrupts import give_way
from gifpop.distributions import draw_in_pieces
from gifpop.engine.threads import for_each
from gifpop.rules import AllToAll, FixedIndegree, FixedOutdegree, FixedTotalNumber, OneToOne, Pairs, PairwiseBernoulli
from gifpop.wiring import _wiring

if TYPE_CHECKING:
    from gifpop.common.typing import Integers, Shorts
    from gifpop.rules import Rule

# Bytes that each connection takes for good, and besides while it is made.
PER_CONNECTION, PER_WEIGHT, PER_LAG = 4, 8, 4
PER_DRAWN_SOURCE, PER_GIVEN_PAIR, PER_DRAWN_WEIGHT, PER_DRAWN_LAG = 4, 16, 8, 24

BLOCK = 768  # sources: the ends of as many rows fit into the L1 cache
FEWEST_BLOCKS = 8
SHORTEST_RUN = 64  # connections of a target that start in a block, on average; shares cost much for fewer


def check_rule(where: str, rule: Rule, n_pre: int, n_post: int, same: bool) -> None:
    """Refuse a rule that cannot be fulfilled, before anything is drawn."""
    rule = rule.resolve(n_pre)
    without_self = same and not getattr(rule, "allow_autapses", True)
    if isinstance(rule, OneToOne) and n_pre != n_post:
        raise ValueError(f"{where}: OneToOne needs populations of the same size, got {n_pre} and {n_post}")
    if isinstance(rule, Pairs):
        for name, values, n in (("sources", rule.sources, n_pre), ("targets", rule.targets, n_post)):
            if values.size and values.max() >= n:
                raise ValueError(f"{where}: Pairs.{name} must be < {n}, got {values.max()}")
    kinds: list[tuple[type[FixedIndegree | FixedOutdegree | FixedTotalNumber], str, int]] = [
        (FixedIndegree, "indegree", n_pre - without_self),
        (FixedOutdegree, "outdegree", n_post - without_self),
        (FixedTotalNumber, "N", n_pre * n_post - without_self * n_pre),
    ]
    for kind, name, candidates in kinds:
        if isinstance(rule, kind):
            number = getattr(rule, name)
            limit = np.inf if rule.allow_multapses and candidates > 0 else candidates
            if number > limit:
                raise ValueError(
                    f"{where}: {kind.__name__}.{name} must be <= {candidates} (the neurons to choose from"
                    f"{'' if rule.allow_multapses else ', each once'}), got {number}"
                )


def expected_connections(rule: Rule, n_pre: int, n_post: int) -> float:
    """Return how many connections a rule makes, or about how many."""
    return rule.density(n_pre, n_post) * n_pre * n_post


def connection_bytes(
    rule: Rule, n_pre: int, n_post: int, weights: bool = False, lags: bool = False, same: bool = True
) -> tuple[float, float]:
    """Return the bytes of the connections of a rule, and the additional bytes while they are made."""
    rule = rule.resolve(n_pre)
    if is_implicit(rule, same) and not weights and not lags:
        return 0.0, 0.0
    n = expected_connections(rule, n_pre, n_post)
    kept = PER_CONNECTION + PER_WEIGHT * bool(weights) + PER_LAG * bool(lags)
    drawn = max(PER_DRAWN_WEIGHT * bool(weights), PER_DRAWN_LAG * bool(lags))  # one after the other
    match rule:
        case FixedIndegree() | FixedTotalNumber() | PairwiseBernoulli():
            blocks = _block_count(n_pre, n / n_post)
            making = PER_DRAWN_SOURCE * n / blocks + 4.0 * n_post * (blocks + 12)  # of one block; shares of all
        case Pairs():
            making = PER_GIVEN_PAIR * n
        case _:
            making = 0.0
    return 8.0 * n_pre + kept * n, max(making, drawn * n)


def is_implicit(rule: Rule, same: bool) -> bool:
    """Return whether equal connections of a rule need not be stored one by one."""
    return isinstance(rule, AllToAll) and (rule.allow_autapses or not same)


def connect(
    rule: Rule, n_pre: int, n_post: int, same: bool, stream: np.random.BitGenerator, threads: int = 1
) -> tuple[Integers, Shorts, Integers | None]:
    """Return the connections of a rule.

    Parameters
    ----------
    rule : Rule
    n_pre, n_post : int
        Neurons.
    same : bool
        Sources and targets are the same neurons (autapses exist).
    stream : numpy.random.BitGenerator
    threads : int
        How many draw; their number does not change the result.

    Returns
    -------
    first : int64 array of length n_pre + 1
        Connections ``first[s]`` to ``first[s + 1]`` start at source ``s``.
    targets : int32 array
        Ascending for each source, so that threads can share out the spikes of a source by ranges of targets.
    order : int64 array or None
        For `Pairs`: which of the given pairs each connection is.
    """
    rule, random = rule.resolve(n_pre), np.random.Generator(stream)
    order: Integers | None = None
    without_self = same and not getattr(rule, "allow_autapses", True)
    match rule:
        case AllToAll():
            first, targets = _wiring.all_to_all(n_pre, n_post, without_self, give_way)
        case OneToOne():
            first, targets = np.arange(n_pre + 1), np.arange(n_pre, dtype=np.int32)
        case FixedIndegree(k, _, multapses):
            first, targets = by_target(n_pre, np.full(n_post, k), without_self, multapses, random, threads)
        case FixedOutdegree(k, _, multapses):
            seed = stream.random_raw(4)
            first, targets = _wiring.fixed_outdegree(n_pre, n_post, k, without_self, multapses, seed, give_way)
        case FixedTotalNumber(N, _, True):
            indegrees = random.multinomial(N, np.full(n_post, 1.0 / n_post))
            first, targets = by_target(n_pre, indegrees, without_self, True, random, threads)
        case FixedTotalNumber(N, _, False):
            indegrees = _indegrees_of_distinct(N, n_pre - without_self, n_post, random)
            first, targets = by_target(n_pre, indegrees, without_self, False, random, threads)
        case PairwiseBernoulli(p, _):
            candidates = n_pre - without_self
            indegrees = draw_in_pieces(n_post, lambda begin, end: random.binomial(candidates, p, end - begin))
            first, targets = by_target(n_pre, indegrees, without_self, False, random, threads)
        case Pairs():
            first, targets, order = _wiring.by_source(rule.sources, rule.targets, n_pre, n_post, give_way)
    return np.asarray(first, dtype=np.int64), targets, order


def by_target(
    n_pre: int, indegrees: Integers, without_self: bool, multapses: bool, random: np.random.Generator, threads: int = 1
) -> tuple[Integers, Shorts]:
    """Draw ``indegrees[t]`` sources for each target ``t``; return what `connect` does, without the order.

    The sources are cut into blocks. How many of a target's connections start in which block is drawn first; then each
    block draws the sources of its own and sorts the connections by source, all of it in cache. The blocks have streams
    and rows of their own, so that any number of threads fills them with the same result.

    ``without_self``: a source and a target with the same number are not connected; ``multapses``: sources are drawn
    with repetition.
    """
    blocks = _block_count(n_pre, float(np.mean(indegrees)))
    edges = np.append(np.arange(0, n_pre, -(-n_pre // blocks)), n_pre)
    shares = _shares(edges, indegrees, without_self, multapses, random)
    begins = np.append(0, np.cumsum(shares.sum(axis=1, dtype=np.int64)))
    seeds = random.bit_generator.random_raw((len(shares), 4))
    first, targets = np.zeros(n_pre + 1, dtype=np.int64), np.empty(begins[-1], dtype=np.int32)

    def fill(block: int, look: Callable[[], None]) -> None:
        look()
        a, b = edges[block : block + 2]
        rows = np.zeros(b - a + 1, dtype=np.int64)  # not a view: `first[b]` belongs to the next block too
        rows[0] = begins[block]
        _wiring.fill_rows(shares[block], b - a, a, without_self, multapses, seeds[block], rows, targets, look)
        first[a : b + 1] = rows

    for_each(fill, len(shares), threads)
    return first, targets


def _block_count(n_pre: int, indegree: float) -> int:
    """Return in how many blocks sources are drawn for targets with this mean in-degree."""
    return int(np.clip(indegree / SHORTEST_RUN, 1, max(FEWEST_BLOCKS, n_pre / BLOCK)))


def _shares(
    edges: Integers, indegrees: Integers, without_self: bool, multapses: bool, random: np.random.Generator
) -> Shorts:
    """Return how many of a target's connections start in which block of sources, shape (blocks, n_post)."""
    left, neurons = np.array(indegrees), np.arange(len(indegrees))
    shares = np.empty((len(edges) - 1, len(left)), dtype=np.int32)
    for share, a, b in zip(shares, edges, edges[1:], strict=False):
        own = without_self & (neurons >= a)
        here = (b - a) - (own & (neurons < b))
        beyond = (edges[-1] - b) - (own & (neurons >= b))
        share[:] = _share(left, here, beyond, multapses, random)
        left -= share
    return shares


def _share(left: Integers, here: Integers, beyond: Integers, multapses: bool, random: np.random.Generator) -> Integers:
    """Return how many of the connections that are left to each target start among the sources here."""

    def draw(begin: int, end: int) -> Integers:
        k, own, others = left[begin:end], here[begin:end], beyond[begin:end]
        if multapses:
            return random.binomial(k, own / np.maximum(own + others, 1))
        return random.hypergeometric(own, others, k)

    return draw_in_pieces(len(left), draw)


def _indegrees_of_distinct(total: int, candidates: int, n_post: int, random: np.random.Generator) -> Integers:
    """Return how many of ``total`` different pairs end at each target, where each has as many ``candidates``.

    Every pair is taken with the probability that gives ``total`` on average. Then as many as are too many, drawn at
    random, are given back, or as many of the others are taken in addition.
    """
    indegrees = random.binomial(candidates, total / max(1, candidates * n_post), n_post)
    excess = int(indegrees.sum()) - total
    changeable = indegrees if excess > 0 else candidates - indegrees
    pairs = random.choice(changeable.sum(), abs(excess), replace=False, shuffle=False)
    changed = np.bincount(np.searchsorted(np.cumsum(changeable), pairs, side="right"), minlength=n_post)
    return indegrees - changed if excess > 0 else indegrees + changed
