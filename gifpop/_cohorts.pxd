from gifpop._types cimport Population, Sums

cdef double advance_cohorts(Population *pop, double drive, double earlier, Py_ssize_t age_index, Py_ssize_t slot,
                            Py_ssize_t n, Sums *sums) noexcept nogil
