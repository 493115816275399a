"""Rules of Connect whose number is drawn: a degree for each node, or a probability or mean number for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.common.interrupts import give_way
from gifpop.nest import errors
from gifpop.wiring import _wiring

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Shorts
    from gifpop.nest.rules import ConnSpec

PAIRS_AT_A_TIME = 2**20
PER_PAIR = 24.0  # bytes of a pair that is drawn, until its connection is stored


def draw(spec: ConnSpec, pre: Integers, post: Integers, stream: np.random.BitGenerator) -> tuple[Integers, Shorts]:
    """Draw the connections of a rule, as `gifpop.nest.rules.draw`."""
    if spec.name in ("pairwise_bernoulli", "pairwise_poisson"):
        return _draw_by_pairs(spec, pre, post, stream)
    inward = spec.name == "fixed_indegree"
    own, others = _draw_degrees(spec, *((post, pre) if inward else (pre, post)), stream)
    sources, targets = (others, own) if inward else (own, others)
    first, places, _ = _wiring.by_source(sources, targets, len(pre), len(post), give_way)
    return first, places


def _draw_degrees(
    spec: ConnSpec, own: Integers, others: Integers, stream: np.random.BitGenerator
) -> tuple[Integers, Integers]:
    """Draw a degree and that many ``others`` for each of ``own`` nodes; return both sides, as places."""
    degrees = _rounded(spec, spec.number.draw(len(own), stream))
    errors.require_memory(PER_PAIR * float(degrees.sum()), f"Connect: the connections of {spec.name}")
    places = np.searchsorted(others, own)  # of each node among the others, if it is one of them
    excluded = np.isin(own, others) & (not spec.allow_autapses)
    candidates = len(others) - excluded.astype(np.int64)
    largest = degrees if not spec.allow_multapses else np.minimum(degrees, 1)
    for i in np.flatnonzero(largest > candidates)[:1].tolist():
        raise errors.BadProperty(
            f"{spec.name}: drew a degree of {degrees[i]}, more than there are nodes to choose, {candidates[i]}."
        )
    random = np.random.Generator(stream)
    mine = np.repeat(np.arange(len(own)), degrees)
    if spec.allow_multapses:
        chosen = random.integers(candidates[mine])
    else:
        chosen = np.concatenate(
            [
                random.choice(most, degree, replace=False, shuffle=False)
                for most, degree in zip(candidates.tolist(), degrees.tolist(), strict=True)
            ]
        )
    return mine, chosen + (excluded[mine] & (chosen >= places[mine]))  # the excluded place is skipped


def _rounded(spec: ConnSpec, drawn: Floats) -> Integers:
    """Return drawn degrees as whole numbers, none below zero, as in NEST."""
    for value in drawn[~(np.abs(drawn) < 2.0**31)][:1].tolist():
        raise errors.BadProperty(f"{spec.name}: drew a degree of {value}.")
    return np.maximum(np.floor(drawn + 0.5), 0.0).astype(np.int64)


def _means(spec: ConnSpec, drawn: Floats) -> Floats:
    """Return drawn mean numbers of connections, none below zero, as in NEST."""
    for value in drawn[~(np.abs(drawn) < 2.0**31)][:1].tolist():
        raise errors.BadProperty(f"{spec.name}: drew a mean of {value}.")
    return np.maximum(drawn, 0.0)


def _draw_by_pairs(
    spec: ConnSpec, pre: Integers, post: Integers, stream: np.random.BitGenerator
) -> tuple[Integers, Shorts]:
    """Draw a probability or mean, and how many connections there are, for each pair."""
    random, n_post = np.random.Generator(stream), len(post)
    rows = max(1, PAIRS_AT_A_TIME // n_post)
    counts, targets, found = [], [], 0
    for start in range(0, len(pre), rows):
        give_way()
        sources = pre[start : start + rows]
        shape = len(sources), n_post
        if spec.name == "pairwise_bernoulli":
            made = (random.random(shape) < spec.number.draw(len(sources) * n_post, stream).reshape(shape)).astype(int)
        else:
            made = random.poisson(_means(spec, spec.number.draw(len(sources) * n_post, stream)).reshape(shape))
        if not spec.allow_autapses:
            made[sources[:, np.newaxis] == post] = 0
        counts.append(made.sum(axis=1))
        errors.require_memory(PER_PAIR * float(counts[-1].sum()), f"Connect: the connections of {spec.name}")
        places = np.nonzero(made)
        targets.append(np.repeat(places[1].astype(np.int32), made[places]))
        found += len(targets[-1])
        expected = found * len(pre) / (start + len(sources))
        errors.require_memory(PER_PAIR * (expected - found), f"Connect: the connections of {spec.name}")
    return np.concatenate(([0], np.cumsum(np.concatenate(counts)))), np.concatenate(targets)
