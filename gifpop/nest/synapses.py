"""Synapses: models and their defaults; read weights and delays of a syn_spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gifpop.nest import errors
from gifpop.nest.kernel import kernel
from gifpop.nest.models import SYNAPSE
from gifpop.nest.parameter import Parameter
from gifpop.nest.value_types import LONG, is_sequence, refuse_masked

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Shorts
    from gifpop.nest.models import SynapseModel
    from gifpop.nest.projections import Adjustable, Lags
    from gifpop.nest.rules import ConnSpec
    from gifpop.nest.value_types import Values


def read_syn_spec(spec: str | Values | None) -> tuple[SynapseModel, Values]:
    """Return the synapse model of a syn_spec and its other values."""
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


def synapse_model(name: str) -> SynapseModel:
    """Return a synapse model by name."""
    for model in kernel.synapses:
        if model.name == name:
            return model
    raise errors.UnknownSynapseType(
        f"Synapse with name {name} does not exist. gifpop.nest has {', '.join(s.name for s in kernel.synapses)}."
    )


def synapse_defaults(model: SynapseModel) -> Values:
    """Return the values of new connections of a model, and the number of its connections."""
    return {
        "delay": kernel.clock.delay_ms(model_delay(model)),
        "element_type": "synapse",
        "has_delay": True,
        "num_connections": kernel.connections.count(kernel.synapses.index(model)),
        "receptor_type": model.receptor_type,
        "requires_symmetric": False,
        "synapse_model": model.name,
        "weight": model.weight,
    }


def new_synapse_defaults(model: SynapseModel, params: Values) -> Values:
    """Check values; return those that change the defaults of a model."""
    values: Values = {name: p.type.convert(name, params[name]) for name, p in SYNAPSE.items() if name in params}
    for name, parameter in SYNAPSE.items():
        if name in values:
            parameter.check(values[name])
    if "receptor_type" in params:
        values["receptor_type"] = LONG.convert("receptor_type", params["receptor_type"])
    if "delay" in values:
        steps = kernel.clock.delay_steps(values["delay"])
        kernel.delays.check(steps)
        values["delay"] = kernel.clock.delay_ms(steps)
    if params.keys() - values.keys():
        raise errors.unaccessed(params.keys() - values.keys(), "params", "ModelManager::set_synapse_defaults_")
    return values


def model_delay(model: SynapseModel) -> int:
    """Return the default delay of a model in steps."""
    clock = kernel.clock
    return clock.default_delay_steps() if model.delay is None else clock.delay_steps(model.delay)


def read_receptor(value: object) -> int:
    """Return a receptor, or one of several that is not 0, which no target has."""
    values = np.unique([LONG.convert("receptor_type", each) for each in (value if is_sequence(value) else [value])])
    return int(values[np.argmax(values != 0)])


def read_value(name: Adjustable, value: object, spec: ConnSpec, n_pre: int, n_post: int) -> float | Floats | Parameter:
    """Check a weight or delay: a number, a `Parameter`, or an array of the shape that the rule needs."""
    parameter = SYNAPSE[name]
    if isinstance(value, Parameter):
        return value
    if isinstance(value, (bool, np.bool_)):
        raise errors.BadProperty("Cannot handle parameter type. Received bool")
    if isinstance(value, str):
        raise errors.BadProperty("Cannot handle parameter type. Received std::string")
    if not is_sequence(value):
        one: float = parameter.type.convert(name, value)
        parameter.check(one)
        return one
    refuse_masked(name, value)
    array = np.array(value, dtype=float)
    _check_shape(name, array, spec, n_pre, n_post)
    parameter.check(array)
    return array


def _check_shape(name: Adjustable, array: Floats, spec: ConnSpec, n_pre: int, n_post: int) -> None:
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
    shape, words = tables[spec.name]
    if array.shape != shape:
        raise ValueError(
            f"'{name}' has to be an array of dimension {shape[0]}x{shape[1]} ({words}), a scalar or a dictionary."
        )


def values_of(value: npt.NDArray[Any], spec: ConnSpec, first: Integers, targets: Shorts) -> npt.NDArray[Any]:
    """Return weights or delays given for each connection, in the order of `rules.draw`.

    The values of a node are dealt to its connections at random if the connections have no order of their own.
    """
    sources = np.repeat(np.arange(len(first) - 1), np.diff(first))
    match spec.name:
        case "one_to_one":
            return value[sources]
        case "all_to_all":
            return value[targets, sources]
        case "fixed_outdegree":
            return _dealt(value, sources)
        case "fixed_total_number":
            return np.random.Generator(kernel.streams.take()).permutation(value)
        case _:
            return _dealt(value, targets)


def _dealt(rows: npt.NDArray[Any], nodes: npt.NDArray[np.integer]) -> npt.NDArray[Any]:
    """Deal each node's row of values to its connections at random."""
    tie_breaks = np.random.Generator(kernel.streams.take()).random(len(nodes))
    values = np.empty(len(nodes), rows.dtype)
    values[np.lexsort((tie_breaks, nodes))] = rows.ravel()
    return values


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
