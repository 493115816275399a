"""Trains that are drawn for several receivers at once: the same as their plain twins, and as laws say.

Twins draw the same random numbers one by one. The probability of a false alarm is 1e-6 for each statistical test, and
those of chi-square tests are not much larger with some ten expected events in each bin.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from gifpop.engine._trains import gamma_hazard
from gifpop.engine.trains import (
    Copies,
    CopyLaw,
    DeadTime,
    DeadTimeLaw,
    DeadTimeSuperposition,
    GammaLaw,
    GammaSuperposition,
    ModulatedGamma,
    ModulatedGammaLaw,
    PacketLaw,
    PulsePackets,
    RestingLaw,
)

FALSE_ALARM = 1e-6
SIGMAS = stats.norm.isf(FALSE_ALARM / 2)


def rng(seed=1):
    return np.random.default_rng(seed)


GAMMA = GammaLaw(rate=0.1, shape=3, n=7)
DEAD = DeadTimeLaw(rate=0.1, dead=5.4, n=37, resting=3, modulation=0.5, advance=0.3)
COPIES = CopyLaw(mean=1.5, copied=0.4)
SINE = ModulatedGammaLaw(order=2.5, rate=0.2, amplitude=0.15, advance=0.4, phase=0.7)
RESTING = RestingLaw(rate=0.3, dead=2.4)
KINDS = [
    (GammaSuperposition, GAMMA),
    (DeadTimeSuperposition, DEAD),
    (DeadTime, RESTING),
    (Copies, COPIES),
    (ModulatedGamma, SINE),
]


def emitted(trains, chunks, receivers=3):
    """Return what receivers get, shape (steps, receivers)."""
    places = [trains.receiver(10 + k) for k in range(receivers)]
    step, pieces = 0, []
    for n in chunks:
        pieces.append([place.emit(step, n) for place in places])
        step += n
    return np.concatenate(pieces, axis=1).T


# -- plain twins ------------------------------------------------------------------------------------------------------


def twin_of_gamma(law, random, steps, receivers, first, end):
    """Move processes from stage to stage."""
    stages = [[law.n // law.shape] * law.shape for _ in range(receivers)]
    for own in stages:
        own[-1] += law.n % law.shape
    out = np.zeros((steps, receivers))
    for k in range(first, end):
        for r, own in enumerate(stages):
            moved = [int(random.binomial(n, min(1.0, law.shape * law.rate))) for n in own]
            out[k, r] = moved[-1]
            stages[r] = [n - m + came for n, m, came in zip(own, moved, [moved[-1], *moved], strict=False)]
    return out


def twin_of_dead_time(law, random, steps, receivers, first, end):
    """Let processes rest after a spike, and come back."""
    dead = int(law.dead)
    resting = [[law.resting] * dead for _ in range(receivers)]
    ready = [law.n - dead * law.resting] * receivers
    out = np.zeros((steps, receivers))
    for k in range(first, end):
        hazard = (1 + law.modulation * np.sin(law.advance * k)) / (1 / law.rate - law.dead)
        for r in range(receivers):
            fired = int(random.binomial(ready[r], min(1.0, hazard)))
            resting[r].append(fired)
            ready[r] += resting[r].pop(0) - fired
            out[k, r] = fired
    return out


def twin_of_resting(law, random, steps, receivers, first, end):
    """Count the events of renewal processes, each of which begins at a random time since an event."""
    out, rest, coming = np.zeros((steps, receivers)), 1 / law.rate - law.dead, []
    for _ in range(receivers):
        left = rest * random.standard_exponential()
        coming.append(first + left + (law.dead * random.random() if random.random() < law.rate * law.dead else 0.0))
    for k in range(first, end):
        for r in range(receivers):
            while coming[r] < k + 1:
                out[k, r] += 1
                coming[r] += law.dead + rest * random.standard_exponential()
    return out


def twin_of_copies(law, random, steps, receivers, first, end):
    out = np.zeros((steps, receivers))
    for k in range(first, end):
        events = random.poisson(law.mean)
        out[k] = [random.binomial(events, law.copied) for _ in range(receivers)]
    return out


def twin_of_modulated_gamma(law, random, steps, receivers, first, end):
    """Integrate the rate numerically; draw an event with the hazard of the gamma distribution."""
    out, elapsed = np.zeros((steps, receivers)), np.zeros(receivers)
    gamma = stats.gamma(law.order)
    nodes, weights = np.polynomial.legendre.leggauss(10)
    for k in range(steps):
        between = k - 0.5 + nodes / 2
        elapsed += law.order * weights / 2 @ (law.rate + law.amplitude * np.sin(law.advance * between + law.phase))
        for r in range(receivers if first <= k < end else 0):
            rate = law.rate + law.amplitude * np.sin(law.advance * k + law.phase)
            hazard = law.order * rate * gamma.pdf(elapsed[r]) / gamma.sf(elapsed[r])
            out[k, r] = random.random() < hazard
            elapsed[r] *= 1 - out[k, r]
    return out


TWINS = [twin_of_gamma, twin_of_dead_time, twin_of_resting, twin_of_copies, twin_of_modulated_gamma]


@pytest.mark.parametrize(("kind", "law", "twin"), [(*kind, twin) for kind, twin in zip(KINDS, TWINS, strict=True)])
def test_twins(kind, law, twin):
    trains = kind(law, rng(), 3, 95)
    expected = twin(law, rng(), 100, 4, 3, 95)
    assert_array_equal(emitted(trains, [100], receivers=4), expected)
    assert np.all(expected.sum(axis=0) > 0)


@pytest.mark.parametrize(("kind", "law"), KINDS)
def test_the_same_in_any_chunks(kind, law):
    def values(chunks):
        return emitted(kind(law, rng(), 4, 50), chunks)

    assert_array_equal(values([1, 3, 16, 17, 23]), values([60]))


@pytest.mark.parametrize(("kind", "law"), KINDS)
def test_window_and_expectation(kind, law):
    trains = kind(law, rng(), 4, 50)
    values = emitted(trains, [60])
    assert not values[:4].any()
    assert not values[50:].any()
    assert trains.expected(3) == trains.expected(50) == 0.0
    assert trains.receiver(99).expected(4) == law.expected(4) > 0.0


@pytest.mark.parametrize(("kind", "law"), KINDS)
def test_a_receiver_that_comes_later_begins_its_own_state(kind, law):
    trains = kind(law, rng())
    early = trains.receiver(0)
    begun = early.emit(0, 30)
    late = trains.receiver(1)
    assert late.emit(30, 20).shape == early.emit(30, 20).shape == (20,)
    alone = emitted(kind(law, rng(), 0), [30], receivers=1)
    assert_array_equal(begun, alone[:, 0])


def test_receivers_keep_their_numbers_of_stages():
    trains = GammaSuperposition(GammaLaw(rate=1.0, shape=3, n=1), rng())
    first = trains.receiver(0)
    assert first.emit(0, 5).tolist() == [1, 0, 0, 1, 0]
    trains.law = GammaLaw(rate=1.0, shape=5, n=1)
    second = trains.receiver(1)
    assert second.emit(5, 10).tolist() == [1, 0, 0, 0, 0] * 2
    assert first.emit(5, 10).tolist() == [0, 1, 0, 0, 1, 0, 0, 1, 0, 0]
    trains.law = GammaLaw(rate=1.0, shape=2, n=2)
    third = trains.receiver(2)
    assert third.emit(15, 3).tolist() == [1, 1, 1]
    assert second.emit(15, 3).tolist() == [1, 0, 0]
    assert first.emit(15, 3).tolist() == [1, 0, 0]


def test_receivers_keep_their_dead_steps():
    trains = DeadTimeSuperposition(DeadTimeLaw(rate=0.48, dead=2.0, n=1, resting=0), rng())
    first = trains.receiver(0)
    assert first.emit(0, 5).tolist() == [1, 0, 0, 1, 0]
    trains.law = DeadTimeLaw(rate=1 / 3.1, dead=3.01, n=1, resting=0)
    second = trains.receiver(1)
    assert second.emit(5, 6).tolist() == [1, 0, 0, 0, 1, 0]
    assert first.emit(5, 6).tolist() == [0, 1, 0, 0, 1, 0]


# -- laws -------------------------------------------------------------------------------------------------------------


def check_bins(observed, probabilities):
    """Check numbers of events against the probabilities of bins; all rare bins are added to the last one."""
    n = observed.sum()
    usable = np.flatnonzero(probabilities[: len(observed)] * n > 10)
    found, expected = observed[usable], probabilities[usable] * n
    found[-1] += n - found.sum()
    expected[-1] += n - expected.sum()
    assert stats.chisquare(found, expected).pvalue > FALSE_ALARM


def check_intervals(counts, probabilities):
    """Check intervals of trains; those that begin early enough for all intervals to end."""
    limit = len(probabilities)
    found = [np.diff(np.flatnonzero(train))[np.flatnonzero(train)[:-1] < len(train) - limit] for train in counts.T]
    check_bins(np.bincount(np.concatenate(found), minlength=limit)[:limit], probabilities)


def test_intervals_of_gamma_processes():
    counts = emitted(GammaSuperposition(GammaLaw(rate=0.1, shape=3, n=1), rng()), [4000], receivers=50)
    k = np.arange(150)
    check_intervals(counts, stats.nbinom(3, 0.3).pmf(k - 3))


def test_intervals_with_dead_time():
    law = DeadTimeLaw(rate=0.1, dead=5.4, n=1, resting=0)
    counts = emitted(DeadTimeSuperposition(law, rng()), [4000], receivers=50)
    check_intervals(counts, stats.geom(1 / 4.6).pmf(np.arange(100) - 5))


def test_dead_time_is_stationary_from_the_beginning():
    """The expected number of events is the same in each step."""
    counts = emitted(DeadTime(RestingLaw(0.08, 10.0), rng(3)), [30], receivers=4000)
    assert stats.chisquare(counts.sum(axis=1)).pvalue > FALSE_ALARM


def test_trains_with_dead_time_after_steps_that_nobody_asked_for():
    train = DeadTime(RestingLaw(0.2, 5.0), rng()).receiver(0)
    assert train.emit(0, 10).sum() == 2
    assert train.emit(100, 10).sum() == 2


def test_intervals_of_modulated_gamma_processes():
    """Discrete hazards of a constant rate, and gamma distributed intervals of the integrated rate in short steps."""
    law = ModulatedGammaLaw(order=3.0, rate=0.1)
    counts = emitted(ModulatedGamma(law, rng()), [3000], receivers=50)
    hazard = np.append(0.0, [0.3 * stats.gamma(3).pdf(0.3 * k) / stats.gamma(3).sf(0.3 * k) for k in range(1, 100)])
    check_intervals(counts, hazard * np.append(1.0, np.cumprod(1 - hazard)[:-1]))


def test_rescaled_intervals_are_gamma_distributed():
    law = ModulatedGammaLaw(order=2.5, rate=0.002, amplitude=0.002, advance=0.005, phase=0.3)
    counts = emitted(ModulatedGamma(law, rng()), [10000], receivers=150)
    integral = np.cumsum(law.growths(np.arange(10000)))
    rescaled = np.concatenate([np.diff(integral[np.flatnonzero(train)]) for train in counts.T])
    assert stats.kstest(rescaled * law.order, stats.gamma(law.order).cdf).pvalue > FALSE_ALARM
    expected = 150 * integral[-1]
    assert abs(counts.sum() - expected) < SIGMAS * np.sqrt(expected)


def variance_of_counts(hazard_of_interval, rate, steps):
    """Return the variance of the number of events of a stationary renewal process, from its intervals."""
    renewal = np.zeros(steps)
    for k in range(1, steps):
        renewal[k] = hazard_of_interval[k] + renewal[1:k] @ hazard_of_interval[k - 1 : 0 : -1]
    lags = np.arange(1, steps)
    return rate * (1 - rate) * steps + 2 * np.sum((steps - lags) * rate * (renewal[1:] - rate))


@pytest.mark.parametrize(
    ("kind", "law", "pmf"),
    [
        (GammaSuperposition, GammaLaw(0.1, 3, 20), stats.nbinom(3, 0.3, loc=3).pmf),
        (DeadTimeSuperposition, DeadTimeLaw(0.1, 5.0, 20, 2), stats.geom(0.2, loc=5).pmf),
    ],
)
def test_superpositions(kind, law, pmf):
    """Mean, Fano factor and correlation in time of numbers of events in windows of 1 and 40 steps."""
    counts = emitted(kind(law, rng()), [340], receivers=4000)[100:]
    expected = law.n * law.rate
    for width in (1, 40):
        windows = counts.reshape(-1, width, 4000).sum(axis=1)[:: 80 // width]
        variance = law.n * variance_of_counts(pmf(np.arange(width)), law.rate, width)
        mean_error = np.sqrt(variance / windows.size)
        assert abs(windows.mean() - width * expected) < SIGMAS * mean_error
        error = variance * np.sqrt((2 + 1 / (law.n * law.rate)) / windows.size)
        assert abs(windows.var() - variance) < SIGMAS * error


@pytest.mark.parametrize("law", [DEAD._replace(n=1000, resting=100), DEAD._replace(dead=0.4, n=1000)])
def test_modulated_rates_with_dead_time(law):
    """Expected numbers of events follow a linear recursion."""
    steps, receivers, dead = 60, 400, law.dead_steps
    counts = emitted(DeadTimeSuperposition(law, rng()), [steps], receivers)
    resting, ready, expected = [float(law.resting)] * dead, float(law.n - dead * law.resting), []
    for k in range(steps):
        expected.append(law.hazards(np.array([k]))[0] * ready)
        resting.append(expected[-1])
        ready += resting.pop(0) - expected[-1]
    assert np.all(np.abs(counts.mean(axis=1) - expected) < SIGMAS * 1.2 * np.sqrt(np.array(expected) / receivers))


def test_copies():
    """Numbers of two copies are sums of Poisson numbers: of events that both have, and of those of their own."""
    law = CopyLaw(mean=1.5, copied=0.4)
    a, b = emitted(Copies(law, rng()), [40000], receivers=2).astype(int).T
    both, own = stats.poisson(law.mean * law.copied**2), stats.poisson(law.mean * law.copied * (1 - law.copied))
    k = np.arange(8)
    common = np.arange(8)[:, np.newaxis, np.newaxis]
    table = np.sum(both.pmf(common) * own.pmf(k[:, np.newaxis] - common) * own.pmf(k[np.newaxis, :] - common), axis=0)
    observed = np.bincount(np.minimum(a, 7) * 8 + np.minimum(b, 7), minlength=64)
    check_bins(observed, table.ravel())
    assert stats.pearsonr(a, b).statistic == pytest.approx(law.copied, abs=0.05)


# -- packets ----------------------------------------------------------------------------------------------------------

PACKET = PacketLaw(times=(4.25, 6.0), size=200, spread=1.5, ticks=1000, ticks_per_step=500)


def test_packets_are_whole():
    """The numbers of events by step are those of a normal distribution, rounded to ticks and up to steps."""
    law = PACKET._replace(size=100000, times=(6.0,))
    counts = PulsePackets(law, rng()).emit(0, 30)
    edges = np.arange(31) * 0.5 + 0.0005
    check_bins(counts, np.diff(stats.norm(6.0, 1.5).cdf(edges), prepend=0.0)[:30])
    assert counts.sum() > 99990


@pytest.mark.parametrize("first", [0, 9])
def test_twin_of_packets(first):
    random, expected = rng(), np.zeros(40)
    for time in PACKET.times:
        for z in random.standard_normal(PACKET.size).tolist():
            tick = int((time + PACKET.spread * z) * 1000 + 0.5)
            step = -(-tick // 500)
            if tick >= first * 500 and step < 20:
                expected[step] += 1
    for chunks in ([40], [3, 7, 1, 29]):
        packets, step, pieces = PulsePackets(PACKET, rng(), first, 20), 0, []
        for n in chunks:
            pieces.append(packets.emit(step, n))
            step += n
        assert_array_equal(np.concatenate(pieces), expected)
    assert packets.expected(10) == 0.0


def test_no_packets_and_far_ones():
    assert not PulsePackets(PACKET._replace(times=()), rng()).emit(0, 10).any()
    far = PulsePackets(PACKET._replace(times=(-1e300, 1e300)), rng())
    assert not far.emit(0, 10).any()
    assert not far.emit(10**6, 10).any()
    wide = PulsePackets(PACKET._replace(spread=1e300), rng())
    assert not wide.emit(0, 10).any()


# -- hazards ----------------------------------------------------------------------------------------------------------


def hazards(order, x):
    return np.array([gamma_hazard(order, each) for each in x])


def test_gamma_hazard():
    x = np.array([1e-9, 0.1, 2.0, 3.0, 3.5, 8.0, 8.1, 50.0, 300.0])
    for order in (1.0, 2.5, 7.0, 100.0):
        gamma = stats.gamma(order)
        assert_allclose(hazards(order, x), gamma.pdf(x) / gamma.sf(x), rtol=1e-10, atol=0)
    assert_allclose(hazards(1.0, [0.0, 1e3, 1e300]), 1.0, rtol=1e-12, atol=0)
    assert gamma_hazard(2.5, 0.0) == 0.0


def test_gamma_hazard_where_the_survival_vanishes():
    """For order 3 it is a rational function."""
    x = np.array([4.1, 600.0, 650.0, 665.0, 700.0, 1e4, 1e300])
    assert_allclose(hazards(3.0, x), 1 / (1 + 2 / x + 2 / x / x), rtol=1e-12, atol=0)
    assert np.all(np.diff(hazards(1e4, np.linspace(0.9e4, 3e4, 1000))) > 0)
    assert np.all(np.isfinite(hazards(1e15, np.linspace(0.9e15, 1.1e15, 20))))


def test_growth_is_the_integral_of_the_rate():
    for advance in (0.0, 1e-12, 0.4, 7.0):
        law = SINE._replace(advance=advance)
        x = np.linspace(4.0, 5.0, 20001)
        integral = np.trapezoid(law.rate + law.amplitude * np.sin(advance * x + law.phase), x)
        assert_allclose(law.growths(np.array([5])), integral, rtol=1e-7, atol=0)
