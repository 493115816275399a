"""What a simulation returns: numpy arrays with their time stamps."""

import numpy as np


class PopulationResult:
    """What was recorded of one population.

    Recorded variables are attributes, with one entry per time of `t_record`. Of a mesoscopic population,
    one-dimensional float64 arrays: any of ``V_m``, ``E_sfa`` (mV), ``I_syn_ex``, ``I_syn_in`` (pA). Of neurons, float64
    arrays of shape (times, recorded neurons): any of ``V_m``, ``E_sfa``, ``I_stc``, ``I_syn_ex``, ``I_syn_in``.

    Attributes
    ----------
    name : str
    N : int, or int array of one entry a step
        Number of neurons; an array where runs are joined between which it has changed.
    t : float64 array, ms
        Time stamps of `counts` and `mean`: the ends of the steps.
    counts : int64 array
        Spikes per step.
    mean : float64 array
        Expected spikes per step; of a mesoscopic population.
    spikes : pair of arrays
        Times (ms, float64) and neurons (int32) of all spikes, in order; of neurons.
    neurons : int64 array
        Indices of the neurons whose variables were recorded; of neurons.
    """

    def __init__(self, name, N, dt, first, counts, record_steps, variables, mean=None, spikes=None, neurons=None):
        self.name, self.N, self.dt = name, N, dt
        self.counts = counts
        self._first, self._record_steps, self._variables, self._spikes = first, record_steps, variables, spikes
        if spikes is None:
            self.mean = mean
        else:
            self.spikes = (spikes[0] + 1) * dt, spikes[1]
            self.neurons = np.zeros(0, dtype=np.int64) if neurons is None else np.asarray(neurons)

    def __repr__(self):
        return f"<gifpop.PopulationResult {self.name!r}: {len(self.counts)} steps, {', '.join(self.recorded)}>"

    def __getattr__(self, name):
        if name.startswith("_") or "_variables" not in self.__dict__:  # while it is being copied
            raise AttributeError(name)
        if name not in self._variables:
            raise AttributeError(
                f"population {self.name!r} has no recorded variable {name!r}; it has {', '.join(self.recorded)} "
                f"(see the options level and record of simulate)"
            )
        return self._variables[name]

    def __dir__(self):
        return [*super().__dir__(), *self._variables]

    @property
    def level(self):
        return "meso" if self._spikes is None else "micro"

    @property
    def recorded(self):
        """Names of what was recorded: tuple of str."""
        return ("counts", "mean" if self._spikes is None else "spikes", *self._variables)

    @property
    def n_events(self):
        """NEST's name of `counts`."""
        return self.counts

    @property
    def t(self):
        return stamps(self._first, len(self.counts), self.dt)

    @property
    def t_record(self):
        """Time stamps of the recorded variables, ms: float64 array."""
        return (self._record_steps + 1) * self.dt

    @property
    def activity(self):
        """Population activity A_N, spikes/s: float64 array of one entry a step."""
        return self.counts * (1e3 / (self.N * self.dt))

    @property
    def rate(self):
        """Expected activity, spikes/s: float64 array of one entry a step; of a mesoscopic population.

        Can be negative (finite-size correction).
        """
        return self.mean * (1e3 / (self.N * self.dt))


class Result:
    """What a simulation returns.

    Index it with a population or its name for a `PopulationResult`.

    Attributes
    ----------
    dt : float, ms
    level : str
    seed, network_seed : numpy.random.SeedSequence
        What `gifpop.Simulation` takes to repeat the run from the initial state.
    t : float64 array of length T, ms
        Time stamps, the ends of the steps.
    names : tuple of str
        Populations, in the order of the columns below.
    """

    def __init__(self, populations, dt, level, seed, network_seed, first):
        self._populations = {p.name: p for p in populations}
        self.dt, self.level, self.seed, self.network_seed, self._first = dt, level, seed, network_seed, first

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
        """Expected activities, spikes/s: float64 array, shape (T, populations); NaN for neurons."""
        columns = [p.rate if p.level == "meso" else np.full(len(p.counts), np.nan) for p in self]
        return np.stack(columns, axis=1)

    def _columns(self, name):
        return np.stack([getattr(p, name) for p in self], axis=1)

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
        meso = [p for p in self if p.level == "meso"]
        axes = figure.subplots(2 if meso else 1, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        width = max(1, round(bin / self.dt))
        for i, p in enumerate(self):
            style = {"lw": 0.8, "zorder": 3.0 - 0.01 * i, "color": f"C{i}"}  # the first population on top
            sizes = " to ".join(str(N) for N in dict.fromkeys((np.min(p.N), np.max(p.N))))
            axes[0].plot(*_bins(p.t, p.activity, width), label=f"{p.name} (N = {sizes})", **style)
            if p.level == "meso":
                axes[1].plot(p.t, p.rate, **style)
                axes[1].set_ylabel(r"expected $\bar A$ [spikes/s]")
        axes[0].set_ylabel(r"activity $A_N$ [spikes/s]")
        axes[-1].set_xlabel("time [ms]")
        levels = sorted({p.level for p in self})
        axes[0].set_title("Population activities" + (f" ({levels[0]}scopic level)" if len(levels) == 1 else ""))
        axes[0].legend(loc="upper left", frameon=False)
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
    first = results[0]
    populations = [_join(parts) for parts in zip(*results, strict=True)]
    return Result(populations, first.dt, first.level, first.seed, first.network_seed, first._first)


def _join(parts):
    """Join what successive runs recorded of one population."""
    first = parts[0]

    def joined(get):
        return np.concatenate([get(p) for p in parts])

    meso = first.level == "meso"
    if not meso and first._variables and any(not np.array_equal(p.neurons, first.neurons) for p in parts):
        raise ValueError(
            f"Simulation.result: the runs recorded different neurons of {first.name!r}, since N has changed; take what "
            "each run returned, or name the neurons (record_neurons)"
        )
    return PopulationResult(
        first.name,
        _joined_size(parts),
        first.dt,
        first._first,
        joined(lambda p: p.counts),
        joined(lambda p: p._record_steps),
        {name: joined(lambda p, name=name: p._variables[name]) for name in first._variables},
        mean=joined(lambda p: p.mean) if meso else None,
        spikes=None if meso else tuple(joined(lambda p, i=i: p._spikes[i]) for i in (0, 1)),
        neurons=None if meso else first.neurons,
    )


def _joined_size(parts):
    """Return the number of neurons in successive runs, or, where it has changed, in each of their steps."""
    sizes = {p.N for p in parts if len(p.counts)} or {parts[0].N}
    return sizes.pop() if len(sizes) == 1 else np.repeat([p.N for p in parts], [len(p.counts) for p in parts])
