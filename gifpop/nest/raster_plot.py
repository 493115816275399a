"""Raster plots of recorded spikes: ``nest.raster_plot``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gifpop.nest.backends import read_all
from gifpop.nest.kernel import kernel
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.recorders import recorded_files

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

    from gifpop.common.typing import Indices

RASTER = (0.1, 0.3, 0.85, 0.6)  # of the figure, with a histogram below
HISTOGRAM = (0.1, 0.1, 0.85, 0.17)


def from_device(detec: NodeCollection, sel: Indices | None = None, **kwargs: Any) -> list[Line2D]:
    """Plot the spikes that a spike recorder has in memory or in its files.

    Parameters
    ----------
    detec : NodeCollection
        One spike_recorder.
    sel : sequence of int, optional
        Only spikes of these nodes; of all by default.
    **kwargs
        ``hist`` (draw a histogram of the rate below, True), ``hist_binwidth`` (5.0, ms or, of a recorder with
        ``time_in_steps``, steps), ``grayscale``, ``title``, ``xlabel``.

    Returns
    -------
    list of matplotlib.lines.Line2D
        The dots, as one line without strokes.

    Raises
    ------
    TypeError
        If ``detec`` is not one spike recorder.
    ValueError
        If it has recorded no spikes, or neither to memory nor to files.
    """
    if not _is_recorder(detec):
        raise TypeError("Please provide a 'spike_recorder'.")
    if detec.record_to == "ascii":
        return from_file(recorded_files(kernel.nodes, detec.global_id), sel=sel, **kwargs)
    if detec.record_to != "memory":
        raise ValueError("No data to plot. Make sure that 'record_to' is set to either 'ascii' or 'memory'.")
    events, in_steps = detec.events, detec.time_in_steps
    if not len(events["times"]):
        raise ValueError("No events recorded by 'spike_recorder'.")
    kwargs.setdefault("title", f"Raster plot from device '{detec.global_id}'")
    kwargs.setdefault("xlabel", "Steps" if in_steps else "Time (ms)")
    unit = kernel.clock.resolution if in_steps else 1.0
    data = np.column_stack((events["senders"], events["times"]))
    return _plot(_selected(data, sel), unit, **kwargs)


def from_data(data: npt.ArrayLike, sel: Indices | None = None, **kwargs: Any) -> list[Line2D]:
    """Plot spikes given as an array.

    Parameters
    ----------
    data : array, shape (spikes, 2)
        Node and time (ms) of each spike.
    sel : sequence of int, optional
        Only spikes of these nodes; of all by default.
    **kwargs
        See `from_device`.

    Returns
    -------
    list of matplotlib.lines.Line2D
        The dots, as one line without strokes.

    Raises
    ------
    ValueError
        If the array has another shape or is empty.
    """
    spikes = np.asarray(data, dtype=float)
    if spikes.ndim != 2 or spikes.shape[1] < 2 or not len(spikes):
        raise ValueError(f"raster_plot: data must have a row (node, time) for each spike, got shape {spikes.shape}")
    return _plot(_selected(spikes, sel), 1.0, **kwargs)


def from_file(fname: str | Sequence[str], **kwargs: Any) -> list[Line2D]:
    """Plot the spikes in files that a spike recorder has written.

    Parameters
    ----------
    fname : str or list of str
        One file or several, as those of several threads.
    **kwargs
        See `from_device`; ``sel`` as there.

    Returns
    -------
    list of matplotlib.lines.Line2D
        The dots, as one line without strokes.

    Raises
    ------
    TypeError
        If ``fname`` is not the name of a file or a list of names.
    ValueError
        If there are no spikes, or the files have different columns.
    """
    names, spikes = read_all("raster_plot.from_file", fname)
    if not len(spikes):
        raise ValueError("No data to plot.")
    in_steps = "time_step" in names
    kwargs.setdefault("xlabel", "Steps" if in_steps else "Time (ms)")
    unit = kernel.clock.resolution if in_steps else 1.0
    return _plot(_selected(spikes, kwargs.pop("sel", None)), unit, **kwargs)


from_file_numpy = from_file_pandas = from_file  # NEST's, for its two ways to read a file


def extract_events(
    data: npt.ArrayLike, time: float | Sequence[float] | None = None, sel: Indices | None = None
) -> npt.NDArray[Any]:
    """Return some of the spikes of an array.

    Parameters
    ----------
    data : array, shape (spikes, 2)
        Node and time (ms) of each spike.
    time : sequence of two floats, or one float, ms
        Spikes from the first time on and before the second; one float: from 0 on and before it.
    sel : sequence of int, optional
        Spikes of these nodes; of all by default.

    Returns
    -------
    array, shape (chosen spikes, 2)
        The rows of these spikes, in the same order.
    """
    spikes = _selected(np.asarray(data), sel)
    if time is None:
        return spikes
    begin, end = time if np.iterable(time) else (0.0, time)
    return spikes[(spikes[:, 1] >= begin) & (spikes[:, 1] < end)]


def _is_recorder(detec: object) -> bool:
    if not isinstance(detec, NodeCollection) or len(detec) != 1:
        return False
    return kernel.nodes.base_model(detec.global_id) == "spike_recorder"


def _selected(data: npt.NDArray[Any], sel: Indices | None) -> npt.NDArray[Any]:
    return data if sel is None else data[np.isin(data[:, 0], np.asarray(sel))]


def _plot(
    data: npt.NDArray[Any],
    unit: float,
    hist: bool = True,
    hist_binwidth: float = 5.0,
    grayscale: bool = False,
    title: str = "Raster plot",
    xlabel: str = "Time (ms)",
) -> list[Line2D]:
    """Draw spikes, and their rate below; ``unit`` is the unit of times in ms."""
    import matplotlib.pyplot as plt  # takes time; only plots need it

    nodes, times = data[:, 0], data[:, 1]
    marker, bars = (".k", "gray") if grayscale else (".", "blue")
    plt.figure()
    if not hist:
        lines = plt.plot(times, nodes, marker)
        plt.xlabel(xlabel)
        plt.ylabel("Neuron ID")
        plt.title(title)
        return lines
    upper = plt.axes(RASTER)
    lines = upper.plot(times, nodes, marker)
    upper.set_ylabel("Neuron ID")
    upper.set_xticks([])
    upper.set_title(title)
    limits = upper.get_xlim()
    lower = plt.axes(HISTOGRAM)
    edges, rates = _rates(times, len(np.unique(nodes)), hist_binwidth, unit)
    lower.bar(edges, rates, width=hist_binwidth, align="edge", color=bars, edgecolor="black")
    lower.set_xlim(limits)
    lower.set_xlabel(xlabel)
    lower.set_ylabel("Rate (spks/s)")
    lower.set_yticks([int(x) for x in np.linspace(0.0, 1.1 * max(rates.max(), 1.0) + 5.0, 4)])
    return lines


def _rates(
    times: npt.NDArray[Any], n_nodes: int, width: float, unit: float
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Return the left edges of bins and the rate in each, in spikes/s and node that fired."""
    if not (np.isfinite(width) and width > 0.0):
        raise ValueError(f"raster_plot: hist_binwidth must be > 0, got {width}")
    begin = float(times.min()) if len(times) else 0.0
    bins = np.floor((times - begin) / width).astype(int)
    counts = np.bincount(bins)
    return begin + width * np.arange(len(counts)), 1000.0 * counts / (width * unit * max(n_nodes, 1))
