"""Warnings that point at the line of the user's code that called gifpop."""

import sys
import warnings


def warn(message: str, unless: tuple[str, ...] = ()) -> None:
    """Warn the nearest caller outside the package, except the standard library's dataclasses.

    Say nothing where one of the modules or packages in ``unless`` has called.
    """
    frame, level = sys._getframe(1), 2
    inside = ("gifpop", "dataclasses")
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in inside:
        if f"{frame.f_globals['__name__']}.".startswith(tuple(f"{name}." for name in unless)):
            return
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
