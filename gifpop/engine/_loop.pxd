"""The time loop."""

from gifpop.engine._network cimport Chunk, Network
from gifpop.engine._team cimport Members

cdef void advance_side_by_side(Network **networks, Chunk *chunks, Py_ssize_t n, Members *team) noexcept nogil
cdef void share_always(bint always)
