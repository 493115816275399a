"""Copies of simulations go on by themselves; what cannot be copied says what can be done instead."""

import copy
import pickle
import threading

import pytest

import gifpop as gp
from tests.helpers.saved import CASES, network, simulation
from tests.helpers.state import assert_same_results, assert_same_state, engine_of, is_locked, state_of


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "case", ["mixed", "own noise", *(pytest.param(case, marks=pytest.mark.slow) for case in CASES)]
)
def test_a_copy_goes_on_by_itself(case, copied):
    sim, alone = simulation(case), simulation(case)
    before = sim.run(21.5)
    alone.run(21.5)
    branch = copied(sim)
    assert_same_state(sim, branch)
    state = state_of(branch)
    first = sim.run(10.0)
    sim.set("I", I_e=400.0)
    sim.run(10.0)
    sim.reset(3)
    assert_same_state(state, branch)
    assert_same_results(branch.run(10.0), first)
    assert_same_results(first, alone.run(10.0))
    assert_same_results(branch.result(), alone.result())
    assert branch.result().t[0] == before.t[0]
    for one in (branch, alone):
        one.reset()
    assert_same_results(branch.run(10.0), alone.run(10.0))


def test_a_copy_has_the_options_of_the_original(capsys):
    sim = simulation("meso", progress=True)
    branch = copy.deepcopy({"branches": [sim, sim]})["branches"]
    assert branch[0] is branch[1] is not sim
    branch[0].run(1.0)
    assert "2.00/2.00" in capsys.readouterr().err


def test_no_copy_while_it_runs():
    sim, refused = simulation("meso"), []

    class Meddler:
        """A recorder, from inside a run."""

        def run(self, *_, **__):
            for attempt in (copy.copy, copy.deepcopy):
                try:
                    attempt(sim)
                except RuntimeError as error:
                    refused.append(str(error))
            return iter(())

    engine_of(sim).run = Meddler().run
    sim.run(1.0)
    assert refused == ["this simulation is being run by another thread already"] * 2
    del engine_of(sim).run
    assert not is_locked(sim)
    assert isinstance(copy.copy(sim)._busy, type(threading.Lock()))


def test_what_cannot_be_copied_or_pickled():
    class Mine(gp.OneToOne):
        pass

    sim = gp.Simulation(network(rule=Mine(), N=(30, 30)), dt=0.5)
    with pytest.raises(TypeError, match=r"copy of a Simulation: network.connections.0.rule must be of a class that"):
        copy.deepcopy(sim)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match=r"a gifpop.Simulation cannot be pickled: save writes it to a file"):
            pickle.dumps(sim, protocol)
