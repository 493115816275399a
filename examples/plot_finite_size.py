"""
How well finite populations fluctuate
=====================================

The activity of a population of N neurons fluctuates. Two forms of the mesoscopic equations follow that:
``finite_size="corrected"`` draws one number of spikes in each step and corrects the expectation of the next ones;
``"drawn"`` keeps whole neurons in its cohorts and draws which of them fire. Both are compared here with neurons, from
one neuron to thousands, without and with adaptation, alone and in networks:

- power spectra at eight frequencies, relative to Poisson neurons of the same rate;
- Fano factors of counts in windows of 1 ms (the variance of the activity in 1-ms bins, relative to Poisson) to 1 s;
- rates, and how often the expected count leaves [0, N];
- the rhythm of neurons that have all fired at once, second by second.

``python plot_finite_size.py`` measures six cases (about half a minute) and shows the figure; ``python
plot_finite_size.py figure.png`` writes it. With ``--full`` it measures all of them and keeps each run in a file as soon
as it is measured, so that an interrupted study continues; ``--redraw`` makes tables and figure from that file.
:doc:`/finite_size` shows the results of the whole study.
"""

import argparse
import json
import re
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import gifpop as gp

FORMS = ("corrected", "drawn")
NEURONS, EXACT = "neurons", "drawn, exact history"
OPTIONS = {
    NEURONS: {"level": "micro"},
    "corrected": {"finite_size": "corrected"},
    "drawn": {"finite_size": "drawn"},
    EXACT: {"finite_size": "drawn", "history": "exact"},
}
FREQUENCIES = (1, 2, 5, 10, 20, 50, 100, 200)  # Hz
WINDOWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # ms
SEGMENT = 5000  # ms, of which a power spectrum is taken

# %%
# Cases
# -----

COUPLING = {"none": 0.0, "inhibition": -10.0, "excitation": 5.0}  # mV: what a spike of every neuron moves each by
NETWORKS = {"network": ("E", gp.models.brunel, {}), "column": ("4E", gp.models.potjans_diesmann, {"scale": 0.1})}


@dataclass(frozen=True)
class Case:
    """A population, alone or in a network, in which both forms are compared with neurons."""

    N: int = 200
    strength: int = 0  # jump of the threshold at a spike, in units of Delta_V
    tau: int = 100  # its time constant, ms
    rate: int = 20  # spikes/s
    coupling: str = "none"  # all to all, or one of the networks
    dt: float | None = None  # step, ms; None: such that the potential rises by no more than Delta_V in a step
    rounds: int = 1  # runs with different seeds
    seconds: int = 500  # of a run, after it has settled
    volley: bool = False  # measure the rhythm after all neurons have fired at once, not the stationary state

    def __str__(self):
        if self.coupling in NETWORKS:
            return f"{self.coupling}, dt {self.dt} ms"
        tau = f"{self.tau / 1000:g} s" if self.tau >= 1000 else f"{self.tau} ms"
        parts = [f"q = {self.strength} Delta_V, {tau}" if self.strength else "no adaptation"]
        parts += [f"{self.rate}/s", f"N = {self.N}", self.coupling if self.coupling != "none" else ""]
        parts += [f"dt {self.dt} ms" if self.dt else "", "after a volley" if self.volley else ""]
        return ", ".join(filter(None, parts))

    def independent(self, who):
        """Return whether neurons are measured one by one."""
        return who == NEURONS and self.coupling == "none" and not self.volley


def runs(case):
    """Return the runs of a case, as case, who and number; neurons without connections are the same for any N."""
    compared = [NEURONS, *FORMS, EXACT] if case.volley else [NEURONS, *FORMS]  # the history matters to rhythms only
    alone = replace(case, N=1)
    return [(alone if case.independent(who) else case, who, i) for i in range(case.rounds) for who in compared]


CELLS = ((0, 100), (4, 100), (6, 300), (4, 1000))  # strength and time constant, ms
RHYTHM = Case(200, 4, 1000, rounds=3, seconds=400, volley=True)
SHOWN = [Case(1), *(Case(200, *cell) for cell in CELLS), Case(coupling="network", dt=0.5)]
DECAYS = [RHYTHM, replace(RHYTHM, rate=5)]
QUICK = [
    Case(1, seconds=400),
    Case(200, 4, 100, seconds=300),
    Case(200, 6, 300, seconds=200),
    Case(coupling="network", dt=0.5, seconds=240),
    *(replace(decay, rounds=1, seconds=200) for decay in DECAYS),
]


def full_study():
    """Return all cases: from four kinds of 200 neurons at 20 spikes/s, one thing is varied at a time."""
    cases = [Case(200, *cell, rounds=8 if cell[0] else 12) for cell in CELLS]
    cases += [Case(N, rounds=12) for N in (1, 10, 1000)]
    cases += [Case(N, 4, 1000, rounds=4) for N in (50, 1000)]
    cases += [RHYTHM, *(replace(RHYTHM, rate=rate, rounds=2) for rate in (10, 5))]
    cases += [Case(coupling="network", dt=0.5, rounds=20), Case(coupling="network", dt=0.1, rounds=2)]
    cases += [Case(N, dt=0.1, rounds=4) for N in (1, 200)] + [Case(100_000, dt=0.5)]
    cases += [Case(N, *cell) for N, cell in product((1, 10, 50, 1000, 5000), CELLS)]
    coupled = product((200, 50, 1000), ("inhibition", "excitation"), CELLS)
    cases += [Case(N, *cell, coupling=coupling) for N, coupling, cell in coupled]
    cases += [Case(200, *cell, rate) for cell, rate in product(CELLS, (2, 5, 60))]
    cases += [Case(200, *cell) for cell in product((2, 4, 6), (30, 100, 300, 1000, 3000)) if cell not in CELLS]
    cases += [Case(coupling="column", dt=0.1, seconds=200)]
    cases += [replace(RHYTHM, N=5000, rate=rate, rounds=1, seconds=80) for rate in (20, 10, 5)]
    return list({str(case): case for case in reversed(cases)}.values())[::-1]  # the first of the same name


# %%
# Neurons and populations
# -----------------------
#
# Both levels are one process in time, so that any step serves for the comparison.

DELTA_V, TAU_M, C_M = 2.5, 20.0, 250.0  # mV, ms, pF
NEURON = gp.GIF(C_m=C_M, tau_m=TAU_M, E_L=0.0, V_reset=0.0, V_T_star=15.0, Delta_V=DELTA_V, lambda_0=10.0, t_ref=4.0)
TAU_SYN = {"inhibition": NEURON.tau_syn_in, "excitation": NEURON.tau_syn_ex}


def cell(case, drive):
    """Return neurons that rest at ``drive`` mV."""
    taus, jumps = ([case.tau], [case.strength * DELTA_V]) if case.strength else ([], [])
    return replace(NEURON, I_e=drive * C_M / TAU_M, tau_sfa=taus, q_sfa=jumps)


def time_step(drive):
    """Return a step, ms, in which the potential rises after a spike by no more than Delta_V, as far as is practical."""
    longest = DELTA_V * TAU_M / max(drive, 1.0)
    return next((dt for dt in (0.5, 0.2, 0.1, 0.05) if dt <= longest), 0.05)


@cache
def find_drive(strength, tau, rate, dt):
    """Return the drive, mV, at which very many neurons fire at a rate."""

    def excess(drive):
        net = gp.Network()
        net.population("P", 10**8, cell(Case(strength=strength, tau=tau), drive))
        activity = simulate(net, "corrected", dt or time_step(drive), 1).run(2000.0).activity[:, 0]
        return np.average(activity, weights=np.hanning(len(activity))) - rate  # what still oscillates has no weight

    return round(brentq(excess, 0.0, 60.0 + 3.0 * strength * DELTA_V * tau * 1e-3 * rate, rtol=1e-4), 2)


def simulate(net, who, dt, seed):
    """Return a simulation that begins in the stationary state."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Simulation.initial = 'stationary'")  # regular neurons settle later
        return gp.Simulation(net, dt=dt, seed=seed, progress=False, initial="stationary", **OPTIONS[who])


def describe(case, N):
    """Return the name of the population to measure, its network, and the step."""
    if case.coupling in NETWORKS:
        name, model, arguments = NETWORKS[case.coupling]
        return name, all_to_all(model(**arguments)), case.dt
    drive = find_drive(case.strength, case.tau, case.rate, case.dt)
    shift = COUPLING[case.coupling]
    net = gp.Network()
    P = net.population("P", N, cell(case, drive - shift * TAU_M * 1e-3 * case.rate))  # for the same rate
    if shift:
        net.connect(P, P, weight=shift / N * C_M / TAU_SYN[case.coupling], delay=1.0)
    return "P", net, case.dt or time_step(drive)


def all_to_all(sparse):
    """Return a network with all-to-all connections that give each neuron the mean of its random ones."""
    net = gp.Network()
    for name, population in sparse.populations.items():
        net.population(name, population.N, population.cell)
    for link in sparse.connections:
        net.connect(link.pre, link.post, weight=link.weight * link.rule.p, delay=link.delay)
    return net


# %%
# Statistics
# ----------
#
# Neurons without connections are independent: the spectrum of a population, relative to Poisson, is that of one neuron,
# which averages over neurons show precisely.


def in_windows(counts, steps):
    """Return sums over windows of a number of steps, along the last axis; what is left over at the end is dropped."""
    whole = counts.shape[-1] // steps
    return counts[..., : whole * steps].reshape(*counts.shape[:-1], whole, steps).sum(axis=-1)


def power(counts, N, frequencies):
    """Return the power near frequencies, times N, from segments of counts in 1-ms bins; the rate if Poisson."""
    f, spectra = gp.power_spectrum(counts * (1e3 / N), 1.0)
    near = [spectra[..., np.abs(f - at) <= max(0.1 * at, 0.5)].mean(axis=-1) for at in frequencies]
    return N * np.stack(near, axis=-1)


def statistics(counts, N):
    """Return statistics of pieces by name, from counts in 1-ms bins, shape (pieces, bins); rates if Poisson."""
    powers = power(counts.reshape(len(counts), -1, SEGMENT), N, FREQUENCIES).mean(axis=1)
    named = {"rate": counts.mean(axis=1) / N * 1e3}
    named |= {f"{f} Hz": near for f, near in zip(FREQUENCIES, powers.T, strict=True)}
    return named | {f"Fano {w} ms": in_windows(counts, w).var(axis=1) / (N * w * 1e-3) for w in WINDOWS}


def counts_of_neurons(result):
    """Return counts of each neuron in 1-ms bins, shape (neurons, bins)."""
    times, neurons = result["P"].spikes
    N, bins = result["P"].N, round(len(result.t) * result.dt)
    at = np.floor(times - result.t[0] + 0.5 * result.dt).astype(int)
    return np.bincount(neurons * bins + at, minlength=N * bins).reshape(N, bins)


def measure(run):
    """Return an entry of the file: means and standard errors of the statistics of a run, by name."""
    case, who, number = run
    seed = [zlib.crc32(f"{case} {who}".encode()), number]
    summary = (measure_rhythm if case.volley else measure_stationary)(case, who, seed)
    numbers = {name: [float(f"{value:.6g}"), float(f"{error:.2g}")] for name, (value, error) in summary.items()}
    return {"case": str(case), "who": who, "run": number, "statistics": numbers}


def measure_stationary(case, who, seed):
    """Measure pieces of the time, or of the time and neurons where these are independent."""
    independent = case.independent(who)
    name, net, dt = describe(case, 500 if independent else case.N)
    N = net.populations[name].N
    sim = simulate(net, who, dt, seed)
    settling = 5.0 if case.coupling in NETWORKS else 2.0 + (0.04 * case.tau if case.strength else 0.0)
    sim.run(1e3 * np.ceil(settling))
    seconds = case.seconds / 10 if independent else case.seconds
    length = int(np.clip(1e3 * seconds / 8 // SEGMENT * SEGMENT, SEGMENT, 10 * SEGMENT))  # ms
    pieces = []
    for _ in range(round(1e3 * seconds / length)):
        result = sim.run(length)
        if independent:
            pieces.append(statistics(counts_of_neurons(result), 1))
            continue
        pieces.append(statistics(in_windows(result[name].counts, round(1.0 / dt))[None], N))
        if who != NEURONS:
            outside = (result[name].mean < -1e-9) | (result[name].mean > N * (1.0 + 1e-9))
            pieces[-1]["outside"] = np.array([outside.mean()])
    return summarize(pieces, 1 if independent else N)


def summarize(pieces, N):
    """Return means and standard errors of statistics over pieces, by name, relative to those of Poisson neurons."""
    joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    rate = joined["rate"].mean()
    summary = {}
    for name, values in joined.items():
        if name.startswith("Fano"):  # around the mean of all pieces
            values = values + N * 1e-3 * float(name.split()[1]) * (joined["rate"] - rate) ** 2
        if name not in ("rate", "outside"):
            values = values / rate
        summary[name] = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    return summary


def measure_rhythm(case, who, seed):
    """Measure the power near the rate in each second after all neurons have fired at once."""
    name, net, dt = describe(case, case.N)
    duration = 40  # s
    trials = case.seconds // duration

    def bins(result):
        return in_windows(result[name].counts, round(1.0 / dt)).reshape(duration, 1000)

    options = {"dt": dt, "seed": seed, "progress": False, **OPTIONS[who]}
    counts = net.simulate(1e3 * duration, trials=trials, keep=bins, **options)
    near = power(counts, case.N, [case.rate])[..., 0] / case.rate
    return {f"second {k + 1}": (values.mean(), values.std(ddof=1) / np.sqrt(trials)) for k, values in enumerate(near.T)}


# %%
# The study
# ---------


def measure_missing(entries, cases, processes):
    """Yield the runs that are not among the entries, as soon as they are measured."""
    known = {(entry["case"], entry["who"], entry["run"]) for entry in entries}
    missing = []
    for case, who, number in chain.from_iterable(map(runs, cases)):
        if (key := (str(case), who, number)) not in known:
            known.add(key)
            missing.append((case, who, number))
    if processes == 1:
        yield from map(measure, missing)
        return
    with ProcessPoolExecutor(processes) as pool:
        for done in as_completed([pool.submit(measure, run) for run in missing]):
            yield done.result()


def average(entries, case):
    """Return means over the measured runs of a case, by who and name; None if somebody was not measured."""
    wanted = {(str(measured), who, number) for measured, who, number in runs(case)}
    found = {who: [] for _, who, _ in runs(case)}
    for entry in entries:
        if (entry["case"], entry["who"], entry["run"]) in wanted:
            found[entry["who"]].append(entry["statistics"])
    return {who: mean_of_runs(of_who) for who, of_who in found.items()} if all(found.values()) else None


def mean_of_runs(summaries):
    """Return means of statistics and their standard errors, by name."""
    pairs = {name: np.transpose([summary[name] for summary in summaries]) for name in summaries[0]}
    return {name: (value.mean(), np.sqrt(np.sum(error**2)) / len(error)) for name, (value, error) in pairs.items()}


# %%
# Tables
# ------


def markdown(header, rows):
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def deviation(by, who, name):
    """Return the relative deviation of a form from neurons and its standard error."""
    (own, error), (true, error_of_true) = by[who][name], by[NEURONS][name]
    return own / true - 1.0, np.hypot(error, own / true * error_of_true) / true


def percent(value, error):
    """Return a deviation and its error in percent."""
    digits = 2 if error < 0.0005 else 1 if error < 0.05 else 0
    return f"{100 * value:+.{digits}f} ± {100 * error:.{digits}f}"


def spectra_table(measured):
    """Return the statistics of each case, with the deviations of the forms in percent."""
    names = ["rate", *(f"{f} Hz" for f in FREQUENCIES), *(f"Fano {width} ms" for width in (1, 10, 100, 500))]
    rows = []
    for case, by in measured.items():
        rows.append([f"**{case}**", NEURONS, *(f"{by[NEURONS][name][0]:.3g}" for name in names)])
        rows += [["", who, *(percent(*deviation(by, who, name)) for name in names)] for who in FORMS]
    return markdown(["", "", *names], rows)


def worst(by, who, names):
    """Return the largest deviation among some statistics in percent, beyond its error, and where it is."""
    deviations = {name: deviation(by, who, name) for name in names}
    name = max(names, key=lambda name: abs(deviations[name][0]) - 2.0 * deviations[name][1])
    return f"{percent(*deviations[name])} at {name.removeprefix('Fano ')}"


def deviations_table(measured):
    """Return the largest deviations of power and Fano factors in each case."""
    kinds = {"power": [f"{f} Hz" for f in FREQUENCIES], "Fano factor": [f"Fano {width} ms" for width in WINDOWS]}
    columns = list(product(kinds, FORMS))
    rows = [[case, *(worst(by, who, kinds[kind]) for kind, who in columns)] for case, by in measured.items()]
    return markdown(["", *(f"{kind}: {who}" for kind, who in columns)], rows)


def rhythm_table(rhythms):
    """Return the power near the rate in some of the seconds after a volley."""
    seconds = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40)
    rows = []
    for case, by in rhythms.items():
        name = f"**{case.removesuffix(', after a volley')}**"
        for who, summary in by.items():
            pairs = (summary[f"second {second}"] for second in seconds)
            rows.append([name if who == NEURONS else "", who, *(rounded(*pair) for pair in pairs)])
    return markdown(["", "second", *seconds], rows)


def rounded(value, error):
    """Return a value and its error with the decimal places that have a meaning."""
    places = int(np.clip(np.ceil(-np.log10(max(error, 1e-9) / 2.0)), 0, 3))
    return f"{value:.{places}f} ± {error:.{places}f}"


def renew(path, name, table):
    """Replace the table between the marks of a file with its name."""
    marks = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    text, found = re.subn(marks, lambda m: f"{m[1]}\n{table}\n{m[2]}", path.read_text(), flags=re.S)
    if found != 1:
        raise SystemExit(f"{path} must have one pair of marks <!-- {name} --> and <!-- end -->, got {found}")
    path.write_text(text)


# %%
# Figure
# ------

LOOKS = {NEURONS: ("black", "o"), "corrected": ("#D55E00", "^"), "drawn": ("#0072B2", "s"), EXACT: ("#009E73", "D")}


def draw(panels, rhythms):
    """Return a figure: power relative to that of neurons, a panel for each case, and rhythms after a volley."""
    columns = (len(panels) + len(rhythms) + 1) // 2
    figure, axes = plt.subplots(2, columns, figsize=(3.2 * columns, 6.4), layout="constrained")
    for at, (case, by) in zip(axes.flat, (panels | rhythms).items(), strict=False):
        (draw_rhythm if case in rhythms else draw_ratios)(at, by)
        title = re.sub(r", (?=\d+/s|dt)", "\n", case, count=1).replace("Delta_V", r"$\Delta_V$")
        at.set_title(title, fontsize="medium")
        at.tick_params(axis="y", which="minor", left=False, labelleft=False)
        at.spines[["top", "right"]].set_visible(False)
    for row in axes:
        row[0].set_ylabel("power, relative to neurons")
    axes.flat[len(panels)].set_ylabel("power near the rate,\nrelative to Poisson")
    handles = [plt.Line2D([], [], color=color, marker=marker, label=who) for who, (color, marker) in LOOKS.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(LOOKS), frameon=False)
    return figure


def draw_ratios(axes, by):
    """Draw the power of both forms relative to that of neurons, with bars of two standard errors."""
    axes.axhspan(0.9, 1.1, color="0.9", lw=0, zorder=0)
    axes.axhline(1.0, color=LOOKS[NEURONS][0], lw=1.0, zorder=1)
    for shift, who in zip((0.97, 1.03), FORMS, strict=True):
        color, marker = LOOKS[who]
        deviations, errors = np.transpose([deviation(by, who, f"{f} Hz") for f in FREQUENCIES])
        ratios = 1.0 + deviations
        bars = np.minimum(2.0 * errors, 0.9 * ratios), 2.0 * errors
        at = shift * np.array(FREQUENCIES)
        axes.errorbar(at, ratios, bars, color=color, marker=marker, ms=5, lw=1.5, elinewidth=1.0)
    axes.set(xscale="log", yscale="log", ylim=(0.4, 13.0), xlabel="frequency [Hz]")
    axes.set_xticks((1, 10, 100), ("1", "10", "100"))
    axes.set_yticks((0.5, 1, 2, 5, 10), ("0.5", "1", "2", "5", "10"))


def draw_rhythm(axes, by):
    """Draw the power near the rate in each second after a volley, with bands of two standard errors."""
    axes.axhline(1.0, color="0.6", lw=1.0, ls=":")
    for who, seconds in by.items():
        color, marker = LOOKS[who]
        values, errors = np.transpose(list(seconds.values()))
        at = np.arange(len(values)) + 0.5
        lower, upper = np.maximum(values - 2.0 * errors, 0.4), values + 2.0 * errors
        axes.fill_between(at, lower, upper, color=color, alpha=0.2, lw=0)
        axes.plot(at, values, color=color, marker=marker, ms=4, markevery=(1, 6), lw=1.5)
    gone = np.flatnonzero(np.array(list(by[NEURONS].values()))[:, 0] < 2.0)
    axes.set(yscale="log", ylim=(0.4, None), xlabel="time [s]", xlim=(0.0, gone[0] + 2.0 if len(gone) else None))
    axes.set_yticks((1, 10, 100), ("1", "10", "100"))


def main():
    arguments = argparse.ArgumentParser(description="How well finite populations fluctuate.")
    arguments.add_argument("figure", nargs="?", help="file to write the figure to; else it is shown")
    arguments.add_argument("--full", action="store_true", help="the whole study, about two hours on two cores")
    arguments.add_argument("--redraw", action="store_true", help="from what is stored of the whole study")
    arguments.add_argument("--numbers", default="finite_size.json", help="where that is stored")
    arguments.add_argument("--processes", type=int, default=1, help="number of processes that measure")
    arguments.add_argument("--table", metavar="FILE", help="renew the tables of this file")
    chosen = arguments.parse_args()
    full = chosen.full or chosen.redraw
    cases, path = full_study() if full else QUICK, Path(chosen.numbers)
    entries = [json.loads(line) for line in path.read_text().splitlines()] if full and path.exists() else []
    for entry in [] if chosen.redraw else measure_missing(tuple(entries), cases, chosen.processes):
        entries.append(entry)
        if full:
            with path.open("a") as file:
                file.write(f"{json.dumps(entry)}\n")

    results = {str(case): by for case in cases if (by := average(entries, case))}
    rhythms = {case: results.pop(case) for case in list(results) if "volley" in case}
    panels = {case: results[case] for case in map(str, SHOWN) if case in results}
    decays = {case: rhythms[case] for case in map(str, DECAYS) if case in rhythms}
    if not panels or not decays:
        raise SystemExit(f"{path} has too little for a figure: run with --full first")

    tables = {
        "spectra": spectra_table(panels),
        "deviations": deviations_table(results),
        "rhythm": rhythm_table(rhythms),
    }
    for name, table in tables.items():
        print(f"{name}\n\n{table}")
        if chosen.table:
            renew(Path(chosen.table), name, table)
    figure = draw(panels, decays)
    if chosen.figure is not None:
        figure.savefig(chosen.figure, dpi=100)
    plt.show()


if __name__ == "__main__":
    main()
