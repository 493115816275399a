"""Facts about this installation: versions, instruction set, processors, memory."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import numpy as np

from gifpop.common import memory
from gifpop.engine import instruction_set
from gifpop.engine.engine import INSTRUCTION_SET
from gifpop.engine.threads import processors
from gifpop.version import __version__


def facts() -> dict[str, Any]:
    """Return the facts of `show_config`, and the versions of scipy and matplotlib, as plain values; None: unknown."""
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
        "processors": processors(),
        "memory_available": memory.available(),
    }


def show_config() -> None:
    """Print versions, the instruction set of the innermost loops, the number of threads and the free memory.

    The environment variable ``GIFPOP_ISA``, read at import, selects another instruction set.

    Examples
    --------
    >>> import gifpop as gp
    >>> gp.show_config()  # doctest: +SKIP
    gifpop 0.1.0, numpy 2.4.6, Python 3.11.7, Linux x86_64
    instruction set: avx2 (available: avx2, baseline)
    threads: up to 2, one for each processor that this process may use
    memory: 13.2 GB available
    """
    f, free = facts(), memory.available()
    print(f"gifpop {f['gifpop']}, numpy {f['numpy']}, Python {f['python']}, {f['system']} {f['machine']}")
    print(f"instruction set: {f['instruction_set']} (available: {', '.join(f['instruction_sets'])})")
    print(f"threads: up to {f['processors']}, one for each processor that this process may use")
    print(f"memory: {'unknown' if free is None else memory.readable(free) + ' available'}")
