"""The classes of which a file may hold objects: descriptions, seeds and results."""

from __future__ import annotations

from dataclasses import fields, replace
from inspect import signature
from typing import Any

import numpy as np

from gifpop.common import checks
from gifpop.description import Connection, Description, Injection, Population
from gifpop.distributions import DISTRIBUTIONS
from gifpop.fields import Named
from gifpop.inputs import INPUTS
from gifpop.parameters import GIF
from gifpop.plasticity import TsodyksMarkram
from gifpop.result import PopulationResult, Result
from gifpop.rules import RULES
from gifpop.saving.encoding import Kind

LARGEST_POOL = 2**8  # words of a SeedSequence; the time to make one grows with the square (numpy: 4, by default)


def _described(cls: type) -> Kind:
    """Return the kind of a class whose constructor takes what its attributes hold."""
    names = signature(cls).parameters
    return Kind(cls, lambda value: {name: getattr(value, name) for name in names}, cls)


def _take_cell(cell: GIF) -> dict[str, Any]:
    values = {f.name: getattr(cell, f.name) for f in fields(cell)}
    return {name: dict(value) if isinstance(value, Named) else value for name, value in values.items()}


def _take_description(net: Description) -> dict[str, Any]:
    return {name.lstrip("_"): part for name, part in vars(net).items()}


def _make_description(
    populations: dict[str, Population], connections: list[Connection], injections: list[Injection], inputs_made: int
) -> Description:
    """Return a description, made by its methods, which check what they add."""
    net = Description()
    for p in populations.values():
        net.population(**vars(p))
    for c in connections:
        net.connect(c.pre, c.post, c.weight, c.delay, rule=c.rule, receptor=c.receptor, plasticity=c.plasticity)
    for i in injections:
        net._inputs_made = checks.integer("Injection.number", i.number, net._inputs_made)
        by_simulation = checks.boolean("Injection.by_simulation", i.by_simulation)
        net.injections[-1] = replace(net.inject(i.post, i.input, i.delay, i.receptor), by_simulation=by_simulation)
    net._inputs_made = checks.integer("Description.inputs_made", inputs_made, net._inputs_made)
    return net


def _take_seed(seed: np.random.SeedSequence) -> dict[str, Any]:
    if seed.pool_size > LARGEST_POOL:
        raise ValueError(f"Simulation.save: seed.pool_size must be <= {LARGEST_POOL}, got {seed.pool_size}")
    return {name: getattr(seed, name) for name in ("entropy", "spawn_key", "pool_size", "n_children_spawned")}


def _make_seed(pool_size: int, **parts: Any) -> np.random.SeedSequence:
    if pool_size > LARGEST_POOL:
        raise ValueError(f"SeedSequence.pool_size must be <= {LARGEST_POOL}, got {pool_size}")
    return np.random.SeedSequence(pool_size=pool_size, **parts)


def _take_result(result: Result) -> dict[str, Any]:
    names = ("dt", "level", "seed", "network_seed", "trials")
    return {"populations": list(result), "first": result._first, **{name: getattr(result, name) for name in names}}


def _take_population_result(result: PopulationResult) -> dict[str, Any]:
    hidden = {name: getattr(result, f"_{name}") for name in ("first", "record_steps", "variables", "spikes")}
    return hidden | {name: vars(result).get(name) for name in ("name", "N", "dt", "counts", "mean", "neurons")}


KINDS = (
    *map(_described, (Population, Connection, Injection, TsodyksMarkram, *INPUTS, *RULES, *DISTRIBUTIONS)),
    Kind(GIF, _take_cell, GIF),
    Kind(Description, _take_description, _make_description),
    Kind(np.random.SeedSequence, _take_seed, _make_seed),
    Kind(Result, _take_result, Result),
    Kind(PopulationResult, _take_population_result, PopulationResult),
)
