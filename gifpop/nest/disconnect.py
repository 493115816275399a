"""Disconnect: remove connections; an error leaves everything as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.nest import errors
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.kernel import kernel
from gifpop.nest.rules import OPTIONS
from gifpop.nest.synapses import read_syn_spec
from gifpop.nest.value_types import BOOL, STRING

if TYPE_CHECKING:
    from gifpop.common.typing import Integers
    from gifpop.nest.node_collection import NodeCollection
    from gifpop.nest.synapse_parameters import SynapseModel
    from gifpop.nest.value_types import Values


def disconnect(
    pre: NodeCollection, post: NodeCollection, conn_spec: str | Values | None, syn_spec: str | Values | None
) -> None:
    """Remove a connection of a synapse model between each two nodes: the oldest, where there are several."""
    for nodes in (pre, post):
        nodes._check_alive()
    rule, model = _read_rule(conn_spec), _read_model(syn_spec)
    sources, targets = np.array(pre, dtype=np.int64), np.array(post, dtype=np.int64)
    if rule == "one_to_one" and not len(sources) == len(targets) > 0:
        raise errors.DimensionMismatch("Source and Target population must be of the same size.")
    if rule == "all_to_all":
        errors.require_memory(100.0 * len(sources) * len(targets), f"Disconnect: {len(sources) * len(targets)} pairs")
        sources, targets = np.repeat(sources, len(targets)), np.tile(targets, len(sources))
    remove(_oldest(sources, targets, kernel.synapses.index(model)))


def remove(numbers: Integers) -> None:
    """Remove numbered connections; raise an error if one of them does not exist any more, or is of a device."""
    table, late = kernel.connections, kernel.late_spikes()
    devices = (kernel.nodes.are_devices(table.column(name, numbers)) for name in ("source", "target"))
    if np.any(table.are_removed(numbers)) or any(np.any(each) for each in devices):
        raise _inexistent()
    changes = table.remove(numbers)
    taken = [] if late is None else late.carried(numbers, -1)
    with kernel.changes.commit("Disconnect", rewires=True):
        kernel.nodes.number()
        for change in changes:
            change()
        if late is not None:
            late.note(taken)


def _oldest(sources: Integers, targets: Integers, model: int) -> Integers:
    """Return the oldest connection of a synapse model for each source and the target at its place."""
    table, size = kernel.connections, kernel.nodes.size + 1
    found = table.numbers(np.unique(sources), np.unique(targets), model)
    found.sort()
    keys, first = np.unique(table.column("source", found) * size + table.column("target", found), return_index=True)
    wanted = sources * size + targets
    places = np.searchsorted(keys, wanted)
    if np.any(places == len(keys)) or np.any(keys[places] != wanted):
        raise _inexistent()
    return found[first[places]]


def _read_rule(spec: str | Values | None) -> str:
    """Return the rule of a conn_spec."""
    if spec is None:
        spec = "one_to_one"
    given = {"rule": spec} if isinstance(spec, str) else dict(spec)
    rule: str = STRING.convert("rule", given.pop("rule", "all_to_all"))
    if rule not in OPTIONS:
        raise errors.BadProperty(f"Unknown connectivity rule: {rule}")
    if rule not in ("one_to_one", "all_to_all"):
        raise errors.NotSupported("This disconnection rule is not implemented.")
    for name in given.keys() & {"allow_autapses", "allow_multapses", "make_symmetric"}:
        BOOL.convert(name, given.pop(name))  # without effect, as in NEST
    dict_misses.check(given, "conn_spec", "Disconnect")
    return rule


def _read_model(spec: str | Values | None) -> SynapseModel:
    """Return the synapse model of a syn_spec, whose other values have no effect."""
    model, given = read_syn_spec(spec)
    unknown = given.keys() - {*model.parameters, "receptor_type"}
    dict_misses.check(unknown, "syn_spec", "Disconnect")
    return model


def _inexistent() -> errors.KernelException:
    return errors.InexistentConnection("Deletion of connection is not possible because it does not exist.")
