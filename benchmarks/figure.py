"""The results as a figure: one panel for the networks, one for each curve."""

import matplotlib.pyplot as plt

# Okabe & Ito's colours, which the colour-blind tell apart; markers and dashes say the same.
LOOKS = {
    "gifpop adaptive": ("#D55E00", "o"),
    "gifpop": ("#0072B2", "s"),
    "NEST": ("#000000", "D"),
    "Numba": ("#009E73", "^"),
    "plain C": ("#CC79A7", "v"),
}
COST = "time per simulated second [s]"


def draw(results, machine):
    """Return a figure of all results."""
    curves = {}
    for result in results:
        if result["group"] != "networks":
            curves.setdefault(result["group"], []).append(result)
    networks = [result for result in results if result["group"] == "networks"]
    rows = len(curves) // 3 + 1  # the last panel is the legend's
    figure = plt.figure(figsize=(11.0, 3.2 * (1 + rows)), layout="constrained")
    figure.suptitle(machine["name"], fontsize="medium")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, rows))
    handles = _draw_networks(upper.subplots(), networks)
    panels = lower.subplots(rows, 3, squeeze=False, sharey=True).ravel()
    for axes, (group, points) in zip(panels, curves.items(), strict=False):
        handles |= _draw_curve(axes, group, points)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    panels[-1].legend(handles.values(), handles.keys(), loc="center", frameon=False)
    return figure


def _draw_networks(axes, results):
    """Draw a row for each network; return the handles of the programs for a legend."""
    handles = {}
    for row, result in enumerate(results):
        for name, p in result["programs"].items():
            (handles[name],) = axes.plot(p["median_simulate"], row, ls="none", ms=8, **_look(name))
    axes.set_yticks(range(len(results)), [result["name"] for result in results])
    axes.set(xscale="log", xlabel=COST, ylim=(len(results) - 0.5, -0.5))
    axes.axvline(1.0, color="0.7", lw=0.8, zorder=0)
    axes.grid(axis="x", color="0.9")
    return handles


def _draw_curve(axes, group, results):
    """Draw time against one property of a network; return the handles of the programs."""
    handles = {}
    for name in dict.fromkeys(name for result in results for name in result["programs"]):
        points = [(r["x"], r["programs"][name]["median_simulate"]) for r in results if name in r["programs"]]
        (handles[name],) = axes.plot(*zip(*points, strict=True), ms=5, lw=1.2, **_look(name))
    x = [result["x"] for result in results]
    axes.set(xscale="log", yscale="log", xlabel=group)
    axes.set_xticks(x, [f"{value:,.12g}" for value in x], fontsize="small")
    axes.set_xticks([], minor=True)
    axes.grid(color="0.9")
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel(COST)
    return handles


def _look(name):
    """Return colour, marker and dashes of a program; with several threads, dashed lines and empty markers."""
    color, marker = next(look for prefix, look in LOOKS.items() if name.startswith(prefix))
    threads = "threads" in name
    look = {"color": color, "marker": marker, "markerfacecolor": "white" if threads else color}
    return look | ({"dashes": (4, 2)} if threads else {})
