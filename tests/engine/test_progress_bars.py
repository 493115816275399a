"""Progress bars: terminals that fail end no run."""

import io
import sys
import time

import pytest

import gifpop as gp
from gifpop.engine import chunks
from gifpop.engine import progress as progress_bars
from tests.helpers.state import assert_same_results
from tests.helpers.strikes import DT, brunel

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("sigint")]


class Gone:
    """A terminal that is no longer there."""

    encoding = "utf-8"

    def __init__(self, error):
        self.error = error

    def isatty(self):
        return True

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error


@pytest.mark.parametrize("progress", [None, True])
@pytest.mark.parametrize(
    "stderr",
    [None, Gone(BrokenPipeError()), Gone(ValueError("I/O operation on closed file")), Gone(AttributeError("write"))],
    ids=lambda stderr: "none" if stderr is None else type(stderr.error).__name__,
)
def test_no_bar_ends_a_run(stderr, progress, monkeypatch):
    expected = brunel().run(100.0)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(progress_bars, "SHOW_PROGRESS_AFTER", 0.0)
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", 8)
    sim = brunel(progress=progress)
    sim.run(100.0)
    trials = gp.models.brunel().simulate(20.0, dt=DT, seed=1, trials=3, progress=progress)
    monkeypatch.undo()
    assert_same_results(sim.result(), expected)
    assert len(trials.trials) == 3


def test_a_bar_that_comes_late_counts_from_the_beginning(monkeypatch, capsys):
    monkeypatch.setattr(Gone, "write", lambda self, text: written.append(text))
    monkeypatch.setattr(Gone, "flush", lambda self: None)
    written = []
    monkeypatch.setattr(sys, "stderr", Gone(None))
    monkeypatch.setattr(progress_bars, "SHOW_PROGRESS_AFTER", 0.2)
    with progress_bars.progress_bar(1000, "gifpop", "step", None) as bar:
        bar.update(400)
        assert not written
        time.sleep(0.25)
        bar.update(200)
    assert any("600/1.00k" in text for text in written), written


@pytest.mark.parametrize("stream", [object(), io.StringIO()])
def test_what_is_no_terminal_shows_no_bar(monkeypatch, stream):
    if isinstance(stream, io.StringIO):
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress_bars, "SHOW_PROGRESS_AFTER", 0.0)
    with progress_bars.progress_bar(10, "gifpop", "step", None) as bar:
        bar.update(10)
        assert bar._bar is None
