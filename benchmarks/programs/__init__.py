"""The programs to compare.

Each module has ``build(net, dt, level, seed, **options)``, which returns a function of a duration in ms that simulates
on, and an import that fails where the program is not installed.
"""

import importlib
from dataclasses import dataclass, field

MODULES = {
    "nest": ("NEST", "pip install nest-simulator"),
    "numba": ("Numba", "pip install numba"),
    "c": ("plain C", "needs a C compiler and Python's headers"),
}


@dataclass(frozen=True, eq=False)
class Program:
    """A program with its options.

    Attributes
    ----------
    name : str
        For people.
    module : str
        In this package.
    levels : tuple of str
        At which it is timed.
    options : dict
        For its ``build``.
    """

    name: str
    module: str
    levels: tuple = ("meso", "micro")
    options: dict = field(default_factory=dict)

    def build(self, net, dt, level, seed):
        """Return a simulation that is ready to run."""
        return importlib.import_module(f"{__name__}.{self.module}").build(net, dt, level, seed, **self.options)


def available(threads=1):
    """Return the programs that are installed here, and why others are missing: two lists.

    What can use several threads is there twice, the second time with ``threads``, if these are more than one.
    """
    programs, missing = gifpops(threads), []
    for module, (name, remedy) in MODULES.items():
        try:
            importlib.import_module(f"{__name__}.{module}")
        except (ImportError, OSError) as error:
            missing.append(f"{name} is missing ({remedy}): {str(error).splitlines()[0]}")
            continue
        programs.append(Program(name, module))
        if module == "nest" and threads > 1:
            programs.append(Program(f"{name}, {threads} threads", module, options={"threads": threads}))
    return programs, missing


def gifpops(threads):
    """Return gifpop with NEST's equations and either history, on one thread and on all; and with carried adaptation."""
    programs = []
    for count in (1, threads) if threads > 1 else (1,):
        suffix = f", {count} threads" if count > 1 else ""
        programs.append(Program(f"gifpop{suffix}", "gifpop", options={"threads": count}))
        options = {"threads": count, "history": "adaptive"}
        programs.append(Program(f"gifpop adaptive{suffix}", "gifpop", ("meso",), options))
        carried = {**options, "adaptation": "carried"}
        programs.append(Program(f"gifpop adaptive, carried{suffix}", "gifpop", ("meso",), carried))
    return programs
