"""Benchmarks, run from the checkout: ``python -m benchmarks.run``, and likewise the other scripts.

They time the gifpop of the checkout if it is compiled in place, otherwise the installed one.
"""

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

if not any((ROOT / "gifpop" / f"_core{suffix}").exists() for suffix in EXTENSION_SUFFIXES):
    sys.path.sort(key=lambda folder: Path(folder).resolve() == ROOT)  # `python -m` put the folder of the sources first
