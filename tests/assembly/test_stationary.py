"""The stationary initial state: activity is flat from the first step on, at both levels, and neurons are as they would be
after a long run.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop as gp
from gifpop import models
from gifpop.assembly import stationary
from gifpop.engine import signals
from gifpop.engine.links import Link
from tests.helpers.networks import SEED_CELL, brunel, single
from tests.helpers.state import assembly_of, plan_of

DT = 0.5
FAST_CELL = gp.GIF(
    tau_sfa=[25.0],
    q_sfa=[2.0],
    tau_stc=[30.0, 200.0],
    q_stc=[100.0, 30.0],
    tau_m=5.0,
    t_ref=2.0,
    E_L=1.0,
    V_reset=2.0,
    V_T_star=10.0,
    I_e=900.0,
    Delta_V=1.5,
)
WINDOWS = (0, 1, 2, 4, 10, 25, 60, 120, 200)  # ms; early activity is compared with that after the last one
LIMIT = (
    6.5  # standard errors; of Student's t with 79 degrees of freedom, once in 1e8 comparisons, of which there are 150
)
TRIALS = 80


def dense(net, delay=1.0):
    """Return the network with all connections, at weights with the same mean."""
    new = gp.Network()
    for population in net.populations.values():
        new.population(population.name, population.N, population.cell)
    for c in net.connections:
        new.connect(c.pre, c.post, weight=c.weight * c.rule.p, delay=delay)
    return new


def driven():
    """Return lasting inputs of all kinds, which arrive late, and spikes at the beginning that do not count."""
    net = single(replace(SEED_CELL, I_e=100.0), 400)
    net.inject("P", gp.StepCurrent([0.0, 1e4], [50.0, 500.0]), delay=20.0)
    net.inject("P", gp.DirectCurrent(50.0, stop=1e4), delay=5.0)
    net.inject("P", gp.Waveform([50.0, 500.0], interval=1e4))
    net.inject("P", gp.PoissonSpikes(rate=5000.0, weight=2.0, shared=True), delay=10.0)
    return net


def noisy():
    """Noise of its own for each neuron, part of which arrives late; spike-triggered currents."""
    cell = replace(SEED_CELL, I_e=150.0, tau_sfa=[60.0], q_sfa=[2.0], tau_stc=[100.0], q_stc=[40.0])
    net = single(cell, 400)
    net.inject("P", gp.PoissonSpikes(rate=1000.0, weight=50.0), delay=20.0)
    net.inject("P", gp.PoissonSpikes(rate=500.0, weight=-50.0))
    return net


NETWORKS = {
    "strongly adapting": single(SEED_CELL, 400),
    "coupled": dense(brunel()),
    "long delay": dense(brunel(), delay=50.0),
    "spike-triggered currents": single(FAST_CELL, 400),
    "no adaptation": dense(models.brunel(adaptation=False)),
    "driven": driven(),
    "noise of its own": noisy(),
    "sparse": brunel(),
}
OPTIONS = {
    "adaptive": {},
    "exact": {"history": "exact"},
    "quasi-renewal": {"adaptation": "quasi-renewal"},
    "quasi-renewal, exact": {"adaptation": "quasi-renewal", "history": "exact"},
}
SPARSE = {"adaptive": {"wiring": "sparse"}, "exact": {"wiring": "sparse", "history": "exact"}}
ONLY_CARRIED = ("spike-triggered currents", "noise of its own")
MESO = [
    pytest.param(name, options, id=f"{name}, {option}")
    for name in NETWORKS
    for option, options in (SPARSE if name == "sparse" else OPTIONS).items()
    if not (name in ONLY_CARRIED and "adaptation" in options)
]


def large(net, N=2**45):
    """Multiply the neurons so that activity is almost deterministic, with the same input to each neuron.

    Weights are smaller; or, where neurons receive samples, these are of the same number of connections.
    """
    new = gp.Network()
    for population in net.populations.values():
        new.population(population.name, N, population.cell)
    for c in net.connections:
        connections = c.rule.p * net.populations[c.pre].N
        if c.rule.p < 1.0:
            new.connect(c.pre, c.post, c.weight, delay=c.delay, rule=gp.FixedIndegree(round(connections)))
        else:
            new.connect(c.pre, c.post, c.weight * connections / N, delay=c.delay)
    for injection in net.injections:
        new.inject(injection.post, injection.input, injection.delay)
    return new


def deviations(net, trials=TRIALS, **options):
    """Return by how many standard errors the trial-averaged activity of early windows differs from the later one."""
    sim = gp.Simulation(net, dt=DT, seed=0, **options)
    early, ends = [], [round(t / DT) for t in WINDOWS]
    for seed in range(trials):
        sim.reset(seed)
        activity = sim.run(2.0 * WINDOWS[-1]).activity
        windows = np.array([activity[a:b].mean(axis=0) for a, b in pairwise(ends)])
        early.append(windows - activity[ends[-1] :].mean(axis=0))
    early = np.array(early)
    return early.mean(axis=0) / (early.std(axis=0, ddof=1) / np.sqrt(trials))


@pytest.mark.parametrize(("name", "options"), MESO)
def test_large_population_stays_where_it_begins(name, options):
    net = NETWORKS[name]
    without_noise = large(net)
    for i, injection in enumerate(without_noise.injections):  # the noise that all neurons share does not grow small
        if isinstance(injection.input, gp.PoissonSpikes) and injection.input.shared:
            current = 1e-3 * injection.input.rate * injection.input.weight * SEED_CELL.tau_syn_ex
            without_noise.injections[i] = replace(injection, input=gp.DirectCurrent(current))
    result = without_noise.simulate(300.0, dt=DT, seed=1, initial="stationary", **options)
    expected = np.array([p.mean / p.N for p in result]).T
    # adaptive histories ripple while cells are merged
    assert_allclose(expected, np.broadcast_to(expected.mean(axis=0), expected.shape), rtol=2e-3, atol=0.0)
    assert_allclose(expected[:32].mean(axis=0), expected[-32:].mean(axis=0), rtol=3e-4, atol=0.0)


def fast_and_slow(fast, all_cases):
    """Return all cases as parameters, with the mark of slow tests where they are not among the fast ones."""
    return [case if case in fast else pytest.param(*case, marks=pytest.mark.slow) for case in all_cases]


FAST = [
    ("coupled", "meso"),
    ("long delay", "micro"),
    ("strongly adapting", "micro"),
    ("noise of its own", "micro"),
    ("sparse", "micro"),
]


@pytest.mark.parametrize(("name", "level"), fast_and_slow(FAST, [(n, l) for n in NETWORKS for l in ("meso", "micro")]))
def test_trial_average_is_flat(name, level):
    wiring = "sparse" if name == "sparse" else "dense"
    z = deviations(NETWORKS[name], level=level, initial="stationary", wiring=wiring)
    assert np.abs(z).max() < LIMIT


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_fired_neurons_are_far_from_stationary(level):
    assert np.abs(deviations(NETWORKS["coupled"], level=level, initial="fired")).max() > 4.0 * LIMIT


def test_mixed_levels_are_flat():
    z = deviations(NETWORKS["long delay"], level={"E": "micro", "I": "meso"}, initial="stationary")
    assert np.abs(z).max() < LIMIT


@pytest.mark.parametrize(
    ("name", "rtol"),
    [
        ("strongly adapting", 2e-3),
        ("spike-triggered currents", 2e-3),
        ("no adaptation", 1e-3),
        ("noise of its own", 2e-3),
    ],
)
def test_rate_is_that_of_a_long_run(name, rtol):
    net = large(NETWORKS[name])
    began = net.simulate(100.0, dt=DT, seed=1, initial="stationary")
    after = net.simulate(8000.0, dt=DT, seed=1, initial="fired")
    assert_allclose(began.rate.mean(axis=0), after.rate[-200:].mean(axis=0), rtol=rtol, atol=0.0)


ONE_TERM = gp.GIF(tau_sfa=[200.0], q_sfa=[4.0], tau_stc=[60.0], q_stc=[40.0], I_e=450.0, Delta_V=2.5, E_L=-3.0)
MANY = 10_000  # neurons


def states(level, initial="stationary", duration=DT, N=MANY):
    """Return what is known of neurons or a population after a run."""
    variables = ["V_m", "E_sfa"] if level == "meso" else ["V_m", "E_sfa", "I_stc"]
    net = single(ONE_TERM, N)
    return net.simulate(
        duration, dt=DT, level=level, initial=initial, seed=3, record=variables, record_interval=duration
    )["P"]


def test_neurons_are_as_after_a_long_run():
    # means and variances, |z| > 5.5 once in 3e7 times; thresholds are those at the beginning of the step
    began, after = states("micro"), states("micro", "fired", 1500.0)
    for name in ("V_m", "E_sfa", "I_stc"):
        x, y = getattr(began, name)[0], getattr(after, name)[0]
        for a, b in ((x, y), ((x - x.mean()) ** 2, (y - y.mean()) ** 2)):
            assert abs(a.mean() - b.mean()) < 5.5 * np.hypot(a.std(), b.std()) / np.sqrt(MANY)
    correlations = [np.corrcoef([s.V_m[0], s.E_sfa[0], s.I_stc[0]])[np.triu_indices(3, 1)] for s in (began, after)]
    assert_allclose(*correlations, rtol=0.0, atol=5.5 * np.sqrt(2.0 / MANY))


def test_levels_have_the_same_mean_threshold():
    cell, dt = replace(SEED_CELL, tau_sfa=[30.0], q_sfa=[8.0]), 2.0
    # so coarse that it matters whether a threshold has decayed
    options = {"dt": dt, "seed": 3, "initial": "stationary", "record": "E_sfa"}
    threshold = single(cell, 20_000).simulate(dt, level="micro", **options)["P"].E_sfa[0]
    population = single(cell, 10**12).simulate(dt, **options)["P"].E_sfa[0]
    # |z| > 5.5 once in 3e7 times
    assert abs(threshold.mean() - population) < 5.5 * threshold.std() / np.sqrt(20_000)


# of the second cell, most are free neurons
@pytest.mark.parametrize("cell", [SEED_CELL, replace(SEED_CELL, tau_sfa=[], q_sfa=[], I_e=100.0)])
@pytest.mark.parametrize("option", OPTIONS)
def test_variance_of_survivors_is_that_of_a_long_run(option, cell):
    def variances(initial, duration):
        options = OPTIONS[option] | {"finite_size": "corrected"}
        sim = gp.Simulation(single(cell, 400), dt=DT, seed=1, initial=initial, **options)
        sim.run(duration)
        plan = plan_of(sim)
        cells = 0.0 if plan.cells is None else plan.merged["variance"].sum()
        return plan.window["variance"].sum() + cells + plan.state["variance"][0]

    assert_allclose(variances("stationary", DT), variances("fired", 5000.0), rtol=0.25, atol=0.0)


def test_as_many_neurons_are_refractory_as_have_just_fired():
    """To 5.5 standard deviations of a Poisson count: false alarm 4e-8."""
    dt, N = 2.0, 20_000  # two refractory steps
    V_m = single(SEED_CELL, N).simulate(dt, dt=dt, level="micro", seed=4, initial="stationary", record="V_m")["P"].V_m
    expected = 2.0 * N * single(SEED_CELL, 10**12).simulate(dt, dt=dt, seed=4, initial="stationary")["P"].mean[0] / 1e12
    assert abs(np.sum(V_m == SEED_CELL.V_reset) - expected) < 5.5 * np.sqrt(expected)


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_synaptic_currents_begin_at_their_mean(level):
    net = single(replace(SEED_CELL, lambda_0=0.0))
    net.inject("P", gp.PoissonSpikes(rate=1e6, weight=0.1, shared=True), delay=3.0)
    current = net.simulate(DT, dt=DT, level=level, initial="stationary", seed=6, record="I_syn_ex")["P"].I_syn_ex
    arriving, steps = 1e3 * DT, SEED_CELL.tau_syn_ex / DT
    assert_allclose(current, 0.1 * arriving * steps, rtol=0.0, atol=5.5 * 0.1 * np.sqrt(arriving))


def test_results_do_not_depend_on_threads_or_on_what_was_before():
    net = dense(brunel(), delay=3.0)
    options = {"dt": DT, "initial": "stationary", "level": {"E": "micro", "I": "meso"}}
    first = net.simulate(50.0, seed=5, **options)
    sim = gp.Simulation(net, seed=6, threads=2, **options)
    other = sim.run(30.0)
    sim.reset(5)
    for again in (sim.run(50.0), net.simulate(50.0, seed=5, threads=2, **options)):
        for name in "EI":
            assert np.array_equal(first[name].counts, again[name].counts)
        assert np.array_equal(first["E"].spikes[1], again["E"].spikes[1])
    assert not np.array_equal(first["E"].counts[:60], other["E"].counts)


def test_relaxes_again_only_after_a_change(monkeypatch):
    relaxed = []
    relax = stationary.relax

    def count(*arguments, **options):
        relaxed.append(relax(*arguments, **options))
        return relaxed[-1]

    monkeypatch.setattr(stationary, "relax", count)
    sim = gp.Simulation(single(SEED_CELL, 10_000), dt=DT, seed=1, initial="stationary")
    for seed in (None, 2):
        sim.reset(seed)
    assert len(relaxed) == 1
    sim.set("P", I_e=400.0, t_ref=6.0)
    sim.reset()
    assert len(relaxed) == 2
    changed = single(replace(SEED_CELL, I_e=400.0, t_ref=6.0), 10_000)
    again = changed.simulate(20.0, dt=DT, seed=2, initial="stationary")
    assert np.array_equal(sim.run(20.0)["P"].counts, again["P"].counts)


def test_connections_that_differ_act_by_their_mean():
    weights, lags = np.array([1.0, 2.0, -4.0, 3.0]), np.array([2, 5, 2, 2], dtype=np.int32)
    first, units = np.array([0, 2, 4]), np.array([0, 2, 1, 2], dtype=np.int32)
    made = stationary.mean_links([Link(0, 1, 1, "excitatory", 0.5, first, units, weights, lags)], [2, 3])
    assert [(link.lag, link.receptor, link.weight) for link in made] == [
        (2, "excitatory", pytest.approx(0.5 * 4.0 / 6, rel=1e-12)),
        (5, "excitatory", pytest.approx(0.5 * 2.0 / 6, rel=1e-12)),
        (2, "inhibitory", pytest.approx(0.5 * -4.0 / 6, rel=1e-12)),
    ]
    alike = stationary.mean_links([Link(0, 1, 3, "inhibitory", -0.5, first, units)], [2, 3])
    assert [(link.lag, link.receptor, link.weight) for link in alike] == [
        (3, "inhibitory", pytest.approx(-2.0 / 6, rel=1e-12))
    ]


def test_neurons_begin_in_the_state_of_sparse_wiring():
    def relaxed(**options):
        engine = assembly_of(gp.Simulation(brunel(), dt=DT, seed=1, initial="stationary", **options))._relaxed
        return [plan.state["mean"][0] for plan in engine.plans]

    neurons = relaxed(level="micro")
    assert_allclose(neurons, relaxed(wiring="sparse"), rtol=1e-4, atol=0.0)
    assert np.all(np.array(neurons) > 1.02 * np.array(relaxed(wiring="dense")))


def test_drawn_connections_and_noise_differ_between_neurons():
    # of both kinds of synaptic currents, the variance is that of a long run; |z| > 5.5 once in 3e7 times
    net = noisy()
    net.population("source", 500, SEED_CELL)
    net.connect("source", "P", weight=20.0, p=0.1, delay=3.0)
    net.populations["P"] = replace(net.populations["P"], N=MANY // 2)
    options = {"dt": DT, "level": "micro", "seed": 7, "record": {"P": ["I_syn_ex", "I_syn_in"]}}
    began = net.simulate(DT, initial="stationary", **options)["P"]
    after = net.simulate(500.0, initial="fired", record_interval=500.0, **options)["P"]
    for name in ("I_syn_ex", "I_syn_in"):
        x, y = (((getattr(r, name)[0]) - getattr(r, name)[0].mean()) ** 2 for r in (began, after))
        assert abs(x.mean() - y.mean()) < 5.5 * np.hypot(x.std(), y.std()) / np.sqrt(MANY // 2)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (signals.Piecewise([0, 5], [2.0, 3.0]), 2.0),
        (signals.Piecewise([0], [2.0], first=1), 0.0),
        (signals.Samples([4.0, 5.0], repeat=3), 4.0),
        (signals.Samples([4.0], first=2), 0.0),
        (signals.Events([0, 0], [1.0, 1.0]), 0.0),
        (signals.PoissonCounts(2.5, None), 2.5),
        (signals.PoissonCounts(2.5, None, first=1), 0.0),
        (signals.PoissonCounts(2.5, None, end=0), 0.0),
    ],
)
def test_what_lasts_of_a_signal(signal, expected):
    assert signal.expected(0) == expected


def test_single_spikes_do_not_count():
    net, other = single(SEED_CELL, 10_000), single(SEED_CELL, 10_000)
    net.inject("P", gp.SpikeTimes([0.0, 30.0], weight=1e4), delay=10.0)
    mine, theirs = (n.simulate(20.0, dt=DT, seed=1, initial="stationary")["P"].mean for n in (net, other))
    assert np.array_equal(mine[:20], theirs[:20])
    assert mine[21] > 2.0 * theirs[21]


@pytest.mark.parametrize(
    ("name", "value"),
    [("tau_m", gp.Uniform(10.0, 20.0)), ("q_sfa", [gp.Normal(1.0, 0.1), 1.0]), ("V_m", gp.Uniform(0.0, 5.0))],
)
def test_neurons_that_differ_are_refused(name, value):
    net = single(replace(SEED_CELL, **{name: value}))
    with pytest.raises(ValueError, match=rf"Population 'P': GIF\.{name} must be one number with initial='stationary'"):
        gp.Simulation(net, dt=DT, level="micro", initial="stationary")


def test_oscillating_network_warns():
    net = dense(models.brunel(adaptation=False))
    for name, population in net.populations.items():
        net.populations[name] = replace(population, cell=replace(population.cell, Delta_V=1.0))
    message = r"Simulation\.initial = 'stationary': the activity still changes after"
    with pytest.warns(UserWarning, match=message) as caught:
        gp.Simulation(net, dt=DT, initial="stationary")
    assert caught[0].filename == __file__


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_silent_population(level):
    net = single(replace(SEED_CELL, lambda_0=0.0, I_e=100.0))
    result = net.simulate(20.0, dt=DT, level=level, initial="stationary", record="V_m")["P"]
    assert result.counts.sum() == 0
    assert_allclose(result.V_m, 8.0, rtol=1e-12, atol=0.0)


@pytest.mark.filterwarnings("ignore:Simulation.initial")
def test_neurons_like_clockwork_begin_as_they_go_on():
    """So regular that the relaxation has to put them out of step: it does, with 2 % of the rate and 3 times a Poisson
    process' variance (1000 neurons at 20 spikes/s in 1 ms: 20) to spare.
    """
    net = single(replace(SEED_CELL, I_e=12.5 * 117.14, tau_sfa=[300.0], q_sfa=[15.0]), 1000)
    activity = net.simulate(4000.0, dt=0.2, seed=1, initial="stationary").activity[:, 0].reshape(-1, 5).mean(axis=1)
    assert activity.mean() == pytest.approx(20.0, rel=0.02)
    assert activity.var() < 60.0


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_without_a_stationary_state(level):
    """Where numbers leave their range while the network relaxes, the error says what failed."""
    net = gp.Network()
    net.population("P", 100, gp.GIF(I_e=500.0, tau_sfa=[1000.0], q_sfa=[-20.0]))
    net.connect("P", "P", weight=1e307, delay=1.0)
    with pytest.raises(gp.SimulationError, match=r"initial = 'stationary': no stationary state was found") as caught:
        net.simulate(10.0, dt=0.5, initial="stationary", level=level)
    assert "population 'P'" in str(caught.value) and "initial='rest'" in str(caught.value)


def test_what_would_relax_for_hours_is_refused():
    net = gp.Network()
    net.population("P", 100, gp.GIF(I_e=500.0, tau_syn_ex=1e9))
    with pytest.raises(ValueError, match=r"the slowest time constants must be <= 2e\+08 steps of dt = 0.5 ms"):
        gp.Simulation(net, dt=0.5, initial="stationary").run(0.5)
