"""A simulation in a file (docs/save_and_restore.md), and its copy in memory."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.warn import warn
from gifpop.engine.engine import INSTRUCTION_SET
from gifpop.saving import archive, earlier
from gifpop.saving.contents import contents, rebuilt
from gifpop.saving.encoding import decode, encode
from gifpop.saving.kinds import KINDS
from gifpop.version import __version__

if TYPE_CHECKING:
    from gifpop.assembly.state import State
    from gifpop.common.typing import Arrays

FORMAT = 3  # rises with every change of what stands in a file, so that each gifpop knows what it can read
READ = (1, 2, FORMAT)
MACHINE = f"{platform.system()} {platform.machine()} {INSTRUCTION_SET}"


def save(path: archive.Path, state: State, results: bool = True, compressed: bool = False) -> None:
    """Write the state of a simulation, with or without results."""
    document, arrays = encode(contents(state, results), KINDS, "Simulation.save")
    header = {"format": FORMAT, "gifpop": __version__, "numpy": np.__version__, "machine": MACHINE}
    archive.write(path, header | {"simulation": document}, arrays, compressed)


def load(path: archive.Path, threads: int | None = None) -> State:
    """Return the state of the simulation in a file; ``threads`` None: as many as it had."""
    where = f"Simulation.load: {os.fsdecode(path)!r}"
    document, arrays = archive.read(path, where, lambda document: _accept(where, document))
    with archive.damage_reported(where):
        content, machine = document["simulation"], str(document["machine"])
        if document["format"] == 1:
            content, arrays = earlier.converted(content, arrays)
        simulation = restored(content, arrays, threads)
    if machine != MACHINE:
        warn(
            f"{where} was saved on {machine}, this is {MACHINE}: sums are rounded in another way, and the run will "
            "not be what it would have been there, spike by spike"
        )
    return simulation


def copied(state: State) -> State:
    """Return a state that shares nothing with another one, as if that had been saved and loaded."""
    document, arrays = encode(contents(state), KINDS, "copy of a Simulation")
    return restored(document, {name: array.copy() for name, array in arrays.items()})


def restored(document: Any, arrays: Arrays, threads: int | None = None) -> State:
    """Return the state that JSON and arrays hold; raise errors of any class where they do not."""
    with np.errstate(all="ignore"):
        return rebuilt(decode(document, arrays, KINDS), threads)


def _accept(where: str, document: dict[str, Any]) -> None:
    """Refuse a file of another format."""
    with archive.damage_reported(where):
        format, version = int(document["format"]), str(document["gifpop"])
    if format not in READ:
        remedy = "; a newer gifpop reads it" if format > FORMAT else ""
        raise ValueError(
            f"{where} has format {format}, saved by gifpop {version}; this is gifpop {__version__}, which "
            f"reads formats {', '.join(map(str, READ))}{remedy}"
        )
