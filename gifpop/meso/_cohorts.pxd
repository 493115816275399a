"""One step of the cohorts of a population: the innermost loop of the mesoscopic level.

Compiled once for each instruction set; `gifpop.engine.instruction_set` chooses at import. Equations: Schwalger, Deger &
Gerstner (2017), Fig. 12. Potentials are in mV; thresholds here are in units of Delta_V and contain the logarithm of the
hazard at the threshold, so that a cohort's hazard, integrated over half a step, is exp(u/Delta_V - threshold).
"""

from gifpop.engine._lanes cimport LANES, LOG2_E, all_lanes, lanes, larger, load, store, sums_before
from gifpop.meso._passes cimport TILE, Totals, clear, integrate_hazards, move, part, write_sums
from gifpop.meso._population cimport PADDING, Common, Constants, Population, Sums


cdef inline lanes move_adapting(const double *theta, const double *quasi, const double *count, double *potential,
                                double *excess, Py_ssize_t groups, double leak, double drive, double slope,
                                lanes before) noexcept nogil:
    """Move the potentials; write to ``excess`` how far above the thresholds of their age they are, as a power of two.

    ``before`` is the threshold that earlier spikes have left, which act as if Poisson (quasi-renewal, Eq. 14); it is
    returned for the cohorts that follow.
    """
    cdef Py_ssize_t group, i
    cdef lanes u, threshold
    for group in range(groups):
        i = group * LANES
        u = load(potential + i) * leak + drive
        threshold = load(theta + i) + sums_before(load(count + i) * load(quasi + i), &before)
        store(potential + i, u)
        store(excess + i, u * slope - threshold * LOG2_E)
    return before


cdef inline lanes continue_hazards(double *potential, double *hazard, double *integral, Py_ssize_t groups, double leak,
                                   double drive, double pull, double V_m, double growth) noexcept nogil:
    """Move the potentials and integrate the hazards, from what they were; return the largest integrals.

    Without adaptation a cohort's potential u differs from the free one, V, by u - V = (u - V) leak from step to step,
    whatever the input: its hazard grows by the factor of the free neurons' and exp((1 - leak)(V - u)/Delta_V). Of this
    small number (`SMALL`) eight terms of the series are enough, which takes half the operations of `integrate_hazards`.
    """
    cdef Py_ssize_t group, i
    cdef lanes u, x, before, taken, whole, largest = all_lanes(0.0)
    for group in range(groups):
        i = group * LANES
        u = load(potential + i)
        before = load(hazard + i)
        x = (V_m - u) * pull
        taken = (1.0 / 720.0) + x * (1.0 / 5040.0)
        taken = (1.0 / 24.0) + x * ((1.0 / 120.0) + x * taken)
        taken = 0.5 + x * ((1.0 / 6.0) + x * taken)
        taken = (before * growth) * (1.0 + x * (1.0 + x * taken))
        whole = before + taken
        largest = larger(whole, largest)
        store(integral + i, whole)
        store(hazard + i, taken)
        store(potential + i, u * leak + drive)
    return largest


cdef inline void advance_cohorts(Population *pop, const Common *common, Py_ssize_t active, Sums *sums) noexcept nogil:
    """Advance the ``active`` oldest cohorts.

    The lanes that are left over lie before the oldest cohort, where there are no neurons. The youngest cohorts have had
    no hazard yet that could be continued.
    """
    cdef const Constants *c = pop.constants
    cdef double[TILE] p
    cdef Py_ssize_t done = 0, size, groups, age, place, spare = (LANES - active % LANES) % LANES
    cdef Py_ssize_t first = pop.state.oldest - spare, end = active + spare
    cdef Py_ssize_t continued = end - LANES if common.growth > 0.0 else 0
    cdef double drive = common.drive, slope = c.inverse_Delta_V * LOG2_E
    cdef double pull = (1.0 - c.leak) * c.inverse_Delta_V
    cdef lanes largest, before = all_lanes(common.threshold)
    cdef Totals totals
    clear(&totals)
    while done < end:
        size = min(<Py_ssize_t> TILE, (continued if done < continued else end) - done)
        groups, age, place = size // LANES, PADDING - spare + done, first + done
        if done < continued:
            largest = continue_hazards(pop.potential + place, pop.hazard + place, p, groups, c.leak, drive, pull,
                                       common.V_m, common.growth)
        else:
            if pop.J > 0:
                before = move_adapting(pop.theta + age, pop.quasi + age, pop.count + place, pop.potential + place, p,
                                       groups, c.leak, drive, slope, before)
            else:
                move(pop.potential + place, p, groups, c.leak, drive, slope, common.threshold * LOG2_E)
            largest = integrate_hazards(pop.hazard + place, p, groups)
        totals = part(pop, pop.survivors + place, pop.variance + place, p, groups, largest, totals)
        done += size
    write_sums(&totals, sums)
