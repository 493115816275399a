from gifpop._types cimport Common, Population, Sums

cdef void advance_cohorts(Population *pop, const Common *common, Py_ssize_t active, Sums *sums) noexcept nogil
