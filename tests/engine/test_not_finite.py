"""Numbers that leave their range are found in the step in which they do, at both levels, however a run is cut."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop import nest
from gifpop.engine import chunks
from gifpop.engine.engine import StateLostError
from tests.helpers.networks import single

DT = 0.5
PULSES = {  # at 20 ms; what comes half a millisecond later would bring the potential back
    "current that recovers": 2 * [gp.StepCurrent([20.0, 20.5], [1e308, 0.0])],
    "negative current": 2 * [gp.StepCurrent([20.0, 20.5], [-1e308, 0.0])],
    "current that changes its sign": 2 * [gp.StepCurrent([20.0, 20.5], [1e308, -1e308])],
    "spike": [gp.SpikeTimes([20.0, 20.0], weight=1e308)],
    "inhibitory spike": [gp.SpikeTimes([20.0, 20.0], weight=-1e308)],
    "spikes that cancel": [gp.SpikeTimes([20.0, 20.0], weight=1e308), gp.SpikeTimes([20.0, 20.0], weight=-1e308)],
}
LAST = 20.0  # ms; no later time is recorded


def network(inputs, **cell):
    net = gp.Network()
    net.population("P", 300, gp.GIF(**{"I_e": 300.0} | cell))
    net.population("Q", 50, gp.GIF(I_e=600.0))
    net.connect("Q", "Q", weight=1.0, delay=2.0)
    for each in inputs:
        net.inject("P", each)
    return net


def failing(net, **options):
    """Return the result that an error of population P in the step after `LAST` comes with."""
    with pytest.raises(
        gp.SimulationError, match=rf"population 'P': .*in the step that ends at {LAST + DT} ms"
    ) as caught:
        net.simulate(60.0, **{"dt": DT, "seed": 1, "record": "all"} | options)
    result = caught.value.result
    assert result.t[-1] == LAST
    for population in result:
        for name in population.recorded[2:]:
            assert np.all(np.isfinite(getattr(population, name)))
    return result


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("pulse", PULSES)
def test_in_a_population(pulse, history, adaptation):
    failing(network(PULSES[pulse]), history=history, adaptation=adaptation)


@pytest.mark.parametrize("pulse", PULSES)
def test_in_neurons(pulse, loops):
    failing(network(PULSES[pulse]), level="micro")
    if "spike" not in pulse:
        failing(network(PULSES[pulse], V_T_star=gp.Normal(15.0, 1.0), C_m=gp.Uniform(200.0, 300.0)), level="micro")


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_however_the_run_is_cut(level, monkeypatch):
    """Chunks, threads, and runs of the user's own: the same numbers, up to the same step."""
    net = network(PULSES["current that recovers"])
    whole = failing(net, level=level)
    results = [failing(net, level=level, threads=2)]
    for longest in (1, 7):
        monkeypatch.setattr(chunks, "LONGEST_CHUNK", longest)
        results.append(failing(net, level=level))
    for result in results:
        for one, other in zip(result, whole, strict=True):
            assert_array_equal(one.counts, other.counts)
            assert_array_equal(one.V_m, other.V_m)
    sim = gp.Simulation(net, dt=DT, seed=1, record="all", level=level)
    sim.run(17.0)
    with pytest.raises(gp.SimulationError, match=rf"ends at {LAST + DT} ms"):
        sim.run(40.0)
    assert_array_equal(sim.result().counts, whole.counts)


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_in_trials(level):
    net = network(PULSES["negative current"])
    with pytest.raises(gp.SimulationError, match=rf"trial 0: population 'P': .* ends at {LAST + DT} ms"):
        net.simulate(60.0, dt=DT, seed=1, trials=3, threads=2, level=level)


def test_neurons_whose_spikes_are_prescribed():
    net = network(PULSES["current that recovers"])
    result = failing(net, level="micro", spikes={"P": ([3.0, 10.0, 20.0, 20.5, 30.0], [5, 6, 7, 8, 9])})
    assert_array_equal(result["P"].spikes[1], [5, 6, 7])


@pytest.mark.parametrize("pulse", ["negative current", "current that recovers"])
@pytest.mark.parametrize("level", ["meso", "micro"])
@pytest.mark.parametrize("pieces", [[60.0], [17.0, 43.0], [LAST, 40.0]])
def test_the_state_is_lost_until_it_is_reset(pieces, level, pulse, tmp_path):
    """Numbers that are not finite do not come back; time ends where the records do, however the run is cut."""
    sim = gp.Simulation(network(PULSES[pulse]), dt=DT, seed=1, level=level)
    with pytest.raises(gp.SimulationError, match="no longer a finite number"):
        for piece in pieces:
            sim.run(piece)
    assert sim.time == LAST == sim.result().t[-1]
    for call in (lambda: sim.run(1.0), lambda: sim.set("P", I_e=0.0), lambda: sim.save(tmp_path / "lost.npz")):
        with pytest.raises(StateLostError, match=rf"'P' were no longer finite in the step that ends at {LAST + DT} ms"):
            call()
    assert sim.time == LAST
    sim.reset()
    assert sim.run(LAST).t[-1] == LAST


@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("q", [-2e12, -2e20, -2e40])
@pytest.mark.parametrize(
    ("adapting", "name"),
    [
        (lambda q: {"tau_sfa": [100.0], "q_sfa": [q]}, "q_sfa[0] / Delta_V"),
        (lambda q: {"tau_stc": [100.0], "q_stc": [12.5 * q]}, "q_stc[0] * tau_m / C_m / Delta_V"),
    ],
    ids=["sfa", "stc"],
)
def test_jumps_of_which_rounding_leaves_nothing(adapting, name, q, history):
    """The variance of large jumps goes with their squares: its rounding must not silence a population."""
    net = single(gp.GIF(I_e=300.0, **adapting(q)), 100)
    options = {"dt": DT, "seed": 1, "history": history}
    if abs(q) < 1e13:
        assert net.simulate(100.0, **options).counts.sum() == 2200
        return
    with pytest.raises(ValueError, match=rf"'P': GIF.{re.escape(name)} must be in \[-1e\+12, 1e\+12\] with adapt"):
        net.simulate(100.0, **options)
    if name.startswith("q_sfa"):
        assert net.simulate(100.0, adaptation="quasi-renewal", **options).counts.sum() == 2200


@pytest.mark.parametrize("dt", [0.001, 0.5])
@pytest.mark.parametrize("t_ref", [1e17, 1e20, 1e99])
@pytest.mark.parametrize("options", [{"history": "exact"}, {"history": "adaptive"}, {"smooth": True}])
def test_refractory_periods_beyond_all_histories(t_ref, dt, options):
    """Refused for memory, where steps are more than integers hold, too."""
    net = gp.Network()
    net.population("P", 100, gp.GIF(t_ref=t_ref))
    with pytest.raises(MemoryError, match="would need"):
        gp.Simulation(net, dt=dt, **options)
    sim = gp.Simulation(single(gp.GIF(tau_m=1.0, tau_sfa=[], q_sfa=[])), dt=dt, **options)
    with pytest.raises((MemoryError, ValueError)):
        sim.set("P", t_ref=t_ref)


@pytest.mark.parametrize("adaptation", ["carried", "quasi-renewal"])
def test_potentials_of_cohorts(adaptation):
    """Neurons that were refractory while the potential of the others fell leave the range before these do."""
    net = gp.Network()
    net.population("P", 100, gp.GIF(V_T_star=-5.0, lambda_0=1e3, t_ref=1.0, tau_m=1e9, C_m=0.01 * DT))
    net.inject("P", gp.StepCurrent([19.0, 19.5, 20.5], [-1.7e306, 1.7e306, 0.0]))
    failing(net, adaptation=adaptation)


@pytest.mark.parametrize("model", ["gif_psc_exp", "gif_pop_psc_exp"])
def test_in_nest(model):
    nest.ResetKernel()
    nest.resolution = DT
    node = nest.Create(model)
    meter = nest.Create("multimeter", params={"record_from": ["V_m", "I_syn_ex"], "interval": DT})
    amplitudes = {"amplitude_times": [20.0, 20.5], "amplitude_values": [1e308, 0.0]}
    nest.Connect(nest.Create("step_current_generator", 2, params=amplitudes), node, syn_spec={"delay": DT})
    nest.Connect(meter, node)
    with pytest.raises(nest.NESTErrors.NumericalInstability, match=r"in the step that ends at 21\.0 ms"):
        nest.Simulate(60.0)
    events = meter.get("events")
    assert np.all(np.isfinite(events["V_m"]))
    assert 20.0 <= events["times"][-1] <= 21.0
    assert nest.biological_time == 20.5
    with pytest.raises(
        nest.NESTErrors.KernelException, match=r"state of the kernel is lost, since numbers of pop.* 1'"
    ):
        nest.Simulate(1.0)
    nest.ResetKernel()
    nest.Simulate(1.0)
