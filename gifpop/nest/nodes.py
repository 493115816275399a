"""Blocks of nodes: the nodes of one Create call, as columns of values. Base class of all types of node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.assembly.connections import receptor as by_sign
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.errors import BadProperty, UnknownReceptorType, require_memory
from gifpop.nest.value_types import Values, is_sequence

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Synapse
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import ModelParameter, NodeModel
    from gifpop.nest.ragged import Ragged

Payload: TypeAlias = Literal["spikes", "current", "requests"]  # of a connection


SHOWN_BY_ALL = (
    "element_type",
    "global_id",
    "local",
    "model",
    "model_id",
    "node_uses_wfr",
    "thread",
    "thread_local_id",
    "vp",
)


class Assignment(NamedTuple):
    """A value to set, for some of the nodes that are set together.

    Attributes
    ----------
    name : str
        Parameter.
    at : slice or int array
        Places of these nodes among those that are set together.
    value : object
    each : bool
        Whether ``value`` holds one value for each of these nodes.
    """

    name: str
    at: slice | Integers
    value: Any
    each: bool


class Block:
    """The nodes of one Create call, with a column of values for each parameter.

    Parameters
    ----------
    clock : Clock
    model : NodeModel
    first : int
        Identifier of the first node; the others follow.
    n : int

    Attributes
    ----------
    columns : dict of str to array
        Values of each parameter, by name; an array of objects, or `Ragged`, if they are vectors.
    threads : int
        Over which NEST would distribute the nodes.
    before : int array
        Numbers of nodes in earlier blocks on each thread; devices are on all.
    numbered : bool
        Whether NEST would have numbered the nodes on each thread.
    """

    recordables: tuple[str, ...] = ()
    receives: frozenset[Payload] = frozenset()
    sends: Payload | None = None
    together: frozenset[str] = frozenset()  # parameters that `normalize` may change with others
    is_cell = False  # whether NEST takes the nodes for neurons, and not for devices
    rewires = True  # whether the network has to be wired again after values were set
    is_group = False  # whether all nodes are one group of the engine, with a unit each
    receptors = 1  # that connections can name
    names_receptors = False  # whether those of spikes must, since there is no receptor 0
    threads = 1
    before: Integers = np.zeros(1, dtype=np.int64)
    numbered = False

    bytes_per_node = 1500.0  # of all columns and other attributes

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        require_memory(self.bytes_per_node * n, f"Create: {n} nodes of {model.name}")
        self.clock, self.model, self.first, self.n = clock, model, first, n
        self.columns: dict[str, Any] = {
            name: self.new_column(p, model.defaults[name]) for name, p in model.parameters.items()
        }

    def new_column(self, parameter: ModelParameter, value: Any) -> npt.NDArray[Any] | Ragged:
        """Return a column that holds ``value`` for each node."""
        return parameter.type.column(self.n, value)

    @classmethod
    def takes(cls, model: NodeModel, name: str, current: Values, given: Values) -> bool:
        """Return whether a parameter of a node with some values can be set, together with those that are given."""
        return settable(model, name)

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        """Check the values of a node against each other, and put them on the time grid in place.

        ``given`` names the values that are being set. Raises BadProperty, which does not name the node.
        """

    @classmethod
    def converted(
        cls, model: NodeModel, current: Values, given: Values, clock: Clock, connected: bool = False
    ) -> Values:
        """Check values to set; return the values of a node that change.

        Parameters
        ----------
        model : NodeModel
        current, given : dict
            All values of the node, and the values to set.
        clock : Clock
        connected : bool
            Whether the node has connections.
        """
        known = {name: value for name, value in given.items() if cls.takes(model, name, current, given)}
        new = {}
        for name, value in known.items():
            parameter = model.parameters[name]
            new[name] = parameter.type.convert(name, value)
            parameter.check(new[name])
        row = {**current, **new}
        cls.normalize(row, known.keys(), clock, connected)
        return {name: row[name] for name in {*known, *(cls.together if known else ())}}

    def takes_one_of(self, name: str, values: Sequence[Any]) -> bool:
        """Return whether a sequence given for a parameter holds one value for each node."""
        parameter = self.model.parameters.get(name)
        if parameter is None:
            return False
        return not parameter.type.vector or (len(values) > 0 and is_sequence(values[0]))

    def draws(self, name: str) -> bool:
        """Return whether a parameter is a number, or true or false, which can be drawn."""
        parameter = self.model.parameters.get(name)
        return parameter is not None and not parameter.type.vector and parameter.type.dtype in (float, int, bool)

    def cast_drawn(self, name: str, values: Floats) -> npt.NDArray[Any]:
        """Return drawn values in the type of a parameter; integers are truncated, zero is False, as in NEST."""
        dtype = self.model.parameters[name].type.dtype
        if dtype is int:
            for value in values[~(np.abs(values) < 2.0**63)][:1].tolist():
                raise BadProperty(f"{name} must be >= -2^63 and < 2^63, drew {value}")
        return values.astype(dtype)

    def checked(
        self, places: Integers, assigned: Iterable[Assignment], connected: Callable[[int], bool]
    ) -> Callable[[], None]:
        """Check values; return a function that assigns them.

        Parameters
        ----------
        places : int array
            Nodes that are set together.
        assigned : list of Assignment
        connected : callable
            Returns whether a device, given by its identifier, has connections.
        """
        given: list[Values] = [{} for _ in places]
        for name, at, value, each in assigned:
            nodes = range(len(places))[at] if isinstance(at, slice) else at
            for k, i in enumerate(nodes):
                given[i][name] = value[k] if each else value
        planned = [
            (i, self.planned(i, values, connected(self.first + i)), values)
            for i, values in zip(places.tolist(), given, strict=True)
        ]
        return partial(self._apply_all, planned)

    def _apply_all(self, planned: list[tuple[int, Values, Values]]) -> None:
        for i, values, given in planned:
            self.apply(i, values, given)

    def planned(self, i: int, given: Values, connected: bool = False) -> Values:
        """Check values to set for the ``i``-th node; return the values that change."""
        row = self.row(i)
        try:
            values = self.converted(self.model, row, given, self.clock, connected)
        except BadProperty as error:
            raise BadProperty(
                f"Setting status of a '{self.model.name}' with node ID {self.first + i}: {error}"
            ) from None
        unknown = [name for name in given if not self.takes(self.model, name, row, given)]
        dict_misses.check(unknown, "params", "NodeManager::set_status")
        return values

    def apply(self, i: int, values: Values, given: Values) -> None:
        """Set values that `planned` returned; ``given`` names those that the user gave."""
        for name, value in values.items():
            self.columns[name][i] = value

    def row(self, i: int) -> Values:
        """Return all values of the ``i``-th node, as they are stored."""
        return {name: column[i] for name, column in self.columns.items()}

    def names(self) -> list[str]:
        """Return the names that `get` knows."""
        extra = ("recordables",) if self.recordables else ()
        return [*self.columns, *SHOWN_BY_ALL, *extra]

    def names_at(self, places: Integers) -> list[str]:
        """Return the names that `get` knows of at least one of several nodes."""
        return self.names()

    def get_many(self, name: str, places: Integers) -> list[Any]:
        """Return one value of several nodes, as a list; raise KeyError if there is none of this name."""
        return [self.get(name, i) for i in places.tolist()]

    def get(self, name: str, i: int) -> Any:
        """Return one value of the ``i``-th node, as a Python object or a copied array; raise KeyError if unknown."""
        if name in self.columns:
            value = self.columns[name][i]
            return value.copy() if isinstance(value, (np.ndarray, list)) else getattr(value, "item", lambda: value)()
        if name == "recordables" and self.recordables:
            return sorted(self.recordables)
        thread = (self.first + i) % self.threads if self.is_cell else 0
        return {
            "element_type": self.model.element_type,
            "global_id": self.first + i,
            "local": True,
            "model": self.model.name,
            "model_id": self.model.number,
            "node_uses_wfr": False,
            "thread": thread,
            "thread_local_id": self._number_on(thread, i) if self.numbered else -1,
            "vp": thread,
        }[name]

    def _number_on(self, thread: int, i: int) -> int:
        """Return NEST's number of the ``i``-th node on its thread."""
        return int(self.before[thread]) + (i // self.threads if self.is_cell else i)

    def check_receptor(self, receptor: int, payload: Payload, places: Integers) -> None:
        """Refuse connections with this payload to a receptor that some of the nodes do not have."""
        if not 0 <= receptor < self.receptors:
            raise UnknownReceptorType(f"Receptor type {receptor} is not available in {self.model.name}.")

    def synapse(self, receptor: int, weight: float) -> Synapse:
        """Return the synapse at which spikes arrive through connections with a receptor and a weight."""
        return by_sign(weight)

    def up_to_last(self) -> Integers:
        """Return the numbers of nodes on each thread in this block and those before."""
        if not self.is_cell:
            return self.before + self.n
        places = (np.arange(self.threads) - self.first) % self.threads  # of the first node on each thread
        return self.before + (self.n - places + self.threads - 1) // self.threads


def settable(model: NodeModel, name: str) -> bool:
    """Return whether nodes of a model have a parameter that can be set."""
    return name in model.parameters and model.parameters[name].settable


def new_defaults(block_type: type[Block], model: NodeModel, given: Values, clock: Clock) -> Values:
    """Check values; return those that change the defaults of a model."""
    try:
        values = block_type.converted(model, model.defaults, given, clock)
    except BadProperty as error:
        raise BadProperty(f"Setting status of model '{model.name}': {error}") from None
    unknown = [name for name in given if name == "frozen" or not block_type.takes(model, name, model.defaults, given)]
    dict_misses.check(unknown, "params", "ModelManager::set_node_defaults_")
    return values
