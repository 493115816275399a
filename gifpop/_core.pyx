"""The time loop: ring buffers of delayed input, and the order of one step.

Groups are mesoscopic populations (one unit) and groups of neurons (a unit each). Sources are the groups, in order, then
the input lines (generators). A projection carries what its source emits in step ``k`` into a ring buffer of its target,
where it is used in step ``k + lag``: for all units of the target at once, or for single ones.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport random_interval, random_poisson

import numpy as np

from gifpop cimport _meso, _micro
from gifpop._types cimport Arrivals, Neurons, Population

cdef enum:
    EXCITATORY = 0
    INHIBITORY = 1
    CURRENT = 2
    RECEPTORS = 3

cdef enum:                  # what a step returns beside the index of a population that failed
    NONE = -1
    NO_MEMORY = -2

RECEPTOR = {"excitatory": EXCITATORY, "inhibitory": INHIBITORY, "current": CURRENT}

cdef struct Group:
    Population *meso        # one of the two is NULL
    Neurons *micro
    Py_ssize_t n            # units
    Py_ssize_t places       # of a row of the ring buffer
    double *shared          # input to all units, (slots, RECEPTORS)
    double *ring            # input to single neurons, (slots, RECEPTORS, places); NULL for a population
    bint single_currents    # whether there is any current to single neurons
    bint forced             # spikes are prescribed

cdef struct Projection:
    Group *target
    int64_t lag             # steps between emission and use
    int64_t receptor
    double weight           # pA; of every connection, or a factor of `weights`
    const int64_t *first    # connections first[u] to first[u + 1] start at unit u; NULL: one to all units
    const int32_t *units    # their targets
    const double *weights   # pA, sign selects the receptor; NULL: all alike
    const int32_t *lags     # NULL: all alike

cdef struct Noise:          # independent Poisson processes, one onto each of some units
    Group *target
    int64_t lag
    int64_t receptor
    double weight           # of each event, or a factor of `weights`
    const int32_t *units    # NULL: all
    const double *weights   # of the processes' events; NULL: all alike
    Py_ssize_t n
    bitgen_t *random

cdef struct Spikes:         # of a chunk of steps, in order of step, group, neuron
    int32_t *units
    Py_ssize_t n
    Py_ssize_t capacity


cdef class Core:
    """Groups, their projections and the input on its way between them.

    Parameters
    ----------
    groups : sequence of MesoPopulation or MicroPopulation
    shared : float64 array, shape (groups, slots, 3)
        Input on its way to all units of a group, per receptor; step ``k`` reads slot ``k % slots``. At least the
        longest lag + 1 slots.
    rings : sequence of float64 array, shape (slots, 3, places), or None
        Input on its way to single neurons; None for a population.
    first : int64 array of length sources + 1
        Projections ``first[s]:first[s + 1]`` start at source ``s``.
    projections : sequence of tuple
        (target, lag, receptor, weight, first or None, units or None, weights or None, lags or None)
    noise : sequence of tuple
        (target, lag, receptor, weight, units or None, weights or None, bit generator)
    """

    cdef readonly tuple groups
    cdef object _kept           # arrays that the structures point into
    cdef int64_t[::1] first
    cdef Group *group
    cdef Projection *projections
    cdef Noise *noise
    cdef Py_ssize_t n_noise, slots
    cdef Spikes spikes

    def __init__(self, groups, double[:, :, ::1] shared, rings, int64_t[::1] first, projections, noise=()):
        cdef Py_ssize_t i
        cdef double[:, :, ::1] ring
        self.groups = tuple(groups)
        self._kept = (shared, list(rings), list(projections), list(noise))
        self.first = first
        self.slots = shared.shape[1]
        self.group = <Group *> malloc(max(1, len(self.groups)) * sizeof(Group))
        self.projections = <Projection *> malloc(max(1, len(projections)) * sizeof(Projection))
        self.noise = <Noise *> malloc(max(1, len(noise)) * sizeof(Noise))
        if self.group == NULL or self.projections == NULL or self.noise == NULL:
            raise MemoryError("gifpop: no memory for the tables of projections")
        for i, (population, ring) in enumerate(zip(self.groups, rings)):
            self.group[i] = bind_group(population, &shared[i, 0, 0], ring)
        for i, (target, lag, receptor, weight, starts, units, weights, lags) in enumerate(projections):
            self.bind_projection(&self.projections[i], target, lag, receptor, weight, starts, units, weights, lags)
        for i, (target, lag, receptor, weight, units, weights, bit_generator) in enumerate(noise):
            self.bind_noise(&self.noise[i], target, lag, receptor, weight, units, weights, bit_generator)
        self.n_noise = len(noise)

    def __dealloc__(self):
        free(self.group)
        free(self.projections)
        free(self.noise)
        free(self.spikes.units)

    cdef bind_projection(self, Projection *p, Py_ssize_t target, int64_t lag, int64_t receptor, double weight,
                         const int64_t[::1] first, const int32_t[::1] units, const double[::1] weights,
                         const int32_t[::1] lags):
        memset(p, 0, sizeof(p[0]))
        p.target, p.lag, p.receptor, p.weight = &self.group[target], lag, receptor, weight
        if first is not None:
            p.first = &first[0]
        if units is not None and units.shape[0]:
            p.units = &units[0]
        if weights is not None and weights.shape[0]:
            p.weights = &weights[0]
        if lags is not None and lags.shape[0]:
            p.lags = &lags[0]
        if receptor == CURRENT and first is not None:
            p.target.single_currents = True

    cdef bind_noise(self, Noise *p, Py_ssize_t target, int64_t lag, int64_t receptor, double weight,
                    const int32_t[::1] units, const double[::1] weights, bit_generator):
        p.target, p.lag, p.receptor, p.weight = &self.group[target], lag, receptor, weight
        p.units, p.weights, p.n = NULL, NULL, p.target.n
        if units is not None:
            p.units, p.n = &units[0], units.shape[0]
        if weights is not None:
            p.weights = &weights[0]
        p.random = <bitgen_t *> PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")

    def advance(self, int64_t step, double[:, ::1] lines, double[:, ::1] noise_means, int64_t[:, ::1] counts,
                const uint8_t[::1] prescribed, const int32_t[::1] forced, const int64_t[:, ::1] probes,
                double[:, ::1] records):
        """Advance all groups from step ``step`` on.

        Parameters
        ----------
        step : int
            First step, counted from the beginning of the simulation.
        lines : float64 array, shape (steps, input lines)
            What the input lines emit.
        noise_means : float64 array, shape (steps, noise)
            Mean number of events of each process in each step.
        counts : int64 array, shape (steps, groups)
            Spike counts: read where prescribed, else written.
        prescribed : uint8 array of length groups
        forced : int32 array
            Neurons that fire in groups of neurons whose counts are prescribed, in order of step and group.
        probes : int64 array, shape (probes, 3)
            Group, unit and index in ``RECORDABLES`` of each recorded variable.
        records : float64 array, shape (steps, probes)
            Written: the variables after each step.

        Returns
        -------
        failed : int
            -1, or the population whose expected count was not finite.
        done : int
            Steps completed.
        spikes : int32 array
            Neurons that fired in the groups of neurons, in order of step and group; ``counts`` tells how many each.
        """
        cdef Py_ssize_t n = counts.shape[0], i, k
        cdef Py_ssize_t failed = NONE
        cdef const int32_t *next_forced = &forced[0] if forced.shape[0] else NULL
        cdef const double **recorded = <const double **> malloc(max(1, probes.shape[0]) * sizeof(double *))
        if recorded == NULL:
            raise MemoryError("gifpop: no memory for the table of probes")
        for i in range(probes.shape[0]):
            recorded[i] = self.probe(probes[i, 0], probes[i, 1], probes[i, 2])
        for i in range(counts.shape[1]):
            self.group[i].forced = prescribed[i]
        self.spikes.n = 0
        try:
            with nogil:
                for k in range(n):
                    self.deliver_lines(step + k, lines[k])
                    self.deliver_noise(step + k, noise_means[k])
                    failed = self.step_groups(step + k, counts[k], &next_forced)
                    if failed != NONE:
                        break
                    for i in range(probes.shape[0]):
                        records[k, i] = recorded[i][0]
        finally:
            free(recorded)
        if failed == NO_MEMORY:
            raise MemoryError("gifpop: no memory for the spikes of a chunk")
        return failed, (k if failed >= 0 else n), self.fired()

    cdef object fired(self):
        """Return the spikes of the chunk as an array of its own."""
        if self.spikes.n == 0:
            return np.zeros(0, dtype=np.int32)
        return np.array(<int32_t[:self.spikes.n]> self.spikes.units)

    cdef const double *probe(self, int64_t group, int64_t unit, int64_t variable) noexcept nogil:
        cdef Group *g = &self.group[group]
        if g.meso != NULL:
            return _meso.recordable(g.meso, variable)
        return _micro.recordable(g.micro, variable) + unit

    cdef double *slot(self, Group *g, int64_t step) noexcept nogil:
        """Input of a step to single neurons."""
        return g.ring + (step % self.slots) * RECEPTORS * g.places

    cdef double *shared_slot(self, Group *g, int64_t step) noexcept nogil:
        """Input of a step to all units."""
        return g.shared + (step % self.slots) * RECEPTORS

    cdef void deliver(self, Projection *p, int64_t step, int64_t unit, double amount) noexcept nogil:
        """Put what a unit of the source emits in this step into the ring buffers of the target."""
        cdef int64_t i
        cdef double w = p.weight * amount
        cdef double *slot
        if p.first == NULL:
            self.shared_slot(p.target, step + p.lag)[p.receptor] += w
        elif p.target.meso != NULL or p.lags != NULL or p.weights != NULL:
            self.deliver_various(p, step, unit, w)
        else:
            slot = self.slot(p.target, step + p.lag) + p.receptor * p.target.places
            for i in range(p.first[unit], p.first[unit + 1]):
                slot[p.units[i]] += w

    cdef void deliver_various(self, Projection *p, int64_t step, int64_t unit, double factor) noexcept nogil:
        """Deliver connections that differ in weight or delay, or that end at a population."""
        cdef int64_t i, lag = p.lag, receptor = p.receptor
        cdef double w = factor
        for i in range(p.first[unit], p.first[unit + 1]):
            if p.lags != NULL:
                lag = p.lags[i]
            if p.weights != NULL:
                w = factor * p.weights[i]
                if receptor != CURRENT:
                    receptor = EXCITATORY if w >= 0.0 else INHIBITORY
            if p.target.meso != NULL:
                self.shared_slot(p.target, step + lag)[receptor] += w
            else:
                self.slot(p.target, step + lag)[receptor * p.target.places + p.units[i]] += w

    cdef void deliver_lines(self, int64_t step, double[::1] lines) noexcept nogil:
        cdef Py_ssize_t G = self.first.shape[0] - 1 - lines.shape[0], i, j
        for i in range(lines.shape[0]):
            if lines[i] != 0.0:
                for j in range(self.first[G + i], self.first[G + i + 1]):
                    self.deliver(&self.projections[j], step, 0, lines[i])

    cdef void deliver_noise(self, int64_t step, double[::1] means) noexcept nogil:
        """Draw the events of all processes: rare ones together, spread over the units, which is the same law."""
        cdef Py_ssize_t i, j
        cdef int64_t events
        cdef Noise *p
        cdef double *slot
        for i in range(self.n_noise):
            p = &self.noise[i]
            if means[i] <= 0.0:
                continue
            slot = self.slot(p.target, step + p.lag) + p.receptor * p.target.places
            if means[i] < 1.0:
                events = random_poisson(p.random, means[i] * p.n)
                while events > 0:
                    add_events(p, slot, random_interval(p.random, p.n - 1), 1.0)
                    events -= 1
            else:
                for j in range(p.n):
                    add_events(p, slot, j, <double> random_poisson(p.random, means[i]))

    cdef Py_ssize_t step_groups(self, int64_t step, int64_t[::1] counts, const int32_t **forced) noexcept nogil:
        """One step of every group, then delivery; return the first population that failed, or how it went."""
        cdef Py_ssize_t i, began = self.spikes.n
        cdef Group *g
        for i in range(counts.shape[0]):
            g = &self.group[i]
            if g.meso != NULL:
                if not self.step_population(g, step, &counts[i]):
                    return i
            else:
                if not self.reserve_spikes(max(g.n, counts[i] if g.forced else 0)):
                    return NO_MEMORY
                self.step_neurons(g, step, &counts[i], forced)
        for i in range(counts.shape[0]):
            g = &self.group[i]
            self.emit(i, step, counts[i], NULL if g.meso != NULL else self.spikes.units + began)
            if g.meso == NULL:
                began += counts[i]
        return NONE

    cdef bint step_population(self, Group *g, int64_t step, int64_t *count) noexcept nogil:
        cdef double *slot = self.shared_slot(g, step)
        if not isfinite(_meso.expect_spikes(g.meso, slot[CURRENT], slot[EXCITATORY], slot[INHIBITORY])):
            return False
        if not g.forced:
            count[0] = _meso.draw_spikes(g.meso)
        _meso.emit_spikes(g.meso, count[0])
        memset(slot, 0, RECEPTORS * sizeof(double))
        return True

    cdef void step_neurons(self, Group *g, int64_t step, int64_t *count, const int32_t **forced) noexcept nogil:
        cdef double *shared = self.shared_slot(g, step)
        cdef double *slot = self.slot(g, step)
        cdef int32_t *fired = self.spikes.units + self.spikes.n
        cdef Arrivals arrivals
        cdef Py_ssize_t i
        arrivals.ex, arrivals.ex_all = slot + EXCITATORY * g.places, shared[EXCITATORY]
        arrivals.inh, arrivals.inh_all = slot + INHIBITORY * g.places, shared[INHIBITORY]
        arrivals.current, arrivals.current_all = slot + CURRENT * g.places, shared[CURRENT]
        arrivals.single_currents = g.single_currents
        if g.forced:
            for i in range(count[0]):
                fired[i] = forced[0][i]
            _micro.step_forced(g.micro, &arrivals, fired, count[0])
            forced[0] += count[0]
        else:
            count[0] = _micro.step_neurons(g.micro, &arrivals, fired)
        self.spikes.n += count[0]
        memset(shared, 0, RECEPTORS * sizeof(double))

    cdef void emit(self, Py_ssize_t source, int64_t step, int64_t count, const int32_t *fired) noexcept nogil:
        """Deliver the spikes of a group along all its projections."""
        cdef Py_ssize_t j, i
        cdef Projection *p
        if count == 0:
            return
        for j in range(self.first[source], self.first[source + 1]):
            p = &self.projections[j]
            if fired == NULL or p.first == NULL:
                self.deliver(p, step, 0, <double> count)
            else:
                for i in range(count):
                    self.deliver(p, step, fired[i], 1.0)

    cdef bint reserve_spikes(self, Py_ssize_t n) noexcept nogil:
        """Make room for ``n`` more spikes."""
        cdef Py_ssize_t capacity = self.spikes.capacity
        cdef int32_t *units
        if self.spikes.n + n <= capacity:
            return True
        capacity = 2 * (self.spikes.n + n)
        units = <int32_t *> realloc(self.spikes.units, capacity * sizeof(int32_t))
        if units == NULL:
            return False
        self.spikes.units, self.spikes.capacity = units, capacity
        return True


cdef inline void add_events(Noise *p, double *slot, int64_t process, double events) noexcept nogil:
    """Put the events of one process into the slot of a ring buffer."""
    cdef double weight = p.weight if p.weights == NULL else p.weight * p.weights[process]
    slot[process if p.units == NULL else <int64_t> p.units[process]] += weight * events


cdef Group bind_group(population, double *shared, double[:, :, ::1] ring):
    cdef Group g
    memset(&g, 0, sizeof(g))
    g.shared = shared
    if isinstance(population, _meso.MesoPopulation):
        g.meso = &(<_meso.MesoPopulation> population).population
        g.n = 1
    else:
        g.micro = &(<_micro.MicroPopulation?> population).neurons
        g.n, g.places = g.micro.N, g.micro.places
        g.ring = &ring[0, 0, 0]
    return g
