"""Ranges of a neuron's parameters within which all computed numbers are finite.

They are far beyond what neurons have. Without them, a threshold over Delta_V, or a current times the resistance of the
membrane, could overflow, and nothing that follows from it would mean anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

Limits: TypeAlias = tuple[float, float]

LARGEST_POTENTIAL = 1e50  # mV
TIMES: Limits = (1e-100, 1e100)  # ms
POTENTIALS: Limits = (-LARGEST_POTENTIAL, LARGEST_POTENTIAL)
LARGEST_CAPACITANCE = 1e100  # pF
LARGEST_RESISTANCE = 1e305  # mV/pA
LARGEST_SLOPE = 1e100  # 1/pA; what a current does to the logarithm of a hazard
LARGEST_JUMP = 1e12  # in Delta_V, of what is carried: rounding of its variance must be nothing beside its mean

OF_ONE: dict[str, tuple[Limits, str]] = {
    **dict.fromkeys(("tau_m", "tau_syn_ex", "tau_syn_in", "tau_syn", "tau_sfa", "tau_stc"), (TIMES, "ms")),
    "t_ref": ((0.0, TIMES[1]), "ms"),
    "C_m": ((0.0, LARGEST_CAPACITANCE), "pF"),
    "Delta_V": ((1.0 / LARGEST_POTENTIAL, LARGEST_POTENTIAL), "mV"),
    **dict.fromkeys(("E_L", "V_reset", "V_T_star", "V_m", "q_sfa"), (POTENTIALS, "mV")),
}
CURRENTS = ("I_e", "I_syn_ex", "I_syn_in", "I_syn", "q_stc")


def check_ranges(where: str, p: Mapping[str, object]) -> None:
    """Raise ValueError for parameters of neurons whose consequences would overflow.

    ``where`` says whose they are. Numbers, arrays, and sequences and dicts of them are checked; a distribution is, once
    it has been drawn.
    """
    for name, (limits, unit) in OF_ONE.items():
        for place, values in _entries(p.get(name)):
            _check(f"{where}.{name}{place}", values, limits, unit)
    for _, tau_m in _entries(p.get("tau_m")):
        for _, C_m in _entries(p.get("C_m")):
            with np.errstate(over="ignore", under="ignore"):
                resistance = tau_m / C_m
            _check(f"{where}.tau_m / C_m", resistance, (0.0, LARGEST_RESISTANCE), "mV/pA")
            for name in CURRENTS:
                for place, values in _entries(p.get(name)):
                    with np.errstate(over="ignore", under="ignore"):
                        potential = values * resistance
                    _check(f"{where}.{name}{place} * tau_m / C_m", potential, POTENTIALS, "mV")


def _entries(values: object) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the entries of a parameter that are known, and their places in it."""
    places = {"": values}
    if isinstance(values, Mapping):
        places = {f"[{name!r}]": value for name, value in values.items()}
    elif isinstance(values, list | tuple):
        places = {f"[{i}]": value for i, value in enumerate(values)}
    for place, value in places.items():
        if isinstance(value, int | float | np.number | np.ndarray):
            yield place, np.asarray(value, dtype=float)


def _check(where: str, values: np.ndarray, limits: Limits, unit: str) -> None:
    low, high = limits
    bad = values[~((values >= low) & (values <= high))]
    if bad.size:
        raise ValueError(f"{where} must be in [{low:g}, {high:g}] {unit}, got {bad.flat[0]}")
