"""All connections, numbered in the order in which they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gifpop.nest import runs
from gifpop.nest.errors import require_memory
from gifpop.nest.plastic_synapses import PlasticSynapses, Replay
from gifpop.nest.ports import Ports, places_among_equals
from gifpop.nest.projections import Pairs, Product, Projection, among
from gifpop.nest.runs import Runs

if TYPE_CHECKING:
    from gifpop.common.typing import Integers
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.projections import Lags, Weights
    from gifpop.nest.runs import Places
    from gifpop.nest.synapse_parameters import Adjustable, SynapseModel


RANKS = 3
OF_PROJECTIONS = ("model", "receptor", "thins", "is_plastic")


class ConnectionTable:
    """Projections in the order in which they were made; their connections are numbered consecutively.

    Parameters
    ----------
    nodes : NodeTable
    synapses : list of SynapseModel

    Attributes
    ----------
    projections : list of Projection
    models : dict of int to int
        The synapse model of each device that has connections.
    metered : dict of int to set of int
        The nodes to which each meter is connected.
    """

    def __init__(self, nodes: NodeTable, synapses: list[SynapseModel]) -> None:
        self.nodes, self.synapses = nodes, synapses
        self.projections: list[Projection] = []
        self.models: dict[int, int] = {}
        self.metered: dict[int, set[int]] = {}
        self._ports: tuple[tuple[int, int], Ports] | None = None  # and the numbers of connections and threads for them

    def __len__(self) -> int:
        return self.made - sum(len(projection.removed) for projection in self.projections)

    @property
    def made(self) -> int:
        """Number of connections that were ever made."""
        return sum(map(len, self.projections))

    def receptors(self, numbers: Integers) -> Integers:
        """Return the receptors of connections; of those of meters, which of its target's meters it is."""
        found = self.column("receptor", numbers).astype(np.int64)
        if not self.metered:
            return found
        meters = np.array(sorted(self.metered))
        own = np.flatnonzero(np.isin(self.column("source", numbers), meters))
        if len(own):
            places = self.find(meters, np.unique(self.column("target", numbers[own])), None)
            others = np.sort(places.at(np.arange(len(places))) if isinstance(places, Runs) else places)
            ranks = 1 + places_among_equals(self.column("target", others))
            found[own] = ranks[np.searchsorted(others, numbers[own])]
        return found

    def threads(self, numbers: Integers, n: int) -> Integers:
        """Return which of ``n`` threads has each connection in NEST: that of the target, or of what is no device."""
        return self._threads(self.column("source", numbers), self.column("target", numbers), n)

    def _threads(self, sources: Integers, targets: Integers, n: int) -> Integers:
        by_source = self.nodes.are_devices(targets) & ~self.nodes.are_devices(sources)
        return np.where(by_source, sources, targets) % n

    def starts_at(self, device: int) -> bool:
        """Return whether connections start at a device."""
        return device in self.models

    def add(self, projection: Projection) -> None:
        """Add a projection."""
        self.projections.append(projection)

    def pairs(self, model: int, own: Sequence[Adjustable] = (), receptor: int = 0) -> Pairs:
        """Return the projection to which single connections of a synapse model are added.

        ``own`` names the values that its connections have besides weight and delay.
        """
        last = self.projections[-1] if self.projections else None
        if not isinstance(last, Pairs) or (last.model, last.receptor) != (model, receptor):
            last = Pairs(model, own, receptor)
            self.add(last)
        return last

    def devices(self, sources: Integers, targets: Integers, every: bool = False) -> dict[int, set[int]]:
        """Return the devices among the sources, and the targets of those that are meters.

        There is one target for each source or, if ``every``, all targets belong to each source.
        """
        found: dict[int, set[int]] = {}
        nodes = np.unique(sources)
        for device in nodes[self.nodes.are_devices(nodes)].tolist():
            is_meter = self.nodes.locate(device)[0].sends == "requests"
            found[device] = set((targets if every else targets[sources == device]).tolist()) if is_meter else set()
        return found

    def note_devices(self, devices: dict[int, set[int]], model: int) -> None:
        """Note what `devices` returned, for connections of a synapse model."""
        for device, metered in devices.items():
            self.models[device] = model
            if metered:
                self.metered.setdefault(device, set()).update(metered)

    def firsts(self) -> Integers:
        """Return the number of the first connection of each projection."""
        return np.cumsum([0, *map(len, self.projections)], dtype=np.int64)[:-1]

    def count(self, model: int) -> int:
        """Return the number of connections of a synapse model."""
        return sum(len(each) - len(each.removed) for each in self.projections if each.model == model)

    def find(
        self,
        sources: Integers | None = None,
        targets: Integers | None = None,
        model: int | None = None,
        since: int = 0,
    ) -> Places:
        """Return the numbers of connections, in NEST's order: by model, rank, source and time of making.

        Parameters
        ----------
        sources, targets : int array of ascending identifiers, optional
        model : int, optional
        since : int
            Leave out projections that end before this connection.

        Returns
        -------
        int64 array or Runs
            The latter where many of them are not stored.
        """
        chosen = [
            (first, projection)
            for first, projection in zip(self.firsts().tolist(), self.projections, strict=True)
            if (model is None or projection.model == model) and first + len(projection) > since
        ]
        products = [projection for _, projection in chosen if isinstance(projection, Product)]
        if sum(product.count(sources, targets) for product in products) > runs.WRITTEN_OUT:
            return self._find_runs(chosen, sources, targets)
        if sources is None and targets is None:
            n = sum(len(projection) for _, projection in chosen)
            require_memory(40.0 * n, f"GetConnections: {n} connections")
        found_by, keys_by = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for first, projection in chosen:
            found = projection.present(projection.matching(sources, targets))
            found_by.append(first + found)
            keys_by.append(self._order(projection, found))
        numbers, keys = np.concatenate(found_by), np.concatenate(keys_by)
        if np.all(keys[1:] >= keys[:-1]):
            return numbers
        return numbers[np.argsort(keys, kind="stable")]

    def numbers(self, sources: Integers | None, targets: Integers | None, model: int) -> Integers:
        """Return the numbers of connections as `find`, one by one."""
        found = self.find(sources, targets, model)
        return found.written_out("to find some of many") if isinstance(found, Runs) else found

    def recorded_by(self, node: int, sources: Integers) -> Integers:
        """Return the connections of some neurons or populations that a weight recorder records, sorted by source."""
        models = [number for number, model in enumerate(self.synapses) if model.weight_recorder == node]
        found = [np.zeros(0, dtype=np.int64), *(self.numbers(sources, None, model) for model in models)]
        numbers = np.concatenate(found)
        numbers = numbers[~self.nodes.are_devices(self.column("target", numbers))]
        return numbers[np.argsort(self.column("source", numbers), kind="stable")]

    def recorded_sources(self, node: int) -> Integers:
        """Return the sources of all connections that a weight recorder records, and of their projections."""
        models = {number for number, model in enumerate(self.synapses) if model.weight_recorder == node}
        found = [np.zeros(0, dtype=np.int64)]
        for projection in self.projections:
            if projection.model in models:
                found.append(np.unique(projection.column("source", slice(None))))
        return np.unique(np.concatenate(found))

    def recorded_plastic(self, node: int) -> list[Projection]:
        """Return the projections of synapses that spikes change which a weight recorder records."""
        models = {number for number, model in enumerate(self.synapses) if model.weight_recorder == node}
        return [each for each in self.projections if each.is_plastic and each.model in models]

    def remove(self, numbers: Integers) -> list[Callable[[], None]]:
        """Return functions that remove numbered connections."""
        return [
            partial(setattr, projection, "removed", np.union1d(projection.removed, k))
            for projection, k, _ in self.split(numbers)
        ]

    def are_removed(self, numbers: Integers) -> npt.NDArray[np.bool_]:
        """Return whether numbered connections were removed."""
        removed = np.zeros(len(numbers), dtype=np.bool_)
        for projection, k, places in self.split(numbers):
            removed[places] = among(k, projection.removed)
        return removed

    def replay(self, numbers: Integers, plastic: Integers, dt: float) -> Replay:
        """Return what replays spikes along numbered connections, of which some, given by place, are changed by them."""
        owners = [
            (projection.synapses, projection.records(k, projection.synapses.of_sources), plastic[places])
            for projection, k, places in self.split(numbers[plastic])
        ]
        return Replay(owners, len(numbers), dt)

    def plastic_synapses(self) -> list[PlasticSynapses]:
        """Return the synapses that spikes change, by projection."""
        return [projection.synapses for projection in self.projections if projection.is_plastic]

    def ports(self, numbers: Integers, n: int) -> Integers:
        """Return the ports of numbered connections on ``n`` threads, see `Ports`."""
        if self._ports is None or self._ports[0] != (self.made, n):
            if n > 1:
                require_memory(100.0 * self.made, f"ports of {self.made} connections on {n} threads")
            threads = partial(self._threads, n=n)
            self._ports = (self.made, n), Ports(self.projections, self._ranks, self.nodes.size, threads, n)
        ports = np.zeros(len(numbers), dtype=np.int64)
        for projection, k, places in self.split(numbers):
            ports[places] = self._ports[1].at(projection, k)
        return ports

    def column(self, name: str, numbers: Integers) -> npt.NDArray[Any]:
        """Return source, target, weight, delay or another value of numbered connections as an array.

        Or what those of a projection share: its ``model``, ``receptor``, ``thins`` or ``is_plastic``.
        """
        pieces = [
            (
                np.full(len(k), getattr(projection, name)) if name in OF_PROJECTIONS else projection.column(name, k),
                places,
            )
            for projection, k, places in self.split(numbers)
        ]
        if not pieces:
            return np.zeros(0, float if name == "weight" else np.int64)
        if len(pieces) == 1:
            return pieces[0][0]
        values = np.empty(len(numbers), dtype=pieces[0][0].dtype)
        for entries, places in pieces:
            values[places] = entries
        return values

    def change(self, name: Adjustable, numbers: Places, values: Weights | Lags) -> list[Callable[[], None]]:
        """Return functions that set weights, or delays in steps; one value for all or one for each."""
        if isinstance(numbers, Runs):
            if not isinstance(values, np.ndarray):
                return self._change_runs(name, numbers, values)
            numbers = numbers.written_out(f"to set each {name}")
        return [
            projection.change(name, k, values[places] if isinstance(values, np.ndarray) else values)
            for projection, k, places in self.split(numbers)
        ]

    def _change_runs(self, name: Adjustable, several: Runs, value: float) -> list[Callable[[], None]]:
        """Return functions that set one weight or delay for all connections of several runs."""
        firsts = self.firsts()
        which = np.searchsorted(firsts, several.starts, side="right") - 1
        changes = []
        for i in np.unique(which).tolist():
            own, projection = several.chosen(np.flatnonzero(which == i)), self.projections[i]
            whole = len(own) == len(projection)
            k = slice(None) if whole else own.written_out(f"to set the {name} of some of many") - firsts[i]
            changes.append(projection.change(name, k, value))
        return changes

    def _find_runs(
        self, chosen: list[tuple[int, Projection]], sources: Integers | None, targets: Integers | None
    ) -> Runs:
        """Return the numbers of connections of some projections in runs, in NEST's order."""
        found, keys = [], []
        for first, projection in chosen:
            own = projection.runs(sources, targets)
            if len(projection.removed) and own.patterns:
                own = Projection.runs(projection, sources, targets)
            elif len(projection.removed):
                own = own.without(projection.removed)
            ranks = self._ranks(projection, own.starts, own.sources)
            keys.append((projection.model * RANKS + ranks) * (self.nodes.size + 1) + own.sources)
            found.append(replace(own, starts=own.starts + first))
        return Runs.joined(found, keys)

    def heard(self, nodes: Integers, before: int) -> Integers:
        """Return the nodes that reach neurons or populations through one of the first ``before`` connections."""
        chosen = np.zeros(len(nodes), dtype=bool)
        for first, projection in zip(self.firsts().tolist(), self.projections, strict=True):
            if first >= before or not len(projection):
                continue
            if isinstance(projection, Pairs):
                own = slice(0, before - first)
                sources, targets = (projection.column(name, own) for name in ("source", "target"))
                chosen |= np.isin(nodes, sources[~self.nodes.are_devices(targets)])
            elif not self.nodes.are_devices(projection.column("target", np.array([0])))[0]:
                chosen |= projection.start_of(nodes)
        return nodes[chosen]

    def split(self, numbers: Integers) -> Iterator[tuple[Projection, Integers, slice | Integers]]:
        """Yield the projections of numbered connections, their numbers there, and where they stand in ``numbers``."""
        firsts = self.firsts()
        which = np.searchsorted(firsts, numbers, side="right") - 1
        if not len(which):
            return
        if which[0] == which[-1] and np.all(which == which[0]):
            yield self.projections[which[0]], numbers - firsts[which[0]], slice(None)
            return
        order = np.argsort(which, kind="stable")
        ends = [*(1 + np.flatnonzero(np.diff(which[order]))).tolist(), len(order)]
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            places = order[start:end]
            i = which[places[0]]
            yield self.projections[i], numbers[places] - firsts[i], places

    def _order(self, projection: Projection, k: Integers) -> Integers:
        """Return keys that sort connections by model, rank and source."""
        everything = len(k) == len(projection)
        sources = projection.column("source", slice(None) if everything else k)
        return (projection.model * RANKS + self._ranks(projection, k, sources)) * (self.nodes.size + 1) + sources

    def _ranks(self, projection: Projection, k: Integers, sources: Integers) -> int | Integers:
        """Return 0 for connections between neurons, 1 for those to recorders, 2 for those from devices."""
        if isinstance(projection, Pairs):
            targets = projection.column("target", k)
            return np.where(self.nodes.are_devices(sources), 2, self.nodes.are_devices(targets))
        if not len(k):
            return 0
        first = np.array([0])
        source, target = (projection.column(name, first) for name in ("source", "target"))
        return 2 if self.nodes.are_devices(source)[0] else int(self.nodes.are_devices(target)[0])
