"""The innermost loops of both levels, compiled once for each instruction set; see `gifpop.engine.instruction_set`."""

from cpython.pycapsule cimport PyCapsule_New

from gifpop.engine._dispatch cimport TABLE, Loops
from gifpop.meso._carried cimport advance_carried, keep_carried
from gifpop.meso._cells cimport advance_cells
from gifpop.meso._cohorts cimport advance_cohorts
from gifpop.meso._dense cimport draw_all, part_hits
from gifpop.micro._neurons cimport advance_tile

cdef Loops table
table.advance_cohorts = &advance_cohorts
table.advance_cells = &advance_cells
table.advance_carried = &advance_carried
table.keep_carried = &keep_carried
table.draw_all = &draw_all
table.part_hits = &part_hits
table.advance_tile = &advance_tile

LOOPS = PyCapsule_New(&table, TABLE, NULL)
