"""Recorders: turn spikes and samples of the engine into NEST's events, in NEST's order.

NEST works in slices of the shortest delay: events are ordered by slice, within a slice by sender. A meter gets the
values of a slice at the end of the next one, so the last slice is missing until the simulation goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gifpop.nest.errors import BadProperty
from gifpop.nest.generators import check_window, window
from gifpop.nest.nodes import Block

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import NodeModel
    from gifpop.nest.value_types import Values


class RecorderBlock(Block):
    """Devices that record.

    Attributes
    ----------
    stored : list of list of dict of str to array
        Events of each device, in one piece a run.
    ready : bool array
        Whether each device took part in a run.
    """

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.stored: list[list[dict[str, npt.NDArray[Any]]]] = [[] for _ in range(n)]
        self.ready = np.zeros(n, dtype=bool)

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        check_window(row, clock)
        if "time_in_steps" in given and clock.step > 0:
            raise BadProperty("Property time_in_steps cannot be set after Simulate has been called.")

    def apply(self, i: int, values: Values, given: Values) -> None:
        if "n_events" in given:
            self.stored[i].clear()
        super().apply(i, values, given)

    def names(self) -> list[str]:
        return [*super().names(), "events"]

    def get(self, name: str, i: int) -> Any:
        if name == "n_events":
            return sum(len(piece["senders"]) for piece in self.stored[i])
        return self.events(i) if name == "events" else super().get(name, i)

    def variables(self, i: int) -> Sequence[str]:
        """Return the names of the variables that the ``i``-th device records."""
        return ()

    def flush(self, slice_steps: int) -> None:
        """Turn taken data into events; slices have ``slice_steps`` steps.

        After an exception it can be called again, since the data of each device move in one assignment.
        """
        raise NotImplementedError

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
            self.stored[i] = [{name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}]
        held = self.stored[i][0]
        events = {name: held[name].copy() for name in names - {"times", "offsets"}}
        events["times"] = held["stamps"].copy() if in_steps else self.clock.ms(held["stamps"])
        if in_steps:
            events["offsets"] = np.zeros(len(held["stamps"]))
        return dict(sorted(events.items()))

    def pieces(
        self,
        i: int,
        stamps: Integers,
        senders: Integers,
        order: Integers,
        slice_steps: int,
        variables: Mapping[str, Floats],
    ) -> list[dict[str, npt.NDArray[Any]]]:
        """Return the events in the device's window, sorted by slice, ``order`` and time."""
        start, stop = window(self.row(i), self.clock)
        kept = np.flatnonzero((stamps > start) & (stamps <= stop))
        if len(kept) == 0:
            return []
        slices, steps = np.divmod(stamps[kept] - 1, slice_steps)
        key = (slices * (order.max() + 1) + order[kept]) * slice_steps + steps
        if np.any(key[1:] < key[:-1]):
            kept = kept[np.argsort(key, kind="stable")]
        return [{"stamps": stamps[kept], "senders": senders[kept]} | {name: v[kept] for name, v in variables.items()}]


class SpikeRecorderBlock(RecorderBlock):
    """spike_recorder: one entry for each spike, at the stamp of its emission.

    Attributes
    ----------
    taken : list of list of (int array, int array)
        Senders and stamps of the present run's spikes, for each device.
    """

    receives = frozenset({"spikes"})

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.taken: list[list[tuple[Integers, Integers]]] = [[] for _ in range(n)]
        self.n_taken = 0  # of all devices

    def take(self, i: int, senders: Integers, stamps: Integers, repeats: Integers | None = None) -> None:
        """Take spikes: senders, stamps and, optionally, how often to record each (arrays)."""
        if repeats is not None:
            senders, stamps = np.repeat(senders, repeats), np.repeat(stamps, repeats)
        if len(stamps):
            self.taken[i].append((senders, stamps))
            self.n_taken += len(stamps)

    def flush(self, slice_steps: int) -> None:
        for i, taken in enumerate(self.taken):
            self.ready[i] = True
            if taken:
                senders, stamps = (np.concatenate(column) for column in zip(*taken, strict=True))
                new = self.pieces(i, stamps, senders, senders, slice_steps, {})
                self.stored[i], self.taken[i] = [*self.stored[i], *new], []
        self.n_taken = 0


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

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.taken: list[list[Samples]] = [[] for _ in range(n)]

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
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

        ``begun`` is the step in which its connection was first simulated; with an offset, that step is left out.
        """
        interval = self.interval(i)
        offset = self.clock.steps_above(self.columns["offset"][i])
        if offset == 0:
            return stamps % interval == 0
        return ((stamps - offset) % interval == 0) & (stamps >= offset) & (stamps >= begun + 2)

    def take(self, i: int, samples: Samples) -> None:
        """Take samples."""
        if len(samples.stamps):
            self.taken[i].append(samples)

    def flush(self, slice_steps: int) -> None:
        """Turn samples into events, all but those of the last slice."""
        shown_until = (-(-self.clock.step // slice_steps) - 1) * slice_steps
        for i, taken in enumerate(self.taken):
            self.ready[i] = True
            pieces = [_split(piece, shown_until) for piece in taken]
            left = [late for _, late in pieces if len(late.stamps)]
            shown = [early for early, _ in pieces if len(early.stamps)]
            if not shown:
                continue
            places, senders, stamps = (
                np.concatenate(column) for column in zip(*(_flat(piece) for piece in shown), strict=True)
            )
            values = np.concatenate([v.reshape(len(v), len(s) * len(t)) for _, s, t, v in shown], axis=1)
            variables = dict(zip(self.columns["record_from"][i], values, strict=True))
            _, order = np.unique(places, return_inverse=True)
            new = self.pieces(i, stamps, senders, order, slice_steps, variables)
            self.stored[i], self.taken[i] = [*self.stored[i], *new], left


def _flat(samples: Samples) -> tuple[Integers, Integers, Integers]:
    """Return places, senders and stamps of each sample, stamp after stamp."""
    places, senders, stamps, _ = samples
    return np.tile(places, len(stamps)), np.tile(senders, len(stamps)), np.repeat(stamps, len(senders))


def _split(samples: Samples, until: int) -> tuple[Samples, Samples]:
    """Return the samples up to a stamp and those after it."""
    places, senders, stamps, values = samples
    n = np.searchsorted(stamps, until, side="right")
    return Samples(places, senders, stamps[:n], values[:, :n]), Samples(places, senders, stamps[n:], values[:, n:])
