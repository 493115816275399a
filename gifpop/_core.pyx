"""Networks of the time loop, bound to the arrays of Python objects."""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport round
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset
from numpy.random cimport bitgen_t

from dataclasses import replace

import numpy as np

from gifpop.engine._exchange cimport LONGEST_SLICE as _LONGEST_SLICE
from gifpop.engine._exchange cimport NO_MEMORY, Arrivals, Probe
from gifpop.engine._loop cimport advance_side_by_side, share_always
from gifpop.engine._network cimport (CURRENT, EXCITATORY, INHIBITORY, VARIANCE, Chunk, Group, Link,
                                     Network, Noise, Plasticity, Synapse, Task, Thinning, place_of)
from gifpop.engine._relays cimport RelayGroup
from gifpop.engine._team cimport Team
from gifpop.engine._tempo cimport Tempo, begin_chunk, end_slice
from gifpop.meso cimport _meso
from gifpop.meso._population cimport Population
from gifpop.micro cimport _micro

cdef enum:
    NEURONS_PER_TASK = 512  # a multiple of TILE
    PIECE = 1 << 20         # connections between two calls of ``look``

RECEPTOR = {"excitatory": EXCITATORY, "inhibitory": INHIBITORY, "current": CURRENT,
            "excitatory variance": VARIANCE - EXCITATORY, "inhibitory variance": VARIANCE - INHIBITORY}
LONGEST_SLICE = _LONGEST_SLICE
NO_SPIKES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)     # steps and units


@cython.no_gc_clear         # tables that `kept` holds are read at the end
cdef class Core:
    """Groups, the links between them, and input in transit.

    Of the objects, the attributes are read; the arrays that these hold are read and written from then on.

    Parameters
    ----------
    groups : sequence of MesoPopulation, MicroPopulation or RelayGroup
    buffers : gifpop.engine.ring_buffers.RingBuffers
        At least as many slots as the longest lag and the slice together.
    links : sequence of gifpop.engine.links.Link
        In order of source: the groups, then the input lines.
    states : sequence of float64 array, shape (synapses, 8)
        Of each link that has ``plasticity`` and state, in order (see `gifpop.engine.connection_state`).
    noise : sequence of gifpop.engine.links.NoiseLink
    fluctuations : sequence of float64 array
        The numbers of each of these that is one of currents, in order (see `gifpop.engine.fluctuations`).
    lines : int
        Number of input lines.
    slice_steps : int
        Steps that groups take before their spikes are delivered: at most the shortest lag and ``LONGEST_SLICE``.
    """

    cdef readonly tuple groups
    cdef list kept              # what holds the tables, and the arrays that they point into
    cdef Network net

    def __init__(self, groups, buffers, links, states=(), noise=(), fluctuations=(), Py_ssize_t lines=0,
                 Py_ssize_t slice_steps=1):
        cdef Network *net = &self.net
        cdef double[:, :, :, ::1] shared = buffers.shared
        cdef Py_ssize_t i, k = 0, t = 0, n = len(groups)
        self.groups = tuple(groups)
        self.kept = [shared]
        net.slots, net.slice_steps = shared.shape[2], slice_steps
        net.R = (shared.shape[3] - 1) // 2
        net.n_groups, net.n_noise = n, len(noise)
        net.group = <Group *> allocate(self.kept, n, sizeof(Group))
        net.first = <int64_t *> allocate(self.kept, n + lines + 1, sizeof(int64_t))
        net.links = <Link *> allocate(self.kept, len(links), sizeof(Link))
        net.plasticities = <Plasticity *> allocate(self.kept, len(states), sizeof(Plasticity))
        n_thinned = len([p for p in links if p.thinning is not None])
        net.thinnings = <Thinning *> allocate(self.kept, n_thinned, sizeof(Thinning))
        net.noise = <Noise *> allocate(self.kept, len(noise), sizeof(Noise))
        net.arrivals = <Arrivals *> allocate(self.kept, n * _LONGEST_SLICE, sizeof(Arrivals))
        net.amounts = <double *> allocate(self.kept, n * _LONGEST_SLICE * 3 * net.R, sizeof(double))
        net.emitted = <int64_t *> allocate(self.kept, n * _LONGEST_SLICE, sizeof(int64_t))
        net.places = <int64_t *> allocate(self.kept, n * _LONGEST_SLICE, sizeof(int64_t))
        net.forced = <const int32_t **> allocate(self.kept, n, sizeof(int32_t *))
        for i in range(n):
            self.bind_group(&net.group[i], self.groups[i], buffers.rings[i], buffers.units[i], buffers.externals[i])
            net.group[i].offset, net.group[i].slots, net.group[i].width = net.n_neurons, net.slots, shared.shape[3]
            net.group[i].shared, net.group[i].shared_external = &shared[0, i, 0, 0], &shared[1, i, 0, 0]
            if net.group[i].meso == NULL:
                net.n_neurons += net.group[i].n
        for i, link in enumerate(links):
            self.bind_link(&net.links[i], link)
            net.first[<Py_ssize_t> link.source + 1] += 1
            if link.plasticity is not None and link.plasticity.population is not None:
                self.bind_released(&net.links[i], link)
            elif link.plasticity is not None:
                self.bind_plasticity(&net.plasticities[k], link.plasticity, states[k])
                net.links[i].plasticity = &net.plasticities[k]
                k += 1
            if link.thinning is not None:
                self.bind_thinning(&net.thinnings[t], link.thinning)
                net.links[i].thinning = &net.thinnings[t]
                t += 1
        for i in range(n + lines):
            net.first[i + 1] += net.first[i]
        k = 0
        for i, link in enumerate(noise):
            self.bind_noise(&net.noise[i], link)
            if link.fluctuation is not None:
                self.bind_fluctuation(&net.noise[i], link, fluctuations[k])
                k += 1
        self.divide_into_tasks()

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.net.n_tasks):
            free(self.net.tasks[i].spikes.items)
            free(self.net.tasks[i].spikes.counts)
        free(self.net.fired)
        free(self.net.repeats)
        free(self.net.deliveries)

    cdef bind_group(self, Group *g, population, ring, unit, external):
        cdef double[:, :, ::1] sums
        cdef uint16_t[:, :, ::1] counts
        cdef double[::1] values
        cdef Py_ssize_t i
        g.recordables = <const double **> allocate(self.kept, len(population.recordables), sizeof(double *))
        for i, values in enumerate(population.recordables):
            g.recordables[i] = &values[0]
        if isinstance(population, _meso.MesoPopulation):
            g.meso = &(<_meso.MesoPopulation> population).population
            g.n, g.R = 1, g.meso.R
            return
        if isinstance(population, RelayGroup):
            g.relays = &(<RelayGroup> population).relays
            g.n, g.R, self.net.has_relays = g.relays.N, 1, True
        else:
            g.micro = &(<_micro.MicroPopulation?> population).neurons
            g.n, g.R = g.micro.N, g.micro.R
        g.row = ring.shape[2]
        self.kept += [ring, unit, external]
        if unit is None:
            sums = ring
            g.sums = &sums[0, 0, 0]
        else:
            counts, values = ring, unit.size
            g.counts, g.unit = &counts[0, 0, 0], &values[0]
        if external is not None:
            sums = external
            g.external = &sums[0, 0, 0]

    cdef bind_link(self, Link *p, link):
        cdef const int64_t[::1] first = link.first
        cdef const int32_t[::1] units = link.units, lags = link.lags
        cdef const double[::1] weights = link.weights
        cdef int64_t kind = RECEPTOR.get(link.receptor, link.receptor)
        cdef Group *target = &self.net.group[<Py_ssize_t> link.target]
        p.target, p.lag, p.weight = target, link.lag, link.weight
        p.external = link.source >= self.net.n_groups
        p.place = place_of(kind, self.net.R if first is None or target.meso != NULL else target.R)
        self.kept += [first, units, weights, lags]
        if first is not None:
            p.first = &first[0]
        if units is not None and units.shape[0]:
            p.units = &units[0]
        if weights is not None and weights.shape[0]:
            p.weights = &weights[0]
            p.by_sign = link.receptor in ("excitatory", "inhibitory")
        if lags is not None and lags.shape[0]:
            p.lags = &lags[0]
        if target.counts != NULL and p.first != NULL and not p.external:
            p.multiple = <uint16_t> round(p.weight / target.unit[p.place])

    cdef bind_released(self, Link *p, link):
        """Find what the source, a population, releases by its spikes."""
        cdef const Population *source = self.net.group[<Py_ssize_t> link.source].meso
        place = self.groups[link.source].laws.index(replace(link.plasticity, squared=False))
        p.stride = 2 * source.n_laws
        p.released = source.releases + <Py_ssize_t> (2 * place + link.plasticity.squared)

    cdef bind_plasticity(self, Plasticity *p, plasticity, double[:, ::1] synapses):
        cdef const int64_t[::1] places = plasticity.places
        p.dt, p.squared, p.whole = plasticity.dt, plasticity.squared, plasticity.whole
        if synapses.shape[1] * sizeof(double) != sizeof(Synapse):
            raise ValueError(f"synapses must have {sizeof(Synapse) // sizeof(double)} columns, got {synapses.shape[1]}")
        if synapses.shape[0]:
            p.synapses = <Synapse *> &synapses[0, 0]
        if places is not None and places.shape[0]:
            p.places = &places[0]
        self.kept += [synapses, places]

    cdef bind_thinning(self, Thinning *t, thinning):
        cdef const double[::1] probabilities = thinning.probabilities
        cdef const uint64_t[::1] key = thinning.key
        t.probability, t.key = thinning.probability, &key[0]
        if probabilities is not None and probabilities.shape[0]:
            t.probabilities = &probabilities[0]
        self.kept += [probabilities, key]

    cdef bind_noise(self, Noise *p, link):
        cdef const int32_t[::1] units = link.units
        cdef const double[::1] weights = link.weights
        p.target, p.lag, p.weight = &self.net.group[<Py_ssize_t> link.target], link.lag, link.weight
        p.n = p.target.n
        to_all = link.shared or p.target.meso != NULL
        p.place = place_of(RECEPTOR.get(link.receptor, link.receptor), self.net.R if to_all else p.target.R)
        self.kept += [units, weights, link.stream]
        if units is not None:
            p.units, p.n = &units[0], units.shape[0]
        if weights is not None:
            p.weights = &weights[0]
        p.random = <bitgen_t *> PyCapsule_GetPointer(link.stream.capsule, "BitGenerator")

    cdef bind_fluctuation(self, Noise *p, link, double[::1] numbers):
        p.kept, p.drawn = link.fluctuation.kept, (1.0 - link.fluctuation.kept**2) ** 0.5
        p.hold, p.first, p.to_all = link.fluctuation.hold, link.fluctuation.first, link.shared
        p.numbers, p.n = &numbers[0], numbers.shape[0]
        self.kept.append(numbers)

    cdef divide_into_tasks(self):
        cdef Network *net = &self.net
        cdef Py_ssize_t i, begin, block, n = 0
        cdef Task *task
        for i in range(net.n_groups):
            n += 1 if net.group[i].meso != NULL else 1 + (net.group[i].n - 1) // NEURONS_PER_TASK
        net.tasks = <Task *> allocate(self.kept, n, sizeof(Task))
        net.n_tasks = n
        task = net.tasks
        for i in range(net.n_groups):
            block = NEURONS_PER_TASK if net.group[i].meso == NULL else 1
            for begin in range(0, net.group[i].n, block):
                task.group, task.begin, task.end = i, begin, min(begin + block, net.group[i].n)
                task += 1

    cdef prescribe(self, const uint8_t[::1] prescribed, forced):
        """Note which groups have prescribed spikes, and which of their neurons fire."""
        cdef Py_ssize_t i
        cdef const int32_t[::1] neurons
        for i in range(self.net.n_groups):
            self.net.group[i].forced = prescribed[i]
        for i, neurons in forced.items():
            self.net.forced[i] = &neurons[0] if neurons.shape[0] else NULL

    cdef assign_probes(self, Probe *table, const int64_t[:, ::1] probes):
        """Fill a table of probes and give each task its own."""
        cdef Py_ssize_t i = 0, j
        cdef Group *g
        cdef Task *task
        for j in range(probes.shape[0]):
            g = &self.net.group[probes[j, 0]]
            table[j].unit = probes[j, 1]
            table[j].value = g.recordables[probes[j, 2]] + probes[j, 1]
        for j in range(self.net.n_tasks):
            task = &self.net.tasks[j]
            task.probes.first, task.probes.n, task.probes.stride = table + i, 0, probes.shape[0]
            while i < probes.shape[0] and probes[i, 0] == task.group and probes[i, 1] < task.end:
                task.probes.n += 1
                i += 1

    cdef tuple fired_units(self, const int64_t[:, ::1] counts, Py_ssize_t steps, int64_t first):
        """Return steps and units of the spikes of each group, and how often each relay fired (dicts of arrays).

        The rows of ``counts`` are the steps from ``first`` on, of which some were advanced.
        """
        cdef list kept = []
        cdef int64_t **when = <int64_t **> allocate(kept, self.net.n_groups, sizeof(int64_t *))
        cdef int64_t **times = <int64_t **> allocate(kept, self.net.n_groups, sizeof(int64_t *))
        cdef int32_t **who = <int32_t **> allocate(kept, self.net.n_groups, sizeof(int32_t *))
        cdef int64_t[::1] stamps, numbers
        cdef int32_t[::1] units
        cdef Py_ssize_t i, j, k, n, spike = 0
        cdef dict spikes = {}, repeats = {}
        for i in range(self.net.n_groups):
            if self.net.group[i].meso != NULL:
                continue
            n = 0
            for k in range(steps):
                n += counts[k, i]
            spikes[i] = NO_SPIKES if n == 0 else (np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int32))
            if self.net.group[i].relays != NULL:
                repeats[i] = np.empty(n, dtype=np.int64)
            if n:
                stamps, units = spikes[i]
                when[i], who[i] = &stamps[0], &units[0]
                if self.net.group[i].relays != NULL:
                    numbers = repeats[i]
                    times[i] = &numbers[0]
        for k in range(steps):
            for i in range(self.net.n_groups):
                if self.net.group[i].meso != NULL:
                    continue
                n = counts[k, i]
                for j in range(n):
                    when[i][j], who[i][j] = first + k, self.net.fired[spike + j]
                when[i] += n
                who[i] += n
                if self.net.group[i].relays != NULL:
                    for j in range(n):
                        times[i][j] = self.net.repeats[spike + j]
                    times[i] += n
                spike += n
        return spikes, repeats


def advance(cores, int64_t step, const double[:, :, ::1] lines, const double[:, :, ::1] noise_means,
            int64_t[:, :, ::1] counts, const uint8_t[::1] prescribed, forced, const int64_t[:, ::1] probes,
            double[:, :, ::1] records, Team team=None):
    """Advance networks with equal groups side by side, from step ``step`` on.

    The threads of a team share the networks, or the groups of a single one.

    Parameters
    ----------
    cores : sequence of Core
    step : int
        First step, counted from the beginning of the simulation.
    lines : float64 array, shape (cores, steps, input lines)
        What the input lines emit.
    noise_means : float64 array, shape (cores, steps, noise)
        Mean number of events of each process in each step, or the variance of its currents.
    counts : int64 array, shape (cores, steps, groups)
        Spike counts: read where prescribed, else written.
    prescribed : uint8 array of length groups
    forced : dict of int to int32 array
        For each group of neurons whose counts are prescribed, those that fire, in order of step.
    probes : int64 array, shape (probes, 3)
        Group, unit and index of each recorded variable among the group's recordables; in order of group and unit.
    records : float64 array, shape (cores, steps, probes)
        Written: the variables after each step.
    team : gifpop.engine._team.Team or None
        Of this call alone; None: one thread.

    Returns
    -------
    list of tuple, one for each core
        failed : int
            -1, or the group whose numbers were no longer finite.
        done : int
            Steps until it failed.
        advanced : int
            Steps that everything has advanced: to the end of a slice, from its failure on without spikes of what
            failed, a population or a tile of neurons.
        spikes : dict of int to (int64 array, int32 array)
            Of each group of neurons or relays, steps and units of its spikes, in order of step.
        repeats : dict of int to int64 array
            Of each group of relays, how often each of these fired in the step.
    """
    cdef Py_ssize_t n = len(cores), n_steps = counts.shape[1], n_probes = probes.shape[0], i
    cdef list kept = []
    cdef Network **networks = <Network **> allocate(kept, n, sizeof(Network *))
    cdef Chunk *chunks = <Chunk *> allocate(kept, n, sizeof(Chunk))
    cdef Probe *tables = <Probe *> allocate(kept, n * n_probes, sizeof(Probe))
    cdef Core core
    if n == 0 or n_steps == 0:
        return [(-1, 0, 0, *(<Core> core).fired_units(counts[i], 0, step)) for i, core in enumerate(cores)]
    for i, core in enumerate(cores):
        core.prescribe(prescribed, forced)
        core.assign_probes(tables + i * n_probes, probes)
        networks[i] = &core.net
        chunks[i].step, chunks[i].steps = step, n_steps
        chunks[i].n_lines, chunks[i].n_probes = lines.shape[2], n_probes
        chunks[i].lines = &lines[i, 0, 0] if lines.shape[2] else NULL
        chunks[i].means = &noise_means[i, 0, 0] if noise_means.shape[2] else NULL
        chunks[i].counts = &counts[i, 0, 0]
        chunks[i].records = &records[i, 0, 0] if n_probes else NULL
        chunks[i].probes = tables + i * n_probes
    with nogil:
        advance_side_by_side(networks, chunks, n, NULL if team is None else team.members)
    return [outcome(core, &chunks[i], counts[i]) for i, core in enumerate(cores)]


def share_always_among_threads(bint always):
    """Share the steps of every network among threads, even if one thread is faster (for tests of results)."""
    share_always(always)


def rehearse(const int64_t[::1] alone, const int64_t[::1] together):
    """Choose between one thread and several for slices of one step with given times (for tests of the choice).

    Parameters
    ----------
    alone, together : int64 array, ns
        What each slice would take.

    Returns
    -------
    list of bool
        Whether threads shared it.
    """
    cdef Tempo tempo
    cdef int64_t time = 0
    cdef Py_ssize_t k
    memset(&tempo, 0, sizeof(tempo))
    begin_chunk(&tempo, time)
    choices = []
    for k in range(alone.shape[0]):
        choices.append(tempo.together)
        time += together[k] if tempo.together else alone[k]
        end_slice(&tempo, time, 1)
    return choices


def place_in_slot(receptor, Py_ssize_t R):
    """Return the place of what arrives at a receptor (a name in ``RECEPTOR``, or a number) in a slot of ring buffers.

    A slot holds spikes at ``R`` receptors, current, then variances at each receptor.
    """
    return place_of(RECEPTOR.get(receptor, receptor), R)


def largest_indegree(const int32_t[::1] targets, look):
    """Return the largest number of connections that end at one target.

    ``look`` is called between pieces of the work; what it raises ends it.
    """
    cdef int32_t[::1] degrees = np.zeros(1 + np.max(targets, initial=0), dtype=np.int32)
    cdef Py_ssize_t n = targets.shape[0], i, begin
    for begin in range(0, n, PIECE):
        look()
        with nogil:
            for i in range(begin, min(n, begin + PIECE)):
                degrees[targets[i]] += 1
    return int(np.max(degrees, initial=0))


cdef object outcome(Core core, const Chunk *chunk, const int64_t[:, ::1] counts):
    """Return how a chunk went and the neurons that fired."""
    cdef Py_ssize_t done = chunk.steps if chunk.status < 0 else chunk.status
    if chunk.status == NO_MEMORY:
        raise MemoryError("gifpop: no memory for the spikes of a chunk")
    return chunk.failed, done, chunk.advanced, *core.fired_units(counts, done, chunk.step)


cdef void *allocate(list kept, Py_ssize_t n, Py_ssize_t size) except NULL:
    """Return zeroed memory for a table, which lasts as long as ``kept``."""
    cdef bytearray table = bytearray(max(n, 1) * size)
    kept.append(table)
    return PyByteArray_AS_STRING(table)
