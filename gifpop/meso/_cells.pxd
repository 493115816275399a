"""One step of the cells of a population: old cohorts, merged with their neighbours.

Compiled once for each instruction set, as `_cohorts`, whose units these are. How cells are merged: `_merging`; why this
is accurate: docs/history.md.
"""

from gifpop.engine._lanes cimport LANES, LOG2_E, all_lanes, lanes, load, store, sums_before, total
from gifpop.meso._passes cimport TILE, Totals, clear, integrate_hazards, move, part, saturated, write_sums
from gifpop.meso._population cimport PADDING, Cells, Population, Sums


cdef struct Thresholds:     # of a tile
    double[TILE] theta      # what a cell's spikes have added to the thresholds of its neurons
    double[TILE] quasi      # and to those of all others, as if Poisson (quasi-renewal, Eq. 14)


cdef inline void decay_traces(Population *pop, Thresholds *tile, Py_ssize_t first, Py_ssize_t groups,
                              Py_ssize_t J) noexcept nogil:
    """Decay the adaptation that the cells' spikes have left."""
    cdef Cells *cells = &pop.cells
    cdef double share = 1.0 / pop.constants.N
    cdef Py_ssize_t group, i, j
    cdef lanes trace, theta
    for group in range(groups):
        i = group * LANES
        theta = all_lanes(0.0)
        for j in range(J):
            trace = load(cells.traces + j * cells.places + first + i) * pop.sfa_decay[j]
            store(cells.traces + j * cells.places + first + i, trace)
            theta = theta + trace * pop.relative_jumps[j]
        store(tile.theta + i, theta)
        store(tile.quasi + i, load(cells.count + first + i) * share * saturated(theta))


cdef inline lanes move_adapting(Population *pop, const Thresholds *tile, double *excess, Py_ssize_t first,
                                Py_ssize_t groups, double drive, double slope, lanes before) noexcept nogil:
    """Move the potentials; write to ``excess`` how far above the thresholds of the cells they are, as a power of two.

    ``before`` is the threshold that earlier spikes have left; returned is what there is after the tile.
    """
    cdef Cells *cells = &pop.cells
    cdef double leak = pop.constants.leak
    cdef Py_ssize_t group, i
    cdef lanes u, quasi, threshold
    for group in range(groups):
        i = group * LANES
        u = load(cells.potential + first + i) * leak + drive
        quasi = load(tile.quasi + i)
        threshold = load(tile.theta + i) + load(cells.own + first + i) * quasi + sums_before(quasi, &before)
        store(cells.potential + first + i, u)
        store(excess + i, u * slope - threshold * LOG2_E)
    return before


cdef inline double advance(Population *pop, double drive, double threshold, Sums *sums, Py_ssize_t J) noexcept nogil:
    """Advance the cells of a population with ``J`` adaptation time constants, a number known to the compiler."""
    cdef const Cells *cells = &pop.cells
    cdef double[TILE] p
    cdef Thresholds tile
    cdef Py_ssize_t spare = (LANES - pop.state.cells % LANES) % LANES
    cdef Py_ssize_t first = PADDING - spare, end = PADDING + pop.state.cells, groups
    cdef double slope = pop.constants.inverse_Delta_V * LOG2_E
    cdef lanes largest, before = all_lanes(threshold)
    cdef Totals totals
    clear(&totals)
    while first < end:
        groups = min(<Py_ssize_t> TILE, end - first) // LANES
        if J > 0:
            decay_traces(pop, &tile, first, groups, J)
            before = move_adapting(pop, &tile, p, first, groups, drive, slope, before)
        else:
            move(cells.potential + first, p, groups, pop.constants.leak, drive, slope, threshold * LOG2_E)
        largest = integrate_hazards(cells.hazard + first, p, groups)
        totals = part(pop, cells.survivors + first, cells.variance + first, p, groups, largest, totals)
        first += groups * LANES
    write_sums(&totals, sums)
    return total(before) / LANES


cdef inline double advance_cells(Population *pop, double drive, double threshold, Sums *sums) noexcept nogil:
    """Advance all cells; return the threshold that they and all spikes before them have left.

    ``drive`` is what any potential gains besides its leak; ``threshold`` what the spikes before the cells have left.
    The lanes that are left over lie before the oldest cell, where there are no neurons.
    """
    if pop.J == 0:
        return advance(pop, drive, threshold, sums, 0)
    if pop.J == 1:
        return advance(pop, drive, threshold, sums, 1)
    if pop.J == 2:
        return advance(pop, drive, threshold, sums, 2)
    return advance(pop, drive, threshold, sums, pop.J)
