"""Models of synapses: tables of parameters with type, default, allowed values and NEST's message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from gifpop.nest.errors import BadProperty
from gifpop.nest.models import ModelParameter, is_probability, not_negative, number, positive
from gifpop.nest.value_types import DOUBLE, PLAIN_LONG

Adjustable: TypeAlias = Literal[
    "weight", "delay", "synapse_label", "p_transmit", "U", "tau_rec", "tau_fac", "tau_psc", "x", "y", "u"
]

SYNAPSE: dict[Adjustable, ModelParameter] = {
    "weight": number("weight", 1.0),
    "delay": ModelParameter("delay", DOUBLE, 1.0),
}
LABEL: dict[Adjustable, ModelParameter] = {
    "synapse_label": ModelParameter(
        "synapse_label", PLAIN_LONG, -1, not_negative, "Connection label must not be negative."
    )
}
TRANSMISSION: dict[Adjustable, ModelParameter] = {
    "p_transmit": number("p_transmit", 1.0, is_probability, "Spike transmission probability must be in [0, 1].")
}
PLASTICITY: dict[Adjustable, ModelParameter] = {
    "U": number("U", 0.5, is_probability, "'U' must be in [0,1]."),
    "tau_fac": number("tau_fac", 0.0, not_negative, "'tau_fac' must be >= 0."),
    "tau_rec": number("tau_rec", 800.0, positive, "'tau_rec' must be > 0."),
    "u": number("u", 0.5, is_probability, "'u' must be in [0,1]."),
    "x": number("x", 1.0),
}
IN_THREE_STATES: dict[Adjustable, ModelParameter] = {
    "U": PLASTICITY["U"],
    "tau_fac": PLASTICITY["tau_fac"],
    "tau_psc": number("tau_psc", 3.0, positive, "'tau_psc' must be > 0."),
    "tau_rec": PLASTICITY["tau_rec"],
    "u": number("u", 0.0, is_probability, "'u' must be in [0,1]."),
    "x": PLASTICITY["x"],
    "y": number("y", 0.0),
}
SYNAPSES: dict[str, dict[Adjustable, ModelParameter]] = {  # in the order of NEST's numbers
    "bernoulli_synapse": SYNAPSE | TRANSMISSION,
    "bernoulli_synapse_hpc": SYNAPSE | TRANSMISSION,
    "bernoulli_synapse_lbl": SYNAPSE | TRANSMISSION | LABEL,
    "static_synapse": SYNAPSE,
    "static_synapse_hpc": SYNAPSE,
    "static_synapse_lbl": SYNAPSE | LABEL,
    "static_synapse_hom_w": SYNAPSE,
    "static_synapse_hom_w_hpc": SYNAPSE,
    "static_synapse_hom_w_lbl": SYNAPSE | LABEL,
    "tsodyks2_synapse": SYNAPSE | PLASTICITY,
    "tsodyks2_synapse_hpc": SYNAPSE | PLASTICITY,
    "tsodyks2_synapse_lbl": SYNAPSE | PLASTICITY | LABEL,
    "tsodyks_synapse": SYNAPSE | IN_THREE_STATES,
    "tsodyks_synapse_hpc": SYNAPSE | IN_THREE_STATES,
    "tsodyks_synapse_lbl": SYNAPSE | IN_THREE_STATES | LABEL,
}

SYNAPSE_IDS: dict[str, tuple[int, int]] = {  # NEST's ``synapse_modelid`` and ``sizeof``
    "bernoulli_synapse": (0, 40),
    "bernoulli_synapse_hpc": (1, 24),
    "bernoulli_synapse_lbl": (2, 48),
    "static_synapse": (29, 32),
    "static_synapse_hom_w": (32, 24),
    "static_synapse_hom_w_hpc": (33, 8),
    "static_synapse_hom_w_lbl": (34, 32),
    "static_synapse_hpc": (30, 16),
    "static_synapse_lbl": (31, 40),
    "tsodyks2_synapse": (62, 80),
    "tsodyks2_synapse_hpc": (63, 64),
    "tsodyks2_synapse_lbl": (64, 88),
    "tsodyks_synapse": (65, 96),
    "tsodyks_synapse_hpc": (66, 80),
    "tsodyks_synapse_lbl": (67, 104),
}
FIRST_COPY_OF_SYNAPSE = 77  # ``synapse_modelid``
OF_MODEL: dict[str, tuple[Adjustable, ...]] = {  # what all connections of a model share
    "static_synapse_hom_w": ("weight",),
    "static_synapse_hom_w_hpc": ("weight",),
    "static_synapse_hom_w_lbl": ("weight",),
}


@dataclass
class SynapseModel:
    """A model of synapses, or a copy with its own defaults.

    Attributes
    ----------
    name : str
    base : str
        Name of the built-in model that it is or is copied from.
    weight : float, pA
    delay : float or None, ms
        None is 1 ms rounded up to whole steps.
    synapse_label : int
        Label of new connections, if the model has labels.
    p_transmit : float
        Probability that a spike is transmitted, if the model has it.
    U, tau_rec, tau_fac, tau_psc, x, y, u : float
        Parameters (time constants in ms) and initial state of synapses that their spikes change.
    receptor_type : int
    weight_recorder : int
        Node that records the spikes of its connections; 0: none.
    """

    name: str
    base: str
    weight: float = 1.0
    delay: float | None = None
    synapse_label: int = -1
    p_transmit: float = 1.0
    U: float = 0.5
    tau_rec: float = 800.0
    tau_fac: float = 0.0
    tau_psc: float = 3.0
    x: float = 1.0
    y: float = 0.0
    u: float = 0.0
    receptor_type: int = 0
    weight_recorder: int = 0

    @classmethod
    def built_in(cls, name: str) -> SynapseModel:
        """Return a model of NEST with its defaults."""
        values: dict[str, Any] = {parameter.name: parameter.default for parameter in SYNAPSES[name].values()}
        return cls(name, name, **values | {"delay": None})

    @property
    def parameters(self) -> dict[Adjustable, ModelParameter]:
        """Values that its connections have, or share."""
        return SYNAPSES[self.base]

    @property
    def shared(self) -> tuple[Adjustable, ...]:
        """Values that all its connections share, which are set by the model."""
        return OF_MODEL.get(self.base, ())

    @property
    def thins(self) -> bool:
        """Whether spikes can be lost."""
        return "p_transmit" in self.parameters

    @property
    def is_of_neurons(self) -> bool:
        """Whether devices cannot send spikes through it."""
        return self.thins or self.is_plastic

    @property
    def is_plastic(self) -> bool:
        """Whether spikes change what later ones bring."""
        return "U" in self.parameters

    def check_together(self, values: Mapping[Any, Any]) -> None:
        """Raise BadProperty if values, numbers or arrays, do not go together."""
        if "y" in self.parameters and not np.all(np.add(values.get("x", self.x), values.get("y", self.y)) <= 1.0):
            raise BadProperty("x + y must be <= 1.0.")

    @property
    def reaches_one_receptor(self) -> bool:
        """Whether spikes only reach receptor 0, as with NEST's synapses that take the least memory."""
        return self.base.endswith("_hpc")

    @property
    def own(self) -> tuple[Adjustable, ...]:
        """Values that its connections have besides weight and delay."""
        return tuple(name for name in self.parameters if name not in SYNAPSE)
