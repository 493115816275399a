"""All connections, and the delays that they may have."""

import numpy as np

from gifpop.nest.errors import BadDelay, BadProperty, require_memory
from gifpop.nest.projections import Pairs


class ConnectionTable:
    """All connections: projections in the order in which they were made, numbered through.

    Attributes
    ----------
    projections : list of Pairs, Product or Sparse
    models : dict of int to int
        The synapse model of each device that has connections.
    metered : dict of int to set of int
        The nodes to which each meter is connected.
    """

    def __init__(self, kernel):
        self.kernel = kernel
        self.projections, self.models, self.metered = [], {}, {}

    def __len__(self):
        return sum(map(len, self.projections))

    def starts_at(self, device):
        """Tell whether a device has connections that start there."""
        return device in self.models

    def add(self, projection):
        """Add a projection."""
        self.projections.append(projection)

    def pairs(self, model):
        """Return where single connections of a synapse model are added."""
        last = self.projections[-1] if self.projections else None
        if not isinstance(last, Pairs) or last.model != model:
            self.add(Pairs(model))
        return self.projections[-1]

    def note_devices(self, sources, targets, model, every=False):
        """Remember which devices have connections, and what meters are connected to.

        Targets are one for each source; if ``every``, any number that all sources have.
        """
        devices = np.unique(sources)
        for device in devices[self.kernel.are_devices(devices)].tolist():
            self.models[device] = model
            if self.kernel.locate(device)[0].sends == "requests":
                own = targets if every else targets[sources == device]
                self.metered.setdefault(device, set()).update(own.tolist())

    def firsts(self):
        """Return the number of the first connection of each projection."""
        return np.cumsum([0, *map(len, self.projections)], dtype=np.int64)[:-1]

    def count(self, model):
        """Return how many connections a synapse model has."""
        return sum(len(projection) for projection in self.projections if projection.model == model)

    def find(self, sources=None, targets=None, model=None):
        """Return the numbers of connections, in NEST's order: by model, kind, source and time of making.

        Parameters
        ----------
        sources, targets : int array of ascending identifiers, optional
        model : int, optional
        """
        if sources is None and targets is None:
            require_memory(40.0 * len(self), f"GetConnections: {len(self)} connections")
        numbers, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for first, projection in zip(self.firsts().tolist(), self.projections, strict=True):
            if model is None or projection.model == model:
                found = projection.matching(sources, targets)
                numbers.append(first + found)
                keys.append(self._order(projection, found))
        numbers, keys = np.concatenate(numbers), np.concatenate(keys)
        if np.all(keys[1:] >= keys[:-1]):
            return numbers
        return numbers[np.argsort(keys, kind="stable")]

    def column(self, name, numbers):
        """Return source, target, weight, delay or model of numbered connections as an array."""
        pieces, order = [], []
        for projection, k, places in self._split(numbers):
            pieces.append(np.full(len(k), projection.model) if name == "model" else projection.column(name, k))
            order.append(places)
        if len(pieces) == 1:
            return pieces[0]
        if not pieces:
            return np.zeros(0, float if name == "weight" else np.int64)
        values = np.empty(len(numbers), dtype=pieces[0].dtype)
        values[np.concatenate(order)] = np.concatenate(pieces)
        return values

    def put(self, name, numbers, values):
        """Set weights, or delays in steps: one for all or one for each."""
        for projection, k, places in self._split(numbers):
            projection.put(name, k, values[places] if np.ndim(values) else values)

    def _split(self, numbers):
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

    def _order(self, projection, k):
        """Return keys that sort connections by model, kind and source."""
        everything = len(k) == len(projection)
        sources = projection.column("source", slice(None) if everything else k)
        return (projection.model * KINDS + self._kinds(projection, k, sources)) * (self.kernel.size + 1) + sources

    def _kinds(self, projection, k, sources):
        """Return 0 for connections between neurons, 1 for those to recorders, 2 for those from devices."""
        if isinstance(projection, Pairs):
            targets = projection.column("target", k)
            return np.where(self.kernel.are_devices(sources), 2, self.kernel.are_devices(targets))
        if not len(k):
            return 0
        first = np.array([0])
        source, target = (projection.column(name, first) for name in ("source", "target"))
        return 2 if self.kernel.are_devices(source)[0] else int(self.kernel.are_devices(target)[0])


KINDS = 3


class DelayRange:
    """Shortest and longest delay of the connections, or what the user allows.

    Attributes
    ----------
    least, most : int or None
        Steps; None before there are connections.
    fixed : bool
        Whether the user has set them.
    used : bool
        Whether there are connections.
    """

    def __init__(self, clock):
        self.clock = clock
        self.least = self.most = None
        self.fixed = self.used = False

    @property
    def steps(self):
        """Shortest and longest delay, in steps; one step where there is none."""
        return (1, 1) if self.least is None else (self.least, self.most)

    @property
    def ms(self):
        """Shortest and longest delay, in ms."""
        return tuple(map(self.clock.ms, self.steps))

    def fix(self, least, most):
        """Allow delays from ``least`` to ``most`` ms, of connections that are still to be made."""
        if self.used:
            raise BadProperty("Connections already exist. Please call ResetKernel first")
        low, high = self.clock.delay_steps(least), self.clock.delay_steps(most)
        if low > high:
            raise BadDelay(f"Delay value {least:g} is invalid: min_delay must be smaller than or equal to max_delay.")
        self.least, self.most, self.fixed = low, high, True

    def check(self, steps, default_of=None):
        """Refuse delays (steps, int or array) that may not be; ``default_of`` names the model whose default it is."""
        if np.size(steps):
            for each in (int(np.min(steps)), int(np.max(steps))):
                self._check(each, default_of)

    def include(self, steps):
        """Widen the range by delays (steps, int or array) that were checked."""
        self.used = self.used or np.size(steps) > 0
        if not self.fixed and np.size(steps):
            self.least = int(min(np.min(steps), self.least or np.min(steps)))
            self.most = int(max(np.max(steps), self.most or 0))

    def _check(self, steps, default_of):
        least, most = self.steps
        value = f"Delay value {self.clock.delay_ms(steps):g} is invalid: "
        if self.clock.simulated and not least <= steps <= most:
            if default_of:
                low, high = self.ms
                raise BadDelay(
                    f"{value}Default delay of '{default_of}' must be between min_delay {low:g} and max_delay {high:g}."
                )
            raise BadDelay(f"{value}Minimum and maximum delay cannot be changed after Simulate has been called.")
        if self.fixed and steps < least:
            raise BadDelay(
                f"{value}Delay must be greater than or equal to min_delay. "
                "You may set min_delay before creating connections."
            )
        if self.fixed and steps > most:
            raise BadDelay(
                f"{value}Delay must be smaller than or equal to max_delay. "
                "You may set min_delay before creating connections."
            )
