"""The time loop, in slices of the shortest delay.

What groups emit in a slice of steps arrives after it. So every population and every block of neurons goes through all
steps of a slice by itself, in cache and in whatever thread; then the spikes of all are delivered. Results do not depend
on the number of threads, nor on where a run is cut: each sum of input has its order, by step, source and unit.

Sources are the groups, in order, then the input lines (generators).
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from cython.parallel cimport prange
from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset
from numpy.random cimport bitgen_t

import numpy as np

from gifpop cimport _meso, _micro
from gifpop._delivery cimport deliver_line, deliver_noise, deliver_spikes, deliver_to_all
from gifpop._network cimport (CURRENT, EX_VARIANCE, EXCITATORY, IN_VARIANCE, INHIBITORY, Delivery, Group, Noise,
                              Projection, counting_slot, shared_slot, single_slot)
from gifpop._network cimport RECEPTORS as _RECEPTORS
from gifpop._network cimport SHARED_RECEPTORS as _SHARED_RECEPTORS
from gifpop._network cimport SYNAPSES as _SYNAPSES
from gifpop._types cimport LONGEST_SLICE as _LONGEST_SLICE
from gifpop._types cimport Arrivals, Probe, Probes, SpikeList

cdef extern from *:
    """
    #ifdef _OPENMP
    #define GP_OPENMP 1
    #else
    #define GP_OPENMP 0
    #endif
    """
    bint GP_OPENMP

cdef enum:
    NEURONS_PER_TASK = 512  # a multiple of TILE

cdef enum:                  # how a slice went: well, or at the step of the first population that failed
    WELL = -1
    NO_MEMORY = -2

RECEPTOR = {"excitatory": EXCITATORY, "inhibitory": INHIBITORY, "current": CURRENT,
            "excitatory variance": EX_VARIANCE, "inhibitory variance": IN_VARIANCE}
SYNAPSES, RECEPTORS, SHARED_RECEPTORS = _SYNAPSES, _RECEPTORS, _SHARED_RECEPTORS
LONGEST_SLICE = _LONGEST_SLICE
HAS_THREADS = bool(GP_OPENMP)

cdef struct Task:           # what one thread takes through a slice: a population, or a block of neurons
    Py_ssize_t group
    Py_ssize_t begin        # neurons
    Py_ssize_t end
    Probes probes
    SpikeList spikes
    int64_t status          # WELL, NO_MEMORY, or the step in which the expected count was not finite

cdef struct Slice:          # what is fixed while a slice is stepped
    int64_t slot            # of the first step
    Py_ssize_t steps
    double *records         # of the first step


cdef class Core:
    """Groups, their projections and the input on its way between them.

    Parameters
    ----------
    groups : sequence of MesoPopulation or MicroPopulation
    shared : float64 array, shape (2, groups, slots, 5)
        Input on its way to all units of a group, per receptor, from groups and from generators; step ``k`` uses slot
        ``k % slots``. At least as many slots as the longest lag and the slice together.
    rings : sequence of float64 or uint16 array, shape (slots, 2, row), or None
        Input on its way from groups to single neurons, or numbers of spikes; None for a population.
    units : sequence of pair of float, or None
        pA, excitatory and inhibitory, that each spike in such numbers stands for.
    externals : sequence of float64 array, shape (slots, 3, row), or None
        The same from generators; None where there are none.
    first : int64 array of length sources + 1
        Projections ``first[s]:first[s + 1]`` start at source ``s``.
    projections : sequence of tuple
        (target, lag, receptor, weight, multiple of the unit, first or None, units or None, weights or None, lags or
        None)
    noise : sequence of tuple
        (target, lag, receptor, weight, units or None, weights or None, bit generator)
    slice_steps : int
        Steps that groups take before their spikes are delivered: at most the shortest lag and ``LONGEST_SLICE``.
    """

    cdef readonly tuple groups
    cdef object _kept           # arrays that the structures point into
    cdef int64_t[::1] first
    cdef Group *group
    cdef Projection *projections
    cdef Noise *noise
    cdef Task *tasks
    cdef Arrivals *arrivals     # (groups, LONGEST_SLICE)
    cdef int64_t *emitted       # counts of the slice, (groups, LONGEST_SLICE)
    cdef int64_t *places        # where their neurons end in `fired`
    cdef const int32_t **forced  # next prescribed spikes of each group
    cdef int32_t *fired         # of the chunk, in order of step, group, neuron
    cdef Py_ssize_t n_groups, n_neurons, n_noise, n_tasks, slots, slice_steps, n_fired, fired_capacity, failed
    cdef Delivery *deliveries   # of the slice
    cdef Py_ssize_t n_deliveries, delivery_capacity

    def __init__(self, groups, double[:, :, :, ::1] shared, rings, units, externals, int64_t[::1] first, projections,
                 noise=(), Py_ssize_t slice_steps=1):
        cdef Py_ssize_t i, n = len(groups)
        self.groups = tuple(groups)
        self._kept = (shared, list(rings), list(externals), list(projections), list(noise))
        self.first = first
        self.slots, self.slice_steps = shared.shape[2], slice_steps
        self.n_groups, self.n_noise = n, len(noise)
        self.group = <Group *> allocate(n, sizeof(Group))
        self.projections = <Projection *> allocate(len(projections), sizeof(Projection))
        self.noise = <Noise *> allocate(len(noise), sizeof(Noise))
        self.arrivals = <Arrivals *> allocate(n * _LONGEST_SLICE, sizeof(Arrivals))
        self.emitted = <int64_t *> allocate(n * _LONGEST_SLICE, sizeof(int64_t))
        self.places = <int64_t *> allocate(n * _LONGEST_SLICE, sizeof(int64_t))
        self.forced = <const int32_t **> allocate(n, sizeof(int32_t *))
        for i, (population, ring, unit, external) in enumerate(zip(self.groups, rings, units, externals)):
            self.group[i] = bind_group(population, shared.shape[2], ring, unit, external)
            self.group[i].offset = self.n_neurons
            if self.group[i].micro != NULL:
                self.n_neurons += self.group[i].n
            self.group[i].shared, self.group[i].shared_external = &shared[0, i, 0, 0], &shared[1, i, 0, 0]
        for i, (target, lag, receptor, weight, multiple, starts, targets, weights, lags) in enumerate(projections):
            self.bind_projection(&self.projections[i], target, lag, receptor, weight, multiple, starts, targets,
                                 weights, lags)
            self.projections[i].external = i >= first[n]
        for i, (target, lag, receptor, weight, targets, weights, bit_generator) in enumerate(noise):
            self.bind_noise(&self.noise[i], target, lag, receptor, weight, targets, weights, bit_generator)
        self.divide_into_tasks()

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.n_tasks):
            free(self.tasks[i].spikes.items)
        free(self.tasks)
        free(self.group)
        free(self.projections)
        free(self.noise)
        free(self.arrivals)
        free(self.emitted)
        free(self.places)
        free(self.forced)
        free(self.fired)
        free(self.deliveries)

    cdef bind_projection(self, Projection *p, Py_ssize_t target, int64_t lag, int64_t receptor, double weight,
                         uint16_t multiple, const int64_t[::1] first, const int32_t[::1] units,
                         const double[::1] weights, const int32_t[::1] lags):
        p.target, p.lag, p.receptor, p.weight = &self.group[target], lag, receptor, weight
        p.multiple = multiple
        if first is not None:
            p.first = &first[0]
        if units is not None and units.shape[0]:
            p.units = &units[0]
        if weights is not None and weights.shape[0]:
            p.weights = &weights[0]
        if lags is not None and lags.shape[0]:
            p.lags = &lags[0]

    cdef bind_noise(self, Noise *p, Py_ssize_t target, int64_t lag, int64_t receptor, double weight,
                    const int32_t[::1] units, const double[::1] weights, bit_generator):
        p.target, p.lag, p.receptor, p.weight = &self.group[target], lag, receptor, weight
        p.units, p.weights, p.n = NULL, NULL, p.target.n
        if units is not None:
            p.units, p.n = &units[0], units.shape[0]
        if weights is not None:
            p.weights = &weights[0]
        p.random = <bitgen_t *> PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")

    cdef divide_into_tasks(self):
        cdef Py_ssize_t i, begin, block, n = 0
        cdef Task *task
        for i in range(self.n_groups):
            n += 1 if self.group[i].meso != NULL else 1 + (self.group[i].n - 1) // NEURONS_PER_TASK
        self.tasks = <Task *> allocate(n, sizeof(Task))
        self.n_tasks = n
        task = self.tasks
        for i in range(self.n_groups):
            block = NEURONS_PER_TASK if self.group[i].meso == NULL else 1
            for begin in range(0, self.group[i].n, block):
                task.group, task.begin, task.end = i, begin, min(begin + block, self.group[i].n)
                task += 1

    def advance(self, int64_t step, double[:, ::1] lines, double[:, ::1] noise_means, int64_t[:, ::1] counts,
                const uint8_t[::1] prescribed, forced, const int64_t[:, ::1] probes, double[:, ::1] records,
                int threads=1):
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
        forced : dict of int to int32 array
            For each group of neurons whose counts are prescribed, those that fire, in order of step.
        probes : int64 array, shape (probes, 3)
            Group, unit and index in ``RECORDABLES`` of each recorded variable; in order of group and unit.
        records : float64 array, shape (steps, probes)
            Written: the variables after each step.
        threads : int

        Returns
        -------
        failed : int
            -1, or the population whose expected count was not finite.
        done : int
            Steps until it failed.
        advanced : int
            Steps that everything has advanced: to the end of a slice, from its failure on without spikes of a
            population that failed.
        spikes : int32 array
            Neurons that fired in the groups of neurons, in order of step and group; ``counts`` tells how many each.
        """
        cdef Py_ssize_t n = counts.shape[0], k = 0, done = n, i
        cdef int64_t status = WELL
        cdef Slice s
        cdef const int32_t[::1] neurons
        cdef Probe *table = NULL
        self.n_fired, self.failed = 0, -1
        for i in range(self.n_groups):
            self.group[i].forced = prescribed[i]
        for i, neurons in forced.items():
            self.forced[i] = &neurons[0] if neurons.shape[0] else NULL
        try:
            table = <Probe *> allocate(probes.shape[0], sizeof(Probe))
            self.assign_probes(table, probes)
            with nogil:
                while k < n and status == WELL:
                    s.slot, s.steps = (step + k) % self.slots, min(self.slice_steps, n - k)
                    s.records = &records[k, 0] if probes.shape[0] else NULL
                    self.deliver_external(&s, lines[k:], noise_means[k:])
                    self.begin_slice(&s, counts[k:])
                    self.aim_probes(table, &s, probes.shape[0])
                    self.step_groups(&s, threads)
                    status = self.collect(&s, counts[k:])
                    if status == NO_MEMORY or not self.emit(&s, threads):
                        status = NO_MEMORY
                        break
                    if status >= 0:
                        done = k + status
                    k += s.steps
        finally:
            free(table)
        if status == NO_MEMORY:
            raise MemoryError("gifpop: no memory for the spikes of a chunk")
        return self.failed, done, k, self.fired_units(counts[:done])

    cdef int64_t slot_of(self, const Slice *s, Py_ssize_t k) noexcept nogil:
        """Slot of the ring buffers for the k-th step of a slice."""
        return s.slot + k if s.slot + k < self.slots else s.slot + k - self.slots

    # -- before the steps of a slice --------------------------------------------------------------------------------

    cdef assign_probes(self, Probe *table, const int64_t[:, ::1] probes):
        """Fill the table of probes and give each task its own."""
        cdef Py_ssize_t i = 0, j
        cdef Group *g
        for j in range(probes.shape[0]):
            g = &self.group[probes[j, 0]]
            table[j].unit = probes[j, 1]
            if g.meso != NULL:
                table[j].value = _meso.recordable(g.meso, probes[j, 2])
            else:
                table[j].value = _micro.recordable(g.micro, probes[j, 2]) + probes[j, 1]
        for j in range(self.n_tasks):
            self.tasks[j].probes.first, self.tasks[j].probes.n = table + i, 0
            self.tasks[j].probes.stride = probes.shape[0]
            while i < probes.shape[0] and probes[i, 0] == self.tasks[j].group and probes[i, 1] < self.tasks[j].end:
                self.tasks[j].probes.n += 1
                i += 1

    cdef void aim_probes(self, Probe *table, Slice *s, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(n):
            table[j].record = s.records + j

    cdef void deliver_external(self, Slice *s, double[:, ::1] lines, double[:, ::1] means) noexcept nogil:
        """Deliver what the generators emit in a slice."""
        cdef Py_ssize_t k, i, j
        for k in range(s.steps):
            for i in range(lines.shape[1]):
                if lines[k, i] != 0.0:
                    for j in range(self.first[self.n_groups + i], self.first[self.n_groups + i + 1]):
                        deliver_line(&self.projections[j], self.slot_of(s, k), lines[k, i])
            for i in range(self.n_noise):
                deliver_noise(&self.noise[i], self.slot_of(s, k), means[k, i])

    cdef void begin_slice(self, Slice *s, int64_t[:, ::1] counts) noexcept nogil:
        """Look up what arrives at each group in each step, and the counts that are prescribed."""
        cdef Py_ssize_t i, k
        for i in range(self.n_groups):
            for k in range(s.steps):
                self.arrivals[i * _LONGEST_SLICE + k] = arrivals_of(&self.group[i], self.slot_of(s, k))
                self.emitted[i * _LONGEST_SLICE + k] = counts[k, i] if self.group[i].forced else 0

    # -- the steps of a slice ---------------------------------------------------------------------------------------

    cdef void step_groups(self, Slice *s, int threads) noexcept nogil:
        cdef Py_ssize_t i
        if threads == 1:
            for i in range(self.n_tasks):
                self.do_task(&self.tasks[i], s)
        else:
            for i in prange(self.n_tasks, schedule="dynamic", chunksize=1, num_threads=threads):
                self.do_task(&self.tasks[i], s)

    cdef void do_task(self, Task *task, Slice *s) noexcept nogil:
        cdef Group *g = &self.group[task.group]
        cdef Arrivals *arrivals = self.arrivals + task.group * _LONGEST_SLICE
        cdef int64_t *counts = self.emitted + task.group * _LONGEST_SLICE
        task.status, task.spikes.n = WELL, 0
        if g.meso != NULL:
            task.status = step_population(g, arrivals, s.steps, counts, task.probes)
        elif not g.forced:
            if not _micro.advance_block(g.micro, arrivals, task.begin, task.end, s.steps, task.probes, &task.spikes):
                task.status = NO_MEMORY
        elif task.begin == 0:
            _micro.advance_forced(g.micro, arrivals, self.forced[task.group], counts, s.steps,
                                  self.probes_of_group(task))

    cdef Probes probes_of_group(self, Task *first) noexcept nogil:
        """All probes of a group, the first task of which is given."""
        cdef Probes probes = first.probes
        cdef Task *task = first + 1
        while task < self.tasks + self.n_tasks and task.group == first.group:
            probes.n += task.probes.n
            task += 1
        return probes

    # -- after the steps of a slice ---------------------------------------------------------------------------------

    cdef int64_t collect(self, Slice *s, int64_t[:, ::1] counts) noexcept nogil:
        """Count spikes and put those of neurons in order; return how the slice went."""
        cdef Py_ssize_t i, k
        cdef int64_t status = WELL, total = 0
        cdef Task *task
        for i in range(self.n_tasks):
            task = &self.tasks[i]
            if task.status == NO_MEMORY:
                return NO_MEMORY
            if task.status >= 0 and (status == WELL or task.status < status):
                status, self.failed = task.status, task.group
            for k in range(task.spikes.n):
                self.emitted[task.group * _LONGEST_SLICE + task.spikes.items[k].step] += 1
        for i in range(self.n_groups):
            for k in range(s.steps):
                counts[k, i] = self.emitted[i * _LONGEST_SLICE + k]
                total += counts[k, i] if self.group[i].micro != NULL else 0
        if not self.reserve_fired(self.n_fired + total):
            return NO_MEMORY
        self.sort_spikes(s)
        return status

    cdef void sort_spikes(self, Slice *s) noexcept nogil:
        """Append the neurons that fired, in order of step and group; those of one step and group come in order.

        ``places`` holds where those of each step and group begin, and in the end where they end.
        """
        cdef Py_ssize_t i, j, k, place
        cdef Task *task
        for k in range(s.steps):
            for i in range(self.n_groups):
                if self.group[i].micro == NULL:
                    continue
                place = i * _LONGEST_SLICE + k
                self.places[place] = self.n_fired
                self.n_fired += self.emitted[place]
                if self.group[i].forced:
                    memcpy(self.fired + self.places[place], self.forced[i], self.emitted[place] * sizeof(int32_t))
                    self.forced[i] += self.emitted[place]
                    self.places[place] += self.emitted[place]
        for i in range(self.n_tasks):
            task = &self.tasks[i]
            for j in range(task.spikes.n):
                place = task.group * _LONGEST_SLICE + task.spikes.items[j].step
                self.fired[self.places[place]] = task.spikes.items[j].unit
                self.places[place] += 1

    cdef bint emit(self, Slice *s, int threads) noexcept nogil:
        """Deliver what the groups have emitted, each thread to its share of the neurons; False: no memory."""
        cdef int part
        if not self.list_deliveries(s):
            return False
        if threads == 1 or self.n_deliveries == 0:
            deliver_spikes(self.deliveries, self.n_deliveries, 0, self.n_neurons)
        else:
            for part in prange(threads, schedule="static", chunksize=1, num_threads=threads):
                deliver_spikes(self.deliveries, self.n_deliveries, self.n_neurons * part // threads,
                               self.n_neurons * (part + 1) // threads)
        return True

    cdef bint list_deliveries(self, Slice *s) noexcept nogil:
        """Deliver to all units and to populations; list what goes to single neurons, in order of step and source."""
        cdef Py_ssize_t i, j, k, place, listed
        cdef int64_t count, slot
        cdef Projection *p
        self.n_deliveries = 0
        for k in range(s.steps):
            slot = self.slot_of(s, k)
            for i in range(self.n_groups):
                place = i * _LONGEST_SLICE + k
                count = self.emitted[place]
                if count == 0:
                    continue
                for j in range(self.first[i], self.first[i + 1]):
                    p = &self.projections[j]
                    listed = self.n_deliveries
                    if p.first == NULL:
                        deliver_to_all(p, slot, <double> count)
                    elif not self.append_deliveries(p, slot, i, count, self.fired + self.places[place] - count):
                        return False
                    elif p.target.meso != NULL:
                        deliver_spikes(self.deliveries + listed, self.n_deliveries - listed, 0, 1)
                        self.n_deliveries = listed
        return True

    cdef bint append_deliveries(self, const Projection *p, int64_t slot, Py_ssize_t source, int64_t count,
                                const int32_t *units) noexcept nogil:
        """List a delivery for each neuron that fired, or one for all spikes of a population; False: no memory."""
        cdef bint neurons = self.group[source].micro != NULL
        cdef int64_t i, n = count if neurons else 1, needed = self.n_deliveries + n
        cdef Delivery *deliveries
        if needed > self.delivery_capacity:
            deliveries = <Delivery *> realloc(self.deliveries, 2 * needed * sizeof(Delivery))
            if deliveries == NULL:
                return False
            self.deliveries, self.delivery_capacity = deliveries, 2 * needed
        for i in range(n):
            if neurons:
                self.deliveries[self.n_deliveries + i] = Delivery(p, slot, units[i], 1.0)
            else:
                self.deliveries[self.n_deliveries + i] = Delivery(p, slot, 0, <double> count)
        self.n_deliveries = needed
        return True

    cdef bint reserve_fired(self, Py_ssize_t n) noexcept nogil:
        """Make room for ``n`` spikes of a chunk."""
        cdef int32_t *fired
        if n > self.fired_capacity:
            fired = <int32_t *> realloc(self.fired, 2 * n * sizeof(int32_t))
            if fired == NULL:
                return False
            self.fired, self.fired_capacity = fired, 2 * n
        return True

    cdef object fired_units(self, int64_t[:, ::1] counts):
        """Return the neurons that fired in the steps of ``counts`` as an array of its own."""
        cdef Py_ssize_t i, n = 0
        for i in range(self.n_groups):
            if self.group[i].micro != NULL:
                n += np.sum(counts[:, i])
        if n == 0:
            return np.zeros(0, dtype=np.int32)
        return np.array(<int32_t[:n]> self.fired)


cdef int64_t step_population(Group *g, const Arrivals *arrivals, Py_ssize_t steps, int64_t *counts,
                             Probes probes) noexcept nogil:
    """Advance a population; return WELL, or the step in which the expected count was not finite."""
    cdef Py_ssize_t k, i
    for k in range(steps):
        if not isfinite(_meso.expect_spikes(g.meso, arrivals[k].current_all, arrivals[k].ex_all, arrivals[k].inh_all,
                                            arrivals[k].ex_variance, arrivals[k].in_variance)):
            memset(counts + k, 0, (steps - k) * sizeof(int64_t))
            return k
        if not g.forced:
            counts[k] = _meso.draw_spikes(g.meso)
        _meso.emit_spikes(g.meso, counts[k])
        for i in range(probes.n):
            probes.first[i].record[k * probes.stride] = probes.first[i].value[0]
    return WELL


cdef Arrivals arrivals_of(Group *g, int64_t slot) noexcept nogil:
    """What arrives in a step; the slot of what reaches all units is free again."""
    cdef Arrivals a
    cdef double *shared = shared_slot(g, slot, False)
    cdef double *external = shared_slot(g, slot, True)
    memset(&a, 0, sizeof(a))
    a.ex_all = shared[EXCITATORY] + external[EXCITATORY]
    a.inh_all = shared[INHIBITORY] + external[INHIBITORY]
    a.current_all = external[CURRENT]
    a.ex_variance, a.in_variance = shared[EX_VARIANCE], shared[IN_VARIANCE]     # generators are alike to all neurons
    memset(shared, 0, _SHARED_RECEPTORS * sizeof(double))
    memset(external, 0, _SHARED_RECEPTORS * sizeof(double))
    if g.micro != NULL:
        if g.counts != NULL:
            a.ex_counts, a.inh_counts = counting_slot(g, slot, EXCITATORY), counting_slot(g, slot, INHIBITORY)
            a.ex_unit, a.inh_unit = g.unit[EXCITATORY], g.unit[INHIBITORY]
        else:
            a.ex, a.inh = single_slot(g, slot, EXCITATORY, False), single_slot(g, slot, INHIBITORY, False)
        if g.external != NULL:
            a.ex_external = single_slot(g, slot, EXCITATORY, True)
            a.inh_external = single_slot(g, slot, INHIBITORY, True)
            a.current = single_slot(g, slot, CURRENT, True)
    return a


cdef Group bind_group(population, Py_ssize_t slots, ring, unit, double[:, :, ::1] external):
    cdef Group g
    cdef double[:, :, ::1] sums
    cdef uint16_t[:, :, ::1] counts
    memset(&g, 0, sizeof(g))
    g.n, g.slots = 1, slots
    if isinstance(population, _meso.MesoPopulation):
        g.meso = &(<_meso.MesoPopulation> population).population
        return g
    g.micro = &(<_micro.MicroPopulation?> population).neurons
    g.n, g.row = g.micro.N, ring.shape[2]
    if unit is None:
        sums = ring
        g.ring = &sums[0, 0, 0]
    else:
        counts = ring
        g.counts = &counts[0, 0, 0]
        g.unit[EXCITATORY], g.unit[INHIBITORY] = unit
    if external is not None:
        g.external = &external[0, 0, 0]
    return g


cdef void *allocate(size_t n, size_t size) except NULL:
    """Return zeroed memory for a table."""
    cdef void *table = calloc(max(n, 1), size)
    if table == NULL:
        raise MemoryError("gifpop: no memory for the tables of groups and projections")
    return table
