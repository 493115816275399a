"""Blocks of a population: its cohorts, its cells and its free neurons, as functions of all three take them."""

from gifpop.meso._population cimport PADDING, Block, Population


cdef inline Block cohorts_from(const Population *pop, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Return ``n`` cohorts, the oldest of which is at place ``first``."""
    cdef Block block
    block.survivors = pop.survivors + first
    block.variance = pop.variance + first
    block.ends = pop.ends + first
    block.potential = pop.potential + first
    block.hazard = pop.hazard + first
    block.moments = pop.carried.cohorts + first
    block.lift = block.moments + pop.carried.moments * pop.places
    block.own = pop.carried.own + first
    block.firing = pop.firing + first
    block.stride, block.n = pop.places, n
    return block


cdef inline Block merged_cohorts(const Population *pop) noexcept nogil:
    """Return the cells."""
    cdef Block block
    block.survivors = pop.cells.survivors + PADDING
    block.variance = pop.cells.variance + PADDING
    block.ends = pop.cells.ends + PADDING
    block.potential = pop.cells.potential + PADDING
    block.hazard = pop.cells.hazard + PADDING
    block.moments = pop.carried.cells + PADDING
    block.lift = block.moments + pop.carried.moments * pop.cells.places
    block.own = pop.carried.own_of_cells + PADDING
    block.firing = pop.firing + PADDING
    block.stride, block.n = pop.cells.places, pop.state.cells
    return block


cdef inline Block free_neurons(const Population *pop, double *end) noexcept nogil:
    """Return the free neurons, which end here on their axis."""
    cdef Block block
    block.survivors, block.ends = &pop.state.survivors, end
    block.moments, block.own, block.stride, block.n = pop.carried.free, pop.carried.own_of_free, 1, 1
    return block
