"""docs/architecture.md names every file of the package; imports run one way; compiled modules know no Python of it."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gifpop"
PAGE = ROOT / "docs" / "architecture.md"

# From the lowest up: a room imports, in annotations and functions too, from its own layer and those below it.
LAYERS = (
    {"common", "version"},
    {"fields", "rules", "plasticity", "distributions", "inputs", "parameters", "description"},
    {"_core", "engine"},
    {"wiring", "meso", "micro"},
    {"spectrum", "units", "result", "reductions", "comparison", "export", "plot"},
    {"assembly"},
    {"saving"},
    {"simulation", "trials"},
    {"network"},
    {"models", "both_levels", "sweeps", "config", "app", "nest", "gifpop", "__main__"},
)
LAYER = {room: i for i, rooms in enumerate(LAYERS) for room in rooms}
RESULTS = LAYERS[4]
LEVELS = LAYERS[3]
POPULATIONS = {"gifpop.meso._meso", "gifpop.micro._micro"}  # compiled modules of levels, which the core binds

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


def room(name):
    """Return the folder of a module, or the file if it stands in none."""
    return [*name.split("."), "gifpop"][1] if "." in name else name


def all_nodes(tree):
    """Yield the statements of a module, those for type checkers and in functions included."""
    return ast.walk(tree)


def nodes_at_import(tree):
    """Yield the statements of a module that run when it is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from nodes_at_import(node)


def imports(nodes, *suffixes):
    """Return what each module of the package imports of the package, among the nodes of files with these endings."""
    modules = {module(path) for path in sources(".py", ".pyx")}
    return {module(path): set(imported(nodes(ast.parse(path.read_text())), modules)) for path in sources(*suffixes)}


def imported(nodes, modules):
    """Yield the modules of the package that statements import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in modules)
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                submodule = f"{node.module}.{name.name}"
                if submodule in modules:
                    yield submodule
                elif node.module in modules:
                    yield node.module


def test_the_page_names_every_file_and_no_other():
    named = set(re.findall(r"`((?:\w+/)?\w+\.(?:pyx|pxd|pyi|py|h))`", PAGE.read_text()))
    assert {path.relative_to(PACKAGE).as_posix() for path in sources(".py", ".pyi", ".pyx", ".pxd", ".h")} == named


def test_no_module_imports_the_package_while_it_is_imported():
    needs = imports(nodes_at_import, ".py")
    assert "gifpop.engine.engine" in needs["gifpop.assembly.assembly"]
    assert not {name for name, needed in needs.items() if "gifpop" in needed}


def test_modules_know_each_other_in_no_circle():
    """Not even in annotations and functions; but results draw and export themselves.

    Stubs stand apart: they name the classes of what Python hands to compiled modules.
    """
    needs = imports(all_nodes, ".py")
    assert "gifpop.engine.plan" in needs["gifpop.engine.engine"]  # for type checkers only
    for name in needs:
        needs[name] -= {"gifpop"}
        if name in ("gifpop.result", "gifpop.comparison"):
            needs[name] = {other for other in needs[name] if room(other) not in ("plot", "export")}
    TopologicalSorter(needs).prepare()  # raises CycleError


def test_rooms_stand_in_order():
    needs = imports(all_nodes, ".py", ".pyi")
    assert "gifpop.meso.plan" in needs["gifpop.meso._meso"]  # in a stub
    needs["gifpop._core"] -= POPULATIONS
    edges = {(room(name), room(other)) for name, needed in needs.items() for other in needed - {"gifpop"}}
    edges = {(one, other) for one, other in edges if one != other}
    assert {one for one, _ in edges} | {other for _, other in edges} <= LAYER.keys()
    assert not {(one, other) for one, other in edges if LAYER[other] > LAYER[one]}
    below = {one: {other for a, other in edges if a == one} for one, _ in edges}
    assert not below.get("common", set())
    assert below["engine"] <= {"_core", "common"}  # and no level
    assert below["_core"] == {"engine", "common"}
    assert not {(one, other) for one, other in edges if {one, other} <= LEVELS}
    for one in RESULTS & below.keys():
        assert below[one] <= RESULTS | {"common", "version", "description"}  # and no simulator
    assert {one for one, other in edges if other == "nest"} <= {"app"}  # whose command runs scripts


@pytest.mark.parametrize("path", sources(".pyx", ".pxd"), ids=lambda path: path.name)
def test_compiled_modules_import_no_python_of_the_package(path):
    compiled = {module(file) for file in sources(".pyx", ".pxd")}
    text = path.read_text()
    assert not re.search(r"^\s*(from gifpop\S* import|import gifpop)", text, re.M)
    for source, names in re.findall(r"^from (gifpop\S*) cimport (.+)", text, re.M):
        cimported = {source} if source in compiled else {f"{source}.{name}" for name in names.split(", ")}
        assert cimported <= compiled
