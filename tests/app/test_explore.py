"""The running network of `explore`, and its window, driven by hand."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from textwrap import dedent

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.app.explorer import BIN, DT, KNOBS, LATEST, Explorer
from tests.helpers.state import network_of


@pytest.fixture
def window():
    import matplotlib

    matplotlib.use("Agg")
    window = gp.explore(seed=1)
    yield window
    window.close()


def mean_rates(explorer, seconds=1.0):
    for _ in range(round(seconds / 0.05)):
        explorer._cost = 0.0  # as if the machine were fast enough, whatever else it does
        explorer.frame(0.05)
    return np.nanmean(explorer.activity[:, -round(0.4 * seconds * 1e3 / BIN) :], axis=1)


def test_activity_is_that_of_a_simulation():
    explorer = Explorer(seed=1)
    for elapsed in (0.02, 0.033, 0.02):
        explorer._cost = 0.0  # all that is due is possible
        explorer.frame(elapsed)
    assert explorer.time == pytest.approx(0.072, rel=1e-12)  # whole bins; the rest is owed
    result = gp.models.brunel().simulate(72.0, dt=DT, seed=1, initial="stationary")
    expected = result.activity.reshape(36, -1, 2).mean(axis=1).T
    assert_allclose(explorer.activity[:, -36:], expected, rtol=1e-12, atol=0.0)
    assert np.isnan(explorer.activity[:, :-36]).all()
    assert_allclose(explorer.rate[:, -36:], result.rate.reshape(36, -1, 2).mean(axis=1).T, rtol=1e-12, atol=0.0)


def test_memory_is_fixed():
    explorer = Explorer(seed=1, seconds=0.1)
    for _ in range(20):
        explorer.frame(0.05)
    assert explorer.activity.shape == (2, 50)
    assert not np.isnan(explorer.activity).any()
    with pytest.raises(ValueError, match="nothing has been simulated"):
        explorer.simulation.result()


def test_a_late_frame_is_not_caught_up():
    explorer = Explorer(seed=1)
    assert explorer.frame(10.0) == round(LATEST * 1e3 / BIN)
    explorer._cost = 1e-3  # s for a ms: as fast as real time, of which a frame may take 20 ms
    assert explorer.frame(0.1) == 10
    assert explorer.lag == pytest.approx(9.9 + 0.08, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "sign"),
    [({"drive": 600.0}, 1), ({"inhibition": 10.0}, -1), ({"adaptation": 0.0}, 1), ({"coupling": 0.0}, 1)],
)
def test_knobs_act(change, sign):
    """By 0.47 at least, of which the standard deviation between seeds is 0.06: false alarm 3e-6."""
    explorer = Explorer(seed=1)
    before = mean_rates(explorer, 5.0)
    explorer.set(**change)
    assert (sign * (mean_rates(explorer, 5.0) - before) > 0.2).all()


def test_size_changes_fluctuations_and_not_the_mean():
    """Limits are 6 standard deviations between seeds away: 0.024 of rates, 0.16 of the log of the ratio, about 0.14."""
    explorer = Explorer(seed=1)
    before = mean_rates(explorer)
    noise = explorer.activity[:, -200:].std(axis=1)
    explorer.set(N_E=40_000, N_I=10_000)
    assert_allclose(mean_rates(explorer), before, rtol=0.2, atol=0.0)
    assert (explorer.activity[:, -200:].std(axis=1) < 0.4 * noise).all()


def test_moved_parameters_are_those_of_the_described_network():
    explorer = Explorer(seed=1)
    explorer.set(drive=350.0, coupling=1.5, inhibition=4.0, adaptation=0.5, N_E=1600, N_I=100)
    explorer.frame(0.0)
    explorer.restart()
    net, cell = gp.Network(), gp.models.brunel().populations["E"].cell
    for name, N in (("E", 1600), ("I", 100)):
        net.population(name, N, replace(cell, I_e=350.0, q_sfa=[5.0, 0.5]))
    for post in ("E", "I"):
        net.connect("E", post, weight=25.0 * 1.5 * 0.5, p=0.2, delay=1.0)
        net.connect("I", post, weight=-62.5 * 1.5 * 0.8 * 2.0, p=0.2, delay=1.0)
    result = net.simulate(50.0, dt=DT, seed=1, initial="stationary")
    explorer._cost = 0.0
    explorer.frame(0.05)
    assert_allclose(explorer.activity[:, -25:], result.activity.reshape(25, -1, 2).mean(axis=1).T, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("end", ["low", "high"])
def test_extreme_parameters(end):
    explorer = Explorer(seed=1)
    explorer.set(**{knob.name: getattr(knob, end) for knob in KNOBS})
    assert np.isfinite(mean_rates(explorer, 0.3)).all()


def test_errors():
    explorer = Explorer(seed=1)
    with pytest.raises(ValueError, match=r"Explorer.set: drive must be in \[100, 700\] pA, got 1"):
        explorer.set(drive=1.0)
    with pytest.raises(TypeError, match=r"Explorer.set: parameter must be one of drive, .* got 'drove'"):
        explorer.set(drove=1.0)
    with pytest.raises(ValueError, match=r"Explorer.speed must be in \[0.1, 20\], got 50"):
        gp.explore(speed=50.0)


@pytest.mark.slow
def test_sliders_move_the_network(window):
    window.sliders["drive"].set_val(500.0)
    window.sliders["N_E"].set_val(np.log10(2000.0))
    window.sliders["speed"].set_val(np.log10(5.0))
    assert window.explorer.values["drive"] == 500.0
    assert window.explorer.values["N_E"] == 2000
    assert window.sliders["N_E"].valtext.get_text() == "2,000"
    assert window.explorer.speed == pytest.approx(5.0, rel=1e-12)
    window._last -= 0.05
    window.frame()
    populations = network_of(window.explorer.simulation).populations
    assert (populations["E"].N, populations["E"].cell.I_e) == (2000, 500.0)
    for name, slider in window.sliders.items():
        slider.set_val(slider.valmax)
        slider.set_val(slider.valmin)
        assert slider.valtext.get_text(), name
    window.defaults()
    assert window.explorer.values == {knob.name: knob.start for knob in KNOBS}


def test_frames_show_the_activity(window):
    window.figure.canvas.draw()
    window._last -= 0.05
    window.frame()
    line = window.chart.lines[0]
    assert_array_equal(line.get_ydata(), window.explorer.activity[0])
    window.figure.canvas.draw()
    with_activity = np.asarray(window.figure.canvas.buffer_rgba()).copy()
    line.set_data([], [])
    window.figure.canvas.draw()
    assert (np.asarray(window.figure.canvas.buffer_rgba()) != with_activity).any()


def test_pause_and_restart(window):
    window.pause()
    window._last -= 0.05
    window.frame()
    assert window.explorer.time == 0.0
    window.pause()
    window._last -= 0.05
    window.frame()
    assert window.explorer.time > 0.0
    window.restart()
    assert window.explorer.time == 0.0
    assert np.isnan(window.explorer.activity).all()


def test_time_begins_with_the_first_picture(window):
    window._last -= 10.0
    window.figure.canvas.draw()
    window.frame()
    assert window.explorer.lag < 5.0
    window._last -= 10.0
    window.figure.canvas.draw()
    window.frame()
    assert window.explorer.lag > 9.0


def test_another_window_closes_the_first(window):
    other = gp.explore(seed=2)
    assert other.figure is not window.figure
    assert [plt.figure(number) for number in plt.get_fignums()] == [other.figure]
    other.close()
    assert not plt.get_fignums()


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_a_picture_is_saved_with_its_activity(window, tmp_path, kind):
    window.figure.canvas.draw()
    window._last -= 0.05
    window.frame()
    kept = window.chart.background
    with_activity, without = tmp_path / f"with.{kind}", tmp_path / f"without.{kind}"
    window.figure.savefig(with_activity, dpi=50)
    window.chart.lines[0].set_data([], [])
    window.figure.savefig(without, dpi=50)
    assert with_activity.stat().st_size > without.stat().st_size
    assert window.chart.background is kept  # at the resolution of the window


SCRIPT = """
import sys, time
import gifpop as gp
window = gp.explore(seed=1)
canvas, count = window.figure.canvas, []
def step():
    count.append(time.perf_counter())
    if len(count) == 20:
        before.append(window.explorer.time)
        window.sliders["drive"].set_val(600.0)
        x, y = window.sliders["inhibition"].ax.transAxes.transform((0.2, 0.5))
        canvas._tkcanvas.event_generate("<Button-1>", x=int(x), y=int(canvas.figure.bbox.height - y))
        canvas._tkcanvas.event_generate("<ButtonRelease-1>", x=int(x), y=int(canvas.figure.bbox.height - y))
    if len(count) == 40:
        window.figure.savefig(sys.argv[1])
        print(window.explorer.time, window.explorer.values["inhibition"], count[-1] - count[0])
        window.close()
before = []
timer = canvas.new_timer(interval=100)
timer.add_callback(step)
timer.start()
window.show()
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("Xvfb"), reason="no virtual screen")
def test_on_a_virtual_screen(tmp_path):
    pytest.importorskip("tkinter")
    read, write = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24"], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    try:
        number = os.read(read, 16).decode().strip()
        environment = {**os.environ, "DISPLAY": f":{number}", "MPLBACKEND": "TkAgg"}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "window.png")]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
    finally:
        screen.terminate()
        screen.wait()
    simulated, inhibition, elapsed = map(float, done.stdout.split())
    assert inhibition == pytest.approx(2.0, abs=0.2)
    assert simulated > 0.1 * elapsed  # all of it on a machine that has nothing else to do
    assert (tmp_path / "window.png").stat().st_size > 10_000


CELLS = (
    """
    %matplotlib widget
    import asyncio
    import gifpop as gp
    window = gp.explore(seed=1)
    canvas, pictures = window.figure.canvas, []
    tell, show = canvas.send_event, canvas.send_binary

    def send_event(kind, **content):  # as a browser, which asks for a picture once it has heard of a new one
        tell(kind, **content)
        if kind == "draw":
            asyncio.get_running_loop().call_later(0.01, canvas.handle_event, {"type": "draw"})

    canvas.send_event = send_event
    canvas.send_binary = lambda data: (pictures.append(data), show(data))

    async def until(condition):  # or until half a minute has passed
        for _ in range(300):
            if not condition():
                await asyncio.sleep(0.1)
    """,
    """
    await until(lambda: window.explorer.time > 0.2 and len(set(pictures)) > 2)
    print(window.explorer.time, len(set(pictures)))
    """,
    """
    window.sliders["drive"].set_val(600.0)
    x, y = window.sliders["inhibition"].ax.transAxes.transform((0.2, 0.5))
    for kind in ("button_press", "button_release"):
        place = {"x": x, "y": canvas.figure.bbox.height - y, "button": 0, "buttons": 1}
        canvas.handle_event({"type": kind, "modifiers": [], "guiEvent": {}} | place)
    before = window.explorer.time
    await until(lambda: window.explorer.time > before + 0.2)
    print(window.explorer.time - before, window.explorer.simulation._assembly.net.populations["E"].cell.I_e)
    print(window.explorer.values["inhibition"])
    """,
    """
    before = window.explorer.time
    other = gp.explore(seed=2)
    await until(lambda: other.explorer.time > 0.2)
    print(window.explorer.time - before, other.explorer.time)
    other.close()
    before = other.explorer.time
    await asyncio.sleep(0.5)
    print(other.explorer.time - before)
    """,
)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of Jupyter are its own
def test_in_a_notebook():
    for package in ("ipympl", "ipykernel"):
        pytest.importorskip(package)
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(dedent(cell)) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()  # raises what a cell raises
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert "application/vnd.jupyter.widget-view+json" in outputs[0]["data"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    shown = "".join(output.get("text", "") for output in outputs)
    simulated, pictures, more, drive, inhibition, old, new, closed = map(float, shown.split())
    assert simulated > 0.2
    assert pictures > 2
    assert more > 0.2
    assert (drive, inhibition) == (600.0, pytest.approx(2.0, abs=0.2))
    assert old == 0.0
    assert new > 0.2
    assert closed == 0.0
