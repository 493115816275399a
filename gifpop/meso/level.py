"""A population at the mesoscopic level: check, plan, start and change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gifpop.common import seeds
from gifpop.common.grid import refractory_steps
from gifpop.common.private_currents import with_memory
from gifpop.common.ranges import LARGEST_JUMP, LARGEST_SLOPE
from gifpop.meso import _meso, synapses
from gifpop.meso.history import rounded
from gifpop.meso.modes import count_modes, count_moments
from gifpop.meso.plan import (
    NONE,
    PopulationPlan,
    automatic_history,
    plan_adaptive,
    plan_population,
    recordables,
    resume_population,
    start_history,
    update_plan,
)

if TYPE_CHECKING:
    from gifpop.common.private_currents import PrivateCurrent
    from gifpop.common.typing import Arrays, Level, LevelOptions
    from gifpop.description import Population
    from gifpop.engine.plan import Plan
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.parameters import GIF


class MesoLevel:
    """A population as one stochastic equation.

    Parameters
    ----------
    population : Population
    options : gifpop.assembly.options.Options
        The adaptation is the population's own where it has one.
    capacity : sequence of float, or None
        Where neurons receive input of their own: see `gifpop.meso.modes.Carried`. Only where adaptation is carried.
    private : tuple of gifpop.common.private_currents.PrivateCurrent
        What else they receive of their own, likewise.
    plasticities : mapping of int to gifpop.engine.plasticity.LinkPlasticity
        Of connections from the population, by their numbers.
    """

    name: ClassVar[Level] = "meso"

    def __init__(
        self,
        population: Population,
        options: LevelOptions,
        capacity: Sequence[float] | None,
        private: tuple[PrivateCurrent, ...] = (),
        plasticities: Mapping[int, LinkPlasticity] = NONE,
    ) -> None:
        self.dt, self.initial, self.tolerance = options.dt, options.initial, options.merging
        self.capacity, self.private, self.smooth = capacity, private, options.smooth
        self.plasticities = plasticities
        self.carries = (population.adaptation or options.adaptation) == "carried"
        self.drawn = population.finite_size == "drawn"
        self.length = population.len_kernel
        self.recordables = recordables(population.cell.receptors)
        self.check(population)
        modes = self._count_modes(population.cell) if self.carries else 0
        modes += synapses.count_modes(synapses.laws_of(synapses.of_form(plasticities, "carried")))
        self.moments = count_moments(modes) + (modes > 0)
        if self.length == -1:
            self.length = automatic_history(rounded(population.cell) if self.smooth else population.cell, self.dt)

    def check(self, population: Population) -> None:
        """Raise an error if this level does not support a population."""
        cell, where = population.cell, f"Population {population.name!r}"
        for name in cell.various():
            raise ValueError(
                f"{where}: GIF.{name} must be one number at the mesoscopic level, got {getattr(cell, name)}: neurons "
                "that differ have no exact meaning there"
            )
        if cell.tau_stc and not self.carries:
            raise ValueError(
                f"{where}: GIF.tau_stc must be empty with adaptation='quasi-renewal', got {list(cell.tau_stc)}: "
                "spike-triggered currents have no equation there; adaptation='carried' has one"
            )
        if self.drawn and not population.BinoRand:
            raise ValueError(
                f"{where}: BinoRand must be True with finite_size='drawn', got False: each neuron fires or does not; "
                "finite_size='corrected' draws Poisson numbers"
            )
        if self.drawn and self.smooth:
            raise ValueError(
                f"{where}: finite_size must be 'corrected' with Simulation.smooth, got 'drawn': whole neurons that "
                "are drawn do not change smoothly with parameters"
            )
        if self.capacity is not None and not self.carries:
            raise ValueError(
                f"{where}: adaptation must be 'carried' where neurons receive input of their own (Simulation.wiring is "
                "'sparse', or shared of an input is False), got 'quasi-renewal'"
            )
        modes = self._count_modes(cell)
        if self.carries and modes > _meso.MOST_MODES:
            raise ValueError(
                f"{where}: tau_sfa and tau_stc must make at most {_meso.MOST_MODES} modes with adaptation='carried', "
                f"got {modes} (one for each entry, one for each receptor where neurons receive input of their own, one "
                "for each current of their own that has a memory, and one for the membrane where there are currents)"
            )
        self._check_plasticities(where, modes if self.carries else 0)
        slope = cell.tau_m / cell.C_m / cell.Delta_V
        if self.carries and (cell.tau_stc or self.capacity is not None) and slope > LARGEST_SLOPE:
            raise ValueError(
                f"{where}: GIF.tau_m / C_m / Delta_V must be <= {LARGEST_SLOPE:g} 1/pA where neurons have currents of "
                f"their own, got {slope}"
            )
        if self.carries:
            self._check_jumps(cell, where)
        if self.length != -1:
            self._check_length(population, self.length)

    def _check_plasticities(self, where: str, modes: int) -> None:
        """Refuse more plasticities than cohorts, with so many modes of adaptation, can carry."""
        laws = synapses.laws_of(synapses.of_form(self.plasticities, "carried"))
        more = synapses.count_modes(laws)
        if modes + more > _meso.MOST_MODES:
            raise ValueError(
                f"{where}: connections from it must have plasticities that make at most {_meso.MOST_MODES - modes} "
                f"modes, got {more} (one for each tau_rec and tau_fac of {len(laws)} different ones); "
                "form='mean-field' makes none"
            )

    def _count_modes(self, cell: GIF) -> int:
        return count_modes(cell, self.capacity is not None, remembered=len(with_memory(self.private)))

    def _check_jumps(self, cell: GIF, where: str) -> None:
        """Refuse jumps of adaptation so large that variances, which go with their squares, have no digits left."""
        for kind, unit, factor in (("sfa", "", 1.0), ("stc", " * tau_m / C_m", cell.tau_m / cell.C_m)):
            for i, q in enumerate(getattr(cell, f"q_{kind}")):
                jump = q * factor / cell.Delta_V
                if not abs(jump) <= LARGEST_JUMP:
                    raise ValueError(
                        f"{where}: GIF.q_{kind}[{i}]{unit} / Delta_V must be in [-{LARGEST_JUMP:g}, {LARGEST_JUMP:g}] "
                        f"with adaptation='carried', got {jump}"
                    )

    def _check_length(self, population: Population, length: int) -> None:
        """Refuse a refractory period that a history does not hold."""
        t_ref, chosen = population.cell.t_ref, population.len_kernel == -1
        refractory = refractory_steps(t_ref, self.dt)
        if refractory >= length:
            raise ValueError(
                f"Population {population.name!r}: len_kernel must be longer than the refractory period of {refractory} "
                f"steps (t_ref = {t_ref} ms), got {length}"
                f"{' (chosen at the start; give a longer one)' if chosen else ''}"
            )

    def plan(self, population: Population, root: np.random.SeedSequence, index: int) -> PopulationPlan:
        """Return the plan in its initial state, or at rest if that is the stationary one."""
        cell = population.cell
        common = (
            population.BinoRand,
            self.carries,
            self.capacity,
            self.smooth,
            self.drawn,
            self.private,
            self.plasticities,
        )
        if self.tolerance is None:
            plan = plan_population(cell, population.N, self.dt, self.length, None, *common)
        else:
            plan = plan_adaptive(cell, population.N, self.dt, self.length, self.tolerance, *common)
        start_history(plan, 0.0 if self.initial == "nest" else cell.V_reset, fired=self.initial in ("fired", "nest"))
        resting = 0.0 if self.initial == "nest" else cell.E_L
        plan.state["V_m"] = resting if cell.V_m is None else cell.V_m
        plan.I_syn[: len(cell.receptors)] = cell.synaptic_currents
        return plan

    def resume(self, population: Population, root: np.random.SeedSequence, index: int, kept: Arrays) -> PopulationPlan:
        """Return a plan in the state of another one (its `state_arrays`); raise ValueError if that does not fit."""
        p = population
        own = self.private, self.plasticities
        return resume_population(
            p.cell, p.N, self.dt, kept, self.tolerance, p.BinoRand, self.carries, self.smooth, self.drawn, *own
        )

    def begin(
        self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int
    ) -> np.random.BitGenerator:
        """Return the random stream; the initial state is not random."""
        stream = seeds.stream(root, seeds.POPULATION, index)
        if self.drawn:
            assert isinstance(plan, PopulationPlan)
            assert plan.budget is not None
            plan.budget[:] = np.random.Generator(stream).standard_exponential()
        return stream

    def updated(self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int) -> PopulationPlan:
        """Return a plan with the parameters of a population, and the state and history of another plan."""
        assert isinstance(plan, PopulationPlan)
        self._check_length(population, plan.length)
        plan = plan.copy()
        own = self.capacity, self.private, self.plasticities
        update_plan(plan, population.cell, population.N, self.dt, population.BinoRand, *own)
        return plan
