"""Run NEST's example scripts with gifpop.nest in the place of NEST: `python -m tests.nest.nest_gallery --nest PYTHON`.

The scripts are those of the installed NEST that ``PYTHON`` imports (its wheels hold them), copied to a temporary
folder, with `gif_psc_exp` and its parameters in the place of NEST's leaky neurons. In scope is what runs to its end
with NEST itself after that, and does not end at the error by which gifpop.nest says what it lacks. NEST is run, never
read.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from tests.nest.nest_suite import LACKING, REPLACED, ROOT, find_folder

GOAL = 10
PARAMETERS = {
    "V_th": "V_T_star",
    "tau_m": "g_L",
    "tau_syn": "tau_syn_ex",
    "g_ex": "I_syn_ex",
    "g_in": "I_syn_in",
}  # of NEST's leaky neurons, and of this one


def main(arguments: list[str] | None = None) -> int:
    """Run the scripts, print which of them end without an error, and return 0 if enough do."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--nest", required=True, metavar="PYTHON", help="a Python with NEST and matplotlib")
    parser.add_argument("--timeout", type=int, default=120, help="seconds for each script")
    parser.add_argument("scripts", nargs="*", default=["*"], help="patterns of scripts, such as 'brunel*'")
    options = parser.parse_args(arguments)
    outcomes = dict[str, list[str]]()
    with tempfile.TemporaryDirectory() as scratch:
        folder = copy_scripts(find_folder(options.nest, "doc/examples/pynest"), Path(scratch) / "scripts")
        for script in sorted(path.name for path in folder.glob("*.py")):
            if any(fnmatch(script, pattern) for pattern in options.scripts):
                outcome = run(script, folder, options.nest, options.timeout)
                outcomes.setdefault(outcome, []).append(script)
                print(script, outcome, sep=": ", flush=True)
    for outcome, scripts in sorted(outcomes.items()):
        print(f"{outcome} ({len(scripts)}): {', '.join(scripts)}")
    return 0 if len(outcomes.get("runs", [])) >= GOAL else 1


def copy_scripts(scripts: Path, to: Path) -> Path:
    """Copy NEST's scripts, with this model of neurons in the place of NEST's."""
    to.mkdir()
    for script in scripts.glob("*.py"):
        text, replaced = REPLACED.subn("gif_psc_exp", script.read_text(encoding="utf-8"))
        for theirs, ours in PARAMETERS.items() if replaced else ():
            text = re.sub(rf"(?<=[\"']){theirs}(?=[\"'])|(?<=neuron\.){theirs}\b|\b{theirs}(?==)", ours, text)
        (to / script.name).write_text(text, encoding="utf-8")
    return to


def run(script: str, folder: Path, python: str, timeout: int) -> str:
    """Run a script with gifpop.nest and, if it fails, with NEST in its ``python``; return the outcome."""
    fault = find_fault([sys.executable, "-m", "gifpop", "nest", script], folder, timeout)
    if not fault:
        return "runs"
    if found := LACKING.search(fault):
        return f"lacks {found[1]}"
    here, with_nest = fault.splitlines()[-1], find_fault([python, script], folder, timeout)
    return f"fails with NEST, too: {with_nest.splitlines()[-1]} | {here}" if with_nest else f"fails: {here}"


def find_fault(command: list[str], folder: Path, timeout: int) -> str:
    """Run a script where its pictures appear nowhere; return the traceback at which it ends, or ''."""
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            timeout=timeout,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"not finished after {timeout} s"
    return "" if ran.returncode == 0 else ran.stderr.strip() or f"returned {ran.returncode}"


if __name__ == "__main__":
    sys.exit(main())
