"""Models of synapses: tables of parameters with type, default, allowed values and NEST's message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gifpop.nest.models import ModelParameter, is_probability, not_negative, number
from gifpop.nest.value_types import DOUBLE, PLAIN_LONG

Adjustable: TypeAlias = Literal["weight", "delay", "synapse_label", "p_transmit"]

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
    receptor_type: int = 0
    weight_recorder: int = 0

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
    def reaches_one_receptor(self) -> bool:
        """Whether spikes only reach receptor 0, as with NEST's synapses that take the least memory."""
        return self.base.endswith("_hpc")

    @property
    def own(self) -> tuple[Adjustable, ...]:
        """Values that its connections have besides weight and delay."""
        return tuple(name for name in self.parameters if name not in SYNAPSE)
