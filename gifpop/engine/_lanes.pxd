"""Vectors of doubles, several lanes wide, for the innermost loops.

Cython takes `lanes` for a number, and the C compiler for a vector: ``+ - *`` act on all lanes, and a number in an
expression counts for every lane. The width follows the instruction set that a module is compiled for.
"""

from libc.stdint cimport uint16_t, uint64_t


cdef extern from "_lanes.h":
    ctypedef double lanes "gp_lanes"
    ctypedef uint64_t words "gp_words"
    enum:
        LANES "GP_LANES"
    const double LOG2_E "GP_LOG2_E"
    lanes load "gp_load"(const double *p) noexcept nogil
    void store "gp_store"(double *p, lanes x) noexcept nogil
    lanes take_counts "gp_take_counts"(uint16_t *p) noexcept nogil
    lanes all_lanes "gp_all"(double x) noexcept nogil
    double total "gp_sum"(lanes x) noexcept nogil
    bint any_above "gp_any_above"(lanes x, double limit) noexcept nogil
    bint any_nan "gp_any_nan"(lanes x) noexcept nogil
    lanes larger "gp_larger"(lanes x, lanes y) noexcept nogil
    lanes smaller "gp_smaller"(lanes x, lanes y) noexcept nogil
    lanes above "gp_above"(lanes x, double limit, lanes a, lanes b) noexcept nogil
    lanes sums_before "gp_before"(lanes x, lanes *total) noexcept nogil
    lanes exp_lanes "gp_exp"(lanes x) noexcept nogil
    lanes exp2_lanes "gp_exp2"(lanes x) noexcept nogil
    lanes saturate_lanes "gp_saturate"(lanes p) noexcept nogil
    lanes root_lanes "gp_root"(lanes x) noexcept nogil
    words random_words "gp_random"(uint64_t seed, uint64_t first, uint64_t step) noexcept nogil
    lanes uniform_lanes "gp_uniform"(words x) noexcept nogil
    lanes sum_of_quarters "gp_sum_of_quarters"(words x) noexcept nogil
