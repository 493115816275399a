"""Plot results: every function draws into matplotlib axes and returns them.

Without axes, a function makes a new pyplot figure. It changes no other state of matplotlib, and shows nothing. Colours
are those of Okabe & Ito (2008), with the wine of Tol (2021) for yellow, ordered so that neighbours differ most, also to
the colour-blind and in grey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from gifpop.common import checks
from gifpop.plot import arguments, curves, drawing, sources, trace_lines
from gifpop.units import VARIABLES, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.typing import ColorType

    from gifpop.plot.arguments import Chosen, Colors, Populations
    from gifpop.plot.sources import Levels
    from gifpop.reductions import TrialStatistics
    from gifpop.result import Result

MOST_NAMES = 4  # side by side in a legend


def activity(
    result: Result | TrialStatistics,
    ax: Axes | None = None,
    populations: Populations | None = None,
    bin: float = 1.0,
    expected: bool = True,
    time: Sequence[float] | None = None,
    colors: Colors | None = None,
) -> Axes:
    """Plot population activities against time, with expected activities of mesoscopic populations.

    Parameters
    ----------
    result : Result or TrialStatistics
        With trials, draw their mean, and a band of one standard deviation over trials to both sides: how much a single
        trial fluctuates, not how well the mean is known. The deviation is that of the binned activity; statistics
        (``keep="mean"``) only know the variance of steps and show that.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default the axes of a new figure.
    populations : Population, str, or sequence of these, optional
        Populations to draw, in this order; by default all.
    bin : float, ms
        Width of the bins over which to average, rounded to steps, at least one.
    expected : bool
        Draw expected activities (dark) over activities (light).
    time : pair of float, ms, optional
        Draw only steps that end after the first and not after the second.
    colors : dict of Population or str to colour, optional
        Colours of populations; by default each has the colour of its place in the result.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given, or new ones.

    Raises
    ------
    TypeError
        If ``result`` is not a result or ``ax`` not axes.
    ValueError
        If the result does not have these populations, no step lies within ``time``, or ``bin`` is longer than that.

    Notes
    -----
    Lines of more than 4000 points are thinned to the lowest and the highest point of each of 2000 pieces of the axis,
    so that no peak is lost. Set ``time`` to see part of a long run in full.

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
    arguments.check_result(where, result, statistics=True)
    chosen = arguments.choose(where, result, populations, colors)
    window, limits = arguments.window(where, result, time)
    width = arguments.steps_of(where, "bin", bin, result.dt, window)
    expected = checks.boolean(f"{where}: expected", expected)
    ax = drawing.single_axes(where, ax)
    drawing.draw_activities(ax, chosen, width, window, light=expected)
    if expected:
        drawing.draw_expected(ax, chosen, window, ", expected")
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
    """Plot spikes, one row per neuron, and a histogram of the rates of populations.

    Parameters
    ----------
    result : Result
        Result with at least one microscopic population.
    ax : matplotlib.axes.Axes, or a pair of these, optional
        Axes of the raster and of the histogram; single axes show only the raster. By default a new figure with both.
    populations : Population, str, or sequence of these, optional
        Populations to draw, from top to bottom; by default all microscopic ones.
    neurons : int
        Largest number of neurons to draw of each population, evenly chosen; labels give it and the size.
    bin : float, ms
        Width of the histogram's bins, at least one step. It counts all neurons, not only those of the raster.
    trial : int, optional
        Number of the trial; by default the first.
    time : pair of float, ms, optional
        Draw only spikes after the first and not after the second.
    colors : dict of Population or str to colour, optional
        Colours of populations; by default each has the colour of its place in the result.

    Returns
    -------
    matplotlib.axes.Axes or pair of these
        The axes given, or those of the raster and of the histogram.

    Raises
    ------
    TypeError
        If ``result`` is not a result with spikes (statistics over trials have none) or ``ax`` not axes.
    ValueError
        If no population is microscopic, or the result does not have this trial or time.

    Notes
    -----
    Vector graphics hold the spikes as an image (``rasterized``) with the resolution ``dpi`` of `savefig`. To zoom both
    axes of your own together, create them with ``sharex``.

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
    arguments.check_result(where, result)
    neurons = checks.integer(f"{where}: neurons", neurons, 1)
    one, number = arguments.one_trial(where, result, trial)
    chosen = [c for c in arguments.choose(where, one, populations, colors) if c[0].level == "micro"]
    if not chosen:
        raise ValueError(f"{where}: populations must hold one of neurons (level='micro'), got {one!r}")
    window, limits = arguments.window(where, one, time)
    width = arguments.steps_of(where, "bin", bin, one.dt, window)
    upper, lower = drawing.axes_and_more(where, ax)
    drawing.draw_spikes(upper, chosen, neurons, limits)
    upper.set(xlim=limits, ylabel="neurons", **drawing.title_of_trial(number))
    if lower is None:
        upper.set_xlabel("time [ms]")
        return upper
    for i, (p, color, _) in enumerate(chosen):
        style: dict[str, Any] = {"lw": 1.0, "drawstyle": "steps-mid", "zorder": 2.5 - 0.01 * i, "label": p.name}
        drawing.draw_curve(lower, *curves.activity(p, width, window), color=color, **style)
    lower.set(xlim=limits, xlabel="time [ms]", ylabel="rate [spikes/s]")
    lower.set_ylim(bottom=0.0)
    if len(chosen) <= MOST_NAMES:  # more names would hide the rates; colours are those of the rows above
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
    """Plot a recorded variable against time, with the spikes of neurons.

    Parameters
    ----------
    result : Result
        Result in which the variable was recorded.
    variable : {"V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in", "I_syn_NAME"}
        Variable to draw (see ``record`` of `gifpop.Network.simulate`).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default the axes of a new figure.
    populations : Population, str, or sequence of these, optional
        Populations to draw; by default all of which the variable was recorded.
    neurons : int
        Largest number of neurons to draw of each population, evenly chosen from those recorded.
    offset : float, optional
        Shift from each trace to the next, upwards, in the unit of the variable; 0 overlays all. By default neurons are
        drawn apart, and mesoscopic populations over each other.
    trial : int, optional
        Number of the trial; by default the first.
    time : pair of float, ms, optional
        Draw only records and spikes after the first and not after the second.
    colors : dict of Population or str to colour, optional
        Colours of populations; by default each has the colour of its place in the result.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given, or new ones.

    Raises
    ------
    TypeError
        If ``result`` is not a result with records (statistics over trials have none) or ``ax`` not axes.
    ValueError
        If the variable was not recorded, or the result does not have this trial or time.

    Notes
    -----
    The model's potential has no spikes of its own: a spike is drawn as a line from the last potential before it to
    above the highest. Long traces are thinned as in `activity`.

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
    arguments.check_result(where, result)
    others = [name for p in result for name in p.recorded if name.startswith("I_syn_")]
    variable = checks.choice(f"{where}: variable", variable, dict.fromkeys([*VARIABLES, *others]))
    neurons = checks.integer(f"{where}: neurons", neurons, 1)
    one, number = arguments.one_trial(where, result, trial)
    _, limits = arguments.window(where, one, time)
    recorded = [c for c in arguments.choose(where, one, populations, colors) if np.size(c[0].arrays.get(variable, ()))]
    if not recorded:
        raise ValueError(
            f"{where}: variable must have been recorded, as by simulate(record=[{variable!r}]), "
            f"got {variable!r} and {one!r}"
        )
    drawn = [trace for c in recorded for trace in trace_lines.lines_of(*c, variable, neurons, limits)]
    if not len(drawn[0].t):
        raise ValueError(f"{where}: time must hold a record of {variable!r}, got {time!r}")
    span = max(np.ptp(trace.y) for trace in drawn) or 1.0
    if offset is None:
        apart = len(drawn) > 1 and any(p.level == "micro" for p, *_ in recorded)
        offset = trace_lines.round_up(1.3 * span) if apart else 0.0
    offset = checks.number(f"{where}: offset", offset)
    ax = drawing.single_axes(where, ax)
    for i, trace in enumerate(drawn):
        trace.draw(ax, i * offset, 0.2 * span, solid=bool(offset))
    unit = quantity(variable).unit
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
        With trials, draw the mean of their spectra.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default the axes of a new figure.
    populations : Population, str, or sequence of these, optional
        Populations to draw, in this order; by default all.
    segment : float, ms, optional
        Length of the segments over whose spectra to average, rounded to steps; the lowest frequency is its inverse. By
        default 1000 ms, or the whole run if that is shorter. Statistics have the spectrum of whole trials.
    time : pair of float, ms, optional
        Use only steps that end after the first and not after the second, as to leave out a transient. Not for
        statistics.
    poisson : bool
        Draw the spectrum of independent Poisson neurons, rate / N, as a dashed line.
    colors : dict of Population or str to colour, optional
        Colours of populations; by default each has the colour of its place in the result.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given, or new ones.

    Raises
    ------
    TypeError
        If ``result`` is not a result or ``ax`` not axes.
    ValueError
        If the result does not have these populations, the segment is longer than the time, or ``segment`` or ``time``
        is given for statistics.

    Notes
    -----
    Spectra are those of `gifpop.power_spectrum`, as in `gifpop.TrialStatistics` and `gifpop.compare`: two-sided,
    without the mean of each segment and without a taper (Bartlett's method). Long ones are thinned as in `activity`.

    Examples
    --------
    >>> import gifpop as gp
    >>> result = gp.models.brunel().simulate(1000.0, dt=0.5, seed=1)
    >>> ax = gp.plot.spectrum(result, segment=250.0)
    >>> float(ax.lines[0].get_xdata()[0])
    4.0
    """
    where = "plot.spectrum"
    arguments.check_result(where, result, statistics=True)
    poisson = checks.boolean(f"{where}: poisson", poisson)
    chosen: Chosen = arguments.choose(where, result, populations, colors)
    spectra = [sources.spectrum(where, result, p.name, segment, time) for p, *_ in chosen]
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
    """Plot responses and spectra of both levels of a network, or of any results, over each other.

    Parameters
    ----------
    levels : Comparison, or pair or dict of Result or TrialStatistics
        A `Comparison`, drawn with its confidence intervals; or a pair (mesoscopic, microscopic) of results or a dict of
        results by label, drawn with a band of one standard deviation if they have trials, as in `activity`.
    ax : array of matplotlib.axes.Axes, shape (2,) or (populations, 2), optional
        Axes of response and spectrum, one row per population.
    populations : Population, str, or sequence of these, optional
        Populations to draw, in this order; by default all.
    bin : float, ms
        Width of the bins of responses; a `Comparison` has its own.
    segment : float, ms, optional
        Length of segments for spectra, see `spectrum`; not for a `Comparison`.
    colors : dict of str to colour, optional
        Colours by label: "mesoscopic" and "microscopic", or the keys of the dict.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (populations, 2)
        Axes of response and spectrum; shape (2,) if ``populations`` is a single one.

    Raises
    ------
    TypeError
        If ``levels`` is not a comparison, a pair or a dict of results, or ``ax`` not axes.
    ValueError
        If a pair has other levels, the populations differ, the axes have another shape, or ``segment`` is given for a
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
    known, by_label, note = sources.by_label(where, levels, bin, segment)
    for label in colors or ():
        checks.choice(f"{where}: colors", label, by_label)
    names = arguments.names_of(where, known, populations)
    pictures = [{label: source(name) for label, source in by_label.items()} for name in names]
    own = {} if colors is None else colors
    rows = drawing.rows_of_axes(where, ax, len(names))
    for (response, power), name, picture in zip(rows, names, pictures, strict=True):
        for i, (label, (curve, spectrum)) in enumerate(picture.items()):
            color = own.get(label, arguments.COLORS[i % len(arguments.COLORS)])
            ls = arguments.STYLES[i % len(arguments.STYLES)]
            style: dict[str, Any] = {"color": color, "ls": ls, "lw": 1.0, "label": label}
            drawing.draw_curve(response, *curve, **style)
            drawing.draw_curve(power, *spectrum, log=True, **style)
        response.set(xlabel="time [ms]", ylabel=f"{name}: activity [spikes/s]")
        power.set(xlabel="frequency [Hz]", ylabel=f"{name}: power [Hz]", xscale="log", yscale="log")
        response.legend(title=note, **drawing.LEGEND)
    return rows[0] if populations is not None and arguments.is_one(populations) else rows
