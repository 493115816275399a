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

Both levels are one process in time, so that any step serves for the comparison. Neurons without connections are
independent: the spectrum of a population, relative to Poisson, is that of one neuron, which averages over neurons show
precisely.

``python plot_finite_size.py`` measures five cases (about twenty seconds) and shows the figure; ``python
plot_finite_size.py figure.png`` writes it. With ``--full`` it measures all of them and keeps each in a file as soon as
it is measured, so that an interrupted study goes on where it was; ``--redraw`` makes tables and figure from that file.
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
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import gifpop as gp

NEURONS = "neurons"
FORMS = ("corrected", "drawn")
EXACT = "drawn, exact history"
LOOKS = {
    NEURONS: ("black", "o"),
    "corrected": ("#D55E00", "^"),
    "drawn": ("#0072B2", "s"),
    EXACT: ("#009E73", "D"),
}
HOW = {
    NEURONS: {"level": "micro"},
    "corrected": {"finite_size": "corrected"},
    "drawn": {"finite_size": "drawn"},
    EXACT: {"finite_size": "drawn", "history": "exact"},
}

DELTA_V, TAU_M, C_M = 2.5, 20.0, 250.0  # mV, ms, pF
FREQUENCIES = (1, 2, 5, 10, 20, 50, 100, 200)  # Hz
WINDOWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # ms
SEGMENT = 5.0  # s, of which a power spectrum is taken
INDEPENDENT = 500  # neurons without connections whose spectra are averaged
COUPLING = {"none": 0.0, "inhibition": -10.0, "excitation": 5.0}  # mV: what a spike of every neuron moves each by
NETWORKS = {"network": ("E", gp.models.brunel, {}), "column": ("4E", gp.models.potjans_diesmann, {"scale": 0.1})}


@dataclass(frozen=True)
class Case:
    """A population, alone or in a network, of which the two forms are compared with neurons.

    Parameters
    ----------
    N : int
        Number of neurons.
    strength, tau : float
        Jump of the threshold at a spike, in units of Delta_V, and its time constant, ms.
    rate : float
        Rate, spikes/s.
    coupling : str
        ``"none"``, ``"inhibition"`` or ``"excitation"``, all to all, or a network of `NETWORKS`.
    dt : float or None
        Step, ms; None: such that the potential rises by no more than Delta_V in a step.
    rounds : int
        Number of runs, which can be measured one after the other.
    seconds : float
        Duration of a run, after it has settled.
    volley : bool
        Measure the rhythm after all neurons have fired at once, not the stationary state.
    """

    N: int = 200
    strength: float = 0
    tau: float = 100
    rate: float = 20
    coupling: str = "none"
    dt: float | None = None
    rounds: int = 1
    seconds: float = 500.0
    volley: bool = False

    def __str__(self):
        if self.coupling in NETWORKS:
            return f"{self.coupling}, dt {self.dt} ms"
        time = f"{self.tau / 1e3:g} s" if self.tau >= 1000 else f"{self.tau} ms"
        parts = [f"q = {self.strength} Delta_V, {time}" if self.strength else "no adaptation"]
        parts += [f"{self.rate}/s", f"N = {self.N}"]
        parts += [self.coupling] if self.coupling != "none" else []
        parts += [f"dt {self.dt} ms"] if self.dt is not None else []
        parts += ["after a volley"] if self.volley else []
        return ", ".join(parts)

    @property
    def compared(self):
        """Neurons, and the forms to compare with them; exact histories matter to rhythms only."""
        return NEURONS, *FORMS, *([EXACT] if self.volley else [])

    def independent(self, who):
        """Return whether neurons can be measured one by one; then they are the same for any N."""
        return who == NEURONS and self.coupling == "none" and not self.volley


CELLS = ((0, 100), (4, 100), (6, 300), (4, 1000))
PANELS = (
    "no adaptation, 20/s, N = 1",
    "no adaptation, 20/s, N = 200",
    "q = 4 Delta_V, 100 ms, 20/s, N = 200",
    "q = 6 Delta_V, 300 ms, 20/s, N = 200",
    "q = 4 Delta_V, 1 s, 20/s, N = 200",
    "network, dt 0.5 ms",
)


VOLLEY = Case(200, 4, 1000, rounds=3, seconds=400, volley=True)


def quick_study():
    """Return a few cases, the last two of which are rhythms after a volley."""
    return [
        Case(1, seconds=400),
        Case(200, 4, 100, seconds=300),
        Case(200, 6, 300, seconds=200),
        Case(coupling="network", dt=0.5, seconds=240),
        *(replace(VOLLEY, rate=rate, rounds=1, seconds=200) for rate in (20, 5)),
    ]


def full_study():
    """Return all cases: from four kinds of 200 neurons at 20 spikes/s, one thing is varied at a time."""
    cases = [Case(200, *cell, rounds=8 if cell[0] else 12) for cell in CELLS]
    cases += [Case(N, rounds=12) for N in (1, 10, 1000)]
    cases += [Case(N, 4, 1000, rounds=4) for N in (50, 1000)]
    cases += [VOLLEY, replace(VOLLEY, rate=10, rounds=2), replace(VOLLEY, rate=5, rounds=2)]
    cases += [Case(coupling="network", dt=0.5, rounds=20), Case(coupling="network", dt=0.1, rounds=2)]
    cases += [Case(N, dt=0.1, rounds=4) for N in (1, 200)] + [Case(100_000, dt=0.5)]
    cases += [Case(N, *cell) for N, cell in product((1, 10, 50, 1000, 5000), CELLS)]
    cases += [
        Case(N, *cell, coupling=coupling)
        for N, coupling, cell in product((200, 50, 1000), ("inhibition", "excitation"), CELLS)
    ]
    cases += [Case(200, *cell, rate) for cell, rate in product(CELLS, (2, 5, 60))]
    cases += [Case(200, *cell) for cell in product((2, 4, 6), (30, 100, 300, 1000, 3000)) if cell not in CELLS]
    cases += [Case(coupling="column", dt=0.1, seconds=200)]
    cases += [replace(VOLLEY, N=5000, rate=rate, rounds=1, seconds=80) for rate in (20, 10, 5)]
    return list({str(case): case for case in reversed(cases)}.values())[::-1]


# %%
# Neurons and populations
# -----------------------


def current(mV):
    """Return the current, pA, that moves the resting potential by ``mV``."""
    return mV * C_M / TAU_M


def cell(case, drive):
    """Return neurons that rest at ``drive`` mV."""
    return gp.GIF(
        C_m=C_M,
        tau_m=TAU_M,
        E_L=0.0,
        V_reset=0.0,
        V_T_star=15.0,
        Delta_V=DELTA_V,
        lambda_0=10.0,
        t_ref=4.0,
        I_e=current(drive),
        tau_syn_ex=3.0,
        tau_syn_in=6.0,
        tau_sfa=[case.tau] if case.strength else [],
        q_sfa=[case.strength * DELTA_V] if case.strength else [],
    )


def time_step(drive):
    """Return a step, ms, in which the potential rises after a spike by no more than Delta_V, as far as is practical."""
    longest = DELTA_V * TAU_M / max(drive, 1.0)
    return next((dt for dt in (0.5, 0.2, 0.1, 0.05) if dt <= longest), 0.05)


@cache
def find_drive(strength, tau, rate, dt):
    """Return the drive, mV, at which very many neurons fire at a rate; a weight in time removes what still oscillates.

    The step may be None: that which belongs to the drive.
    """

    def excess(drive):
        net = gp.Network()
        net.population("P", 10**8, cell(Case(strength=strength, tau=tau), drive))
        activity = simulate(net, "corrected", dt or time_step(drive), 1).run(2000.0).activity[:, 0]
        return np.average(activity, weights=np.hanning(len(activity))) - rate

    return round(brentq(excess, 0.0, 60.0 + 3.0 * strength * DELTA_V * tau * 1e-3 * rate, rtol=1e-4), 2)


def simulate(net, who, dt, seed):
    """Return a simulation that begins in the stationary state."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Simulation.initial = 'stationary'")  # regular neurons settle later
        return gp.Simulation(net, dt=dt, seed=seed, progress=False, initial="stationary", **HOW[who])


def describe(case, N):
    """Return the name of the population to measure, its network, the step, and how many seconds it takes to settle."""
    if case.coupling in NETWORKS:
        name, model, arguments = NETWORKS[case.coupling]
        return name, all_to_all(model(**arguments)), case.dt, 5.0
    drive = find_drive(case.strength, case.tau, case.rate, case.dt)
    dt = case.dt or time_step(drive)
    shift = COUPLING[case.coupling]
    net = gp.Network()
    P = net.population("P", N, cell(case, drive - shift * TAU_M * 1e-3 * case.rate))  # for the same rate
    if shift:
        tau_syn = net.populations["P"].cell.tau_syn_in if shift < 0.0 else net.populations["P"].cell.tau_syn_ex
        net.connect(P, P, weight=shift / N * C_M / tau_syn, delay=1.0)
    return "P", net, dt, np.ceil(2.0 + (40.0 * case.tau * 1e-3 if case.strength else 0.0))


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
    segments = counts.reshape(len(counts), -1, round(1e3 * SEGMENT))
    named = {"rate": counts.mean(axis=1) / N * 1e3}
    for f, near in zip(FREQUENCIES, power(segments, N, FREQUENCIES).mean(axis=1).T, strict=True):
        named[f"{f} Hz"] = near
    for width in WINDOWS:
        named[f"Fano {width} ms"] = in_windows(counts, width).var(axis=1) / (N * width * 1e-3)
    return named


def counts_of_neurons(result):
    """Return counts of each neuron in 1-ms bins, shape (neurons, bins)."""
    times, neurons = result["P"].spikes
    N, bins = result["P"].N, round(len(result.t) * result.dt)
    at = np.floor(times - result.t[0] + 0.5 * result.dt).astype(int)
    return np.bincount(neurons * bins + at, minlength=N * bins).reshape(N, bins)


def measure(case, who, run):
    """Return means and standard errors of the statistics of a case in one run, by name.

    Errors are those of the spread between pieces of the time, or between neurons where these are independent.
    """
    if case.volley:
        return measure_rhythm(case, who, run)
    independent = case.independent(who)
    name, net, dt, settling = describe(case, INDEPENDENT if independent else case.N)
    sim = simulate(net, who, dt, seed_of(case, who, run))
    sim.run(1e3 * settling)
    seconds = case.seconds / 10.0 if independent else case.seconds
    length = min(50.0, max(SEGMENT, seconds / 8.0 // SEGMENT * SEGMENT))
    pieces = []
    for _ in range(round(seconds / length)):
        result = sim.run(1e3 * length)
        population = result[name]
        if independent:
            pieces.append(statistics(counts_of_neurons(result), 1))
            continue
        pieces.append(statistics(in_windows(population.counts, round(1.0 / dt))[None], population.N))
        if who != NEURONS:
            wrong = (population.mean < -1e-9) | (population.mean > population.N * (1.0 + 1e-9))
            pieces[-1]["outside"] = np.array([wrong.mean()])
    return summarize(pieces, 1 if independent else population.N)


def seed_of(case, who, run):
    """Return a seed that differs between all measurements."""
    return [zlib.crc32(f"{case} {who}".encode()), run]


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


def measure_rhythm(case, who, run):
    """Return the power near the rate in each second after all neurons have fired at once, by name."""
    name, net, dt, _ = describe(case, case.N)
    duration = 40
    trials = round(case.seconds / duration)

    def bins(result):
        return in_windows(result[name].counts, round(1.0 / dt)).reshape(duration, 1000)

    seed = seed_of(case, who, run)
    counts = net.simulate(1e3 * duration, trials=trials, keep=bins, dt=dt, seed=seed, progress=False, **HOW[who])
    near = power(counts, case.N, [case.rate])[..., 0] / case.rate
    return {f"second {k + 1}": (values.mean(), values.std(ddof=1) / np.sqrt(trials)) for k, values in enumerate(near.T)}


# %%
# The study
# ---------


class Study:
    """Measurements by case, form and run, kept in a file: what has been measured is not measured again.

    Parameters
    ----------
    path : Path or None
        File with one measurement a line, in JSON, to which those to come are appended; None: not kept.
    """

    def __init__(self, path):
        self.path, self.measured = path, {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                self.measured[entry["case"], entry["who"], entry["run"]] = entry["statistics"]

    def get(self, case):
        """Return the mean over the runs of a case that have been measured, by who; None if there are none."""
        found = {}
        for who in case.compared:
            keys = [self._key(case, who, run) for run in range(case.rounds)]
            runs = [self.measured[key] for key in keys if key in self.measured]
            if not runs:
                return None
            values = {name: np.array([run[name] for run in runs]) for name in runs[0]}
            found[who] = {
                name: (both[:, 0].mean(), np.sqrt(np.sum(both[:, 1] ** 2)) / len(both)) for name, both in values.items()
            }
        return found

    def complete(self, cases, processes):
        """Measure what is missing, case by case, and keep each run as soon as it is measured."""
        missing = {}
        for case in cases:
            for run, who in product(range(case.rounds), case.compared):
                if (key := self._key(case, who, run)) not in self.measured:
                    missing.setdefault(key, (case, who, run))
        if processes == 1:
            for key, task in missing.items():
                self._put(key, measure(*task))
            return
        with ProcessPoolExecutor(processes) as pool:
            running = {pool.submit(measure, *task): key for key, task in missing.items()}
            for done in as_completed(running):
                self._put(running[done], done.result())

    @staticmethod
    def _key(case, who, run):
        """Return what identifies a measurement; independent neurons are the same for any N."""
        return str(replace(case, N=1) if case.independent(who) else case), who, run

    def _put(self, key, summary):
        self.measured[key] = summary
        if self.path is not None:
            numbers = {name: [float(f"{value:.6g}"), float(f"{error:.2g}")] for name, (value, error) in summary.items()}
            entry = dict(zip(("case", "who", "run"), key, strict=True), statistics=numbers)
            with self.path.open("a") as file:
                file.write(f"{json.dumps(entry)}\n")


# %%
# Tables
# ------


def markdown(header, rows):
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def deviation(by, who, statistic):
    """Return the relative deviation of a form from neurons and its standard error."""
    (own, error), (true, error_of_true) = by[who][statistic], by[NEURONS][statistic]
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
    powers, fanos = [f"{f} Hz" for f in FREQUENCIES], [f"Fano {width} ms" for width in WINDOWS]
    rows = [
        [case, *(worst(by, who, names) for names in (powers, fanos) for who in FORMS)] for case, by in measured.items()
    ]
    return markdown(["", *(f"{kind}: {who}" for kind in ("power", "Fano factor") for who in FORMS)], rows)


def rhythm_table(rhythms):
    """Return the power near the rate in some of the seconds after a volley."""
    seconds = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40)
    rows = []
    for case, by in rhythms.items():
        name = f"**{case.removesuffix(', after a volley')}**"
        for who, summary in by.items():
            values = (summary[f"second {second}"] for second in seconds)
            rows.append(
                [
                    name if who == NEURONS else "",
                    who,
                    *("{:.{p}f} ± {:.{p}f}".format(*pair, p=places(pair)) for pair in values),
                ]
            )
    return markdown(["", "second", *seconds], rows)


def places(pair):
    """Return how many decimal places of a value have a meaning, given its error."""
    return int(np.clip(np.ceil(-np.log10(max(pair[1], 1e-9) / 2.0)), 0, 3))


def renew(path, name, table):
    """Replace the table between the marks of a file with its name."""
    text, found = re.subn(
        rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}\n{table}\n{m[2]}", path.read_text(), flags=re.S
    )
    if found != 1:
        raise SystemExit(f"{path} must have one pair of marks <!-- {name} --> and <!-- end -->, got {found}")
    path.write_text(text)


# %%
# Figure
# ------


def draw(panels, rhythms):
    """Return a figure: power relative to that of neurons, a panel for each case, and rhythms after a volley."""
    columns = (len(panels) + len(rhythms) + 1) // 2
    figure, axes = plt.subplots(2, columns, figsize=(3.2 * columns, 6.4), layout="constrained")
    flat = axes.ravel()
    for at, case in zip(flat, panels, strict=False):
        draw_ratios(at, panels[case])
        at.set_title(title(case), fontsize="medium")
    for at in flat[len(panels) : -len(rhythms)]:
        at.set_axis_off()
    for row in axes:
        row[0].set_ylabel("power, relative to neurons")
    for at, case in zip(flat[-len(rhythms) :], rhythms, strict=True):
        draw_rhythm(at, rhythms[case])
        at.set_title(title(case), fontsize="medium")
    flat[-len(rhythms)].set_ylabel("power near the rate (Poisson: 1)")
    handles = [plt.Line2D([], [], color=LOOKS[who][0], marker=LOOKS[who][1], label=who) for who in LOOKS]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(LOOKS), frameon=False)
    return figure


def title(case):
    """Return a case in two lines."""
    cell, *rest = case.replace("Delta_V", r"$\Delta_V$").split(", ", 2 if case.startswith("q") else 1)
    return "\n".join([", ".join([cell, *rest[:-1]]), *rest[-1:]])


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
    axes.tick_params(axis="y", which="minor", left=False, labelleft=False)
    axes.spines[["top", "right"]].set_visible(False)


def draw_rhythm(axes, by):
    """Draw the power near the rate in each second after a volley, with bands of two standard errors."""
    for who, seconds in by.items():
        color, marker = LOOKS[who]
        values, errors = np.transpose(list(seconds.values()))
        at = np.arange(len(values)) + 0.5
        axes.fill_between(
            at, np.maximum(values - 2.0 * errors, 1.0), values + 2.0 * errors, color=color, alpha=0.2, lw=0
        )
        axes.plot(at, values, color=color, marker=marker, ms=4, markevery=(1, 6), lw=1.5)
    gone = np.flatnonzero(np.array(list(by[NEURONS].values()))[:, 0] < 2.0)
    axes.set(yscale="log", xlabel="time [s]", xlim=(0.0, gone[0] + 2.0 if len(gone) else None))
    axes.set_yticks((1, 10, 100), ("1", "10", "100"))
    axes.tick_params(axis="y", which="minor", labelleft=False)
    axes.spines[["top", "right"]].set_visible(False)


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
    cases = full_study() if full else quick_study()
    study = Study(Path(chosen.numbers) if full else None)
    if not chosen.redraw:
        study.complete(cases, chosen.processes)
    measured = {str(case): by for case in cases if (by := study.get(case)) is not None}
    rhythms = {case: measured.pop(case) for case in list(measured) if "volley" in case}
    panels = {case: measured[case] for case in PANELS if case in measured}
    shown = {case: rhythms[case] for case in (str(VOLLEY), str(replace(VOLLEY, rate=5))) if case in rhythms}
    if not panels or not shown:
        raise SystemExit(f"{chosen.numbers} has too little for a figure: run with --full first")

    tables = {
        "spectra": spectra_table(panels),
        "deviations": deviations_table(measured),
        "rhythm": rhythm_table(rhythms),
    }
    for name, table in tables.items():
        print(f"{name}\n\n{table}")
        if chosen.table:
            renew(Path(chosen.table), name, table)
    figure = draw(panels, shown)
    if chosen.figure is not None:
        figure.savefig(chosen.figure, dpi=100)
    plt.show()


if __name__ == "__main__":
    main()
