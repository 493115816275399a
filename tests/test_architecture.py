"""docs/architecture.md names every file of the package; imports run one way; compiled modules know no Python of it."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gifpop"
PAGE = ROOT / "docs" / "architecture.md"

pytestmark = pytest.mark.skipif(
    not (PACKAGE.exists() and PAGE.exists()), reason="source and documentation are not here"
)


def sources(*suffixes):
    """Return the files of the package with these endings."""
    return sorted(path for path in PACKAGE.rglob("*") if path.suffix in suffixes)


def module(path):
    """Return the full name of the module in a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree, modules):
    """Yield the modules of the package that statements import when they run at import time."""
    for node in tree:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in modules)
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                submodule = f"{node.module}.{name.name}"
                if submodule in modules:
                    yield submodule
                elif node.module in modules:
                    yield node.module
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from imported(ast.iter_child_nodes(node), modules)


def test_the_page_names_every_file_and_no_other():
    named = set(re.findall(r"`((?:\w+/)?\w+\.(?:pyx|pxd|pyi|py|h))`", PAGE.read_text()))
    assert {path.relative_to(PACKAGE).as_posix() for path in sources(".py", ".pyi", ".pyx", ".pxd", ".h")} == named


def test_imports_run_one_way():
    """No module needs, while it is imported, one that needs it."""
    modules = {module(path): path for path in sources(".py", ".pyx")}
    trees = {name: ast.parse(path.read_text()) for name, path in modules.items() if path.suffix == ".py"}
    needs = {name: set(imported(tree.body, modules)) for name, tree in trees.items()}
    assert "gifpop.engine.engine" in needs["gifpop.assembly.assembly"]
    assert not {name for name, needed in needs.items() if "gifpop" in needed}
    order = list(TopologicalSorter(needs).static_order())  # raises CycleError
    assert order.index("gifpop.engine.engine") < order.index("gifpop.simulation")
    for name, needed in needs.items():
        assert name.startswith("gifpop.nest") or not [other for other in needed if other.startswith("gifpop.nest")]


@pytest.mark.parametrize("path", sources(".pyx", ".pxd"), ids=lambda path: path.name)
def test_compiled_modules_import_no_python_of_the_package(path):
    compiled = {module(file) for file in sources(".pyx", ".pxd")}
    text = path.read_text()
    assert not re.search(r"^\s*(from gifpop\S* import|import gifpop)", text, re.M)
    for source, names in re.findall(r"^from (gifpop\S*) cimport (.+)", text, re.M):
        cimported = {source} if source in compiled else {f"{source}.{name}" for name in names.split(", ")}
        assert cimported <= compiled
