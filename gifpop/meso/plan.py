"""The arrays of a mesoscopic population, in the time loop's units.

Symbols as in Schwalger, Deger & Gerstner (2017): h the step, P the leak of the membrane over a step, theta the
threshold kernel, K the number of cohorts in the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from gifpop.common.grid import refractory_steps
from gifpop.common.membrane import (
    Propagators,
    arrival_current,
    arrival_potential,
    log_hazard,
    propagators,
    underflows_to_zero,
)
from gifpop.common.private_currents import with_memory
from gifpop.common.receptors import RECEPTORS, name_currents
from gifpop.common.remembered import remembered
from gifpop.common.stateful import Stateful, fill
from gifpop.common.typing import PlasticityForm
from gifpop.meso import _meso, history, synapses
from gifpop.meso.kernels import current_kernel, threshold_kernel
from gifpop.meso.modes import Carried, begin_carried, count_modes, count_moments, plan_carried, update_carried

if TYPE_CHECKING:
    from gifpop.common.private_currents import PrivateCurrent
    from gifpop.common.typing import Arrays, Floats, Integers, Stream, Structured
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.parameters import GIF

LONGEST_HISTORY = 20_000.0  # ms; NEST starts its search for the automatic length here
MOST_AUTOMATIC = 2.0**62  # steps; no memory holds as many, but integers do
SHORTEST_SLIDE = 256  # places that the window of cohorts slides over before it is moved back
NOT_KNOWN = -1.0  # the distance between potentials; hazards are then computed from them
NONE: Mapping[int, LinkPlasticity] = MappingProxyType({})
MOST_CELLS_KEPT = 16  # kinds of neurons of which the length of history is remembered
VARIABLES = ("n_events", "mean", "V_m", "E_sfa")  # that can be recorded, before the synaptic currents
LARGEST_EXPONENT = 600.0  # as in the compiled loops: enormous, and far from overflow
SURVIVORS = _meso.COHORT_ARRAYS.index("survivors")
SUMS = [_meso.COHORT_ARRAYS.index(name) for name in ("count", "survivors", "variance")]  # over neurons


@dataclass
class PopulationPlan(Stateful):
    """One mesoscopic population as arrays (see `_meso.MesoPopulation`)."""

    constants: Structured
    receptors: Structured
    state: Structured
    I_syn: Floats
    theta: Floats
    quasi: Floats
    sfa_decay: Floats
    sfa_feed: Floats
    sfa_weight: Floats
    relative_jumps: Floats
    sfa: Floats
    cohorts: Floats
    cells: history.Cells | None = None
    carried: Carried | None = None
    plasticities: Mapping[int, LinkPlasticity] = field(default_factory=dict)
    mean_fields: Structured | None = None
    smooth: bool = False
    budget: Floats | None = None
    receptor_names: tuple[str, ...] = RECEPTORS

    STATE: ClassVar = ("state", "I_syn", "sfa", "cohorts", "cells", "carried", "mean_fields", "budget")
    neurons: ClassVar[Literal[False]] = False
    fires_once: ClassVar[Literal[False]] = False
    units: ClassVar[int] = 1
    places: ClassVar[int] = 0  # no neuron receives input of its own

    @property
    def drawn(self) -> bool:
        """Whether spikes are drawn cohort by cohort: ``budget`` is the hazard until the next one."""
        return self.budget is not None

    @property
    def adapts(self) -> bool:
        """Whether cohorts carry adaptation."""
        return self.carried is not None and self.carried.acting > 0

    @property
    def laws(self) -> tuple[LinkPlasticity, ...]:
        """The different plasticities of connections from it, those first that its cohorts carry."""
        return tuple(
            law
            for form in get_args(PlasticityForm)
            for law in synapses.laws_of(synapses.of_form(self.plasticities, form))
        )

    @property
    def n_receptors(self) -> int:
        return len(self.I_syn)

    @property
    def recordables(self) -> tuple[str, ...]:
        """Names of the variables that can be recorded."""
        return recordables(self.receptor_names)

    @property
    def recorded(self) -> tuple[Floats, ...]:
        """The arrays that hold these variables."""
        return tuple(map(self.of_units, self.recordables))

    def of_units(self, name: str) -> Floats:
        """Return the value of a state variable as an array of length 1; writing to it changes the state."""
        currents = name_currents(self.receptor_names)
        if name not in currents:
            return self.state[name]
        receptor = currents.index(name)
        return self.I_syn[receptor : receptor + 1]

    @property
    def K(self) -> int:
        """Number of cohorts, each of one step."""
        return len(self.theta) - _meso.PADDING

    @property
    def work(self) -> int:
        """Number of cohorts that a step passes over: those of one step."""
        return self.K

    @property
    def length(self) -> int:
        """Number of steps of the history."""
        return self.K if self.cells is None else len(self.cells.widest) - 1

    @property
    def merged(self) -> dict[str, Floats]:
        """The cells of merged cohorts, the oldest first: a dict of arrays."""
        assert self.cells is not None
        used = slice(_meso.PADDING, _meso.PADDING + self.state["cells"][0])
        return dict(zip(_meso.CELL_ARRAYS, self.cells.rows[:, used], strict=True)) | {
            "traces": self.cells.traces[:, used]
        }

    @property
    def in_use(self) -> slice[int, int]:
        """Places of the cohorts, the oldest first."""
        oldest = self.state["oldest"][0]
        return slice(oldest, oldest + self.state["cohorts"][0])

    @property
    def window(self) -> dict[str, Floats]:
        """The cohorts, at most K, the oldest first: a dict of arrays."""
        return dict(zip(_meso.COHORT_ARRAYS, self.cohorts[:, self.in_use], strict=True))

    @property
    def survivors(self) -> Floats:
        """The numbers of free neurons, and of those in cells and cohorts, the oldest first."""
        merged = np.zeros(0) if self.cells is None else self.merged["survivors"]
        return np.concatenate([self.state["survivors"], merged, self.window["survivors"]])

    def set_survivors(self, neurons: Floats) -> None:
        """Set these numbers, which have no variance."""
        first = 1 + int(self.state["cells"][0])
        self.state["survivors"], self.state["variance"] = neurons[0], 0.0
        if self.cells is not None:
            self.merged["survivors"][:] = neurons[1:first]
        self.window["survivors"][:] = neurons[first:]

    @underflows_to_zero
    def scale(self, share: float) -> None:
        """Multiply the number of neurons, keeping their state: scale every sum over neurons."""
        for name in ("mean", "n_events", "survivors", "variance"):
            self.state[name] *= share
        for rows in (self.cohorts,) if self.cells is None else (self.cohorts, self.cells.rows):
            rows[SUMS] *= share

    def bind(self, stream: Stream) -> _meso.MesoPopulation:
        """Return the population for the time loop, with a bit generator to draw spike counts from."""
        assert isinstance(stream, np.random.BitGenerator)
        return _meso.MesoPopulation(self, stream)


def recordables(receptors: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the variables that can be recorded of a population whose neurons have these receptors."""
    return (*VARIABLES, *name_currents(receptors))


@underflows_to_zero
def plan_population(
    cell: GIF,
    N: int,
    dt: float,
    K: int,
    cells: history.Cells | None = None,
    binomial: bool = True,
    carries: bool = False,
    capacity: Sequence[float] | None = None,
    smooth: bool = False,
    drawn: bool = False,
    private: tuple[PrivateCurrent, ...] = (),
    plasticities: Mapping[int, LinkPlasticity] = NONE,
) -> PopulationPlan:
    """Return the arrays of a population, all zero where they hold state.

    Parameters
    ----------
    cell : GIF
    N : int
        Neurons.
    dt : float, ms
    K : int
        Cohorts in the history.
    cells : gifpop.meso.history.Cells or None
        Where cohorts older than these K go, in an adaptive history; None: they join the free neurons.
    binomial : bool
        Binomial spike counts; False: Poisson counts clipped to [0, N].
    carries : bool
        Cohorts carry the adaptation of their members; False: past spikes act as if Poisson (quasi-renewal).
    capacity : sequence of float, or None
        Where neurons receive input of their own: see `gifpop.meso.modes.Carried`. Only where adaptation is carried.
    smooth : bool
        Expected counts are smooth functions of the parameters: no threshold changes what happens by more than rounding.
    drawn : bool
        Spikes are drawn cohort by cohort; False: their sum is, with a correction for finite size.
    private : tuple of gifpop.common.private_currents.PrivateCurrent
        Currents of each neuron's own that fluctuate: see `gifpop.meso.modes.Carried`. Only with a capacity.
    plasticities : mapping of int to gifpop.engine.plasticity.LinkPlasticity
        Of connections from the population, by the numbers of these.
    """
    tau, q = np.array(cell.tau_sfa), np.array(cell.q_sfa)
    theta = threshold_kernel(cell, dt * np.arange(K, 0, -1)) / cell.Delta_V
    tau_syn = cell.synaptic_times
    membrane = propagators(dt, cell.C_m, cell.tau_m, cell.E_L, cell.I_e, tau_syn)
    padding = (_meso.PADDING, 0)
    decay = np.exp(-dt / tau)
    whole = carries or cells is not None
    cohorts = np.zeros((len(_meso.COHORT_ARRAYS), count_places(K)))
    carried_laws = synapses.of_form(plasticities, "carried")
    adapts = carries and count_modes(cell, capacity is not None, len(with_memory(private))) > 0
    cell_places = None if cells is None else cells.rows.shape[1]
    return PopulationPlan(
        constants=_constants(cell, N, dt, binomial, membrane),
        receptors=_receptors(cell, dt, tau_syn, membrane, len(private)),
        state=np.zeros(1, _meso.STATE),
        I_syn=np.zeros(len(tau_syn) + len(private)),
        theta=np.pad(theta, padding),
        quasi=np.pad(-np.expm1(np.minimum(-theta, LARGEST_EXPONENT)) / N, padding),
        sfa_decay=decay,
        sfa_feed=np.full(len(tau), 1.0 / N) if whole else -np.expm1(-dt / tau) / (N * dt),
        sfa_weight=q if whole else q * tau * np.exp(-K * dt / tau),
        relative_jumps=q / cell.Delta_V,
        sfa=np.zeros(len(tau)),
        cohorts=cohorts,
        cells=cells,
        carried=plan_carried(cell, dt, capacity, cohorts.shape[1], cell_places, private, carried_laws, carries)
        if adapts or carried_laws
        else None,
        plasticities=dict(plasticities),
        mean_fields=synapses.mean_fields_at_rest(plasticities),
        smooth=smooth,
        budget=np.zeros(1) if drawn else None,
        receptor_names=cell.receptors,
    )


def plan_adaptive(
    cell: GIF,
    N: int,
    dt: float,
    len_kernel: int,
    tolerance: float,
    binomial: bool = True,
    carries: bool = False,
    capacity: Sequence[float] | None = None,
    smooth: bool = False,
    drawn: bool = False,
    private: tuple[PrivateCurrent, ...] = (),
    plasticities: Mapping[int, LinkPlasticity] = NONE,
) -> PopulationPlan:
    """Return the arrays of a population with an adaptive history of at least ``len_kernel`` steps.

    Where that would take more work than an exact history of ``len_kernel`` steps, the history is that one. Other
    parameters as of `plan_population`; tolerance as of `gifpop.meso.history.widest_cells`.
    """
    widest = affordable_cells(cell, dt, len_kernel, tolerance, smooth)
    others = binomial, carries, capacity, smooth, drawn, private, plasticities
    if widest is None:
        return plan_population(cell, N, dt, len_kernel, None, *others)
    window = history.window_length(widest)
    cells = history.plan_cells(cell, dt, window, widest, tolerance, with_spikes=not carries)
    return plan_population(cell, N, dt, window, cells, *others)


def resume_population(
    cell: GIF,
    N: int,
    dt: float,
    kept: Arrays,
    tolerance: float | None,
    binomial: bool = True,
    carries: bool = False,
    smooth: bool = False,
    drawn: bool = False,
    private: tuple[PrivateCurrent, ...] = (),
    plasticities: Mapping[int, LinkPlasticity] = NONE,
) -> PopulationPlan:
    """Return the arrays of a population with the state of one that has been running.

    Its history is as long as that one's, and its neurons have input of their own if they had.

    Parameters
    ----------
    kept : dict of str to array
        What `PopulationPlan.state_arrays` returned.
    tolerance : float or None
        Of an adaptive history.

    Raises
    ------
    ValueError
        If the arrays do not fit the other parameters, which are those of `plan_population`.
    """
    K = fitting_cohorts(kept["cohorts"].shape[1])
    cells = None
    if "cells.widest" in kept:
        if tolerance is None:
            raise ValueError("an exact history must have no cells")
        widest, places = kept["cells.widest"], kept["cells.rows"].shape[1]
        history.check_widest(widest)
        cells = history.plan_cells(cell, dt, K, widest, tolerance, with_spikes=not carries, least_places=places)
    modes = count_modes(cell, True, remembered=len(with_memory(private)))
    modes += synapses.count_modes(synapses.laws_of(synapses.of_form(plasticities, "carried")))
    noisy = carries and "carried.fired" in kept and len(kept["carried.fired"]) == count_moments(modes)
    if noisy and modes > _meso.MOST_MODES:
        raise ValueError(f"there must be at most {_meso.MOST_MODES} modes, got {modes}")
    capacity = (0.0,) * len(cell.receptors) if noisy else None  # filled below
    plan = plan_population(
        cell, N, dt, K, cells, binomial, carries, capacity, smooth, drawn, private if noisy else (), plasticities
    )
    fill(plan.state_arrays(), kept)
    return plan


def count_places(K: int) -> int:
    """Return the number of places of a window of K cohorts, over which it slides."""
    return _meso.PADDING + K + max(K, SHORTEST_SLIDE)


def fitting_cohorts(places: int) -> int:
    """Return the number of cohorts that have as many places (`count_places`)."""
    return max(1, min(places - _meso.PADDING - SHORTEST_SLIDE, (places - _meso.PADDING) // 2))


def affordable_cells(cell: GIF, dt: float, len_kernel: int, tolerance: float, smooth: bool) -> Integers | None:
    """Return the allowed width of a cell, in steps, by age; None if an exact history takes less work."""
    widest = widest_cells(history.rounded(cell) if smooth else cell, dt, len_kernel, tolerance)
    length = history.affordable_length(widest, len_kernel)
    return widest[: length + 1] if length > 0 else None


@remembered
def widest_cells(cell: GIF, dt: float, len_kernel: int, tolerance: float) -> Integers:
    """Return the allowed width of a cell, in steps, by age, for a kind of neurons; read-only."""
    length = history.adaptive_length(cell, dt, len_kernel, automatic_history(cell, dt), tolerance)
    widest = history.widest_cells(cell, dt, length, tolerance)
    widest.flags.writeable = False
    return widest


@underflows_to_zero
def update_plan(
    plan: PopulationPlan,
    cell: GIF,
    N: int,
    dt: float,
    binomial: bool = True,
    capacity: Sequence[float] | None = None,
    private: tuple[PrivateCurrent, ...] = (),
    plasticities: Mapping[int, LinkPlasticity] = NONE,
) -> None:
    """Change the parameters of a population; state, history and its length stay."""
    if plan.cells is not None:
        _widen_window(plan, int(refractory_steps(cell.t_ref, dt)))
    stop = plan.in_use.stop
    refractory = slice(max(plan.in_use.start, stop - int(plan.constants["refractory"][0])), stop)
    capacity = _lasting_capacity(plan.carried, capacity)
    carries = plan.adapts or capacity is not None
    plan.scale(N / plan.constants["N"][0])
    if plan.drawn:  # whole numbers stay whole, and those of neighbours together nearly in proportion
        plan.set_survivors(np.diff(np.rint(np.cumsum(plan.survivors)), prepend=0.0))
    new = plan_population(
        cell, N, dt, plan.K, plan.cells, binomial, carries, capacity, private=private, plasticities=plasticities
    )
    if plan.cells is not None:
        plan.cells = history.update_cells(plan.cells, cell, dt, plan.K, plan.state["cells"][0], plan.smooth)
    if plan.carried is not None and new.carried is not None:
        update_carried(plan.carried, new.carried, plan.cells, refractory, _members(plan))
    elif new.carried is not None:
        places = None if plan.cells is None else plan.cells.rows.shape[1]
        own = private, synapses.of_form(plasticities, "carried"), carries
        plan.carried = plan_carried(cell, dt, capacity, plan.cohorts.shape[1], places, *own)
    else:
        plan.carried = None
    plan.mean_fields = synapses.continued_mean_fields(plan.mean_fields, plan.plasticities, plasticities)
    plan.plasticities = dict(plasticities)
    plan.I_syn = np.concatenate([plan.I_syn[: len(cell.receptors)], np.zeros(len(private))])
    for name in ("constants", "receptors", "theta", "quasi", "sfa_decay", "sfa_feed", "sfa_weight", "relative_jumps"):
        setattr(plan, name, getattr(new, name))
    plan.state["spread"] = NOT_KNOWN


def _members(plan: PopulationPlan) -> list[Floats] | None:
    """Return the numbers of neurons, in the order of `Carried.states`, where they are whole."""
    if not plan.drawn:
        return None
    arrays = [plan.state["survivors"], plan.cohorts[SURVIVORS]]
    return arrays if plan.cells is None else [*arrays, plan.cells.rows[SURVIVORS]]


def _lasting_capacity(carried: Carried | None, capacity: Sequence[float] | None) -> Sequence[float] | None:
    """Return the capacity of input that neurons receive of their own, or did before a change."""
    if carried is None or not carried.noisy:
        return capacity
    before: list[float] = carried.capacity[: len(carried.capacity) - len(carried.private)].tolist()
    if capacity is None:
        return before
    return [now if now > 0.0 else was for now, was in zip(capacity, before, strict=True)]  # samples may be on their way


def _widen_window(plan: PopulationPlan, K: int) -> None:
    """Keep at least K cohorts apart in an adaptive history; the oldest ones are empty at first."""
    more = K - plan.K
    if more > 0:
        places = count_places(K)
        old, kept = plan.in_use, slice(_meso.PADDING + K - int(plan.state["cohorts"][0]), _meso.PADDING + K)
        plan.theta, plan.quasi = np.pad(plan.theta, (more, 0)), np.pad(plan.quasi, (more, 0))
        plan.cohorts = _moved(plan.cohorts, places, old, kept)
        if plan.carried is not None:
            plan.carried.cohorts = _moved(plan.carried.cohorts, places, old, kept)
        plan.state["oldest"] = _meso.PADDING
        plan.state["cohorts"] = K


def _moved(rows: Floats, places: int, old: slice, new: slice) -> Floats:
    """Return rows of another length with the same content elsewhere."""
    moved = np.zeros((len(rows), places))
    moved[:, new] = rows[:, old]
    return moved


@underflows_to_zero
def start_history(plan: PopulationPlan, potential: float, fired: bool = True) -> None:
    """Reset the history, with every cohort at ``potential`` mV.

    All neurons have just fired, in the newest cohort; or their last spike has left the history long ago.
    """
    N = plan.constants["N"][0]
    plan.cohorts[:] = 0.0
    plan.sfa[:] = 0.0
    for name in ("survivors", "variance", "hazard", "cells"):
        plan.state[name] = 0
    plan.state["until_merging"] = history.MERGE_EVERY
    plan.state["spread"] = NOT_KNOWN
    plan.state["oldest"] = _meso.PADDING
    plan.state["cohorts"] = plan.K
    plan.state["n_events"] = N if fired and plan.adapts else 0.0
    window = plan.window
    window["potential"][:] = potential
    if plan.carried is not None:
        begin_carried(plan.carried, plan.in_use.stop - 1, refractory=plan.constants["refractory"][0] > 0)
    if fired:
        window["count"][-1] = window["survivors"][-1] = N
    else:
        plan.state["survivors"] = N
    plan.state["E_sfa"] = plan.constants["V_T_star"]


@lru_cache(maxsize=MOST_CELLS_KEPT)
@underflows_to_zero
def automatic_history(cell: GIF, dt: float) -> int:
    """Return the number of cohorts that NEST chooses for ``len_kernel=-1``.

    The shortest history, from 20 s down, beyond which a spike adds less than a tenth of Delta_V to the threshold; at
    least five membrane time constants and longer than the refractory period.
    """
    shortest = int(5 * cell.tau_m / dt)
    K = int(LONGEST_HISTORY / dt)
    block = 4096
    while shortest < K:
        lengths = np.arange(K, max(shortest, K - block), -1)
        needed = (threshold_kernel(cell, lengths * dt) + current_kernel(cell, lengths * dt)) / cell.Delta_V >= 0.1
        if needed.any():
            K = int(lengths[np.argmax(needed)])
            break
        K = int(lengths[-1]) - 1
    if K * dt <= cell.t_ref:
        K = int(min(cell.t_ref / dt, MOST_AUTOMATIC)) + 1
    return max(K, int(refractory_steps(cell.t_ref, dt)) + 1)


def _constants(cell: GIF, N: int, dt: float, binomial: bool, membrane: Propagators) -> Structured:
    """Return the constants of the time loop."""
    c = np.zeros(1, _meso.CONSTANTS)
    c["N"] = N
    c["poisson"] = not binomial
    c["refractory"] = refractory_steps(cell.t_ref, dt)
    c["V_reset"] = cell.V_reset
    c["V_T_star"] = cell.V_T_star
    c["inverse_Delta_V"] = 1.0 / cell.Delta_V
    c["lambda_0"] = cell.lambda_0
    c["half_step"] = 0.5e-3 * dt
    c["log_hazard"] = log_hazard(np.log, 0.5e-3 * dt, cell.lambda_0)
    for name in ("leak", "constant_drive", "current_gain"):
        c[name] = getattr(membrane, name)
    return c


def _receptors(cell: GIF, dt: float, tau_syn: Sequence[float], membrane: Propagators, private: int = 0) -> Structured:
    """Return the constants of each receptor, and of so many private currents, which have no mean here."""
    receptors = np.zeros(len(tau_syn) + private, _meso.RECEPTOR)
    own = receptors[: len(tau_syn)]
    own["decay"] = membrane.decay
    own["carry"] = membrane.carry
    own["input"] = [arrival_current(tau, dt) for tau in tau_syn]
    own["arrive"] = [arrival_potential(tau, cell.tau_m, dt) / cell.C_m for tau in tau_syn]
    return receptors
