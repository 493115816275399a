"""One step of cohorts that carry their members' adaptation, or of cells of such cohorts.

Compiled once for each instruction set, as `_cohorts`, whose units these are. Equations: docs/closures.md. Adaptation is
a sum of D modes that decay exponentially, in units of Delta_V; of each cohort there are the means y of its members'
modes and their covariance C. With v = C 1 and r = 1 C 1, the hazard averaged over the members is
exp(u/Delta_V - threshold - sum(y) + r/2); those who fire, if they are few, have the means y - v. Between two steps
moments are what they will have decayed to at the end of the next one, beside the lift, sum(y) - r/2.

Of the D modes, the first A are those of adaptation; 1 is 0 in those of short-term plasticity, which follow
(`_synapses`).
"""

from gifpop.engine._lanes cimport LANES, LOG2_E, above, all_lanes, lanes, larger, load, store, total
from gifpop.meso._moments cimport FEWEST, SMALLEST_SPREAD, TINY
from gifpop.meso._passes cimport (TILE, Totals, clear, expose, integrate_hazards, saturate, saturate_all, thin,
                                  write_sums)
from gifpop.meso._population cimport MOST_MODES, MOST_MOMENTS, Block, Carried, Constants, Population, Sums


cdef inline void recover(const Block *block, double *excess, Py_ssize_t first, Py_ssize_t groups, double leak,
                         double drive, double slope, double threshold) noexcept nogil:
    """Move the potentials; write to ``excess`` how far above their thresholds they are, as a power of two."""
    cdef Py_ssize_t group, i
    cdef lanes u
    for group in range(groups):
        i = first + group * LANES
        u = load(block.potential + i) * leak + drive
        store(block.potential + i, u)
        store(excess + group * LANES, u * slope - (load(block.lift + i) * LOG2_E + threshold))


cdef inline void recover_each(const Carried *carried, const Block *block, double *excess, Py_ssize_t first,
                              Py_ssize_t groups, double leak, double drive, double slope, double threshold,
                              Py_ssize_t R) noexcept nogil:
    """Do as `recover`, where input of the neurons' own has moved the mean of each cohort."""
    cdef const double *own = block.own
    cdef Py_ssize_t group, i, r, stride = block.stride
    cdef lanes u, lift
    for group in range(groups):
        i = first + group * LANES
        u = load(block.potential + i) * leak + drive
        store(block.potential + i, u)
        lift = load(block.lift + i) - carried.added_lift * (1.0 - load(own + R * stride + i))
        for r in range(R):
            lift = lift + load(own + r * stride + i) * carried.direction[r * (carried.D + 1) + carried.D]
        store(excess + group * LANES, u * slope - (lift * LOG2_E + threshold))


cdef inline lanes covariance(const Carried *carried, const double *row, Py_ssize_t k, Py_ssize_t stride,
                             bint noisy) noexcept nogil:
    """Return the k-th moment of a step, a covariance, with what input of the neurons' own adds."""
    cdef lanes x = load(row + k * stride)
    if noisy:
        x = x + carried.added[k]
    return x


cdef inline void part(const Carried *carried, const Block *block, const double *probability, Py_ssize_t first,
                      Py_ssize_t groups, lanes *mixed, Py_ssize_t D, Py_ssize_t A, bint noisy,
                      bint smooth) noexcept nogil:
    """Split moments: add those of the neurons that fire to ``mixed``, keep and decay those of the survivors.

    Means are mixed as differences from those of the step before, so that no digits are lost.
    """
    cdef Py_ssize_t group, i, d, e, k, stride = block.stride
    cdef double *row
    cdef lanes p, stay, w, r, g, x, lift, share, away, wider, between, single
    cdef lanes[MOST_MODES] v, fired
    for group in range(groups):
        i = first + group * LANES
        row = block.moments + i
        p = load(probability + group * LANES)
        w = p * load(block.survivors + i)
        for d in range(D):
            v[d] = all_lanes(0.0)
        single = all_lanes(0.0)
        for d in range(D):
            for e in range(d + 1):
                x = covariance(carried, row, D + d * (d + 1) // 2 + e, stride, noisy)
                if e < A:
                    v[d] = v[d] + x
                if e < d:
                    if d < A:
                        v[e] = v[e] + x
                elif d < A:
                    single = single + x
        r = v[0]
        for d in range(1, A):
            r = r + v[d]
        stay = 1.0 - p
        if smooth:
            r = larger(r, all_lanes(0.0))
            share = r / ((r + single * SMALLEST_SPREAD + TINY) * (stay + FEWEST + p * r))
        else:
            share = above(r - single * SMALLEST_SPREAD, 0.0, all_lanes(1.0) / (larger(stay, all_lanes(FEWEST)) + p * r),
                          all_lanes(0.0))
        g = p * share
        away = stay * share
        wider = away * (1.0 - share)
        lift = all_lanes(0.0)
        for d in range(D):
            x = load(row + d * stride)
            fired[d] = x - away * v[d] - carried.fired[d]
            mixed[d] = mixed[d] + w * fired[d]
            x = (x + g * v[d]) * carried.decay[d]
            store(row + d * stride, x)
            if d < A:
                lift = lift + x
        for d in range(D):
            for e in range(d + 1):
                k = D + d * (d + 1) // 2 + e
                x = covariance(carried, row, k, stride, noisy)
                between = v[d] * v[e]
                mixed[k] = mixed[k] + w * (x + wider * between + fired[d] * fired[e])
                x = (x - g * between) * carried.decay[k]
                store(row + k * stride, x)
                if d < A:
                    lift = lift - (0.5 * x if e == d else x)
        store(block.lift + i, larger(lift, all_lanes(carried.least_lift)))


cdef inline void advance(const Population *pop, const Block *block, double drive, Sums *sums, double *mixed,
                         Py_ssize_t D, Py_ssize_t A, bint noisy) noexcept nogil:
    """Advance a block with ``D`` modes, ``A`` of adaptation, numbers known to the compiler."""
    cdef const Constants *c = pop.constants
    cdef const Carried *carried = &pop.carried
    cdef double[TILE] p, left
    cdef lanes[MOST_MOMENTS] sums_of_fired
    cdef Py_ssize_t spare = (LANES - block.n % LANES) % LANES, first = -spare, groups, k
    cdef double slope = c.inverse_Delta_V * LOG2_E
    cdef bint each = pop.drawn and noisy
    cdef double common_lift = 0.0 if each else carried.added_lift
    cdef double threshold = (c.V_T_star * c.inverse_Delta_V - c.log_hazard - common_lift) * LOG2_E
    cdef lanes largest
    cdef Totals totals
    clear(&totals)
    for k in range(D + D * (D + 1) // 2):
        sums_of_fired[k] = all_lanes(0.0)
    while first < block.n:
        groups = min(<Py_ssize_t> TILE, block.n - first) // LANES
        if each:
            recover_each(carried, block, p, first, groups, c.leak, drive, slope, threshold, pop.R)
        else:
            recover(block, p, first, groups, c.leak, drive, slope, threshold)
        largest = integrate_hazards(block.hazard + first, p, groups)
        if pop.drawn:
            totals = expose(block.survivors + first, block.ends + first, p, groups, largest, totals)
        else:
            if pop.smooth:
                saturate_all(p, left, groups)
            else:
                saturate(p, groups, largest)
            part(carried, block, p, first, groups, sums_of_fired, D, A, noisy, pop.smooth)
            totals = thin(block.survivors + first, block.variance + first, p, left if pop.smooth else NULL, groups,
                          totals)
        first += groups * LANES
    write_sums(&totals, sums)
    if not pop.drawn:
        for k in range(D + D * (D + 1) // 2):
            mixed[k] = total(sums_of_fired[k])


cdef inline void advance_carried(const Population *pop, const Block *block, double drive, Sums *sums,
                                 double *mixed) noexcept nogil:
    """Advance cohorts or cells; write to ``mixed`` the moments of the neurons that fire, weighted with their number.

    Where spikes are drawn cohort by cohort, it is not known yet who fires: moments stay (`keep_carried`), and ``mixed``
    is left alone. ``drive`` is what any potential gains besides its leak. The lanes that are left over lie before the
    block, where there are no neurons.
    """
    cdef Py_ssize_t D = pop.carried.D
    cdef Py_ssize_t A = pop.carried.acting
    if A < D:
        advance(pop, block, drive, sums, mixed, D, A, pop.carried.noisy)
    elif pop.carried.noisy and D == 4:
        advance(pop, block, drive, sums, mixed, 4, 4, True)
    elif pop.carried.noisy and D == 5:
        advance(pop, block, drive, sums, mixed, 5, 5, True)
    elif pop.carried.noisy:
        advance(pop, block, drive, sums, mixed, D, D, True)
    elif D == 1:
        advance(pop, block, drive, sums, mixed, 1, 1, False)
    elif D == 2:
        advance(pop, block, drive, sums, mixed, 2, 2, False)
    elif D == 3:
        advance(pop, block, drive, sums, mixed, 3, 3, False)
    elif D == 4:
        advance(pop, block, drive, sums, mixed, 4, 4, False)
    else:
        advance(pop, block, drive, sums, mixed, D, D, False)


cdef inline void keep(const Carried *carried, const Block *block, Py_ssize_t first, Py_ssize_t groups,
                      Py_ssize_t D, Py_ssize_t A, Py_ssize_t R) noexcept nogil:
    """Decay the moments of neurons that have not fired; write how adaptation lowers their hazard (`write_lift`).

    Those of plasticity alone stay as they are. ``R``: receptors through which they receive input of their own, or 0.
    """
    cdef Py_ssize_t group, i, d, e, j, k, stride = block.stride
    cdef double *row
    cdef lanes x, lift, r, all, others = all_lanes(0.0)
    for group in range(groups):
        i = first + group * LANES
        row = block.moments + i
        lift = r = all_lanes(0.0)
        if R > 0:
            others = 1.0 - load(block.own + R * stride + i)
        for d in range(A):
            x = load(row + d * stride)
            for j in range(R):
                x = x + load(block.own + j * stride + i) * carried.direction[j * (D + 1) + d]
            x = x * carried.decay[d]
            store(row + d * stride, x)
            lift = lift + x
        for d in range(A):
            for e in range(d + 1):
                k = D + d * (d + 1) // 2 + e
                x = load(row + k * stride)
                if R > 0:
                    x = x + others * carried.added[k]
                x = x * carried.decay[k]
                store(row + k * stride, x)
                r = r + (x if e == d else 2.0 * x)
        for d in range(A, D):
            for e in range(A):
                k = D + d * (d + 1) // 2 + e
                store(row + k * stride, load(row + k * stride) * carried.decay[k])
        all = 2.0 * (load(block.survivors + i) + 1.0)
        store(block.lift + i, larger(lift - r * all / (2.0 * all + 2.0 * r), all_lanes(carried.least_lift)))


cdef inline void keep_block(const Population *pop, const Block *block, Py_ssize_t D, Py_ssize_t A,
                            Py_ssize_t R) noexcept nogil:
    cdef Py_ssize_t spare = (LANES - block.n % LANES) % LANES
    keep(&pop.carried, block, -spare, (block.n + spare) // LANES, D, A, R)


cdef inline void keep_with_synapses(const Population *pop, const Block *block, Py_ssize_t D,
                                    Py_ssize_t A) noexcept nogil:
    """Do as `keep_carried` for ``A`` modes of adaptation and others."""
    if D == 2:
        keep_block(pop, block, 2, 1, 0)
    elif D == 3 and A == 1:
        keep_block(pop, block, 3, 1, 0)
    elif D == 4 and A == 2:
        keep_block(pop, block, 4, 2, 0)
    else:
        keep_block(pop, block, D, A, 0)


cdef inline void keep_carried(const Population *pop, const Block *block) noexcept nogil:
    """Advance the moments of neurons that have not fired, where spikes are drawn cohort by cohort."""
    cdef Py_ssize_t D = pop.carried.D, A = pop.carried.acting
    if A < D and pop.carried.noisy:
        keep_block(pop, block, D, A, pop.R)
    elif A < D:
        keep_with_synapses(pop, block, D, A)
    elif pop.carried.noisy and pop.R == 2 and D == 4:
        keep_block(pop, block, 4, 4, 2)
    elif pop.carried.noisy and pop.R == 2 and D == 5:
        keep_block(pop, block, 5, 5, 2)
    elif pop.carried.noisy:
        keep_block(pop, block, D, D, pop.R)
    elif D == 1:
        keep_block(pop, block, 1, 1, 0)
    elif D == 2:
        keep_block(pop, block, 2, 2, 0)
    elif D == 3:
        keep_block(pop, block, 3, 3, 0)
    elif D == 4:
        keep_block(pop, block, 4, 4, 0)
    else:
        keep_block(pop, block, D, D, 0)
