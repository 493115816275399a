"""Plots of recorded membrane potentials: ``nest.voltage_trace``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from gifpop.nest.backends import read_all
from gifpop.nest.kernel import kernel
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.recorders import recorded_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.lines import Line2D

    from gifpop.common.typing import Floats, Indices, Integers

PER_MS = {"ms": 1.0, "s": 1e-3}
COLUMNS = ("senders", "times", "V_m")  # of events


def from_device(
    detec: NodeCollection,
    neurons: Indices | None = None,
    title: str | None = None,
    grayscale: bool = False,
    timeunit: Literal["ms", "s"] = "ms",
) -> list[list[Line2D]]:
    """Plot the membrane potentials that a meter has in memory or in its files.

    Parameters
    ----------
    detec : NodeCollection
        One voltmeter, or one multimeter that records ``V_m``.
    neurons : sequence of int, optional
        Only these nodes; all by default.
    title : str, optional
        Title; "Membrane potential" by default.
    grayscale : bool
        Draw all lines in black.
    timeunit : {"ms", "s"}
        Unit of the time axis; of a meter with ``time_in_steps`` it is steps.

    Returns
    -------
    list of list of matplotlib.lines.Line2D
        For each node, in ascending order, a list with its line.

    Raises
    ------
    TypeError
        If ``detec`` is not a meter.
    ValueError
        If it is not a single node, does not record ``V_m``, has recorded no events, or neither to memory nor to files.
    """
    if not _is_single(detec):
        raise ValueError("Please provide a single 'voltmeter' or 'multimeter'.")
    if kernel.nodes.base_model(detec.global_id) not in ("multimeter", "voltmeter"):
        raise TypeError("Please provide a 'voltmeter' or a 'multimeter' measuring V_m.")
    if "V_m" not in detec.record_from:
        raise ValueError("Please provide a 'multimeter' measuring 'V_m'.")
    if timeunit not in PER_MS:
        raise ValueError(f"voltage_trace: timeunit must be one of {', '.join(PER_MS)}, got {timeunit!r}")
    if detec.record_to == "memory":
        events, in_steps = detec.events, detec.time_in_steps
        nodes, times, potentials = (events.get(name, np.zeros(0)) for name in COLUMNS)
    elif detec.record_to == "ascii":
        in_steps, nodes, times, potentials = _read(recorded_files(kernel.nodes, detec.global_id))
    else:
        raise ValueError("Provided device neither records to ascii file nor to memory.")
    chosen = np.unique(nodes) if neurons is None else np.asarray(neurons)
    label = "Steps" if in_steps else f"Time ({timeunit})"
    return _plot(times if in_steps else times * PER_MS[timeunit], nodes, potentials, chosen, title, grayscale, label)


def from_file(fname: str | Sequence[str], title: str | None = None, grayscale: bool = False) -> list[list[Line2D]]:
    """Plot the membrane potentials in files that a meter has written.

    Parameters
    ----------
    fname : str or list of str
        One file or several, as those of several threads. Without names of columns: sender, time in ms, V_m.
    title : str, optional
        Title; "Membrane potential" by default.
    grayscale : bool
        Draw all lines in black.

    Returns
    -------
    list of list of matplotlib.lines.Line2D
        For each node, in ascending order, a list with its line.

    Raises
    ------
    TypeError
        If ``fname`` is not the name of a file or a list of names.
    ValueError
        If the files hold no ``V_m`` or no events, or have different columns.
    """
    in_steps, nodes, times, potentials = _read(fname)
    label = "Steps" if in_steps else "Time (ms)"
    return _plot(times, nodes, potentials, np.unique(nodes), title, grayscale, label)


def _read(fname: str | Sequence[str]) -> tuple[bool, Integers, Floats, Floats]:
    """Return whether times are steps, and nodes, times and potentials, of files that a meter has written."""
    names, table = read_all("voltage_trace.from_file", fname)
    names = names or ["sender", "time_ms", "V_m"]
    if "V_m" not in names:
        raise ValueError("voltage_trace: the file must have a column V_m.")
    if len(table) and table.shape[1] < len(names):
        raise ValueError(f"voltage_trace: the file must have the columns {', '.join(names)}.")
    nodes, times, potentials = table[:, 0].astype(np.int64), table[:, 1], table[:, names.index("V_m")]
    return "time_step" in names, nodes, times, potentials


def _plot(
    times: Floats,
    nodes: Integers,
    potentials: Floats,
    chosen: Integers,
    title: str | None,
    grayscale: bool,
    xlabel: str,
) -> list[list[Line2D]]:
    """Draw a line for each chosen node."""
    if not len(times):
        raise ValueError("No events recorded.")
    import matplotlib.pyplot as plt  # takes time; only plots need it

    lines = []
    for node in chosen:
        own = nodes == node
        if not own.any():
            raise ValueError(f"voltage_trace: node {node} was not recorded.")
        color = "black" if grayscale else None
        lines.append(plt.plot(times[own], potentials[own], label=f"Neuron {node}", color=color))
    plt.title("Membrane potential" if title is None else title)
    plt.xlabel(xlabel)
    plt.ylabel("Membrane potential (mV)")
    plt.legend(loc="best")
    return lines


def _is_single(nodes: object) -> bool:
    return isinstance(nodes, NodeCollection) and len(nodes) == 1
