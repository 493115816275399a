"""Make `import nest` import gifpop.nest, so that scripts written for NEST run unchanged."""

import importlib
import pkgutil
import sys


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
    for module in pkgutil.iter_modules(package.__path__):  # none of which may be imported again under the other name
        sys.modules[f"nest.{module.name}"] = importlib.import_module(f"gifpop.nest.{module.name}")
