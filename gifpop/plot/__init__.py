"""Pictures of results: matplotlib axes in, axes out.

Every function draws into the axes that it is given and returns them; without any it makes a figure of pyplot for them.
Nothing else of matplotlib's state is touched, and nothing is shown. Colours are those of Okabe & Ito (2008), with the
wine of Tol (2021) for yellow, in an order in which neighbours differ most for the colour-blind and in grey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from gifpop.common import checks
from gifpop.comparison import Comparison
from gifpop.export import QUANTITIES
from gifpop.plot import curves, drawing
from gifpop.reductions import TrialStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType

    from gifpop.common.typing import Floats
    from gifpop.plot.drawing import Colors, Populations, Style
    from gifpop.reductions import PopulationStatistics
    from gifpop.result import PopulationResult, Result

    Levels: TypeAlias = Comparison | Sequence[Result | TrialStatistics] | Mapping[str, Result | TrialStatistics]
    Chosen: TypeAlias = Sequence[tuple[PopulationResult | PopulationStatistics, ColorType, Style]]
    Source: TypeAlias = Callable[[str], tuple[curves.Curve, curves.Curve]]  # of a population: response and spectrum

RECORDABLES = ("V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in")
SEGMENT = 1000.0  # ms
MOST_NAMES = 4  # next to each other


def activity(
    result: Result | TrialStatistics,
    ax: Axes | None = None,
    populations: Populations | None = None,
    bin: float = 1.0,
    expected: bool = True,
    time: Sequence[float] | None = None,
    colors: Colors | None = None,
) -> Axes:
    """Plot population activities against time, and those expected of mesoscopic populations.

    Parameters
    ----------
    result : Result or TrialStatistics
        Of trials: means, with a band of one standard deviation of the trials to both sides: how much a single trial
        fluctuates, not how well the mean is known. It is that of the activity in bins; of statistics
        (``keep="mean"``), which know the variance of steps only, that of steps.
    ax : matplotlib.axes.Axes, optional
        To draw into; by default that of a new figure.
    populations : Population, str, or sequence of such, optional
        Which to draw, in this order; by default all.
    bin : float, ms
        Activities are averaged over bins of about this width, at least one step.
    expected : bool
        Draw expected activities (dark) over the activities (light).
    time : pair of float, ms, optional
        Only steps that end after the first and not after the second.
    colors : dict of Population or str to colour, optional
        Of populations; others have the colour of their place in the result.

    Returns
    -------
    matplotlib.axes.Axes
        Those given, or new ones.

    Raises
    ------
    TypeError
        For what is no result, or no axes.
    ValueError
        For populations that the result has not, a time without steps, or a bin longer than it.

    Notes
    -----
    Lines of more than 4000 points are thinned: of each of 2000 pieces of the axis the lowest and the highest point is
    drawn, so that no peak is lost. Choose ``time`` to see a part of a long run in full.

    Examples
    --------
    >>> import gifpop as gp
    >>> result = gp.models.brunel().simulate(200.0, dt=0.5, seed=1)
    >>> ax = gp.plot.activity(result, bin=2.0)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time [ms]', 'activity $A_N$ [spikes/s]')
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['E (N = 800)', 'I (N = 200)', 'E, expected', 'I, expected']
    """
    where = "plot.activity"
    drawing.check_result(where, result, statistics=True)
    chosen = drawing.chosen(where, result, populations, colors)
    window, limits = drawing.window(where, result, time)
    width = drawing.steps_of(where, "bin", bin, result.dt, window)
    expected = checks.boolean(f"{where}: expected", expected)
    ax = drawing.single_axes(where, ax)
    _draw_activities(ax, chosen, width, window, light=expected)
    if expected:
        _draw_expected(ax, chosen, window, ", expected")
    ax.set(xlim=limits, xlabel="time [ms]", ylabel=r"activity $A_N$ [spikes/s]")
    ax.legend(loc="upper left", title=drawing.note_on_trials(result), **drawing.LEGEND)
    return ax


@overload
def raster(
    result: Result,
    ax: Axes,
    populations: Populations | None = None,
    neurons: int = 500,
    bin: float = 5.0,
    trial: int | None = None,
    time: Sequence[float] | None = None,
    colors: Colors | None = None,
) -> Axes: ...
@overload
def raster(
    result: Result,
    ax: Sequence[Axes] | None = None,
    populations: Populations | None = None,
    neurons: int = 500,
    bin: float = 5.0,
    trial: int | None = None,
    time: Sequence[float] | None = None,
    colors: Colors | None = None,
) -> tuple[Axes, Axes]: ...
def raster(
    result: Result,
    ax: Axes | Sequence[Axes] | None = None,
    populations: Populations | None = None,
    neurons: int = 500,
    bin: float = 5.0,
    trial: int | None = None,
    time: Sequence[float] | None = None,
    colors: Colors | None = None,
) -> Axes | tuple[Axes, Axes]:
    """Plot the spikes of neurons, one row a neuron, populations below each other; and their rates in a histogram.

    Parameters
    ----------
    result : Result
        With at least one population of neurons.
    ax : matplotlib.axes.Axes, or a pair of such, optional
        For the raster; the second for the histogram, which else is left out. By default both, one above the other.
    populations : Population, str, or sequence of such, optional
        By default all that consist of neurons.
    neurons : int
        At most so many of each population, evenly chosen; labels tell how many of how many.
    bin : float, ms
        Of the histogram, at least one step. It counts all neurons, not only those of the raster.
    trial : int, optional
        Number of the trial; by default the first.
    time : pair of float, ms, optional
        Only spikes after the first and not after the second.
    colors : dict of Population or str to colour, optional
        Of populations; others have the colour of their place in the result.

    Returns
    -------
    matplotlib.axes.Axes or pair of such
        One if one was given, else those of the raster and of the histogram.

    Raises
    ------
    TypeError
        For what is no result with spikes, such as statistics over trials, or no axes.
    ValueError
        Without neurons among the populations, and for a trial or a time that the result has not.

    Notes
    -----
    In vector graphics the marks of spikes are an image (``rasterized``), whose resolution is the ``dpi`` of `savefig`.
    Axes stay as they are in any other respect: give them one x axis (``sharex``) to zoom both.

    Examples
    --------
    >>> import gifpop as gp
    >>> result = gp.models.brunel().simulate(200.0, dt=0.5, level="micro", seed=1)
    >>> spikes, rates = gp.plot.raster(result, neurons=400)
    >>> [label.get_text() for label in spikes.get_yticklabels()]
    ['E (400 of 800)', 'I (200)']
    >>> rates.get_ylabel()
    'rate [spikes/s]'
    """
    where = "plot.raster"
    drawing.check_result(where, result)
    neurons = checks.integer(f"{where}: neurons", neurons, 1)
    one, number = drawing.one_trial(where, result, trial)
    chosen = [c for c in drawing.chosen(where, one, populations, colors) if c[0].level == "micro"]
    if not chosen:
        raise ValueError(f"{where}: populations must hold one of neurons (level='micro'), got {one!r}")
    window, limits = drawing.window(where, one, time)
    width = drawing.steps_of(where, "bin", bin, one.dt, window)
    upper, lower = drawing.axes_and_more(where, ax)
    _draw_spikes(upper, chosen, neurons, limits)
    upper.set(xlim=limits, ylabel="neurons", **drawing.title_of_trial(number))
    if lower is None:
        upper.set_xlabel("time [ms]")
        return upper
    for i, (p, color, _) in enumerate(chosen):
        style: dict[str, Any] = {"lw": 1.0, "drawstyle": "steps-mid", "zorder": 2.5 - 0.01 * i, "label": p.name}
        drawing.draw_curve(lower, *curves.activity(p, width, window), color=color, **style)
    lower.set(xlim=limits, xlabel="time [ms]", ylabel="rate [spikes/s]")
    lower.set_ylim(bottom=0.0)
    if len(chosen) <= MOST_NAMES:  # more would hide the rates; colours are those of the rows above
        lower.legend(loc="upper left", ncols=len(chosen), **drawing.LEGEND)
    return upper, lower


def traces(
    result: Result,
    variable: str = "V_m",
    ax: Axes | None = None,
    populations: Populations | None = None,
    neurons: int = 5,
    offset: float | None = None,
    trial: int | None = None,
    time: Sequence[float] | None = None,
    colors: Colors | None = None,
) -> Axes:
    """Plot a recorded variable against time; of neurons, with their spikes.

    Parameters
    ----------
    result : Result
        With a record of the variable.
    variable : {"V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in"}
        What was recorded (``record=`` of `gifpop.Network.simulate`).
    ax : matplotlib.axes.Axes, optional
        To draw into; by default that of a new figure.
    populations : Population, str, or sequence of such, optional
        By default all of which the variable was recorded.
    neurons : int
        At most so many of each population, evenly chosen from those that were recorded.
    offset : float, optional
        From each trace to the next, upwards, in the unit of the variable; 0: all in one place. By default neurons stand
        clear of each other, and populations are in one place.
    trial : int, optional
        Number of the trial; by default the first.
    time : pair of float, ms, optional
        Only records and spikes after the first and not after the second.
    colors : dict of Population or str to colour, optional
        Of populations; others have the colour of their place in the result.

    Returns
    -------
    matplotlib.axes.Axes
        Those given, or new ones.

    Raises
    ------
    TypeError
        For what is no result with records, such as statistics over trials, or no axes.
    ValueError
        Where the variable was not recorded, and for a trial or a time that the result has not.

    Notes
    -----
    Where a neuron spikes, a line goes up from the last potential before to above the highest: the model's own potential
    has no spikes. Long traces are thinned as in `activity`.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.models.brunel()
    >>> result = net.simulate(200.0, dt=0.5, level="micro", seed=1, record={"E": ["V_m"]}, record_neurons=3)
    >>> ax = gp.plot.traces(result, "V_m", offset=30.0)
    >>> len(ax.lines), ax.get_ylabel()
    (3, 'V_m [mV], + 30 mV each')
    """
    where = "plot.traces"
    drawing.check_result(where, result)
    variable = checks.choice(f"{where}: variable", variable, RECORDABLES)
    neurons = checks.integer(f"{where}: neurons", neurons, 1)
    one, number = drawing.one_trial(where, result, trial)
    _, limits = drawing.window(where, one, time)
    recorded = [c for c in drawing.chosen(where, one, populations, colors) if np.size(c[0].arrays.get(variable, ()))]
    if not recorded:
        raise ValueError(
            f"{where}: variable must have been recorded, as by simulate(record=[{variable!r}]), "
            f"got {variable!r} and {one!r}"
        )
    drawn = [trace for c in recorded for trace in _traces(*c, variable, neurons, limits)]
    if not len(drawn[0].t):
        raise ValueError(f"{where}: time must hold a record of {variable!r}, got {time!r}")
    span = max(np.ptp(trace.y) for trace in drawn) or 1.0
    if offset is None:
        offset = _round_up(1.3 * span) if any(p.level == "micro" for p, *_ in recorded) and len(drawn) > 1 else 0.0
    offset = checks.number(f"{where}: offset", offset)
    ax = drawing.single_axes(where, ax)
    for i, trace in enumerate(drawn):
        trace.draw(ax, i * offset, 0.2 * span, solid=bool(offset))
    unit = QUANTITIES[variable][0]
    above = f", + {offset:g} {unit} each" if offset and len(drawn) > 1 else ""
    ax.set(xlim=limits, xlabel="time [ms]", ylabel=f"{variable} [{unit}]{above}", **drawing.title_of_trial(number))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), reverse=offset > 0.0, **drawing.LEGEND)
    return ax


def spectrum(
    result: Result | TrialStatistics,
    ax: Axes | None = None,
    populations: Populations | None = None,
    segment: float | None = None,
    time: Sequence[float] | None = None,
    poisson: bool = True,
    colors: Colors | None = None,
) -> Axes:
    """Plot power spectra of population activities on logarithmic axes.

    Parameters
    ----------
    result : Result or TrialStatistics
        Of trials: the mean of their spectra.
    ax : matplotlib.axes.Axes, optional
        To draw into; by default that of a new figure.
    populations : Population, str, or sequence of such, optional
        Which to draw, in this order; by default all.
    segment : float, ms, optional
        The spectrum is the mean of those of segments of about this length; the lowest frequency is its inverse. By
        default 1000 ms, or the run if that is shorter. Statistics have the spectrum of whole trials.
    time : pair of float, ms, optional
        Only steps that end after the first and not after the second; leave out a transient with it. Not of statistics.
    poisson : bool
        Draw the level of Poisson neurons, rate / N, as a dashed line.
    colors : dict of Population or str to colour, optional
        Of populations; others have the colour of their place in the result.

    Returns
    -------
    matplotlib.axes.Axes
        Those given, or new ones.

    Raises
    ------
    TypeError
        For what is no result, or no axes.
    ValueError
        For populations that the result has not, a segment longer than the time, and a segment or time of statistics.

    Notes
    -----
    Two-sided spectra, so that the Poisson level is rate / N; each segment without its mean and without a taper
    (Bartlett's method), which is what `gifpop.TrialStatistics` and `gifpop.compare` have. Long ones are thinned as in
    `activity`.

    Examples
    --------
    >>> import gifpop as gp
    >>> result = gp.models.brunel().simulate(1000.0, dt=0.5, seed=1)
    >>> ax = gp.plot.spectrum(result, segment=250.0)
    >>> float(ax.lines[0].get_xdata()[0])
    4.0
    """
    where = "plot.spectrum"
    drawing.check_result(where, result, statistics=True)
    poisson = checks.boolean(f"{where}: poisson", poisson)
    chosen: Chosen = drawing.chosen(where, result, populations, colors)
    spectra = [_spectrum(where, result, p.name, segment, time) for p, *_ in chosen]
    ax = drawing.single_axes(where, ax)
    for (p, color, style), (curve, level) in zip(chosen, spectra, strict=True):
        drawing.draw_curve(ax, *curve, log=True, color=color, ls=style, lw=1.0, label=drawing.name_and_size(p))
        if poisson:
            ax.axhline(level, color=color, ls="--", lw=0.8, zorder=1.5)
    if poisson:
        ax.plot([], [], color="black", ls="--", lw=0.8, label="Poisson: rate / N")
    ax.set(xlabel="frequency [Hz]", ylabel="power spectrum [Hz]", xscale="log", yscale="log")
    ax.legend(**drawing.LEGEND)
    return ax


def compare(
    levels: Levels,
    ax: npt.ArrayLike | None = None,
    populations: Populations | None = None,
    bin: float = 1.0,
    segment: float | None = None,
    colors: Mapping[str, ColorType] | None = None,
) -> npt.NDArray[np.object_]:
    """Plot responses and spectra of both levels of a network, or of any runs, over each other.

    Parameters
    ----------
    levels : Comparison, or pair or dict of Result or TrialStatistics
        A `Comparison` is drawn with its confidence intervals. Of a pair, (mesoscopic, microscopic), a dict of such with
        labels as keys: responses with a band of one standard deviation where there are trials, as in `activity`.
    ax : array of matplotlib.axes.Axes, shape (2,) or (populations, 2), optional
        Response and spectrum, a row for each population.
    populations : Population, str, or sequence of such, optional
        Which to draw, in this order; by default all.
    bin : float, ms
        Of responses; that of a `Comparison` is its own.
    segment : float, ms, optional
        Of spectra, see `spectrum`; not of a `Comparison`.
    colors : dict of str to colour, optional
        By label: "mesoscopic", "microscopic", or the keys of a dict.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (populations, 2)
        Response and spectrum. Of one population that is given as itself or by name, shape (2,).

    Raises
    ------
    TypeError
        For what is no comparison, pair or dict of results, or no axes.
    ValueError
        For a pair of other levels, results with different populations, axes of another shape, and a segment of a
        `Comparison`.

    Notes
    -----
    Curves are thinned as in `activity`.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.models.brunel()
    >>> meso, micro = (net.simulate(500.0, dt=0.5, level=level, seed=1) for level in ("meso", "micro"))
    >>> response, spectrum = gp.plot.compare((meso, micro), populations="E", bin=5.0)
    >>> response.get_ylabel(), spectrum.get_ylabel()
    ('E: activity [spikes/s]', 'E: power [Hz]')
    """
    where = "plot.compare"
    known, sources, note = _sources(where, levels, bin, segment)
    for label in colors or ():
        checks.choice(f"{where}: colors", label, sources)
    names = drawing.names_of(where, known, populations)
    pictures = [{label: source(name) for label, source in sources.items()} for name in names]
    own = {} if colors is None else colors
    rows = drawing.rows_of_axes(where, ax, len(names))
    for (response, power), name, picture in zip(rows, names, pictures, strict=True):
        for i, (label, (curve, spectrum)) in enumerate(picture.items()):
            color = own.get(label, drawing.COLORS[i % len(drawing.COLORS)])
            ls = drawing.STYLES[i % len(drawing.STYLES)]
            style: dict[str, Any] = {"color": color, "ls": ls, "lw": 1.0, "label": label}
            drawing.draw_curve(response, *curve, **style)
            drawing.draw_curve(power, *spectrum, log=True, **style)
        response.set(xlabel="time [ms]", ylabel=f"{name}: activity [spikes/s]")
        power.set(xlabel="frequency [Hz]", ylabel=f"{name}: power [Hz]", xscale="log", yscale="log")
        response.legend(title=note, **drawing.LEGEND)
    return rows[0] if populations is not None and drawing.is_one(populations) else rows


def overview(result: Result, bin: float = 1.0, figure: Figure | None = None) -> Figure:
    """Draw what `gifpop.Result.plot` does: activities above expected activities; return the figure."""
    where = "Result.plot"
    chosen = drawing.chosen(where, result, None, None)
    meso = any(p.level == "meso" for p, *_ in chosen)
    window, limits = drawing.window(where, result, None)
    width = drawing.steps_of(where, "bin", bin, result.dt, window)
    figure = drawing.new_figure(7.0, 5.0) if figure is None else figure
    axes = figure.subplots(2 if meso else 1, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    _draw_activities(axes[0], chosen, width, window)
    if meso:
        _draw_expected(axes[1], chosen, window)
        axes[1].set_ylabel(r"expected $\bar A$ [spikes/s]")
    levels = sorted({p.level for p in result})
    axes[0].set(xlim=limits, ylabel=r"activity $A_N$ [spikes/s]")
    axes[0].set_title("Population activities" + (f" ({levels[0]}scopic level)" if len(levels) == 1 else ""))
    axes[0].legend(loc="upper left", title=drawing.note_on_trials(result), **drawing.LEGEND)
    axes[-1].set_xlabel("time [ms]")
    return figure


def side_by_side(comparison: Comparison, figure: Figure | None = None) -> Figure:
    """Draw what `gifpop.Comparison.plot` does: rates, variances, responses and spectra; return the figure."""
    n = len(comparison.names)
    figure = drawing.new_figure(10.0, 3.0 + 2.2 * n) if figure is None else figure
    axes = figure.subplots(1 + n, 2)
    _draw_bars(axes[0, 0], comparison, "rate", "mean rate [spikes/s]")
    _draw_bars(axes[0, 1], comparison, "variance", "variance [(spikes/s)²]")
    compare(comparison, axes[1:])
    return figure


def _draw_activities(ax: Axes, chosen: Chosen, width: int, window: slice, light: bool = False) -> None:
    """Draw activities in bins, the first population on top; light if expected ones are to lie over them."""
    for i, (p, color, _) in enumerate(chosen):
        alpha = 0.5 if light and curves.expected(p, window) is not None else 1.0
        style: dict[str, Any] = {"lw": 0.8, "alpha": alpha, "zorder": 2.5 - 0.01 * i, "label": drawing.name_and_size(p)}
        drawing.draw_curve(ax, *curves.activity(p, width, window), color=color, **style)


def _draw_expected(ax: Axes, chosen: Chosen, window: slice, label: str | None = None) -> None:
    """Draw the expected activity of each step; later populations, which are dashed, on top."""
    for i, (p, color, style) in enumerate(chosen):
        rate = curves.expected(p, window)
        if rate is not None:
            text = None if label is None else p.name + label
            line: dict[str, Any] = {"lw": 1.2, "ls": style, "zorder": 3.0 + 0.01 * i, "label": text}
            drawing.draw_curve(ax, p.t[window], rate, color=color, **line)


def _draw_spikes(
    ax: Axes, chosen: Sequence[tuple[PopulationResult, ColorType, Style]], neurons: int, limits: tuple[float, float]
) -> None:
    """Draw a row of marks for each of at most so many neurons of each population, the first population on top."""
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


@dataclass
class _Trace:
    """One line of `traces`, and the times of spikes with the last values before them."""

    label: str
    color: ColorType
    style: Style
    t: Floats
    y: Floats
    spikes: Floats
    before: Floats

    def draw(self, ax: Axes, offset: float, height: float, solid: bool) -> None:
        """Draw it so much higher, and spikes up to ``height`` above its highest value."""
        style: dict[str, Any] = {"color": self.color, "lw": 0.8}
        drawing.draw_curve(ax, self.t, self.y + offset, ls="-" if solid else self.style, label=self.label, **style)
        if len(self.spikes):
            ax.vlines(self.spikes, self.before + offset, self.y.max() + height + offset, **style)


def _traces(
    p: PopulationResult, color: ColorType, style: Style, variable: str, neurons: int, limits: tuple[float, float]
) -> list[_Trace]:
    """Return the traces of a population, or of at most so many of its neurons."""
    inside = curves.within(p.t_record, limits, p.dt)
    t, values, none = p.t_record[inside], p.arrays[variable][inside], np.zeros(0)
    if p.level == "meso":
        return [_Trace(p.name, color, style, t, values, none, none)]
    made = []
    for i in curves.even_sample(len(p.neurons), neurons).tolist():
        spikes = curves.spikes_of(p, p.neurons[i], limits) if variable == "V_m" else none
        before = values[np.maximum(np.searchsorted(t, spikes - 0.5 * p.dt) - 1, 0), i] if len(t) else none
        made.append(_Trace(f"{p.name}, neuron {p.neurons[i]}", color, style, t, values[:, i], spikes, before))
    return made


def _spectrum(
    where: str, result: Result | TrialStatistics, name: str, segment: float | None, time: Sequence[float] | None = None
) -> tuple[curves.Curve, float]:
    """Return the power spectrum of a population, and the level of so many Poisson neurons."""
    if isinstance(result, TrialStatistics):
        for option, value in (("segment", segment), ("time", time)):
            if value is not None:
                raise ValueError(
                    f"{where}: {option} must be None for statistics, which have spectra of whole trials "
                    f"(keep='all' has trajectories), got {value!r}"
                )
        of = result[name]
        f = np.asarray(of.f[1:], dtype=np.float64)
        return curves.Curve(f, of.mean["spectrum"][1:]), float(of.mean["activity"].mean() / of.N)
    p = result[name]
    window, _ = drawing.window(where, result, time)
    longest = (window.stop - window.start) * result.dt
    segment = min(SEGMENT, longest) if segment is None else segment
    steps = drawing.steps_of(where, "segment", segment, result.dt, window)
    if steps < 2:
        raise ValueError(f"{where}: segment must be at least two steps of {result.dt} ms, got {segment}")
    activity = p.activity[..., window]
    N = p.N[window] if isinstance(p.N, np.ndarray) else p.N
    return curves.spectrum(activity, result.dt, steps), float(np.mean(activity / N))


def _sources(
    where: str, levels: Levels, bin: float, segment: float | None
) -> tuple[Sequence[str], Mapping[str, Source], str | None]:
    """Return names of populations, a function of a name to response and spectrum for each label, and a note."""
    if isinstance(levels, Comparison):
        if segment is not None:
            raise ValueError(f"{where}: segment must be None for a Comparison, which has its spectra, got {segment!r}")
        estimates = {f"{level}scopic": partial(_estimates, levels, level) for level in ("meso", "micro")}
        return levels.names, estimates, f"{100 * levels.confidence:g} % confidence"
    results = _labelled(where, levels)
    names = [each.names for each in results.values()]
    if any(each != names[0] for each in names):
        raise ValueError(f"{where}: levels must have the same populations, got {names}")
    notes = dict.fromkeys(map(drawing.note_on_trials, results.values()))
    sources = {label: partial(_of_result, where, each, bin, segment) for label, each in results.items()}
    return names[0], sources, "\n".join(filter(None, notes)) or None


def _labelled(where: str, levels: object) -> dict[str, Result | TrialStatistics]:
    """Return results with their labels, of a pair or a dict of results."""
    if isinstance(levels, Mapping) and levels:
        results = dict(levels)
    elif isinstance(levels, (tuple, list)) and len(levels) == 2:
        results = dict(zip(("mesoscopic", "microscopic"), levels, strict=True))
    else:
        raise TypeError(f"{where}: levels must be a gifpop.Comparison, a pair or a dict of results, got {levels!r}")
    for each in results.values():
        drawing.check_result(where, each, statistics=True)
    found = [each.level for each in results.values()]
    if not isinstance(levels, Mapping) and found != ["meso", "micro"]:
        raise ValueError(
            f"{where}: levels must be a mesoscopic and a microscopic result, or a dict of results with labels as keys, "
            f"got a pair of levels {found}"
        )
    return results


def _estimates(comparison: Comparison, level: str, name: str) -> tuple[curves.Curve, curves.Curve]:
    """Return response and spectrum of a population as `gifpop.compare` estimates them, with errors."""
    i, summary = comparison.names.index(name), getattr(comparison, level)
    response, power = summary.response, summary.spectrum
    spectrum = curves.Curve(comparison.f[1:], power.value[1:, i], power.error[1:, i])
    return curves.Curve(comparison.t, response.value[:, i], response.error[:, i]), spectrum


def _of_result(
    where: str, result: Result | TrialStatistics, bin: float, segment: float | None, name: str
) -> tuple[curves.Curve, curves.Curve]:
    """Return response and spectrum of a population, the response with its deviation over trials."""
    window, _ = drawing.window(where, result, None)
    width = drawing.steps_of(where, "bin", bin, result.dt, window)
    power, _ = _spectrum(where, result, name, segment)
    return curves.activity(result[name], width, window), power


def _draw_bars(ax: Axes, comparison: Comparison, quantity: str, label: str) -> None:
    """Draw one quantity of both levels for each population."""
    x = np.arange(len(comparison.names))
    for offset, color, level in ((-0.2, drawing.COLORS[0], "meso"), (0.2, drawing.COLORS[1], "micro")):
        estimate = getattr(getattr(comparison, level), quantity)
        ax.bar(x + offset, estimate.value, 0.38, yerr=estimate.error, color=color, label=f"{level}scopic")
    ax.set_xticks(x, comparison.names)
    ax.set_ylabel(label)


def _round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    unit = 10.0 ** np.floor(np.log10(value))
    return float(next(k for k in (1.0, 2.0, 5.0, 10.0) if k * unit >= value) * unit)
