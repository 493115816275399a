"""What this installation uses."""

import os
import platform
from importlib.metadata import version

import numpy as np

from gifpop import _core, instruction_set, memory
from gifpop.engine import INSTRUCTION_SET
from gifpop.version import __version__


def facts():
    """Return what `show_config` prints, and the versions of scipy and matplotlib, as a dict of plain values."""
    return {
        "gifpop": __version__,
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "matplotlib": version("matplotlib"),
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "instruction_set": INSTRUCTION_SET,
        "instruction_sets": list(instruction_set.available()),
        "openmp": bool(_core.HAS_THREADS),
        "processors": os.cpu_count(),
        "memory_available": memory.available(),
    }


def show_config():
    """Print versions, which variant of the innermost loops is in use, whether there are threads, and the free memory.

    The environment variable ``GIFPOP_ISA``, read at import, names another variant.

    Examples
    --------
    >>> import gifpop as gp
    >>> gp.show_config()  # doctest: +SKIP
    gifpop 0.1.0, numpy 2.4.6, Python 3.11.7, Linux x86_64
    instruction set: avx2 (available: avx2, baseline)
    threads: OpenMP, 2 processors
    memory: 13.2 GB available
    """
    f, free = facts(), memory.available()
    print(f"gifpop {f['gifpop']}, numpy {f['numpy']}, Python {f['python']}, {f['system']} {f['machine']}")
    print(f"instruction set: {f['instruction_set']} (available: {', '.join(f['instruction_sets'])})")
    print(f"threads: {'OpenMP' if f['openmp'] else 'one, built without OpenMP'}, {f['processors']} processors")
    print(f"memory: {'unknown' if free is None else memory.readable(free) + ' available'}")
