"""Scripts written for NEST run unchanged: `gifpop.nest.install` and ``python -m gifpop nest script.py``."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import nest
import nest.raster_plot
import nest.kernel
import nest.voltage_trace as traces
from nest import random
from nest.math import redraw
import helper

assert nest.__name__ == "gifpop.nest" and nest.raster_plot.__name__ == "gifpop.nest.raster_plot"
for name in ("spatial", "server", "ll_api"):
    for line in (f"import nest.{name}", f"from nest import {name}", f"from nest.{name} import anything"):
        try:
            exec(line)
        except ModuleNotFoundError as error:
            assert isinstance(error, nest.NESTError)
            assert str(error) == f"NEST's module '{name}' is not available in gifpop.nest."
        else:
            raise AssertionError(line)
from nest.lib.hl_api_types import NodeCollection, Parameter
assert NodeCollection is nest.NodeCollection and Parameter is nest.Parameter
assert nest.kernel.NESTError is nest.NESTError and nest.kernel.__name__ == "gifpop.nest.kernel"
assert traces is nest.voltage_trace and random is nest.random and redraw is nest.math.redraw
nest.resolution = 0.5
assert nest.GetKernelStatus("resolution") == 0.5
print(__name__, sys.argv[1:], helper.VALUE, len(nest.Create("gif_psc_exp", 3)))
"""


def run(folder, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def script(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "helper.py").write_text("VALUE = 7\n")
    path = folder / "script.py"
    path.write_text(SCRIPT)
    return path


def test_command(script, tmp_path):
    done = run(tmp_path, "-m", "gifpop", "nest", str(script), "--seed", "5")
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["__main__ ['--seed', '5'] 7 3", ""]


def test_install(script):
    done = run(script.parent, "-c", f"import gifpop.nest\ngifpop.nest.install()\n{SCRIPT}", "a")
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["__main__ ['a'] 7 3", ""]


def test_install_after_nest(tmp_path):
    (tmp_path / "nest.py").write_text("")
    done = run(tmp_path, "-c", "import nest, gifpop.nest\ngifpop.nest.install()")
    assert "RuntimeError: install: NEST has been imported already" in done.stderr


def test_a_script_that_is_not_there(tmp_path):
    done = run(tmp_path, "-m", "gifpop", "nest", "nowhere.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "gifpop nest: error: no such script: nowhere.py\n"


def test_errors_and_exit_codes_are_the_scripts(tmp_path):
    (tmp_path / "leave.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "fail.py").write_text("import nest\nnest.Create('foo')\n")
    assert run(tmp_path, "-m", "gifpop", "nest", "leave.py").returncode == 3
    failed = run(tmp_path, "-m", "gifpop", "nest", "fail.py")
    assert failed.returncode == 1 and "UnknownModelName: foo is not a known model name" in failed.stderr
