"""One step of a mesoscopic population, for the time loop."""

from libc.stdint cimport int64_t

from gifpop.meso._population cimport Population


cdef class MesoPopulation:
    cdef Population population
    cdef readonly object arrays
    cdef readonly object bit_generator

    cdef bind_cells(self, Py_ssize_t every, const int64_t[::1] widest, const double[::1] newest, double[:, ::1] rows,
                    double[:, ::1] traces)
    cdef bind_carried(self, Py_ssize_t currents, bint membrane, bint noisy, const double[::1] decay,
                      const double[::1] jump, const double[:, ::1] noise, double[::1] added, double[::1] fired,
                      double[::1] free, double[:, ::1] cohorts, double[:, ::1] cells)
    cdef bind_samples(self, const double[::1] capacity, const double[::1] forget, double[::1] recent)

cdef bint expect_spikes(Population *pop, double current, double ex, double inh, const double *samples,
                        const double *noise) noexcept nogil
cdef int64_t draw_spikes(Population *pop) noexcept nogil
cdef void emit_spikes(Population *pop, int64_t spikes) noexcept nogil
cdef const double *recordable(const Population *pop, int64_t variable) noexcept nogil
