"""Steps of a group of relays, for the time loop."""

from libc.stdint cimport int64_t

from gifpop.engine._exchange cimport Arrivals, SpikeList


cdef struct Relays:
    Py_ssize_t N
    const int64_t *first    # step of each relay; NULL: all steps
    const int64_t *end      # step after its last one


cdef class RelayGroup:
    cdef Relays relays
    cdef const int64_t[:, ::1] kept
    cdef readonly tuple recordables

cdef int64_t repeat_spikes(const Relays *relays, const Arrivals *arrivals, Py_ssize_t begin, Py_ssize_t end,
                           int64_t step, Py_ssize_t steps, SpikeList *spikes) noexcept nogil
