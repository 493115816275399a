"""gifpop.plot: what is refused, and the messages that say why."""

import numpy as np
import pytest

import gifpop as gp
from gifpop.result import PopulationResult, Result
from tests.helpers.pictures import (
    DT,
    axes,
    comparison,
    oscillation,
    result,
    statistics,
)

NO_STEPS = Result(
    [PopulationResult("E", 10, DT, 0, np.zeros(0, np.int64), np.arange(0), {}, mean=np.zeros(0))], DT, "meso", 1, 1, 0
)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gp.plot.activity(3),
            TypeError,
            r"plot\.activity: result must be a gifpop\.Result or gifpop\.TrialStatistics, got 3",
        ),
        (
            lambda: gp.plot.raster(statistics()),
            TypeError,
            r"plot\.raster: result must be a gifpop\.Result, as keep='all' gives it, got <gifpop\.TrialStatistics",
        ),
        (
            lambda: gp.plot.activity(result(), "here"),
            TypeError,
            r"plot\.activity: ax must be matplotlib axes, got 'here'",
        ),
        (
            lambda: gp.plot.activity(NO_STEPS),
            ValueError,
            r"plot\.activity: result must have at least one step, got <gifpop\.Result: 0 steps",
        ),
        (lambda: gp.plot.activity(result(), bin=0.0), ValueError, r"plot\.activity: bin must be > 0 ms, got 0\.0"),
        (
            lambda: gp.plot.activity(result(), bin=201.0),
            ValueError,
            r"plot\.activity: bin must be <= 200 ms, the time drawn, got 201\.0",
        ),
        (lambda: gp.plot.activity(result(), expected=1), TypeError, r"plot\.activity: expected must be True or False"),
        (
            lambda: gp.plot.activity(result(), populations="X"),
            ValueError,
            r"plot\.activity: populations must be among 'E', 'I', got 'X'",
        ),
        (
            lambda: gp.plot.activity(result(), populations=[]),
            ValueError,
            r"plot\.activity: populations must be at least one",
        ),
        (
            lambda: gp.plot.activity(result(), colors={"X": "red"}),
            ValueError,
            r"plot\.activity: colors must be among 'E', 'I', got 'X'",
        ),
        (
            lambda: gp.plot.activity(result(), time=(5.0, 5.0)),
            ValueError,
            r"plot\.activity: time must be two times, .* \(from 0 to 200 ms\), got \(5\.0, 5\.0\)",
        ),
        (
            lambda: gp.plot.activity(result(), time=5.0),
            ValueError,
            r"plot\.activity: time must be two times, .*, got 5\.0",
        ),
        (
            lambda: gp.plot.activity(result(), time=(300.0, 400.0)),
            ValueError,
            r"plot\.activity: time must be two times",
        ),
        (
            lambda: gp.plot.raster(result()),
            ValueError,
            r"plot\.raster: populations must hold one of neurons \(level='micro'\), got <",
        ),
        (
            lambda: gp.plot.raster(result("mixed"), populations="I"),
            ValueError,
            r"plot\.raster: populations must hold one of neurons",
        ),
        (lambda: gp.plot.raster(result("micro"), neurons=0), ValueError, r"plot\.raster: neurons must be >= 1, got 0"),
        (
            lambda: gp.plot.raster(result("micro"), trial=1),
            ValueError,
            r"plot\.raster: trial must be None for the result of a single run, got 1",
        ),
        (
            lambda: gp.plot.raster(result("micro", trials=2), trial=0),
            ValueError,
            r"number must be of a trial of this result .*got 0",
        ),
        (
            lambda: gp.plot.raster(result("micro"), axes(3)),
            ValueError,
            r"plot\.raster: ax must be one or two axes, got 3",
        ),
        (
            lambda: gp.plot.traces(result(), "V"),
            ValueError,
            r"plot\.traces: variable must be one of 'V_m', .*, got 'V'",
        ),
        (
            lambda: gp.plot.traces(result(), "E_sfa"),
            ValueError,
            r"plot\.traces: variable must have been recorded, as by simulate\(record=\['E_sfa'\]\), got 'E_sfa'",
        ),
        (
            lambda: gp.plot.traces(result("micro"), time=(0.0, 0.5)),
            ValueError,
            r"plot\.traces: time must hold a record of 'V_m', got \(0\.0, 0\.5\)",
        ),
        (lambda: gp.plot.traces(result(), offset="up"), TypeError, r"plot\.traces: offset must be a real number"),
        (
            lambda: gp.plot.spectrum(result(), segment=0.5),
            ValueError,
            r"plot\.spectrum: segment must be at least two steps of 0\.5 ms, got 0\.5",
        ),
        (lambda: gp.plot.spectrum(result(), segment=300.0), ValueError, r"plot\.spectrum: segment must be <= 200 ms"),
        (
            lambda: gp.plot.spectrum(statistics(), segment=100.0),
            ValueError,
            r"plot\.spectrum: segment must be None for statistics, .*, got 100\.0",
        ),
        (
            lambda: gp.plot.spectrum(statistics(), time=(0.0, 9.0)),
            ValueError,
            r"plot\.spectrum: time must be None for statistics",
        ),
        (
            lambda: gp.plot.compare(result()),
            TypeError,
            r"plot\.compare: levels must be a gifpop\.Comparison, a pair or a dict of results",
        ),
        (
            lambda: gp.plot.compare((result("micro"), result())),
            ValueError,
            r"plot\.compare: levels must be a mesoscopic and a microscopic result, or a dict .*, got a pair of levels \['micro', 'meso'\]",
        ),
        (lambda: gp.plot.compare((result(), 3)), TypeError, r"plot\.compare: result must be a gifpop\.Result or"),
        (
            lambda: gp.plot.compare({"a": result(), "b": oscillation()}),
            ValueError,
            r"plot\.compare: levels must have the same populations, got \[\('E', 'I'\), \('P',\)\]",
        ),
        (
            lambda: gp.plot.compare((result(), result("micro")), bin=999.0),
            ValueError,
            r"plot\.compare: bin must be <= 200 ms",
        ),
        (
            lambda: gp.plot.compare(comparison(), axes(2)),
            ValueError,
            r"plot\.compare: ax must have shape \(2, 2\), a row for each population, got \(2,\)",
        ),
        (
            lambda: gp.plot.compare(comparison(), segment=9.0),
            ValueError,
            r"plot\.compare: segment must be None for a Comparison",
        ),
        (
            lambda: gp.plot.compare(comparison(), colors={"meso": "red"}),
            ValueError,
            r"plot\.compare: colors must be one of 'mesoscopic', 'microscopic', got 'meso'",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    """They are refused before a figure is made."""
    from matplotlib import pyplot

    figures = pyplot.get_fignums()
    with pytest.raises(error, match=message):
        call()
    assert pyplot.get_fignums() == figures
