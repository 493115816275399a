"""Whole figures: those of `gifpop.Result.plot` and `gifpop.Comparison.plot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.plot import arguments, compare, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gifpop.comparison import Comparison
    from gifpop.result import Result


def overview(result: Result, bin: float = 1.0, figure: Figure | None = None) -> Figure:
    """Draw activities, and expected activities below them; return the figure of `gifpop.Result.plot`."""
    where = "Result.plot"
    chosen = arguments.choose(where, result, None, None)
    meso = any(p.level == "meso" for p, *_ in chosen)
    window, limits = arguments.window(where, result, None)
    width = arguments.steps_of(where, "bin", bin, result.dt, window)
    figure = drawing.new_figure(7.0, 5.0) if figure is None else figure
    axes = figure.subplots(2 if meso else 1, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    drawing.draw_activities(axes[0], chosen, width, window)
    if meso:
        drawing.draw_expected(axes[1], chosen, window)
        axes[1].set_ylabel(r"expected $\bar A$ [spikes/s]")
    levels = sorted({p.level for p in result})
    axes[0].set(xlim=limits, ylabel=r"activity $A_N$ [spikes/s]")
    axes[0].set_title("Population activities" + (f" ({levels[0]}scopic level)" if len(levels) == 1 else ""))
    axes[0].legend(loc="upper left", title=drawing.note_on_trials(result), **drawing.LEGEND)
    axes[-1].set_xlabel("time [ms]")
    return figure


def side_by_side(comparison: Comparison, figure: Figure | None = None) -> Figure:
    """Draw rates, variances, responses and spectra; return the figure of `gifpop.Comparison.plot`."""
    n = len(comparison.names)
    figure = drawing.new_figure(10.0, 3.0 + 2.2 * n) if figure is None else figure
    axes = figure.subplots(1 + n, 2)
    _draw_bars(axes[0, 0], comparison, "rate", "mean rate [spikes/s]")
    _draw_bars(axes[0, 1], comparison, "variance", "variance [(spikes/s)²]")
    compare(comparison, axes[1:])
    return figure


def _draw_bars(ax: Axes, comparison: Comparison, quantity: str, label: str) -> None:
    """Draw a bar of each level for each population."""
    x = np.arange(len(comparison.names))
    for offset, color, level in ((-0.2, arguments.COLORS[0], "meso"), (0.2, arguments.COLORS[1], "micro")):
        estimate = getattr(getattr(comparison, level), quantity)
        ax.bar(x + offset, estimate.value, 0.38, yerr=estimate.error, color=color, label=f"{level}scopic")
    ax.set_xticks(x, comparison.names)
    ax.set_ylabel(label)
