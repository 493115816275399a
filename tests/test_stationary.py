"""The stationary initial state: activity is flat from the first step on, at both levels, and neurons are as they would be
after a long run."""

from dataclasses import replace

import numpy as np
import pytest
from networks import SEED_CELL, brunel, single
from numpy.testing import assert_allclose

import gifpop as gp
from gifpop import models, signals, stationary
from gifpop.plan import Link

DT = 0.5
FAST_CELL = gp.GIF(tau_sfa=[25.0], q_sfa=[2.0], tau_stc=[30.0, 200.0], q_stc=[100.0, 30.0], tau_m=5.0, t_ref=2.0,
                   E_L=1.0, V_reset=2.0, V_T_star=10.0, I_e=900.0, Delta_V=1.5)  # fmt: skip
WINDOWS = (0, 1, 2, 4, 10, 25, 60, 120, 200)  # ms; early activity is compared with that after the last one
LIMIT = 6.5  # standard errors; of Student's t with 79 degrees of freedom, once in 1e8 comparisons, of which there are 150
TRIALS = 80


def dense(net, delay=1.0):
    """The network with all connections, at weights with the same mean."""
    new = gp.Network()
    for population in net.populations.values():
        new.population(population.name, population.N, population.cell)
    for c in net.connections:
        new.connect(c.pre, c.post, weight=c.weight * c.rule.p, delay=delay)
    return new


def driven():
    """Inputs of all kinds that last, which arrive late, and spikes at the beginning that do not count."""
    net = single(replace(SEED_CELL, I_e=100.0), 400)
    net.inject("P", gp.StepCurrent([0.0, 1e4], [50.0, 500.0]), delay=20.0)
    net.inject("P", gp.DirectCurrent(50.0, stop=1e4), delay=5.0)
    net.inject("P", gp.Waveform([50.0, 500.0], interval=1e4))
    net.inject("P", gp.PoissonSpikes(rate=5000.0, weight=2.0, shared=True), delay=10.0)
    return net


NETWORKS = {
    "strongly adapting": single(SEED_CELL, 400),
    "coupled": dense(brunel()),
    "long delay": dense(brunel(), delay=50.0),
    "spike-triggered currents": single(FAST_CELL, 400),
    "no adaptation": dense(models.brunel(adaptation=False)),
    "driven": driven(),
}
OPTIONS = {
    "adaptive": {},
    "exact": {"history": "exact"},
    "quasi-renewal": {"adaptation": "quasi-renewal"},
    "quasi-renewal, exact": {"adaptation": "quasi-renewal", "history": "exact"},
}
MESO = [(name, option) for name in NETWORKS for option in OPTIONS
        if not (name == "spike-triggered currents" and "quasi-renewal" in option)]  # fmt: skip


def large(net, N=2**45):
    """The network with so many neurons that activity is next to deterministic, and weights that are smaller."""
    new = gp.Network()
    for population in net.populations.values():
        new.population(population.name, N, population.cell)
    for c in net.connections:
        new.connect(c.pre, c.post, c.weight * net.populations[c.pre].N / N, delay=c.delay, rule=c.rule)
    for injection in net.injections:
        new.inject(injection.post, injection.input, injection.delay)
    return new


def deviations(net, trials=TRIALS, **options):
    """Return by how many standard errors the trial-averaged activity of early windows differs from the later one."""
    sim = gp.Simulation(net, dt=DT, seed=0, **options)
    early = []
    for seed in range(trials):
        sim.reset(seed)
        activity = sim.run(2.0 * WINDOWS[-1]).activity
        ends = [round(t / DT) for t in WINDOWS]
        windows = np.array([activity[a:b].mean(axis=0) for a, b in zip(ends[:-1], ends[1:], strict=True)])
        early.append(windows - activity[ends[-1] :].mean(axis=0))
    early = np.array(early)
    return early.mean(axis=0) / (early.std(axis=0, ddof=1) / np.sqrt(trials))


@pytest.mark.parametrize(("name", "option"), MESO)
def test_large_population_stays_where_it_begins(name, option):
    net = NETWORKS[name]
    without_noise = large(net)
    for i, injection in enumerate(without_noise.injections):  # the noise that all neurons share does not grow small
        if isinstance(injection.input, gp.PoissonSpikes):
            current = 1e-3 * injection.input.rate * injection.input.weight * SEED_CELL.tau_syn_ex
            without_noise.injections[i] = replace(injection, input=gp.DirectCurrent(current))
    result = without_noise.simulate(300.0, dt=DT, seed=1, initial="stationary", **OPTIONS[option])
    expected = np.array([p.mean / p.N for p in result]).T
    # adaptive histories ripple while cells are merged
    assert_allclose(expected, np.broadcast_to(expected.mean(axis=0), expected.shape), rtol=2e-3, atol=0.0)
    assert_allclose(expected[:32].mean(axis=0), expected[-32:].mean(axis=0), rtol=3e-4, atol=0.0)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("level", ["meso", "micro"])
def test_trial_average_is_flat(name, level):
    z = deviations(NETWORKS[name], level=level, initial="stationary")
    assert np.abs(z).max() < LIMIT


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_fired_neurons_are_far_from_stationary(level):
    assert np.abs(deviations(NETWORKS["coupled"], level=level, initial="fired")).max() > 4.0 * LIMIT


def test_mixed_levels_are_flat():
    z = deviations(NETWORKS["long delay"], level={"E": "micro", "I": "meso"}, initial="stationary")
    assert np.abs(z).max() < LIMIT
