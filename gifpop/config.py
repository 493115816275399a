"""What this installation uses."""

import os
import platform

import numpy as np

from gifpop import _core, instruction_set
from gifpop.engine import INSTRUCTION_SET
from gifpop.version import __version__


def show_config():
    """Print versions, which variant of the innermost loops is in use, and whether there are threads.

    The environment variable ``GIFPOP_ISA``, read at import, names another variant.

    Examples
    --------
    >>> import gifpop as gp
    >>> gp.show_config()  # doctest: +SKIP
    gifpop 0.1.0, numpy 2.4.6, Python 3.11.7, Linux x86_64
    instruction set: avx2 (available: avx2, baseline)
    threads: OpenMP, 2 processors
    """
    print(
        f"gifpop {__version__}, numpy {np.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}"
    )
    print(f"instruction set: {INSTRUCTION_SET} (available: {', '.join(instruction_set.available())})")
    print(f"threads: {'OpenMP' if _core.HAS_THREADS else 'one, built without OpenMP'}, {os.cpu_count()} processors")
