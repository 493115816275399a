"""A population at its level of description: how it is checked, planned, started and changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from gifpop.assembly.options import Options
from gifpop.common import seeds
from gifpop.common.grid import refractory_steps
from gifpop.common.ranges import LARGEST_JUMP, LARGEST_SLOPE, check_ranges
from gifpop.common.receptors import RECEPTORS, name_currents
from gifpop.distributions import Distribution, Given
from gifpop.meso import _meso
from gifpop.meso.history import TOLERANCE, rounded
from gifpop.meso.modes import count_modes
from gifpop.meso.plan import RECORDABLES as MESO_RECORDABLES
from gifpop.meso.plan import (
    PopulationPlan,
    automatic_history,
    plan_adaptive,
    plan_population,
    start_history,
    update_plan,
)
from gifpop.micro.plan import RECORDABLES as MICRO_RECORDABLES
from gifpop.micro.plan import NeuronPlan, neuron_parameters, plan_neurons

if TYPE_CHECKING:
    from gifpop.common.typing import Key, Level
    from gifpop.description import Population
    from gifpop.engine.plan import Plan
    from gifpop.parameters import GIF

MOST_NEURONS = 2**31 - 1
DRAWN_ANEW = ("V_m", *name_currents(len(RECEPTORS)))  # initial values


class MesoLevel:
    """A population as one stochastic equation.

    Parameters
    ----------
    population : Population
    options : Options
        The adaptation is the population's own where it has one.
    noisy : pair of float, or None
        Neurons receive input of their own; only where adaptation is carried.
    """

    name: ClassVar[Level] = "meso"
    recordables: ClassVar = MESO_RECORDABLES

    def __init__(
        self,
        population: Population,
        options: Options,
        noisy: Sequence[float] | None,
    ) -> None:
        self.dt, self.initial, self.tolerance = options.dt, options.initial, options.merging
        self.noisy, self.smooth = noisy, options.smooth
        self.carried = (population.adaptation or options.adaptation) == "carried"
        self.length = population.len_kernel
        self.check(population)
        modes = count_modes(population.cell, noisy is not None) if self.carried else 0
        self.moments = modes + modes * (modes + 1) // 2 + (modes > 0)
        if self.length == -1:
            self.length = automatic_history(rounded(population.cell) if self.smooth else population.cell, self.dt)

    def check(self, population: Population) -> None:
        """Refuse what this level cannot do with a population."""
        cell, where = population.cell, f"Population {population.name!r}"
        for name in cell.various():
            raise ValueError(
                f"{where}: GIF.{name} must be one number at the mesoscopic level, got {getattr(cell, name)}: neurons "
                "that differ have no exact meaning there"
            )
        if cell.tau_stc and not self.carried:
            raise ValueError(
                f"{where}: GIF.tau_stc must be empty with adaptation='quasi-renewal', got {list(cell.tau_stc)}: "
                "spike-triggered currents have no equation there; adaptation='carried' has one"
            )
        if self.noisy is not None and not self.carried:
            raise ValueError(
                f"{where}: adaptation must be 'carried' where neurons receive input of their own (Simulation.wiring is "
                "'sparse', or PoissonSpikes.shared is False), got 'quasi-renewal'"
            )
        modes = count_modes(cell, self.noisy is not None)
        if self.carried and modes > _meso.MOST_MODES:
            raise ValueError(
                f"{where}: tau_sfa and tau_stc must make at most {_meso.MOST_MODES} modes with adaptation='carried', "
                f"got {modes} (one for each entry, two for synapses where neurons receive input of their own, and one "
                "for the membrane where there are currents)"
            )
        slope = cell.tau_m / cell.C_m / cell.Delta_V
        if self.carried and (cell.tau_stc or self.noisy is not None) and slope > LARGEST_SLOPE:
            raise ValueError(
                f"{where}: GIF.tau_m / C_m / Delta_V must be <= {LARGEST_SLOPE:g} 1/pA where neurons have currents of "
                f"their own, got {slope}"
            )
        if self.carried:
            self._check_jumps(cell, where)
        if self.length != -1:
            self._check_length(population, self.length)

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
        N, binomial = population.N, population.BinoRand
        if self.tolerance is None:
            plan = plan_population(cell, N, self.dt, self.length, binomial, None, self.carried, self.noisy, self.smooth)
        else:
            plan = plan_adaptive(
                cell, N, self.dt, self.length, self.tolerance, binomial, self.carried, self.noisy, self.smooth
            )
        start_history(plan, 0.0 if self.initial == "nest" else cell.V_reset, fired=self.initial in ("fired", "nest"))
        resting = 0.0 if self.initial == "nest" else cell.E_L
        plan.state["V_m"] = resting if cell.V_m is None else cell.V_m
        plan.I_syn[:] = [getattr(cell, name) for name in name_currents(plan.n_receptors)]
        return plan

    def begin(
        self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int
    ) -> np.random.BitGenerator:
        """Return the random stream; of the initial state nothing is drawn."""
        return seeds.stream(root, seeds.POPULATION, index)

    def relaxing(self, population: Population) -> MesoLevel:
        """Return the level of a population that finds the stationary state."""
        return self

    def updated(self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int) -> PopulationPlan:
        """Return a plan with the parameters of a population, and the state and history of another plan."""
        assert isinstance(plan, PopulationPlan)
        self._check_length(population, plan.K if plan.cells is None else len(plan.cells.widest) - 1)
        plan = plan.copy()
        update_plan(plan, population.cell, population.N, self.dt, population.BinoRand, self.noisy)
        return plan


class MicroLevel:
    """A population neuron by neuron; parameters as `MesoLevel`."""

    name: ClassVar[Level] = "micro"
    recordables: ClassVar = MICRO_RECORDABLES

    def __init__(
        self,
        population: Population,
        options: Options,
        noisy: Sequence[float] | None,
    ) -> None:
        self.dt, self.initial, self.noisy = options.dt, options.initial, noisy
        # of the population that finds the stationary state
        self.tolerance, self.smooth = options.merging or TOLERANCE, options.smooth
        self.check(population)

    def check(self, population: Population) -> None:
        """Refuse what this level cannot do with a population."""
        where, cell = f"Population {population.name!r}", population.cell
        if population.N > MOST_NEURONS:
            raise ValueError(f"{where}: N must be <= {MOST_NEURONS} at the microscopic level, got {population.N}")
        if self.initial == "fired" and isinstance(cell.V_m, Distribution):
            raise ValueError(
                f"{where}: GIF.V_m must be one number where all neurons have just fired (initial='fired'), got "
                f"{cell.V_m}; with initial='rest' they start from it"
            )
        if self.initial == "stationary":
            self.relaxing(population)
        for name in cell.various():
            for value in cell.entries(name):
                if isinstance(value, Given) and len(value.values) != population.N:
                    raise ValueError(
                        f"{where}: GIF.{name} must be a number or have {population.N} values, got {len(value.values)}"
                    )

    def plan(self, population: Population, root: np.random.SeedSequence, index: int) -> NeuronPlan:
        """Return the plan in its initial state, or at rest if that is the stationary one, but for what `begin` draws.

        ``root`` is the seed of the network, which draws the parameters of each neuron.
        """
        N = population.N
        p = self._drawn(population, root, index)
        if p["V_m"] is None:
            p["V_m"] = p["E_L"]
        plan = plan_neurons(p, N, self.dt)
        if self.initial == "fired":
            plan.of_neurons("V_m")[:] = p["V_reset"]
            plan.of_neurons("pause")[:] = refractory_steps(p["t_ref"], self.dt)
            for kind in ("sfa", "stc"):
                for trace, q in zip(plan.state[kind], p[f"q_{kind}"], strict=True):
                    trace[:N] = q
        return plan

    def begin(self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int) -> Key:
        """Draw initial values that differ between neurons; return the key of the random numbers."""
        assert isinstance(plan, NeuronPlan)
        names = tuple(name for name in DRAWN_ANEW if isinstance(getattr(population.cell, name), Distribution))
        for name, values in self._drawn(population, root, index, names).items():
            plan.of_neurons(name)[:] = values
        key = seeds.philox_key(root, seeds.POPULATION, index)
        plan.restart(key)
        return key

    def relaxing(self, population: Population) -> MesoLevel:
        """Return the level of a population that finds the stationary state, at which the neurons begin."""
        for name in population.cell.various():
            raise ValueError(
                f"Population {population.name!r}: GIF.{name} must be one number with initial='stationary', got "
                f"{getattr(population.cell, name)}: the state is found for neurons that are alike; let a run with "
                "initial='rest' come to it"
            )
        alike = replace(population, len_kernel=-1, adaptation="carried")
        options = Options(dt=self.dt, initial=self.initial, tolerance=self.tolerance, smooth=self.smooth)
        return MesoLevel(alike, options, self.noisy)

    def updated(self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int) -> NeuronPlan:
        """Return a plan with the parameters of a population, and the state of a plan of as many neurons."""
        assert isinstance(plan, NeuronPlan)
        p = self._drawn(population, root, index)
        return replace(plan, parameters=neuron_parameters(p, population.N, self.dt))

    def _drawn(
        self, population: Population, root: np.random.SeedSequence, index: int, names: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Return parameters of each neuron, by default all; a distribution gives the same values each time."""

        def random(parameter: int, term: int) -> np.random.Generator:
            return np.random.Generator(seeds.stream(root, seeds.NEURONS, index, parameter, term))

        where = f"Population {population.name!r}: GIF"
        p = population.cell.draw(population.N, random, where, names)
        check_ranges(where, p)
        return p


AnyLevel: TypeAlias = MesoLevel | MicroLevel
LEVELS: dict[Level, type[AnyLevel]] = {level.name: level for level in (MesoLevel, MicroLevel)}
