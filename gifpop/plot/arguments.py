"""Arguments that the functions of `gifpop.plot` share: results, populations, colours, trials, times.

`where` is the name of the public function, for messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from gifpop.common import checks
from gifpop.plot import curves
from gifpop.reductions import TrialStatistics
from gifpop.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.typing import ColorType
    from typing_extensions import TypeIs

    from gifpop.description import Population
    from gifpop.reductions import PopulationStatistics
    from gifpop.result import PopulationResult

    Colors: TypeAlias = Mapping[Any, ColorType]  # by Population | str; a Mapping of that would refuse a dict of str
    Populations: TypeAlias = Population | str | Sequence[Population | str]
    Style: TypeAlias = str | tuple[float, tuple[float, ...]]
    Chosen: TypeAlias = Sequence[tuple[PopulationResult | PopulationStatistics, ColorType, Style]]

COLORS = ("#0072B2", "#E69F00", "#009E73", "#000000", "#D55E00", "#56B4E9", "#882255", "#CC79A7")
STYLES: tuple[Style, ...] = ("-", (0, (5, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (2, 1)))


def check_result(where: str, result: object, statistics: bool = False) -> None:
    """Raise if this is not a result; accept statistics over trials only with ``statistics``."""
    if isinstance(result, TrialStatistics) and not statistics:
        raise TypeError(f"{where}: result must be a gifpop.Result, as keep='all' gives it, got {result!r}")
    if not isinstance(result, (Result, TrialStatistics)):
        kinds = "gifpop.Result or gifpop.TrialStatistics" if statistics else "gifpop.Result"
        raise TypeError(f"{where}: result must be a {kinds}, got {result!r}")


@overload
def choose(
    where: str, result: Result, populations: Populations | None, colors: Colors | None
) -> list[tuple[PopulationResult, ColorType, Style]]: ...
@overload
def choose(
    where: str, result: TrialStatistics, populations: Populations | None, colors: Colors | None
) -> list[tuple[PopulationStatistics, ColorType, Style]]: ...
def choose(
    where: str, result: Any, populations: Populations | None, colors: Colors | None
) -> list[tuple[Any, ColorType, Style]]:
    """Return result, colour and line style of each chosen population."""
    own = {_name(where, "colors", result.names, p): color for p, color in (colors or {}).items()}
    triples = []
    for name in names_of(where, result.names, populations):
        i = result.names.index(name)
        triples.append((result[name], own.get(name, COLORS[i % len(COLORS)]), STYLES[i % len(STYLES)]))
    return triples


def names_of(where: str, known: Sequence[str], populations: Populations | None) -> list[str]:
    """Return the names of one or several populations, given as objects or by name; None chooses all."""
    if populations is None:
        return list(known)
    if is_one(populations):
        populations = [populations]
    if not len(populations):
        raise ValueError(f"{where}: populations must be at least one, got none")
    return [_name(where, "populations", known, p) for p in populations]


def is_one(populations: Populations) -> TypeIs[Population | str]:
    """Return whether this is one population, not a sequence of them."""
    return isinstance(populations, str) or hasattr(populations, "name")


def _name(where: str, argument: str, known: Sequence[str], population: Population | str) -> str:
    name = getattr(population, "name", population)
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{where}: {argument} must be among {', '.join(map(repr, known))}, got {name!r}")
    return name


def one_trial(where: str, result: Result, trial: int | None) -> tuple[Result, int | None]:
    """Return the result of one run, and the number of its trial, or None if there are no trials."""
    if result.trials is None:
        if trial is not None:
            raise ValueError(f"{where}: trial must be None for the result of a single run, got {trial!r}")
        return result, None
    number = int(result.trials[0]) if trial is None else trial
    return result.trial(number), number


def window(
    where: str, result: Result | TrialStatistics, time: Sequence[float] | None
) -> tuple[slice, tuple[float, float]]:
    """Return the steps whose ends lie in (first, second] of ``time``, as a slice, and the two times."""
    t, dt = result.t, result.dt
    if not len(t):
        raise ValueError(f"{where}: result must have at least one step, got {result!r}")
    if time is None:
        return slice(0, len(t)), (t[0] - dt, t[-1])
    first, last = limits = checks.vector(f"{where}: time", time, unit="ms") if np.size(time) == 2 else (0.0, 0.0)
    steps = curves.within(t, limits, dt)
    if steps.start >= steps.stop:
        raise ValueError(
            f"{where}: time must be two times, the first before the second, with steps between them "
            f"(from {t[0] - dt:g} to {t[-1]:g} ms), got {time!r}"
        )
    return steps, (float(first), float(last))


def steps_of(where: str, argument: str, value: float, dt: float, steps: slice) -> int:
    """Round a time in ms to steps, at least one; raise if that is more than the slice ``steps`` holds."""
    width = max(1, round(checks.number(f"{where}: {argument}", value, "> 0", "ms") / dt))
    n = steps.stop - steps.start
    if width > n:
        raise ValueError(f"{where}: {argument} must be <= {n * dt:g} ms, the time drawn, got {value}")
    return width
