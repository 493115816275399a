"""Connect: make projections from nodes, rule and synapse; an error leaves everything as it was."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.common.interrupts import give_way
from gifpop.nest import drawn_rules, errors
from gifpop.nest.compatibility import check_blocks, check_meters, check_synapse_types
from gifpop.nest.kernel import kernel
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.projections import Exceptions, Product, Sparse, part_of
from gifpop.nest.rules import check_numbers, draw, read_conn_spec
from gifpop.nest.synapse_collection import SynapseCollection
from gifpop.nest.synapse_parameters import SYNAPSE, SYNAPSES
from gifpop.nest.synapses import CollocatedSynapses, SynapseSpec, arranging, delay_steps, synapse_model, woven
from gifpop.nest.value_types import is_sequence, refuse_masked
from gifpop.wiring import _wiring
from gifpop.wiring.draw import connection_bytes, expected_connections

if TYPE_CHECKING:
    from gifpop.common.typing import Indices, Integers, Shorts
    from gifpop.nest.node_table import Part
    from gifpop.nest.projections import Shared
    from gifpop.nest.rules import ConnSpec
    from gifpop.nest.synapse_parameters import Adjustable
    from gifpop.nest.value_types import Values

    Nodes: TypeAlias = NodeCollection | Indices
    SynSpecs: TypeAlias = str | Values | CollocatedSynapses | None
    Piece: TypeAlias = Product | Sparse | "_Rows"

PLAIN_RULES = (None, "all_to_all", "one_to_one")
STATIC = list(SYNAPSES).index("static_synapse")
FEW = 32  # up to this number, connections of a Connect are stored one by one


def connect(
    pre: Nodes, post: Nodes, conn_spec: str | Values | None, syn_spec: SynSpecs, collect: bool = False
) -> SynapseCollection | None:
    """Make connections; if ``collect``, return all connections of this synapse model between these nodes."""
    if not collect and _connect_one(pre, post, conn_spec, syn_spec):
        return None
    spec = read_conn_spec(conn_spec)
    explicit = _identifiers(pre, post, spec)
    if explicit:
        if collect:
            raise ValueError("SynapseCollection cannot be returned when connecting two arrays of node IDs")
        _add(_Request(*explicit, spec, syn_spec).one_by_one())
        return None
    sources, targets = (nodes if isinstance(nodes, NodeCollection) else NodeCollection(nodes) for nodes in (pre, post))
    for nodes, side in ((sources, "Presynaptic"), (targets, "Postsynaptic")):
        nodes._check_alive()
        if not len(nodes):
            raise errors.impossible_connection(f"{side} nodes cannot be an empty NodeCollection")
    request = _Request(np.array(sources), np.array(targets), spec, syn_spec)
    _add(request.products() if request.is_product() else request.drawn())
    models = {synapse.model.name for synapse in request.synapses}
    return find_connections(sources, targets, models.pop() if len(models) == 1 else None) if collect else None


def _connect_one(pre: Nodes, post: Nodes, conn_spec: str | Values | None, syn_spec: SynSpecs) -> bool:
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
    model = kernel.synapses[STATIC]
    if model.receptor_type or blocks[1].names_receptors:
        return False
    if not all(block.is_cell for block in blocks) or blocks[0].sends not in blocks[1].receives:
        return False
    delay = delay_steps(model, given.get("delay"))
    assert isinstance(delay, int)
    with kernel.changes.commit("Connect", rewires=True):
        kernel.nodes.number()
        kernel.connections.pairs(STATIC).append_one(source, target, delay, given.get("weight", model.weight))
        kernel.delays.include(delay)
    return True


def find_connections(
    source: NodeCollection | None, target: NodeCollection | None, name: str | None, label: int | None = None
) -> SynapseCollection:
    """Return the connections of some nodes, of a synapse model and with a label (None: any), in NEST's order."""
    for nodes, side in ((source, "source"), (target, "target")):
        if nodes is not None and not isinstance(nodes, NodeCollection):
            raise TypeError(f"{side} must be NodeCollection.")
        if nodes is not None:
            nodes._check_alive()
    model = None if name is None else kernel.synapses.index(synapse_model(name))
    sources, targets = (None if nodes is None else np.array(nodes) for nodes in (source, target))
    if label is None:
        return SynapseCollection(kernel.connections.find(sources, targets, model))
    table, found = kernel.connections, [np.zeros(0, dtype=np.int64)]
    for number, synapse in enumerate(kernel.synapses):
        if "synapse_label" in synapse.own and model in (None, number):
            numbers = table.numbers(sources, targets, number)
            found.append(numbers[table.column("synapse_label", numbers) == label])
    return SynapseCollection(np.concatenate(found))


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

    model: int
    receptor: int
    sources: Integers
    targets: Integers
    values: dict[Adjustable, Any]


class _Request:
    """The checked arguments of a Connect, before anything is drawn.

    Parameters
    ----------
    pre, post : int64 array
        Identifiers; ascending, unless for `make_one_by_one`.
    spec : ConnSpec
    syn_spec : str, dict, CollocatedSynapses or None
    """

    def __init__(self, pre: Integers, post: Integers, spec: ConnSpec, syn_spec: SynSpecs) -> None:
        check_numbers(spec, pre, post)
        specs = syn_spec.syn_specs if isinstance(syn_spec, CollocatedSynapses) else (syn_spec,)
        self.synapses = [SynapseSpec(each, spec, len(pre), len(post)) for each in specs]
        if spec.make_symmetric and any(synapse.draws() for synapse in self.synapses):
            raise errors.NotSupported("Symmetric connections require parameters that can be reset.")
        self._between(pre, post, spec)

    def _between(self, pre: Integers, post: Integers, spec: ConnSpec) -> None:
        self.pre, self.post, self.spec = pre, post, spec
        check_synapse_types(pre, {synapse.number for synapse in self.synapses})
        for number, receptor in {(synapse.number, synapse.receptor) for synapse in self.synapses}:
            check_blocks(pre, post, spec, receptor, kernel.synapses[number])
        if not all(synapse.has_one_receptor for synapse in self.synapses):
            raise errors.NotInGifpop("Connect: receptors that differ between connections are not available.")

    def _reversed(self) -> _Request:
        """Return the request with sources and targets exchanged."""
        other = copy.copy(self)
        other._between(self.post, self.pre, self.spec)
        return other

    def _by_model(self) -> Iterator[list[SynapseSpec]]:
        """Yield the synapses of each model and receptor."""
        for kind in dict.fromkeys((synapse.number, synapse.receptor) for synapse in self.synapses):
            yield [synapse for synapse in self.synapses if (synapse.number, synapse.receptor) == kind]

    def is_product(self) -> bool:
        """Return whether all sources are connected to all targets, once for each model of synapses."""
        if self.spec.name != "all_to_all" or any(len(synapses) > 1 for synapses in self._by_model()):
            return False
        return self.spec.allow_autapses or not np.any(np.isin(self.pre, self.post))

    def products(self) -> list[Piece]:
        """Connect all to all; equal connections between whole blocks of neurons are not stored."""
        n_pre, n_post = len(self.pre), len(self.post)
        if self._has_meters():
            check_meters(np.repeat(self.pre, n_post), np.tile(self.post, n_pre))
        sources, targets = kernel.nodes.parts(self.pre), kernel.nodes.parts(self.post)
        pieces = [self._product(s, t, synapse) for synapse in self.synapses for s in sources for t in targets]
        return [_as_rows(piece) if len(piece) <= FEW else piece for piece in pieces]

    def _product(self, source: Part, target: Part, synapse: SynapseSpec) -> Product | Sparse:
        """Return a projection of all nodes of a part of the sources to all of a part of the targets."""
        pre, post = source.block, target.block
        sources, targets = self.pre[source.start : source.end], self.post[target.start : target.end]
        whole, few = source.size == pre.n and target.size == post.n, source.size * target.size <= FEW
        implied = whole and synapse.are_alike()
        if implied or few or not (pre.is_group and post.is_group):
            values = self._table(source, target, synapse)
            return Product(synapse.number, sources, targets, **values, receptor=synapse.receptor)
        values = self._table(source, target, synapse, 4.0)  # bytes of ``units``
        units = np.tile((targets - post.first).astype(np.int32), source.size)
        first = _spread(np.arange(source.size + 1) * target.size, sources - pre.first, pre.n)
        return Sparse(synapse.number, pre, post, first, units, **values, receptor=synapse.receptor)

    def _table(self, source: Part, target: Part, synapse: SynapseSpec, more: float = 0.0) -> dict[Adjustable, Any]:
        """Return the values of all to all, by source; ``more`` is the number of other bytes a connection."""
        n = source.size * target.size
        errors.require_memory((more + synapse.bytes_each()) * n, f"Connect: {n} connections")
        rows, columns = slice(target.start, target.end), slice(source.start, source.end)
        return synapse.drawn(n, lambda table: np.ascontiguousarray(table[rows, columns].T).ravel())

    def drawn(self) -> list[Piece]:
        """Connect by a rule."""
        spec, n_pre, n_post = self.spec, len(self.pre), len(self.post)
        if not spec.is_drawn:
            self._check_memory(n_pre, n_post)
        make = drawn_rules.draw if spec.is_drawn else draw
        first, targets = make(spec, self.pre, self.post, kernel.streams.take())
        return self._pieces(first, targets, arranging(spec, first, targets))

    def _check_memory(self, n_pre: int, n_post: int) -> None:
        """Refuse connections of a rule that would not fit in memory."""
        rule = self.spec.expected(n_pre, n_post)
        n = expected_connections(rule.resolve(n_pre), n_pre, n_post)
        needed = (
            sum(connection_bytes(rule, n_pre, n_post, *synapse.various())) + n * synapse.bytes_of_own()
            for synapse in self.synapses
        )
        errors.require_memory(sum(needed), f"Connect: the connections of {self.spec.name}")

    def one_by_one(self) -> list[Piece]:
        """Connect each source to the target at its place; identifiers in any order."""
        kept = np.flatnonzero((self.pre != self.post) | self.spec.allow_autapses)
        ordered = copy.copy(self)
        ordered.pre, pre = _ranked(self.pre[kept])
        ordered.post, post = _ranked(self.post[kept])
        first, places, order = _wiring.by_source(pre, post, len(ordered.pre), len(ordered.post), give_way)
        return ordered._pieces(first, places, lambda given: given[kept[order]])

    def _pieces(
        self, first: Integers, targets: Shorts, arranged: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    ) -> list[Piece]:
        """Return drawn connections (see `rules.draw`) and, if the rule says so, the same the other way.

        Their values are those that `SynapseSpec.drawn` takes by ``arranged``.
        """
        pieces = self._one_way(first, targets, arranged)
        if self.spec.make_symmetric:
            sources = np.repeat(np.arange(len(self.pre)), np.diff(first))
            first, targets, order = _wiring.by_source(
                targets.astype(np.int64), sources, len(self.post), len(self.pre), give_way
            )
            pieces += self._reversed()._one_way(first, targets, lambda given: arranged(given)[order])
        return pieces

    def _one_way(
        self, first: Integers, targets: Shorts, arranged: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    ) -> list[Piece]:
        if self._has_meters():
            sources = np.repeat(self.pre, np.diff(first))
            check_meters(*(np.repeat(nodes, len(self.synapses)) for nodes in (sources, self.post[targets])))
        pieces: list[Piece] = []
        for synapses in self._by_model():
            n, each = len(targets), len(synapses)
            values = woven([synapse.drawn(n, arranged) for synapse in synapses], n)
            own = (first, targets) if each == 1 else (first * each, np.repeat(targets, each))
            pieces += self._split(synapses[0], *own, values)
        return pieces

    def _has_meters(self) -> bool:
        return any(block.sends == "requests" for block in kernel.nodes.blocks_of(self.pre))

    def _split(
        self, synapse: SynapseSpec, first: Integers, targets: Shorts, values: dict[Adjustable, Any]
    ) -> Iterator[Sparse | _Rows]:
        """Yield drawn connections (see `rules.draw`) for each pair of blocks."""
        parts = kernel.nodes.parts(self.post)
        for source in kernel.nodes.parts(self.pre):
            mine = slice(int(first[source.start]), int(first[source.end]))
            own_first, own_targets = first[source.start : source.end + 1] - mine.start, targets[mine]
            own = _parts_of(values, mine)
            for target in parts:
                if len(parts) == 1:
                    yield self._block_pair(synapse, source, target, own_first, own_targets, own)
                    continue
                kept = np.flatnonzero((own_targets >= target.start) & (own_targets < target.end))
                kept_first = np.searchsorted(kept, own_first)
                yield self._block_pair(synapse, source, target, kept_first, own_targets[kept], _parts_of(own, kept))

    def _block_pair(
        self,
        synapse: SynapseSpec,
        source: Part,
        target: Part,
        first: Integers,
        targets: Shorts,
        values: dict[Adjustable, Any],
    ) -> Sparse | _Rows:
        """Return the connections between parts of sources and targets, ``first`` counted from the first source."""
        n, sources = len(targets), self.pre[source.start : source.end]
        pre, post = source.block, target.block
        model, receptor = synapse.number, synapse.receptor
        if not (pre.is_group and post.is_group) or n <= FEW or n < pre.n // 4:
            return _Rows(model, receptor, np.repeat(sources, np.diff(first)), self.post[targets], values)
        if target.size == post.n:
            units = targets - np.int32(target.start) if target.start else targets
        else:
            units = (self.post - post.first).astype(np.int32)[targets]
        first = _spread(first, sources - pre.first, pre.n)
        values = {name: _contiguous(value) for name, value in values.items()}
        return Sparse(model, pre, post, first, units, **values, receptor=receptor)


def _add(pieces: Sequence[Piece]) -> None:
    """Add projections and single connections to the network."""
    table = kernel.connections
    devices = [_devices(piece) for piece in pieces]
    with kernel.changes.commit("Connect", rewires=True):
        kernel.nodes.number()
        for piece, own in zip(pieces, devices, strict=True):
            if isinstance(piece, _Rows):
                if not len(piece.sources):
                    continue
                names = kernel.synapses[piece.model].own
                table.pairs(piece.model, names, piece.receptor).append(piece.sources, piece.targets, piece.values)
                kernel.delays.include(piece.values["delay"])
            else:
                table.add(piece)
                assert not isinstance(piece.delay, Exceptions)  # only later changes make exceptions
                kernel.delays.include(piece.delay)
            table.note_devices(own, piece.model)


def _devices(piece: Piece) -> dict[int, set[int]]:
    """Return the devices from which connections start, as `ConnectionTable.devices` does."""
    table = kernel.connections
    if not isinstance(piece, Sparse):
        return table.devices(piece.sources, piece.targets, every=isinstance(piece, Product))
    if piece.source_block.is_cell:
        return {}
    sources = piece.source_block.first + np.flatnonzero(np.diff(piece.first))
    return table.devices(sources, sources)


def _as_rows(product: Product | Sparse) -> _Rows:
    everything = slice(None)
    names = ("weight", "delay", *kernel.synapses[product.model].own)
    return _Rows(
        product.model,
        product.receptor,
        product.column("source", everything),
        product.column("target", everything),
        {name: product.column(name, everything) for name in names},
    )


def _parts_of(values: dict[Adjustable, Any], k: slice | Integers) -> dict[Adjustable, Any]:
    return {name: part_of(value, k) for name, value in values.items()}


def _contiguous(value: Shared) -> Shared:
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value


def _spread(first: Integers, units: Integers, n: int) -> Integers:
    """Return ``first`` for all ``n`` units of a block, given that of some ascending units."""
    if len(units) == n:
        return first
    counts = np.zeros(n + 1, dtype=np.int64)
    counts[units + 1] = np.diff(first)
    return np.cumsum(counts)
