"""Projections: connections that were made together, stored in one of three ways; delays in steps.

`Pairs` stores connections one by one, `Product` all from some nodes to some others, `Sparse` those that a rule drew
between two blocks of neurons or relays. Weights, delays and other values are one number if shared, else one for each
connection; a few that differ are `Exceptions`. The connections of a projection are numbered from 0, in `Product` and
`Sparse` by source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop.common.typing import Floats, Integers, Shorts
from gifpop.nest.errors import require_memory
from gifpop.nest.plastic_synapses import PLACES, PlasticSynapses
from gifpop.nest.runs import Runs

if TYPE_CHECKING:
    from gifpop.nest.nodes import Block
    from gifpop.nest.synapse_parameters import Adjustable

MANY = 2**20  # projections of more connections hold values apart where a few differ, others one value for each

Lags: TypeAlias = int | Shorts  # steps
Weights: TypeAlias = float | Floats
Shared = TypeVar("Shared", float | Floats, int | Shorts, float | Floats | None)
DTYPES: dict[Adjustable, type[np.generic]] = {
    "delay": np.int32,
    "p_transmit": np.float64,
    "synapse_label": np.int64,
    "weight": np.float64,
    **dict.fromkeys(PLACES, np.float64),
}


class Projection(ABC):
    """Connections that were made together.

    Attributes
    ----------
    model : int
        Number of the synapse model.
    receptor : int
    thins : bool
        Whether the connections have a p_transmit.
    is_plastic : bool
        Whether spikes change what later ones bring.
    removed : int64 array
        Connections that were removed, ascending; they keep their numbers and values.
    """

    model: int
    receptor: int = 0
    thins: bool
    is_plastic: bool
    removed: Integers = np.zeros(0, dtype=np.int64)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of connections, with those that were removed."""

    def present(self, k: Integers) -> Integers:
        """Return which of the connections ``k`` were not removed."""
        return k[~among(k, self.removed)] if len(self.removed) else k

    def everything(self) -> slice | Integers:
        """Return all connections that were not removed."""
        return self.present(np.arange(len(self))) if len(self.removed) else slice(None)

    @abstractmethod
    def column(self, name: str, k: slice | Integers) -> npt.NDArray[Any]:
        """Return source, target, delay or weight of the connections ``k``."""

    @abstractmethod
    def change(self, name: Adjustable, k: slice | Integers, values: Weights | Lags) -> Callable[[], None]:
        """Return a function that sets delays or weights of the connections ``k`` (a slice: all of them)."""

    @abstractmethod
    def matching(self, sources: Integers | None, targets: Integers | None) -> Integers:
        """Return the connections between some nodes (ascending identifiers; None: any), with those removed."""

    def runs(self, sources: Integers | None, targets: Integers | None) -> Runs:
        """Return the connections that `matching` returns and that were not removed, in runs of one source each."""
        k = self.present(self.matching(sources, targets))
        return Runs.simple(k, np.ones_like(k), self.column("source", k).astype(np.int64))

    @abstractmethod
    def start_of(self, nodes: Integers) -> npt.NDArray[np.bool_]:
        """Return whether connections start at each node of an array."""

    @property
    @abstractmethod
    def synapses(self) -> PlasticSynapses:
        """The synapses of connections that spikes change."""

    @abstractmethod
    def records(self, k: Integers, of_sources: bool) -> Integers:
        """Return the records of the connections ``k`` among synapses with one for each source, or connection."""

    @abstractmethod
    def separate(self) -> None:
        """Give each connection a record of its own."""


class Pairs(Projection):
    """Connections given one by one; more can be added while the projection is the youngest.

    Parameters
    ----------
    model, receptor : int
    own : sequence of str
        Values that its connections have besides weight and delay.
    """

    def __init__(self, model: int, own: Sequence[Adjustable] = (), receptor: int = 0) -> None:
        self.model, self.receptor, self.thins, self.is_plastic = model, receptor, "p_transmit" in own, "U" in own
        self._synapses = PlasticSynapses({}, 0)
        self._pieces: list[tuple[Mapping[str, npt.ArrayLike], int]] = []  # and the number of connections up to its end
        self._columns: dict[str, npt.NDArray[Any]] = {name: np.zeros(0, np.int64) for name in ("source", "target")}
        self._columns |= {name: np.zeros(0, DTYPES[name]) for name in ("delay", "weight", *own)}

    def __len__(self) -> int:
        return self._pieces[-1][1] if self._pieces else len(self._columns["source"])

    @property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays of the connections by name; writing to them changes the connections."""
        if self._pieces:
            pieces: list[Mapping[str, npt.ArrayLike]] = [self._columns, *(piece for piece, _ in self._pieces)]
            joined = {
                name: np.concatenate([np.asarray(p[name], dtype=column.dtype) for p in pieces])
                for name, column in self._columns.items()
            }
            self._columns, self._pieces = joined, []
        return self._columns

    def append(self, source: Integers, target: Integers, values: Mapping[Adjustable, Any]) -> None:
        """Add connections; nodes as arrays; delay, weight and others as arrays or numbers."""
        n = len(source)
        piece: dict[str, npt.ArrayLike] = {"source": source, "target": target}
        piece |= {name: np.broadcast_to(value, n) for name, value in values.items()}
        self._pieces.append((piece, len(self) + n))  # in one statement, so that no exception leaves a part

    def append_one(self, source: int, target: int, delay: int, weight: float) -> None:
        """Add a connection."""
        self._pieces.append(
            ({"source": (source,), "target": (target,), "delay": (delay,), "weight": (weight,)}, len(self) + 1)
        )

    @property
    def synapses(self) -> PlasticSynapses:
        columns = self.columns
        if len(self._synapses) < len(self):
            self._synapses = self._synapses.extended(columns, len(self))
        return self._synapses

    def records(self, k: Integers, of_sources: bool) -> Integers:
        return k

    def separate(self) -> None:
        pass  # each has one

    def column(self, name: str, k: slice | Integers) -> npt.NDArray[Any]:
        return self.synapses.values(name, k) if name in PLACES else self.columns[name][k]

    def change(self, name: Adjustable, k: slice | Integers, values: Weights | Lags) -> Callable[[], None]:
        if name in PLACES:
            return partial(self.synapses.put, name, k, values)
        return partial(self.columns[name].__setitem__, k, values)

    def matching(self, sources: Integers | None, targets: Integers | None) -> Integers:
        chosen = np.ones(len(self), dtype=bool)
        if sources is not None:
            chosen &= among(self.columns["source"], sources)
        if targets is not None:
            chosen &= among(self.columns["target"], targets)
        return np.flatnonzero(chosen)

    def start_of(self, nodes: Integers) -> npt.NDArray[np.bool_]:
        return np.isin(nodes, self.columns["source"])


class Exceptions(NamedTuple):
    """A value shared by all connections except a few.

    Attributes
    ----------
    shared : number
    k : int64 array
        Connections that have another value, ascending.
    values : array
        Theirs.
    """

    shared: float
    k: Integers
    values: npt.NDArray[Any]

    def at(self, k: Integers) -> npt.NDArray[Any]:
        """Return the values of some connections."""
        found = np.full(len(k), self.shared, dtype=self.values.dtype)
        places = np.minimum(np.searchsorted(self.k, k), len(self.k) - 1)
        other = self.k[places] == k
        found[other] = self.values[places[other]]
        return found

    def changed(self, k: Integers, values: npt.NDArray[Any]) -> Exceptions:
        """Return a copy with other values for the connections ``k``."""
        every = np.concatenate((k[::-1], self.k[::-1]))  # of equal entries np.unique keeps the first: the last set
        kept, first = np.unique(every, return_index=True)
        return Exceptions(self.shared, kept, np.concatenate((values[::-1], self.values[::-1]))[first])


class _Shared(Projection):
    """Base of projections whose weights, delays and other values may be shared."""

    weight: Weights | Exceptions
    delay: Lags | Exceptions
    synapse_label: int | Integers | Exceptions
    p_transmit: Weights | Exceptions
    _synapses: PlasticSynapses | None = None

    @property
    def thins(self) -> bool:  # type: ignore[override]
        return "p_transmit" in vars(self)

    @property
    def is_plastic(self) -> bool:  # type: ignore[override]
        return "U" in vars(self)

    @property
    @abstractmethod
    def n_sources(self) -> int:
        """Number of units among which `source_units` counts."""

    @abstractmethod
    def source_units(self, k: slice | Integers) -> Integers:
        """Return the source units of connections."""

    @property
    def synapses(self) -> PlasticSynapses:
        if self._synapses is None:
            values = {name: getattr(self, name) for name in PLACES if name in vars(self)}
            alike = not any(isinstance(value, np.ndarray) for value in values.values())
            self._synapses = PlasticSynapses(values, self.n_sources if alike else len(self), alike)
        return self._synapses

    def records(self, k: Integers, of_sources: bool) -> Integers:
        return self.source_units(k) if of_sources else k

    def separate(self) -> None:
        if self.synapses.of_sources:
            self._synapses = self.synapses.separate(self.source_units(slice(None)))

    def _put(self, name: Adjustable, k: slice | Integers, values: Weights | Lags) -> None:
        """Set values of synapses that spikes change."""
        if np.ndim(values) == 0 and (isinstance(k, slice) or len(k) == len(self)):
            self.synapses.put(name, slice(None), values)
        else:
            self.separate()
            self.synapses.put(name, k, values)

    def _value(self, name: str, k: slice | Integers) -> npt.NDArray[Any]:
        if name in PLACES:
            synapses = self.synapses
            return synapses.values(name, self.source_units(k) if synapses.of_sources else k)
        value: Weights | Lags | Exceptions = getattr(self, name)
        if isinstance(value, np.ndarray):
            return value[k]
        if isinstance(value, Exceptions):
            return value.at(np.arange(len(self))[k] if isinstance(k, slice) else k)
        n = len(range(len(self))[k]) if isinstance(k, slice) else len(k)
        return np.full(n, value)

    def change(self, name: Adjustable, k: slice | Integers, values: Weights | Lags) -> Callable[[], None]:
        if name in PLACES:
            return partial(self._put, name, k, values)
        value = getattr(self, name)
        if isinstance(value, np.ndarray):
            return partial(value.__setitem__, k, values)
        if np.ndim(values) == 0 and (isinstance(k, slice) or len(k) == len(self)):
            return partial(setattr, self, name, DTYPES[name](values).item())
        return partial(setattr, self, name, self._with(name, value, k, values))

    def _with(
        self, name: Adjustable, value: float | Exceptions, k: slice | Integers, values: Weights | Lags
    ) -> npt.NDArray[Any] | Exceptions:
        """Return weights or delays with new values for the connections ``k``, as an array or as exceptions."""
        n, dtype = len(self), np.dtype(DTYPES[name])
        new = np.asarray(values, dtype=dtype)
        if not isinstance(k, slice) and n > MANY and 4 * len(k) <= n:
            known = value if isinstance(value, Exceptions) else Exceptions(value, k[:0], np.zeros(0, dtype))
            if 4 * (len(known.k) + len(k)) <= n:
                return known.changed(k, np.broadcast_to(new, len(k)))
        if n > MANY:
            require_memory(dtype.itemsize * n, f"{n} connections whose {name}s differ")
        if isinstance(value, Exceptions):
            every = np.full(n, value.shared, dtype=dtype)
            every[value.k] = value.values
        else:
            every = np.full(n, value, dtype=dtype)
        every[k] = new
        return every


class Product(_Shared):
    """All connections from some nodes to some others.

    Parameters
    ----------
    model : int
    sources, targets : int64 array
        Nodes of one block each, ascending.
    weight : float or float64 array
    delay : int or int32 array
        Steps.
    **own
        The receptor, and values of other parameters, likewise.
    """

    def __init__(
        self, model: int, sources: Integers, targets: Integers, weight: Weights, delay: Lags, **own: Any
    ) -> None:
        self.model, self.sources, self.targets = model, sources, targets
        self.weight, self.delay = weight, delay
        vars(self).update(own)

    def __len__(self) -> int:
        return len(self.sources) * len(self.targets)

    @property
    def n_sources(self) -> int:
        return len(self.sources)

    def source_units(self, k: slice | Integers) -> Integers:
        return (np.arange(len(self))[k] if isinstance(k, slice) else k) // len(self.targets)

    def column(self, name: str, k: slice | Integers) -> npt.NDArray[Any]:
        if name in DTYPES:
            return self._value(name, k)
        if isinstance(k, slice):
            k = np.arange(len(self))[k]
        source, target = np.divmod(k, len(self.targets))
        return self.sources[source] if name == "source" else self.targets[target]

    def matching(self, sources: Integers | None, targets: Integers | None) -> Integers:
        rows = np.arange(len(self.sources)) if sources is None else np.flatnonzero(among(self.sources, sources))
        columns = np.arange(len(self.targets)) if targets is None else np.flatnonzero(among(self.targets, targets))
        return (rows[:, None] * len(self.targets) + columns).ravel()

    def runs(self, sources: Integers | None, targets: Integers | None) -> Runs:
        n_targets = len(self.targets)
        rows = np.arange(len(self.sources)) if sources is None else np.flatnonzero(among(self.sources, sources))
        starts = rows * n_targets
        if targets is None:
            return Runs.simple(starts, np.full_like(starts, n_targets), self.sources[rows])
        columns = np.flatnonzero(among(self.targets, targets))
        return Runs.simple(starts, np.full_like(starts, len(columns)), self.sources[rows], columns)

    def count(self, sources: Integers | None, targets: Integers | None) -> int:
        """Return the number of connections that `matching` returns."""
        ends = ((self.sources, sources), (self.targets, targets))
        n_sources, n_targets = (
            len(own) if nodes is None else int(np.count_nonzero(among(own, nodes))) for own, nodes in ends
        )
        return n_sources * n_targets

    def start_of(self, nodes: Integers) -> npt.NDArray[np.bool_]:
        return among(nodes, self.sources)


class Sparse(_Shared):
    """Connections between two blocks of neurons or relays, ordered by source, as the time loop reads them.

    Parameters
    ----------
    model : int
    source_block, target_block : Block
    first : int64 array
        Connections ``first[u]`` to ``first[u + 1] - 1`` start at neuron ``u`` of the source block.
    units : int32 array
        Neurons of the target block.
    weight : float or float64 array
    delay : int or int32 array
        Steps.
    **own
        The receptor, and values of other parameters, likewise.
    """

    def __init__(
        self,
        model: int,
        source_block: Block,
        target_block: Block,
        first: Integers,
        units: Shorts,
        weight: Weights,
        delay: Lags,
        **own: Any,
    ) -> None:
        self.model, self.source_block, self.target_block = model, source_block, target_block
        self.first, self.units = first, units
        self.weight, self.delay = weight, delay
        vars(self).update(own)

    def __len__(self) -> int:
        return len(self.units)

    @property
    def n_sources(self) -> int:
        return self.source_block.n

    def source_units(self, k: slice | Integers) -> Integers:
        return self.column("source", k) - self.source_block.first

    def column(self, name: str, k: slice | Integers) -> npt.NDArray[Any]:
        if name == "target":
            return self.target_block.first + self.units[k].astype(np.int64)
        if name == "source":
            if isinstance(k, slice) or 8 * len(k) > len(self):
                return (self.source_block.first + np.repeat(np.arange(self.source_block.n), np.diff(self.first)))[k]
            return self.source_block.first - 1 + np.searchsorted(self.first, k, side="right")
        return self._value(name, k)

    def matching(self, sources: Integers | None, targets: Integers | None) -> Integers:
        if sources is None:
            k = np.arange(len(self))
        else:
            units = sources - self.source_block.first
            units = units[(units >= 0) & (units < self.source_block.n)]
            k = ranges(self.first[units], self.first[units + 1])
        return k if targets is None else k[among(self.column("target", k), targets)]

    def runs(self, sources: Integers | None, targets: Integers | None) -> Runs:
        if targets is not None:
            return super().runs(sources, targets)
        units = np.arange(self.source_block.n) if sources is None else sources - self.source_block.first
        units = units[(units >= 0) & (units < self.source_block.n)]
        starts = self.first[units]
        return Runs.simple(starts, self.first[units + 1] - starts, units + self.source_block.first)

    def start_of(self, nodes: Integers) -> npt.NDArray[np.bool_]:
        units = nodes - self.source_block.first
        inside = (units >= 0) & (units < self.source_block.n)
        units = np.where(inside, units, 0)
        return inside & (self.first[units + 1] > self.first[units])


def one_by_one(projection: _Shared, name: Adjustable) -> Any:
    """Return the weights or delays of a projection as a number, or an array with one for each connection."""
    value = getattr(projection, name)
    if isinstance(value, Exceptions):
        require_memory(16.0 * len(projection), f"{len(projection)} connections whose {name}s differ")
        return projection.column(name, slice(None))
    return value


def part_of(value: Shared, k: slice | Integers) -> Shared:
    """Return the weights or delays of some connections; a number where all share it."""
    return value[k] if isinstance(value, np.ndarray) else value


def among(values: Integers, nodes: Integers) -> npt.NDArray[np.bool_]:
    """Return which values are among ascending nodes."""
    if not len(nodes):
        return np.zeros(len(values), dtype=bool)
    if nodes[-1] - nodes[0] == len(nodes) - 1:
        return (values >= nodes[0]) & (values <= nodes[-1])
    return nodes[np.minimum(np.searchsorted(nodes, values), len(nodes) - 1)] == values


def ranges(starts: Integers, ends: Integers) -> Integers:
    """Return the integers of several ranges in sequence."""
    lengths = ends - starts
    offsets = np.cumsum(lengths)
    total = int(offsets[-1]) if len(offsets) else 0
    return np.arange(total) + np.repeat(starts - (offsets - lengths), lengths)
