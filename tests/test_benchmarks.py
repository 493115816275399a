"""The benchmarks: that the programs compute the same, and that the scripts run."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop as gp

adapting = pytest.importorskip("benchmarks.cases", reason="the benchmarks are not here").adapting


def quiet():
    """Return a network whose first volley leaves the short history, and where many do not fire until then."""
    net = adapting(100.0)
    for name, population in net.populations.items():
        net.populations[name] = replace(population, cell=replace(population.cell, I_e=150.0))
    return net


CASES = {
    "seed": (gp.models.brunel, 0.5),
    "column": (lambda: gp.models.potjans_diesmann(adaptation=True), 0.1),
    "quiet": (quiet, 0.5),
}


@pytest.fixture(params=["numba", "c"])
def plain(request):
    """Import a program that follows the plain algorithm; skip where it cannot be had."""
    try:
        return importlib.import_module(f"benchmarks.programs.{request.param}")
    except (ImportError, OSError) as error:
        pytest.skip(f"{request.param}: {error}")


def varied(net):
    """Return the network with potentials far from 0 mV, and other adaptation in every second population.

    A forgotten E_L or V_reset then shows, and a term that is read from another population's place.
    """
    for i, (name, population) in enumerate(net.populations.items()):
        cell = population.cell
        cell = replace(cell, E_L=cell.E_L - 65.0, V_T_star=cell.V_T_star - 65.0, V_reset=cell.V_reset - 61.0)
        if i % 2:
            cell = replace(cell, tau_sfa=[80.0], q_sfa=[4.0])
        net.populations[name] = replace(population, cell=cell)
    return net


def simulate(program, net, dt, level, steps, seed=3):
    """Run a plain program in four pieces; return its arrays and what it recorded."""
    run = program.build(net, dt, level, seed)
    pieces = [run(steps // 4 * dt) for _ in range(4)]
    joined = [None if values[0] is None else np.concatenate(values) for values in zip(*pieces, strict=True)]
    return run.arrays, type(pieces[0])(*joined)


@pytest.mark.parametrize("case", CASES)
def test_replay_of_populations(plain, case):
    """Given the spike counts of a plain program, gifpop expects what that program expected."""
    make, dt = CASES[case]
    net = varied(make())
    _, recorded = simulate(plain, net, dt, "meso", 400)
    counts = {name: recorded.counts[:, i] for i, name in enumerate(net.populations)}
    again = net.simulate(400 * dt, dt=dt, counts=counts, history="exact", adaptation="quasi-renewal")
    assert recorded.counts.sum(axis=0).min() > 5
    for i, population in enumerate(again):
        assert_allclose(recorded.mean[:, i], population.mean, rtol=1e-9, atol=1e-11 * population.N)


def wired_alike(net, arrays):
    """Return the network with the single connections that a plain program drew."""
    copy, first = net.copy(), arrays.populations["first"]
    copy.connections = []
    for c, projection in zip(net.connections, arrays.projections, strict=True):
        starts = arrays.starts[projection["first"] :][: net.populations[c.pre].N + 1]
        pairs = gp.Pairs(
            np.repeat(np.arange(len(starts) - 1), np.diff(starts)),
            arrays.targets[starts[0] : starts[-1]] - first[projection["post"]],
        )
        copy.connect(c.pre, c.post, weight=c.weight, delay=c.delay, rule=pairs)
    return copy


def spikes_of(recorded, populations, dt):
    """Return the spikes that a plain program recorded, as gifpop takes them: times and neurons by population."""
    groups = np.tile(np.arange(len(populations)), len(recorded.counts))
    of_spike = np.repeat(groups, recorded.counts.ravel())
    steps = np.repeat(np.repeat(np.arange(len(recorded.counts)), len(populations)), recorded.counts.ravel())
    return [
        ((steps[of_spike == i] + 1) * dt, recorded.fired[of_spike == i] - first)
        for i, first in enumerate(populations["first"])
    ]


@pytest.mark.usefixtures("as_nest")
def test_replay_of_neurons(plain):
    """Given connections and spikes of a plain program, gifpop's neurons that take NEST's steps are in the same state.

    Thresholds are recorded before they decay, so that those of the step after tell the traces.
    """
    net, dt = varied(gp.models.brunel(40)), 0.5
    arrays, recorded = simulate(plain, net, dt, "micro", 400)
    spikes = dict(zip(net.populations, spikes_of(recorded, arrays.populations, dt), strict=True))
    again = wired_alike(net, arrays).simulate(
        401 * dt, dt=dt, level="micro", spikes=spikes, record=["V_m", "E_sfa", "I_syn_ex", "I_syn_in"]
    )
    assert len(recorded.fired) > 100
    for plain_name, name in (("V_m", "V_m"), ("I_ex", "I_syn_ex"), ("I_in", "I_syn_in")):
        ours = np.concatenate([getattr(population, name)[399] for population in again])
        assert_allclose(getattr(arrays, plain_name), ours, rtol=1e-9, atol=1e-9)
    for p, population in zip(arrays.populations, again, strict=True):
        traces = arrays.sfa[p["first_trace"] :][: p["J"] * p["N"]].reshape(p["J"], p["N"])
        assert_allclose(p["V_T_star"] + traces.sum(axis=0), population.E_sfa[400], rtol=1e-9, atol=0.0)


@pytest.mark.usefixtures("as_nest")
def test_rates_of_neurons(plain):
    """Rates over 20 s have a standard deviation of 0.007 spikes/s; differences reach 0.06 once in 1e8 runs."""
    net, dt = gp.models.brunel(), 0.5
    _, recorded = simulate(plain, net, dt, "micro", 40_000)
    ours = net.simulate(20_000.0, dt=dt, level="micro", seed=3)
    for i, population in enumerate(ours):
        rate = recorded.counts[1000:, i].mean() * 1e3 / (population.N * dt)
        assert abs(rate - population.activity[1000:].mean()) < 0.06


def test_in_degrees(plain):
    """Each neuron has as many inputs of a projection as the others, from sources that are all used."""
    arrays = plain.build(gp.models.brunel(40), 0.5, "micro", 1).arrays
    for projection in arrays.projections:
        n_pre, n_post = (arrays.populations["N"][projection[end]] for end in ("pre", "post"))
        starts = arrays.starts[projection["first"] :][: n_pre + 1]
        targets = arrays.targets[starts[0] : starts[-1]] - arrays.populations["first"][projection["post"]]
        assert np.all(np.bincount(targets, minlength=n_post) == projection["indegree"])
        assert np.all(np.diff(starts) > 0)
    assert len(arrays.targets) == arrays.starts[-1]


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_numba_and_c_are_one_algorithm(level):
    """With the same random numbers, both fire the same spikes."""
    try:
        programs = [importlib.import_module(f"benchmarks.programs.{name}") for name in ("numba", "c")]
    except (ImportError, OSError) as error:
        pytest.skip(str(error))
    (_, first), (_, second) = (simulate(program, gp.models.brunel(), 0.5, level, 800) for program in programs)
    assert np.array_equal(first.counts, second.counts)
    assert first.fired is None or np.array_equal(first.fired, second.fired)


@pytest.mark.parametrize("level", ["meso", "micro"])
def test_nest_simulates_the_same_network(level):
    """Rates over 5 s have a standard deviation of 0.016 spikes/s at most; differences reach 0.14 once in 1e9 runs."""
    nest = pytest.importorskip("nest", reason="NEST is not here")
    from benchmarks.programs.nest import build

    net, dt = gp.models.brunel(), 0.5
    build(net, dt, level, 1)(5500.0)
    ours = net.simulate(5500.0, dt=dt, level=level, seed=1)
    for i, population in enumerate(ours):
        rate = nest_rate(nest, population.N, i, level)
        assert abs(rate - population.activity[1000:].mean()) < 0.14


def nest_rate(nest, N, index, level):
    """Return the mean rate of a population from 0.5 to 5.5 s in NEST."""
    if level == "meso":
        events = nest.GetNodes({"model": "multimeter"})[0].events
        populations = nest.GetNodes({"model": "gif_pop_psc_exp"}).tolist()
        chosen = (events["senders"] == populations[index]) & (events["times"] > 500.0)
        return events["n_events"][chosen].sum() / (N * 5.0)
    events = nest.GetNodes({"model": "spike_recorder"})[0].events
    first = 1 if index == 0 else 801  # excitatory neurons come first
    chosen = (events["senders"] >= first) & (events["senders"] < first + N) & (events["times"] > 500.0)
    return chosen.sum() / (N * 5.0)


def run_benchmarks(folder, *options):
    """Run a few steps of each case and return the results."""
    from benchmarks import run

    path = str(folder / "times.json")
    run.main(["--quick", "--scale", "0.001", "--repetitions", "1", "--json", path, *options])
    return json.loads((folder / "times.json").read_text())["results"]


FEW = {"Brunel network, 1,000 neurons", "neurons, mesoscopic: 1,000", "adaptation time constant [ms]: 1,000"}
MANY = FEW | {"Brunel network, mesoscopic", "cortical column, 7,717 neurons", "time step [ms]: 0.1"}


@pytest.mark.parametrize(("case", "among"), [("1,000", FEW), pytest.param("", MANY, marks=pytest.mark.slow)])
def test_run(case, among, tmp_path, capsys):
    """Some cases, or all but the large ones, and every file that can be written."""
    speed, readme, plot = tmp_path / "speed.md", tmp_path / "readme.md", tmp_path / "speed.png"
    readme.write_text("Before.\n\n<!-- benchmark short -->\n<!-- end -->\n\nAfter.\n")
    results = run_benchmarks(
        tmp_path, "--case", case, "--programs", "gifpop", "C", "--plot", str(plot), "--table", str(speed), str(readme)
    )
    assert {result["name"] for result in results} > among
    assert all(result["programs"]["gifpop"]["median_simulate"] > 0.0 for result in results)
    assert plot.stat().st_size > 10_000
    assert "| Brunel network, 1,000 neurons |" in speed.read_text()
    assert readme.read_text().startswith("Before.\n\n<!-- benchmark short -->\n\nSeconds per")
    assert readme.read_text().endswith("|\n\n<!-- end -->\n\nAfter.\n")
    assert "Brunel network, 1,000 neurons (micro, dt 0.5 ms)" in capsys.readouterr().out


def test_run_of_all_programs(tmp_path):
    """Whatever is installed, at both levels."""
    from benchmarks.programs import available

    results = run_benchmarks(tmp_path, "--case", "Brunel", "--threads", "1")
    assert [result["level"] for result in results] == ["meso", "micro"]
    for result in results:
        expected = {program.name for program in available()[0] if result["level"] in program.levels}
        assert set(result["programs"]) == expected


def test_trials_are_timed(capsys, monkeypatch):
    import sys

    from benchmarks import many_trials

    monkeypatch.setattr(sys, "argv", ["many_trials.py", "--trials", "2", "--duration", "5", "--repetitions", "1"])
    monkeypatch.setitem(sys.modules, "nest", None)  # a pool of processes takes seconds
    many_trials.main()
    shown = capsys.readouterr().out
    assert shown.startswith("2 trials of 5 ms; ")
    assert "| micro | s | ms a trial |" in shown
    assert shown.count("gifpop, trials, 2 threads") == 2


def test_tables_are_replaced(tmp_path):
    """Tables come in the place of the old ones, however often; a file without a place is refused."""
    from benchmarks import report

    page = tmp_path / "page.md"
    page.write_text("a\n<!-- benchmark full -->\nold\n<!-- end -->\nb\n")
    for table in ("| 1 |", "| 2 |"):
        report.place(page, {"full": table, "short": "unused"})
    assert page.read_text() == "a\n<!-- benchmark full -->\n\n| 2 |\n\n<!-- end -->\nb\n"
    page.write_text("no place")
    with pytest.raises(ValueError, match="has no place for a table"):
        report.place(page, {"full": "| 1 |"})


def test_peak_memory():
    """Memory is measured in another process: 300 thousand connections of 4 bytes, and not a hundred times that."""
    from benchmarks import cases, timing
    from benchmarks.programs import Program

    case = next(case for case in cases.networks() if case.name == "Brunel network, 1,000 neurons")
    memory = timing.peak_memory(case, Program("gifpop", "gifpop"))
    assert memory is None or 0.5 < memory < 100.0
