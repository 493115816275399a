"""Change a network between runs: its description, and the running simulation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop.assembly.inputs import parts_of
from gifpop.common import seeds
from gifpop.common.interrupts import give_way
from gifpop.description import (
    Connection,
    Injection,
    check_receptor,
    check_receptor_of_input,
    population_name,
    rule_of,
)
from gifpop.inputs import SPIKES
from gifpop.micro.plan import NeuronPlan
from gifpop.parameters import GIF

if TYPE_CHECKING:
    from gifpop.assembly.assembly import Assembly
    from gifpop.common.typing import Integers, Streams
    from gifpop.description import Description, Population
    from gifpop.engine.engine import Engine
    from gifpop.engine.plan import Plan

Parameters: TypeAlias = "Mapping[str, Any]"  # by name, as a user gives them
Element: TypeAlias = "Population | str | Connection | tuple[Population | str, Population | str] | Injection"

OF_POPULATION = ("N", "BinoRand")  # in addition to the parameters of its neurons
OF_CONNECTION = ("weight", "delay", "p", "rule", "receptor", "plasticity")


def describe_change(net: Description, element: Element, parameters: Parameters) -> Description:
    """Return a copy of a description with changed parameters of one element (see `gifpop.Simulation.set`)."""
    net = net.copy()
    if isinstance(element, Injection):
        i = place_of(net, element, "Simulation.set")
        net.injections[i] = _input(net.injections[i], parameters)
        check_receptor_of_input(net.injections[i], net.populations[net.injections[i].post])
    elif isinstance(element, Connection | tuple):
        for c in _connections(net, element):
            changed = net.connections[c.number] = _connection(c, parameters)
            check_receptor(changed.label, changed.receptor, net.populations[c.post])
    else:
        name = population_name(net.populations, element, "Simulation.set: population")
        net.populations[name] = _population(net.populations[name], parameters)
    return net


def place_of(net: Description, injection: object, where: str) -> int:
    """Return the index of an injection in a description, even if its parameters have changed since it was added."""
    if not isinstance(injection, Injection):
        raise TypeError(f"{where}: input must be what Network.inject or Simulation.inject returned, got {injection!r}")
    for i, one in enumerate(net.injections):
        if _identity(one) == _identity(injection):
            return i
    raise ValueError(f"{where}: {injection.label} must be an input of this simulation; it is not, or has been removed")


def _identity(injection: Injection) -> tuple[int, bool, str, type]:
    """Return the properties of an injection that no change of parameters affects."""
    return injection.number, injection.by_simulation, injection.post, type(injection.input)


def _population(old: Population, parameters: Parameters) -> Population:
    of_cell = [f.name for f in fields(GIF)]
    _check_names(parameters, (*OF_POPULATION, *of_cell), "one of GIF's, N or BinoRand")
    cell = replace(old.cell, **{name: value for name, value in parameters.items() if name in of_cell})
    for terms in ("tau_sfa", "tau_stc"):
        before, after = len(getattr(old.cell, terms)), len(getattr(cell, terms))
        if after != before:
            raise ValueError(f"Simulation.set: GIF.{terms} of {old.name!r} must keep its length {before}, got {after}")
    if cell.receptors != old.cell.receptors:
        raise ValueError(
            f"Simulation.set: GIF.tau_syn of {old.name!r} must keep its receptors and their order, "
            f"{', '.join(old.cell.receptors)}, got {', '.join(cell.receptors)}"
        )
    return replace(old, cell=cell, **{name: parameters[name] for name in OF_POPULATION if name in parameters})


def _connections(net: Description, element: Connection | tuple[Population | str, ...]) -> list[Connection]:
    """Return the connections denoted by a `Connection` or by a pair of populations."""
    if isinstance(element, Connection):
        found = net.connections[element.number : element.number + 1]
        if [(c.pre, c.post) for c in found] != [(element.pre, element.post)]:
            raise ValueError(f"Simulation.set: {element.label} must be a connection of this simulation")
        return found
    if len(element) != 2:
        raise TypeError(f"Simulation.set: connections must be given as a pair, (pre, post), got {element!r}")
    pre, post = (
        population_name(net.populations, p, f"Simulation.set: {end}")
        for p, end in zip(element, ("pre", "post"), strict=True)
    )
    found = [c for c in net.connections if (c.pre, c.post) == (pre, post)]
    if not found:
        raise ValueError(f"Simulation.set: there must be a connection {pre!r} -> {post!r}; there is none")
    return found


def _connection(old: Connection, parameters: Parameters) -> Connection:
    _check_names(parameters, OF_CONNECTION, "of a connection")
    names = ("weight", "delay", "receptor", "plasticity")
    values = {name: parameters[name] for name in names if name in parameters}
    by = {name: parameters[name] for name in ("p", "rule") if parameters.get(name) is not None}
    return replace(old, **values, rule=rule_of(old.label, **by) if by else old.rule)


def _input(old: Injection, parameters: Parameters) -> Injection:
    of_input = [f.name for f in fields(old.input)]
    own = ("delay", "receptor") if isinstance(old.input, SPIKES) else ("delay",)
    _check_names(parameters, (*of_input, *own), f"of {type(old.input).__name__}, or {' or '.join(own)}")
    values = {name: value for name, value in parameters.items() if name not in own}
    mine = {name: parameters[name] for name in own if name in parameters}
    new = replace(old, input=replace(old.input, **values), **mine)
    shared = getattr(old.input, "shared", None)
    if getattr(new.input, "shared", None) != shared:
        raise ValueError(
            f"Simulation.set: {old.label}: shared must stay {shared}; remove the input and inject another one"
        )
    return new


def _check_names(parameters: Parameters, known: Collection[str], what: str) -> None:
    for name in parameters:
        if name not in known:
            raise TypeError(f"Simulation.set: parameter must be {what} ({', '.join(sorted(known))}), got {name!r}")


def carry_on(
    assembly: Assembly, engine: Engine, root: np.random.SeedSequence, net: Description
) -> tuple[Assembly, Engine]:
    """Return an assembly and an engine of a changed description that continue from the next step.

    The given ones are not modified: if an exception is raised, nothing has changed. ``root`` is the seed of the run;
    ``net`` has the same populations and connections with other parameters, and any inputs.
    """
    old = assembly.net
    if (net.populations, net.connections, net.injections) == (old.populations, old.connections, old.injections):
        return assembly, engine
    new = assembly.changed(net)
    plans = list(engine.plans)
    moved: dict[int, Integers] = {}
    for i, (name, population) in enumerate(net.populations.items()):
        if new.levels[name] is not assembly.levels[name]:
            give_way()
            plans[i], neurons = _continued(new, engine, root, i, population)
            if neurons is not None:
                moved[i] = neurons
    wired_alike = all(a is b for a, b in zip(new.wired, assembly.wired, strict=True))
    if wired_alike and not moved and net.injections == old.injections:
        return new, engine.changed(plans)
    lines, input_links, noise = new.inputs(streams_of_inputs(net, running_streams(assembly, engine), root))
    return new, engine.changed(plans, new.links + input_links, lines, noise, moved)


def _continued(
    assembly: Assembly, engine: Engine, root: np.random.SeedSequence, i: int, population: Population
) -> tuple[Plan, Integers | None]:
    """Return a plan with changed parameters and, if N changes, the neuron whose state each neuron takes.

    If the number falls, the last neurons leave. New neurons begin in the state of others, drawn at random, and soon
    differ from them, since the hazard left to a neuron until it fires does not depend on the past.
    """
    plan, level = engine.plans[i], assembly.levels[population.name]
    before, N = plan.units, population.N
    if not isinstance(plan, NeuronPlan) or N == before:
        return level.updated(plan, population, assembly.root, i), None
    random = np.random.Generator(seeds.stream(root, seeds.GROWTH, i, engine.step, before))
    neurons = np.concatenate([np.arange(min(N, before)), random.integers(before, size=max(N - before, 0))])
    changed = level.updated(plan.chosen(neurons), population, assembly.root, i)
    assert isinstance(changed, NeuronPlan)
    # a number of draws that no neuron with this index has reached, since each step takes at most one
    changed.renew_budgets(min(N, before), engine.step + 1.0, engine.streams[i])
    changed.begin_trapezoids(min(N, before))
    return changed, neurons


def running_streams(assembly: Assembly, engine: Engine) -> dict[int, np.random.BitGenerator]:
    """Return the streams of random inputs by the numbers of the inputs."""
    running: dict[int, np.random.BitGenerator] = {}
    lines, noise = iter(engine.signals), iter(engine.noise)
    for injection in assembly.net.injections:
        for part in parts_of(injection.input, assembly.level_names[injection.post]):
            if part == "noise":
                running[injection.number] = next(noise).stream
            else:
                random = getattr(next(lines), "random", None)
                if random is not None:
                    running[injection.number] = random.bit_generator
    return running


def streams_of_inputs(
    net: Description, running: Mapping[int, np.random.BitGenerator], root: np.random.SeedSequence
) -> Streams:
    """Return a function that gives each input of a description its stream: the running one, or a new one."""

    def stream(i: int) -> np.random.BitGenerator:
        number = net.injections[i].number
        return running[number] if number in running else seeds.stream(root, seeds.INPUT, number)

    return stream
