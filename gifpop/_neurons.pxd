from gifpop._types cimport Arrivals, Neurons

cdef void advance_neurons(Neurons *group, Arrivals *arrivals) noexcept nogil
