"""Runs at the microscopic level and of mixed networks: pieces, changes, records, connections, inputs, errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.common import memory, seeds
from gifpop.engine import chunks
from tests.helpers.networks import SEED_CELL, brunel, single

VARIABLES = ("counts", "V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in")
LEVELS = ("micro", {"E": "micro", "I": "meso"}, {"E": "meso", "I": "micro"})
SILENT = gp.GIF(lambda_0=0.0)


def busy_network():
    """Neurons with every kind of input, and connections of different weights and delays."""
    cell = gp.GIF(**{**vars(SEED_CELL), "tau_stc": [30.0], "q_stc": [10.0]})
    net = gp.Network()
    E, I = net.population("E", 80, cell), net.population("I", 20, cell)
    net.connect(E, I, weight=gp.Normal(100.0, 30.0), delay=gp.Uniform(1.0, 4.0), rule=gp.PairwiseBernoulli(0.3))
    net.connect(I, E, weight=-300.0, p=0.5)
    net.connect(E, E, weight=30.0, rule=gp.AllToAll(allow_autapses=False), delay=2.0)
    net.inject(E, gp.StepCurrent([30.0, 60.0], [100.0, 0.0]))
    net.inject(I, gp.PoissonSpikes(300.0, 20.0), delay=3.0)
    net.inject(I, gp.PoissonSpikes(100.0, -20.0, shared=True))
    net.inject(E, gp.SpikeTimes([10.0, 12.5], 500.0))
    return net


def assert_equal_results(a, b):
    for name in a.names:
        for variable in VARIABLES:
            if hasattr(a[name], variable):
                assert_array_equal(getattr(a[name], variable), getattr(b[name], variable), err_msg=variable)
        if a[name].level == "micro":
            assert_array_equal(a[name].spikes, b[name].spikes)


def test_pieces_equal_one_run():
    options = {"dt": 0.5, "seed": 3, "record": "all", "level": "micro"}
    whole = busy_network().simulate(200.0, **options)
    sim = gp.Simulation(busy_network(), **options)
    for piece in (0.5, 100.0, 0.0, 33.5, 66.0):
        sim.run(piece)
    assert whole.counts.sum() > 50
    assert_equal_results(sim.result(), whole)


@pytest.mark.parametrize("level", LEVELS, ids=str)
@pytest.mark.parametrize("longest", [1, 7])
def test_chunks_do_not_matter(level, longest, monkeypatch):
    options = {"dt": 0.5, "seed": 3, "record": "all", "level": level}
    whole = brunel(N=(160, 40)).simulate(100.0, **options)
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", longest)
    assert_equal_results(brunel(N=(160, 40)).simulate(100.0, **options), whole)


def test_pieces_after_set_equal_one_run_after_set():
    def run(*pieces):
        sim = gp.Simulation(busy_network(), dt=0.5, seed=3, record="all", level="micro")
        sim.run(50.0)
        sim.set("E", I_e=500.0, tau_m=10.0, q_sfa=[5.0, 0.5], t_ref=2.0, V_reset=gp.Uniform(-5.0, 5.0))
        for piece in pieces:
            sim.run(piece)
        return sim.result()

    assert_equal_results(run(10.5, 0.5, 39.0), run(50.0))


def test_reset_and_seeds():
    sim = gp.Simulation(busy_network(), dt=0.5, seed=3, record="all", level="micro")
    first = sim.run(50.0)
    sim.reset()
    assert_equal_results(sim.run(50.0), first)
    sim.reset(seed=4)
    other = sim.run(50.0)
    assert not np.array_equal(other["E"].spikes[1], first["E"].spikes[1])
    options = {"dt": 0.5, "record": "all", "level": "micro"}
    assert_equal_results(other, busy_network().simulate(50.0, seed=4, network_seed=3, **options))


@pytest.mark.parametrize("N", [1, 63, 65, 2500])
def test_blocks_of_streams_and_tiles(N):
    """More neurons than share a stream; one neuron; neurons beyond the last full tile."""
    result = single(gp.GIF(I_e=300.0), N=N).simulate(300.0, dt=0.5, level="micro", seed=1)["P"]
    times, neurons = result.spikes
    assert_array_equal(np.bincount(np.rint(times / 0.5).astype(int) - 1, minlength=600), result.counts)
    if N == 2500:
        assert len(np.unique(neurons)) > 2400


def test_records_of_some_neurons():
    net = brunel(N=(160, 40))
    full = net.simulate(50.0, dt=0.5, level="micro", record="all", seed=1)
    some = net.simulate(
        50.0,
        dt=0.5,
        level="micro",
        record={"E": ["V_m", "I_syn_in"]},
        seed=1,
        record_interval=1.0,
        record_neurons={"E": [7, 3, 159]},
    )
    assert full["E"].V_m.shape == (100, 160)
    assert_array_equal(some["E"].neurons, [7, 3, 159])
    assert_array_equal(some["E"].V_m, full["E"].V_m[1::2][:, [7, 3, 159]])
    assert_array_equal(some["E"].I_syn_in, full["E"].I_syn_in[1::2][:, [7, 3, 159]])
    five = net.simulate(50.0, dt=0.5, level="micro", record="V_m", seed=1, record_neurons=5)
    assert five["E"].V_m.shape == (100, 5)
    assert five["E"].V_m.flags.c_contiguous
    assert some["I"].recorded == ("counts", "spikes")
    with pytest.raises(AttributeError, match="population 'E' has no recorded variable 'mean'"):
        _ = full["E"].mean


def test_result_of_a_mixed_network():
    result = brunel(N=(160, 40)).simulate(100.0, dt=0.5, level={"E": "micro", "I": "meso"}, seed=1, record="all")
    assert result["E"].V_m.shape == (200, 160)
    assert result["I"].V_m.shape == (200,)
    assert np.isnan(result.rate[:, 0]).all()
    assert_array_equal(result.rate[:, 1], result["I"].rate)
    assert result.activity.shape == (200, 2)
    with pytest.raises(
        AttributeError, match="population 'I' has no recorded variable 'spikes'; it has counts, mean, V_m"
    ):
        _ = result["I"].spikes


def spread(tau):
    """Return the current at the end of a step, relative to the weight of spikes that arrive evenly over it."""
    return tau / 0.5 * -np.expm1(-0.5 / tau)


def impulse(level, weight=40.0, N=10, **options):
    """Input of B after all neurons of A fired together in the step that ends at 2.5 ms; delay 1 ms."""
    net = gp.Network()
    net.population("A", N, SILENT)
    net.population("B", 6, SILENT)
    net.connect("A", "B", weight=weight, **options)
    if level["A"] == "meso":
        counts = np.zeros(20, dtype=int)
        counts[4] = N
        forced = {"counts": {"A": counts}}
    else:
        forced = {"spikes": {"A": (np.full(N, 2.5), np.arange(N))}}
    result = net.simulate(10.0, dt=0.5, level=level, record="all", seed=1, **forced)["B"]
    return result.I_syn_ex if weight > 0 else result.I_syn_in


@pytest.mark.parametrize("weight", [40.0, -40.0])
@pytest.mark.parametrize("p", [1.0, 0.5])
@pytest.mark.parametrize("a", ["meso", "micro"])
@pytest.mark.parametrize("b", ["meso", "micro"])
def test_a_count_of_n_arrives_as_n_spikes(weight, p, a, b):
    """At step 6 (delay 2 after step 4), with the weight of all spikes; a mean factor p where a population takes part."""
    trace = impulse({"A": a, "B": b}, weight, p=p)
    assert not trace[:6].any()
    expected = weight * 10 * p * spread(3.0 if weight > 0 else 6.0)
    assert_allclose(trace[6], np.broadcast_to(expected, trace[6].shape), rtol=1e-12, atol=0)


def test_weights_and_delays_of_single_connections():
    net = gp.Network()
    net.population("A", 3, SILENT)
    net.population("B", 4, SILENT)
    rule = gp.Pairs([2, 0, 2, 1], [1, 1, 0, 3])
    net.connect("A", "B", weight=[10.0, 20.0, -30.0, 40.0], delay=[1.0, 0.5, 2.0, 1.5], rule=rule)
    spikes = {"A": (np.full(3, 1.0), np.arange(3))}
    result = net.simulate(5.0, dt=0.5, level="micro", record="all", spikes=spikes)["B"]
    first = {i: np.flatnonzero(trace)[0] for i, trace in enumerate(result.I_syn_ex.T) if trace.any()}
    assert first == {1: 2, 3: 4}  # the step of the spike is 1
    ex, inh = result.I_syn_ex / spread(3.0), result.I_syn_in / spread(6.0)
    assert_allclose(ex[2, 1], 20.0, rtol=1e-12, atol=0)
    assert_allclose(ex[3, 1], 20.0 * np.exp(-0.5 / 3.0) + 10.0, rtol=1e-12, atol=0)
    assert_allclose([inh[5, 0], ex[4, 3]], [-30.0, 40.0], rtol=1e-12, atol=0)


def test_connections_can_be_looked_at():
    net = gp.Network()
    net.population("A", 3, SILENT)
    net.population("B", 2, SILENT)
    net.connect("A", "B", weight=[10.0, 20.0, -30.0], delay=[1.0, 0.5, 2.0], rule=gp.Pairs([2, 0, 2], [1, 1, 0]))
    net.connect("A", "B", weight=5.0, delay=3.0)
    sim = gp.Simulation(net, dt=0.5, level="micro")
    rows = sim.connections("A", "B").tolist()
    assert rows[:3] == [(0, 1, 20.0, 0.5), (0, 0, 5.0, 3.0), (0, 1, 5.0, 3.0)]
    assert rows[5:7] == [(2, 0, -30.0, 2.0), (2, 1, 10.0, 1.0)]
    assert len(rows) == 9
    assert len(sim.connections("B", "A")) == 0
    net.connect("B", "A", weight=gp.Normal(3.0, 1.0), delay=gp.Uniform(1.0, 2.0), rule=gp.FixedIndegree(4))
    drawn = gp.Simulation(net, dt=0.5, level="micro", seed=1).connections("B", "A")
    assert_array_equal(np.bincount(drawn["target"]), [4, 4, 4])
    assert set(drawn["delay"]) <= {1.0, 1.5, 2.0}
    assert len(set(drawn["weight"])) == 12
    with pytest.raises(ValueError, match=r"Simulation.connections: 'P' must be at the microscopic level, got 'meso'"):
        gp.Simulation(single(SILENT, N=3), level="meso").connections("P", "P")


def test_all_to_all_without_autapses():
    net = single(SILENT, N=4)
    net.connect("P", "P", weight=10.0, rule=gp.AllToAll(allow_autapses=False))
    spikes = {"P": ([1.0, 1.0], [0, 2])}
    currents = net.simulate(3.0, dt=0.5, level="micro", record="all", spikes=spikes)["P"].I_syn_ex
    assert_allclose(currents[3], spread(3.0) * np.array([10.0, 20.0, 10.0, 20.0]), rtol=1e-12, atol=0)


def test_values_per_neuron():
    V = np.linspace(-5.0, 5.0, 30)
    cell = gp.GIF(lambda_0=0.0, V_m=V, tau_m=gp.Uniform(5.0, 50.0), I_e=np.arange(30.0))
    net = single(cell, N=30)
    result = net.simulate(10.0, dt=0.5, level="micro", record="V_m", initial="rest", seed=1)["P"]
    random = np.random.Generator(seeds.stream(np.random.SeedSequence(1), seeds.NEURONS, 0, 1, 0))  # of tau_m
    tau = random.uniform(5.0, 50.0, 30)
    rest = np.arange(30.0) * tau / 250.0
    assert_allclose(result.V_m[-1], rest + (V - rest) * np.exp(-10.0 / tau), rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match=r"Population 'P': GIF.I_e must be a number or have 31 values, got 30"):
        single(cell, N=31).simulate(1.0, level="micro", initial="rest")
    with pytest.raises(
        ValueError, match=r"Population 'P': GIF.tau_m must be > 0 ms, Uniform\(low=-1.0, high=1.0\) gave -0."
    ):
        single(gp.GIF(tau_m=gp.Uniform(-1.0, 1.0))).simulate(1.0, level="micro", seed=1)


def test_initial_states():
    cell = gp.GIF(E_L=-70.0, V_reset=-60.0, V_T_star=-50.0, lambda_0=0.0, t_ref=2.0, tau_sfa=[100.0], q_sfa=[3.0])
    options = {"dt": 0.5, "level": "micro", "record": "all"}
    fired = single(cell, N=2).simulate(3.0, initial="fired", **options)["P"]
    assert_array_equal(fired.V_m[:4, 0], [-60.0] * 4)
    assert fired.V_m[4, 0] < -60.0
    assert_allclose(fired.E_sfa[0, 0], -50.0 + 3.0 * np.exp(-0.5 / 100.0), rtol=1e-12, atol=0)
    rest = single(cell, N=2).simulate(3.0, initial="rest", **options)["P"]
    assert_allclose(rest.V_m, -70.0, rtol=0, atol=1e-12)
    assert rest.E_sfa[0, 0] == -50.0
    with pytest.raises(
        ValueError, match=r"Population 'P': GIF.V_m must be one number where all neurons have just fired"
    ):
        single(gp.GIF(V_m=gp.Uniform(0.0, 3.0))).simulate(1.0, level="micro")
    single(gp.GIF(V_m=3.0)).simulate(1.0, level="micro")


def test_populations_at_rest():
    """Nobody is refractory and nothing remembered: the first expectation is N times the hazard at rest."""
    cell = gp.GIF(I_e=0.0, V_T_star=5.0)
    mean = single(cell, N=1000).simulate(0.5, dt=0.5, initial="rest", seed=1)["P"].mean[0]
    hazard = 10.0 * np.exp(-5.0 / 2.0)
    assert_allclose(mean, 1000 * -np.expm1(-0.5 * 0.5e-3 * hazard), rtol=1e-12, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("initial", ["fired", "rest"])
def test_both_levels_start_alike(initial):
    """Averaged over 200 trials the first 100 ms agree: 20 bins of 5 ms within 5.5 standard errors."""
    cell = gp.GIF(I_e=350.0, tau_sfa=[], q_sfa=[])
    rates = {}
    for level in ("meso", "micro"):
        runs = [
            single(cell, N=200).simulate(100.0, dt=0.5, level=level, initial=initial, seed=s).activity[:, 0]
            for s in range(200)
        ]
        rates[level] = np.array(runs).reshape(200, 20, 10).mean(axis=2)
    difference = rates["meso"].mean(axis=0) - rates["micro"].mean(axis=0)
    error = np.sqrt((rates["meso"].var(axis=0) + rates["micro"].var(axis=0)) / 200)
    assert np.all(np.abs(difference) < 5.5 * error + 0.01 * rates["micro"].mean(axis=0) + 1e-12)


def test_memory_is_refused_before_building(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 100e6)
    net = single(N=100_000)
    net.connect("P", "P", weight=1.0, p=0.01)
    with pytest.raises(
        MemoryError, match=r"connections, neurons, histories and input on its way would need 460.7 MB .*; 100.0 MB are"
    ):
        gp.Simulation(net, level="micro")


@pytest.mark.parametrize(
    ("connect", "level", "message"),
    [
        ({"rule": gp.OneToOne()}, "micro", "Connection 'P' -> 'Q': OneToOne needs populations of the same size"),
        ({"rule": gp.Pairs([500], [0])}, "micro", "Connection 'P' -> 'Q': Pairs.sources must be < 100, got 500"),
        ({"delay": 0.7}, "micro", "Connection 'P' -> 'Q': delay must be a multiple of dt = 0.5 ms, got 0.7"),
        ({"delay": [1.0, 1e300] * 350}, "micro", r"delay must be <= 2147483647 steps of dt = 0.5 ms, got 1e\+300"),
        (
            {"weight": [1.0, 2.0], "p": 0.5},
            "micro",
            "Connection 'P' -> 'Q': weight must be a number or have 5000 values",
        ),
        (
            {"delay": gp.Uniform(-2.0, -1.0), "p": 0.5},
            "micro",
            r"delay must be > 0 ms, Uniform\(low=-2.0, high=-1.0\) gave",
        ),
        (
            {"weight": gp.Normal(1.0, 1.0)},
            "meso",
            "weight must be one number where a mesoscopic population is connected",
        ),
        ({"delay": gp.Uniform(1.0, 2.0)}, {"P": "meso", "Q": "micro"}, "delay must be one number where a mesoscopic"),
    ],
)
def test_connections_that_are_refused(connect, level, message):
    net = single()
    net.population("Q", 100 if "p" in connect else 7, gp.GIF())
    net.connect("P", "Q", **{"weight": 1.0, **connect})
    with pytest.raises(ValueError, match=message):
        gp.Simulation(net, dt=0.5, level=level)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"level": {"P": "meso", "X": "micro"}},
            ValueError,
            "Simulation.level: key must be a population of the network",
        ),
        ({"level": {"P": "macro"}}, ValueError, r"Simulation.level\['P'\] must be one of 'meso', 'micro', got 'macro'"),
        ({"level": {}}, ValueError, r"Simulation.level\['P'\] must be one of 'meso', 'micro', got None"),
        ({"record_neurons": -1}, ValueError, r"Simulation.record_neurons\['P'\] must be >= 0, got -1"),
        ({"record_neurons": [100]}, ValueError, r"record_neurons\['P'\] must be in \[0, N = 100\), got 100 to 100"),
        ({"record_neurons": [0.5]}, TypeError, r"record_neurons\['P'\] must be a number of neurons or a sequence"),
        (
            {"record": "V"},
            ValueError,
            "variables of 'P' must be among n_events, mean, V_m, E_sfa, I_stc, I_syn_ex, I_syn_in or 'all'",
        ),
        ({"counts": {"P": np.zeros(20, int)}}, ValueError, "must be of a mesoscopic population; neurons take"),
        (
            {"spikes": {"P": 3}},
            TypeError,
            r"Simulation.spikes\['P'\] must be a pair of arrays, times in ms and neurons",
        ),
        ({"spikes": {"P": ([1.0], [100])}}, ValueError, r"neurons must be in \[0, N = 100\), got 100 to 100"),
        ({"spikes": {"P": ([1.2], [0])}}, ValueError, r"times\[0\] must be a multiple of dt = 0.5 ms, got 1.2"),
        ({"spikes": {"P": ([1.0, 2.0], [0])}}, ValueError, "must have an integer neuron for each of 2 times"),
        (
            {"spikes": {"P": ([1.0] * 3, [4, 7, 4])}},
            ValueError,
            "each neuron at most once a step, got neuron 4 twice at 1.0 ms",
        ),
        (
            {"spikes": {"P": ([1.0], [0])}, "level": "meso"},
            ValueError,
            "must be of neurons; a mesoscopic population takes",
        ),
    ],
)
def test_options(options, error, message):
    with pytest.raises(error, match=message):
        single().simulate(10.0, **{"dt": 0.5, "level": "micro", **options})


def test_what_a_population_cannot_do():
    with pytest.raises(
        ValueError, match=r"Population 'P': GIF.tau_m must be one number at the mesoscopic level, got Nor"
    ):
        single(gp.GIF(tau_m=gp.Normal(20.0, 1.0))).simulate(1.0)
    with pytest.raises(ValueError, match=r"Population 'P': GIF.tau_stc must be empty with adaptation='quasi-renewal'"):
        single(gp.GIF(tau_stc=[10.0], q_stc=[1.0])).simulate(1.0, adaptation="quasi-renewal")


def test_rounding_of_a_small_indegree_is_told():
    net = single(SILENT, N=4)
    net.connect("P", "P", weight=1.0, p=0.1)
    with pytest.warns(UserWarning, match=r"p = 0.1 of 4 sources is 0.4 connections onto each neuron, rounded to 0"):
        net.simulate(1.0, level="micro")
    net.simulate(1.0, level="meso")


def test_p_or_rule():
    net = single()
    with pytest.raises(ValueError, match="p must be left out where a rule is given"):
        net.connect("P", "P", weight=1.0, p=0.1, rule=gp.OneToOne())
    with pytest.raises(TypeError, match="rule must be one of gifpop's connection rules, got 'all_to_all'"):
        net.connect("P", "P", weight=1.0, rule="all_to_all")


def test_plot_of_neurons():
    import matplotlib

    matplotlib.use("Agg")
    figure = brunel(N=(160, 40)).simulate(50.0, dt=0.5, level="micro", seed=1).plot()
    assert len(figure.axes) == 1
    assert figure.axes[0].get_title() == "Population activities (microscopic level)"
    matplotlib.pyplot.close(figure)
