"""The stubs of the compiled modules say what these are, and users are told what they may write."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUBS = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "gifpop").rglob("*.pyi")}
OF_CYTHON = [r".*\.__(reduce|setstate)_cython__", r".*\.__(test|pyx_capi)__"]  # what it adds to modules

pytestmark = pytest.mark.skipif(not STUBS, reason="the source is not here")


@pytest.mark.slow
def test_stubs_agree_with_the_compiled_modules(tmp_path):
    """Names, signatures, defaults and the types of constants; what others import is not looked at, so it is quick."""
    pytest.importorskip("mypy.stubtest")
    settings, allowed = tmp_path / "settings.ini", tmp_path / "allowed.txt"
    settings.write_text("[mypy]\nfollow_imports = skip\n")
    allowed.write_text("\n".join(OF_CYTHON))
    command = [sys.executable, "-m", "mypy.stubtest", "--mypy-config-file", settings, "--allowlist", allowed]
    assert len(STUBS) == 9
    run = subprocess.run([*command, *sorted(STUBS)], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", sorted(STUBS))
def test_constructors_take_what_stubs_say(name):
    """Constructors of compiled classes have no signature to inspect; their docstrings begin with it."""
    compiled = importlib.import_module(name)
    for stub in ast.parse(STUBS[name].read_text()).body:
        if isinstance(stub, ast.ClassDef):
            signature = getattr(compiled, stub.name).__doc__.partition("\n")[0]
            parameters = re.fullmatch(rf"{stub.name}\((.*)\)", re.sub(r"\[[^]]*\]", "", signature))[1].split(", ")
            [constructor] = [part for part in stub.body if getattr(part, "name", None) == "__init__"]
            names = [argument.arg for argument in constructor.args.args[1:]]
            assert [parameter.partition("=")[0].split()[-1] for parameter in parameters] == names


@pytest.mark.slow
def test_what_users_write(tmp_path):
    """Types reach those who use the package, in strict mode: what is right is accepted, mistakes are found."""
    pytest.importorskip("mypy")
    script = tmp_path / "typed.py"
    script.write_text((ROOT / "tests" / "helpers" / "typed.py").read_text())
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--config-file=", script]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
