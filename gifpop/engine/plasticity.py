"""Short-term plasticity of links: how spikes change what those that follow deliver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, PlasticityForm

# Entries of the record of a synapse (`Synapse` in `_network.pxd`).
RECORD = ("U", "tau_rec", "tau_fac", "tau_psc", "x", "y", "u", "last")
PARAMETERS = RECORD[:4]
NEVER = -2.0  # `last` of a synapse that had no spike; the step before the first one counts as a time


@dataclass(frozen=True)
class LinkPlasticity:
    """Resources that spikes release and that recover, and their use, which spikes facilitate (Tsodyks and Markram).

    A spike arrives with the weight of its link times u x, the use and the resources at its time; it leaves the
    resources x - u x and the use u + U (1 - u). All spikes of a source unit in a step follow each other at once.

    The state of one synapse for each source unit belongs to the engine, unless ``synapses`` hold it, or the source is a
    population, which knows what its spikes release.
    """

    dt: float  # a step, in the unit of the time constants
    U: float = 0.5  # the use after a long pause
    tau_rec: float = 800.0
    tau_fac: float = 0.0  # 0: u stays U
    tau_psc: float = 0.0  # of released resources, before they recover; 0: u falls to U, else to 0
    squared: bool = False  # the square of u x is delivered, for variances
    population: PlasticityForm | None = None  # the source is one, and has the state in this form
    whole: bool = False  # spikes arrive as they are: relays repeat them
    synapses: Floats | None = None  # records, shape (n, 8): one for each source unit, or
    places: Integers | None = None  # the one of each single connection

    @property
    def parameters(self) -> tuple[float, ...]:
        """The values of ``PARAMETERS`` that synapses of the engine share."""
        return self.U, self.tau_rec, self.tau_fac, self.tau_psc

    def of_population(self) -> LinkPlasticity:
        """Return the law that a population has the state of, as which the source is taken."""
        return replace(self, squared=False, population=self.population or "carried")

    def at_rest(self, units: int) -> Floats:
        """Return the records of source units that have not fired, shape (units, 8)."""
        records = np.empty((units, len(RECORD)))
        records[:] = [*self.parameters, 1.0, 0.0, self.U, NEVER]
        return records

    def continued(self, records: Floats) -> Floats:
        """Return records with the parameters of this plasticity: the same array if it has them."""
        if np.all(records[:, : len(PARAMETERS)] == self.parameters):
            return records
        changed = records.copy()
        changed[:, : len(PARAMETERS)] = self.parameters
        return changed


def start_records(records: Floats, use: Floats, resources: Floats) -> None:
    """Let synapses have this use and these resources, within [0, 1], in the step before the first one."""
    U, tau_fac = records[:, 0], records[:, 2]
    jumped = np.clip(use, U, 1.0)  # U + (1 - U) u, of the share u that the last spike released
    u = np.divide(jumped - U, 1.0 - U, out=np.zeros_like(U), where=(U < 1.0) & (tau_fac > 0.0))
    records[:, 4] = np.divide(np.clip(resources, 0.0, 1.0), 1.0 - u, out=np.zeros_like(u), where=u < 1.0)
    records[:, 6], records[:, 7] = u, -1.0


def release(records: Floats, step: int | Integers, dt: float) -> Floats:
    """Return what a spike of each synapse releases, and change the records, as the time loop does.

    ``step`` is the step of all spikes, or one for each.
    """
    U, tau_rec, tau_fac, tau_psc, x, y, u, last = records.T.copy()
    interval = dt * (step - last)
    kept = np.where(tau_fac > 0.0, np.exp(-interval / np.where(tau_fac > 0.0, tau_fac, 1.0)), 0.0)
    jumped = u * kept + U * (1.0 - u * kept)
    waits = tau_psc > 0.0
    with np.errstate(over="ignore"):
        a, b = (np.minimum(interval / tau, 1e300) for tau in (np.where(waits, tau_psc, 1.0), tau_rec))
    difference = np.where(a == b, 1.0, a - b)
    near = np.exp(-b) * np.where(a == b, 1.0, -np.expm1(-np.clip(difference, -1.0, 1.0)) / difference)
    gained = a * np.where(np.abs(difference) <= 1.0, near, (np.exp(-b) - np.exp(-a)) / difference)
    z = (1.0 - x - y) * np.exp(-b) + y * gained
    waiting = y * np.exp(-a)
    recovered = np.where(last >= -1.0, 1.0 + (x - x * u - 1.0) * np.exp(-b), x)
    x = np.where(waits, 1.0 - waiting - z, recovered)
    u = np.where(waits | (last >= -1.0), jumped, u)
    released = u * x
    records[:] = np.stack(
        [
            U,
            tau_rec,
            tau_fac,
            tau_psc,
            np.where(waits, x - released, x),
            np.where(waits, waiting + released, y),
            u,
            np.full(len(u), step),
        ],
        axis=1,
    )
    return released
