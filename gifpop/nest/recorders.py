"""Recorders: what arrives from the engine in pieces becomes NEST's events, in NEST's order.

NEST works in slices of the shortest delay: events stand slice after slice, within a slice sender after sender. A meter
gets the values of a slice at the end of the next one, so the last slice is missing until the simulation goes on.
"""

import numpy as np

from gifpop.nest.errors import BadProperty
from gifpop.nest.generators import check_window, window
from gifpop.nest.nodes import Block


class RecorderBlock(Block):
    """Devices that record.

    Attributes
    ----------
    stored : list of list of dict of str to array
        Of each device: the events, in pieces that end with each run.
    ready : bool array
        Of each: whether it took part in a run.
    """

    def __init__(self, clock, model, first, n):
        super().__init__(clock, model, first, n)
        self.stored = [[] for _ in range(n)]
        self.ready = np.zeros(n, dtype=bool)

    @classmethod
    def normalize(cls, row, given, clock, connected=False):
        check_window(row, clock)
        if "time_in_steps" in given and clock.step > 0:
            raise BadProperty("Property time_in_steps cannot be set after Simulate has been called.")

    def apply(self, i, values, given):
        if "n_events" in given:
            self.stored[i].clear()
        super().apply(i, values, given)

    def names(self):
        return [*super().names(), "events"]

    def get(self, name, i):
        if name == "n_events":
            return sum(len(piece["senders"]) for piece in self.stored[i])
        return self.events(i) if name == "events" else super().get(name, i)

    def variables(self, i):
        """Return what the ``i``-th device records besides senders and times."""
        return ()

    def events(self, i):
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

    def store(self, i, stamps, senders, order, slice_steps, variables):
        """Keep events that lie in the device's window, sorted by slice, place in the order of senders, and time."""
        start, stop = window(self.row(i), self.clock)
        kept = np.flatnonzero((stamps > start) & (stamps <= stop))
        if len(kept) == 0:
            return
        slices, steps = np.divmod(stamps[kept] - 1, slice_steps)
        key = (slices * (order.max() + 1) + order[kept]) * slice_steps + steps
        if np.any(key[1:] < key[:-1]):
            kept = kept[np.argsort(key, kind="stable")]
        self.stored[i].append(
            {"stamps": stamps[kept], "senders": senders[kept]} | {name: v[kept] for name, v in variables.items()}
        )


class SpikeRecorderBlock(RecorderBlock):
    """spike_recorder: one entry for each spike, at the stamp of its emission.

    Attributes
    ----------
    taken : list of list of (int array, int array)
        Of each device: senders and stamps of the spikes of the run that is under way.
    """

    receives = frozenset({"spikes"})

    def __init__(self, clock, model, first, n):
        super().__init__(clock, model, first, n)
        self.taken = [[] for _ in range(n)]

    def take(self, i, senders, stamps, repeats=None):
        """Take spikes: senders and stamps (arrays), and how often each is to be noted."""
        if repeats is not None:
            senders, stamps = np.repeat(senders, repeats), np.repeat(stamps, repeats)
        if len(stamps):
            self.taken[i].append((senders, stamps))

    def flush(self, slice_steps):
        """Turn what was taken into events."""
        for i, taken in enumerate(self.taken):
            self.ready[i] = True
            if taken:
                senders, stamps = (np.concatenate(column) for column in zip(*taken, strict=True))
                self.store(i, stamps, senders, senders, slice_steps, {})
                taken.clear()


class MeterBlock(RecorderBlock):
    """multimeter and voltmeter.

    Attributes
    ----------
    taken : list of list of (int array, int array, int array, float array)
        Of each device: numbers of the connections, senders, stamps, and values (variables, stamps, senders) that it has
        not shown.
    """

    sends = "requests"

    def __init__(self, clock, model, first, n):
        super().__init__(clock, model, first, n)
        self.taken = [[] for _ in range(n)]

    @classmethod
    def normalize(cls, row, given, clock, connected=False):
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

    def variables(self, i):
        return self.columns["record_from"][i]

    def interval(self, i):
        """Return the sampling interval of the ``i``-th meter in steps, rounded up."""
        return self.clock.steps_above(self.columns["interval"][i])

    def selected(self, i, stamps, begun):
        """Return which stamps the ``i``-th meter samples.

        ``begun`` is the step in which its connection was first simulated; with an offset, that step is left out.
        """
        interval = self.interval(i)
        offset = self.clock.steps_above(self.columns["offset"][i])
        if offset == 0:
            return stamps % interval == 0
        return ((stamps - offset) % interval == 0) & (stamps >= offset) & (stamps >= begun + 2)

    def take(self, i, places, senders, stamps, values):
        """Take sampled values (variables, stamps, senders) of nodes."""
        if len(stamps):
            self.taken[i].append((places, senders, stamps, values))

    def flush(self, slice_steps):
        """Turn what was taken into events, all but the last slice."""
        shown_until = (-(-self.clock.step // slice_steps) - 1) * slice_steps
        for i, taken in enumerate(self.taken):
            self.ready[i] = True
            pieces = [_split(piece, shown_until) for piece in taken]
            self.taken[i] = [late for _, late in pieces if len(late[2])]
            pieces = [early for early, _ in pieces if len(early[2])]
            if not pieces:
                continue
            places, senders, stamps = (
                np.concatenate(column)
                for column in zip(*(_flat(*piece[:3]) for piece in pieces), strict=True)
            )  # fmt: skip
            values = np.concatenate([v.reshape(len(v), len(s) * len(t)) for _, s, t, v in pieces], axis=1)
            variables = dict(zip(self.columns["record_from"][i], values, strict=True))
            _, order = np.unique(places, return_inverse=True)
            self.store(i, stamps, senders, order, slice_steps, variables)


def _flat(places, senders, stamps):
    """Return places, senders and stamps of each sample, stamp after stamp."""
    return np.tile(places, len(stamps)), np.tile(senders, len(stamps)), np.repeat(stamps, len(senders))


def _split(piece, until):
    """Return the parts of a piece up to a stamp and after it."""
    places, senders, stamps, values = piece
    n = np.searchsorted(stamps, until, side="right")
    return (places, senders, stamps[:n], values[:, :n]), (places, senders, stamps[n:], values[:, n:])
