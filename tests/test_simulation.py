"""Runs, pieces of runs, changes between them, records and results."""

import inspect
import os
import threading
from types import MappingProxyType

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop as gp
from gifpop.assembly import options
from gifpop.common import memory
from gifpop.engine import chunks, engine, instruction_set
from tests.helpers.ctrl_c import Stopwatch, ctrl_c
from tests.helpers.networks import SEED_CELL, brunel, single

EVERYTHING = ("counts", "mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in")


def busy_network():
    """Two populations with every kind of input."""
    net = brunel(N=(80, 20))
    net.inject("E", gp.StepCurrent([30.0, 60.0], [100.0, 0.0]))
    net.inject("I", gp.PoissonSpikes(300.0, 20.0, shared=True), delay=3.0)
    net.inject("E", gp.SpikeTimes([10.0, 12.5], 500.0))
    net.inject("I", gp.Waveform(np.linspace(0.0, 50.0, 100)))
    return net


def assert_equal_results(a, b):
    assert a.names == b.names
    for name in a.names:
        for variable in EVERYTHING:
            assert_array_equal(getattr(a[name], variable), getattr(b[name], variable), err_msg=variable)


def test_pieces_equal_one_run():
    net = busy_network()
    whole = net.simulate(200.0, dt=0.5, seed=3, record="all")
    sim = gp.Simulation(net, dt=0.5, seed=3, record="all")
    for piece in (0.5, 100.0, 0.0, 33.5, 66.0):
        sim.run(piece)
    assert_equal_results(sim.result(), whole)
    assert_array_equal(sim.result().t, whole.t)


@pytest.mark.parametrize("longest", [1, 7, 1000])
def test_chunks_do_not_matter(longest, monkeypatch):
    net = busy_network()
    whole = net.simulate(100.0, dt=0.5, seed=3, record="all")
    monkeypatch.setattr(chunks, "LONGEST_CHUNK", longest)
    assert_equal_results(net.simulate(100.0, dt=0.5, seed=3, record="all"), whole)


def test_pieces_after_set_equal_one_run_after_set():
    def run(*pieces):
        sim = gp.Simulation(busy_network(), dt=0.5, seed=3, record="all")
        sim.run(50.0)
        sim.set("E", I_e=500.0, tau_m=10.0, q_sfa=[5.0, 0.5], t_ref=2.0)
        sim.set("I", lambda_0=20.0)
        for piece in pieces:
            sim.run(piece)
        return sim.result()

    assert_equal_results(run(10.5, 0.5, 39.0), run(50.0))


def test_set_keeps_the_history_and_acts_at_the_next_step():
    sims = [gp.Simulation(brunel(), dt=0.5, seed=3, record="all") for _ in range(2)]
    for sim in sims:
        sim.run(50.0)
    sims[0].set("E", I_e=SEED_CELL.I_e)
    same, other = (sim.run(20.0) for sim in sims)
    assert_equal_results(same, other)
    for sim in sims:
        sim.set("E", I_e=400.0)
    changed = sims[0].run(0.5)["E"].V_m[0]
    decay = np.exp(-0.5 / 20.0)
    sims[1].set("E", I_e=300.0)
    assert_allclose(changed - sims[1].run(0.5)["E"].V_m[0], 100.0 * 20.0 / 250.0 * (1 - decay), rtol=1e-9, atol=0)


def test_set_refuses():
    sim = gp.Simulation(single(N=50, len_kernel=100), dt=0.5)
    with pytest.raises(TypeError, match=r"Simulation.set: parameter must be one of GIF's, N or BinoRand .*, got 'tau'"):
        sim.set("P", tau=3.0)
    with pytest.raises(ValueError, match=r"GIF.tau_m must be > 0 ms, got -1.0"):
        sim.set("P", tau_m=-1.0)
    with pytest.raises(ValueError, match=r"GIF.tau_sfa of 'P' must keep its length 1, got 0"):
        sim.set("P", tau_sfa=[], q_sfa=[])
    with pytest.raises(ValueError, match=r"len_kernel must be longer than the refractory period of 100 steps"):
        sim.set("P", t_ref=50.0)
    with pytest.raises(ValueError, match=r"population must be a population of the network \('P'\), got 'Q'"):
        sim.set("Q", I_e=1.0)


def test_reset_repeats_the_run_and_takes_a_new_seed():
    sim = gp.Simulation(busy_network(), dt=0.5, seed=3, record="all")
    first = sim.run(50.0)
    sim.reset()
    assert sim.time == 0.0
    assert_equal_results(sim.run(50.0), first)
    sim.reset(seed=4)
    assert np.any(sim.run(50.0)["E"].counts != first["E"].counts)


@pytest.mark.parametrize(
    "seed", [5, [1, 2, 3], np.random.SeedSequence(7), np.int64(5)], ids=["int", "list", "SeedSequence", "numpy"]
)
def test_same_seed_same_result(seed):
    net = brunel()
    a, b = (net.simulate(50.0, dt=0.5, seed=seed, record="all") for _ in range(2))
    assert_equal_results(a, b)
    assert_equal_results(net.simulate(50.0, dt=0.5, seed=a.seed, record="all"), a)


def test_no_seed_and_generators_differ_each_time():
    net = brunel()
    generator = np.random.default_rng(1)
    for seed in (None, generator, np.random.PCG64(3)):
        a, b = (net.simulate(200.0, dt=0.5, seed=seed).counts for _ in range(2))
        assert np.any(a != b)


def test_streams_of_populations_do_not_depend_on_others():
    """Adding a population leaves the counts of an unconnected one as they were."""
    net = single(gp.GIF(I_e=300.0))
    alone = net.simulate(100.0, dt=0.5, seed=1)["P"].counts
    net.population("Q", 30, gp.GIF(I_e=300.0))
    both = net.simulate(100.0, dt=0.5, seed=1)
    assert_array_equal(both["P"].counts, alone)


def test_simulation_does_not_follow_the_description():
    net = single(gp.GIF(lambda_0=0.0))
    sim = gp.Simulation(net, dt=0.5, record="all")
    net.inject("P", gp.DirectCurrent(100.0))
    assert not sim.run(10.0)["P"].V_m.any()


def test_records():
    net = brunel()
    full = net.simulate(50.0, dt=0.5, seed=1, record="all")
    some = net.simulate(50.0, dt=0.5, seed=1, record={"E": ["V_m", "mean"], "I": "I_syn_in"}, record_interval=2.5)
    assert some["E"].recorded == ("counts", "mean", "V_m")
    assert some["I"].recorded == ("counts", "mean", "I_syn_in")
    assert_array_equal(some["E"].t_record, np.arange(2.5, 50.1, 2.5))
    assert_array_equal(some["E"].V_m, full["E"].V_m[4::5])
    assert_array_equal(some["I"].I_syn_in, full["I"].I_syn_in[4::5])
    assert_array_equal(some["E"].mean, full["E"].mean)
    with pytest.raises(AttributeError, match=r"population 'E' has no recorded variable 'I_syn_ex'; it has counts"):
        _ = some["E"].I_syn_ex


def test_record_interval_across_pieces():
    net = brunel()
    sim = gp.Simulation(net, dt=0.5, seed=1, record="V_m", record_interval=2.0)
    for piece in (1.5, 1.0, 7.0, 0.5):
        sim.run(piece)
    whole = net.simulate(10.0, dt=0.5, seed=1, record="V_m", record_interval=2.0)
    assert_array_equal(sim.result()["E"].t_record, [2.0, 4.0, 6.0, 8.0, 10.0])
    assert_array_equal(sim.result()["E"].V_m, whole["E"].V_m)


def test_result_shapes_and_units():
    net = brunel()
    result = net.simulate(100.0, dt=0.5, seed=1)
    assert result.t[0] == 0.5
    assert result.t[-1] == 100.0
    for array in (result.counts, result.activity, result.rate):
        assert array.shape == (200, 2)
        assert array.flags.c_contiguous
    assert result.counts.dtype == np.int64
    assert_allclose(result.activity[:, 1], result["I"].counts / (200 * 0.5e-3), rtol=1e-12, atol=0)
    assert_allclose(result.rate[:, 0], result["E"].mean / (800 * 0.5e-3), rtol=1e-12, atol=0)
    assert result.names == ("E", "I")
    assert [p.name for p in result] == ["E", "I"]
    assert result[net.populations["E"]] is result["E"]
    with pytest.raises(KeyError, match="no population 'X'; there are 'E', 'I'"):
        result["X"]


def test_initial_states():
    cell = gp.GIF(E_L=-70.0, V_reset=-60.0, V_T_star=-50.0, lambda_0=0.0)
    decay = np.exp(-0.5 / cell.tau_m)

    def V_m(cell, initial):
        return single(cell).simulate(0.5, dt=0.5, record="V_m", initial=initial)["P"].V_m[0]

    assert_allclose(V_m(cell, "fired"), -70.0, rtol=1e-12, atol=0)  # it rests
    assert_allclose(V_m(cell, "nest"), -70.0 * (1 - decay), rtol=1e-12, atol=0)
    given = gp.GIF(**{**vars(cell), "V_m": -55.0, "I_syn_ex": 100.0})
    assert V_m(given, "fired") == V_m(given, "nest") > -55.5


def test_initial_currents():
    cell = gp.GIF(lambda_0=0.0, I_syn_ex=100.0, I_syn_in=-30.0)
    result = single(cell).simulate(0.5, dt=0.5, record="all")["P"]
    assert_allclose(result.I_syn_ex, 100.0 * np.exp(-0.5 / 3.0), rtol=1e-12, atol=0)
    assert_allclose(result.I_syn_in, -30.0 * np.exp(-0.5 / 6.0), rtol=1e-12, atol=0)


def test_counts_for_some_populations():
    net = brunel()
    drawn = net.simulate(50.0, dt=0.5, seed=1)
    replayed = net.simulate(50.0, dt=0.5, seed=1, counts={"I": drawn["I"].counts})
    assert_array_equal(replayed.counts, drawn.counts)


def test_binomial_and_poisson_counts_differ():
    a, b = (single(gp.GIF(I_e=500.0), BinoRand=b).simulate(100.0, dt=0.5, seed=1) for b in (True, False))
    assert np.any(a.counts != b.counts)


def test_a_current_out_of_range_is_reported():
    net = single(gp.GIF(C_m=1e-300))
    net.inject("P", gp.StepCurrent([5.0, 6.0], [1e300, -1e300]))
    sim = gp.Simulation(net, dt=0.5, seed=1)
    with pytest.raises(gp.SimulationError, match=r"population 'P': the expected spike count .* ends at 5.5 ms"):
        sim.run(10.0)
    assert len(sim.result().t) == 10
    with pytest.raises(gp.SimulationError) as caught:
        net.simulate(10.0, dt=0.5)
    assert len(caught.value.result.t) == 10
    message = r"population 'P': a potential is no longer a finite number in the step that ends at 5.5 ms"
    with pytest.raises(gp.SimulationError, match=message):
        net.simulate(10.0, dt=0.5, level="micro")


def test_memory_is_checked_first(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1e6)
    sim = gp.Simulation(single(), dt=0.5)
    with pytest.raises(MemoryError, match=r"records of 2000000 steps .* would need 48.1 MB; 1.0 MB are available"):
        sim.run(1e6)
    with pytest.raises(MemoryError, match=r"connections, neurons, histories and input on its way would need 8.0 MB"):
        gp.Simulation(single(len_kernel=10**6), dt=0.5)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.timeout(60)
def test_ctrl_c_keeps_what_was_simulated():
    net = brunel()
    sim = gp.Simulation(net, dt=0.1, seed=1)
    with ctrl_c(0.3) as since, pytest.raises(KeyboardInterrupt) as caught:
        sim.run(1e6)
    assert since() < 1.0
    result = caught.value.result
    assert 0 < len(result.t) < 1e7
    assert result.t[-1] == sim.time
    sim.run(10.0)
    whole = net.simulate(sim.time, dt=0.1, seed=1)
    assert_array_equal(sim.result().counts, whole.counts)


def test_runs_in_threads():
    net = brunel()
    expected = net.simulate(100.0, dt=0.5, seed=1).counts
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(net.simulate(100.0, dt=0.5, seed=1).counts)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for counts in results:
        assert_array_equal(counts, expected)


def test_one_simulation_in_two_threads_is_refused():
    sim = gp.Simulation(brunel(), dt=0.1, seed=1)
    refused = []

    def run():
        try:
            sim.run(2000.0)
        except RuntimeError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["this simulation is being run by another thread already"] * 2
    assert sim.time == 2000.0


def test_results_can_be_pickled_and_copied():
    import copy
    import pickle

    result = brunel().simulate(20.0, dt=0.5, seed=1, record="all")
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert_equal_results(other, result)


def test_set_that_fails_changes_nothing():
    sim = gp.Simulation(brunel(), dt=0.5, seed=1, level="micro")
    for wrong in ({"I_e": np.ones(3)}, {"tau_m": gp.Uniform(-2.0, -1.0)}):
        with pytest.raises(ValueError, match="Population 'E': GIF"):
            sim.set("E", **wrong)
    sim.set("E", tau_m=10.0)
    sim.reset()


def test_set_does_not_draw_other_parameters_anew():
    net = single(gp.GIF(lambda_0=0.0, V_T_star=gp.Normal(15.0, 2.0), tau_sfa=[], q_sfa=[]))
    sim = gp.Simulation(net, dt=0.5, seed=1, level="micro", record="E_sfa")
    before = sim.run(0.5)["P"].E_sfa
    sim.set("P", E_L=gp.Normal(0.0, 1.0))
    assert_array_equal(sim.run(0.5)["P"].E_sfa, before)


def test_huge_populations_cost_no_more():
    seconds = Stopwatch()
    single(gp.GIF(I_e=300.0), N=10**12).simulate(1.0, dt=0.5, record="all")
    assert seconds() < 1.0


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_no_hazard_means_no_spikes(level):
    net = single(gp.GIF(lambda_0=0.0, Delta_V=0.01, I_e=300.0))
    assert not net.simulate(200.0, dt=0.5, level=level, seed=1).counts.any()


def test_instruction_sets_draw_the_same_counts(monkeypatch):
    """They differ in the last bits of the expectations, which decide a count once in some 1e12 draws."""
    counts = []
    for name in instruction_set.available():
        monkeypatch.setenv(instruction_set.VARIABLE, name)
        instruction_set.select()
        counts.append(brunel().simulate(200.0, dt=0.5, seed=1).counts)
    monkeypatch.undo()
    instruction_set.select()
    for other in counts[1:]:
        assert_array_equal(other, counts[0])


def test_options_have_types():
    """What type checkers take as options of `Network.simulate` and `compare` is what these take."""
    known = inspect.signature(gp.Simulation).parameters.keys() - {"net"}
    assert options.SimulationOptions.__optional_keys__ == known
    assert options.ModelOptions.__optional_keys__ == known - {"dt", "seed", "threads", "level", "progress"}


def test_options_per_population_are_any_mapping():
    given = {"level": {"E": "micro", "I": "meso"}, "record": {"I": ["V_m"]}, "counts": {"I": [1] * 20}}
    once = brunel().simulate(10.0, dt=0.5, seed=1, **given)
    again = brunel().simulate(10.0, dt=0.5, seed=1, **{name: MappingProxyType(each) for name, each in given.items()})
    assert once.level == again.level == {"E": "micro", "I": "meso"}
    assert again["I"].recorded == ("counts", "mean", "V_m")
    assert_array_equal(again.counts, once.counts)
    assert_array_equal(again["I"].counts, 1)


def test_show_config(capsys):
    gp.show_config()
    first, second, third, fourth = capsys.readouterr().out.splitlines()
    assert first.startswith(f"gifpop {gp.__version__}, numpy {np.__version__}, Python 3.")
    assert second.startswith(f"instruction set: {engine.INSTRUCTION_SET} (available: ")
    assert third.startswith("threads: up to ")
    assert fourth.startswith("memory: ")


def test_an_instruction_set_can_be_forced(tmp_path, monkeypatch):
    import subprocess
    import sys

    monkeypatch.setenv("GIFPOP_ISA", "baseline")
    command = [sys.executable, "-c", "import gifpop; gifpop.show_config()"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "instruction set: baseline" in shown
    monkeypatch.setenv("GIFPOP_ISA", "mmx")
    with pytest.raises(ImportError, match=r"GIFPOP_ISA must be one of .* on this machine, got 'mmx'"):
        instruction_set.select()


def test_progress_bar(capsys):
    brunel().simulate(100.0, dt=0.5, seed=1, progress=True)
    assert "200" in capsys.readouterr().err
    brunel().simulate(100.0, dt=0.5, seed=1)
    assert capsys.readouterr().err == ""


def test_plot():
    import matplotlib

    matplotlib.use("Agg")
    figure = brunel().simulate(100.0, dt=0.5, seed=1).plot()
    top, bottom = figure.axes
    assert top.get_ylabel() == "activity $A_N$ [spikes/s]"
    assert bottom.get_xlabel() == "time [ms]"
    assert [len(axes.lines) for axes in (top, bottom)] == [2, 2]
    matplotlib.pyplot.close(figure)


def test_reprs():
    net = brunel()
    assert repr(net) == "<gifpop.Network: 2 populations, 4 connections, 0 inputs>"
    sim = gp.Simulation(net, dt=0.5)
    assert repr(sim.run(1.0)) == "<gifpop.Result: 2 steps of 0.5 ms, populations E, I>"
    assert repr(sim) == "<gifpop.Simulation: 2 populations, level 'meso', dt 0.5 ms, at 1.0 ms>"
