"""One step of a population of GIF neurons at the mesoscopic level.

The stochastic population equations of Schwalger, Deger & Gerstner (2017), PLoS Comput Biol 13(4):e1005507, Figs. 11
and 12. A population is a row of cohorts: the neurons that fired together some steps ago. Cohort ``i`` of ``K`` has age
``K - i`` steps; the neurons that fired before the oldest cohort are the free ones. With an adaptive history, cells of
merged cohorts stand between the free neurons and the oldest cohort.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport exp, expm1, isfinite
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memmove, memset
from numpy.random cimport bitgen_t

import numpy as np

from gifpop.engine._dispatch cimport loops
from gifpop.engine._exchange cimport LONGEST_SLICE, Arrivals
from gifpop.meso._blocks cimport cohorts_from, merged_cohorts
from gifpop.meso._correction cimport draw_total, expect_corrected
from gifpop.meso._drawing cimport draw_firing, scatter_all
from gifpop.meso._mean_field cimport release_mean_fields
from gifpop.meso._merging cimport LARGEST_HAZARD, enter_cells, is_empty, join_free
from gifpop.meso._moments cimport begin_moments, receive_noise, wait_out
from gifpop.meso._population cimport MOST_MODES as _MOST_MODES
from gifpop.meso._population cimport MOST_MOMENTS
from gifpop.meso._population cimport PADDING as _PADDING
from gifpop.meso._population cimport (Block, Carried, Cells, Common, Constants, MeanField, Population, Receptor, State,
                                      Sums, Synapses)
from gifpop.meso._synapses cimport mix_firing, shrink_units, spend

cdef double VAST = 1e290        # mV; only beyond it can potentials of cohorts overflow
cdef double SMALL = 0.05        # eight terms of the exponential series are exact to 1e-15 here
cdef double NOBODY = 1e-10      # survivors of a cohort that is as good as empty
cdef double SMOOTH_NOBODY = 1e-24   # fewer than rounding errors, even in ratios of numbers above SMOOTH_LEAST
cdef double SMOOTH_LEAST = 1e-8

cdef Constants _constants_template
cdef Receptor _receptor_template
cdef State _state_template
cdef Synapses _synapses_template
cdef MeanField _mean_field_template
MEAN_FIELD = np.asarray(<MeanField[:1]> &_mean_field_template).dtype
SYNAPSES = np.asarray(<Synapses[:1]> &_synapses_template).dtype
CONSTANTS = np.asarray(<Constants[:1]> &_constants_template).dtype
RECEPTOR = np.asarray(<Receptor[:1]> &_receptor_template).dtype
STATE = np.asarray(<State[:1]> &_state_template).dtype
PADDING = _PADDING
MOST_MODES = _MOST_MODES
COHORT_ARRAYS = ("count", "survivors", "variance", "potential", "hazard")
CELL_ARRAYS = (*COHORT_ARRAYS, "own", "width")


cdef double *numbers(list kept, array, Py_ssize_t n) except? NULL:
    """Return where the ``n`` numbers of an array begin, which is then ``kept``; NULL if there are none."""
    cdef const double[::1] values = array.reshape(-1)
    if values.shape[0] != n or not array.flags.c_contiguous:
        raise ValueError(f"an array of {n} numbers must be contiguous, got shape {array.shape}")
    kept.append(array)
    return <double *> &values[0] if n else NULL


cdef class MesoPopulation:
    """Bind one population's arrays and random stream for the time loop.

    Parameters
    ----------
    plan : gifpop.meso.plan.PopulationPlan
    bit_generator : numpy.random.BitGenerator

    Attributes
    ----------
    recordables : tuple of float64 array
        What can be recorded after each step.
    laws : tuple of gifpop.engine.plasticity.LinkPlasticity
        The plasticities of connections from it, those first that its cohorts carry.
    """

    def __init__(self, plan, bit_generator):
        cdef Population *pop = &self.population
        cdef Constants[::1] constants = plan.constants
        cdef State[::1] state = plan.state
        cdef Receptor[::1] receptors = plan.receptors
        cdef list kept = [constants, state, receptors]
        self.kept, self.bit_generator, self.recordables = kept, bit_generator, plan.recorded
        self.laws = plan.laws
        pop.constants, pop.state, pop.receptors = &constants[0], &state[0], &receptors[0]
        pop.K, pop.J, pop.R = len(plan.theta) - _PADDING, len(plan.sfa), receptors.shape[0]
        pop.I_syn = numbers(kept, plan.I_syn, pop.R)
        pop.refractory = <Py_ssize_t> min(max(pop.constants.refractory, 0.0), <double> pop.K)
        pop.theta = numbers(kept, plan.theta, _PADDING + pop.K)
        pop.quasi = numbers(kept, plan.quasi, _PADDING + pop.K)
        pop.sfa = numbers(kept, plan.sfa, pop.J)
        pop.sfa_decay = numbers(kept, plan.sfa_decay, pop.J)
        pop.sfa_feed = numbers(kept, plan.sfa_feed, pop.J)
        pop.sfa_weight = numbers(kept, plan.sfa_weight, pop.J)
        pop.relative_jumps = numbers(kept, plan.relative_jumps, pop.J)
        pop.places = plan.cohorts.shape[1]
        pop.count = numbers(kept, plan.cohorts, len(COHORT_ARRAYS) * pop.places)
        pop.survivors, pop.variance = pop.count + pop.places, pop.count + 2 * pop.places
        pop.potential, pop.hazard = pop.count + 3 * pop.places, pop.count + 4 * pop.places
        pop.ends = pop.variance
        pop.smooth, pop.drawn = plan.smooth, plan.drawn
        pop.budget = numbers(kept, plan.budget, 1) if pop.drawn else NULL
        pop.nobody, pop.least = (SMOOTH_NOBODY, SMOOTH_LEAST) if pop.smooth else (NOBODY, 0.0)
        pop.random = <bitgen_t *> PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        if plan.cells is not None:
            self.bind_cells(plan.cells)
        if plan.carried is not None:
            self.bind_carried(plan.carried)
        self.bind_laws(plan)
        longest = max(pop.places, pop.cells.places)
        pop.firing = numbers(kept, np.zeros(longest), longest) if pop.drawn else NULL
        pop.forgets = pop.carried.acting > 0 or (pop.drawn and pop.J == 0)

    cdef bind_cells(self, plan):
        cdef Cells *cells = &self.population.cells
        cdef const int64_t[::1] widest = plan.widest
        cdef list kept = self.kept
        cells.places, cells.J = plan.rows.shape[1], len(plan.traces)
        if cells.places <= _PADDING:
            raise ValueError(f"Cells.rows must have more than {_PADDING} places, got {cells.places}")
        cells.every, cells.longest, cells.widest = plan.every, widest.shape[0] - 1, &widest[0]
        cells.count = numbers(kept, plan.rows, len(CELL_ARRAYS) * cells.places)
        cells.survivors, cells.variance = cells.count + cells.places, cells.count + 2 * cells.places
        cells.potential, cells.hazard = cells.count + 3 * cells.places, cells.count + 4 * cells.places
        cells.ends = cells.variance
        cells.own, cells.width = cells.count + 5 * cells.places, cells.count + 6 * cells.places
        cells.newest = numbers(kept, plan.newest, cells.J)
        cells.traces = numbers(kept, plan.traces, cells.J * cells.places)
        kept.append(widest)

    cdef bind_carried(self, plan):
        cdef Carried *carried = &self.population.carried
        cdef Py_ssize_t moments = len(plan.decay), R = self.population.R
        cdef list kept = self.kept
        carried.D, carried.moments, carried.acting = len(plan.jump), moments, plan.acting
        carried.currents, carried.membrane, carried.noisy = plan.currents, plan.membrane, plan.noisy
        carried.least_lift = plan.least_lift
        carried.decay = numbers(kept, plan.decay, moments)
        carried.jump = numbers(kept, plan.jump, carried.D)
        carried.noise = numbers(kept, plan.noise, R * moments)
        carried.capacity = numbers(kept, plan.capacity, R)
        carried.forget = numbers(kept, plan.forget, R)
        carried.direction = numbers(kept, plan.direction, R * (carried.D + 1))
        carried.deviation = numbers(kept, np.zeros(R), R)
        carried.recent = numbers(kept, plan.recent, R)
        carried.added = numbers(kept, plan.added, moments)
        carried.fired = numbers(kept, plan.fired, moments)
        carried.free = numbers(kept, plan.free, moments + 1)
        carried.cohorts = numbers(kept, plan.cohorts, (moments + 1) * self.population.places)
        if plan.cells is not None:
            carried.cells = numbers(kept, plan.cells, (moments + 1) * self.population.cells.places)
        if self.population.drawn and carried.noisy:
            self.bind_own()
        if len(plan.synapses):
            self.bind_synapses(plan)

    cdef bind_laws(self, plan):
        cdef Population *pop = &self.population
        cdef MeanField[::1] mean_fields = plan.mean_fields
        pop.n_laws = len(self.laws)
        pop.releases = numbers(self.kept, np.zeros((LONGEST_SLICE, 2 * pop.n_laws)), LONGEST_SLICE * 2 * pop.n_laws)
        pop.released = pop.releases
        if mean_fields is not None and mean_fields.shape[0]:
            pop.n_mean_fields, pop.mean_fields = mean_fields.shape[0], &mean_fields[0]
            self.kept.append(mean_fields)

    cdef bind_synapses(self, plan):
        cdef Population *pop = &self.population
        cdef Synapses[::1] synapses = plan.synapses
        cdef Py_ssize_t n = synapses.shape[0], modes = pop.carried.D - pop.carried.acting
        self.kept.append(synapses)
        pop.carried.n_synapses, pop.carried.synapses = n, &synapses[0]
        pop.carried.unit = numbers(self.kept, plan.unit, modes)
        pop.carried.shrink = numbers(self.kept, plan.shrink, modes)
        if pop.carried.acting == 0 and not pop.drawn:
            pop.before = numbers(self.kept, np.zeros(pop.places + pop.cells.places), pop.places + pop.cells.places)

    cdef bind_own(self):
        cdef Population *pop = &self.population
        cdef Py_ssize_t rows = pop.R + 1
        pop.carried.own = numbers(self.kept, np.zeros((rows, pop.places)), rows * pop.places)
        pop.carried.own_of_free = numbers(self.kept, np.zeros(rows), rows)
        if pop.cells.places > 0:
            pop.carried.own_of_cells = numbers(self.kept, np.zeros((rows, pop.cells.places)), rows * pop.cells.places)


cdef inline double synaptic_drive(const Population *pop, const double *arriving, double drive,
                                  Py_ssize_t R) noexcept nogil:
    """Integrate the currents of ``R`` receptors over the step; return ``drive`` with what potentials gain by them."""
    cdef Py_ssize_t r
    for r in range(R):
        drive = drive + pop.receptors[r].carry * pop.I_syn[r] + pop.receptors[r].arrive * arriving[r]
        pop.I_syn[r] = pop.I_syn[r] * pop.receptors[r].decay + pop.receptors[r].input * arriving[r]
    return drive


cdef inline double membrane_drive(const Population *pop, const Arrivals *a) noexcept nogil:
    """Integrate the synaptic currents over the step and return what any potential gains besides its leak, mV."""
    cdef double drive = pop.constants.constant_drive + pop.constants.current_gain * a.current
    if pop.R == 2:              # a constant unrolls the loop
        return synaptic_drive(pop, a.all, drive, 2)
    return synaptic_drive(pop, a.all, drive, pop.R)


cdef inline double free_threshold(Population *pop, double leaving) noexcept nogil:
    """Return the threshold left by spikes before the history, which ``leaving`` spikes now join, mV."""
    cdef double threshold = pop.constants.V_T_star
    cdef Py_ssize_t j
    for j in range(pop.J):
        pop.sfa[j] = pop.sfa[j] * pop.sfa_decay[j] + pop.sfa_feed[j] * leaving
        threshold += pop.sfa_weight[j] * pop.sfa[j]
    return threshold


cdef bint expect_spikes(Population *pop, const Arrivals *arrivals) noexcept nogil:
    """Advance a population to the end of the step, with its expected number of spikes; return whether all is finite.

    Where spikes are drawn cohort by cohort, this draws them; the expected number is that given the cohorts.
    """
    cdef const Constants *c = pop.constants
    cdef State *s = pop.state
    cdef Sums sums
    cdef Common common
    cdef double[MOST_MOMENTS] mixed
    cdef double q_free
    cdef Py_ssize_t active = max(0, s.cohorts - pop.refractory)

    common.V_m, common.drive = s.V_m, membrane_drive(pop, arrivals)
    s.V_m = s.V_m * c.leak + common.drive
    if pop.carried.acting < pop.carried.D:
        shrink_units(pop)
    if pop.carried.acting > 0:
        receive_noise(&pop.carried, arrivals, pop.R)
        q_free = advance_carrying(pop, &common, active, &sums, mixed)
    elif pop.carried.D > 0 and not pop.drawn:
        q_free = advance_mixing(pop, &common, active, &sums, mixed)
    else:
        q_free = advance_renewing(pop, &common, active, &sums)
    if pop.drawn:
        draw_firing(pop, active, q_free, &sums, mixed)
    else:
        expect_corrected(pop, active, -expm1(-q_free), &sums, mixed)
    if pop.carried.acting > 0:
        wait_out(pop, s.oldest + active)
    if pop.cells.places > 0:
        enter_cells(pop)
    elif s.cohorts == pop.K:
        leave_window(pop)
    return is_finite(pop, active)


cdef inline bint is_finite(const Population *pop, Py_ssize_t active) noexcept nogil:
    """Return whether all that the step has computed is a finite number.

    The potentials of cohorts approach that of the free neurons, V, in step with it: u - V shrinks by the leak from one
    step to the next, so that u can only overflow where V, or what it has been, is vast.
    """
    cdef const State *s = pop.state
    cdef double finite = 0.0 * s.mean + 0.0 * s.V_m + 0.0 * s.E_sfa
    if pop.R == 2:              # a constant unrolls the loop
        finite += total_of_zeros(pop.I_syn, 2)
    else:
        finite += total_of_zeros(pop.I_syn, pop.R)
    if pop.carried.D > 0:
        finite += pop.carried.finite + 0.0 * pop.carried.added_lift
    if not abs(s.V_m) < VAST:
        finite += total_of_zeros(pop.potential + s.oldest, active)
        if pop.cells.places > 0:
            finite += total_of_zeros(pop.cells.potential + _PADDING, s.cells)
    return isfinite(finite)


cdef inline double total_of_zeros(const double *values, Py_ssize_t n) noexcept nogil:
    """Return 0, or NaN where any of the values is not a finite number."""
    cdef Py_ssize_t i
    cdef double sum = 0.0
    for i in range(n):
        sum += 0.0 * values[i]
    return sum


cdef double advance_renewing(Population *pop, Common *common, Py_ssize_t active, Sums *sums) noexcept nogil:
    """Advance all neurons, whose past spikes act as if Poisson; return the integrated hazard of a free one."""
    cdef const Constants *c = pop.constants
    cdef State *s = pop.state
    cdef Sums of_cells
    cdef double leaving = pop.count[s.oldest] if pop.cells.places == 0 else 0.0
    cdef double threshold = free_threshold(pop, leaving), q_free, before = s.hazard
    q_free = free_exposure(c, s, (s.V_m - threshold) * c.inverse_Delta_V)
    common.growth = s.hazard / before if before > 0.0 else 0.0
    s.E_sfa = threshold - leaving * pop.quasi[_PADDING] / c.inverse_Delta_V

    common.threshold = s.E_sfa * c.inverse_Delta_V - c.log_hazard
    if pop.cells.places > 0:
        common.threshold = loops.advance_cells(pop, common.drive, common.threshold, &of_cells)
    if pop.J > 0 or not can_continue(pop, common, active):
        common.growth = 0.0
    loops.advance_cohorts(pop, common, active, sums)
    if pop.cells.places > 0:
        add_sums(sums, &of_cells)
    return q_free


cdef double advance_mixing(Population *pop, Common *common, Py_ssize_t active, Sums *sums,
                           double *mixed) noexcept nogil:
    """Do as `advance_renewing`; write to ``mixed`` what neurons carry that are expected to fire, but for the free."""
    cdef Block cohorts = cohorts_from(pop, pop.state.oldest, active), cells = merged_cohorts(pop)
    cdef double q_free
    memcpy(pop.before, cohorts.survivors, cohorts.n * sizeof(double))
    memcpy(pop.before + cohorts.n, cells.survivors, cells.n * sizeof(double))
    q_free = advance_renewing(pop, common, active, sums)
    memset(mixed, 0, pop.carried.moments * sizeof(double))
    mix_firing(&pop.carried, &cohorts, pop.before, mixed)
    mix_firing(&pop.carried, &cells, pop.before + cohorts.n, mixed)
    pop.carried.finite = total_of_zeros(mixed, pop.carried.moments)
    return q_free


cdef double advance_carrying(Population *pop, const Common *common, Py_ssize_t active, Sums *sums,
                             double *mixed) noexcept nogil:
    """Advance all neurons, whose cohorts carry their adaptation; return the integrated hazard of a free one.

    ``mixed`` receives the moments of the neurons that are expected to fire, but for the free ones; nothing where it is
    drawn who fires.
    """
    cdef const Constants *c = pop.constants
    cdef State *s = pop.state
    cdef Carried *carried = &pop.carried
    cdef double[MOST_MOMENTS] mixed_of_cells
    cdef Sums of_cells
    cdef Block block
    cdef double q_free, lift
    cdef Py_ssize_t k
    s.E_sfa = carried_threshold(pop)
    if pop.drawn and carried.noisy:
        scatter_all(pop)
        lift = carried.free[carried.moments] - carried.added_lift * (1.0 - carried.own_of_free[pop.R])
        for k in range(pop.R):
            lift += carried.own_of_free[k] * carried.direction[k * (carried.D + 1) + carried.D]
    else:
        lift = carried.free[carried.moments] - carried.added_lift
    q_free = free_exposure(c, s, (s.V_m - c.V_T_star) * c.inverse_Delta_V - lift)

    block = cohorts_from(pop, s.oldest, active)
    loops.advance_carried(pop, &block, common.drive, sums, mixed)
    if s.cells > 0:
        block = merged_cohorts(pop)
        loops.advance_carried(pop, &block, common.drive, &of_cells, mixed_of_cells)
        add_sums(sums, &of_cells)
        if not pop.drawn:
            for k in range(carried.moments):
                mixed[k] += mixed_of_cells[k]
    if not pop.drawn:
        carried.finite = total_of_zeros(mixed, carried.moments) + 0.0 * lift
    return q_free


cdef inline double free_exposure(const Constants *c, State *s, double excess) noexcept nogil:
    """Return the hazard of a free neuron, ``excess`` Delta_V above its threshold, integrated over the step."""
    cdef double before = s.hazard
    s.hazard = min(c.lambda_0 * exp(min(excess, 600.0)), LARGEST_HAZARD)
    return c.half_step * (before + s.hazard)


cdef inline double carried_threshold(Population *pop) noexcept nogil:
    """Return the threshold of an average neuron, from all spikes of the population, mV."""
    cdef double threshold = pop.constants.V_T_star
    cdef Py_ssize_t j
    for j in range(pop.J):
        pop.sfa[j] = (pop.sfa[j] + pop.sfa_feed[j] * pop.state.n_events) * pop.sfa_decay[j]
        threshold += pop.sfa_weight[j] * pop.sfa[j]
    return threshold


cdef inline void leave_window(Population *pop) noexcept nogil:
    """Move the survivors of the oldest cohort to the free neurons."""
    cdef Py_ssize_t oldest = pop.state.oldest
    join_free(pop, pop.survivors[oldest], pop.variance[oldest], pop.carried.cohorts + oldest, pop.places)
    pop.survivors[oldest] = 0.0
    pop.variance[oldest] = 0.0


cdef bint can_continue(Population *pop, const Common *common, Py_ssize_t active) noexcept nogil:
    """Return whether the hazards of cohorts can be continued from the last step, where there is no adaptation.

    All potentials are so near to the free one that the series holds, and no hazard has been or comes out of range.
    """
    cdef const Constants *c = pop.constants
    cdef State *s = pop.state
    cdef double spread = s.spread
    if spread < 0.0:
        s.spread = largest_distance(pop, common.V_m, active) * c.leak
        return False
    spread = max(spread, abs(common.V_m - pop.potential[s.oldest + active - 1]))    # no longer refractory
    s.spread = spread * c.leak
    return (spread * (1.0 - c.leak) * c.inverse_Delta_V < SMALL
            and within(c, common.V_m, spread, common.threshold) and within(c, s.V_m, spread, common.threshold))


cdef inline bint within(const Constants *c, double V_m, double spread, double threshold) noexcept nogil:
    """Return whether hazards of potentials around V_m are far from overflow and from denormal numbers."""
    return abs(V_m * c.inverse_Delta_V - threshold) + spread * c.inverse_Delta_V < 300.0


cdef double largest_distance(const Population *pop, double V_m, Py_ssize_t active) noexcept nogil:
    """Return the largest distance of the potential of an active cohort from V_m, mV."""
    cdef Py_ssize_t i
    cdef double distance = 0.0
    for i in range(pop.state.oldest, pop.state.oldest + active):
        distance = max(distance, abs(pop.potential[i] - V_m))
    return distance


cdef inline void add_sums(Sums *sums, const Sums *others) noexcept nogil:
    sums.variance_fired += others.variance_fired
    sums.variance += others.variance
    sums.fired += others.fired
    sums.survivors += others.survivors


cdef int64_t draw_spikes(Population *pop) noexcept nogil:
    """Return the number of spikes of the step, which is drawn here or has been, cohort by cohort."""
    return pop.fired if pop.drawn else draw_total(pop)


cdef void emit_spikes(Population *pop, int64_t spikes) noexcept nogil:
    """Drop the oldest cohort and start that of the neurons that fired in this step."""
    cdef State *s = pop.state
    cdef double[MOST_MOMENTS] after
    cdef const double *fired = pop.carried.fired
    cdef Py_ssize_t entering
    if s.cohorts == pop.K:
        drop_oldest(pop)
    entering = s.oldest + s.cohorts
    s.n_events = <double> spikes
    pop.count[entering] = <double> spikes
    pop.survivors[entering] = <double> spikes
    pop.variance[entering] = 0.0
    pop.potential[entering] = pop.constants.V_reset
    pop.hazard[entering] = 0.0
    s.cohorts += 1
    if pop.carried.D > 0:
        if pop.carried.n_synapses > 0:
            spend(pop, s.n_events, after)
            fired = after
        begin_moments(pop, entering, fired)
    if pop.n_mean_fields > 0:
        release_mean_fields(pop, s.n_events)
    if pop.forgets and s.cells == 0:
        leave_empty(pop)
    if entering + 1 == pop.places:
        slide_back(pop)


cdef inline void drop_oldest(Population *pop) noexcept nogil:
    """Drop the oldest cohort, whose survivors have been moved, from the window."""
    cdef Py_ssize_t oldest = pop.state.oldest
    pop.count[oldest] = 0.0
    pop.survivors[oldest] = 0.0
    pop.variance[oldest] = 0.0
    pop.hazard[oldest] = 0.0
    pop.state.oldest += 1
    pop.state.cohorts -= 1


cdef inline void leave_empty(Population *pop) noexcept nogil:
    """Move the oldest cohorts to the free neurons while they have hardly any survivors."""
    cdef State *s = pop.state
    while s.cohorts > pop.refractory + 1 and is_empty(pop, pop.survivors[s.oldest]):
        leave_window(pop)
        drop_oldest(pop)


cdef void slide_back(Population *pop) noexcept nogil:
    """Move the window of cohorts back to the first places; clear its old places."""
    cdef Py_ssize_t i
    for i in range(5):              # of `COHORT_ARRAYS`
        slide_row(pop, pop.count + i * pop.places)
    if pop.carried.D > 0:
        for i in range(pop.carried.moments + 1):
            slide_row(pop, pop.carried.cohorts + i * pop.places)
    pop.state.oldest = _PADDING


cdef inline void slide_row(const Population *pop, double *row) noexcept nogil:
    memmove(row + _PADDING, row + pop.state.oldest, pop.state.cohorts * sizeof(double))
    memset(row, 0, _PADDING * sizeof(double))
