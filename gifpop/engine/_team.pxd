"""Threads that share work: a team of one thread that has work and of helpers that wait for it."""

from cpython.pythread cimport PyThread_type_lock
from libc.stdint cimport int64_t

cdef extern from "_team.h":
    ctypedef struct atomic "gp_atomic":
        pass
    int64_t read "gp_read"(atomic *a) noexcept nogil
    void write "gp_write"(atomic *a, int64_t x) noexcept nogil
    int64_t add "gp_add"(atomic *a, int64_t x) noexcept nogil                   # the sum
    bint replace "gp_replace"(atomic *a, int64_t old, int64_t x) noexcept nogil  # whether it was `old`
    void pause "gp_pause"() noexcept nogil
    int64_t now "gp_now"() noexcept nogil                                       # ns

cdef enum:
    MOST_HELPERS = 1023
    LINE = 64               # bytes that travel together between processors

ctypedef void (*Share)(const void *work, Py_ssize_t i) noexcept nogil

cdef struct Sleeper:        # a thread that may be asleep
    atomic asleep
    PyThread_type_lock bed  # held, so that to acquire it is to sleep; releasing it wakes the sleeper

cdef struct Members:
    atomic left             # shares of the work not yet taken: the first one, times 2^32, and their end
    char[LINE] apart_left
    atomic done             # shares that helpers have done
    char[LINE] apart_done
    Share share             # what to do for each share
    const void *work        # with what
    Py_ssize_t n_helpers
    char[LINE] apart_work
    atomic active           # helpers that take part
    atomic dismissed
    atomic alive            # helpers, and the owner
    Sleeper owner
    Sleeper[MOST_HELPERS] helper
    atomic hired            # helpers that know their number


cdef class Team:
    cdef Members *members
    cdef int64_t forks      # of this process before the team was made


cdef void share_out(Members *team, Share share, const void *work, Py_ssize_t n) noexcept nogil


cdef inline Py_ssize_t team_size(Members *team) noexcept nogil:
    """Return the number of threads, including the owner."""
    return read(&team.active) + 1
