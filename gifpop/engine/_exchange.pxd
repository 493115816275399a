"""What groups exchange with the time loop in a slice of steps: input, spikes, records and how it went."""

from libc.stdint cimport int32_t, int64_t, uint16_t


cdef enum:
    LONGEST_SLICE = 32      # steps


cdef enum:                  # how steps went, else the one in which a number was no longer finite
    WELL = -1
    NO_MEMORY = -2


cdef struct Arrivals:       # of one step
    double *ex              # weights of the spikes that arrive, one entry a neuron; NULL: counts instead
    double *inh
    uint16_t *ex_counts     # of spikes that arrive, each of the same weight
    uint16_t *inh_counts
    double ex_unit          # that weight
    double inh_unit
    double *ex_external     # the same from generators, and their current, one entry a neuron; NULL: none
    double *inh_external
    double *current
    double ex_all           # what reaches every neuron
    double inh_all
    double current_all
    double[2] samples       # variance between the neurons of a population, ex and in, pA^2, from groups
    double[2] noise         # likewise, from generators


cdef struct Spike:
    int32_t step            # of the slice
    int32_t unit


cdef struct SpikeList:
    Spike *items
    Py_ssize_t n
    Py_ssize_t capacity


cdef struct Probe:          # a variable to record after each step
    const double *value
    double *record          # of the first step of the slice
    Py_ssize_t unit


cdef struct Probes:
    Probe *first            # in order of unit
    Py_ssize_t n
    Py_ssize_t stride       # from one step's record to the next
