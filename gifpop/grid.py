"""The time grid: step ``k`` covers (k dt, (k+1) dt] and carries the stamp (k+1) dt."""

import numpy as np

from gifpop import checks

TICS_PER_MS = 1000  # NEST's finest time is 1 us


def tics(ms):
    """Return a time (number or array) in whole microseconds, the unit in which NEST compares times."""
    return np.floor(np.asarray(ms, dtype=float) * TICS_PER_MS + 0.5).astype(np.int64)


def whole_steps(where, ms, dt, least=0):
    """Return a time as a number of steps.

    Raises
    ------
    ValueError
        If the time is not a multiple of ``dt`` or is less than ``least`` steps.
    """
    steps = round(ms / dt)
    if abs(ms / dt - steps) > 1e-6 + 1e-12 * abs(steps):
        raise ValueError(f"{where} must be a multiple of dt = {dt} ms, got {ms}")
    if steps < least:
        raise ValueError(f"{where} must be >= {least} step{'s' if least != 1 else ''} of dt = {dt} ms, got {ms}")
    return steps


def check_dt(where, dt):
    """Return a valid step in ms."""
    dt = checks.number(where, dt, "> 0", "ms")
    if tics(dt) < 1:
        raise ValueError(f"{where} must be >= 0.001 ms, got {dt}")
    return dt


def refractory_steps(t_ref, dt, least=1):
    """Return the refractory period (number or array) in steps: rounded up on microseconds, at least ``least``."""
    return np.maximum(least, -(-tics(t_ref) // tics(dt)))
