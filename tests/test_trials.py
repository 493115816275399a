"""Trials: each is the run that it would be alone, whatever else runs beside it."""

import os
import pickle
import signal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop import trials
from gifpop.assembly import inputs
from gifpop.common import memory
from tests.helpers.ctrl_c import Stopwatch
from tests.helpers.networks import SEED_CELL, brunel, single
from tests.helpers.state import plan_of

DT = 0.5


def noisy_network():
    """Return populations with shared and own noise, drawn weights and neurons that differ."""
    net = gp.Network()
    E = net.population("E", 120, SEED_CELL)
    I = net.population("I", 40, gp.GIF(I_e=300.0, V_m=gp.Uniform(0.0, 10.0), tau_m=gp.Normal(20.0, 1.0)))
    net.connect(E, E, weight=60.0, p=0.2, delay=1.5)
    net.connect(E, I, weight=60.0, p=0.2, delay=1.0)
    net.connect(I, I, weight=gp.Normal(-100.0, 10.0), delay=gp.Uniform(0.5, 3.0), rule=gp.PairwiseBernoulli(0.3))
    net.connect(I, E, weight=-120.0, p=0.25, delay=1.0)
    net.inject(E, gp.PoissonSpikes(rate=500.0, weight=10.0, shared=True))
    net.inject(I, gp.PoissonSpikes(rate=300.0, weight=10.0, shared=False))
    net.inject(E, gp.StepCurrent([20.0], [100.0]))
    net.inject(E, gp.OUCurrent(0.0, 20.0, tau=5.0, shared=True))
    net.inject(I, gp.NoiseCurrent(0.0, 20.0, interval=1.0))
    net.inject(I, gp.PoissonSpikes(rate=300.0, weight=10.0, amplitude=200.0, frequency=20.0, shared=True))
    return net


def fluctuating_network():
    """Return populations with private and shared currents that fluctuate, in the stationary state."""
    net = gp.Network()
    for name in "EI":
        net.population(name, 80, gp.GIF(I_e=350.0))
        net.inject(name, gp.OUCurrent(10.0, 50.0, 8.0), delay=1.0)
        net.inject(name, gp.NoiseCurrent(10.0, 50.0, 1.5), delay=0.5)
        net.inject(name, gp.OUCurrent(10.0, 20.0, 5.0, shared=True))
    net.connect("E", "I", weight=20.0, delay=1.0)
    return net


CASES = {
    "meso": (brunel, {}),
    "meso, exact, quasi-renewal": (brunel, {"history": "exact", "adaptation": "quasi-renewal"}),
    "meso, sparse, stationary": (brunel, {"wiring": "sparse", "initial": "stationary"}),
    "micro": (noisy_network, {"level": "micro", "initial": "rest", "record_neurons": 3}),
    "mixed": (noisy_network, {"level": {"E": "meso", "I": "micro"}, "initial": "rest", "record_neurons": 3}),
    "micro, mixed": (fluctuating_network, {"level": {"E": "micro", "I": "meso"}, "record_neurons": 3}),
    "micro, stationary": (brunel, {"level": "micro", "initial": "stationary", "record_neurons": [5, 2]}),
}


def assert_equal_runs(a, b):
    """Compare everything that was recorded in two runs, bit for bit."""
    assert_array_equal(a.t, b.t)
    for p, q in zip(a, b, strict=True):
        assert p.arrays.keys() == q.arrays.keys()
        for name, values in p.arrays.items():
            assert_array_equal(values, q.arrays[name], err_msg=f"{p.name} {name}")
        if p.level == "micro":
            assert_array_equal(p.spikes, q.spikes)
            assert_array_equal(p.neurons, q.neurons)


@pytest.mark.parametrize("case", CASES)
def test_a_trial_is_the_run_that_it_would_be_alone(case, monkeypatch):
    """In waves of several sizes and threads, alone in a batch, after a reset, and as a simulation of its own."""
    make, options = CASES[case]
    net, options = make(), {"dt": DT, "record": "all", "record_interval": 2.0, **options}
    batch = net.simulate(60.0, trials=7, seed=1, threads=2, **options)
    monkeypatch.setattr(trials, "SECONDS_PER_WAVE", 100.0)
    large = net.simulate(60.0, trials=[6, 2, 5, 4, 0, 1, 3], seed=1, threads=3, **options)
    alone = net.simulate(60.0, trials=[4], seed=1, **options)
    single_run = net.simulate(60.0, seed=batch.seeds[4], network_seed=1, **options)
    sim = gp.Simulation(net, seed=1, **options)
    sim.run(10.0)
    sim.reset(batch.seeds[4])
    for other in (large.trial(4), alone.trial(4), single_run, sim.run(60.0)):
        assert_equal_runs(other, batch.trial(4))
    for number in range(7):
        assert_equal_runs(large.trial(number), batch.trial(number))
    assert batch.counts.shape == (7, 120, 2)
    assert len(np.unique(batch.counts, axis=0)) == 7
    assert batch.counts.sum() > 0


def test_connections_and_neurons_are_those_of_the_network():
    net = noisy_network()
    options = {"dt": DT, "level": "micro", "initial": "rest"}
    batch = net.simulate(20.0, trials=2, seed=3, **options)
    sims = [gp.Simulation(net, seed=seed, network_seed=batch.network_seed, **options) for seed in batch.seeds]
    first, second = (sim.connections("I", "I") for sim in sims)
    assert_array_equal(first, second)
    for name in ("leak", "slope"):
        assert_array_equal(*(plan_of(sim, 1).parameters[name] for sim in sims))
    assert np.any(plan_of(sims[0], 1).of_neurons("V_m") != plan_of(sims[1], 1).of_neurons("V_m"))
    other = gp.Simulation(net, seed=batch.seeds[0], **options).connections("I", "I")
    assert len(other) != len(first) or np.any(other["source"] != first["source"])


def test_warmup_is_not_recorded():
    whole = brunel().simulate(50.0, trials=3, seed=1, dt=DT, record="V_m")
    late = brunel().simulate(50.0, trials=3, seed=1, dt=DT, record="V_m", warmup=20.0)
    assert_array_equal(late.t, whole.t[40:])
    assert_array_equal(late.counts, whole.counts[:, 40:])
    assert_array_equal(late["E"].V_m, whole["E"].V_m[:, 40:])
    one = brunel().simulate(50.0, seed=whole.seeds[2], dt=DT, warmup=20.0)
    assert_array_equal(one.counts, late.counts[2])


def test_replay():
    """Prescribed counts are those of every trial."""
    counts = {"E": np.arange(100) % 5}
    result = brunel().simulate(50.0, trials=3, seed=1, dt=DT, counts=counts)
    assert_array_equal(result["E"].counts, np.tile(counts["E"], (3, 1)))
    assert len(np.unique(result["I"].counts, axis=0)) == 3


@pytest.mark.parametrize("case", ["meso", "mixed"])
def test_statistics_are_those_of_all_trials(case):
    make, options = CASES[case]
    options = {"dt": DT, "record": "all", "seed": 2, **options}
    every = make().simulate(100.0, trials=9, **options)
    summary = make().simulate(100.0, trials=9, keep="mean", threads=2, **options)
    assert summary.n == 9
    assert np.isnan(make().simulate(5.0, trials=1, keep="mean", **options).variance).all()
    assert_array_equal(summary.t, every.t)
    assert_allclose(summary.activity, every.activity.mean(axis=0), rtol=1e-12, atol=1e-12)
    assert_allclose(summary.variance, every.activity.var(axis=0, ddof=1), rtol=1e-12, atol=1e-9)
    assert_allclose(summary.rate, every.rate.mean(axis=0), rtol=1e-12, atol=1e-12)
    centred = every.activity - every.activity.mean(axis=1, keepdims=True)
    spectrum = (np.abs(np.fft.rfft(centred, axis=1)) ** 2).mean(axis=0) * 1e-3 * DT / 200
    assert_allclose(summary.spectrum, spectrum, rtol=1e-10, atol=1e-10)
    assert_array_equal(summary.f, np.fft.rfftfreq(200, 1e-3 * DT))
    for p in every:
        for name in set(p.recorded) - {"counts", "mean", "spikes"}:
            values = getattr(p, name)
            assert_allclose(summary[p.name].mean[name], values.mean(axis=0), rtol=1e-12, atol=1e-12)
            assert_allclose(summary[p.name].variance[name], values.var(axis=0, ddof=1), rtol=1e-9, atol=1e-9)


def test_statistics_do_not_depend_on_threads():
    one, three = (brunel().simulate(50.0, trials=8, seed=1, dt=DT, keep="mean", threads=threads) for threads in (1, 3))
    assert_array_equal(one.variance, three.variance)
    assert_array_equal(one.spectrum, three.spectrum)


def test_a_function_of_each_trial():
    every = brunel().simulate(50.0, trials=5, seed=1, dt=DT)
    rates = brunel().simulate(50.0, trials=5, seed=1, dt=DT, keep=lambda r: r.activity.mean(axis=0))
    assert_array_equal(rates, every.activity.mean(axis=1))
    several = brunel().simulate(
        50.0, trials=5, seed=1, dt=DT, keep=lambda r: {"first": r.counts[0], "largest": r.counts.max()}
    )
    assert_array_equal(several["first"], every.counts[:, 0])
    assert_array_equal(several["largest"], every.counts.max(axis=(1, 2)))


@pytest.mark.parametrize(
    ("keep", "error"),
    [
        (lambda r: r["P"].t[: 3 + r.counts.sum() % 7], ValueError),
        (lambda r: None, TypeError),
        (lambda r: {"a": 1} if r.counts.sum() % 2 else {"b": 1}, ValueError),
    ],
)
def test_functions_return_values_of_one_form(keep, error):
    with pytest.raises(error, match=r"simulate\.keep must return"):
        single(gp.GIF(I_e=500.0), N=30).simulate(30.0, trials=20, seed=1, dt=DT, keep=keep)


def test_inputs_without_chance_are_shared(monkeypatch):
    """A long waveform is turned into a signal once."""
    made = []
    monkeypatch.setattr(
        "gifpop.assembly.inputs.make_signal",
        lambda *a, make=inputs.make_signal: (made.append(type(a[0]).__name__), make(*a))[1],
    )
    net = brunel()
    net.inject("E", gp.Waveform(np.ones(1000)))
    net.inject("E", gp.PoissonSpikes(100.0, 10.0, shared=True))
    net.simulate(10.0, trials=5, seed=1, dt=DT, initial="stationary")
    assert made.count("Waveform") == 1


def test_warmup_without_trials_is_not_recorded(monkeypatch):
    """Nor counted as memory that records need."""
    monkeypatch.setattr(memory, "available", lambda: 2e6)
    result = single(N=20).simulate(20_000.0, dt=DT, warmup=19_990.0, seed=1, record="all", initial="rest")
    assert result.t[0] == 19_990.5
    assert len(result.t) == 20
    net = single(gp.GIF(C_m=1e-300))
    net.inject("P", gp.StepCurrent([5.0, 6.0], [1e300, -1e300]))
    with pytest.raises(gp.SimulationError, match="the expected spike count") as caught:
        net.simulate(20.0, dt=DT, warmup=10.0)
    assert len(caught.value.result.t) == 0


def test_interruptions_can_be_pickled():
    result = single().simulate(5.0, dt=DT, seed=1)
    again = pickle.loads(pickle.dumps(gp.SimulationInterrupted(result, "at 5.0 ms")))
    assert str(again) == "interrupted at 5.0 ms; .result holds what was simulated"
    assert str(gp.SimulationInterrupted(None, "after 0 of 9 trials")) == "interrupted after 0 of 9 trials"
    assert_array_equal(again.result.counts, result.counts)


def test_few_trials_are_in_memory_at_a_time(monkeypatch):
    """With statistics, only engines for one wave are made."""
    monkeypatch.setattr(trials, "MOST_PER_THREAD", 2)
    made = []
    monkeypatch.setattr(
        trials.Trials,
        "_begin",
        lambda self, roots, begin=trials.Trials._begin: (made.append(len(roots)), begin(self, roots))[1],
    )
    single().simulate(5.0, trials=40, seed=1, dt=DT, keep="mean", threads=2)
    assert sum(made) == 40
    assert max(made) == 4


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("sigint")
def test_interrupted_trials_keep_those_that_were_finished():
    taken, pressed = [], []

    def take(result):
        taken.append(result)
        if len(taken) == 5:
            pressed.append(Stopwatch())
            os.kill(os.getpid(), signal.SIGINT)
        return result.counts.sum(axis=0)

    with pytest.raises(gp.SimulationInterrupted, match=r"interrupted after \d+ of 100000 trials") as caught:
        brunel().simulate(100.0, trials=100_000, seed=1, dt=DT, keep=take, threads=2)
    assert pressed[0]() < 1.0
    finished = caught.value.result
    assert 5 <= len(finished) < 100_000
    whole = brunel().simulate(100.0, trials=3, seed=1, dt=DT)
    assert_array_equal(finished[:3], whole.counts.sum(axis=1))


def test_failing_trial_is_named_and_those_before_are_kept():
    """Rare events of enormous weight: the first trial with two of them fails."""
    net = single(gp.GIF(C_m=1e-300), N=20)
    net.inject("P", gp.PoissonSpikes(rate=200.0, weight=6e7, shared=True))
    for threads in (1, 2):
        with pytest.raises(gp.SimulationError, match=r"trial \d+: population 'P': the expected spike count") as caught:
            net.simulate(5.0, trials=30, seed=4, dt=DT, threads=threads)
        first = int(str(caught.value).split(":")[0].removeprefix("trial "))
        assert_array_equal(caught.value.result.trials, np.arange(first))
    assert first == 2
    with pytest.raises(gp.SimulationError, match=f"trial {first}") as caught:
        net.simulate(5.0, trials=[first], seed=4, dt=DT)
    assert caught.value.result is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"trials": 0}, ValueError, r"simulate\.trials must be >= 1, got 0"),
        ({"trials": 2.0}, TypeError, r"simulate\.trials must be an integer, got 2\.0"),
        ({"trials": [1, 1]}, ValueError, r"simulate\.trials must be different numbers >= 0, at least one"),
        ({"trials": [-1]}, ValueError, r"simulate\.trials must be different numbers >= 0"),
        ({"trials": []}, TypeError, r"simulate\.trials must be a number of trials or a sequence"),
        ({"trials": 2, "keep": "median"}, ValueError, r"simulate\.keep must be one of 'all', 'mean' or a function"),
        ({"keep": "mean"}, ValueError, r"simulate\.keep must be left out where trials is None, got 'mean'"),
        ({"trials": 2, "warmup": 30.0}, ValueError, r"simulate\.warmup must be <= duration = 20\.0 ms, got 30\.0"),
        ({"trials": 2, "warmup": 0.3}, ValueError, r"simulate\.warmup must be a multiple"),
        (
            {"trials": 2, "counts": {"P": np.zeros(30, int)}},
            ValueError,
            r"Simulation\.counts\['P'\] must have an entry",
        ),
        ({"trials": 2, "seed": -1}, ValueError, r"seed must be what"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        single().simulate(20.0, dt=DT, **options)


def test_too_many_to_keep():
    with pytest.raises(MemoryError, match=r"records of 2000000 steps, 1000001 times"):
        single().simulate(1e6, trials=1_000_000, dt=DT)


def test_results_of_trials():
    result = brunel().simulate(20.0, trials=[3, 8], seed=1, dt=DT)
    assert repr(result) == "<gifpop.Result: 2 trials of 40 steps of 0.5 ms, populations E, I>"
    assert result.rate.shape == result.activity.shape == (2, 40, 2)
    assert_allclose(result["E"].activity, result["E"].counts / (800 * 0.5e-3), rtol=1e-12, atol=0)
    with pytest.raises(ValueError, match=r"Result\.trial: number must be of a trial .*2 trials, \[3 8\].*got 4"):
        result.trial(4)
    with pytest.raises(ValueError, match=r"\(no trials\), got 0"):
        brunel().simulate(20.0, seed=1, dt=DT).trial(0)
    figure = result.plot()
    drawn = figure.axes[1].lines[0].get_ydata()
    assert_allclose(drawn, result["E"].rate.mean(axis=0), rtol=1e-12, atol=0)
