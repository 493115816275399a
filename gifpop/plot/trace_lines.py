"""The lines of `gifpop.plot.traces`: recorded variables, with spikes drawn on potentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.plot import curves, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import ColorType

    from gifpop.common.typing import Floats
    from gifpop.plot.arguments import Style
    from gifpop.result import PopulationResult


@dataclass
class TraceLine:
    """A line, and the times of its spikes with the last values before them."""

    label: str
    color: ColorType
    style: Style
    t: Floats
    y: Floats
    spikes: Floats
    before: Floats

    def draw(self, ax: Axes, offset: float, height: float, solid: bool) -> None:
        """Draw the line shifted up by ``offset``, and spikes up to ``height`` above its highest value."""
        style: dict[str, Any] = {"color": self.color, "lw": 0.8}
        drawing.draw_curve(ax, self.t, self.y + offset, ls="-" if solid else self.style, label=self.label, **style)
        if len(self.spikes):
            ax.vlines(self.spikes, self.before + offset, self.y.max() + height + offset, **style)


def lines_of(
    p: PopulationResult, color: ColorType, style: Style, variable: str, neurons: int, limits: tuple[float, float]
) -> list[TraceLine]:
    """Return the line of a population, or the lines of up to ``neurons`` of its recorded neurons."""
    inside = curves.within(p.t_record, limits, p.dt)
    t, values, none = p.t_record[inside], p.arrays[variable][inside], np.zeros(0)
    if p.level == "meso":
        return [TraceLine(p.name, color, style, t, values, none, none)]
    made = []
    for i in curves.even_sample(len(p.neurons), neurons).tolist():
        spikes = curves.rows_of_spikes(p, p.neurons[i : i + 1], limits)[0] if variable == "V_m" else none
        before = values[np.maximum(np.searchsorted(t, spikes - 0.5 * p.dt) - 1, 0), i] if len(t) else none
        made.append(TraceLine(f"{p.name}, neuron {p.neurons[i]}", color, style, t, values[:, i], spikes, before))
    return made


def round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    unit = 10.0 ** np.floor(np.log10(value))
    return float(next(k for k in (1.0, 2.0, 5.0, 10.0) if k * unit >= value) * unit)
