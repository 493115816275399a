"""Plots of recorded membrane potentials: ``nest.voltage_trace``."""

import numpy as np

from gifpop.nest.kernel import kernel
from gifpop.nest.node_collection import NodeCollection

PER_MS = {"ms": 1.0, "s": 1e-3}


def from_device(detec, neurons=None, title=None, grayscale=False, timeunit="ms"):
    """Plot the membrane potentials that a meter holds.

    Parameters
    ----------
    detec : NodeCollection
        One voltmeter, or one multimeter that records ``V_m``.
    neurons : sequence of int, optional
        Only these nodes.
    title : str, optional
    grayscale : bool
    timeunit : {"ms", "s"}

    Returns
    -------
    list of list of matplotlib.lines.Line2D
        One for each node.

    Raises
    ------
    TypeError, ValueError
        If it is not one such meter, or holds no events.
    """
    import matplotlib.pyplot as plt  # only those who plot need it

    if not isinstance(detec, NodeCollection) or len(detec) != 1:
        raise ValueError("Please provide a single 'voltmeter' or 'multimeter'.")
    if kernel.base_model(detec) not in ("multimeter", "voltmeter"):
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
        style = {"color": "black"} if grayscale else {}
        lines.append(plt.plot(times[own], events["V_m"][own], label=f"Neuron {node}", **style))
    plt.title("Membrane potential" if title is None else title)
    plt.xlabel(f"Time ({timeunit})")
    plt.ylabel("Membrane potential (mV)")
    plt.legend(loc="best")
    return lines
