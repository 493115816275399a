"""When and how inputs act: to the step."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.assembly import inputs
from gifpop.engine import signals
from tests.helpers.networks import single

DT = 0.5
SILENT = gp.GIF(lambda_0=0.0)
TAU, C = SILENT.tau_m, SILENT.C_m


def trace(*injections, variable="V_m", duration=20.0, seed=1, **options):
    net = single(SILENT)
    for input, delay in injections:
        net.inject("P", input, delay)
    return getattr(net.simulate(duration, dt=DT, seed=seed, record="all", **options)["P"], variable)


def first_stamp(values):
    """Return the time stamp of the first entry that is not zero."""
    return (np.flatnonzero(values)[0] + 1) * DT


def integrate(current):
    """Return the potential of a leaky membrane under a current that is constant in each step."""
    v, out = 0.0, []
    for i in current:
        v = v * np.exp(-DT / TAU) + i * TAU / C * (1.0 - np.exp(-DT / TAU))
        out.append(v)
    return np.array(out)


def steps(*pieces):
    return np.concatenate([np.full(n, float(value)) for value, n in pieces])


def test_step_current():
    v = trace((gp.StepCurrent([5.0, 10.0], [100.0, -50.0]), 0.0))
    assert first_stamp(v) == 5.0 + DT
    assert_allclose(v, integrate(steps((0, 10), (100, 10), (-50, 20))), rtol=1e-12, atol=1e-12)


def test_step_current_from_the_first_step():
    assert first_stamp(trace((gp.StepCurrent([0.0], [1.0]), 0.0))) == DT


def test_delay_of_an_input():
    assert first_stamp(trace((gp.StepCurrent([5.0], [1.0]), 2.5))) == 5.0 + 2.5 + DT


def test_direct_current():
    v = trace((gp.DirectCurrent(80.0, start=2.0, stop=7.5), 0.0))
    assert_allclose(v, integrate(steps((0, 4), (80, 11), (0, 25))), rtol=1e-12, atol=1e-12)


def test_direct_current_is_I_e():
    net = single(gp.GIF(lambda_0=0.0, I_e=120.0))
    expected = net.simulate(20.0, dt=DT, record="all", seed=1)["P"].V_m
    assert_allclose(trace((gp.DirectCurrent(120.0), 0.0)), expected, rtol=1e-12, atol=0)


def test_waveform():
    wave = 100.0 * np.sin(np.arange(20))
    v = trace((gp.Waveform(wave, start=3.0), 0.0))
    assert_allclose(v, integrate(np.concatenate((np.zeros(6), wave, np.zeros(14)))), rtol=1e-12, atol=1e-12)


def test_waveform_with_an_interval():
    v = trace((gp.Waveform([10.0, 20.0], interval=1.5), 0.0))
    assert_allclose(v, integrate(steps((10, 3), (20, 3), (0, 34))), rtol=1e-12, atol=1e-12)


def test_currents_add_up():
    both = trace((gp.DirectCurrent(30.0), 0.0), (gp.Waveform(np.ones(40)), 0.0))
    assert_allclose(both, trace((gp.DirectCurrent(31.0), 0.0)), rtol=1e-12, atol=0)


@pytest.mark.parametrize(("weight", "variable", "tau"), [(40.0, "I_syn_ex", 3.0), (-40.0, "I_syn_in", 6.0)])
def test_spikes(weight, variable, tau):
    """A spike is spread over its step: the current after it is w tau/h (1 - exp(-h/tau))."""
    i = trace((gp.SpikeTimes([5.0, 8.0, 8.0], weight), 1.0), variable=variable)
    assert first_stamp(i) == 5.0 + 1.0 + DT
    jump = weight * tau / DT * -np.expm1(-DT / tau)
    k = round(6.0 / DT)
    assert_allclose(i[k : k + 6], jump * np.exp(-np.arange(6) * DT / tau), rtol=1e-12, atol=0)
    assert_allclose(i[k + 6], jump * (np.exp(-6 * DT / tau) + 2.0), rtol=1e-12, atol=0)


def test_charge_of_a_spike():
    """After long, a spike has moved the membrane's charge by w tau_syn."""
    net = single(gp.GIF(lambda_0=0.0, tau_m=1e9, tau_syn_ex=1.0))
    net.inject("P", gp.SpikeTimes([1.0], 50.0))
    v = net.simulate(60.0, dt=DT, record="all")["P"].V_m
    assert_allclose(v[-1], 50.0 * 1.0 / C, rtol=1e-6, atol=0)


def test_poisson_counts_and_window():
    """Counts of 40,000 steps of mean 0.6 against the Poisson law: chi-square, false alarm 1e-6."""
    from scipy import stats

    net = single(gp.GIF(lambda_0=0.0, tau_syn_ex=0.01))
    net.inject("P", gp.PoissonSpikes(1200.0, 1.0, start=10.0, stop=20010.0, shared=True))
    current = net.simulate(20020.0, dt=DT, record="all", seed=11)["P"].I_syn_ex
    counts = np.rint(current / (0.01 / DT)).astype(int)
    inside = counts[20:40020]
    assert inside[0:50].any()
    assert not counts[:20].any()
    assert not counts[40020:].any()
    observed = np.bincount(np.minimum(inside, 4), minlength=5)
    p = stats.poisson.pmf(np.arange(5), 0.6)
    p[4] = 1.0 - p[:4].sum()
    assert stats.chisquare(observed, p * len(inside)).pvalue > 1e-6


def test_two_poisson_inputs_are_independent_and_reproducible():
    def run(seed):
        net = gp.Network()
        for name in "AB":
            net.population(name, 10, gp.GIF(lambda_0=0.0))
            net.inject(name, gp.PoissonSpikes(500.0, 1.0, shared=True))
        result = net.simulate(100.0, dt=DT, record="all", seed=seed)
        return result["A"].I_syn_ex, result["B"].I_syn_ex

    (a, b), (again, _) = run(1), run(1)
    assert_array_equal(a, again)
    assert np.any(a != b)
    assert np.any(a != run(2)[0])


@pytest.mark.parametrize("delay", [DT, 1.0, 7.5, 3000.0])
def test_delays_from_a_step_to_seconds(delay):
    """All 100 neurons that fire in a step act after exactly the delay."""
    net = gp.Network()
    net.population("A", 100, SILENT)
    net.population("B", 100, SILENT)
    net.connect("A", "B", weight=2.0, delay=delay)
    counts = np.zeros(int((delay + 10.0) / DT), dtype=int)
    counts[4] = 100
    i = net.simulate(delay + 10.0, dt=DT, counts={"A": counts}, record="all")["B"].I_syn_ex
    assert first_stamp(i) == 5 * DT + delay
    assert_allclose(i[np.flatnonzero(i)[0]], 200.0 * 3.0 / DT * -np.expm1(-DT / 3.0), rtol=1e-12, atol=0)


def test_connections_of_a_pair_add_up_and_p_scales():
    def current(*weights_and_p):
        net = single(SILENT)
        for weight, p in weights_and_p:
            net.connect("P", "P", weight=weight, p=p)
        counts = np.zeros(20, dtype=int)
        counts[3] = 7
        return net.simulate(10.0, dt=DT, counts={"P": counts}, record="all")["P"].I_syn_ex

    assert_allclose(current((10.0, 0.3), (2.0, 1.0)), current((5.0, 1.0)), rtol=1e-12, atol=0)


class Ramp(signals.Current):
    """A signal with a state of its own: the number of values that it has emitted, whatever the step."""

    stateless = False

    def __init__(self):
        self.emitted = 0

    def emit(self, step, n):
        values = 10.0 * np.arange(self.emitted, self.emitted + n)
        self.emitted += n
        return values


def test_a_signal_with_a_state_is_not_shared(monkeypatch):
    """A kind of signal that nobody has thought of yet begins afresh in each trial and after a reset."""
    net = single(SILENT)
    net.inject("P", gp.DirectCurrent(1.0))
    monkeypatch.setattr(inputs, "make_signal", lambda *arguments: Ramp())
    options = {"dt": DT, "seed": 1, "record": "V_m"}
    together = net.simulate(5.0, trials=3, **options)
    for trial in range(3):
        alone = net.simulate(5.0, trials=[trial], **options)
        assert_array_equal(together["P"].V_m[trial], alone["P"].V_m[0])
    sim = gp.Simulation(net, **options)
    first = sim.run(5.0)
    sim.reset()
    assert_array_equal(sim.run(5.0)["P"].V_m, first["P"].V_m)


def test_a_signal_must_say_whether_it_has_a_state(monkeypatch):
    class Undecided(signals.Current):
        def emit(self, step, n):
            return np.zeros(n)

    net = single(SILENT)
    net.inject("P", gp.DirectCurrent(1.0))
    monkeypatch.setattr(inputs, "make_signal", lambda *arguments: Undecided())
    with pytest.raises(AttributeError, match="stateless"):
        gp.Simulation(net, dt=DT)
