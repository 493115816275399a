"""What a file holds of a simulation, and the simulation that is made of it.

What follows from the description and the options (constants, kernels, links between populations, signals) is not kept,
but made by the same code as for a new simulation. What was drawn is kept: connections, and values that differ between
neurons.
"""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.assembly import footprint
from gifpop.assembly.assembly import Assembly
from gifpop.assembly.changes import running_streams, streams_of_inputs
from gifpop.assembly.finished_runs import Records, bytes_of_joined, concatenate
from gifpop.assembly.options import Options
from gifpop.assembly.recording import Recording
from gifpop.assembly.state import State
from gifpop.common import memory
from gifpop.engine.engine import Engine
from gifpop.engine.threads import check_threads
from gifpop.result import PopulationResult, Result
from gifpop.saving.integrity import check_classes, check_drawn, check_group, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gifpop.common.typing import Arrays, Stream
    from gifpop.engine.links import Link
    from gifpop.engine.plan import Plan

DRAWN = ("first", "units", "weights", "lags")  # arrays of a link between neurons


def contents(state: State, results: bool = True) -> dict[str, Any]:
    """Return what `rebuilt` needs to make the same state, with or without results."""
    assembly, engine = state.assembly, state.engine
    groups = zip(engine.names, engine.plans, engine.streams, strict=True)
    inputs = running_streams(assembly, engine)
    return {
        "seed": state.seed,
        "network_seed": assembly.root,
        "network": assembly.net,
        "options": {f.name: getattr(assembly.options, f.name) for f in fields(Options)},
        "recording": state.recording.options(),
        "connections": [_drawn(links) for links in assembly.wired],
        "groups": {name: {"stream": _stream_state(stream), **plan.state_arrays()} for name, plan, stream in groups},
        "inputs": {number: _stream_state(stream) for number, stream in inputs.items()},
        "engine": engine.state(),
        "results": _joined(state.records.results) if results else [],
    }


def rebuilt(kept: dict[str, Any], threads: int | None = None) -> State:
    """Return the state of which `contents` has returned these.

    Parameters
    ----------
    kept : dict
    threads : int or None
        None: as many as there were.

    Raises
    ------
    ValueError
        If parts do not fit together. Other errors where they are of other classes than they should be.
    MemoryError
        If histories would not fit in memory after a reset, which may make them longer.
    """
    seed, root, net, results = kept["seed"], kept["network_seed"], kept["network"], kept["results"]
    check_classes(np.random.SeedSequence, "seeds", (seed, root))
    check_classes(Result, "results", results)
    check_classes(PopulationResult, "results", (one for result in results for one in result))
    options = dict(kept["options"])
    options.setdefault("finite_size", "corrected")  # the only form there was, in files that do not say
    options["threads"] = threads or check_threads("Simulation.load: threads", options["threads"])
    assembly = Assembly(net, root, Options(**options))
    require(list(kept["groups"]) == list(net.populations), "each population has a state")
    groups = [_group(assembly, i, dict(parts)) for i, parts in enumerate(kept["groups"].values())]
    initial = sum(map(sum, footprint.of_levels(net, assembly.levels, known=False)))
    memory.require(initial, "Simulation.load: histories after a reset")
    drawn = [parts and tuple(parts[name] for name in DRAWN) for parts in kept["connections"]]
    for c, arrays in zip(net.connections, drawn, strict=True):
        check_drawn(c, arrays, net, assembly.level_names)
    assembly.rewire(drawn)
    streams = {number: _stream(parts) for number, parts in kept["inputs"].items()}
    check_classes(np.random.BitGenerator, "streams of inputs", streams.values())
    lines, links, noise = assembly.inputs(streams_of_inputs(net, streams, seed))
    engine = Engine(
        net.populations,
        [plan for plan, _ in groups],
        [stream for _, stream in groups],
        assembly.links + links,
        lines,
        noise,
        dt=assembly.options.dt,
        n_threads=assembly.options.threads,
    )
    require(running_streams(assembly, engine).keys() == streams.keys(), "each random input has a stream")
    engine.resume(kept["engine"])
    return State(seed, assembly, Recording(assembly, **kept["recording"]), engine, Records(results))


def _group(assembly: Assembly, i: int, parts: dict[str, Any]) -> tuple[Plan, Stream]:
    """Return plan and stream of a population."""
    stream = _stream(parts.pop("stream"))
    name, population = list(assembly.net.populations.items())[i]
    plan = assembly.levels[name].resume(population, assembly.root, i, parts)
    check_group(name, plan, stream)
    return plan, stream


def _drawn(links: Sequence[Link]) -> Arrays | None:
    """Return the arrays of the connections between neurons, None where there are no single ones."""
    return None if links[0].first is None else {name: getattr(links[0], name) for name in DRAWN}


def _stream_state(stream: Stream) -> Any:
    """Return the state of a bit generator, or the key of neurons."""
    return stream if isinstance(stream, np.ndarray) else stream.state


def _stream(kept: Any) -> Any:
    """Return a bit generator in a state, or the key of neurons."""
    if isinstance(kept, np.ndarray):
        return kept
    stream = np.random.PCG64(0)
    stream.state = kept
    return stream


def _joined(results: Iterable[Result]) -> list[Result]:
    """Return results of successive runs as few: one as long as populations keep their sizes."""
    groups = [list(group) for _, group in groupby(results, key=lambda result: [p.N for p in result])]
    memory.require(
        sum(bytes_of_joined(group) for group in groups if len(group) > 1),
        "Simulation.save: a copy of what all runs recorded (results=False leaves it out)",
    )
    return [group[0] if len(group) == 1 else concatenate(group) for group in groups]
