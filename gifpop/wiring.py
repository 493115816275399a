"""From a connection rule to connections between two groups of neurons, as the time loop reads them."""

import numpy as np

from gifpop import _wiring
from gifpop.rules import AllToAll, FixedIndegree, FixedOutdegree, FixedTotalNumber, OneToOne, Pairs, PairwiseBernoulli

BYTES_PER_CONNECTION = 4
BYTES_PER_WEIGHT = 16  # drawn, then kept
BYTES_PER_LAG = 28  # drawn in ms, rounded, then kept


def check_rule(where, rule, n_pre, n_post, same):
    """Refuse a rule that cannot be fulfilled, before anything is drawn."""
    rule = rule.resolve(n_pre)
    without_self = same and not getattr(rule, "allow_autapses", True)
    if isinstance(rule, OneToOne) and n_pre != n_post:
        raise ValueError(f"{where}: OneToOne needs populations of the same size, got {n_pre} and {n_post}")
    if isinstance(rule, Pairs):
        for name, values, n in (("sources", rule.sources, n_pre), ("targets", rule.targets, n_post)):
            if values.size and values.max() >= n:
                raise ValueError(f"{where}: Pairs.{name} must be < {n}, got {values.max()}")
    for kind, name, candidates in (
        (FixedIndegree, "indegree", n_pre - without_self),
        (FixedOutdegree, "outdegree", n_post - without_self),
        (FixedTotalNumber, "N", n_pre * n_post - without_self * n_pre),
    ):
        if isinstance(rule, kind):
            number = getattr(rule, name)
            limit = np.inf if rule.allow_multapses and candidates > 0 else candidates
            if number > limit:
                raise ValueError(
                    f"{where}: {kind.__name__}.{name} must be <= {candidates} (the neurons to choose from"
                    f"{'' if rule.allow_multapses else ', each once'}), got {number}"
                )


def expected_connections(rule, n_pre, n_post):
    """Return how many connections a rule makes, or about how many."""
    return rule.density(n_pre, n_post) * n_pre * n_post


def stored_bytes(rule, n_pre, n_post, weights=False, lags=False, same=True):
    """Return the memory that the connections of a rule take while they are made."""
    if is_implicit(rule.resolve(n_pre), same) and not weights and not lags:
        return 0.0
    each = BYTES_PER_CONNECTION + BYTES_PER_WEIGHT * bool(weights) + BYTES_PER_LAG * bool(lags)
    return 8.0 * n_pre + each * expected_connections(rule, n_pre, n_post)


def is_implicit(rule, same):
    """Tell whether equal connections of a rule need not be stored one by one."""
    return isinstance(rule, AllToAll) and (rule.allow_autapses or not same)


def connect(rule, n_pre, n_post, same, stream):
    """Return the connections of a rule.

    Parameters
    ----------
    rule : Rule
    n_pre, n_post : int
        Neurons.
    same : bool
        Sources and targets are the same neurons (autapses exist).
    stream : numpy.random.BitGenerator

    Returns
    -------
    first : int64 array of length n_pre + 1
        Connections ``first[s]`` to ``first[s + 1]`` start at source ``s``.
    targets : int32 array
    order : int64 array or None
        For `Pairs`: which of the given pairs each connection is.
    """
    order = None
    match rule.resolve(n_pre):
        case AllToAll(allow_autapses):
            first, targets = _wiring.all_to_all(n_pre, n_post, same and not allow_autapses)
        case OneToOne():
            first, targets = np.arange(n_pre + 1), np.arange(n_pre, dtype=np.int32)
        case FixedIndegree(k, autapses, multapses):
            first, targets = _wiring.fixed_indegree(n_pre, n_post, k, same, autapses, multapses, stream)
        case FixedOutdegree(k, autapses, multapses):
            first, targets = _wiring.fixed_outdegree(n_pre, n_post, k, same, autapses, multapses, stream)
        case FixedTotalNumber(N, autapses, True):
            first, targets = _wiring.fixed_total_number(n_pre, n_post, N, same, autapses, stream)
        case FixedTotalNumber(N, autapses, False):
            first, targets = _distinct_pairs(n_pre, n_post, N, same and not autapses, stream)
        case PairwiseBernoulli(p, autapses):
            first, targets = _wiring.pairwise_bernoulli(n_pre, n_post, p, same, autapses, stream)
        case Pairs():
            first, targets, order = _wiring.by_source(rule.sources, rule.targets, n_pre)
    return np.asarray(first, dtype=np.int64), targets, order


def _distinct_pairs(n_pre, n_post, total, without_self, stream):
    """Return ``total`` different pairs: the first that come up among pairs drawn with repetition."""
    random = np.random.Generator(stream)
    columns = n_post - without_self
    if 2 * total > n_pre * columns:
        pairs = random.permutation(n_pre * columns)[:total]
    else:
        pairs = np.zeros(0, dtype=np.int64)
        while len(pairs) < total:
            pairs = np.append(pairs, random.integers(0, n_pre * columns, 2 * (total - len(pairs))))
            pairs = pairs[np.sort(np.unique(pairs, return_index=True)[1])]
    pairs = np.sort(pairs[:total])
    sources, targets = pairs // columns, pairs % columns
    if without_self:
        targets = targets + (targets >= sources)
    return np.searchsorted(sources, np.arange(n_pre + 1)), targets.astype(np.int32)
