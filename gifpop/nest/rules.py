"""Rules of Connect: read a conn_spec, check NEST's conditions, draw pairs of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.interrupts import give_way
from gifpop.nest import errors
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.nest_names import refuse_lacking
from gifpop.nest.parameter import Parameter
from gifpop.nest.value_types import BOOL, DOUBLE, LONG, STRING, ValueType
from gifpop.rules import AllToAll, FixedIndegree, FixedOutdegree, FixedTotalNumber, OneToOne, PairwiseBernoulli
from gifpop.wiring import _wiring
from gifpop.wiring.draw import by_target, connect

if TYPE_CHECKING:
    from gifpop.common.typing import Integers, Shorts
    from gifpop.rules import Rule

OPTIONS: dict[str, dict[str, ValueType[Any]]] = {
    "all_to_all": {},
    "fixed_indegree": {"indegree": LONG},
    "fixed_outdegree": {"outdegree": LONG},
    "fixed_total_number": {"N": LONG},
    "one_to_one": {},
    "pairwise_bernoulli": {"p": DOUBLE},
    "pairwise_poisson": {"pairwise_avg_num_conns": DOUBLE},
    "symmetric_pairwise_bernoulli": {"p": DOUBLE},
}
SYMMETRIC = ("one_to_one", "symmetric_pairwise_bernoulli")
# Rules whose number can be a `Parameter`.
DRAWN = ("fixed_indegree", "fixed_outdegree", "pairwise_bernoulli", "pairwise_poisson")


@dataclass(frozen=True)
class ConnSpec:
    """A rule with its options, as read from a conn_spec.

    Attributes
    ----------
    name : str
        NEST's name of the rule.
    number : int, float, Parameter or None
        Degree, total, probability or mean number for each pair; None if the rule needs none.
    allow_autapses, allow_multapses : bool
    make_symmetric : bool
        Whether to make the same connections the other way, too.
    """

    name: str
    number: Any = None
    allow_autapses: bool = True
    allow_multapses: bool = True
    make_symmetric: bool = False

    @property
    def is_drawn(self) -> bool:
        """Whether the degrees, probabilities or means are drawn."""
        return isinstance(self.number, Parameter)

    @property
    def rule(self) -> Rule:
        """The rule, if nothing of it is drawn, for `gifpop.wiring.draw.connect`."""
        autapses, multapses = self.allow_autapses, self.allow_multapses
        match self.name:
            case "all_to_all":
                return AllToAll(autapses)
            case "one_to_one":
                return OneToOne()
            case "fixed_indegree":
                return FixedIndegree(self.number, autapses, multapses)
            case "fixed_outdegree":
                return FixedOutdegree(self.number, autapses, multapses)
            case "fixed_total_number":
                return FixedTotalNumber(self.number, autapses, multapses)
            case _:
                return PairwiseBernoulli(self.number, autapses)

    def expected(self, n_pre: int, n_post: int) -> Rule:
        """Return a rule that makes about as many connections, to estimate the memory that they take."""
        if self.name == "pairwise_poisson":
            return FixedTotalNumber(int(min(self.number * n_pre * n_post, 1e18)))
        return self.rule


def read_conn_spec(spec: str | dict[str, Any] | None) -> ConnSpec:
    """Read a conn_spec and check its types."""
    if spec is None:
        spec = "all_to_all"
    if isinstance(spec, str):
        spec = {"rule": spec}
    if not isinstance(spec, dict):
        raise TypeError("conn_spec must be a string or dict")
    if "rule" not in spec:
        raise KeyError("rule")
    spec = dict(spec)
    rule = STRING.convert("rule", spec.pop("rule"))
    if rule not in OPTIONS:
        refuse_lacking(rule, ("connection rule",), f"gifpop.nest has {', '.join(OPTIONS)}.")
        raise errors.BadProperty(f"Unknown connectivity rule: {rule}")
    options = {"allow_autapses": True, "allow_multapses": True, "make_symmetric": False}
    for name in options.keys() & spec.keys():
        options[name] = BOOL.convert(name, spec.pop(name))
    if options["make_symmetric"] and rule not in SYMMETRIC:
        raise errors.NotSupported("This connection rule does not support symmetric connections.")
    number = None
    for name, value_type in OPTIONS[rule].items():
        if name not in spec:
            raise errors.BadProperty(f"The rule {rule} needs {name}.")
        given = spec.pop(name)
        number = given if isinstance(given, Parameter) and rule in DRAWN else value_type.convert(name, given)
    dict_misses.check(spec, "conn_spec", "Connect")
    return ConnSpec(rule, number, **options)


def check_numbers(spec: ConnSpec, pre: Integers, post: Integers) -> None:
    """Refuse numbers that do not fit the sources and targets (arrays of identifiers)."""
    if spec.name == "pairwise_poisson" and spec.is_drawn:
        _check_multapses(spec)
    if spec.is_drawn:
        return  # checked when they are drawn
    n_pre, n_post, number = len(pre), len(post), spec.number
    without_self = not spec.allow_autapses and bool(np.any(np.isin(pre, post)))
    match spec.name:
        case "one_to_one" if n_pre != n_post:
            raise errors.DimensionMismatch("Source and Target population must be of the same size.")
        case "fixed_indegree":
            _check_degree(spec, "Indegree", n_pre, without_self)
        case "fixed_outdegree":
            _check_degree(spec, "Outdegree", n_post, without_self)
        case "fixed_total_number":
            if number < 0:
                raise errors.BadProperty("Total number of connections cannot be negative.")
            if not spec.allow_multapses and number > n_pre * n_post:
                raise errors.BadProperty(
                    "Total number of connections cannot exceed product of source and target population sizes."
                )
            if not spec.allow_multapses:
                raise errors.NotSupported(
                    "Connect doesn't support the suppression of multapses in the FixedTotalNumber connector."
                )
            if number and without_self and n_pre == n_post == 1:
                raise errors.BadProperty("There is no connection but an autapse, which allow_autapses excludes.")
        case "pairwise_bernoulli" if not 0.0 <= number <= 1.0:
            raise errors.BadProperty("Connection probability 0 <= p <= 1 required.")
        case "pairwise_poisson":
            if not 0.0 <= number < np.inf:
                raise errors.BadProperty("Connection parameter 0 ≤ pairwise_avg_num_conns required.")
            _check_multapses(spec)
        case "symmetric_pairwise_bernoulli":
            _check_symmetric(spec)


def _check_multapses(spec: ConnSpec) -> None:
    if not spec.allow_multapses:
        raise errors.BadProperty("Multapses must be allowed for this connection rule.")


def _check_symmetric(spec: ConnSpec) -> None:
    """Refuse a symmetric_pairwise_bernoulli that NEST refuses."""
    if not 0.0 <= spec.number < 1.0:
        raise errors.BadProperty("Connection probability 0 <= p < 1 required.")
    if not spec.allow_multapses:
        raise errors.BadProperty("Multapses must be enabled.")
    if spec.allow_autapses:
        raise errors.BadProperty("Autapses must be disabled.")
    if not spec.make_symmetric:
        raise errors.BadProperty("Symmetric connections must be enabled.")


def _check_degree(spec: ConnSpec, name: str, n: int, without_self: bool) -> None:
    """Refuse a degree for which ``n`` candidates are too few; in one case, NEST searches for ever."""
    if spec.number < 0:
        raise errors.BadProperty(f"{name} cannot be less than zero.")
    if not spec.allow_multapses and spec.number > n:
        raise errors.BadProperty(f"{name} cannot be larger than population size.")
    candidates = n - without_self
    if spec.number > (np.inf if spec.allow_multapses and candidates else candidates):
        raise errors.BadProperty(f"{name} cannot be larger than population size without autapses, {candidates}.")


def draw(spec: ConnSpec, pre: Integers, post: Integers, stream: np.random.BitGenerator) -> tuple[Integers, Shorts]:
    """Draw the connections of a rule.

    Parameters
    ----------
    spec : ConnSpec
    pre, post : int array
        Identifiers of sources and targets.
    stream : numpy.random.BitGenerator

    Returns
    -------
    first : int64 array
        Connections ``first[s]`` to ``first[s + 1] - 1`` start at ``pre[s]``.
    targets : int32 array
        Places in ``post``.
    """
    n_pre, n_post = len(pre), len(post)
    same = np.array_equal(pre, post)
    if spec.name == "one_to_one" or not (spec.allow_autapses or same or not np.any(np.isin(pre, post))):
        return _draw_by_nodes(spec, pre, post, stream)
    return _draw_by_places(spec, n_pre, n_post, same, stream)


def _draw_by_places(
    spec: ConnSpec, n_pre: int, n_post: int, same: bool, stream: np.random.BitGenerator
) -> tuple[Integers, Shorts]:
    """Draw where sources and targets are the ``same`` nodes, or may be connected whatever they are."""
    if spec.name != "pairwise_poisson":
        first, targets, _ = connect(spec.rule, n_pre, n_post, same, stream)
        return first, targets
    random = np.random.Generator(stream)
    without_self = same and not spec.allow_autapses
    indegrees = random.poisson(spec.number * (n_pre - without_self), n_post)
    return by_target(n_pre, indegrees, without_self, True, random)


def _draw_by_nodes(
    spec: ConnSpec, pre: Integers, post: Integers, stream: np.random.BitGenerator
) -> tuple[Integers, Shorts]:
    """Draw without autapses if some, but not all, sources are targets too."""
    match spec.name:
        case "fixed_indegree":
            places, sources = _draw_degrees(spec.rule, post, pre, stream, inward=True)
        case "fixed_outdegree":
            sources, places = _draw_degrees(spec.rule, pre, post, stream, inward=False)
        case "fixed_total_number":
            sources, places = _draw_total(spec.number, pre, post, stream)
        case _:
            free = ConnSpec(spec.name, spec.number)
            first, targets = _draw_by_places(free, len(pre), len(post), False, stream)
            sources, places = np.repeat(np.arange(len(pre)), np.diff(first)), targets.astype(np.int64)
            if not spec.allow_autapses:
                kept = pre[sources] != post[places]
                sources, places = sources[kept], places[kept]
    first, targets, _ = _wiring.by_source(
        sources.astype(np.int64), places.astype(np.int64), len(pre), len(post), give_way
    )
    return first, targets


def _pairs(
    rule: Rule, n_pre: int, n_post: int, same: bool, stream: np.random.BitGenerator
) -> tuple[Integers, Integers]:
    """Draw the connections of a rule; return the source and target of each."""
    first, targets, _ = connect(rule, n_pre, n_post, same, stream)
    return np.repeat(np.arange(n_pre), np.diff(first)), targets.astype(np.int64)


def _draw_degrees(
    rule: Rule, own: Integers, others: Integers, stream: np.random.BitGenerator, inward: bool
) -> tuple[Integers, Integers]:
    """Draw a fixed number of ``others`` for each of ``own`` nodes; return both sides, as places.

    The nodes that are on both sides come first on both, so that their places are the same.
    """
    _, shared_own, shared_others = np.intersect1d(own, others, assume_unique=True, return_indices=True)
    order = np.concatenate((shared_others, np.setdiff1d(np.arange(len(others)), shared_others)))
    rest = np.setdiff1d(np.arange(len(own)), shared_own)
    pieces = []
    for chosen, same in ((shared_own, True), (rest, False)) if len(rest) else ((shared_own, True),):
        n_pre, n_post = (len(others), len(chosen)) if inward else (len(chosen), len(others))
        sources, targets = _pairs(rule, n_pre, n_post, same, stream)
        mine, theirs = (targets, sources) if inward else (sources, targets)
        pieces.append((chosen[mine], order[theirs]))
    mine, theirs = (np.concatenate(side) for side in zip(*pieces, strict=True))
    return mine, theirs


def _draw_total(total: int, pre: Integers, post: Integers, stream: np.random.BitGenerator) -> tuple[Integers, Integers]:
    """Draw pairs of different nodes."""
    random = np.random.Generator(stream)
    sources, targets = random.integers(len(pre), size=total), random.integers(len(post), size=total)
    while True:
        bad = np.flatnonzero(pre[sources] == post[targets])
        if not len(bad):
            return sources, targets
        sources[bad] = random.integers(len(pre), size=len(bad))
        targets[bad] = random.integers(len(post), size=len(bad))
