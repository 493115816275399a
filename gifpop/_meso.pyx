"""One step of a population of GIF neurons at the mesoscopic level.

The stochastic population equations of Schwalger, Deger & Gerstner (2017), PLoS Comput Biol 13(4):e1005507, Figs. 11
and 12. A population is a row of cohorts: the neurons that fired together some steps ago. Cohort ``i`` of ``K`` has age
``K - i`` steps; the neurons that fired before the oldest cohort are the free ones. With an adaptive history, cells of
merged cohorts stand between the free neurons and the oldest cohort.
"""

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.math cimport exp, expm1
from libc.stdint cimport int64_t
from libc.string cimport memmove, memset
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport random_binomial, random_poisson

import numpy as np

from gifpop._merging cimport enter_cells
from gifpop._types cimport PADDING as _PADDING
from gifpop._types cimport Cells, Common, Constants, Population, State, Sums, advance_cells_t, advance_cohorts_t

cdef extern from *:
    """
    #if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    #define GP_HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    #define GP_HAS_AVX512 (GP_HAS_AVX2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") \\
                           && __builtin_cpu_supports("avx512vl"))
    #else
    #define GP_HAS_AVX2 0
    #define GP_HAS_AVX512 0
    #endif
    """
    bint HAS_AVX2 "GP_HAS_AVX2"
    bint HAS_AVX512 "GP_HAS_AVX512"

cdef double SMALL = 0.05        # eight terms of the exponential series are exact to 1e-15 here

cdef Constants _constants_template
cdef State _state_template
CONSTANTS = np.asarray(<Constants[:1]> &_constants_template).dtype
STATE = np.asarray(<State[:1]> &_state_template).dtype
PADDING = _PADDING
COHORT_ARRAYS = ("count", "survivors", "variance", "potential", "hazard")
CELL_ARRAYS = (*COHORT_ARRAYS, "own", "width")
RECORDABLES = ("n_events", "mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in")

cdef advance_cohorts_t advance_cohorts = NULL
cdef advance_cells_t advance_cells = NULL


def supported_instruction_sets():
    """Return the names of the instruction sets that this processor has, best first."""
    best_first = (("avx512", HAS_AVX512), ("avx2", HAS_AVX2), ("baseline", True))
    return tuple(name for name, has in best_first if has)


def use_cohorts(module):
    """Take the loops over cohorts from a module compiled from ``_cohorts.pyx``."""
    global advance_cohorts
    capsule = module.__pyx_capi__["advance_cohorts"]
    advance_cohorts = <advance_cohorts_t> PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))


def use_cells(module):
    """Take the loop over cells from a module compiled from ``_cells.pyx``."""
    global advance_cells
    capsule = module.__pyx_capi__["advance_cells"]
    advance_cells = <advance_cells_t> PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))


cdef class MesoPopulation:
    """Bind one population's arrays and random stream for the time loop.

    Parameters
    ----------
    constants, state : structured arrays of one element, dtypes ``CONSTANTS`` and ``STATE``
    theta, quasi : float64 arrays of length PADDING + K
    sfa_decay, sfa_feed, sfa_weight, relative_jumps, sfa : float64 arrays of length J
    cohorts : float64 array, shape (5, places), rows as in ``COHORT_ARRAYS``
        The K cohorts stand side by side, in order of age, in a window that begins at ``state["oldest"]`` and slides by
        one place a step; at least PADDING + K + 1 places.
    cells : gifpop.history.Cells or None
        Where cohorts go that leave the window; None: they join the free neurons.
    bit_generator : numpy.random.BitGenerator
    """

    def __init__(self, Constants[::1] constants, State[::1] state, const double[::1] theta, const double[::1] quasi,
                 const double[::1] sfa_decay, const double[::1] sfa_feed, const double[::1] sfa_weight,
                 const double[::1] relative_jumps, double[::1] sfa, double[:, ::1] cohorts, cells, bit_generator):
        cdef Population *pop = &self.population
        self.arrays = (constants, state, theta, quasi, sfa_decay, sfa_feed, sfa_weight, relative_jumps, sfa, cohorts,
                       cells)
        self.bit_generator = bit_generator
        pop.constants = &constants[0]
        pop.state = &state[0]
        pop.K = theta.shape[0] - _PADDING
        pop.places = cohorts.shape[1]
        pop.J = sfa.shape[0]
        pop.theta = &theta[0]
        pop.quasi = &quasi[0]
        if pop.J > 0:
            pop.sfa_decay = &sfa_decay[0]
            pop.sfa_feed = &sfa_feed[0]
            pop.sfa_weight = &sfa_weight[0]
            pop.relative_jumps = &relative_jumps[0]
            pop.sfa = &sfa[0]
        pop.count = &cohorts[0, 0]
        pop.survivors = &cohorts[1, 0]
        pop.variance = &cohorts[2, 0]
        pop.potential = &cohorts[3, 0]
        pop.hazard = &cohorts[4, 0]
        pop.random = <bitgen_t *> PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        memset(&pop.binomial, 0, sizeof(pop.binomial))
        memset(&pop.cells, 0, sizeof(pop.cells))
        if cells is not None:
            self.bind_cells(cells.every, cells.widest, cells.newest, cells.rows, cells.traces)

    cdef bind_cells(self, Py_ssize_t every, const int64_t[::1] widest, const double[::1] newest, double[:, ::1] rows,
                    double[:, ::1] traces):
        cdef Cells *cells = &self.population.cells
        cells.places = rows.shape[1]
        cells.every = every
        cells.longest = widest.shape[0] - 1
        cells.widest = &widest[0]
        cells.count = &rows[0, 0]
        cells.survivors = &rows[1, 0]
        cells.variance = &rows[2, 0]
        cells.potential = &rows[3, 0]
        cells.hazard = &rows[4, 0]
        cells.own = &rows[5, 0]
        cells.width = &rows[6, 0]
        if self.population.J > 0:
            cells.newest = &newest[0]
            cells.traces = &traces[0, 0]


cdef inline double membrane_drive(const Constants *c, State *s, double current, double ex, double inh) noexcept nogil:
    """Integrate the synaptic currents over the step and return what any potential gains besides its leak, mV."""
    cdef double drive = (c.constant_drive + c.current_gain * current
                         + c.carry_ex * s.I_syn_ex + c.arrive_ex * ex
                         + c.carry_in * s.I_syn_in + c.arrive_in * inh)
    s.I_syn_ex = s.I_syn_ex * c.decay_ex + c.input_ex * ex
    s.I_syn_in = s.I_syn_in * c.decay_in + c.input_in * inh
    return drive


cdef inline double free_threshold(Population *pop, double leaving) noexcept nogil:
    """Threshold that spikes before the history have left, after ``leaving`` spikes joined them, mV."""
    cdef double threshold = pop.constants.V_T_star
    cdef Py_ssize_t j
    for j in range(pop.J):
        pop.sfa[j] = pop.sfa[j] * pop.sfa_decay[j] + pop.sfa_feed[j] * leaving
        threshold += pop.sfa_weight[j] * pop.sfa[j]
    return threshold


cdef double expect_spikes(Population *pop, double current, double ex, double inh, double ex_variance,
                          double in_variance) noexcept nogil:
    """Advance a population to the end of the step and return the expected number of spikes.

    ``current`` is external, in pA; ``ex`` and ``inh`` are the spikes that arrive during the step, each
    weighted in pA; ``ex_variance`` and ``in_variance``, in pA^2, say how much that differs between neurons. The value
    may be negative or above N (finite-size correction); only the draw is clipped.
    """
    cdef const Constants *c = pop.constants
    cdef State *s = pop.state
    cdef Sums sums, of_cells
    cdef Common common
    cdef double hazard, p_free, p_correction, threshold, variance, missing, stay
    cdef double leaving = pop.count[s.oldest] if pop.cells.places == 0 else 0.0
    cdef Py_ssize_t active = pop.K - <Py_ssize_t> c.refractory

    s.ex_variance, s.in_variance = ex_variance, in_variance
    common.V_m, common.drive = s.V_m, membrane_drive(c, s, current, ex, inh)
    s.V_m = (s.V_m - c.E_L) * c.leak + common.drive
    threshold = free_threshold(pop, leaving)
    hazard = c.lambda_0 * exp(min((s.V_m - threshold) * c.inverse_Delta_V, 600.0))
    p_free = -expm1(-c.half_step * (s.hazard + hazard))
    common.growth, s.hazard = hazard / s.hazard if s.hazard > 0.0 else 0.0, hazard
    s.E_sfa = threshold - leaving * pop.quasi[_PADDING] / c.inverse_Delta_V

    common.threshold = s.E_sfa * c.inverse_Delta_V - c.log_hazard
    if pop.cells.places > 0:
        common.threshold = advance_cells(pop, common.drive, common.threshold, &of_cells)
    if pop.J > 0 or not can_continue(pop, &common, active):
        common.growth = 0.0
    advance_cohorts(pop, &common, active, &sums)
    sums.survivors += sum_of(pop.survivors + s.oldest + active, pop.K - active)
    if pop.cells.places > 0:
        add_sums(&sums, &of_cells)

    # Neurons are conserved: what cohorts and free pool miss or exceed fires with the variance-weighted probability.
    variance = sums.variance + s.variance
    p_correction = (sums.variance_fired + p_free * s.variance) / variance if variance > 0.0 else 0.0
    missing = c.N - sums.survivors - s.survivors
    s.mean = sums.fired + p_free * s.survivors + p_correction * missing

    stay = 1.0 - p_free
    s.variance = stay * stay * s.variance + p_free * s.survivors
    s.survivors = stay * s.survivors
    if pop.cells.places > 0:
        enter_cells(pop)
    else:
        s.variance += pop.variance[s.oldest]
        s.survivors += pop.survivors[s.oldest]
    return s.mean


cdef bint can_continue(Population *pop, const Common *common, Py_ssize_t active) noexcept nogil:
    """Tell whether the hazards of cohorts can be continued from the last step, where there is no adaptation.

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
    """Whether hazards of potentials around V_m are far from overflow and from denormal numbers."""
    return abs(V_m * c.inverse_Delta_V - threshold) + spread * c.inverse_Delta_V < 300.0


cdef double largest_distance(const Population *pop, double V_m, Py_ssize_t active) noexcept nogil:
    """Largest distance of the potential of an active cohort from V_m, mV."""
    cdef Py_ssize_t i
    cdef double distance = 0.0
    for i in range(pop.state.oldest, pop.state.oldest + active):
        distance = max(distance, abs(pop.potential[i] - V_m))
    return distance


cdef inline double sum_of(const double *values, Py_ssize_t n) noexcept nogil:
    """Sum of values, in two chains of additions that do not wait for each other."""
    cdef double even = 0.0, odd = 0.0
    cdef Py_ssize_t i
    for i in range(n // 2):
        even += values[2 * i]
        odd += values[2 * i + 1]
    return even + odd + (values[n - 1] if n % 2 else 0.0)


cdef inline void add_sums(Sums *sums, const Sums *others) noexcept nogil:
    sums.variance_fired += others.variance_fired
    sums.variance += others.variance
    sums.fired += others.fired
    sums.survivors += others.survivors


cdef int64_t draw_spikes(Population *pop) noexcept nogil:
    """Draw the number of spikes of the step, at most N."""
    cdef double N = pop.constants.N
    cdef double expected = min(max(pop.state.mean, 0.0), N)
    if pop.constants.poisson:
        return min(random_poisson(pop.random, expected), <int64_t> N)
    return random_binomial(pop.random, expected / N, <int64_t> N, &pop.binomial)


cdef void emit_spikes(Population *pop, int64_t spikes) noexcept nogil:
    """Let the oldest cohort leave and start that of the neurons that fired in this step."""
    cdef Py_ssize_t leaving = pop.state.oldest, entering = leaving + pop.K
    pop.count[leaving] = 0.0
    pop.survivors[leaving] = 0.0
    pop.variance[leaving] = 0.0
    pop.hazard[leaving] = 0.0
    pop.state.n_events = <double> spikes
    pop.count[entering] = <double> spikes
    pop.survivors[entering] = <double> spikes
    pop.variance[entering] = 0.0
    pop.potential[entering] = pop.constants.V_reset
    pop.hazard[entering] = 0.0
    pop.state.oldest = leaving + 1
    if entering + 1 == pop.places:
        slide_back(pop)


cdef void slide_back(Population *pop) noexcept nogil:
    """Move the window of cohorts back to the first places; where it has been, nobody is left."""
    cdef double **arrays = [pop.count, pop.survivors, pop.variance, pop.potential, pop.hazard]
    cdef Py_ssize_t i
    for i in range(5):
        memmove(arrays[i] + _PADDING, arrays[i] + pop.state.oldest, pop.K * sizeof(double))
        memset(arrays[i], 0, _PADDING * sizeof(double))
    pop.state.oldest = _PADDING


cdef const double *recordable(const Population *pop, int64_t variable) noexcept nogil:
    """Where a variable stands after each step, by its place in ``RECORDABLES``."""
    cdef const State *s = pop.state
    if variable == 0:
        return &s.n_events
    if variable == 1:
        return &s.mean
    if variable == 2:
        return &s.V_m
    if variable == 3:
        return &s.E_sfa
    if variable == 4:
        return &s.I_syn_ex
    return &s.I_syn_in
