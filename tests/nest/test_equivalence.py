"""Both faces drive one engine: the same network gives the same numbers under NEST's names and gifpop's own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
import gifpop.nest as nest

H = 0.5
AS_NEST = {"history": "exact", "adaptation": "quasi-renewal", "finite_size": "corrected"}
VARIABLES = ["V_m", "I_syn_ex", "I_syn_in", "mean", "E_sfa", "n_events"]


def record(nodes):
    device = nest.Create("multimeter", params={"record_from": VARIABLES, "interval": H})
    nest.Connect(device, nodes, syn_spec={"delay": H})
    return device


def of(device, node):
    events = device.events
    return {name: values[events["senders"] == node] for name, values in events.items()}


def same(nest_values, result, exactly=False):
    """Compare all but the last step, which meters have not got yet."""
    n = len(nest_values["times"])
    assert_array_equal(nest_values["times"], result.t[:n])
    for name in VARIABLES:
        own = result.counts if name == "n_events" else result.mean if name == "mean" else getattr(result, name)
        if exactly:
            assert_array_equal(nest_values[name], own[:n], err_msg=name)
        else:
            assert_allclose(nest_values[name], own[:n], rtol=1e-12, atol=1e-12, err_msg=name)


def test_inputs():
    """NEST's times and delays against gifpop's: currents act a delay after their times, spikes a delay less a step."""
    cell = {"lambda_0": 0.0, "tau_m": 15.0, "E_L": -65.0, "V_reset": -60.0, "I_e": 20.0, "V_m": -50.0}
    node = nest.Create("gif_pop_psc_exp", params=cell)
    net = gp.Network()
    population = net.population("P", 100, gp.GIF(**cell))

    def feed(model, parameters, weight, delay):
        generator = nest.Create(model, params=parameters)
        nest.Connect(generator, node, syn_spec={"weight": weight, "delay": delay})

    feed("step_current_generator", {"amplitude_times": [2.0, 7.5], "amplitude_values": [40.0, -15.0]}, 2.0, 1.5)
    net.inject(population, gp.StepCurrent([2.0, 7.5], [80.0, -30.0]), delay=1.5)
    feed("dc_generator", {"amplitude": 25.0, "start": 1.0, "stop": 12.0, "origin": 2.5}, -1.0, 1.0)
    net.inject(population, gp.DirectCurrent(-25.0, start=3.5, stop=14.5), delay=1.0)
    feed("spike_generator", {"spike_times": [0.5, 4.0, 4.0, 9.5]}, 60.0, 2.0)
    net.inject(population, gp.SpikeTimes([0.5, 4.0, 4.0, 9.5], weight=60.0), delay=1.5)
    feed("spike_generator", {"spike_times": [3.0], "spike_multiplicities": [2]}, -45.0, 0.5)
    net.inject(population, gp.SpikeTimes([3.0, 3.0], weight=-45.0))

    device = record(node)
    nest.Simulate(30.0)
    own = net.simulate(30.0, dt=H, seed=1, initial="nest", record="all", **AS_NEST)
    same(of(device, 1), own["P"])


def test_replay_of_drawn_counts():
    """What NEST's names drew, prescribed to gifpop's own face, has the same expectations, bit for bit."""
    cell = {"I_e": 320.0, "Delta_V": 2.5, "tau_sfa": [100.0, 1000.0], "q_sfa": [10.0, 1.0], "V_T_star": 15.0}
    nodes = nest.Create("gif_pop_psc_exp", 2, cell)
    nodes.N = [800, 200]
    net = gp.Network()
    names = [net.population(name, N, gp.GIF(**cell)) for name, N in (("E", 800), ("I", 200))]
    for j, weight in ((0, 5.0), (1, -12.5)):
        for i in (0, 1):
            nest.Connect(nodes[j], nodes[i], syn_spec={"weight": weight, "delay": 1.0 + i})
            net.connect(names[j], names[i], weight=weight, delay=1.0 + i)
    device, recorder = record(nodes), nest.Create("spike_recorder")
    nest.Connect(nodes, recorder)
    nest.Simulate(400.0)
    counts = {}
    for k, name in ((1, "E"), (2, "I")):
        fired = np.round(recorder.events["times"][recorder.events["senders"] == k] / H).astype(int)
        counts[name] = np.bincount(fired - 1, minlength=800)
    assert 500 < sum(counts["E"])
    own = net.simulate(400.0, dt=H, seed=1, initial="nest", record="all", counts=counts, **AS_NEST)
    same(of(device, 1), own["E"], exactly=True)
    same(of(device, 2), own["I"], exactly=True)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        # V_m of NEST 3.10 at 0.5, 1.0, ... 4.0 ms
        (
            {"E_L": -70.0, "I_e": 100.0},
            [
                -1.5307854542433859,
                -3.023775680955751,
                -4.479903847629743,
                -5.900080081770533,
                -7.285192039755124,
                -8.636105461646459,
                -9.953664712309191,
                -11.238693309165178,
            ],
        ),
        (
            {"tau_m": 10.0, "C_m": 100.0, "I_syn_ex": 80.0, "V_m": 3.0, "tau_syn_ex": 2.0},
            [
                3.1985455563607603,
                3.311125770754531,
                3.35880677664326,
                3.3578948830470248,
                3.320994321636644,
                3.25783078311173,
                3.1758925616926774,
                3.0809296637049717,
            ],
        ),
    ],
)
def test_potential_of_nest(parameters, expected):
    node = nest.Create("gif_pop_psc_exp", params={"lambda_0": 0.0} | parameters)
    device = record(node)
    nest.Simulate(4.5)
    assert_allclose(device.get("events", "V_m"), expected, rtol=1e-12, atol=0)
