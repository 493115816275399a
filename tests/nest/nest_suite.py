"""Run NEST's own tests with gifpop.nest in the place of NEST: `python -m tests.nest.nest_suite --nest PYTHON`.

The tests are those of the installed NEST that ``PYTHON`` imports (its wheels hold them), copied to a temporary folder,
with `gif_psc_exp` in the place of NEST's leaky neurons. In scope is what passes with NEST itself after that, does not
need what `LEFT_OUT` names, is no test of another model, by the names in brackets that pytest gives, and does not end at
the error by which gifpop.nest says that it lacks a model of nodes or synapses, an attribute or positions; these are
counted by name. NEST is run, never read.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import gifpop.nest as nest
from gifpop.nest.nest_names import NAMES

ROOT = Path(__file__).parents[2]
REPLACED = re.compile(r"\biaf_(?:psc_(?:alpha|exp|delta)|cond_(?:alpha|exp))\b")
FOLDERS = ("connect", "neurons", "other", "recording", "regressions", "stimulating", "synapses")
PLUGIN = "import gifpop.nest\n\ngifpop.nest.install()\n"
GOAL = 0.98
LACKING = re.compile(
    r"(?:NEST's (?:model of nodes|synapse model|attribute|module) '|Create: )(\w+)(?:' is| are) not available"
)

# Files, and tests in others, that need what gifpop.nest does not have, by the reason.
LEFT_OUT = {
    "another neuron": (
        *(f"neurons/test_{name}*" for name in ("aeif", "amat2", "astrocyte", "binary", "calcium", "compartmental")),
        *(f"neurons/test_{name}*" for name in ("cond_exp", "erfc", "gif_exp", "ginzburg", "glif", "iaf_bw", "iaf_tum")),
        *(f"neurons/test_{name}*" for name in ("mat2", "mc_neuron", "pp_psc", "rate", "siegert")),
        *(
            f"neurons/test_{name}*"
            for name in ("iaf_psc_alpha_multisynapse", "iaf_psc_exp_multisynapse", "ignore_and_fire")
        ),
        "neurons/test_multisynapse_models*",
        "other/test_rate*",
        "regressions/test_ticket_433.py",
        "synapses/test_hh_*",
    ),
    "precise times": (
        *(f"neurons/test_{name}*" for name in ("iaf_ps_", "iaf_psc_exp_ps", "parrot_neuron_ps")),
        *(f"other/test_{name}*" for name in ("memsize", "ongrid_offgrid", "stepped_simulation")),
        "regressions/test_ticket_156.py",
        *(f"stimulating/test_{name}*" for name in ("iaf_ps_psp", "poisson_ps_intervals", "spike_poisson_ps")),
    ),
    "plasticity": (
        *(f"synapses/test_{name}*" for name in ("clopath", "eprop", "facets", "hpc", "inh_stdp", "jonke", "quantal")),
        *(f"synapses/test_{name}*" for name in ("stdp", "urbanczik", "vogels")),
        "synapses/test_common_props*",
        "synapses/test_labeled*",
        "neurons/test_parrot_neuron.py::*STDP*",
        "other/test_copy_model.py::test_set_param_on_copy_synapse",
        "other/test_node_collection_set.py::test_node_collection_set_single_param",
        "other/test_node_collection_set.py::test_node_collection_set_dict_with_lists",
        "recording/test_weight_recorder.py",
        "regressions/test_issue_1242.py",
        "regressions/test_issue_211.py::test_connect_neuron_global_device_multithreaded",
    ),
    "positions": (
        "other/test_node_collection_get.py::*spatial*",
        *(f"other/test_node_parametrization.py::*{name}*" for name in ("distance", "pos_param", "position", "spatial")),
        *(f"other/test_node_parametrization.py::test_parameter_{name}*" for name in ("apply", "conditional", "pos")),
    ),
    "time in other units than 1 us": (
        "connect/test_delay_after_res_change.py::test_change_tics_per_ms",
        "neurons/test_iaf_psc_alpha_mindelay.py::test_kernel_precision",
        "other/test_changing_tic_base.py::test_models",
        "other/test_set_tics.py",
        "regressions/test_issue_740.py",
        "regressions/test_ticket_452.py",
        "regressions/test_ticket_481.py",
    ),
    "settings of NEST that are refused": (
        "regressions/test_ticket_573.py::test_ticket_573_copy_model_respects_synapse_limit",
    ),
    "NEST's own limits, names and state after errors": (
        "other/test_nest_set_get.py::test_nest_get",
        "recording/test_recording_backend_ascii.py::testAAAOverwriteFiles",
        "recording/test_recording_backend_ascii.py::testFileContent",
        "regressions/test_issue_2282.py::test_prohibited_multimeter_record_noise_generator_multithreaded",
    ),
    "another kind of connection": (
        *(f"connect/test_{name}*" for name in ("gap_junction", "rate", "tripartite", "connect_tripartite", "sonata")),
        "connect/test_connect_conngen*",
        "synapses/test_cont_delay*",
        "synapses/test_sic*",
        "other/test_wfr*",
    ),
    "detectors of correlations": ("recording/test_*corr*", "recording/test_spin*"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run both, print what passes and what is left out, and return 0 if the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--nest", required=True, metavar="PYTHON", help="a Python with NEST and pytest")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for each file")
    parser.add_argument("files", nargs="*", default=["*"], help="patterns of files, such as 'connect/*'")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        suite = copy_suite(find_folder(options.nest, "share/nest/testsuite/pytests"), Path(scratch) / "suite")
        tests = [test for test in collect(suite, options.nest) if any(fnmatch(file_of(test), p) for p in options.files)]
        with_nest, with_gifpop = dict[str, str](), dict[str, str]()
        for file in sorted({file_of(test) for test in tests if why_left_out(test) is None}):
            with_nest |= run(file, suite, options.nest, options.timeout)
            with_gifpop |= run(file, suite, None, options.timeout)
    return report(tests, with_nest, with_gifpop)


def find_folder(python: str, folder: str) -> Path:
    """Return a folder of the installed NEST."""
    code = f"import nest, pathlib; print(pathlib.Path(nest.__file__).parent / '{folder}')"
    found = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return Path(found.stdout.splitlines()[-1])


def copy_suite(suite: Path, to: Path) -> Path:
    """Copy NEST's tests, with this model of neurons in the place of NEST's."""
    for folder in (*FOLDERS, "utilities"):
        shutil.copytree(suite / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(suite / "conftest.py", to)
    for file in to.rglob("*.py"):
        file.write_text(REPLACED.sub("gif_psc_exp", file.read_text(encoding="utf-8")), encoding="utf-8")
    (to / "nest_is_gifpop.py").write_text(PLUGIN, encoding="utf-8")
    return to


def collect(suite: Path, python: str) -> list[str]:
    """Return all tests, as `folder/file.py::Class::test[values]`, where the class may be missing."""
    command = [python, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *FOLDERS]
    collected = subprocess.run(command, cwd=suite, capture_output=True, text=True)
    return [line for line in collected.stdout.splitlines() if line.startswith(FOLDERS) and "::" in line]


def file_of(test: str) -> str:
    """Return the file that a test is in."""
    return test.partition("::")[0]


def why_left_out(test: str) -> str | None:
    """Return why a test needs something that gifpop.nest lacks, or None."""
    function, _, values = test.partition("[")
    name = f"{file_of(test)}::{function.rpartition('::')[2]}[{values}"
    for reason, patterns in LEFT_OUT.items():
        if any(fnmatch(tried, pattern) for pattern in patterns for tried in (file_of(test), name.rstrip("["))):
            return reason
    models = (NAMES["model of nodes"] | NAMES["synapse model"]) - {*nest.node_models, *nest.synapse_models}
    return "another model, named in brackets" if models & set(re.findall(r"\w+", values)) else None


def run(file: str, suite: Path, python: str | None, timeout: int) -> dict[str, str]:
    """Run a file of tests with NEST, in its ``python``, or with gifpop.nest; return the fault of each test, or ''.

    What keeps the whole file from being run is the fault of the file.
    """
    outcome = suite / "outcome.xml"
    outcome.unlink(missing_ok=True)
    command = [python or sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={outcome}", file]
    environment = os.environ | {"OMP_WAIT_POLICY": "passive"}  # NEST's threads do not take turns to spin
    if python is None:
        command[3:3] = ["-p", "nest_is_gifpop"]
        environment["PYTHONPATH"] = os.pathsep.join((str(suite), str(ROOT)))
    try:
        subprocess.run(command, cwd=suite, env=environment, timeout=timeout, capture_output=True)
    except subprocess.TimeoutExpired:
        return {file: f"not finished after {timeout} s"}
    if not outcome.exists():
        return {file: "not run"}
    return dict(read_outcome(file, case) for case in ElementTree.parse(outcome).iter("testcase"))


def read_outcome(file: str, case: ElementTree.Element) -> tuple[str, str]:
    """Return a test and its fault, or '', of an entry of pytest's report; the file, if it could not be imported."""
    if not case.get("classname"):
        return file, "".join(fault.text or "" for fault in case)
    group = case.get("classname", "").removeprefix(file.removesuffix(".py").replace("/", ".")).replace(".", "::")
    return f"{file}{group}::{case.get('name')}", "".join(f"{fault.get('message')}\n" for fault in case)


def find_fault(test: str, faults: dict[str, str]) -> str:
    """Return the fault of a test, or that of its file; numbers by which pytest tells values apart may differ."""
    if test in faults:
        return faults[test]
    alike = [fault for other, fault in faults.items() if unnumbered(other) == unnumbered(test)]
    return "".join(alike) if alike else faults.get(file_of(test), "not run")


def unnumbered(test: str) -> str:
    """Return a test without the numbers at the end of its values."""
    return re.sub(r"\d+(?=[-\]])", "", test)


def report(tests: list[str], with_nest: dict[str, str], with_gifpop: dict[str, str]) -> int:
    """Print how many tests pass, which do not, and what is left out; return 0 if the goal is met."""
    faults = {
        test: find_fault(test, with_gifpop)
        for test, fault in with_nest.items()
        if "::" in test and not fault and why_left_out(test) is None
    }
    lacking = {test: found for test, fault in faults.items() if (found := LACKING.search(fault))}
    passes = {test: not fault for test, fault in faults.items() if test not in lacking}
    for test in sorted(test for test, passed in passes.items() if not passed):
        print("fails:", test, "|", faults[test].partition("\n")[0][:200])
    for folder in (*FOLDERS, ""):
        of_folder = [passed for test, passed in passes.items() if test.startswith(folder)]
        print(
            f"{folder or 'all':12} {sum(of_folder)} of {len(of_folder)}: {sum(of_folder) / max(1, len(of_folder)):.1%}"
        )
    reasons = Counter(map(why_left_out, tests))
    print(f"left out of {len(tests)} tests, by what they need:")
    for reason, count in reasons.items():
        print(f"  {reason}: {count}" if reason else f"  nothing else: {count}, of which {len(faults)} pass with NEST")
    names = Counter(found[1] for found in lacking.values())
    print("  found by running them:", ", ".join(f"{name} ({count})" for name, count in names.most_common()))
    print("not run with NEST:", *(f"{file} ({fault})" for file, fault in with_nest.items() if "::" not in file))
    print("patterns:", *(f"{reason}: {', '.join(patterns)}" for reason, patterns in LEFT_OUT.items()), sep="\n  ")
    return 0 if sum(passes.values()) >= GOAL * len(passes) else 1


if __name__ == "__main__":
    sys.exit(main())
