"""Plans and results do not depend on `numpy.seterr`: numbers that underflow are zero, and nothing else goes wrong."""

import numpy as np
import pytest

import gifpop as gp
from gifpop import nest
from tests.helpers.networks import brunel


@pytest.fixture(autouse=True)
def everything_raises():
    with np.errstate(all="raise"):
        yield


def cell(random):
    """Return random parameters, with time constants from 1e-4 to 100 ms."""
    n = int(random.integers(0, 3))
    times = dict(zip(("tau_m", "tau_syn_ex", "tau_syn_in"), 10.0 ** random.uniform(-4.0, 2.0, 3), strict=True))
    tau = 10.0 ** random.uniform(-4.0, 2.0, 2 * n)
    return {
        "C_m": 10.0 ** random.uniform(1.0, 3.0),
        "Delta_V": 10.0 ** random.uniform(-3.0, 2.0),
        "t_ref": random.uniform(0.0, 5.0),
        "I_e": random.uniform(-100.0, 1000.0),
        **times,
        "tau_sfa": tau[:n],
        "q_sfa": random.uniform(0.0, 20.0, n),
        "tau_stc": tau[n:],
        "q_stc": random.uniform(0.0, 20.0, n),
    }


@pytest.mark.filterwarnings("ignore:GIF.* looks like a value in")  # short time constants are meant
@pytest.mark.parametrize("seed", range(24))
def test_random_cells(seed):
    random = np.random.default_rng(seed)
    options = {"level": ("meso", "micro")[seed % 2], "history": ("adaptive", "exact")[seed // 2 % 2]}
    options["wiring"] = ("dense", "sparse")[seed // 4 % 2]
    net = gp.Network()
    net.population("P", 50, gp.GIF(**cell(random)))
    net.connect("P", "P", weight=random.uniform(-10.0, 10.0), delay=1.0, p=0.2)
    net.inject("P", gp.PoissonSpikes(1000.0, 1.0))
    sim = gp.Simulation(net, dt=0.1, seed=1, record="all", progress=False, **options)
    sim.run(5.0)
    changed = cell(random)
    sim.set("P", **{name: changed[name] for name in ("tau_m", "C_m", "tau_syn_ex", "tau_syn_in", "Delta_V")})
    result = sim.run(5.0)
    assert np.all(np.isfinite(result["P"].V_m)) and np.all(np.isfinite(result["P"].activity))


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_the_stationary_state_and_trials(level):
    net = brunel()
    net.simulate(10.0, dt=0.5, seed=1, initial="stationary", level=level)
    net.simulate(10.0, dt=0.5, seed=1, trials=3, keep="mean", level=level)


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_short_time_constants(level):
    """Far below the step: what is left after one of them underflows."""
    short = gp.GIF(tau_syn_ex=1e-4, tau_syn_in=1e-4, tau_sfa=[1e-4], q_sfa=[1.0])
    net = gp.Network()
    net.population("P", 10, short)
    net.simulate(5.0, dt=0.5, seed=1, level=level, progress=False)


@pytest.mark.parametrize("history", ["exact", "adaptive"])
def test_gifpop_nest(history):
    nest.ResetKernel()
    nest.gifpop_history = history
    short = {"tau_syn_ex": 1e-4, "tau_sfa": [1e-4, 100.0], "q_sfa": [1.0, 1.0], "I_e": 500.0}
    nodes = nest.Create("gif_pop_psc_exp", params=short), nest.Create("gif_psc_exp", 10, params=short)
    for source in nodes:
        for target in nodes:
            nest.Connect(source, target, syn_spec={"delay": 1.0})
    nest.Simulate(20.0)
