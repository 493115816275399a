"""One step of the cohorts of a population: the innermost loops of the mesoscopic level.

Compiled once for each instruction set; `gifpop.instruction_set` chooses at import. Equations: Schwalger, Deger &
Gerstner (2017), Fig. 12.
"""

from libc.stdint cimport int64_t

from gifpop._fastmath cimport fast_exp, sole, sole_in
from gifpop._types cimport Constants, Population, Sums

cdef enum:
    BLOCK = 64              # cohorts taken together: their thresholds and probabilities stay in the first cache
    LANES = 4               # partial sums side by side, so that additions need not wait for each other


cdef inline double thresholds(sole_in theta, sole_in quasi, sole_in count, double earlier,
                              sole threshold, Py_ssize_t n) noexcept nogil:
    """Threshold of each cohort: its own last spike and, as if Poisson, those before (Eq. 14 of the paper)."""
    cdef Py_ssize_t i
    for i in range(n):
        threshold[i] = theta[i] + earlier
        earlier = earlier + count[i] * quasi[i]
    return earlier


cdef inline bint fire_probabilities(const Constants *c, double drive, sole_in threshold, sole potential, sole hazard,
                                    sole p, Py_ssize_t n) noexcept nogil:
    """Move the potentials and integrate the hazard over the step; tell whether any probability is large."""
    cdef double E_L = c.E_L, leak = c.leak, slope = c.inverse_Delta_V, lambda_0 = c.lambda_0, half = c.half_step
    cdef double new_hazard
    cdef Py_ssize_t i
    cdef int64_t large = 0
    for i in range(n):
        potential[i] = (potential[i] - E_L) * leak + drive
        new_hazard = lambda_0 * fast_exp((potential[i] - threshold[i]) * slope)
        p[i] = half * (hazard[i] + new_hazard)
        hazard[i] = new_hazard
    for i in range(n):
        large += p[i] > 0.01
    return large > 0


cdef inline void saturate(sole p, Py_ssize_t n) noexcept nogil:
    """Turn integrated hazards into probabilities where the difference shows (above 0.01, as NEST)."""
    cdef Py_ssize_t i
    cdef double integrated, probability
    for i in range(n):
        integrated = p[i]
        probability = 1.0 - fast_exp(-integrated)
        p[i] = probability if integrated > 0.01 else integrated


cdef inline void thin(sole_in p, sole survivors, sole variance, Sums *sums, Py_ssize_t n) noexcept nogil:
    """Let the expected fraction of each cohort fire; add to the sums of Fig. 12."""
    cdef double[LANES] Y, Z, W, X
    cdef double m, v, stay
    cdef Py_ssize_t i, group, lane, groups = n // LANES
    for lane in range(LANES):
        Y[lane] = Z[lane] = W[lane] = X[lane] = 0.0
    for group in range(groups):
        for lane in range(LANES):
            i = group * LANES + lane
            m = survivors[i]
            v = variance[i]
            stay = 1.0 - p[i]
            Y[lane] += p[i] * v
            Z[lane] += v
            W[lane] += p[i] * m
            X[lane] += m
            variance[i] = stay * stay * v + p[i] * m
            survivors[i] = stay * m
    for i in range(groups * LANES, n):
        m = survivors[i]
        v = variance[i]
        stay = 1.0 - p[i]
        Y[0] += p[i] * v
        Z[0] += v
        W[0] += p[i] * m
        X[0] += m
        variance[i] = stay * stay * v + p[i] * m
        survivors[i] = stay * m
    sums.variance_fired += (Y[0] + Y[1]) + (Y[2] + Y[3])
    sums.variance += (Z[0] + Z[1]) + (Z[2] + Z[3])
    sums.fired += (W[0] + W[1]) + (W[2] + W[3])
    sums.survivors += (X[0] + X[1]) + (X[2] + X[3])


cdef double advance_cohorts(Population *pop, double drive, double earlier, Py_ssize_t age_index, Py_ssize_t slot,
                            Py_ssize_t n, Sums *sums) noexcept nogil:
    """Advance ``n`` cohorts that lie side by side in the ring; return the threshold left by all so far."""
    cdef double[BLOCK] threshold, p
    cdef Py_ssize_t done = 0, size, k
    while done < n:
        size = min(<Py_ssize_t> BLOCK, n - done)
        k = slot + done
        earlier = thresholds(pop.theta + age_index + done, pop.quasi + age_index + done, pop.count + k, earlier,
                             threshold, size)
        if fire_probabilities(pop.constants, drive, threshold, pop.potential + k, pop.hazard + k, p, size):
            saturate(p, size)
        thin(p, pop.survivors + k, pop.variance + k, sums, size)
        done += size
    return earlier
