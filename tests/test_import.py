"""Importing the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import gifpop


def test_sources_that_are_not_compiled_say_so(tmp_path):
    source = Path(gifpop.__file__).parent
    shutil.copytree(
        source, tmp_path / "gifpop", ignore=lambda folder, names: [n for n in names if not n.endswith(".py")]
    )
    tried = subprocess.run([sys.executable, "-c", "import gifpop"], cwd=tmp_path, capture_output=True, text=True)
    assert tried.returncode == 1
    assert f"ImportError: gifpop: {tmp_path / 'gifpop'} holds sources without compiled modules" in tried.stderr
    assert "setup.py build_ext --inplace" in tried.stderr
    assert "circular" not in tried.stderr


def test_slow_modules_are_imported_on_first_use(tmp_path):
    code = "import sys, gifpop; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    slow = {"scipy", "matplotlib", "xarray", "tqdm", "concurrent.futures.process", "importlib.metadata", "gifpop.plot"}
    assert not slow & set(loaded)


def test_every_public_name_is_there(tmp_path):
    code = (
        "import gifpop; assert set(gifpop.__all__) <= set(dir(gifpop)); from gifpop import *; print(sweep, plot.raster)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert all(hasattr(gifpop, name) for name in gifpop.__all__)
    assert not hasattr(gifpop, "spam")
