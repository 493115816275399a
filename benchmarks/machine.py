"""The machine and the versions with which times are measured."""

import contextlib
import importlib.metadata
import io
import os
import platform
from pathlib import Path

import gifpop as gp

PACKAGES = ("gifpop", "numpy", "nest-simulator", "numba", "cython")


def describe(name=None):
    """Return processor, cores, versions and gifpop's configuration as a dict of strings and numbers.

    ``name`` is what to call the machine instead of what the system says.
    """
    return {
        "name": name or f"{processor()}, {cores()} core{'s' if cores() > 1 else ''}",
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(),
        "gifpop": configuration(),
    }


def processor():
    """Return the name of the processor; of a virtual one, say so."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    facts = dict(
        map(str.strip, line.split(":", 1)) for line in info.read_text().partition("\n\n")[0].splitlines() if ":" in line
    )
    name = facts.get("model name") or platform.machine()
    return f"virtual machine with {name}" if "hypervisor" in facts.get("flags", "").split() else name


def cores():
    """Return the number of threads that can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def versions():
    """Return the versions of what is installed."""
    found = {"gifpop": gp.__version__}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.setdefault(package, importlib.metadata.version(package))
    return found


def configuration():
    """Return what `gifpop.show_config` prints, line by line."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        gp.show_config()
    return printed.getvalue().splitlines()
