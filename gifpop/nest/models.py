"""Models of nodes: tables of parameters with type, default, allowed values and NEST's message."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.nest.backends import MOST_DIGITS
from gifpop.nest.errors import BadProperty
from gifpop.nest.value_types import (
    BOOL,
    DOUBLE,
    DOUBLES,
    LONG,
    LONGS,
    NODES,
    STRING,
    STRINGS,
    Values,
    ValueType,
)

ElementType: TypeAlias = Literal["neuron", "stimulator", "recorder"]

FOREVER = np.finfo(float).max  # ms; ``stop`` of a device that never stops, as NEST shows it


def _finite(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.isfinite(x)))


def _below_infinity(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.asarray(x) > -np.inf))


def positive(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.asarray(x) > 0)) and _finite(x)


def _flushes(x: npt.ArrayLike) -> bool:
    return not np.any(np.asarray(x) <= 0)  # as NEST, which takes nan


def _not_zero(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.asarray(x) > 0))


def not_negative(x: npt.ArrayLike) -> bool:
    return bool(np.all(np.asarray(x) >= 0)) and _finite(x)


def is_probability(x: npt.ArrayLike) -> bool:
    return bool(np.all((np.asarray(x) >= 0) & (np.asarray(x) <= 1)))


@dataclass(frozen=True)
class ModelParameter:
    """A parameter of a model.

    Attributes
    ----------
    name : str
    type : ValueType
    default : object
    allows : callable or None
        Returns whether a value of the right type is allowed; None: all are.
    message : str or None
        NEST's message for a value that is not allowed; None: that it must be finite.
    settable : bool
        Whether users can set it.
    """

    name: str
    type: ValueType[Any]
    default: object
    allows: Callable[[Any], bool] | None = None
    message: str | None = None
    settable: bool = True

    def check(self, value: object) -> None:
        """Raise BadProperty if a value is not allowed; the message does not name the node."""
        if self.allows is not None and not self.allows(value):
            raise BadProperty(self.message or f"{self.name} must be a finite number, got {value}.")


def number(
    name: str, default: float, allows: Callable[[Any], bool] = _finite, message: str | None = None
) -> ModelParameter:
    return ModelParameter(name, DOUBLE, default, allows, message)


def shown(name: str, type: ValueType[Any], default: object) -> ModelParameter:
    return ModelParameter(name, type, default, settable=False)


def only(name: str, type: ValueType[Any], neutral: object) -> ModelParameter:
    """Return a parameter that has no effect here; only its neutral value is allowed."""
    message = f"{name} can only be {neutral!r} in gifpop.nest, which has no other."
    return ModelParameter(name, type, neutral, lambda x: x == neutral, message)


EVERY_NODE = (ModelParameter("frozen", BOOL, False),)

WINDOW = (
    *EVERY_NODE,
    number("origin", 0.0),
    number("start", 0.0),
    ModelParameter("stop", DOUBLE, FOREVER, lambda x: not math.isnan(x)),
)

DEVICE = (*WINDOW, ModelParameter("label", STRING, ""))

GENERATOR = (*DEVICE, only("stimulus_source", STRING, ""))

RECORDER = (
    *DEVICE,
    ModelParameter("record_to", STRING, "memory"),
    ModelParameter("file_extension", STRING, "dat"),
    ModelParameter(
        "precision",
        LONG,
        3,
        lambda digits: digits <= MOST_DIGITS,
        f"precision must be at most {MOST_DIGITS}.",
    ),
    ModelParameter("time_in_steps", BOOL, False),
    ModelParameter(
        "n_events",
        LONG,
        0,
        lambda n: n == 0,
        "Property n_events can only be set to 0 (which clears all stored events).",
    ),
)

METER = (
    *RECORDER,
    ModelParameter("interval", DOUBLE, 1.0),
    ModelParameter("offset", DOUBLE, 0.0),
)

POPULATION = (
    *EVERY_NODE,
    ModelParameter("N", LONG, 100, positive, "Number of neurons must be positive."),
    number("C_m", 250.0, positive, "Capacitance must be strictly positive."),
    number("tau_m", 20.0, positive, "The membrane time constants must be strictly positive."),
    number("t_ref", 4.0, not_negative, "Absolute refractory period cannot be negative."),
    number("lambda_0", 10.0, not_negative, "lambda_0 must be positive."),
    number("Delta_V", 2.0, positive, "Delta_V must be strictly positive."),
    ModelParameter("len_kernel", LONG, -1),
    number("I_e", 0.0),
    number("V_reset", 0.0),
    number("V_T_star", 15.0, _below_infinity),
    number("E_L", 0.0),
    number("tau_syn_ex", 3.0, positive, "The synaptic time constants must be strictly positive."),
    number("tau_syn_in", 6.0, positive, "The synaptic time constants must be strictly positive."),
    ModelParameter("BinoRand", BOOL, True),
    ModelParameter("tau_sfa", DOUBLES, np.array([300.0]), positive, "All time constants must be strictly positive."),
    ModelParameter("q_sfa", DOUBLES, np.array([0.5]), _finite),
    number("V_m", 0.0),
    number("I_syn_ex", 0.0),
    number("I_syn_in", 0.0),
    shown("mean", DOUBLE, 0.0),
    shown("n_events", LONG, 0),
    shown("E_sfa", DOUBLE, 0.0),
)

ADAPTATION = "All time constants must be strictly positive."
SYNAPTIC = "Synapse time constants must be strictly positive."


def _neuron(*receptors: ModelParameter) -> tuple[ModelParameter, ...]:
    """Return the parameters of neurons, with those of their receptors at their place."""
    return (
        *EVERY_NODE,
        number("g_L", 4.0, positive, "Membrane conductance must be strictly positive."),
        number("Delta_V", 0.5, positive, "Delta_V must be strictly positive."),
        number("C_m", 80.0, positive, "Capacitance must be strictly positive."),
        number("t_ref", 4.0, not_negative, "Refractory time must not be negative."),
        number("lambda_0", 1.0, not_negative, "lambda_0 must not be negative."),
        ModelParameter("tau_sfa", DOUBLES, np.array([]), positive, ADAPTATION),
        ModelParameter("q_sfa", DOUBLES, np.array([]), _finite),
        ModelParameter("tau_stc", DOUBLES, np.array([]), positive, ADAPTATION),
        ModelParameter("q_stc", DOUBLES, np.array([]), _finite),
        *receptors,
        number("E_L", -70.0),
        number("V_reset", -55.0),
        number("V_T_star", -35.0, _below_infinity),
        number("I_e", 0.0),
        number("V_m", -70.0),
        shown("E_sfa", DOUBLE, 0.0),
        shown("I_stc", DOUBLE, 0.0),
        shown("t_spike", DOUBLE, -1.0),
        ModelParameter("ignore_and_spike", BOOL, False),
        number("ignore_and_spike_interval", 100.0, _not_zero, "ignore_and_spike_interval > 0 required."),
        number("ignore_and_spike_offset", 1.0, _not_zero, "ignore_and_spike_offset > 0 required."),
    )


TWO_RECEPTORS = (number("tau_syn_ex", 2.0, positive, SYNAPTIC), number("tau_syn_in", 2.0, positive, SYNAPTIC))
ANY_RECEPTORS = (
    ModelParameter("tau_syn", DOUBLES, np.array([2.0]), positive, "All synaptic time constants must be > 0."),
    shown("n_receptors", LONG, 1),
    shown("has_connections", BOOL, False),
)

SINE = (number("frequency", 0.0), number("phase", 0.0))
OSCILLATION = (*SINE, shown("y_0", DOUBLE, 0.0), shown("y_1", DOUBLE, 0.0))

PROCESSES = ModelParameter(
    "n_proc", LONG, 1, lambda n: n >= 1, "The number of component processes cannot be smaller than one"
)

SPIKES = (
    ModelParameter("spike_times", DOUBLES, np.array([])),
    ModelParameter(
        "spike_multiplicities",
        LONGS,
        np.array([], dtype=np.int64),
        not_negative,
        "spike_multiplicities must not be negative.",
    ),
    ModelParameter("allow_offgrid_times", BOOL, False),
    ModelParameter("precise_times", BOOL, False),
    ModelParameter("shift_now_spikes", BOOL, False),
)

TABLES: dict[str, tuple[ElementType, tuple[ModelParameter, ...]]] = {
    "gif_pop_psc_exp": ("neuron", POPULATION),
    "gif_psc_exp": ("neuron", _neuron(*TWO_RECEPTORS)),
    "gif_psc_exp_multisynapse": ("neuron", _neuron(*ANY_RECEPTORS)),
    "dc_generator": ("stimulator", (*GENERATOR, number("amplitude", 0.0))),
    "step_current_generator": (
        "stimulator",
        (
            *GENERATOR,
            ModelParameter("amplitude_times", DOUBLES, np.array([])),
            ModelParameter("amplitude_values", DOUBLES, np.array([]), _finite),
            ModelParameter("allow_offgrid_times", BOOL, False),
        ),
    ),
    "ac_generator": (
        "stimulator",
        (
            *GENERATOR,
            number("amplitude", 0.0),
            number("offset", 0.0),
            *OSCILLATION,
        ),
    ),
    "noise_generator": (
        "stimulator",
        (
            *GENERATOR,
            number("mean", 0.0),
            number("std", 0.0, not_negative, "The standard deviation cannot be negative."),
            number("std_mod", 0.0, not_negative, "The standard deviation cannot be negative."),
            number("dt", 1.0),
            *OSCILLATION,
        ),
    ),
    "poisson_generator": (
        "stimulator",
        (*GENERATOR, number("rate", 0.0, not_negative, "The rate cannot be negative.")),
    ),
    "inhomogeneous_poisson_generator": (
        "stimulator",
        (
            *GENERATOR,
            ModelParameter("rate_times", DOUBLES, np.array([])),
            ModelParameter("rate_values", DOUBLES, np.array([]), _finite),
            ModelParameter("allow_offgrid_times", BOOL, False),
        ),
    ),
    "sinusoidal_poisson_generator": (
        "stimulator",
        (
            *GENERATOR,
            number("rate", 0.0),
            number("amplitude", 0.0),
            ModelParameter("individual_spike_trains", BOOL, True),
            *OSCILLATION,
        ),
    ),
    "sinusoidal_gamma_generator": (
        "stimulator",
        (
            *GENERATOR,
            number("rate", 0.0),
            number("amplitude", 0.0),
            *SINE,
            number("order", 1.0, lambda x: _finite(x) and x >= 1, "The gamma order must be at least 1."),
            ModelParameter("individual_spike_trains", BOOL, True),
        ),
    ),
    "poisson_generator_ps": (
        "stimulator",
        (
            *GENERATOR,
            number("rate", 0.0, not_negative, "The rate cannot be negative."),
            number("dead_time", 0.0, not_negative, "The dead time cannot be negative."),
        ),
    ),
    "gamma_sup_generator": (
        "stimulator",
        (
            *GENERATOR,
            number("rate", 0.0, not_negative, "The rate must be larger than 0."),
            ModelParameter("gamma_shape", LONG, 1, lambda n: n >= 1, "The shape must be larger or equal 1"),
            PROCESSES,
        ),
    ),
    "ppd_sup_generator": (
        "stimulator",
        (
            *GENERATOR,
            number("rate", 0.0),
            number("dead_time", 0.0, not_negative, "The dead time cannot be negative."),
            number("frequency", 0.0),
            number(
                "relative_amplitude",
                0.0,
                lambda x: 0 <= x <= 1,
                "The relative amplitude of the rate modulation must be in [0,1].",
            ),
            PROCESSES,
        ),
    ),
    "mip_generator": (
        "stimulator",
        (
            *GENERATOR,
            number("rate", 0.0, not_negative, "Rate must be non-negative."),
            number("p_copy", 1.0, lambda x: 0 <= x <= 1, "Copy probability must be in [0, 1]."),
        ),
    ),
    "pulsepacket_generator": (
        "stimulator",
        (
            *GENERATOR,
            ModelParameter("pulse_times", DOUBLES, np.array([]), _finite),
            ModelParameter("activity", LONG, 0, lambda n: n >= 0, "The activity cannot be negative."),
            number("sdev", 0.0, not_negative, "The standard deviation cannot be negative."),
        ),
    ),
    "spike_generator": (
        "stimulator",
        (*GENERATOR, *SPIKES, ModelParameter("spike_weights", DOUBLES, np.array([]), _finite)),
    ),
    "spike_train_injector": ("neuron", (*WINDOW, *SPIKES)),
    "parrot_neuron": (
        "neuron",
        (
            *EVERY_NODE,
            # tells plastic synapses of silence; without effect here
            number("flush_event_send_interval", np.inf, _flushes, "flush_event_send_interval > 0 required."),
        ),
    ),
    "spike_dilutor": (
        "stimulator",
        (*GENERATOR, number("p_copy", 1.0, is_probability, "Copy probability must be in [0, 1].")),
    ),
    "multimeter": ("recorder", (*METER, ModelParameter("record_from", STRINGS, []))),
    "voltmeter": ("recorder", (*METER, ModelParameter("record_from", STRINGS, ["V_m"]))),
    "spike_recorder": ("recorder", RECORDER),
    "weight_recorder": (
        "recorder",
        (
            *RECORDER,
            ModelParameter("senders", NODES, np.zeros(0, dtype=np.int64)),
            ModelParameter("targets", NODES, np.zeros(0, dtype=np.int64)),
        ),
    ),
}

MODEL_IDS: dict[str, tuple[int, int]] = {  # NEST's ``model_id`` and ``elementsize``
    "ac_generator": (0, 328),
    "dc_generator": (1, 256),
    "gamma_sup_generator": (2, 288),
    "gif_pop_psc_exp": (75, 1032),
    "gif_psc_exp": (49, 912),
    "gif_psc_exp_multisynapse": (50, 928),
    "inhomogeneous_poisson_generator": (5, 392),
    "mip_generator": (3, 328),
    "multimeter": (99, 256),
    "noise_generator": (4, 440),
    "parrot_neuron": (68, 456),
    "poisson_generator": (6, 320),
    "poisson_generator_ps": (7, 288),
    "ppd_sup_generator": (8, 320),
    "pulsepacket_generator": (9, 392),
    "sinusoidal_gamma_generator": (14, 440),
    "sinusoidal_poisson_generator": (10, 432),
    "spike_dilutor": (104, 360),
    "spike_generator": (11, 320),
    "spike_recorder": (101, 208),
    "spike_train_injector": (79, 248),
    "step_current_generator": (12, 320),
    "voltmeter": (100, 256),
    "weight_recorder": (103, 240),
}
FIRST_COPY = 106  # ``model_id``


@dataclass
class NodeModel:
    """A model of nodes, or a copy with its own name.

    Attributes
    ----------
    name : str
    base : str
        Name of the built-in model that it is or is copied from.
    element_type : str
        "neuron", "stimulator" or "recorder".
    parameters : dict of str to ModelParameter
    number : int
        NEST's ``model_id``.
    defaults : dict of str to object
        Values of a new node; those that are not given are the defaults of the parameters.
    """

    name: str
    base: str
    element_type: ElementType
    parameters: dict[str, ModelParameter]
    number: int
    defaults: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.defaults = {name: p.default for name, p in self.parameters.items()} | self.defaults


def node_models() -> dict[str, NodeModel]:
    """Return the built-in models of nodes by name."""
    return {
        name: NodeModel(name, name, element_type, {p.name: p for p in parameters}, MODEL_IDS[name][0])
        for name, (element_type, parameters) in TABLES.items()
    }
