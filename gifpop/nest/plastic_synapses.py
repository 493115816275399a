"""Synapses that their spikes change, tsodyks_synapse and tsodyks2_synapse: the records of those of a projection.

NEST delivers the spikes of a slice when the next slice begins, and shows synapses without those of the last slice. The
time loop delivers at once. So there are two copies of each record: the one that the loop changes, and the one of the
beginning of the last slice, which users see and change; spikes of the slice are replayed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.engine.plasticity import NEVER, RECORD, LinkPlasticity, release
from gifpop.nest.errors import require_memory
from gifpop.nest.relays import RelayBlock

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.nodes import Block
    from gifpop.nest.synapse_parameters import Adjustable

PLACES: dict[Adjustable, int] = {  # in a record, of values that users see
    "U": RECORD.index("U"),
    "tau_rec": RECORD.index("tau_rec"),
    "tau_fac": RECORD.index("tau_fac"),
    "tau_psc": RECORD.index("tau_psc"),
    "x": RECORD.index("x"),
    "y": RECORD.index("y"),
    "u": RECORD.index("u"),
}
BYTES = 16.0 * len(RECORD)  # of a synapse


class PlasticSynapses:
    """The synapses of a projection; one record for each source if its synapses are alike, else one for each.

    Parameters
    ----------
    values : dict of str to number or array
        Values by name; those without ``tau_psc`` are of tsodyks2_synapse.
    n : int
        Number of records.
    of_sources : bool
        Whether each is of a source unit instead of a connection.

    Attributes
    ----------
    advanced : float64 array, shape (n, 8)
        Records that the time loop reads and writes.
    shown : float64 array, likewise
        The same without the spikes from step ``shown_at`` on.
    """

    def __init__(self, values: Mapping[Any, Any], n: int, of_sources: bool = False) -> None:
        require_memory(BYTES * n, f"{n} synapses that spikes change")
        self.of_sources, self.shown_at = of_sources, 0
        self.shown = np.zeros((n, len(RECORD)))
        for name in PLACES.keys() & values.keys():
            self.shown[:, PLACES[name]] = values[name]
        self.shown[:, -1] = -1.0 if "tau_psc" in values else NEVER
        self.advanced = self.shown.copy()

    def __len__(self) -> int:
        return len(self.shown)

    def extended(self, values: Mapping[Any, Any], n: int) -> PlasticSynapses:
        """Return these and new ones, ``n`` together, of which ``values`` has arrays."""
        more = {name: values[name][len(self) :] for name in PLACES.keys() & values.keys()}
        new = PlasticSynapses(more, n - len(self))
        new.shown = np.concatenate((self.shown, new.shown))
        new.advanced = np.concatenate((self.advanced, new.advanced))
        new.shown_at = self.shown_at
        return new

    def separate(self, sources: Integers) -> PlasticSynapses:
        """Return a record for each connection, given the source units of all connections."""
        if not self.of_sources:
            return self
        require_memory(BYTES * len(sources), f"{len(sources)} synapses that differ")
        new = PlasticSynapses({}, 0)
        new.shown, new.advanced, new.shown_at = self.shown[sources], self.advanced[sources], self.shown_at
        return new

    def values(self, name: Adjustable, places: slice | Integers) -> Floats:
        """Return values of some records."""
        return self.shown[places, PLACES[name]]

    def put(self, name: Adjustable, places: slice | Integers, values: float | npt.NDArray[Any]) -> None:
        """Set values of some records; spikes of the last slice are to be replayed."""
        self.shown[places, PLACES[name]] = values
        self.advanced[places, PLACES[name]] = values

    def show(self, step: int) -> None:
        """Note that all spikes before a step are delivered."""
        self.shown[:] = self.advanced
        self.shown_at = step

    def plasticity(self, block: Block, places: Integers | None) -> LinkPlasticity:
        """Return the plasticity of a link along connections with these records to a block."""
        if places is not None:
            places = np.ascontiguousarray(places, dtype=np.int64)
        whole = isinstance(block, RelayBlock)
        return LinkPlasticity(block.clock.resolution, whole=whole, synapses=self.advanced, places=places)


class Replay:
    """The spikes of the last slice, replayed along some connections.

    Parameters
    ----------
    owners : iterable of (PlasticSynapses, int array, int array)
        Synapses of projections, the records of connections there, and the connections' places among all of them.
    n : int
        Number of connections.
    dt : float, ms
    """

    def __init__(self, owners: Iterable[tuple[PlasticSynapses, Integers, Integers]], n: int, dt: float) -> None:
        self.dt, self._own, self._kept = dt, np.full(n, -1), []
        records, since = [np.zeros((0, len(RECORD)))], [np.zeros(0, np.int64)]
        begin = 0
        for synapses, places, which in owners:
            unique, inverse = np.unique(places, return_inverse=True)
            self._own[which] = begin + inverse
            self._kept.append((synapses, unique, slice(begin, begin + len(unique))))
            records.append(synapses.shown[unique])
            since.append(np.full(len(unique), synapses.shown_at))
            begin += len(unique)
        self._records, self._since = np.concatenate(records), np.concatenate(since)

    def released(self, k: Integers, step: int, count: int) -> Floats:
        """Return what spikes of a step bring along connections ``k``, in units of their weights."""
        brought, own = np.full(len(k), float(count)), self._own[k]
        chosen = np.unique(own[(own >= 0) & (step >= self._since[own])]) if len(self._records) else own[:0]
        if len(chosen):
            records = self._records[chosen]
            found = np.zeros(len(self._records))
            for _ in range(count):
                found[chosen] += release(records, step, self.dt)
            self._records[chosen] = records
            brought = np.where(own >= 0, found[own], brought)
        return brought

    def keep(self) -> None:
        """Let the time loop go on from here."""
        for synapses, places, own in self._kept:
            synapses.advanced[places] = self._records[own]
