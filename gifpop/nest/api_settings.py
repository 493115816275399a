"""The functions of PyNEST for settings of the kernel, names of models, and processes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gifpop.nest import errors, kernel_settings
from gifpop.nest.kernel import VerbosityLevel, kernel
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.value_types import listed

if TYPE_CHECKING:
    from gifpop.nest.value_types import Values


def GetKernelStatus(keys: str | Iterable[str] | None = None) -> Any:
    """Return settings of the kernel.

    Parameters
    ----------
    keys : str or list of str, optional
        Names of the settings; all by default.

    Returns
    -------
    dict, value or tuple of values
        A dict of all settings, the value of one, or a tuple of several.

    Raises
    ------
    KeyError
        If there is no such setting.
    """
    if keys is None:
        return kernel_settings.status()
    if isinstance(keys, str):
        return kernel_settings.look_up(keys)
    return tuple(kernel_settings.look_up(key) for key in listed(keys, "keys"))


def SetKernelStatus(params: Values) -> None:
    """Set settings of the kernel.

    Parameters
    ----------
    params : dict
        Values by name.

    Raises
    ------
    ValueError
        If there is no such setting, or it is read-only; then nothing changes.
    NESTError
        If a value or its type is wrong, or the setting cannot change any more.
    """
    kernel_settings.change(params)


def Models(mtype: str = "all", sel: str | None = None) -> tuple[str, ...]:
    """Return the names of models; in new scripts use ``nest.node_models`` and ``nest.synapse_models``.

    Parameters
    ----------
    mtype : {"all", "nodes", "synapses"}
        Kind of models.
    sel : str, optional
        Only names that contain this text.

    Returns
    -------
    tuple of str
        The names: of nodes, then of synapses, each in alphabetical order.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    _superseded("Models", "nest.node_models or nest.synapse_models")
    kinds = {"all": ("node_models", "synapse_models"), "nodes": ("node_models",), "synapses": ("synapse_models",)}
    if mtype not in kinds:
        raise ValueError("mtype has to be one of 'all', 'nodes', or 'synapses'")
    names = [name for kind in kinds[mtype] for name in kernel_settings.look_up(kind)]
    return tuple(name for name in names if sel is None or sel in name)


def ConnectionRules() -> tuple[str, ...]:
    """Return the names of the rules of `Connect`; in new scripts use ``nest.connection_rules``.

    Returns
    -------
    tuple of str
        The names, in alphabetical order.
    """
    _superseded("ConnectionRules", "nest.connection_rules")
    return tuple(kernel_settings.look_up("connection_rules"))


def set_verbosity(level: str) -> None:
    """Set ``verbosity`` by NEST's old names; in new scripts set ``nest.verbosity``.

    Parameters
    ----------
    level : str
        ``M_`` and the name of a level, such as ``M_WARNING``.

    Raises
    ------
    NESTError
        If there is no such level.
    """
    warnings.warn(
        "Provided for backward compatibility only. Set `nest.verbosity = nest.VerbosityLevel.XYZ` instead.",
        UserWarning,
        stacklevel=2,
    )
    prefix, _, name = str(level).partition("_")
    if prefix != "M" or name not in VerbosityLevel.__members__:
        names = ", ".join(f"M_{name}" for name in VerbosityLevel.__members__)
        raise errors.BadParameter(f"set_verbosity: level must be one of {names}, got {level!r}")
    kernel.verbosity = VerbosityLevel[name]


def get_verbosity() -> int:
    """Return ``verbosity`` as a number; in new scripts look up ``nest.verbosity``.

    Returns
    -------
    int
        Value of the level in ``nest.VerbosityLevel``.
    """
    warnings.warn(
        "Provided for backward compatibility only. Look up `nest.verbosity` instead.", UserWarning, stacklevel=2
    )
    return int(kernel.verbosity)


def Rank() -> int:
    """Return the number of this process.

    Returns
    -------
    int
        0, since there is one process.
    """
    return 0


def NumProcesses() -> int:
    """Return the number of processes.

    Returns
    -------
    int
        1.
    """
    return 1


def SyncProcesses() -> None:
    """Wait for all processes; return at once, since there is one."""


def GetLocalVPs() -> range:
    """Return the virtual processes of this process.

    Returns
    -------
    range
        Their numbers: 0 to ``local_num_threads`` - 1.
    """
    return range(kernel.threads)


def GetLocalNodeCollection(nc: NodeCollection) -> NodeCollection:
    """Return the nodes of a collection that belong to this process.

    Parameters
    ----------
    nc : NodeCollection
        Nodes.

    Returns
    -------
    NodeCollection
        The same nodes, since there is one process.
    """
    warnings.warn(
        "GetLocalNodeCollection() leads to inherently unsafe code; see documentation for details.",
        UserWarning,
        stacklevel=2,
    )
    if not isinstance(nc, NodeCollection):
        raise TypeError("GetLocalNodeCollection requires a NodeCollection in order to run")
    return nc


def _superseded(name: str, instead: str) -> None:
    warnings.warn(
        f"{name} is deprecated and will be removed in a future version of NEST.\nPlease use {instead} instead!",
        UserWarning,
        stacklevel=3,
    )
