from gifpop._types cimport Block, Population, Sums

cdef void advance_carried(const Population *pop, const Block *block, double drive, Sums *sums,
                          double *mixed) noexcept nogil
