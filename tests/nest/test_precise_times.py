"""gifpop.nest: precise_times and shift_now_spikes of spike generators; values are NEST 3.10's."""

import numpy as np
import pytest

import gifpop.nest as nest
from gifpop.nest.kernel import kernel as state

Errors = nest.NESTErrors
TIMES = [1.05, 1.1, 1.14, 2.0, 2.2999, 3.00001]
OFFSETS = [0.05, 0.0, 0.06, 0.0, 0.0001, 0.09999]


@pytest.fixture(autouse=True)
def kernel():
    nest.ResetKernel()
    yield
    state.stored = {}  # of which ResetKernel keeps the path
    nest.ResetKernel()


def generator(**params):
    return nest.Create("spike_generator", params=params)


def recorder(source, **params):
    made = nest.Create("spike_recorder", params=params)
    nest.Connect(source, made)
    return made


def test_recorded_times():
    g = generator(spike_times=TIMES, precise_times=True)
    in_ms, in_steps, within = recorder(g), recorder(g, time_in_steps=True), recorder(g, start=1.1, stop=2.3)
    nest.Simulate(2.0)
    nest.Simulate(3.0)
    np.testing.assert_allclose(in_ms.events["times"], TIMES, rtol=1e-15, atol=0)
    assert in_steps.events["times"].tolist() == [11, 11, 12, 20, 23, 31]
    np.testing.assert_allclose(in_steps.events["offsets"], OFFSETS, rtol=0, atol=1e-12)
    np.testing.assert_allclose(within.events["times"], TIMES[2:5], rtol=1e-15, atol=0)
    assert "offsets" not in in_ms.events


def test_window_and_multiplicities():
    """The window is that of the step; the origin shifts all."""
    g = generator(spike_times=TIMES, precise_times=True, start=1.1, stop=2.3, spike_multiplicities=[1, 1, 2, 1, 1, 1])
    late = generator(spike_times=TIMES, precise_times=True, origin=0.1)
    own, shifted = recorder(g), recorder(late)
    nest.Simulate(5.0)
    np.testing.assert_allclose(own.events["times"], [1.14, 1.14, 2.0, 2.2999], rtol=1e-15, atol=0)
    np.testing.assert_allclose(shifted.events["times"], np.add(TIMES, 0.1), rtol=1e-12, atol=0)


def test_neurons_get_them_at_the_end_of_the_step():
    currents = []
    for options in ({"precise_times": True}, {"allow_offgrid_times": True}):
        nest.ResetKernel()
        cells = [nest.Create(model, params={"lambda_0": 0.0}) for model in ("gif_psc_exp", "gif_pop_psc_exp")]
        meters = nest.Create("multimeter", 2, {"record_from": ["I_syn_ex"], "interval": 0.1})
        g = generator(spike_times=TIMES[:5], **options)
        for meter, cell in zip(meters, cells, strict=True):
            nest.Connect(meter, cell)
            nest.Connect(g, cell)
        nest.Simulate(5.0)
        currents.append([meter.events["I_syn_ex"] for meter in meters])
    np.testing.assert_array_equal(*currents)
    np.testing.assert_allclose(currents[0][0][19:23], [0.0, 2.0, 2.90246, 2.7609], rtol=0, atol=1e-5)


def test_with_other_spikes():
    g = generator(spike_times=[1.25], precise_times=True)
    firing = nest.Create("gif_psc_exp", params={"lambda_0": 1e9, "V_T_star": -200.0})
    both = recorder(g)
    nest.Connect(firing, both)
    nest.Simulate(3.0)
    g.spike_times = [2.04, 3.04, 4.01]
    nest.Simulate(2.0)
    np.testing.assert_allclose(both.events["times"], [0.1, 1.25, 3.04, 4.01, 4.2], rtol=1e-12, atol=0)
    assert both.events["senders"].tolist() == [2, 1, 1, 1, 2]


def test_files(tmp_path):
    nest.set(data_path=str(tmp_path), data_prefix="")
    g = generator(spike_times=TIMES, precise_times=True)
    made = [recorder(g, record_to="ascii", precision=5, time_in_steps=in_steps) for in_steps in (False, True)]
    nest.Simulate(5.0)
    ms, steps = ((tmp_path / one.filenames[0]).read_text().splitlines()[2:] for one in made)
    assert ms[:2] == ["sender\ttime_ms", "1\t1.05000"]
    assert steps[:2] == ["sender\ttime_step\ttime_offset", "1\t11\t0.05000"]


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ({"spike_times": [1.0, 2.0], "precise_times": True}, [1.0, 2.0]),
        ({"spike_times": [1.05, 2.0], "precise_times": True}, [1.05, 2.0]),
        ({"spike_times": [-1.0, 0.05], "precise_times": True}, [-1.0, 0.05]),
        ({"spike_times": [1.0, 2.0], "shift_now_spikes": True}, [1.0, 2.0]),
        ({"spike_times": [0.0, 2.0], "shift_now_spikes": True}, [0.1, 2.0]),
        ({"spike_times": [1.05], "shift_now_spikes": True, "allow_offgrid_times": True}, [1.1]),
    ],
)
def test_times_that_are_kept(params, kept):
    np.testing.assert_allclose(generator(**params).spike_times, kept, rtol=1e-15, atol=0)


EXCLUDE = "precise_times cannot be set to true when either allow_offgrid_times or shift_now_spikes is set to true"
TOGETHER = "Options can only be set together with spike times or if no spike times have been set"


@pytest.mark.parametrize(
    ("first", "then", "error", "message"),
    [
        ({}, {"precise_times": True, "allow_offgrid_times": True}, Errors.BadProperty, EXCLUDE),
        ({}, {"precise_times": True, "shift_now_spikes": True}, Errors.BadProperty, EXCLUDE),
        ({"precise_times": True}, {"allow_offgrid_times": True}, Errors.BadProperty, EXCLUDE),
        ({"spike_times": [1.0]}, {"precise_times": False}, Errors.BadProperty, TOGETHER),
        ({"spike_times": [1.0]}, {"shift_now_spikes": True}, Errors.BadProperty, TOGETHER),
        ({}, {"precise_times": True, "spike_times": [0.0]}, Errors.BadProperty, "spike time cannot be set to 0"),
        ({}, {"precise_times": True, "spike_times": [2.0, 1.0]}, Errors.BadProperty, "non-descending order"),
        ({}, {"precise_times": True, "spike_times": [np.inf]}, Errors.BadProperty, "must be finite"),
        ({}, {"precise_times": 1}, Errors.TypeMismatch, "'precise_times' from long to type bool"),
        (
            {},
            {"shift_now_spikes": True, "spike_times": [-1.0]},
            Errors.BadProperty,
            "Time point -1 is not representable",
        ),
    ],
)
def test_bad_options(first, then, error, message):
    g = generator(**first)
    before = g.get()
    with pytest.raises(error, match=message):
        g.set(then)
    assert repr(g.get()) == repr(before)
    if first:
        g.set(spike_times=[], precise_times=False, shift_now_spikes=True)


@pytest.mark.parametrize("times", [[4.0, 5.0, 6.0], [5.0, 6.0], [5.1, 6.0], [3.0, 5.0]])
@pytest.mark.parametrize("shift", [False, True])
def test_spikes_of_now(times, shift):
    g = generator()
    recorded = recorder(g)
    nest.Simulate(5.0)
    g.set(spike_times=times, shift_now_spikes=shift)
    nest.Simulate(5.0)
    kept = [5.1 if time == 5.0 and shift else time for time in times]
    np.testing.assert_allclose(g.spike_times, kept, rtol=1e-15, atol=0)
    np.testing.assert_allclose(recorded.events["times"], [t for t in kept if t > 5.0], rtol=1e-15, atol=0)


@pytest.mark.parametrize("model", ["spike_generator", "spike_train_injector"])
@pytest.mark.parametrize(("time", "kept"), [(1.0, 1.0), (2.0, 2.1), (3.0, 3.0), (5.0, 5.0)])
def test_now_counts_from_the_origin(model, time, kept):
    g = nest.Create(model)
    recorded = recorder(g)
    nest.Simulate(5.0)
    g.set(spike_times=[time], shift_now_spikes=True, origin=3.0)
    nest.Simulate(5.0)
    np.testing.assert_allclose(g.spike_times, [kept], rtol=1e-15, atol=0)
    np.testing.assert_allclose(recorded.events["times"], [kept + 3.0] * (kept > 2.0), rtol=1e-15, atol=0)


@pytest.mark.parametrize("h", [0.1, 0.7, 1.1])
def test_times_that_should_be_on_the_grid(h):
    """A time goes to the first step k with k h >= time in floating point, as in NEST."""
    nest.ResetKernel()
    nest.resolution = h
    times = np.unique([[round(k * h, 10), k * h, k * h - h / 3] for k in range(3, 60)])
    g = generator(spike_times=times, precise_times=True)
    parrot = nest.Create("parrot_neuron")
    nest.Connect(g, parrot, syn_spec={"delay": h})
    recorded = nest.Create("spike_recorder", params={"time_in_steps": True})
    nest.Connect(parrot, recorded)
    nest.Simulate(70 * h)
    expected = [next(k for k in range(70) if k * h >= time) for time in times]
    assert (recorded.events["times"] - 1).tolist() == expected
    if h == 0.7:
        assert [expected[times.tolist().index(t)] for t in (2.1, 0.7 * 3, 4.2, 6.3, 7.7)] == [4, 3, 7, 9, 12]
