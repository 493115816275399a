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
