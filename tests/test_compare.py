"""`compare`: both levels of one network with confidence intervals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.assembly import stationary
from tests.helpers.ctrl_c import ctrl_c
from tests.helpers.networks import brunel, single


def quick(**options):
    return gp.compare(brunel(N=(80, 20)), 300.0, **{"dt": 0.5, "trials": 4, "seed": 1, "warmup": 100.0, **options})


def test_shapes_and_repeatability():
    c, again = quick(), quick(threads=1)
    assert c.names == ("E", "I")
    assert_array_equal(c.t, np.arange(300) + 0.5)
    assert_allclose(c.f, np.arange(101) * 5.0, rtol=1e-12, atol=0)
    for level in (c.meso, c.micro):
        assert level.rate.value.shape == level.variance.error.shape == (2,)
        assert level.spectrum.value.shape == (101, 2)
        assert level.response.value.shape == (300, 2)
    for level in ("meso", "micro"):
        for quantity in ("rate", "variance", "spectrum", "response"):
            a, b = (getattr(getattr(x, level), quantity) for x in (c, again))
            assert_array_equal(a.value, b.value)
            assert_array_equal(a.error, b.error)


def test_intervals_cover_the_difference_that_is_there():
    """Without adaptation and coupling the levels agree: 6 standard errors; with a step both respond."""
    net = single(gp.GIF(I_e=300.0, tau_sfa=[], q_sfa=[]), N=200)
    net.inject("P", gp.StepCurrent([300.0], [150.0]))
    c = gp.compare(net, 500.0, dt=0.5, trials=40, seed=2, warmup=100.0, confidence=0.9, bin=5.0)
    standard_error = np.hypot(c.meso.rate.error, c.micro.rate.error) / 1.68
    assert np.all(np.abs(c.meso.rate.value - c.micro.rate.value) < 6 * standard_error + 0.01 * c.micro.rate.value)
    for level in (c.meso, c.micro):
        before, after = level.response.value[40:60].mean(), level.response.value[64:72].mean()
        assert after > 1.5 * before


def test_private_currents_and_rhythms_agree():
    """Rates within 3 %, responses to a rate that oscillates within 6 standard errors and a tenth."""
    net = single(gp.GIF(t_ref=2.0, Delta_V=2.0, lambda_0=20.0, V_T_star=15.0), N=300)
    net.inject("P", gp.OUCurrent(150.0, 60.0, 8.0))
    net.inject("P", gp.PoissonSpikes(1000.0, 20.0, amplitude=800.0, frequency=10.0))
    c = gp.compare(net, 600.0, dt=0.5, trials=30, seed=4, bin=10.0, initial="stationary", confidence=0.9)
    assert_allclose(c.meso.rate.value, c.micro.rate.value, rtol=0.03, atol=0)
    errors = np.hypot(c.meso.response.error, c.micro.response.error) / 1.68
    apart = np.abs(c.meso.response.value - c.micro.response.value)
    assert np.all(apart < 6.0 * errors + 0.1 * c.micro.response.value + 0.5)
    assert np.ptp(c.micro.response.value) > c.micro.rate.value


def test_trials_are_those_of_simulate():
    """At each level, with one network and seeds of its own."""
    c = quick(network_seed=3)
    root = np.random.SeedSequence(1)
    for i, level in enumerate(("meso", "micro")):
        seed = np.random.SeedSequence(root.entropy, spawn_key=(i,))
        trials = brunel(N=(80, 20)).simulate(300.0, dt=0.5, trials=4, seed=seed, network_seed=3, level=level)
        assert_allclose(getattr(c, level).rate.value, trials.activity[:, 200:].mean(axis=(0, 1)), rtol=1e-12, atol=0)


def test_stationary_state_is_found_once_a_level(monkeypatch):
    relaxed, relax = [], stationary.relax
    monkeypatch.setattr(stationary, "relax", lambda *a, **o: relaxed.append(1) or relax(*a, **o))
    quick(initial="stationary", trials=10, threads=1)
    assert 1 <= len(relaxed) <= 2


def test_bins_that_hold_warmup_are_left_out():
    c = quick(warmup=101.0, bin=10.0)
    assert_allclose(c.f, np.arange(10) * 1e3 / 190.0, rtol=1e-12, atol=0)
    late, ends = quick(warmup=110.0, bin=10.0), quick(warmup=100.5, bin=10.0)
    for other in (late, ends):
        assert_array_equal(c.micro.rate.value, other.micro.rate.value)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("threads", [1, 2])
def test_interrupt(threads):
    """Within a second, from whatever trial."""
    with ctrl_c(0.5) as since, pytest.raises(KeyboardInterrupt):
        gp.compare(brunel(), 30_000.0, trials=200, history="exact", seed=1, threads=threads)
    assert since() < 1.0


class Stopped:
    """Takes `Network.simulate`'s place; ends like Ctrl-C or a failure when there are some trials at the second level."""

    def __init__(self, error, after):
        self.error, self.after, self.simulate = error, after, gp.Network.simulate

    def __get__(self, net, kind):
        def simulate(duration, trials, *arguments, level, **options):
            values = self.simulate(net, duration, trials, *arguments, level=level, **options)
            if level == "micro":
                self.error.result = values[: self.after] if self.after else None
                raise self.error
            return values

        return simulate


@pytest.mark.parametrize("error", [gp.SimulationInterrupted(None, "after 3 trials"), gp.SimulationError("trial 3")])
def test_trials_of_both_levels_are_kept(monkeypatch, error):
    whole = quick(trials=3)
    for after, kept in ((3, 3), (1, None), (0, None)):
        monkeypatch.setattr(gp.Network, "simulate", Stopped(error, after))
        with pytest.raises(type(error)) as caught:
            quick()
        assert getattr(caught.value.result, "trials", None) == kept
        monkeypatch.undo()
        if kept:
            assert_array_equal(caught.value.result.meso.rate.value, whole.meso.rate.value)
            assert_array_equal(caught.value.result.micro.spectrum.error, whole.micro.spectrum.error)


def test_confidence_widens_the_interval():
    narrow, wide = quick(confidence=0.5), quick(confidence=0.99)
    assert np.all(wide.meso.rate.error > 3 * narrow.meso.rate.error)


def test_table_and_plot():
    import matplotlib

    matplotlib.use("Agg")
    c = quick()
    lines = c.table().splitlines()
    assert lines[0].split() == ["rate,", "meso", "rate,", "micro", "variance,", "meso", "variance,", "micro"]
    assert lines[1].startswith("E  ")
    assert len({len(line) for line in lines[:3]}) == 1
    assert lines[-1] == "(rates in spikes/s, variances in (spikes/s)^2; 4 trials, 95 % confidence)"
    figure = c.plot()
    assert len(figure.axes) == 6
    assert figure.axes[2].get_ylabel() == "E: activity [spikes/s]"
    matplotlib.pyplot.close(figure)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"trials": 1}, ValueError, "compare.trials must be >= 2, got 1"),
        ({"bin": 0.7}, ValueError, "compare.bin must be a multiple of dt = 0.5 ms, got 0.7"),
        ({"warmup": -1.0}, ValueError, "compare.warmup must be >= 0 ms, got -1.0"),
        ({"warmup": 299.0}, ValueError, "compare.duration must be at least warmup = 299.0 ms and two bins of 1.0 ms"),
        ({"confidence": 2.0}, ValueError, r"compare.confidence must be in \(0, 1\), got 2.0"),
        ({"level": "meso"}, TypeError, "compare: level must be left out, got 'meso'"),
        ({"foo": 1}, TypeError, "has no option 'foo'"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        quick(**options)
