"""Available memory of this process: the minimum over the machine, control groups and ulimit."""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Iterator

if sys.platform != "win32":
    import resource

CGROUPS = "/sys/fs/cgroup"  # where control groups are by custom, if the process cannot see where they are
RECLAIMABLE = ("active_file", "inactive_file", "slab_reclaimable")  # what the system takes back before it refuses


class Limit(int):
    """Bytes that a limit leaves this process, with its name for messages."""

    name: str

    def __new__(cls, left: int, name: str) -> Limit:
        limit = super().__new__(cls, max(left, 0))
        limit.name = name
        return limit


def least(root: str = "/") -> Limit | None:
    """Return the strictest limit, or None if the system does not tell; see `limits`."""
    return min(limits(root), default=None)


def limits(root: str = "/") -> list[Limit]:
    """Return the memory that each limit leaves; ``proc`` and what is mounted are found in the folder ``root``."""
    return [*_of_machine(root), *_of_cgroups(root), *_of_process(root)]


def taken(root: str = "/") -> int | None:
    """Return the address space that this process takes, in bytes, or None if the system does not tell."""
    sizes = _table(root, "/proc/self/status")
    return sizes["VmSize:"] * 1024 if "VmSize:" in sizes else None


# -- the machine ------------------------------------------------------------------------------------------------------


def _of_machine(root: str) -> Iterator[Limit]:
    values = _table(root, "/proc/meminfo")
    if "MemAvailable:" in values:
        yield Limit(values["MemAvailable:"] * 1024, "free memory of this machine")
        return
    try:
        yield Limit(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "memory of this machine")
    except (AttributeError, ValueError, OSError):
        return


# -- control groups: containers, batch systems ------------------------------------------------------------------------


def _of_cgroups(root: str) -> Iterator[Limit]:
    """Yield the limits of the control groups of the process and of their parents."""
    for line in _lines(root, "/proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            for group in _with_ancestors(root, "cgroup2", "", path):
                yield from _of_group(root, group, ("memory.max", "memory.high"), "memory.current", "")
        elif "memory" in controllers.split(","):
            for group in _with_ancestors(root, "cgroup", "memory", path):
                yield from _of_group(root, group, ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_")


def _with_ancestors(root: str, kind: str, controller: str, path: str) -> Iterator[str]:
    """Yield the folders of a control group and of all that contain it, as far as this process sees them."""
    shown, mounted = _mount(root, kind, controller)
    inside = posixpath.relpath(posixpath.join("/", path), shown)
    group = mounted if inside.startswith("..") else posixpath.normpath(posixpath.join(mounted, inside))
    while group != mounted:
        yield group
        group = posixpath.dirname(group)
    yield mounted


def _mount(root: str, kind: str, controller: str) -> tuple[str, str]:
    """Return which control group is mounted, and where: of version 2, or of a controller of version 1."""
    for line in _lines(root, "/proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        fields, filesystem = before.split(), after.split()
        if len(fields) < 5 or len(filesystem) < 3 or filesystem[0] != kind:
            continue
        if not controller or controller in filesystem[2].split(","):
            return fields[3], posixpath.normpath(fields[4])
    return "/", posixpath.join(CGROUPS, controller) if controller else CGROUPS


def _of_group(root: str, group: str, names: tuple[str, ...], usage: str, prefix: str) -> Iterator[Limit]:
    """Yield the limits of one control group; reclaimable cache does not count as used."""
    used = _number(root, posixpath.join(group, usage))
    if used is None:
        return
    cache = _table(root, posixpath.join(group, "memory.stat"))
    used -= sum(cache.get(prefix + name, 0) for name in RECLAIMABLE)
    for name in names:
        most = _number(root, posixpath.join(group, name))
        if most is not None:
            yield Limit(most - max(used, 0), f"limit {posixpath.join(group, name)}")


# -- ulimit -----------------------------------------------------------------------------------------------------------


def _of_process(root: str) -> Iterator[Limit]:
    """Yield the limits of the process itself."""
    statm = " ".join(_lines(root, "/proc/self/statm")).split()
    if sys.platform == "win32" or len(statm) < 6:
        return
    page = resource.getpagesize()
    for kind, field, name in (
        (resource.RLIMIT_AS, 0, "RLIMIT_AS (ulimit -v)"),
        (resource.RLIMIT_DATA, 5, "RLIMIT_DATA (ulimit -d)"),
    ):
        most, _ = resource.getrlimit(kind)
        if most != resource.RLIM_INFINITY:
            yield Limit(most - int(statm[field]) * page, f"limit {name}")


# -- files ------------------------------------------------------------------------------------------------------------


def _lines(root: str, path: str) -> list[str]:
    """Return the lines of a file, none if it cannot be read."""
    try:
        with open(os.path.join(root, path.lstrip("/"))) as file:
            return file.read().splitlines()
    except (OSError, ValueError):
        return []


def _number(root: str, path: str) -> int | None:
    """Return the number in a file, None if there is none: ``max``, too, is no limit."""
    text = "".join(_lines(root, path)).strip()
    return int(text) if text.isdecimal() else None


def _table(root: str, path: str) -> dict[str, int]:
    """Return the numbers in a file of names and numbers."""
    found = (line.split() for line in _lines(root, path))
    return {words[0]: int(words[1]) for words in found if len(words) > 1 and words[1].isdecimal()}
