"""Curves for `gifpop.plot.spectrum` and `compare`: from results, statistics over trials and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from gifpop.comparison import Comparison
from gifpop.plot import arguments, curves, drawing
from gifpop.reductions import TrialStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gifpop.result import Result

    Levels: TypeAlias = Comparison | Sequence[Result | TrialStatistics] | Mapping[str, Result | TrialStatistics]
    Source: TypeAlias = Callable[[str], tuple[curves.Curve, curves.Curve]]  # population's name -> response, spectrum

SEGMENT = 1000.0  # ms


def spectrum(
    where: str, result: Result | TrialStatistics, name: str, segment: float | None, time: Sequence[float] | None = None
) -> tuple[curves.Curve, float]:
    """Return the power spectrum of a population, and that of as many Poisson neurons, rate / N."""
    if isinstance(result, TrialStatistics):
        for option, value in (("segment", segment), ("time", time)):
            if value is not None:
                raise ValueError(
                    f"{where}: {option} must be None for statistics, which have spectra of whole trials "
                    f"(keep='all' has trajectories), got {value!r}"
                )
        of = result[name]
        f = np.asarray(of.f[1:], dtype=np.float64)
        return curves.Curve(f, of.mean["spectrum"][1:]), float(of.mean["activity"].mean() / of.N)
    p = result[name]
    window, _ = arguments.window(where, result, time)
    longest = (window.stop - window.start) * result.dt
    segment = min(SEGMENT, longest) if segment is None else segment
    steps = arguments.steps_of(where, "segment", segment, result.dt, window)
    if steps < 2:
        raise ValueError(f"{where}: segment must be at least two steps of {result.dt} ms, got {segment}")
    activity = p.activity[..., window]
    N = p.N[window] if isinstance(p.N, np.ndarray) else p.N
    return curves.spectrum(activity, result.dt, steps), float(np.mean(activity / N))


def by_label(
    where: str, levels: Levels, bin: float, segment: float | None
) -> tuple[Sequence[str], Mapping[str, Source], str | None]:
    """Return the names of populations, a source of curves for each label, and a note for legends."""
    if isinstance(levels, Comparison):
        if segment is not None:
            raise ValueError(f"{where}: segment must be None for a Comparison, which has its spectra, got {segment!r}")
        estimates = {f"{level}scopic": partial(_estimates, levels, level) for level in ("meso", "micro")}
        return levels.names, estimates, f"{100 * levels.confidence:g} % confidence"
    results = _labelled(where, levels)
    names = [each.names for each in results.values()]
    if any(each != names[0] for each in names):
        raise ValueError(f"{where}: levels must have the same populations, got {names}")
    notes = dict.fromkeys(map(drawing.note_on_trials, results.values()))
    found = {label: partial(_of_result, where, each, bin, segment) for label, each in results.items()}
    return names[0], found, "\n".join(filter(None, notes)) or None


def _labelled(where: str, levels: object) -> dict[str, Result | TrialStatistics]:
    """Return the results of a pair or a dict by label."""
    if isinstance(levels, Mapping) and levels:
        results = dict(levels)
    elif isinstance(levels, (tuple, list)) and len(levels) == 2:
        results = dict(zip(("mesoscopic", "microscopic"), levels, strict=True))
    else:
        raise TypeError(f"{where}: levels must be a gifpop.Comparison, a pair or a dict of results, got {levels!r}")
    for each in results.values():
        arguments.check_result(where, each, statistics=True)
    found = [each.level for each in results.values()]
    if not isinstance(levels, Mapping) and found != ["meso", "micro"]:
        raise ValueError(
            f"{where}: levels must be a mesoscopic and a microscopic result, or a dict of results with labels as keys, "
            f"got a pair of levels {found}"
        )
    return results


def _estimates(comparison: Comparison, level: str, name: str) -> tuple[curves.Curve, curves.Curve]:
    """Return response and spectrum of a population as estimated by `gifpop.compare`, with errors."""
    i, summary = comparison.names.index(name), getattr(comparison, level)
    response, power = summary.response, summary.spectrum
    spectrum = curves.Curve(comparison.f[1:], power.value[1:, i], power.error[1:, i])
    return curves.Curve(comparison.t, response.value[:, i], response.error[:, i]), spectrum


def _of_result(
    where: str, result: Result | TrialStatistics, bin: float, segment: float | None, name: str
) -> tuple[curves.Curve, curves.Curve]:
    """Return response and spectrum of a population; the response with its standard deviation over trials."""
    window, _ = arguments.window(where, result, None)
    width = arguments.steps_of(where, "bin", bin, result.dt, window)
    power, _ = spectrum(where, result, name, segment)
    return curves.activity(result[name], width, window), power
