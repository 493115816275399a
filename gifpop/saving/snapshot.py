"""The state of a simulation, class by class, and the file that holds it (docs/save_and_restore.md).

The number of the format rises with every change of the names below, so that each gifpop knows what it can read.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gifpop import distributions, inputs, parameters, rules
from gifpop.assembly.assembly import Assembly
from gifpop.assembly.finished_runs import bytes_of_joined, concatenate
from gifpop.assembly.options import Options
from gifpop.assembly.recording import Column, Recording
from gifpop.common import memory
from gifpop.common.memory import aligned_copy
from gifpop.common.receptors import RECEPTORS, name_currents
from gifpop.common.warn import warn
from gifpop.description import Connection, Description, Injection, Population
from gifpop.engine import signals
from gifpop.engine import threads as team_threads
from gifpop.engine.counting import Unit
from gifpop.engine.dynamics import Depression
from gifpop.engine.engine import INSTRUCTION_SET, Engine
from gifpop.engine.links import Link, NoiseLink
from gifpop.engine.ring_buffers import RingBuffers
from gifpop.engine.threads import check_threads
from gifpop.meso import _meso
from gifpop.meso.history import TOLERANCE, Cells
from gifpop.meso.level import MesoLevel
from gifpop.meso.modes import Carried
from gifpop.meso.plan import PopulationPlan
from gifpop.micro.level import MicroLevel
from gifpop.micro.plan import NeuronPlan
from gifpop.result import PopulationResult, Result
from gifpop.saving import archive, integrity
from gifpop.saving.encoding import Kind, decode, encode
from gifpop.version import __version__

if TYPE_CHECKING:
    from gifpop.common.typing import Arrays, Floats, Structured

T = TypeVar("T")

FORMAT = 1
LARGEST_POOL = 2**8  # words of a SeedSequence; the time to make one grows with the square (numpy: 4, by default)
MACHINE = f"{platform.system()} {platform.machine()} {INSTRUCTION_SET}"


def save(path: archive.Path, state: dict[str, object], compressed: bool = False) -> None:
    """Write the attributes of a simulation.

    Parameters
    ----------
    path : str or os.PathLike
    state : dict of str to object
    compressed : bool
    """
    document, arrays = encode(state, KINDS, "Simulation.save")
    header = {"format": FORMAT, "gifpop": __version__, "numpy": np.__version__, "machine": MACHINE}
    archive.write(path, header | {"simulation": document}, arrays, compressed)


def load(path: archive.Path, threads: int | None = None) -> dict[str, Any]:
    """Return the attributes of a simulation from a file; ``threads`` None: the saved number."""
    where = f"Simulation.load: {os.fsdecode(path)!r}"
    document, arrays = archive.read(path, where, lambda document: _accept(where, document))
    with archive.damage_reported(where), np.errstate(all="ignore"):
        state, machine = restored(document["simulation"], arrays), str(document["machine"])
    if threads is None:
        threads = check_threads("Simulation.load: threads", state["engine"].threads)
    state["assembly"].options = replace(state["assembly"].options, threads=threads)
    state["engine"].threads = threads
    if machine != MACHINE:
        warn(
            f"{where} was saved on {machine}, this is {MACHINE}: sums are rounded in another way, and the run will "
            "not be what it would have been there, spike by spike"
        )
    return state


def copied(state: dict[str, object]) -> dict[str, Any]:
    """Return attributes of a simulation that share nothing with these, as if they had been saved and loaded."""
    document, arrays = encode(state, KINDS, "copy of a Simulation")
    with np.errstate(all="ignore"):
        return restored(document, {name: array.copy() for name, array in arrays.items()})


def restored(document: Any, arrays: Arrays) -> dict[str, Any]:
    """Return the attributes of a simulation from JSON and arrays; raise errors of any class if they are invalid."""
    state: dict[str, Any] = decode(document, arrays, KINDS)
    integrity.check_simulation(**state)
    return state


def joined(results: Iterable[Result]) -> list[Result]:
    """Return results of successive runs as few: one as long as populations keep their sizes."""
    groups = [list(group) for _, group in groupby(results, key=lambda result: [p.N for p in result])]
    memory.require(
        sum(bytes_of_joined(group) for group in groups if len(group) > 1),
        "Simulation.save: a copy of what all runs recorded (results=False leaves it out)",
    )
    return [group[0] if len(group) == 1 else concatenate(group) for group in groups]


def _accept(where: str, document: dict[str, Any]) -> None:
    """Refuse a file of another format."""
    with archive.damage_reported(where):
        format, version = int(document["format"]), str(document["gifpop"])
    if format != FORMAT:
        remedy = "; a newer gifpop reads it" if format > FORMAT else ""
        raise ValueError(
            f"{where} has format {format}, saved by gifpop {version}; this is gifpop {__version__}, which "
            f"reads format {FORMAT}{remedy}"
        )


def _described(cls: type, *names: str, own: Sequence[str] = ()) -> Kind:
    """Return the kind of a class whose constructor takes its attributes: by default the fields of a dataclass.

    ``own`` : see `gifpop.saving.encoding.Kind`.
    """
    names = names or tuple(f.name for f in fields(cls))
    return Kind(cls, lambda value: {name: getattr(value, name) for name in names}, cls, tuple(own))


def _kept(
    cls: type[T],
    *names: str,
    anew: Sequence[str] = (),
    absent: dict[str, Any] | None = None,
    dropped: Sequence[str] = (),
    made: Callable[[T], T] | None = None,
    own: Sequence[str] = (),
) -> Kind:
    """Return the kind of a class whose attributes ``names`` are stored, and those in ``anew`` made again on loading.

    ``absent`` holds the values of attributes that earlier files of this format lack, ``dropped`` the names of those
    that only they have; ``made`` is called with an object once it has its attributes, and returns it. ``own`` : see
    `gifpop.saving.encoding.Kind`.
    """
    kept = {name.lstrip("_"): name for name in names}

    def take(value: T) -> dict[str, Any]:
        if vars(value).keys() != {*names, *anew}:
            odd = vars(value).keys() ^ {*names, *anew}
            raise AssertionError(f"saving.snapshot does not know what to do with {cls.__name__}: {', '.join(odd)}")
        return {name: getattr(value, attribute) for name, attribute in kept.items()}

    def make(**attributes: Any) -> T:
        attributes = {**(absent or {}), **{name: part for name, part in attributes.items() if name not in dropped}}
        if attributes.keys() != kept.keys():
            raise ValueError(f"{cls.__name__} must have {', '.join(kept)}, got {', '.join(attributes)}")
        value = cls.__new__(cls)
        vars(value).update({kept[name]: part for name, part in attributes.items()})
        return value if made is None else made(value)

    return Kind(cls, take, make, tuple(own))


def _aligned(plan: NeuronPlan) -> NeuronPlan:
    """Move the arrays of neurons to the beginnings of cache lines."""
    plan.state = {name: aligned_copy(values) for name, values in plan.state.items()}
    return plan


def _population_by_receptor(parts: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a `PopulationPlan`; in earlier files the receptors had fields of the constants and state."""
    parts = {**parts, "constants": _without_rest(parts["constants"])}
    if "receptors" in parts:
        return parts
    constants, state = parts["constants"], parts["state"]
    receptors = np.zeros(len(RECEPTORS), _meso.RECEPTOR)
    for receptor, name in zip(receptors, RECEPTORS, strict=True):
        for field in _meso.RECEPTOR.fields or ():
            receptor[field] = constants[f"{field}_{name}"][0]
    I_syn = np.array([state[name][0] for name in name_currents(len(RECEPTORS))])
    narrowed = {"constants": _fields(constants, _meso.CONSTANTS), "state": _fields(state, _meso.STATE)}
    return {**parts, **narrowed, "receptors": receptors, "I_syn": I_syn}


def _without_rest(constants: Structured) -> Structured:
    """Return the constants of a population; in earlier files its drive held E_L, of which now only (1 - leak) E_L."""
    names = constants.dtype.names or ()
    if "E_L" not in names:
        return constants
    drive = constants["constant_drive"] - constants["E_L"] * constants["leak"]
    constants = _fields(constants, np.dtype([(name, constants.dtype[name]) for name in names if name != "E_L"]))
    constants["constant_drive"] = drive
    return constants


def _fields(array: Structured, dtype: np.dtype[np.void]) -> Structured:
    """Return a structured array with the fields of a type alone."""
    kept = np.zeros(len(array), dtype)
    for name in dtype.names or ():
        kept[name] = array[name]
    return kept


def _neurons_by_receptor(N: int, parameters: dict[str, Floats], state: dict[str, Floats]) -> NeuronPlan:
    """Return a `NeuronPlan`; in earlier files each receptor had arrays of its own."""
    if "I_syn" not in state:
        currents = name_currents(len(RECEPTORS))
        others = {name: values for name, values in state.items() if name not in currents}
        state = {**others, "I_syn": np.vstack([state[name] for name in currents])}
        for name in ("carry", "decay"):
            rows = [parameters.pop(f"{name}_{receptor}") for receptor in RECEPTORS]
            places = max(row.shape[1] for row in rows)
            parameters[name] = np.vstack([np.resize(row, (1, places)) for row in rows])
    return NeuronPlan(N, parameters, state)


def _aligned_rings(buffers: RingBuffers) -> RingBuffers:
    """Move the ring buffers of single neurons to the beginnings of cache lines."""
    for name in ("rings", "externals"):
        setattr(buffers, name, [None if ring is None else aligned_copy(ring) for ring in getattr(buffers, name)])
    return buffers


def _resumed(engine: Engine) -> Engine:
    """Resume an engine after checking that the compiled loop stays within its arrays."""
    integrity.check_engine(engine)
    engine.resume()
    return engine


def _restored(assembly: Assembly) -> Assembly:
    """Drop the cache of an assembly for `Simulation.reset`, which makes it again."""
    assembly._initial_plans = assembly._relaxed = None
    assembly._signals = {}
    return assembly


def _take_result(result: Result) -> dict[str, Any]:
    return {
        "populations": list(result),
        "dt": result.dt,
        "level": result.level,
        "seed": result.seed,
        "network_seed": result.network_seed,
        "first": result._first,
        "trials": result.trials,
    }


def _take_population_result(result: PopulationResult) -> dict[str, Any]:
    meso = result.level == "meso"
    return {
        "name": result.name,
        "N": result.N,
        "dt": result.dt,
        "first": result._first,
        "counts": result.counts,
        "record_steps": result._record_steps,
        "variables": result._variables,
        "mean": result.mean if meso else None,
        "spikes": result._spikes,
        "neurons": None if meso else result.neurons,
    }


def _take_seed(seed: np.random.SeedSequence) -> dict[str, Any]:
    if seed.pool_size > LARGEST_POOL:
        raise ValueError(f"Simulation.save: seed.pool_size must be <= {LARGEST_POOL}, got {seed.pool_size}")
    return {name: getattr(seed, name) for name in ("entropy", "spawn_key", "pool_size", "n_children_spawned")}


def _make_seed(pool_size: int, **parts: Any) -> np.random.SeedSequence:
    if pool_size > LARGEST_POOL:
        raise ValueError(f"SeedSequence.pool_size must be <= {LARGEST_POOL}, got {pool_size}")
    return np.random.SeedSequence(pool_size=pool_size, **parts)


def _pcg64(state: Any) -> np.random.PCG64:
    """Return a bit generator in a state."""
    stream = np.random.PCG64(0)
    stream.state = state
    return stream


ASSEMBLY = _kept(
    Assembly,
    "net",
    "root",
    "options",
    "level_names",
    "levels",
    "wired",
    anew=("_initial_plans", "_relaxed", "_signals"),
    made=_restored,
)
OPTIONS = tuple(f.name for f in fields(Options) if f.name not in ("level", "history"))  # level_names, tolerance: None


def _take_assembly(assembly: Assembly) -> dict[str, Any]:
    parts = ASSEMBLY.take(assembly)
    options = parts.pop("options")
    return parts | {name: getattr(options, name) for name in OPTIONS} | {"tolerance": options.merging}


def _make_assembly(**parts: Any) -> Any:
    given = {name: parts.pop(name) for name in OPTIONS if name in parts}
    given["threads"] = min(given["threads"], team_threads.processors())
    if given["tolerance"] is None:
        given |= {"history": "exact", "tolerance": TOLERANCE}
    return ASSEMBLY.make(**parts, options=Options(level=parts["level_names"], **given))


KINDS = (
    # descriptions
    _kept(Description, "populations", "connections", "injections", "_inputs_made")._replace(name="Network"),
    *map(_described, (Population, Connection, Injection)),
    *map(_described, (parameters.GIF, *inputs.INPUTS)),
    *map(_described, (rule for rule in rules.RULES if rule is not rules.Pairs)),
    _described(rules.Pairs, "sources", "targets", own=("sources", "targets")),
    *map(_described, (distributions.Uniform, distributions.Normal, distributions.Lognormal, distributions.Exponential)),
    _described(distributions.Given, "values", own=("values",)),
    # what the time loop reads
    Kind(
        PopulationPlan,
        _described(PopulationPlan).take,
        lambda **parts: PopulationPlan(**_population_by_receptor(parts)),
        own=tuple(f.name for f in fields(PopulationPlan)),
    ),
    _described(Cells, own=("rows", "traces")),
    _described(Carried, own=[f.name for f in fields(Carried)]),
    Kind(
        NeuronPlan, _described(NeuronPlan).take, lambda **parts: _aligned(_neurons_by_receptor(**parts)), own=("state",)
    ),
    _described(Link),
    _described(Depression),
    _described(NoiseLink),
    _kept(
        RingBuffers, "shared", "rings", "units", "externals", made=_aligned_rings, own=("shared", "rings", "externals")
    ),
    _described(Unit, *Unit._fields),
    _kept(signals.Piecewise, "steps", "values", "first", "end"),
    _kept(signals.Samples, "values", "first", "repeat"),
    _kept(signals.Events, "steps", "amounts"),
    _kept(signals.PoissonCounts, "mean", "random", "first", "end"),
    # random numbers
    Kind(np.random.SeedSequence, _take_seed, _make_seed),
    Kind(np.random.PCG64, lambda stream: {"state": stream.state}, _pcg64),
    _described(np.random.Generator, "bit_generator"),
    # the whole, and what it has recorded
    _kept(
        MesoLevel,
        "dt",
        "initial",
        "tolerance",
        "noisy",
        "carried",
        "length",
        "moments",
        "smooth",
        absent={"smooth": False},
    ),
    _kept(MicroLevel, "dt", "initial", "tolerance", "noisy", "smooth", absent={"smooth": False}, dropped=("bytes",)),
    Kind(Assembly, _take_assembly, _make_assembly),
    _kept(
        Engine,
        "step",
        "dt",
        "threads",
        "names",
        "plans",
        "streams",
        "links",
        "signals",
        "noise",
        "slice_steps",
        "_buffers",
        "_states",
        anew=("_running", "broken", "core"),
        absent={"states": []},
        own=("states",),
        made=_resumed,
    ),
    _kept(Recording, "columns", "every", "prescribed", "_names", "_dt", "_levels", "_neurons", "_recorded"),
    _described(Column),
    Kind(Result, _take_result, Result),
    Kind(PopulationResult, _take_population_result, PopulationResult),
)
