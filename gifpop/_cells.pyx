"""One step of the cells of a population: cohorts that have grown old and been merged with their neighbours.

Compiled once for each instruction set, as `_cohorts`, whose units these are. How cells are merged: `_merging`; why this
is accurate: docs/history.md.
"""

from gifpop._lanes cimport (LANES, above, all_lanes, any_above, exp_lanes, lanes, load, saturate_lanes, store,
                            sums_before, total)
from gifpop._types cimport PADDING, Cells, Constants, Population, Sums


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


cdef inline lanes decay_traces(Population *pop, Py_ssize_t i, Py_ssize_t J) noexcept nogil:
    """Let the traces of a cell's spikes decay; return what each spike adds to a neuron's own threshold."""
    cdef Cells *cells = &pop.cells
    cdef lanes trace, theta = all_lanes(0.0)
    cdef Py_ssize_t j
    for j in range(J):
        trace = load(cells.traces + j * cells.places + i) * pop.sfa_decay[j]
        store(cells.traces + j * cells.places + i, trace)
        theta = theta + trace * pop.relative_jumps[j]
    return theta


cdef inline double advance(Population *pop, double drive, double threshold, Sums *sums, Py_ssize_t J) noexcept nogil:
    """Advance the cells of a population with ``J`` adaptation time constants, a number known to the compiler."""
    cdef const Constants *c = pop.constants
    cdef Cells *cells = &pop.cells
    cdef Py_ssize_t spare = (LANES - pop.state.cells % LANES) % LANES, group, i
    cdef double gain = drive - c.E_L * c.leak, share = 1.0 / c.N
    cdef lanes u, theta, left, integral, p, m, v, stay, before = all_lanes(threshold)
    cdef lanes Y = all_lanes(0.0), Z = Y, W = Y, X = Y
    for group in range((spare + pop.state.cells) // LANES):
        i = PADDING - spare + group * LANES
        u = load(cells.potential + i) * c.leak + gain
        store(cells.potential + i, u)
        if J > 0:
            theta = decay_traces(pop, i, J)
            left = load(cells.count + i) * share * saturated(theta)
            theta = theta + load(cells.own + i) * left + sums_before(left, &before)
        else:
            theta = before
        integral = exp_lanes(u * c.inverse_Delta_V - theta)
        p = probability(load(cells.hazard + i) + integral)
        store(cells.hazard + i, integral)
        m = load(cells.survivors + i)
        v = load(cells.variance + i)
        stay = 1.0 - p
        Y = Y + p * v
        Z = Z + v
        W = W + p * m
        X = X + m
        store(cells.variance + i, stay * stay * v + p * m)
        store(cells.survivors + i, stay * m)
    sums.variance_fired = total(Y)
    sums.variance = total(Z)
    sums.fired = total(W)
    sums.survivors = total(X)
    return total(before) / LANES


cdef double advance_cells(Population *pop, double drive, double threshold, Sums *sums) noexcept nogil:
    """Advance all cells; return the threshold that they and all spikes before them have left.

    ``drive`` is what any potential gains besides its leak; ``threshold`` what the spikes before the cells have left. The
    lanes that are left over lie before the oldest cell, where there are no neurons.
    """
    if pop.J == 0:
        return advance(pop, drive, threshold, sums, 0)
    if pop.J == 1:
        return advance(pop, drive, threshold, sums, 1)
    if pop.J == 2:
        return advance(pop, drive, threshold, sums, 2)
    return advance(pop, drive, threshold, sums, pop.J)
