"""Bad input fails before anything runs; messages name object, parameter, value and rule."""

import numpy as np
import pytest

import gifpop as gp
from tests.helpers.networks import single

NAN, INF = float("nan"), float("inf")


def expect(error, message, function):
    with pytest.raises(error) as caught:
        function()
    assert message in str(caught.value)


POSITIVE = {"C_m": "pF", "tau_m": "ms", "Delta_V": "mV", "tau_syn_ex": "ms", "tau_syn_in": "ms"}
NOT_NEGATIVE = {"lambda_0": "1/s", "t_ref": "ms"}
ANY = {"E_L": "mV", "V_reset": "mV", "V_T_star": "mV", "I_e": "pA", "V_m": "mV", "I_syn_ex": "pA", "I_syn_in": "pA"}


@pytest.mark.parametrize(("name", "unit"), POSITIVE.items())
@pytest.mark.parametrize("value", [0.0, -1.0, NAN, INF])
def test_positive_parameters(name, unit, value):
    rule = "finite and > 0" if value == INF else "> 0"
    expect(ValueError, f"GIF.{name} must be {rule} {unit}, got {value}", lambda: gp.GIF(**{name: value}))


@pytest.mark.parametrize(("name", "unit"), NOT_NEGATIVE.items())
@pytest.mark.parametrize("value", [-0.1, NAN, -INF])
def test_parameters_that_may_be_zero(name, unit, value):
    gp.GIF(**{name: 0})
    expect(ValueError, f"GIF.{name} must be >= 0 {unit}, got {value}", lambda: gp.GIF(**{name: value}))


@pytest.mark.parametrize(("name", "unit"), ANY.items())
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_parameters_of_any_size(name, unit, value):
    expect(ValueError, f"GIF.{name} must be finite {unit}, got {value}", lambda: gp.GIF(**{name: value}))


@pytest.mark.parametrize("name", [*POSITIVE, *NOT_NEGATIVE, *ANY])
@pytest.mark.parametrize("value", ["1", True, 1j, {}])
def test_types_of_scalars(name, value):
    expect(TypeError, f"GIF.{name} must be a real number in ", lambda: gp.GIF(**{name: value}))


@pytest.mark.parametrize("value", [3, np.float32(3.0), np.int64(3), np.array(3.0)])
def test_numbers_of_any_type_are_taken(value):
    assert gp.GIF(tau_m=value) == gp.GIF(tau_m=3.0)


@pytest.mark.parametrize("value", [1.0, "ab", None, {1.0: 2.0}, [True], ["a"]])
def test_types_of_vectors(value):
    expect(TypeError, "GIF.tau_sfa must be a sequence of real numbers in ms", lambda: gp.GIF(tau_sfa=value))


def test_vectors():
    expect(ValueError, "GIF.tau_sfa[1] must be > 0 ms, got -1.0", lambda: gp.GIF(tau_sfa=[1, -1], q_sfa=[1, 1]))
    expect(ValueError, "GIF.q_sfa[0] must be finite mV, got nan", lambda: gp.GIF(q_sfa=[NAN]))
    expect(ValueError, "GIF.tau_sfa must have one dimension, got shape (1, 1)", lambda: gp.GIF(tau_sfa=np.ones((1, 1))))
    message = "GIF.tau_sfa and GIF.q_sfa must have the same length, got 2 and 1"
    expect(ValueError, message, lambda: gp.GIF(tau_sfa=[1, 2]))


def test_unknown_parameter():
    expect(TypeError, "GIF has no parameter 'g_L'; it has C_m, tau_m, ", lambda: gp.GIF(g_L=10.0))
    expect(TypeError, "(tau_m = C_m / g_L)", lambda: gp.GIF(g_L=10.0))
    expect(TypeError, "StepCurrent has no parameter 'time'; it has times, values", lambda: gp.StepCurrent(time=[1.0]))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (gp.OneToOne(), "Connection 'P' -> 'Q': OneToOne needs populations of the same size, got 100 and 7"),
        (gp.Pairs([100], [0]), "Connection 'P' -> 'Q': Pairs.sources must be < 100, got 100"),
        (gp.FixedIndegree(101, allow_multapses=False), "FixedIndegree.indegree must be <= 100"),
    ],
)
def test_rules_are_checked_at_the_mesoscopic_level_too(rule, message):
    net = single()
    net.population("Q", 7, gp.GIF())
    net.connect("P", "Q", weight=1.0, rule=rule)
    expect(ValueError, message, lambda: net.simulate(1.0))


def test_flags_of_rules():
    expect(TypeError, "AllToAll.allow_autapses must be True or False, got 'no'", lambda: gp.AllToAll("no"))
    expect(TypeError, "FixedIndegree.allow_multapses must be True or False", lambda: gp.FixedIndegree(1, True, None))


def test_largest_numbers():
    expect(ValueError, "Population 'P': N must be <= 9007199254740992", lambda: single(N=10**20))
    net = single(N=2**31)
    expect(ValueError, "N must be <= 2147483647 at the microscopic level", lambda: net.simulate(1.0, level="micro"))
    net = single()
    net.inject("P", gp.PoissonSpikes(1e300, 1.0, shared=True))
    expect(ValueError, "PoissonSpikes onto 'P': rate must be <= 1000000 spikes a step", lambda: net.simulate(1.0))
    net = single()
    net.connect("P", "P", weight=1.0, delay=2**30 * 0.5)
    expect(
        MemoryError,
        "Simulation: connections, neurons, histories and input on its way would need 85.9 GB",
        lambda: net.simulate(1.0, dt=0.5),
    )


@pytest.mark.parametrize("N", [0, -5])
def test_population_size(N):
    expect(ValueError, f"Population 'P': N must be >= 1, got {N}", lambda: single(N=N))


@pytest.mark.parametrize("N", [10.0, True, "10"])
def test_population_size_type(N):
    expect(TypeError, f"Population 'P': N must be an integer, got {N!r}", lambda: single(N=N))


def test_population():
    net = single()
    cell = gp.GIF()
    expect(ValueError, "the name must be new, got 'P' a second time", lambda: net.population("P", 10, cell))
    expect(TypeError, "Population.name must be a non-empty string, got ''", lambda: net.population("", 10, cell))
    expect(TypeError, "Population 'Q': cell must be a gifpop.GIF, got {}", lambda: net.population("Q", 10, {}))
    expect(TypeError, "len_kernel must be an integer, got 5.0", lambda: net.population("Q", 10, cell, len_kernel=5.0))
    expect(ValueError, "len_kernel must be >= -1, got -2", lambda: net.population("Q", 10, cell, len_kernel=-2))
    expect(ValueError, "len_kernel must be > 0, or -1", lambda: net.population("Q", 10, cell, len_kernel=0))
    expect(TypeError, "BinoRand must be True or False, got 1", lambda: net.population("Q", 10, cell, BinoRand=1))
    assert list(net.populations) == ["P"]


def test_history_within_refractory_period():
    net = single(len_kernel=8)
    message = "Population 'P': len_kernel must be longer than the refractory period of 8 steps (t_ref = 4.0 ms), got 8"
    expect(ValueError, message, lambda: net.simulate(10.0, dt=0.5))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"weight": NAN}, ValueError, "Connection 'P' -> 'P': weight must be finite pA, got nan"),
        ({"weight": "1"}, TypeError, "Connection 'P' -> 'P': weight must be a real number in pA, got '1'"),
        ({"weight": 1.0, "p": 1.5}, ValueError, "Connection 'P' -> 'P': p must be in [0, 1], got 1.5"),
        ({"weight": 1.0, "delay": 0.0}, ValueError, "Connection 'P' -> 'P': delay must be > 0 ms, got 0.0"),
        ({"weight": 1.0, "delay": NAN}, ValueError, "Connection 'P' -> 'P': delay must be > 0 ms, got nan"),
    ],
)
def test_connection(options, error, message):
    expect(error, message, lambda: single().connect("P", "P", **options))


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        (0.25, "Connection 'P' -> 'P': delay must be >= 1 step of dt = 0.5 ms, got 0.25"),
        (0.75, "Connection 'P' -> 'P': delay must be a multiple of dt = 0.5 ms, got 0.75"),
        (1e300, "Connection 'P' -> 'P': delay must be <= 2147483647 steps of dt = 0.5 ms, got 1e+300"),
        (1e-9, "Connection 'P' -> 'P': delay must be >= 1 step of dt = 0.5 ms, got 1e-09"),
        (1.1, "Connection 'P' -> 'P': delay must be a multiple of dt = 0.5 ms, got 1.1"),
    ],
)
def test_delay_off_the_grid(delay, message):
    net = single()
    net.connect("P", "P", weight=1.0, delay=delay)
    expect(ValueError, message, lambda: net.simulate(10.0, dt=0.5))


def test_unknown_population():
    net, other = single(), single()
    message = "Network.connect: post must be a population of the network ('P'), got 'Q'"
    expect(ValueError, message, lambda: net.connect("P", "Q", weight=1.0))
    message = "Network.inject: post must be a population of this network, got 'P' of another one"
    expect(ValueError, message, lambda: net.inject(other.populations["P"], gp.DirectCurrent(1.0)))
    expect(TypeError, "connect: pre must be a population or its name, got 3", lambda: net.connect(3, "P", weight=1.0))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: gp.StepCurrent([1.0, 1.0], [1.0, 2.0]), ValueError, "StepCurrent.times must be increasing, got 1.0"),
        (lambda: gp.StepCurrent([2.0, 1.0], [1.0, 2.0]), ValueError, "must be increasing, got 2.0 before 1.0"),
        (lambda: gp.StepCurrent([1.0], [1.0, 2.0]), ValueError, "StepCurrent.times and StepCurrent.values must have"),
        (lambda: gp.StepCurrent([-1.0], [1.0]), ValueError, "StepCurrent.times[0] must be >= 0 ms, got -1.0"),
        (lambda: gp.StepCurrent([1.0], [NAN]), ValueError, "StepCurrent.values[0] must be finite pA, got nan"),
        (lambda: gp.StepCurrent(1.0, 2.0), TypeError, "StepCurrent.times must be a sequence of real numbers in ms"),
        (lambda: gp.DirectCurrent(1.0, start=5.0, stop=4.0), ValueError, "DirectCurrent.stop must be >= start = 5.0"),
        (lambda: gp.DirectCurrent(NAN), ValueError, "DirectCurrent.amplitude must be finite pA, got nan"),
        (lambda: gp.Waveform(3.0), TypeError, "Waveform.values must be a sequence of real numbers in pA, got 3.0"),
        (lambda: gp.SpikeTimes([3.0, 2.0]), ValueError, "SpikeTimes.times must be increasing, got 3.0 before 2.0"),
        (lambda: gp.SpikeTimes([1.0], weight=INF), ValueError, "SpikeTimes.weight must be finite pA, got inf"),
        (lambda: gp.PoissonSpikes(-1.0), ValueError, "PoissonSpikes.rate must be >= 0 spikes/s, got -1.0"),
        (lambda: gp.PoissonSpikes(1.0, shared=1), TypeError, "PoissonSpikes.shared must be True or False, got 1"),
        (lambda: gp.PoissonSpikes("1"), TypeError, "PoissonSpikes.rate must be a real number in spikes/s, got '1'"),
        (lambda: gp.PoissonSpikes([1.0, -1.0], times=[0.0, 1.0]), ValueError, "PoissonSpikes.rate[1] must be >= 0"),
        (
            lambda: gp.PoissonSpikes([1.0, 2.0]),
            ValueError,
            "PoissonSpikes.times and PoissonSpikes.rate must have the same length, got 0 and 2",
        ),
        (
            lambda: gp.PoissonSpikes(1.0, times=[0.0, 1.0]),
            ValueError,
            "PoissonSpikes.rate must have a value for each of times, got one number 1.0",
        ),
        (lambda: gp.PoissonSpikes([1.0, 2.0], times=[1.0, 1.0]), ValueError, "PoissonSpikes.times must be increasing"),
        (
            lambda: gp.PoissonSpikes([1.0], times=[0.0], amplitude=1.0),
            ValueError,
            "PoissonSpikes.amplitude must be 0 where the rate has times, got 1.0; give each step's rate",
        ),
        (lambda: gp.SineCurrent(1.0, -1.0), ValueError, "SineCurrent.frequency must be >= 0 Hz, got -1.0"),
        (lambda: gp.SineCurrent(1.0, start=2.0, stop=1.0), ValueError, "SineCurrent.stop must be >= start = 2.0 ms"),
        (lambda: gp.NoiseCurrent(0.0, -1.0), ValueError, "NoiseCurrent.std must be >= 0 pA, got -1.0"),
        (
            lambda: gp.NoiseCurrent(0.0, 1.0, std_mod=2.0),
            ValueError,
            "NoiseCurrent.std_mod must be <= std = 1.0 pA, got 2.0",
        ),
        (lambda: gp.OUCurrent(0.0, 1.0, 0.0), ValueError, "OUCurrent.tau must be > 0 ms, got 0.0"),
        (lambda: gp.OUCurrent(0.0, 1.0, shared=0), TypeError, "OUCurrent.shared must be True or False, got 0"),
    ],
)
def test_inputs(make, error, message):
    expect(error, message, make)


@pytest.mark.parametrize(
    ("input", "delay", "message"),
    [
        (gp.StepCurrent([1.3], [1.0]), 0.0, "StepCurrent onto 'P': times[0] must be a multiple of dt = 0.5 ms"),
        (gp.SpikeTimes([0.2]), 0.0, "SpikeTimes onto 'P': times[0] must be a multiple of dt = 0.5 ms, got 0.2"),
        (gp.DirectCurrent(1.0, start=0.7), 0.0, "DirectCurrent onto 'P': start must be a multiple of dt"),
        (gp.Waveform([1.0], interval=0.7), 0.0, "Waveform onto 'P': interval must be a multiple of dt"),
        (gp.Waveform([1.0], interval=0.0), 0.0, "Waveform onto 'P': interval must be >= 1 step of dt"),
        (gp.DirectCurrent(1.0), 0.3, "DirectCurrent onto 'P': delay must be a multiple of dt"),
    ],
)
def test_inputs_off_the_grid(input, delay, message):
    net = single()
    net.inject("P", input, delay)
    expect(ValueError, message, lambda: net.simulate(10.0, dt=0.5))


def test_input_type_and_delay():
    net = single()
    expect(TypeError, "Network.inject: input must be one of StepCurrent, ", lambda: net.inject("P", 3.0))
    expect(ValueError, "delay must be >= 0 ms, got -1.0", lambda: net.inject("P", gp.DirectCurrent(1.0), delay=-1.0))


COUNTS = np.zeros(20, dtype=int)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dt": 0.0}, ValueError, "Simulation.dt must be > 0 ms, got 0.0"),
        ({"dt": 1e-4}, ValueError, "Simulation.dt must be >= 0.001 ms, got 0.0001"),
        ({"dt": NAN}, ValueError, "Simulation.dt must be > 0 ms, got nan"),
        ({"level": "macro"}, ValueError, "Simulation.level must be one of 'meso'"),
        (
            {"initial": "old"},
            ValueError,
            "Simulation.initial must be one of 'fired', 'rest', 'stationary', 'nest', got 'old'",
        ),
        ({"seed": -1}, ValueError, "seed must be what numpy.random.default_rng takes, got -1"),
        ({"seed": "a"}, TypeError, "seed must be what numpy.random.default_rng takes, got 'a'"),
        ({"record": "V"}, ValueError, "variables of 'P' must be among n_events, mean, V_m, E_sfa"),
        ({"record": 5}, TypeError, "Simulation.record: variables of 'P' must be names or 'all', got 5"),
        ({"record": {"Q": "V_m"}}, ValueError, "Simulation.record: key must be a population of the network ('P')"),
        ({"record_interval": 0.7}, ValueError, "Simulation.record_interval must be a multiple of dt = 0.5 ms, got 0.7"),
        ({"record_interval": -1.0}, ValueError, "Simulation.record_interval must be > 0 ms, got -1.0"),
        ({"progress": 1}, TypeError, "Simulation.progress must be True or False, got 1"),
        ({"counts": [1, 2]}, TypeError, "Simulation.counts must be a dict of population to int array, got list"),
        ({"counts": {"Q": COUNTS}}, ValueError, "Simulation.counts: key must be a population of the network"),
        ({"counts": {"P": COUNTS + 0.5}}, TypeError, "Simulation.counts['P'] must be an array of integers, got dtype"),
        ({"counts": {"P": COUNTS + 101}}, ValueError, "Simulation.counts['P'] must be in [0, N = 100], got 101 to 101"),
        ({"counts": {"P": COUNTS - 1}}, ValueError, "Simulation.counts['P'] must be in [0, N = 100], got -1 to -1"),
        ({"counts": {"P": COUNTS[None]}}, ValueError, "must have one dimension, got shape (1, 20)"),
        ({"counts": {"P": COUNTS[:7]}}, ValueError, "must have an entry for each of the 20 steps simulated, got 7"),
    ],
)
def test_options(options, error, message):
    expect(error, message, lambda: single().simulate(10.0, **{"dt": 0.5, **options}))


def test_duration():
    net = single()
    message = "simulate.duration must be a multiple of dt = 0.5 ms, got 10.2"
    expect(ValueError, message, lambda: net.simulate(10.2, dt=0.5))
    expect(ValueError, "duration must be >= 0 ms, got -1.0", lambda: net.simulate(-1.0, dt=0.5))
    expect(TypeError, "duration must be a real number in ms, got '10'", lambda: net.simulate("10", dt=0.5))


def test_unknown_options():
    net = single()
    message = (
        "Network.simulate has no option 'foo'; it has adaptation, counts, dt, finite_size, history, initial, level, network_seed, "
        "progress, record, record_interval, record_neurons, seed, smooth, spikes, threads, tolerance, wiring"
    )
    expect(TypeError, message, lambda: net.simulate(10.0, foo=1))
    expect(TypeError, "no option 'levle' (did you mean 'level'?)", lambda: net.simulate(10.0, levle="micro"))
    expect(TypeError, "no option 'resolution' (did you mean 'dt'?)", lambda: net.simulate(10.0, resolution=0.5))


def test_nothing_to_simulate():
    expect(ValueError, "net must have at least one population, got none", lambda: gp.Network().simulate(10.0))
    expect(TypeError, "net must be a gifpop.Network, got 3", lambda: gp.Simulation(3))
    expect(ValueError, "nothing has been simulated yet", lambda: gp.Simulation(single()).result())
