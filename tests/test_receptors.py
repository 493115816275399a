"""Receptors with names: `GIF.tau_syn`, `Network.connect` and `Network.inject` with a receptor, at both levels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.assembly.connections import capacities
from tests.helpers import reference

DT = 0.5
TAU = {"ampa": 2.0, "nmda": 100.0, "gaba": 6.0}
CELL = {"I_e": 250.0, "tau_sfa": [100.0], "q_sfa": [1.0]}
LEVELS = ["meso", "micro"]


def column(cell, receptors=("ampa", "nmda", "gaba")):
    """Return two populations, E with slow excitation besides the fast one."""
    fast, slow, inhibition = receptors
    net = gp.Network()
    for name, N in (("E", 200), ("I", 50)):
        net.population(name, N, cell)
    for name in net.populations:
        net.inject(name, gp.PoissonSpikes(rate=500.0, weight=10.0), receptor=fast)
        net.connect("E", name, weight=20.0, rule=gp.FixedIndegree(40), receptor=fast)
        net.connect("I", name, weight=-60.0, rule=gp.FixedIndegree(10), receptor=inhibition)
    net.connect("E", "E", weight=0.5, rule=gp.FixedIndegree(40), delay=2.0, receptor=slow)
    net.inject("E", gp.SpikeTimes([20.0], weight=30.0), receptor=slow)
    return net


# -- what may be said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tau_syn": [1.0]}, r"GIF.tau_syn must be a dict of name to value, got \[1.0\]"),
        ({"tau_syn": {"a b": 1.0}}, "GIF.tau_syn must have names of letters, digits and underscores, got 'a b'"),
        ({"tau_syn": {3: 1.0}}, "GIF.tau_syn must have names of letters, digits and underscores, got 3"),
        ({"tau_syn": {"a": 0.0}}, r"GIF.tau_syn\['a'\] must be > 0 ms, got 0.0"),
        ({"tau_syn": {"a": 1e101}}, r"GIF.tau_syn\['a'\] must be in \[1e-100, 1e\+100\] ms, got 1e\+101"),
        ({"tau_syn": {"a": 1.0}, "tau_syn_ex": 2.0}, "GIF.tau_syn_ex must be left out where tau_syn names"),
        ({"tau_syn": {"a": 1.0}, "I_syn_in": 2.0}, "GIF.I_syn_in must be left out where tau_syn names"),
        ({"tau_syn": {"a": 1.0}, "I_syn": {"b": 2.0}}, "GIF.I_syn: names must be one of 'a', got 'b'"),
        ({"I_syn": {"ex": 2.0}}, "GIF.I_syn must be empty where tau_syn is, got {'ex': 2.0}"),
        ({"tau_syn": {"a": 1.0}, "I_syn": {"a": np.inf}}, r"GIF.I_syn\['a'\] must be finite pA, got inf"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gp.GIF(**parameters)


def test_bad_receptors():
    net = gp.Network()
    E, X = net.population("E", 10, gp.GIF(tau_syn=TAU)), net.population("X", 10, gp.GIF())
    for receptor in (None, "ex", 0):
        message = (
            f"Connection 'X' -> 'E': receptor must be one of 'ampa', 'nmda', 'gaba', those of 'E', got {receptor!r}"
        )
        with pytest.raises(ValueError, match=message):
            net.connect(X, E, weight=1.0, receptor=receptor)
    with pytest.raises(
        ValueError, match="Connection 'E' -> 'X': receptor must be one of 'ex', 'in', those of 'X', got"
    ):
        net.connect(E, X, weight=1.0, receptor="nmda")
    with pytest.raises(ValueError, match="PoissonSpikes onto 'E': receptor must be one of 'ampa', 'nmda', 'gaba'"):
        net.inject(E, gp.PoissonSpikes(rate=10.0))
    with pytest.raises(ValueError, match="StepCurrent onto 'E': receptor must be left out for a current, got 'ampa'"):
        net.inject(E, gp.StepCurrent([1.0], [1.0]), receptor="ampa")
    assert net.connections == [] and net.injections == []


def test_receptors_that_stand_to_reason():
    """A single receptor, and that of the sign of a weight."""
    net = gp.Network()
    net.population("one", 5, gp.GIF(lambda_0=0.0, tau_syn={"psc": 5.0}))
    net.population("signs", 5, gp.GIF(lambda_0=0.0, tau_syn={"slow": 50.0, "in": 6.0, "ex": 3.0}))
    for name in net.populations:
        net.inject(name, gp.SpikeTimes([0.0], weight=40.0))
        net.inject(name, gp.SpikeTimes([0.0], weight=-10.0))
    assert net.populations["signs"].cell.receptors == ("ex", "in", "slow")
    for level in LEVELS:
        result = net.simulate(DT, dt=DT, level=level, record="all")
        last = {name: np.ravel(getattr(result["signs"], f"I_syn_{name}"))[-1] for name in ("ex", "in", "slow")}
        assert last["ex"] > 0.0 > last["in"] and last["slow"] == 0.0
        assert np.ravel(result["one"].I_syn_psc)[-1] > 0.0


def test_a_receptor_takes_weights_of_either_sign():
    """Drawn weights do not select receptors once one is named; weights of both signs are not counted."""
    net = gp.Network()
    net.population("S", 20, gp.GIF(lambda_0=0.0))
    net.population("T", 30, gp.GIF(lambda_0=0.0))
    net.connect("S", "T", weight=gp.Normal(0.0, 10.0), rule=gp.FixedIndegree(5), receptor="in")
    net.connect("S", "T", weight=10.0, rule=gp.FixedIndegree(5), receptor="ex")
    net.connect("S", "T", weight=-10.0, rule=gp.FixedIndegree(3), receptor="ex")
    spikes = {"S": (np.repeat(1.0, 20), np.arange(20))}
    result = net.simulate(10.0, dt=DT, level="micro", record="all", spikes=spikes, seed=1)["T"]
    inhibition, excitation = result.I_syn_in[-1], result.I_syn_ex[-1]
    assert inhibition.min() < 0.0 < inhibition.max()
    assert_allclose(excitation, excitation[0], rtol=1e-12)
    assert excitation[0] > 0.0


# -- what they do --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("initial", ["fired", "stationary"])
@pytest.mark.parametrize("wiring", ["dense", "sparse"])
def test_the_two_default_receptors_can_be_named(level, initial, wiring):
    """Bit for bit the same."""
    plain = column(gp.GIF(**CELL, tau_syn_ex=2.0, tau_syn_in=6.0), ("ex", "ex", "in"))
    named = column(gp.GIF(**CELL, tau_syn={"in": 6.0, "ex": 2.0}), ("ex", None, None))
    options = {"dt": DT, "level": level, "initial": initial, "wiring": wiring, "adaptation": "carried", "seed": 1}
    one, other = (net.simulate(100.0, record="all", **options) for net in (plain, named))
    assert_array_equal(one.counts, other.counts)
    for name in ("V_m", "I_syn_ex", "I_syn_in"):
        assert_array_equal(getattr(one["E"], name), getattr(other["E"], name))


@pytest.mark.parametrize("level", LEVELS)
def test_a_current_decays_with_its_time_constant(level):
    net = gp.Network()
    net.population("P", 3, gp.GIF(lambda_0=0.0, tau_syn=TAU, I_syn={"gaba": -7.0}))
    net.inject("P", gp.SpikeTimes([0.0], weight=50.0), receptor="nmda")
    p = net.simulate(40.0, dt=DT, level=level, record="all")["P"]
    n = len(p.t_record)
    currents = {name: np.reshape(getattr(p, f"I_syn_{name}"), (n, -1))[:, 0] for name in TAU}
    assert_allclose(currents["gaba"], -7.0 * np.exp(-p.t_record / 6.0), rtol=1e-12)
    arrived = 50.0 * 100.0 / DT * -np.expm1(-DT / 100.0)  # spread over the step
    assert_allclose(currents["nmda"], arrived * np.exp(-(p.t_record - DT) / 100.0), rtol=1e-12)
    assert_array_equal(currents["ampa"], 0.0)


@pytest.mark.parametrize("carried", [False, True])
def test_a_population_is_its_twin(carried):
    names = ("ex", "in", "nmda")
    cell = gp.GIF(I_e=250.0, tau_syn={"ex": 3.0, "in": 6.0, "nmda": 100.0}, I_syn={"nmda": 20.0})
    net = gp.Network()
    net.population("P", 100, cell, len_kernel=100)
    for receptor, weight, delay in (("ex", 20.0, 1.0), ("in", -30.0, 1.5), ("nmda", 2.0, 2.0)):
        net.connect("P", "P", weight=weight, p=0.2, delay=delay, receptor=receptor)
    counts = np.random.default_rng(3).poisson(1.5, 200)
    adaptation = "carried" if carried else "quasi-renewal"
    options = {"history": "exact", "adaptation": adaptation, "initial": "fired", "record": "all"}
    p = net.simulate(100.0, dt=DT, counts={"P": counts}, **options)["P"]
    parameters = {"N": 100, "I_e": 250.0, "receptors": ("nmda",), "tau_syn_nmda": 100.0, "len_kernel": 100}
    kind = reference.CarriedPopulation if carried else reference.MesoPopulation
    twin = kind(parameters | {"I_syn_nmda": 20.0, "tau_stc": [], "q_stc": []}, DT)
    for k in range(200):
        arriving = [w * 0.2 * (counts[k - lag] if k >= lag else 0) for w, lag in ((20.0, 2), (-30.0, 3), (2.0, 4))]
        if carried:
            twin.expect(0.0, *arriving[:2], 0.0, 0.0, {}, nmda=arriving[2])
        else:
            twin.expect(0.0, *arriving[:2], nmda=arriving[2])
        now = [p.mean[k], p.V_m[k], *(getattr(p, f"I_syn_{name}")[k] for name in names)]
        assert_allclose(now, [twin.mean, twin.V_m, *twin.I_syn.values()], rtol=1e-9, atol=1e-12)
        twin.emit(counts[k])


def test_capacities():
    """The variance of samples is kept for each receptor."""
    net = column(gp.GIF(**CELL, tau_syn=TAU))
    assert capacities(net, "dense") == {"E": [0.0] * 3, "I": [0.0] * 3}
    found = capacities(net, "sparse")
    share = 1.0 - 40 / 200
    assert_allclose(found["E"][1], 0.5**2 * 40 * share, rtol=0.3)  # with or without repetition
    assert_allclose(found["E"][0] / found["E"][1], (20.0 / 0.5) ** 2, rtol=1e-12)
    assert found["I"][1] == 0.0


@pytest.mark.parametrize("wiring", ["dense", "sparse"])
def test_levels_agree(wiring):
    """Activity and slow current, starting in the stationary state; 10 s, so that 5 % are 6 standard errors."""
    net = column(gp.GIF(**CELL, tau_syn=TAU))
    means = {}
    for level in LEVELS:
        options = {"wiring": wiring, "initial": "stationary", "adaptation": "carried"}
        result = net.simulate(10_000.0, dt=DT, level=level, seed=4, record=["I_syn_nmda"], record_neurons=50, **options)
        means[level] = [*result.activity.mean(axis=0), result["E"].I_syn_nmda.mean()]
    assert_allclose(means["meso"], means["micro"], rtol=0.05)


def test_noise_of_their_own_at_a_slow_receptor():
    """Neurons that begin in the stationary state differ in the slow current as theory says."""
    net = gp.Network()
    net.population("P", 4000, gp.GIF(lambda_0=0.0, tau_syn=TAU))
    net.inject("P", gp.PoissonSpikes(rate=200.0, weight=10.0), receptor="nmda")
    current = net.simulate(DT, dt=DT, level="micro", initial="stationary", seed=5, record="I_syn_nmda")["P"].I_syn_nmda
    mean, variance = 0.2 * 10.0 * 100.0, 0.2 * 10.0**2 * 100.0 / 2.0
    assert_allclose(current.mean(), mean, atol=6.0 * np.sqrt(variance / 4000))
    assert_allclose(current.var(), variance, rtol=6.0 * np.sqrt(2.0 / 4000))


# -- what simulations do with them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [*LEVELS, {"E": "micro", "I": "meso"}])
def test_saved_and_continued(level, tmp_path):
    net = column(gp.GIF(**CELL, tau_syn=TAU, I_syn={"nmda": 3.0}))
    options = {
        "dt": DT,
        "level": level,
        "wiring": "sparse",
        "adaptation": "carried",
        "seed": 2,
        "record": ["I_syn_nmda"],
    }
    whole, first = (gp.Simulation(net, **options) for _ in range(2))
    for sim in (whole, first):
        sim.run(50.0)
        sim.set("E", tau_syn={**TAU, "nmda": 50.0})
        sim.set(net.connections[4], receptor="gaba")
        sim.set(net.injections[1], receptor="nmda")
    first.save(tmp_path / "half.gifpop")
    second = gp.Simulation.load(tmp_path / "half.gifpop")
    for sim in (whole, second):
        sim.run(50.0)
    one, other = whole.result(), second.result()
    assert_array_equal(one.counts, other.counts)
    assert_array_equal(one["E"].I_syn_nmda, other["E"].I_syn_nmda)


def test_set_acts():
    """The decay from now on, and where spikes arrive from now on."""
    net = gp.Network()
    net.population("P", 3, gp.GIF(lambda_0=0.0, tau_syn=TAU, I_syn={"nmda": 8.0}))
    spikes = net.inject("P", gp.SpikeTimes([5.0], weight=50.0), receptor="ampa")
    for level in LEVELS:
        sim = gp.Simulation(net, dt=DT, level=level, record="all")
        sim.set("P", tau_syn={**TAU, "nmda": 10.0})
        sim.set(spikes, receptor="gaba")
        p = sim.run(10.0)["P"]
        last = {name: np.ravel(getattr(p, f"I_syn_{name}")[-1])[0] for name in TAU}
        assert_allclose(last["nmda"], 8.0 * np.exp(-1.0), rtol=1e-12)
        assert last["ampa"] == 0.0 and last["gaba"] > 0.0


def test_refused_changes():
    net = column(gp.GIF(**CELL, tau_syn=TAU))
    sim = gp.Simulation(net, dt=DT, seed=1)
    for other in ({"ampa": 2.0}, dict(reversed(TAU.items()))):
        with pytest.raises(ValueError, match=r"GIF.tau_syn of 'E' must keep its receptors and their order, ampa, nmda"):
            sim.set("E", tau_syn=other)
    with pytest.raises(ValueError, match="receptor must be one of 'ampa', 'nmda', 'gaba', those of 'E', got 'x'"):
        sim.set(net.connections[0], receptor="x")
    with pytest.raises(ValueError, match="receptor must be one of 'ampa', 'nmda', 'gaba', those of 'E', got None"):
        sim.set(net.injections[0], receptor=None)


def test_neurons_that_differ():
    net = gp.Network()
    slow = np.linspace(50.0, 150.0, 40)
    current = gp.Uniform(1.0, 2.0)
    net.population("P", 40, gp.GIF(lambda_0=0.0, tau_syn={"ampa": 2.0, "nmda": slow}, I_syn={"nmda": current}))
    p = net.simulate(20.0, dt=DT, level="micro", record="all", seed=1)["P"]
    first = p.I_syn_nmda[0] * np.exp(DT / slow)
    assert first.min() >= 1.0 and first.max() <= 2.0 and np.ptp(first) > 0.5
    assert_allclose(p.I_syn_nmda[-1], first * np.exp(-20.0 / slow), rtol=1e-12)
    with pytest.raises(ValueError, match=r"GIF.tau_syn must be one number at the mesoscopic level"):
        net.simulate(1.0, dt=DT, level="meso")


@pytest.mark.parametrize("level", LEVELS)
def test_trials_and_exports(level):
    net = column(gp.GIF(**CELL, tau_syn=TAU))
    options = {"dt": DT, "level": level, "record": ["I_syn_nmda"], "record_neurons": 2}
    trials = net.simulate(20.0, trials=2, seed=1, keep="all", **options)
    assert trials["E"].I_syn_nmda.shape[:2] == (2, 40)
    data = trials.to_xarray()
    variable = data["I_syn_nmda" if level == "meso" else "I_syn_nmda_E"]
    assert variable.attrs["units"] == "pA"
    assert variable.attrs["long_name"].startswith("nmda synaptic current")


def test_plot():
    pytest.importorskip("matplotlib")
    net = column(gp.GIF(**CELL, tau_syn=TAU))
    result = net.simulate(20.0, dt=DT, seed=1, record=["I_syn_nmda"])
    assert gp.plot.traces(result, "I_syn_nmda").get_ylabel().startswith("I_syn_nmda [pA]")
    with pytest.raises(ValueError, match=r"plot.traces: variable must be one of .*'I_syn_nmda', got 'I_syn_gaba'"):
        gp.plot.traces(result, "I_syn_gaba")
