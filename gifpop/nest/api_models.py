"""The functions of PyNEST for models: their defaults and copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.nest import errors
from gifpop.nest.forms import to_json
from gifpop.nest.kernel import BLOCKS, kernel
from gifpop.nest.models import FIRST_COPY, MODEL_IDS, TABLES, NodeModel
from gifpop.nest.nest_names import refuse_lacking
from gifpop.nest.nodes import new_defaults
from gifpop.nest.parameter import Parameter
from gifpop.nest.synapse_parameters import SynapseModel
from gifpop.nest.synapses import change_shared, new_synapse_defaults, synapse_defaults
from gifpop.nest.value_types import NODES, is_sequence

if TYPE_CHECKING:
    from gifpop.nest.nest_names import Kind
    from gifpop.nest.value_types import Values

ANY_MODEL: tuple[Kind, ...] = ("model of nodes", "synapse model")


def GetDefaults(model: str, keys: str | Iterable[str] | None = None, output: str = "") -> Any:
    """Return the values that new nodes or connections of a model have.

    Parameters
    ----------
    model : str
        Name of a model of nodes or connections, or of a copy.
    keys : str or list of str, optional
        Names of the values; all by default.
    output : {"", "json"}
        Form of the output; any other text is ignored, as in NEST.

    Returns
    -------
    dict, value or list of values
        A dict of all values, the value of one name, or a list. With "json" the same as text.

    Raises
    ------
    KeyError
        If the model has no value of this name.
    """
    found: Any = _defaults(model)
    if keys is not None:
        is_one = isinstance(keys, str) or not hasattr(keys, "__iter__")
        found = found[keys] if is_one else [found[key] for key in keys]
    return to_json(found) if output == "json" else found


def SetDefaults(model: str, params: str | Values, val: Any = None) -> None:
    """Set the values that new nodes or connections of a model have.

    Parameters
    ----------
    model : str
        Name of a model of nodes or connections, or of a copy.
    params : dict or str
        Values by name; or one name.
    val : object
        The value of the one name.

    Raises
    ------
    NESTError
        Of NEST's class, if a value or its type is wrong; then nothing changes.
    """
    if isinstance(params, str) and val is not None:
        params = {params: val}
    if not isinstance(params, dict):
        raise TypeError("params must be dictionary unless val is given.")
    changed: NodeModel | SynapseModel
    with kernel.changes.attempt():
        if model in kernel.models:
            changed = kernel.models[model]
            _refuse_several(params, {name for name, p in changed.parameters.items() if p.type.vector})
            values = new_defaults(BLOCKS[changed.base], changed, params, kernel.clock)
            defaults = changed.defaults
            rewires, changes = False, []
        else:
            changed = _known_synapse(model)
            _refuse_several(params, set())
            values, defaults = new_synapse_defaults(changed, params), vars(changed)
            changes = change_shared(changed, values)
            rewires = bool(changes) or "weight_recorder" in values
        with kernel.changes.commit("SetDefaults", rewires=rewires):
            defaults.update(values)
            for change in changes:
                change()
            kernel.defaults_changed = True


def _refuse_several(params: Values, vectors: set[str]) -> None:
    """Raise ValueError for values to be drawn, and for several of a parameter that is not among ``vectors``."""
    for name, value in params.items():
        if isinstance(value, (Parameter, dict)) or (is_sequence(value) and name not in vectors):
            raise ValueError("SetDefaults() accepts only explicit, single parameter values.")


def CopyModel(existing: str, new: str, params: Values | None = None) -> None:
    """Copy a model of nodes or connections under a new name, with defaults of its own.

    Parameters
    ----------
    existing, new : str
        Names of the existing model and of the copy.
    params : dict, optional
        Defaults of the copy that differ.

    Raises
    ------
    NESTError
        If there is no such model, the new name is taken, or a value or its type is wrong.
    """
    if not isinstance(new, str):
        raise TypeError(f"CopyModel: the new name must be a text, got {new!r}")
    if new in kernel.models or any(model.name == new for model in kernel.synapses):
        raise errors.NewModelNameExists(f"Model {new} is the name of an existing model and cannot be re-used.")
    params = {} if params is None else params
    with kernel.changes.attempt():
        synapse = next((model for model in kernel.synapses if model.name == existing), None)
        if synapse is not None:
            new_synapse = replace(synapse, name=new)
            vars(new_synapse).update(new_synapse_defaults(new_synapse, params))
            with kernel.changes.commit("CopyModel"):
                kernel.synapses.append(new_synapse)
                kernel.defaults_changed = True
            return
        if existing not in kernel.models:
            refuse_lacking(existing, ANY_MODEL, kernel.known_models())
            raise errors.UnknownModelName(f"{existing} is not a known model name. {kernel.known_models()}")
        model = kernel.models[existing]
        number = FIRST_COPY + len(kernel.models) - len(TABLES)
        copy = NodeModel(new, model.base, model.element_type, model.parameters, number, dict(model.defaults))
        copy.defaults.update(new_defaults(BLOCKS[copy.base], copy, params, kernel.clock))
        with kernel.changes.commit("CopyModel"):
            kernel.models[new] = copy
            kernel.defaults_changed = True


def _known_synapse(name: str) -> SynapseModel:
    for model in kernel.synapses:
        if model.name == name:
            return model
    refuse_lacking(name, ANY_MODEL, kernel.known_models())
    raise errors.UnknownComponent(f"{name} is not a known component. {kernel.known_models()}")


def _of_model(model: NodeModel) -> Values:
    """Return what NEST shows of a model besides the values of new nodes."""
    n = np.array([sum(block.n for block in kernel.nodes.blocks if block.model is model)])
    return {
        "available": np.array([0]),
        "capacity": n,
        "elementsize": MODEL_IDS[model.base][1],
        "instantiations": n.copy(),
        "thread": -1,
        "thread_local_id": -1,
        "type_id": model.base,
        "vp": -1,
    }


def _defaults(name: str) -> Values:
    if name in kernel.models:
        node_model = kernel.models[name]
        shown = BLOCKS[node_model.base](kernel.clock, node_model, 0, 1)
        hidden = {*(p.name for p in node_model.parameters.values() if p.type is NODES)}
        found = {key: shown.get(key, 0) for key in shown.names() if key not in hidden}
        return dict(sorted((found | _of_model(node_model)).items()))
    return synapse_defaults(_known_synapse(name))
