"""SynapseCollection: what users hold of connections."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from gifpop.nest import errors
from gifpop.nest.kernel import kernel
from gifpop.nest.kinds import is_sequence
from gifpop.nest.models import SYNAPSE

if TYPE_CHECKING:
    from gifpop.nest.kinds import Values
    from gifpop.nest.projections import Adjustable
    from gifpop.typing import Integers


class SynapseCollection:
    """Connections, as `GetConnections` returns them.

    A sequence of which each entry is again a collection. Values are got and set as attributes (``synapses.weight``) or
    with `get` and `set`.

    Parameters
    ----------
    places : sequence of int
        Numbers of the connections, counted in the order in which they were made.
    """

    _NAMES = ("delay", "receptor", "source", "synapse_model", "target", "target_thread", "weight")

    def __init__(self, places: Sequence[int] | Integers) -> None:
        self._places = np.asarray(places, dtype=np.int64)
        self._generation = kernel.generation

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[SynapseCollection]:
        return (SynapseCollection([place]) for place in self._places)

    def __getitem__(self, key: SupportsIndex | slice) -> SynapseCollection:
        if isinstance(key, slice):
            return SynapseCollection(self._places[key])
        if not isinstance(key, numbers.Integral):
            raise TypeError(f"list indices must be integers or slices, not {type(key).__name__}")
        if not -len(self) <= int(key) < len(self):
            raise IndexError("list index out of range")
        return SynapseCollection([self._places[int(key)]])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SynapseCollection):
            return NotImplemented
        return self._generation == other._generation and np.array_equal(self._places, other._places)

    def __str__(self) -> str:
        if not len(self):
            return "The synapse collection does not contain any connections."
        lines = [
            " source   target   synapse model   weight   delay ",
            "-------- -------- --------------- -------- -------",
        ]
        columns = (self._column(name) for name in ("source", "target", "synapse_model", "weight", "delay"))
        for source, target, model, weight, delay in zip(*columns, strict=True):
            lines.append(f"{source:>7}  {target:>7}  {model:>14}  {weight:>7.3f} {delay:>7.3f}")
        return "\n".join(lines)

    def sources(self) -> Iterator[int]:
        """Return the sources.

        Returns
        -------
        iterator of int
            The identifier of each connection's source.
        """
        return iter(self._column("source"))

    def targets(self) -> Iterator[int]:
        """Return the targets.

        Returns
        -------
        iterator of int
            The identifier of each connection's target.
        """
        return iter(self._column("target"))

    def get(self, keys: str | Sequence[str] | None = None, output: None = None) -> Any:
        """Return values of the connections.

        Parameters
        ----------
        keys : str or list of str, optional
            Some of ``source``, ``target``, ``weight`` (pA), ``delay`` (ms), ``synapse_model``, ``receptor``; all by
            default.
        output : None
            NEST's other form of output ("pandas") is not available.

        Returns
        -------
        value, list of values, or dict of these by name
            One connection: the value itself; several: a list. One name: its values; else a dict of those of each name.

        Raises
        ------
        KeyError
            If connections have no value of this name.
        """
        if output:
            raise errors.NotSupported(f"get: output={output!r} is not available in gifpop.nest")
        if isinstance(keys, str):
            values = self._column(keys)
            return values[0] if len(self) == 1 else values or ()
        if keys is None:
            keys = self._NAMES if len(self) else ()
        elif not is_sequence(keys):
            raise TypeError("keys should be either a string or an iterable")
        return {key: self.get(key) for key in keys}

    def set(self, params: Values | Sequence[Values] | None = None, **kwargs: Any) -> None:
        """Set weights or delays; nothing changes if anything is wrong.

        Parameters
        ----------
        params : dict or list of dict
            ``weight`` in pA and ``delay`` in ms: one for all connections, or a sequence with one for each.
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
        self._check_alive()
        if is_sequence(params):
            if len(params) != len(self):
                raise TypeError(f"params must have one dict for each of the {len(self)} connections, got {len(params)}")
            for one, values in zip(self, params, strict=True):
                one._checked(values)
            for one, values in zip(self, params, strict=True):
                one.set(values)
        elif isinstance(params, dict):
            self._put(self._checked(params))
        else:
            raise TypeError(f"set: params must be a dict or a list of dicts, got {params!r}")

    def _put(self, values: dict[Adjustable, Any]) -> None:
        """Set checked columns."""
        kernel.redeliver(self._places, -1)
        for name, value in values.items():
            kernel.connections.put(name, self._places, value)
        kernel.redeliver(self._places, 1)
        if "delay" in values:
            kernel.delays.include(values["delay"])
        kernel.changes += 1

    def _checked(self, params: Values) -> dict[Adjustable, Any]:
        """Return new weights and delays (steps), each one for all or an array."""
        unknown = set(params) - SYNAPSE.keys()
        new: dict[Adjustable, Any] = {}
        for name, parameter in SYNAPSE.items() if len(self) else ():
            if name not in params:
                continue
            value = params[name]
            if is_sequence(value) and len(value) < len(self):
                raise IndexError(f"{name} has {len(value)} values, which are not enough for {len(self)} connections")
            if is_sequence(value):
                new[name] = parameter.kind.convert_many(name, value[: len(self)])
            else:
                new[name] = parameter.kind.convert(name, value)
            parameter.check(new[name])
        if "delay" in new:
            clock, delay = kernel.clock, new["delay"]
            new["delay"] = clock.delays_steps(delay) if np.ndim(delay) else clock.delay_steps(delay)
            kernel.delays.check(new["delay"])
        if unknown:
            raise errors.unaccessed(unknown, "params", "connection.set()")
        return new

    def _column(self, name: str) -> list[Any]:
        self._check_alive()
        if name not in self._NAMES:
            raise errors.UnknownParameter(name)
        if name in ("receptor", "target_thread"):
            return [0] * len(self)
        if name == "synapse_model":
            return [kernel.synapses[model].name for model in kernel.connections.column("model", self._places).tolist()]
        values = kernel.connections.column(name, self._places)
        return (kernel.clock.delay_ms(values) if name == "delay" else values).tolist()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self.set({name: value})

    def _check_alive(self) -> None:
        if self._generation != kernel.generation:
            raise errors.KernelException("ResetKernel invalidates all previously obtained connections.")
