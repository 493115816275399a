"""The time loop."""

from gifpop._network cimport Chunk, Network

cdef void advance_side_by_side(Network **networks, Chunk *chunks, Py_ssize_t n, int threads) noexcept nogil
