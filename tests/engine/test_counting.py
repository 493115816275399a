"""Spikes of equal weight are counted on their way; the input is the same as with sums of weights."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop import _core, nest
from gifpop.engine import counting
from gifpop.engine.counting import Unit
from gifpop.engine.links import Link
from gifpop.engine.ring_buffers import RingBuffers


def link(weight, source=0, target=0, units=(0, 0, 1), **options):
    first = np.array([0, len(units)], dtype=np.int64)
    kind = "excitatory" if weight >= 0.0 else "inhibitory"
    return Link(source, target, 1, kind, weight, first, np.array(units, dtype=np.int32), **options)


NEURONS = SimpleNamespace(neurons=True, fires_once=True, places=64, units=64, n_receptors=2)
POPULATION = SimpleNamespace(neurons=False, fires_once=False, units=1, n_receptors=2)


def units(*links, plans=(NEURONS,)):
    return counting.count_units(links, plans)


def test_units_of_counts():
    """The least weight of each synapse, if all others are multiples of it and all counts fit."""
    assert units() == [None]
    (unit,) = units(link(87.8), link(175.6), link(-351.2), link(0.0))
    assert_array_equal(unit.size, [87.8, -351.2])
    assert unit.most == 6
    assert [counting.multiple(link(w), unit) for w in (87.8, 175.6, -351.2, 0.0)] == [1, 2, 1, 0]
    assert units(link(1.0), link(2.5)) == [None]
    assert units(link(1.0), link(1.0 + 1e-15)) == [None]
    assert units(link(1.0, weights=np.ones(3))) == [None]
    assert units(link(1.0, lags=np.ones(3, dtype=np.int32))) == [None]
    assert units(link(1.0, source=1)) == [None]  # of a generator
    assert units(link(1.0, source=1), plans=(NEURONS, POPULATION)) == [None, None]  # emits many spikes a step
    assert units(link(1.0, target=1), plans=(NEURONS, POPULATION)) == [None, None]


def test_counts_that_would_not_fit():
    """At most 65535 in a step: two connections onto the same neuron here, of 1 and of ``weight``."""
    (fits,) = units(link(1.0), link(65533.0 / 2.0 - 0.5, units=(0, 0)))
    assert fits.most == 65534
    assert units(link(1.0), link(65534.0 / 2.0, units=(0, 0))) == [None]
    assert units(link(1.0), link(1e300)) == [None]
    assert units(link(1e-300), link(1e300)) == [None]


def populations(weight):
    """Two groups, with a weight that is one number or an array for all connections of a rule."""
    net = gp.Network()
    net.population("A", 300, gp.GIF(I_e=330.0))
    net.population("B", 70, gp.GIF(I_e=330.0, tau_sfa=[50.0], q_sfa=[2.0]))
    for pre, post, size, delay in (
        ("A", "A", 2.0, 1.5),
        ("A", "B", 4.0, 1.0),
        ("B", "A", -9.0, 2.0),
        ("B", "B", -9.0, 1.0),
    ):
        net.connect(
            pre, post, weight=weight(size, 20 * (300 if post == "A" else 70)), delay=delay, rule=gp.FixedIndegree(20)
        )
    net.connect("B", "A", weight=weight(-18.0, 300 * 3), delay=1.0, rule=gp.FixedIndegree(3))
    net.inject("A", gp.PoissonSpikes(500.0, weight=20.0), delay=0.5)
    return net


def test_counts_give_what_sums_give(loops):
    """The same network with an array of equal weights, which are added up."""
    options = {"dt": 0.5, "level": "micro", "seed": 4, "record": "all"}
    counted = populations(lambda weight, n: weight).simulate(150.0, **options)
    summed = populations(lambda weight, n: np.full(n, weight)).simulate(150.0, **options)
    assert min(counted.counts.sum(axis=0)) > 100
    for name in "AB":
        assert_array_equal(counted[name].spikes[1], summed[name].spikes[1])
        for key in ("V_m", "I_syn_ex", "I_syn_in", "E_sfa"):
            assert_allclose(getattr(counted[name], key), getattr(summed[name], key), rtol=1e-11, atol=1e-11)


def test_what_is_on_its_way_survives_a_change_of_units():
    buffers = RingBuffers()

    def fit(unit, longest=4, most=10):
        buffers.fit(
            [NEURONS], longest, 1, [None if unit is None else Unit(np.array(unit), most)], set(), step=7, dt=0.1
        )

    def amounts():
        ring = buffers.rings[0] if buffers.units[0] is None else buffers.rings[0] * buffers.units[0].size[:, np.newaxis]
        return [ring[step % buffers.slots, _core.RECEPTOR["inhibitory"], 5] for step in range(7, 12)]

    fit([1.0, -2.0])
    assert buffers.rings[0].dtype == np.uint16
    buffers.rings[0][8 % buffers.slots, 1, 5] = 3
    expected = [0.0, -6.0, 0.0, 0.0, 0.0]
    for change in (lambda: fit([1.0, -2.0]), lambda: fit([1.0, -2.0], longest=9), lambda: fit([1.0, -2.0], most=65533)):
        change()
        assert amounts() == expected
    assert buffers.units[0] is None  # the counts on their way and new ones would not fit together
    fit([1.0, -3.0])
    assert amounts() == expected
    assert buffers.units[0] is None  # as long as something of another unit is on its way
    buffers.rings[0][:] = 0.0
    fit([1.0, -3.0])
    assert buffers.rings[0].dtype == np.uint16
    assert buffers.add(np.array([9]), "excitatory", 0, np.array([1.25]), np.array([5]))
    assert not buffers.add(np.array([10]), "excitatory", 0, np.array([1.0]), np.array([5]))
    assert buffers.externals[0][9 % buffers.slots, 0, 5] == 1.25
    fit([1.0, -3.0], longest=30)
    assert buffers.externals[0][9 % buffers.slots, 0, 5] == 1.25


@pytest.mark.parametrize("weight", [5.0, 7.3])
def test_weights_that_change_while_spikes_are_on_their_way(weight):
    """In NEST's face a weight can be set between runs: what is on its way keeps the old one, as the voltage shows."""
    nest.ResetKernel()
    nest.resolution = 0.1
    sender = nest.Create("gif_psc_exp", params={"lambda_0": 1e9, "t_ref": 1.0, "I_e": 1e4})
    target = nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0})
    nest.Connect(sender, target, syn_spec={"weight": 5.0, "delay": 5.0})
    meter = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": 0.1})
    nest.Connect(meter, target[0])
    nest.Simulate(6.0)
    nest.GetConnections(sender, target).weight = weight
    nest.Simulate(20.0)
    current = np.asarray(meter.events["I_syn_ex"])
    assert np.isfinite(current).all()
    jumps = np.round(current[1:] - current[:-1] * np.exp(-0.1 / 2.0), 9)
    jumps = jumps[jumps > 0.0]
    assert set(jumps) <= {5.0, weight}
    assert 5.0 in jumps and weight in jumps


def test_a_population_onto_some_neurons():
    """It emits many spikes a step, which are added up."""
    nest.ResetKernel()
    population = nest.Create("gif_pop_psc_exp", params={"N": 100, "I_e": 600.0})
    neurons = nest.Create("gif_psc_exp", 5, {"lambda_0": 0.0})
    nest.Connect(population, neurons[:3], "all_to_all", {"weight": 10.0, "delay": 1.0})
    nest.Connect(neurons, neurons, "all_to_all", {"weight": 20.0, "delay": 1.5})
    meter = nest.Create("multimeter", params={"record_from": ["n_events"], "interval": 0.1})
    current = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": 0.1})
    nest.Connect(meter, population)
    nest.Connect(current, neurons)
    nest.Simulate(30.0)
    events = current.events
    traces = [np.asarray(events["I_syn_ex"])[np.asarray(events["senders"]) == n] for n in neurons.tolist()]
    expected, value = [], 0.0
    for count in np.concatenate((np.zeros(10), meter.events["n_events"])):
        value = value * np.exp(-0.1 / 2.0) + 10.0 * count
        expected.append(value)
    assert max(expected) > 100.0
    assert_allclose(traces[0], expected[: len(traces[0])], rtol=1e-12, atol=1e-9)
    assert_array_equal(traces[2], traces[0])
    assert np.all(traces[4] == 0.0)
