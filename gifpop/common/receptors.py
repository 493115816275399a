"""Receptors of neurons, in the order of every array that has an axis of receptors."""

from collections.abc import Sequence

RECEPTORS = ("ex", "in")  # of neurons that do not name theirs; the sign of a weight selects one of them


def name_currents(receptors: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the synaptic currents of receptors, such as ``I_syn_ex``."""
    return tuple(f"I_syn_{name}" for name in receptors)


def has_sign(receptors: Sequence[str]) -> bool:
    """Return whether the sign of a weight selects one of the receptors: the first two, then."""
    return tuple(receptors[: len(RECEPTORS)]) == RECEPTORS
