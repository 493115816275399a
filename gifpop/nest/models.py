"""The models: one table of parameters each, with type, default, rule and NEST's message for who breaks the rule."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.nest.errors import BadProperty
from gifpop.nest.kinds import BOOL, DOUBLE, DOUBLES, LONG, LONGS, STRING, STRINGS, Kind, Values

ElementType: TypeAlias = Literal["neuron", "stimulator", "recorder"]

FOREVER = np.finfo(float).max  # ms; what NEST shows for a device that never stops


def _finite(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.isfinite(x)))


def _positive(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.asarray(x) > 0)) and _finite(x)


def _not_negative(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.asarray(x) >= 0)) and _finite(x)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a model.

    Attributes
    ----------
    name : str
    kind : Kind
    default : object
    rule : callable or None
        Tells whether a value of the right type is allowed.
    message : str or None
        NEST's, for a value that is not; None: one that states the rule.
    settable : bool
        False: shows state, or is what the model is.
    """

    name: str
    kind: Kind[Any]
    default: object
    rule: Callable[[Any], bool] | None = None
    message: str | None = None
    settable: bool = True

    def check(self, value: object) -> None:
        """Raise BadProperty, without saying whose the value is, if it breaks the rule."""
        if self.rule is not None and not self.rule(value):
            raise BadProperty(self.message or f"{self.name} must be a finite number, got {value}.")


def number(name: str, default: float, rule: Callable[[Any], bool] = _finite, message: str | None = None) -> Parameter:
    return Parameter(name, DOUBLE, default, rule, message)


def shown(name: str, kind: Kind[Any], default: object) -> Parameter:
    return Parameter(name, kind, default, settable=False)


def only(name: str, kind: Kind[Any], neutral: object) -> Parameter:
    """Return a parameter of NEST that has no effect here, and may only be given its neutral value."""
    message = f"{name} can only be {neutral!r} in gifpop.nest, which has no other."
    return Parameter(name, kind, neutral, lambda x: x == neutral, message)


EVERY_NODE = (only("frozen", BOOL, False),)

DEVICE = (
    *EVERY_NODE,
    number("origin", 0.0),
    number("start", 0.0),
    Parameter("stop", DOUBLE, FOREVER, lambda x: not math.isnan(x)),
    Parameter("label", STRING, ""),
)

GENERATOR = (*DEVICE, only("stimulus_source", STRING, ""))

RECORDER = (
    *DEVICE,
    only("record_to", STRING, "memory"),
    Parameter("time_in_steps", BOOL, False),
    Parameter(
        "n_events",
        LONG,
        0,
        lambda n: n == 0,
        "Property n_events can only be set to 0 (which clears all stored events).",
    ),
)

METER = (
    *RECORDER,
    Parameter("interval", DOUBLE, 1.0),
    Parameter("offset", DOUBLE, 0.0),
)

POPULATION = (
    *EVERY_NODE,
    Parameter("N", LONG, 100, _positive, "Number of neurons must be positive."),
    number("C_m", 250.0, _positive, "Capacitance must be strictly positive."),
    number("tau_m", 20.0, _positive, "The membrane time constants must be strictly positive."),
    number("t_ref", 4.0, _not_negative, "Absolute refractory period cannot be negative."),
    number("lambda_0", 10.0, _not_negative, "lambda_0 must be positive."),
    number("Delta_V", 2.0, _positive, "Delta_V must be strictly positive."),
    Parameter("len_kernel", LONG, -1),
    number("I_e", 0.0),
    number("V_reset", 0.0),
    number("V_T_star", 15.0),
    number("E_L", 0.0),
    number("tau_syn_ex", 3.0, _positive, "The synaptic time constants must be strictly positive."),
    number("tau_syn_in", 6.0, _positive, "The synaptic time constants must be strictly positive."),
    Parameter("BinoRand", BOOL, True),
    Parameter("tau_sfa", DOUBLES, np.array([300.0]), _positive, "All time constants must be strictly positive."),
    Parameter("q_sfa", DOUBLES, np.array([0.5]), _finite),
    number("V_m", 0.0),
    number("I_syn_ex", 0.0),
    number("I_syn_in", 0.0),
    shown("mean", DOUBLE, 0.0),
    shown("n_events", LONG, 0),
    shown("E_sfa", DOUBLE, 0.0),
)

ADAPTATION = "All time constants must be strictly positive."
SYNAPTIC = "Synapse time constants must be strictly positive."

NEURON = (
    *EVERY_NODE,
    number("g_L", 4.0, _positive, "Membrane conductance must be strictly positive."),
    number("Delta_V", 0.5, _positive, "Delta_V must be strictly positive."),
    number("C_m", 80.0, _positive, "Capacitance must be strictly positive."),
    number("t_ref", 4.0, _not_negative, "Refractory time must not be negative."),
    number("lambda_0", 1.0, _not_negative, "lambda_0 must not be negative."),
    Parameter("tau_sfa", DOUBLES, np.array([]), _positive, ADAPTATION),
    Parameter("q_sfa", DOUBLES, np.array([]), _finite),
    Parameter("tau_stc", DOUBLES, np.array([]), _positive, ADAPTATION),
    Parameter("q_stc", DOUBLES, np.array([]), _finite),
    number("tau_syn_ex", 2.0, _positive, SYNAPTIC),
    number("tau_syn_in", 2.0, _positive, SYNAPTIC),
    number("E_L", -70.0),
    number("V_reset", -55.0),
    number("V_T_star", -35.0),
    number("I_e", 0.0),
    number("V_m", -70.0),
    shown("E_sfa", DOUBLE, 0.0),
    shown("I_stc", DOUBLE, 0.0),
    shown("t_spike", DOUBLE, -1.0),
)

TABLES: dict[str, tuple[ElementType, tuple[Parameter, ...]]] = {
    "gif_pop_psc_exp": ("neuron", POPULATION),
    "gif_psc_exp": ("neuron", NEURON),
    "dc_generator": ("stimulator", (*GENERATOR, number("amplitude", 0.0))),
    "step_current_generator": (
        "stimulator",
        (
            *GENERATOR,
            Parameter("amplitude_times", DOUBLES, np.array([])),
            Parameter("amplitude_values", DOUBLES, np.array([]), _finite),
            Parameter("allow_offgrid_times", BOOL, False),
        ),
    ),
    "poisson_generator": (
        "stimulator",
        (*GENERATOR, number("rate", 0.0, _not_negative, "The rate cannot be negative.")),
    ),
    "spike_generator": (
        "stimulator",
        (
            *GENERATOR,
            Parameter("spike_times", DOUBLES, np.array([])),
            Parameter("spike_weights", DOUBLES, np.array([]), _finite),
            Parameter(
                "spike_multiplicities",
                LONGS,
                np.array([], dtype=np.int64),
                _not_negative,
                "spike_multiplicities must not be negative.",
            ),
            Parameter("allow_offgrid_times", BOOL, False),
            only("precise_times", BOOL, False),
            only("shift_now_spikes", BOOL, False),
        ),
    ),
    "multimeter": ("recorder", (*METER, Parameter("record_from", STRINGS, []))),
    "voltmeter": ("recorder", (*METER, Parameter("record_from", STRINGS, ["V_m"]))),
    "spike_recorder": ("recorder", RECORDER),
}

SYNAPSE: dict[Literal["weight", "delay"], Parameter] = {
    "weight": number("weight", 1.0),
    "delay": Parameter("delay", DOUBLE, 1.0),
}


@dataclass
class NodeModel:
    """A model of nodes, or a copy of one under a name of its own.

    Attributes
    ----------
    name : str
    base : str
        The model that it is or was copied from; decides how it behaves.
    element_type : str
        "neuron", "stimulator" or "recorder".
    parameters : dict of str to Parameter
    defaults : dict of str to object
        What a new node has; those that are not given are the parameters' own.
    """

    name: str
    base: str
    element_type: ElementType
    parameters: dict[str, Parameter]
    defaults: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.defaults = {name: p.default for name, p in self.parameters.items()} | self.defaults


@dataclass
class SynapseModel:
    """A static synapse, or a copy of it with defaults of its own.

    ``delay`` is in ms, or None for the 1 ms that every model has, rounded up to whole steps.
    """

    name: str
    weight: float = 1.0
    delay: float | None = None
    receptor_type: int = 0


def node_models() -> dict[str, NodeModel]:
    """Return all models of nodes as they are after a reset, by name."""
    return {
        name: NodeModel(name, name, element_type, {p.name: p for p in parameters})
        for name, (element_type, parameters) in TABLES.items()
    }
