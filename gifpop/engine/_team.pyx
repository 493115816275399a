"""Threads that share work.

A piece of work has shares. The owner of the team and its helpers take one after another until none is left; the owner
then waits for the shares that helpers have taken, but not for helpers that have taken none: a helper that the system
does not run costs nothing. A thread that waits spins for some microseconds, then sleeps, and leaves the processor to
others.

Helpers are threads of the system without Python's state: they need no interpreter lock, and the interpreter need not
join them when it exits.
"""

from cpython.pythread cimport (WAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_release_lock,
                               PyThread_type_lock)
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free

cdef extern from "pythread.h":
    void free_lock "PyThread_free_lock"(PyThread_type_lock lock) noexcept nogil
    int64_t start_thread "PyThread_start_new_thread"(void (*function)(void *) noexcept nogil, void *argument)
    int64_t NOT_STARTED "PYTHREAD_INVALID_THREAD_ID"

cdef enum:
    LONGEST_SPIN = 30000    # ns, about the time to fall asleep and to be woken
    SPINS = 16              # between two looks at the clock

cdef int64_t forks = 0      # that have made this process from its parents


cdef inline bint nothing_left(int64_t left) noexcept nogil:
    """Return whether the shares of `Members.left` have all been taken."""
    return left >> 32 == <uint32_t> left


cdef class Team:
    """Threads for one call at a time of `gifpop._core.advance`.

    Parameters
    ----------
    threads : int
        As of `grow`.
    """

    def __cinit__(self, *_, **__):
        self.forks = forks
        self.members = <Members *> calloc(1, sizeof(Members))
        if self.members != NULL and not make_bed(&self.members.owner):
            free(self.members)
            self.members = NULL
        if self.members == NULL:
            raise MemoryError("gifpop: no memory for threads")
        write(&self.members.alive, 1)

    def __init__(self, int threads=1):
        self.grow(threads)

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.members == NULL or self.forks != forks:     # the helpers are in the parent, and may hold the locks
            return
        write(&self.members.dismissed, True)
        for i in range(self.members.n_helpers):
            wake(&self.members.helper[i])
        leave(self.members)

    def grow(self, int threads):
        """Start helpers until there are as many threads, the caller with them; return how many there are."""
        cdef Members *team = self.members
        while team.n_helpers + 1 < min(threads, MOST_HELPERS + 1):
            if not make_bed(&team.helper[team.n_helpers]):
                break
            add(&team.alive, 1)
            if start_thread(help_team, team) == NOT_STARTED:
                add(&team.alive, -1)
                free_bed(&team.helper[team.n_helpers])
                break
            team.n_helpers += 1
        write(&team.active, min(team.n_helpers, threads - 1))
        return min(team.n_helpers + 1, threads)


def forget_helpers():
    """Forget all teams in the child of a fork, where the threads of its parent do not exist."""
    global forks
    forks += 1


cdef bint make_bed(Sleeper *sleeper):
    sleeper.bed = PyThread_allocate_lock()
    return sleeper.bed != NULL and PyThread_acquire_lock(sleeper.bed, WAIT_LOCK)


cdef void leave(Members *team) noexcept nogil:
    """Leave the team; the last one frees its memory."""
    cdef Py_ssize_t i
    if add(&team.alive, -1) > 0:
        return
    for i in range(-1, team.n_helpers):
        free_bed(&team.owner if i < 0 else &team.helper[i])
    free(team)


cdef void free_bed(Sleeper *sleeper) noexcept nogil:
    PyThread_release_lock(sleeper.bed)
    free_lock(sleeper.bed)

# -- work -------------------------------------------------------------------------------------------------------------

cdef void share_out(Members *team, Share share, const void *work, Py_ssize_t n) noexcept nogil:
    """Call ``share(work, i)`` for each i < n, in any thread and order; return when all are done."""
    cdef Py_ssize_t i, own = 0
    team.share, team.work = share, work
    write(&team.done, 0)
    write(&team.left, n)
    for i in range(min(read(&team.active), n - 1)):
        wake(&team.helper[i])
    while take_share(team, True):
        own += 1
    wait_for_helpers(team, n - own)


cdef inline bint take_share(Members *team, bint owner) noexcept nogil:
    """Take a share that is left, and do it; False: there is none.

    The owner takes the first one, helpers take the last: from work to work, most shares find what they need in the
    cache of the same processor. While a share is taken and not yet done, the work stays what it is.
    """
    cdef int64_t left = read(&team.left), taken = (<int64_t> 1 << 32) if owner else -1
    while not nothing_left(left):
        if replace(&team.left, left, left + taken):
            team.share(team.work, left >> 32 if owner else <uint32_t> left - 1)
            return True
        left = read(&team.left)
    return False


cdef void wait_for_helpers(Members *team, int64_t n) noexcept nogil:
    """Wait until helpers have done n shares."""
    cdef int64_t until = 0
    cdef int spins = 0
    while read(&team.done) < n:
        if spins % SPINS == 0:
            if until == 0:
                until = now() + LONGEST_SPIN
            elif now() > until:
                lie_down(&team.owner)
                if read(&team.done) < n:
                    sleep(&team.owner)
                else:
                    get_up(&team.owner)
        spins += 1
        pause()


cdef void help_team(void *members) noexcept nogil:
    """Do shares until the team is dismissed."""
    cdef Members *team = <Members *> members
    cdef Py_ssize_t number = add(&team.hired, 1) - 1
    cdef Sleeper *self = &team.helper[number]
    cdef int64_t until = 0
    cdef int spins = 0
    while not read(&team.dismissed):
        if number < read(&team.active) and take_share(team, False):
            add(&team.done, 1)
            wake(&team.owner)
            until, spins = 0, 0
            continue
        if spins % SPINS == 0:
            if until == 0:
                until = now() + LONGEST_SPIN
            elif now() > until:
                lie_down(self)
                if may_sleep(team, number):
                    sleep(self)
                else:
                    get_up(self)
                until, spins = 0, 0
                continue
        spins += 1
        pause()
    leave(team)


cdef bint may_sleep(Members *team, Py_ssize_t number) noexcept nogil:
    """Return whether a helper has nothing to do."""
    return not read(&team.dismissed) and (number >= read(&team.active) or nothing_left(read(&team.left)))

# -- sleep ------------------------------------------------------------------------------------------------------------

# A thread that has lain down looks once more whether it has something to do; one that gives it something to do then
# looks whether it has lain down. One of the two sees what the other has written, whatever the order.

cdef inline void lie_down(Sleeper *self) noexcept nogil:
    write(&self.asleep, True)


cdef inline void sleep(Sleeper *self) noexcept nogil:
    """Sleep until woken."""
    PyThread_acquire_lock(self.bed, WAIT_LOCK)


cdef inline void get_up(Sleeper *self) noexcept nogil:
    """Stay awake after all; if another thread is about to wake this one, wait for that."""
    if not replace(&self.asleep, True, False):
        sleep(self)


cdef inline void wake(Sleeper *sleeper) noexcept nogil:
    """Wake a thread if it sleeps, or has lain down."""
    if read(&sleeper.asleep) and replace(&sleeper.asleep, True, False):
        PyThread_release_lock(sleeper.bed)
