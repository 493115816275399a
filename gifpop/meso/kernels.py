"""Kernels: the effect of a spike on the threshold and the potential, by its age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.common.membrane import underflows_to_zero

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Floats
    from gifpop.parameters import GIF


@underflows_to_zero
def threshold_kernel(cell: GIF, ages: npt.NDArray[np.floating]) -> Floats:
    """Return the effect of a spike on the threshold at given ages (array, ms), in mV."""
    theta = np.zeros(ages.shape)
    for tau, q in zip(cell.tau_sfa, cell.q_sfa, strict=True):
        theta += q * np.exp(-ages / tau)
    return theta


@underflows_to_zero
def current_kernel(cell: GIF, ages: npt.NDArray[np.floating]) -> Floats:
    """Return the largest effect of a spike on the potential through spike-triggered currents, in mV."""
    taken = np.zeros(ages.shape)
    for tau, q in zip(cell.tau_stc, cell.q_stc, strict=True):
        taken += abs(q) * cell.tau_m / cell.C_m * np.exp(-ages / tau)
    return taken
