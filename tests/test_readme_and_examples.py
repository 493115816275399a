"""Every block of Python in the README and the documentation, every example and every tutorial runs in an empty folder."""

import ast
import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gifpop

ROOT = Path(__file__).parents[1]
WARNINGS = ",".join(
    (
        "error",
        "ignore:Provided for backward compatibility only",  # nest.set_verbosity warns, as NEST's own does
        "ignore:FigureCanvasAgg is non-interactive",  # plt.show, where there is a display
    )
)
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py") if path.stem != "sweep_slurm")
LONG = (
    "plot_compare_levels",
    "plot_adaptation_closures",
    "plot_cortical_column",
    "plot_finite_size",
    "plot_where_theory_departs",
)
TUTORIALS = sorted(path.stem for path in (ROOT / "docs" / "tutorials").glob("*.py"))
FAST = [name for name in EXAMPLES if not name.endswith("_nest") and name not in LONG]


def blocks_of(path):
    """Return the blocks of Python in a page."""
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S)


DOCUMENTS = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if blocks_of(path))


def run(folder, *command):
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONWARNINGS": WARNINGS}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.slow
def test_readme_blocks(tmp_path):
    """The blocks build on each other, as a reader would type them."""
    blocks = blocks_of(ROOT / "README.md")
    assert len(blocks) >= 4
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks))
    run(tmp_path, str(script))
    assert (tmp_path / "activity.png").stat().st_size > 10_000


@pytest.mark.parametrize("page", [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
def test_blocks_of_python_are_python(page):
    for block in blocks_of(page):
        ast.parse(block)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documentation_blocks(name, tmp_path):
    """The blocks of a page build on each other."""
    if name == "sweeps":
        pytest.importorskip("zarr", "3.1", reason="needs Python 3.11")
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks_of(ROOT / "docs" / f"{name}.md")))
    run(tmp_path, str(script))


@pytest.mark.parametrize("name", FAST)
def test_example(name, tmp_path, run_example):
    """In this process; `nest/test_examples` runs those for NEST, and the README compares levels. Others are slow."""
    run_example(name)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in FAST])
def test_example_on_its_own(name, tmp_path):
    run(tmp_path, str(ROOT / "examples" / f"{name}.py"), "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorial_on_its_own(name, tmp_path):
    """As a reader would run it who has downloaded it; nothing stays behind."""
    if name == "plot_4_many_runs":
        pytest.importorskip("zarr", "3.1", reason="needs Python 3.11")
    printed = run(tmp_path, str(ROOT / "docs" / "tutorials" / f"{name}.py"))
    assert printed.count("\n") >= 5
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="docs are not here")
@pytest.mark.parametrize(("page", "study"), [("closures", "adaptation_closures"), ("finite_size", "finite_size")])
def test_studies_are_redrawn(page, study, tmp_path, run_example):
    """The tables of the documentation are those of the stored numbers."""
    document = tmp_path / f"{page}.md"
    text = (ROOT / "docs" / f"{page}.md").read_text()
    document.write_text(re.sub(r"(<!-- \w+ -->\n).*?(<!-- end -->)", r"\1\2", text, flags=re.S))
    assert document.read_text() != text
    numbers = str(ROOT / "docs" / "data" / f"{study}.json")
    run_example(f"plot_{study}", "--redraw", "--numbers", numbers, "--table", str(document))
    assert document.read_text() == text
    assert (tmp_path / "figure.png").stat().st_size > 10_000


MODULES = [module.name for module in pkgutil.walk_packages(gifpop.__path__, "gifpop.") if "__main__" not in module.name]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name, tmp_path, monkeypatch):
    """The examples in the docstrings."""
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert failed == 0
    assert attempted > 0 or name not in ("gifpop.network", "gifpop.parameters", "gifpop.plot", "gifpop.simulation")
