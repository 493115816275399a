"""Whether the arrays of a simulation fit together. The compiled loop trusts that they do; a file can say anything.

Numbers that are merely wrong give wrong results. What would be read or written outside an array is found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop import _core, _meso, _micro, history, signals
from gifpop.neurons import EVERLASTING, count_places

if TYPE_CHECKING:
    from gifpop.assembly import Assembly
    from gifpop.engine import Engine
    from gifpop.modes import Carried
    from gifpop.neurons import NeuronPlan
    from gifpop.plan import Link, NoiseLink, PopulationPlan
    from gifpop.recording import Recording
    from gifpop.result import Result
    from gifpop.ring_buffers import RingBuffers
    from gifpop.typing import Integers, Plan, Prescribed, Shorts

SIGNALS = (signals.Current, signals.Events, signals.PoissonCounts)


class Sizes(dict[str, int]):
    """Sizes that have names, for arrays that must agree in them."""

    def __init__(self, where: str, **sizes: int) -> None:
        super().__init__(sizes)
        self._where = where

    def check(self, name: str, array: object, *shape: int | str) -> None:
        """Refuse an array that has not this shape: numbers, and names of sizes, which the first array decides."""
        if not isinstance(array, np.ndarray) or array.ndim != len(shape):
            raise ValueError(f"{self._where}: {name} must be an array of {len(shape)} dimensions, got {array!r}")
        for axis, size in enumerate(shape):
            wanted = self.setdefault(size, array.shape[axis]) if isinstance(size, str) else size
            if array.shape[axis] != wanted:
                raise ValueError(f"{self._where}: {name} must have length {wanted} along axis {axis}, got shape "
                                 f"{array.shape}")  # fmt: skip

    def require(self, holds: bool | np.bool_, rule: str) -> None:
        """Refuse what breaks a rule."""
        if not holds:
            raise ValueError(f"{self._where}: {rule} does not hold")


def check_simulation(
    seed: np.random.SeedSequence,
    assembly: Assembly,
    level: object,
    recording: Recording,
    engine: Engine,
    results: list[Result],
) -> None:
    """Refuse attributes of a simulation that do not belong to one network.

    Raises
    ------
    ValueError
        Says what does not fit. Other errors where classes are not those that they should be.
    """
    populations, sizes = list(assembly.net.populations.values()), Sizes("simulation")
    names, columns = [p.name for p in populations], recording.columns
    for what in (assembly.net.populations, assembly.level_names, assembly.levels, engine.names,
                 recording._names, [column.name for column in columns]):  # fmt: skip
        sizes.require(list(what) == names, "the populations are the same everywhere")
    sizes.require(assembly.dt == engine.dt == recording._dt > 0.0, "one step")
    sizes.require(recording.every >= 1, "steps between records")
    for population, plan, column in zip(populations, engine.plans, columns, strict=True):
        N, kind = (plan.N, "micro") if plan.neurons else (plan.constants["N"][0], "meso")
        sizes.require(N == population.N == column.N, f"{population.name!r} has N neurons")
        sizes.require(assembly.level_names[population.name] == assembly.levels[population.name].name == kind,
                      f"{population.name!r} is at its level")  # fmt: skip
        sizes.require(column.neurons == plan.neurons, f"{population.name!r} is recorded at its level")
        for recorded in column.variables.values():
            sizes.require(_within(recorded, plan.units), f"recorded units are among {plan.units}")
    wired = {id(link) for link in engine.links}  # checked with the engine
    _check_links([link for link in assembly.links if id(link) not in wired], engine, sizes)
    for i, values in recording.prescribed.items():
        _check_prescribed(values, engine.plans[i], sizes)


def check_engine(engine: Engine) -> None:
    """Refuse an engine whose arrays do not fit together; see `check_simulation`."""
    sizes = Sizes("engine", groups=len(engine.plans))
    sizes.require(len(engine.names) == len(engine.streams) == sizes["groups"], "a name and a stream for each group")
    for name, plan, stream in zip(engine.names, engine.plans, engine.streams, strict=True):
        if plan.neurons:
            _check_neurons(plan, Sizes(name))
            sizes.check("key", stream, 2)
        else:
            _check_population(plan, Sizes(name))
            sizes.require(isinstance(stream, np.random.BitGenerator), "a bit generator for each population")
    _check_buffers(engine._buffers, engine.plans, sizes)
    sizes.require(1 <= engine.slice_steps <= _core.LONGEST_SLICE and engine.step >= 0, "steps of a slice, and from 0")
    sizes.require(engine.threads >= 1, "threads >= 1")
    emitters = [*engine.signals, *(noise.signal for noise in engine.noise)]
    sizes.require(all(isinstance(one, SIGNALS) for one in emitters), "signals emit")
    _check_links(engine.links, engine, sizes)
    sources = [link.source for link in engine.links]
    sizes.require(sources == sorted(sources), "links in order of source")
    for noise in engine.noise:
        _check_noise(noise, engine, sizes)


def _check_population(plan: PopulationPlan, sizes: Sizes) -> None:
    state, constants = plan.state[0], plan.constants[0]
    for name in ("constants", "state"):
        sizes.check(name, getattr(plan, name), 1)
    for name in ("theta", "quasi"):
        sizes.check(name, getattr(plan, name), "kernel")
    for name in ("sfa_decay", "sfa_feed", "sfa_weight", "relative_jumps", "sfa"):
        sizes.check(name, getattr(plan, name), "terms")
    sizes.check("cohorts", plan.cohorts, len(_meso.COHORT_ARRAYS), "places")
    sizes.require(1 <= state["cohorts"] <= plan.K, "1 <= cohorts <= K")
    sizes.require(_meso.PADDING <= state["oldest"] < sizes["places"] - state["cohorts"], "cohorts have places")
    sizes.require(sizes["places"] > _meso.PADDING + plan.K, "a place for one cohort more")
    sizes.require(constants["refractory"] >= 1, "refractory >= 1")
    if plan.cells is not None:
        sizes.require(state["cohorts"] == plan.K, "all K cohorts are there")
        _check_cells(plan.cells, state, sizes)
    if plan.carried is not None:
        _check_carried(plan.carried, plan.cells, sizes)


def _check_cells(cells: history.Cells, state: np.void, sizes: Sizes) -> None:
    sizes.check("cells.widest", cells.widest, "ages")
    for name in ("tau", "newest"):
        sizes.check(f"cells.{name}", getattr(cells, name), "traces")
    sizes.check("cells.rows", cells.rows, len(_meso.CELL_ARRAYS), "cells")
    sizes.check("cells.traces", cells.traces, "traces", "cells")
    room = sizes["cells"] - _meso.PADDING
    sizes.require(len(cells.widest) > 1 and cells.widest.min() >= 1, "cells span steps")
    sizes.require(room >= history.most_cells(cells.widest), "room for the most cells")
    sizes.require(1 <= state["until_merging"] <= cells.every == history.MERGE_EVERY, "cells are merged in time")
    sizes.require(0 <= state["cells"] <= room - state["until_merging"], "room until then")
    widths = cells.rows[-1, _meso.PADDING : _meso.PADDING + state["cells"]]
    sizes.require(np.all(np.isfinite(widths) & (widths >= 1)), "cells have widths")


def _check_carried(carried: Carried, cells: history.Cells | None, sizes: Sizes) -> None:
    sizes.check("carried.jump", carried.jump, "modes")
    D = sizes["modes"]
    moments = D + D * (D + 1) // 2
    sizes.require(1 <= D <= _meso.MOST_MODES, f"1 <= modes <= {_meso.MOST_MODES}")
    synapses = 2 if carried.noisy else 0
    sizes.require(0 <= carried.currents <= D - synapses - bool(carried.membrane), "modes of currents are among them")
    sizes.require(carried.membrane or not carried.noisy, "a membrane where there is input")
    sizes.check("carried.modes", carried.modes, D, D)
    for name in ("decay", "added", "fired"):
        sizes.check(f"carried.{name}", getattr(carried, name), moments)
    for name in ("capacity", "forget", "recent"):
        sizes.check(f"carried.{name}", getattr(carried, name), 2)
    sizes.check("carried.noise", carried.noise, 2, moments)
    sizes.check("carried.free", carried.free, moments + 1)
    sizes.check("carried.cohorts", carried.cohorts, moments + 1, "places")
    sizes.require((carried.cells is None) == (cells is None), "cells carry what cohorts do")
    if cells is not None:
        sizes.check("carried.cells", carried.cells, moments + 1, "cells")


def _check_neurons(plan: NeuronPlan, sizes: Sizes) -> None:
    sizes.require(plan.N >= 1 and plan.places == count_places(plan.N), "places for whole tiles of neurons")
    sizes.require(plan.state.keys() == {*_micro.STATE, "sfa", "stc"}, "the variables of neurons")
    for name in _micro.STATE:
        sizes.check(name, plan.state[name], 1, plan.places)
    for kind in ("sfa", "stc"):
        sizes.check(kind, plan.state[kind], kind, plan.places)
    sizes.require(np.all(plan.state["budget"][0, plan.N :] == EVERLASTING), "nobody fires behind the last neuron")
    sizes.require(plan.parameters.keys() == {*_micro.PARAMETERS, *_micro.TERMS}, "the parameters of neurons")
    for name, values in plan.parameters.items():
        terms = name.partition("_")[0] if name in _micro.TERMS else 1
        sizes.check(name, values, terms, values.shape[-1])
        sizes.require(values.shape[1] in (_micro.TILE, plan.places), f"{name} for each neuron or for a tile")


def _check_buffers(buffers: RingBuffers, plans: Sequence[Plan], sizes: Sizes) -> None:
    sizes.check("input", buffers.shared, 2, "groups", "slots", _core.SHARED_RECEPTORS)
    for rings in (buffers.rings, buffers.units, buffers.externals):
        sizes.require(len(rings) == len(plans), "input for each group")
    parts = zip(plans, buffers.rings, buffers.units, buffers.externals, strict=True)
    for i, (plan, ring, unit, external) in enumerate(parts):
        if not plan.neurons:
            sizes.require(ring is None and unit is None and external is None, "only neurons have input each")
            continue
        row = f"row of group {i}"
        sizes.check("input of neurons", ring, "slots", _core.SYNAPSES, row)
        sizes.require(sizes[row] >= plan.places, "input for each neuron")
        if unit is not None:
            sizes.check("unit of counts", unit.size, _core.SYNAPSES)
        if external is not None:
            sizes.check("input from generators", external, "slots", _core.RECEPTORS, row)


def _check_links(links: Iterable[Link], engine: Engine, sizes: Sizes) -> None:
    for link in links:
        source = engine.plans[link.source] if link.source < len(engine.plans) else None
        target, receptor = engine.plans[link.target], _core.RECEPTOR[link.receptor]
        sizes.require(0 <= link.source < len(engine.plans) + len(engine.signals) and link.target >= 0,
                      "links lead from groups and signals to groups")  # fmt: skip
        least = 0 if source is None else engine.slice_steps
        if not link.is_empty:
            lags_fit = least <= link.shortest_lag <= link.longest_lag <= _longest_lag(engine)
            sizes.require(lags_fit, "links end in the slots")
        if link.first is None or link.units is None:
            sizes.require(all(part is None for part in link.connections), "only single connections have arrays")
            continue
        _check_single(link, link.first, link.units, 1 if source is None else source.units, target.units, sizes)
        if target.neurons:
            buffers, counted = engine._buffers, engine._buffers.units[link.target] is not None
            sizes.require(receptor < (_core.SYNAPSES if source is not None else _core.RECEPTORS), "a synapse")
            if source is None:
                sizes.require(buffers.externals[link.target] is not None, "room for input from generators")
            elif counted:
                alike = link.weights is None and link.lags is None
                sizes.require(source.neurons and alike, "spikes that are counted are alike")


def _check_single(link: Link, first: Integers, units: Shorts, n_pre: int, n_post: int, sizes: Sizes) -> None:
    """Refuse single connections that do not lead from these units to those."""
    sizes.check("first", first, n_pre + 1)
    sizes.require(first[0] == 0 and first[-1] == len(units) and np.all(np.diff(first) >= 0),
                  "connections are in order of source")  # fmt: skip
    for name in ("units", "weights", "lags"):
        if getattr(link, name) is not None:
            sizes.check(name, getattr(link, name), len(units))
    sizes.require(_within(units, n_post), f"connections end at one of {n_post}")


def _check_noise(noise: NoiseLink, engine: Engine, sizes: Sizes) -> None:
    sizes.require(0 <= noise.target and 0 <= noise.lag <= _longest_lag(engine), "noise ends in the slots")
    sizes.require(isinstance(noise.stream, np.random.BitGenerator), "a bit generator for each noise")
    sizes.require(engine._buffers.externals[noise.target] is not None, "room for noise")
    sizes.require(_core.RECEPTOR[noise.receptor] < _core.SYNAPSES, "noise at synapses")
    n = engine.plans[noise.target].units
    if noise.units is not None:
        sizes.check("units", noise.units, len(noise.units))
        sizes.require(_within(noise.units, n), f"noise ends at one of {n}")
        n = len(noise.units)
    if noise.weights is not None:
        sizes.check("weights", noise.weights, n)


def _check_prescribed(values: Prescribed, plan: Plan, sizes: Sizes) -> None:
    """Refuse prescribed counts of a population, or spikes of neurons, that it cannot have."""
    if plan.neurons:
        steps, neurons = values
        sizes.check("prescribed steps", steps, "prescribed spikes")
        sizes.check("prescribed neurons", neurons, len(steps))
        sizes.require(np.all(np.diff(steps) >= 0) and _within(neurons, plan.N), "neurons that are to fire exist")
    else:
        sizes.check("prescribed counts", values, len(values))
        sizes.require(_within(values, plan.constants["N"][0] + 1), "prescribed counts are at most N")


def _longest_lag(engine: Engine) -> int:
    return engine._buffers.slots - engine.slice_steps


def _within(indices: Any, n: int) -> bool:
    """Tell whether all indices, of an array, a list or a range, are in [0, n)."""
    indices = np.asarray([*indices[:1], *indices[-1:]] if isinstance(indices, range) else indices)
    return indices.size == 0 or bool(0 <= indices.min() and indices.max() < n)
