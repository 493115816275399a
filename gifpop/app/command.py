"""The command ``gifpop``: arguments and subcommands."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gifpop.app.output import CommandError, complain, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Subcommands import what they need themselves, so that help comes at once.


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, with arguments of this process if none are given.

    Return the exit code: 0; 1 after an error, which one line on standard error tells; 130 after Ctrl-C. Wrong arguments
    exit with 2.
    """
    parser = _parser()
    name = parser.prog
    try:
        with written():
            options = parser.parse_args(argv)
            if options.run is None:
                parser.print_help()
            else:
                name = f"{parser.prog} {options.command}"
                options.run(options)
    except CommandError as error:
        complain(f"{name}: error: {error}")
        return 1
    except BrokenPipeError:  # the reader of the output has seen enough, as in `gifpop info | head -1`
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def demo(options: argparse.Namespace) -> None:
    """Simulate a network at both levels; save the figures; print rates and times."""
    import matplotlib

    from gifpop.app import demo
    from gifpop.assembly.options import LEVEL_NAMES

    folder = Path(options.output)
    demo.make_folder(folder)
    if options.show:
        _require_display("--show")
    else:
        matplotlib.use("Agg")
    levels = {level: demo.demonstrate(level, folder, options.seed) for level in LEVEL_NAMES}
    if options.json:
        print(json.dumps({"duration_ms": demo.DURATION, "seed": options.seed, "levels": levels}))
    else:
        print(demo.report(levels))
    if options.show:
        import matplotlib.pyplot as plt

        plt.show()


def info(options: argparse.Namespace) -> None:
    """Print versions, instruction set, threads and memory."""
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
    else:
        config.show_config()
        print(f"\n{benchmark.report(cases)}")


def explore(options: argparse.Namespace) -> None:
    """Open the window."""
    from gifpop import explore

    _require_display("")
    explore(seed=options.seed, speed=options.speed).show()


def _require_display(option: str) -> None:
    """Raise CommandError where matplotlib cannot open a window."""
    import matplotlib.pyplot as plt
    from matplotlib.backend_bases import FigureManagerBase

    why = ""
    try:
        manager = plt.figure().canvas.manager
        plt.close("all")
        opens = type(manager) is not FigureManagerBase
    except Exception as error:  # each toolkit has its own exceptions
        opens, why = False, f" ({str(error).splitlines()[0]})"
    if not opens:
        raise CommandError(f"{option or 'it'} needs a display; matplotlib's backend here is {plt.get_backend()}{why}")


def nest(options: argparse.Namespace) -> None:
    """Run a script written for NEST, to which ``nest`` is `gifpop.nest`."""
    import runpy
    import sys

    import gifpop.nest

    path = Path(options.script)
    if not path.is_file():
        raise CommandError(f"no such script: {options.script}")
    gifpop.nest.install()
    sys.argv = [options.script, *options.arguments]
    sys.path.insert(0, str(path.resolve().parent))
    runpy.run_path(options.script, run_name="__main__")


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
    sub = command(nest, "run a script written for NEST with gifpop", json=False)
    sub.add_argument("script", help="file of the script, which may import nest")
    sub.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the script")
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
