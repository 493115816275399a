"""Delivery of spikes, currents and noise, for the time loop."""

from libc.stdint cimport int64_t

from gifpop.engine._network cimport Delivery, Link, Noise, Plasticity

cdef void deliver_to_all(const Link *p, int64_t slot, double amount) noexcept nogil
cdef double release(Plasticity *p, int64_t unit, int64_t step, double spikes) noexcept nogil
cdef void deliver_line(const Link *p, int64_t slot, int64_t step, double amount) noexcept nogil
cdef void deliver_spikes(const Delivery *deliveries, Py_ssize_t n, int64_t begin, int64_t end) noexcept nogil
cdef void deliver_noise(const Noise *p, int64_t slot, int64_t step, double mean) noexcept nogil
