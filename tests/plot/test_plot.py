"""gifpop.plot: what is drawn, read back from the axes; what it looks like is in test_images.py."""

import doctest
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.plot import arguments, curves, drawing
from gifpop.result import Result
from tests.helpers.pictures import (
    DT,
    RECORDED_NEURONS,
    SIZES,
    STEPS,
    axes,
    comparison,
    counts,
    meso,
    oscillation,
    potentials,
    rate,
    result,
    spikes,
    statistics,
)


def line(ax, label):
    return next(each for each in ax.lines if each.get_label() == label)


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def in_bins(values, width):
    return values.reshape(*values.shape[:-1], -1, width).mean(axis=-1)


def band_of(ax, i=0):
    """Return the lower and the upper edge of a band."""
    points = ax.collections[i].get_paths()[0].vertices[1:-1]
    n = (len(points) - 1) // 2
    return points[:n, 1], points[-n:, 1][::-1]


def activity_of(name, of=0):
    return counts(SIZES[name], STEPS, 0.0 if name == "E" else 1.0, of) / (SIZES[name] * 1e-3 * DT)


def test_activity():
    ax = gp.plot.activity(result(), axes(), bin=2.0)
    drawn = line(ax, "E (N = 40)")
    assert_allclose(drawn.get_xdata(), np.arange(100) * 2.0 + 1.25, rtol=1e-12, atol=0)
    assert_allclose(drawn.get_ydata(), in_bins(activity_of("E"), 4), rtol=1e-12, atol=0)
    assert_allclose(line(ax, "I, expected").get_ydata(), rate(STEPS, 1.0), rtol=1e-12, atol=0)
    assert_allclose(line(ax, "I, expected").get_xdata(), (np.arange(STEPS) + 1) * DT, rtol=1e-12, atol=0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [ms]", "activity $A_N$ [spikes/s]")
    assert texts(ax.get_legend()) == ["E (N = 40)", "I (N = 10)", "E, expected", "I, expected"]
    assert ax.get_xlim() == (0.0, 200.0)
    assert (
        line(ax, "E (N = 40)").get_zorder() > line(ax, "I (N = 10)").get_zorder()
    )  # the first, with less noise, on top
    assert line(ax, "E, expected").get_zorder() < line(ax, "I, expected").get_zorder()  # which is dashed
    assert line(ax, "E, expected").get_linestyle() != line(ax, "I, expected").get_linestyle()


def test_activity_of_neurons_has_nothing_expected():
    ax = gp.plot.activity(result("micro"), axes())
    assert texts(ax.get_legend()) == ["E (N = 40)", "I (N = 10)"]
    assert ax.lines[0].get_alpha() == 1.0
    assert len(gp.plot.activity(result(), axes(), expected=False).lines) == 2


def test_activity_of_trials():
    ax = gp.plot.activity(result(trials=5), axes(), bin=2.0)
    bins = in_bins(np.stack([activity_of("E", k) for k in range(5)]), 4)
    mean, deviation = bins.mean(axis=0), bins.std(axis=0, ddof=1)
    assert_allclose(line(ax, "E (N = 40)").get_ydata(), mean, rtol=1e-12, atol=0)
    low, high = band_of(ax)
    assert_allclose(low, mean - deviation, rtol=1e-9, atol=1e-9)
    assert_allclose(high, mean + deviation, rtol=1e-9, atol=1e-9)
    assert ax.get_legend().get_title().get_text() == "mean of 5 trials ± s.d."
    alone = gp.plot.activity(result(trials=1), axes())
    assert not alone.collections
    assert alone.get_legend().get_title().get_text() == "1 trial"


def test_activity_of_statistics():
    """The variance of bins is not known, and the picture says so."""
    ax, steps = gp.plot.activity(statistics(), axes(), bin=2.0), np.stack([activity_of("E", k) for k in range(4)])
    assert_allclose(line(ax, "E (N = 40)").get_ydata(), in_bins(steps.mean(axis=0), 4), rtol=1e-12, atol=1e-12)
    low, high = band_of(ax)
    assert_allclose((high - low) / 2, np.sqrt(in_bins(steps.var(axis=0, ddof=1), 4)), rtol=1e-9, atol=1e-9)
    assert ax.get_legend().get_title().get_text() == "mean of 4 trials ± s.d. of steps"
    assert_allclose(line(ax, "E, expected").get_ydata(), rate(STEPS), rtol=1e-12, atol=0)


def test_part_of_the_time():
    """A step belongs to the time at which it ends."""
    late = result(first=100)
    ax = gp.plot.activity(late, axes(), bin=DT, time=(60.0, 70.0))
    assert_allclose(ax.lines[0].get_xdata(), np.arange(60.5, 70.1, 0.5), rtol=1e-12, atol=0)
    assert_allclose(ax.lines[0].get_ydata(), activity_of("E")[20:40], rtol=1e-12, atol=0)
    assert ax.get_xlim() == (60.0, 70.0)
    assert gp.plot.activity(late, axes()).get_xlim() == (50.0, 250.0)
    spikes_at = gp.plot.raster(result("micro"), axes(), time=(60.0, 70.0)).lines[0].get_xdata()
    assert spikes_at.min() > 60.0 and spikes_at.max() == 70.0
    assert gp.plot.traces(result("micro"), ax=axes(), time=(60.0, 70.0)).lines[0].get_xdata().tolist() == list(
        range(61, 71)
    )


def test_populations_keep_their_colours():
    both, one = (gp.plot.activity(result(), axes(), populations=p) for p in (None, "I"))
    assert texts(one.get_legend()) == ["I (N = 10)", "I, expected"]
    assert one.lines[0].get_color() == line(both, "I (N = 10)").get_color() != line(both, "E (N = 40)").get_color()
    net = gp.Network()
    I = net.population("I", 10, gp.GIF())
    mine = gp.plot.activity(result(), axes(), populations=[I, "E"], colors={I: "red"})
    assert texts(mine.get_legend())[:2] == ["I (N = 10)", "E (N = 40)"]
    assert mine.lines[0].get_color() == "red"
    assert mine.lines[1].get_color() == arguments.COLORS[0]


def test_raster():
    run = result("micro")
    upper, lower = gp.plot.raster(run, axes(2, 1), neurons=20, bin=4.0)
    steps, neurons = spikes(40, counts(40, STEPS))
    sample = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39]
    marks = [((step + 1) * DT, sample.index(n) + 0.5) for step, n in zip(steps, neurons, strict=True) if n in sample]
    assert_allclose(line(upper, "E").get_xydata(), marks, rtol=1e-12, atol=0)
    assert_allclose(line(upper, "I").get_ydata(), run["I"].spikes[1] + 20.5, rtol=1e-12, atol=0)
    assert [label.get_text() for label in upper.get_yticklabels()] == ["E (20 of 40)", "I (10)"]
    assert_array_equal(upper.get_yticks(), [10.0, 25.0])
    assert upper.get_ylim() == (30.0, 0.0)  # the first population on top
    assert line(upper, "E").get_rasterized()
    assert_allclose(line(lower, "E").get_ydata(), in_bins(activity_of("E"), 8), rtol=1e-12, atol=0)
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == ("neurons", "rate [spikes/s]", "time [ms]")
    assert upper.get_xlim() == lower.get_xlim() == (0.0, 200.0)
    assert texts(lower.get_legend()) == ["E", "I"]


def test_raster_alone():
    ax = axes()
    assert gp.plot.raster(result("micro"), ax) is ax
    assert ax.get_xlabel() == "time [ms]"
    assert len(ax.figure.axes) == 1


@pytest.mark.parametrize(("trial", "shown"), [(None, 3), (4, 4)])
def test_raster_of_a_trial(trial, shown):
    runs = result("micro", trials=3)
    ax = gp.plot.raster(runs, axes(), trial=trial)
    assert_array_equal(line(ax, "E").get_xdata(), runs.trial(shown)["E"].spikes[0])
    assert ax.get_title() == f"trial {shown}"


def test_raster_leaves_out_populations_without_neurons():
    upper, lower = gp.plot.raster(result("mixed"), axes(2, 1))
    assert [label.get_text() for label in upper.get_yticklabels()] == ["E (40)"]
    assert len(lower.lines) == 1


def test_traces_with_spikes():
    run = result("micro")
    ax = gp.plot.traces(run, ax=axes(), populations="E", offset=30.0)
    V = potentials(STEPS, 3)[1::2]
    for i in range(3):
        assert_allclose(ax.lines[i].get_ydata(), V[:, i] + 30.0 * i, rtol=1e-12, atol=1e-12)
        assert_array_equal(ax.lines[i].get_xdata(), np.arange(1.0, 201.0))
    times = run["E"].spikes[0][run["E"].spikes[1] == RECORDED_NEURONS[1]]
    segments = np.array(ax.collections[1].get_segments())
    assert len(times) > 3
    assert_array_equal(segments[:, :, 0], np.stack([times, times], axis=1))
    before = V[np.maximum(np.ceil(times).astype(int) - 2, 0), 1]  # records are at 1, 2, ... ms
    span = np.ptp(V, axis=0).max()
    assert_allclose(segments[:, 0, 1], before + 30.0, rtol=1e-12, atol=0)
    assert_allclose(segments[:, 1, 1], V[:, 1].max() + 0.2 * span + 30.0, rtol=1e-12, atol=0)
    assert ax.get_ylabel() == "V_m [mV], + 30 mV each"
    assert texts(ax.get_legend()) == ["E, neuron 9", "E, neuron 7", "E, neuron 0"]  # as they lie


def test_traces_stand_clear_of_each_other():
    ax = gp.plot.traces(result("micro"), ax=axes())
    assert ax.get_ylabel() == "V_m [mV], + 50 mV each"
    assert len(ax.lines) == 6
    lines = [each.get_ydata() for each in ax.lines]
    assert all(above.min() > below.max() for below, above in itertools.pairwise(lines))


def test_traces_of_populations_and_other_variables():
    ax = gp.plot.traces(result(), ax=axes())
    assert ax.get_ylabel() == "V_m [mV]"
    assert_allclose(ax.lines[1].get_ydata(), rate(STEPS, 1.0) / 4.0, rtol=1e-12, atol=0)
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    ax = gp.plot.traces(result("micro"), "I_syn_ex", ax=axes(), neurons=2)
    assert ax.get_ylabel() == "I_syn_ex [pA], + 500 pA each"
    assert not ax.collections  # no spikes
    assert texts(ax.get_legend()) == ["I, neuron 9", "I, neuron 0", "E, neuron 9", "E, neuron 0"]
    ax = gp.plot.traces(result("micro", trials=3), ax=axes(), trial=5, offset=0.0)
    assert_allclose(ax.lines[0].get_ydata(), potentials(STEPS, 3)[1::2, 0] + 2.0, rtol=1e-12, atol=1e-12)
    assert ax.get_title() == "trial 5"


def test_spectrum_of_an_oscillation():
    """At its frequency amplitude^2 / 4 times the length of a segment, at others nothing; and the Poisson level."""
    ax = gp.plot.spectrum(oscillation(), axes(), segment=200.0)
    f, power = ax.lines[0].get_data()
    assert_allclose(f, np.arange(1, 201) * 5.0, rtol=1e-12, atol=0)
    assert f[power.argmax()] == 50.0
    assert_allclose(power.max(), 4.0**2 / 4.0 * 0.2, rtol=1e-9, atol=0)
    assert_allclose(np.delete(power, power.argmax()), 0.0, rtol=0, atol=1e-20)
    assert_allclose(ax.lines[1].get_ydata(), 100.0 / 50, rtol=1e-12, atol=0)
    assert ax.lines[1].get_linestyle() == "--"
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("frequency [Hz]", "power spectrum [Hz]")
    assert texts(ax.get_legend()) == ["P (N = 50)", "Poisson: rate / N"]


def test_spectrum_segments():
    """By default 1 s, or the run; means over segments and trials."""
    assert gp.plot.spectrum(oscillation(steps=5000), axes()).lines[0].get_xdata()[0] == 1.0
    assert gp.plot.spectrum(oscillation(steps=1000), axes()).lines[0].get_xdata()[0] == 2.0
    assert gp.plot.spectrum(oscillation(), axes(), time=(200.0, 600.0)).lines[0].get_xdata()[0] == 2.5
    ax = gp.plot.spectrum(result(trials=3), axes(), segment=60.0, poisson=False)
    pieces = [activity_of("E", k)[120 * i : 120 * (i + 1)] for k in range(3) for i in range(3)]
    expected = gp.power_spectrum(pieces, DT)[1].mean(axis=0)[1:]
    assert_allclose(ax.lines[0].get_ydata(), expected, rtol=1e-9, atol=1e-15)
    assert len(ax.lines) == 2


def test_spectrum_of_statistics_is_that_of_trials():
    kept, reduced = (
        gp.plot.spectrum(r, axes(), segment=s) for r, s in ((result(trials=4), 200.0), (statistics(), None))
    )
    for a, b in zip(kept.lines[:4], reduced.lines[:4], strict=True):
        assert_allclose(a.get_xdata(), b.get_xdata(), rtol=1e-12, atol=0)
        assert_allclose(a.get_ydata(), b.get_ydata(), rtol=1e-9, atol=1e-15)


def test_compare_estimates():
    c, drawn = comparison(), axes(2, 2)
    rows = gp.plot.compare(c, drawn)
    assert_array_equal(rows, drawn)
    for i, name in enumerate(SIZES):
        response, power = rows[i]
        for j, level in enumerate((c.meso, c.micro)):
            assert_array_equal(response.lines[j].get_ydata(), level.response.value[:, i])
            assert_array_equal(power.lines[j].get_xydata(), np.stack([c.f, level.spectrum.value[:, i]], axis=1)[1:])
            low, high = band_of(response, j)
            assert_allclose(high - low, 2.0 * level.response.error[:, i], rtol=1e-9, atol=0)
            low, high = band_of(power, j)
            assert_allclose(high - low, 2.0 * level.spectrum.error[1:, i], rtol=1e-9, atol=0)
        assert (response.get_ylabel(), power.get_ylabel()) == (f"{name}: activity [spikes/s]", f"{name}: power [Hz]")
        assert texts(response.get_legend()) == ["mesoscopic", "microscopic"]
        assert response.get_legend().get_title().get_text() == "95 % confidence"
        assert response.lines[0].get_linestyle() != response.lines[1].get_linestyle()


def test_compare_results():
    runs = result(trials=3), result("micro")
    response, power = gp.plot.compare(runs, axes(1, 2), populations="E", bin=4.0, segment=50.0)
    alone = gp.plot.activity(runs[0], axes(), bin=4.0)
    assert_array_equal(response.lines[0].get_xydata(), line(alone, "E (N = 40)").get_xydata())
    assert_array_equal(
        power.lines[1].get_xydata(), gp.plot.spectrum(runs[1], axes(), segment=50.0).lines[0].get_xydata()
    )
    assert response.get_legend().get_title().get_text() == "mean of 3 trials ± s.d."
    rows = gp.plot.compare({"a": runs[0], "b": statistics(), "c": runs[1]}, axes(2, 2), colors={"b": "red"})
    assert texts(rows[1, 0].get_legend()) == ["a", "b", "c"]
    assert rows[1, 1].lines[1].get_color() == "red"


def test_bands_on_logarithmic_axes_stay_positive():
    ax = axes()
    ax.set_yscale("log")
    drawing.draw_curve(ax, np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([0.5, 3.0]), log=True, color="red")
    assert_allclose(band_of(ax)[0], [0.5, 0.3], rtol=1e-12, atol=0)


@pytest.mark.parametrize("log", [False, True])
def test_thinned_curves_keep_their_peaks(log):
    """Of any piece of the axis the lowest and the highest point; at most so many points; short curves are as they are."""
    x = np.arange(1, 100_001) * 0.1
    y = np.sin(np.arange(100_000) ** 1.5)
    y[[0, 7, 31_417, 99_999]] = 5.0, -7.0, 9.0, 6.0
    thin_x, thin_y = curves.thin(x, y, log)
    assert len(thin_x) <= curves.MOST_POINTS
    assert len(thin_x) > curves.MOST_POINTS / 4
    assert (np.diff(thin_x) > 0).all()
    assert_array_equal(thin_y, y[np.searchsorted(x, thin_x)])  # points of the curve
    assert np.isin([5.0, -7.0, 9.0, 6.0], thin_y).all()
    axis = np.log(x) if log else x
    for at in np.linspace(axis[0], axis[-1], 101)[:-1]:
        piece = (axis >= at - 1e-9) & (axis <= at + (axis[-1] - axis[0]) / 100)
        if not piece.any():  # of a logarithmic axis, at its beginning
            continue
        kept = np.isin(x[piece], thin_x)
        assert y[piece][kept].max() > y[piece].max() - 0.02
        assert y[piece][kept].min() < y[piece].min() + 0.02
    band_x, low, high = curves.thin_band(x, y - 1.0, y + 1.0, log)
    assert len(band_x) <= curves.MOST_POINTS / 2
    assert low.min() == -8.0 and high.max() == 10.0
    assert_array_equal(curves.thin(x[:4000], y[:4000], log), (x[:4000], y[:4000]))


def test_long_runs_are_thinned():
    steps = 50_000
    long = Result([meso("E", steps)], DT, "meso", 1, 1, 0)
    pictures = (
        gp.plot.activity(long, axes(), bin=DT),
        gp.plot.traces(long, ax=axes()),
        gp.plot.spectrum(long, axes(), segment=20_000.0),
    )
    for ax in pictures:
        assert all(len(each.get_xdata()) <= curves.MOST_POINTS for each in ax.lines)
    assert ax.lines[0].get_xdata()[0] == 0.05


@pytest.mark.parametrize("trials", [None, 4])
def test_result_plot(trials):
    """Two axes, activities above what is expected; of neurons one."""
    figure = Figure()
    assert result(trials=trials).plot(bin=2.0, figure=figure) is figure
    upper, lower = figure.axes
    bins = in_bins(np.stack([activity_of("E", k) for k in range(trials or 1)]), 4).mean(axis=0)
    assert_allclose(upper.lines[0].get_ydata(), bins, rtol=1e-12, atol=0)
    assert_allclose(lower.lines[1].get_ydata(), rate(STEPS, 1.0), rtol=1e-12, atol=0)
    assert (upper.get_title(), lower.get_ylabel()) == (
        "Population activities (mesoscopic level)",
        r"expected $\bar A$ [spikes/s]",
    )
    assert len(result("micro").plot(figure=Figure()).axes) == 1
    assert result("mixed").plot(figure=Figure()).axes[0].get_title() == "Population activities"


@pytest.fixture(scope="module")
def everything():
    """Draw each picture into axes, while importing pyplot is an error; return all axes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib.pyplot", None)
        return [
            gp.plot.activity(result(), axes()),
            *gp.plot.raster(result("micro"), (axes(), axes())),
            gp.plot.traces(result("micro"), ax=axes()),
            gp.plot.spectrum(result(), axes()),
            *gp.plot.compare(comparison(), axes(2, 2)).flat,
            *result().plot(figure=Figure()).axes,
            *comparison().plot(Figure()).axes,
        ]


def test_pyplot_and_settings_are_left_alone(request):
    import matplotlib

    before = dict(matplotlib.rcParams)
    assert len(request.getfixturevalue("everything")) == 17
    assert dict(matplotlib.rcParams) == before


def test_all_axes_have_units(everything):
    for ax in everything:
        labels = [label for label in (ax.get_xlabel(), ax.get_ylabel()) if label not in ("", "neurons")]
        assert labels or ax.get_ylabel() == "neurons"
        assert all(re.search(r" \[.+\]", label) for label in labels)


def test_titles_are_kept():
    ax = axes()
    ax.set_title("mine")
    gp.plot.traces(result("micro"), ax=gp.plot.raster(result("micro"), ax))
    assert ax.get_title() == "mine"


def test_new_figures():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.close("all")
    made = [
        gp.plot.activity(result()),
        gp.plot.raster(result("micro"))[1],
        gp.plot.traces(result()),
        gp.plot.spectrum(result()),
        gp.plot.compare((result(), result("micro")))[1, 1],
        result().plot().axes[0],
        comparison().plot().axes[0],
    ]
    assert [ax.figure.number for ax in made] == pyplot.get_fignums() == list(range(1, 8))
    pyplot.close("all")


def test_matplotlib_is_not_imported_with_gifpop(tmp_path):
    code = "import sys, gifpop; assert gifpop.plot; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_examples_in_docstrings():
    import matplotlib

    matplotlib.use("Agg")
    failed, attempted = doctest.testmod(gp.plot)
    assert failed == 0
    assert attempted >= 15
    matplotlib.pyplot.close("all")
