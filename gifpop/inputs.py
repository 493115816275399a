"""The inputs that a population can receive, in NEST's names and units."""

# ruff: noqa: RUF009 - the functions that stand for defaults return dataclasses.field

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from gifpop.common import checks
from gifpop.fields import Checked, ScalarOrSeries, Series, scalar, scalar_or_vector, vector


@dataclass(frozen=True, repr=False)
class StepCurrent(Checked):
    """A current that changes at given times.

    Parameters
    ----------
    times : sequence of float, ms
        When the current changes; increasing, >= 0, on the time grid.
    values : sequence of float, pA
        What it changes to: ``values[i]`` acts from the step that starts at ``times[i]``, so that the potential first
        differs at the stamp ``times[i] + dt``, until the next entry. Before the first: zero.

    Notes
    -----
    A NEST ``step_current_generator`` connected with delay dt acts one step later than its ``amplitude_times``.
    """

    times: Series = vector((), "ms", ">= 0")
    values: Series = vector((), "pA")

    def _check(self) -> None:
        name = type(self).__name__
        checks.same_length(name, "times", "values", len(self.times), len(self.values))
        _check_increasing(f"{name}.times", self.times)


@dataclass(frozen=True, repr=False)
class DirectCurrent(Checked):
    """A constant current between two times.

    Parameters
    ----------
    amplitude : float, pA
        The current while it acts; zero before and after.
    start, stop : float or None, ms
        On the time grid. The current acts in the steps within [start, stop); None for ``stop``: without end.
    """

    amplitude: float = scalar(0.0, "pA")
    start: float = scalar(0.0, "ms", ">= 0")
    stop: float | None = scalar(None, "ms")

    def _check(self) -> None:
        _check_window(self)


@dataclass(frozen=True, repr=False)
class Waveform(Checked):
    """A current given as an array.

    Parameters
    ----------
    values : sequence of float, pA
        Zero after the last one.
    interval : float or None, ms
        How long each value acts, a multiple of the step. None: one step.
    start : float, ms
        When the first value begins to act, on the time grid.
    """

    values: Series = vector((), "pA")
    interval: float | None = scalar(None, "ms")
    start: float = scalar(0.0, "ms", ">= 0")


@dataclass(frozen=True, repr=False)
class SpikeTimes(Checked):
    """Spikes at given times, the same for every neuron of the target population.

    Parameters
    ----------
    times : sequence of float, ms
        In order, >= 0, on the time grid; a time may occur several times. With delay zero, a spike at t arrives in
        the step that starts at t.
    weight : float, pA
        Jump of the synaptic current; >= 0 excitatory, < 0 inhibitory, unless `Network.inject` names a receptor.
    """

    times: Series = vector((), "ms", ">= 0")
    weight: float = scalar(1.0, "pA")

    def _check(self) -> None:
        _check_increasing(f"{type(self).__name__}.times", self.times, strictly=False)


@dataclass(frozen=True, repr=False)
class PoissonSpikes(Checked):
    """Spikes of a Poisson process, whose rate may change.

    Parameters
    ----------
    rate : float or sequence of float, spikes/s
        >= 0. The sum over all the sources that the process stands for. With ``times``, one for each of these.
    weight : float, pA
        Jump of the synaptic current; >= 0 excitatory, < 0 inhibitory, unless `Network.inject` names a receptor.
    start, stop : float or None, ms
        On the time grid. Spikes arrive in the steps within [start, stop); None for ``stop``: without end.
    shared : bool
        True: one process, whose spikes reach every neuron of the target population. False: a process of its own
        for each neuron; at the mesoscopic level, with ``adaptation="carried"`` only, by its mean and variance.
    times : sequence of float, ms
        When the rate changes; increasing, >= 0, on the time grid. ``rate[i]`` counts from the step that starts at
        ``times[i]`` until the next entry; before the first, the rate is zero. Empty: the rate is constant.
    amplitude : float, spikes/s
        Of a sine that is added to a constant rate: ``rate + amplitude * sin(2 pi frequency t + phase)``, zero where
        that is negative. Only without ``times``.
    frequency : float, Hz
        At most half a cycle a step.
    phase : float, degrees
        At time 0, whatever ``start`` is. The rate of a step is that at its middle.

    Notes
    -----
    A simulation with ``initial="stationary"`` begins with the mean over a cycle.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.Network()
    >>> E = net.population("E", 500, gp.GIF())
    >>> steps = net.inject(E, gp.PoissonSpikes([400.0, 900.0, 400.0], weight=20.0, times=[0.0, 500.0, 700.0]))
    >>> rhythm = net.inject(E, gp.PoissonSpikes(800.0, weight=20.0, amplitude=300.0, frequency=8.0))
    """

    rate: ScalarOrSeries = scalar_or_vector(0.0, "spikes/s", ">= 0")
    weight: float = scalar(1.0, "pA")
    start: float = scalar(0.0, "ms", ">= 0")
    stop: float | None = scalar(None, "ms")
    shared: bool = False
    times: Series = vector((), "ms", ">= 0")
    amplitude: float = scalar(0.0, "spikes/s")
    frequency: float = scalar(0.0, "Hz", ">= 0")
    phase: float = scalar(0.0, "degrees")

    def _check(self) -> None:
        name = type(self).__name__
        _check_window(self)
        checks.boolean(f"{name}.shared", self.shared)
        _check_increasing(f"{name}.times", self.times)
        if not isinstance(self.rate, tuple) and len(self.times) == 1:
            object.__setattr__(self, "rate", (self.rate,))
        if isinstance(self.rate, tuple):
            checks.same_length(name, "times", "rate", len(self.times), len(self.rate))
            if self.amplitude != 0.0:
                raise ValueError(
                    f"{name}.amplitude must be 0 where the rate has times, got {self.amplitude}; give each step's rate"
                )
        elif self.times:
            raise ValueError(f"{name}.rate must have a value for each of times, got one number {self.rate}")

    @property
    def is_silent(self) -> bool:
        """Whether no spike of any effect ever comes."""
        rates = self.rate if isinstance(self.rate, tuple) else (self.rate, self.amplitude)
        return self.weight == 0.0 or not any(rates)


@dataclass(frozen=True, repr=False)
class SineCurrent(Checked):
    """An alternating current.

    The current is ``offset + amplitude * sin(2 pi frequency t + phase)``; in each step it is constant, with the value
    at the middle of the step.

    Parameters
    ----------
    amplitude : float, pA
        Of the sine: half the distance between its extremes.
    frequency : float, Hz
        >= 0, at most half a cycle a step.
    phase : float, degrees
        At time 0, whatever ``start`` is.
    offset : float, pA
        What the sine is added to.
    start, stop : float or None, ms
        On the time grid. The current acts in the steps within [start, stop), offset included; None for ``stop``:
        without end.

    Notes
    -----
    A simulation with ``initial="stationary"`` begins with the offset.

    A NEST ``ac_generator`` connected with delay dt acts one step later, with the value at the beginning of the step.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.Network()
    >>> E = net.population("E", 500, gp.GIF())
    >>> theta = net.inject(E, gp.SineCurrent(50.0, frequency=8.0, offset=300.0))
    """

    amplitude: float = scalar(0.0, "pA")
    frequency: float = scalar(0.0, "Hz", ">= 0")
    phase: float = scalar(0.0, "degrees")
    offset: float = scalar(0.0, "pA")
    start: float = scalar(0.0, "ms", ">= 0")
    stop: float | None = scalar(None, "ms")

    def _check(self) -> None:
        _check_window(self)


@dataclass(frozen=True, repr=False)
class NoiseCurrent(Checked):
    """A white-noise current: Gaussian numbers, each of which acts for some time.

    Parameters
    ----------
    mean, std : float, pA
        Mean and standard deviation of the numbers; ``std`` >= 0.
    interval : float or None, ms
        How long each number acts, a multiple of the step. None: one step.
    std_mod, frequency, phase : float, pA, Hz and degrees
        Modulation of the variance, ``std**2 + std_mod**2 * sin(2 pi frequency t + phase)`` at the middle of the
        interval; 0 <= ``std_mod`` <= ``std``.
    start, stop : float or None, ms
        On the time grid. The current acts in the steps within [start, stop), mean included; None for ``stop``:
        without end.
    shared : bool
        True: the same current for all neurons of the target population. False: a current of its own for each
        neuron; at the mesoscopic level, with ``adaptation="carried"`` only, by its mean and variance.

    Notes
    -----
    What the noise does depends on ``std**2 * interval``: the potential of a membrane that never fires has the variance
    ``(tau_m / C_m)**2 * std**2 * tanh(interval / (2 tau_m))`` at the end of an interval.

    At the mesoscopic level, private noise that is held for several steps becomes the `OUCurrent` that comes nearest to
    it.

    A NEST ``noise_generator`` has ``interval`` as ``dt``, 1 ms by default.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.Network()
    >>> E = net.population("E", 500, gp.GIF())
    >>> noise = net.inject(E, gp.NoiseCurrent(mean=200.0, std=100.0, interval=1.0))
    """

    mean: float = scalar(0.0, "pA")
    std: float = scalar(0.0, "pA", ">= 0")
    interval: float | None = scalar(None, "ms")
    std_mod: float = scalar(0.0, "pA", ">= 0")
    frequency: float = scalar(0.0, "Hz", ">= 0")
    phase: float = scalar(0.0, "degrees")
    start: float = scalar(0.0, "ms", ">= 0")
    stop: float | None = scalar(None, "ms")
    shared: bool = False

    def _check(self) -> None:
        name = type(self).__name__
        _check_window(self)
        checks.boolean(f"{name}.shared", self.shared)
        if self.std_mod > self.std:
            raise ValueError(f"{name}.std_mod must be <= std = {self.std} pA, got {self.std_mod}")


@dataclass(frozen=True, repr=False)
class OUCurrent(Checked):
    """An Ornstein-Uhlenbeck current: noise with a mean, a standard deviation and a correlation time.

    Parameters
    ----------
    mean, std : float, pA
        Of the stationary distribution, which is Gaussian; ``std`` >= 0.
    tau : float, ms
        > 0. Correlations between two times fall off as ``std**2 * exp(-|t - s| / tau)``.
    start, stop : float or None, ms
        On the time grid. The current acts in the steps within [start, stop), mean included, and is stationary from the
        first one on; None for ``stop``: without end.
    shared : bool
        True: the same current for all neurons of the target population. False: a current of its own for each
        neuron; at the mesoscopic level, with ``adaptation="carried"`` only, by its mean and covariance.

    Notes
    -----
    The values at the steps, each constant in its step, have exactly these moments, whatever the step is.

    At the mesoscopic level, a private current fades away with ``tau`` after ``stop``; its mean stops at once.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.Network()
    >>> E = net.population("E", 500, gp.GIF())
    >>> noise = net.inject(E, gp.OUCurrent(mean=200.0, std=50.0, tau=5.0))
    """

    mean: float = scalar(0.0, "pA")
    std: float = scalar(0.0, "pA", ">= 0")
    tau: float = scalar(10.0, "ms", "> 0")
    start: float = scalar(0.0, "ms", ">= 0")
    stop: float | None = scalar(None, "ms")
    shared: bool = False

    def _check(self) -> None:
        _check_window(self)
        checks.boolean(f"{type(self).__name__}.shared", self.shared)


Input: TypeAlias = (
    StepCurrent | DirectCurrent | Waveform | SineCurrent | NoiseCurrent | OUCurrent | SpikeTimes | PoissonSpikes
)
INPUTS = (StepCurrent, DirectCurrent, Waveform, SineCurrent, NoiseCurrent, OUCurrent, SpikeTimes, PoissonSpikes)
SPIKES = (SpikeTimes, PoissonSpikes)  # those that arrive at a receptor


def _check_increasing(where: str, times: Iterable[float], strictly: bool = True) -> None:
    for earlier, later in pairwise(times):
        if later < earlier or (strictly and later == earlier):
            raise ValueError(f"{where} must be increasing, got {earlier} before {later}")


def _check_window(input: DirectCurrent | SineCurrent | NoiseCurrent | OUCurrent | PoissonSpikes) -> None:
    if input.stop is not None and input.stop < input.start:
        raise ValueError(f"{type(input).__name__}.stop must be >= start = {input.start} ms, got {input.stop}")
