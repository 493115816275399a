"""What the time loop reads: a population in physical units as arrays, and connections in steps.

Symbols as in Schwalger, Deger & Gerstner (2017): h the step, P the leak of the membrane over a step, theta the
threshold kernel, K the number of cohorts in the history.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gifpop import _meso, _wiring, history
from gifpop.grid import refractory_steps

LONGEST_HISTORY = 20_000.0  # ms; NEST starts its search for the automatic length here
LOG_OF_NO_HAZARD = -1e6  # far below what any potential makes up for
SHORTEST_SLIDE = 256  # places that the window of cohorts slides over before it is moved back
NOT_KNOWN = -1.0  # the distance between potentials; hazards are then computed from them
LARGEST_EXPONENT = 600.0  # as in the compiled loops: enormous, and far from overflow


@dataclass(frozen=True)
class Link:
    """A projection as the time loop sees it.

    From every unit of its source (a population, a group of neurons, or an input line) to every unit of its target, or
    along single connections: those of source unit ``u`` are ``first[u]`` to ``first[u + 1]``.

    Attributes
    ----------
    source : int
        Group, or number of groups + input line.
    target : int
        Group.
    lag : int
        Steps from emission to use.
    receptor : {"excitatory", "inhibitory", "current", "excitatory variance", "inhibitory variance"}
        A variance is that between the neurons of a population, of what arrives at each of them.
    weight : float, pA, or pA^2 of a variance
        Of each connection; a factor where ``weights`` are given.
    first : int64 array of length source units + 1, or None
    units : int32 array, or None
        Target unit of each connection; in ascending order for each source unit.
    weights : float64 array, or None
        Of each connection; their sign selects the synapse.
    lags : int32 array, or None
        Of each connection.
    """

    source: int
    target: int
    lag: int
    receptor: str
    weight: float
    first: np.ndarray | None = None
    units: np.ndarray | None = None
    weights: np.ndarray | None = None
    lags: np.ndarray | None = None

    @property
    def connections(self):
        """The arrays of single connections."""
        return self.first, self.units, self.weights, self.lags

    @cached_property
    def largest_indegree(self):
        """Largest number of the single connections that end at one unit."""
        return _wiring.largest_indegree(self.units)

    @property
    def longest_lag(self):
        return self.lag if self.lags is None else int(np.max(self.lags, initial=0))

    @property
    def shortest_lag(self):
        return self.lag if self.lags is None or not len(self.lags) else int(np.min(self.lags))


@dataclass(frozen=True)
class NoiseLink:
    """Independent Poisson processes, one onto each of some neurons.

    Attributes
    ----------
    target : int
        Group.
    lag : int
    receptor : {"excitatory", "inhibitory"}
    weight : float, pA
        Of each event; a factor where ``weights`` are given.
    signal : object
        Mean number of events a step (see `gifpop.signals`).
    stream : numpy.random.BitGenerator
    units : int32 array, or None
        Target neurons, one entry for each process; None: all of the group, each once.
    weights : float64 array, or None
        Of the processes' events, all of one sign.
    """

    target: int
    lag: int
    receptor: str
    weight: float
    signal: object
    stream: object
    units: np.ndarray | None = None
    weights: np.ndarray | None = None


@dataclass
class PopulationPlan:
    """One mesoscopic population as arrays (see `_meso.MesoPopulation`)."""

    constants: np.ndarray
    state: np.ndarray
    theta: np.ndarray
    quasi: np.ndarray
    sfa_decay: np.ndarray
    sfa_feed: np.ndarray
    sfa_weight: np.ndarray
    relative_jumps: np.ndarray
    sfa: np.ndarray
    cohorts: np.ndarray
    cells: history.Cells | None = None

    recordables = _meso.RECORDABLES
    neurons = False
    units = 1

    @property
    def K(self):
        """Number of cohorts, each of one step."""
        return len(self.theta) - _meso.PADDING

    @property
    def merged(self):
        """The cells of merged cohorts, the oldest first: a dict of arrays."""
        used = slice(_meso.PADDING, _meso.PADDING + self.state["cells"][0])
        return dict(zip(_meso.CELL_ARRAYS, self.cells.rows[:, used], strict=True)) | {
            "traces": self.cells.traces[:, used]
        }

    @property
    def window(self):
        """The K cohorts, the oldest first: a dict of arrays."""
        oldest = self.state["oldest"][0]
        return dict(zip(_meso.COHORT_ARRAYS, self.cohorts[:, oldest : oldest + self.K], strict=True))

    def bind(self, stream):
        """Return the population for the time loop, with a bit generator to draw spike counts from."""
        return _meso.MesoPopulation(**vars(self), bit_generator=stream)


def plan_population(cell, N, dt, K, binomial=True, cells=None):
    """Return the arrays of a population, all zero where they hold state.

    Parameters
    ----------
    cell : GIF
    N : int
        Neurons.
    dt : float, ms
    K : int
        Cohorts in the history.
    binomial : bool
        Binomial spike counts; False: Poisson counts clipped to [0, N].
    cells : gifpop.history.Cells or None
        Where cohorts older than these K go, in an adaptive history; None: they join the free neurons.
    """
    tau, q = np.array(cell.tau_sfa), np.array(cell.q_sfa)
    theta = threshold_kernel(cell, dt * np.arange(K, 0, -1)) / cell.Delta_V
    padding = (_meso.PADDING, 0)
    decay = np.exp(-dt / tau)
    return PopulationPlan(
        constants=_constants(cell, N, dt, binomial),
        state=np.zeros(1, _meso.STATE),
        theta=np.pad(theta, padding),
        quasi=np.pad(-np.expm1(np.minimum(-theta, LARGEST_EXPONENT)) / N, padding),
        sfa_decay=decay,
        sfa_feed=-np.expm1(-dt / tau) / (N * dt) if cells is None else np.full(len(tau), 1.0 / N),
        sfa_weight=q * tau * np.exp(-K * dt / tau) if cells is None else q,
        relative_jumps=q / cell.Delta_V,
        sfa=np.zeros(len(tau)),
        cohorts=np.zeros((len(_meso.COHORT_ARRAYS), _meso.PADDING + K + max(K, SHORTEST_SLIDE))),
        cells=cells,
    )


def plan_adaptive(cell, N, dt, len_kernel, tolerance, binomial=True):
    """Return the arrays of a population with an adaptive history of at least ``len_kernel`` steps.

    Other parameters as of `plan_population`; tolerance as of `gifpop.history.widest_cells`.
    """
    length = history.adaptive_length(cell, dt, len_kernel, automatic_history(cell, dt), tolerance)
    widest = history.widest_cells(cell, dt, length, tolerance)
    window = history.window_length(widest)
    cells = history.plan_cells(cell, dt, window, widest, tolerance)
    return plan_population(cell, N, dt, window, binomial, cells)


def update_plan(plan, cell, N, dt, binomial=True):
    """Change the parameters of a population; state, history and its length stay."""
    if plan.cells is not None:
        _widen_window(plan, refractory_steps(cell.t_ref, dt))
    new = plan_population(cell, N, dt, plan.K, binomial, plan.cells)
    if plan.cells is not None:
        plan.cells = history.update_cells(plan.cells, cell, dt, plan.K, plan.state["cells"][0])
    for name in ("constants", "theta", "quasi", "sfa_decay", "sfa_feed", "sfa_weight", "relative_jumps"):
        getattr(plan, name)[:] = getattr(new, name)
    plan.state["spread"] = NOT_KNOWN


def _widen_window(plan, K):
    """Let at least K cohorts stay apart in an adaptive history; the oldest ones are empty at first."""
    more = K - plan.K
    if more > 0:
        window = np.array(list(plan.window.values()))
        plan.theta, plan.quasi = np.pad(plan.theta, (more, 0)), np.pad(plan.quasi, (more, 0))
        plan.cohorts = np.zeros((len(window), _meso.PADDING + K + max(K, SHORTEST_SLIDE)))
        plan.cohorts[:, _meso.PADDING + more : _meso.PADDING + K] = window
        plan.state["oldest"] = _meso.PADDING


def start_history(plan, potential, fired=True):
    """Begin anew, every cohort at ``potential`` mV.

    All neurons have just fired, in the newest cohort; or their last spike has left the history long ago.
    """
    N = plan.constants["N"][0]
    plan.cohorts[:] = 0.0
    plan.sfa[:] = 0.0
    for name in ("survivors", "variance", "hazard", "cells"):
        plan.state[name] = 0
    plan.state["until_merging"] = history.MERGE_EVERY
    plan.state["spread"] = NOT_KNOWN
    plan.state["oldest"] = _meso.PADDING
    window = plan.window
    window["potential"][:] = potential
    if fired:
        window["count"][-1] = window["survivors"][-1] = N
    else:
        plan.state["survivors"] = N
    plan.state["E_sfa"] = plan.constants["V_T_star"]


def threshold_kernel(cell, ages):
    """Return what a spike adds to the threshold at the given ages (array, ms), in mV."""
    theta = np.zeros_like(ages)
    for tau, q in zip(cell.tau_sfa, cell.q_sfa, strict=True):
        theta += q * np.exp(-ages / tau)
    return theta


def automatic_history(cell, dt):
    """Return the number of cohorts that NEST chooses for ``len_kernel=-1``.

    The shortest history, from 20 s down, beyond which a spike adds less than a tenth of Delta_V to the threshold; at
    least five membrane time constants and longer than the refractory period.
    """
    shortest = int(5 * cell.tau_m / dt)
    K = int(LONGEST_HISTORY / dt)
    block = 4096
    while shortest < K:
        lengths = np.arange(K, max(shortest, K - block), -1)
        needed = threshold_kernel(cell, lengths * dt) / cell.Delta_V >= 0.1
        if needed.any():
            K = int(lengths[np.argmax(needed)])
            break
        K = int(lengths[-1]) - 1
    if K * dt <= cell.t_ref:
        K = int(cell.t_ref / dt) + 1
    return max(K, refractory_steps(cell.t_ref, dt) + 1)


def _constants(cell, N, dt, binomial):
    """Return what does not change from step to step."""
    P = math.exp(-dt / cell.tau_m)
    gain = cell.tau_m / cell.C_m * -math.expm1(-dt / cell.tau_m)
    c = np.zeros(1, _meso.CONSTANTS)
    c["N"] = N
    c["poisson"] = not binomial
    c["refractory"] = refractory_steps(cell.t_ref, dt)
    c["leak"] = P
    c["E_L"] = cell.E_L
    c["V_reset"] = cell.V_reset
    c["V_T_star"] = cell.V_T_star
    c["inverse_Delta_V"] = 1.0 / cell.Delta_V
    c["lambda_0"] = cell.lambda_0
    c["half_step"] = 0.5e-3 * dt
    c["log_hazard"] = log_hazard(np.log, 0.5e-3 * dt, cell.lambda_0)
    c["constant_drive"] = cell.I_e * gain + cell.E_L
    c["current_gain"] = gain
    for receptor, tau in (("ex", cell.tau_syn_ex), ("in", cell.tau_syn_in)):
        carry = synaptic_carry(tau, cell.tau_m, dt)
        c[f"decay_{receptor}"] = math.exp(-dt / tau)
        c[f"input_{receptor}"] = tau / dt * -math.expm1(-dt / tau)
        c[f"carry_{receptor}"] = carry / cell.C_m
        c[f"arrive_{receptor}"] = tau / dt * (cell.tau_m * -math.expm1(-dt / cell.tau_m) - carry) / cell.C_m
    return c


def log_hazard(log, time, lambda_0):
    """Return the logarithm of a hazard (numbers or arrays, 1/s) integrated over a time (s), or of none at all."""
    hazard = time * np.asarray(lambda_0, dtype=float)
    return np.where(hazard > 0.0, log(np.where(hazard > 0.0, hazard, 1.0)), LOG_OF_NO_HAZARD)


def synaptic_carry(tau_s, tau_m, dt):
    """Return tau_m tau_s (exp(-h/tau_s) - exp(-h/tau_m)) / (tau_s - tau_m), in ms, stable where the two meet.

    Numbers or arrays.
    """
    z = dt * (tau_s - tau_m) / (tau_s * tau_m)
    near = np.abs(z) < 1.0
    small = np.where(near & (z != 0.0), z, 1.0)
    large = np.where(near, 1.0, z)
    ratio = np.where(z == 0.0, 1.0, np.expm1(small) / small)
    apart = (np.exp(-dt / tau_s) - np.exp(-dt / tau_m)) / large
    return dt * np.where(near, np.exp(-dt / tau_m) * ratio, apart)
