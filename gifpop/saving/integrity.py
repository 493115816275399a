"""Whether what was read can be run. The compiled loop trusts its arrays; a file can say anything.

Numbers that are merely wrong give wrong results. What would be read or written outside an array, turned into an integer
that it does not fit in, or waited for without end, is found here; the rest is left to the constructors of what is
described, and to `gifpop.common.stateful.fill`, which compares arrays with those of a new plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.checks import LARGEST_EXACT
from gifpop.common.grid import MOST_STEPS
from gifpop.common.stateful import check_alike
from gifpop.distributions import Distribution
from gifpop.meso import _meso
from gifpop.meso.plan import PopulationPlan
from gifpop.micro.plan import EVERLASTING, NeuronPlan
from gifpop.wiring.draw import is_implicit

if TYPE_CHECKING:
    from gifpop.assembly.connections import Drawn
    from gifpop.common.typing import Level, Stream
    from gifpop.description import Connection, Description
    from gifpop.engine.plan import Plan
    from gifpop.meso.history import Cells


def require(holds: bool | np.bool_, rule: str) -> None:
    """Raise ValueError where a rule is broken."""
    if not holds:
        raise ValueError(f"{rule} does not hold")


def check_classes(cls: type, name: str, values: Iterable[object]) -> None:
    """Raise ValueError where a value is not of a class."""
    for value in values:
        if not isinstance(value, cls):
            raise ValueError(f"{name} must be of {cls}, got an object of {type(value)}")


def check_group(name: str, plan: Plan, stream: Stream) -> None:
    """Raise ValueError where the arrays of a group, whose shapes are right, would lead the loop astray."""
    if isinstance(plan, NeuronPlan):
        check_alike(f"key of {name!r}", stream, np.zeros(2, np.uint64))
        _check_neurons(plan)
    elif isinstance(plan, PopulationPlan):
        check_classes(np.random.BitGenerator, f"stream of {name!r}", [stream])
        _check_population(plan)


def _check_neurons(plan: NeuronPlan) -> None:
    draws = plan.state["draws"]
    require(np.all(plan.state["budget"][:, plan.N :] == EVERLASTING), "nobody fires behind the last neuron")
    require(np.all((draws >= 0) & (draws < LARGEST_EXACT)), "numbers of draws are counted")


def _check_population(plan: PopulationPlan) -> None:
    state, places = plan.state[0], plan.cohorts.shape[1]
    require(plan.constants["refractory"][0] <= plan.K, "refractory <= K")
    require(1 <= state["cohorts"] <= plan.K, "1 <= cohorts <= K")
    if plan.budget is not None:
        require(0.0 <= plan.budget[0] < np.inf, "the next spike is ahead")
    require(_meso.PADDING <= state["oldest"] < places - state["cohorts"], "cohorts have places")
    if plan.cells is None:
        require(state["cells"] == 0, "no cells in an exact history")
    else:
        require(state["cells"] == 0 or state["cohorts"] == plan.K, "all K cohorts are there, or no cells")
        _check_cells(plan.cells, state, plan.K)


def _check_cells(cells: Cells, state: np.void, K: int) -> None:
    """Raise ValueError where cells do not fit in their places; that they always will rests on how wide they may be."""
    room = cells.rows.shape[1] - _meso.PADDING
    require(1 <= state["until_merging"] <= cells.every, "cells are merged in time")
    require(0 <= state["cells"] <= room - state["until_merging"], "room until then")
    widths = cells.rows[-1, _meso.PADDING : _meso.PADDING + state["cells"]]
    require(np.all((widths >= 1) & (widths == np.floor(widths))), "cells have widths")
    require(K + widths.sum() <= LARGEST_EXACT, "cells have an age")


def check_drawn(c: Connection, drawn: Drawn | None, net: Description, levels: Mapping[str, Level]) -> None:
    """Raise ValueError where arrays are not those of the single connections that are drawn for a connection."""
    n_pre, n_post = net.populations[c.pre].N, net.populations[c.post].N
    various = [isinstance(value, Distribution) for value in (c.weight, c.delay)]
    implicit = not any(various) and is_implicit(c.rule.resolve(n_pre), c.pre == c.post)
    single = levels[c.pre] == levels[c.post] == "micro" and not implicit
    require((drawn is not None) == single, f"{c.label} has single connections")
    if drawn is None:
        return
    first, units, weights, lags = drawn
    check_alike("first", first, np.broadcast_to(np.int64(0), n_pre + 1))
    check_alike("units", units, np.zeros(0, np.int32), free=0)
    require(
        first[0] == 0 and first[-1] == len(units) and np.all(first[1:] >= first[:-1]),
        "connections are in order of source",
    )
    require(_within(units, 0, n_post - 1), f"connections end at one of {n_post}")
    require([weights is not None, lags is not None] == various, f"{c.label} has drawn values")
    if weights is not None:
        check_alike("weights", weights, np.broadcast_to(np.float64(0), len(units)))
    if lags is not None:
        check_alike("lags", lags, units)
        require(_within(lags, 1, MOST_STEPS), "lags are numbers of steps")


def _within(values: Any, least: int, most: int) -> bool:
    return values.size == 0 or bool(least <= values.min() and values.max() <= most)
