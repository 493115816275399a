"""Merging of cohorts into cells, whose width grows with their age (docs/history.md)."""

from libc.math cimport exp

from gifpop.meso._moments cimport few_members, mix_moments
from gifpop.meso._population cimport PADDING, Cells, Population

cdef extern from *:
    """
    #define GP_LARGEST_HAZARD 1e300
    """
    const double LARGEST_HAZARD "GP_LARGEST_HAZARD"


cdef inline void join_free(Population *pop, double survivors, double variance, const double *moments,
                           Py_ssize_t stride) noexcept nogil:
    """Add survivors to the free neurons; where cohorts carry moments, the hazard of these follows the mixture."""
    cdef double all = pop.state.survivors + survivors
    cdef double *lift = pop.carried.free + pop.carried.moments
    cdef double before
    if pop.carried.D > 0:
        before = lift[0]
        mix_moments(&pop.carried, pop.carried.free, 1, moments, stride, survivors / all if all > 0.0 else 0.5,
                    few_members(pop, all))
        pop.state.hazard = min(pop.state.hazard * exp(min(before - lift[0], 600.0)), LARGEST_HAZARD)
    pop.state.survivors = all
    pop.state.variance += variance


cdef inline void enter_cells(Population *pop) noexcept nogil:
    """Make the oldest cohort of a full window the newest cell; merge cells every ``cells.every`` steps."""
    if pop.state.cohorts == pop.K:
        add_cell(pop)
    pop.state.until_merging -= 1
    if pop.state.until_merging == 0:
        merge_cells(pop)
        pop.state.until_merging = pop.cells.every


cdef inline void add_cell(Population *pop) noexcept nogil:
    """Make the oldest cohort of the window the newest cell.

    Whatever the widths, there is room: `gifpop.meso.history.most_cells` is enough for those that it knows; where others
    would not do, the two oldest cells are merged.
    """
    cdef Cells *cells = &pop.cells
    cdef Py_ssize_t i, cohort = pop.state.oldest, j
    if PADDING + pop.state.cells >= cells.places:
        make_room(pop)
    i = PADDING + pop.state.cells
    cells.count[i] = pop.count[cohort]
    cells.survivors[i] = pop.survivors[cohort]
    cells.variance[i] = pop.variance[cohort]
    cells.potential[i] = pop.potential[cohort]
    cells.hazard[i] = pop.hazard[cohort]
    cells.own[i] = 0.0
    cells.width[i] = 1.0
    for j in range(cells.J):
        cells.traces[j * cells.places + i] = cells.newest[j]
    if pop.carried.D > 0:
        for j in range(pop.carried.moments + 1):
            pop.carried.cells[j * cells.places + i] = pop.carried.cohorts[j * pop.places + cohort]
    pop.state.cells += 1


cdef inline void make_room(Population *pop) noexcept nogil:
    """Merge the oldest cell with the next one; a single one joins the free neurons."""
    cdef Py_ssize_t i
    if pop.state.cells > 1:
        join(pop, PADDING, PADDING + 1)
    else:
        free_cell(pop, PADDING)
    for i in range(PADDING + 1, PADDING + pop.state.cells - 1):
        move(pop, i, i + 1)
    pop.state.cells -= 1


cdef inline void merge_cells(Population *pop) noexcept nogil:
    """Merge neighbours, from the oldest on, wherever the widest cell of their age holds both.

    Cells whose youngest cohort is older than the history join the free neurons.
    """
    cdef Cells *cells = &pop.cells
    cdef Py_ssize_t end = PADDING + pop.state.cells, kept = PADDING - 1, i
    cdef double age = pop.K + 1.0
    for i in range(PADDING, end):
        age += cells.width[i]
    for i in range(PADDING, end):
        age -= cells.width[i]       # of the cell's youngest cohort in the next step
        if not 0.0 <= age <= cells.longest or (kept < PADDING and is_empty(pop, cells.survivors[i])):
            free_cell(pop, i)
        elif kept >= PADDING and cells.width[kept] + cells.width[i] <= cells.widest[<Py_ssize_t> age]:
            join(pop, kept, i)
        else:
            kept += 1
            if kept != i:
                move(pop, kept, i)
    pop.state.cells = kept + 1 - PADDING


cdef inline bint is_empty(const Population *pop, double survivors) noexcept nogil:
    """Return whether a cohort can be dropped, since hardly anybody is left and its spikes need not be remembered."""
    return pop.forgets and survivors < pop.nobody


cdef inline void free_cell(Population *pop, Py_ssize_t i) noexcept nogil:
    """Add a cell's survivors to the free neurons, and its spikes to the adaptation beyond the history."""
    cdef Cells *cells = &pop.cells
    cdef Py_ssize_t j
    join_free(pop, cells.survivors[i], cells.variance[i], pop.carried.cells + i, cells.places)
    for j in range(cells.J):
        pop.sfa[j] += pop.sfa_feed[j] * cells.count[i] * cells.traces[j * cells.places + i]


cdef inline void join(Population *pop, Py_ssize_t old, Py_ssize_t young) noexcept nogil:
    """Merge a cell with the next younger one, conserving sums and the means over survivors and over spikes."""
    cdef Cells *c = &pop.cells
    cdef double m = c.survivors[old] + c.survivors[young], n = c.count[old] + c.count[young]
    cdef double a = c.survivors[old] / m if m > 0.0 else 0.5
    cdef double b = c.count[old] / n if n > 0.0 else 0.5
    cdef Py_ssize_t j
    c.own[old] = a * b * c.own[old] + (1.0 - a) * (b + (1.0 - b) * c.own[young])
    c.potential[old] = a * c.potential[old] + (1.0 - a) * c.potential[young]
    c.hazard[old] = a * c.hazard[old] + (1.0 - a) * c.hazard[young]
    for j in range(c.J):
        mix(c.traces + j * c.places, old, young, b)
    if pop.carried.D > 0:
        mix_moments(&pop.carried, pop.carried.cells + old, c.places, pop.carried.cells + young, c.places, 1.0 - a,
                    few_members(pop, m))
    c.count[old] = n
    c.survivors[old] = m
    c.variance[old] += c.variance[young]
    c.width[old] += c.width[young]


cdef inline void mix(double *values, Py_ssize_t old, Py_ssize_t young, double weight) noexcept nogil:
    values[old] = weight * values[old] + (1.0 - weight) * values[young]


cdef inline void move(Population *pop, Py_ssize_t place, Py_ssize_t i) noexcept nogil:
    """Move a cell to an earlier place."""
    cdef Cells *c = &pop.cells
    cdef Py_ssize_t j
    c.count[place] = c.count[i]
    c.survivors[place] = c.survivors[i]
    c.variance[place] = c.variance[i]
    c.potential[place] = c.potential[i]
    c.hazard[place] = c.hazard[i]
    c.own[place] = c.own[i]
    c.width[place] = c.width[i]
    for j in range(c.J):
        c.traces[j * c.places + place] = c.traces[j * c.places + i]
    if pop.carried.D > 0:
        for j in range(pop.carried.moments + 1):
            pop.carried.cells[j * c.places + place] = pop.carried.cells[j * c.places + i]
