"""Decide from measured times whether to share the steps of a network among threads.

Small networks take microseconds from one exchange of spikes to the next, and on a busy machine threads wait for others
that the system does not run. So a network is advanced alone (in one thread) and together (in all threads) by turns:
together as long as that gains time, compared with what a step takes alone. Once it has lost more than a little, the
network stays alone; the longer, the more often that has happened in succession. Results do not depend on any of this.
"""

from libc.stdint cimport int64_t

cdef enum:                      # ns
    LEAST_SLICE = 12000         # that sharing could make faster
    LEAST_MEASURED = 1000000    # of going alone, before that is compared with
    MOST_LOSS = 2000000         # before together is given up
    MOST_GAIN = 20000000        # to make up for later losses: activity and its cost go up and down
    SHORTEST_REST = 40000000    # alone, after together was given up
    LONGEST_REST = 1280000000
    LEAST_SPELL = 500000000     # together, before alone is measured again
    LEAST_SLICES = 3            # to measure alone

cdef struct Tempo:
    bint together
    int64_t last                # ns, the end of the last slice
    int64_t due                 # ns, when to change
    int64_t rest                # ns, of the last spell alone
    double alone                # ns a step takes in one thread
    double gain                 # ns
    double spent                # ns that were measured alone
    int64_t steps               # in which
    int64_t slices


cdef inline void begin_chunk(Tempo *t, int64_t time) noexcept nogil:
    t.last = time


cdef inline void end_slice(Tempo *t, int64_t time, Py_ssize_t steps) noexcept nogil:
    """Record how long a slice took, and choose for the next one."""
    cdef double took = <double> (time - t.last)
    t.last = time
    if t.together:
        t.gain = min(t.gain + steps * t.alone - took, <double> MOST_GAIN)
        if t.gain < -MOST_LOSS:
            t.rest = min(max(2 * t.rest, <int64_t> SHORTEST_REST), <int64_t> LONGEST_REST)
            go_alone(t, time, t.rest)
        elif time > t.due:
            t.rest = 0
            go_alone(t, time, LEAST_MEASURED)
        return
    t.slices += 1
    if t.slices == 1:           # with cold caches
        return
    t.spent += took
    t.steps += steps
    if time < t.due or t.spent < LEAST_MEASURED or t.slices <= LEAST_SLICES:
        return
    t.alone = t.spent / t.steps if t.rest > 0 or t.alone == 0.0 else 0.5 * (t.alone + t.spent / t.steps)
    if t.alone * steps < LEAST_SLICE:
        go_alone(t, time, SHORTEST_REST)
    else:
        t.together, t.gain = True, 0.0
        t.due = time + max(<int64_t> LEAST_SPELL, <int64_t> (100 * LEAST_SLICES * took))


cdef inline void go_alone(Tempo *t, int64_t time, int64_t duration) noexcept nogil:
    t.together, t.due, t.spent, t.steps, t.slices = False, time + duration, 0.0, 0, 0
