"""Units and names of the quantities in results, for exports and plots.

xarray's plots, pint and quantities know these units.
"""

from __future__ import annotations

from typing import NamedTuple


class Quantity(NamedTuple):
    """Unit, and the words for the quantity in titles and on axes."""

    unit: str
    meaning: str


CURRENT = "I_syn_"  # before the name of a receptor
VARIABLES = {  # that can be recorded, besides the currents of receptors that have names
    "V_m": Quantity("mV", "membrane potential"),
    "E_sfa": Quantity("mV", "threshold"),
    "I_stc": Quantity("pA", "spike-triggered current"),
    "I_syn_ex": Quantity("pA", "excitatory synaptic current"),
    "I_syn_in": Quantity("pA", "inhibitory synaptic current"),
}
QUANTITIES = VARIABLES | {
    "time": Quantity("ms", "time"),
    "counts": Quantity("1", "spikes per step"),
    "activity": Quantity("Hz", "population activity"),
    "rate": Quantity("Hz", "expected activity"),
}


def quantity(name: str) -> Quantity:
    """Return unit and meaning of what a result holds under a name."""
    if name not in QUANTITIES and name.startswith(CURRENT):
        return Quantity("pA", f"{name.removeprefix(CURRENT)} synaptic current")
    return QUANTITIES[name]
