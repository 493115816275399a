"""One step of the cohorts of a population: the innermost loop of the mesoscopic level.

Compiled once for each instruction set; `gifpop.instruction_set` chooses at import. Equations: Schwalger, Deger &
Gerstner (2017), Fig. 12. Potentials are in mV; thresholds here are in units of Delta_V and contain the logarithm of the
hazard at the threshold, so that a cohort's hazard, integrated over half a step, is exp(u/Delta_V - threshold).
"""

from gifpop._lanes cimport LANES, LOG2_E, all_lanes, lanes, load, store, sums_before
from gifpop._passes cimport TILE, Totals, clear, integrate_hazards, move, saturate, thin, write_sums
from gifpop._types cimport PADDING, Constants, Population, Sums


cdef inline lanes move_adapting(const double *theta, const double *quasi, const double *count, double *potential,
                                double *excess, Py_ssize_t groups, double leak, double gain, double slope,
                                lanes before) noexcept nogil:
    """Move the potentials; ``excess`` is what they have above the thresholds of their age, as a power of two.

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
    clear(&totals)
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
    write_sums(&totals, sums)
