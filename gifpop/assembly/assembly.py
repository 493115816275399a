"""A wired network at its levels: everything that its runs share, to make engines in their initial state.

What is drawn comes from two seeds. That of the network draws connections and what makes neurons differ; that of a run
draws everything else: initial states, spikes and inputs. A simulation uses the same for both unless told otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gifpop.assembly import footprint, stationary
from gifpop.assembly.connections import (
    capacities,
    changed_link,
    check_connections,
    is_drawn_alike,
    links,
    plasticities,
    sample_links,
)
from gifpop.assembly.inputs import inputs, private_currents
from gifpop.assembly.levels import AnyLevel, choose_finite_size, make_level, relaxing_plan
from gifpop.assembly.options import check_levels
from gifpop.assembly.requests import replayed
from gifpop.common import memory, seeds
from gifpop.common.interrupts import give_way
from gifpop.description import Connection, Description, Injection
from gifpop.engine.engine import Engine
from gifpop.meso.level import MesoLevel

if TYPE_CHECKING:
    from gifpop.assembly.connections import Drawn
    from gifpop.assembly.options import GivenCounts, Options
    from gifpop.common.private_currents import PrivateCurrent
    from gifpop.common.typing import Level, Stream, Streams
    from gifpop.engine.links import Link, NoiseLink
    from gifpop.engine.plan import Plan
    from gifpop.engine.plasticity import LinkPlasticity
    from gifpop.engine.signals import Signal


class Assembly:
    """A network with the options that decide what is simulated (see `gifpop.Simulation`).

    It has its own copy of the description, ``net``, where each population says how it follows its number of neurons,
    which may depend on whether ``counts`` of it are given; its ``root`` is the seed of the network. ``levels`` are
    those of the populations, ``wired`` the links of each connection, once `wire` has drawn them.
    """

    def __init__(
        self,
        net: Description,
        root: np.random.SeedSequence,
        options: Options,
        counts: GivenCounts = None,
    ) -> None:
        if not isinstance(net, Description):
            raise TypeError(f"Simulation: net must be a gifpop.Network, got {net!r}")
        if not net.populations:
            raise ValueError("Simulation: net must have at least one population, got none")
        self.root, self.net = root, Description.copy(net)
        self.level_names = check_levels(net.populations, options.level)
        self.options = options if isinstance(options.level, str) else replace(options, level=self.level_names)
        self._choose_finite_size(replayed(net.populations, counts))
        self.levels = self._make_levels()
        self.wired: list[list[Link]] = []
        self._initial_plans: list[Plan] | None = None
        self._relaxed: Engine | None = None
        self._signals: dict[int, tuple[Injection, Signal]] = {}

    @property
    def links(self) -> list[Link]:
        """The links between the populations."""
        return [link for of_one in self.wired for link in of_one]

    def _choose_finite_size(self, given: Container[str]) -> None:
        for name, p in self.net.populations.items():
            if self.level_names[name] == "meso":
                self.net.populations[name] = choose_finite_size(p, self.options, name in given)

    def _make_levels(self, before: Assembly | None = None) -> dict[str, AnyLevel]:
        """Return levels of the populations, those of an earlier assembly where nothing has changed for them."""
        of_level = {
            "meso": capacities(self.net, self.options.wiring),
            "micro": capacities(self.net, "sparse"),
        }
        currents = private_currents(self.net, self.options.dt)
        laws = plasticities(self.net, self.level_names, self.options.dt)
        levels: dict[str, AnyLevel] = {}
        for (name, p), kind in zip(self.net.populations.items(), self.level_names.values(), strict=True):
            own = of_level[kind].get(name), currents.get(name, ()), laws.get(name, {})
            if before is not None and p == before.net.populations[name] and own == before.own_parts(name):
                levels[name] = before.levels[name]
            else:
                levels[name] = make_level(kind, p, self.options, *own)
        return levels

    def own_parts(
        self, name: str
    ) -> tuple[Sequence[float] | None, tuple[PrivateCurrent, ...], Mapping[int, LinkPlasticity]]:
        """Return what the neurons of a population receive of their own, and their plasticities (see `MesoLevel`)."""
        level = self.levels[name]
        return level.capacity, level.private, level.plasticities

    def check(self, before: Assembly | None = None) -> None:
        """Raise an error for connections and inputs that break their rules, or for too little memory.

        Of a changed assembly, connections that have changed and memory that is needed besides: ``before`` is what it
        was.
        """
        connections = self.net.connections
        if before is not None:
            connections = [c for c in connections if not self._is_wired_as(before, c)]
        wired = check_connections(self.net, connections, self.level_names, self.options.dt, self.options.wiring)
        memory.require(self._needs(wired, before), "Simulation: connections, neurons, histories and input on its way")
        if before is None:
            self.inputs(_streams(self.root, seeds.INPUT))

    def _needs(self, connections: float, before: Assembly | None) -> dict[str, float]:
        """Return the memory of the network by part, given that of ``connections``; or that of a change."""
        if before is not None:
            changed = {name: one for name, one in self.levels.items() if one is not before.levels[name]}
            states = sum(map(sum, footprint.of_levels(self.net, changed, known=False)))
            grown = {name for name in changed if self.net.populations[name].N > before.net.populations[name].N}
            rings = footprint.of_ring_buffers(self.net, self.level_names, self.options.dt, grown) if grown else 0.0
            return {"connections": connections, "states": states, "input on its way": rings}
        needs = {
            "connections": connections,
            # the initial state is kept, and copied for each run
            "states": sum(shared + 2 * own for shared, own in footprint.of_levels(self.net, self.levels)),
            "input on its way": footprint.of_ring_buffers(self.net, self.level_names, self.options.dt),
        }
        return needs | (footprint.of_stationary(self.net, self.levels) if self.options.initial == "stationary" else {})

    def wire(self, before: Assembly | None = None) -> None:
        """Draw the connections; keep unchanged ones of an earlier assembly."""
        self.wired = [self._wire(before, c) for c in self.net.connections]

    def rewire(self, drawn: Sequence[Drawn | None]) -> None:
        """Take over connections between neurons that were drawn before; None where there are no single ones."""
        self.wired = [self._links(c, own) for c, own in zip(self.net.connections, drawn, strict=True)]

    def _wire(self, before: Assembly | None, c: Connection) -> list[Link]:
        if before is not None and self._is_wired_as(before, c):
            return before.wired[c.number]
        if before is not None and self._is_drawn_as(before, c):
            return [changed_link(self.net, link, c, self.options.dt) for link in before.wired[c.number]]
        give_way()
        return self._links(c)

    def _links(self, c: Connection, drawn: Drawn | None = None) -> list[Link]:
        streams = _streams(self.root, seeds.CONNECTION)
        return links(
            self.net,
            c,
            self.level_names,
            self.options.dt,
            lambda: streams(c.number),
            self.options.threads,
            self.options.wiring,
            drawn,
        )

    def _is_wired_as(self, before: Assembly, c: Connection) -> bool:
        """Return whether a connection is unchanged."""
        return c == before.net.connections[c.number] and self._has_size_as(before, c)

    def _is_drawn_as(self, before: Assembly, c: Connection) -> bool:
        """Return whether the single connections are the same."""
        between_neurons = self.level_names[c.pre] == self.level_names[c.post] == "micro"
        alike = is_drawn_alike(c, before.net.connections[c.number])
        return between_neurons and alike and self._has_size_as(before, c)

    def _has_size_as(self, before: Assembly, c: Connection) -> bool:
        return all(self.net.populations[name].N == before.net.populations[name].N for name in (c.pre, c.post))

    def changed(self, net: Description) -> Assembly:
        """Return the assembly of a changed description with the same populations, connections and inputs.

        Only what has changed is made anew, as an assembly of that description would have made it. Raises whatever that
        would raise.
        """
        new = copy.copy(self)
        new.net = net
        new._signals = {i.number: self._signals[i.number] for i in net.injections if i.number in self._signals}
        new.levels = new._make_levels(self)
        new.check(self)
        new.wire(self)
        new._initial_plans = new._relaxed = None
        return new

    @property
    def drawn(self) -> list[str]:
        """Names of the populations whose spikes are drawn cohort by cohort."""
        return [name for name, level in self.levels.items() if isinstance(level, MesoLevel) and level.drawn]

    def engine(self, root: np.random.SeedSequence, instead_of: Engine | None = None) -> Engine:
        """Return an engine in the initial state of a run with the seed ``root``.

        ``instead_of``: an engine of this network whose ring buffers are used again. It is broken from the moment on
        when all else is ready.
        """
        groups = self._begin(root)
        relaxed = self._relax() if self.options.initial == "stationary" else None
        give_way()
        buffers = None if instead_of is None else instead_of.give_up()
        engine = Engine(
            self.net.populations, *groups, dt=self.options.dt, n_threads=self.options.threads, buffers=buffers
        )
        if relaxed is not None:
            stationary.begin(engine, relaxed, _streams(root, seeds.STATE))
        return engine

    def _begin(
        self, root: np.random.SeedSequence
    ) -> tuple[list[Plan], list[Stream], list[Link], list[Signal], list[NoiseLink]]:
        """Return plans in the initial state, their streams, links, signals and noise."""
        populations = self.net.populations
        if self._initial_plans is None:
            initial: list[Plan] = []
            for i, (name, p) in enumerate(populations.items()):
                give_way()
                initial.append(self.levels[name].plan(p, self.root, i))
            self._initial_plans = initial
        plans: list[Plan] = [plan.copy() for plan in self._initial_plans]
        streams: list[Stream] = [
            self.levels[name].begin(plan, p, root, i)
            for i, (plan, (name, p)) in enumerate(zip(plans, populations.items(), strict=True))
        ]
        lines, input_links, noise = self.inputs(_streams(root, seeds.INPUT))
        return plans, streams, self.links + input_links, lines, noise

    def inputs(self, streams: Streams) -> tuple[list[Signal], list[Link], list[NoiseLink]]:
        """Return signals, links and noise of the inputs; ``streams(i)`` is the bit generator of the i-th one."""
        return inputs(self.net, self.level_names, self.options.dt, streams, self._signals)

    def _relax(self) -> Engine:
        """Return an engine with the network in its stationary state, the same as before if nothing has changed."""
        if self._relaxed is None:
            populations = self.net.populations
            sizes, streams = [p.N for p in populations.values()], _streams(self.root, seeds.INPUT)
            levels: dict[str, Level] = dict.fromkeys(populations, "meso")
            lines, made, noise = inputs(self.net, levels, self.options.dt, streams, self._signals)
            links = stationary.mean_links(self.links, sizes) + sample_links(self.net, self.level_names, self.options.dt)
            made += [stationary.of_population(link) if self._is_neurons(link.source) else link for link in links]
            plans = [
                relaxing_plan(self.levels[name], replace(p, N=stationary.SIZE, BinoRand=True), self.root, i)
                for i, (name, p) in enumerate(populations.items())
            ]
            self._relaxed = stationary.relax(
                populations,
                [p.cell for p in populations.values()],
                plans,
                sizes,
                made,
                lines,
                [link for link in noise if not link.shared],
                dt=self.options.dt,
                n_threads=self.options.threads,
            )
        return self._relaxed

    def _is_neurons(self, source: int) -> bool:
        """Return whether a source is a population at the microscopic level."""
        return source < len(self.levels) and list(self.level_names.values())[source] == "micro"


def _streams(root: np.random.SeedSequence, kind: int) -> Streams:
    """Return a function that makes the streams of connections, inputs or initial states."""
    return lambda i: seeds.stream(root, kind, i)
