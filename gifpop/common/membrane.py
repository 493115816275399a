"""The membrane over one step: the effect of currents on a potential, and its hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gifpop.common.typing import Floats

LOG_OF_NO_HAZARD = -1e6  # far below what any potential makes up for
underflows_to_zero = np.errstate(under="ignore")  # decorates what makes plans, whatever numpy.seterr says


@dataclass(frozen=True)
class Propagators:
    """Factors of a step from t to t + h: V <- V leak + constant_drive + current_gain I + sum of carry I_syn.

    Numbers, or arrays with one entry a neuron; `carry` and `decay` hold one for each receptor.
    """

    leak: Floats  # exp(-h/tau_m)
    current_gain: Floats  # mV per pA of external current
    constant_drive: Floats  # what I_e and the leak towards E_L add to a potential, mV
    carry: list[Floats]  # mV per pA of synaptic current at the start of the step
    decay: list[Floats]  # exp(-h/tau_syn)


@underflows_to_zero
def propagators(
    dt: float,
    C_m: float | Floats,
    tau_m: float | Floats,
    E_L: float | Floats,
    I_e: float | Floats,
    tau_syn: Sequence[float | Floats],
) -> Propagators:
    """Return the propagators of neurons from their parameters in ms, pF, mV and pA: numbers or arrays."""
    C_m, tau_m = np.asarray(C_m, dtype=float), np.asarray(tau_m, dtype=float)
    tau_syn = [np.asarray(tau, dtype=float) for tau in tau_syn]
    lost, gain = -np.expm1(-dt / tau_m), current_gain(C_m, tau_m, dt)
    return Propagators(
        leak=np.exp(-dt / tau_m),
        current_gain=gain,
        constant_drive=I_e * gain + E_L * lost,
        carry=[synaptic_carry(tau, tau_m, dt) / C_m for tau in tau_syn],
        decay=[np.exp(-dt / tau) for tau in tau_syn],
    )


def current_gain(C_m: float | Floats, tau_m: float | Floats, dt: float) -> Floats:
    """Return what a current of 1 pA adds to a potential in a step, mV."""
    return np.asarray(tau_m / C_m * -np.expm1(-dt / tau_m))


def log_hazard(log: np.ufunc, time: float, lambda_0: float | Floats) -> Floats:
    """Return the logarithm of a hazard (numbers or arrays, 1/s) integrated over a time (s), or of none at all."""
    hazard = time * np.asarray(lambda_0, dtype=float)
    return np.where(hazard > 0.0, log(np.where(hazard > 0.0, hazard, 1.0)), LOG_OF_NO_HAZARD)


@underflows_to_zero
def synaptic_carry(tau_s: float | Floats, tau_m: float | Floats, dt: float) -> Floats:
    """Return tau_m tau_s (exp(-h/tau_s) - exp(-h/tau_m)) / (tau_s - tau_m), in ms, stable where the two meet.

    Numbers or arrays.
    """
    z = dt * (tau_s - tau_m) / (tau_s * tau_m)
    near = np.abs(z) < 1.0
    small = np.where(near & (z != 0.0), z, 1.0)
    large = np.where(near, 1.0, z)
    ratio = np.where(z == 0.0, 1.0, np.expm1(small) / small)
    apart = (np.exp(-dt / tau_s) - np.exp(-dt / tau_m)) / large
    return dt * np.where(near, np.exp(-dt / tau_m) * ratio, apart)


@underflows_to_zero
def arrival_current(tau_s: float | Floats, dt: float) -> Floats:
    """Return the synaptic current at the end of a step over which spikes of total weight 1 arrive evenly.

    Numbers or arrays, also of `arrival_potential`.
    """
    return tau_s / dt * -np.expm1(-dt / tau_s)


@underflows_to_zero
def arrival_potential(tau_s: float | Floats, tau_m: float | Floats, dt: float) -> Floats:
    """Return tau_m times the potential that such spikes have left at its end, per pA and pF, ms."""
    return tau_s / dt * (tau_m * -np.expm1(-dt / tau_m) - synaptic_carry(tau_s, tau_m, dt))
