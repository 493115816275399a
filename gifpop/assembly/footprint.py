"""Memory of a network, in bytes, estimated before anything large is allocated."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop import _core
from gifpop.assembly.connections import place_of, receptor_of
from gifpop.assembly.inputs import private_currents
from gifpop.assembly.levels import relaxing_level
from gifpop.common.grid import refractory_steps, whole_steps
from gifpop.common.private_currents import with_memory
from gifpop.distributions import Distribution
from gifpop.engine.counting import MOST
from gifpop.engine.ring_buffers import bytes_of_rings, count_slots
from gifpop.meso import _meso, history, plan
from gifpop.meso.level import MesoLevel
from gifpop.meso.modes import count_modes
from gifpop.micro import _micro
from gifpop.micro.plan import ARRAYS_OF, count_places
from gifpop.wiring.draw import expected_connections, is_implicit

if TYPE_CHECKING:
    from gifpop.assembly.levels import AnyLevel
    from gifpop.common.typing import Level
    from gifpop.description import Connection, Description, Population
    from gifpop.parameters import GIF

STRIDE = 16  # of ages that are looked at to estimate the number of cells
LONGEST_KNOWN = 500_000  # steps; of longer adaptive histories, only the length is found to estimate what they take


class Footprint(NamedTuple):
    """Memory of a population: its parameters, once, and its state, in every engine and copy."""

    shared: float
    own: float


def of_levels(net: Description, levels: Mapping[str, AnyLevel], known: bool = True) -> list[Footprint]:
    """Return the footprints of populations at their levels.

    ``known``: count the cells of an adaptive history, which takes time but is needed to make it anyway.
    """
    return [of_level(level, net.populations[name], known) for name, level in levels.items()]


def of_level(level: AnyLevel, population: Population, known: bool = True) -> Footprint:
    """Return the footprint of a population; see `of_levels`."""
    if isinstance(level, MesoLevel):
        return _of_cohorts(level, population.cell, known)
    return _of_neurons(population)


def of_stationary(net: Description, levels: Mapping[str, AnyLevel]) -> dict[str, float]:
    """Return the memory needed to find the stationary state and to draw neurons from it."""
    relaxing = {name: relaxing_level(level, net.populations[name]) for name, level in levels.items()}
    found = sum(sum(of_level(relaxing[name], p)) for name, p in net.populations.items())
    drawn = max(_of_drawing(level, net.populations[name]) for name, level in levels.items())
    return {"stationary state": found + drawn}


def of_ring_buffers(
    net: Description, levels: Mapping[str, Level], dt: float, names: Container[str] | None = None
) -> float:
    """Return the memory of ring buffers, as far as delays are known before they are drawn, and of private currents.

    ``names``: of which populations; None: of all.
    """
    lags = [
        1 if isinstance(c.delay, Distribution) else whole_steps(f"{c.label}: delay", c.delay, dt)
        for c in net.connections
    ]
    of_inputs = [whole_steps(f"{i.label}: delay", i.delay, dt) for i in net.injections]
    slots = count_slots(max(lags + of_inputs, default=0), min([_core.LONGEST_SLICE, *lags]))
    own = {i.post for i in net.injections if not getattr(i.input, "shared", True)}
    rows = [
        (
            count_places(p.N),
            len(p.cell.receptors),
            _counts([c for c in net.connections if c.post == name], net, levels),
            name in own,
        )
        for name, p in net.populations.items()
        if levels[name] == "micro" and (names is None or name in names)
    ]
    currents = private_currents(net, dt)
    receptors = max(
        len(p.cell.receptors) + (len(currents.get(name, ())) if levels[name] == "meso" else 0)
        for name, p in net.populations.items()
    )
    numbers = sum(
        len(currents.get(name, ())) * net.populations[name].N for name in net.populations if levels[name] == "micro"
    )
    return bytes_of_rings(slots, len(levels), rows, receptors) + 8.0 * numbers


def _counts(connections: Iterable[Connection], net: Description, levels: Mapping[str, Level]) -> bool:
    """Return whether neurons will count the spikes that they receive (see `gifpop.engine.counting.count_units`)."""
    weights: dict[int, list[float]] = {}
    most, single = 0.0, False
    for c in connections:
        n_pre, n_post = net.populations[c.pre].N, net.populations[c.post].N
        various = isinstance(c.weight, Distribution) or isinstance(c.delay, Distribution)
        if levels[c.pre] != "micro" or (is_implicit(c.rule.resolve(n_pre), c.pre == c.post) and not various):
            continue
        if isinstance(c.weight, Distribution) or isinstance(c.delay, Distribution):
            return False
        single = True
        if c.weight != 0.0:
            weights.setdefault(place_of(receptor_of(net, c, c.weight)), []).append(c.weight)
            most += expected_connections(c.rule, n_pre, n_post) / n_post
    multiples = [weight / min(at_one, key=abs) for at_one in weights.values() for weight in at_one]
    return single and most <= MOST and all(0.0 < m <= MOST and m == round(m) for m in multiples)


def _of_cohorts(level: MesoLevel, cell: GIF, known: bool) -> Footprint:
    """Return the footprint of cohorts and, with an adaptive history, of the cells that they are merged into."""
    K, widest, cells = level.length, 0, 0.0
    if level.tolerance is not None:
        automatic = plan.automatic_history(cell, level.dt)
        K, widest = int(refractory_steps(cell.t_ref, level.dt)) + 1, max(level.length, history.MOST_LENGTHS * automatic)
        if widest > LONGEST_KNOWN:
            widest = history.adaptive_length(cell, level.dt, level.length, automatic, level.tolerance) + 1
        elif known:
            found = plan.affordable_cells(cell, level.dt, level.length, level.tolerance, level.smooth)
            if found is None:
                K, widest = level.length, 0
            else:
                K, widest = history.window_length(found), len(found)
                cells = STRIDE * float(np.sum(4.0 / found[: 3 * widest // 4 : STRIDE]))  # about `history.most_cells`
    traces = 0 if level.carries else len(cell.tau_sfa)
    places = plan.count_places(K)
    rows, of_cells = len(_meso.COHORT_ARRAYS) + level.moments, len(_meso.CELL_ARRAYS) + traces + level.moments
    return Footprint(8.0 * (2 * (_meso.PADDING + K) + widest), 8.0 * (rows * places + of_cells * cells))


def _of_neurons(population: Population) -> Footprint:
    """Return the footprint of neurons."""
    cell, places = population.cell, count_places(population.N)
    various = cell.various()
    arrays = {name for parameter in various for name in ARRAYS_OF.get(parameter, ())}
    terms = {kind: len(getattr(cell, f"tau_{kind}")) for kind in ("sfa", "stc")}
    rows = len(arrays) + sum(n * (f"{part}_{kind}" in various) for kind, n in terms.items() for part in ("tau", "q"))
    rows += (len(cell.receptors) - 1) * len(arrays & {"carry", "decay", "arrive", "input"})  # a row for each receptor
    rows += terms["stc"] * any(name in various for name in ("C_m", "tau_m", "tau_stc"))  # carry of these currents
    own = len(_micro.STATE) + len(cell.receptors) + sum(terms.values())
    return Footprint(8.0 * places * rows, 8.0 * places * own)


def _of_drawing(level: AnyLevel, population: Population) -> float:
    """Return the memory needed to draw the states of neurons from that of a relaxed population."""
    if isinstance(level, MesoLevel):
        return 0.0
    D = count_modes(population.cell, level.capacity is not None, remembered=len(with_memory(level.private)))
    return 8.0 * population.N * (D * D + 4 * D + 4)
