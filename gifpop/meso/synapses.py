"""Short-term plasticity of the spikes of a population (docs/plasticity.md).

Cohorts carry two modes of each law, u - U and 1 - x, or the population has its means and covariance as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gifpop.meso import _meso

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, PlasticityForm, Structured
    from gifpop.engine.plasticity import LinkPlasticity

LEAST_KEPT = 1e-12  # of a mode over a step; less is nothing at the next spike


def laws_of(plasticities: Mapping[int, LinkPlasticity]) -> tuple[LinkPlasticity, ...]:
    """Return the different laws among those of connections, which are given by the numbers of these."""
    return tuple(dict.fromkeys(plasticities.values()))


def places_of_modes(laws: Sequence[LinkPlasticity]) -> list[tuple[int, int]]:
    """Return the places of u - U and of 1 - x of each law among the modes of all; -1: it is always 0."""
    places, n = [], 0
    for law in laws:
        here = []
        for kept in _kept(law):
            lasts = kept >= LEAST_KEPT
            here.append(n if lasts else -1)
            n += lasts
        places.append((here[0], here[1]))
    return places


def count_modes(laws: Sequence[LinkPlasticity]) -> int:
    """Return the number of modes of laws."""
    return sum(place >= 0 for places in places_of_modes(laws) for place in places)


def factors(laws: Sequence[LinkPlasticity]) -> Floats:
    """Return what is left of each mode after a step."""
    kept = [
        one
        for law, places in zip(laws, places_of_modes(laws), strict=True)
        for one, place in zip(_kept(law), places, strict=True)
        if place >= 0
    ]
    return np.array(kept, dtype=float)


def arrays_of(laws: Sequence[LinkPlasticity], first: int) -> Structured:
    """Return what the time loop reads of laws, whose modes begin with the mode ``first``."""
    arrays = np.zeros(len(laws), _meso.SYNAPSES)
    arrays["U"] = [law.U for law in laws]
    places = np.array(places_of_modes(laws)).reshape(-1, 2)
    arrays["use"], arrays["lack"] = np.where(places < 0, -1, first + places).T
    return arrays


def changes(
    old: Mapping[int, LinkPlasticity], old_units: Floats, new: Mapping[int, LinkPlasticity]
) -> tuple[Floats, Floats, Floats]:
    """Return how the modes of laws follow from earlier ones, for neurons whose u and x stay what they are.

    A law that was there stays; another one takes the state of the first connection that has it, or begins at rest.

    Returns
    -------
    change : float64 array, shape (new modes, old modes)
    shift : float64 array of length new modes
        What is added to their means.
    units : float64 array of length new modes
        Of their values.
    """
    laws, laws_before = laws_of(new), laws_of(old)
    places, places_before = places_of_modes(laws), places_of_modes(laws_before)
    change, shift = np.zeros((count_modes(laws), count_modes(laws_before))), np.zeros(count_modes(laws))
    units = np.ones(len(shift))
    for law, mine in zip(laws, places, strict=True):
        earlier = _earlier(law, old, new)
        if earlier is None:
            continue
        for place, before in zip(mine, places_before[laws_before.index(earlier)], strict=True):
            if place >= 0 and before >= 0:
                change[place, before], units[place] = 1.0, old_units[before]
        if mine[0] >= 0:
            shift[mine[0]] = (earlier.U - law.U) / units[mine[0]]
    return change, shift, units


def _earlier(
    law: LinkPlasticity, old: Mapping[int, LinkPlasticity], new: Mapping[int, LinkPlasticity]
) -> LinkPlasticity | None:
    """Return the law whose state another one continues; None: that of neurons at rest."""
    if law in old.values():
        return law
    return next((old[number] for number, one in new.items() if one == law and number in old), None)


def _kept(law: LinkPlasticity) -> tuple[float, float]:
    """Return what is left after a step of u - U and of 1 - x."""
    of_use = math.exp(-law.dt / law.tau_fac) if law.tau_fac > 0.0 else 0.0
    return of_use, math.exp(-law.dt / law.tau_rec)


def of_form(plasticities: Mapping[int, LinkPlasticity], form: PlasticityForm) -> dict[int, LinkPlasticity]:
    """Return those plasticities that a population has in this form."""
    return {number: law for number, law in plasticities.items() if law.population == form}


def mean_fields_at_rest(plasticities: Mapping[int, LinkPlasticity]) -> Structured | None:
    """Return the state of those that cohorts do not carry, of neurons that have not fired; None without any."""
    laws = laws_of(of_form(plasticities, "mean-field"))
    if not laws:
        return None
    state = np.zeros(len(laws), _meso.MEAN_FIELD)
    state["U"] = state["use"] = [law.U for law in laws]
    state["resources"] = 1.0
    state["use_kept"], state["lack_kept"] = np.transpose([_kept(law) for law in laws])
    return state


def continued_mean_fields(
    state: Structured | None, old: Mapping[int, LinkPlasticity], new: Mapping[int, LinkPlasticity]
) -> Structured | None:
    """Return the state of new plasticities, as `changes` does for those that cohorts carry."""
    changed = mean_fields_at_rest(new)
    old, new = of_form(old, "mean-field"), of_form(new, "mean-field")
    if state is None or changed is None:
        return changed
    for place, law in enumerate(laws_of(new)):
        earlier = _earlier(law, old, new)
        if earlier is not None:
            for name in ("use", "resources", "use_variance", "variance", "covariance"):
                changed[name][place] = state[name][laws_of(old).index(earlier)]
    return changed
