"""Modes that cohorts carry: those of adaptation, then those of short-term plasticity (`gifpop.meso.synapses`).

Adaptation is the effects of past spikes on a neuron, a sum of exponentials (docs/closures.md). Thresholds decay
exponentially, each a mode of its own. Currents act on the potential u, through the membrane: with
b = tau_m tau / ((tau - tau_m) C_m) for a current c, u + b c relaxes like a membrane without it. So each current is a
mode that acts like a threshold, and the membrane one more, which is reset after every spike. All these modes are in
units of Delta_V and raise the threshold by their sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gifpop.common.membrane import arrival_current, arrival_potential, current_gain, underflows_to_zero
from gifpop.common.private_currents import with_memory
from gifpop.common.stateful import Stateful
from gifpop.meso import synapses

if TYPE_CHECKING:
    from gifpop.common.private_currents import PrivateCurrent
    from gifpop.common.typing import Floats, Structured
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.meso.history import Cells
    from gifpop.parameters import GIF

NEAREST = 1e-4  # relative; a current as slow as the membrane is taken for one that differs by so much


@dataclass
class Carried(Stateful):
    """What a population's cohorts carry (see `_meso.MesoPopulation`).

    Moments are the D means of the modes, then the lower triangle of their covariance, row by row; between two steps,
    what they will have decayed to at the end of the next one; those of plasticity in units that decay. Beside them
    stands their lift, by which they lower the logarithm of the averaged hazard.

    Attributes
    ----------
    plasticities : mapping of int to gifpop.engine.plasticity.LinkPlasticity
        Of the connections from the population, by their numbers.
    acting : int
        Modes of adaptation, the first ones; those of plasticity follow, law by law.
    synapses : structured array
        The laws, as the time loop reads them.
    unit, shrink : float64 array, or None
        Units of the values of the modes of plasticity, and their factors over a step; None without any.
    currents : int
        The first mode that is a current; before that of the membrane, the last one of adaptation.
    membrane : bool
        Whether there are currents, and this mode.
    least_lift : float
        The smallest lift that there can be: no less than 0 where spikes only raise thresholds and lower potentials,
        which a Gaussian distribution alone does not know.
    noisy : bool
        Whether neurons receive input of their own, which adds the deviations of their synaptic currents from the mean
        to the modes.
    private : tuple of gifpop.common.private_currents.PrivateCurrent
        Currents of each neuron's own that fluctuate. They count as further receptors, at which nothing but variance
        arrives; those with a memory add their deviations from the mean, in their own units, to the modes.
    modes : float64 array, shape (acting, acting)
        From the thresholds (mV), spike-triggered currents and deviations of synaptic (pA) and private currents of a
        neuron and what they have added to its potential (mV) to its modes.
    decay : float64 array of length moments
        Factors over a step.
    jump : float64 array of length D
        At a spike.
    noise : float64 array, shape (receptors, moments)
        What input of variance 1 pA^2 at each receptor adds to the moments.
    direction : float64 array, shape (receptors, D + 1)
        What input of 1 pA at each receptor, spread over a step, adds to the modes, and their sum.
    capacity : float64 array of length receptors
        Variance, pA^2, that all neurons together would bring which the samples of spikes are drawn from, if each fired
        once; 0: there are none.
    forget : float64 array of length receptors
        Factor over a step, of the memory of synapse and membrane.
    recent : float64 array of length receptors
        Share of these neurons that fired within that memory.
    added, fired : float64 array of length moments
        What is added in a step; moments of the neurons that last fired, just before.
    free : float64 array of length moments + 1
        Moments and lift of the free neurons.
    cohorts, cells : float64 array, shape (moments + 1, places); cells None without an adaptive history
    """

    plasticities: Mapping[int, LinkPlasticity]
    acting: int
    synapses: Structured
    unit: Floats | None
    shrink: Floats | None
    currents: int
    membrane: bool
    least_lift: float
    noisy: bool
    private: tuple[PrivateCurrent, ...]
    modes: Floats
    decay: Floats
    jump: Floats
    noise: Floats
    direction: Floats
    capacity: Floats
    forget: Floats
    recent: Floats
    added: Floats
    free: Floats
    fired: Floats
    cohorts: Floats
    cells: Floats | None

    STATE: ClassVar = ("unit", "recent", "added", "free", "fired", "cohorts", "cells")
    LASTING: ClassVar = ("capacity",)

    @property
    def D(self) -> int:
        """Number of modes."""
        return len(self.jump)

    @property
    def laws(self) -> tuple[LinkPlasticity, ...]:
        """The different plasticities."""
        return synapses.laws_of(self.plasticities)

    @property
    def units(self) -> Floats:
        """Units of the values of all modes."""
        return np.concatenate([np.ones(self.acting), [] if self.unit is None else self.unit])

    @property
    def states(self) -> list[Floats]:
        """The moments and lifts of neurons, in rows."""
        arrays = [self.free[:, np.newaxis], self.cohorts]
        return arrays if self.cells is None else [*arrays, self.cells]


def count_modes(cell: GIF, noisy: bool = False, remembered: int = 0) -> int:
    """Return the number of modes of a neuron's adaptation, with so many private currents that have a memory."""
    currents = len(cell.tau_stc) + len(cell.receptors) * noisy + remembered
    return len(cell.tau_sfa) + currents + (currents > 0)


def count_moments(modes: int) -> int:
    """Return the number of means and covariances of modes."""
    return modes + modes * (modes + 1) // 2


@underflows_to_zero
def plan_carried(
    cell: GIF,
    dt: float,
    capacity: Sequence[float] | None,
    places: int,
    cell_places: int | None,
    private: tuple[PrivateCurrent, ...] = (),
    plasticities: Mapping[int, LinkPlasticity] = MappingProxyType({}),
    adapts: bool = True,
) -> Carried:
    """Return what cohorts carry, with a state of zeros.

    Parameters
    ----------
    cell : GIF
    dt : float, ms
    capacity : sequence of float, or None
        Where neurons receive input of their own: see `Carried`.
    places, cell_places : int or None
        For cohorts; for cells of an adaptive history.
    private : tuple of gifpop.common.private_currents.PrivateCurrent
        Only with a capacity.
    plasticities : mapping of int to gifpop.engine.plasticity.LinkPlasticity
        Of the connections from the population, by their numbers.
    adapts : bool
        Cohorts carry adaptation; False: plasticity alone.
    """
    if not adapts:
        cell = replace(cell, tau_sfa=[], q_sfa=[], tau_stc=[], q_stc=[])
    tau_syn = np.array(cell.synaptic_times)
    of_input = tau_syn if capacity is not None else tau_syn[:0]
    slow = with_memory(private)
    thresholds, currents = len(cell.tau_sfa), len(cell.tau_stc) + len(of_input) + len(slow)
    membrane = currents > 0
    taus = (*cell.tau_stc, *of_input, *(one.tau(dt) for one in slow))
    tau_currents = np.array([_apart(tau, cell.tau_m) for tau in taus])
    b = cell.tau_m * tau_currents / ((tau_currents - cell.tau_m) * cell.C_m)
    b[len(cell.tau_stc) :] *= -1.0  # a synaptic current adds to the potential, the others are subtracted
    if slow:
        b[-len(slow) :] = _of_stepwise(cell, dt, tau_currents[-len(slow) :]) * [one.unit for one in slow]

    modes = np.diag([*np.ones(thresholds), *b, *([-1.0] if membrane else [])]) / cell.Delta_V
    if membrane:
        modes[-1, thresholds:-1] = -b / cell.Delta_V
    tau = np.array([*cell.tau_sfa, *tau_currents, *([cell.tau_m] if membrane else [])])
    acting, laws = len(tau), synapses.laws_of(plasticities)
    jump = modes @ np.array([*cell.q_sfa, *cell.q_stc, *np.zeros(acting - thresholds - len(cell.q_stc))])
    if membrane:
        jump[-1] = 0.0  # the membrane is reset when refractoriness ends
    shrink = synapses.factors(laws)
    steady = len(shrink)  # modes whose moments do not decay, in their units
    moments = count_moments(acting + steady)
    direction = _direction(cell, dt, modes, of_input, private)
    receptors_alone = np.zeros((len(tau_syn) - len(of_input), acting))  # what arrives there adds nothing
    direction = np.pad(np.vstack([receptors_alone, direction]), [(0, 0), (0, steady)])
    decay = np.concatenate([np.exp(-dt / tau), np.ones(steady)])
    return Carried(
        plasticities=dict(plasticities),
        acting=acting,
        synapses=synapses.arrays_of(laws, acting),
        unit=np.ones(steady) if laws else None,
        shrink=shrink if laws else None,
        currents=thresholds,
        membrane=membrane,
        least_lift=0.0 if capacity is None and min((*cell.q_sfa, *cell.q_stc), default=0.0) >= 0.0 else -np.inf,
        noisy=capacity is not None,
        private=private,
        modes=modes,
        decay=np.concatenate([decay, _triangle(np.outer(decay, decay))]),
        jump=np.concatenate([jump, np.zeros(steady)]),
        noise=_noise(direction, moments),
        direction=np.column_stack([direction, direction.sum(axis=1)]),
        capacity=np.concatenate([np.zeros(len(tau_syn)) if capacity is None else capacity, np.zeros(len(private))]),
        forget=np.exp(-dt / (cell.tau_m + np.concatenate([tau_syn, np.zeros(len(private))]))),
        recent=np.zeros(len(direction)),
        added=np.zeros(moments),
        free=np.zeros(moments + 1),
        fired=np.zeros(moments),
        cohorts=np.zeros((moments + 1, places)),
        cells=None if cell_places is None else np.zeros((moments + 1, cell_places)),
    )


@underflows_to_zero
def begin_carried(carried: Carried, youngest: int, refractory: bool) -> None:
    """Reset: only neurons that have just fired, in the youngest cohort, carry adaptation.

    ``refractory``: they wait before they may fire again.
    """
    for rows in (*carried.states, carried.fired, carried.recent):
        rows[:] = 0.0
    if carried.unit is not None:
        carried.unit[:] = 1.0
    D = carried.D
    jump = _at_reset(carried) @ carried.jump if carried.membrane and not refractory else carried.jump
    carried.cohorts[:D, youngest] = jump * carried.decay[:D]
    carried.cohorts[-1, youngest] = max(carried.cohorts[:D, youngest].sum(), carried.least_lift)


@underflows_to_zero
def update_carried(
    carried: Carried, new: Carried, cells: Cells | None, refractory: slice, members: Sequence[Floats] | None = None
) -> None:
    """Set new parameters; the state of the neurons stays, in mV and pA.

    Parameters
    ----------
    carried, new : Carried
        The new one may have modes for input of the neurons' own that the old one has not: nothing is in them yet. What
        was in modes that are no longer there is lost, but for what it has done to the potential.
    cells : gifpop.meso.history.Cells or None
        Of an adaptive history, which may have got more places.
    refractory : slice
        Places of the cohorts that are refractory now; some may no longer be.
    members : sequence of float64 array, or None
        How many neurons have each moments, in the order of `Carried.states`; None: very many (`lifts`).
    """
    if cells is not None and carried.cells is not None:
        grown = np.zeros((len(carried.cells), cells.rows.shape[1]))
        grown[:, : carried.cells.shape[1]] = carried.cells
        carried.cells = grown
    of_adaptation = new.modes @ _same_neurons(carried, new) @ np.linalg.inv(carried.modes)
    units = carried.units[carried.acting :]
    of_plasticity, shift, units = synapses.changes(carried.plasticities, units, new.plasticities)
    change = _block_diagonal(of_adaptation, of_plasticity)
    shift = np.concatenate([np.zeros(new.acting), shift])[:, np.newaxis]

    def moved(moments: Floats) -> Floats:
        moments = _changed(moments, change)
        moments[: new.D] += shift
        return moments

    carried.fired = np.ascontiguousarray(moved(carried.fired[:, np.newaxis])[:, 0])

    def changed(rows: Floats, neurons: Floats | None, at_reset: slice = slice(0)) -> Floats:
        moments = moved(_undecayed(rows[:-1], carried.decay[:, np.newaxis]))
        if new.membrane:
            moments[:, at_reset] = _changed(moments[:, at_reset], _at_reset(new))
        moments *= new.decay[:, np.newaxis]
        means, covariances = unpack(moments, len(change))
        return np.vstack([moments, lifts(new, means, covariances, neurons)])

    free, cohorts, *of_cells = [None] * 3 if members is None else members
    carried.free = np.ascontiguousarray(changed(carried.free[:, np.newaxis], free)[:, 0])
    carried.cohorts = changed(carried.cohorts, cohorts, refractory)
    if carried.cells is not None:
        carried.cells = changed(carried.cells, of_cells[0])
    sampled = len(new.recent) - len(new.private)
    carried.recent = np.concatenate([carried.recent[:sampled], np.zeros(len(new.private))])
    carried.unit = None if new.unit is None else units
    parameters = "membrane", "noisy", "private", "least_lift", "modes", "decay", "jump", "noise", "direction"
    for name in (*parameters, "capacity", "forget", "added", "plasticities", "acting", "synapses", "shrink"):
        setattr(carried, name, getattr(new, name))


def _same_neurons(old: Carried, new: Carried) -> Floats:
    """Return the matrix that gives the state of neurons in thresholds and currents of new modes from that of old ones.

    What is of the neurons' own stands last, before the potential; in the end, private currents.
    """
    same = np.zeros((new.acting, old.acting))
    mine, theirs = (_places(carried) for carried in (new, old))
    kept = old.acting - old.membrane - len(theirs)
    same[:kept, :kept] = np.eye(kept)
    for number, place in theirs.items():
        if number in mine:
            same[mine[number], place] = 1.0
    if old.membrane:
        same[-1, -1] = 1.0
    return same


def _places(carried: Carried) -> dict[int, int]:
    """Return the modes of private currents by the numbers of these."""
    numbers = [one.number for one in with_memory(carried.private)]
    first = carried.acting - carried.membrane - len(numbers)
    return {number: first + i for i, number in enumerate(numbers)}


def _undecayed(moments: Floats, decay: Floats) -> Floats:
    """Return moments before their decay; zero for modes that vanish within a step."""
    return np.divide(moments, decay, out=np.zeros_like(moments), where=decay > 1e-300)


def _changed(moments: Floats, change: Floats) -> Floats:
    """Return moments, shape (moments, n), of modes that are multiplied by a matrix of shape (new, old)."""
    means, covariances = unpack(moments, change.shape[1])
    covariances = np.einsum("ij,jkn,lk->iln", change, covariances, change, optimize=True)
    return pack(change @ means, covariances)


def _at_reset(carried: Carried) -> Floats:
    """Return the matrix that gives the membrane's mode the value at which potentials are at the reset."""
    release, membrane = np.eye(carried.D), carried.acting - 1
    release[membrane] = 0.0
    release[membrane, carried.currents : membrane] = -1.0
    return release


def unpack(moments: Floats, D: int) -> tuple[Floats, Floats]:
    """Return means, shape (D, n), and covariances, shape (D, D, n), of moments, shape (moments, n)."""
    covariances = np.zeros((D, D, moments.shape[1]))
    rows, columns = np.tril_indices(D)
    covariances[rows, columns] = covariances[columns, rows] = moments[D:]
    return moments[:D], covariances


def lifts(carried: Carried, means: Floats, covariances: Floats, members: Floats | None) -> Floats:
    """Return by how much modes lower the logarithm of the averaged hazard of so many neurons; None: very many."""
    acting = slice(carried.acting)
    r = covariances[acting, acting].sum(axis=(0, 1))
    few = 0.0 if members is None else 0.5 / (members + 1.0)
    return np.maximum(means[acting].sum(axis=0) - 0.5 * r / (1.0 + few * r), carried.least_lift)


def pack(means: Floats, covariances: Floats) -> Floats:
    """Return moments, shape (moments, n), of means and covariances, as `unpack` returns them."""
    return np.concatenate([means, _triangle(covariances)])


def _block_diagonal(one: Floats, other: Floats) -> Floats:
    both = np.zeros((len(one) + len(other), one.shape[1] + other.shape[1]))
    both[: len(one), : one.shape[1]] = one
    both[len(one) :, one.shape[1] :] = other
    return both


def _triangle(matrices: Floats) -> Floats:
    """Return the lower triangle of matrices, shape (D, D, ...), row by row."""
    return matrices[np.tril_indices(len(matrices))]


def _apart(tau: float, tau_m: float) -> float:
    """Return the time constant of a current, moved away from that of the membrane if necessary."""
    nearest = NEAREST * tau_m
    if abs(tau - tau_m) >= nearest:
        return tau
    return tau_m + nearest if tau >= tau_m else tau_m - nearest


def _of_stepwise(cell: GIF, dt: float, tau: Floats) -> Floats:
    """Return b of currents that are constant in each step: with u, u + b c relaxes like a membrane without them."""
    kept, leak = np.exp(-dt / tau), np.exp(-dt / cell.tau_m)
    return np.asarray(current_gain(cell.C_m, cell.tau_m, dt) * kept / (leak - kept))


def _direction(cell: GIF, dt: float, modes: Floats, tau_syn: Floats, private: tuple[PrivateCurrent, ...]) -> Floats:
    """Return what input adds to the modes, shape (receptors and private currents, D).

    Of receptors, input of 1 pA, spread evenly over a step; of private currents, a unit.
    """
    direction = np.zeros((len(tau_syn) + len(private), len(modes)))
    place = len(modes) - 1 - len(tau_syn) - len(with_memory(private))
    for i, tau in enumerate(tau_syn.tolist()):
        direction[i] = modes[:, place + i] * arrival_current(tau, dt)
        direction[i] += modes[:, -1] * (arrival_potential(tau, cell.tau_m, dt) / cell.C_m)
    place += len(tau_syn)
    for row, one in zip(direction[len(tau_syn) :], private, strict=True):
        row += modes[:, -1] * (current_gain(cell.C_m, cell.tau_m, dt) * one.unit)
        if one.kept > 0.0:
            row += modes[:, place]
            place += 1
    return direction


def _noise(direction: Floats, moments: int) -> Floats:
    """Return the effect on the moments of such input of variance 1 pA^2."""
    noise = np.zeros((len(direction), moments))
    for row, of_modes in zip(noise, direction, strict=True):
        row[len(of_modes) :] = _triangle(np.outer(of_modes, of_modes))
    return noise
