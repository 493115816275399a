"""Sweeps of one population over a grid of drive and size, or a row of drives; executors for them."""

import functools
from concurrent.futures import Executor, Future

import numpy as np

import gifpop as gp
from gifpop.sweeps.points import seed_of
from tests.helpers.networks import single

GRID = {"I_e": [300.0, 320.0, 340.0], "N": [50, 100]}
ROW = {"I_e": GRID["I_e"]}
LONGER_ROW = {"I_e": [300.0, 320.0, 330.0, 340.0]}
SIMULATE = {"duration": 40.0, "dt": 0.5}
LONG = {"duration": 1e7, "dt": 0.5}  # a minute or more

SCRIPT_OF_PROCESSES = """
import signal
import gifpop as gp
signal.signal(signal.SIGINT, signal.default_int_handler)

def build(I_e):
    net = gp.Network()
    net.population("P", 10, gp.GIF(I_e=I_e))
    return net

if __name__ == "__main__":
    import xarray
    try:
        print("begun", flush=True)
        gp.sweep(build, {"I_e": [300.0, 320.0]}, dict(duration=1e7, dt=0.5), executor="processes", workers=2)
    except gp.SweepInterrupted as error:
        print(error, flush=True)
"""


def build(I_e, N=100):
    return single(gp.GIF(I_e=I_e), N=N)


def sweep(build=build, parameters=GRID, simulate=SIMULATE, seed=1, **options):
    return gp.sweep(build, parameters, simulate, seed=seed, **options)


def sweep_row(build=build, parameters=ROW, **options):
    return gp.sweep(build, parameters, {"duration": 20.0, "dt": 0.5}, seed=1, **options)


def direct(I_e, N, seed=1, **options):
    """One point by hand."""
    own = seed_of(np.random.SeedSequence(seed), {"I_e": I_e, "N": N})
    return build(I_e, N).simulate(**SIMULATE, seed=own, **options)


def fails_at_320(I_e, N):
    if I_e == 320.0:
        raise RuntimeError("no such drive")
    return build(I_e, N)


class Counted:
    """`build`, which keeps the points for which it is called."""

    def __init__(self):
        functools.update_wrapper(self, build)
        self.points = []

    def __call__(self, I_e, N):
        self.points.append((I_e, N))
        return build(I_e, N)


class Later(Executor):
    """An executor that runs all six points once it has them, the last one first."""

    def __init__(self):
        self.tasks = []

    def submit(self, function, *arguments):
        future = Future()
        self.tasks.append((future, function, arguments))
        if len(self.tasks) == 6:
            for future, function, arguments in reversed(self.tasks):
                future.set_result(function(*arguments))
        return self.tasks[-1][0]
