"""Results as numbers for machines (JSON) and as tables for people."""

import statistics
from pathlib import Path

NEST = "NEST"
UNITS = {"build": "s", "simulate": "s per simulated s", "peak_memory": "MB"}


def summarize(case, measured):
    """Return what was measured in a case as a dict of plain values."""
    programs = {name: _summary(times) for name, times in measured.items()}
    for p in programs.values():
        for what in ("build", "simulate"):
            nest = programs[NEST][f"median_{what}"] if NEST in programs else None
            p[f"{what}_times_faster_than_nest"] = None if nest is None else nest / p[f"median_{what}"]
    return {
        "name": case.name,
        "group": case.group,
        "x": case.x,
        "level": case.level,
        "dt": case.dt,
        "programs": programs,
    }


def _summary(times):
    return {
        "simulated_ms": times.simulated,
        "build": times.build,
        "simulate": times.simulate,
        "median_build": statistics.median(times.build),
        "median_simulate": statistics.median(times.simulate),
        "peak_memory": times.memory,
    }


def lines(result):
    """Return a case as text, a line for each program."""
    yield f"{result['name']} ({result['level']}, dt {result['dt']:g} ms): seconds per simulated second"
    for name, p in result["programs"].items():
        times, ratio, memory = p["simulate"], p["simulate_times_faster_than_nest"], p["peak_memory"]
        yield (
            f"  {name:28s} {p['median_simulate']:9.5f} ({min(times):.5f} to {max(times):.5f})"
            f"{'' if ratio is None else f', {ratio:6.2f} x NEST'}, over {p['simulated_ms']:g} ms; "
            f"build {p['median_build']:.4f} s{'' if memory is None else f', {memory:.0f} MB'}"
        )


def tables(results, machine):
    """Return the tables by name: ``full``, all programs in all networks, and ``short``, gifpop and NEST.

    The short one is of programs on one thread.
    """
    networks = [result for result in results if result["group"] == "networks"]
    names = list(dict.fromkeys(name for result in networks for name in result["programs"]))
    short = [name for name in names if "threads" not in name and name.startswith(("gifpop", NEST))]
    with_nest = [result for result in networks if NEST in result["programs"]]
    caption = (
        "Seconds per simulated second, and how many times NEST's speed; medians of interleaved repetitions.\n"
        f"Machine: {machine['name']}."
    )
    return {
        "full": f"{caption}\n\n{_table(networks, names, memory=True)}",
        "short": f"{caption}\n\n{_table(with_nest, short, memory=False)}",
    }


def _table(results, names, memory):
    rows = [["", *names], ["---"] * (len(names) + 1)]
    for result in results:
        programs = [result["programs"].get(name) for name in names]
        rows.append([result["name"], *(_time(p, "simulate") for p in programs)])
        if any(p and p["peak_memory"] is not None for p in programs):  # a large network
            rows.append(["&emsp; to build it [s]", *(_time(p, "build") for p in programs)])
            if memory:
                rows.append(["&emsp; peak memory [MB]", *(_memory(p) for p in programs)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _round(ratio):
    """Return a ratio with two digits, and no exponent."""
    return f"{ratio:.2g}" if ratio < 99.5 else f"{ratio:.0f}"


def _time(p, what):
    """Return a median and how many times NEST's speed that is, where a program took part."""
    if p is None:
        return ""
    ratio = p[f"{what}_times_faster_than_nest"]
    return f"{p[f'median_{what}']:.3g}" + ("" if ratio in (None, 1.0) else f" ({_round(ratio)} x)")


def _memory(p):
    return "" if p is None or p["peak_memory"] is None else f"{p['peak_memory']:.0f}"


def place(path, texts):
    """Write tables between the markers of a file, ``<!-- benchmark NAME -->`` and ``<!-- end -->``.

    A file that does not exist yet gets the full table.

    Raises
    ------
    ValueError
        If a file has no markers.
    """
    path = Path(path)
    text = path.read_text() if path.exists() else "<!-- benchmark full -->\n<!-- end -->\n"
    placed = 0
    for name, table in texts.items():
        begin, end = f"<!-- benchmark {name} -->\n", "<!-- end -->"
        head, found, tail = text.partition(begin)
        if found:
            text = f"{head}{begin}\n{table}\n\n{end}{tail.partition(end)[2]}"
            placed += 1
    if not placed:
        raise ValueError(f"{path} has no place for a table: <!-- benchmark full --> ... <!-- end -->")
    path.write_text(text)
