"""Connect: rules, synapse parameters, and which nodes can be connected to which."""

import numpy as np

from gifpop.nest import errors
from gifpop.nest.generators import CurrentBlock, PoissonBlock
from gifpop.nest.kernel import kernel
from gifpop.nest.kinds import BOOL, DOUBLE, LONG, STRING, is_sequence
from gifpop.nest.models import SYNAPSE
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.recorders import MeterBlock
from gifpop.nest.synapse_collection import SynapseCollection

COMING = "The rule {} is for connections between neurons, which gifpop.nest does not have yet."


def connect(pre, post, conn_spec, syn_spec):
    """Make connections; nothing is made if anything is wrong.

    Returns
    -------
    NodeCollection, NodeCollection, str
        Sources, targets and synapse model.
    """
    pre, post = (nodes if isinstance(nodes, NodeCollection) else NodeCollection(nodes) for nodes in (pre, post))
    for nodes in (pre, post):
        nodes._check_alive()
    for nodes, side in ((pre, "Presynaptic"), (post, "Postsynaptic")):
        if not len(nodes):
            raise errors.impossible_connection(f"{side} nodes cannot be an empty NodeCollection")
    rule, options = _rule(conn_spec)
    model, given = _synapse(syn_spec)
    sources, targets = RULES[rule](np.array(pre), np.array(post), options)
    shape = (len(pre), len(post)) if rule == "all_to_all" else None
    columns = {name: _column(name, given.pop(name), rule, len(pre), shape) for name in SYNAPSE.keys() & given.keys()}
    receptors = _receptors(given.pop("receptor_type", model.receptor_type))
    if given:
        raise errors.unaccessed(given, "syn_spec", "Connect")
    delays = _delays(model, columns.get("delay"), len(sources))
    weights = np.broadcast_to(columns.get("weight", model.weight), len(sources))
    kept = slice(None) if options["allow_autapses"] else sources != targets
    sources, targets, delays, weights = sources[kept], targets[kept], delays[kept], weights[kept]
    _check_nodes(sources, targets, receptors, kernel.synapses.index(model))
    kernel.connections.append(sources, targets, delays, weights, kernel.synapses.index(model))
    kernel.delays.include(delays)
    kernel.changes += 1
    return pre, post, model.name


def _rule(spec):
    """Return the name of a rule and its options, checked."""
    if spec is None:
        spec = "all_to_all"
    if isinstance(spec, str):
        spec = {"rule": spec}
    if not isinstance(spec, dict):
        raise TypeError("conn_spec must be a string or dict")
    if "rule" not in spec:
        raise errors.BadProperty("conn_spec must name the rule.")
    spec = dict(spec)
    rule = STRING.convert("rule", spec.pop("rule"))
    if rule in OTHER_RULES:
        raise errors.NotSupported(f"The rule {rule} is not available in gifpop.nest.")
    if rule not in RULES:
        raise errors.BadProperty(f"Unknown connectivity rule: {rule}")
    options = {"allow_autapses": True, "allow_multapses": True, "make_symmetric": False}
    for name in options.keys() & spec.keys():
        options[name] = BOOL.convert(name, spec.pop(name))
    if options.pop("make_symmetric"):
        if rule == "one_to_one":
            raise errors.NotSupported("make_symmetric is not available in gifpop.nest; connect the other way too.")
        raise errors.NotSupported("This connection rule does not support symmetric connections.")
    for name, kind in OPTIONS[rule].items():
        if name not in spec:
            raise errors.BadProperty(f"The rule {rule} needs {name}.")
        options[name] = kind.convert(name, spec.pop(name))
    if spec:
        raise errors.unaccessed(spec, "conn_spec", "Connect")
    return rule, options


def _all_to_all(pre, post, options):
    return np.repeat(pre, len(post)), np.tile(post, len(pre))


def _one_to_one(pre, post, options):
    if len(pre) != len(post):
        raise errors.DimensionMismatch("Source and Target population must be of the same size.")
    return pre, post


def _fixed_indegree(pre, post, options):
    if options["indegree"] < 0:
        raise errors.BadProperty("Indegree cannot be less than zero.")
    if not options["allow_multapses"] and options["indegree"] > len(pre):
        raise errors.BadProperty("Indegree cannot be larger than population size.")
    raise errors.NotSupported(COMING.format("fixed_indegree"))


def _pairwise_bernoulli(pre, post, options):
    if not 0.0 <= options["p"] <= 1.0:
        raise errors.BadProperty("Connection probability 0 <= p <= 1 required.")
    raise errors.NotSupported(COMING.format("pairwise_bernoulli"))


RULES = {
    "all_to_all": _all_to_all,
    "one_to_one": _one_to_one,
    "fixed_indegree": _fixed_indegree,
    "pairwise_bernoulli": _pairwise_bernoulli,
}
OTHER_RULES = (
    "fixed_outdegree",
    "fixed_total_number",
    "pairwise_poisson",
    "symmetric_pairwise_bernoulli",
    "third_factor_bernoulli_with_pool",
)
OPTIONS = {
    "all_to_all": {},
    "one_to_one": {},
    "fixed_indegree": {"indegree": LONG},
    "pairwise_bernoulli": {"p": DOUBLE},
}


def _synapse(spec):
    """Return a synapse model and what else a syn_spec gives."""
    if spec is None:
        spec = {}
    if isinstance(spec, str):
        spec = {"synapse_model": spec}
    if not isinstance(spec, dict):
        raise TypeError("syn_spec must be a string or dict; gifpop.nest has no CollocatedSynapses")
    given = dict(spec)
    name = given.pop("synapse_model", "static_synapse")
    if not isinstance(name, str):
        raise TypeError("'synapse_model' must be specified by a 'str'.")
    return synapse_model(name), given


def synapse_model(name):
    """Return a synapse model by name."""
    for model in kernel.synapses:
        if model.name == name:
            return model
    raise errors.UnknownSynapseType(
        f"Synapse with name {name} does not exist. gifpop.nest has {', '.join(s.name for s in kernel.synapses)}."
    )


def _column(name, value, rule, n_pre, shape):
    """Return a weight or delay for each connection, or one for all."""
    parameter = SYNAPSE[name]
    if isinstance(value, (bool, np.bool_)):
        raise errors.BadProperty("Cannot handle parameter type. Received bool")
    if isinstance(value, str):
        raise errors.BadProperty("Cannot handle parameter type. Received std::string")
    if not is_sequence(value):
        value = parameter.kind.convert(name, value)
        parameter.check(value)
        return value
    array = np.array(value, dtype=float)
    if array.ndim == 1:
        if rule != "one_to_one":
            raise TypeError(
                f"'{name}' has the wrong type. One-dimensional parameter arrays can only be used in conjunction with "
                "rule 'one_to_one' or 'fixed_total_number'."
            )
        if len(array) != n_pre:
            raise ValueError(f"'{name}' has to be an array of dimension {n_pre}, a scalar or a dictionary.")
    else:
        if shape is None:
            raise TypeError(
                f"'{name}' has the wrong type. Two-dimensional parameter arrays can only be used in conjunction with "
                "rules 'all_to_all', 'fixed_indegree' or fixed_outdegree'."
            )
        if array.shape != shape[::-1]:
            raise ValueError(
                f"'{name}' has to be an array of dimension {shape[1]}x{shape[0]} (n_target x n_sources), a scalar or a "
                "dictionary."
            )
        array = array.T.ravel()
    parameter.check(array)
    return array


def _delays(model, given, n):
    """Return the delay of each connection in steps."""
    if given is None:
        steps = model_delay(model)
        kernel.delays.check(np.array([steps]), default_of=model.name)
        return np.full(n, steps)
    each = np.atleast_1d(given)
    steps = np.array([kernel.clock.delay_steps(ms) for ms in each.tolist()], dtype=np.int64)
    kernel.delays.check(steps)
    return np.broadcast_to(steps, n)


def model_delay(model):
    """Return the delay, in steps, that a connection of a model has unless it is given another."""
    clock = kernel.clock
    return clock.default_delay_steps() if model.delay is None else clock.delay_steps(model.delay)


def _receptors(value):
    """Return the receptor of all connections."""
    values = np.unique([LONG.convert("receptor_type", each) for each in (value if is_sequence(value) else [value])])
    return int(values[np.argmax(values != 0)])


def _check_nodes(sources, targets, receptor, model):
    """Refuse connections that nodes of these kinds cannot have."""
    blocks = np.stack((kernel.block_numbers(sources), kernel.block_numbers(targets)), axis=1)
    for s, t in np.unique(blocks, axis=0).tolist():
        target = kernel.blocks[t]
        _check_kinds(kernel.blocks[s], target)
        if receptor != 0:
            raise errors.UnknownReceptorType(f"Receptor type {receptor} is not available in {target.model.name}.")
        if isinstance(kernel.blocks[s], MeterBlock):
            for source in np.unique(sources[blocks[:, 0] == s]).tolist():
                _check_meter(source, targets[sources == source], target)
    _check_synapse_types(np.unique(sources), model)


def _check_kinds(source, target):
    if source.sends is None:
        raise errors.impossible_connection(
            "Source node does not send output.\n  Note that recorders must be connected as Connect(neuron, recorder)."
        )
    if source.sends in target.receives:
        return
    if source.model.element_type != "neuron" and isinstance(target, (MeterBlock, PoissonBlock)):
        raise errors.impossible_connection("We do not allow connection of a device to a global receiver at the moment.")
    if source.sends == "requests" and isinstance(target, CurrentBlock):
        raise errors.impossible_connection("gifpop.nest does not record the currents of generators.")
    kind = {"spikes": "spike input", "current": "current input", "requests": "data logging requests"}[source.sends]
    note = ""
    if source.model.element_type == "neuron":
        note = "\n  Note that volt/multimeters must be connected as Connect(meter, neuron)."
    raise errors.impossible_connection(f"The target node or synapse model does not support {kind}.{note}")


def _check_meter(source, targets, target):
    """Refuse a meter that cannot record what it should, or that is connected to a node already."""
    meter, i = kernel.locate(source)
    for name in meter.variables(i):
        if name not in target.recordables:
            raise errors.impossible_connection(f"Cannot connect with unknown recordable {name}")
    if meter.variables(i) and meter.columns["interval"][i] < kernel.clock.resolution:
        raise errors.impossible_connection("Recording interval must be >= resolution.")
    rows = kernel.connections.rows
    metered = np.concatenate((targets, rows["target"][rows["source"] == source]))
    if len(np.unique(metered)) < len(metered):
        raise errors.impossible_connection("Each multimeter can only be connected once to a given node.")


def _check_synapse_types(sources, model):
    """Refuse a second synapse model for a device."""
    rows = kernel.connections.rows
    devices = sources[kernel.are_devices(sources)]
    if np.any(np.isin(rows["source"], devices) & (rows["model"] != model)):
        raise errors.impossible_connection("All outgoing connections from a device must use the same synapse type.")


def find_connections(source, target, name):
    """Return the connections of some sources and targets (None: any) and of a synapse model, in NEST's order."""
    rows = kernel.connections.rows
    chosen = np.ones(len(rows), dtype=bool)
    for nodes, column in ((source, "source"), (target, "target")):
        if nodes is not None and not isinstance(nodes, NodeCollection):
            raise TypeError(f"{column} must be NodeCollection.")
        if nodes is not None:
            nodes._check_alive()
            chosen &= np.isin(rows[column], np.array(nodes))
    if name is not None:
        chosen &= rows["model"] == kernel.synapses.index(synapse_model(name))
    places = np.flatnonzero(chosen)
    rows = rows[places]
    return SynapseCollection(places[np.lexsort((rows["source"], _classes(rows), rows["model"]))])


def _classes(rows):
    """Return 0 for connections between neurons, 1 for those to recorders, 2 for those from devices."""
    return np.where(kernel.are_devices(rows["source"]), 2, kernel.are_devices(rows["target"]))
