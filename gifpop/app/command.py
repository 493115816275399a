"""The command ``gifpop``: a first look, facts for a report of an error, and a window onto a running network."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gifpop.common.typing import Level

# What the subcommands need is imported by them, so that help comes at once.

LEVELS: tuple[Level, ...] = ("meso", "micro")
DEMO = {"duration": 2000.0, "dt": 0.5, "step": 1500.0, "jump": 20.0}  # ms, ms, ms, mV


class CommandError(Exception):
    """What the user can mend: one line on standard error, exit code 1."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; None: those of this process.

    Returns
    -------
    int
        Exit code: 0; 1 for an error that one line on standard error tells; 130 after Ctrl-C. Wrong arguments exit
        with 2.
    """
    parser = _parser()
    name = parser.prog
    try:
        with _written():
            options = parser.parse_args(argv)
            if options.run is None:
                parser.print_help()
            else:
                name = f"{parser.prog} {options.command}"
                options.run(options)
    except CommandError as error:
        _complain(f"{name}: error: {error}")
        return 1
    except BrokenPipeError:  # whoever read our output has seen enough, as in `gifpop info | head -1`
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextlib.contextmanager
def _written() -> Iterator[None]:
    """See to it that what is printed is written, and raise CommandError or BrokenPipeError where it cannot be."""
    try:
        try:
            yield
        except SystemExit as leaving:  # of argparse, which has printed help or complained
            if not leaving.code:
                _flush()
            raise
        _flush()
    except OSError as error:
        if error.filename is not None:  # of another file
            raise
        # what is left to write goes nowhere, else Python would try it again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise CommandError(f"cannot write to standard output: {error.strerror}") from None


def _flush() -> None:
    if sys.stdout is None:
        raise CommandError("cannot write to standard output, which is closed")
    sys.stdout.flush()


def _complain(message: str) -> None:
    """Print a line to standard error, if there is one."""
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(message, file=sys.stderr)


def demo(options: argparse.Namespace) -> None:
    """Simulate the seed network at both levels; save the figures; print rates and times."""
    import matplotlib

    folder = Path(options.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--output: cannot make the folder {options.output}: {error.strerror}") from None
    if options.show:
        _require_display("--show")
    else:
        matplotlib.use("Agg")
    levels = {level: _demonstrate(level, folder, options.seed) for level in LEVELS}
    if options.json:
        print(json.dumps({"duration_ms": DEMO["duration"], "seed": options.seed, "levels": levels}))
    else:
        print(
            f"An excitatory and an inhibitory population, {DEMO['duration'] / 1e3:g} s; the drive steps up at "
            f"{DEMO['step'] / 1e3:g} s."
        )
        for level, numbers in levels.items():
            print(_told(level, numbers))
    if options.show:
        import matplotlib.pyplot as plt

        plt.show()


class Demonstrated(TypedDict):
    """What the demonstration found at one level; rates in spikes/s, before and after the step of the drive."""

    neurons: int
    rates_before: dict[str, float]
    rates_after: dict[str, float]
    seconds: float
    times_real_time: float
    figure: str


def _demonstrate(level: Level, folder: Path, seed: int) -> Demonstrated:
    """Simulate one level of the demonstration and save its figure; return what there is to tell."""
    from gifpop import Simulation, models

    net = models.brunel(step=(DEMO["step"], DEMO["jump"]))
    simulation = Simulation(net, dt=DEMO["dt"], level=level, seed=seed)
    start = perf_counter()
    result = simulation.run(DEMO["duration"])
    seconds = perf_counter() - start
    path = folder / f"gifpop_{level}.png"
    figure = result.plot()
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise CommandError(f"--output: cannot write {path}: {error.strerror}") from None
    # the network begins with all neurons having just fired, and forgets it within some hundred ms
    before = (result.t > 500.0) & (result.t <= DEMO["step"])
    after = result.t > DEMO["step"]
    return {
        "neurons": sum(p.largest_N for p in result),
        "rates_before": {p.name: float(p.activity[before].mean()) for p in result},
        "rates_after": {p.name: float(p.activity[after].mean()) for p in result},
        "seconds": seconds,
        "times_real_time": DEMO["duration"] / (seconds * 1e3),
        "figure": str(path),
    }


def _told(level: Level, numbers: Demonstrated) -> str:
    """Return what the demonstration found at one level, as lines of text."""
    before, after = numbers["rates_before"], numbers["rates_after"]
    rates = "; ".join(f"{name} {before[name]:.2f}, then {after[name]:.2f}" for name in before)
    what = "2 populations" if level == "meso" else f"{numbers['neurons']:,} neurons"
    return (
        f"\n{level}scopic ({what})\n"
        f"  rates   {rates} spikes/s\n"
        f"  time    {numbers['seconds'] * 1e3:.1f} ms, {numbers['times_real_time']:.0f} times faster than real time\n"
        f"  figure  {numbers['figure']}"
    )


def info(options: argparse.Namespace) -> None:
    """Print what this installation uses."""
    from gifpop import config

    if options.json:
        print(json.dumps(config.facts()))
    else:
        config.show_config()


def bench(options: argparse.Namespace) -> None:
    """Print how fast this machine runs some networks."""
    from gifpop import config
    from gifpop.app import benchmark

    cases = benchmark.measure(options.seconds)
    if options.json:
        print(json.dumps({"config": config.facts(), "cases": cases}))
        return
    config.show_config()
    print(f"\n{'':42}{'a simulated':>13}{'times':>11}{'a step':>12}")
    print(f"{'medians':42}{'second':>13}{'real time':>11}{'of one':>12}")
    for case in cases:
        print(
            f"{case['name']:42}{case['ms_per_simulated_second']:10.2f} ms{case['times_real_time']:11.0f}"
            f"{case['ns_per_unit_and_step']:9.1f} ns {case['unit']}"
        )


def explore(options: argparse.Namespace) -> None:
    """Open the window."""
    from gifpop import explore

    _require_display("")
    explore(seed=options.seed, speed=options.speed).show()


def _require_display(option: str) -> None:
    """Refuse to go on where matplotlib can open no window."""
    import matplotlib.pyplot as plt
    from matplotlib.backend_bases import FigureManagerBase

    why = ""
    try:
        manager = plt.figure().canvas.manager
        plt.close("all")
        opens_none = type(manager) is FigureManagerBase
    except Exception as error:  # each toolkit has its own exceptions
        opens_none, why = True, f" ({str(error).splitlines()[0]})"
    if opens_none:
        raise CommandError(f"{option or 'it'} needs a display; matplotlib's backend here is {plt.get_backend()}{why}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gifpop", description="Fast simulation of finite populations of generalized integrate-and-fire neurons."
    )
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")

    def command(
        function: Callable[[argparse.Namespace], None], help: str, json: bool = True
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(function.__name__, help=help, description=help[0].upper() + help[1:] + ".")
        sub.set_defaults(run=function)
        if json:
            sub.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        return sub

    sub = command(demo, "simulate a network at both levels, save the figures, print rates and times")
    sub.add_argument("--output", default=".", metavar="FOLDER", help="where to save the figures (default: here)")
    sub.add_argument("--seed", type=_seed, default=1, help="of the simulations (default: 1)")
    sub.add_argument("--show", action="store_true", help="open the figures in windows, too")
    command(info, "print versions, instruction set, threads and memory")
    sub = command(bench, "measure how fast this machine runs some networks")
    sub.add_argument("--seconds", type=_positive, default=0.5, help="for each network (default: 0.5)")
    sub = command(explore, "open a window onto a running network whose parameters you move", json=False)
    sub.add_argument("--speed", type=_positive, default=1.0, help="times real time, 0.1 to 20 (default: 1)")
    sub.add_argument("--seed", type=_seed, default=None, help="of the simulation (default: another one each time)")
    return parser


def _seed(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be an integer >= 0, got {text!r}")
    return value


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number > 0, got {text!r}")
    return value
