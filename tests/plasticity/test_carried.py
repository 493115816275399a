"""Short-term plasticity that cohorts carry: the compiled loops against the plain twin, and against neurons."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop as gp
from gifpop.common import seeds
from tests.helpers import reference
from tests.helpers.populations import CARRYING, layouts, parameters_of

pytestmark = pytest.mark.usefixtures("cells_at_any_cost")
DT, K, LAG = 0.5, 80, 3
LAWS = {
    "depressing": [gp.TsodyksMarkram(U=0.5, tau_rec=100.0)],
    "both": [gp.TsodyksMarkram(U=0.2, tau_rec=60.0, tau_fac=90.0)],
    "fast": [gp.TsodyksMarkram(U=0.4, tau_rec=0.3, tau_fac=2.0)],
    "two": [gp.TsodyksMarkram(U=0.2, tau_rec=60.0, tau_fac=90.0), gp.TsodyksMarkram(U=0.6, tau_rec=80.0)],
}


def network(cell, N, laws, weight=2.0):
    """Return a population that excites itself by a connection of each law."""
    net = gp.Network()
    net.population("P", N, cell, len_kernel=K)
    for law in laws:
        net.connect("P", "P", weight, delay=LAG * DT, plasticity=law)
    return net


def check_twin(name, law, N, history, form, steps, weight=2.0):
    cell, laws = CARRYING[name], LAWS[law]
    net = network(cell, N, laws, weight * 300.0 / N)
    options = {"dt": DT, "finite_size": form}
    layout = layouts(net, **options)[0] if history == "adaptive" else None
    result = net.simulate(steps * DT, seed=3, history=history, record="all", **options)["P"]
    p = parameters_of(cell, N, K)
    if form == "drawn":
        bits = seeds.stream(seeds.root_sequence(3), seeds.POPULATION, 0)
        twin = reference.PlasticDrawnPopulation(laws, p, DT, bits, layout)
    else:
        twin = reference.PlasticCarriedPopulation(laws, p, DT, p["V_reset"], layout)
        twin.nobody = 0.0 if name == "no adaptation" else twin.nobody  # empty cohorts stay where spikes are remembered
    mean, I_syn, arriving = np.zeros(steps), np.zeros(steps), np.zeros(steps + LAG)
    for k in range(steps):
        mean[k] = twin.expect(ex=weight * 300.0 / N * arriving[k])
        I_syn[k] = twin.I_syn["ex"]
        if form == "drawn":
            assert twin.drawn == result.counts[k]
        twin.emit(result.counts[k])
        arriving[k + LAG] = sum(released for released, _ in twin.released)
    assert_allclose(result.mean, mean, rtol=1e-7, atol=1e-9 * N)
    assert_allclose(result.I_syn_ex, I_syn, rtol=1e-7, atol=1e-9)
    assert result.counts.sum() > N


@pytest.mark.parametrize("form", ["drawn", "corrected"])
@pytest.mark.parametrize("name", ["no adaptation", "two", "a current"])
def test_compiled_is_twin(name, form, loops):
    check_twin(name, "both", 300, "adaptive", form, 120)


@pytest.mark.parametrize("form", ["drawn", "corrected"])
@pytest.mark.parametrize("law", list(LAWS))
def test_laws_are_twin(law, form):
    check_twin("no adaptation", law, 300, "exact", form, 120)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["drawn", "corrected"])
@pytest.mark.parametrize("history", ["exact", "adaptive"])
@pytest.mark.parametrize("N", [1, 300, 500_000])
@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize("name", ["no adaptation", "one time constant", "five", "threshold and currents"])
def test_any_cell_is_twin(name, law, N, history, form):
    check_twin(name, law, N, history, form, 240)
