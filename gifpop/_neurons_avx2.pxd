from libc.stdint cimport int64_t

from gifpop._types cimport Arrivals, Neurons, Probes, SpikeList

cdef int64_t advance_tile(Neurons *group, const Arrivals *arrivals, Py_ssize_t start, Py_ssize_t size,
                          Py_ssize_t steps, Probes probes, SpikeList *spikes) noexcept nogil
