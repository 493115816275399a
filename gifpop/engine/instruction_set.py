"""Choose the variant of the innermost loops: the best for the processor, or the one named by GIFPOP_ISA."""

import importlib
import importlib.util
import os

from gifpop.engine import _dispatch

VARIABLE = "GIFPOP_ISA"
VARIANT = "gifpop.engine._variant"


def available() -> tuple[str, ...]:
    """Return the names of the variants that were built and that this processor can run, best first."""
    return tuple(
        name for name in _dispatch.supported_instruction_sets() if importlib.util.find_spec(f"{VARIANT}_{name}")
    )


def select() -> str:
    """Switch the compiled loops to a variant and return its name.

    Raises
    ------
    ImportError
        If the environment variable GIFPOP_ISA names a variant that is not available here.
    """
    names = available()
    name = os.environ.get(VARIABLE) or names[0]
    if name not in names:
        raise ImportError(f"{VARIABLE} must be one of {', '.join(names)} on this machine, got {name!r}")
    _dispatch.use(importlib.import_module(f"{VARIANT}_{name}").LOOPS)
    return name
