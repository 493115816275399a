"""Mesoscopic populations whose cohorts carry short-term plasticity, step by step (docs/plasticity.md)."""

import numpy as np

from tests.helpers.reference.carried import CarriedPopulation
from tests.helpers.reference.drawn import DrawnPopulation

SMALLEST_UNIT = 0.1  # of a mode; then its unit is 1 again


class Plastic:
    """What both forms of finite size have in common.

    Before the state of a neuron's adaptation stand, law by law, u - U (where ``tau_fac`` > 0) and 1 - x.

    Parameters
    ----------
    laws : sequence of gifpop.TsodyksMarkram
        Different ones.
    """

    laws = ()

    def carry(self, laws):
        """Let cohorts, which are at rest, carry the state of these laws."""
        self.laws, self.places, tau = list(laws), [], []
        for law in laws:
            use = len(tau) if law.tau_fac > 0.0 else None
            tau += [law.tau_fac] if law.tau_fac > 0.0 else []
            self.places.append((use, len(tau)))
            tau.append(law.tau_rec)
        P = len(tau)
        self.size += P
        flow = np.diag([*np.exp(-self.h / np.array(tau)), *np.zeros(len(self.flow))])
        flow[P:, P:] = self.flow
        self.flow, self.jump, self.slope = flow, np.pad(self.jump, (P, 0)), np.pad(self.slope, (P, 0))
        self.noise = {receptor: np.pad(effect, (P, 0)) for receptor, effect in self.noise.items()}
        for c in [self.free, self.fired, *self.cells, *self.cohorts]:
            c["x"], c["C"] = np.pad(c["x"], (P, 0)), np.pad(c["C"], (P, 0))
        return P

    def start(self, count, potential):
        """Add the cohort of those that have just fired; write what they release, u x and its square."""
        fired, self.released = self.fired, []
        for law, (use, lack) in zip(self.laws, getattr(self, "places", ()), strict=True):
            self.fired, mean, variance = spent(self.fired, law.U, use, lack)
            self.released.append((count * mean, count * (variance + mean**2)))
        super().start(count, potential)
        self.fired = fired


def spent(fired, U, use, lack):
    """Return the moments after the spike of neurons that fire, and mean and variance of u x, of one law."""
    x, C = fired["x"].copy(), fired["C"]
    u, p, c = (U, 0.0, 0.0) if use is None else (U + x[use], C[use, use], -C[use, lack])
    left, q = 1.0 - x[lack], C[lack, lack]
    mean = min(max(u * left + c, 0.0), 1.0)
    variance = left**2 * p + u**2 * q + 2.0 * u * left * c + p * q + c * c
    with_released = -u * C[lack] + (left * C[use] if use is not None else 0.0)
    after, jump = C.copy(), np.eye(len(x))
    after[lack] += with_released
    after[:, lack] += with_released
    after[lack, lack] += variance
    if use is not None:
        jump[use, use] = 1.0 - U
        x[use] = (1.0 - U) * (x[use] + U)
    x[lack] += mean
    return {"x": x, "C": jump @ after @ jump.T}, mean, variance


class PlasticCarriedPopulation(Plastic, CarriedPopulation):
    """With expected numbers of neurons in its cohorts."""

    def __init__(self, laws, *args, **options):
        super().__init__(*args, **options)
        self.carry(laws)


class PlasticDrawnPopulation(Plastic, DrawnPopulation):
    """Of whole neurons, a sample of whose members fires."""

    def __init__(self, laws, *args, **options):
        super().__init__(*args, **options)
        P, self.first = self.carry(laws), len(self.kept)
        self.kept = [*(P + d for d in self.kept), *range(P)]
        self.modes, self.units = np.pad(self.modes, (0, P)), np.ones(P)

    def expect(self, *args, **others):
        """Advance to the end of the step and draw who fires, in coordinates whose units decay with the modes."""
        self.units *= np.diag(self.flow)[: len(self.units)]
        self.units[self.units < SMALLEST_UNIT] = 1.0
        self.modes[self.first :, self.first :] = np.diag(1.0 / self.units)
        return super().expect(*args, **others)
