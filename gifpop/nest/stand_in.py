"""Make `import nest` import gifpop.nest, so that scripts written for NEST run unchanged."""

import importlib
import sys

# Modules that scripts import by name: ``import nest.raster_plot``.
PUBLIC = ("logic", "math", "random", "raster_plot", "voltage_trace")


def install() -> None:
    """Make later ``import nest`` of this process import `gifpop.nest`, whether or not NEST is installed.

    ``import nest.raster_plot`` and ``from nest import random`` work alike. To run a script without changing it, use
    ``python -m gifpop nest script.py``.

    Raises
    ------
    RuntimeError
        If NEST itself has been imported already.
    """
    package = importlib.import_module("gifpop.nest")
    if sys.modules.get("nest", package) is not package:
        raise RuntimeError("install: NEST has been imported already; call gifpop.nest.install() before")
    sys.modules["nest"] = package
    for name in PUBLIC:
        sys.modules[f"nest.{name}"] = importlib.import_module(f"gifpop.nest.{name}")
