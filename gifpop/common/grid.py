"""The time grid: step ``k`` covers (k dt, (k+1) dt] and carries the stamp (k+1) dt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, overload

import numpy as np

from gifpop.common import checks

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers

TICS_PER_MS = 1000  # NEST's finest time is 1 us
MOST_STEPS = 2**31 - 1
MOST_TICS = 2.0**62  # 146,000 years; int64 holds twice as many
LONGEST_STEP = 1e6  # ms


@overload
def tics(ms: float) -> int: ...
@overload
def tics(ms: Floats) -> Integers: ...
def tics(ms: float | Floats) -> int | Integers:
    """Return a time (number or array) in whole microseconds, the unit in which NEST compares times.

    Of times that are longer than any simulation, `MOST_TICS`.
    """
    if isinstance(ms, float) and abs(ms) * TICS_PER_MS < MOST_TICS:
        return nearest_steps(ms, TICS_PER_MS)
    with np.errstate(over="ignore"):
        whole = np.floor(np.asarray(ms, dtype=float) * TICS_PER_MS + 0.5)
    in_tics = np.clip(whole, -MOST_TICS, MOST_TICS).astype(np.int64)
    return in_tics if in_tics.ndim else int(in_tics)


@overload
def whole_steps(where: str, ms: float, dt: float, least: int = 0) -> int: ...
@overload
def whole_steps(where: str, ms: Floats, dt: float, least: int = 0) -> Integers: ...
def whole_steps(where: str, ms: float | Floats, dt: float, least: int = 0) -> int | Integers:
    """Return a time (number or array) as a number of steps.

    Raises
    ------
    ValueError
        If a time is not a multiple of ``dt``, is less than ``least`` steps or more than 2^31 - 1.
    """
    times = np.asarray(ms, dtype=float)
    with np.errstate(over="ignore", under="ignore"):
        exact = np.clip(times / dt, -2.0 * MOST_STEPS, 2.0 * MOST_STEPS)  # as many are refused
    steps = np.rint(exact)
    for broken, condition in (
        (exact < least - 1e-6, f">= {least} step{'s' if least != 1 else ''} of dt = {dt} ms"),
        (exact > MOST_STEPS, f"<= {MOST_STEPS} steps of dt = {dt} ms"),
        (np.abs(exact - steps) > 1e-6 + 1e-12 * np.abs(steps), f"a multiple of dt = {dt} ms"),
    ):
        if np.any(broken):
            place = f"[{np.argmax(broken)}]" if times.ndim else ""
            raise ValueError(f"{where}{place} must be {condition}, got {times[broken][0] if times.ndim else ms}")
    return steps.astype(np.int64) if times.ndim else int(steps)


@overload
def nearest_steps(ms: float, per_ms: float) -> int: ...
@overload
def nearest_steps(ms: Floats, per_ms: float) -> Floats: ...
def nearest_steps(ms: float | Floats, per_ms: float) -> int | Floats:
    """Return the whole number of steps, ``per_ms`` in 1 ms, nearest to a time (number or array).

    Halves are rounded up, as NEST rounds delays.
    """
    exact = ms * per_ms + 0.5
    return np.floor(exact) if isinstance(exact, np.ndarray) else math.floor(exact)  # many times faster than numpy


def ends(steps: Integers, dt: float) -> Floats:
    """Return the time stamps of steps, ms."""
    stamps = np.add(steps, 1.0, dtype=np.float64)  # exact below 2^53, and no array besides
    stamps *= dt
    return stamps


def check_dt(where: str, dt: object) -> float:
    """Return a valid step in ms."""
    step = checks.number(where, dt, "> 0", "ms")
    if tics(step) < 1:
        raise ValueError(f"{where} must be >= 0.001 ms, got {step}")
    if step > LONGEST_STEP:
        raise ValueError(f"{where} must be <= {LONGEST_STEP:g} ms, got {step}")
    return step


def check_span(
    where: str, duration: object, warmup: object, dt: float, condition: checks.Condition = ">= 0"
) -> tuple[int, int]:
    """Return the steps of a warm-up and those that follow it within a duration, both in ms.

    ``where`` has the name of the argument in the place of ``{}``: ``"simulate.{}"``. ``condition`` is on the duration.
    """
    named = where.format("duration"), where.format("warmup")
    duration = checks.number(named[0], duration, condition, "ms")
    warmup = checks.number(named[1], warmup, ">= 0", "ms")
    if warmup > duration:
        raise ValueError(f"{named[1]} must be <= duration = {duration} ms, got {warmup}")
    total, before = whole_steps(named[0], duration, dt), whole_steps(named[1], warmup, dt)
    return before, total - before


@overload
def refractory_steps(t_ref: float, dt: float) -> np.int64: ...
@overload
def refractory_steps(t_ref: Floats, dt: float) -> Integers: ...
def refractory_steps(t_ref: float | Floats, dt: float) -> np.int64 | Integers:
    """Return the refractory period (number or array) in steps, rounded up on microseconds."""
    return np.maximum(0, np.ceil(tics(t_ref) / (TICS_PER_MS * dt) - 1e-6).astype(np.int64))
