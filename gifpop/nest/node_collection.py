"""NodeCollection: what users hold of nodes."""

import numbers

import numpy as np

from gifpop.nest import errors
from gifpop.nest.assignments import assignments, check_dicts
from gifpop.nest.kernel import kernel
from gifpop.nest.kinds import is_sequence


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

    def __init__(self, ids=()):
        ids = np.array(list(ids), dtype=float)
        if np.any(np.diff(ids) == 0):
            raise errors.BadProperty("All node IDs in a NodeCollection have to be unique")
        if np.any(np.diff(ids) < 0):
            raise errors.BadProperty("Indices must be sorted in ascending order")
        ids = ids.astype(np.int64)
        for node in ids[[0, -1]].tolist() if len(ids) else ():
            kernel.locate(node)
        self._fill(ids)

    @classmethod
    def _of(cls, ids, step=1, generation=None):
        collection = cls.__new__(cls)
        collection._fill(np.asarray(ids, dtype=np.int64), step, generation)
        return collection

    def _fill(self, ids, step=1, generation=None):
        self._ids = ids
        self._step = step if len(ids) > 1 else 1
        self._generation = kernel.generation if generation is None else generation

    # -- a sequence -------------------------------------------------------------------------------------------------

    def __len__(self):
        return len(self._ids)

    def __iter__(self):
        self._check_alive()
        return (self._of([node]) for node in self._ids)

    def __contains__(self, node):
        if not isinstance(node, numbers.Integral):
            raise TypeError("an integer is required")
        return bool(np.isin(node, self._ids))

    def __getitem__(self, key):
        if isinstance(key, numbers.Integral) and not isinstance(key, bool):
            if not -len(self) <= key < len(self):
                raise IndexError("index value outside of the NodeCollection")
            return self._of([self._ids[key]], generation=self._generation)
        if isinstance(key, slice):
            if key.step is not None and key.step < 1:
                raise IndexError("slicing step for NodeCollection must be strictly positive")
            return self._of(self._ids[key], self._step * (key.step or 1), self._generation)
        if is_sequence(key):
            return self._of(self._ids[self._places(key)], generation=self._generation)
        raise IndexError("only integers, slices, lists, tuples, and numpy arrays are valid indices")

    def _places(self, key):
        """Return the places that an array of indices or a mask chooses."""
        key = np.asarray(key)
        if key.dtype == bool:
            if key.shape != (len(self),):
                raise IndexError("Bool index array must be the same length as NodeCollection")
            return np.flatnonzero(key)
        if key.size == 0:
            return np.zeros(0, dtype=np.int64)
        if key.ndim != 1 or key.dtype.kind not in "iu":
            raise IndexError("only integers, slices, lists, tuples, and numpy arrays are valid indices")
        for place in key[(key < -len(self)) | (key >= len(self))]:
            raise IndexError(f"pos {place} points outside of the NodeCollection")
        places = np.where(key < 0, key + len(self), key)
        if len(np.unique(places)) < len(places):
            raise ValueError("All node IDs in a NodeCollection have to be unique")
        if np.any(np.diff(places) < 0):
            raise errors.BadProperty("Indices must be sorted in ascending order")
        return places

    def __add__(self, other):
        if not isinstance(other, NodeCollection):
            raise TypeError(f"Cannot add object of type '{type(other).__name__}' to 'NodeCollection'")
        if np.intersect1d(self._ids, other._ids).size:
            raise errors.BadProperty("Cannot join overlapping NodeCollections.")
        return self._of(np.union1d(self._ids, other._ids))

    def __eq__(self, other):
        if not isinstance(other, NodeCollection):
            raise NotImplementedError(f"Cannot compare NodeCollection to {type(other).__name__}")
        return self._generation == other._generation and np.array_equal(self._ids, other._ids)

    __hash__ = None

    def __bool__(self):
        return len(self) > 0

    def __array__(self, dtype=None, copy=None):
        return np.array(self._ids, dtype=dtype)

    def index(self, node):
        """Return the place of a node identifier in the collection."""
        place = np.searchsorted(self._ids, node)
        if place == len(self) or self._ids[place] != node:
            raise ValueError(f"{node} is not in NodeCollection")
        return int(place)

    def tolist(self):
        """Return the identifiers as a list."""
        return self._ids.tolist()

    def __repr__(self):
        if self._generation != kernel.generation:
            return "NodeCollection(<invalid since ResetKernel>)"
        if not len(self):
            return "NodeCollection(<empty>)"
        parts = self._parts()
        if len(parts) == 1 and self._step == 1:
            return f"NodeCollection(metadata=None, {parts[0]})"
        return "NodeCollection(metadata=None,\n" + ";\n".join(f"{' ' * 15}{part}" for part in parts) + ")"

    def _parts(self):
        """Return a description of each run of nodes that stand side by side and are of one model."""
        ids = self._ids
        models = np.array([block.model.name for block in kernel.blocks])[kernel.block_numbers(ids)]
        ends = 1 + np.flatnonzero((np.diff(ids) != self._step) | (models[1:] != models[:-1]))
        parts = []
        for first, end in zip([0, *ends], [*ends, len(ids)], strict=True):
            last = f", last={ids[end - 1]}" if end - first > 1 else ""
            step = f", step={self._step}" if self._step > 1 and end - first > 1 else ""
            parts.append(f"model={models[first]}, size={end - first}, first={ids[first]}{last}{step}")
        return parts

    # -- values -----------------------------------------------------------------------------------------------------

    def get(self, params=None, *keys, output=None):
        """Return values of the nodes.

        Parameters
        ----------
        params : str or list of str, optional
            What to return; all by default.
        *keys : str or list of str
            Entries of a value that is itself a dict: ``get("events", "times")``.
        output : None
            NEST's other forms of output ("pandas", "json") are not available.

        Returns
        -------
        value, tuple of values, or dict of these by name
            One node: the value itself; several: a tuple of theirs.
        """
        if output is not None:
            raise errors.NotSupported(f"get: output={output!r} is not available in gifpop.nest")
        self._check_alive()
        if not len(self):
            raise ValueError("Cannot get parameter of empty NodeCollection")
        if keys:
            return self._get_nested(params, keys)
        if isinstance(params, str):
            return self._get_one(params)
        if params is None:
            params = sorted({name for block, _ in self._groups() for name in block.names()})
        elif not is_sequence(params):
            raise TypeError("Params should be either a string or an iterable")
        return {name: self._get_one(name) for name in params}

    def _get_one(self, name):
        values, known = [], False
        for block, places in self._groups():
            try:
                values += block.get_many(name, places)
                known = True
            except KeyError:
                values += [None] * len(places)
        if not known:
            raise errors.UnknownParameter(name)
        return values[0] if len(values) == 1 else tuple(values)

    def _get_nested(self, name, keys):
        if not isinstance(name, str):
            raise TypeError("First argument must be a string, specifying path into hierarchical dictionary")
        found = self._get_one(name)
        dicts = found if len(self) > 1 else (found,)
        *path, last = keys
        for key in path:
            dicts = [each[key] for each in dicts]
        if not all(isinstance(each, dict) for each in dicts):
            raise TypeError(f"{name} is not a dictionary, so {keys!r} cannot be looked up in it")

        def of(key):
            values = [each[key] for each in dicts]
            return values if len(self) > 1 else values[0]

        return of(last) if isinstance(last, str) else {key: of(key) for key in last}

    def set(self, params=None, **kwargs):
        """Set values of the nodes; nothing changes if anything is wrong.

        Parameters
        ----------
        params : dict or list of dict
            Values by name for all nodes, or one dict for each. In a dict a sequence gives each node its own value,
            unless the parameter is itself a sequence of numbers.
        **kwargs
            The same as a dict.
        """
        if kwargs and params is not None:
            raise TypeError("must either provide params or kwargs, but not both.")
        params = kwargs if params is None and kwargs else params
        if not len(self):
            return
        self._check_alive()
        if is_sequence(params):
            check_dicts(params, len(self))
        elif not isinstance(params, dict):
            raise TypeError(f"set: params must be a dict or a list of dicts, got {params!r}")
        groups = list(self._groups())
        changes = [
            block.checked(places, assigned, kernel.connections.starts_at)
            for (block, places), assigned in zip(groups, assignments(params, groups), strict=True)
        ]
        for (block, _), change in zip(groups, changes, strict=True):
            block.put(change)
        if not all(block.is_cell for block, _ in groups):
            kernel.changes += 1  # signals and recorders are made anew

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        if not len(self):
            raise AttributeError("Cannot get attribute of empty NodeCollection")
        return self.get(name)

    def __setattr__(self, name, value):
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self.set({name: value})

    def _groups(self):
        """Yield the blocks that the nodes belong to, each with the nodes' places in it."""
        for block, start, end in kernel.parts(self._ids):
            yield block, self._ids[start:end] - block.first

    def _check_alive(self):
        if self._generation != kernel.generation:
            raise errors.KernelException(
                "InvalidNodeCollection: note that ResetKernel invalidates all previously created NodeCollections."
            )
