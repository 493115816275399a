"""The setting ``build_info``: under NEST's names, how this package was built and what it can do."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

from gifpop import _core
from gifpop.nest.value_types import Values
from gifpop.version import __version__

LIBRARIES = ("boost", "hdf5", "libneurosim", "mpi", "music", "sionlib")


def build_info() -> Values:
    """Return facts about this installation."""
    machine, system = platform.machine(), platform.system().lower()
    folder = str(Path(__file__).parents[1])
    return {
        "built": time.strftime("%b %d %Y %H:%M:%S", time.localtime(os.path.getmtime(_core.__file__))),
        "datadir": folder,
        "docdir": folder,
        "exitcode": 0,
        **{f"have_{library}": False for library in LIBRARIES},
        "have_gsl": True,  # which is what NEST asks for where a model like gif_pop_psc_exp needs it
        "have_threads": True,
        "host": f"{machine}-unknown-{system}",
        "hostcpu": machine,
        "hostos": system,
        "hostvendor": "unknown",
        "ndebug": True,
        "prefix": sys.prefix,
        "test_exitcodes": {},
        "threads_model": "pythread",
        "version": __version__,
    }
