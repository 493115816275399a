"""The window of `gifpop.explore`: scrolling activity above sliders, with nothing but matplotlib."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.widgets import Button, Slider

from gifpop.app.explorer import KNOBS, SPEEDS
from gifpop.engine.engine import SimulationError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import DrawEvent, Event, KeyEvent
    from matplotlib.lines import Line2D
    from matplotlib.text import Text
    from matplotlib.transforms import BboxBase

    from gifpop.app.explorer import Explorer, Knob
    from gifpop.common.typing import Floats

TITLE = "gifpop explore"
INTERVAL = 33  # ms between frames
COLORS = ("C0", "C3")
TOPS = (10, 20, 50, 100, 200, 500, 1000, 2000)  # spikes/s, of the vertical axes


class Blitting(Protocol):
    """A canvas that can put back a copy of its picture."""

    def copy_from_bbox(self, bbox: BboxBase) -> object: ...
    def restore_region(self, region: object) -> None: ...
    def blit(self, bbox: BboxBase) -> None: ...


class ExploreWindow:
    """A running `gifpop.explore.Explorer` on the screen.

    Parameters
    ----------
    explorer : gifpop.explore.Explorer
        What it shows and moves. A window that is open already is closed.

    Attributes
    ----------
    explorer : gifpop.explore.Explorer
        As given.
    figure : matplotlib.figure.Figure
        Of pyplot.
    sliders : dict of str to matplotlib.widgets.Slider
        By the names of the parameters, and ``speed``. Those of ``N_E``, ``N_I`` and ``speed`` are decimal logarithms.
    buttons : dict of str to matplotlib.widgets.Button
        ``pause``, ``restart`` and ``defaults``.
    paused : bool
        Whether the time stands still.
    """

    def __init__(self, explorer: Explorer) -> None:
        self.explorer, self.paused = explorer, False
        plt.close(TITLE)  # whose timer would go on in the same figure
        with plt.rc_context({"toolbar": "None"}):
            self.figure = plt.figure(TITLE, figsize=(9.0, 7.0))
        canvas = self.figure.canvas
        self._blitting = cast(Blitting, canvas) if canvas.supports_blit else None  # not all canvases have the methods
        self._background: object = None
        self._appeared, self._last = False, perf_counter()
        self._draw_axes()
        self._add_sliders()
        self._add_buttons()
        self._timer = canvas.new_timer(interval=INTERVAL)
        self._timer.add_callback(self.frame)
        canvas.mpl_connect("draw_event", self._drawn)
        canvas.mpl_connect("key_press_event", self._key)
        # Canvases keep functions, not the objects of methods: through this one the window lives as long as its figure.
        canvas.mpl_connect("close_event", lambda event: self._timer.stop())
        self._timer.start()

    def show(self) -> None:
        """Show the window; in a script, wait until it is closed."""
        plt.show()

    def close(self) -> None:
        """Stop and close the window."""
        self._timer.stop()
        plt.close(self.figure)

    def pause(self, event: Event | None = None) -> None:
        """Stop the time, or let it go on.

        Parameters
        ----------
        event : matplotlib.backend_bases.Event, optional
            Of the button; has no effect.
        """
        self.paused = not self.paused
        self.buttons["pause"].label.set_text("go on" if self.paused else "pause")
        self._last = perf_counter()
        self.figure.canvas.draw_idle()

    def restart(self, event: Event | None = None) -> None:
        """Begin from the stationary state, with the parameters as they are.

        Parameters
        ----------
        event : matplotlib.backend_bases.Event, optional
            Of the button; has no effect.
        """
        self.explorer.restart()
        if self.paused:
            self.pause()
        self._show()

    def defaults(self, event: Event | None = None) -> None:
        """Move all sliders of parameters back to where they began.

        Parameters
        ----------
        event : matplotlib.backend_bases.Event, optional
            Of the button; has no effect.
        """
        for knob in KNOBS:
            self.sliders[knob.name].reset()

    def frame(self) -> None:
        """Simulate what is due and show it; the timer calls this."""
        canvas = self.figure.canvas
        if hasattr(canvas, "comm") and canvas.comm is None:  # of ipympl, which closes canvases without an event
            self._timer.stop()
            return
        now = perf_counter()
        elapsed, self._last = now - self._last, now
        if self.paused:
            return
        try:
            new = self.explorer.frame(elapsed)
        except SimulationError as error:
            self.pause()
            self._status.set_text(f"{error}; restart")
            return
        if new:
            self._show()

    def _show(self) -> None:
        e = self.explorer
        full = False
        for i, (activity, rate, axes) in enumerate(zip(self._activities, self._rates, self._axes, strict=True)):
            activity.set_data(e.times, e.activity[i])
            rate.set_data(e.times, e.rate[i])
            full |= _fit(axes, e.activity[i])
            recent = e.activity[i, -round(1.0 / (e.times[1] - e.times[0])) :]
            if not np.isnan(recent).all():
                self._means[i].set_text(f"last second: {np.nanmean(recent):.1f} spikes/s")
        self._status.set_text(f"{e.time:.1f} s simulated")
        if full or self._blitting is None or self._background is None:
            self.figure.canvas.draw_idle()
        else:
            self._blitting.restore_region(self._background)
            for artist in self._moving():
                self.figure.draw_artist(artist)
            self._blitting.blit(self.figure.bbox)

    def _drawn(self, event: DrawEvent) -> None:
        """Keep what does not move after all was drawn, and draw what moves on top."""
        on_screen = not self.figure.canvas.is_saving()  # into a file, with its resolution and renderer
        if on_screen and not self._appeared:
            self._appeared, self._last = True, perf_counter()  # time begins when there is something to see
        if self._blitting is not None:
            if on_screen:
                self._background = self._blitting.copy_from_bbox(self.figure.bbox)
            for artist in self._moving():
                artist.draw(event.renderer)

    def _moving(self) -> tuple[Artist, ...]:
        return *self._activities, *self._rates, *self._means, self._status

    def _draw_axes(self) -> None:
        e, moving = self.explorer, self._blitting is not None
        self._axes: list[Axes] = list(self.figure.subplots(len(e.populations), 1, sharex=True))
        self.figure.subplots_adjust(left=0.09, right=0.97, top=0.93, bottom=0.38, hspace=0.12)
        self._activities: list[Line2D] = []
        self._rates: list[Line2D] = []
        self._means: list[Text] = []
        names = {"E": "excitatory", "I": "inhibitory"}
        for axes, name, color in zip(self._axes, e.populations, COLORS, strict=True):
            self._activities += axes.plot([], [], color=color, lw=0.9, alpha=0.55, animated=moving, label="activity")
            self._rates += axes.plot([], [], color="0.15", lw=1.0, animated=moving, label="expected")
            axes.set(xlim=(e.times[0], 0.0), ylim=(0.0, 50.0), ylabel=f"{names[name]}\n[spikes/s]")
            axes.spines[["top", "right"]].set_visible(False)
            self._means.append(
                axes.text(0.99, 0.95, "", transform=axes.transAxes, ha="right", va="top", color=color, animated=moving)
            )
        self._axes[0].legend(loc="upper left", frameon=False, ncols=2)
        self._axes[-1].set_xlabel("time from now [s]")
        self.figure.text(0.09, 0.955, "gifpop: two populations of neurons, live", weight="bold")
        self._status = self.figure.text(0.97, 0.955, "", ha="right", animated=moving)

    def _add_sliders(self) -> None:
        self.sliders: dict[str, Slider] = {}
        for place, knob in enumerate(KNOBS):
            scale = np.log10 if knob.logarithmic else float
            slider = self._slider(place, knob.label, *map(scale, (knob.low, knob.high, knob.start)))
            slider.on_changed(partial(self._moved, knob))
            self.sliders[knob.name] = slider
            self._label(slider, knob.start, knob.unit)
        speed = self._slider(len(KNOBS), "speed", *map(np.log10, (*SPEEDS, self.explorer.speed)))
        speed.on_changed(self._speed_moved)
        self.sliders["speed"] = speed
        self._label(speed, self.explorer.speed, "x real time")

    def _slider(self, place: int, label: str, low: float, high: float, start: float) -> Slider:
        column, row = divmod(place, 4)
        axes = self.figure.add_axes((0.15 + 0.5 * column, 0.24 - 0.065 * row, 0.24, 0.03))
        return Slider(axes, label, float(low), float(high), valinit=float(start), initcolor="0.6")

    def _moved(self, knob: Knob, value: float) -> None:
        value = 10.0**value if knob.logarithmic else value
        value = min(max(value, knob.low), knob.high)  # powers round
        self.explorer.set(**{knob.name: value})
        self._label(self.sliders[knob.name], self.explorer.values[knob.name], knob.unit)

    def _speed_moved(self, value: float) -> None:
        self.explorer.speed = min(max(10.0**value, SPEEDS[0]), SPEEDS[1])
        self._label(self.sliders["speed"], self.explorer.speed, "x real time")

    def _label(self, slider: Slider, value: float, unit: str) -> None:
        text = f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
        slider.valtext.set_text(f"{text} {unit}".strip())

    def _add_buttons(self) -> None:
        self.buttons: dict[str, Button] = {}
        for place, (name, action) in enumerate(
            {"pause": self.pause, "restart": self.restart, "defaults": self.defaults}.items()
        ):
            axes = self.figure.add_axes((0.65 + 0.11 * place, 0.035, 0.1, 0.042))
            self.buttons[name] = Button(axes, name)
            self.buttons[name].on_clicked(action)

    def _key(self, event: KeyEvent) -> None:
        if event.key == " ":
            self.pause()
        elif event.key == "r":
            self.restart()


def _fit(axes: Axes, values: Floats) -> bool:
    """Fit a vertical axis to all values, without following every peak; return whether it has changed."""
    highest = np.nanmax(values, initial=1.0)
    top = axes.get_ylim()[1]
    wanted = next((t for t in TOPS if t >= 1.05 * highest), TOPS[-1])
    if wanted > top or (wanted < top and 1.3 * highest < wanted):
        axes.set_ylim(0.0, wanted)
        return True
    return False
