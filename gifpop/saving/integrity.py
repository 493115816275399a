"""Check that the arrays of a loaded simulation fit together, since the compiled loop trusts them.

Numbers that are merely wrong give wrong results. What would be read or written outside an array, turned into an integer
that it does not fit in, or waited for without end, is found here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gifpop import _core
from gifpop.assembly import footprint
from gifpop.assembly.assembly import Assembly
from gifpop.assembly.inputs import MOST_EVENTS
from gifpop.assembly.recording import Column, Recording
from gifpop.common import checks, grid, memory
from gifpop.description import Connection, Description, Injection, Population
from gifpop.engine import signals
from gifpop.engine import threads as team_threads
from gifpop.engine.connection_state import with_state
from gifpop.engine.counting import Unit
from gifpop.engine.dynamics import VARIABLES, Depression
from gifpop.engine.links import Link, NoiseLink
from gifpop.engine.ring_buffers import RingBuffers
from gifpop.meso import _meso, history
from gifpop.meso.level import MesoLevel
from gifpop.meso.modes import Carried, count_modes
from gifpop.meso.plan import PopulationPlan
from gifpop.micro import _micro
from gifpop.micro.plan import EVERLASTING, NeuronPlan, count_places
from gifpop.result import PopulationResult, Result

if TYPE_CHECKING:
    from gifpop.assembly.levels import AnyLevel
    from gifpop.common.typing import Integers, Prescribed, Shorts
    from gifpop.engine.engine import Engine
    from gifpop.engine.plan import Plan

LARGEST_EXACT = 2**53  # integer that a float holds, and all below; no simulation goes on beyond this step
SIGNALS = (signals.Current, signals.Events, signals.PoissonCounts)


class Sizes(dict[str, int]):
    """Sizes that have names, for arrays that must agree in them."""

    def __init__(self, where: str, **sizes: int) -> None:
        super().__init__(sizes)
        self._where = where

    def check(self, name: str, array: object, *shape: int | str, dtype: npt.DTypeLike = np.float64) -> None:
        """Check the shape of an array: numbers, and names of sizes, which the first array sets."""
        if not isinstance(array, np.ndarray) or array.ndim != len(shape):
            raise ValueError(f"{self._where}: {name} must be an array of {len(shape)} dimensions, got {array!r}")
        for axis, size in enumerate(shape):
            wanted = self.setdefault(size, array.shape[axis]) if isinstance(size, str) else size
            if array.shape[axis] != wanted:
                raise ValueError(
                    f"{self._where}: {name} must have length {wanted} along axis {axis}, got shape {array.shape}"
                )
        if array.dtype != dtype:
            raise ValueError(f"{self._where}: {name} must be of type {np.dtype(dtype)}, got {array.dtype}")

    def require(self, holds: bool | np.bool_, rule: str) -> None:
        """Raise an error if a rule is broken."""
        if not holds:
            raise ValueError(f"{self._where}: {rule} does not hold")

    def integer(self, name: str, value: object, least: int, most: int) -> None:
        """Raise an error unless a value is an integer in a range."""
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not least <= value <= most:  # type: ignore[operator]  # it is whole
            raise ValueError(f"{self._where}: {name} must be an integer from {least} to {most}, got {value!r}")

    def all_are(self, kind: type | UnionType | tuple[type, ...], name: str, values: Iterable[object]) -> None:
        """Raise an error unless all values are of one of the classes."""
        for value in values:
            if not isinstance(value, kind):
                raise ValueError(f"{self._where}: {name} must be {kind}, got an object of {type(value)}")


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
    sizes = Sizes("simulation", groups=len(engine.plans))
    sizes.all_are(np.random.SeedSequence, "seeds", (seed, assembly.root))
    sizes.all_are(Assembly, "assembly", [assembly])
    sizes.all_are(Recording, "recording", [recording])
    sizes.all_are((str, dict), "level", [level])
    _check_description(assembly.net, sizes)
    _check_options(assembly, engine, sizes)
    _check_recording(recording, assembly, engine, sizes)
    columns = zip(assembly.net.populations.values(), engine.plans, recording.columns, strict=True)
    for population, plan, column in columns:
        _check_group(population, plan, column, assembly, sizes)
    memory.require(_memory_of_reset(assembly, engine), "Simulation.load: histories after a reset")
    _check_wired(assembly, engine, sizes)
    _check_results(results, sizes)


def _check_description(net: Description, sizes: Sizes) -> None:
    sizes.all_are(Description, "net", [net])
    sizes.all_are(Population, "populations", net.populations.values())
    sizes.all_are(Connection, "connections", net.connections)
    sizes.all_are(Injection, "inputs", net.injections)
    names = [p.name for p in net.populations.values()]
    sizes.require(list(net.populations) == names, "populations have their names")
    sizes.require([c.number for c in net.connections] == list(range(len(net.connections))), "connections in order")
    ends = [end for c in net.connections for end in (c.pre, c.post)] + [one.post for one in net.injections]
    sizes.require(set(ends) <= set(names), "connections and inputs end at populations")
    for number in (net._inputs_made, *(one.number for one in net.injections)):
        sizes.integer("number of an input", number, 0, LARGEST_EXACT)
    sizes.all_are(bool, "inputs by simulation", [one.by_simulation for one in net.injections])


def _check_options(assembly: Assembly, engine: Engine, sizes: Sizes) -> None:
    names = list(assembly.net.populations)
    sizes.require(list(assembly.level_names) == names, "a level for each population")
    sizes.require(list(assembly.levels) == names, "a level for each population")
    sizes.require(engine.names == names, "the engine has these populations")
    sizes.require(grid.check_dt("dt", assembly.options.dt) == assembly.options.dt == engine.dt, "one step")
    sizes.require(assembly.options.threads == min(engine.threads, team_threads.processors()), "one number of threads")


def _check_recording(recording: Recording, assembly: Assembly, engine: Engine, sizes: Sizes) -> None:
    sizes.all_are(Column, "columns", recording.columns)
    sizes.require(list(recording._names) == engine.names, "the populations of the records")
    sizes.require([column.name for column in recording.columns] == engine.names, "a column for each population")
    sizes.require(
        recording._dt == assembly.options.dt and recording._levels == assembly.level_names, "levels of the records"
    )
    sizes.integer("steps between records", recording.every, 1, LARGEST_EXACT)
    for i, values in recording.prescribed.items():
        sizes.integer("a prescribed population", i, 0, len(engine.plans) - 1)
        _check_prescribed(values, engine.plans[i], Sizes("prescribed"))


def _check_group(population: Population, plan: Plan, column: Column, assembly: Assembly, sizes: Sizes) -> None:
    """Refuse plan, level and records of a population that are not its own."""
    name, cell = population.name, population.cell
    N, kind = (plan.units, "micro") if plan.neurons else (_population(plan).constants["N"][0], "meso")
    sizes.require(N == population.N == column.N, f"{name!r} has N neurons")
    sizes.require(assembly.level_names[name] == assembly.levels[name].name == kind, f"{name!r} is at its level")
    sizes.require(column.neurons is plan.neurons, f"{name!r} is recorded at its level")
    for variable, recorded in column.variables.items():
        sizes.require(variable in plan.recordables, f"{name!r} has a {variable}")
        sizes.require(_within(recorded, plan.units), f"recorded units are among {plan.units}")
    level = assembly.levels[name]
    _check_level(level, population, assembly, sizes)
    if isinstance(plan, NeuronPlan):
        terms = len(plan.state["sfa"]), len(plan.state["stc"])
        sizes.require(terms == (len(cell.tau_sfa), len(cell.tau_stc)), f"{name!r} has the terms of its neurons")
        return
    plan = _population(plan)
    sizes.require(plan.smooth is assembly.options.smooth, f"{name!r} is smooth or not")
    sizes.require(len(plan.sfa) == len(cell.tau_sfa), f"{name!r} has the terms of its neurons")
    if plan.carried is not None:
        modes = count_modes(cell, bool(plan.carried.noisy))
        sizes.require(len(plan.carried.jump) == modes, f"{name!r} has the modes of its neurons")
        sizes.require(plan.carried.currents == len(cell.tau_sfa), f"{name!r} has the currents of its neurons")


def _population(plan: Plan) -> PopulationPlan:
    """Return a plan that is one of a population, as `_check_groups` has made sure."""
    assert isinstance(plan, PopulationPlan)
    return plan


def _check_level(level: AnyLevel, population: Population, assembly: Assembly, sizes: Sizes) -> None:
    """Refuse a level that an assembly of these options would not make."""
    tolerance = assembly.options.merging if isinstance(level, MesoLevel) else assembly.options.relaxing_tolerance
    options = assembly.options.dt, assembly.options.initial, tolerance, assembly.options.smooth
    sizes.require(
        (level.dt, level.initial, level.tolerance, level.smooth) == options, "levels have the options of the simulation"
    )
    if level.noisy is not None:
        sizes.require(len(level.noisy) == 2, "variances of two synapses")
        sizes.all_are(float, "variances", level.noisy)
    if isinstance(level, MesoLevel):
        carried = (population.adaptation or assembly.options.adaptation) == "carried"
        modes = count_modes(population.cell, level.noisy is not None) if carried else 0
        sizes.require(level.carried is carried, "adaptation as the options say")
        sizes.integer("moments", level.moments, *[modes + modes * (modes + 1) // 2 + (modes > 0)] * 2)
        sizes.integer("length of the history", level.length, 1, LARGEST_EXACT)
        level.check(population)


def _memory_of_reset(assembly: Assembly, engine: Engine) -> float:
    """Return the memory of histories that are to be longer than they are now."""
    needed = 0.0
    for population, plan in zip(assembly.net.populations.values(), engine.plans, strict=True):
        level = assembly.levels[population.name]
        if isinstance(level, MesoLevel) and isinstance(plan, PopulationPlan):
            now = plan.K if plan.cells is None else len(plan.cells.widest) - 1
            needed += sum(footprint.of_level(level, population)) if level.length > now else 0.0
    return needed


def _check_wired(assembly: Assembly, engine: Engine, sizes: Sizes) -> None:
    """Refuse drawn connections that are not those between these populations."""
    order, wired = list(assembly.net.populations), assembly.wired
    sizes.require(len(wired) == len(assembly.net.connections), "links for each connection")
    sizes.all_are(Link, "links", assembly.links)
    for c, links in zip(assembly.net.connections, wired, strict=True):
        ends = order.index(c.pre), order.index(c.post)
        sizes.require(all((link.source, link.target) == ends for link in links), f"links of {c.label} join its ends")
    checked = {id(link) for link in engine.links}  # with the engine
    _check_links([link for link in assembly.links if id(link) not in checked], engine, sizes)


def _check_results(results: list[Result], sizes: Sizes) -> None:
    sizes.require(isinstance(results, list), "results are listed")
    sizes.all_are(Result, "results", results)
    for result in results:
        sizes.all_are(PopulationResult, "results", result)


def check_engine(engine: Engine) -> None:
    """Refuse an engine whose arrays do not fit together; see `check_simulation`."""
    sizes = Sizes("engine", groups=len(engine.plans))
    sizes.require(sizes["groups"] >= 1, "a group")
    sizes.require(len(engine.names) == len(engine.streams) == sizes["groups"], "a name and a stream for each group")
    sizes.all_are((PopulationPlan, NeuronPlan), "plans", engine.plans)
    sizes.integer("step", engine.step, 0, LARGEST_EXACT)
    sizes.integer("slice", engine.slice_steps, 1, _core.LONGEST_SLICE)
    sizes.integer("threads", engine.threads, 1, np.iinfo(np.int32).max)
    _check_groups(engine, sizes)
    sizes.all_are(RingBuffers, "buffers", [engine._buffers])
    _check_buffers(engine._buffers, engine.plans, sizes)
    sizes.require(sizes["slots"] >= engine.slice_steps, "a slot for each step of a slice")
    sizes.all_are(SIGNALS, "signals", engine.signals)
    for signal in engine.signals:
        _check_signal(signal, sizes)
    sizes.all_are(Link, "links", engine.links)
    _check_links(engine.links, engine, sizes)
    sources = [link.source for link in engine.links]
    sizes.require(sources == sorted(sources), "links in order of source")
    _check_states(engine, sizes)
    sizes.all_are(NoiseLink, "noise", engine.noise)
    for noise in engine.noise:
        _check_noise(noise, engine, sizes)


def _check_groups(engine: Engine, sizes: Sizes) -> None:
    """Raise an error for invalid groups, or groups that share arrays that they write."""
    parts: list[object] = list(engine.plans)
    for name, plan, stream in zip(engine.names, engine.plans, engine.streams, strict=True):
        if isinstance(plan, NeuronPlan):
            _check_neurons(plan, Sizes(str(name)))
            sizes.check("key", stream, 2, dtype=np.uint64)
        else:
            plan = _population(plan)
            _check_population(plan, Sizes(str(name)))
            sizes.all_are(np.random.BitGenerator, "streams", [stream])
            parts += [part for part in (plan.cells, plan.carried) if part is not None]
    sizes.require(len({id(part) for part in parts}) == len(parts), "every group has a state of its own")


def _check_population(plan: PopulationPlan, sizes: Sizes) -> None:
    sizes.check("constants", plan.constants, 1, dtype=_meso.CONSTANTS)
    sizes.check("receptors", plan.receptors, "receptors", dtype=_meso.RECEPTOR)
    sizes.require(sizes["receptors"] >= 1, "a receptor")
    sizes.check("state", plan.state, 1, dtype=_meso.STATE)
    sizes.check("I_syn", plan.I_syn, "receptors")
    state, constants = plan.state[0], plan.constants[0]
    for name in ("theta", "quasi"):
        sizes.check(name, getattr(plan, name), "kernel")
    for name in ("sfa_decay", "sfa_feed", "sfa_weight", "relative_jumps", "sfa"):
        sizes.check(name, getattr(plan, name), "terms")
    sizes.check("cohorts", plan.cohorts, len(_meso.COHORT_ARRAYS), "places")
    sizes.require(1 <= state["cohorts"] <= plan.K, "1 <= cohorts <= K")
    sizes.require(_meso.PADDING <= state["oldest"] < sizes["places"] - state["cohorts"], "cohorts have places")
    sizes.require(sizes["places"] > _meso.PADDING + plan.K, "a place for one cohort more")
    sizes.require(0 <= constants["refractory"] <= plan.K, "0 <= refractory <= K")
    sizes.require(1 <= constants["N"] <= LARGEST_EXACT, "N >= 1")
    sizes.require(isinstance(plan.smooth, bool), "smooth or not")
    if plan.cells is None:
        sizes.require(state["cells"] == 0, "no cells in an exact history")
    else:
        sizes.all_are(history.Cells, "cells", [plan.cells])
        sizes.require(state["cells"] == 0 or state["cohorts"] == plan.K, "all K cohorts are there, or no cells")
        _check_cells(plan.cells, state, plan.K, sizes)
        traces = {sizes["terms"]} if plan.carried is None else {0, sizes["terms"]}
        sizes.require(sizes["traces"] in traces, "a trace of cells for each term")
    if plan.carried is not None:
        sizes.all_are(Carried, "carried", [plan.carried])
        _check_carried(plan.carried, plan.cells, sizes)


def _check_cells(cells: history.Cells, state: np.void, K: int, sizes: Sizes) -> None:
    """Raise an error for cells that could exceed their arrays."""
    sizes.check("cells.widest", cells.widest, "ages", dtype=np.int64)
    for name in ("tau", "newest"):
        sizes.check(f"cells.{name}", getattr(cells, name), "traces")
    sizes.check("cells.rows", cells.rows, len(_meso.CELL_ARRAYS), "cells")
    sizes.check("cells.traces", cells.traces, "traces", "cells")
    checks.number("tolerance", cells.tolerance, "in (0, 1)")
    sizes.integer("steps between merging", cells.every, history.MERGE_EVERY, history.MERGE_EVERY)
    room, widest = sizes["cells"] - _meso.PADDING, cells.widest
    sizes.require(len(widest) > 1 and widest.min() >= 1, "cells span steps")
    limit = np.maximum(np.arange(len(widest)) // 4, 1)
    sizes.require(np.all(widest <= limit) and np.all(widest[1:] >= widest[:-1]), "cells grow with age, to a quarter")
    sizes.require(room >= history.most_cells(widest), "room for the most cells")
    sizes.require(1 <= state["until_merging"] <= cells.every, "cells are merged in time")
    sizes.require(0 <= state["cells"] <= room - state["until_merging"], "room until then")
    widths = cells.rows[-1, _meso.PADDING : _meso.PADDING + state["cells"]]
    sizes.require(np.all((widths >= 1) & (widths == np.floor(widths))), "cells have widths")
    sizes.require(K + widths.sum() <= LARGEST_EXACT, "cells have an age")


def _check_carried(carried: Carried, cells: history.Cells | None, sizes: Sizes) -> None:
    sizes.check("carried.jump", carried.jump, "modes")
    D = sizes["modes"]
    moments = D + D * (D + 1) // 2
    sizes.require(1 <= D <= _meso.MOST_MODES, f"1 <= modes <= {_meso.MOST_MODES}")
    sizes.all_are((bool, np.bool_), "carried.membrane and carried.noisy", (carried.membrane, carried.noisy))
    synapses = sizes["receptors"] if carried.noisy else 0
    sizes.integer("modes of currents", carried.currents, 0, D - synapses - bool(carried.membrane))
    sizes.require(bool(carried.membrane or not carried.noisy), "a membrane where there is input")
    sizes.check("carried.modes", carried.modes, D, D)
    for name in ("decay", "added", "fired"):
        sizes.check(f"carried.{name}", getattr(carried, name), moments)
    for name in ("capacity", "forget", "recent"):
        sizes.check(f"carried.{name}", getattr(carried, name), "receptors")
    sizes.check("carried.noise", carried.noise, "receptors", moments)
    sizes.check("carried.free", carried.free, moments + 1)
    sizes.check("carried.cohorts", carried.cohorts, moments + 1, "places")
    sizes.require((carried.cells is None) == (cells is None), "cells carry what cohorts do")
    if cells is not None:
        sizes.check("carried.cells", carried.cells, moments + 1, "cells")


def _check_neurons(plan: NeuronPlan, sizes: Sizes) -> None:
    sizes.integer("N", plan.N, 1, np.iinfo(np.int32).max)
    sizes.require(plan.places == count_places(plan.N), "places for whole tiles of neurons")
    terms = ("I_syn", "sfa", "stc")
    sizes.require(plan.state.keys() == {*_micro.STATE, *terms}, "the variables of neurons")
    for name in _micro.STATE:
        sizes.check(name, plan.state[name], 1, plan.places)
    for kind in terms:
        sizes.check(kind, plan.state[kind], kind, plan.places)
    sizes.require(plan.n_receptors >= 1, "a receptor")
    sizes.require(np.all(plan.state["budget"][0, plan.N :] == EVERLASTING), "nobody fires behind the last neuron")
    draws = plan.state["draws"]
    sizes.require(np.all((draws >= 0) & (draws < LARGEST_EXACT)), "numbers of draws are counted")
    sizes.require(plan.parameters.keys() == {*_micro.PARAMETERS, *_micro.TERMS}, "the parameters of neurons")
    for name, values in plan.parameters.items():
        sizes.check(name, values, _micro.TERMS.get(name, 1), values.shape[-1])
        sizes.require(values.shape[1] in (_micro.TILE, plan.places), f"{name} for each neuron or for a tile")


def _check_buffers(buffers: RingBuffers, plans: Sequence[Plan], sizes: Sizes) -> None:
    receptors = max(plan.n_receptors for plan in plans)
    sizes.check("input", buffers.shared, 2, "groups", "slots", 2 * receptors + 1)
    for rings in (buffers.rings, buffers.units, buffers.externals):
        sizes.all_are(list, "input", [rings])
        sizes.require(len(rings) == len(plans), "input for each group")
    parts = zip(plans, buffers.rings, buffers.units, buffers.externals, strict=True)
    for i, (plan, ring, unit, external) in enumerate(parts):
        if not plan.neurons:
            sizes.require(ring is None and unit is None and external is None, "only neurons have input each")
            continue
        row = f"row of group {i}"
        sizes.check(
            "input of neurons", ring, "slots", plan.n_receptors, row, dtype=np.float64 if unit is None else np.uint16
        )
        sizes.require(sizes[row] >= plan.places, "input for each neuron")
        if unit is not None:
            sizes.all_are(Unit, "units of counts", [unit])
            sizes.check("unit of counts", unit.size, plan.n_receptors)
            sizes.require(np.all(np.isfinite(unit.size) & (unit.size != 0.0)), "units of counts are numbers")
            sizes.integer("largest count", unit.most, 0, np.iinfo(np.uint16).max)
        if external is not None:
            sizes.check("input from generators", external, "slots", plan.n_receptors + 1, row)


def _check_links(links: Iterable[Link], engine: Engine, sizes: Sizes) -> None:
    for link in links:
        sizes.integer("source of a link", link.source, 0, len(engine.plans) + len(engine.signals) - 1)
        sizes.integer("target of a link", link.target, 0, len(engine.plans) - 1)
        sizes.integer("lag of a link", link.lag, 0, grid.MOST_STEPS)
        sizes.all_are(float | int, "weights of links", [link.weight])
        source = engine.plans[link.source] if link.source < len(engine.plans) else None
        target = engine.plans[link.target]
        receptors = target.n_receptors
        if link.first is None or not target.neurons:
            receptors = engine._buffers.receptors
        place = _core.place_in_slot(link.receptor, receptors)
        sizes.integer("receptor of a link", place, 0, 2 * receptors)
        if link.first is None or link.units is None:
            sizes.require(all(part is None for part in link.connections), "only single connections have arrays")
        else:
            _check_single(link, link.first, link.units, 1 if source is None else source.units, target.units, sizes)
        if not link.is_empty:
            least = 0 if source is None else engine.slice_steps
            lags_fit = least <= link.shortest_lag <= link.longest_lag <= _longest_lag(engine)
            sizes.require(lags_fit, "links end in the slots")
        if link.first is not None and link.units is not None and target.neurons:
            buffers, counted = engine._buffers, engine._buffers.units[link.target] is not None
            sizes.require(place < (receptors if source is not None else receptors + 1), "a synapse")
            if source is None:
                sizes.require(buffers.externals[link.target] is not None, "room for input from generators")
            elif counted:
                alike = source.neurons and link.weights is None and link.lags is None
                sizes.require(alike, "spikes that are counted are alike")


def _check_states(engine: Engine, sizes: Sizes) -> None:
    links = with_state(engine.links)
    sizes.all_are(list, "states", [engine._states])
    sizes.require(len(engine._states) == len(links), "a state for each link that changes")
    for link, state in zip(links, engine._states, strict=True):
        sizes.all_are(Depression, "dynamics", [link.dynamics])
        sizes.require(link.source < len(engine.plans), "only links between groups have state")
        sizes.check("state of a link", state, len(VARIABLES), engine.plans[link.source].units)


def _check_single(link: Link, first: Integers, units: Shorts, n_pre: int, n_post: int, sizes: Sizes) -> None:
    """Refuse single connections that do not lead from these units to those."""
    sizes.check("first", first, n_pre + 1, dtype=np.int64)
    sizes.check("units", units, len(units), dtype=np.int32)
    sizes.require(
        first[0] == 0 and first[-1] == len(units) and np.all(first[1:] >= first[:-1]),
        "connections are in order of source",
    )
    if link.weights is not None:
        sizes.check("weights", link.weights, len(units))
    if link.lags is not None:
        sizes.check("lags", link.lags, len(units), dtype=np.int32)
    sizes.require(_within(units, n_post), f"connections end at one of {n_post}")


def _check_noise(noise: NoiseLink, engine: Engine, sizes: Sizes) -> None:
    sizes.integer("target of noise", noise.target, 0, len(engine.plans) - 1)
    sizes.integer("lag of noise", noise.lag, 0, _longest_lag(engine))
    sizes.all_are(float | int, "weights of noise", [noise.weight])
    sizes.all_are(np.random.BitGenerator, "streams of noise", [noise.stream])
    signal = noise.signal
    if not isinstance(signal, signals.Piecewise):
        raise ValueError(f"the mean of noise must be piecewise constant, got an object of {type(signal)}")
    _check_signal(signal, sizes)
    sizes.require(np.all((signal.values >= 0.0) & (signal.values <= MOST_EVENTS)), "moderate means of noise")
    sizes.require(engine._buffers.externals[noise.target] is not None, "room for noise")
    receptors = engine.plans[noise.target].n_receptors
    place = _core.place_in_slot(noise.receptor, receptors)
    sizes.integer("receptor of noise", place, 0, receptors - 1)
    n = engine.plans[noise.target].units
    if noise.units is not None:
        sizes.check("units", noise.units, len(noise.units), dtype=np.int32)
        sizes.require(_within(noise.units, n), f"noise ends at one of {n}")
        n = len(noise.units)
    if noise.weights is not None:
        sizes.check("weights", noise.weights, n)


def _check_signal(signal: object, sizes: Sizes) -> None:
    """Refuse a signal that could not emit, or would take memory for steps that are not asked for."""
    if isinstance(signal, signals.Samples):
        sizes.check("samples", signal.values, len(signal.values))
        sizes.require(len(signal.values) >= 1, "a sample")
        sizes.integer("first", signal.first, -LARGEST_EXACT, LARGEST_EXACT)
        sizes.integer("repeat", signal.repeat, 1, LARGEST_EXACT)
    elif isinstance(signal, signals.Events):
        _check_times("events", signal.steps, sizes)
        sizes.check("amounts", signal.amounts, len(signal.steps))
    else:
        assert isinstance(signal, signals.Piecewise | signals.PoissonCounts)
        sizes.integer("first", signal.first, -LARGEST_EXACT, LARGEST_EXACT)
        sizes.integer("end", signal.end, -LARGEST_EXACT, signals.LAST_STEP)
        if isinstance(signal, signals.Piecewise):
            _check_times("steps", signal.steps, sizes)
            sizes.check("values", signal.values, len(signal.steps) + 1)
        else:
            sizes.all_are(np.random.Generator, "random numbers", [signal.random])
            sizes.require(0.0 <= checks.number("mean", signal.mean) <= MOST_EVENTS, "a moderate mean")


def _check_times(name: str, steps: Integers, sizes: Sizes) -> None:
    sizes.check(name, steps, len(steps), dtype=np.int64)
    sizes.require(np.all(steps[1:] >= steps[:-1]), f"{name} in order")


def _check_prescribed(values: Prescribed, plan: Plan, sizes: Sizes) -> None:
    """Refuse prescribed counts of a population, or spikes of neurons, that it cannot have."""
    if plan.neurons:
        sizes.all_are(tuple, "prescribed spikes", [values])
        steps, neurons = values
        _check_times("prescribed steps", steps, sizes)
        sizes.require(neurons.shape == steps.shape and neurons.dtype.kind in "iu", "a neuron for each spike")
        sizes.require(_within(neurons, plan.units), "neurons that are to fire exist")
    else:
        sizes.require(isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iu", "counts")
        sizes.require(_within(values, int(_population(plan).constants["N"][0]) + 1), "prescribed counts are at most N")


def _longest_lag(engine: Engine) -> int:
    return engine._buffers.slots - engine.slice_steps


def _within(indices: Any, n: int) -> bool:
    """Return whether all indices, of an array, a list or a range, are in [0, n)."""
    indices = np.asarray([*indices[:1], *indices[-1:]] if isinstance(indices, range) else indices)
    return indices.size == 0 or bool(math.isfinite(indices.min()) and 0 <= indices.min() and indices.max() < n)
