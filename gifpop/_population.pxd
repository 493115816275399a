"""One mesoscopic population as the compiled modules see it: constants, state and cohorts."""

from libc.stdint cimport int64_t
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport binomial_t


cdef packed struct Constants:
    double N                # neurons
    double poisson          # 1: counts drawn from a clipped Poisson law, 0: binomial
    double refractory       # youngest cohorts that cannot fire, steps
    double leak             # exp(-h/tau_m)
    double E_L              # mV
    double V_reset          # mV
    double V_T_star         # mV
    double inverse_Delta_V  # 1/mV
    double lambda_0         # 1/s
    double half_step        # h/2 in s: trapezoid of two hazards in 1/s
    double constant_drive   # what I_e and the leak towards E_L add to a potential in one step, mV
    double current_gain     # mV per pA of external current
    double decay_ex         # exp(-h/tau_syn_ex)
    double decay_in
    double input_ex         # pA per pA of arriving spikes, spread evenly over the step
    double input_in
    double carry_ex         # mV per pA of synaptic current at the start of the step
    double carry_in
    double arrive_ex        # mV per pA of spikes arriving during the step
    double arrive_in


cdef packed struct State:
    double V_m              # potential of the neurons that fired before the history, mV
    double I_syn_ex         # pA
    double I_syn_in         # pA
    double E_sfa            # threshold of those neurons, mV
    double mean             # expected spikes of the step
    double n_events         # spikes of the step
    double survivors        # expected number of those neurons
    double variance         # and its variance
    double hazard           # their hazard at the end of the last step, 1/s
    int64_t oldest          # where in the ring the oldest cohort is


cdef struct Population:
    Constants *constants
    State *state
    Py_ssize_t K            # cohorts
    Py_ssize_t J            # adaptation time constants
    const double *theta     # threshold kernel from the oldest age to the youngest, mV
    const double *quasi     # quasi-renewal kernel per spike, same order, mV
    const double *sfa_decay
    const double *sfa_feed  # per spike leaving the history
    const double *sfa_weight
    double *sfa             # traces of the adaptation beyond the history, 1/ms
    double *count           # spikes emitted, one entry a cohort
    double *survivors       # expected number that has not fired since
    double *variance        # variance of that number
    double *potential       # mV
    double *hazard          # at the end of the last step, 1/s
    bitgen_t *random
    binomial_t binomial


cdef struct Sums:
    double variance_fired   # Y = sum of p v
    double variance         # Z = sum of v
    double fired            # W = sum of p m
    double survivors        # X = sum of m before the update


ctypedef double (*advance_cohorts_t)(Population *pop, double drive, double earlier, Py_ssize_t age_index,
                                     Py_ssize_t slot, Py_ssize_t n, Sums *sums) noexcept nogil
