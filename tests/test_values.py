"""Values as other packages give them: masked arrays, pandas, loadmat's numbers, old generators; and how they are shown."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
import gifpop.nest as nest
from gifpop.common import checks, seeds
from gifpop.common.brief import brief
from gifpop.inputs import INPUTS
from tests.helpers.networks import single

MASKED = np.ma.array([1.0, 999.0, 3.0], mask=[False, True, False])
MASKED_INTEGERS = np.ma.array([0, 9, 1], mask=[False, True, False])
PAIR = np.ma.array([1.0, 999.0], mask=[False, True])


def run(**options):
    return single(gp.GIF(), N=20).simulate(3.0, dt=1.0, seed=1, **options)


def connected(**options):
    net = single(gp.GIF(), N=20)
    net.connect("P", "P", **options)


@pytest.mark.parametrize(
    "give",
    [
        lambda: gp.GIF(tau_m=MASKED),
        lambda: gp.GIF(tau_m=np.ma.masked),
        lambda: gp.GIF(tau_m=[1.0, np.ma.masked]),
        lambda: gp.GIF(tau_sfa=PAIR, q_sfa=[1.0, 2.0]),
        lambda: gp.GIF(tau_sfa=[PAIR, 2.0], q_sfa=[1.0, 2.0]),
        lambda: gp.Waveform(MASKED),
        lambda: gp.StepCurrent(times=[1.0, 2.0], values=PAIR),
        lambda: gp.SpikeTimes(MASKED),
        lambda: gp.Normal(1.0, np.ma.masked),
        lambda: connected(weight=MASKED),
        lambda: connected(weight=1.0, delay=MASKED),
        lambda: connected(weight=1.0, rule=gp.Pairs(MASKED_INTEGERS, [0, 1, 2])),
        lambda: single(gp.GIF(), N=np.ma.masked),
        lambda: run(counts={"P": MASKED_INTEGERS}),
        lambda: run(level="micro", spikes={"P": (MASKED, [0, 1, 2])}),
        lambda: run(level="micro", spikes={"P": ([1.0, 2.0, 3.0], MASKED_INTEGERS)}),
        lambda: run(level="micro", record="V_m", record_neurons=MASKED_INTEGERS),
        lambda: run(trials=MASKED_INTEGERS),
        lambda: run(trials=2, keep=lambda result: MASKED),
    ],
)
def test_masked_arrays_are_refused(give):
    with pytest.raises(ValueError, match="must not be masked, got 1 masked value"):
        give()


@pytest.mark.parametrize("mask", [False, [False] * 3])
def test_arrays_without_masked_entries_are_arrays(mask):
    assert gp.Waveform(np.ma.array([1.0, 2.0, 3.0], mask=mask)).values == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    "give",
    [
        lambda nodes: nodes.set(V_m=MASKED),
        lambda nodes: nest.Create("gif_psc_exp", 3, {"C_m": MASKED}),
        lambda nodes: nest.Create("spike_generator", params={"spike_times": MASKED}),
        lambda nodes: nest.Connect(nodes, nodes, "one_to_one", {"weight": MASKED}),
        lambda nodes: nest.NodeCollection(MASKED_INTEGERS),
        lambda nodes: nodes[MASKED_INTEGERS],
        lambda nodes: nest.Connect(np.ma.array([1, 1], mask=[0, 1]), [2, 2], "one_to_one"),
    ],
    ids=["set", "Create", "times", "weights", "NodeCollection", "index", "Connect"],
)
def test_masked_arrays_are_refused_as_in_nest(give):
    nest.ResetKernel()
    nodes = nest.Create("gif_psc_exp", 3)
    with pytest.raises(nest.NESTErrors.KernelException, match="must not be masked"):
        give(nodes)
    nest.ResetKernel()


def test_pandas():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"tau": [10.0, 20.0, 30.0], "neuron": [0, 1, 2]}, index=[5, 6, 7])
    assert gp.GIF(tau_m=table.tau) == gp.GIF(tau_m=[10.0, 20.0, 30.0])
    assert gp.GIF(tau_m=table.tau.iloc[0]).tau_m == 10.0
    assert gp.GIF(tau_sfa=table.tau, q_sfa=pd.Index([1.0, 2.0, 3.0])).q_sfa == (1.0, 2.0, 3.0)
    assert gp.Waveform(table.tau).values == (10.0, 20.0, 30.0)
    assert_array_equal(gp.Pairs(table.neuron, table.neuron).targets, [0, 1, 2])
    counts = run(counts={"P": table.neuron})["P"].counts
    assert_array_equal(counts, [0, 1, 2])
    with pytest.raises(ValueError, match=r"GIF.tau_m\[1\] must be > 0 ms, got nan"):
        gp.GIF(tau_m=pd.Series([1.0, None]))


def test_arrays_of_one_are_numbers():
    """As `scipy.io.loadmat` gives them; where one value for each neuron is meant, one is one."""
    assert gp.GIF(V_reset=np.array([[0.0]])) == gp.GIF(V_reset=0.0)
    assert gp.GIF(tau_m=np.array([[20]], dtype=np.uint8)).tau_m == 20.0
    assert gp.GIF(tau_m=np.array(20.0)).tau_m == 20.0
    net = gp.Network()
    assert net.population("P", np.array([[20]], dtype=np.uint8), gp.GIF()).N == 20
    assert net.simulate(np.array([3.0]), dt=np.array([[1.0]]), seed=1).activity.shape == (3, 1)
    assert gp.GIF(tau_m=np.array([20.0])).various() == ("tau_m",)
    with pytest.raises(ValueError, match=r"GIF.tau_m must have one dimension, got shape \(1, 2\)"):
        gp.GIF(tau_m=np.array([[20.0, 30.0]]))
    with pytest.raises(TypeError, match=r"GIF\.tau_m must be a real number in ms, got np\.True_"):
        gp.GIF(tau_m=np.array([[True]]))
    with pytest.raises(TypeError, match="dt must be a real number in ms, got array"):
        net.simulate(3.0, dt=np.array([0.5, 1.0]))


@pytest.mark.parametrize("legacy", [np.random.RandomState, lambda seed: np.random.RandomState(seed)._bit_generator])
def test_old_generators_are_sources_of_seeds(legacy):
    one, other = legacy(5), legacy(5)
    first, second = (single(gp.GIF(I_e=500.0), N=20).simulate(50.0, seed=one).counts for _ in range(2))
    assert not np.array_equal(first, second)
    assert_array_equal(single(gp.GIF(I_e=500.0), N=20).simulate(50.0, seed=other).counts, first)
    assert pickle.loads(pickle.dumps(seeds.root_sequence(legacy(5)))).entropy == seeds.root_sequence(legacy(5)).entropy


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"C_m": 0.25}, r"GIF\.C_m is in pF; 0\.25 looks like a value in nF"),
        ({"tau_m": 0.02}, r"GIF\.tau_m is in ms; 0\.02 looks like a value in s"),
    ],
)
def test_values_that_look_like_other_units(parameters, message):
    with pytest.warns(UserWarning, match=message) as warned:
        gp.GIF(**parameters)
    assert warned[0].filename == __file__
    sim = gp.Simulation(single(gp.GIF()), dt=1.0, seed=1)
    with pytest.warns(UserWarning, match=message) as warned:
        sim.set("P", **parameters)
    assert {one.filename for one in warned} == {__file__}


def test_files_and_nest_say_nothing_of_units(tmp_path):
    with pytest.warns(UserWarning, match="GIF"):
        gp.Simulation(single(gp.GIF(C_m=0.25)), dt=1.0, seed=1).save(tmp_path / "file.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gp.Simulation.load(tmp_path / "file.npz")
        nest.ResetKernel()
        nest.Create("gif_pop_psc_exp", 1, {"N": 10, "tau_m": 0.02})
        nest.Simulate(1.0)
        nest.ResetKernel()


def test_values_of_neurons_and_models_without_units_do_not():
    """From granule cells to motoneurons; C_m = 1 and tau_m = 1 of models without units; extremes that are no units."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for C_m in (1.0, 2.0, 3.0, 250.0, 1000.0, 10_000.0, 1e-3):
            gp.GIF(C_m=C_m)
        for tau_m in (0.1, 0.5, 1.0, 20.0, 200.0, 1e-4):
            gp.GIF(tau_m=tau_m)


@pytest.mark.parametrize(
    "made",
    [
        gp.Waveform([1.0, 2.0, 3.0], interval=2.0),
        gp.StepCurrent([1.0, 2.0], [3.0, 4.0]),
        gp.SpikeTimes(np.arange(12.0)),
        gp.DirectCurrent(3.0, stop=5.0),
        gp.PoissonSpikes(3.0, shared=True),
        gp.PoissonSpikes([3.0, 4.0], times=[0.0, 10.0]),
        gp.SineCurrent(3.0, 8.0),
        gp.NoiseCurrent(3.0, 2.0, interval=1.0),
        gp.OUCurrent(3.0, 2.0, tau=5.0),
        gp.GIF(tau_sfa=[100.0, 1000.0], q_sfa=[1.0, 2.0]),
    ],
)
def test_short_ones_are_shown_whole(made):
    names = {name: getattr(gp, name) for name in ("GIF", *(cls.__name__ for cls in INPUTS))}
    assert eval(repr(made), names) == made


def test_long_ones_are_shown_by_their_ends():
    values = np.arange(200_000.0)
    assert repr(gp.Waveform(values)) == (
        "Waveform(values=(0.0, 1.0, 2.0, ..., 199997.0, 199998.0, 199999.0; 200000 values), interval=None, start=0.0)"
    )
    net = single()
    for made in (gp.StepCurrent(values, values), gp.SpikeTimes(values)):
        assert len(repr(net.inject("P", made))) < 400
    assert len(repr(net.injections)) < 1000
    assert brief(list(range(13))) == "[0, 1, 2, ..., 10, 11, 12; 13 values]"
    comparison = gp.compare(net, 1000.0, dt=1.0, trials=2, seed=1)
    assert len(repr(comparison)) < 1000


@pytest.mark.parametrize(
    "give", [lambda v: checks.number("x", v), lambda v: checks.vector("x", v), lambda v: checks.integer("x", v, 0)]
)
def test_messages_do_not_show_every_number(give):
    with pytest.raises(TypeError) as caught:
        give([*range(100_000), "a"])
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (10**400, "an integer of 1329 bits"),
        (-(10**400), "a negative integer of 1329 bits"),
        ([10**400, 1], "[an integer of 1329 bits, 1]"),
        ((-(10**400),), "(a negative integer of 1329 bits,)"),
        (list(range(12)), repr(list(range(12)))),
        ((1,), "(1,)"),
        (
            [10**400] * 13,
            "[an integer of 1329 bits, an integer of 1329 bits, an "
            "integer of 1329 bits, ..., an integer of 1329 bits, an "
            "integer of 1329 bits, an integer of 1329 bits; 13 "
            "values]",
        ),
    ],
)
def test_messages_do_not_show_every_digit(value, shown):
    assert brief(value) == shown


@pytest.mark.parametrize(
    "give",
    [
        lambda: checks.integer("x", -(10**400), 0),
        lambda: gp.Pairs([10**400], [0]),
        lambda: gp.models.brunel().simulate(1.0, dt=0.5, seed=-(10**400)),
    ],
)
def test_messages_of_integers_without_end(give):
    with pytest.raises((ValueError, TypeError), match="integer of 1329 bits") as caught:
        give()
    assert len(str(caught.value)) < 200


def test_infinite_values_are_refused_for_what_they_are():
    """Not for a rule that they obey."""
    with pytest.raises(ValueError, match=r"^GIF.tau_m must be finite and > 0 ms, got inf$"):
        gp.GIF(tau_m=np.inf)
    with pytest.raises(ValueError, match=r"^GIF.tau_sfa\[0\] must be finite and > 0 ms, got inf$"):
        gp.GIF(tau_sfa=[10**400], q_sfa=[1.0])
    with pytest.raises(ValueError, match=r"^GIF.t_ref must be >= 0 ms, got -inf$"):
        gp.GIF(t_ref=-np.inf)


def test_numbers_of_distributions():
    assert_allclose(gp.Uniform(np.array([[1.0]]), 2.0).low, 1.0, rtol=0, atol=0)
