"""The time loop."""

from gifpop._network cimport Chunk, Network

cdef void advance_chunk(Network *net, Chunk *chunk, int threads) noexcept nogil
