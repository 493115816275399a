"""gifpop.nest: tsodyks_synapse and tsodyks2_synapse. Errors are NEST 3.10's; states follow their equations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from gifpop.nest.kernel import kernel

Errors = nest.NESTErrors
H = 0.5
BOTH = ["tsodyks2_synapse", "tsodyks_synapse"]
VALUES = {"U": 0.4, "u": 0.4, "x": 0.5, "tau_rec": 100.0, "tau_fac": 50.0}


def parrots(times, n=1, counts=()):
    """Create parrots that repeat spikes at given times, half a millisecond later."""
    generator = nest.Create("spike_generator", params={"spike_times": times, "spike_multiplicities": list(counts)})
    block = nest.Create("parrot_neuron", n)
    nest.Connect(generator, block, syn_spec={"delay": H})
    return block


def silent(n=1, model="gif_psc_exp"):
    return nest.Create(model, n, {"lambda_0": 0.0})


def meter(nodes):
    recorder = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": H})
    nest.Connect(recorder, nodes, syn_spec={"delay": H})
    return recorder


def jumps(recorder, tau=2.0):
    """Return what the synaptic current of one neuron jumped by in each step."""
    current = recorder.events["I_syn_ex"]
    return current - np.exp(-H / tau) * np.concatenate(([0.0], current[:-1]))


def released(times, values, active=False):
    """Return what spikes release of resources that relax from spike to spike, by the equations of both models."""
    U, u, x = values["U"], values["u"], values["x"]
    y, psc, rec, fac = values.get("y", 0.0), values.get("tau_psc", 3.0), values["tau_rec"], values["tau_fac"]
    found, last = [], 0.0 if active else None
    for time in times:
        if active:
            t, z = time - last, 1.0 - x - y
            z = z * np.exp(-t / rec) + y * (np.exp(-t / rec) - np.exp(-t / psc)) / (1.0 - psc / rec)
            y *= np.exp(-t / psc)
            x, u = 1.0 - y - z, u * np.exp(-t / fac)
            u += U * (1.0 - u)
            found.append(u * x)
            x, y = x - u * x, y + u * x
        else:
            if last is not None:
                x = 1.0 - (1.0 - x + x * u) * np.exp(-(time - last) / rec)
                u = U + (1.0 - U) * u * np.exp(-(time - last) / fac)
            found.append(u * x)
        last = time
    return np.array(found)


@pytest.mark.parametrize("model", BOTH)
def test_spikes_bring_what_is_released(model):
    times = [10.0, 20.0, 20.5, 60.0]
    target = silent()
    nest.Connect(parrots(times), target, syn_spec={"synapse_model": model, "weight": 3.0, "delay": 1.0, **VALUES})
    recorder = meter(target)
    nest.Simulate(80.0)
    found = jumps(recorder)
    stamps = np.array(times) + H
    expected = 3.0 * released(stamps, VALUES, model == "tsodyks_synapse")
    assert_allclose(found[np.rint((stamps + 1.0) / H).astype(int) - 1], expected, rtol=1e-10, atol=0.0)
    assert np.count_nonzero(np.abs(found) > 1e-9) == len(times)


@pytest.mark.parametrize("model", BOTH)
def test_several_spikes_of_a_step_follow_each_other(model):
    target = silent()
    nest.Connect(
        parrots([10.0, 20.0], counts=[1, 3]), target, syn_spec={"synapse_model": model, "delay": 1.0, **VALUES}
    )
    recorder = meter(target)
    nest.Simulate(40.0)
    each = released([10.5, 20.5, 20.5, 20.5], VALUES, model == "tsodyks_synapse")
    assert_allclose(jumps(recorder)[[22, 42]], [each[0], np.sum(each[1:])], rtol=1e-10, atol=0.0)


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("kind", ["gif_psc_exp", "gif_pop_psc_exp"])
def test_from_injectors(model, kind):
    """Spikes of an injector are those of a parrot that repeats them."""
    found = []
    for source in ("injector", "parrot"):
        nest.ResetKernel()
        nest.resolution = H
        target = nest.Create(kind, params={"lambda_0": 0.0, "tau_syn_ex": 2.0})
        if source == "injector":
            pre = nest.Create("spike_train_injector", params={"spike_times": [10.5, 11.0, 30.5]})
        else:
            pre = parrots([10.0, 10.5, 30.0])
        nest.Connect(pre, target, syn_spec={"synapse_model": model, "weight": 5.0, "delay": 1.0, **VALUES})
        recorder = meter(target)
        nest.Simulate(50.0)
        found.append((recorder.events["I_syn_ex"], nest.GetConnections(synapse_model=model).get(["x", "u"])))
    assert np.any(found[0][0] > 0.1)
    assert_allclose(found[0][0], found[1][0], rtol=1e-12, atol=1e-12)
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("rule", ["all_to_all", {"rule": "fixed_indegree", "indegree": 9}])
@pytest.mark.parametrize("model", BOTH)
def test_one_state_for_each_source_or_for_each_connection(model, rule):
    """Both give the same; setting some of the connections, even to what they have, needs the latter."""
    found = []
    for of_sources in (True, False):
        nest.ResetKernel()
        nest.resolution = H
        sources, targets = parrots([3.0, 5.0, 9.0], 12), silent(15)
        late = nest.Create("spike_generator", params={"spike_times": [4.0, 6.5]})
        nest.Connect(late, sources[3:9], syn_spec={"delay": H})
        nest.Connect(sources, targets, rule, {"synapse_model": model, "weight": 2.0, "delay": 1.0, **VALUES})
        synapses = nest.GetConnections(synapse_model=model)
        if not of_sources:
            synapses[:7].x = 0.5
        recorder = meter(targets)
        nest.Simulate(15.0)
        (projection,) = (each for each in kernel.connections.projections if each.is_plastic)
        assert projection.synapses.of_sources is of_sources
        found.append((recorder.events["I_syn_ex"], synapses.get("x")))
    assert len(set(found[0][1])) == 2
    assert_allclose(found[1][0], found[0][0], rtol=1e-12, atol=1e-12)
    assert found[1][1] == found[0][1]


@pytest.mark.parametrize(("model", "delivered"), [("tsodyks2_synapse", 30.0), ("tsodyks_synapse", 11.0)])
def test_states_are_shown_without_the_last_slice(model, delivered):
    """NEST delivers spikes when the next slice begins; tsodyks2_synapse shows the state at its last spike."""
    nest.Connect(parrots([10.0, 29.0]), silent(), syn_spec={"synapse_model": model, "delay": 1.0, **VALUES})
    synapse = nest.GetConnections(synapse_model=model)
    for k in range(1, 41):
        nest.Simulate(1.0)
        assert (synapse.x == 0.5) is (k < delivered or (model == "tsodyks2_synapse" and k < 30)), k


@pytest.mark.parametrize("model", BOTH)
def test_new_values_act_on_spikes_of_the_last_slice(model):
    target = silent()
    nest.Connect(parrots([10.0]), target, syn_spec={"synapse_model": model, "delay": 1.0, **VALUES})
    recorder = meter(target)
    nest.Simulate(10.5)
    nest.GetConnections(synapse_model=model).set(x=0.2, weight=2.0)
    nest.Simulate(10.0)
    expected = 2.0 * released([10.5], VALUES | {"x": 0.2}, model == "tsodyks_synapse")
    assert_allclose(jumps(recorder)[22], expected[0], rtol=1e-10, atol=0.0)


def test_connections_made_later_begin_with_their_values():
    pre, target = parrots([10.0, 20.0, 30.0]), silent()
    nest.Connect(pre, target, syn_spec={"weight": 0.0, "delay": 1.0})
    recorder = meter(target)
    nest.Simulate(15.0)
    nest.Connect(pre, target, syn_spec={"synapse_model": "tsodyks2_synapse", "delay": 1.0, **VALUES})
    nest.Simulate(20.0)
    assert_allclose(jumps(recorder)[[42, 62]], released([20.5, 30.5], VALUES), rtol=1e-10, atol=0.0)


def test_copies_have_defaults_of_their_own():
    nest.CopyModel("tsodyks_synapse", "mine", {"U": 0.1, "tau_psc": 7.0, "x": 0.6, "y": 0.4})
    nest.SetDefaults("mine", {"tau_rec": 50.0})
    found = nest.GetDefaults("mine")
    assert [found[name] for name in ("U", "tau_psc", "x", "y", "tau_rec", "u", "tau_fac")] == [
        0.1,
        7.0,
        0.6,
        0.4,
        50.0,
        0.0,
        0.0,
    ]
    assert nest.GetDefaults("tsodyks_synapse", "U") == 0.5
    assert nest.GetDefaults("tsodyks2_synapse", "u") == 0.5
    neurons = silent(2)
    nest.Connect(neurons, neurons, syn_spec={"synapse_model": "mine", "U": [[0.1, 0.2], [0.3, 0.4]]})
    synapses = nest.GetConnections(synapse_model="mine")
    assert synapses.U == [0.1, 0.3, 0.2, 0.4]
    assert synapses.tau_rec == [50.0] * 4
    synapses[1:3].set({"tau_fac": [20.0, 30.0]})
    assert synapses.tau_fac == [0.0, 20.0, 30.0, 0.0]


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("U", 1.5, r"'U' must be in \[0,1\]\."),
        ("u", -0.1, r"'u' must be in \[0,1\]\."),
        ("tau_rec", 0.0, r"'tau_rec' must be > 0\."),
        ("tau_fac", -1.0, r"'tau_fac' must be >= 0\."),
    ],
)
def test_values_are_checked(model, name, value, message):
    neurons = silent(2)
    with pytest.raises(Errors.BadProperty, match=f"^{message}$"):
        nest.SetDefaults(model, {name: value})
    with pytest.raises(Errors.BadProperty, match=f"^{message}$"):
        nest.Connect(neurons[0], neurons[1], syn_spec={"synapse_model": model, name: value})
    nest.Connect(neurons[0], neurons[1], syn_spec=model)
    where = f"Setting status of '{model}' connecting from node ID 1 to node ID 2 via port 0: "
    with pytest.raises(Errors.BadProperty, match=f"^{where}{message}$"):
        nest.GetConnections().set({name: value})
    assert nest.GetConnections().get(name) == nest.GetDefaults(model, name)


def test_resources_are_at_most_one():
    message, neurons = r"x \+ y must be <= 1\.0\.$", silent(2)
    with pytest.raises(Errors.BadProperty, match=f"^{message}"):
        nest.SetDefaults("tsodyks_synapse", {"x": 0.7, "y": 0.5})
    with pytest.raises(Errors.BadProperty, match=f"^{message}"):
        nest.Connect(neurons, neurons, syn_spec={"synapse_model": "tsodyks_synapse", "y": 0.1})
    nest.Connect(neurons, neurons, syn_spec="tsodyks_synapse")
    with pytest.raises(Errors.BadProperty, match=f"node ID 1 to node ID 1 via port 0: {message}"):
        nest.GetConnections().y = 0.1
    nest.Connect(neurons, neurons, syn_spec={"synapse_model": "tsodyks2_synapse", "x": 1.5})  # as NEST
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="y"):
        nest.SetDefaults("tsodyks2_synapse", {"y": 0.1})


@pytest.mark.parametrize("model", BOTH)
def test_of_neurons_alone(model):
    for source, kind in (("poisson_generator", "spike input"), ("dc_generator", "current input")):
        with pytest.raises(Errors.IllegalConnection, match=f"does not support {kind}"):
            nest.Connect(nest.Create(source), silent(), syn_spec=model)
    with pytest.raises(nest.NESTError, match=rf"gifpop\.nest has no {model} that starts at a spike_dilutor"):
        nest.Connect(nest.Create("spike_dilutor"), silent(), syn_spec=model)
    assert nest.num_connections == 0


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads(threads):
    found = []
    for n in (1, threads):
        nest.ResetKernel()
        nest.set(resolution=H, local_num_threads=n)
        neurons = nest.Create("gif_psc_exp", 60, {"lambda_0": 1e9, "V_T_star": -200.0, "Delta_V": 100.0})
        neurons.t_ref = np.linspace(1.0, 20.0, 60).tolist()
        spec = {"synapse_model": "tsodyks2_synapse", "weight": nest.random.uniform(), "x": nest.random.uniform()}
        nest.Connect(neurons, neurons, {"rule": "fixed_indegree", "indegree": 10}, spec)
        recorder = meter(neurons)
        nest.Simulate(30.0)
        found.append(recorder.events["I_syn_ex"])
    assert_array_equal(*found)


def test_removed_connections_bring_nothing():
    sources, targets = parrots([5.0, 9.0], 8), silent(8)
    nest.Connect(
        sources, targets, syn_spec={"synapse_model": "tsodyks2_synapse", "weight": 1.0, "delay": 1.0, **VALUES}
    )
    nest.Disconnect(sources[2], targets[3], syn_spec={"synapse_model": "tsodyks2_synapse"})
    recorder = meter(targets)
    nest.Simulate(15.0)
    steps = recorder.events["I_syn_ex"].reshape(-1, 8)
    first = steps[12]
    assert_allclose(first, np.where(np.arange(8) == 3, 7.0, 8.0) * 0.2, rtol=1e-12, atol=0.0)
