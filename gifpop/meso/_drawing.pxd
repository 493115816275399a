"""Who fires in a step, where spikes are drawn cohort by cohort (docs/finite_size.md).

Side by side on an axis, each neuron takes up an interval as long as q, its hazard integrated over the step. It fires if
a point of a Poisson process of rate 1 lies there: with probability 1 - exp(-q), independently of all others. So a step
needs about as many random numbers as there are spikes, not as there are cohorts. The ``budget`` is what is left of the
axis until the next point. Where many spikes are expected, `_dense` draws their number in each cohort instead.

Which members of a cohort those are: `_members`.
"""

from libc.math cimport expm1, floor, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport random_binomial, random_standard_exponential

from gifpop.engine._dispatch cimport loops
from gifpop.meso._blocks cimport cohorts_from, free_neurons, merged_cohorts
from gifpop.meso._members cimport ROUGHLY, part_members
from gifpop.meso._moments cimport decay_moments, few_members, take_fired, take_own, write_lift
from gifpop.meso._population cimport CERTAIN, MOST_HITS, PADDING, Block, Carried, Hits, Population, State, Sums


cdef enum:
    MANY = 20               # expected points, from which on it takes less time to draw of all cohorts at once
    MANY_PARTED = 60        # the same, where cohorts carry moments and are parted
    FEWEST_TOGETHER = 3     # cohorts that are hit, from which on it takes less time to part several at once
    STRETCH = 16            # cohorts


cdef inline double draw_roughly_normal(bitgen_t *random) noexcept nogil:
    """Draw a number of mean 0 and variance 1, the sum of four uniform ones: so many add up that they become normal."""
    cdef uint64_t x = random.next_uint64(random.state)
    return (<double> ((x & 0xffff) + ((x >> 16) & 0xffff) + ((x >> 32) & 0xffff) + (x >> 48)) - 131070.0) * ROUGHLY


cdef inline void scatter(Population *pop, const Block *block, Py_ssize_t first) noexcept nogil:
    """Draw by how much input of the neurons' own moves the mean of each cohort, from ``first`` on.

    Before a block there are places without neurons, which lanes take along: nothing moves them.
    """
    cdef Py_ssize_t i, r, R = pop.R
    cdef const double *deviation = pop.carried.deviation
    cdef double share, narrow
    for i in range(first, block.n):
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
    scatter(pop, &free, 0)
    if pop.cells.places > 0:
        scatter(pop, &cells, -PADDING)
    scatter(pop, &cohorts, -PADDING)


cdef inline void take_own_of(const Population *pop, const Block *block, Py_ssize_t i) noexcept nogil:
    """Add to the moments of one cohort, before it is parted, what input of its neurons' own brings."""
    cdef Block one
    cdef Py_ssize_t r
    one.moments, one.own, one.stride, one.n = block.moments + i, block.own + i, block.stride, 1
    take_own(&pop.carried, &one, pop.R)
    for r in range(pop.R):
        one.own[r * one.stride] = 0.0
    one.own[pop.R * one.stride] = 1.0       # done


cdef inline Py_ssize_t find(const double *ends, Py_ssize_t i, Py_ssize_t n, double point) noexcept nogil:
    """Return the first of the cohorts i, ..., n - 1 that ends beyond a point; n if none does.

    Count those that do not, without branches, which nobody could predict: first every `STRETCH`-th, then all of a
    stretch.
    """
    cdef Py_ssize_t j, passed = 0
    for j in range(1, (n - i) // STRETCH + 1):
        passed += 1 if ends[i + j * STRETCH - 1] <= point else 0
    i += passed * STRETCH
    passed = 0
    if n >= STRETCH:
        i = min(i, n - STRETCH)
        for j in range(STRETCH):
            passed += 1 if ends[i + j] <= point else 0
    else:
        for j in range(i, n):
            passed += 1 if ends[j] <= point else 0
    return i + passed


cdef inline int64_t hit(Population *pop, double start, double end, double neurons) noexcept nogil:
    """Return how many neurons of a cohort have points, the first of which is there; move on to the next cohort's."""
    cdef double *point = pop.budget
    cdef double each = (end - start) / neurons, before = point[0], one
    cdef int64_t fired = 1
    point[0] += random_standard_exponential(pop.random)
    if point[0] < end:
        before = min(floor((before - start) / each), neurons - 1.0)
    while point[0] < end:
        one = min(floor((point[0] - start) / each), neurons - 1.0)
        if one > before:        # else a second point in the interval of the same neuron
            before = one
            fired += 1
        point[0] += random_standard_exponential(pop.random)
    return fired


cdef inline void remove_fired(Population *pop, const Block *block, Py_ssize_t i, int64_t fired, double q,
                              double *mixed) noexcept nogil:
    """Take neurons that fire out of a cohort; add their moments to ``mixed``."""
    if pop.carried.D > 0:
        if pop.carried.noisy:
            take_own_of(pop, block, i)
        part_members(&pop.carried, block.moments + i, block.stride, block.survivors[i], <double> fired, q, mixed,
                     pop.random)
    block.survivors[i] -= fired


cdef inline void note(Hits *hits, Py_ssize_t place, int64_t fired, double q) noexcept nogil:
    """Add a cohort that was hit."""
    hits.place[hits.n], hits.fired[hits.n], hits.q[hits.n] = place, <double> fired, q
    hits.n += 1


cdef inline void remove_hits(Population *pop, const Block *block, Hits *hits, double *mixed) noexcept nogil:
    """Take those who fire out of the cohorts that were hit, add their moments to ``mixed``, and forget the hits."""
    cdef Py_ssize_t i
    if hits.n < FEWEST_TOGETHER:
        for i in range(hits.n):
            remove_fired(pop, block, hits.place[i], <int64_t> hits.fired[i], hits.q[i], mixed)
        hits.n = 0
        return
    if pop.carried.noisy:
        for i in range(hits.n):
            take_own_of(pop, block, hits.place[i])
    loops.part_hits(pop, block, hits, mixed)
    for i in range(hits.n):
        block.survivors[hits.place[i]] -= hits.fired[i]
    hits.n = 0


cdef inline int64_t draw_points(Population *pop, const Block *block, double *mixed) noexcept nogil:
    """Draw who fires of cohorts side by side by the points on their axis; return how many."""
    cdef double start, neurons
    cdef int64_t fired, all = 0
    cdef Py_ssize_t i = 0
    cdef Hits hits
    hits.n = 0
    while i < block.n and pop.budget[0] < block.ends[block.n - 1]:
        i = find(block.ends, i, block.n, pop.budget[0])
        start, neurons = block.ends[i - 1] if i > 0 else 0.0, block.survivors[i]
        if neurons > 0.0:       # else a rounding error
            fired = hit(pop, start, block.ends[i], neurons)
            all += fired
            if pop.carried.D == 0:
                block.survivors[i] -= fired
            else:
                note(&hits, i, fired, (block.ends[i] - start) / neurons)
                if hits.n == MOST_HITS:
                    remove_hits(pop, block, &hits, mixed)
        i += 1
    pop.budget[0] -= block.ends[block.n - 1]
    remove_hits(pop, block, &hits, mixed)
    return all


cdef inline int64_t draw_block(Population *pop, const Block *block, double *mixed) noexcept nogil:
    """Draw who fires of cohorts side by side; remove them, and add their moments to ``mixed``; return how many."""
    cdef Py_ssize_t i
    if block.n == 0:
        return 0
    if not block.ends[block.n - 1] > (MANY_PARTED if pop.carried.D > 0 else MANY):
        return draw_points(pop, block, mixed)
    if pop.carried.D > 0 and pop.carried.noisy:
        for i in range(block.n):
            take_own_of(pop, block, i)
    return loops.draw_all(pop, block, mixed)


cdef inline int64_t draw_free(Population *pop, double q, double *mixed) noexcept nogil:
    """Draw who fires of the free neurons, each with the integrated hazard ``q``; otherwise as `draw_block`."""
    cdef double neurons = pop.state.survivors, length = neurons * q
    cdef Block free = free_neurons(pop, &length)
    cdef int64_t fired
    if not length > MANY:       # one cohort
        return draw_points(pop, &free, mixed)
    fired = random_binomial(pop.random, -expm1(-q), <int64_t> neurons, &pop.binomial)
    if fired > 0:
        remove_fired(pop, &free, 0, fired, q, mixed)
    return fired


cdef inline void draw_firing(Population *pop, Py_ssize_t active, double q_free, const Sums *sums,
                             double *mixed) noexcept nogil:
    """Draw who fires in this step of cohorts, cells and free neurons; ``mixed`` is overwritten."""
    cdef State *s = pop.state
    cdef Carried *carried = &pop.carried
    cdef double unused
    cdef Block cohorts = cohorts_from(pop, s.oldest, active), cells = merged_cohorts(pop)
    cdef Block free = free_neurons(pop, &unused)
    s.mean = sums.fired - expm1(-q_free) * s.survivors
    memset(mixed, 0, carried.moments * sizeof(double))
    pop.fired = draw_free(pop, min(q_free, CERTAIN), mixed)
    pop.fired += draw_block(pop, &cells, mixed)
    pop.fired += draw_block(pop, &cohorts, mixed)
    if carried.D > 0:
        take_fired(carried, mixed, <double> pop.fired, 0.0)
    if carried.acting > 0:
        loops.keep_carried(pop, &cohorts)
        if s.cells > 0:
            loops.keep_carried(pop, &cells)
        if carried.noisy:
            take_own(carried, &free, pop.R)
        decay_moments(carried, carried.free, 1, 1)
        write_lift(carried, carried.free, 1, few_members(pop, s.survivors))
        carried.finite = 0.0 * carried.free[carried.moments]
