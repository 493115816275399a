"""Where tests save simulations, and what is in a small file."""

import pytest

import gifpop as gp
from tests.helpers.saved import MIXED, network, simulation
from tests.helpers.state import state_of


@pytest.fixture
def path(tmp_path):
    """Where a test saves a simulation."""
    return tmp_path / "simulation.npz"


@pytest.fixture(scope="module")
def good(tmp_path_factory, cells_at_any_cost):
    """Return the bytes of a small file, and the state in it."""
    cell = gp.GIF(tau_m=5.0, tau_sfa=[10.0], q_sfa=[1.0])
    sim = gp.Simulation(network(cell, N=(10, 10), cell_I=cell), dt=0.5, seed=1, level=MIXED, record="V_m")
    sim.run(3.5)
    path = tmp_path_factory.mktemp("good") / "good.npz"
    sim.save(path)
    return path.read_bytes(), state_of(sim)


@pytest.fixture(scope="module")
def mixed_file(tmp_path_factory):
    """Return the bytes of a file with both levels and every kind of input."""
    sim = simulation("mixed")
    sim.run(8.5)
    path = tmp_path_factory.mktemp("mixed") / "mixed.npz"
    sim.save(path)
    return path.read_bytes()
