"""gifpop itself."""

import warnings

import gifpop as gp


def build(net, dt, level, seed, threads=1, history="exact", adaptation="quasi-renewal"):
    """Return a function of a duration in ms that simulates on and returns a `gifpop.Result`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*rounded to.*")  # in-degrees, which all programs round alike
        sim = gp.Simulation(
            net, dt=dt, level=level, seed=seed, threads=threads, history=history, adaptation=adaptation, progress=False
        )
    return sim.run
