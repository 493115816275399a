"""What `save` writes, `load` reads: random networks of both levels, with whatever may be empty in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gifpop as gp
from tests.helpers.state import assert_same_results, assert_same_state, engine_of

DT = 0.5
LEVELS = ("meso", "micro")


def steps(least, most):
    """Draw times that are multiples of the step."""
    return st.integers(least, most).map(lambda n: n * DT)


weights = st.floats(-50.0, 50.0)
delays = steps(1, 12)
drawn_weights = st.one_of(
    st.builds(gp.Normal, weights, st.floats(0.1, 20.0)), st.builds(gp.Exponential, st.floats(1.0, 50.0))
)
drawn_delays = st.builds(lambda low, width: gp.Uniform(low, low + width), st.floats(0.1, 4.0), st.floats(0.1, 9.0))
flags = {"allow_autapses": st.booleans(), "allow_multapses": st.booleans()}
few = st.integers(0, 3)
probabilities = st.one_of(st.just(0.0), st.floats(0.0, 0.5), st.just(1.0))
inputs = st.one_of(
    st.lists(steps(0, 40), max_size=4, unique=True)
    .map(sorted)
    .map(lambda t: gp.StepCurrent(t, np.full(len(t), 300.0))),
    st.builds(gp.DirectCurrent, weights, steps(0, 9), st.one_of(st.none(), steps(10, 30))),
    st.builds(gp.Waveform, st.lists(weights, max_size=20), st.one_of(st.none(), steps(1, 3)), steps(0, 9)),
    st.builds(gp.SpikeTimes, st.lists(steps(1, 60), max_size=9).map(sorted), weights),
    st.builds(
        gp.PoissonSpikes,
        st.floats(0.0, 3000.0),
        weights,
        shared=st.booleans(),
        amplitude=st.sampled_from([0.0, 2000.0]),
        frequency=st.floats(1.0, 50.0),
    ),
    st.builds(gp.PoissonSpikes, st.just([2000.0, 300.0]), weights, shared=st.booleans(), times=st.just([0.0, 8.0])),
    st.builds(gp.SineCurrent, weights, st.floats(0.0, 90.0), st.floats(0.0, 360.0), weights),
    st.builds(gp.NoiseCurrent, weights, st.floats(0.0, 90.0), st.one_of(st.none(), steps(1, 3)), shared=st.booleans()),
    st.builds(gp.OUCurrent, weights, st.floats(0.0, 90.0), st.floats(0.1, 99.0), shared=st.booleans()),
)


@st.composite
def cells(draw, N, micro):
    """Neurons with or without adaptation and refractoriness; at the microscopic level, some that differ."""
    taus = st.lists(st.floats(5.0, 200.0), max_size=2)
    sfa, stc = draw(taus), draw(taus)
    options = {}
    if micro and draw(st.booleans()):
        options = {"E_L": gp.Normal(0.0, 1.0), "tau_m": np.linspace(10.0, 25.0, N)}
    return gp.GIF(
        I_e=draw(st.floats(-100.0, 700.0)),
        t_ref=draw(st.floats(0.0, 6.0)),
        tau_sfa=sfa,
        q_sfa=[3.0] * len(sfa),
        tau_stc=stc,
        q_stc=[20.0] * len(stc),
        Delta_V=2.0,
        lambda_0=20.0,
        V_T_star=12.0,
        **options,
    )


@st.composite
def rules(draw, n_pre, n_post):
    """Any rule; of several, with no connection at all."""
    pairs = draw(st.lists(st.tuples(st.integers(0, n_pre - 1), st.integers(0, n_post - 1)), max_size=9))
    return draw(
        st.sampled_from(
            [
                gp.AllToAll(draw(st.booleans())),
                gp.IndegreeFraction(draw(probabilities)),
                gp.FixedIndegree(draw(few), **draw_flags(draw)),
                gp.FixedOutdegree(draw(few), **draw_flags(draw)),
                gp.FixedTotalNumber(draw(few), **draw_flags(draw)),
                gp.PairwiseBernoulli(draw(probabilities), draw(st.booleans())),
                gp.Pairs([a for a, _ in pairs], [b for _, b in pairs]),
                *([gp.OneToOne()] if n_pre == n_post else []),
            ]
        )
    )


def draw_flags(draw):
    return {name: draw(flag) for name, flag in flags.items()}


@st.composite
def networks(draw):
    """Draw a network and its options, which `gifpop.Simulation` may refuse."""
    net, level = gp.Network(), {}
    for name in draw(st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=3, unique=True)):
        level[name] = draw(st.sampled_from(LEVELS))
        N = draw(st.one_of(st.just(1), st.integers(1, 140)))
        net.population(
            name, N, draw(cells(N, level[name] == "micro")), draw(st.sampled_from([-1, 60, 20])), draw(st.booleans())
        )
    some = st.sampled_from(sorted(net.populations))
    for _ in range(draw(st.integers(0, 4))):
        pre, post = draw(some), draw(some)
        between = level[pre] == level[post] == "micro"
        rule = draw(rules(net.populations[pre].N, net.populations[post].N))
        net.connect(
            pre,
            post,
            draw(drawn_weights if between and draw(st.booleans()) else weights),
            draw(drawn_delays if between and draw(st.booleans()) else delays),
            rule=rule,
        )
    for _ in range(draw(st.integers(0, 3))):
        net.inject(draw(some), draw(inputs), draw(steps(0, 9)))
    prescribed = draw(st.one_of(st.none(), some))
    options = {
        "level": level,
        "initial": draw(st.sampled_from(["fired", "rest", "nest"])),
        "seed": draw(st.integers(0, 99)),
        "history": draw(st.sampled_from(["exact", "adaptive"])),
        "adaptation": draw(st.sampled_from(["carried", "carried", "quasi-renewal"])),
        "wiring": draw(st.sampled_from(["dense", "dense", "sparse"])),
        "record": draw(st.sampled_from([None, "V_m", "all"])),
        "record_interval": draw(st.one_of(st.none(), steps(1, 9))),
        "record_neurons": draw(st.one_of(st.none(), st.just(0), st.just(1))),
    }
    if prescribed is not None and level[prescribed] == "meso":
        options["counts"] = {prescribed: np.zeros(200, dtype=np.int64)}
    elif prescribed is not None:
        times = draw(st.lists(steps(1, 60), max_size=9, unique=True).map(sorted))
        options["spikes"] = {prescribed: (times, np.zeros(len(times), dtype=np.int64))}
    return net, options


@pytest.mark.filterwarnings("ignore:Connection .* rounded to:UserWarning")
@given(networks(), st.integers(0, 40), st.integers(0, 12))
def test_what_is_saved_is_loaded(tmp_path_factory, described, before, after):
    """With the same state, and it goes on bit for bit; also after a change and from the start."""
    net, options = described
    try:
        sim = gp.Simulation(net, dt=DT, progress=False, **options)
    except ValueError:  # rules, levels and closures that do not go together
        return
    sim.run(before * DT)
    path = tmp_path_factory.getbasetemp() / "random.npz"
    sim.save(path)
    loaded = gp.Simulation.load(path, progress=False)
    assert_same_state(sim, loaded)
    assert_same_results(sim.run(after * DT), loaded.run(after * DT))
    name = next(iter(net.populations))
    for one in (sim, loaded):
        one.set(name, I_e=250.0)
    assert_same_results(sim.run(5.0), loaded.run(5.0))
    for one in (sim, loaded):
        one.reset()
    assert_same_results(sim.run(5.0), loaded.run(5.0))
    assert_same_state(sim, loaded)


EMPTY = {
    "p = 0": {"p": 0.0},
    "p that rounds to 0": {"p": 0.04},
    "no source each": {"rule": gp.FixedIndegree(0)},
    "no target each": {"rule": gp.FixedOutdegree(0)},
    "none in all": {"rule": gp.FixedTotalNumber(0)},
    "no pair": {"rule": gp.Pairs([], [])},
    "no luck": {"rule": gp.PairwiseBernoulli(1e-9)},
    "nobody but oneself": {"rule": gp.AllToAll(allow_autapses=False)},
}


@pytest.mark.filterwarnings("ignore:Connection .* rounded to:UserWarning")
@pytest.mark.parametrize("what", EMPTY)
@pytest.mark.parametrize("delay", [1.0, gp.Uniform(1.0, 5.0)], ids=["one delay", "drawn delays"])
@pytest.mark.parametrize("weight", [1.0, gp.Normal(1.0, 0.1)], ids=["one weight", "drawn weights"])
def test_no_connection_at_all(what, delay, weight, tmp_path):
    """It is saved and loaded, and does not keep slices short."""
    net = gp.Network()
    E = net.population("E", 1 if what == "nobody but oneself" else 10, gp.GIF(I_e=400.0))
    net.connect(E, E, weight=weight, delay=delay, **EMPTY[what])
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1)
    unconnected = gp.Network()
    unconnected.population("E", E.N, E.cell)
    alone = gp.Simulation(unconnected, dt=DT, level="micro", seed=1)
    assert engine_of(sim).slice_steps == engine_of(alone).slice_steps == 32
    sim.run(5.0)
    sim.save(tmp_path / "empty.npz")
    loaded = gp.Simulation.load(tmp_path / "empty.npz")
    assert_same_state(sim, loaded)
    assert_same_results(sim.run(5.0), loaded.run(5.0))
    assert (sim.result().counts == alone.run(10.0).counts).all()


def test_a_file_whose_slices_an_empty_link_has_kept_short(tmp_path):
    """As earlier versions have written them."""
    net = gp.Network()
    E = net.population("E", 10, gp.GIF(I_e=400.0))
    net.connect(E, E, weight=1.0, delay=gp.Uniform(1.0, 5.0), rule=gp.FixedIndegree(0))
    sim = gp.Simulation(net, dt=DT, level="micro", seed=1)
    engine_of(sim).slice_steps = 1
    engine_of(sim).bind()
    sim.run(5.0)
    sim.save(tmp_path / "short.npz")
    loaded = gp.Simulation.load(tmp_path / "short.npz")
    assert_same_results(sim.run(5.0), loaded.run(5.0))
