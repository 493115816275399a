"""What groups exchange with the time loop in a slice of steps: input, spikes, records and how it went."""

from libc.stdint cimport int32_t, int64_t, uint16_t


cdef enum:
    LONGEST_SLICE = 32      # steps


cdef enum:                  # how steps went, else the one in which a number was no longer finite
    WELL = -1
    NO_MEMORY = -2


cdef struct Arrivals:       # of one step
    double current          # pA, to all units
    double *all             # pA, of the spikes that reach all units, for each receptor
    double *samples         # pA^2, variance between neurons of the spikes from groups, for each receptor
    double *noise           # likewise, from generators
    double *sums            # pA, of the spikes that reach single neurons, a row for each receptor; NULL: counts instead
    uint16_t *counts        # of such spikes, all of the same weight
    const double *unit      # that weight, for each receptor
    double *external        # pA, from generators, likewise, then a row of current; NULL: none
    Py_ssize_t row          # from one receptor's row to the next


cdef struct Spike:
    int32_t step            # of the slice
    int32_t unit


cdef struct SpikeList:
    Spike *items
    Py_ssize_t n
    Py_ssize_t capacity
    int64_t *counts         # of relays: spikes that each item stands for
    Py_ssize_t counts_capacity


cdef struct Probe:          # a variable to record after each step
    const double *value
    double *record          # of the first step of the slice
    Py_ssize_t unit


cdef struct Probes:
    Probe *first            # in order of unit
    Py_ssize_t n
    Py_ssize_t stride       # from one step's record to the next
