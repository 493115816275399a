"""SynapseCollection: connections, as users see them."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from gifpop.nest import errors
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.disconnect import remove
from gifpop.nest.forms import as_table, to_json
from gifpop.nest.kernel import kernel
from gifpop.nest.projections import DTYPES
from gifpop.nest.runs import Runs
from gifpop.nest.synapse_parameters import SYNAPSE
from gifpop.nest.synapses import synapse_id
from gifpop.nest.value_types import is_sequence, listed

if TYPE_CHECKING:
    from gifpop.common.typing import Integers
    from gifpop.nest.models import ModelParameter
    from gifpop.nest.runs import Places
    from gifpop.nest.synapse_parameters import Adjustable
    from gifpop.nest.value_types import Values

CHUNK = 2**20  # connections handled at a time
SHORTENED, SHOWN = 35, 15  # from this number of connections on, only the first few and the last few are printed


class SynapseCollection:
    """Connections, as `GetConnections` returns them.

    A sequence whose entries are collections of one connection. Values are got and set as attributes
    (``synapses.weight``) or with `get` and `set`.

    Parameters
    ----------
    places : sequence of int, or gifpop.nest.runs.Runs
        Numbers of the connections, counted in the order in which they were made.

    Attributes
    ----------
    print_full : bool
        Whether `str` shows all connections; False: of 35 or more only the first and the last 15.
    """

    print_full: bool

    _NAMES = (
        "delay",
        "port",
        "receptor",
        "sizeof",
        "source",
        "synapse_id",
        "synapse_model",
        "target",
        "target_thread",
    )

    def __init__(self, places: Sequence[int] | Places | None = None) -> None:
        places = [] if places is None else places
        self._places = places if isinstance(places, Runs) else np.asarray(places, dtype=np.int64)
        self._generation = kernel.generation
        self.print_full = False

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[SynapseCollection]:
        return (self._part([place]) for numbers in self._chunks() for place in numbers)

    def _part(self, places: Sequence[int] | Places) -> SynapseCollection:
        """Return some of the connections, which `ResetKernel` has removed if it has removed these."""
        part = SynapseCollection(places)
        part._generation = self._generation
        return part

    def _chunks(self) -> Iterator[Integers]:
        """Yield the numbers of the connections in large pieces."""
        for start in range(0, len(self), CHUNK):
            yield self._numbers(range(start, min(start + CHUNK, len(self))))

    def _numbers(self, places: range) -> Integers:
        """Return the numbers of the connections at some places."""
        if isinstance(self._places, Runs):
            return self._places.at(np.arange(places.start, places.stop, places.step))
        return self._places[places.start : places.stop]

    def __getitem__(self, key: SupportsIndex | slice) -> SynapseCollection:
        if isinstance(key, slice):
            places = range(len(self))[key]
            return self._part(self._places.part(places) if isinstance(self._places, Runs) else self._places[key])
        if not isinstance(key, numbers.Integral):
            raise TypeError(f"list indices must be integers or slices, not {type(key).__name__}")
        if not -len(self) <= int(key) < len(self):
            raise IndexError("list index out of range")
        place = range(len(self))[key]
        return self._part(self._numbers(range(place, place + 1)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SynapseCollection):
            raise NotImplementedError(f"Cannot compare SynapseCollection to {type(other).__name__}")
        if len(self) != len(other) or (len(self) and self._generation != other._generation):
            return False
        if isinstance(self._places, Runs) and isinstance(other._places, Runs) and self._places.is_same(other._places):
            return True
        return all(np.array_equal(*both) for both in zip(self._chunks(), other._chunks(), strict=True))

    def __str__(self) -> str:
        if self._is_gone():
            return "The synapse collection does not contain any connections."
        width = max(15, *(len(kernel.synapses[model].name) for model in self._models()))
        lines = [
            f" source   target  {'synapse model':^{width}}  weight   delay ",
            f"-------- -------- {'-' * width} -------- -------",
        ]
        if self.print_full or len(self) < SHORTENED:
            if len(self) > CHUNK:
                errors.require_memory(600.0 * len(self), f"str: a table of {len(self)} connections")
            return "\n".join([*lines, *self._lines(width)])
        dots = f"     ⋮        ⋮ {'⋮':>{width}}        ⋮       ⋮ "
        return "\n".join([*lines, *self[:SHOWN]._lines(width), dots, *self[-SHOWN:]._lines(width)])

    def _lines(self, width: int) -> Iterator[str]:
        """Yield a line of text for each connection; names of models have a ``width``."""
        columns = (self._column(name) for name in ("source", "target", "synapse_model", "delay"))
        weights = self._column("weight") or [None] * len(self)
        for source, target, model, delay, weight in zip(*columns, weights, strict=True):
            shown = "" if weight is None else f"{weight:.3f}"
            yield f"{source:>7}  {target:>7} {model:>{width}}  {shown:>7} {delay:>7.3f}"

    def sources(self) -> Iterator[int]:
        """Return the sources.

        Returns
        -------
        iterator of int
            The identifier of each connection's source.
        """
        pieces = () if self._is_gone() else self._chunks()
        return (node for numbers in pieces for node in self._part(numbers)._column("source"))

    def targets(self) -> Iterator[int]:
        """Return the targets.

        Returns
        -------
        iterator of int
            The identifier of each connection's target.
        """
        pieces = () if self._is_gone() else self._chunks()
        return (node for numbers in pieces for node in self._part(numbers)._column("target"))

    def get(self, keys: str | Iterable[str] | None = None, output: str = "") -> Any:
        """Return values of the connections.

        Parameters
        ----------
        keys : str or list of str, optional
            Some of ``source``, ``target``, ``weight`` (pA), ``delay`` (ms), ``synapse_model``, ``synapse_label``,
            ``p_transmit``, ``port``, ``receptor``, ...; all by default.
        output : {"", "pandas", "json"}
            Form of the output; any other text is ignored, as in NEST.

        Returns
        -------
        value, list of values, or dict of these by name
            One connection: the value itself; several: a list, with None for those that have no such value, empty if
            none has. One name: its values; else a dict of those of each name. With "json" the same as text, with
            "pandas" a DataFrame with a row for each connection, named by its source.
            If there are no connections, or `ResetKernel` has removed them: an empty dict, or ``()`` if names are given.

        Raises
        ------
        KeyError
            If one connection has no value of this name, or one of several has none of the names in a list.
        """
        if self._is_gone():
            if output == "pandas":
                return as_table({}, [])
            return to_json({}) if output == "json" else {} if keys is None else ()
        if isinstance(keys, str):
            found = {keys: self._values(keys)}
        elif keys is None:
            found = {name: self._values(name) for name in self._names()}
        else:
            found = {name: self._values(name, of_all=True) for name in listed(keys, "keys")}
        if output == "pandas":
            return as_table(found, self._column("source"))
        if len(self) == 1:
            found = {name: values[0] for name, values in found.items()}
        asked = found[keys] if isinstance(keys, str) else found
        return to_json(asked) if output == "json" else asked

    def _values(self, name: str, of_all: bool = False) -> list[Any]:
        """Return values of the connections; raise KeyError if one connection, or one ``of_all``, has none."""
        values = self._column(name)
        if (of_all or len(self) == 1) and (not values or None in values):
            raise errors.UnknownParameter(name)
        return values

    def set(self, params: Values | Sequence[Values] | None = None, **kwargs: Any) -> None:
        """Set values of the connections; nothing changes if anything is wrong, or if `ResetKernel` has removed them.

        Parameters
        ----------
        params : dict or list of dict
            ``weight`` in pA, ``delay`` in ms, ``synapse_label``, ``p_transmit``: one for all connections, or a sequence
            with one for each.
        **kwargs
            The same as a dict.

        Raises
        ------
        NESTError
            Of the class that NEST raises, if a value or its type is wrong; no connection has changed then.
        """
        if kwargs and params is not None:
            raise TypeError("must either provide params or kwargs, but not both.")
        params = kwargs if params is None and kwargs else params
        if len(self) and self._is_gone():
            return  # as in NEST
        if is_sequence(params):
            if len(params) != len(self):
                raise TypeError(f"params must have one dict for each of the {len(self)} connections, got {len(params)}")
            each = [one._checked(values) for one, values in zip(self, params, strict=True)]
            self._put([self._collected(name, each) for name in DTYPES])
        elif isinstance(params, dict):
            self._put([self._of_those(name, value) for name, value in self._checked(params).items()])
        else:
            raise TypeError(f"set: params must be a dict or a list of dicts, got {params!r}")

    def _collected(self, name: Adjustable, each: list[dict[Adjustable, Any]]) -> tuple[Adjustable, Integers, Any]:
        """Return a name, the connections whose dicts have it, and their values."""
        given = [i for i, values in enumerate(each) if name in values]
        numbers = self._places.written_out("set") if isinstance(self._places, Runs) else self._places
        return name, numbers[given], np.array([each[i][name] for i in given], dtype=DTYPES[name])

    def _of_those(self, name: Adjustable, value: Any) -> tuple[Adjustable, Places, Any]:
        """Return a name, the connections that have values of this name, and their new values."""
        lacking = self._lacking(name)
        if not lacking:
            return name, self._places, value
        numbers = self._places.written_out("set") if isinstance(self._places, Runs) else self._places
        having = ~np.isin(kernel.connections.column("model", numbers), lacking)
        return name, numbers[having], value[having] if isinstance(value, np.ndarray) else value

    def _lacking(self, name: str) -> list[int]:
        """Return the numbers of the synapse models whose connections lack a value of a name."""
        return [model for model in self._models() if name in DTYPES and not _has(model, name)]

    def _put(self, values: list[tuple[Adjustable, Places, Any]]) -> None:
        """Set checked values of some of the connections."""
        table, late = kernel.connections, kernel.late_spikes()
        with kernel.changes.attempt():
            changes = [change for name, numbers, value in values for change in table.change(name, numbers, value)]
            taken = [] if late is None else late.carried(self._places, -1)
            with kernel.changes.commit("set", rewires=True):
                for change in changes:
                    change()
                if late is not None:
                    late.note([*taken, *late.carried(self._places, 1)])
                for name, _, value in values:
                    if name == "delay":
                        kernel.delays.include(value)

    def _checked(self, params: Values) -> dict[Adjustable, Any]:
        """Check new values; return them, delays in steps, as numbers or arrays."""
        known: dict[Adjustable, ModelParameter] = dict(SYNAPSE)
        if len(self):
            models = self._models()
            every = [kernel.synapses[model].parameters for model in models]
            known = {name: p for each in every for name, p in each.items() if any(_has(m, name) for m in models)}
        unknown = set(params) - known.keys()
        new: dict[Adjustable, Any] = {}
        for name, parameter in known.items() if len(self) else ():
            if name not in params:
                continue
            value = params[name]
            if is_sequence(value) and len(value) < len(self):
                raise IndexError(f"{name} has {len(value)} values, which are not enough for {len(self)} connections")
            if is_sequence(value):
                new[name] = parameter.type.convert_many(name, value[: len(self)])
            else:
                new[name] = parameter.type.convert(name, value)
            self._check_allowed(parameter, new[name])
            if is_sequence(value) and self._lacking(name):
                unknown.add(name)  # which connections without this value only accept if it is the same for all
        self._check_together(new)
        if "delay" in new:
            clock, delay = kernel.clock, new["delay"]
            new["delay"] = clock.delays_steps(delay) if np.ndim(delay) else clock.delay_steps(delay)
            kernel.delays.check(new["delay"])
        dict_misses.check(unknown, "params", "connection.set()")
        return new

    def _check_allowed(self, parameter: ModelParameter, value: Any) -> None:
        """Raise BadProperty, which names the first connection whose new value is not allowed."""
        try:
            parameter.check(value)
        except errors.BadProperty:
            lacking, table = self._lacking(parameter.name), kernel.connections
            numbers = self._numbers(range(len(self)))
            having = ~np.isin(table.column("model", numbers), lacking)
            each = np.broadcast_to(value, len(self))
            for i in np.flatnonzero(having).tolist():
                try:
                    parameter.check(each[i].item())
                except errors.BadProperty as error:
                    raise errors.BadProperty(f"{self[i]._setting()}: {error}") from None

    def _check_together(self, new: dict[Adjustable, Any]) -> None:
        """Raise BadProperty, which names the first connection of which new values do not go together with others."""
        if not new.keys() & {"x", "y"} or all("y" not in kernel.synapses[model].parameters for model in self._models()):
            return
        x, y = (np.array(new[name] if name in new else self._column(name), dtype=float) for name in ("x", "y"))
        wrong = np.flatnonzero(np.broadcast_to(x + y > 1.0, len(self)))  # False for those without y
        if len(wrong):
            raise errors.BadProperty(f"{self[int(wrong[0])]._setting()}: x + y must be <= 1.0.")

    def _setting(self) -> str:
        """Return how NEST begins messages about a new value of one connection."""
        return (
            f"Setting status of '{self.synapse_model}' connecting from node ID {self.source} to node ID {self.target} "
            f"via port {self.port}"
        )

    def _column(self, name: str) -> list[Any]:
        """Return values of the connections, None for those that have none; nothing if all have none."""
        self._check_alive()
        if name not in self._NAMES and name not in DTYPES:
            return []
        if len(self) > CHUNK:
            errors.require_memory(100.0 * len(self), f"get: {name} of {len(self)} connections")
        table, numbers = kernel.connections, self._numbers(range(len(self)))
        if name == "receptor":
            return table.receptors(numbers).tolist()
        if name == "target_thread":
            return table.threads(numbers, kernel.threads).tolist()
        if name == "port":
            return table.ports(numbers, kernel.threads).tolist()
        if name in ("synapse_model", "synapse_id", "sizeof"):
            shown = {model: _shown(name, model) for model in self._models()}
            if len(shown) == 1:
                return list(shown.values()) * len(self)
            return [shown[model] for model in table.column("model", numbers).tolist()]
        lacking = self._lacking(name)
        if lacking:
            return self._column_of_some(name, numbers, lacking)
        values = table.column(name, numbers)
        return (kernel.clock.delay_ms(values) if name == "delay" else values).tolist()

    def _column_of_some(self, name: str, numbers: Integers, lacking: list[int]) -> list[Any]:
        """Return values of connections, None for those of some models; nothing if there are no others."""
        table, having = kernel.connections, np.ones(len(numbers), dtype=np.bool_)
        having &= ~np.isin(table.column("model", numbers), lacking)
        if not np.any(having):
            return []
        values = np.full(len(numbers), None, dtype=object)
        values[having] = table.column(name, numbers[having])
        return values.tolist()

    def _models(self) -> list[int]:
        """Return the numbers of the connections' synapse models."""
        table = kernel.connections
        used = {projection.model for projection in table.projections}
        if len(used) < 2:
            return sorted(used)
        found = [np.unique(table.column("model", numbers)) for numbers in self._chunks()]
        return sorted({model for each in found for model in each.tolist()})

    def _names(self) -> list[str]:
        """Return the names that `get` knows of any of the connections."""
        models = self._models()
        return sorted({*self._NAMES, *(name for name in DTYPES if any(_has(model, name) for model in models))})

    def disconnect(self) -> None:
        """Remove the connections.

        Raises
        ------
        NESTError
            If one of them does not exist any more, or is of a device; then none is removed.
        """
        self._check_alive()
        numbers = self._places.written_out("to remove each") if isinstance(self._places, Runs) else self._places
        with kernel.changes.attempt():
            remove(numbers)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or name == "print_full":
            object.__setattr__(self, name, value)
        else:
            self.set({name: value})

    def _is_gone(self) -> bool:
        """Return whether none of the connections exists, if only because `ResetKernel` has removed them."""
        return not len(self) or self._generation != kernel.generation

    def _check_alive(self) -> None:
        if len(self) and self._generation != kernel.generation:
            raise errors.KernelException("ResetKernel invalidates all previously obtained connections.")


def _has(model: int, name: str) -> bool:
    """Return whether connections of a synapse model have a value of their own."""
    synapse = kernel.synapses[model]
    return name in synapse.parameters and name not in synapse.shared


def _shown(name: str, model: int) -> str | int:
    """Return what connections show of their synapse model: ``synapse_model``, ``synapse_id`` or ``sizeof``."""
    if name == "synapse_model":
        return kernel.synapses[model].name
    return synapse_id(model)[name == "sizeof"]
