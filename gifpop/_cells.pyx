"""One step of the cells of a population: cohorts that have grown old and been merged with their neighbours.

Compiled once for each instruction set, as `_cohorts`, whose units these are. How cells are merged: `_merging`; why this
is accurate: docs/history.md.
"""

from gifpop._lanes cimport (LANES, above, all_lanes, any_above, exp_lanes, lanes, load, saturate_lanes, store,
                            sums_before, total)
from gifpop._types cimport PADDING, Cells, Constants, Population, Sums


# Cells go through one pass after the other in tiles: the chains of operations that wait for each other stay short.
cdef enum:
    TILE = 64               # a multiple of LANES


cdef struct Tile:
    double[TILE] theta      # what a cell's spikes have added to the thresholds of its neurons
    double[TILE] quasi      # and to those of all others, as if Poisson (quasi-renewal, Eq. 14)
    double[TILE] integral   # hazard, integrated over the step


cdef struct Totals:         # sums of `Sums`, lane by lane
    lanes Y
    lanes Z
    lanes W
    lanes X


cdef inline lanes saturated(lanes x) noexcept nogil:
    """1 - exp(-x)."""
    if any_above(x, 0.25) or any_above(0.0 - x, 0.0):
        return 1.0 - exp_lanes(0.0 - x)
    return saturate_lanes(x)


cdef inline lanes probability(lanes integral) noexcept nogil:
    """Probability to fire for an integrated hazard: 1 - exp(-p), or p itself below 0.01 (as NEST)."""
    if any_above(integral, 0.01):
        return above(integral, 0.01, saturated(integral), integral)
    return integral


cdef inline void decay_traces(Population *pop, Tile *tile, Py_ssize_t first, Py_ssize_t groups,
                              Py_ssize_t J) noexcept nogil:
    """Let the adaptation that the cells' spikes have left decay."""
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


cdef inline lanes integrate_hazards(Population *pop, Tile *tile, Py_ssize_t first, Py_ssize_t groups, Py_ssize_t J,
                                    double gain, lanes before) noexcept nogil:
    """Move the potentials, and integrate the hazard over the step.

    ``before`` is the threshold that earlier spikes have left; returned is what there is after the tile.
    """
    cdef const Constants *c = pop.constants
    cdef Cells *cells = &pop.cells
    cdef Py_ssize_t group, i
    cdef lanes u, quasi, threshold = before, taken
    for group in range(groups):
        i = group * LANES
        u = load(cells.potential + first + i) * c.leak + gain
        if J > 0:
            quasi = load(tile.quasi + i)
            threshold = load(tile.theta + i) + load(cells.own + first + i) * quasi + sums_before(quasi, &before)
        taken = exp_lanes(u * c.inverse_Delta_V - threshold)
        store(tile.integral + i, load(cells.hazard + first + i) + taken)
        store(cells.potential + first + i, u)
        store(cells.hazard + first + i, taken)
    return before


cdef inline Totals thin(Cells *cells, const Tile *tile, Py_ssize_t first, Py_ssize_t groups,
                        Totals totals) noexcept nogil:
    """Let the expected fraction of each cell fire; return the sums of Fig. 12 with those of the tile."""
    cdef Py_ssize_t group, i
    cdef lanes p, m, v, stay, Y = totals.Y, Z = totals.Z, W = totals.W, X = totals.X
    for group in range(groups):
        i = first + group * LANES
        p = probability(load(tile.integral + group * LANES))
        m = load(cells.survivors + i)
        v = load(cells.variance + i)
        stay = 1.0 - p
        Y = Y + p * v
        Z = Z + v
        W = W + p * m
        X = X + m
        store(cells.variance + i, stay * stay * v + p * m)
        store(cells.survivors + i, stay * m)
    totals.Y, totals.Z, totals.W, totals.X = Y, Z, W, X
    return totals


cdef inline double advance(Population *pop, double drive, double threshold, Sums *sums, Py_ssize_t J) noexcept nogil:
    """Advance the cells of a population with ``J`` adaptation time constants, a number known to the compiler."""
    cdef Tile tile
    cdef Py_ssize_t spare = (LANES - pop.state.cells % LANES) % LANES
    cdef Py_ssize_t first = PADDING - spare, end = PADDING + pop.state.cells, groups
    cdef double gain = drive - pop.constants.E_L * pop.constants.leak
    cdef lanes before = all_lanes(threshold)
    cdef Totals totals
    totals.Y = totals.Z = totals.W = totals.X = all_lanes(0.0)
    while first < end:
        groups = min(<Py_ssize_t> TILE, end - first) // LANES
        if J > 0:
            decay_traces(pop, &tile, first, groups, J)
        before = integrate_hazards(pop, &tile, first, groups, J, gain, before)
        totals = thin(&pop.cells, &tile, first, groups, totals)
        first += groups * LANES
    sums.variance_fired = total(totals.Y)
    sums.variance = total(totals.Z)
    sums.fired = total(totals.W)
    sums.survivors = total(totals.X)
    return total(before) / LANES


cdef double advance_cells(Population *pop, double drive, double threshold, Sums *sums) noexcept nogil:
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
