"""Results as objects of xarray, Neo and pandas, and the documentation of it."""

import doctest
import pickle
import re
import sys

import numpy as np
import pytest
from numpy.random import SeedSequence

import gifpop as gp
from gifpop.common.receptors import RECEPTORS
from gifpop.meso import plan as meso
from gifpop.micro import plan as micro
from gifpop.units import VARIABLES
from tests.helpers import networks

DT, STEPS, N, RECORDED = 0.5, 40, (30, 20), [4, 1]
LEVELS = ("meso", "micro", {"2/3E": "micro", "I": "meso"})
TRIALS = (7, 9)


def network():
    """Neurons that fire within 20 ms, in populations whose names are no names of variables."""
    net = gp.Network()
    for name, size in zip(("2/3E", "I"), N, strict=True):
        net.population(name, size, gp.GIF(I_e=1500.0))
        net.connect(name, name, weight=10.0, delay=1.0)
    return net


def simulate(level="micro", **options):
    options = {"record": "all", "record_neurons": RECORDED, "seed": 1} | options
    return network().simulate(STEPS * DT, dt=DT, level=level, **options)


def simulate_trials(level="micro", **options):
    return simulate(level, trials=TRIALS, **options)


@pytest.fixture
def xarray():
    return pytest.importorskip("xarray")


@pytest.fixture
def neo():
    return pytest.importorskip("neo")


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas")


def kinds(test):
    """Run a test for each level, single and in trials."""
    test = pytest.mark.parametrize("level", LEVELS, ids=["meso", "micro", "mixed"])(test)
    return pytest.mark.parametrize("make", [simulate, simulate_trials], ids=["single", "trials"])(test)


def of_trials(result, values):
    """Return the values of each trial; of a single run, those of the only one."""
    return [values] if getattr(result, "trials", None) is None else list(values)


# xarray


@kinds
def test_dataset_holds_the_arrays(xarray, make, level):
    result = make(level)
    data = result.to_xarray()
    for name in ("counts", "activity", "rate"):
        assert data[name].dims[-2:] == ("time", "population")
        np.testing.assert_array_equal(data[name], getattr(result, name))
    for p in result:
        own = data.sel(population=p.name)
        assert (own.N, own.level) == (p.N, p.level)
        for name in p.recorded[2:]:
            values = own[name] if p.level == "meso" else data.filter_by_attrs(population=p.name)[f"{name}_{label(p)}"]
            assert values.dims[-1] == ("time" if p.level == "meso" else f"neuron_{label(p)}")
            np.testing.assert_array_equal(values, getattr(p, name))
    assert list(data.time.values) == list(result.t)
    assert ("trial" in data.dims) == (make is simulate_trials)
    if make is simulate_trials:
        assert data.counts.sel(trial=9).values.tolist() == result.counts[1].tolist()


def label(p):
    return p.name.replace("/", "_")


@kinds
def test_everything_has_a_unit_and_a_meaning(xarray, make, level):
    data = make(level).to_xarray()
    units = {name: variable.attrs["units"] for name, variable in data.items()}
    assert set(units.values()) == {"1", "Hz", "mV", "pA"} | ({"ms"} if level != "meso" else set())
    assert units["counts"] == "1" and units["rate"] == "Hz" and data.time.units == "ms"
    for name, unit in units.items():
        if name.startswith(("V_m", "E_sfa", "I_")):
            assert unit == ("pA" if name.startswith("I_") else "mV")
    assert all(variable.attrs["long_name"] for variable in data.variables.values())


def test_mixed_levels_have_nan_for_what_there_is_not(xarray):
    data = simulate(LEVELS[2]).to_xarray()
    micro, meso = (data.sel(population=name) for name in ("2/3E", "I"))
    assert micro.rate.isnull().all() and micro.V_m.isnull().all()
    assert meso.rate.notnull().all() and meso.V_m.notnull().all()
    assert "V_m_2_3E" in data and "V_m_I" not in data and "spike_time_I" not in data
    partly = simulate("meso", record={"I": ["E_sfa"]}).to_xarray()
    assert partly.E_sfa.isnull().all("time").values.tolist() == [True, False]


@pytest.mark.parametrize("make", [simulate, simulate_trials])
def test_flat_spikes(xarray, make):
    result = make("micro")
    spikes = result.to_xarray().spike_time_2_3E
    assert spikes.coords["spike_neuron_2_3E"].dtype == np.int32
    pairs = of_trials(result, result["2/3E"].spikes)
    numbers = spikes.coords["spike_trial_2_3E"] if make is simulate_trials else np.zeros(len(spikes))
    for number, (times, neurons) in zip(TRIALS if make is simulate_trials else (0,), pairs, strict=True):
        assert len(times) > 10
        np.testing.assert_array_equal(spikes[numbers == number], times)
        np.testing.assert_array_equal(spikes[numbers == number].spike_neuron_2_3E, neurons)


def test_times_of_records(xarray):
    data = simulate(record_interval=2.0).to_xarray()
    assert data.V_m_I.dims == ("time_record", "neuron_I")
    assert data.time_record.values.tolist() == [2.0 * k for k in range(1, 11)]
    assert data.neuron_I.values.tolist() == RECORDED
    np.testing.assert_array_equal(data.V_m_I, simulate().to_xarray().V_m_I.sel(time=data.time_record))
    assert "time_record" not in simulate().to_xarray().coords
    assert "time_record" not in simulate(record=None, record_interval=2.0).to_xarray().coords


def test_names_stay_apart(xarray):
    """Two names may differ in nothing but what no variable's name can have."""
    net = gp.Network()
    for name in ("2/3E", "2_3E", "2 3E"):
        net.population(name, 5, gp.GIF())
    data = net.simulate(5.0, dt=DT, level="micro").to_xarray()
    found = {data[name].population: name for name in data if name.startswith("spike_time")}
    assert found == {"2/3E": "spike_time_2_3E", "2_3E": "spike_time_2_3E_", "2 3E": "spike_time_2_3E__"}


@kinds
def test_netcdf(xarray, make, level, tmp_path):
    data = make(level).to_xarray()
    data.to_netcdf(tmp_path / "run.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "run.nc", engine="scipy") as again:
        xarray.testing.assert_identical(again.load(), data)


def test_netcdf_refuses_large_counts(xarray, tmp_path):
    """As the documentation says; the file would hold other numbers."""
    result = gp.Network()
    result.population("P", 2**40, gp.GIF())
    data = result.simulate(5.0, dt=DT).to_xarray()
    with pytest.raises(ValueError, match="could not safely cast"):
        data.to_netcdf(tmp_path / "run.nc", engine="scipy")


@kinds
@pytest.mark.filterwarnings("ignore:Consolidated metadata")  # of xarray's default, in zarr's format 3
def test_zarr(xarray, make, level, tmp_path):
    pytest.importorskip("zarr")
    data = make(level).to_xarray()
    data.to_zarr(tmp_path / "run.zarr")
    xarray.testing.assert_identical(xarray.open_zarr(tmp_path / "run.zarr").load(), data)


def test_no_spikes_and_no_neurons(xarray, neo, pandas, tmp_path):
    net = networks.single(gp.GIF(I_e=-500.0), 3)
    result = net.simulate(5.0, dt=DT, level="micro", initial="rest", record="all", record_neurons=0)
    data = result.to_xarray()
    assert data.sizes == {"time": 10, "population": 1, "spikes_P": 0}
    data.to_netcdf(tmp_path / "run.nc", engine="scipy")
    segment = result.to_neo().segments[0]
    assert [len(train) for train in segment.spiketrains] == [0, 0, 0]
    assert [signal.name for signal in segment.analogsignals] == ["activity"]
    assert len(result.to_dataframe("spikes")) == 0


@pytest.mark.parametrize("level", LEVELS, ids=["meso", "micro", "mixed"])
def test_no_steps(xarray, neo, pandas, level):
    result = gp.Simulation(network(), dt=DT, level=level, record="all", record_interval=1.0).run(0.0)
    assert result.to_xarray().sizes["time"] == len(result.to_dataframe()) == len(result.to_dataframe("recorded")) == 0
    assert all(len(signal) == 0 for signal in result.to_neo().segments[0].analogsignals)


# Seeds and levels, the same everywhere


@pytest.mark.parametrize(
    "seed", [1, [1, 2], 2**100, SeedSequence(3, spawn_key=(np.int64(2), 5)), np.array([4, 2**31]), None]
)
def test_seed_repeats_the_run(pandas, seed):
    net = network()
    result = net.simulate(STEPS * DT, dt=DT, seed=seed)
    text = result.to_dataframe().attrs["seed"]
    again = net.simulate(STEPS * DT, dt=DT, seed=eval(text, {"SeedSequence": SeedSequence}))
    np.testing.assert_array_equal(again.counts, result.counts)
    assert "\n" not in text and again.to_dataframe().attrs["seed"] == text


def test_provenance(xarray, neo, pandas):
    result = simulate(LEVELS[2])
    everywhere = {
        "source": f"gifpop {gp.__version__}",
        "dt": DT,
        "level": '{"2/3E": "micro", "I": "meso"}',
        "seed": "SeedSequence(1)",
        "network_seed": "SeedSequence(1)",
    }
    assert result.to_xarray().attrs == everywhere
    assert result.to_neo().annotations == everywhere
    assert result.to_dataframe("spikes").attrs == everywhere


def test_every_recordable_has_a_unit():
    assert set(meso.recordables(RECEPTORS)) | set(micro.recordables(RECEPTORS)) <= {*VARIABLES, "mean", "n_events"}


# Neo


@kinds
def test_segments(neo, make, level):
    result = make(level)
    segments = result.to_neo().segments
    assert [segment.name for segment in segments] == (["run"] if make is simulate else ["trial 7", "trial 9"])
    assert make is simulate or [segment.annotations["trial"] for segment in segments] == list(TRIALS)
    for i, segment in enumerate(segments):
        activity = segment.filter(name="activity")[0]
        np.testing.assert_array_equal(activity.magnitude, of_trials(result, result.activity)[i])
        assert activity.array_annotations["population"].tolist() == ["2/3E", "I"]
        expected = segment.filter(name="rate")
        assert len(expected) == (level != "micro")
        for signal in expected:
            assert unit(signal) == unit(activity) == "Hz"
            names = signal.array_annotations["population"]
            assert names.tolist() == [p.name for p in result if p.level == "meso"]
            columns = [result.names.index(name) for name in names]
            np.testing.assert_array_equal(signal.magnitude, of_trials(result, result.rate)[i][:, columns])
        for p in result:
            check_recorded(segment, p, [of_trials(result, getattr(p, name))[i] for name in p.recorded[2:]])
            trains = segment.filter(population=p.name, objects=neo.SpikeTrain)
            assert len(trains) == (p.N if p.level == "micro" else 0)
            for neuron, train in enumerate(trains):
                times, neurons = of_trials(result, p.spikes)[i]
                np.testing.assert_array_equal(train.magnitude, times[neurons == neuron])
                assert train.annotations == {"population": p.name, "neuron": neuron}
                assert train.segment is segment and train.name == f"{p.name}[{neuron}]"


def unit(signal):
    return signal.units.dimensionality.string


def check_recorded(segment, p, arrays):
    signals = segment.filter(population=p.name, objects="AnalogSignal")
    assert [signal.name for signal in signals] == list(p.recorded[2:])
    for signal, values in zip(signals, arrays, strict=True):
        np.testing.assert_array_equal(signal.magnitude, values.reshape(STEPS, -1))
        assert unit(signal) == ("pA" if signal.name.startswith("I_") else "mV")
        assert signal.annotations == {"population": p.name}
        channels = {name: values.tolist() for name, values in signal.array_annotations.items()}
        assert channels == ({"neuron": RECORDED} if p.level == "micro" else {})  # NIX wants each name once


def test_times_of_signals_and_trains(neo):
    """A later run of a simulation: from 20 to 40 ms, the first sample at the end of its first step."""
    simulation = gp.Simulation(network(), dt=DT, level="micro", seed=1, record=["V_m"], record_interval=2.0)
    simulation.run(STEPS * DT)
    result = simulation.run(STEPS * DT)
    segment = result.to_neo().segments[0]
    activity, potential = segment.filter(name="activity")[0], segment.filter(name="V_m")[0]
    np.testing.assert_allclose(activity.times.rescale("ms").magnitude, result.t, rtol=1e-12, atol=0)
    np.testing.assert_allclose(potential.times.rescale("ms").magnitude, result["I"].t_record, rtol=1e-12, atol=0)
    assert potential.t_start.item() == 22.0
    assert {(train.t_start.item(), train.t_stop.item()) for train in segment.spiketrains} == {(20.0, 40.0)}
    assert activity.sampling_period.rescale("ms").item() == DT
    assert potential.sampling_period.rescale("ms").item() == 2.0


def test_spikes_in_the_first_and_last_step(neo):
    """With a step that is no binary fraction."""
    net = networks.single(N=2)
    ends = np.array([1, 300]) * 0.1
    result = net.simulate(30.0, dt=0.1, level="micro", spikes={"P": (ends, np.array([1, 1]))})
    train = result.to_neo().segments[0].spiketrains[1]
    assert train.magnitude.tolist() == ends.tolist()
    assert train.t_stop.item() == result.t[-1] == ends[-1]


def test_trains_are_their_own(neo):
    """They are made as slices of one, and share neither annotations nor what a copy takes along."""
    trains = simulate().to_neo().segments[0].spiketrains
    trains[0].annotate(depth=1.0)
    assert "depth" not in trains[1].annotations
    again = pickle.loads(pickle.dumps(trains[3]))
    np.testing.assert_array_equal(again.magnitude, trains[3].magnitude)
    assert again.annotations == trains[3].annotations
    assert again.t_stop == trains[3].t_stop


# pandas


@kinds
def test_activity_table(pandas, make, level):
    result = make(level)
    table = result.to_dataframe()
    assert table.columns.names == ["population", "variable"]
    for i, name in enumerate(result.names):
        expected = ["counts", "activity", *(["rate"] if result[name].level == "meso" else [])]
        assert list(table[name]) == expected
        for variable in expected:
            values = getattr(result, variable)[..., i].ravel()
            np.testing.assert_array_equal(table[name, variable], values)
    assert table["I", "counts"].dtype == np.int64
    if make is simulate:
        assert table.index.name == "time" and table.index.tolist() == result.t.tolist()
    else:
        np.testing.assert_array_equal(table.loc[9, ("I", "counts")], result["I"].counts[1])
        assert table.index.names == ["trial", "time"]


@kinds
def test_table_of_records(pandas, make, level):
    result = make(level, record_interval=1.0)
    table = result.to_dataframe("recorded")
    names = ["population", "variable", "neuron"]
    assert table.columns.names == (names[:2] if level == "meso" else names)
    for p in result:
        assert table[p.name].columns.unique("variable").tolist() == list(p.recorded[2:])
        for name in p.recorded[2:]:
            values = table[p.name, name]  # of one mesoscopic population a series, of neurons a table
            assert values.ndim == (1 if p.level == "meso" else 2)
            np.testing.assert_array_equal(values, np.concatenate(of_trials(result, getattr(p, name))))
            assert p.level == "meso" or list(values) == RECORDED
    times = result["I"].t_record.tolist()
    assert table.index.get_level_values("time").tolist() == times * len(of_trials(result, result.counts))


@pytest.mark.parametrize("make", [simulate, simulate_trials])
def test_spike_table(pandas, make):
    result = make("micro")
    table = result.to_dataframe("spikes")
    assert list(table) == ["population", *(["trial"] if make is simulate_trials else []), "time", "neuron"]
    assert list(table.population.cat.categories) == ["2/3E", "I"]
    for p in result:
        own = table[table.population == p.name]
        times, neurons = (np.concatenate(parts) for parts in zip(*of_trials(result, p.spikes), strict=True))
        np.testing.assert_array_equal(own.time, times)
        np.testing.assert_array_equal(own.neuron, neurons)
        if make is simulate_trials:
            counted = own.groupby("trial").size()
            assert counted.to_dict() == dict(zip(TRIALS, p.counts.sum(axis=1).tolist(), strict=True))


def test_spike_table_of_mixed_levels(pandas):
    result = simulate(LEVELS[2])
    table = result.to_dataframe("spikes")
    assert len(table) == result["2/3E"].counts.sum() > 0
    assert set(table.population) == {"2/3E"}


def test_tables_that_there_are_not(pandas):
    result = simulate("meso", record=None)
    with pytest.raises(ValueError, match=r"to_dataframe: table 'recorded' needs .* option record"):
        result.to_dataframe("recorded")
    with pytest.raises(ValueError, match=r"to_dataframe: table 'spikes' needs .*\soption level"):
        result.to_dataframe("spikes")
    with pytest.raises(ValueError, match=r"Result\.to_dataframe: table must be one of .*'spikes', got 'rates'"):
        result.to_dataframe("rates")


# Without the libraries, and documentation


@pytest.mark.parametrize(
    ("method", "library"), [("to_xarray", "xarray"), ("to_neo", "neo"), ("to_dataframe", "pandas")]
)
def test_missing_library(method, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    message = re.escape(f"Result.{method} needs {library}: pip install 'gifpop[export]'")
    with pytest.raises(ImportError, match=f"^{message}$"):
        getattr(simulate(), method)()


def test_library_that_lacks_another(monkeypatch, tmp_path):
    """What is missing is then not the library, and the message says what is."""
    (tmp_path / "neo.py").write_text("import no_such_library")
    monkeypatch.delitem(sys.modules, "neo", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        simulate().to_neo()


def test_numbers_of_neurons_that_change(xarray, neo, pandas):
    """Results of runs between which N has changed, in all forms and as pictures."""
    sim = gp.Simulation(network(), dt=DT, seed=1, level=LEVELS[2])
    sim.run(5.0)
    sim.set("2/3E", N=50)
    sim.set("I", N=10)
    sim.run(5.0)
    result = sim.result()
    data = result.to_xarray()
    assert data.N.dims == ("time", "population")
    assert data.N.values[[0, -1]].tolist() == [[30, 20], [50, 10]]
    np.testing.assert_allclose(data.activity, data.counts / data.N * 1e3 / DT, rtol=1e-12, atol=0)
    assert len(result.to_neo().segments[0].spiketrains) == 50
    assert len(result.to_dataframe()) == 20
    assert "2/3E (N = 30 to 50)" in [text.get_text() for text in result.plot().axes[0].get_legend().get_texts()]
    assert gp.plot.raster(result, populations=["2/3E"])[0].get_yticklabels()[0].get_text() == "2/3E (50)"
    gp.plot.spectrum(result, segment=5.0)


def test_doctests(xarray, neo, pandas):
    failed, attempted = doctest.testmod(sys.modules["gifpop.result"])
    assert failed == 0 and attempted > 10
