"""What a simulation returns: numpy arrays with their time stamps."""

import numpy as np


class PopulationResult:
    """What was recorded of one population.

    Recorded variables are attributes, each a float64 array with one entry per time of `t_record`: any of ``mean``,
    ``V_m``, ``E_sfa``, ``I_syn_ex``, ``I_syn_in``.

    Attributes
    ----------
    name : str
    N : int
    t : float64 array, ms
        Time stamps of `counts` and `mean`: the ends of the steps.
    counts : int64 array
        Spikes per step.
    t_record : float64 array, ms
        Time stamps of the recorded variables other than `mean`.
    """

    def __init__(self, name, N, dt, first, counts, mean, record_steps, variables):
        self.name, self.N, self.dt = name, N, dt
        self.counts, self.mean = counts, mean
        self._first, self._record_steps, self._variables = first, record_steps, variables

    def __repr__(self):
        return f"<gifpop.PopulationResult {self.name!r}: {len(self.counts)} steps, {', '.join(self.recorded)}>"

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._variables:
            raise AttributeError(
                f"population {self.name!r} has no recorded variable {name!r}; it has {', '.join(self.recorded)} "
                f"(see the option record of simulate)"
            )
        return self._variables[name]

    def __dir__(self):
        return [*super().__dir__(), *self._variables]

    @property
    def recorded(self):
        """Names of what was recorded: tuple of str."""
        return ("counts", "mean", *self._variables)

    @property
    def t(self):
        return stamps(self._first, len(self.counts), self.dt)

    @property
    def t_record(self):
        return (self._record_steps + 1) * self.dt

    @property
    def activity(self):
        """Population activity A_N, spikes/s: float64 array of one entry a step."""
        return self.counts * (1e3 / (self.N * self.dt))

    @property
    def rate(self):
        """Expected activity, spikes/s: float64 array of one entry a step. Can be negative (finite-size correction)."""
        return self.mean * (1e3 / (self.N * self.dt))


class Result:
    """What a simulation returns.

    Index it with a population or its name for a `PopulationResult`.

    Attributes
    ----------
    dt : float, ms
    level : str
    seed : object
        What `gifpop.Simulation` takes as ``seed`` to repeat the run.
    t : float64 array of length T, ms
        Time stamps, the ends of the steps.
    names : tuple of str
        Populations, in the order of the columns below.
    """

    def __init__(self, populations, dt, level, seed, first):
        self._populations = {p.name: p for p in populations}
        self.dt, self.level, self.seed, self._first = dt, level, seed, first

    def __repr__(self):
        return f"<gifpop.Result: {len(self.t)} steps of {self.dt} ms, populations {', '.join(self.names)}>"

    def __getitem__(self, population):
        name = getattr(population, "name", population)
        if name not in self._populations:
            raise KeyError(f"no population {name!r}; there are {', '.join(map(repr, self.names))}")
        return self._populations[name]

    def __iter__(self):
        return iter(self._populations.values())

    def __len__(self):
        return len(self._populations)

    @property
    def names(self):
        return tuple(self._populations)

    @property
    def t(self):
        return stamps(self._first, len(self.counts), self.dt)

    @property
    def counts(self):
        """Spikes per step: int64 array, shape (T, populations)."""
        return self._columns("counts")

    @property
    def activity(self):
        """Population activities A_N, spikes/s: float64 array, shape (T, populations)."""
        return self._columns("activity")

    @property
    def rate(self):
        """Expected activities, spikes/s: float64 array, shape (T, populations)."""
        return self._columns("rate")

    def _columns(self, name):
        columns = [getattr(p, name) for p in self]
        return np.stack(columns, axis=1) if columns else np.zeros((0, 0))

    def plot(self, bin=1.0, figure=None):
        """Plot activities and expected activities against time.

        Parameters
        ----------
        bin : float, ms
            Activities are averaged over bins of about this width, at least one step.
        figure : matplotlib.figure.Figure, optional
            To draw into; by default a new one of pyplot.

        Returns
        -------
        matplotlib.figure.Figure
        """
        if figure is None:
            import matplotlib.pyplot as plt  # slow to import, and not every simulation is plotted

            figure = plt.figure(figsize=(7.0, 5.0), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, sharey=True)
        width = max(1, round(bin / self.dt))
        for i, p in enumerate(self):
            above = {"lw": 0.8, "zorder": 3.0 - 0.01 * i}  # the first population on top
            top.plot(*_bins(p.t, p.activity, width), label=f"{p.name} (N = {p.N})", **above)
            bottom.plot(p.t, p.rate, **above)
        top.set_ylabel(r"activity $A_N$ [spikes/s]")
        bottom.set_ylabel(r"expected $\bar A$ [spikes/s]")
        bottom.set_xlabel("time [ms]")
        top.set_title(f"Population activities ({self.level}scopic level)")
        top.legend(loc="upper left", frameon=False)
        return figure


def stamps(first, n, dt):
    """Return the ends of ``n`` steps from step ``first`` on, in ms."""
    return (first + 1 + np.arange(n)) * dt


def _bins(t, values, width):
    """Return centres and averages of successive bins of ``width`` steps; an incomplete last one is left out."""
    n = len(values) // width
    shape = (n, width)
    return t[: n * width].reshape(shape).mean(axis=1), values[: n * width].reshape(shape).mean(axis=1)


def concatenate(results):
    """Join the results of successive runs of one simulation."""
    results = list(results)
    populations = []
    for parts in zip(*results, strict=True):
        first = parts[0]
        variables = {
            name: np.concatenate([p._variables[name] for p in parts]) for name in first._variables
        }
        populations.append(
            PopulationResult(
                first.name,
                first.N,
                first.dt,
                first._first,
                np.concatenate([p.counts for p in parts]),
                np.concatenate([p.mean for p in parts]),
                np.concatenate([p._record_steps for p in parts]),
                variables,
            )
        )
    return Result(populations, results[0].dt, results[0].level, results[0].seed, results[0]._first)
