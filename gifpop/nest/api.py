"""The functions of PyNEST that make nodes and connections, simulate, and get and set values."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.nest import errors, random
from gifpop.nest.assignments import assignments
from gifpop.nest.connect import connect, find_connections
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.disconnect import disconnect
from gifpop.nest.forms import to_json
from gifpop.nest.kernel import kernel
from gifpop.nest.nest_names import refuse_lacking
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.parameter import Parameter, as_parameter
from gifpop.nest.synapse_collection import SynapseCollection
from gifpop.nest.value_types import DOUBLE, LONG, STRING, in_range, is_sequence, is_whole, listed

if TYPE_CHECKING:
    from gifpop.nest.connect import Nodes, SynSpecs
    from gifpop.nest.value_types import Values


RECIPES: dict[str, Callable[..., Parameter]] = {
    "constant": lambda value: as_parameter(DOUBLE.convert("value", value)),
    "exponential": random.exponential,
    "lognormal": random.lognormal,
    "normal": random.normal,
    "uniform": random.uniform,
    "uniform_int": lambda max=1: random.uniform_int(max),
}


def ResetKernel() -> None:
    """Remove all nodes and connections, reset model defaults and settings, and go back to time zero.

    Settings get their defaults: resolution 0.1 ms, ``rng_seed`` 143202461, one thread. Node collections from before
    become invalid.
    """
    kernel.reset()


def Create(
    model: str, n: int = 1, params: Values | Sequence[Values] | None = None, positions: None = None
) -> NodeCollection:
    """Create nodes.

    Parameters
    ----------
    model : str
        ``gif_psc_exp``, ``gif_psc_exp_multisynapse``, ``gif_pop_psc_exp``, ``multimeter``, ``voltmeter``,
        ``spike_recorder``, a generator (docs/reference/nest.md lists them), or a copy that `CopyModel` made.
    n : int
        Number of nodes; may be a whole float.
    params : dict or list of dict, optional
        Values to set, see `NodeCollection.set`: numbers, sequences with one value for each node, or distributions
        (`gifpop.nest.random`) to draw them from.
    positions : None
        Positions are not available.

    Returns
    -------
    NodeCollection
        The nodes, with identifiers that follow those of all nodes before.

    Raises
    ------
    NESTError
        Of NEST's class, if the model is unknown or a value or its type is wrong; then no node is made.
    """
    if positions is not None:
        raise errors.NotInGifpop("Create: positions are not available in gifpop.nest.")
    if not is_whole(n):
        raise TypeError(f"Create: n must be a whole number, got {n!r}")
    n = in_range("Create: n", int(n))
    if n < 1:
        raise errors.BadParameterValue(f"Create: n must be >= 1, got {n}")
    with kernel.stopwatches["Create"], kernel.changes.attempt():
        block = kernel.new_block(model, n)
        if params is not None:
            _check_params_of_new_nodes(params, block.n)
        if params:
            places = np.arange(block.n)
            (assigned,) = assignments(params, [(block, places)])
            assign = block.checked(places, assigned, lambda node: False)
            assign()
        nodes = NodeCollection._of(np.arange(block.first, block.first + block.n))
        kernel.add(block)
    return nodes


def _check_params_of_new_nodes(params: Values | Sequence[Values], n: int) -> None:
    if isinstance(params, dict):
        return
    if not is_sequence(params) or not all(isinstance(each, dict) for each in params):
        raise TypeError("params must be either a dict of parameters or a list or tuple of dicts")
    if len(params) != n:
        raise TypeError("list of params must have one dictionary per node")


def CreateParameter(parametertype: str, specs: Values) -> Parameter:
    """Create a recipe for values; in new scripts use `gifpop.nest.random`.

    Parameters
    ----------
    parametertype : {"constant", "exponential", "lognormal", "normal", "uniform", "uniform_int"}
        What to draw.
    specs : dict
        Arguments of the function in `gifpop.nest.random`; ``value`` of a constant.

    Returns
    -------
    Parameter
        Draws these values.

    Raises
    ------
    NESTError
        If there is no such type, or an argument is wrong.
    """
    if parametertype not in RECIPES:
        refuse_lacking(parametertype, ("type of Parameter",))
        raise errors.UndefinedName(f"The name {parametertype} is not defined.")
    recipe = RECIPES[parametertype]
    unknown = specs.keys() - inspect.signature(recipe).parameters.keys()
    dict_misses.check(unknown, "param", "create_parameter")
    if parametertype == "constant" and "value" not in specs:
        raise IndexError("CreateParameter: constant needs a value")
    return recipe(**{name: value for name, value in specs.items() if name not in unknown})


def Connect(
    pre: Nodes,
    post: Nodes,
    conn_spec: str | Values | None = None,
    syn_spec: SynSpecs = None,
    return_synapsecollection: bool = False,
) -> SynapseCollection | None:
    """Connect nodes.

    Parameters
    ----------
    pre, post : NodeCollection or sequence of int
        Sources and targets. Meters are connected as ``Connect(meter, neurons)``. Identifiers may repeat and stand in
        any order where the rule is ``"one_to_one"``.
    conn_spec : str or dict, optional
        The rule, as text or as ``{"rule": ..., "allow_autapses": True, "allow_multapses": True, "make_symmetric":
        False}`` with what it needs: ``"all_to_all"`` (default), ``"one_to_one"``, ``"fixed_indegree"`` (``indegree``),
        ``"fixed_outdegree"`` (``outdegree``), ``"fixed_total_number"`` (``N``), ``"pairwise_bernoulli"`` (``p``),
        ``"pairwise_poisson"`` (``pairwise_avg_num_conns``), ``"symmetric_pairwise_bernoulli"`` (``p``). Only
        ``"one_to_one"`` can, and ``"symmetric_pairwise_bernoulli"`` must be symmetric: make each connection both ways.
    syn_spec : str, dict or CollocatedSynapses, optional
        A synapse model's name, or a dict with ``synapse_model``, ``weight`` (pA, default 1) and ``delay`` (ms, default
        1, rounded to the nearest step). Weight and delay are numbers, distributions of `gifpop.nest.random`, or arrays:
        (targets x sources) for all_to_all, (targets x indegree), (sources x outdegree), one-dimensional for one_to_one
        and fixed_total_number. The sign of the weight chooses the excitatory or inhibitory synapse.
    return_synapsecollection : bool
        Whether to return the connections.

    Returns
    -------
    SynapseCollection or None
        If asked for: all connections of this synapse model between these nodes, older ones included.

    Raises
    ------
    NESTError
        Of NEST's class, if the nodes cannot be connected; then no connection is made.
    """
    with kernel.stopwatches["Connect"], kernel.changes.attempt():
        return connect(pre, post, conn_spec, syn_spec, return_synapsecollection)


def GetConnections(
    source: NodeCollection | None = None,
    target: NodeCollection | None = None,
    synapse_model: str | None = None,
    synapse_label: int | None = None,
) -> SynapseCollection:
    """Return connections.

    Parameters
    ----------
    source, target : NodeCollection, optional
        Only connections of these.
    synapse_model : str, optional
        Only connections of this model.
    synapse_label : int, optional
        Only connections with this label; -1: with any.

    Returns
    -------
    SynapseCollection
        Ordered by model, source (neurons and populations before devices) and time of making.
    """
    label = None if synapse_label is None else LONG.convert("synapse_label", synapse_label)
    name = None if synapse_model is None else STRING.convert("synapse_model", synapse_model)
    return find_connections(source, target, name, None if label == -1 else label)


def Disconnect(*args: Any, conn_spec: str | Values | None = None, syn_spec: str | Values | None = None) -> None:
    """Remove connections between neurons or populations.

    Parameters
    ----------
    *args : SynapseCollection, or two NodeCollections
        Connections, or sources and targets.
    conn_spec : str or dict, optional
        ``"one_to_one"`` (default): remove a connection of each source to the target at its place; ``"all_to_all"``: of
        each source to each target. Where there are several, the oldest.
    syn_spec : str or dict, optional
        The synapse model, by default ``static_synapse``; other values have no effect.

    Raises
    ------
    NESTError
        If one of the connections does not exist, or is of a device; then none is removed.
    """
    if len(args) == 1 and isinstance(args[0], SynapseCollection):
        if conn_spec is not None or syn_spec is not None:
            raise ValueError("When disconnecting with a SynapseCollection, conn_spec and syn_spec cannot be specified")
        args[0].disconnect()
    elif len(args) == 2 and all(isinstance(each, NodeCollection) for each in args):
        with kernel.changes.attempt():
            disconnect(*args, conn_spec, syn_spec)
    else:
        raise TypeError("Arguments must be either a SynapseCollection or two NodeCollections")


def GetNodes(properties: Values | None = None, local_only: bool = False) -> NodeCollection:
    """Return all nodes, or some of them.

    Parameters
    ----------
    properties : dict, optional
        Only nodes with these values, by name.
    local_only : bool
        Only nodes of this process, which all are.

    Returns
    -------
    NodeCollection
        The nodes.
    """
    found = []
    for block in kernel.nodes.blocks:
        chosen = np.ones(block.n, dtype=np.bool_)
        for name, value in (properties or {}).items():
            known = name in block.names()
            chosen &= [each == value for each in block.get_many(name, np.arange(block.n))] if known else False
        found.append(block.first + np.flatnonzero(chosen))
    return NodeCollection._of(np.concatenate(found) if found else [])


def PrintNodes() -> None:
    """Print the identifiers and models of all nodes, a line for each range of nodes of one model."""
    ranges: list[list[Any]] = []
    for block in kernel.nodes.blocks:
        last = block.first + block.n - 1
        if ranges and ranges[-1][2] == block.model.name:
            ranges[-1][1] = last
        else:
            ranges.append([block.first, last, block.model.name])
    width = len(str(kernel.nodes.size))
    for first, last, model in ranges:
        end = f" .. {last:{width}d}" if last > first else " " * (width + 4)
        print(f"{first:{width}d}{end} {model}")


def Simulate(t: float) -> None:
    """Simulate for some time.

    Parameters
    ----------
    t : float, ms
        Duration; a multiple of the resolution.

    Raises
    ------
    NESTError
        If the time is not such a multiple, what meters record would not fit in memory, or the equations leave the range
        of numbers.
    KeyboardInterrupt
        Within a second of Ctrl-C. What was simulated is kept and recorded, and Simulate goes on from there.

    Notes
    -----
    Should anything else end it in the middle of a step, or the equations leave the range of numbers, the state is lost:
    whatever would change or simulate the network raises a NESTError that says so until `ResetKernel`. What was recorded
    can still be read.
    """
    kernel.simulate(t)


def Prepare() -> None:
    """Prepare the network for `Run`."""
    kernel.prepare()


def Run(t: float) -> None:
    """Simulate, after `Prepare` and before `Cleanup`.

    Parameters
    ----------
    t : float, ms
        Duration; a multiple of the resolution.

    Raises
    ------
    NESTError
        As `Simulate`, and without `Prepare`.
    """
    kernel.run(t)


def Cleanup() -> None:
    """End a simulation that `Prepare` began."""
    kernel.cleanup()


@contextmanager
def RunManager() -> Iterator[None]:
    """Call `Prepare` before and `Cleanup` after a ``with`` block that calls `Run`.

    Yields
    ------
    None
    """
    Prepare()
    try:
        yield
    finally:
        Cleanup()


def GetStatus(
    nodes: NodeCollection | SynapseCollection, keys: str | Iterable[str] | None = None, output: str = ""
) -> Any:
    """Return values of nodes or connections; in new scripts use their ``get``.

    Parameters
    ----------
    nodes : NodeCollection or SynapseCollection
        Nodes or connections.
    keys : str or list of str, optional
        Names of the values; all by default.
    output : {"", "json"}
        Form of the output; any other text is ignored, as in NEST.

    Returns
    -------
    tuple, list or str
        For each node or connection: the value of one name (of several connections in a list), a tuple of values of a
        list of names, or a dict of all. With "json" the same as text.
    """
    _deprecated("GetStatus", "get")
    found = _status(nodes, keys)
    return to_json(found) if output == "json" else found


def _status(nodes: NodeCollection | SynapseCollection, keys: str | Iterable[str] | None) -> Any:
    if not len(nodes):
        return ()
    if isinstance(keys, str):
        found = nodes.get(keys)
        return (found,) if len(nodes) == 1 else found
    names = [] if keys is None else listed(keys, "keys")
    if not names:
        return tuple(each.get() for each in nodes)
    columns = nodes.get(names).values()
    return tuple(zip(*([value] if len(nodes) == 1 else value for value in columns), strict=True))


def SetStatus(
    nodes: NodeCollection | SynapseCollection, params: str | Values | Sequence[Values], val: Any = None
) -> None:
    """Set values of nodes or connections; in new scripts use their ``set``.

    Parameters
    ----------
    nodes : NodeCollection or SynapseCollection
        Nodes or connections.
    params : dict, list of dict, or str
        Values by name, for all or one dict for each; or one name.
    val : object
        The value of the one name.
    """
    _deprecated("SetStatus", "set")
    nodes.set({params: val} if isinstance(params, str) else params)


def _deprecated(name: str, method: str) -> None:
    warnings.warn(
        f"{name}() is deprecated and will be removed in a future version of NEST. Instead of {name}(nrns|conns, args), "
        f"use nrns|conns.{method}(args).",
        UserWarning,
        stacklevel=3,
    )
