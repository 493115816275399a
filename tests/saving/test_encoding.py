"""Descriptions as JSON and arrays, and back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gifpop as gp
from gifpop.description import Description
from gifpop.saving import encoding, snapshot
from tests.helpers.saved import network, saved_and_loaded, simulation
from tests.helpers.state import assembly_of, assert_same_state, engine_of

numbers = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e6)
several = st.lists(numbers, min_size=3, max_size=12)
distributions = st.one_of(
    st.builds(gp.Normal, numbers, positive),
    st.builds(gp.Lognormal, numbers, positive),
    st.builds(gp.Exponential, positive),
    st.builds(lambda low, d: gp.Uniform(low, low + d), numbers, positive),
)
times = st.lists(st.floats(0.0, 1e9), max_size=20, unique=True).map(sorted)
inputs = st.one_of(
    times.map(lambda t: gp.StepCurrent(t, np.cos(t))),
    st.builds(gp.DirectCurrent, numbers, st.floats(0.0, 10.0), st.one_of(st.none(), st.floats(10.0, 20.0))),
    st.builds(gp.Waveform, st.lists(numbers, max_size=20), st.one_of(st.none(), positive), st.floats(0.0, 10.0)),
    st.builds(gp.SpikeTimes, times, numbers),
    st.builds(gp.PoissonSpikes, positive, numbers, shared=st.booleans(), amplitude=numbers, frequency=positive),
    times.map(lambda t: gp.PoissonSpikes(np.square(np.cos(t)), times=t)),
    st.builds(gp.SineCurrent, numbers, positive, numbers, numbers),
    st.builds(gp.NoiseCurrent, numbers, positive, st.one_of(st.none(), positive), shared=st.booleans()),
    st.builds(gp.OUCurrent, numbers, positive, positive, shared=st.booleans()),
)
flags = {"allow_autapses": st.booleans(), "allow_multapses": st.booleans().map(np.bool_)}
sizes = st.one_of(st.integers(0, 10**9), st.integers(0, 10**9).map(np.int64))
probabilities = st.floats(0.0, 1.0)
pairs = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=9)
connection_rules = st.one_of(
    st.builds(gp.AllToAll, st.booleans()),
    st.just(gp.OneToOne()),
    st.builds(gp.FixedIndegree, sizes, **flags),
    st.builds(gp.IndegreeFraction, probabilities),
    st.builds(gp.FixedOutdegree, sizes, **flags),
    st.builds(gp.FixedTotalNumber, sizes, **flags),
    st.builds(gp.PairwiseBernoulli, probabilities, st.booleans()),
    pairs.map(lambda p: gp.Pairs([a for a, _ in p], [b for _, b in p])),
)
terms = st.lists(st.tuples(st.one_of(positive, distributions), st.one_of(numbers, distributions, several)), max_size=3)


@st.composite
def networks(draw):
    net = gp.Network()
    for name in draw(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3, unique=True)):
        various = st.one_of(numbers, distributions, several)
        sfa, stc = draw(terms), draw(terms)
        cell = gp.GIF(
            E_L=draw(various),
            I_e=draw(various),
            V_reset=np.float32(draw(st.floats(-90, 0, width=32))),
            C_m=draw(positive),
            V_m=draw(st.one_of(st.none(), various)),
            tau_sfa=[t for t, _ in sfa],
            q_sfa=[q for _, q in sfa],
            tau_stc=[t for t, _ in stc],
            q_stc=[q for _, q in stc],
        )
        net.population(name, draw(st.integers(1, 2**53)), cell, draw(st.integers(1, 99)), draw(st.booleans()))
    some = st.sampled_from(sorted(net.populations))
    for _ in range(draw(st.integers(0, 3))):
        weight = draw(st.one_of(numbers, distributions, several))
        net.connect(
            draw(some), draw(some), weight, draw(st.one_of(positive, distributions)), rule=draw(connection_rules)
        )
    for _ in range(draw(st.integers(0, 2))):
        net.inject(draw(some), draw(inputs), draw(st.floats(0.0, 9.0)))
    return net


@pytest.mark.filterwarnings("ignore:GIF.C_m is in pF")  # as drawn; it is to have any value
@given(networks())
def test_any_network(net):
    net = Description.copy(net)
    document, arrays = encoding.encode(net, snapshot.KINDS, "test")
    back = encoding.decode(json.loads(json.dumps(document, allow_nan=False)), arrays, snapshot.KINDS)
    assert_same_state(net, back)


plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=4),
        st.integers(-(2**200), 2**200),
        st.floats(width=32, allow_nan=False).map(np.float32),
        st.integers(-9, 9).map(np.int16),
        st.lists(st.floats(), max_size=12).map(tuple),
        st.lists(st.floats(), max_size=9).map(np.array),
        st.builds(range, st.integers(0, 9), st.integers(0, 9)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), inner, max_size=3),
    ),
    max_leaves=12,
)


@given(plain)
def test_any_plain_value(value):
    document, arrays = encoding.encode({"value": value}, snapshot.KINDS, "test")
    back = encoding.decode(json.loads(json.dumps(document, allow_nan=False)), arrays, snapshot.KINDS)
    assert_same_state([{"value": value}], [back])


def test_what_is_shared_stays_shared():
    seed, values = np.random.SeedSequence(1), np.arange(3.0)
    value = {"a": [seed, seed], "b": {"c": seed, "d": values, "e": values}}
    document, arrays = encoding.encode(value, snapshot.KINDS, "test")
    back = encoding.decode(json.loads(json.dumps(document)), arrays, snapshot.KINDS)
    assert back["a"][0] is back["a"][1] is back["b"]["c"]
    assert back["b"]["d"] is back["b"]["e"]
    assert list(arrays) == ["b.d"]


def test_names_of_arrays_do_not_meet():
    value = {"a/b": np.arange(1), "a b": np.arange(2), "a-b": np.arange(3), "\udcff": np.arange(4)}
    document, arrays = encoding.encode(value, snapshot.KINDS, "test")
    assert len(arrays) == 4
    assert_same_state([value], [encoding.decode(document, arrays, snapshot.KINDS)])


def test_classes_that_a_file_cannot_hold(path):
    class Mine(gp.OneToOne):
        pass

    path.write_bytes(b"old")
    sim = gp.Simulation(network(rule=Mine(), N=(30, 30)), dt=0.5)
    place = r"Simulation.save: network.connections.0.rule must be of a class that gifpop can write to a file, got tests.saving.test_encoding.*Mine"
    with pytest.raises(TypeError, match=place):
        sim.save(path)
    with pytest.raises(TypeError, match=r"test: x must not be an array of Python objects"):
        encoding.encode({"x": np.array([{}])}, snapshot.KINDS, "test")
    assert path.read_bytes() == b"old"


def test_attributes_that_nobody_has_thought_of(path):
    """An attribute that is new in gifpop cannot be forgotten here."""
    for part_of in (assembly_of, engine_of):
        sim = simulation("meso")
        part_of(sim).spice = 1
        with pytest.raises(AssertionError, match="spice"):
            assert_same_state(sim, saved_and_loaded(sim, path))
