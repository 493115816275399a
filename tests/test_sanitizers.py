"""Extreme parameters, with the compiled modules built under AddressSanitizer and UndefinedBehaviorSanitizer.

The sources are compiled into a folder of their own; `extremes` runs there in another process. Casts of numbers that no
integer can hold are among what is reported. For longer: GIFPOP_EXTREMES=2000 pytest -m slow tests/test_sanitizers.py
"""

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from gifpop.engine import instruction_set

SOURCE = Path(__file__).parents[1]
SANITIZE = "-fsanitize=address,undefined,float-cast-overflow"
CASES = int(os.environ.get("GIFPOP_EXTREMES", "300"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def compiler():
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


def runtime(folder):
    """Return the library of the sanitizer, which the interpreter has to load first; skip where there is none."""
    if not sys.platform.startswith("linux") or not shutil.which(compiler()[0]):
        pytest.skip("sanitizers are tried where there is Linux and a compiler")
    program = folder / "program.c"
    program.write_text("int main(void) { return 0; }\n")
    built = subprocess.run([*compiler(), SANITIZE, program, "-o", folder / "program"], capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f"{compiler()[0]} has no sanitizers: {built.stderr[-200:]}")
    asked = subprocess.run([*compiler(), "-print-file-name=libasan.so"], capture_output=True, text=True)
    library = Path(asked.stdout.strip())
    if not library.is_absolute():
        pytest.skip(f"{compiler()[0]} links the sanitizers statically: they cannot be loaded first")
    return library


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    """Return a folder with the package, compiled anew, and the environment in which it runs."""
    if not (SOURCE / "setup.py").exists() or not (SOURCE / "gifpop" / "_core.pyx").exists():
        pytest.skip("the source of the package is not here")
    for project, oldest in (("cython", 3), ("setuptools", 77)):
        try:
            version = importlib.metadata.version(project)
        except importlib.metadata.PackageNotFoundError:
            version = "0"
        if int(version.partition(".")[0]) < oldest:
            pytest.skip(f"{project} {oldest} is not installed")
    folder = tmp_path_factory.mktemp("sanitized")
    library = runtime(folder)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(SOURCE / name, folder)
    setup = (SOURCE / "setup.py").read_text()
    assert '"-O3"' in setup
    (folder / "setup.py").write_text(setup.replace('"-O3"', '"-O0"'))  # what is optimized takes minutes to compile
    shutil.copytree(SOURCE / "gifpop", folder / "gifpop", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    environment = os.environ | {
        instruction_set.VARIABLE: instruction_set.available()[0],
        "CC": shlex.join(compiler()),
        "CFLAGS": f"-g1 {SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer",
        "LDFLAGS": SANITIZE,
        "PYTHONPATH": str(folder),
    }
    built = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    return folder, environment | {"LD_PRELOAD": str(library), "ASAN_OPTIONS": "detect_leaks=0"}


def test_extreme_parameters(sanitized):
    folder, environment = sanitized
    script = Path(__file__).parent / "helpers" / "extremes.py"
    done = subprocess.run(
        [sys.executable, script, "0", str(CASES)], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-6000:]
    assert "case" in done.stderr and "runtime error" not in done.stderr and "Sanitizer" not in done.stderr
    assert 0.2 * CASES < int(done.stdout) < 0.9 * CASES  # neither is all refused, nor nothing


def test_what_has_overflowed_the_heap(sanitized):
    """Cells are merged as far as there is room for them, whatever their widths."""
    folder, environment = sanitized
    program = """
import numpy as np
import gifpop as gp
net = gp.Network()
net.population("P", 100, gp.GIF(tau_m=10.0, I_e=500.0))
sim = gp.Simulation(net, dt=0.5, seed=1, progress=False)
plan = sim._engine.plans[0]
assert plan.cells.rows.shape[1] < 500
plan.cells.widest = np.ones_like(plan.cells.widest)
sim._engine.bind()
result = sim.run(2000.0)
assert np.all(np.isfinite(result["P"].mean)) and result["P"].counts.sum() > 0
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-6000:]
