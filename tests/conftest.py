"""Fixtures that several test modules use."""

import os
import runpy
import signal
import warnings
from functools import partial
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import gifpop
from gifpop.engine import instruction_set, threads
from gifpop.meso import history
from gifpop.micro import plan

pytest.register_assert_rewrite("tests.helpers")

# Programs that tests start in other folders import the same package, installed or compiled in place, and the helpers.
# The folder of the tests comes last, because beside it there may be sources that are not compiled.
ROOT = Path(__file__).parents[1]
PACKAGE = Path(gifpop.__file__).parents[1]
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")]), *([str(ROOT)] if ROOT != PACKAGE else [])]
)

EXAMPLES = ROOT / "examples"

for name, examples in (("fast", 40), ("slow", 250)):
    hypothesis.settings.register_profile(name, max_examples=examples, derandomize=True, deadline=None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Load a profile of hypothesis: many examples with the slow tests, few without; compare images if possible."""
    if hasattr(config.option, "mpl"):  # pytest-mpl is installed; the option among addopts would need it
        config.option.mpl = True
    hypothesis.settings.load_profile("fast" if config.option.markexpr == "not slow" else "slow")


@pytest.fixture(autouse=True)
def many_processors(monkeypatch):
    """Allow as many threads as tests ask for, whatever the machine has."""
    monkeypatch.setattr(threads, "processors", lambda: 64)


@pytest.fixture(params=instruction_set.available())
def loops(request, monkeypatch):
    """Select each variant of the innermost loops in turn."""
    monkeypatch.setenv(instruction_set.VARIABLE, request.param)
    instruction_set.select()
    yield request.param
    monkeypatch.undo()
    instruction_set.select()


@pytest.fixture
def as_nest(monkeypatch):
    """Let neurons of the own face take steps as NEST's do, instead of as populations do."""
    for name in ("plan_neurons", "neuron_parameters"):
        monkeypatch.setattr(f"gifpop.micro.level.{name}", partial(getattr(plan, name), trapezoid=False))


@pytest.fixture
def sigint():
    """Have SIGINT raise KeyboardInterrupt, also where these tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run_example(tmp_path, monkeypatch):
    """Run an example by its name and options, in this process and an empty folder; return its global names."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    def run(name, *options):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", [f"{name}.py", "figure.png", *options])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Provided for backward compatibility only")  # nest.set_verbosity
            warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")  # plt.show
            return runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")

    yield run
    pyplot.close("all")


@pytest.fixture(scope="module")
def cells_at_any_cost():
    """Let adaptive histories merge cohorts also where exact histories would take less work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "MERGING_WORK", -np.inf)
        yield
