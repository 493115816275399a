"""gifpop itself, with the options that its version has."""

import inspect
import warnings

import gifpop as gp

OPTIONS = inspect.signature(gp.Simulation).parameters


def supports(option):
    """Tell whether this version of gifpop takes an option."""
    return option in OPTIONS


def build(net, dt, level, seed, threads=1, history="exact"):
    """Return a function of a duration in ms that simulates on and returns a `gifpop.Result`."""
    options = {"threads": threads, "history": history if level == "meso" else None}
    options = {name: value for name, value in options.items() if supports(name) and value is not None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*rounded to.*")  # in-degrees, which all programs round alike
        return gp.Simulation(net, dt=dt, level=level, seed=seed, progress=False, **options).run
