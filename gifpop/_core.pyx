"""The time loop: ring buffers of delayed input, and the order of one step.

Sources are the populations, in order, then the input lines (generators). Each connection carries what its
source emits in step ``k`` into the ring buffer of its target, where it is used in step ``k + lag``.
"""

from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memset

import numpy as np

from gifpop._meso cimport MesoPopulation, draw_spikes, emit_spikes, expect_spikes, recorded
from gifpop._population cimport Population

cdef packed struct Connection:
    int64_t target          # population
    int64_t lag             # steps between emission and use
    int64_t receptor        # EXCITATORY, INHIBITORY or CURRENT
    double weight           # pA

cdef enum:
    EXCITATORY = 0
    INHIBITORY = 1
    CURRENT = 2
    RECEPTORS = 3

cdef Connection _connection_template
CONNECTION = np.asarray(<Connection[:1]> &_connection_template).dtype
RECEPTOR = {"excitatory": EXCITATORY, "inhibitory": INHIBITORY, "current": CURRENT}


cdef class Core:
    """Populations, their connections and the input on its way between them.

    Parameters
    ----------
    populations : sequence of MesoPopulation
    first : int64 array of length sources + 1
        Connections ``first[s]:first[s+1]`` start at source ``s``.
    connections : structured array, dtype ``CONNECTION``
    rings : float64 array, shape (slots, 3, populations)
        Input on its way, per receptor; step ``k`` reads slot ``k % slots``. At least the longest lag + 1 slots.
    """

    cdef readonly tuple populations
    cdef int64_t[::1] first
    cdef Connection[::1] connections
    cdef double[:, :, ::1] rings
    cdef Population **population

    cdef object _pointers

    def __init__(self, populations, int64_t[::1] first, Connection[::1] connections, double[:, :, ::1] rings):
        cdef Py_ssize_t i, M
        self.populations = tuple(populations)
        self.first = first
        self.connections = connections
        self.rings = rings
        M = len(self.populations)
        self._pointers = np.zeros(max(M, 1), dtype=np.uintp)
        cdef size_t[::1] pointers = self._pointers
        self.population = <Population **> &pointers[0]
        for i in range(M):
            self.population[i] = &(<MesoPopulation?> self.populations[i]).population

    def advance(self, int64_t step, double[:, ::1] lines, int64_t[:, ::1] counts, const uint8_t[::1] prescribed,
                const int64_t[:, ::1] probes, double[:, ::1] records):
        """Advance all populations from step ``step`` on.

        Parameters
        ----------
        step : int
            First step, counted from the beginning of the simulation.
        lines : float64 array, shape (steps, input lines)
            What the input lines emit.
        counts : int64 array, shape (steps, populations)
            Spike counts: read where prescribed, else written.
        prescribed : uint8 array of length populations
        probes : int64 array, shape (probes, 2)
            Population and index in ``RECORDABLES`` of each recorded variable.
        records : float64 array, shape (probes, steps)
            Written: the variables after each step.

        Returns
        -------
        int
            -1, or the population whose expected count was not finite; its step is the last one advanced.
        int
            Steps completed.
        """
        cdef Py_ssize_t n = counts.shape[0], M = len(self.populations), i, k
        cdef Py_ssize_t failed = -1
        with nogil:
            for k in range(n):
                self.deliver_lines(step + k, lines[k])
                failed = self.step_populations(step + k, counts[k], prescribed)
                if failed >= 0:
                    break
                self.deliver_counts(step + k, counts[k], M)
                for i in range(probes.shape[0]):
                    records[i, k] = recorded(self.population[probes[i, 0]], probes[i, 1])
        return failed, (k if failed >= 0 else n)

    cdef void deliver(self, int64_t step, Py_ssize_t source, double amount) noexcept nogil:
        """Put what a source emits in this step into the ring buffers of its targets."""
        cdef Py_ssize_t i, slots = self.rings.shape[0]
        cdef Connection *c
        for i in range(self.first[source], self.first[source + 1]):
            c = &self.connections[i]
            self.rings[(step + c.lag) % slots, c.receptor, c.target] += c.weight * amount

    cdef void deliver_lines(self, int64_t step, double[::1] lines) noexcept nogil:
        cdef Py_ssize_t M = self.rings.shape[2], i
        for i in range(lines.shape[0]):
            if lines[i] != 0.0:
                self.deliver(step, M + i, lines[i])

    cdef void deliver_counts(self, int64_t step, int64_t[::1] counts, Py_ssize_t M) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(M):
            if counts[i] != 0:
                self.deliver(step, i, <double> counts[i])

    cdef Py_ssize_t step_populations(self, int64_t step, int64_t[::1] counts,
                                     const uint8_t[::1] prescribed) noexcept nogil:
        """One step of every population; return the first whose expectation is not finite, or -1."""
        cdef double[:, ::1] slot = self.rings[step % self.rings.shape[0]]
        cdef Py_ssize_t i
        cdef Population *pop
        for i in range(counts.shape[0]):
            pop = self.population[i]
            if not isfinite(expect_spikes(pop, slot[CURRENT, i], slot[EXCITATORY, i], slot[INHIBITORY, i])):
                return i
            if not prescribed[i]:
                counts[i] = draw_spikes(pop)
            emit_spikes(pop, counts[i])
        if slot.shape[1] > 0:
            memset(&slot[0, 0], 0, RECEPTORS * slot.shape[1] * sizeof(double))
        return -1
