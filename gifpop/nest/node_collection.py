"""NodeCollection: nodes, as users see them."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeGuard

import numpy as np
import numpy.typing as npt

from gifpop.nest import errors
from gifpop.nest.assignments import assignments, dict_for_each
from gifpop.nest.forms import as_table, to_json
from gifpop.nest.kernel import kernel
from gifpop.nest.value_types import NODES, is_integer, is_long, is_sequence, is_whole, listed, refuse_masked

if TYPE_CHECKING:
    from gifpop.common.typing import Integers
    from gifpop.nest.nodes import Block
    from gifpop.nest.value_types import Values


HEADINGS = {"all": "All", "rank": "Rank 0"}  # of the lists that `_to_array` returns, as in NEST


class NodeCollection:
    """Nodes, in ascending order of their identifiers.

    Made by `Create`. Values of nodes are got and set as attributes or with `get` and `set`.

    Parameters
    ----------
    ids : sequence of int, optional
        Identifiers of existing nodes, ascending and unique.

    Examples
    --------
    >>> import gifpop.nest as nest
    >>> nest.ResetKernel()
    >>> populations = nest.Create("gif_pop_psc_exp", 3)
    >>> populations.N = [800, 200, 100]
    >>> populations[:2].N
    (800, 200)
    """

    _ids: Integers
    _step: int
    _is_slice: bool
    _generation: int

    def __init__(self, ids: Iterable[int] = ()) -> None:
        refuse_masked("node IDs", ids)
        nodes = _identifiers(ids)
        if np.any(np.diff(nodes) == 0):
            raise errors.BadProperty("All node IDs in a NodeCollection have to be unique")
        if np.any(np.diff(nodes) < 0):
            raise errors.BadProperty("Indices must be sorted in ascending order")
        for node in nodes[[0, -1]].tolist() if len(nodes) else ():
            kernel.nodes.locate(node)
        self._fill(nodes)

    @classmethod
    def _of(
        cls, ids: npt.ArrayLike, step: int = 1, generation: int | None = None, is_slice: bool = False
    ) -> NodeCollection:
        collection = cls.__new__(cls)
        collection._fill(np.asarray(ids, dtype=np.int64), step, generation, is_slice)
        return collection

    def _fill(self, ids: Integers, step: int = 1, generation: int | None = None, is_slice: bool = False) -> None:
        vars(self).update(  # many times faster than by `__setattr__`
            _ids=ids,
            _step=step if len(ids) > 1 else 1,
            _is_slice=is_slice,
            _generation=kernel.generation if generation is None else generation,
        )

    # -- a sequence -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[NodeCollection]:
        self._check_alive()
        return (self._of([node]) for node in self._ids)

    def __contains__(self, node: object) -> bool:
        if not _is_number(node):
            raise TypeError("an integer is required")
        return is_whole(node) and is_long(int(node)) and bool(np.isin(int(node), self._ids))

    def __getitem__(self, key: SupportsIndex | slice | Sequence[int] | npt.NDArray[Any]) -> NodeCollection:
        self._check_alive()
        if is_integer(key):
            n = len(self._ids)
            if not -n <= key < n:
                raise IndexError("index value outside of the NodeCollection")
            place = key % n
            return self._of(self._ids[place : place + 1], generation=self._generation)
        if isinstance(key, slice):
            self._check_slice(key)
            return self._of(self._ids[key], self._step * (key.step or 1), self._generation, is_slice=True)
        if is_sequence(key):
            return self._of(self._ids[self._places(key)], generation=self._generation)
        raise IndexError("only integers, slices, lists, tuples, and numpy arrays are valid indices")

    def _check_slice(self, key: slice) -> None:
        """Refuse slices that NEST refuses: out of range, empty, or backwards."""
        n = len(self)
        if key.step is not None and key.step < 1:
            raise IndexError("slicing step for NodeCollection must be strictly positive")
        if key.start is not None and not -n <= key.start < n:
            raise IndexError("slice start value outside of the NodeCollection")
        if key.stop is not None and not -n <= key.stop <= n:
            raise IndexError("slice stop value outside of the NodeCollection")
        start, stop, _ = key.indices(n)
        if start >= stop:
            raise errors.BadParameter("start < stop required.")

    def _places(self, indices: npt.ArrayLike) -> Integers:
        """Return the places given by an array of indices or a mask."""
        refuse_masked("indices", indices)
        key = np.asarray(indices)
        if isinstance(indices, np.ndarray) and key.size and key.ndim != 1:
            raise TypeError("NumPy indices must one-dimensional")
        if key.dtype == bool and key.ndim == 1:
            if key.shape != (len(self),):
                raise IndexError("Bool index array must be the same length as NodeCollection")
            return np.flatnonzero(key)
        if key.size == 0:
            return np.zeros(0, dtype=np.int64)
        if isinstance(indices, np.ndarray) and key.dtype.kind not in "iu":
            raise TypeError("NumPy indices must be an array of integers or bools")
        if key.ndim != 1 or key.dtype.kind not in "iu" or _has_bools(indices):
            raise TypeError("Indices must be integers or bools")
        for place in key[(key < -len(self)) | (key >= len(self))]:
            raise IndexError(f"pos {place} points outside of the NodeCollection")
        places = np.where(key < 0, key + len(self), key)
        if len(np.unique(places)) < len(places):
            raise ValueError("All node IDs in a NodeCollection have to be unique")
        if np.any(np.diff(places) < 0):
            raise errors.BadProperty("Indices must be sorted in ascending order")
        return places

    def __add__(self, other: NodeCollection | float) -> NodeCollection:
        self._check_alive()
        if isinstance(other, numbers.Real) and other == 0:
            return self  # the start of `sum`
        if not isinstance(other, NodeCollection):
            raise TypeError(f"Cannot add object of type '{type(other).__name__}' to 'NodeCollection'")
        other._check_alive()
        if any(nodes._is_slice and (nodes._step > 1 or len(nodes._descriptions()) > 1) for nodes in (self, other)):
            raise errors.BadProperty("Cannot add NodeCollection to a sliced composite.")
        if np.intersect1d(self._ids, other._ids).size:
            raise errors.BadProperty("Cannot join overlapping NodeCollections.")
        return self._of(np.union1d(self._ids, other._ids))

    __radd__ = __add__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NodeCollection):
            raise NotImplementedError(f"Cannot compare NodeCollection to {type(other).__name__}")
        return self._generation == other._generation and np.array_equal(self._ids, other._ids)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self._ids, dtype=dtype)

    def index(self, node: object) -> int:
        """Return the place of a node in the collection.

        Parameters
        ----------
        node : int
            Its identifier.

        Returns
        -------
        int
            The place, counted from 0.

        Raises
        ------
        ValueError
            If it is not in the collection.
        """
        if not _is_number(node):
            raise TypeError("an integer is required")
        place = np.searchsorted(self._ids, node) if is_long(int(node)) else len(self)
        if place == len(self) or self._ids[place] != node:
            raise ValueError(f"{node} is not in NodeCollection")
        return int(place)

    def tolist(self) -> list[int]:
        """Return the identifiers as a list.

        Returns
        -------
        list of int
            One entry for each node, ascending.
        """
        return self._ids.tolist()

    def _to_array(self, selection: str = "all") -> dict[str, list[int]] | dict[int, list[int]]:
        """Return the identifiers in lists: of "all" nodes, of those of each "rank", or of each "thread" in NEST."""
        if selection in HEADINGS:
            return {HEADINGS[selection]: self.tolist()}
        if selection != "thread":
            raise errors.BadParameter(f"to_array() accepts only 'all', 'rank', 'thread', but got '{selection}'.")
        threads = self._ids % kernel.threads
        return {thread: self._ids[threads == thread].tolist() for thread in range(kernel.threads)}

    def __repr__(self) -> str:
        if self._generation != kernel.generation:
            return "NodeCollection(<invalid since ResetKernel>)"
        if not len(self):
            return "NodeCollection(<empty>)"
        parts = self._descriptions()
        if len(parts) == 1 and self._step == 1:
            return f"NodeCollection(metadata=None, {parts[0]})"
        return "NodeCollection(metadata=None,\n" + ";\n".join(f"{' ' * 15}{part}" for part in parts) + ")"

    def _descriptions(self) -> list[str]:
        """Return a description of each sequence of neighbouring nodes of one model."""
        ids = self._ids
        models = np.array([block.model.name for block in kernel.nodes.blocks])[kernel.nodes.block_numbers(ids)]
        ends = 1 + np.flatnonzero((np.diff(ids) != self._step) | (models[1:] != models[:-1]))
        parts = []
        for first, end in zip([0, *ends], [*ends, len(ids)], strict=True):
            last = f", last={ids[end - 1]}" if end - first > 1 else ""
            step = f", step={self._step}" if self._step > 1 and end - first > 1 else ""
            parts.append(f"model={models[first]}, size={end - first}, first={ids[first]}{last}{step}")
        return parts

    # -- values -----------------------------------------------------------------------------------------------------

    def get(self, params: str | Iterable[str] | None = None, *keys: str | Sequence[str], output: str = "") -> Any:
        """Return values of the nodes.

        Parameters
        ----------
        params : str or list of str, optional
            Names of the values to return; all by default.
        *keys : str or list of str
            Entries of a value that is itself a dict: ``get("events", "times")``.
        output : {"", "pandas", "json"}
            Form of the output; any other text is ignored, as in NEST.

        Returns
        -------
        value, tuple of values, or dict of these by name
            One node: the value itself; several: a tuple of theirs, None for a node that has no such value. One name:
            its values; else a dict of those of each name. With "json" the same as text, with "pandas" a DataFrame with
            a row for each node and a column for each name.

        Raises
        ------
        KeyError
            If none of the nodes has a value of this name.
        """
        self._check_alive()
        if not len(self):
            raise ValueError("Cannot get parameter of empty NodeCollection")
        found = self._get(params, keys)
        if output == "json":
            return to_json(found)
        if output != "pandas":
            return found
        last = keys[-1] if keys else params
        columns = {last: found} if isinstance(last, str) else found
        rows = columns if len(self) > 1 else {name: [value] for name, value in columns.items()}
        return as_table(rows, self.tolist())

    def _get(self, params: str | Iterable[str] | None, keys: tuple[str | Sequence[str], ...]) -> Any:
        if keys:
            return self._get_nested(params, keys)
        if isinstance(params, str):
            return self._get_one(params)
        if params is None:
            params = sorted({name for block, places in self._groups() for name in block.names_at(places)})
        else:
            params = listed(params, "Params")
        return {name: self._get_one(name) for name in params}

    def _get_one(self, name: str) -> Any:
        values: list[Any] = []
        known = False
        for block, places in self._groups():
            try:
                found = block.get_many(name, places)
                parameter = block.model.parameters.get(name)
                values += map(self._of, found) if parameter is not None and parameter.type is NODES else found
                known = True
            except KeyError:
                values += [None] * len(places)
        if not known:
            raise errors.UnknownParameter(name)
        return values[0] if len(values) == 1 else tuple(values)

    def _get_nested(self, name: object, keys: tuple[str | Sequence[str], ...]) -> Any:
        if not isinstance(name, str):
            raise TypeError("First argument must be a string, specifying path into hierarchical dictionary")
        found = self._get_one(name)
        dicts = found if len(self) > 1 else (found,)
        *path, last = keys
        for key in path:
            dicts = [each[key] for each in dicts]
        if not all(isinstance(each, dict) for each in dicts):
            raise TypeError(f"{name} is not a dictionary, so {keys!r} cannot be looked up in it")

        def of(key: str) -> Any:
            values = [each[key] for each in dicts]
            return values if len(self) > 1 else values[0]

        return of(last) if isinstance(last, str) else {key: of(key) for key in last}

    def set(self, params: Values | Sequence[Values] | None = None, **kwargs: Any) -> None:
        """Set values of the nodes; nothing changes if anything is wrong.

        Parameters
        ----------
        params : dict or list of dict
            Values by name for all nodes, or one dict for each; a list of one dict is for all. In a dict, but not in a
            list of dicts, a sequence gives each node its own value, unless the parameter is itself a sequence of
            numbers. A number may be a `Parameter`, drawn for each node.
        **kwargs
            The same as a dict.

        Raises
        ------
        NESTError
            Of the class that NEST raises, if a value or its type is wrong.
        """
        if kwargs and params is not None:
            raise TypeError("must either provide params or kwargs, but not both.")
        params = kwargs if params is None and kwargs else params
        if not len(self):
            return
        self._check_alive()
        if is_sequence(params):
            params = dict_for_each(params, len(self))
        elif not isinstance(params, dict):
            raise TypeError(f"set: params must be a dict or a list of dicts, got {params!r}")
        groups = list(self._groups())
        with kernel.changes.attempt():
            assign = [
                block.checked(places, assigned, kernel.connections.starts_at)
                for (block, places), assigned in zip(groups, assignments(params, groups), strict=True)
            ]
            freezes = any("frozen" in each for each in (params if is_sequence(params) else [params]))
            rewires = freezes or any(block.rewires for block, _ in groups)
            with kernel.changes.commit("set", rewires=rewires):
                for change in assign:
                    change()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if not len(self):
            raise AttributeError("Cannot get attribute of empty NodeCollection")
        if name == "spatial":
            return None  # nodes have no positions
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self.set({name: value})

    def _groups(self) -> Iterator[tuple[Block, Integers]]:
        """Yield the blocks of the nodes, each with the nodes' places in it."""
        for block, start, end in kernel.nodes.parts(self._ids):
            yield block, self._ids[start:end] - block.first

    def _check_alive(self) -> None:
        if len(self._ids) and self._generation != kernel.generation:
            raise errors.KernelException(
                "InvalidNodeCollection: note that ResetKernel invalidates all previously created NodeCollections."
            )
        kernel.catch_up()


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, numbers.Real)


def _has_bools(indices: npt.ArrayLike) -> bool:
    return is_sequence(indices) and any(isinstance(each, bool) for each in indices)


def _identifiers(ids: Iterable[Any]) -> Integers:
    """Return identifiers as an array; refuse numbers that are not whole or out of range."""
    given = ids if isinstance(ids, np.ndarray) else list(ids)
    nodes = np.asarray(given)
    if nodes.dtype.kind not in "iu" or nodes.dtype == np.uint64 or nodes.ndim != 1:
        for node in given:
            if not is_whole(node):
                raise TypeError(f"NodeCollection: node IDs must be integers, got {node!r}")
            if int(node) < 1 or not is_long(int(node)):
                kernel.nodes.locate(int(node))  # refuses it
        nodes = np.array([int(node) for node in given], dtype=np.int64)
    return nodes.astype(np.int64)
