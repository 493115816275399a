"""One step of the cohorts of a population: the innermost loop of the mesoscopic level.

Compiled once for each instruction set; `gifpop.instruction_set` chooses at import. Equations: Schwalger, Deger &
Gerstner (2017), Fig. 12. Potentials are in mV; thresholds here are in units of Delta_V and contain the logarithm of the
hazard at the threshold, so that a cohort's hazard, integrated over half a step, is exp(u/Delta_V - threshold).
"""

from gifpop._lanes cimport (LANES, LOG2_E, above, all_lanes, any_above, exp2_lanes, exp_lanes, lanes, larger,
                            load, saturate_lanes, store, sums_before, total)
from gifpop._types cimport PADDING, Constants, Population, Sums


# Cohorts go through one short pass after the other, in tiles that stay in the nearest cache: where the operations of a
# cohort wait for each other, the processor works on the next cohorts, as many as it can keep in view.
cdef enum:
    TILE = 128              # a multiple of LANES


cdef struct Totals:         # sums of `Sums`, lane by lane
    lanes Y
    lanes Z
    lanes W
    lanes X


cdef inline void move(double *potential, double *excess, Py_ssize_t groups, double leak, double gain, double slope,
                      double threshold) noexcept nogil:
    """Move the potentials; ``excess`` is what they have above one threshold for all, as a power of two.

    Powers of two need fewer operations than those of e.
    """
    cdef Py_ssize_t group, i
    cdef lanes u
    for group in range(groups):
        i = group * LANES
        u = load(potential + i) * leak + gain
        store(potential + i, u)
        store(excess + i, u * slope - threshold)


cdef inline lanes move_adapting(const double *theta, const double *quasi, const double *count, double *potential,
                                double *excess, Py_ssize_t groups, double leak, double gain, double slope,
                                lanes before) noexcept nogil:
    """The same with thresholds by age.

    ``before`` is the threshold that earlier spikes have left, which act as if Poisson (quasi-renewal, Eq. 14); it is
    returned for the cohorts that follow.
    """
    cdef Py_ssize_t group, i
    cdef lanes u, threshold
    for group in range(groups):
        i = group * LANES
        u = load(potential + i) * leak + gain
        threshold = load(theta + i) + sums_before(load(count + i) * load(quasi + i), &before)
        store(potential + i, u)
        store(excess + i, u * slope - threshold * LOG2_E)
    return before


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


cdef inline Totals thin(double *survivors, double *variance, const double *probability, Py_ssize_t groups,
                        Totals totals) noexcept nogil:
    """Let the expected fraction of each cohort fire; return the sums of Fig. 12 with those of the tile."""
    cdef Py_ssize_t group, i
    cdef lanes p, m, v, stay, Y = totals.Y, Z = totals.Z, W = totals.W, X = totals.X
    for group in range(groups):
        i = group * LANES
        p = load(probability + i)
        m = load(survivors + i)
        v = load(variance + i)
        stay = 1.0 - p
        Y = Y + p * v
        Z = Z + v
        W = W + p * m
        X = X + m
        store(variance + i, stay * stay * v + p * m)
        store(survivors + i, stay * m)
    totals.Y, totals.Z, totals.W, totals.X = Y, Z, W, X
    return totals


cdef void advance_cohorts(Population *pop, double drive, double threshold, Py_ssize_t active,
                          Sums *sums) noexcept nogil:
    """Advance the ``active`` oldest cohorts.

    ``drive`` is what any potential gains besides its leak; ``threshold`` what the spikes before the history have left.
    The lanes that are left over lie before the oldest cohort, where there are no neurons.
    """
    cdef const Constants *c = pop.constants
    cdef double[TILE] p
    cdef Py_ssize_t done = 0, groups, age, place, spare = (LANES - active % LANES) % LANES
    cdef Py_ssize_t first = pop.state.oldest - spare
    cdef double gain = drive - c.E_L * c.leak, slope = c.inverse_Delta_V * LOG2_E
    cdef lanes largest, before = all_lanes(threshold)
    cdef Totals totals
    totals.Y = totals.Z = totals.W = totals.X = all_lanes(0.0)
    while done < active + spare:
        groups = min(<Py_ssize_t> TILE, active + spare - done) // LANES
        age, place = PADDING - spare + done, first + done
        if pop.J > 0:
            before = move_adapting(pop.theta + age, pop.quasi + age, pop.count + place, pop.potential + place, p,
                                   groups, c.leak, gain, slope, before)
        else:
            move(pop.potential + place, p, groups, c.leak, gain, slope, threshold * LOG2_E)
        largest = integrate_hazards(pop.hazard + place, p, groups)
        saturate(p, groups, largest)
        totals = thin(pop.survivors + place, pop.variance + place, p, groups, totals)
        done += TILE
    sums.variance_fired = total(totals.Y)
    sums.variance = total(totals.Z)
    sums.fired = total(totals.W)
    sums.survivors = total(totals.X)
