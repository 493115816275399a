"""Results made of formulas, not simulated, so that pictures of them do not depend on random numbers."""

import numpy as np
from matplotlib.figure import Figure

from gifpop.comparison import Comparison, Estimate, LevelSummary
from gifpop.reductions import Moments
from gifpop.result import PopulationResult, Result

DT = 0.5  # ms
STEPS = 400
RECORDED_NEURONS = np.array([0, 7, 9])
SEED = np.random.SeedSequence(1)
SIZES = {"E": 40, "I": 10}


def scattered(n, step=0.6180339887498949):
    """Return n numbers in [0, 1) without a visible pattern: multiples of the golden ratio."""
    return np.arange(1, n + 1) * step % 1.0


def rate(steps, phase=0.0):
    """Return an expected activity, spikes/s."""
    return 30.0 + 20.0 * np.sin(2 * np.pi * np.arange(steps) / 100.0 + phase)


def counts(N, steps, phase=0.0, of=0):
    """Return counts around an expected activity, another sample for each ``of``."""
    expected = rate(steps, phase) * N * 1e-3 * DT
    return np.floor(expected + np.roll(scattered(steps), 17 * of)).astype(np.int64)


def potentials(steps, n):
    """Return potentials of neurons, mV: charging, and reset every 90 steps."""
    age = (np.arange(steps)[:, None] + 25 * np.arange(n)) % 90
    return 20.0 * (1.0 - np.exp(-age / 40.0))


def meso(name, steps=STEPS, trials=None, first=0):
    N, phase = SIZES[name], 0.0 if name == "E" else 1.0
    expected = rate(steps, phase) * N * 1e-3 * DT
    n = np.stack([counts(N, steps, phase, k) for k in range(trials or 1)])
    mean, V_m = np.broadcast_to(expected, n.shape), np.broadcast_to(rate(steps, phase) / 4.0, n.shape)
    if trials is None:
        n, mean, V_m = n[0], mean[0], V_m[0]
    return PopulationResult(name, N, DT, first, n, np.arange(first, first + steps), {"V_m": V_m}, mean=mean)


def spikes(N, n):
    """Return steps and neurons of spikes that follow `counts`."""
    steps = np.repeat(np.arange(len(n)), n)
    return steps, (scattered(len(steps)) * N).astype(np.int32)


def micro(name, steps=STEPS, trials=None):
    """Spikes follow counts; of three neurons, potentials are recorded every second step."""
    N, phase = SIZES[name], 0.0 if name == "E" else 1.0
    n = np.stack([counts(N, steps, phase, k) for k in range(trials or 1)])
    fired = [spikes(N, each) for each in n]
    V = np.stack([potentials(steps, len(RECORDED_NEURONS))[1::2] + k for k in range(trials or 1)])
    if trials is None:
        n, fired, V = n[0], fired[0], V[0]
    return PopulationResult(
        name,
        N,
        DT,
        0,
        n,
        np.arange(1, steps, 2),
        {"V_m": V, "I_syn_ex": 10.0 * V},
        spikes=fired,
        neurons=RECORDED_NEURONS,
    )


def result(level="meso", **options):
    """Return a `Result` of populations E and I; ``options`` of `meso` and `micro`."""
    make = {"meso": (meso, meso), "micro": (micro, micro), "mixed": (micro, meso)}[level]
    populations = [f(name, **options) for f, name in zip(make, SIZES, strict=True)]
    trials = options.get("trials")
    numbers = None if trials is None else np.arange(3, 3 + trials)
    return Result(populations, DT, level, SEED, SEED, options.get("first", 0), numbers)


def comparison():
    """Return a `Comparison` of populations E and I."""
    t, f = np.arange(100) + 0.5, np.arange(51) * 10.0

    def summary(scale):
        rates = scale * np.array([30.0, 35.0])
        power = scale * np.stack([0.5 + 4.0 / (1.0 + (f / 60.0 - 1.0) ** 2), 2.0 + 0.0 * f], axis=1)
        response = scale * np.stack([rate(100), rate(100, 1.0)], axis=1)
        return LevelSummary(
            Estimate(rates, np.array([1.0, 2.0])),
            Estimate(2.0 * rates, np.array([4.0, 5.0])),
            Estimate(power, 0.3 * power),
            Estimate(response, np.broadcast_to([2.0, 3.0], (100, 2))),
        )

    return Comparison(summary(1.0), summary(1.3), tuple(SIZES), t, f, trials=10, confidence=0.95)


def statistics(trials=4):
    """Return `TrialStatistics` of mesoscopic populations."""
    moments, runs = Moments(None, None), result("meso", trials=trials)
    for number in runs.trials:
        moments.take(runs.trial(number))
    return moments.result()


def axes(*shape):
    """Return axes of a figure that pyplot does not know."""
    return Figure().subplots(*shape)


def oscillation(amplitude=4.0, hz=50.0, steps=2000):
    """Return the result of one population at 100 spikes/s that oscillates."""
    activity = 100.0 + amplitude * np.sin(2 * np.pi * hz * (np.arange(steps) + 0.5) * 1e-3 * DT)
    return Result(
        [PopulationResult("P", 50, DT, 0, activity * 50 * DT * 1e-3, np.arange(0), {}, mean=activity)],
        DT,
        "meso",
        1,
        1,
        0,
    )
