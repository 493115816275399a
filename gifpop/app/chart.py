"""The scrolling chart of `gifpop.explore`: activity and expected activity of each population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import DrawEvent
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from gifpop.app.explorer import Explorer
    from gifpop.common.typing import Floats

COLORS = ("C0", "C3")
TOPS = (10, 20, 50, 100, 200, 500, 1000, 2000)  # spikes/s, of the vertical axes
NAMES = {"E": "excitatory", "I": "inhibitory"}


class Chart:
    """Lines of activity in a figure. If the canvas supports it, a frame draws only moving parts.

    ``lines`` show the activity of each population; ``status`` is the text at the upper right.
    """

    def __init__(self, figure: Figure, explorer: Explorer) -> None:
        self._figure, self._explorer = figure, explorer
        canvas = figure.canvas
        self._blitting: Any = canvas if canvas.supports_blit else None  # which can restore a copy of its picture
        self.background: object = None  # the picture without what moves
        self._draw_axes()

    def _draw_axes(self) -> None:
        e, moving = self._explorer, self._blitting is not None
        self._axes: list[Axes] = list(self._figure.subplots(len(e.populations), 1, sharex=True))
        self._figure.subplots_adjust(left=0.09, right=0.97, top=0.93, bottom=0.38, hspace=0.12)
        self.lines: list[Line2D] = []
        self._rates: list[Line2D] = []
        self._means: list[Text] = []
        for axes, name, color in zip(self._axes, e.populations, COLORS, strict=True):
            self.lines += axes.plot([], [], color=color, lw=0.9, alpha=0.55, animated=moving, label="activity")
            self._rates += axes.plot([], [], color="0.15", lw=1.0, animated=moving, label="expected")
            axes.set(xlim=(e.times[0], 0.0), ylim=(0.0, 50.0), ylabel=f"{NAMES[name]}\n[spikes/s]")
            axes.spines[["top", "right"]].set_visible(False)
            self._means.append(
                axes.text(0.99, 0.95, "", transform=axes.transAxes, ha="right", va="top", color=color, animated=moving)
            )
        self._axes[0].legend(loc="upper left", frameon=False, ncols=2)
        self._axes[-1].set_xlabel("time from now [s]")
        self._figure.text(0.09, 0.955, "gifpop: two populations of neurons, live", weight="bold")
        self.status = self._figure.text(0.97, 0.955, "", ha="right", animated=moving)

    def show(self) -> None:
        """Draw the activity as it is now."""
        e = self._explorer
        rescaled = False
        for i, (line, rate, axes) in enumerate(zip(self.lines, self._rates, self._axes, strict=True)):
            line.set_data(e.times, e.activity[i])
            rate.set_data(e.times, e.rate[i])
            rescaled |= _fit(axes, e.activity[i])
            recent = e.activity[i, -round(1.0 / (e.times[1] - e.times[0])) :]
            if not np.isnan(recent).all():
                self._means[i].set_text(f"last second: {np.nanmean(recent):.1f} spikes/s")
        self.status.set_text(f"{e.time:.1f} s simulated")
        if rescaled or self._blitting is None or self.background is None:
            self._figure.canvas.draw_idle()
            return
        self._blitting.restore_region(self.background)
        for artist in self._moving():
            self._figure.draw_artist(artist)
        self._blitting.blit(self._figure.bbox)

    def drawn(self, event: DrawEvent, on_screen: bool) -> None:
        """Store the static background after the figure was drawn, and draw moving parts on top."""
        if self._blitting is None:
            return
        if on_screen:
            self.background = self._blitting.copy_from_bbox(self._figure.bbox)
        for artist in self._moving():
            artist.draw(event.renderer)

    def _moving(self) -> tuple[Artist, ...]:
        return *self.lines, *self._rates, *self._means, self.status


def _fit(axes: Axes, values: Floats) -> bool:
    """Fit a vertical axis to all values, without following every peak; return whether it has changed."""
    highest = np.nanmax(values, initial=1.0)
    top = axes.get_ylim()[1]
    wanted = next((t for t in TOPS if t >= 1.05 * highest), TOPS[-1])
    if wanted > top or (wanted < top and 1.3 * highest < wanted):
        axes.set_ylim(0.0, wanted)
        return True
    return False
