"""Passes over a tile of cohorts, or of cells that cohorts have been merged into.

Compiled with each variant of the loops. A tile stays in the nearest cache and goes through one short pass after the
other: where the operations of a cohort wait for each other, the processor works on the next ones, as many as it can
keep in view. Equations: Schwalger, Deger & Gerstner (2017), Fig. 12. Hazards are powers of two, which need fewer
operations than those of e.
"""

from gifpop.engine._lanes cimport (LANES, above, all_lanes, any_above, exp2_lanes, exp_lanes, lanes, larger, load,
                                   saturate_lanes, store, total)
from gifpop.meso._population cimport Sums


cdef enum:
    TILE = 128              # a multiple of LANES


cdef struct Totals:         # sums of `Sums`, lane by lane
    lanes Y
    lanes Z
    lanes W
    lanes X


cdef inline void clear(Totals *totals) noexcept nogil:
    totals.Y = totals.Z = totals.W = totals.X = all_lanes(0.0)


cdef inline void write_sums(const Totals *totals, Sums *sums) noexcept nogil:
    sums.variance_fired = total(totals.Y)
    sums.variance = total(totals.Z)
    sums.fired = total(totals.W)
    sums.survivors = total(totals.X)


cdef inline void move(double *potential, double *excess, Py_ssize_t groups, double leak, double gain, double slope,
                      double threshold) noexcept nogil:
    """Move the potentials; ``excess`` is what they have above one threshold for all, as a power of two."""
    cdef Py_ssize_t group, i
    cdef lanes u
    for group in range(groups):
        i = group * LANES
        u = load(potential + i) * leak + gain
        store(potential + i, u)
        store(excess + i, u * slope - threshold)


cdef inline lanes integrate_hazards(double *hazard, double *excess, Py_ssize_t groups) noexcept nogil:
    """Integrate the hazards over the step, in the place of ``excess``; return the largest integrals."""
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
    """Take from each cohort the expected fraction that fires; return the sums of Fig. 12 with those of the tile.

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
