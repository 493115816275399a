"""
Where each closure of adaptation holds
======================================

A mesoscopic population does not know the past of each neuron, only how many neurons fired when. Two closures
approximate the rest: ``adaptation="quasi-renewal"`` treats all spikes before a neuron's last one as Poisson; with
``"carried"``, each cohort carries the mean and covariance of its members' adaptation. Both are compared here with
neurons:

- the stationary rate of neurons without connections, against the jump of the threshold, its time constant and the rate;
- their response to a step of 20 mV;
- rate, variance and power spectrum of finite populations, without connections and with inhibition of each other;
- stationary state and response to a step of a network of excitatory and inhibitory neurons, all to all.

Both levels take the same steps in time, so that their differences are those of the closures. Populations have the
published finite-size correction (``finite_size="corrected"``); :doc:`plot_finite_size` compares it with spikes that are
drawn from cohorts of whole neurons.

``python plot_adaptation_closures.py`` measures a small part of the study (about ten seconds) and shows the figure;
``python plot_adaptation_closures.py figure.png`` writes it. With ``--full`` it measures everything (about an hour on
one core; it continues after an interrupt), with ``--redraw`` it makes tables and figure from stored numbers.
:doc:`/closures` shows the results of the whole study.
"""

import argparse
import json
import re
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.optimize import brentq

import gifpop as gp

NEURONS = "neurons"
CLOSURES = ("quasi-renewal", "carried")
LOOKS = {NEURONS: ("black", "-"), "quasi-renewal": ("#D55E00", "--"), "carried": ("#0072B2", "-")}

DELTA_V, TAU_M, C_M = 2.5, 20.0, 250.0  # mV, ms, pF
STEP = 20.0  # mV
VOLLEY = (4, 1000)  # strength and time constant, ms, of neurons that begin with one
SEGMENT = 4.0  # s, of which a power spectrum is taken
INHIBITION = 10.0  # mV: what a spike of every neuron moves the potential of each by
BANDS = {2: 1.0, 5: 2.0, 10: 2.0, 20: 2.0, 50: 5.0, 100: 10.0}  # Hz: centre and half the width

GRIDS = {
    "quick": {
        "strengths": (0, 4),
        "taus": (100, 300),
        "rates": (5, 20),
        "spikes": 200,
        "neurons": 4_000,
        "responses": ((4, 100),),
        "sizes": (),
        "ensembles": (),
        "ensemble_rates": (),
        "seconds": 0,
        "trials": 6,
        "runs": 1,
        "uncoupled_runs": 0,
    },
    "full": {
        "strengths": (0, 1, 2, 4, 6),
        "taus": (30, 100, 300, 1000, 3000),
        "rates": (2, 5, 10, 20, 40, 60),
        "spikes": 2000,
        "neurons": 100_000,
        "responses": None,
        "sizes": (50, 200, 1000, 5000),
        "ensembles": ((0, 100), (2, 100), (4, 100), (4, 1000), (6, 300)),
        "ensemble_rates": (5, 20),
        "seconds": 400,
        "trials": 2000,
        "runs": 100,
        "uncoupled_runs": 100,
    },
}


# %%
# Neurons and populations
# -----------------------


def current(mV):
    """Return the current, pA, that moves the resting potential by ``mV``."""
    return mV * C_M / TAU_M


def cell(strength, tau, drive):
    """Return neurons whose threshold a spike lifts by ``strength * Delta_V`` and that rest at ``drive`` mV."""
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
        tau_sfa=[tau] if strength else [],
        q_sfa=[strength * DELTA_V] if strength else [],
    )


def simulation(net, who, dt, seed, **options):
    """Return a simulation of the neurons, or of the populations with one of the closures."""
    how = {"level": "micro"} if who == NEURONS else {"adaptation": who, "finite_size": "corrected"}
    return gp.Simulation(net, dt=dt, seed=list(seed.encode()), progress=False, **how, **options)


def uncoupled(strength, tau, drive, N, dt, who, seed):
    """Return a simulation of neurons without connections."""
    net = gp.Network()
    net.population("P", N, cell(strength, tau, drive))
    return simulation(net, who, dt, seed)


def time_step(drive, coarsest):
    """Return a step, ms, in which the potential rises after a spike by no more than Delta_V, as far as is practical."""
    return next(dt for dt in (0.4, 0.2, 0.1, 0.05, 0.04, 0.02) if dt <= coarsest and (drive * dt <= 50.0 or dt == 0.02))


def settle(sim, who, tau, drive):
    """Run a population until it is stationary; with strong adaptation this takes less than its time constant.

    Neurons start alike, and strongly adapting ones remain in step for many seconds: each makes up for a late spike with
    an early next one. Drives that differ for a while set them apart.
    """
    if who == NEURONS:
        sim.set("P", I_e=gp.Uniform(0.5 * current(drive), 1.5 * current(drive)))
        sim.run(1000.0 + tau)
        sim.set("P", I_e=current(drive))
    sim.run(1000.0 + (2.0 if who == NEURONS else 4.0) * tau)


# %%
# Stationary rates
# ----------------


def find_drive(strength, tau, rate, seed):
    """Return the drive, mV, at which neurons fire at a rate, to about one percent."""

    def excess(drive):
        sim = uncoupled(strength, tau, drive, 100, time_step(drive, 0.4), NEURONS, seed)
        settle(sim, NEURONS, tau, drive)
        return np.log(sim.run(1e3 * round(200 / rate)).activity.mean() / rate + 1e-3)

    highest = 60.0 + 3.0 * strength * DELTA_V * tau * 1e-3 * rate
    return round(brentq(excess, 0.0, highest, rtol=1e-3), 2)


def stationary_rate(strength, tau, drive, rate, spikes, who, seed):
    """Return the stationary rate and its standard error."""
    if who == NEURONS:
        return rate_of_neurons(strength, tau, drive, rate, spikes, seed)
    return rate_of_population(strength, tau, drive, who, seed)


def rate_of_neurons(strength, tau, drive, rate, spikes, seed):
    """Return the rate of 500 neurons from some thousand spikes each, and its standard error.

    Where neurons are so regular that all fire equally often, the error is that of counting whole spikes.
    """
    N, duration = 500, round(spikes / rate) * 1e3
    dt = time_step(drive, 0.2)
    sim = uncoupled(strength, tau, drive, N, dt, NEURONS, seed)
    settle(sim, NEURONS, tau, drive)
    counts = np.bincount(sim.run(duration)["P"].spikes[1], minlength=N)
    return {
        "rate": counts.mean() / duration * 1e3,
        "error": max(counts.std() / np.sqrt(N), 0.3 if counts.std() < 0.5 else 0.0) / duration * 1e3,
    }


def rate_of_population(strength, tau, drive, who, seed):
    """Return the rate of a very large population, which does not fluctuate, in the steps of the neurons.

    What is left of the oscillation in which the population begins is weighted out.
    """
    sim = uncoupled(strength, tau, drive, 10**8, time_step(drive, 0.2), who, seed)
    settle(sim, who, tau, drive)
    activity = sim.run(2000.0).activity[:, 0]
    return {"rate": np.average(activity, weights=np.hanning(len(activity))), "error": 0.0}


# %%
# Response to a step
# ------------------


def bins(activity, dt, width=1.0):
    """Return averages over bins of a width in ms, shape (bins, populations)."""
    steps = round(width / dt)
    n = len(activity) // steps
    return activity[: n * steps].reshape(n, steps, -1).mean(axis=1)


def smooth(response):
    """Return an activity in 1-ms bins, averaged over 10 ms."""
    return uniform_filter1d(np.asarray(response), 10, axis=0)


def response(strength, tau, drive, neurons, who, seed):
    """Return the activity in 1-ms bins of very many neurons, for 0.1 s at one drive and 0.4 s at a higher one."""
    dt = time_step(drive + STEP, 0.1)
    sim = uncoupled(strength, tau, drive, neurons if who == NEURONS else 10**8, dt, who, seed)
    settle(sim, who, tau, drive)
    before = sim.run(100.0).activity
    sim.set("P", I_e=current(drive + STEP))
    return {"response": bins(np.concatenate([before, sim.run(400.0).activity]), dt)[:, 0].round(3).tolist()}


def volley(strength, tau, drive, neurons, who, seed):
    """Return the activity in 1-ms bins of very many neurons during 2 s after all have fired at once."""
    dt = time_step(drive, 0.1)
    sim = uncoupled(strength, tau, drive, neurons if who == NEURONS else 10**8, dt, who, seed)
    return {"response": bins(sim.run(2000.0).activity, dt)[:, 0].round(3).tolist()}


# %%
# Finite populations
# ------------------


def statistics(activity):
    """Return rate, variance and power in bands of activities in 1-ms bins, shape (segments, bins), and their errors."""
    f, power = gp.power_spectrum(activity, 1.0)
    bands = [power[:, np.abs(f - centre) <= half].mean(axis=1) for centre, half in BANDS.items()]
    values = np.column_stack([activity.mean(axis=1), activity.var(axis=1), *bands])
    return {"value": values.mean(axis=0).tolist(), "error": (values.std(axis=0) / np.sqrt(len(values))).tolist()}


def ensemble(strength, tau, drive, rate, N, coupled, seconds, who, seed):
    """Return `statistics` of a population of N neurons, which inhibit each other or have no connections."""
    dt = time_step(drive, 0.2)
    net = gp.Network()
    inhibition = INHIBITION if coupled else 0.0
    drive += inhibition * TAU_M * 1e-3 * rate  # for the same rate
    P = net.population("P", N, cell(strength, tau, drive))
    if coupled:
        net.connect(P, P, weight=-inhibition / N * C_M / net.populations["P"].cell.tau_syn_in, delay=1.0)
    sim = simulation(net, who, dt, seed, initial="fired" if who == NEURONS else "stationary")
    settle(sim, who, tau, drive)
    segments = round(seconds / SEGMENT * min(1.0, 1000 / N))
    return statistics(np.array([bins(sim.run(1e3 * SEGMENT).activity, dt)[:, 0] for _ in range(segments)]))


# %%
# A network of excitatory and inhibitory neurons
# ----------------------------------------------
#
# This is `gifpop.models.brunel`, connected all to all: each neuron receives from all others the mean input of random
# connections with probability 0.2.


def dense_network(connected=True):
    """Return the network with all-to-all connections, or without any."""
    net, sparse = gp.Network(), gp.models.brunel()
    for name, population in sparse.populations.items():
        net.population(name, population.N, population.cell)
    for link in sparse.connections if connected else ():
        net.connect(link.pre, link.post, weight=link.weight * link.rule.p, delay=link.delay)
    return net


def network_response(trials, who, seed, dt=0.1):
    """Return the activity of E in 1-ms bins, averaged over trials, from 1400 to 2000 ms with a step at 1500 ms."""
    net = dense_network()
    for name in net.populations:
        net.inject(name, gp.StepCurrent([1500.0], [current(STEP)]))
    total = 0.0
    for trial in range(trials):
        sim = simulation(net, who, dt, f"{seed} {trial}")
        total = total + bins(sim.run(2000.0).activity[:, :1], dt)[1400:, 0]
    return {"response": (total / trials).round(4).tolist()}


def network_statistics(runs, connected, who, seed, dt=0.1):
    """Return `statistics` of E from runs of 20 s."""
    segments = []
    for run in range(runs):
        sim = simulation(dense_network(connected=connected), who, dt, f"{seed} {run}")
        sim.run(2000.0)
        segments.append(bins(sim.run(20_000.0).activity[:, :1], dt)[:, 0].reshape(-1, round(1e3 * SEGMENT)))
    return statistics(np.concatenate(segments))


# %%
# The study
# ---------


class Study:
    """Numbers by name, kept in a file: what has been measured is not measured again.

    Parameters
    ----------
    path : Path or None
        JSON file; None: not kept.
    complete : bool
        The file has everything.
    """

    def __init__(self, path, complete=False):
        self.path, self.complete = path, complete
        self.numbers = json.loads(path.read_text()) if path is not None and path.exists() else {}

    def get(self, name, measure, *arguments):
        """Return what ``measure(*arguments, seed)`` measures."""
        if name not in self.numbers:
            if self.complete:
                raise SystemExit(f"{self.path} has no {name!r}: run with --full first")
            self.numbers[name] = measure(*arguments, name)
            if self.path is not None:
                lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in self.numbers.items())
                self.path.write_text(f"{{\n{lines}\n}}\n")
        return self.numbers[name]

    def compare(self, name, measure, *arguments):
        """Return what ``measure(*arguments, who, seed)`` measures of neurons and with each closure, by who."""
        return {who: self.get(f"{name} {who}", measure, *arguments, who) for who in (NEURONS, *CLOSURES)}

    def drive(self, strength, tau, rate):
        """Return the drive, mV, for a rate."""
        return self.get(f"drive {strength} {tau} {rate}", find_drive, strength, tau, rate)


def cells(grid):
    """Yield strengths and time constants; without adaptation there is no time constant to vary."""
    for strength in grid["strengths"]:
        for tau in grid["taus"][: 1 if strength == 0 else None]:
            yield strength, tau


def measure_rates(study, grid):
    """Return rates by strength, time constant and intended rate, then by who."""
    return {
        (*cell, rate): study.compare(
            f"rate {cell[0]} {cell[1]} {rate}", stationary_rate, *cell, study.drive(*cell, rate), rate, grid["spikes"]
        )
        for cell, rate in product(cells(grid), grid["rates"])
    }


def measure_curves(study, grid, kind, measure, chosen):
    """Return activities, averaged over 10 ms, by strength and time constant, then by who."""
    curves = {}
    for strength, tau in chosen:
        by = study.compare(
            f"{kind} {strength} {tau}", measure, strength, tau, study.drive(strength, tau, 5), grid["neurons"]
        )
        curves[strength, tau] = {who: smooth(measured["response"]) for who, measured in by.items()}
    return curves


def measure_ensembles(study, grid):
    """Return statistics of finite populations by strength, time constant, coupling, rate and size, then by who."""
    return {
        (*cell, coupled, rate, N): study.compare(
            f"ensemble {cell[0]} {cell[1]} {rate} {N} {'coupled' if coupled else 'uncoupled'}",
            ensemble,
            *cell,
            study.drive(*cell, rate),
            rate,
            N,
            coupled,
            grid["seconds"],
        )
        for cell, rate, N, coupled in product(grid["ensembles"], grid["ensemble_rates"], grid["sizes"], (False, True))
    }


def measure_network(study, grid):
    """Return statistics and response of the network, and statistics without connections if wanted, each by who."""
    response = study.compare("network response", network_response, grid["trials"])
    measured = {
        "connected": study.compare("network", network_statistics, grid["runs"], True),
        "response": {who: smooth(measured["response"]) for who, measured in response.items()},
    }
    if grid["uncoupled_runs"]:
        runs = grid["uncoupled_runs"]
        measured["uncoupled"] = study.compare("network uncoupled", network_statistics, runs, False)
    return measured


# %%
# Tables
# ------


def markdown(header, rows):
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def grade(deviation):
    """Return dots for the error of a closure: within 1, 5, 10 percent."""
    good = sum(abs(deviation) <= limit for limit in (0.01, 0.05, 0.10))
    return "●" * good + "○" * (3 - good)


def rates_table(rates, grid):
    """Return the largest deviation from the rate of neurons, in percent, and the rate at which it occurs."""
    rows = []
    for who, strength in product(CLOSURES, grid["strengths"]):
        row = [who, strength]
        for tau in grid["taus"]:
            deviations = {
                rate: rates[strength, tau, rate][who]["rate"] / rates[strength, tau, rate][NEURONS]["rate"] - 1.0
                for rate in grid["rates"]
                if (strength, tau, rate) in rates
            }
            worst = max(deviations, key=lambda rate, d=deviations: abs(d[rate]), default=None)
            row.append(f"{grade(deviations[worst])} {100 * deviations[worst]:+.2f} at {worst}/s" if deviations else "")
        rows.append(row)
    return markdown(["closure", "q/Delta_V", *(f"{tau} ms" for tau in grid["taus"])], rows)


def rms(by, who, first, last):
    """Return the root mean square of the error of a response from ``first`` to ``last`` ms after the step."""
    return np.sqrt(np.mean((by[who] - by[NEURONS])[100 + first : 100 + last] ** 2))


def responses_table(responses):
    """Return errors of responses, spikes/s, until 200 ms after the step and later."""
    rows = [
        [
            *cell,
            f"{by[NEURONS].max():.1f}",
            *(f"{rms(by, who, 5, 200):.2f}, {rms(by, who, 200, 395):.2f}" for who in CLOSURES),
        ]
        for cell, by in responses.items()
    ]
    return markdown(["q/Delta_V", "tau [ms]", "peak of neurons", *CLOSURES], rows)


def deviation(own, true):
    """Return deviations of `statistics` and their standard errors, in percent."""
    error = np.hypot(own["error"], true["error"])
    return 100.0 * np.array([np.divide(own["value"], true["value"]) - 1.0, error / true["value"]])


def ensembles_table(ensembles):
    """Return the largest deviations of finite populations over rates and sizes, in percent."""
    groups = {}
    for (strength, tau, coupled, *_), by in ensembles.items():
        for who in CLOSURES:
            key = strength, tau, "inhibition" if coupled else "none", who
            groups.setdefault(key, []).append(deviation(by[who], by[NEURONS]))
    rows = []
    for key, deviations in groups.items():
        worst = (max(of_kind, key=lambda pair: abs(pair[0])) for of_kind in np.transpose(deviations, (2, 0, 1)))
        rows.append([*key, *(f"{value:+.1f} ± {error:.1f}" for value, error in worst)])
    bands = (f"{f} Hz" for f in BANDS)
    return markdown(["q/Delta_V", "tau [ms]", "connections", "closure", "rate", "variance", *bands], rows)


def network_table(network):
    """Return statistics and errors of the response of the network."""
    kinds = ["rate", "variance", *(f"power at {f} Hz" for f in BANDS)]
    lines = [(i, kind, network["connected"]) for i, kind in enumerate(kinds)]
    if "uncoupled" in network:
        lines.append((0, "rate without connections", network["uncoupled"]))
    rows = []
    for i, kind, by in lines:
        row = [kind, f"{by[NEURONS]['value'][i]:.4g} ± {by[NEURONS]['error'][i]:.1g}"]
        for who in CLOSURES:
            percent, error = deviation(by[who], by[NEURONS])[:, i]
            row.append(f"{by[who]['value'][i]:.4g} ({percent:+.2f} ± {error:.2f} %)")
        rows.append(row)
    for first, last in ((5, 200), (200, 485)):
        errors = (f"{rms(network['response'], who, first, last):.2f}" for who in CLOSURES)
        rows.append([f"rms error of the response, {first} to {last} ms after the step", "", *errors])
    return markdown(["", NEURONS, *CLOSURES], rows)


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


def draw(rates, responses, volleys, network, grid):
    """Return a figure: above deviations of the rate, below activities."""
    figure = plt.figure(figsize=(11.0, 7.5), layout="constrained")
    upper, lower = figure.subfigures(2, 1)
    strengths = grid["strengths"]
    for axes, strength in zip(upper.subplots(1, len(strengths), sharey=True), strengths, strict=True):
        draw_deviations(axes, rates, strength, grid)
    upper.axes[0].set_ylabel("rate: error [%]")
    upper.axes[0].legend(frameon=False, fontsize="small", loc="upper left")
    panels = (
        ("step of 20 mV: network, E", network["response"], (50, 400), 100),
        ("step of 20 mV: q = 4 Delta_V, 100 ms", responses[4, 100], (50, 400), 100),
        ("after a volley: q = {} Delta_V, {} ms".format(*VOLLEY), volleys[VOLLEY], (0, 2000), 0),
    )
    for axes, (title, by, (first, last), zero) in zip(lower.subplots(1, 3), panels, strict=True):
        for who, activity in by.items():
            color, ls = LOOKS[who]
            axes.plot(np.arange(first, last) - zero + 0.5, activity[first:last], color=color, ls=ls, lw=1.2, label=who)
        axes.set(title=title, xlabel="time [ms]")
    lower.axes[0].set_ylabel("activity [spikes/s]")
    lower.axes[0].legend(frameon=False)
    lower.axes[-1].set_ylim(0.0, 25.0)
    return figure


def draw_deviations(axes, rates, strength, grid):
    """Draw the error of the rate against the rate, in a colour for each time constant."""
    for color, tau in zip(
        plt.colormaps["viridis"](np.linspace(0.0, 0.85, len(grid["taus"]))), grid["taus"], strict=True
    ):
        of_cell = {key[2]: by for key, by in rates.items() if key[:2] == (strength, tau)}
        for who in CLOSURES if of_cell else ():
            errors = [100.0 * (by[who]["rate"] / by[NEURONS]["rate"] - 1.0) for by in of_cell.values()]
            axes.plot(list(of_cell), errors, color=color, ls=LOOKS[who][1], marker=".")
        axes.plot([], [], color=color, label=f"{tau} ms")
    axes.axhspan(-1.0, 1.0, color="0.9", zorder=0)
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set(xscale="log", title=f"q = {strength} Delta_V", xlabel="rate [spikes/s]")
    axes.set_xticks(grid["rates"], grid["rates"], fontsize="small")
    axes.minorticks_off()


def main():
    arguments = argparse.ArgumentParser(description="Where each closure of adaptation holds.")
    arguments.add_argument("figure", nargs="?", help="file to write the figure to; else it is shown")
    arguments.add_argument("--full", action="store_true", help="the whole study, about an hour")
    arguments.add_argument("--redraw", action="store_true", help="from stored numbers of the whole study")
    arguments.add_argument("--numbers", default="adaptation_closures.json", help="where those are stored")
    arguments.add_argument("--table", metavar="FILE", help="renew the tables of this file")
    chosen = arguments.parse_args()
    full = chosen.full or chosen.redraw
    grid = GRIDS["full" if full else "quick"]
    study = Study(Path(chosen.numbers) if full else None, complete=chosen.redraw)

    rates = measure_rates(study, grid)
    responses = measure_curves(study, grid, "response", response, grid["responses"] or cells(grid))
    volleys = measure_curves(study, grid, "volley", volley, [VOLLEY])
    network = measure_network(study, grid)
    tables = {
        "rates": rates_table(rates, grid),
        "responses": responses_table(responses),
        "network": network_table(network),
    }
    if grid["ensembles"]:
        tables["populations"] = ensembles_table(measure_ensembles(study, grid))
    for name, table in tables.items():
        print(f"{name}\n\n{table}")
        if chosen.table:
            renew(Path(chosen.table), name, table)
    figure = draw(rates, responses, volleys, network, grid)
    if chosen.figure is not None:
        figure.savefig(chosen.figure, dpi=100)
    plt.show()


if __name__ == "__main__":
    main()
