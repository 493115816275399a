"""One step of a group of neurons, for the time loop."""

from libc.stdint cimport int32_t, int64_t

from gifpop._types cimport Arrivals, Neurons


cdef class MicroPopulation:
    cdef Neurons neurons
    cdef readonly object arrays
    cdef readonly object bit_generators
    cdef object _streams

cdef Py_ssize_t step_neurons(Neurons *group, Arrivals *arrivals, int32_t *fired) noexcept nogil
cdef void step_forced(Neurons *group, Arrivals *arrivals, const int32_t *fired, Py_ssize_t n) noexcept nogil
cdef const double *recordable(const Neurons *group, int64_t variable) noexcept nogil
