from gifpop._types cimport Population, Sums

cdef void advance_cohorts(Population *pop, double drive, double threshold, Py_ssize_t active,
                          Sums *sums) noexcept nogil
