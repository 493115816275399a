"""Whole neurons in the cohorts of a population, where who fires is drawn (docs/finite_size.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.common.membrane import underflows_to_zero
from gifpop.meso import _meso
from gifpop.meso.modes import lifts, pack, unpack

if TYPE_CHECKING:
    from gifpop.common.typing import Floats
    from gifpop.meso.modes import Carried
    from gifpop.meso.plan import PopulationPlan


@underflows_to_zero
def draw_members(plan: PopulationPlan, random: np.random.Generator) -> None:
    """Draw how many neurons are in each cohort, from the numbers that are expected, and the moments of so few."""
    expected = plan.survivors
    neurons = random.multinomial(int(plan.constants["N"][0]), expected / expected.sum()).astype(float)
    plan.set_survivors(neurons)
    if plan.carried is not None:
        for rows, hazards, members in _everybody(plan, neurons):
            before = rows[-1].copy()
            _sample_moments(plan.carried, rows, members, random)
            hazards *= np.exp(before - rows[-1])


def _everybody(plan: PopulationPlan, neurons: Floats) -> list[tuple[Floats, Floats, Floats]]:
    """Return moments with lifts, hazards, and numbers of neurons, of the free neurons, cells and cohorts; to change."""
    assert plan.carried is not None
    free, cells = 1, int(plan.state["cells"][0])
    found = [
        (plan.carried.free[:, np.newaxis], plan.state["hazard"], neurons[:free]),
        (plan.carried.cohorts[:, plan.in_use], plan.window["hazard"], neurons[free + cells :]),
    ]
    if plan.cells is not None and plan.carried.cells is not None:
        used = slice(_meso.PADDING, _meso.PADDING + cells)
        found.append((plan.carried.cells[:, used], plan.merged["hazard"], neurons[free : free + cells]))
    return found


def _sample_moments(carried: Carried, rows: Floats, members: Floats, random: np.random.Generator) -> None:
    """Replace the moments of a distribution by those of so many neurons drawn from it; write their lifts.

    Their mean is drawn; their covariance is what is expected of theirs.
    """
    D = carried.D
    means, covariances = unpack(rows[:-1], D)
    few = np.maximum(members, 1.0)
    roots = square_roots(np.moveaxis(covariances, 2, 0))
    means += np.einsum("ijk,ki->ji", roots, random.standard_normal((D, rows.shape[1]))) / np.sqrt(few)
    covariances *= (few - 1.0) / few
    rows[:-1] = pack(means, covariances)
    rows[-1] = lifts(carried, means, covariances, members)


def square_roots(matrices: Floats) -> Floats:
    """Return the symmetric square roots of matrices, shape (n, D, D); clip negative eigenvalues from rounding."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[:, np.newaxis]) @ np.swapaxes(vectors, 1, 2)
