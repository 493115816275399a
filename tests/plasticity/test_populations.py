"""Short-term plasticity of the spikes of populations: against neurons, and what simulations can do with it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import welch

import gifpop as gp
from tests.helpers.state import assert_same_results, plan_of

DT = 0.5
SETS = {
    "depressing": (0.5, 800.0, 0.0),
    "facilitating": (0.15, 100.0, 1000.0),
    "mixed": (0.2, 300.0, 300.0),
    "strongly depressing": (0.7, 1000.0, 50.0),
    "strongly facilitating": (0.05, 200.0, 2000.0),
}
CELLS = {  # with currents for 2, 10 and 40 spikes/s
    "regular": (gp.GIF(tau_m=20.0, C_m=250.0, V_T_star=15.0, Delta_V=0.5), (178.5, 196.5, 329.4)),
    "adapting": (
        gp.GIF(tau_m=20.0, C_m=250.0, V_T_star=15.0, Delta_V=2.0, tau_sfa=[300.0], q_sfa=[2.0]),
        (161.5, 275.6, 880.0),
    ),
    "irregular": (gp.GIF(tau_m=20.0, C_m=250.0, V_T_star=15.0, Delta_V=8.0, t_ref=2.0), (28.1, 218.8, 606.0)),
}
BOTH = gp.TsodyksMarkram(0.2, 30.0, 50.0)


def fan(kind, drive, N, form="carried"):
    """Return a population whose spikes go out on connections of all sets, each to a population of its own."""
    cell, currents = CELLS[kind]
    net = gp.Network()
    net.population("A", N, gp.GIF(**{**vars(cell), "I_e": currents[drive]}))
    for name, (U, tau_rec, tau_fac) in SETS.items():
        net.population(name, 1, gp.GIF(tau_syn_ex=2.0))
        net.connect("A", name, 1.0, delay=DT, plasticity=gp.TsodyksMarkram(U, tau_rec, tau_fac, form))
    return net


def released(result, name):
    """Return the sum of u x in each step, from the synaptic current that it causes."""
    left, I = np.exp(-DT / 2.0), result[name].I_syn_ex
    return (I[1:] - left * I[:-1]) / (2.0 / DT * (1.0 - left))


def simulate(kind, drive, N, duration, level, seed, form="carried", **options):
    """Return counts of spikes, and what they release on connections of each set."""
    levels = {"A": level} | dict.fromkeys(SETS, "meso")
    options |= {"level": levels, "seed": seed, "initial": "stationary", "record": {name: ["I_syn_ex"] for name in SETS}}
    result = fan(kind, drive, N, form).simulate(duration, dt=DT, **options)
    return result["A"].counts[:-1], {name: released(result, name) for name in SETS}


@pytest.mark.parametrize("finite_size", ["drawn", "corrected"])
def test_spikes_release_what_those_of_neurons_do(finite_size):
    """Regular neurons at 10 spikes/s: the means of 10^5 spikes scatter by 0.1 %, of which 1 % is many times as much."""
    counts, of_neurons = simulate("regular", 1, 500, 20_000.0, "micro", 1)
    mine, of_population = simulate("regular", 1, 500, 20_000.0, "meso", 2, finite_size=finite_size)
    for name in SETS:
        assert_allclose(
            of_population[name].sum() / mine.sum(), of_neurons[name].sum() / counts.sum(), rtol=0.01, atol=0.0
        )


@pytest.mark.slow
@pytest.mark.parametrize("drive", range(3))
@pytest.mark.parametrize("kind", CELLS)
def test_releases_fluctuate_as_those_of_neurons(kind, drive):
    """Means and variances over 10 ms and spectra; limits are 1 % and more than five standard errors."""
    counts, of_neurons = simulate(kind, drive, 500, 100_000.0, "micro", 3)
    mine, of_population = simulate(kind, drive, 500, 100_000.0, "meso", 4)
    for name in SETS:
        means = [x[name].sum() / n.sum() for x, n in ((of_population, mine), (of_neurons, counts))]
        assert_allclose(*means, rtol=0.01, atol=0.0)
        spectra = [welch(x[name], fs=1e3 / DT, nperseg=2048)[1] for x in (of_population, of_neurons)]
        bands = [[p[a:b].mean() for a, b in ((2, 10), (10, 50), (50, 200), (200, 1000))] for p in spectra]
        assert_allclose(*bands, rtol=0.25, atol=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CELLS)
def test_steps_of_the_drive(kind):
    """From 2 to 10 spikes/s, within 3 % rms of the largest value; 100,000 neurons scatter by 1 % of it in 10 ms."""
    currents = CELLS[kind][1]
    responses = []
    for level in ("micro", "meso"):
        net = fan(kind, 0, 100_000)
        net.inject("A", gp.StepCurrent([500.0], [currents[1] - currents[0]]))
        options = {"level": {"A": level} | dict.fromkeys(SETS, "meso"), "record": {name: ["I_syn_ex"] for name in SETS}}
        result = net.simulate(2000.0, dt=DT, seed=5, initial="stationary", **options)
        smooth = [np.convolve(released(result, name), np.ones(20) / 20.0, "valid") for name in SETS]
        responses.append(np.array(smooth))
    neurons, population = responses
    difference = np.sqrt(np.mean((population - neurons) ** 2, axis=1))
    assert np.all(difference < 0.03 * neurons.max(axis=1))


@pytest.mark.parametrize("history", ["exact", "adaptive"])
def test_a_neuron_alone_is_exact(history):
    """A population of one neuron that carries nobody else's state releases what a twin does."""
    net = gp.Network()
    net.population("A", 1, gp.GIF(I_e=700.0, tau_sfa=[50.0], q_sfa=[1.0]))
    net.population("B", 1, gp.GIF(tau_syn_ex=2.0))
    net.connect("A", "B", 1.0, delay=DT, plasticity=BOTH)
    result = net.simulate(2000.0, dt=DT, seed=1, history=history, record={"B": ["I_syn_ex"]})
    u, x, last, expected = BOTH.U, 1.0, 0, np.zeros(4000)
    for k in np.flatnonzero(result["A"].counts):
        u = BOTH.U + (u - BOTH.U) * np.exp(-DT * (k - last) / BOTH.tau_fac)
        x = 1.0 + (x - 1.0) * np.exp(-DT * (k - last) / BOTH.tau_rec)
        expected[k] = u * x
        x, u, last = x - u * x, u + BOTH.U * (1.0 - u), k
    assert np.count_nonzero(expected) > 30
    assert_allclose(released(result, "B"), expected[:-1], rtol=1e-8, atol=1e-10)


def test_regular_neurons_release_more():
    """Of depressing connections at 10 spikes/s; the mean field takes who fires for independent of x."""
    [carried, mean_field] = [simulate("regular", 1, 500, 5000.0, "meso", 1, form) for form in ("carried", "mean-field")]
    per_spike = [made["facilitating"].sum() / counts.sum() for counts, made in (carried, mean_field)]
    assert 0.8 < per_spike[1] / per_spike[0] < 0.9


def test_mean_field_of_irregular_neurons():
    """Of neurons that nearly fire at random the published form is nearly right: within 0.5 % here, 2 % is the limit."""
    made = [simulate("irregular", 0, 500, 50_000.0, *how) for how in (("micro", 1), ("meso", 2, "mean-field"))]
    for name in SETS:
        assert_allclose(*(x[name].sum() / counts.sum() for counts, x in made), rtol=0.02, atol=0.0)


def recurrent(law=BOTH, cell=CELLS["adapting"][0]):
    """Return two populations that excite each other by plastic connections."""
    net = gp.Network()
    for name, N in (("A", 200), ("B", 50)):
        net.population(name, N, gp.GIF(**{**vars(cell), "I_e": 300.0}))
    net.connect("A", "B", 2.0, p=0.2, delay=1.5, plasticity=law)
    net.connect("A", "A", 2.0, p=0.2, delay=2.0, plasticity=gp.TsodyksMarkram(0.4, 100.0))
    net.connect("B", "A", -4.0, p=0.2, delay=1.0, plasticity=law)
    return net


OPTIONS = {
    "drawn": {},
    "corrected": {"finite_size": "corrected"},
    "exact": {"history": "exact"},
    "quasi-renewal": {"adaptation": "quasi-renewal"},
    "sparse": {"wiring": "sparse"},
    "mixed": {"level": {"A": "meso", "B": "micro"}},
    "smooth": {"smooth": True},
}


@pytest.mark.parametrize("form", ["carried", "mean-field"])
@pytest.mark.parametrize("initial", ["rest", "stationary"])
@pytest.mark.parametrize("options", OPTIONS)
def test_trials_threads_and_files(options, initial, form, tmp_path):
    """A trial, a run in two threads and one that was saved are the same run."""
    net = recurrent(gp.TsodyksMarkram(0.2, 30.0, 50.0, form))
    options = {"dt": DT, "initial": initial, "record": "all", **OPTIONS[options]}
    sim = gp.Simulation(net, seed=1, **options)
    sim.run(50.0)
    sim.save(tmp_path / "one.npz")
    later = sim.run(30.0)
    assert later["A"].counts.sum() > 0
    loaded = gp.Simulation.load(tmp_path / "one.npz")
    assert_same_results(later, loaded.run(30.0))
    both = gp.Simulation(net, seed=1, threads=2, **options)
    both.run(50.0)
    assert_same_results(later, both.run(30.0))
    trials = net.simulate(80.0, seed=1, trials=2, **options)
    alone = net.simulate(80.0, seed=1, trials=[1], **options)
    assert_array_equal(trials["A"].I_syn_in[1], alone["A"].I_syn_in[0])
    sim.reset()
    sim.run(50.0)
    assert_same_results(later, sim.run(30.0))


@pytest.mark.parametrize("form", ["carried", "mean-field"])
@pytest.mark.parametrize("finite_size", ["drawn", "corrected"])
def test_state_stays_where_something_is_set(finite_size, form):
    net, results = recurrent(gp.TsodyksMarkram(0.2, 30.0, 50.0, form)), []
    for change in (False, True):
        sim = gp.Simulation(net, dt=DT, seed=1, finite_size=finite_size, record="all")
        sim.run(50.0)
        if change:
            sim.set("A", I_e=300.0 * (1.0 + 1e-14))
            sim.set(("A", "B"), weight=2.0)
        results.append(sim.run(30.0))
    for name in "AB":
        assert_array_equal(results[0][name].counts, results[1][name].counts)
        assert_allclose(results[1][name].I_syn_ex, results[0][name].I_syn_ex, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("form", ["carried", "mean-field"])
def test_plasticity_can_be_set(form):
    """The use and the resources stay what they are when U changes; others begin at rest, or are forgotten."""

    def state(sim):
        plan = plan_of(sim)
        if form == "mean-field":
            return plan.mean_fields["use"][0], plan.mean_fields["resources"][0]
        [law], [of_use, of_lack] = plan.laws, (plan.carried.fired[:2] * plan.carried.units)
        return law.U + of_use, 1.0 - of_lack

    net = gp.Network()
    net.population("A", 200, gp.GIF(I_e=500.0, tau_sfa=[], q_sfa=[]))
    connection = net.connect("A", "A", 0.1, plasticity=gp.TsodyksMarkram(0.2, 30.0, 50.0, form))
    sim = gp.Simulation(net, dt=DT, seed=1)
    sim.run(100.0)
    before = state(sim)
    assert before[0] > 0.25
    assert before[1] < 0.95
    sim.set(connection, plasticity=gp.TsodyksMarkram(0.1, 60.0, 80.0, form))
    assert_allclose(state(sim), before, rtol=1e-12)
    sim.run(20.0)
    sim.set("A", N=400)
    sim.run(20.0)
    sim.set(connection, plasticity=None)
    assert plan_of(sim).laws == ()
    sim.run(20.0)
    sim.set(connection, plasticity=gp.TsodyksMarkram(0.2, 30.0, 0.0, form))
    sim.run(20.0)
    assert sim.result()["A"].counts.sum() > 400


def test_a_stationary_start_has_no_transient():
    """Release of a spike at once as much as later: 2,000 spikes of sd 25 % scatter by 0.6 %."""
    for level in ("meso", "micro"):
        counts, made = simulate("irregular", 1, 5000, 1000.0, level, 1)
        per_spike = [made[name][:400].sum() / counts[:400].sum() for name in SETS]
        later = [made[name][1000:].sum() / counts[1000:].sum() for name in SETS]
        assert_allclose(per_spike, later, rtol=0.04, atol=0.0)


def test_too_many_modes():
    net = gp.Network()
    net.population("A", 10, gp.GIF(tau_sfa=[10.0, 20.0], q_sfa=[1.0, 1.0]))
    for k in range(8):
        net.connect("A", "A", 1.0, plasticity=gp.TsodyksMarkram(0.1, 10.0 + k, 20.0))
    message = (
        r"Population 'A': connections from it must have plasticities that make at most 14 modes, got 16 \(one for each "
        r"tau_rec and tau_fac of 8 different ones\); form='mean-field' makes none"
    )
    with pytest.raises(ValueError, match=message):
        net.simulate(1.0)


def test_forms_are_checked():
    message = r"TsodyksMarkram\.form must be one of 'carried', 'mean-field', got 'none'"
    with pytest.raises(ValueError, match=message):
        gp.TsodyksMarkram(0.5, 100.0, form="none")
