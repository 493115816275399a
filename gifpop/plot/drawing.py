"""Drawing into matplotlib axes: axes given or new, curves with bands, rows of spikes, legends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.plot import curves
from gifpop.reductions import TrialStatistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType

    from gifpop.common.typing import Floats
    from gifpop.plot.arguments import Chosen, Style
    from gifpop.reductions import PopulationStatistics
    from gifpop.result import PopulationResult, Result

LEGEND: dict[str, Any] = {"frameon": False, "fontsize": "small", "title_fontsize": "small", "alignment": "left"}


def name_and_size(p: PopulationResult | PopulationStatistics) -> str:
    """Return a population's label in legends: its name and size."""
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
    """Return a pair of axes: those given (the second None if only one is), or new ones, one above the other."""
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


def title_of_trial(number: int | None) -> dict[str, str]:
    """Return the title of axes that show one of several trials, as a keyword; empty for a single run."""
    return {} if number is None else {"title": f"trial {number}"}


def note_on_trials(result: Result | TrialStatistics) -> str | None:
    """Return a note for the legend that explains curves and bands of trials; None for a single run."""
    if isinstance(result, TrialStatistics):
        n, of = result.n, " of steps"
    elif result.trials is not None:
        n, of = len(result.trials), ""
    else:
        return None
    return f"mean of {n} trials ± s.d.{of}" if n > 1 else "1 trial"


def draw_curve(ax: Axes, x: Floats, y: Floats, error: Floats | None = None, log: bool = False, **style: Any) -> None:
    """Draw a thinned curve with a band of one ``error`` to both sides."""
    ax.plot(*curves.thin(x, y, log), **style)
    if error is not None:
        # A band that reached 0 could not be drawn on a logarithmic axis.
        low = np.maximum(y - error, 0.1 * np.abs(y)) if log else y - error
        band = curves.thin_band(x, low, y + error, log)
        ax.fill_between(*band, color=style["color"], alpha=0.25, lw=0, zorder=1.5)


def draw_activities(ax: Axes, chosen: Chosen, width: int, window: slice, light: bool = False) -> None:
    """Draw binned activities, the first population on top; ``light`` ones if expected activities go over them."""
    for i, (p, color, _) in enumerate(chosen):
        alpha = 0.5 if light and curves.expected(p, window) is not None else 1.0
        style: dict[str, Any] = {"lw": 0.8, "alpha": alpha, "zorder": 2.5 - 0.01 * i, "label": name_and_size(p)}
        draw_curve(ax, *curves.activity(p, width, window), color=color, **style)


def draw_expected(ax: Axes, chosen: Chosen, window: slice, label: str | None = None) -> None:
    """Draw expected activities step by step; later populations, which are dashed, on top."""
    for i, (p, color, style) in enumerate(chosen):
        rate = curves.expected(p, window)
        if rate is not None:
            text = None if label is None else p.name + label
            line: dict[str, Any] = {"lw": 1.2, "ls": style, "zorder": 3.0 + 0.01 * i, "label": text}
            draw_curve(ax, p.t[window], rate, color=color, **line)


def draw_spikes(
    ax: Axes, chosen: Sequence[tuple[PopulationResult, ColorType, Style]], neurons: int, limits: tuple[float, float]
) -> None:
    """Draw one row of spikes for each of up to ``neurons`` neurons of each population, the first one on top."""
    samples = [curves.even_sample(p.largest_N, neurons) for p, *_ in chosen]
    ends = np.cumsum([len(sample) for sample in samples])
    height = 72.0 * ax.bbox.height / ax.figure.dpi / ends[-1]  # of a row, in points, as marks are
    size = min(max(height, 1.5), 8.0)
    style: dict[str, Any] = {"ls": "none", "marker": "|", "ms": size, "mew": 0.8, "rasterized": True}
    for (p, color, _), sample, end in zip(chosen, samples, ends.tolist(), strict=True):
        times, rows = curves.rows_of_spikes(p, sample, limits)
        ax.plot(times, end - len(sample) + rows + 0.5, color=color, label=p.name, **style)
        if end < ends[-1]:
            ax.axhline(end, color="black", lw=0.5)
    labels = [
        f"{p.name} ({len(sample)}{f' of {p.largest_N}' if len(sample) < p.largest_N else ''})"
        for (p, *_), sample in zip(chosen, samples, strict=True)
    ]
    ax.set_yticks([end - len(sample) / 2 for sample, end in zip(samples, ends, strict=True)], labels, fontsize="small")
    ax.set_ylim(ends[-1], 0)
