"""The plain algorithm in Numba, as a user would write it: one loop over cohorts, one over neurons."""

import math

import numpy as np
from numba import njit

from benchmarks.programs.plain import Recorded, generators, mesoscopic, microscopic, most_spikes

compiled = njit(cache=True, error_model="numpy")


def build(net, dt, level, seed):
    """Return a function of a duration in ms that simulates on and returns `Recorded`."""
    streams, wiring = generators(net, seed)
    if level == "meso":
        arrays = mesoscopic(net, dt)
        simulate = simulate_populations
    else:
        arrays = microscopic(net, dt, sort_by_source, streams, wiring)
        simulate = simulate_neurons
    streams, done = tuple(streams), 0

    def run(duration):
        nonlocal done
        steps = round(duration / dt)
        recorded = simulate(arrays, streams, done, steps)
        done += steps
        return recorded

    run.arrays = arrays
    return run


def simulate_populations(arrays, streams, first_step, steps):
    shape = (steps, len(arrays.populations))
    counts, mean = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    advance_populations(arrays, streams, first_step, counts, mean)
    return Recorded(counts, mean)


def simulate_neurons(arrays, streams, first_step, steps):
    counts = np.zeros((steps, len(arrays.populations)), dtype=np.int64)
    fired = np.empty(most_spikes(arrays.populations, steps), dtype=np.int32)
    n = advance_neurons(arrays, streams, first_step, counts, fired)
    return Recorded(counts, fired=fired[:n])


@compiled
def advance_populations(net, streams, first_step, counts, mean):
    lag = len(net.sent)
    for k in range(len(counts)):
        row = (first_step + k) % lag
        for i in range(len(net.populations)):
            p = net.populations[i]
            ex = inh = 0.0
            for j in range(len(net.populations)):
                ex += net.excitation[i, j] * net.sent[row, j]
                inh += net.inhibition[i, j] * net.sent[row, j]
            mean[k, i] = expect_spikes(net, p, ex, inh)
            counts[k, i] = streams[i].binomial(p.N, min(max(mean[k, i] / p.N, 0.0), 1.0))
            emit_spikes(net, p, counts[k, i])
        net.sent[row] = counts[k]


@compiled
def expect_spikes(net, p, ex, inh):
    """Return the expected number of spikes of a step (Schwalger, Deger & Gerstner 2017, Fig. 12)."""
    drive = p.drive + p.carry_ex * p.I_ex + p.arrive_ex * ex + p.carry_in * p.I_in + p.arrive_in * inh
    p.I_ex = p.I_ex * p.decay_ex + p.input_ex * ex
    p.I_in = p.I_in * p.decay_in + p.input_in * inh
    p.V_m = p.V_m * p.leak + drive

    oldest = p.first + p.oldest
    threshold = p.V_T_star
    for j in range(p.first_term, p.first_term + p.J):
        net.sfa[j] = net.sfa[j] * net.sfa_decay[j] + net.sfa_feed[j] * net.count[oldest]
        threshold += net.sfa_weight[j] * net.sfa[j]
    hazard = p.hazard * math.exp((p.V_m - threshold) * p.slope)
    p_free = -math.expm1(-(p.free_hazard + hazard))
    p.free_hazard = hazard
    threshold -= net.count[oldest] * net.quasi[p.first]

    Y, Z, W, X = thin_cohorts(net, p, drive, threshold)
    p_missing = (Y + p_free * p.free_variance) / (Z + p.free_variance) if Z + p.free_variance > 0.0 else 0.0
    mean = W + p_free * p.free + p_missing * (p.N - X - p.free)
    p.free_variance = (1.0 - p_free) ** 2 * p.free_variance + p_free * p.free + net.variance[oldest]
    p.free = (1.0 - p_free) * p.free + net.survivors[oldest]
    return mean


@compiled
def thin_cohorts(net, p, drive, threshold):
    """Draw the spikes of each cohort, from the oldest to the youngest."""
    Y = Z = W = X = 0.0
    for age in range(p.K):
        place = p.oldest + age
        place += p.first - (p.K if place >= p.K else 0)
        m = net.survivors[place]
        X += m
        if age >= p.K - p.refractory:
            continue
        u = net.potential[place] * p.leak + drive
        taken = p.hazard * math.exp((u - threshold - net.theta[p.first + age]) * p.slope)
        threshold += net.count[place] * net.quasi[p.first + age]
        fraction = net.hazard[place] + taken
        if fraction > 0.01:
            fraction = 1.0 - math.exp(-fraction)
        v = net.variance[place]
        Y += fraction * v
        Z += v
        W += fraction * m
        net.potential[place] = u
        net.hazard[place] = taken
        net.variance[place] = (1.0 - fraction) ** 2 * v + fraction * m
        net.survivors[place] = (1.0 - fraction) * m
    return Y, Z, W, X


@compiled
def emit_spikes(net, p, spikes):
    """Start a new cohort in the place of the oldest."""
    place = p.first + p.oldest
    net.count[place] = net.survivors[place] = spikes
    net.variance[place] = net.hazard[place] = 0.0
    net.potential[place] = p.V_reset
    p.oldest = (p.oldest + 1) % p.K


@compiled
def advance_neurons(net, streams, first_step, counts, fired):
    lag, n = len(net.ring_ex), 0
    for k in range(len(counts)):
        row, begun = (first_step + k) % lag, n
        for i in range(len(net.populations)):
            counts[k, i] = step_neurons(net, net.populations[i], streams[i], row, fired[n:])
            n += counts[k, i]
        deliver(net, row, counts[k], fired[begun:])
    return n


@compiled
def step_neurons(net, p, random, row, fired):
    """Advance the neurons of a population; write those that fire to ``fired`` and return how many."""
    n = 0
    for i in range(p.first, p.first + p.N):
        net.I_ex[i] = net.I_ex[i] * p.decay_ex + net.ring_ex[row, i]
        net.I_in[i] = net.I_in[i] * p.decay_in + net.ring_in[row, i]
        net.ring_ex[row, i] = net.ring_in[row, i] = 0.0
        threshold = p.V_T_star
        for j in range(p.J):
            trace = p.first_trace + j * p.N + i - p.first
            threshold += net.sfa[trace]
            net.sfa[trace] *= net.sfa_decay[p.first_term + j]
        if net.pause[i] > 0.0:
            net.pause[i] -= 1.0
            net.V_m[i] = p.V_reset
            continue
        net.V_m[i] = net.V_m[i] * p.leak + p.drive + net.I_ex[i] * p.carry_ex + net.I_in[i] * p.carry_in
        net.budget[i] -= p.hazard * math.exp((net.V_m[i] - threshold) * p.slope)
        if net.budget[i] < 0.0:
            net.budget[i] = random.standard_exponential()
            net.pause[i] = p.refractory
            for j in range(p.J):
                net.sfa[p.first_trace + j * p.N + i - p.first] += net.sfa_jump[p.first_term + j]
            fired[n] = i
            n += 1
    return n


@compiled
def deliver(net, row, counts, fired):
    """Put the spikes of a step into the ring buffers, along every connection."""
    begun = 0
    for i in range(len(counts)):
        for projection in net.projections:
            if projection.pre != i:
                continue
            ring = net.ring_ex[row] if projection.weight > 0.0 else net.ring_in[row]
            for f in range(begun, begun + counts[i]):
                start = projection.first + fired[f] - net.populations[i].first
                for c in range(net.starts[start], net.starts[start + 1]):
                    ring[net.targets[c]] += projection.weight
        begun += counts[i]


@compiled
def sort_by_source(sources, n_pre):
    """Return where each source begins, and the indices of ``sources`` in their order (counting sort)."""
    starts = np.zeros(n_pre + 1, dtype=np.int64)
    for source in sources:
        starts[source + 1] += 1
    for source in range(n_pre):
        starts[source + 1] += starts[source]
    place, order = starts.copy(), np.empty(len(sources), dtype=np.int32)
    for i in range(len(sources)):
        source = sources[i]
        order[place[source]] = i
        place[source] += 1
    return starts, order
