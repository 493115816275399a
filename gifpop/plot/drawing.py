"""What all pictures share: checks of their arguments, choice of populations, trials and times, colours, curves.

The arguments ``where`` are the names of public functions, for messages.
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

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType
    from typing_extensions import TypeIs

    from gifpop.common.typing import Floats
    from gifpop.description import Population
    from gifpop.reductions import PopulationStatistics
    from gifpop.result import PopulationResult

    Colors: TypeAlias = Mapping[Any, ColorType]  # by Population | str, but keys are invariant: a dict of str is no such
    Populations: TypeAlias = Population | str | Sequence[Population | str]
    Style: TypeAlias = str | tuple[float, tuple[float, ...]]

COLORS = ("#0072B2", "#E69F00", "#009E73", "#000000", "#D55E00", "#56B4E9", "#882255", "#CC79A7")
STYLES: tuple[Style, ...] = ("-", (0, (5, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (2, 1)))
LEGEND: dict[str, Any] = {"frameon": False, "fontsize": "small", "title_fontsize": "small", "alignment": "left"}


def check_result(where: str, result: object, statistics: bool = False) -> None:
    """Refuse what is no result; ``statistics`` over trials only where they are enough."""
    if isinstance(result, TrialStatistics) and not statistics:
        raise TypeError(f"{where}: result must be a gifpop.Result, as keep='all' gives it, got {result!r}")
    if not isinstance(result, (Result, TrialStatistics)):
        kinds = "gifpop.Result or gifpop.TrialStatistics" if statistics else "gifpop.Result"
        raise TypeError(f"{where}: result must be a {kinds}, got {result!r}")


def name_and_size(p: PopulationResult | PopulationStatistics) -> str:
    """Return what a legend says of a population."""
    sizes = " to ".join(str(N) for N in dict.fromkeys((int(np.min(p.N)), int(np.max(p.N)))))
    return f"{p.name} (N = {sizes})"


def new_figure(width: float, height: float) -> Figure:
    """Return a new figure of pyplot."""
    import matplotlib.pyplot as plt  # slow to import, and not every result is plotted

    return plt.figure(figsize=(width, height), layout="constrained")


def single_axes(where: str, ax: Axes | None) -> Axes:
    """Return the axes given, or new ones."""
    return new_figure(7.0, 3.5).subplots() if ax is None else _check_axes(where, ax)


def axes_and_more(where: str, ax: Axes | Sequence[Axes] | None) -> tuple[Axes, Axes | None]:
    """Return two axes: those given, the second None if there is one, or new ones above each other."""
    if ax is None:
        upper, lower = new_figure(7.0, 5.0).subplots(2, 1, sharex=True, height_ratios=(3, 1))
        return upper, lower
    if not np.iterable(ax):
        return _check_axes(where, ax), None
    if len(ax) != 2:
        raise ValueError(f"{where}: ax must be one or two axes, got {len(ax)}")
    upper, lower = (_check_axes(where, each) for each in ax)
    return upper, lower


def rows_of_axes(where: str, ax: npt.ArrayLike | None, n: int) -> npt.NDArray[np.object_]:
    """Return an array of axes of shape (n, 2): those given, or new ones."""
    if ax is None:
        return new_figure(9.0, 0.5 + 2.5 * n).subplots(n, 2, squeeze=False)
    array = np.asarray(ax, dtype=object)
    if array.shape != (n, 2) and (n, array.shape) != (1, (2,)):
        raise ValueError(f"{where}: ax must have shape ({n}, 2), a row for each population, got {array.shape}")
    for each in array.flat:
        _check_axes(where, each)
    return array.reshape(n, 2)


def _check_axes(where: str, ax: Axes) -> Axes:
    if not hasattr(ax, "fill_between"):
        raise TypeError(f"{where}: ax must be matplotlib axes, got {ax!r}")
    return ax


@overload
def chosen(
    where: str, result: Result, populations: Populations | None, colors: Colors | None
) -> list[tuple[PopulationResult, ColorType, Style]]: ...
@overload
def chosen(
    where: str, result: TrialStatistics, populations: Populations | None, colors: Colors | None
) -> list[tuple[PopulationStatistics, ColorType, Style]]: ...
def chosen(
    where: str, result: Any, populations: Populations | None, colors: Colors | None
) -> list[tuple[Any, ColorType, Style]]:
    """Return (population's result, colour, line style) of each population chosen."""
    own = {_name(where, "colors", result.names, p): color for p, color in (colors or {}).items()}
    triples = []
    for name in names_of(where, result.names, populations):
        i = result.names.index(name)
        triples.append((result[name], own.get(name, COLORS[i % len(COLORS)]), STYLES[i % len(STYLES)]))
    return triples


def names_of(where: str, known: Sequence[str], populations: Populations | None) -> list[str]:
    """Return the names of populations that are given as themselves or by names, one or several; None: all."""
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
    """Return a result of one run, and the number of its trial or None."""
    if result.trials is None:
        if trial is not None:
            raise ValueError(f"{where}: trial must be None for the result of a single run, got {trial!r}")
        return result, None
    number = int(result.trials[0]) if trial is None else trial
    return result.trial(number), number


def title_of_trial(number: int | None) -> dict[str, str]:
    """Return the title of what shows one of several trials, as keyword of axes; none for a single run."""
    return {} if number is None else {"title": f"trial {number}"}


def window(
    where: str, result: Result | TrialStatistics, time: Sequence[float] | None
) -> tuple[slice, tuple[float, float]]:
    """Return the slice of steps that end after the first of two times and not after the second, and these times."""
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
    """Return how many steps are nearest to a time in ms, at least one; refuse more than the slice ``steps`` has."""
    width = max(1, round(checks.number(f"{where}: {argument}", value, "> 0", "ms") / dt))
    n = steps.stop - steps.start
    if width > n:
        raise ValueError(f"{where}: {argument} must be <= {n * dt:g} ms, the time drawn, got {value}")
    return width


def note_on_trials(result: Result | TrialStatistics) -> str | None:
    """Return what curves and bands of trials are: str, or None for a single run."""
    if isinstance(result, TrialStatistics):
        n, of = result.n, " of steps"
    elif result.trials is not None:
        n, of = len(result.trials), ""
    else:
        return None
    return f"mean of {n} trials ± s.d.{of}" if n > 1 else "1 trial"


def draw_curve(ax: Axes, x: Floats, y: Floats, error: Floats | None = None, log: bool = False, **style: Any) -> None:
    """Draw a curve, thinned, with a band of the error to both sides."""
    ax.plot(*curves.thin(x, y, log), **style)
    if error is not None:
        # A logarithmic axis has no room for what reaches 0.
        low = np.maximum(y - error, 0.1 * np.abs(y)) if log else y - error
        band = curves.thin_band(x, low, y + error, log)
        ax.fill_between(*band, color=style["color"], alpha=0.25, lw=0, zorder=1.5)
