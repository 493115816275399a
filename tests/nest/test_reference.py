"""docs/reference/nest.md and the annotations of gifpop.nest name what is there, with its defaults."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.nest import kernel_settings, models, rules, synapse_parameters
from gifpop.nest.kernel import BLOCKS
from gifpop.nest.value_types import DOUBLE, DOUBLES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "nest.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="documentation is not here")


@pytest.fixture(autouse=True)
def kernel(monkeypatch):
    monkeypatch.delenv("GIFPOP_HISTORY", raising=False)
    nest.ResetKernel()


def table(heading):
    """Return the rows of the first table under a heading: lists of cells, without those of the table's head."""
    section = re.split(r"^#+ ", PAGE.read_text().split(f" {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def code(cell):
    """Return what stands between backticks."""
    return cell.strip("`")


def same(text, value):
    """Tell whether a default on the page is a value."""
    shown, held = ast.literal_eval(re.sub(r"\binf\b", "1e999", code(text))), getattr(value, "tolist", lambda: value)()
    return type(shown) is type(held) and shown == held


def has_effect(parameter):
    """Tell whether a parameter has a row in a table; those that can only be what they are stand in sentences."""
    return "which has no other" not in (parameter.message or "")


def of_model(name):
    """Return the parameters that a model's own table has; devices share some."""
    element_type, parameters = models.TABLES[name]
    shared = () if element_type == "neuron" else {p.name for p in models.DEVICE}
    return [p for p in parameters if p.name not in shared and has_effect(p)]


TABLES = {
    **{name: of_model(name) for name in models.TABLES},
    "Devices": list(filter(has_effect, models.DEVICE)),
    **{
        name: list(parameters.values())
        for name, parameters in synapse_parameters.SYNAPSES.items()
        if not name.endswith("_hpc")  # which have those of the models without it
    },
}


@pytest.mark.parametrize("heading", TABLES)
def test_tables_of_parameters(heading):
    rows, parameters = table(heading), TABLES[heading]
    assert [code(name) for name, *_ in rows] == [p.name for p in parameters]
    for (name, unit, default, meaning), p in zip(rows, parameters, strict=True):
        assert same(default, p.default), (name, default, p.default)
        assert meaning
        assert meaning.endswith("read-only") is not p.settable, name
        assert unit or p.type not in (DOUBLE, DOUBLES) or name == "`mean`", f"{name} has no unit"


def test_parameters_without_effect_are_named():
    text = " ".join(PAGE.read_text().split())
    for name, (_, parameters) in models.TABLES.items():
        for p in parameters:
            sentence = re.search(rf"`{p.name}`[^.|]*can only be `([^`]*)`", text)
            assert (sentence is None) is has_effect(p), f"{name}.{p.name}"
            assert sentence is None or ast.literal_eval(sentence[1]) == p.default


@pytest.mark.parametrize("name", ["gif_pop_psc_exp", "gif_psc_exp"])
def test_recordables(name):
    section = PAGE.read_text().split(f"### {name}\n")[1].split("\n### ")[0]
    listed = re.search(r"^Recordables: (.*)\.$", section, flags=re.M)[1]
    assert tuple(map(code, listed.split(", "))) == tuple(sorted(BLOCKS[name].recordables))


def test_table_of_settings():
    rows = {code(name): cells for name, *cells in table("Settings of the kernel")}
    assert rows.keys() == kernel_settings.SETTINGS.keys()
    for name, (_, _, default, meaning) in rows.items():
        setting = kernel_settings.SETTINGS[name]
        assert meaning.endswith("read-only") is (setting.set is None), name
        assert ("can only have its default" in meaning) is (name in ("tics_per_ms", "update_time_limit")), name
        assert name == "verbosity" or ("without effect" in meaning) is (name in kernel_settings.WITHOUT_EFFECT), name
        if name == "verbosity":
            assert code(default) == "INFO"  # survives ResetKernel, so other tests may have set it
            assert all(f"`{level}`" in meaning for level in nest.VerbosityLevel.__members__)
        elif name in kernel_settings.WITHOUT_EFFECT:
            assert same(default, kernel_settings.WITHOUT_EFFECT[name][1])  # some survive ResetKernel
        elif default:
            assert same(default, setting.read()), name


def test_table_of_rules():
    needed = {code(name): [code(needs)] if needs else [] for name, needs, _ in table("Rules")}
    assert needed == {name: list(needs) for name, needs in rules.OPTIONS.items()}


def test_every_public_name_is_on_the_page():
    text = PAGE.read_text()
    for name in (*nest.__all__, *(f"{part}.{name}" for part in ("random", "math") for name in functions(part))):
        assert re.search(rf"\b{re.escape(name)}\b", text) or name.startswith("__"), name


def functions(part):
    """Return the functions of nest.random or nest.math."""
    module = getattr(nest, part)
    return [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    ]


def test_annotations_name_all_settings():
    """They are for type checkers, who cannot see what the module class does."""
    annotated = nest.__annotations__
    assert annotated.keys() == kernel_settings.SETTINGS.keys()
    assert list(annotated) == sorted(annotated)
    kinds = {
        "bool": bool,
        "float": float,
        "int": int,
        "str": str,
        "list[str]": list,
        "dict[str, Any]": dict,
        "Floats": np.ndarray,
        "History": str,
        "VerbosityLevel": nest.VerbosityLevel,
    }
    for name, kind in annotated.items():
        assert type(getattr(nest, name)) is kinds[kind], name
