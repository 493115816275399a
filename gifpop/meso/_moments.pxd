"""Moments of the modes of single cohorts: mixing, and what happens once a step (docs/closures.md).

The moments of a cohort stand ``stride`` apart: the D means, then the lower triangle of the covariance, row by row, then
the lift, by which they lower the logarithm of the averaged hazard. Between two steps they are what they will have
decayed to at the end of the next one.
"""

from libc.math cimport sqrt, tanh

from gifpop.engine._exchange cimport Arrivals
from gifpop.meso._population cimport MOST_MODES, Block, Carried, Population

cdef extern from *:
    """
    #define GP_FEWEST 1e-6
    #define GP_SMALLEST_SPREAD 1e-12
    #define GP_TINY 1e-300
    """
    const double FEWEST "GP_FEWEST"     # of a cohort that survive a step, as far as their adaptation is concerned
    const double TINY "GP_TINY"     # nothing beside any spread, so that 0/0 is 0
    const double SMALLEST_SPREAD "GP_SMALLEST_SPREAD"   # r that rounding leaves of the variances of all modes


cdef inline Py_ssize_t place(const Carried *carried, Py_ssize_t d, Py_ssize_t e) noexcept nogil:
    """Return the place of the covariance of modes d and e among the moments."""
    if e > d:
        d, e = e, d
    return carried.D + d * (d + 1) // 2 + e


cdef inline double few_members(const Population *pop, double neurons) noexcept nogil:
    """Return how much less of their spread lifts the hazard of so few neurons; 0 where they are not counted."""
    return 0.5 / (neurons + 1.0) if pop.drawn else 0.0


cdef inline void write_lift(const Carried *carried, double *moments, Py_ssize_t stride, double few) noexcept nogil:
    """Write how adaptation lowers the logarithm of the averaged hazard: sum(y) - r/2, or r/2 / (1 + few r)."""
    cdef Py_ssize_t d, e, k = carried.D
    cdef double lift = 0.0, r = 0.0
    for d in range(carried.acting):
        lift += moments[d * stride]
        for e in range(d + 1):
            lift -= moments[k * stride] * (0.5 if d == e else 1.0)
            if few > 0.0:
                r += moments[k * stride] * (1.0 if d == e else 2.0)
            k += 1
    lift += 0.5 * few * r * r / (1.0 + few * r)
    moments[carried.moments * stride] = max(lift, carried.least_lift)


cdef inline void mix_moments(const Carried *carried, double *into, Py_ssize_t stride, const double *other,
                             Py_ssize_t other_stride, double share, double few) noexcept nogil:
    """Mix the moments of one cohort with those of another, which holds ``share`` of the neurons of both.

    ``few`` is that of both (`few_members`).
    """
    cdef Py_ssize_t d, e, k, D = carried.D
    cdef double[MOST_MODES] apart
    cdef double between
    for d in range(D):
        apart[d] = other[d * other_stride] - into[d * stride]
        into[d * stride] += share * apart[d]
    k = D
    for d in range(D):
        for e in range(d + 1):
            between = (1.0 - share) * apart[d] * apart[e]
            into[k * stride] += share * (other[k * other_stride] - into[k * stride] + between)
            k += 1
    write_lift(carried, into, stride, few)


cdef inline double variance_of_samples(const Carried *carried, double variance, Py_ssize_t r) noexcept nogil:
    """Return the variance between neurons of the spikes of a step, given that of independent spikes.

    Neurons that have just fired do not fire again: where each has fired once, every sample holds equally many. Of
    regular spike trains with x spikes within the memory of the receiving neuron a share coth(1/(2 x)) - 2 x is left.
    """
    cdef double share, x
    if not variance > 0.0:
        carried.recent[r] *= carried.forget[r]
        return 0.0
    share = variance / carried.capacity[r]
    x = carried.recent[r] + 0.5 * share
    carried.recent[r] = (carried.recent[r] + share) * carried.forget[r]
    return variance * max(1.0 / tanh(0.5 / x) - 2.0 * x, 0.0)


cdef inline void spread_modes(Carried *carried, const double *variance, Py_ssize_t R) noexcept nogil:
    """Compute how much input of these variances, at ``R`` receptors, spreads the modes in a step."""
    cdef Py_ssize_t d, e, r, k = carried.D, moments = carried.moments
    cdef double added, lift = 0.0
    for d in range(carried.D):
        for e in range(d + 1):
            added = variance[0] * carried.noise[k]
            for r in range(1, R):
                added = added + variance[r] * carried.noise[r * moments + k]
            carried.added[k] = added
            lift += added * (0.5 if d == e else 1.0)
            k += 1
    carried.added_lift = lift


cdef inline void receive_noise(Carried *carried, const Arrivals *a, Py_ssize_t R) noexcept nogil:
    """Compute how much input of the neurons' own spreads their modes in this step; add it to ``a.noise``."""
    cdef Py_ssize_t r
    if not carried.noisy:
        return
    for r in range(R):
        a.noise[r] += variance_of_samples(carried, a.samples[r], r)
        carried.deviation[r] = sqrt(a.noise[r])
    if R == 2:                  # a constant unrolls the loop
        spread_modes(carried, a.noise, 2)
    elif R > 0:
        spread_modes(carried, a.noise, R)


cdef inline void take_noise(const Carried *carried, double *moments, Py_ssize_t stride, Py_ssize_t n) noexcept nogil:
    """Add what input of the neurons' own brings to the moments of cohorts side by side."""
    cdef Py_ssize_t k, i
    if carried.noisy:
        for k in range(carried.D, carried.moments):
            for i in range(n):
                moments[k * stride + i] += carried.added[k]


cdef inline void take_own(const Carried *carried, const Block *block, Py_ssize_t R) noexcept nogil:
    """Add what input of their own brings to the moments of cohorts of few neurons: it moves their mean, too."""
    cdef Py_ssize_t d, i, k, r
    for r in range(R):
        for d in range(carried.currents, carried.acting):
            for i in range(block.n):
                block.moments[d * block.stride + i] += (carried.direction[r * (carried.D + 1) + d]
                                                        * block.own[r * block.stride + i])
    for k in range(carried.D, carried.moments):
        for i in range(block.n):
            block.moments[k * block.stride + i] += carried.added[k] * (1.0 - block.own[R * block.stride + i])


cdef inline void decay_moments(const Carried *carried, double *moments, Py_ssize_t stride, Py_ssize_t n) noexcept nogil:
    """Decay the moments of cohorts side by side."""
    cdef Py_ssize_t k, i
    for k in range(carried.moments):
        for i in range(n):
            moments[k * stride + i] *= carried.decay[k]


cdef inline void release_membrane(const Carried *carried, double *moments, Py_ssize_t stride) noexcept nogil:
    """Set the mode of the membrane so that potentials are at the reset, whatever the currents are."""
    cdef Py_ssize_t membrane = carried.acting - 1, d, e
    cdef double sum, all = 0.0
    if not carried.membrane:
        return
    sum = 0.0
    for e in range(carried.currents, membrane):
        sum -= moments[e * stride]
    moments[membrane * stride] = sum
    for d in range(carried.D):
        if d == membrane:
            continue
        sum = 0.0
        for e in range(carried.currents, membrane):
            sum -= moments[place(carried, d, e) * stride]
        moments[place(carried, membrane, d) * stride] = sum
        if carried.currents <= d < membrane:
            all -= sum
    moments[place(carried, membrane, membrane) * stride] = all


cdef inline void wait_out(const Population *pop, Py_ssize_t first) noexcept nogil:
    """Advance the moments of refractory cohorts, of which the ``first`` may fire from the next step on."""
    cdef const Carried *carried = &pop.carried
    cdef double *moments = carried.cohorts + first
    cdef Py_ssize_t stride = pop.places, n = pop.state.oldest + pop.state.cohorts - first
    cdef Block waiting
    if pop.drawn and carried.noisy:
        waiting.moments, waiting.own, waiting.stride, waiting.n = moments, carried.own + first, stride, n
        take_own(carried, &waiting, pop.R)
    else:
        take_noise(carried, moments, stride, n)
    release_membrane(carried, moments, stride)
    decay_moments(carried, moments, stride, n)
    write_lift(carried, moments, stride, few_members(pop, pop.survivors[first]))


cdef inline void part_free(const Carried *carried, double p, double weight, double *mixed, bint smooth) noexcept nogil:
    """Split the moments of the free neurons, of which ``weight`` fire, as `_carried.part` does."""
    cdef Py_ssize_t d, e, k, D = carried.D
    cdef double *moments = carried.free
    cdef double[MOST_MODES] v, fired
    cdef double r = 0.0, single = 0.0, g, share, away, wider, between
    take_noise(carried, moments, 1, 1)
    for d in range(D):
        v[d] = 0.0
        for e in range(carried.acting):
            v[d] += moments[place(carried, d, e)]
        if d < carried.acting:
            r += v[d]
            single += moments[place(carried, d, d)]
    if smooth:
        r = max(r, 0.0)
        share = r / ((r + SMALLEST_SPREAD * single + TINY) * (1.0 - p + FEWEST + p * r))
    else:
        share = 1.0 / (max(1.0 - p, FEWEST) + p * r) if r > SMALLEST_SPREAD * single else 0.0
    g = p * share
    away = (1.0 - p) * share
    wider = away * (1.0 - share)
    for d in range(D):
        fired[d] = moments[d] - away * v[d] - carried.fired[d]
        mixed[d] += weight * fired[d]
        moments[d] += g * v[d]
    k = D
    for d in range(D):
        for e in range(d + 1):
            between = v[d] * v[e]
            mixed[k] += weight * (moments[k] + wider * between + fired[d] * fired[e])
            moments[k] -= g * between
            k += 1
    decay_moments(carried, moments, 1, 1)
    write_lift(carried, moments, 1, 0.0)


cdef inline void take_fired(const Carried *carried, const double *mixed, double spikes, double least) noexcept nogil:
    """Store the moments of the neurons that fire in this step, from their sums; keep the last ones if none fires.

    ``least``: how many spikes the last moments count for besides, so that moments do not jump; or 0.
    """
    cdef Py_ssize_t d, e, k = carried.D
    cdef double[MOST_MODES] apart
    cdef double weight = spikes + least
    if not weight > 0.0:
        return
    for d in range(carried.D):
        apart[d] = mixed[d] / weight
        carried.fired[d] += apart[d]
    for d in range(carried.D):
        for e in range(d + 1):
            carried.fired[k] = (mixed[k] + least * carried.fired[k]) / weight - apart[d] * apart[e]
            k += 1


cdef inline void begin_moments(const Population *pop, Py_ssize_t entering, const double *fired) noexcept nogil:
    """Write the moments of the neurons that fire, the cohort that is ``entering``; those of adaptation then jump."""
    cdef const Carried *carried = &pop.carried
    cdef double *moments = carried.cohorts + entering
    cdef Py_ssize_t k, stride = pop.places
    if pop.refractory == 0:
        for k in range(carried.moments):
            moments[k * stride] = fired[k] + (carried.jump[k] if k < carried.D else 0.0)
        release_membrane(carried, moments, stride)
        decay_moments(carried, moments, stride, 1)
        write_lift(carried, moments, stride, few_members(pop, pop.survivors[entering]))
        return
    for k in range(carried.D):
        moments[k * stride] = (fired[k] + carried.jump[k]) * carried.decay[k]
    for k in range(carried.D, carried.moments):
        moments[k * stride] = fired[k] * carried.decay[k]
