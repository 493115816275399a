"""More receptors than two, at both levels, against the plain twin."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop import _core
from gifpop.assembly.stationary import load_population
from gifpop.common.receptors import name_currents
from gifpop.engine import signals
from gifpop.engine.chunks import Probing
from gifpop.engine.engine import Engine
from gifpop.engine.links import Link, NoiseLink
from gifpop.meso.plan import plan_adaptive, plan_population, start_history
from gifpop.micro.plan import plan_neurons
from tests.helpers import reference
from tests.helpers.state import resumed

DT = 0.5
TAU = {"ex": 3.0, "in": 6.0, "slow": 40.0, "fast": 1.5}
NAMES = {3: ("ex", "in", "slow"), 4: ("ex", "in", "slow", "fast")}
CELL = {"I_e": 250.0, "tau_sfa": [80.0], "q_sfa": [1.5], "tau_stc": [30.0], "q_stc": [10.0]}
PARAMETERS = {"tau_m": 20.0, "C_m": 250.0, "t_ref": 4.0, "V_reset": 0.0, "E_L": 0.0, "V_T_star": 15.0, "Delta_V": 2.0}
STEPS, K = 160, 80  # of a run, and of an exact history


def cell_of(R):
    """Return neurons with R receptors."""
    return gp.GIF(**{**CELL, "tau_syn": {name: TAU[name] for name in NAMES[R]}})


def variance_of(receptor):
    """Return the kind of a variance at a receptor, for a `Link`."""
    return _core.RECEPTOR["excitatory variance"] - receptor


def run(engine, n, probes, prescribed, pieces=1):
    """Return the records of a run in pieces."""
    records = []
    for _ in range(pieces):
        records += [chunk.records for chunk in engine.run(n // pieces, Probing(engine.plans, probes, prescribed))]
    return np.vstack(records)


# -- populations ---------------------------------------------------------------------------------------------------------

WEIGHTS = {0: 20.0, 1: -60.0, 2: 9.0, 3: -15.0}


def population_engine(R, carried, adaptive, threads=1, noisy=True):
    """Return two populations, each of which sends to every receptor of both."""
    cell, capacity = cell_of(R), [4e3 * (r + 1) if carried and noisy else 0.0 for r in range(R)]
    options = {"carries": carried, "capacity": capacity if carried and noisy else None}
    plans = []
    for _ in range(2):
        if adaptive:
            plans.append(plan_adaptive(cell, 200, DT, 400, 1e-3, **options))
        else:
            plans.append(plan_population(cell, 200, DT, K, **options))
        start_history(plans[-1], 0.0)
    links = []
    for source, target, r in itertools.product(range(2), range(2), range(R)):
        lag = 2 + source + r
        links.append(Link(source, target, lag, r, WEIGHTS[r] / 100.0 * (1 + source)))
        if carried and noisy:
            links.append(Link(source, target, lag, variance_of(r), capacity[r] / 400.0))
    lines = [signals.Samples(np.sin(np.arange(STEPS)) ** 2)]
    links += [Link(2, 0, 1, R - 1, 30.0), Link(2, 1, 3, "current", 50.0)]
    streams = [np.random.PCG64(i) for i in range(2)]
    return Engine(["A", "B"], plans, streams, links, lines, dt=DT, n_threads=threads)


def counts_of(seed):
    return np.random.default_rng(seed).poisson(1.5, STEPS).astype(np.int64)


def population_twins(R, carried, adaptive, plans):
    """Advance the twins of the two populations; return their records, shape (steps, probes)."""
    names, counts = NAMES[R], [counts_of(0), counts_of(1)]
    p = {**PARAMETERS, **CELL, "N": 200, "receptors": names[2:], "len_kernel": K}
    p |= {f"tau_syn_{name}": TAU[name] for name in names}
    layout = None
    if adaptive:
        widest = plans[0].cells.widest
        layout = {"window": plans[0].K, "widest": widest, "every": plans[0].cells.every}
    capacity = {name: 4e3 * (r + 1) for r, name in enumerate(names)}
    if carried:
        twins = [reference.CarriedPopulation(p, DT, 0.0, layout, capacity) for _ in range(2)]
    elif adaptive:
        twins = [reference.AdaptivePopulation(p, DT, 0.0, **layout) for _ in range(2)]
    else:
        twins = [reference.MesoPopulation(p, DT) for _ in range(2)]
    line = np.sin(np.arange(STEPS)) ** 2
    records = []
    for k in range(STEPS):
        row = []
        for i, twin in enumerate(twins):
            arriving, variances = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
            for source, (r, name) in itertools.product(range(2), enumerate(names)):
                if k >= 2 + source + r:
                    arriving[name] += WEIGHTS[r] / 100.0 * (1 + source) * counts[source][k - 2 - source - r]
                    variances[name] += capacity[name] / 400.0 * counts[source][k - 2 - source - r]
            current = 0.0
            if i == 0 and k >= 1:
                arriving[names[-1]] += 30.0 * line[k - 1]
            if i == 1 and k >= 3:
                current = 50.0 * line[k - 3]
            ex, inh = arriving.pop("ex"), arriving.pop("in")
            if carried:
                ex_v, in_v = variances.pop("ex"), variances.pop("in")
                twin.expect(current, ex, inh, ex_v, in_v, variances, **arriving)
            else:
                twin.expect(current, ex, inh, **arriving)
            row += [twin.mean, twin.V_m, *twin.I_syn.values()]
        for count, twin in zip(counts, twins, strict=True):
            twin.emit(count[k])
        records.append(row)
    return np.array(records)


def population_probes(R):
    return [(i, 0, ("mean", "V_m", *name_currents(NAMES[R]))) for i in range(2)]


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("R", NAMES)
def test_populations_are_twins(R, carried, adaptive):
    engine = population_engine(R, carried, adaptive)
    records = run(engine, STEPS, population_probes(R), {0: counts_of(0), 1: counts_of(1)})
    expected = population_twins(R, carried, adaptive, engine.plans)
    assert_allclose(records, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("R", NAMES)
def test_a_population_starts_in_the_state_of_another(R):
    """Every current is taken over."""
    one, other = (population_engine(R, True, True).plans[0] for _ in range(2))
    one.I_syn[:] = np.arange(R) + 1.0
    load_population(other, one)
    assert_array_equal(other.I_syn, one.I_syn)


# -- neurons -------------------------------------------------------------------------------------------------------------

N, SOURCES = 70, 20


def connections(r, various):
    """Return source, target, weight and lag of connections onto a receptor."""
    random = np.random.default_rng(r)
    source, target = random.integers(0, SOURCES, 150), random.integers(0, N, 150)
    order = np.lexsort((target, source))
    weight = random.uniform(0.5, 2.0, 150) if various else np.ones(150)
    lag = random.integers(3, 8, 150) if various else np.full(150, 3 + r)
    return source[order], target[order], WEIGHTS[r] * weight, lag


def single(source, target, weight, lag, r, various, first):
    """Return a link of single connections."""
    starts = np.searchsorted(source, np.arange(first + 1)).astype(np.int64)
    weights, lags = (weight / WEIGHTS[r], lag.astype(np.int32)) if various else (None, None)
    return starts, target.astype(np.int32), weights, lags


def neuron_engine(R, various, external, threads=1, trapezoid=True):
    """Return sources and neurons with R receptors; of each neuron's own parameters, or all alike."""
    names = NAMES[R]
    p = {
        **PARAMETERS,
        **CELL,
        "lambda_0": 10.0,
        **{f"tau_syn_{name}": TAU[name] for name in names},
    }
    p |= {"V_m": 0.0, **{f"I_syn_{name}": 0.0 for name in names}}
    if various:
        p |= {"tau_m": np.linspace(15.0, 25.0, N), f"tau_syn_{names[-1]}": np.linspace(2.0, 9.0, N)}
    sources = plan_neurons({**p, "tau_m": 20.0, f"tau_syn_{names[-1]}": 5.0}, SOURCES, DT, receptors=names)
    plans = [sources, plan_neurons(p, N, DT, trapezoid, names)]
    keys = [np.array([i, 7], dtype=np.uint64) for i in range(2)]
    for plan, key in zip(plans, keys, strict=True):
        plan.restart(key)
    links = []
    for r in range(R):
        kind = ("excitatory", "inhibitory")[r] if r < 2 else r
        arrays = single(*connections(r, various), r, various, SOURCES)
        links.append(Link(0, 1, 3 + r, kind, WEIGHTS[r], *arrays))
    lines, noise = [], []
    if external:
        lines = [signals.Samples(np.cos(np.arange(STEPS)) ** 2)]
        one = np.array([0, N // 2], dtype=np.int64), np.arange(0, N, 2, dtype=np.int32)
        links += [Link(2, 1, 2, R - 1, 12.0, *one), Link(2, 1, 1, "current", 40.0, *one)]
        links += [Link(2, 1, 1, R - 2, 6.0), Link(2, 1, 4, "current", 20.0)]
        noise = [NoiseLink(1, 2, R - 1, 8.0, signals.Piecewise([0], [0.0]), np.random.PCG64(1))]
    return p, Engine(["S", "N"], plans, keys, links, lines, noise, dt=DT, n_threads=threads)


def forced_spikes():
    random = np.random.default_rng(9)
    fires = [random.random((STEPS, n)) < 0.05 for n in (SOURCES, N)]
    fires[1][:, :] &= random.random((STEPS, N)) < 0.2
    return fires


def prescribed(fires):
    spikes = {}
    for i, fired in enumerate(fires):
        steps, units = np.nonzero(fired)
        spikes[i] = steps.astype(np.int64), units.astype(np.int32)
    return spikes


def neuron_twins(R, p, various, external, fires, which, trapezoid):
    """Advance twins of some neurons; return their records, shape (steps, neurons, variables)."""
    names, line = NAMES[R], np.cos(np.arange(STEPS)) ** 2
    records = []
    for i in which:
        own = {key: value[i] if isinstance(value, np.ndarray) else value for key, value in p.items()}
        own |= {"g_L": own["C_m"] / own.pop("tau_m"), "receptors": names[2:]}
        twin = (reference.TrapezoidalNeuron if trapezoid else reference.Neuron)(own, DT)
        incoming = {}
        for r, name in enumerate(names):
            source, target, weight, lag = connections(r, various)
            incoming[name] = [each for each in zip(source, target, weight, lag, strict=True) if each[1] == i]
        for k in range(STEPS):
            arriving = {
                name: sum(w for s, _, w, lag in own if k >= lag and fires[0][k - lag, s])
                for name, own in incoming.items()
            }
            current = 0.0
            if external:
                if i % 2 == 0:
                    arriving[names[-1]] += 12.0 * line[k - 2] if k >= 2 else 0.0
                    current += 40.0 * line[k]  # the twin's current acts one step after it arrives
                arriving[names[-2]] += 6.0 * line[k - 1] if k >= 1 else 0.0
                current += 20.0 * line[k - 3] if k >= 3 else 0.0
            ex, inh = arriving.pop("ex"), arriving.pop("in")
            twin.step(current, ex, inh, bool(fires[1][k, i]), **arriving)
            records.append([twin.V_m, twin.E_sfa, twin.I_stc, *twin.I_syn.values()])
    return np.array(records).reshape(len(which), STEPS, -1).swapaxes(0, 1)


def neuron_probes(R, which):
    return [(1, which, ("V_m", "E_sfa", "I_stc", *name_currents(NAMES[R])))]


@pytest.mark.parametrize("trapezoid", [False, True])
@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("various", [False, True])
@pytest.mark.parametrize("R", NAMES)
def test_neurons_are_twins(R, various, external, trapezoid, loops):
    p, engine = neuron_engine(R, various, external, trapezoid=trapezoid)
    assert (engine._buffers.units[1] is None) == various  # alike: spikes are counted
    fires, which = forced_spikes(), [0, 1, 33, N - 1]
    records = run(engine, STEPS, neuron_probes(R, which), prescribed(fires)).reshape(STEPS, len(which), -1)
    assert_allclose(records, neuron_twins(R, p, various, external, fires, which, trapezoid), rtol=1e-10, atol=1e-10)


# -- both ----------------------------------------------------------------------------------------------------------------


def engines(R, threads):
    return {
        "populations": population_engine(R, True, True, threads),
        "neurons": neuron_engine(R, True, True, threads)[1],
        "counting neurons": neuron_engine(R, False, True, threads)[1],
    }


def probes_of(kind, R):
    return population_probes(R) if kind == "populations" else neuron_probes(R, list(range(N)))


@pytest.fixture
def shared_always():
    _core.share_always_among_threads(True)
    yield
    _core.share_always_among_threads(False)


@pytest.mark.parametrize("kind", engines(3, 1))
@pytest.mark.parametrize("R", NAMES)
def test_any_number_of_threads(R, kind, shared_always):
    one, three = (run(engines(R, n)[kind], STEPS, probes_of(kind, R), None) for n in (1, 3))
    assert_array_equal(one, three)
    assert np.all(np.isfinite(one))
    width = len(probes_of(kind, R)[0][2])
    assert np.any(one[:, width - 1 :: width])  # something arrives at the last receptor


@pytest.mark.parametrize("kind", engines(3, 1))
@pytest.mark.parametrize("R", NAMES)
def test_saved_and_restored(R, kind):
    probes = probes_of(kind, R)
    whole = run(engines(R, 1)[kind], STEPS, probes, None, pieces=2)
    engine = engines(R, 1)[kind]
    first = run(engine, STEPS // 2, probes, None)
    restored = resumed(engines(R, 1)[kind], engine)
    assert_array_equal(whole, np.vstack([first, run(restored, STEPS // 2, probes, None)]))
