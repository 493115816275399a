"""A population at the microscopic level: check, plan, start and change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gifpop.common import seeds
from gifpop.common.grid import refractory_steps
from gifpop.common.ranges import check_ranges
from gifpop.common.receptors import name_currents
from gifpop.common.stateful import fill
from gifpop.distributions import Distribution, Given
from gifpop.micro._micro import OF_TRAPEZOID
from gifpop.micro.plan import NeuronPlan, count_places, neuron_parameters, plan_neurons, recordables

if TYPE_CHECKING:
    from gifpop.common.private_currents import PrivateCurrent
    from gifpop.common.typing import Arrays, Key, Level, LevelOptions
    from gifpop.description import Population
    from gifpop.engine.plan import Plan
    from gifpop.engine.plasticity import LinkPlasticity

MOST_SIMULATED = 2**31 - 1  # neurons, whose numbers are int32
INITIAL = ("V_m", "I_syn_ex", "I_syn_in", "I_syn")  # values


class MicroLevel:
    """A population neuron by neuron; parameters as of `gifpop.meso.level.MesoLevel`."""

    name: ClassVar[Level] = "micro"

    def __init__(
        self,
        population: Population,
        options: LevelOptions,
        capacity: Sequence[float] | None,
        private: tuple[PrivateCurrent, ...] = (),
        plasticities: Mapping[int, LinkPlasticity] = MappingProxyType({}),
    ) -> None:
        self.dt, self.initial, self.capacity, self.private = options.dt, options.initial, capacity, private
        # of the population that finds the stationary state
        self.plasticities = plasticities
        self.tolerance, self.smooth = options.relaxing_tolerance, options.smooth
        self.recordables = recordables(population.cell.receptors)
        self.check(population)

    def check(self, population: Population) -> None:
        """Raise an error if this level does not support a population."""
        where, cell = f"Population {population.name!r}", population.cell
        if population.N > MOST_SIMULATED:
            raise ValueError(f"{where}: N must be <= {MOST_SIMULATED} at the microscopic level, got {population.N}")
        if self.initial == "fired" and isinstance(cell.V_m, Distribution):
            raise ValueError(
                f"{where}: GIF.V_m must be one number where all neurons have just fired (initial='fired'), got "
                f"{cell.V_m}; with initial='rest' they start from it"
            )
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
        plan = plan_neurons(p, N, self.dt, receptors=population.cell.receptors)
        if self.initial == "fired":
            plan.of_neurons("V_m")[:] = p["V_reset"]
            plan.of_neurons("pause")[:] = refractory_steps(p["t_ref"], self.dt)
            for kind in ("sfa", "stc"):
                for trace, q in zip(plan.state[kind], p[f"q_{kind}"], strict=True):
                    trace[:N] = q
        return plan

    def resume(self, population: Population, root: np.random.SeedSequence, index: int, kept: Arrays) -> NeuronPlan:
        """Return a plan in the state of another one (its `state_arrays`); raise ValueError if that does not fit."""
        places = count_places(population.N)
        if any(array.shape[-1:] != (places,) for array in kept.values()):  # before as many are allocated
            raise ValueError(f"arrays of {population.N} neurons must have {places} places")
        plan = self.plan(population, root, index)
        arrays = plan.state_arrays()
        lacking = {f"parameters.{name}" for name in OF_TRAPEZOID} & arrays.keys() - kept.keys()  # before format 3
        fill(arrays, {**kept, **{name: arrays[name] for name in lacking}})
        return plan

    def begin(self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int) -> Key:
        """Draw initial values that differ between neurons; return the key of the random numbers."""
        assert isinstance(plan, NeuronPlan)
        various = population.cell.various()
        drawn = self._drawn(population, root, index, [name for name in INITIAL if name in various])
        for name in drawn.keys() & {"V_m", *name_currents(population.cell.receptors)}:
            plan.of_neurons(name)[:] = drawn[name]
        key = seeds.philox_key(root, seeds.POPULATION, index)
        plan.restart(key)
        return key

    def updated(self, plan: Plan, population: Population, root: np.random.SeedSequence, index: int) -> NeuronPlan:
        """Return a plan with the parameters of a population, and the state of a plan of as many neurons."""
        assert isinstance(plan, NeuronPlan)
        p = self._drawn(population, root, index)
        parameters = neuron_parameters(p, population.N, self.dt, receptors=population.cell.receptors)
        return replace(plan, parameters=parameters)

    def _drawn(
        self, population: Population, root: np.random.SeedSequence, index: int, names: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Return parameters of each neuron, by default all; a distribution gives the same values each time.

        Those of receptors stand by themselves, as `plan_neurons` takes them.
        """

        def random(parameter: int, term: int) -> np.random.Generator:
            return np.random.Generator(seeds.stream(root, seeds.NEURONS, index, parameter, term))

        where = f"Population {population.name!r}: GIF"
        p: dict[str, Any] = population.cell.draw(population.N, random, where, names)
        check_ranges(where, p)
        for kind in p.keys() & {"tau_syn", "I_syn"}:
            p |= {f"{kind}_{name}": p[kind].get(name, 0.0) for name in population.cell.tau_syn}
        return p
