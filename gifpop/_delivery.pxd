"""Delivery of spikes, currents and noise, for the time loop."""

from libc.stdint cimport int32_t, int64_t

from gifpop._network cimport Noise, Projection

cdef void deliver_amount(const Projection *p, int64_t step, double amount) noexcept nogil
cdef void deliver_spikes(const Projection *p, int64_t step, const int32_t *fired, Py_ssize_t n, int64_t begin,
                         int64_t end) noexcept nogil
cdef void deliver_noise(const Noise *p, int64_t step, double mean) noexcept nogil
