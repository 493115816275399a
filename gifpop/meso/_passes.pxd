"""Passes over a tile of cohorts, or of cells that cohorts have been merged into.

One step of one cohort, of potential u, m survivors and their variance v (Schwalger, Deger & Gerstner 2017, Fig. 12); x
is its hazard, integrated over half a step, and theta, in units of Delta_V, is less the logarithm of lambda_0 h/2:

    u <- u P + drive                                            move: P is the leak of the membrane
    theta = kernel(age) + sum of quasi n over older cohorts     move_adapting: what spikes have left (Eq. 14)
    x' = exp(u/Delta_V - theta)                                 integrate_hazards, as a power of two; continue_hazards
    q = x + x';  x <- x'                                        the same: a trapezoid over the step
    p = 1 - exp(-q), or q below 0.01                            saturate, saturate_all: the probability to fire
    W += p m;  X += m;  Y += p v;  Z += v                       thin: the sums that the expected count is made of
    v <- (1 - p)^2 v + p m                                      thin
    m <- (1 - p) m                                              thin

Where spikes are drawn cohort by cohort, `expose` takes the place of the last two: m are neurons, and v makes room for
the sum of m q up to this cohort.

A tile stays in the nearest cache and goes through one short pass after the other: where the operations of a cohort wait
for each other, the processor works on the next ones, as many as it can keep in view. Compiled with each variant of the
loops.
"""

from gifpop.engine._lanes cimport (LANES, above, all_lanes, any_above, exp2_lanes, exp_lanes, lanes, larger, load,
                                   saturate_lanes, smaller, store, sums_before, total)
from gifpop.meso._population cimport CERTAIN, Population, Sums


cdef enum:
    TILE = 128              # a multiple of LANES


cdef struct Totals:         # sums of `Sums`, lane by lane
    lanes Y
    lanes Z
    lanes W
    lanes X
    lanes end


cdef inline void clear(Totals *totals) noexcept nogil:
    totals.Y = totals.Z = totals.W = totals.X = totals.end = all_lanes(0.0)


cdef inline void write_sums(const Totals *totals, Sums *sums) noexcept nogil:
    sums.variance_fired = total(totals.Y)
    sums.variance = total(totals.Z)
    sums.fired = total(totals.W)
    sums.survivors = total(totals.X)


cdef inline void move(double *potential, double *excess, Py_ssize_t groups, double leak, double drive, double slope,
                      double threshold) noexcept nogil:
    """Move the potentials; write to ``excess`` how far above one common threshold they are, as a power of two."""
    cdef Py_ssize_t group, i
    cdef lanes u
    for group in range(groups):
        i = group * LANES
        u = load(potential + i) * leak + drive
        store(potential + i, u)
        store(excess + i, u * slope - threshold)


cdef inline lanes integrate_hazards(double *hazard, double *excess, Py_ssize_t groups) noexcept nogil:
    """Overwrite ``excess`` with the hazards integrated over the step; return the largest integrals."""
    cdef Py_ssize_t group, i
    cdef lanes taken, whole, largest = all_lanes(0.0)
    for group in range(groups):
        i = group * LANES
        taken = exp2_lanes(load(excess + i))
        whole = load(hazard + i) + taken
        largest = larger(whole, largest)
        store(excess + i, whole)
        store(hazard + i, taken)
    return largest


cdef inline lanes saturated(lanes x) noexcept nogil:
    """Return 1 - exp(-x)."""
    if any_above(x, 0.25) or any_above(0.0 - x, 0.0):
        return 1.0 - exp_lanes(0.0 - x)
    return saturate_lanes(x)


cdef inline void saturate(double *p, Py_ssize_t groups, lanes largest) noexcept nogil:
    """Turn integrated hazards into probabilities: 1 - exp(-p), or p itself below 0.01 (as NEST)."""
    cdef Py_ssize_t group
    cdef lanes integral
    if not any_above(largest, 0.01):
        return
    if any_above(largest, 0.25):
        for group in range(groups):
            integral = load(p + group * LANES)
            store(p + group * LANES, above(integral, 0.01, 1.0 - exp_lanes(0.0 - integral), integral))
    else:
        for group in range(groups):
            integral = load(p + group * LANES)
            store(p + group * LANES, above(integral, 0.01, saturate_lanes(integral), integral))


cdef inline void saturate_all(double *p, double *left, Py_ssize_t groups) noexcept nogil:
    """Turn integrated hazards into probabilities, as smooth functions; ``left`` is 1 - p without loss of digits."""
    cdef Py_ssize_t group
    cdef lanes integral, small, few
    for group in range(groups):
        integral = load(p + group * LANES)
        small, few = saturate_lanes(integral), exp_lanes(0.0 - integral)
        store(p + group * LANES, above(integral, 0.25, 1.0 - few, small))
        store(left + group * LANES, above(integral, 0.25, few, 1.0 - small))


cdef inline Totals thin(double *survivors, double *variance, const double *probability, const double *left,
                        Py_ssize_t groups, Totals totals) noexcept nogil:
    """Remove from each cohort the expected fraction that fires; return the sums of Fig. 12 with those of the tile.

    ``left``: the fractions that do not; NULL: 1 - p.
    """
    cdef Py_ssize_t group, i
    cdef lanes p, m, v, stay, Y = totals.Y, Z = totals.Z, W = totals.W, X = totals.X
    for group in range(groups):
        i = group * LANES
        p = load(probability + i)
        m = load(survivors + i)
        v = load(variance + i)
        stay = 1.0 - p if left == NULL else load(left + i)
        Y = Y + p * v
        Z = Z + v
        W = W + p * m
        X = X + m
        store(variance + i, stay * stay * v + p * m)
        store(survivors + i, stay * m)
    totals.Y, totals.Z, totals.W, totals.X = Y, Z, W, X
    return totals


cdef inline Totals expose(const double *neurons, double *ends, const double *integrals, Py_ssize_t groups,
                          lanes largest, Totals totals) noexcept nogil:
    """Lay neurons side by side, each as long as its integrated hazard; write where each cohort ends.

    Return where the tile ends, and how many neurons are expected to fire.
    """
    cdef Py_ssize_t group, i
    cdef lanes q, m, length, W = totals.W, end = totals.end
    cdef bint small = not any_above(largest, 0.25)
    for group in range(groups):
        i = group * LANES
        q = smaller(all_lanes(<double> CERTAIN), load(integrals + i))        # NaN stays
        m = load(neurons + i)
        length = m * q
        store(ends + i, length + sums_before(length, &end))
        W = W + m * (saturate_lanes(q) if small else 1.0 - exp_lanes(0.0 - q))
    totals.W, totals.end = W, end
    return totals


cdef inline Totals part(const Population *pop, double *survivors, double *variance, double *integrals,
                        Py_ssize_t groups, lanes largest, Totals totals) noexcept nogil:
    """Part those who fire from those who do not, by their integrated hazards, which are overwritten; return the sums.

    Where spikes are drawn cohort by cohort, that is yet to be done.
    """
    cdef double[TILE] left
    if pop.drawn:
        return expose(survivors, variance, integrals, groups, largest, totals)
    if pop.smooth:
        saturate_all(integrals, left, groups)
        return thin(survivors, variance, integrals, left, groups, totals)
    saturate(integrals, groups, largest)
    return thin(survivors, variance, integrals, NULL, groups, totals)
