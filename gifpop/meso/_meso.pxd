"""One step of a mesoscopic population, for the time loop."""

from libc.stdint cimport int64_t

from gifpop.engine._exchange cimport Arrivals
from gifpop.meso._population cimport Population


cdef class MesoPopulation:
    cdef Population population
    cdef list kept              # arrays that the structure points into
    cdef readonly tuple recordables
    cdef readonly object bit_generator
    cdef readonly tuple laws

    cdef bind_cells(self, plan)
    cdef bind_carried(self, plan)
    cdef bind_own(self)
    cdef bind_laws(self, plan)
    cdef bind_synapses(self, plan)

cdef bint expect_spikes(Population *pop, const Arrivals *arrivals) noexcept nogil
cdef int64_t draw_spikes(Population *pop) noexcept nogil
cdef void emit_spikes(Population *pop, int64_t spikes) noexcept nogil
