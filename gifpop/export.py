"""Export results to xarray, Neo and pandas."""

from __future__ import annotations

import importlib
import json
import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop.common import checks
from gifpop.units import quantity
from gifpop.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

    import neo
    import numpy.typing as npt
    import pandas
    import quantities
    import xarray

    from gifpop.common.typing import Floats, Integers
    from gifpop.result import PopulationResult, Result

    # By name: dimensions, array, attributes, as xarray takes them.
    Variables: TypeAlias = dict[str, tuple[str | tuple[str, ...], npt.ArrayLike, dict[str, str]]]

ALWAYS_RECORDED = ("counts", "mean", "spikes")
TABLES = ("activity", "recorded", "spikes")


# xarray


def to_xarray(result: Result) -> xarray.Dataset:
    """Return an `xarray.Dataset`; see `gifpop.Result.to_xarray`."""
    xarray = _library("xarray", "Result.to_xarray")
    lead = () if result.trials is None else ("trial",)
    coordinates: Variables = {
        "time": ("time", result.t, _attributes("time")),
        "population": ("population", _texts(result.names), {"long_name": "population"}),
        "N": (*_sizes(result), {"units": "1", "long_name": "number of neurons"}),
        "level": ("population", _texts(p.level for p in result), {"long_name": "level of description"}),
    }
    if result.trials is not None:
        coordinates["trial"] = "trial", result.trials, {"long_name": "trial"}
    variables: Variables = {
        name: ((*lead, "time", "population"), getattr(result, name), _attributes(name))
        for name in ("counts", "activity", "rate")
    }
    times, recorded = _record_times(result), [p for p in result if _recorded(p)]
    along = "time" if np.array_equal(times, result.t) else "time_record"
    if recorded:
        coordinates.setdefault(along, (along, times, _attributes("time")))
    variables |= _meso_variables(result, (*lead, along, "population"))
    labels = _labels(result.names)
    for p in result:
        if p.level == "micro":
            _add_neurons(variables, coordinates, p, labels[p.name], (*lead, along))
            _add_spikes(variables, coordinates, p, labels[p.name], result.trials)
    return xarray.Dataset(variables, coordinates, _provenance(result))


def _sizes(result: Result) -> tuple[str | tuple[str, ...], npt.ArrayLike]:
    """Return dimensions and numbers of neurons: one per population, or one per step if a number has changed."""
    sizes = [p.N for p in result]
    if all(np.ndim(N) == 0 for N in sizes):
        return "population", np.array(sizes)
    return ("time", "population"), np.stack([np.broadcast_to(N, len(result.t)) for N in sizes], axis=-1)


def _meso_variables(result: Result, dims: tuple[str, ...]) -> Variables:
    """Return recorded variables of mesoscopic populations, one column per population; NaN if not recorded."""
    recorded = [_recorded(p) if p.level == "meso" else {} for p in result]
    variables: Variables = {}
    for name in dict.fromkeys(name for one in recorded for name in one):
        nothing = np.full(next(one[name] for one in recorded if name in one).shape, np.nan)
        columns = np.stack([one.get(name, nothing) for one in recorded], axis=-1)
        variables[name] = dims, columns, _attributes(name)
    return variables


def _add_neurons(
    variables: Variables, coordinates: Variables, p: PopulationResult, label: str, dims: tuple[str, ...]
) -> None:
    """Add recorded variables of a population's neurons, with their own dimension."""
    neuron = f"neuron_{label}"
    for name, values in _recorded(p).items():
        variables[f"{name}_{label}"] = (*dims, neuron), values, _attributes(name, p)
        coordinates[neuron] = neuron, p.neurons, {"long_name": f"neuron of {p.name}", "population": p.name}


def _add_spikes(
    variables: Variables, coordinates: Variables, p: PopulationResult, label: str, trials: Integers | None
) -> None:
    """Add spikes as flat arrays of times, neurons and trials."""
    times, neurons, numbers = _spikes(p, trials)
    dim, about = f"spikes_{label}", {"population": p.name}
    spike_times = {"units": "ms", "long_name": f"spike time of {p.name}"} | about
    variables[f"spike_time_{label}"] = dim, times, spike_times
    coordinates[f"spike_neuron_{label}"] = dim, neurons, {"long_name": f"neuron of {p.name} that fired"} | about
    if trials is not None:
        coordinates[f"spike_trial_{label}"] = dim, numbers, {"long_name": "trial of the spike"} | about


def _attributes(name: str, p: PopulationResult | None = None) -> dict[str, str]:
    """Return the attributes of a variable of one population, or of all."""
    unit, meaning = quantity(name)
    if p is None:
        return {"units": unit, "long_name": meaning}
    return {"units": unit, "long_name": f"{meaning} of {p.name}", "population": p.name}


def _texts(values: Iterable[str]) -> npt.NDArray[np.object_]:
    return np.array(list(values), dtype=object)  # zarr's format 3 has no texts of fixed width


def _labels(names: Iterable[str]) -> dict[str, str]:
    """Return a label of each population for names of variables, all different: files refuse names like "2/3E"."""
    labels: dict[str, str] = {}
    for name in names:
        label = re.sub(r"\W", "_", name)
        while label in labels.values():
            label += "_"
        labels[name] = label
    return labels


# Neo


def to_neo(result: Result) -> neo.Block:
    """Return a `neo.Block`; see `gifpop.Result.to_neo`."""
    neo = _library("neo", "Result.to_neo")
    block = neo.Block(name="gifpop", description=f"simulation of {', '.join(result.names)}", **_provenance(result))
    if result.trials is None:
        block.segments.append(_segment(neo, result, lambda values: values, name="run"))
    else:
        for i, number in enumerate(result.trials.tolist()):
            one = _segment(neo, result, itemgetter(i), name=f"trial {number}", index=i, trial=number)
            block.segments.append(one)
    return block


def _segment(neo: ModuleType, result: Result, of_trial: Callable[[Any], Any], **properties: object) -> neo.Segment:
    """Return the segment of a trial, which ``of_trial`` selects from arrays and lists."""
    segment = neo.Segment(**properties)
    names, meso = np.array(result.names), np.array([p.level == "meso" for p in result])
    timing = (result._first + 1) * result.dt, result.dt
    segment.analogsignals.append(_signal(neo, "activity", of_trial(result.activity), timing, {"population": names}))
    if meso.any():
        expected = of_trial(result.rate)[:, meso]
        segment.analogsignals.append(_signal(neo, "rate", expected, timing, {"population": names[meso]}))
    for p in result:
        for name, values in _recorded(p).items():
            segment.analogsignals.append(_recorded_signal(neo, p, name, of_trial(values)))
        if p.level == "micro":
            segment.spiketrains.extend(list(_spike_trains(neo, result, p, *of_trial(p.spikes))))  # neo iterates twice
    return segment


def _signal(
    neo: ModuleType,
    name: str,
    values: Floats,
    timing: tuple[float, float],
    channels: dict[str, npt.NDArray[Any]],
    **annotations: str,
) -> neo.AnalogSignal:
    """Return an `AnalogSignal`; ``timing`` is its start and period in ms, ``channels`` its array annotations."""
    unit, meaning = quantity(name)
    start, period = timing
    return neo.AnalogSignal(
        values,
        units="dimensionless" if unit == "1" else unit,
        t_start=_ms(start),
        sampling_period=_ms(period),
        name=name,
        description=f"{meaning}; stamped with the ends of the steps",
        array_annotations=channels,
        **annotations,
    )


def _recorded_signal(neo: ModuleType, p: PopulationResult, name: str, values: Floats) -> neo.AnalogSignal:
    """Return the signal of a recorded variable: one channel for a mesoscopic population, or one per neuron."""
    times = p.t_record if len(p.t_record) else np.array([p.dt])
    period = round((times[1] - times[0]) / p.dt) * p.dt if len(times) > 1 else p.dt
    values, channels = (values[:, np.newaxis], {}) if p.level == "meso" else (values, {"neuron": p.neurons})
    return _signal(neo, name, values, (times[0], period), channels, population=p.name)


def _spike_trains(
    neo: ModuleType, result: Result, p: PopulationResult, times: Floats, neurons: npt.NDArray[np.int32]
) -> Iterator[neo.SpikeTrain]:
    """Yield a `SpikeTrain` for each neuron.

    They are slices of one train of all neurons: neo takes 9 us for a slice, and 170 us for a train from times.
    """
    order = np.argsort(neurons, kind="stable")
    bounds = np.searchsorted(neurons[order], np.arange(p.largest_N + 1)).tolist()
    start, stop = result._first * result.dt, (result._first + len(result.t)) * result.dt
    every = neo.SpikeTrain(times[order], units="ms", t_start=start, t_stop=stop, sampling_rate=1 / _ms(result.dt))
    every.description = f"spikes of a neuron of {p.name}; stamped with the ends of the steps"
    for neuron in range(p.largest_N):
        train = every[bounds[neuron] : bounds[neuron + 1]]
        train.name = f"{p.name}[{neuron}]"
        train.annotations = {"population": p.name, "neuron": neuron}  # slices share those of the whole
        yield train


def _ms(value: float) -> quantities.Quantity:
    return value * _library("quantities", "Result.to_neo").ms


# pandas


def to_dataframe(result: Result, table: str = "activity") -> pandas.DataFrame:
    """Return a `pandas.DataFrame`; see `gifpop.Result.to_dataframe`."""
    pandas = _library("pandas", "Result.to_dataframe")
    checks.choice("Result.to_dataframe: table", table, TABLES)
    frame = {"activity": _activity_table, "recorded": _recorded_table, "spikes": _spike_table}[table](pandas, result)
    frame.attrs.update(_provenance(result).items())  # as pairs: to mypy, str keys are not Hashable keys
    return frame


def _activity_table(pandas: ModuleType, result: Result) -> pandas.DataFrame:
    """Return a table with one row per step and columns (population, variable)."""
    columns = {}
    for p in result:
        for name in ("counts", "activity", *(["rate"] if p.level == "meso" else [])):
            columns[p.name, name] = getattr(p, name).ravel()
    frame = pandas.DataFrame(dict(enumerate(columns.values())), index=_index(pandas, result, result.t))
    frame.columns = _columns(pandas, list(columns), ["population", "variable"])
    return frame


def _recorded_table(pandas: ModuleType, result: Result) -> pandas.DataFrame:
    """Return a table with one row per time of record and columns (population, variable[, neuron])."""
    micro = any(p.level == "micro" and _recorded(p) for p in result)
    labels: list[tuple[str | int, ...]] = []
    blocks: list[Floats] = []
    for p in result:
        for name, values in _recorded(p).items():
            neurons = p.neurons.tolist() if p.level == "micro" else [""]  # pandas hides levels that are ""
            labels += [(p.name, name, neuron) if micro else (p.name, name) for neuron in neurons]
            blocks.append(values.reshape(-1, len(neurons)))
    if not blocks:
        raise ValueError(
            "Result.to_dataframe: table 'recorded' needs variables, and none was recorded (see the option record of "
            "simulate)"
        )
    names = ["population", "variable", "neuron"][: 2 + micro]
    index = _index(pandas, result, _record_times(result))
    return pandas.DataFrame(np.hstack(blocks), index=index, columns=_columns(pandas, labels, names))


def _index(pandas: ModuleType, result: Result, times: Floats) -> pandas.Index:
    """Return the index of rows: the time, or trial and time."""
    if result.trials is None:
        return pandas.Index(times, name="time")
    return pandas.MultiIndex.from_product([result.trials, times], names=["trial", "time"])


def _columns(pandas: ModuleType, labels: Sequence[tuple[str | int, ...]], names: list[str]) -> pandas.MultiIndex:
    """Return column labels whose levels keep their order, so that pandas finds parts of them quickly."""
    levels, codes = [], []
    for values in zip(*labels, strict=True):
        places = {value: i for i, value in enumerate(dict.fromkeys(values))}
        levels.append(list(places))
        codes.append([places[value] for value in values])
    return pandas.MultiIndex(levels, codes, names=names)


def _spike_table(pandas: ModuleType, result: Result) -> pandas.DataFrame:
    """Return a table with one row per spike."""
    micro = [p for p in result if p.level == "micro"]
    if not micro:
        raise ValueError(
            "Result.to_dataframe: table 'spikes' needs neurons, and no population is at the microscopic level (see the "
            "option level of simulate)"
        )
    trials = result.trials
    spikes = [_spikes(p, trials) for p in micro]
    times, neurons, numbers = (np.concatenate(parts) for parts in zip(*spikes, strict=True))
    codes = np.repeat(np.arange(len(micro)), [len(times) for times, *_ in spikes])
    columns: dict[str, Any] = {"population": pandas.Categorical.from_codes(codes, [p.name for p in micro])}
    if trials is not None:
        columns["trial"] = numbers
    return pandas.DataFrame(columns | {"time": times, "neuron": neurons})


# Shared


def _library(name: str, method: str) -> ModuleType:
    """Import an optional library."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(f"{method} needs {name}: pip install 'gifpop[export]'") from None


def _recorded(p: PopulationResult) -> dict[str, Floats]:
    """Return the recorded variables of a population by name; none if no neuron was recorded."""
    if p.level == "micro" and not len(p.neurons):
        return {}
    return {name: getattr(p, name) for name in p.recorded if name not in ALWAYS_RECORDED}


def _record_times(result: Result) -> Floats:
    return next(iter(result)).t_record  # those of all populations


def _spikes(p: PopulationResult, trials: Integers | None) -> tuple[Floats, npt.NDArray[np.int32], Integers]:
    """Return times, neurons and trials of spikes, as flat arrays."""
    if trials is None:
        return *p.spikes, np.zeros(0, dtype=np.int64)
    times, neurons = (np.concatenate(parts) for parts in zip(*p.spikes, strict=True))
    return times, neurons, np.repeat(trials, [len(times) for times, _ in p.spikes])


def _provenance(result: Result) -> dict[str, float | str]:
    """Return the attributes of the whole export: plain numbers and texts, which every file format takes."""
    level = result.level if isinstance(result.level, str) else json.dumps(result.level)
    return {
        "source": f"gifpop {__version__}",
        "dt": result.dt,
        "level": level,
        "seed": _seed(result.seed),
        "network_seed": _seed(result.network_seed),
    }


def _seed(seed: object) -> str:
    """Return the Python expression of a seed."""
    if not isinstance(seed, np.random.SeedSequence):
        return repr(seed)
    key = f", spawn_key={tuple(map(int, seed.spawn_key))}" if seed.spawn_key else ""
    return f"SeedSequence({np.asarray(seed.entropy).tolist()}{key})"
