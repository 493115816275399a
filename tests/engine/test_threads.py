"""Results do not depend on the number of threads, nor on where a run is cut; random numbers belong to neurons."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop import _core, nest
from gifpop.common import seeds
from gifpop.micro.plan import plan_neurons
from tests.helpers.networks import brunel
from tests.helpers.state import buffers_of, plan_of, plans_of

LEVELS = ("meso", "micro", {"A": "micro", "B": "meso", "C": "micro"})


@pytest.fixture(autouse=True)
def always_shared():
    """Share the work of every network, also where one thread is faster."""
    _core.share_always_among_threads(True)
    yield
    _core.share_always_among_threads(False)


def varied_network():
    """Three populations with every kind of connection and input; delays from 1 ms, longer than the shortest lag."""
    net = gp.Network()
    net.population("A", 1300, gp.GIF(I_e=350.0, tau_sfa=[100.0, 1000.0], q_sfa=[5.0, 1.0]))
    net.population("B", 200, gp.GIF(I_e=360.0, tau_m=15.0))
    net.population("C", 70, gp.GIF(I_e=340.0, t_ref=1.0))
    for pre, post, weight, delay in (
        ("A", "B", 3.0, 2.0),
        ("B", "A", -12.0, 1.5),
        ("C", "C", -3.0, 1.0),
        ("A", "C", 4.0, 8.0),
        ("A", "A", 2.0, 3.5),
    ):
        net.connect(pre, post, weight=weight, delay=delay, p=0.1)
    net.connect("C", "A", weight=5.0, delay=1.0)
    net.inject("A", gp.StepCurrent([20.0, 40.0], [60.0, -30.0]), delay=0.5)
    net.inject("B", gp.SpikeTimes([3.0, 3.5, 30.0], 200.0), delay=1.0)
    net.inject("C", gp.PoissonSpikes(900.0, weight=8.0, shared=True), delay=0.5)
    return net


def noisy_neurons():
    """Neurons that differ, with connections that differ, and noise of their own."""
    net = gp.Network()
    net.population(
        "P", 700, gp.GIF(I_e=gp.Uniform(200.0, 400.0), tau_m=gp.Uniform(10.0, 30.0), tau_stc=[50.0], q_stc=[9.0])
    )
    net.population("Q", 130, gp.GIF(I_e=300.0))
    for pre, post in ("PQ", "QP", "PP"):
        net.connect(pre, post, weight=gp.Uniform(-5.0, 6.0), delay=gp.Uniform(1.0, 6.0), p=0.2)
    net.inject("P", gp.PoissonSpikes(3000.0, weight=10.0), delay=0.5)
    net.inject("P", gp.PoissonSpikes(300.0, weight=-10.0), delay=2.0)
    net.inject("Q", gp.OUCurrent(0.0, 50.0, 5.0), delay=1.0)
    return net


def assert_same(result, expected):
    for name in expected:
        for key in expected[name].recorded:
            assert_array_equal(getattr(result[name], key), getattr(expected[name], key), err_msg=f"{name}.{key}")


@pytest.mark.parametrize("level", LEVELS, ids=["meso", "micro", "mixed"])
def test_any_number_of_threads(loops, level):
    net = varied_network()
    expected = net.simulate(80.0, dt=0.5, level=level, seed=5, record="all")
    assert min(expected.counts.sum(axis=0)) > 20
    for n in (2, 3, 7):
        assert_same(net.simulate(80.0, dt=0.5, level=level, seed=5, record="all", threads=n), expected)


@pytest.mark.parametrize("level", LEVELS, ids=["meso", "micro", "mixed"])
@pytest.mark.parametrize("always", [False, True])
def test_threads_that_take_turns_with_one(level, always):
    """The clock decides when work is shared: here as soon as it can."""
    net, options = varied_network(), {"dt": 0.5, "level": level, "seed": 5, "record": "all"}
    expected = net.simulate(400.0, **options)
    _core.share_always_among_threads(always)
    assert_same(net.simulate(400.0, threads=2, **options), expected)


def test_any_number_of_threads_with_noise_and_varied_connections(loops):
    net = noisy_neurons()
    expected = net.simulate(60.0, dt=0.5, level="micro", seed=5, record="all")
    assert min(expected.counts.sum(axis=0)) > 20
    for n in (2, 5):
        assert_same(net.simulate(60.0, dt=0.5, level="micro", seed=5, record="all", threads=n), expected)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("build", [varied_network, noisy_neurons])
def test_pieces_that_cut_slices(build, n_threads):
    """Groups take two steps between deliveries here; pieces of one and three steps give the same bits."""
    whole = build().simulate(40.0, dt=0.5, level="micro", seed=6, record="all")
    sim = gp.Simulation(build(), dt=0.5, level="micro", seed=6, record="all", threads=n_threads)
    for piece in (0.5, 1.5, 0.5, 2.0, 5.5, 0.5, 29.5):
        sim.run(piece)
    assert_same(sim.result(), whole)


def test_prescribed_spikes_with_threads():
    net = brunel(N=(600, 150))
    options = {"dt": 0.5, "level": "micro", "record": "all", "seed": 3}
    first = net.simulate(60.0, **options)
    for n in (1, 3):
        again = net.simulate(60.0, **options, spikes={"E": first["E"].spikes}, threads=n)
        assert_same(again, first)


def test_errors_with_threads():
    """A count that is no longer finite is found in the same step."""
    results = []
    for n in (1, 2):
        net = gp.Network()
        net.population("A", 100, gp.GIF(I_e=300.0))
        net.population("B", 100, gp.GIF(C_m=1e-300))
        net.connect("A", "A", weight=1.0, delay=4.0)
        net.inject("B", gp.StepCurrent([5.0, 6.0], [1e300, -1e300]))
        with pytest.raises(
            gp.SimulationError, match=r"population 'B': the expected spike count .* ends at 5.5 ms"
        ) as caught:
            net.simulate(500.0, dt=0.5, seed=1, threads=n)
        results.append(caught.value.result)
        assert len(results[-1].t) == 10
    assert_same(results[1], results[0])


def several_onto_one(threads=1):
    """Connect populations and neurons, with different delays, to one population of gifpop.nest."""
    nest.ResetKernel()
    nest.resolution, nest.rng_seed, nest.local_num_threads = 0.1, 3, threads
    first, second, target = (nest.Create("gif_pop_psc_exp", params={"N": 100, "I_e": 500.0}) for _ in range(3))
    neurons = nest.Create("gif_psc_exp", 400, {"I_e": 600.0})
    for source, weight, delay in ((first, 1.3, 0.2), (second, 0.7, 0.3), (target, 0.1, 0.2)):
        nest.Connect(source, target, syn_spec={"weight": weight, "delay": delay})
    weights = np.linspace(0.1, 1.0, 400).reshape(1, 400)
    nest.Connect(neurons, target, "all_to_all", {"weight": weights, "delay": 0.4})
    meter = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": 0.1})
    nest.Connect(meter, target)
    return meter


def test_pieces_of_a_run_with_populations_and_neurons_as_sources():
    meter = several_onto_one()
    nest.Simulate(60.0)
    whole = np.asarray(meter.events["I_syn_ex"])
    meter = several_onto_one(threads=2)
    for _ in range(600):
        nest.Simulate(0.1)
    pieces = np.asarray(meter.events["I_syn_ex"])
    assert whole.max() > 10.0
    assert_array_equal(pieces, whole[: len(pieces)])


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
def test_fewer_neurons_than_threads(n_threads):
    """Two neurons onto a population."""
    nest.ResetKernel()
    nest.local_num_threads = n_threads
    neurons = nest.Create("gif_psc_exp", 2, {"lambda_0": 1e9, "t_ref": 50.0, "I_e": 1e4})
    population = nest.Create("gif_pop_psc_exp", params={"N": 100, "lambda_0": 0.0})
    nest.Connect(neurons, population, "all_to_all", {"weight": [[10.0, 20.0]], "delay": 1.0})
    meter = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": 0.1})
    nest.Connect(meter, population)
    nest.Simulate(10.0)
    current = np.asarray(meter.events["I_syn_ex"])
    arrived = 30.0 * 3.0 / 0.1 * -np.expm1(-0.1 / 3.0)  # spread evenly over the step: 30 pA tau/h (1 - exp(-h/tau))
    assert_allclose(current.max(), arrived, rtol=1e-12, atol=0)


def test_others_come_to_the_end_of_the_slice_in_which_a_population_fails():
    """What they emitted until then arrives once; but time ends where the records do, and nothing goes on."""
    net = gp.Network()
    net.population("A", 100, gp.GIF(I_e=300.0, lambda_0=0.0))
    net.population("B", 100, gp.GIF(C_m=1e-300))
    net.population("C", 100, gp.GIF(I_e=600.0))
    net.connect("C", "A", weight=1.0, delay=4.0)
    net.connect("A", "C", weight=1.0, delay=4.0)
    net.inject("B", gp.StepCurrent([5.0, 6.0], [1e300, -1e300]))
    net.inject("A", gp.StepCurrent([5.0], [100.0]))
    sim = gp.Simulation(net, dt=0.5, seed=1, record="all", history="exact")
    with pytest.raises(gp.SimulationError, match=r"ends at 5.5 ms"):
        sim.run(10.0)
    assert sim.time == 5.0
    with pytest.raises(RuntimeError, match="its state is lost"):
        sim.run(1.0)
    plans = plans_of(sim)
    healthy = gp.Network()
    healthy.population("A", 100, gp.GIF(I_e=300.0, lambda_0=0.0))
    healthy.population("X", 100, gp.GIF(lambda_0=0.0))
    healthy.population("C", 100, gp.GIF(I_e=600.0))
    healthy.connect("C", "A", weight=1.0, delay=4.0)
    healthy.connect("A", "C", weight=1.0, delay=4.0)
    healthy.inject("A", gp.StepCurrent([5.0], [100.0]))
    reference = gp.Simulation(healthy, dt=0.5, seed=1, record="all", history="exact")
    reference.run(8.0)
    for i in (0, 2):
        for name in ("V_m", "I_syn_ex", "n_events"):
            assert plans[i].of_units(name) == plan_of(reference, i).of_units(name), (i, name)
    assert_array_equal(buffers_of(sim).shared[:, (0, 2)], buffers_of(reference).shared[:, (0, 2)])


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", None, True])
def test_numbers_of_threads_that_are_refused(wrong):
    with pytest.raises((TypeError, ValueError), match=r"Simulation.threads must be"):
        gp.Simulation(brunel(N=(8, 2)), dt=0.5, threads=wrong)


def test_nest_takes_threads():
    spikes = []
    for n in (1, 2):
        nest.ResetKernel()
        nest.resolution, nest.local_num_threads = 0.5, n
        neurons = nest.Create("gif_psc_exp", 700, {"I_e": 600.0})
        nest.Connect(neurons, neurons, {"rule": "fixed_indegree", "indegree": 20}, {"weight": 5.0, "delay": 1.5})
        recorder = nest.Create("spike_recorder")
        nest.Connect(neurons, recorder)
        nest.Simulate(60.0)
        spikes.append(recorder.get("events"))
    assert len(spikes[0]["times"]) > 100
    for key in ("times", "senders"):
        assert_array_equal(spikes[1][key], spikes[0][key])


def test_random_numbers_are_those_of_philox():
    """A budget is the exponential of Philox's word for the neuron and the number of its budget."""
    key = seeds.philox_key(np.random.SeedSequence(7), 1, 2)
    cell = {
        **dict.fromkeys(("E_L", "V_reset", "V_T_star", "V_m", "I_e", "I_syn_ex", "I_syn_in"), 0.0),
        "C_m": 250.0,
        "tau_m": 20.0,
        "Delta_V": 2.0,
        "lambda_0": 10.0,
        "t_ref": 4.0,
        "tau_syn_ex": 2.0,
        "tau_syn_in": 2.0,
        "tau_sfa": [],
        "q_sfa": [],
        "tau_stc": [],
        "q_stc": [],
    }
    plan = plan_neurons(cell, 130, 0.5)
    plan.restart(key)

    def budget(neuron, draw):
        counter = (draw + (neuron << 64) - 1) % (1 << 256)  # numpy counts on before it draws
        word = int(np.random.Philox(counter=counter, key=key).random_raw())
        return -np.log(((word >> 12) + 0.5) / 2.0**52)

    assert_allclose(plan.of_neurons("budget"), [budget(i, 0) for i in range(130)], rtol=1e-14, atol=0)
    assert_array_equal(plan.of_neurons("draws"), 1.0)
