"""Connect: make projections from nodes, rule and synapse; an error leaves everything as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.common.interrupts import give_way
from gifpop.nest import errors
from gifpop.nest.compatibility import check_blocks, check_meters, check_synapse_types
from gifpop.nest.kernel import kernel
from gifpop.nest.models import SYNAPSE
from gifpop.nest.neurons import NeuronBlock
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.parameter import Parameter
from gifpop.nest.projections import Exceptions, Product, Sparse, part_of
from gifpop.nest.rules import check_numbers, draw, read_conn_spec
from gifpop.nest.synapse_collection import SynapseCollection
from gifpop.nest.synapses import delay_steps, read_receptor, read_syn_spec, read_value, synapse_model, values_of
from gifpop.nest.value_types import is_sequence, refuse_masked
from gifpop.wiring import _wiring
from gifpop.wiring.draw import connection_bytes

if TYPE_CHECKING:
    from gifpop.common.typing import Indices, Integers, Shorts
    from gifpop.nest.node_table import Part
    from gifpop.nest.projections import Lags, Shared, Weights
    from gifpop.nest.rules import ConnSpec
    from gifpop.nest.value_types import Values

    Nodes: TypeAlias = NodeCollection | Indices

PLAIN_RULES = (None, "all_to_all", "one_to_one")
FEW = 32  # up to this number, connections of a Connect are stored one by one


def connect(
    pre: Nodes, post: Nodes, conn_spec: str | Values | None, syn_spec: str | Values | None, collect: bool = False
) -> SynapseCollection | None:
    """Make connections; if ``collect``, return all connections of this synapse model between these nodes."""
    if not collect and _connect_one(pre, post, conn_spec, syn_spec):
        return None
    spec = read_conn_spec(conn_spec)
    explicit = _identifiers(pre, post, spec)
    if explicit:
        if collect:
            raise ValueError("SynapseCollection cannot be returned when connecting two arrays of node IDs")
        _Request(*explicit, spec, syn_spec).make_one_by_one()
        return None
    sources, targets = (nodes if isinstance(nodes, NodeCollection) else NodeCollection(nodes) for nodes in (pre, post))
    for nodes, side in ((sources, "Presynaptic"), (targets, "Postsynaptic")):
        nodes._check_alive()
        if not len(nodes):
            raise errors.impossible_connection(f"{side} nodes cannot be an empty NodeCollection")
    request = _Request(np.array(sources), np.array(targets), spec, syn_spec)
    if spec.name == "all_to_all" and (spec.allow_autapses or not np.any(np.isin(request.pre, request.post))):
        request.make_products()
    else:
        request.make_drawn()
    return find_connections(sources, targets, request.model.name) if collect else None


def _connect_one(pre: Nodes, post: Nodes, conn_spec: str | Values | None, syn_spec: str | Values | None) -> bool:
    """Connect one neuron or population to another without arrays, which scripts do in long loops.

    Return False, and leave it to those who read everything, if anything is not plain.
    """
    if not (type(pre) is type(post) is NodeCollection and len(pre) == len(post) == 1 and conn_spec in PLAIN_RULES):
        return False
    given = {} if syn_spec is None else syn_spec
    if type(given) is not dict or not given.keys() <= SYNAPSE.keys():
        return False
    if not all(type(value) is float and math.isfinite(value) for value in given.values()):
        return False
    pre._check_alive()
    post._check_alive()
    source, target = int(pre._ids[0]), int(post._ids[0])
    blocks = [kernel.nodes.locate(node)[0] for node in (source, target)]
    model = kernel.synapses[0]
    if model.receptor_type or not all(block.is_cell for block in blocks) or blocks[0].sends not in blocks[1].receives:
        return False
    delay = delay_steps(model, given.get("delay"))
    assert isinstance(delay, int)
    with kernel.changes.commit("Connect", rewires=True):
        kernel.connections.pairs(0).append_one(source, target, delay, given.get("weight", model.weight))
        kernel.delays.include(delay)
    return True


def find_connections(
    source: NodeCollection | None, target: NodeCollection | None, name: str | None
) -> SynapseCollection:
    """Return the connections of some sources and targets (None: any) and of a synapse model, in NEST's order."""
    for nodes, side in ((source, "source"), (target, "target")):
        if nodes is not None and not isinstance(nodes, NodeCollection):
            raise TypeError(f"{side} must be NodeCollection.")
        if nodes is not None:
            nodes._check_alive()
    model = None if name is None else kernel.synapses.index(synapse_model(name))
    sources, targets = (None if nodes is None else np.array(nodes) for nodes in (source, target))
    return SynapseCollection(kernel.connections.find(sources, targets, model))


def _identifiers(pre: Nodes, post: Nodes, spec: ConnSpec) -> tuple[Integers, Integers] | None:
    """Return sources and targets as arrays if a NodeCollection cannot hold them, else None."""
    arrays = [np.asarray(nodes) for nodes in (pre, post) if is_sequence(nodes)]
    orderly = [len(nodes) < 2 or np.all(np.diff(nodes) > 0) for nodes in arrays if nodes.ndim == 1]
    if len(orderly) == len(arrays) and all(orderly):
        return None
    if spec.name != "one_to_one":
        if any(len(np.unique(nodes)) < nodes.size for nodes in arrays):
            raise ValueError("When connecting two arrays with non-unique IDs, `conn_spec` must be 'one_to_one'.")
        return None
    refuse_masked("pre", pre)
    refuse_masked("post", post)
    sources, targets = np.array(pre), np.array(post)
    for nodes, name in ((sources, "pre"), (targets, "post")):
        if nodes.dtype.kind not in "iu":
            raise TypeError(f"'{name}' node IDs must be integers.")
    if sources.shape != targets.shape or sources.ndim != 1:
        raise ValueError("If 'pre' or 'post' contain non-unique IDs, then they must have the same length.")
    for nodes in (sources, targets):
        for node in (int(nodes.min()), int(nodes.max())):
            kernel.nodes.locate(node)
    return sources.astype(np.int64), targets.astype(np.int64)


def _ranked(nodes: Integers) -> tuple[Integers, Integers]:
    """Return the different nodes of an array in ascending order, and the place of each there, without sorting."""
    found = np.zeros(kernel.nodes.size + 1, dtype=bool)
    found[nodes] = True
    places = np.cumsum(found, dtype=np.int64)
    return np.flatnonzero(found), places[nodes] - 1


class _Rows(NamedTuple):
    """Connections one by one, for `Pairs`."""

    sources: Integers
    targets: Integers
    weight: Weights
    delay: Lags


class _Request:
    """The checked arguments of a Connect, before anything is drawn.

    Parameters
    ----------
    pre, post : int64 array
        Identifiers; ascending, unless for `make_one_by_one`.
    spec : ConnSpec
    syn_spec : str, dict or None
    """

    def __init__(self, pre: Integers, post: Integers, spec: ConnSpec, syn_spec: str | Values | None) -> None:
        self.pre, self.post, self.spec = pre, post, spec
        self.model, given = read_syn_spec(syn_spec)
        self.number = kernel.synapses.index(self.model)
        check_numbers(spec, pre, post)
        values = {
            name: read_value(name, given.pop(name), spec, len(pre), len(post)) for name in SYNAPSE if name in given
        }
        receptor = read_receptor(given.pop("receptor_type", self.model.receptor_type))
        if given:
            raise errors.unaccessed(given, "syn_spec", "Connect")
        self.weight, delay = values.get("weight", self.model.weight), values.get("delay")
        self.delay: Lags | Parameter = delay if isinstance(delay, Parameter) else delay_steps(self.model, delay)
        check_blocks(pre, post, spec, receptor)
        check_synapse_types(pre, self.number)

    def make_products(self) -> None:
        """Connect all to all; equal connections between whole blocks of neurons are not stored."""
        n_pre, n_post = len(self.pre), len(self.post)
        if self._has_meters():
            check_meters(np.repeat(self.pre, n_post), np.tile(self.post, n_pre))
        sources, targets = kernel.nodes.parts(self.pre), kernel.nodes.parts(self.post)
        pieces = [self._product(source, target) for source in sources for target in targets]
        self._add([_as_rows(piece) if len(piece) <= FEW else piece for piece in pieces])

    def _product(self, source: Part, target: Part) -> Product | Sparse:
        """Return a projection of all nodes of a part of the sources to all of a part of the targets."""
        pre, post = source.block, target.block
        sources, targets = self.pre[source.start : source.end], self.post[target.start : target.end]
        whole, few = source.size == pre.n and target.size == post.n, source.size * target.size <= FEW
        implied = whole and not any(self._various())
        if implied or few or not (isinstance(pre, NeuronBlock) and isinstance(post, NeuronBlock)):
            return Product(self.number, sources, targets, *self._table(source, target))
        weight, delay = self._table(source, target, 4.0)  # bytes of ``units``
        units = np.tile((targets - post.first).astype(np.int32), source.size)
        first = _spread(np.arange(source.size + 1) * target.size, sources - pre.first, pre.n)
        return Sparse(self.number, pre, post, first, units, weight, delay)

    def _table(self, source: Part, target: Part, more: float = 0.0) -> tuple[Weights, Lags]:
        """Return weights and delays of all to all, by source; ``more`` is the number of other bytes a connection."""
        n = source.size * target.size
        errors.require_memory((more + np.dot((8.0, 4.0), self._various())) * n, f"Connect: {n} connections")
        rows, columns = slice(target.start, target.end), slice(source.start, source.end)
        return self._values(n, lambda table: np.ascontiguousarray(table[rows, columns].T).ravel())

    def make_drawn(self) -> None:
        """Connect by a rule."""
        spec, n_pre, n_post = self.spec, len(self.pre), len(self.post)
        needed = connection_bytes(spec.rule, n_pre, n_post, *self._various())
        errors.require_memory(sum(needed), f"Connect: the connections of {spec.name}")
        first, targets = draw(spec, self.pre, self.post, kernel.streams.take())
        weight, delay = self._values(len(targets), lambda given: values_of(given, spec, first, targets))
        if self._has_meters():
            check_meters(np.repeat(self.pre, np.diff(first)), self.post[targets])
        self._add(list(self._split(first, targets, weight, delay)))

    def make_one_by_one(self) -> None:
        """Connect each source to the target at its place; identifiers in any order."""
        kept = np.flatnonzero((self.pre != self.post) | self.spec.allow_autapses)
        sources, targets = self.pre[kept], self.post[kept]
        if self._has_meters():
            check_meters(sources, targets)
        self.pre, pre = _ranked(sources)
        self.post, post = _ranked(targets)
        first, places, order = _wiring.by_source(pre, post, len(self.pre), len(self.post), give_way)
        weight, delay = self._values(len(kept), lambda given: given[kept[order]])
        self._add(list(self._split(first, places, weight, delay)))

    def _values(self, n: int, arranged: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> tuple[Weights, Lags]:
        """Return weights, and delays in steps, of ``n`` connections: draw them, or put arrays in order by ``arranged``.

        A number is shared by all connections.
        """
        weight, delay = self.weight, self.delay
        if isinstance(weight, Parameter):
            weight = weight.draw(n, kernel.streams.take())
            SYNAPSE["weight"].check(weight)
        elif isinstance(weight, np.ndarray):
            weight = arranged(weight)
        if isinstance(delay, Parameter):
            delay = kernel.clock.delays_steps(delay.draw(n, kernel.streams.take()))
            kernel.delays.check(delay)
        elif isinstance(delay, np.ndarray):
            delay = arranged(delay)
        return weight, delay

    def _various(self) -> tuple[bool, bool]:
        """Return whether weights and whether delays differ between connections."""
        return isinstance(self.weight, (Parameter, np.ndarray)), isinstance(self.delay, (Parameter, np.ndarray))

    def _has_meters(self) -> bool:
        return any(block.sends == "requests" for block in kernel.nodes.blocks_of(self.pre))

    def _split(self, first: Integers, targets: Shorts, weight: Weights, delay: Lags) -> Iterator[Sparse | _Rows]:
        """Yield drawn connections (see `rules.draw`) for each pair of blocks."""
        parts = kernel.nodes.parts(self.post)
        for source in kernel.nodes.parts(self.pre):
            mine = slice(int(first[source.start]), int(first[source.end]))
            own_first, own_targets = first[source.start : source.end + 1] - mine.start, targets[mine]
            own = part_of(weight, mine), part_of(delay, mine)
            for target in parts:
                if len(parts) == 1:
                    yield self._block_pair(source, target, own_first, own_targets, *own)
                    continue
                kept = np.flatnonzero((own_targets >= target.start) & (own_targets < target.end))
                kept_values = part_of(own[0], kept), part_of(own[1], kept)
                yield self._block_pair(
                    source, target, np.searchsorted(kept, own_first), own_targets[kept], *kept_values
                )

    def _block_pair(
        self, source: Part, target: Part, first: Integers, targets: Shorts, weight: Weights, delay: Lags
    ) -> Sparse | _Rows:
        """Return the connections between parts of sources and targets, ``first`` counted from the first source."""
        n, sources = len(targets), self.pre[source.start : source.end]
        pre, post = source.block, target.block
        if not (isinstance(pre, NeuronBlock) and isinstance(post, NeuronBlock)) or n <= FEW or n < pre.n // 4:
            return _Rows(np.repeat(sources, np.diff(first)), self.post[targets], weight, delay)
        if target.size == post.n:
            units = targets - np.int32(target.start) if target.start else targets
        else:
            units = (self.post - post.first).astype(np.int32)[targets]
        first = _spread(first, sources - pre.first, pre.n)
        return Sparse(self.number, pre, post, first, units, _contiguous(weight), _contiguous(delay))

    def _add(self, pieces: Sequence[Product | Sparse | _Rows]) -> None:
        """Add projections and single connections to the network."""
        table = kernel.connections
        devices = [
            {}
            if isinstance(piece, Sparse)
            else table.devices(piece.sources, piece.targets, every=isinstance(piece, Product))
            for piece in pieces
        ]
        with kernel.changes.commit("Connect", rewires=True):
            for piece, own in zip(pieces, devices, strict=True):
                if not isinstance(piece, _Rows):
                    table.add(piece)
                elif len(piece.sources):
                    table.pairs(self.number).append(piece.sources, piece.targets, piece.delay, piece.weight)
                else:
                    continue
                assert not isinstance(piece.delay, Exceptions)  # only later changes make exceptions
                kernel.delays.include(piece.delay)
                table.note_devices(own, self.number)


def _as_rows(product: Product | Sparse) -> _Rows:
    everything = slice(None)
    return _Rows(
        product.column("source", everything),
        product.column("target", everything),
        product.column("weight", everything),
        product.column("delay", everything),
    )


def _contiguous(value: Shared) -> Shared:
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value


def _spread(first: Integers, units: Integers, n: int) -> Integers:
    """Return ``first`` for all ``n`` units of a block, given that of some ascending units."""
    if len(units) == n:
        return first
    counts = np.zeros(n + 1, dtype=np.int64)
    counts[units + 1] = np.diff(first)
    return np.cumsum(counts)
