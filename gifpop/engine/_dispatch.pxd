"""The table of the innermost loops, one of whose variants the time loop calls."""

from gifpop.meso._population cimport (advance_carried_t, advance_cells_t, advance_cohorts_t, draw_all_t,
                                      keep_carried_t, part_hits_t)
from gifpop.micro._group cimport advance_tile_t


cdef extern from *:
    """
    #define GP_TABLE "gifpop loops"
    """
    const char *TABLE "GP_TABLE"


cdef struct Loops:
    advance_cohorts_t advance_cohorts
    advance_cells_t advance_cells
    advance_carried_t advance_carried
    keep_carried_t keep_carried
    draw_all_t draw_all
    part_hits_t part_hits
    advance_tile_t advance_tile


cdef Loops loops
