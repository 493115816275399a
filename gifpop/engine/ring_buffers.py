"""Ring buffers: input in transit, by the step in which it arrives."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from gifpop import _core
from gifpop.common import memory
from gifpop.common.receptors import RECEPTORS
from gifpop.common.stateful import check_alike
from gifpop.engine.counting import MOST, Unit

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Receptor
    from gifpop.engine.plan import Plan

GROUPS, GENERATORS = 0, 1  # the two kinds of sources, added up apart

Amount = TypeVar("Amount", bound=np.float64 | np.uint16)
Ring: TypeAlias = npt.NDArray[np.float64 | np.uint16]  # pA, or numbers of spikes


def count_slots(longest: int, slice_steps: int) -> int:
    """Return how many slots ring buffers have at first, for the longest lag and the steps of a slice."""
    return longest + slice_steps


def bytes_of_rings(
    slots: int, groups: int, neurons: Iterable[tuple[int, int, bool, bool]], receptors: int = len(RECEPTORS)
) -> float:
    """Return the memory of ring buffers.

    Parameters
    ----------
    slots, groups : int
    neurons : sequence of (int, int, bool, bool)
        Of each group of neurons, its places, its receptors, whether it counts spikes, and whether it has generators.
    receptors : int
        Most receptors of any group.
    """
    single = sum(
        _row(places) * (R * (2 if counting else 8) + (R + 1) * 8 * external)
        for places, R, counting, external in neurons
    )
    return slots * (single + 8.0 * 2 * _width(receptors) * groups)


class RingBuffers:
    """Input to arrive, pA, in a slot for each step: step ``k`` uses slot ``k % slots``.

    Attributes
    ----------
    shared : float64 array, shape (2, groups, slots, 2 receptors + 1)
        To all units of a group, from groups and from generators: spikes at each receptor, current, and variances (pA^2)
        between the neurons of a population at each receptor; as many receptors as any group has.
    rings : list of float64 or uint16 array, shape (slots, receptors, row), or None
        To single neurons of each group, from groups: pA, or numbers of spikes; None for a population.
    units : list of gifpop.engine.counting.Unit or None
        What a spike in such numbers stands for.
    externals : list of float64 array, shape (slots, receptors + 1, row), or None
        The same from generators, and their current; None where there are none.
    """

    def __init__(self) -> None:
        self.shared = np.zeros((2, 0, 1, _width(len(RECEPTORS))))
        self.rings: list[Ring | None] = []
        self.units: list[Unit | None] = []
        self.externals: list[Floats | None] = []

    @property
    def slots(self) -> int:
        return self.shared.shape[2]

    @property
    def receptors(self) -> int:
        """Most receptors of any group."""
        return self.shared.shape[3] // 2

    def fit(
        self,
        plans: Sequence[Plan],
        longest: int,
        slice_steps: int,
        units: Sequence[Unit | None],
        with_external: set[int],
        step: int,
        dt: float,
    ) -> None:
        """Make room for the given groups and lags; keep input in transit at its step.

        Parameters
        ----------
        plans : sequence of gifpop.engine.plan.Plan
        longest, slice_steps : int
            Longest lag, and the steps that groups take between deliveries.
        units : sequence of gifpop.engine.counting.Unit or None
            For each group, what a count would stand for, if it can count. It does not while other input is on its way.
        with_external : set of int
            Groups with generators of single neurons.
        step : int
            The next one.
        dt : float, ms

        Raises
        ------
        MemoryError
            If the buffers would not fit in memory; nothing has changed then.
        """
        slots = max(count_slots(longest, slice_steps), self.slots)
        rows = [_row(plan.places) for plan in plans]
        external = [
            i in with_external or (i < len(self.externals) and self.externals[i] is not None) for i in range(len(plans))
        ]
        neurons = [
            (plan.places, plan.n_receptors, unit is not None, more)
            for plan, unit, more in zip(plans, units, external, strict=True)
            if plan.places
        ]
        receptors = max([self.receptors, *(plan.n_receptors for plan in plans)])
        needed = bytes_of_rings(slots, len(plans), neurons, receptors)
        memory.require(
            needed if slots > self.slots else max(0.0, needed - self.bytes),
            f"ring buffers for delays of up to {longest * dt:g} ms",
        )
        moved = (step + np.arange(self.slots)) % self.slots, (step + np.arange(self.slots)) % slots
        shared = np.zeros((2, len(plans), slots, _width(receptors)))
        kept = _places(self.receptors, receptors)
        shared[:, : self.shared.shape[1], moved[1][:, np.newaxis], kept] = self.shared[:, :, moved[0]]
        new: list[None] = [None] * (len(plans) - len(self.rings))
        recounted = [_recount(*each) for each in zip([*self.rings, *new], [*self.units, *new], units, strict=True)]
        types: list[type[np.float64 | np.uint16]] = [np.float64 if unit is None else np.uint16 for _, unit in recounted]
        rings = [
            _fit(ring, slots, plan.n_receptors, row, moved, dtype) if row else None
            for (ring, _), plan, row, dtype in zip(recounted, plans, rows, types, strict=True)
        ]
        self.externals = [
            _fit(ring, slots, plan.n_receptors + 1, row, moved, np.float64, of_currents=True) if row and more else None
            for ring, plan, row, more in zip([*self.externals, *new], plans, rows, external, strict=True)
        ]
        self.shared, self.rings, self.units = shared, rings, [unit for _, unit in recounted]

    @property
    def bytes(self) -> float:
        """Memory of all arrays."""
        arrays = [self.shared, *self.rings, *self.externals]
        return float(sum(array.nbytes for array in arrays if array is not None))

    def bytes_to_come(self, step: int, n: int) -> float:
        """Return the memory that ``n`` steps will take: zeros take none before they are first written to."""
        return self.bytes * min(n, self.slots - step) / self.slots if step < self.slots else 0.0

    def clear(self) -> None:
        """Drop all input in transit; call `fit` next."""
        for array in (self.shared, *self.rings):
            if array is not None:
                array[:] = 0
        self.externals = [None] * len(self.externals)

    def state(self) -> dict[str, Any]:
        """Return the arrays that `resume` takes."""
        return {"shared": self.shared, "rings": self.rings, "externals": self.externals}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Take over what is in transit in buffers for the same groups and links: copies of their `state`.

        Raises
        ------
        ValueError
            If arrays do not fit. The number of slots may be another one.
        """
        check_alike("input", kept["shared"], self._as_wide_as(kept["shared"]), free=2)
        self.shared = kept["shared"].copy()
        for i, (ring, external) in enumerate(zip(kept["rings"], kept["externals"], strict=True)):
            made = self.rings[i]
            if (ring is None) != (made is None) or (external is None and self.externals[i] is not None):
                raise ValueError("there must be input to each neuron, and to nothing else")
            if made is None:
                continue
            _, receptors, row = made.shape
            if ring.dtype == np.float64:
                self.units[i] = None
            dtype = np.float64 if self.units[i] is None else np.uint16
            self.rings[i] = _resumed(ring, (self.slots, receptors, row), dtype)
            if external is not None:
                self.externals[i] = _resumed(external, (self.slots, receptors + 1, row), np.float64)

    def _as_wide_as(self, shared: object) -> npt.NDArray[Any]:
        """Return an array like ``shared`` should be: for more receptors, too, which groups may have had."""
        *shape, width = self.shared.shape
        receptors = max(self.receptors, (getattr(shared, "shape", None) or (0,))[-1] // 2)
        return self.shared if _width(receptors) == width else np.broadcast_to(np.zeros(()), (*shape, _width(receptors)))

    def copy(self) -> RingBuffers:
        """Return buffers that share their arrays with these, until others take their place."""
        new = copy.copy(self)
        new.rings, new.externals = list(self.rings), list(self.externals)
        return new

    def move(self, group: int, neurons: Integers, places: int) -> None:
        """Give a group other neurons: each receives what is in transit to the one that ``neurons`` names."""
        self.rings[group] = _moved(self.rings[group], neurons, places)
        self.externals[group] = _moved(self.externals[group], neurons, places)

    def add(
        self,
        steps: int | Integers,
        receptor: Receptor,
        target: int,
        amounts: float | npt.NDArray[np.floating],
        units: int | Integers | None = None,
    ) -> bool:
        """Add input that arrives at a group; return whether it took a new array.

        Numbers or arrays; ``units`` None: at all units. What cannot be counted comes as if from a generator.
        """
        slots = steps % self.slots
        if units is None:
            _add(self.shared[GROUPS], (target, slots, _core.place_in_slot(receptor, self.receptors)), amounts)
            return False
        ring, external = self.rings[target], self.externals[target]
        assert ring is not None
        place = _core.place_in_slot(receptor, ring.shape[1])
        if self.units[target] is None and receptor != "current":
            _add(ring, (slots, place, units), amounts)
            return False
        new = external is None
        if external is None:
            external = self.externals[target] = memory.aligned_zeros((len(ring), ring.shape[1] + 1, ring.shape[2]))
        _add(external, (slots, place, units), amounts)
        return new

    def take_over(self, other: RingBuffers, step: int) -> None:
        """Copy what arrives at all units from a step on in buffers of as many groups, to arrive from step 0 on."""
        k = np.arange(min(self.slots, other.slots))[:, np.newaxis]
        common = min(self.receptors, other.receptors)
        mine, theirs = (_places(common, buffers.receptors) for buffers in (self, other))
        self.shared[:, :, k, mine] = other.shared[:, :, (step + k) % other.slots, theirs]


def _add(sums: Ring, place: tuple[Any, ...], amounts: float | npt.NDArray[np.floating]) -> None:
    """Add amounts to sums at an index of numbers and arrays; amounts at the same place add up."""
    np.add.at(sums, place, amounts)


def _moved(ring: npt.NDArray[Amount] | None, neurons: Integers, places: int) -> npt.NDArray[Amount] | None:
    """Return a ring buffer in which each neuron receives what is in transit to one of ``neurons``; None of None."""
    if ring is None:
        return None
    new = memory.aligned_zeros((*ring.shape[:2], _row(places)), ring.dtype)
    new[..., : len(neurons)] = ring[..., neurons]
    return new


def _recount(ring: Ring | None, unit: Unit | None, new: Unit | None) -> tuple[Ring | None, Unit | None]:
    """Return a ring buffer, or None for an empty one, and its unit: ``new``, unless what is on its way forbids it."""
    if ring is None or not ring.any():
        return (ring if (unit is None) == (new is None) else None), new
    if unit is None:
        return ring, None
    if new is not None and np.array_equal(unit.size, new.size) and int(ring.max()) + new.most <= MOST:
        return ring, new
    return memory.aligned_copy(ring * unit.size[:, np.newaxis]), None


def _resumed(kept: npt.NDArray[Any], shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a copy of a ring buffer, which must have this shape and type."""
    check_alike("input of neurons", kept, np.broadcast_to(np.zeros((), dtype), shape))
    return memory.aligned_copy(kept)


def _fit(
    ring: npt.NDArray[Amount] | None,
    slots: int,
    kinds: int,
    row: int,
    moved: tuple[Integers, Integers],
    dtype: type[Amount],
    of_currents: bool = False,
) -> npt.NDArray[Amount]:
    """Return a ring buffer with the content of ``ring`` (None: nothing), whose last kind may be ``of_currents``."""
    if ring is not None and ring.shape[:2] == (slots, kinds):
        return ring
    new = memory.aligned_zeros((slots, kinds, row), dtype)
    if ring is not None:
        kept = [*range(ring.shape[1] - of_currents), *([kinds - 1] if of_currents else [])]
        new[moved[1][:, np.newaxis], kept] = ring[moved[0]]
    return new


def _places(receptors: int, of_slot: int) -> list[int]:
    """Return the places of the first receptors, of the current, and of their variances, in a slot for more receptors.

    A slot with ``receptors`` alone has them in this order.
    """
    return [*range(receptors), *range(of_slot, of_slot + receptors + 1)]


def _width(receptors: int) -> int:
    """Return the length of a slot for input to all units."""
    return 2 * receptors + 1


def _row(places: int) -> int:
    """Return the length of a row: an odd number of 64 places, so that rows do not share lines of a cache; or 0."""
    return 64 * (-(-places // 64) | 1) if places else 0
