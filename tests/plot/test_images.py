"""Pictures of gifpop.plot against stored ones, pixel by pixel.

``pytest tests/plot/test_images.py --mpl-generate-path=tests/plot/baseline`` draws them anew. They have no text, whose shapes
differ between versions of matplotlib; test_plot.py reads it. Everything else is the same to the last pixel in
matplotlib 3.8.4 and 3.11.2. The tolerance, the root mean square of differences in levels of colour (0 to 255), leaves
room for other processors; one colour that is off by 16 levels of blue makes 0.8, dashes that are shorter by a fifth 3.
"""

import pytest

from tests.helpers.pictures import comparison, result

pytest.importorskip("pytest_mpl")
from matplotlib.figure import Figure

import gifpop as gp

TOLERANCE = 0.5
picture = pytest.mark.mpl_image_compare(
    baseline_dir="baseline", tolerance=TOLERANCE, style="default", backend="agg", savefig_kwargs={"dpi": 60}
)


def canvas(rows=1, columns=1, height_ratios=None):
    """Return a small figure and its axes, which lie where they lie whatever the fonts."""
    figure = Figure(figsize=(4.0 * columns, 2.0 * rows))
    axes = figure.subplots(rows, columns, squeeze=False, height_ratios=height_ratios)
    figure.subplots_adjust(0.02, 0.02, 0.98, 0.98, 0.05, 0.05)
    return figure, axes


def without_text(figure):
    for ax in figure.axes:
        ax.set(title="", xlabel="", ylabel="")
        ax.tick_params(which="both", labelleft=False, labelbottom=False)
        if ax.get_legend() is not None:
            ax.get_legend().remove()
    return figure


@picture
def test_activity():
    figure, axes = canvas(2)
    gp.plot.activity(result("meso"), axes[0, 0], bin=2.0)
    gp.plot.activity(result("mixed", trials=6), axes[1, 0], bin=4.0)
    return without_text(figure)


@picture
def test_raster():
    figure, axes = canvas(2, height_ratios=(3, 1))
    gp.plot.raster(result("micro"), axes[:, 0], neurons=30)
    return without_text(figure)


@picture
def test_traces():
    figure, axes = canvas(1, 2)
    gp.plot.traces(result("micro"), ax=axes[0, 0])
    gp.plot.traces(result("mixed"), ax=axes[0, 1], neurons=1, offset=0.0)
    return without_text(figure)


@picture
def test_spectrum():
    figure, axes = canvas()
    gp.plot.spectrum(result("meso", trials=3), axes[0, 0], segment=100.0)
    return without_text(figure)


@picture
def test_compare():
    figure, axes = canvas(2, 2)
    gp.plot.compare(comparison(), axes)
    return without_text(figure)


@picture
def test_compare_results():
    figure, axes = canvas(1, 2)
    runs = result("meso", trials=6), result("micro")
    gp.plot.compare(runs, axes, populations="E", bin=4.0, segment=50.0)
    return without_text(figure)


@picture
def test_comparison_plot():
    figure = Figure(figsize=(6.0, 4.5))
    comparison().plot(figure)
    figure.subplots_adjust(0.02, 0.02, 0.98, 0.98, 0.05, 0.05)
    return without_text(figure)
