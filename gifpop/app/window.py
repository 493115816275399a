"""The window of `gifpop.explore`: a chart above sliders and buttons, with nothing but matplotlib."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.widgets import Button, Slider

from gifpop.app.chart import Chart
from gifpop.app.explorer import KNOBS, SPEEDS, Explorer
from gifpop.engine.engine import SimulationError

if TYPE_CHECKING:
    from matplotlib.backend_bases import DrawEvent, Event, KeyEvent

    from gifpop.app.explorer import Knob
    from gifpop.common.typing import Seed

TITLE = "gifpop explore"
INTERVAL = 33  # ms between frames


class ExploreWindow:
    """A running `gifpop.app.explorer.Explorer` on the screen, ``explorer``; a window that is already open is closed.

    Its parts are the ``figure``, one of pyplot's, the ``chart`` of the activity, the ``sliders`` by the names of the
    parameters and ``speed``, of which those of ``N_E``, ``N_I`` and ``speed`` hold decimal logarithms, and the
    ``buttons`` ``pause``, ``restart`` and ``defaults``. While it is ``paused``, time stands still.
    """

    def __init__(self, explorer: Explorer) -> None:
        self.explorer, self.paused = explorer, False
        plt.close(TITLE)  # its timer would go on in the same figure
        with plt.rc_context({"toolbar": "None"}):
            self.figure = plt.figure(TITLE, figsize=(9.0, 7.0))
        canvas = self.figure.canvas
        self._appeared, self._last = False, perf_counter()
        self.chart = Chart(self.figure, explorer)
        self._add_sliders()
        self._add_buttons()
        self._timer = canvas.new_timer(interval=INTERVAL)
        self._timer.add_callback(self.frame)
        canvas.mpl_connect("draw_event", self._drawn)
        canvas.mpl_connect("key_press_event", self._key)
        # Canvases hold functions, but not the objects of methods: this one keeps the window as long as its figure.
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
        """Stop time, or let it go on."""
        self.paused = not self.paused
        self.buttons["pause"].label.set_text("go on" if self.paused else "pause")
        self._last = perf_counter()
        self.figure.canvas.draw_idle()

    def restart(self, event: Event | None = None) -> None:
        """Restart from the stationary state, with the present parameters."""
        self.explorer.restart()
        if self.paused:
            self.pause()
        self.chart.show()

    def defaults(self, event: Event | None = None) -> None:
        """Move all sliders of parameters back to their initial values."""
        for knob in KNOBS:
            self.sliders[knob.name].reset()

    def frame(self) -> None:
        """Simulate up to the present and show it; the timer calls this."""
        canvas = self.figure.canvas
        if hasattr(canvas, "comm") and canvas.comm is None:  # ipympl closes canvases without an event
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
            self.chart.status.set_text(f"{error}; restart")
            return
        if new:
            self.chart.show()

    def _drawn(self, event: DrawEvent) -> None:
        on_screen = not self.figure.canvas.is_saving()  # saving has another resolution and renderer
        if on_screen and not self._appeared:
            self._appeared, self._last = True, perf_counter()  # time begins when there is something to see
        self.chart.drawn(event, on_screen)

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
        value = min(max(value, knob.low), knob.high)  # powers are rounded
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


def explore(seed: Seed = None, speed: float = 1.0) -> ExploreWindow:
    """Open a window onto a running network: its activity scrolls by while sliders move its parameters.

    Parameters
    ----------
    seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        Of the simulation, as `Simulation` takes it; None: another one each time.
    speed : float
        Simulated over elapsed time, 0.1 to 20; a slider changes it.

    Returns
    -------
    gifpop.app.window.ExploreWindow
        In a script, ``show()`` opens the window and waits until it is closed; ``close()`` closes it. ``sliders`` holds
        the sliders by the names of the parameters, ``explorer`` the running network.

    Notes
    -----
    The space bar pauses and goes on, "r" restarts. There is one window at a time: a new one closes it.

    In a notebook, say ``%matplotlib widget`` first (package ipympl); the window is then part of the output of its cell,
    and runs while no cell does. See the page on the command line.

    Examples
    --------
    >>> import gifpop as gp
    >>> gp.explore().show()  # doctest: +SKIP
    """
    return ExploreWindow(Explorer(seed, speed))
