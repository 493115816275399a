"""Run a network at both levels, in many trials, and compare the statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gifpop.assembly.levels import LEVELS
from gifpop.assembly.options import check_names
from gifpop.assembly.run import SimulationInterrupted
from gifpop.common import checks, seeds
from gifpop.common.grid import check_dt, check_span, whole_steps
from gifpop.comparison import Comparison, Estimate, LevelSummary
from gifpop.engine.engine import SimulationError
from gifpop.engine.threads import check_threads, one_or_two
from gifpop.network import Network
from gifpop.spectrum import frequencies, power_spectrum

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gifpop.assembly.options import ModelOptions
    from gifpop.common.typing import Floats, Level, Seed
    from gifpop.result import Result

LEAST_TRIALS = 2


def compare(
    net: Network,
    duration: float,
    dt: float = 0.1,
    trials: int = 20,
    seed: Seed = None,
    warmup: float = 0.0,
    bin: float = 1.0,
    confidence: float = 0.95,
    threads: int | None = None,
    **options: Unpack[ModelOptions],
) -> Comparison:
    """Simulate a network at both levels and compare their statistics.

    Parameters
    ----------
    net : Network
        Network to simulate.
    duration : float, ms
        Duration of each trial, warm-up included.
    dt : float, ms
        Step.
    trials : int
        Number of trials at each level, >= 2.
    seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        As in `Simulation`; each trial at each level has its own seed, derived from it.
    warmup : float, ms
        Time at the beginning of each trial that rates, variances and spectra leave out, rounded up to whole bins.
    bin : float, ms
        Width of the bins of activity, a multiple of dt.
    confidence : float
        Level of the confidence intervals, in (0, 1).
    threads : int or None
        Number of trials that run side by side, at most one per processor that this process may use; None: two if it
        may use two.
    **options
        Options of `Simulation`, such as ``initial``.

    Returns
    -------
    Comparison
        Statistics of both levels with confidence intervals.

    Raises
    ------
    SimulationInterrupted
        On Ctrl-C, within a second; its ``result`` is the comparison of the trials finished at both levels, or None if
        there are fewer than two.
    SimulationError
        If an expected count or a potential is no longer finite; its ``result`` is as above.

    Notes
    -----
    Trials run as in `Network.simulate`: they share connections and neurons, which are drawn once from ``network_seed``
    (by default ``seed``), and a stationary state, which is found once. The intervals cover the variability of trials,
    not that of the drawn network; to see the latter, compare with several values of ``network_seed``.

    The levels differ where the mesoscopic equations approximate: finite size, the adaptation of single neurons (more
    with ``adaptation="quasi-renewal"``), and shared input. With ``p`` < 1 each neuron has its own sample of inputs,
    which ``wiring="sparse"`` takes into account.
    """
    if not isinstance(net, Network):
        raise TypeError(f"compare: net must be a gifpop.Network, got {net!r}")
    for name in ("level", "progress"):
        if name in options:
            raise TypeError(f"compare: {name} must be left out, got {options.get(name)!r}")
    check_names("compare", options)
    dt = check_dt("compare.dt", dt)
    trials = checks.integer("compare.trials", trials, LEAST_TRIALS)
    threads = one_or_two() if threads is None else check_threads("compare.threads", threads)
    confidence = checks.number("compare.confidence", confidence, "in (0, 1)")
    width = whole_steps("compare.bin", checks.number("compare.bin", bin, "> 0", "ms"), dt, least=1)
    before, after = check_span("compare.{}", duration, warmup, dt, "> 0")
    bins = _Bins(width, width * dt, (before + after) // width, -(-before // width))
    if bins.total - bins.dropped < 2:
        raise ValueError(
            f"compare.duration must be at least warmup = {warmup} ms and two bins of {bin} ms, got {duration}"
        )
    root, network_seed = seeds.root_sequence(seed), options.pop("network_seed", None)
    options["network_seed"] = root if network_seed is None else seeds.root_sequence(network_seed)
    activities: dict[Level, Floats] = {}
    try:
        for i, level in enumerate(LEVELS):
            activities[level] = net.simulate(
                duration,
                trials,
                bins.activity,
                dt=dt,
                level=level,
                seed=seeds.child(root, i),
                threads=threads,
                progress=False,
                **options,
            )
    except (SimulationInterrupted, SimulationError) as error:
        activities[level] = error.result
        error.result = _compare_finished(net, activities, bins, confidence)
        raise
    return _compare(net, activities, bins, confidence)


@dataclass(frozen=True)
class _Bins:
    """Bins of activity: width in steps and in ms, number per trial, and how many of these are warm-up."""

    width: int
    ms: float
    total: int
    dropped: int

    def activity(self, result: Result) -> Floats:
        """Return the binned activity of a trial, shape (bins, populations), spikes/s."""
        activity = result.activity[: self.total * self.width]
        return activity.reshape(self.total, self.width, -1).mean(axis=1)


def _compare_finished(
    net: Network, activities: dict[Level, Floats], bins: _Bins, confidence: float
) -> Comparison | None:
    """Return the comparison of the trials finished at both levels, or None if they are too few."""
    arrays = [activities.get(level) for level in LEVELS]
    finished = min(0 if array is None else len(array) for array in arrays)
    if finished < LEAST_TRIALS:
        return None
    return _compare(net, {level: array[:finished] for level, array in activities.items()}, bins, confidence)


def _compare(net: Network, activities: dict[Level, Floats], bins: _Bins, confidence: float) -> Comparison:
    """Return the comparison of binned activities of shape (trials, bins, populations) at each level."""
    summaries = {level: _summarize(values, bins.dropped, bins.ms, confidence) for level, values in activities.items()}
    return Comparison(
        **summaries,
        names=tuple(net.populations),
        t=(np.arange(bins.total, dtype=float) + 0.5) * bins.ms,
        f=frequencies(bins.total - bins.dropped, bins.ms),
        trials=len(activities["meso"]),
        confidence=confidence,
    )


def _summarize(activity: Floats, dropped: int, bin_ms: float, confidence: float) -> LevelSummary:
    """Return the statistics of activities of shape (trials, bins, populations)."""
    steady = activity[:, dropped:]
    _, power = power_spectrum(np.moveaxis(steady, 1, -1), bin_ms)
    return LevelSummary(
        rate=_estimate(steady.mean(axis=1), confidence),
        variance=_estimate(steady.var(axis=1), confidence),
        spectrum=_estimate(np.moveaxis(power, -1, 1), confidence),
        response=_estimate(activity, confidence),
    )


def _estimate(trials: Floats, confidence: float) -> Estimate:
    """Return mean and confidence interval over the first axis."""
    from scipy import special  # slow to import

    n = len(trials)
    quantile = special.stdtrit(n - 1, 0.5 + 0.5 * confidence)  # of Student's t distribution
    return Estimate(trials.mean(axis=0), quantile * trials.std(axis=0, ddof=1) / np.sqrt(n))
