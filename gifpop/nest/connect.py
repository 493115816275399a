"""Connect: from nodes, rule and synapse to projections; nothing is made if anything is wrong."""

import numpy as np

from gifpop import _wiring, wiring
from gifpop.nest import errors
from gifpop.nest.compatibility import check_blocks, check_meters, check_synapse_types
from gifpop.nest.kernel import kernel
from gifpop.nest.kinds import is_sequence
from gifpop.nest.models import SYNAPSE
from gifpop.nest.neurons import NeuronBlock
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.parameter import Parameter
from gifpop.nest.projections import Product, Sparse
from gifpop.nest.rules import check_numbers, draw, read_conn_spec
from gifpop.nest.synapse_collection import SynapseCollection
from gifpop.nest.synapses import delay_steps, read_receptor, read_syn_spec, read_value, synapse_model, values_of

FEW = 32  # so many connections of a Connect are kept one by one


def connect(pre, post, conn_spec, syn_spec, collect=False):
    """Make connections; return all of this synapse model between these nodes if ``collect``.

    Returns
    -------
    SynapseCollection or None
    """
    spec = read_conn_spec(conn_spec)
    explicit = _identifiers(pre, post, spec)
    if explicit:
        if collect:
            raise ValueError("SynapseCollection cannot be returned when connecting two arrays of node IDs")
        _Request(*explicit, spec, syn_spec).make_one_by_one()
        return None
    pre, post = (nodes if isinstance(nodes, NodeCollection) else NodeCollection(nodes) for nodes in (pre, post))
    for nodes, side in ((pre, "Presynaptic"), (post, "Postsynaptic")):
        nodes._check_alive()
        if not len(nodes):
            raise errors.impossible_connection(f"{side} nodes cannot be an empty NodeCollection")
    request = _Request(np.array(pre), np.array(post), spec, syn_spec)
    if spec.name == "all_to_all" and (spec.allow_autapses or not np.any(np.isin(pre, post))):
        request.make_products()
    else:
        request.make_drawn()
    return find_connections(pre, post, request.model.name) if collect else None


def find_connections(source, target, name):
    """Return the connections of some sources and targets (None: any) and of a synapse model, in NEST's order."""
    for nodes, side in ((source, "source"), (target, "target")):
        if nodes is not None and not isinstance(nodes, NodeCollection):
            raise TypeError(f"{side} must be NodeCollection.")
        if nodes is not None:
            nodes._check_alive()
    model = None if name is None else kernel.synapses.index(synapse_model(name))
    nodes = (None if each is None else np.array(each) for each in (source, target))
    return SynapseCollection(kernel.connections.find(*nodes, model))


def _identifiers(pre, post, spec):
    """Return sources and targets as arrays if they are identifiers that no NodeCollection can hold, else None."""
    arrays = [np.asarray(nodes) for nodes in (pre, post) if is_sequence(nodes)]
    orderly = [len(nodes) < 2 or np.all(np.diff(nodes) > 0) for nodes in arrays if nodes.ndim == 1]
    if len(orderly) == len(arrays) and all(orderly):
        return None
    if spec.name != "one_to_one":
        if any(len(np.unique(nodes)) < nodes.size for nodes in arrays):
            raise ValueError("When connecting two arrays with non-unique IDs, `conn_spec` must be 'one_to_one'.")
        return None
    arrays = [np.array(nodes) for nodes in (pre, post)]
    for nodes, name in zip(arrays, ("pre", "post"), strict=True):
        if nodes.dtype.kind not in "iu":
            raise TypeError(f"'{name}' node IDs must be integers.")
    if arrays[0].shape != arrays[1].shape or arrays[0].ndim != 1:
        raise ValueError("If 'pre' or 'post' contain non-unique IDs, then they must have the same length.")
    for nodes in arrays:
        for node in (int(nodes.min()), int(nodes.max())):
            kernel.locate(node)
    return [nodes.astype(np.int64) for nodes in arrays]


class _Request:
    """What a Connect asks for, checked as far as nothing needs to be drawn.

    Parameters
    ----------
    pre, post : int64 array
        Identifiers; ascending but for `make_one_by_one`.
    spec : ConnSpec
    syn_spec : str, dict or None
    """

    def __init__(self, pre, post, spec, syn_spec):
        self.pre, self.post, self.spec = pre, post, spec
        self.model, given = read_syn_spec(syn_spec)
        self.number = kernel.synapses.index(self.model)
        check_numbers(spec, pre, post)
        values = {
            name: read_value(name, given.pop(name), spec, len(pre), len(post)) for name in SYNAPSE.keys() & given.keys()
        }
        receptor = read_receptor(given.pop("receptor_type", self.model.receptor_type))
        if given:
            raise errors.unaccessed(given, "syn_spec", "Connect")
        self.weight, delay = values.get("weight", self.model.weight), values.get("delay")
        self.delay = delay if isinstance(delay, Parameter) else delay_steps(self.model, delay)
        check_blocks(pre, post, spec, receptor)
        check_synapse_types(pre, self.number)

    def make_products(self):
        """Connect all to all: blocks of neurons that are whole and connections that are equal are not stored."""
        n_pre, n_post = len(self.pre), len(self.post)
        if self._has_meters():
            check_meters(np.repeat(self.pre, n_post), np.tile(self.post, n_pre))
        pieces = [
            self._product(*source, *target) for source in kernel.parts(self.pre) for target in kernel.parts(self.post)
        ]
        self._add([_as_rows(piece) if len(piece) <= FEW else piece for piece in pieces])

    def _product(self, source_block, a, b, target_block, c, d):
        """Return a projection of all nodes ``pre[a:b]`` to all nodes ``post[c:d]``."""
        sources, targets = self.pre[a:b], self.post[c:d]
        n = (b - a) * (d - c)
        neurons = isinstance(source_block, NeuronBlock) and isinstance(target_block, NeuronBlock)
        whole = b - a == source_block.n and d - c == target_block.n
        various = self._various()
        listed = neurons and not (whole and not any(various)) and n > FEW
        errors.require_memory((4.0 * listed + np.dot((8.0, 4.0), various)) * n, f"Connect: {n} connections")
        values = [self._table(name, a, b, c, d) for name in ("weight", "delay")]
        if not listed:
            return Product(self.number, sources, targets, *values)
        units = np.tile((targets - target_block.first).astype(np.int32), b - a)
        first = _spread(np.arange(b - a + 1) * (d - c), sources - source_block.first, source_block.n)
        return Sparse(self.number, source_block, target_block, first, units, *values)

    def _table(self, name, a, b, c, d):
        """Return the weights, or delays in steps, of all ``pre[a:b]`` to all ``post[c:d]``, ordered by source."""
        value = getattr(self, name)
        if isinstance(value, Parameter):
            return self._drawn(name, (b - a) * (d - c))
        return np.ascontiguousarray(value[c:d, a:b].T).ravel() if np.ndim(value) else value

    def make_drawn(self):
        """Connect by a rule."""
        spec, n_pre, n_post = self.spec, len(self.pre), len(self.post)
        needed = wiring.connection_bytes(spec.rule, n_pre, n_post, *self._various())
        errors.require_memory(sum(needed), f"Connect: the connections of {spec.name}")
        first, targets = draw(spec, self.pre, self.post, kernel.new_stream())
        weight, delay = (self._aligned(name, first, targets) for name in ("weight", "delay"))
        if self._has_meters():
            check_meters(np.repeat(self.pre, np.diff(first)), self.post[targets])
        self._add(list(self._split(first, targets, weight, delay)))

    def make_one_by_one(self):
        """Connect each source to the target at its place; identifiers in any order."""
        kept = np.flatnonzero((self.pre != self.post) | self.spec.allow_autapses)
        sources, targets = self.pre[kept], self.post[kept]
        if self._has_meters():
            check_meters(sources, targets)
        self.pre, sources = np.unique(sources, return_inverse=True)
        self.post, targets = np.unique(targets, return_inverse=True)
        first, targets, order = _wiring.by_source(
            sources.astype(np.int64), targets.astype(np.int64), len(self.pre), len(self.post)
        )
        values = []
        for name in ("weight", "delay"):
            value = getattr(self, name)
            drawn = isinstance(value, Parameter)
            values.append(self._drawn(name, len(kept)) if drawn else value[kept[order]] if np.ndim(value) else value)
        self._add(list(self._split(first, targets, *values)))

    def _drawn(self, name, n):
        """Return ``n`` weights, or delays in steps, drawn and checked."""
        values = getattr(self, name).draw(n, kernel.new_stream())
        if name == "delay":
            values = kernel.clock.delays_steps(values)
            kernel.delays.check(values)
        else:
            SYNAPSE[name].check(values)
        return values

    def _aligned(self, name, first, targets):
        """Return the weights, or delays in steps, of connections that were drawn; a number where they are equal."""
        value = getattr(self, name)
        if isinstance(value, Parameter):
            return self._drawn(name, len(targets))
        return values_of(value, self.spec, first, targets)

    def _various(self):
        """Return whether weights and whether delays differ between connections."""
        return [isinstance(value, Parameter) or np.ndim(value) > 0 for value in (self.weight, self.delay)]

    def _has_meters(self):
        return any(block.sends == "requests" for block, *_ in kernel.parts(np.unique(self.pre)))

    def _split(self, first, targets, weight, delay):
        """Yield connections, given as from `rules.draw`, for each pair of blocks: projections or rows."""
        parts = kernel.parts(self.post)
        for source_block, a, b in kernel.parts(self.pre):
            mine = slice(int(first[a]), int(first[b]))
            own_first, own_targets = first[a : b + 1] - first[a], targets[mine]
            own = [value[mine] if np.ndim(value) else value for value in (weight, delay)]
            for target_block, c, d in parts:
                if len(parts) == 1:
                    yield self._block_pair(source_block, a, b, target_block, c, d, own_first, own_targets, own)
                    continue
                kept = np.flatnonzero((own_targets >= c) & (own_targets < d))
                kept_first = np.searchsorted(kept, own_first)
                kept_values = [value[kept] if np.ndim(value) else value for value in own]
                yield self._block_pair(
                    source_block, a, b, target_block, c, d, kept_first, own_targets[kept], kept_values
                )

    def _block_pair(self, source_block, a, b, target_block, c, d, first, targets, values):
        """Return the connections from ``pre[a:b]`` to ``post[c:d]``, ``first`` counted from ``pre[a]``."""
        n, sources = len(targets), self.pre[a:b]
        neurons = isinstance(source_block, NeuronBlock) and isinstance(target_block, NeuronBlock)
        if not neurons or n <= FEW or n < source_block.n // 4:
            return np.repeat(sources, np.diff(first)), self.post[targets], *values
        if d - c == target_block.n:
            units = targets - np.int32(c) if c else targets
        else:
            units = (self.post - target_block.first).astype(np.int32)[targets]
        first = _spread(first, sources - source_block.first, source_block.n)
        weight, delay = (np.ascontiguousarray(value) if np.ndim(value) else value for value in values)
        return Sparse(self.number, source_block, target_block, first, units, weight, delay)

    def _add(self, pieces):
        """Make projections, or rows (sources, targets, weights, delays), part of the network."""
        table = kernel.connections
        for piece in pieces:
            if not isinstance(piece, tuple):
                table.add(piece)
                kernel.delays.include(piece.delay)
            elif len(piece[0]):
                sources, targets, weight, delay = piece
                table.pairs(self.number).append(sources, targets, delay, weight)
                table.note_devices(sources, targets, self.number)
                kernel.delays.include(delay)
            if isinstance(piece, Product):
                table.note_devices(piece.sources, piece.targets, self.number, every=True)
        kernel.changes += 1


def _as_rows(product):
    everything = slice(None)
    return tuple(product.column(name, everything) for name in ("source", "target", "weight", "delay"))


def _spread(first, units, n):
    """Return the first connections of all ``n`` units of a block, from those of some ascending units."""
    if len(units) == n:
        return first
    counts = np.zeros(n + 1, dtype=np.int64)
    counts[units + 1] = np.diff(first)
    return np.cumsum(counts)
