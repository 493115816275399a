"""Who fires in a step, where spikes are drawn cohort by cohort (docs/finite_size.md).

Side by side on an axis, each neuron takes up an interval as long as q, its hazard integrated over the step. It fires if
a point of a Poisson process of rate 1 lies there: with probability 1 - exp(-q), independently of all others. So a step
needs about as many random numbers as there are spikes, not as there are cohorts. The ``budget`` is what is left of the
axis until the next point. A cohort that is likely to fire many spikes draws their number instead.

Which members of a cohort those are: `_members`.
"""

from libc.math cimport expm1, floor, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport random_binomial, random_standard_exponential

from gifpop.engine._dispatch cimport loops
from gifpop.meso._blocks cimport cohorts_from, free_neurons, merged_cohorts
from gifpop.meso._members cimport part_members
from gifpop.meso._moments cimport decay_moments, few_members, take_fired, take_own, write_lift
from gifpop.meso._population cimport CERTAIN, Block, Carried, Population, State, Sums

cdef extern from *:
    """
    #define GP_MANY 8.0
    #define GP_ROUGHLY 2.6428997921303014e-05
    """
    const double MANY "GP_MANY"     # expected points in a cohort, from which on a binomial number is drawn faster
    const double ROUGHLY "GP_ROUGHLY"   # 1 / the standard deviation of the sum of four numbers of 16 bits


cdef enum:
    STRETCH = 8             # cohorts that are passed at once where nobody fires


cdef inline double draw_roughly_normal(bitgen_t *random) noexcept nogil:
    """Draw a number of mean 0 and variance 1, the sum of four uniform ones: so many add up that they become normal."""
    cdef uint64_t x = random.next_uint64(random.state)
    return (<double> ((x & 0xffff) + ((x >> 16) & 0xffff) + ((x >> 32) & 0xffff) + (x >> 48)) - 131070.0) * ROUGHLY


cdef inline void scatter(Population *pop, const Block *block) noexcept nogil:
    """Draw by how much input of the neurons' own moves the mean of each cohort."""
    cdef Py_ssize_t i, r, R = pop.R
    cdef const double *deviation = pop.carried.deviation
    cdef double share, narrow
    for i in range(block.n):
        share = 1.0 / block.survivors[i] if block.survivors[i] > 0.0 else 1.0
        narrow = sqrt(share) if block.survivors[i] > 0.0 else 0.0
        for r in range(R):
            block.own[r * block.stride + i] = (narrow * deviation[r] * draw_roughly_normal(pop.random)
                                               if narrow * deviation[r] > 0.0 else 0.0)
        block.own[R * block.stride + i] = share


cdef inline void scatter_all(Population *pop) noexcept nogil:
    """Draw by how much input of the neurons' own moves the mean of all cohorts, cells and the free neurons."""
    cdef State *s = pop.state
    cdef double unused
    cdef Block cohorts = cohorts_from(pop, s.oldest, s.cohorts), cells = merged_cohorts(pop)
    cdef Block free = free_neurons(pop, &unused)
    scatter(pop, &free)
    scatter(pop, &cells)
    scatter(pop, &cohorts)


cdef inline void take_own_of(const Population *pop, const Block *block, Py_ssize_t i) noexcept nogil:
    """Add to the moments of one cohort, before it is parted, what input of its neurons' own brings."""
    cdef Block one
    cdef Py_ssize_t r
    one.moments, one.own, one.stride, one.n = block.moments + i, block.own + i, block.stride, 1
    take_own(&pop.carried, &one, pop.R)
    for r in range(pop.R):
        one.own[r * one.stride] = 0.0
    one.own[pop.R * one.stride] = 1.0       # done


cdef inline int64_t draw_number(Population *pop, double neurons, double q) noexcept nogil:
    """Draw how many of a cohort's neurons fire, whose integrated hazard is ``q``, and move on along the axis."""
    cdef double *budget = pop.budget
    cdef double length = neurons * q, one, before = -1.0
    cdef int64_t fired = 0
    if length >= MANY:
        return random_binomial(pop.random, -expm1(-q), <int64_t> neurons, &pop.binomial)
    while budget[0] < length:
        one = min(floor(budget[0] / q), neurons - 1.0)
        if one > before:        # else a second point in the interval of the same neuron
            before = one
            fired += 1
        budget[0] += random_standard_exponential(pop.random)
    budget[0] -= length
    return fired


cdef inline int64_t draw_block(Population *pop, const Block *block, double *mixed) noexcept nogil:
    """Draw who fires of cohorts side by side; remove them, and add their moments to ``mixed``; return how many."""
    cdef int64_t all = 0
    cdef double length
    cdef Py_ssize_t i = 0, end
    while i < block.n:
        end = min(i + STRETCH, block.n)
        if end == i + STRETCH:
            length = length_of(block.survivors + i, block.exposure + i)
            if length < min(pop.budget[0], MANY):
                pop.budget[0] -= length
                i = end
        while i < end:
            all += draw_cohort(pop, block, i, mixed)
            i += 1
    return all


cdef inline double length_of(const double *neurons, const double *q) noexcept nogil:
    """Return the length of a stretch of the axis."""
    return (((neurons[0] * q[0] + neurons[1] * q[1]) + (neurons[2] * q[2] + neurons[3] * q[3]))
            + ((neurons[4] * q[4] + neurons[5] * q[5]) + (neurons[6] * q[6] + neurons[7] * q[7])))


cdef inline int64_t draw_cohort(Population *pop, const Block *block, Py_ssize_t i, double *mixed) noexcept nogil:
    """Draw who fires of one cohort."""
    cdef double neurons = block.survivors[i], q = block.exposure[i]
    cdef int64_t fired
    if neurons * q < min(pop.budget[0], MANY):
        pop.budget[0] -= neurons * q
        return 0
    fired = draw_number(pop, neurons, q)
    if fired > 0:
        if pop.carried.D > 0:
            if pop.carried.noisy:
                take_own_of(pop, block, i)
            part_members(&pop.carried, block.moments + i, block.stride, neurons, <double> fired, q, mixed, pop.random)
        block.survivors[i] = neurons - fired
    return fired


cdef inline void draw_firing(Population *pop, Py_ssize_t active, double q_free, const Sums *sums,
                             double *mixed) noexcept nogil:
    """Draw who fires in this step of cohorts, cells and free neurons; ``mixed`` is overwritten."""
    cdef State *s = pop.state
    cdef Carried *carried = &pop.carried
    cdef double q = min(q_free, CERTAIN)
    cdef double exposure = sums.exposure + q * s.survivors, most = max(sums.most, q * s.survivors)
    cdef Block cohorts = cohorts_from(pop, s.oldest, active), cells = merged_cohorts(pop), free = free_neurons(pop, &q)
    s.mean = sums.fired - expm1(-q_free) * s.survivors
    pop.fired = 0
    if exposure < pop.budget[0] and most < MANY:
        pop.budget[0] -= exposure
    else:
        memset(mixed, 0, carried.moments * sizeof(double))
        pop.fired = draw_block(pop, &free, mixed)
        pop.fired += draw_block(pop, &cells, mixed)
        pop.fired += draw_block(pop, &cohorts, mixed)
        if carried.D > 0:
            take_fired(carried, mixed, <double> pop.fired, 0.0)
    if carried.D > 0:
        loops.keep_carried(pop, &cohorts)
        if s.cells > 0:
            loops.keep_carried(pop, &cells)
        if carried.noisy:
            take_own(carried, &free, pop.R)
        decay_moments(carried, carried.free, 1, 1)
        write_lift(carried, carried.free, 1, few_members(pop, s.survivors))
        carried.finite = 0.0 * carried.free[carried.moments]
