"""Measure times, repetitions of the programs alternating, and peak memory in a process of its own."""

import gc
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import ROOT, cases, programs

WARM_UP = 20  # steps


@dataclass
class Measured:
    """The time and memory that a program took in each repetition.

    Attributes
    ----------
    build : list of float, s
        Until the first step is done, since NEST builds up to then.
    simulate : list of float
        Seconds per simulated second.
    simulated : float, ms
        How long it simulated.
    memory : float or None, MB
        The most that building and simulating took, beside the program itself.
    """

    simulated: float
    build: list = field(default_factory=list)
    simulate: list = field(default_factory=list)
    memory: float | None = None


def measure(case, candidates, repetitions, report=print):
    """Return what each program took: dict of name to `Measured`; what does not fit in memory is reported and left out.

    Each program first runs a few steps untimed, so that compilers and caches are warm.
    """
    measured = {program: Measured(case.duration_of(program)) for program in candidates if case.admits(program)}
    for program in list(measured):
        try:
            program.build(case.network(), case.dt, case.level, 0)(WARM_UP * case.dt)
        except MemoryError as error:
            report(f"  {program.name}: {error}")
            del measured[program]
    for repetition in range(repetitions):
        for program, times in measured.items():
            time_once(case, program, repetition + 1, times)
    if case.large:
        for program, times in measured.items():
            times.memory = peak_memory(case, program)
    return {program.name: times for program, times in measured.items()}


def time_once(case, program, seed, times):
    """Build, let the first volley pass untimed, and simulate; the description is there before the clock starts."""
    net = case.network()
    if case.large:
        gc.collect()
    began = time.perf_counter()
    simulate = program.build(net, case.dt, case.level, seed)
    simulate(case.dt)
    times.build.append(time.perf_counter() - began)
    simulate(case.settle)
    began = time.perf_counter()
    simulate(times.simulated)
    times.simulate.append((time.perf_counter() - began) / (1e-3 * times.simulated))


def peak_memory(case, program):
    """Return the peak memory of a program, MB, measured in a new process; None where the system does not tell."""
    if not Path("/proc/self/status").exists():
        return None
    order = json.dumps([case.name, program.name, program.options.get("threads", 1)])
    command = [sys.executable, "-m", "benchmarks.timing", order]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def resident(key):
    """Return the memory of this process in MB: ``VmRSS`` now, ``VmHWM`` at most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


def main(order):
    """Print the peak memory of one program in one case."""
    case_name, program_name, threads = json.loads(order)
    (case,) = (case for case in cases.select() if case.name == case_name)
    (program,) = (one for one in programs.available(threads)[0] if one.name == program_name)
    before = resident("VmRSS")
    program.build(case.network(), case.dt, case.level, 1)(WARM_UP * case.dt)
    print(resident("VmHWM") - before)


if __name__ == "__main__":
    main(sys.argv[1])
