"""Results as numbers for machines (JSON) and as tables for people."""

import statistics
from pathlib import Path

NEST = "NEST"


def summarize(case, measured):
    """Return what was measured in a case as a dict of plain values."""
    reference = statistics.median(measured[NEST].simulate) if NEST in measured else None
    return {
        "name": case.name, "group": case.group, "x": case.x, "level": case.level, "dt": case.dt,
        "programs": {name: _summary(times, reference) for name, times in measured.items()},
    }  # fmt: skip


def _summary(times, reference):
    median = statistics.median(times.simulate)
    return {
        "simulated_ms": times.simulated,
        "build_s": times.build,
        "simulate_s_per_s": times.simulate,
        "median_build_s": statistics.median(times.build),
        "median_simulate_s_per_s": median,
        "times_faster_than_nest": None if reference is None else reference / median,
        "peak_memory_MB": times.memory,
    }


def lines(result):
    """Return a case as text, a line for each program."""
    yield f"{result['name']} ({result['level']}, dt {result['dt']:g} ms): seconds per simulated second"
    for name, p in result["programs"].items():
        times, ratio, memory = p["simulate_s_per_s"], p["times_faster_than_nest"], p["peak_memory_MB"]
        yield (
            f"  {name:28s} {p['median_simulate_s_per_s']:9.5f} ({min(times):.5f} to {max(times):.5f})"
            f"{'' if ratio is None else f', {ratio:6.2f} x NEST'}, over {p['simulated_ms']:g} ms; "
            f"build {p['median_build_s']:.4f} s{'' if memory is None else f', {memory:.0f} MB'}"
        )


def tables(results, machine):
    """Return the tables by name: ``full``, all programs in all networks, and ``short``, gifpop and NEST."""
    networks = [result for result in results if result["group"] == "networks"]
    names = list(dict.fromkeys(name for result in networks for name in result["programs"]))
    short = [name for name in names if "threads" not in name and name.startswith(("gifpop", NEST))]
    with_nest = [result for result in networks if NEST in result["programs"]]
    caption = (
        f"Seconds per simulated second ({machine['name']}; medians of interleaved repetitions); in brackets, how many "
        "times NEST's speed."
    )
    return {
        "full": f"{caption}\n\n{_table(networks, names, details=True)}",
        "short": f"{caption}\n\n{_table(with_nest, short, details=False)}",
    }


def _table(results, names, details):
    rows = [["", *names], ["---"] * (len(names) + 1)]
    for result in results:
        programs = [result["programs"].get(name) for name in names]
        rows.append([result["name"], *map(_speed, programs)])
        if details and any(p and p["peak_memory_MB"] is not None for p in programs):
            rows.append(["&emsp; to build it [s]", *(_cell(p, "median_build_s", "{:.2f}") for p in programs)])
            rows.append(["&emsp; peak memory [MB]", *(_cell(p, "peak_memory_MB", "{:.0f}") for p in programs)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _speed(p):
    cell = _cell(p, "median_simulate_s_per_s", "{:.3g}")
    ratio = p and p["times_faster_than_nest"]
    return cell if ratio is None else f"{cell} ({ratio:.2g})"


def _cell(p, key, form):
    return "" if p is None or p[key] is None else form.format(p[key])


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
