"""Synapses: models and their defaults; read the values of connections from a syn_spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gifpop.nest import errors
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.kernel import kernel
from gifpop.nest.models import ModelParameter
from gifpop.nest.nest_names import refuse_lacking
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.parameter import Parameter
from gifpop.nest.projections import DTYPES
from gifpop.nest.synapse_parameters import FIRST_COPY_OF_SYNAPSE, SYNAPSE_IDS, SYNAPSES
from gifpop.nest.value_types import LONG, PLAIN_LONG, PlainLongType, is_sequence, nest_type, refuse_masked

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Shorts
    from gifpop.nest.projections import Lags
    from gifpop.nest.rules import ConnSpec
    from gifpop.nest.synapse_parameters import Adjustable, SynapseModel
    from gifpop.nest.value_types import Values


RECEPTOR = ModelParameter("receptor_type", PLAIN_LONG, 0)


class CollocatedSynapses:
    """Synapses that `Connect` makes together: where a rule connects two nodes, one of each.

    Parameters
    ----------
    *args : dict
        A ``syn_spec`` of each.
    """

    def __init__(self, *args: Values) -> None:
        self.syn_specs = args

    def __len__(self) -> int:
        return len(self.syn_specs)


class SynapseSpec:
    """What a syn_spec says of connections, checked.

    Parameters
    ----------
    syn_spec : str, dict or None
    spec : ConnSpec
    n_pre, n_post : int
        Numbers of sources and targets.

    Attributes
    ----------
    model : SynapseModel
    number : int
        Of the model.
    receptor : int
        Largest of the receptors that connections have.
    has_one_receptor : bool
    values : dict of str to number, Parameter or array
        Values of the connections by name; delays in steps, unless they are drawn.
    """

    def __init__(self, syn_spec: str | Values | None, spec: ConnSpec, n_pre: int, n_post: int) -> None:
        self.model, given = read_syn_spec(syn_spec)
        self.number = kernel.synapses.index(self.model)
        for name in (*self.model.shared, "weight_recorder"):
            if name in given:
                raise errors.NotSupported(
                    f'Synapse parameter "{name}" can only be set via SetDefaults() or CopyModel().'
                )
        self.values: dict[Adjustable, Any] = {name: getattr(self.model, name) for name in ("weight", *self.model.own)}
        self.values["delay"] = None
        for name, parameter in self.model.parameters.items():
            if name in given:
                self.values[name] = read_value(parameter, given.pop(name), spec, n_pre, n_post)
        receptors = read_receptors(given.pop("receptor_type", self.model.receptor_type), spec, n_pre, n_post)
        self.receptor, self.has_one_receptor = int(receptors[-1]), len(receptors) == 1
        dict_misses.check(given, "syn_spec", "Connect")
        if not isinstance(self.values["delay"], Parameter):
            self.values["delay"] = delay_steps(self.model, self.values["delay"])

    def differing(self) -> set[Adjustable]:
        """Return the names of the values that differ between connections."""
        return {name for name, value in self.values.items() if isinstance(value, (Parameter, np.ndarray))}

    def various(self) -> tuple[bool, bool]:
        """Return whether weights and whether delays differ between connections."""
        names = self.differing()
        return "weight" in names, "delay" in names

    def draws(self) -> bool:
        """Return whether any values are drawn."""
        return any(isinstance(value, Parameter) for value in self.values.values())

    def bytes_each(self) -> float:
        """Return the number of bytes of the values that differ, for each connection."""
        return float(sum(np.dtype(DTYPES[name]).itemsize for name in self.differing()))

    def bytes_of_own(self) -> float:
        """Return the same without weights and delays."""
        return float(sum(np.dtype(DTYPES[name]).itemsize for name in self.differing() & set(self.model.own)))

    def are_alike(self) -> bool:
        """Return whether all connections share all values."""
        return not self.differing()

    def drawn(self, n: int, arranged: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> dict[Adjustable, Any]:
        """Return the values of ``n`` connections, delays in steps: draw them, or put arrays in order by ``arranged``.

        A number is shared by all connections.
        """
        values = dict(self.values)
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                values[name] = arranged(value)
            elif isinstance(value, Parameter):
                values[name] = self._checked(name, value.draw(n, kernel.streams.take()))
        self.model.check_together(values)
        return values

    def _checked(self, name: Adjustable, values: Floats) -> npt.NDArray[Any]:
        """Check drawn values; return them as they are stored."""
        if name == "delay":
            steps = kernel.clock.delays_steps(values)
            kernel.delays.check(steps)
            return steps
        parameter = self.model.parameters[name]
        drawn: npt.NDArray[Any] = values
        if isinstance(parameter.type, PlainLongType):
            drawn = parameter.type.whole(name, values)
        parameter.check(drawn)
        return drawn


def woven(several: Sequence[dict[Adjustable, Any]], n: int) -> dict[Adjustable, Any]:
    """Return the values of ``n`` connections of several synapses each, connection after connection."""
    if len(several) == 1:
        return several[0]
    return {
        name: np.stack([np.broadcast_to(values[name], n) for values in several], axis=1).astype(DTYPES[name]).ravel()
        for name in several[0]
    }


def read_syn_spec(spec: str | Values | None) -> tuple[SynapseModel, Values]:
    """Return the synapse model of a syn_spec and its other values."""
    if spec is None:
        spec = {}
    if isinstance(spec, str):
        spec = {"synapse_model": spec}
    if not isinstance(spec, dict):
        raise TypeError(f"syn_spec must be a string or dict, got {spec!r}")
    given = dict(spec)
    name = given.pop("synapse_model", "static_synapse")
    if not isinstance(name, str):
        raise TypeError("'synapse_model' must be specified by a 'str'.")
    return synapse_model(name), given


def synapse_model(name: str) -> SynapseModel:
    """Return a synapse model by name."""
    for model in kernel.synapses:
        if model.name == name:
            return model
    known = f"gifpop.nest has {', '.join(model.name for model in kernel.synapses)}."
    refuse_lacking(name, ("synapse model",), known)
    raise errors.UnknownSynapseType(f"Synapse with name {name} does not exist. {known}")


def synapse_defaults(model: SynapseModel) -> Values:
    """Return the values of new connections of a model, and the number of its connections."""
    number = kernel.synapses.index(model)
    identifier, size = synapse_id(number)
    recorder = [model.weight_recorder] if model.weight_recorder else []
    found = {name: getattr(model, name) for name in model.own} | {
        "delay": kernel.clock.delay_ms(model_delay(model)),
        "element_type": "synapse",
        "has_delay": True,
        "num_connections": kernel.connections.count(number),
        "receptor_type": model.receptor_type,
        "requires_symmetric": False,
        "sizeof": size,
        "synapse_model": model.name,
        "synapse_modelid": identifier,
        "weight": model.weight,
        "weight_recorder": NodeCollection._of(recorder),
    }
    return dict(sorted(found.items()))


def synapse_id(number: int) -> tuple[int, int]:
    """Return NEST's number of a synapse model, and the bytes of its connections there."""
    identifier, size = SYNAPSE_IDS[kernel.synapses[number].base]
    copies = number - len(SYNAPSES)
    return (identifier if copies < 0 else FIRST_COPY_OF_SYNAPSE + copies), size


def new_synapse_defaults(model: SynapseModel, params: Values) -> Values:
    """Check values; return those that change the defaults of a model."""
    values: Values = {
        name: p.type.convert(name, params[name]) for name, p in model.parameters.items() if name in params
    }
    for name, parameter in model.parameters.items():
        if name in values:
            parameter.check(values[name])
    model.check_together(values)
    if "receptor_type" in params:
        values["receptor_type"] = LONG.convert("receptor_type", params["receptor_type"])
    if "delay" in values:
        steps = kernel.clock.delay_steps(values["delay"])
        kernel.delays.check(steps)
        values["delay"] = kernel.clock.delay_ms(steps)
    if "weight_recorder" in params and model.thins:
        raise errors.NotInGifpop(f"gifpop.nest has no weight_recorder of {model.base}, which NEST has")
    if "weight_recorder" in params:
        values["weight_recorder"] = _read_recorder(params["weight_recorder"])
    dict_misses.check(params.keys() - values.keys(), "params", "ModelManager::set_synapse_defaults_")
    return values


def change_shared(model: SynapseModel, values: Values) -> list[Callable[[], None]]:
    """Return functions that give all connections of a model new values that they share."""
    table, number = kernel.connections, kernel.synapses.index(model)
    if not (values.keys() & set(model.shared) and table.count(number)):
        return []
    numbers, late = table.find(model=number), kernel.late_spikes()
    changes = [change for name in model.shared for change in table.change(name, numbers, values[name])]
    if late is None:
        return changes
    taken = late.carried(numbers, -1)
    return [*changes, lambda: late.note([*taken, *late.carried(numbers, 1)])]


def _read_recorder(value: object) -> int:
    """Return the node of a weight_recorder given as a collection."""
    if not isinstance(value, NodeCollection):
        raise errors.TypeMismatch(
            f"Expected datatype: Failed to cast 'weight_recorder' from {nest_type(value)} to type "
            "std::shared_ptr<nest::NodeCollection>"
        )
    value._check_alive()
    if len(value) != 1:
        raise errors.BadProperty("Property weight_recorder must be a single element NodeCollection")
    node: int = value.tolist()[0]
    if kernel.nodes.base_model(node) != "weight_recorder":
        raise errors.BadProperty("Property weight_recorder must be set to a node of type weight_recorder")
    return node


def model_delay(model: SynapseModel) -> int:
    """Return the default delay of a model in steps."""
    clock = kernel.clock
    return clock.default_delay_steps() if model.delay is None else clock.delay_steps(model.delay)


def read_receptors(value: object, spec: ConnSpec, n_pre: int, n_post: int) -> Integers:
    """Return the different receptors of connections, in ascending order."""
    receptors = read_value(RECEPTOR, value, spec, n_pre, n_post)
    if isinstance(receptors, Parameter):
        raise errors.NotInGifpop("Connect: receptors that are drawn are not available in gifpop.nest.")
    return np.unique(receptors).astype(np.int64) if np.size(receptors) else np.zeros(1, dtype=np.int64)


def read_value(
    parameter: ModelParameter, value: object, spec: ConnSpec, n_pre: int, n_post: int
) -> float | npt.NDArray[Any] | Parameter:
    """Check values of connections: a number, a `Parameter`, or an array of the shape that the rule needs."""
    name = parameter.name
    if isinstance(value, Parameter):
        return value
    if isinstance(value, (bool, np.bool_)):
        raise errors.BadProperty("Cannot handle parameter type. Received bool")
    if isinstance(value, str):
        raise errors.BadProperty("Cannot handle parameter type. Received std::string")
    if isinstance(value, dict):
        raise errors.BadProperty("Cannot handle parameter type. Received Dictionary")
    if not is_sequence(value):
        one: float = parameter.type.convert(name, value)
        parameter.check(one)
        return one
    refuse_masked(name, value)
    array: npt.NDArray[Any] = np.array(value, dtype=float)
    _check_shape(name, array, spec, n_pre, n_post)
    if isinstance(parameter.type, PlainLongType):
        array = parameter.type.whole(name, array)
    parameter.check(array)
    return array


def _check_shape(name: str, array: Floats, spec: ConnSpec, n_pre: int, n_post: int) -> None:
    vectors = {"one_to_one": n_pre, "fixed_total_number": spec.number}
    tables = {
        "all_to_all": ((n_post, n_pre), "n_target x n_sources"),
        "fixed_indegree": ((n_post, spec.number), "n_target x indegree"),
        "fixed_outdegree": ((n_pre, spec.number), "n_sources x outdegree"),
    }
    if array.ndim == 1:
        if spec.name not in vectors:
            raise TypeError(
                f"'{name}' has the wrong type. One-dimensional parameter arrays can only be used in conjunction with "
                "rule 'one_to_one' or 'fixed_total_number'."
            )
        n = vectors[spec.name]
        if len(array) != n:
            raise ValueError(f"'{name}' has to be an array of dimension {n}, a scalar or a dictionary.")
        return
    if spec.name not in tables:
        raise TypeError(
            f"'{name}' has the wrong type. Two-dimensional parameter arrays can only be used in conjunction with "
            "rules 'all_to_all', 'fixed_indegree' or fixed_outdegree'."
        )
    if spec.is_drawn:
        raise ValueError(f"'{name}' has to be a scalar or a dictionary where degrees are drawn.")
    shape, words = tables[spec.name]
    if array.shape != shape:
        raise ValueError(
            f"'{name}' has to be an array of dimension {shape[0]}x{shape[1]} ({words}), a scalar or a dictionary."
        )


def arranging(spec: ConnSpec, first: Integers, targets: Shorts) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Return a function that puts values given for each connection in the order of `rules.draw`.

    The values of a node are dealt to its connections at random if the connections have no order of their own. All that
    is given, weights and delays, is dealt alike: what stands at one place belongs to one connection.
    """

    def sources() -> Integers:
        return np.repeat(np.arange(len(first) - 1), np.diff(first))

    match spec.name:
        case "one_to_one":
            return lambda value: value[sources()]
        case "all_to_all":
            return lambda value: value[targets, sources()]
        case "fixed_total_number":
            order = cache(lambda: np.random.Generator(kernel.streams.take()).permutation(len(targets)))
        case "fixed_outdegree":
            order = cache(lambda: _dealt(sources()))
        case _:
            order = cache(lambda: _dealt(targets))
    return lambda value: value.ravel()[order()]


def _dealt(nodes: npt.NDArray[np.integer]) -> Integers:
    """Return for each connection the place of its values, of which each node, in ascending order, has a row."""
    tie_breaks = np.random.Generator(kernel.streams.take()).random(len(nodes))
    places = np.empty(len(nodes), dtype=np.int64)
    places[np.lexsort((tie_breaks, nodes))] = np.arange(len(nodes))
    return places


def delay_steps(model: SynapseModel, value: float | Floats | None) -> Lags:
    """Check delays (number or array, ms; None: the model's default) and convert them to steps."""
    if value is None:
        default = model_delay(model)
        kernel.delays.check(default, default_of=model.name)
        return default
    clock = kernel.clock
    steps = clock.delays_steps(value) if isinstance(value, np.ndarray) else clock.delay_steps(value)
    kernel.delays.check(steps)
    return steps
