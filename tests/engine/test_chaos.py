"""Whatever strikes a simulation, it is in the old state, in the new one, or says that it is broken."""

import os
import time

import pytest

import gifpop as gp
from tests.helpers.chaos import Chaos
from tests.helpers.saved import simulation
from tests.helpers.state import network_of

SECONDS = float(os.environ.get("GIFPOP_CHAOS_SECONDS", "60"))

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals"),
    pytest.mark.usefixtures("sigint"),
    pytest.mark.filterwarnings("ignore:Simulation.initial = 'stationary':UserWarning"),
    pytest.mark.filterwarnings("ignore:.*rounded to:UserWarning"),
    # an error that a trace function raises at the end of a file's block leaves the file to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


OPERATIONS = {
    "run": lambda sim: sim.run(20.0),
    "set N": lambda sim: sim.set("2/3E", N=50),
    "set delay": lambda sim: sim.set(("I", "2/3E"), delay=20.0),
    "inject": lambda sim: sim.inject("2/3E", gp.PoissonSpikes(300.0, 5.0), delay=2.0),
    "remove": lambda sim: sim.remove(network_of(sim).injections[1]),
    "reset": lambda sim: sim.reset(7),
}


@pytest.mark.slow
@pytest.mark.parametrize("error", [None, MemoryError], ids=["Ctrl-C", "memory"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_at_each_line_that_changes_states(name, error, tmp_path):
    sim = simulation("mixed")
    sim.run(20.0)
    assert Chaos(1, tmp_path).everywhere(sim, name, OPERATIONS[name], error) > 50


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_state_is_old_or_new_or_refused(tmp_path):
    """Signals, and errors of memory and files, at random lines and times; ``GIFPOP_CHAOS_SECONDS`` says how long."""
    chaos, end = Chaos(20261128, tmp_path), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        chaos.round()
    print(chaos.count, len(chaos.places), "places")
    assert all(chaos.count.values()), chaos.count
