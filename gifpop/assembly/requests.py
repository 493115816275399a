"""Checks of requests to record and to replay."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.assembly.options import per_population
from gifpop.common import checks
from gifpop.common.brief import brief
from gifpop.common.grid import whole_steps
from gifpop.description import population_name

if TYPE_CHECKING:
    from gifpop.assembly.options import GivenCounts, GivenSpikes, Names, Neurons, PerPopulation, Record, RecordNeurons
    from gifpop.common.typing import Integers, Level, Prescribed, Spikes
    from gifpop.description import Population, Populations

ALWAYS_RECORDED = ("n_events", "mean")


def check_record(
    populations: Populations, record: Record, recordables: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return the names of the optional variables to record of each population."""
    chosen = per_population(populations, record, "Simulation.record", ())
    return {name: _variables(name, chosen[name], recordables[name]) for name in populations}


def _variables(population: str, names: Names, recordables: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(names, str):
        names = recordables if names == "all" else (names,)
    if not np.iterable(names):
        raise TypeError(f"Simulation.record: variables of {population!r} must be names or 'all', got {names!r}")
    allowed = tuple(dict.fromkeys((*ALWAYS_RECORDED, *recordables)))
    for name in names:
        if name not in allowed:
            raise ValueError(
                f"Simulation.record: variables of {population!r} must be among {', '.join(allowed)} "
                f"or 'all', got {name!r}"
            )
    return tuple(name for name in dict.fromkeys(names) if name not in ALWAYS_RECORDED)


def check_neurons(populations: Populations, neurons: RecordNeurons) -> dict[str, range | Integers]:
    """Return the neurons to record of each population, by name: a range or an int64 array."""
    chosen = per_population(populations, neurons, "Simulation.record_neurons", None)
    return {name: _neurons(p, chosen[name]) for name, p in populations.items()}


def _neurons(population: Population, neurons: Neurons) -> range | Integers:
    where = f"Simulation.record_neurons[{population.name!r}]"
    if neurons is None:
        return range(population.N)
    if np.ndim(neurons) == 0:
        return range(min(checks.integer(where, neurons, 0), population.N))
    indices = checks.unmasked(where, neurons)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise TypeError(f"{where} must be a number of neurons or a sequence of their indices, got {brief(neurons)}")
    if indices.size and not 0 <= indices.min() <= indices.max() < population.N:
        raise ValueError(f"{where} must be in [0, N = {population.N}), got {indices.min()} to {indices.max()}")
    return indices.astype(np.int64)


def check_interval(interval: float | None, dt: float) -> int:
    """Return the recording interval in steps."""
    if interval is None:
        return 1
    interval = checks.number("Simulation.record_interval", interval, "> 0", "ms")
    return whole_steps("Simulation.record_interval", interval, dt, least=1)


def replayed(populations: Populations, counts: GivenCounts) -> set[str]:
    """Return the names of the populations whose counts are given."""
    return {name for name, *_ in _by_name(populations, "Simulation.counts", counts, "int array")}


def check_counts(
    populations: Populations, levels: Mapping[str, Level], counts: GivenCounts, drawn: Collection[str] = ()
) -> dict[str, Integers]:
    """Return prescribed counts of mesoscopic populations as int64 arrays, by name; spikes of some are ``drawn``."""
    prescribed = {}
    for name, where, N, given in _by_name(populations, "Simulation.counts", counts, "int array"):
        values = checks.unmasked(where, given)
        if levels[name] != "meso":
            raise ValueError(f"{where} must be of a mesoscopic population; neurons take Simulation.spikes")
        if name in drawn:
            raise ValueError(
                f"{where} must be of a population with finite_size='corrected', got 'drawn': numbers of spikes do not "
                "say which neurons fired"
            )
        if values.dtype.kind not in "iu":
            raise TypeError(f"{where} must be an array of integers, got dtype {values.dtype}")
        if values.ndim != 1:
            raise ValueError(f"{where} must have one dimension, got shape {values.shape}")
        if values.size and not 0 <= values.min() <= values.max() <= N:
            raise ValueError(f"{where} must be in [0, N = {N}], got {values.min()} to {values.max()}")
        prescribed[name] = values.astype(np.int64)
    return prescribed


def check_spikes(
    populations: Populations,
    levels: Mapping[str, Level],
    spikes: GivenSpikes,
    dt: float,
) -> dict[str, Spikes]:
    """Return prescribed spikes of neurons: steps in order and neurons (int arrays), by name."""
    prescribed = {}
    for name, where, N, values in _by_name(populations, "Simulation.spikes", spikes, "(times, neurons)"):
        if levels[name] != "micro":
            raise ValueError(f"{where} must be of neurons; a mesoscopic population takes Simulation.counts")
        if not isinstance(values, tuple | list) or len(values) != 2:
            raise TypeError(f"{where} must be a pair of arrays, times in ms and neurons, got {values!r}")
        times = checks.vector(f"{where} times", values[0], "> 0", "ms")
        neurons = checks.unmasked(f"{where} neurons", values[1])
        if neurons.shape != times.shape or (neurons.size and neurons.dtype.kind not in "iu"):
            got = brief(values[1])
            raise ValueError(f"{where} must have an integer neuron for each of {len(times)} times, got {got}")
        if neurons.size and not 0 <= neurons.min() <= neurons.max() < N:
            raise ValueError(f"{where} neurons must be in [0, N = {N}), got {neurons.min()} to {neurons.max()}")
        steps = whole_steps(f"{where} times", times, dt, least=1) - 1
        order = np.lexsort((neurons, steps))
        steps, which = steps[order], neurons[order].astype(np.int32)
        twice = np.flatnonzero((np.diff(steps) == 0) & (np.diff(which) == 0))
        if twice.size:
            raise ValueError(
                f"{where} must hold each neuron at most once a step, got neuron {which[twice[0]]} twice at "
                f"{(steps[twice[0]] + 1) * dt} ms"
            )
        prescribed[name] = steps, which
    return prescribed


def check_size(population: Population, values: Prescribed) -> None:
    """Refuse a population that is too small for its prescribed counts, or steps and neurons."""
    if isinstance(values, tuple):
        least, why = 1 + np.max(values[1], initial=-1), "so that it has the neurons of Simulation.spikes"
    else:
        least, why = np.max(values, initial=0), "so that it can have the counts of Simulation.counts"
    if population.N < least:
        raise ValueError(f"Population {population.name!r}: N must be >= {least}, {why}, got {population.N}")


def _by_name(
    populations: Populations, option: str, given: PerPopulation[Any] | None, content: str
) -> Iterator[tuple[str, str, int, Any]]:
    """Yield name, place in messages, N and value of each population that an option gives one for."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"{option} must be a dict of population to {content}, got {type(given).__name__}")
    for population, value in (given or {}).items():
        name = population_name(populations, population, f"{option}: key")
        yield name, f"{option}[{name!r}]", populations[name].N, value
