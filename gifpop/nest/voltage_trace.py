"""Plots of recorded membrane potentials: ``nest.voltage_trace``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from gifpop.nest.kernel import kernel
from gifpop.nest.node_collection import NodeCollection

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

    from gifpop.common.typing import Indices

PER_MS = {"ms": 1.0, "s": 1e-3}


def from_device(
    detec: NodeCollection,
    neurons: Indices | None = None,
    title: str | None = None,
    grayscale: bool = False,
    timeunit: Literal["ms", "s"] = "ms",
) -> list[list[Line2D]]:
    """Plot the membrane potentials that a meter holds.

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
        Unit of the time axis.

    Returns
    -------
    list of list of matplotlib.lines.Line2D
        For each node, in ascending order, a list with its line.

    Raises
    ------
    TypeError
        If ``detec`` is not a meter.
    ValueError
        If it is not a single node, does not record ``V_m``, or holds no events.
    """
    import matplotlib.pyplot as plt  # takes time; only plots need it

    if not _is_single(detec):
        raise ValueError("Please provide a single 'voltmeter' or 'multimeter'.")
    if kernel.nodes.base_model(detec.global_id) not in ("multimeter", "voltmeter"):
        raise TypeError("Please provide a 'voltmeter' or a 'multimeter' measuring V_m.")
    if "V_m" not in detec.record_from:
        raise ValueError("Please provide a 'multimeter' measuring 'V_m'.")
    if timeunit not in PER_MS:
        raise ValueError(f"voltage_trace: timeunit must be one of {', '.join(PER_MS)}, got {timeunit!r}")
    events = detec.events
    if not len(events["times"]):
        raise ValueError("No events recorded.")
    ms = kernel.clock.resolution if detec.time_in_steps else 1.0
    times = events["times"] * ms * PER_MS[timeunit]
    lines = []
    for node in np.unique(events["senders"]) if neurons is None else np.asarray(neurons):
        own = events["senders"] == node
        if not own.any():
            raise ValueError(f"voltage_trace: node {node} was not recorded.")
        color = "black" if grayscale else None
        lines.append(plt.plot(times[own], events["V_m"][own], label=f"Neuron {node}", color=color))
    plt.title("Membrane potential" if title is None else title)
    plt.xlabel(f"Time ({timeunit})")
    plt.ylabel("Membrane potential (mV)")
    plt.legend(loc="best")
    return lines


def _is_single(nodes: object) -> bool:
    return isinstance(nodes, NodeCollection) and len(nodes) == 1
