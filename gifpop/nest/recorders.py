"""Recorders: turn spikes and samples of the engine into NEST's events, in NEST's order.

NEST works in slices of the shortest delay: events are ordered by slice, within a slice by sender. A meter gets the
values of a slice at the end of the next one, so the last slice is missing until the simulation goes on. Events are kept
in memory when a run ends; those that go to files or to the screen (`gifpop.nest.backends`) leave chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.nest import backends
from gifpop.nest.backends import BACKENDS, Destination, Table
from gifpop.nest.errors import BadProperty
from gifpop.nest.generators import check_window, window
from gifpop.nest.nodes import Block

if TYPE_CHECKING:
    from collections.abc import Callable

    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import NodeModel
    from gifpop.nest.node_table import NodeTable
    from gifpop.nest.value_types import Values


Piece: TypeAlias = dict[str, npt.NDArray[Any]]

# Parameters that only some recording backends have.
OF_BACKENDS = {
    "events": ("memory",),
    "file_extension": ("ascii",),
    "filenames": ("ascii",),
    "precision": ("ascii", "screen"),
}


class RecorderBlock(Block):
    """Devices that record.

    Attributes
    ----------
    stored : list of list of dict of str to array
        Events of each device that are kept in memory, in one piece a run.
    taken : list of list
        Data of each device that are not yet events.
    n_events : int array
        Number of events of each device, wherever they are.
    ready : bool array
        Whether each device took part in a run.
    open : bool array
        Whether each device is between Prepare and Cleanup.
    destination : callable
        Returns where the kernel puts files now.
    """

    together = frozenset({"file_extension", "precision"})

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.stored: list[list[Piece]] = [[] for _ in range(n)]
        self.taken: list[list[Any]] = [[] for _ in range(n)]
        self.n_events = np.zeros(n, dtype=np.int64)
        self.ready = np.zeros(n, dtype=bool)
        self.open = np.zeros(n, dtype=bool)
        self.destination: Callable[[], Destination] = Destination
        self.n_taken = 0  # spikes of the present run that all devices keep in memory
        self._files: list[list[str]] = [[] for _ in range(n)]  # while the device is open

    @classmethod
    def takes(cls, model: NodeModel, name: str, current: Values, given: Values) -> bool:
        backend = given.get("record_to", current["record_to"])
        return super().takes(model, name, current, given) and backend in OF_BACKENDS.get(name, (backend,))

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        if row["record_to"] not in BACKENDS:
            raise BadProperty(f"Unknown recording backend '{row['record_to']}'")
        if "record_to" in given:
            new = {"file_extension": "dat", "precision": 3}
            row.update({name: value for name, value in new.items() if name not in given})
        check_window(row, clock)
        if "time_in_steps" in given and clock.step > 0:
            raise BadProperty("Property time_in_steps cannot be set after Simulate has been called.")

    def planned(self, i: int, given: Values, connected: bool = False) -> Values:
        if self.open[i]:
            raise BadProperty(
                f"Setting status of a '{self.model.name}' with node ID {self.first + i}: Recorder parameters cannot be "
                "changed while inside a Prepare/Run/Cleanup context."
            )
        return super().planned(i, given, connected)

    def apply(self, i: int, values: Values, given: Values) -> None:
        if "n_events" in given:
            self.stored[i].clear()
            self.n_events[i] = 0
        if values.get("record_to", "memory") != "memory":
            self.stored[i].clear()
        super().apply(i, values, given)

    def names(self) -> list[str]:
        return self.names_at(np.arange(self.n))

    def names_at(self, places: Integers) -> list[str]:
        used = set(self.columns["record_to"][places].tolist())
        return [
            name for name in (*super().names(), "events", "filenames") if used & set(OF_BACKENDS.get(name, BACKENDS))
        ]

    def get_many(self, name: str, places: Integers) -> list[Any]:
        if name not in OF_BACKENDS:
            return super().get_many(name, places)
        has = [backend in OF_BACKENDS[name] for backend in self.columns["record_to"][places].tolist()]
        if not any(has):
            raise KeyError(name)
        return [self.get(name, i) if known else None for i, known in zip(places.tolist(), has, strict=True)]

    def get(self, name: str, i: int) -> Any:
        if self.columns["record_to"][i] not in OF_BACKENDS.get(name, BACKENDS):
            raise KeyError(name)
        if name == "n_events":
            return int(self.n_events[i])
        if name == "filenames":
            return self.files(i)[-1:]  # of the last virtual process, as in NEST
        return self.events(i) if name == "events" else super().get(name, i)

    def files(self, i: int) -> list[str]:
        """Return the files of the ``i``-th device, one for each virtual process."""
        name = self.columns["label"][i] or self.model.name
        return self.destination().files(name, self.first + i, self.columns["file_extension"][i])

    def elsewhere(self) -> list[int]:
        """Return the devices that do not record to memory."""
        return np.flatnonzero(self.columns["record_to"] != "memory").tolist()

    def headers(self) -> dict[str, str]:
        """Return the files of devices that are not open yet, each with its first lines."""
        nothing: Piece = {name: np.zeros(0) for name in ("senders", "stamps")}
        headers = {}
        for i in np.flatnonzero((self.columns["record_to"] == "ascii") & ~self.open).tolist():
            table = self._table(i, nothing | {name: np.zeros(0) for name in self.variables(i)})
            headers.update(dict.fromkeys(self.files(i), table.header()))
        return headers

    def prepare(self) -> None:
        """Keep the settings of all devices until `clean_up`."""
        for i in np.flatnonzero((self.columns["record_to"] == "ascii") & ~self.open).tolist():
            self._files[i] = self.files(i)
        self.open[:] = True

    def clean_up(self) -> None:
        """Allow settings to change again."""
        self.open[:] = False

    def write(self, slice_steps: int, ended: bool, device: Callable[[Integers], npt.NDArray[np.bool_]]) -> None:
        """Write or print what devices have taken, all that is due.

        After an exception it can be called again: the data of each device are written and forgotten, or neither.

        Parameters
        ----------
        slice_steps : int
        ended : bool
            Whether the run is at its end.
        device : callable
            Returns which nodes of an array are devices; these have no virtual process of their own.
        """
        for i in self.elsewhere():
            piece, left = self.due(i, slice_steps, ended)
            if piece is not None:
                self._put(i, piece, device)
                self.n_events[i] += len(piece["senders"])
            self.taken[i] = left

    def _put(self, i: int, piece: Piece, device: Callable[[Integers], npt.NDArray[np.bool_]]) -> None:
        table = self._table(i, piece)
        if self.columns["record_to"][i] == "screen":
            backends.show(table.lines())
            return
        files, senders = self._files[i], piece["senders"]
        threads = np.where(device(senders), self.first + i, senders) % len(files)
        append = {
            files[thread]: table.lines(np.flatnonzero(threads == thread)) for thread in np.unique(threads).tolist()
        }
        backends.append(append)

    def _table(self, i: int, piece: Piece) -> Table:
        in_steps = bool(self.columns["time_in_steps"][i])
        variables = {name: piece[name] for name in ("senders", "stamps", *self.variables(i))}
        if in_steps:
            variables["offsets"] = _column(piece, "offsets")
        return Table.of(variables, self._times(piece, in_steps), int(self.columns["precision"][i]))

    def variables(self, i: int) -> Sequence[str]:
        """Return the names of the variables that the ``i``-th device records."""
        return ()

    def due(self, i: int, slice_steps: int, ended: bool) -> tuple[Piece | None, list[Any]]:
        """Return what the ``i``-th device has taken: as events, if they are complete; and what is left.

        Slices have ``slice_steps`` steps; ``ended`` is whether the run is at its end.
        """
        raise NotImplementedError

    def flush(self, slice_steps: int) -> None:
        """Convert collected data to events; slices have ``slice_steps`` steps.

        Only of devices that record to memory. After an exception it can be called again, since the data of each device
        move in one assignment.
        """
        memory = (self.columns["record_to"] == "memory").tolist()
        for i, taken in enumerate(self.taken):
            if taken and memory[i]:
                piece, left = self.due(i, slice_steps, ended=True)
                new, n = ([], 0) if piece is None else ([piece], len(piece["senders"]))
                self.stored[i], self.taken[i], self.n_events[i] = [*self.stored[i], *new], left, self.n_events[i] + n
        self.ready[:] = True
        self.n_taken = 0

    def events(self, i: int) -> dict[str, npt.NDArray[Any]]:
        """Return the events of the ``i``-th device as arrays by name."""
        in_steps = self.columns["time_in_steps"][i]
        names = {"senders", "times"} | ({"offsets"} if in_steps else set())
        if self.ready[i]:
            names |= set(self.variables(i))
        if not self.stored[i]:
            return {name: np.array([]) for name in sorted(names)}
        if len(self.stored[i]) > 1:
            pieces = self.stored[i]
            joined = {name for piece in pieces for name in piece}
            self.stored[i] = [{name: np.concatenate([_column(p, name) for p in pieces]) for name in joined}]
        held = self.stored[i][0]
        events = {name: held[name].copy() for name in names - {"times", "offsets"}}
        events["times"] = self._times(held, in_steps)
        if in_steps:
            events["offsets"] = _column(held, "offsets").copy()
        return dict(sorted(events.items()))

    def _times(self, piece: Piece, in_steps: bool) -> npt.NDArray[Any]:
        """Return the times of events, in steps or ms."""
        if in_steps:
            return piece["stamps"].copy()
        times = self.clock.ms(piece["stamps"])
        return times - piece["offsets"] if "offsets" in piece else times

    def piece(
        self,
        i: int,
        stamps: Integers,
        senders: Integers,
        order: Integers,
        slice_steps: int,
        variables: Mapping[str, Floats],
    ) -> Piece | None:
        """Return the events in the device's window, sorted by slice, ``order`` and time; None if there are none."""
        start, stop = window(self.row(i), self.clock)
        inside = (stamps > start) & (stamps <= stop)
        if not inside.any():
            return None
        columns = {"stamps": stamps, "senders": senders, **variables}
        if not inside.all():
            columns = {name: values[inside] for name, values in columns.items()}
            order = order[inside]
        key, steps = np.divmod(columns["stamps"] - 1, slice_steps)
        key *= order.max() + 1
        key += order
        key *= slice_steps
        key += steps
        if np.any(key[1:] < key[:-1]):
            sequence = np.argsort(key, kind="stable")
            columns = {name: values[sequence] for name, values in columns.items()}
        return columns


def recorded_files(nodes: NodeTable, device: int) -> list[str]:
    """Return the files that a device writes, of all virtual processes; ``filenames`` has the last, as in NEST."""
    block, i = nodes.locate(device)
    assert isinstance(block, RecorderBlock)
    return block.files(i)


def _column(piece: Piece, name: str) -> npt.NDArray[Any]:
    """Return an array of a piece; offsets that it lacks are 0."""
    return piece[name] if name in piece else np.zeros(len(piece["stamps"]))


class SpikeRecorderBlock(RecorderBlock):
    """spike_recorder: one entry for each spike, at the stamp of its emission.

    Attributes
    ----------
    taken : list of list of (int array, int array, float array or None)
        Senders, stamps and offsets of spikes that are not yet events, for each device.
    """

    receives = frozenset({"spikes"})

    def take(
        self,
        i: int,
        senders: Integers,
        stamps: Integers,
        repeats: Integers | None = None,
        offsets: Floats | None = None,
    ) -> None:
        """Take spikes: senders, stamps and, optionally, how often to record each, or offsets in ms (arrays)."""
        if repeats is not None:
            senders, stamps = np.repeat(senders, repeats), np.repeat(stamps, repeats)
        if len(stamps):
            self.taken[i].append((senders, stamps, offsets))
            self.n_taken += len(stamps) if self.columns["record_to"][i] == "memory" else 0

    def due(self, i: int, slice_steps: int, ended: bool) -> tuple[Piece | None, list[Any]]:
        if not self.taken[i]:
            return None, []
        senders, stamps = (np.concatenate([taken[k] for taken in self.taken[i]]) for k in (0, 1))
        offsets = _joined_offsets(self.taken[i])
        left = []
        if not ended:
            late = stamps > self.clock.step // slice_steps * slice_steps
            if late.any():
                left = [(senders[late], stamps[late], None if offsets is None else offsets[late])]
            senders, stamps = senders[~late], stamps[~late]
            offsets = None if offsets is None else offsets[~late]
        variables = {} if offsets is None else {"offsets": offsets}
        return self.piece(i, stamps, senders, senders, slice_steps, variables) if len(stamps) else None, left


def _joined_offsets(taken: list[Any]) -> Floats | None:
    """Return the offsets of all spikes that were taken; None: all are 0."""
    if all(offsets is None for *_, offsets in taken):
        return None
    return np.concatenate([np.zeros(len(stamps)) if own is None else own for _, stamps, own in taken])


class Samples(NamedTuple):
    """Samples of a meter in a chunk.

    ``places`` are the numbers of the connections to the ``senders``; ``values`` has the shape (variables, stamps,
    senders).
    """

    places: Integers
    senders: Integers
    stamps: Integers
    values: Floats


class MeterBlock(RecorderBlock):
    """multimeter and voltmeter.

    Attributes
    ----------
    taken : list of list of Samples
        Samples of each device that are not yet events.
    """

    sends = "requests"

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        if row["frozen"]:
            raise BadProperty("multimeter cannot be frozen.")
        if given & {"interval", "offset", "record_from"} and connected:
            raise BadProperty(
                "The recording interval, the interval offset and the list of properties to record cannot be changed "
                "after the multimeter has been connected to nodes."
            )
        resolution = clock.resolution
        if "interval" in given:
            if row["interval"] < resolution:
                raise BadProperty("The sampling interval must be at least as long as the simulation resolution.")
            if clock.whole_steps(row["interval"]) is None:
                raise BadProperty("The sampling interval must be a multiple of the simulation resolution.")
        if "offset" in given and row["offset"] != 0.0:
            if not row["offset"] >= resolution:
                raise BadProperty(
                    "The offset for the sampling interval must be at least as long as the simulation resolution."
                )
            if clock.whole_steps(row["offset"]) is None:
                raise BadProperty(
                    "The offset for the sampling interval must be a multiple of the simulation resolution."
                )

    def variables(self, i: int) -> Sequence[str]:
        return self.columns["record_from"][i]

    def interval(self, i: int) -> int:
        """Return the sampling interval of the ``i``-th meter in steps, rounded up."""
        return self.clock.steps_above(self.columns["interval"][i])

    def selected(self, i: int, stamps: Integers, begun: int) -> npt.NDArray[np.bool_]:
        """Return which stamps the ``i``-th meter samples.

        ``begun`` is the step in which its connection was first simulated, or again after a pause in which a sample was
        due; with an offset, that step is left out.
        """
        interval = self.interval(i)
        offset = self.clock.steps_above(self.columns["offset"][i])
        if offset == 0:
            return stamps % interval == 0
        return ((stamps - offset) % interval == 0) & (stamps >= offset) & (stamps >= begun + 2)

    def is_due(self, i: int, step: int, until: int, begun: int) -> bool:
        """Return whether the ``i``-th meter samples the end of a step from ``step`` on, up to the step ``until``."""
        last = until - (until - self.clock.steps_above(self.columns["offset"][i])) % self.interval(i)
        return last > step and bool(self.selected(i, np.array([last]), begun)[0])

    def take(self, i: int, samples: Samples) -> None:
        """Take samples; none if nothing is recorded."""
        if len(samples.stamps) and self.variables(i):
            self.taken[i].append(samples)

    def due(self, i: int, slice_steps: int, ended: bool) -> tuple[Piece | None, list[Any]]:
        """Return what is complete, all but the last slice, and what is left."""
        until = (-(-self.clock.step // slice_steps) - 1) * slice_steps
        complete: dict[int, list[Samples]] = {}  # those of one connection together
        left: list[Samples] = []
        for piece in self.taken[i]:
            early, late = _split(piece, until)
            if len(late.stamps):
                left.append(late)
            if len(early.stamps):
                complete.setdefault(id(piece.places), []).append(early)
        if not complete:
            return None, left
        places = [pieces[0].places for pieces in complete.values()]
        ranks = np.unique(np.concatenate(places), return_inverse=True)[1]
        own = np.split(ranks, np.cumsum([len(each) for each in places[:-1]]))
        order, senders, stamps, values = (
            _joined(column) for column in zip(*map(_flat, own, complete.values()), strict=True)
        )
        variables = dict(zip(self.columns["record_from"][i], values, strict=True))
        return self.piece(i, stamps, senders, order, slice_steps, variables), left


def _joined(arrays: Sequence[npt.NDArray[Any]], axis: int = -1) -> npt.NDArray[Any]:
    """Join arrays; a single one is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=axis)


def _flat(ranks: Integers, pieces: Sequence[Samples]) -> tuple[Integers, Integers, Integers, Floats]:
    """Return rank, sender, stamp and values of each sample of one connection, stamp after stamp."""
    senders = pieces[0].senders
    stamps = _joined([piece.stamps for piece in pieces])
    values = _joined([piece.values for piece in pieces], axis=1)
    n, each = len(stamps), len(senders)
    return np.tile(ranks, n), np.tile(senders, n), np.repeat(stamps, each), values.reshape(len(values), n * each)


def _split(samples: Samples, until: int) -> tuple[Samples, Samples]:
    """Return the samples up to a stamp and those after it."""
    places, senders, stamps, values = samples
    if stamps[-1] <= until:
        return samples, Samples(places, senders, stamps[:0], values[:, :0])
    n = np.searchsorted(stamps, until, side="right")
    late = Samples(places, senders, stamps[n:].copy(), values[:, n:].copy())  # that the others need not stay for it
    return Samples(places, senders, stamps[:n], values[:, :n]), late
