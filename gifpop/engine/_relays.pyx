"""Groups of relays: units that emit in each step the spikes that arrive at them in it."""

from libc.stdint cimport int32_t, int64_t

from gifpop.engine._exchange cimport NO_MEMORY, WELL, Arrivals, Spike, SpikeList
from gifpop.engine._growth cimport grown

cdef int64_t MOST_AT_ONCE = <int64_t> 1 << 53     # spikes of a unit in a step; sums of more are not whole numbers


cdef class RelayGroup:
    """Bind a group of relays for the time loop.

    Parameters
    ----------
    plan : gifpop.engine.relays.RelayPlan

    Attributes
    ----------
    recordables : tuple
        Empty.
    """

    def __init__(self, plan):
        self.recordables, self.kept, self.relays.N = (), plan.window, plan.N
        if plan.window is not None:
            self.relays.first, self.relays.end = &self.kept[0, 0], &self.kept[1, 0]


cdef int64_t repeat_spikes(const Relays *relays, const Arrivals *arrivals, Py_ssize_t begin, Py_ssize_t end,
                           int64_t step, Py_ssize_t steps, SpikeList *spikes) noexcept nogil:
    """Take what arrives at the relays from ``begin`` to ``end`` in some steps, and list it as their spikes.

    These come in order of step and relay. Return WELL, or NO_MEMORY for the spikes.
    """
    cdef Py_ssize_t k, i
    cdef const Arrivals *a
    cdef double count
    for k in range(steps):
        a = &arrivals[k]
        for i in range(begin, end):
            count = a.all[0] + a.sums[i]
            a.sums[i] = 0.0
            if a.external != NULL:
                count += a.external[i]
                a.external[i] = 0.0
            if relays.first != NULL and not relays.first[i] <= step + k < relays.end[i]:
                continue
            if count >= 0.5 and not add_spikes(spikes, k, i, count):
                return NO_MEMORY
    return WELL


cdef bint add_spikes(SpikeList *spikes, Py_ssize_t step, Py_ssize_t unit, double count) noexcept nogil:
    """List the spikes of a unit in a step; False: no memory."""
    cdef void *items = grown(spikes.items, &spikes.capacity, spikes.n + 1, sizeof(Spike))
    cdef void *counts
    if items == NULL:
        return False
    spikes.items = <Spike *> items
    counts = grown(spikes.counts, &spikes.counts_capacity, spikes.n + 1, sizeof(int64_t))
    if counts == NULL:
        return False
    spikes.counts = <int64_t *> counts
    spikes.items[spikes.n].step, spikes.items[spikes.n].unit = <int32_t> step, <int32_t> unit
    spikes.counts[spikes.n] = <int64_t> min(count + 0.5, <double> MOST_AT_ONCE)
    spikes.n += 1
    return True
