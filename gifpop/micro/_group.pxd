"""A group of neurons as the compiled loops see it: parameters and state."""

from libc.stdint cimport int64_t, uint64_t

from gifpop.engine._exchange cimport Arrivals, Probes, SpikeList


cdef enum:
    TILE = 64               # neurons that are taken together through all steps of a slice, in cache


cdef struct PerNeuron:
    const double *value     # one entry a neuron, or a tile of equal entries
    Py_ssize_t stride       # 1 or 0
    Py_ssize_t row          # from one row to the next, where there are several


cdef struct Neurons:
    Py_ssize_t N
    Py_ssize_t places       # N rounded up to whole tiles, more than one: length of all arrays
    Py_ssize_t J            # threshold adaptation terms
    Py_ssize_t S            # current adaptation terms
    Py_ssize_t R            # receptors
    PerNeuron leak          # exp(-h/tau_m)
    PerNeuron constant_drive    # what I_e and the leak towards E_L add to the potential in one step, mV
    PerNeuron current_gain  # mV per pA of external current
    PerNeuron carry         # R rows, mV per pA of synaptic current
    PerNeuron decay         # R rows, exp(-h/tau_syn)
    PerNeuron input         # R rows, pA per pA of arriving spikes, spread evenly over the step
    PerNeuron arrive        # R rows, mV per pA of these at the end of the step
    PerNeuron V_reset       # mV
    PerNeuron V_T_star      # mV
    PerNeuron slope         # log2(e)/Delta_V: hazards are powers of two
    PerNeuron threshold     # V_T_star times the slope, less log2 of the hazard there over a step, or half of one
    PerNeuron refractory    # steps; 0: reset at once, without a pause; -1: never reset
    PerNeuron sfa_decay     # J rows
    PerNeuron sfa_jump      # J rows, mV
    PerNeuron stc_decay     # S rows
    PerNeuron stc_jump      # S rows, pA
    PerNeuron stc_carry     # S rows, mV per pA of adaptation current at the start of the step
    bint trapezoid          # discretized as populations are; otherwise as in NEST, without arrive, input and stc_carry
    bint late               # spikes that arrive act from the next step on, as in NEST's gif_psc_exp_multisynapse
    bint various            # some parameters of the membrane, synapses or hazard differ between neurons
    double *V_m             # mV
    double *I_syn           # R rows, pA
    double *E_sfa           # threshold of the last step, mV
    double *I_stc           # adaptation current at the end of the last step, or in NEST all through it, pA
    double *pause           # refractory steps left
    double *budget          # hazard that the neuron takes until it fires; trapezoid: less what begins the next step
    double *draws           # budgets that it has had
    double *sfa             # J rows, mV
    double *stc             # S rows, pA
    uint64_t[2] key         # of the random numbers


ctypedef int64_t (*advance_tile_t)(Neurons *group, const Arrivals *arrivals, Py_ssize_t start, Py_ssize_t size,
                                   Py_ssize_t steps, Probes probes, SpikeList *spikes) noexcept nogil
