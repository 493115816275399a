from gifpop._types cimport Population, Sums

cdef double advance_cells(Population *pop, double drive, double threshold, Sums *sums) noexcept nogil
