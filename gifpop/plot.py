"""Pictures of results: matplotlib axes in, axes out.

Every function draws into the axes that it is given and returns them; without any it makes a figure of pyplot for them.
Nothing else of matplotlib's state is touched, and nothing is shown. Colours are those of Okabe & Ito (2008), with the
wine of Tol (2021) for yellow, in an order in which neighbours differ most for the colour-blind and in grey.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from gifpop import checks, curves, drawing
from gifpop.compare import Comparison
from gifpop.export import QUANTITIES
from gifpop.reductions import TrialStatistics

RECORDABLES = ("V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in")
SEGMENT = 1000.0  # ms
MOST_NAMES = 4  # next to each other


def activity(result, ax=None, populations=None, bin=1.0, expected=True, time=None, colors=None):
    """Plot population activities against time, and those expected of mesoscopic populations.

    Parameters
    ----------
    result : Result or TrialStatistics
        Of trials: means, with a band of one standard deviation of the trials to both sides: how much a single trial
        fluctuates, not how well the mean is known. It is that of the activity in bins; of statistics
        (``keep="mean"``), which know the variance of steps only, that of steps.
    ax : matplotlib.axes.Axes, optional
    populations : Population, str, or sequence of such, optional
        By default all.
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


def raster(result, ax=None, populations=None, neurons=500, bin=5.0, trial=None, time=None, colors=None):
    """Plot the spikes of neurons, one row a neuron, populations below each other; and their rates in a histogram.

    Parameters
    ----------
    result : Result
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
    time, colors
        See `activity`.

    Returns
    -------
    matplotlib.axes.Axes or pair of such
        As given.

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
        style = {"lw": 1.0, "drawstyle": "steps-mid", "zorder": 2.5 - 0.01 * i, "label": p.name}
        drawing.draw_curve(lower, *curves.activity(p, width, window), color=color, **style)
    lower.set(xlim=limits, xlabel="time [ms]", ylabel="rate [spikes/s]")
    lower.set_ylim(bottom=0.0)
    if len(chosen) <= MOST_NAMES:  # more would hide the rates; colours are those of the rows above
        lower.legend(loc="upper left", ncols=len(chosen), **drawing.LEGEND)
    return upper, lower


def traces(result, variable="V_m", ax=None, populations=None, neurons=5, offset=None, trial=None, time=None,
           colors=None):  # fmt: skip
    """Plot a recorded variable against time; of neurons, with their spikes.

    Parameters
    ----------
    result : Result
    variable : {"V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in"}
        What was recorded (``record=`` of `gifpop.Network.simulate`).
    ax : matplotlib.axes.Axes, optional
    populations : Population, str, or sequence of such, optional
        By default all of which the variable was recorded.
    neurons : int
        At most so many of each population, evenly chosen from those that were recorded.
    offset : float, optional
        From each trace to the next, upwards, in the unit of the variable; 0: all in one place. By default neurons stand
        clear of each other, and populations are in one place.
    trial, time, colors
        See `raster`.

    Returns
    -------
    matplotlib.axes.Axes

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
        raise ValueError(f"{where}: variable must have been recorded, as by simulate(record=[{variable!r}]), "
                         f"got {variable!r} and {one!r}")  # fmt: skip
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


def spectrum(result, ax=None, populations=None, segment=None, time=None, poisson=True, colors=None):
    """Plot power spectra of population activities on logarithmic axes.

    Parameters
    ----------
    result : Result or TrialStatistics
        Of trials: the mean of their spectra.
    ax : matplotlib.axes.Axes, optional
    populations : Population, str, or sequence of such, optional
        By default all.
    segment : float, ms, optional
        The spectrum is the mean of those of segments of about this length; the lowest frequency is its inverse. By
        default 1000 ms, or the run if that is shorter. Statistics have the spectrum of whole trials.
    time : pair of float, ms, optional
        See `activity`; leave out a transient with it. Not of statistics.
    poisson : bool
        Draw the level of Poisson neurons, rate / N, as a dashed line.
    colors
        See `activity`.

    Returns
    -------
    matplotlib.axes.Axes

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
    chosen = drawing.chosen(where, result, populations, colors)
    spectra = [_spectrum(where, result, p, segment, time) for p, *_ in chosen]
    ax = drawing.single_axes(where, ax)
    for (p, color, style), (f, power, level) in zip(chosen, spectra, strict=True):
        drawing.draw_curve(ax, f, power, log=True, color=color, ls=style, lw=1.0, label=drawing.name_and_size(p))
        if poisson:
            ax.axhline(level, color=color, ls="--", lw=0.8, zorder=1.5)
    if poisson:
        ax.plot([], [], color="black", ls="--", lw=0.8, label="Poisson: rate / N")
    ax.set(xlabel="frequency [Hz]", ylabel="power spectrum [Hz]", xscale="log", yscale="log")
    ax.legend(**drawing.LEGEND)
    return ax


def compare(levels, ax=None, populations=None, bin=1.0, segment=None, colors=None):
    """Plot responses and spectra of both levels of a network, or of any runs, over each other.

    Parameters
    ----------
    levels : Comparison, or pair or dict of Result or TrialStatistics
        A `Comparison` is drawn with its confidence intervals. Of a pair, (mesoscopic, microscopic), a dict of such with
        labels as keys: responses with a band of one standard deviation where there are trials, as in `activity`.
    ax : array of matplotlib.axes.Axes, shape (2,) or (populations, 2), optional
        Response and spectrum, a row for each population.
    populations : Population, str, or sequence of such, optional
        By default all.
    bin : float, ms
        Of responses; that of a `Comparison` is its own.
    segment : float, ms, optional
        Of spectra, see `spectrum`; not of a `Comparison`.
    colors : dict of str to colour, optional
        By label: "mesoscopic", "microscopic", or the keys of a dict.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (populations, 2)
        Of one population that is given as itself or by name, shape (2,).

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
    rows = drawing.rows_of_axes(where, ax, len(names))
    for (response, power), name, picture in zip(rows, names, pictures, strict=True):
        for i, (label, (curve, spectrum)) in enumerate(picture.items()):
            color = (colors or {}).get(label, drawing.COLORS[i % len(drawing.COLORS)])
            style = {"color": color, "ls": drawing.STYLES[i % len(drawing.STYLES)], "lw": 1.0, "label": label}
            drawing.draw_curve(response, *curve, **style)
            drawing.draw_curve(power, *spectrum, log=True, **style)
        response.set(xlabel="time [ms]", ylabel=f"{name}: activity [spikes/s]")
        power.set(xlabel="frequency [Hz]", ylabel=f"{name}: power [Hz]", xscale="log", yscale="log")
        response.legend(title=note, **drawing.LEGEND)
    return rows[0] if populations is not None and drawing.is_one(populations) else rows


def overview(result, bin=1.0, figure=None):
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


def side_by_side(comparison, figure=None):
    """Draw what `gifpop.Comparison.plot` does: rates, variances, responses and spectra; return the figure."""
    n = len(comparison.names)
    figure = drawing.new_figure(10.0, 3.0 + 2.2 * n) if figure is None else figure
    axes = figure.subplots(1 + n, 2)
    _draw_bars(axes[0, 0], comparison, "rate", "mean rate [spikes/s]")
    _draw_bars(axes[0, 1], comparison, "variance", "variance [(spikes/s)²]")
    compare(comparison, axes[1:])
    return figure


def _draw_activities(ax, chosen, width, window, light=False):
    """Draw activities in bins, the first population on top; light if expected ones are to lie over them."""
    for i, (p, color, _) in enumerate(chosen):
        alpha = 0.5 if light and curves.expected(p, window) is not None else 1.0
        style = {"lw": 0.8, "alpha": alpha, "zorder": 2.5 - 0.01 * i, "label": drawing.name_and_size(p)}
        drawing.draw_curve(ax, *curves.activity(p, width, window), color=color, **style)


def _draw_expected(ax, chosen, window, label=None):
    """Draw the expected activity of each step; later populations, which are dashed, on top."""
    for i, (p, color, style) in enumerate(chosen):
        rate = curves.expected(p, window)
        if rate is not None:
            text = None if label is None else p.name + label
            line = {"lw": 1.2, "ls": style, "zorder": 3.0 + 0.01 * i, "label": text}
            drawing.draw_curve(ax, p.t[window], rate, color=color, **line)


def _draw_spikes(ax, chosen, neurons, limits):
    """Draw a row of marks for each of at most so many neurons of each population, the first population on top."""
    samples = [curves.even_sample(p.largest_N, neurons) for p, *_ in chosen]
    ends = np.cumsum([len(sample) for sample in samples])
    height = 72.0 * ax.bbox.height / ax.figure.dpi / ends[-1]  # of a row, in points, as marks are
    style = {"ls": "none", "marker": "|", "ms": min(max(height, 1.5), 8.0), "mew": 0.8, "rasterized": True}
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
    color: str
    style: str | tuple
    t: np.ndarray
    y: np.ndarray
    spikes: np.ndarray
    before: np.ndarray

    def draw(self, ax, offset, height, solid):
        """Draw it so much higher, and spikes up to ``height`` above its highest value."""
        style = {"color": self.color, "lw": 0.8}
        drawing.draw_curve(ax, self.t, self.y + offset, ls="-" if solid else self.style, label=self.label, **style)
        if len(self.spikes):
            ax.vlines(self.spikes, self.before + offset, self.y.max() + height + offset, **style)


def _traces(p, color, style, variable, neurons, limits):
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


def _spectrum(where, result, p, segment, time=None):
    """Return frequencies, the power spectrum of a population, and the level of so many Poisson neurons."""
    if isinstance(result, TrialStatistics):
        for name, value in (("segment", segment), ("time", time)):
            if value is not None:
                raise ValueError(f"{where}: {name} must be None for statistics, which have spectra of whole trials "
                                 f"(keep='all' has trajectories), got {value!r}")  # fmt: skip
        return p.f[1:], p.mean["spectrum"][1:], p.mean["activity"].mean() / p.N
    window, _ = drawing.window(where, result, time)
    longest = (window.stop - window.start) * result.dt
    segment = min(SEGMENT, longest) if segment is None else segment
    steps = drawing.steps_of(where, "segment", segment, result.dt, window)
    if steps < 2:
        raise ValueError(f"{where}: segment must be at least two steps of {result.dt} ms, got {segment}")
    activity = p.activity[..., window]
    N = p.N if np.ndim(p.N) == 0 else p.N[window]
    return *curves.spectrum(activity, result.dt, steps), np.mean(activity / N)


def _sources(where, levels, bin, segment):
    """Return names of populations, a function of a name to response and spectrum for each label, and a note."""
    if isinstance(levels, Comparison):
        if segment is not None:
            raise ValueError(f"{where}: segment must be None for a Comparison, which has its spectra, got {segment!r}")
        sources = {f"{level}scopic": partial(_estimates, levels, level) for level in ("meso", "micro")}
        return levels.names, sources, f"{100 * levels.confidence:g} % confidence"
    pair = isinstance(levels, (tuple, list)) and len(levels) == 2
    if not pair and not (isinstance(levels, dict) and levels):
        raise TypeError(f"{where}: levels must be a gifpop.Comparison, a pair or a dict of results, got {levels!r}")
    for each in levels if pair else levels.values():
        drawing.check_result(where, each, statistics=True)
    if pair:
        found = [each.level for each in levels]
        if found != ["meso", "micro"]:
            raise ValueError(
                f"{where}: levels must be a mesoscopic and a microscopic result, or a dict of results with labels as "
                f"keys, got a pair of levels {found}"
            )
        levels = dict(zip(("mesoscopic", "microscopic"), levels, strict=True))
    names = [each.names for each in levels.values()]
    if any(each != names[0] for each in names):
        raise ValueError(f"{where}: levels must have the same populations, got {names}")
    notes = dict.fromkeys(map(drawing.note_on_trials, levels.values()))
    sources = {label: partial(_of_result, where, each, bin, segment) for label, each in levels.items()}
    return names[0], sources, "\n".join(filter(None, notes)) or None


def _estimates(comparison, level, name):
    """Return response and spectrum of a population as `gifpop.compare` estimates them, with errors."""
    i, summary = comparison.names.index(name), getattr(comparison, level)
    response, power = summary.response, summary.spectrum
    spectrum = comparison.f[1:], power.value[1:, i], power.error[1:, i]
    return (comparison.t, response.value[:, i], response.error[:, i]), spectrum


def _of_result(where, result, bin, segment, name):
    """Return response and spectrum of a population, the response with its deviation over trials."""
    window, _ = drawing.window(where, result, None)
    width = drawing.steps_of(where, "bin", bin, result.dt, window)
    f, power, _ = _spectrum(where, result, result[name], segment)
    return curves.activity(result[name], width, window), (f, power)


def _draw_bars(ax, comparison, quantity, label):
    """Draw one quantity of both levels for each population."""
    x = np.arange(len(comparison.names))
    for offset, color, level in ((-0.2, drawing.COLORS[0], "meso"), (0.2, drawing.COLORS[1], "micro")):
        estimate = getattr(getattr(comparison, level), quantity)
        ax.bar(x + offset, estimate.value, 0.38, yerr=estimate.error, color=color, label=f"{level}scopic")
    ax.set_xticks(x, comparison.names)
    ax.set_ylabel(label)


def _round_up(value):
    """Return the next 1, 2 or 5 times a power of ten."""
    unit = 10.0 ** np.floor(np.log10(value))
    return float(next(k for k in (1.0, 2.0, 5.0, 10.0) if k * unit >= value) * unit)
