"""Ctrl-C and errors of memory: nothing recorded is lost."""

import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.assembly.finished_runs import concatenate
from tests.helpers.state import assert_same_results
from tests.helpers.strikes import DT, brunel, fail, once, press

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("sigint")]


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_ctrl_c_while_the_result_is_put_together(level, monkeypatch):
    sim = brunel(level=level)
    sim.run(100.0)
    once(monkeypatch, gp.Simulation, "_make_result", press)
    with pytest.raises(gp.SimulationInterrupted, match=r"at 200.0 ms") as caught:
        sim.run(100.0)
    sim.run(100.0)
    whole = brunel(level=level).run(300.0)
    assert_same_results(sim.result(), whole)
    assert_array_equal(caught.value.result.counts, whole.counts[200:400])


def test_a_result_for_which_there_was_no_memory_comes_later(monkeypatch, tmp_path):
    sim = brunel(level="micro")
    sim.run(10.0)
    for again in (lambda: sim.run(10.0), lambda: sim.save(tmp_path / "s.npz"), lambda: sim.result()):
        once(monkeypatch, gp.Simulation, "_make_result", fail())
        with pytest.raises(MemoryError):
            sim.run(10.0)
        again()
    whole = brunel(level="micro").run(50.0)
    assert sim.time == 50.0
    assert_same_results(sim.result(), whole)
    assert_array_equal(gp.Simulation.load(tmp_path / "s.npz").result().counts, whole.counts[:80])
    once(monkeypatch, gp.Simulation, "_make_result", fail())
    with pytest.raises(MemoryError):
        sim.run(10.0)
    sim.forget()
    with pytest.raises(ValueError, match="nothing has been simulated"):
        sim.result()


def test_joining_refuses_holes():
    sim = brunel()
    runs = [sim.run(duration) for duration in (10.0, 0.0, 5.0, 20.0)]
    assert len(concatenate(runs).t) == 70
    with pytest.raises(
        ValueError, match=r"begin where the one before ends, at 10 ms, got one from 15 ms on: what lies"
    ):
        concatenate([runs[0], runs[1], runs[3]])
    with pytest.raises(ValueError, match=r"at 35 ms, got one from 10 ms on"):
        concatenate([runs[3], runs[2]])


def test_ctrl_c_at_the_end_of_trials():
    """They are finished; what was kept of them is not lost."""

    def keep(result):
        if result.seed.spawn_key[-1] == 3:
            press()
        return result.counts.sum()

    with pytest.raises(gp.SimulationInterrupted, match="after all 4 trials") as caught:
        gp.models.brunel().simulate(20.0, dt=DT, seed=1, trials=4, keep=keep, progress=False)
    expected = gp.models.brunel().simulate(20.0, dt=DT, seed=1, trials=4, keep=lambda result: result.counts.sum())
    assert_array_equal(caught.value.result, expected)
