"""Time gifpop against NEST, Numba and C, side by side in one run.

``python -m benchmarks.run`` measures everything, in some ten minutes; ``--quick`` in about a minute. Repetitions of the
programs alternate, so that changes of the machine's speed hit all alike, and medians are compared. What is not
installed is left out.
"""

import argparse
import json

from benchmarks import cases, figure, machine, report, timing
from benchmarks.programs import available


def main(arguments=None):
    """Measure, print, and write what was asked for."""
    options = parse(arguments)
    facts = machine.describe(options.machine)
    programs, missing = available(options.threads or facts["cores"])
    programs = [program for program in programs if any(part in program.name for part in options.programs)]
    print(facts["name"], *facts["gifpop"], *missing, sep="\n")
    results = []
    for case in cases.select(options.case, options.quick):
        repetitions = options.repetitions or (3 if options.quick else case.repetitions)
        measured = timing.measure(case.scaled(options.scale), programs, repetitions)
        if measured:
            results.append(report.summarize(case, measured))
            print(*report.lines(results[-1]), sep="\n", flush=True)
    write(options, facts, results)


def parse(arguments):
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, 3 repetitions, no large networks")
    parser.add_argument("--case", default="", help="part of the names of the cases to run, or 'networks'")
    parser.add_argument("--programs", nargs="+", default=[""], help="parts of the names of the programs to run")
    parser.add_argument("--threads", type=int, help="of the programs that can use several (default: all cores)")
    parser.add_argument("--repetitions", type=int, help="of each case, instead of its own number")
    parser.add_argument("--scale", type=float, help="factor of all durations (1, or 0.1 with --quick)")
    parser.add_argument("--json", help="file to write all numbers to")
    parser.add_argument("--plot", help="file to draw a figure to")
    parser.add_argument("--table", nargs="+", default=[], help="markdown files with places for tables")
    parser.add_argument("--machine", help="what to call this machine")
    options = parser.parse_args(arguments)
    options.scale = options.scale or (0.1 if options.quick else 1.0)
    return options


def write(options, facts, results):
    """Write the files that were asked for."""
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": facts, "units": report.UNITS, "results": results}, file, indent=1)
    if options.plot:
        figure.draw(results, facts).savefig(options.plot, dpi=120)
    for path in options.table:
        report.place(path, report.tables(results, facts))


if __name__ == "__main__":
    main()
