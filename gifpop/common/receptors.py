"""Receptors of neurons, in the order of every array that has an axis of receptors."""

RECEPTORS = ("ex", "in")  # those that have names; others follow by number


def name_currents(n: int) -> tuple[str, ...]:
    """Return the names of the synaptic currents of ``n`` receptors: ``I_syn_ex``, ``I_syn_in``, ``I_syn_2``, ..."""
    return tuple(f"I_syn_{RECEPTORS[r] if r < len(RECEPTORS) else r}" for r in range(n))


def receptor_of(variable: str) -> int | None:
    """Return the receptor whose synaptic current a variable is, or None."""
    head, _, receptor = variable.rpartition("_")
    if head != "I_syn":
        return None
    return RECEPTORS.index(receptor) if receptor in RECEPTORS else int(receptor)
