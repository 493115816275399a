"""The levels of description, by name."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from gifpop.assembly.options import Options
from gifpop.meso.level import MesoLevel
from gifpop.micro.level import MicroLevel

if TYPE_CHECKING:
    import numpy as np

    from gifpop.common.private_currents import PrivateCurrent
    from gifpop.common.typing import Level
    from gifpop.description import Population
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.meso.plan import PopulationPlan

AnyLevel: TypeAlias = MesoLevel | MicroLevel
LEVELS: dict[Level, type[AnyLevel]] = {level.name: level for level in (MesoLevel, MicroLevel)}


def make_level(
    name: Level,
    population: Population,
    options: Options,
    capacity: Sequence[float] | None,
    private: tuple[PrivateCurrent, ...] = (),
    plasticities: Mapping[int, LinkPlasticity] = MappingProxyType({}),
) -> AnyLevel:
    """Return the level of a population; parameters as of `MesoLevel`.

    Raises
    ------
    ValueError
        If the level cannot describe the population, or find the stationary state in which it is to begin.
    """
    level = LEVELS[name](population, options, capacity, private, plasticities)
    if options.initial == "stationary":
        relaxing_level(level, population)
    return level


def choose_finite_size(population: Population, options: Options, replayed: bool) -> Population:
    """Return a mesoscopic population that says how it follows its number of neurons; ``replayed``: counts are given.

    Spikes are drawn cohort by cohort unless somebody says otherwise, or that has no meaning for the population.
    """
    if population.finite_size is not None:
        return population
    drawable = population.BinoRand and not options.smooth and not replayed
    return replace(population, finite_size=options.finite_size or ("drawn" if drawable else "corrected"))


def relaxing_level(level: AnyLevel, population: Population) -> MesoLevel:
    """Return the level at which the stationary state of a population is found, whichever level begins in it."""
    if isinstance(level, MesoLevel):
        relaxing = copy.copy(level)
        relaxing.drawn = False  # of very many neurons; expected numbers are what is looked for
        return relaxing
    for name in population.cell.various():
        raise ValueError(
            f"Population {population.name!r}: GIF.{name} must be one number with initial='stationary', got "
            f"{getattr(population.cell, name)}: the state is found for neurons that are alike; let a run with "
            "initial='rest' come to it"
        )
    alike = replace(population, len_kernel=-1, adaptation="carried", finite_size="corrected")
    options = Options(dt=level.dt, initial=level.initial, tolerance=level.tolerance, smooth=level.smooth)
    return MesoLevel(alike, options, level.capacity, level.private, level.plasticities)


def relaxing_plan(level: AnyLevel, population: Population, root: np.random.SeedSequence, index: int) -> PopulationPlan:
    """Return the plan with which the stationary state of a population at some level is found."""
    plan = relaxing_level(level, population).plan(population, root, index)
    # Neurons fire with the probability 1 - exp(-H), however small H is; the corrected form, as NEST, takes small H.
    plan.smooth |= not isinstance(level, MesoLevel) or level.drawn
    return plan
