"""A mesoscopic population as the compiled loops see it: constants and state."""

from libc.stdint cimport int64_t
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport binomial_t


cdef struct Constants:
    double N                # neurons
    double poisson          # 1: counts drawn from a clipped Poisson law, 0: binomial
    double refractory       # youngest cohorts that cannot fire, steps
    double leak             # exp(-h/tau_m)
    double V_reset          # mV
    double V_T_star         # mV
    double inverse_Delta_V  # 1/mV
    double lambda_0         # 1/s
    double half_step        # h/2 in s: trapezoid of two hazards in 1/s
    double log_hazard       # logarithm of lambda_0 h/2
    double constant_drive   # what I_e and the leak towards E_L add to a potential in one step, mV
    double current_gain     # mV per pA of external current


cdef struct Receptor:
    double decay            # exp(-h/tau_syn)
    double input            # pA per pA of arriving spikes, spread evenly over the step
    double carry            # mV per pA of synaptic current at the start of the step
    double arrive           # mV per pA of spikes arriving during the step


cdef struct State:
    double V_m              # potential of the neurons that fired before the history, mV
    double E_sfa            # threshold of those neurons; where adaptation is carried, of an average neuron, mV
    double mean             # expected spikes of the step
    double n_events         # spikes of the step
    double survivors        # expected number of those neurons
    double variance         # and its variance
    double hazard           # their hazard at the end of the last step, 1/s
    double spread           # no active cohort's potential is farther from theirs, mV; < 0: not known
    int64_t oldest          # place of the oldest cohort
    int64_t cohorts         # in use
    int64_t cells           # cells in use
    int64_t until_merging   # steps


cdef struct Cells:          # merged cohorts that are older than the window, the oldest first, after PADDING empty ones
    Py_ssize_t places       # 0: none, cohorts that leave the window join the free neurons
    Py_ssize_t every        # steps between two rounds of merging
    Py_ssize_t longest      # greatest age in steps of the youngest cohort of a cell
    const int64_t *widest   # steps that a cell may span, by the age of its youngest cohort
    Py_ssize_t J            # traces
    const double *newest    # traces of the cohort that leaves the window
    double *count           # as of cohorts: sums
    double *survivors
    double *variance
    double *ends            # the same places
    double *potential       # mean over survivors, mV
    double *hazard
    double *own             # share of the cell's spikes that are older than its average survivor
    double *width           # steps
    double *traces          # J rows: exp(-age/tau_sfa), mean over the cell's spikes


cdef enum:
    MOST_MODES = 16
    MOST_MOMENTS = 152      # of so many modes


cdef struct Synapses:       # of one short-term plasticity, on which a population's spikes go out (Tsodyks and Markram)
    double U                # share of the resources that a spike releases after a long pause
    int64_t use             # mode of what that share is above U; -1: none
    int64_t lack            # mode of the resources that lack; -1: none


cdef struct MeanField:      # one plasticity, whose state is independent of who fires: moments of all neurons
    double U
    double use_kept         # factor of u - U over a step
    double lack_kept        # factor of 1 - x
    double use              # mean of u
    double resources        # mean of x
    double use_variance
    double variance         # of x
    double covariance       # of both


cdef struct Carried:        # what cohorts carry: moments of modes, those of adaptation in units of Delta_V
    Py_ssize_t D            # modes; 0: cohorts carry none
    Py_ssize_t acting       # those of adaptation, the first ones; 0: past spikes act as if Poisson (quasi-renewal)
    Py_ssize_t n_synapses   # short-term plasticities; their modes follow
    const Synapses *synapses
    double *unit            # of the values of each of these modes
    const double *shrink    # factor of that unit over a step: moments in this unit do not decay
    Py_ssize_t moments      # D means, then the lower triangle of the covariance, row by row
    Py_ssize_t currents     # the first mode that is a current, before that of the membrane, the last one of adaptation
    bint membrane           # there is one
    bint noisy              # neurons receive input of their own
    double least_lift       # what adaptation takes from the logarithm of a hazard at least
    double added_lift       # by how much they raise the logarithm of the averaged hazard
    double finite           # 0; NaN once a moment is no longer a finite number
    const double *decay     # factor of each moment over a step
    const double *jump      # of each mode at a spike
    const double *noise     # moments that input of variance 1 pA^2 adds, a row for each receptor
    const double *capacity  # variance, pA^2, of each receptor, if all neurons that are sampled fired; 0: no samples
    const double *forget    # factor over a step, of each receptor
    double *deviation       # of the input that the neurons receive of their own in this step, of each receptor
    const double *direction  # of what input of each receptor adds to the modes, a row for each; and their sum
    double *recent          # share of these neurons that fired within the memory of each receptor and the membrane
    double *added           # moments added in this step
    double *cohorts         # a row for each moment, and one for the lift, as long as those of cohorts
    double *cells           # likewise, as long as those of cells
    double *free            # moments and lift of the free neurons
    double *fired           # moments of the neurons that last fired, just before
    double *own             # pA by which each receptor's input of their own moves the mean of few; 1 / their number
    double *own_of_cells    # likewise
    double *own_of_free


cdef struct Block:          # cohorts or cells side by side
    double *survivors
    double *variance
    double *ends            # the same places
    double *potential
    double *hazard
    double *moments         # of the first one; rows are `stride` apart
    double *lift            # by how much adaptation lowers the logarithm of the averaged hazard
    double *own             # likewise
    double *firing
    Py_ssize_t stride
    Py_ssize_t n


cdef struct Population:
    const Constants *constants
    State *state
    Py_ssize_t R            # receptors
    const Receptor *receptors
    double *I_syn           # pA, of each receptor
    Py_ssize_t K            # cohorts
    Py_ssize_t refractory   # youngest cohorts that cannot fire, at most K
    Py_ssize_t places       # for cohorts, more than K: the window that holds them slides
    Py_ssize_t J            # adaptation time constants
    const double *theta     # threshold kernel over Delta_V, from the oldest age to the youngest, after PADDING zeros
    const double *quasi     # quasi-renewal kernel per spike over Delta_V, likewise
    const double *sfa_decay
    const double *sfa_feed  # per spike leaving the history
    const double *sfa_weight
    double *sfa             # traces of the adaptation beyond the history, 1/ms; with cells: of dimension one
    const double *relative_jumps    # q_sfa over Delta_V
    double *count           # spikes emitted, one entry a cohort
    double *survivors       # expected number that has not fired since
    double *variance        # variance of that number
    double *ends            # the same places, where spikes are drawn: of each cohort on the axis (`_drawing`)
    double *potential       # mV
    double *hazard          # at the end of the last step, integrated over half a step
    bint drawn              # survivors are neurons, those who fire are drawn cohort by cohort; else, their sum is
    double *budget          # where that is so: hazard until the next one fires
    double *firing          # how many of each cohort or cell fire, while that is drawn of all at once
    int64_t fired           # in this step, where that is so
    bint forgets            # spikes need not be remembered: adaptation is carried, or there is none
    bint smooth             # expected counts are smooth functions of parameters, to rounding
    double *before          # survivors of cohorts and cells when the step begins, where only plasticity is carried
    double nobody           # a cohort of fewer survivors is as good as empty
    double least            # added to where it may come to nothing and be divided by: survivors' variance, spikes
    Cells cells
    Carried carried
    Py_ssize_t n_mean_fields    # plasticities of which cohorts carry nothing
    MeanField *mean_fields
    Py_ssize_t n_laws           # plasticities, those that cohorts carry first
    double *releases            # by the spikes of each step of a slice: of each law the sum of u x and of its square
    double *released            # those of the step
    bitgen_t *random
    binomial_t binomial


cdef enum:
    CERTAIN = 64            # integrated hazard that nobody survives
    PADDING = 8             # empty places before the oldest cohort, for lanes that are left over


cdef struct Sums:
    double variance_fired   # Y = sum of p v
    double variance         # Z = sum of v
    double fired            # W = sum of p m
    double survivors        # X = sum of m before the update


cdef struct Common:         # what a step does to all cohorts alike
    double drive            # what any potential gains besides its leak, mV
    double threshold        # what the spikes before have left, over Delta_V, less the logarithm of the hazard there
    double V_m              # potential of the free neurons at the beginning, mV
    double growth           # factor that their hazard has grown by; 0: hazards cannot be continued


cdef enum:
    MOST_HITS = 64

cdef struct Hits:           # cohorts of which some fire, those of a block or a part of them
    Py_ssize_t n
    Py_ssize_t[MOST_HITS] place
    double[MOST_HITS] fired
    double[MOST_HITS] q     # integrated hazard of each neuron


ctypedef void (*advance_cohorts_t)(Population *pop, const Common *common, Py_ssize_t active,
                                   Sums *sums) noexcept nogil
ctypedef double (*advance_cells_t)(Population *pop, double drive, double threshold, Sums *sums) noexcept nogil
ctypedef void (*advance_carried_t)(const Population *pop, const Block *block, double drive, Sums *sums,
                                   double *mixed) noexcept nogil
ctypedef void (*keep_carried_t)(const Population *pop, const Block *block) noexcept nogil
ctypedef int64_t (*draw_all_t)(Population *pop, const Block *block, double *mixed) noexcept nogil
ctypedef void (*part_hits_t)(Population *pop, const Block *block, const Hits *hits, double *mixed) noexcept nogil
