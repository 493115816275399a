"""A network as plain arrays, which the loops in Numba and in C share.

The equations are those of `gifpop`, written down once more and without any of its code for them, so that three programs
can be compared step by step. Only what the benchmarks need is there: connections of one delay, each with a fraction
``p`` of the sources, and no inputs.
"""

from typing import NamedTuple

import numpy as np

from gifpop.common import seeds
from gifpop.common.grid import refractory_steps, whole_steps
from gifpop.meso.kernels import threshold_kernel
from gifpop.meso.plan import automatic_history

INTEGERS = ("N", "K", "refractory", "J", "first", "first_term", "first_trace", "oldest")
NUMBERS = (
    "leak",
    "E_L",
    "V_reset",
    "V_T_star",
    "slope",
    "hazard",
    "drive",
    "decay_ex",
    "decay_in",
    "carry_ex",
    "carry_in",
    "input_ex",
    "input_in",
    "arrive_ex",
    "arrive_in",
    "V_m",
    "I_ex",
    "I_in",
    "free",
    "free_variance",
    "free_hazard",
)
POPULATION = np.dtype([(name, np.int64) for name in INTEGERS] + [(name, np.float64) for name in NUMBERS])
PROJECTION = np.dtype([(name, np.int64) for name in ("pre", "post", "first", "indegree")] + [("weight", np.float64)])


class Mesoscopic(NamedTuple):
    """Populations as rings of cohorts, side by side in common arrays; `loops.c` has the same fields."""

    populations: np.ndarray  # of POPULATION
    theta: np.ndarray  # threshold kernel from the oldest age to the youngest, mV
    quasi: np.ndarray  # quasi-renewal kernel per spike, likewise
    count: np.ndarray  # of each cohort: spikes emitted
    survivors: np.ndarray
    variance: np.ndarray
    potential: np.ndarray  # mV
    hazard: np.ndarray  # integrated over half a step
    sfa: np.ndarray  # adaptation beyond the history
    sfa_decay: np.ndarray
    sfa_feed: np.ndarray
    sfa_weight: np.ndarray
    excitation: np.ndarray  # (target, source), pA per spike
    inhibition: np.ndarray
    sent: np.ndarray  # (lag, population): spikes of the last steps


class Microscopic(NamedTuple):
    """Neurons of all populations side by side, spikes delivered along the connections of each source neuron."""

    populations: np.ndarray  # of POPULATION
    V_m: np.ndarray
    I_ex: np.ndarray
    I_in: np.ndarray
    pause: np.ndarray  # refractory steps left
    budget: np.ndarray  # hazard until the next spike, standard exponential
    sfa: np.ndarray  # of each population: terms x neurons
    sfa_decay: np.ndarray
    sfa_jump: np.ndarray
    ring_ex: np.ndarray  # (lag, neuron): what arrives in the steps to come, pA
    ring_in: np.ndarray
    projections: np.ndarray  # of PROJECTION
    starts: np.ndarray  # of each projection: sources + 1 places in `targets`
    targets: np.ndarray


class Recorded(NamedTuple):
    """The result of a run: spike counts, with expected counts of populations or the neurons that fired, in order."""

    counts: np.ndarray
    mean: np.ndarray | None = None
    fired: np.ndarray | None = None


def mesoscopic(net, dt):
    """Return the arrays of a network in which all neurons have just fired."""
    cells = [population.cell for population in net.populations.values()]
    p = _populations(net, dt)
    p["K"] = [automatic_history(cell, dt) for cell in cells]
    p["first"] = _offsets(p["K"])[:-1]
    theta = [threshold_kernel(cell, dt * np.arange(K, 0, -1)) for cell, K in zip(cells, p["K"], strict=True)]
    quasi = [
        cell.Delta_V / N * -np.expm1(-kernel / cell.Delta_V)
        for cell, N, kernel in zip(cells, p["N"], theta, strict=True)
    ]
    length, newest = p["K"].sum(), p["first"] + p["K"] - 1
    cohorts = {name: np.zeros(length) for name in ("count", "survivors", "variance", "hazard")}
    cohorts["count"][newest] = cohorts["survivors"][newest] = p["N"]
    tau, q, N, K = (
        _terms(values, p["J"])
        for values in (
            [cell.tau_sfa for cell in cells],
            [cell.q_sfa for cell in cells],
            p["N"],
            p["K"],
        )
    )
    p["hazard"] *= 0.5  # trapezoid of two hazards
    return Mesoscopic(
        populations=p,
        theta=np.concatenate(theta),
        quasi=np.concatenate(quasi),
        potential=np.repeat(p["V_reset"], p["K"]),
        sfa=np.zeros(len(tau)),
        sfa_decay=np.exp(-dt / tau),
        sfa_feed=-np.expm1(-dt / tau) / (N * dt),
        sfa_weight=q * tau * np.exp(-K * dt / tau),
        sent=np.zeros((_lag(net, dt), len(p)), dtype=np.int64),
        **_weights(net),
        **cohorts,
    )


def microscopic(net, dt, sort_by_source, streams, wiring):
    """Return the arrays of a network in which all neurons have just fired.

    ``sort_by_source(sources, n_pre)`` returns where each source begins, and the connections in order of source;
    ``wiring`` is the generator of the connections, ``streams`` are those of the populations.
    """
    cells = [population.cell for population in net.populations.values()]
    p = _populations(net, dt)
    offsets = _offsets(p["N"])
    p["first"], total = offsets[:-1], offsets[-1]
    p["first_trace"] = _offsets(p["J"] * p["N"])[:-1]
    tau, jump = _terms([cell.tau_sfa for cell in cells], p["J"]), _terms([cell.q_sfa for cell in cells], p["J"])
    projections, starts, targets = _connect(net, p, sort_by_source, wiring)
    lag = _lag(net, dt)
    return Microscopic(
        populations=p,
        V_m=np.repeat(p["V_reset"], p["N"]),
        I_ex=np.zeros(total),
        I_in=np.zeros(total),
        pause=np.repeat(p["refractory"].astype(float), p["N"]),
        budget=np.concatenate([random.standard_exponential(N) for random, N in zip(streams, p["N"], strict=True)]),
        sfa=np.repeat(jump, np.repeat(p["N"], p["J"])),
        sfa_decay=np.exp(-dt / tau),
        sfa_jump=jump,
        ring_ex=np.zeros((lag, total)),
        ring_in=np.zeros((lag, total)),
        projections=projections,
        starts=starts,
        targets=targets,
    )


def generators(net, seed):
    """Return a random generator for each population and one for the connections."""
    root = seeds.root_sequence(seed)
    n = len(net.populations)
    streams = [np.random.Generator(seeds.stream(root, seeds.POPULATION, i)) for i in range(n)]
    return streams, np.random.Generator(seeds.stream(root, seeds.CONNECTION))


def most_spikes(populations, steps):
    """Return the largest number of spikes that neurons can fire."""
    return int(np.sum(populations["N"] * (steps // (populations["refractory"] + 1) + 1)))


def _populations(net, dt):
    """Return the constants that both levels share, with the state at rest."""
    if net.injections:
        raise ValueError("plain programs know no inputs")
    p = np.zeros(len(net.populations), POPULATION)
    for one, population in zip(p, net.populations.values(), strict=True):
        cell = population.cell
        one["N"], one["J"], one["refractory"] = population.N, len(cell.tau_sfa), refractory_steps(cell.t_ref, dt)
        one["leak"] = np.exp(-dt / cell.tau_m)
        one["V_m"], one["slope"], one["hazard"] = cell.E_L, 1.0 / cell.Delta_V, 1e-3 * dt * cell.lambda_0
        one["drive"] = (cell.I_e * cell.tau_m / cell.C_m + cell.E_L) * (1.0 - one["leak"])
        for name in ("E_L", "V_reset", "V_T_star"):
            one[name] = getattr(cell, name)
        for receptor, tau in (("ex", cell.tau_syn_ex), ("in", cell.tau_syn_in)):
            decay = np.exp(-dt / tau)
            carry = tau * cell.tau_m / (tau - cell.tau_m) * (decay - one["leak"])
            one[f"decay_{receptor}"] = decay
            one[f"carry_{receptor}"] = carry / cell.C_m
            one[f"input_{receptor}"] = tau / dt * (1.0 - decay)
            one[f"arrive_{receptor}"] = tau / dt * (cell.tau_m * (1.0 - one["leak"]) - carry) / cell.C_m
    p["first_term"] = p["first_trace"] = _offsets(p["J"])[:-1]
    return p


def _weights(net):
    """Return the effective weights of the mesoscopic level: weight times the fraction of sources."""
    index = {name: i for i, name in enumerate(net.populations)}
    weights = np.zeros((len(index), len(index)))
    for c in net.connections:
        density = c.rule.density(net.populations[c.pre].N, net.populations[c.post].N)
        weights[index[c.post], index[c.pre]] += c.weight * density
    return {"excitation": np.maximum(weights, 0.0), "inhibition": np.minimum(weights, 0.0)}


def _connect(net, populations, sort_by_source, random):
    """Draw the sources of each target neuron; return projections and their connections in order of source."""
    index = {name: i for i, name in enumerate(net.populations)}
    projections, starts, targets, first, begun = np.zeros(len(net.connections), PROJECTION), [], [], 0, 0
    for projection, c in zip(projections, net.connections, strict=True):
        n_pre, n_post = net.populations[c.pre].N, net.populations[c.post].N
        indegree = round(c.rule.density(n_pre, n_post) * n_pre)
        sources = random.integers(0, n_pre, n_post * indegree, dtype=np.int32)
        start, order = sort_by_source(sources, n_pre)
        projection["pre"], projection["post"] = index[c.pre], index[c.post]
        projection["first"], projection["indegree"], projection["weight"] = first, indegree, c.weight
        starts.append(start + begun)
        targets.append(order // np.int32(max(indegree, 1)) + np.int32(populations["first"][index[c.post]]))
        first, begun = first + n_pre + 1, begun + len(sources)
    return projections, np.concatenate(starts), np.concatenate(targets)


def _lag(net, dt):
    """Return the one delay of all connections, in steps; 1 where there are none."""
    lags = {whole_steps(c.label, c.delay, dt, least=1) for c in net.connections} or {1}
    if len(lags) > 1:
        raise ValueError("plain programs know one delay")
    return lags.pop()


def _offsets(lengths):
    return np.concatenate(([0], np.cumsum(lengths)))


def _terms(values, J):
    """Return the adaptation terms of all populations in a row: tuples one after the other, numbers once a term."""
    if np.ndim(values[0]):
        return np.array([term for terms in values for term in terms], dtype=float)
    return np.repeat(np.asarray(values, dtype=float), J)
