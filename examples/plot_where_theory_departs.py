"""
Where the mesoscopic theory departs from neurons
================================================

The equations of a mesoscopic population approximate its neurons. Eight small experiments show where the approximation
is good and where it is not; in each, the reference is neurons connected all to all (sparsely in E and F). Populations
have the published finite-size correction (``finite_size="corrected"``); :doc:`plot_finite_size` compares it with spikes
that are drawn from cohorts of whole neurons:

A. fluctuations of small populations without connections;
B. the spectrum of such a population of regularly firing neurons;
C. the stationary rate with an adapting threshold, under both closures;
D. the spectrum of neurons that adapt so strongly and slowly that each fires like a clock;
E. the rate of a network where each neuron has few, strong inputs;
F. the fluctuations of that network;
G. synchrony of an inhibitory loop, from neurons with little noise to neurons with much noise;
H. the rate with coarser time steps.

``python plot_where_theory_departs.py`` shows the figure (after about fifteen seconds), ``python
plot_where_theory_departs.py figure.png`` writes it; with ``--full``, errors are smaller (some minutes). It prints the
numbers behind the figure, with standard errors. The page on the mesoscopic theory discusses the result.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

import gifpop as gp

NEURONS = "neurons"
LOOKS = {
    NEURONS: ("black", "-", "o"),
    "populations": ("#0072B2", "-", "s"),
    "carried": ("#0072B2", "-", "s"),
    "quasi-renewal": ("#D55E00", "--", "^"),
    "dense": ("#D55E00", "--", "^"),
    "sparse": ("#0072B2", "-", "s"),
}
SHADES = ("#0072B2", "#009E73", "#D55E00")  # of curves that differ in a parameter
POPULATIONS = (NEURONS, "populations")
HOW = {
    NEURONS: {"level": "micro"},
    "populations": {},
    "carried": {"adaptation": "carried"},
    "quasi-renewal": {"adaptation": "quasi-renewal"},
    "dense": {"wiring": "dense"},
    "sparse": {"wiring": "sparse"},
}
C_M, TAU_M, DELTA_V = 250.0, 20.0, 2.5  # pF, ms, mV


# %%
# Cells, networks and statistics
# ------------------------------


def current(mV):
    """Return the current, pA, that moves the resting potential by ``mV``."""
    return mV * C_M / TAU_M


def cell(drive, Delta_V=DELTA_V, strength=0.0, tau=1000.0):
    """Return neurons whose resting potential is ``drive`` mV and whose threshold is 15 mV above the reset.

    A spike lifts the threshold by ``strength * Delta_V``.
    """
    return gp.GIF(
        C_m=C_M,
        tau_m=TAU_M,
        V_T_star=15.0,
        Delta_V=Delta_V,
        lambda_0=10.0,
        t_ref=4.0,
        I_e=current(drive),
        tau_syn_ex=3.0,
        tau_syn_in=6.0,
        tau_sfa=[tau] if strength else [],
        q_sfa=[strength * Delta_V] if strength else [],
    )


def population(N, neurons, inhibition=0.0, delay=1.0):
    """Return a population in which one spike of every neuron lowers each potential by ``inhibition`` mV in total."""
    net = gp.Network()
    net.population("E", N, neurons)
    if inhibition:
        net.connect("E", "E", weight=-inhibition / N * C_M / 6.0, delay=delay)
    return net


def balanced(indegree):
    """Return 800 excitatory and 200 inhibitory neurons with given excitatory and a quarter as many inhibitory inputs.

    Single inputs are the stronger the fewer there are: 0.3 mV for 160 (Schwalger et al., Fig. 5).
    """
    net = gp.Network()
    for name, N in (("E", 800), ("I", 200)):
        net.population(name, N, cell(24.0))
    for post in "EI":
        for pre, weight in (("E", 25.0), ("I", -62.5)):
            net.connect(pre, post, weight=weight * 160 / indegree, p=indegree / 800, delay=1.0)
    return net


def counts_of(net, who, seconds, dt, trials, warmup=0.5, seed=1):
    """Return the spike counts of E, shape (trials, steps), after a warm-up in seconds."""
    how = {"finite_size": "corrected", **HOW[who]}
    result = net.simulate(1e3 * (warmup + seconds), dt=dt, seed=seed, trials=trials, progress=False, **how)
    return result["E"].counts[:, round(1e3 * warmup / dt) :]


def mean_and_error(values):
    """Return the mean over trials and its standard error."""
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0


def rate(counts, N, dt):
    """Return the rate, spikes/s, with its standard error."""
    return mean_and_error(counts.mean(axis=1) / (N * dt * 1e-3))


def fano(counts, dt, window):
    """Return the variance of spike counts in windows (ms) over their mean, with its standard error.

    One for neurons that fire independently, as Poisson processes.
    """
    steps = round(window / dt)
    binned = counts[:, : counts.shape[1] // steps * steps].reshape(len(counts), -1, steps).sum(axis=2)
    return mean_and_error(binned.var(axis=1) / binned.mean(axis=1))


def spectrum(counts, N, dt, smooth):
    """Return frequencies, Hz, and the power of the activity relative to Poisson neurons of the same rate."""
    activity = counts / (N * dt * 1e-3)
    f, power = gp.power_spectrum(activity, dt)
    f, power = f[1:], power.mean(axis=0)[1:] / (activity.mean() / N)
    n = len(f) // smooth * smooth
    return (values[:n].reshape(-1, smooth).mean(axis=1) for values in (f, power))


def percent(measured, true):
    """Return the relative deviation of a number, in percent, and its standard error."""
    return 100.0 * (measured[0] / true[0] - 1.0), 100.0 * np.hypot(measured[1], true[1]) / true[0]


# %%
# A and B: small populations
# --------------------------
#
# Even for ten neurons the rate is right. Fluctuations are right if neurons fire irregularly, and too small if they fire
# regularly, by as much for 20 neurons as for 500.


def small_populations(quick, dt=0.1):
    """Return deviations of the variance of counts in 10 ms, by rate, and print those of the rate."""
    seconds, sizes = (5.0, (20, 50, 100)) if quick else (40.0, (10, 20, 50, 100, 200, 500))
    curves = {}
    for drive in (12.0, 20.0, 30.0):
        for N in sizes:
            net = population(N, cell(drive))
            counts = {who: counts_of(net, who, seconds, dt, 10, seed=round(drive) * N) for who in POPULATIONS}
            rates = {who: rate(c, N, dt) for who, c in counts.items()}
            fanos = {who: fano(c, dt, 10.0) for who, c in counts.items()}
            variance = percent(fanos["populations"], fanos[NEURONS])
            curves.setdefault(f"{rates[NEURONS][0]:.0f} spikes/s", []).append((N, *variance))
            report(
                "A",
                f"N = {N}, {rates[NEURONS][0]:.2f} spikes/s, Fano factor {fanos[NEURONS][0]:.3f}",
                rate=percent(rates["populations"], rates[NEURONS]),
                variance=variance,
            )
    return curves


def small_spectra(quick, N=50, drive=30.0, dt=0.1):
    """Return spectra of a population of regular neurons, by who."""
    net, trials = population(N, cell(drive)), 50 if quick else 500
    return {who: tuple(spectrum(counts_of(net, who, 2.0, dt, trials), N, dt, 2)) for who in POPULATIONS}


# %%
# C and D: adaptation
# -------------------
#
# Quasi-renewal populations treat earlier spikes as Poisson, and fire too fast if adaptation is strong and slow.
# Populations with carried adaptation have the right rate, but are too synchronous.


def adapted_rates(quick, drive=40.0, dt=0.1):
    """Return deviations of the stationary rate by closure and time constant."""
    curves, seconds = {}, 2.0 if quick else 20.0
    for tau in (100.0, 1000.0):
        for strength in (0.5, 1.0, 2.0, 4.0, 6.0):
            rates = {}
            for who in (NEURONS, "quasi-renewal", "carried"):
                N, trials = (300, 2) if who == NEURONS else (10**7, 1)
                net = population(N, cell(drive, DELTA_V, strength, tau))
                rates[who] = rate(counts_of(net, who, seconds, dt, trials, warmup=1.0 + 2e-3 * tau), N, dt)
            off = {who: percent(rates[who], rates[NEURONS]) for who in ("quasi-renewal", "carried")}
            for who, deviation in off.items():
                curves.setdefault((who, tau), []).append((strength, *deviation))
            report("C", f"q = {strength} Delta_V, {tau:g} ms, {rates[NEURONS][0]:.2f} spikes/s", **off)
    return curves


def clockwork_spectra(quick, N=200, drive=120.0, dt=0.1):
    """Return spectra of neurons that adapt by 4 Delta_V for 1 s.

    Neurons that begin alike stay in step for many seconds: drives that differ for a while set them apart.
    """
    spectra = {}
    for who in (NEURONS, "quasi-renewal", "carried"):
        net = population(N, cell(drive, strength=4.0))
        sim = gp.Simulation(net, dt=dt, seed=1, progress=False, finite_size="corrected", **HOW[who])
        if who == NEURONS:
            sim.set("E", I_e=gp.Uniform(0.5 * current(drive), 1.5 * current(drive)))
            sim.run(3000.0)
            sim.set("E", I_e=current(drive))
        sim.run(5000.0)
        counts = np.array([sim.run(4000.0)["E"].counts for _ in range(10 if quick else 100)])
        spectra[who] = tuple(spectrum(counts, N, dt, 2))
        f, power = spectra[who]
        at = ", ".join(f"{band} Hz {power[np.abs(f - band) <= 1.0].mean():.3f}" for band in (2, 5, 10, 20, 50))
        print(f"D  {who}: {counts.mean() / (N * dt * 1e-3):.2f} spikes/s, power over Poisson at {at}")
    return spectra


# %%
# E and F: few strong inputs
# --------------------------
#
# A population receives the mean over all inputs. With sparse wiring it takes into account that its neurons receive
# different samples of the spikes, which makes them less synchronous.


def sparse_networks(quick, dt=0.2):
    """Return rates, and Fano factors in 2 ms, of E by who: tuples of indegree, value and error."""
    rates, fanos = {}, {}
    for indegree in (20, 40, 80, 160):
        for who in (NEURONS, "dense", "sparse"):
            counts = counts_of(balanced(indegree), who, 2.0 if quick else 10.0, dt, 4 if quick else 20)
            of_this = rate(counts, 800, dt), fano(counts, dt, 2.0)
            for curves, value in zip((rates, fanos), of_this, strict=True):
                curves.setdefault(who, []).append((indegree, *value))
            report("E", f"{indegree} inputs of {0.3 * 160 / indegree:.1f} mV, {who}", rate=of_this[0], fano=of_this[1])
    return rates, fanos


# %%
# G: synchrony
# ------------
#
# Inhibition with a delay of 2 ms makes neurons with little noise fire in volleys. Populations do the same, except at
# the transition between the synchronous and the asynchronous state.


def synchrony(quick, N=500, dt=0.2):
    """Return Fano factors in 2 ms, by who: tuples of Delta_V, value and error."""
    curves = {}
    for Delta_V in (0.25, 0.35, 0.5, 0.7, 1.0, 2.5):
        net = population(N, cell(30.0, Delta_V), inhibition=30.0, delay=2.0)
        for who in POPULATIONS:
            counts = counts_of(net, who, 2.0, dt, 6 if quick else 40, warmup=1.0)
            curves.setdefault(who, []).append((Delta_V, *fano(counts, dt, 2.0)))
            report("G", f"Delta_V = {Delta_V} mV, {who}", rate=rate(counts, N, dt), fano=curves[who][-1][1:])
    return curves


# %%
# H: coarse steps
# ---------------
#
# Neurons and populations take the same steps, in which spikes count from the end.


def coarse_steps(quick):
    """Return deviations of the rate from that of neurons at the finest step, with a label, by who and drive."""
    curves, steps = {}, (0.1, 0.2, 0.5, 1.0)
    for drive in (30.0, 60.0):
        net = {NEURONS: population(500, cell(drive)), "populations": population(10**8, cell(drive))}
        counts = {
            (who, dt): counts_of(net[who], who, 4.0 if quick else 20.0, dt, 4) for who in POPULATIONS for dt in steps
        }
        rates = {(who, dt): rate(c, net[who].populations["E"].N, dt) for (who, dt), c in counts.items()}
        true = rates[NEURONS, steps[0]]
        for (who, dt), value in rates.items():
            label, points = curves.setdefault((who, drive), (f"{who}, {true[0]:.0f} spikes/s", []))
            points.append((dt, *percent(value, true)))
            report("H", f"dt = {dt} ms, {label}", rate=points[-1][1:], fano=fano(counts[who, dt], dt, 10.0))
    return curves


# %%
# Numbers and figure
# ------------------


def report(panel, what, **values):
    """Print numbers with their standard errors."""
    numbers = (f"{name} {value:+.3f} ± {error:.3f}" for name, (value, error) in values.items())
    print(f"{panel}  {what}: {', '.join(numbers)}")


def draw_points(ax, points, color, ls, marker, label):
    x, y, error = np.transpose(points)
    ax.errorbar(x, y, error, color=color, ls=ls, marker=marker, ms=4.0, lw=1.3, capsize=2.0, label=label)


def label_ticks(ax, values):
    """Label only these values of a logarithmic axis."""
    ax.set_xscale("log")
    ax.set_xticks(values, [f"{value:g}" for value in values])
    ax.minorticks_off()


def draw_shades(ax, curves, ls="-"):
    for (label, points), color, marker in zip(curves.items(), SHADES, "so^", strict=False):
        draw_points(ax, points, color, ls, marker, label)


def draw_who(ax, curves):
    for who, points in curves.items():
        draw_points(ax, points, *LOOKS[who], who)


def draw_spectra(ax, spectra, highest):
    for who, (f, power) in spectra.items():
        ax.plot(f[f < highest], power[f < highest], color=LOOKS[who][0], ls=LOOKS[who][1], lw=1.2, label=who)
    ax.set(xlabel="frequency [Hz]", ylabel="power / Poisson")


def draw_adapted(ax, curves):
    for (who, tau), points in curves.items():
        color, ls, marker = LOOKS[who]
        draw_points(ax, points, color, ls, marker if tau > 500.0 else "o", f"{who}, {tau:g} ms")


def draw_steps(ax, curves):
    for (who, drive), (label, points) in curves.items():
        color, _, marker = LOOKS[who]
        draw_points(ax, points, color, "-" if drive < 50.0 else "--", marker, label)


def draw(quick):
    """Measure everything and return the figure."""
    figure, axes = plt.subplots(4, 2, figsize=(9.0, 12.0), layout="constrained")
    a, b, c, d, e, f, g, h = axes.flat
    draw_shades(a, small_populations(quick))
    a.set(title="A  small populations: variance of counts", xlabel="N", ylabel="error [%]")
    label_ticks(a, [10, 20, 50, 100, 200, 500] if not quick else [20, 50, 100])
    draw_spectra(b, small_spectra(quick), 150.0)
    b.set(title="B  50 regular neurons: spectrum", ylim=(0.0, None))
    draw_adapted(c, adapted_rates(quick))
    c.set(title="C  adaptation: rate", xlabel="jump of the threshold / Delta_V", ylabel="error [%]")
    draw_spectra(d, clockwork_spectra(quick), 40.0)
    d.set(title="D  strong and slow adaptation: spectrum", yscale="log")
    d.set_ylim(1e-2, 1e2)
    rates, fanos = sparse_networks(quick)
    for ax, curves in ((e, rates), (f, fanos)):
        draw_who(ax, curves)
        ax.set(xlabel="excitatory inputs of a neuron")
        label_ticks(ax, [20, 40, 80, 160])
    e.set(title="E  few strong inputs: rate", ylabel="rate [spikes/s]")
    f.set(title="F  few strong inputs: fluctuations", ylabel="Fano factor in 2 ms")
    draw_who(g, synchrony(quick))
    g.set(title="G  an inhibitory loop: synchrony", xlabel="Delta_V [mV]", yscale="log", ylabel="Fano factor in 2 ms")
    label_ticks(g, [0.25, 0.35, 0.5, 0.7, 1.0, 2.5])
    draw_steps(h, coarse_steps(quick))
    h.set(title="H  coarse steps: rate", xlabel="dt [ms]", ylabel="error [%]")
    for ax in (a, c, h):
        ax.axhline(0.0, color="0.7", lw=0.8, zorder=0)
    for ax in axes.flat:
        ax.legend(frameon=False, fontsize="small")
    a.set_ylim(-16.0, 8.0)
    a.legend(frameon=False, fontsize="small", ncols=3, loc="upper center")
    return figure


def main():
    arguments = argparse.ArgumentParser(description="Where mesoscopic populations depart from neurons.")
    arguments.add_argument("figure", nargs="?", help="file to write the figure to; else it is shown")
    arguments.add_argument("--full", action="store_true", help="smaller errors, some minutes")
    chosen = arguments.parse_args()
    figure = draw(quick=not chosen.full)
    if chosen.figure:
        figure.savefig(chosen.figure, dpi=80)
    plt.show()


if __name__ == "__main__":
    main()
