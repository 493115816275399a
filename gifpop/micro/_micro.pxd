"""Steps of a group of neurons, for the time loop."""

from libc.stdint cimport int32_t, int64_t

from gifpop.engine._exchange cimport Arrivals, Probes, SpikeList
from gifpop.micro._group cimport Neurons


cdef class MicroPopulation:
    cdef Neurons neurons
    cdef tuple kept             # arrays that the structure points into
    cdef readonly tuple recordables

cdef int64_t advance_block(Neurons *group, const Arrivals *arrivals, Py_ssize_t begin, Py_ssize_t end,
                           Py_ssize_t steps, Probes probes, SpikeList *spikes) noexcept nogil
cdef int64_t advance_forced(Neurons *group, const Arrivals *arrivals, const int32_t *fired, const int64_t *counts,
                            Py_ssize_t steps, Probes probes) noexcept nogil
