"""The time loop, in slices of the shortest delay.

What groups emit in a slice of steps arrives after it. So every population and every block of neurons goes through all
steps of a slice by itself, in cache and in whatever thread; then the spikes of all are delivered. Results do not depend
on the number of threads, nor on where a run is cut: each sum of input has its order, by step, source and unit. Small
networks, and those that threads do not make faster, are advanced in one (`_tempo.pxd`).

Sources are the groups, in order, then the input lines (generators).
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy, memset

from gifpop.common._philox cimport philox
from gifpop.meso cimport _meso
from gifpop.micro cimport _micro
from gifpop.engine._delivery cimport deliver_line, deliver_noise, deliver_spikes, deliver_to_all, release
from gifpop.engine._growth cimport grown
from gifpop.engine._network cimport (CURRENT, VARIANCE, Chunk, Delivery, Group, Link, Network, Task,
                                     counting_slot, place_of, shared_slot, single_slot)
from gifpop.engine._relays cimport repeat_spikes
from gifpop.engine._team cimport Members, now, share_out, team_size
from gifpop.engine._tempo cimport begin_chunk, end_slice
from gifpop.engine._exchange cimport LONGEST_SLICE, NO_MEMORY, WELL, Arrivals, Probes

cdef enum:
    FEWEST_DELIVERIES = 8       # that are shared among threads

cdef struct Slice:          # what is fixed while a slice is stepped
    int64_t step            # the first one, counted from the beginning of the simulation
    int64_t slot            # of the first step
    Py_ssize_t steps
    const double *lines     # of the first step, as in `Chunk`
    const double *means
    int64_t *counts
    double *records

cdef struct Work:           # that threads share
    Network *net
    const Slice *s
    Py_ssize_t parts        # of all neurons

cdef struct Networks:       # that threads share
    Network **networks
    Chunk *chunks

cdef bint always_together = False


cdef void share_always(bint always):
    """Share the steps of every network among threads, whether that is faster or not."""
    global always_together
    always_together = always


cdef void advance_chunk(Network *net, Chunk *chunk, Members *team) noexcept nogil:
    """Advance all groups; write what they emitted and how far they came."""
    cdef Slice s
    cdef Py_ssize_t k = 0
    cdef int64_t status
    cdef Members *together
    net.n_fired = 0
    if team != NULL:
        begin_chunk(&net.tempo, now())
    chunk.status, chunk.failed = WELL, -1
    while k < chunk.steps and chunk.status == WELL:
        s.step, s.slot = chunk.step + k, (chunk.step + k) % net.slots
        s.steps = min(net.slice_steps, chunk.steps - k)
        s.lines, s.means = chunk.lines + k * chunk.n_lines, chunk.means + k * net.n_noise
        s.counts, s.records = chunk.counts + k * net.n_groups, chunk.records + k * chunk.n_probes
        deliver_external(net, &s, chunk.n_lines)
        begin_slice(net, &s)
        aim_probes(chunk, &s)
        together = team if net.tempo.together or always_together else NULL
        step_groups(net, &s, together)
        status = collect(net, &s, &chunk.failed)
        if status == NO_MEMORY or not emit(net, &s, together):
            chunk.status = NO_MEMORY
            break
        if status >= 0:
            chunk.status = k + status
        k += s.steps
        if team != NULL:
            end_slice(&net.tempo, now(), s.steps)
    chunk.advanced = k


cdef void advance_side_by_side(Network **networks, Chunk *chunks, Py_ssize_t n, Members *team) noexcept nogil:
    """Advance independent networks; a team shares them, or the groups of a single one."""
    cdef Py_ssize_t i
    cdef Networks all
    if n == 1 or team == NULL:
        for i in range(n):
            advance_chunk(networks[i], &chunks[i], team)
    else:
        all.networks, all.chunks = networks, chunks
        share_out(team, advance_one, &all, n)


cdef void advance_one(const void *networks, Py_ssize_t i) noexcept nogil:
    cdef const Networks *all = <const Networks *> networks
    advance_chunk(all.networks[i], &all.chunks[i], NULL)


cdef inline int64_t slot_of(const Network *net, const Slice *s, Py_ssize_t k) noexcept nogil:
    """Return the slot of the ring buffers for the k-th step of a slice."""
    return s.slot + k if s.slot + k < net.slots else s.slot + k - net.slots

# -- before the steps of a slice --------------------------------------------------------------------------------------

cdef void deliver_external(Network *net, const Slice *s, Py_ssize_t n_lines) noexcept nogil:
    """Deliver what the generators emit in a slice."""
    cdef Py_ssize_t k, i, j
    cdef double emitted
    for k in range(s.steps):
        for i in range(n_lines):
            emitted = s.lines[k * n_lines + i]
            if emitted != 0.0:
                for j in range(net.first[net.n_groups + i], net.first[net.n_groups + i + 1]):
                    deliver_line(&net.links[j], slot_of(net, s, k), s.step + k, emitted)
        for i in range(net.n_noise):
            deliver_noise(&net.noise[i], slot_of(net, s, k), s.step + k, s.means[k * net.n_noise + i])


cdef void begin_slice(Network *net, const Slice *s) noexcept nogil:
    """Look up the input of each group in each step, and the prescribed counts."""
    cdef Py_ssize_t i, k, place
    for i in range(net.n_groups):
        for k in range(s.steps):
            place = i * LONGEST_SLICE + k
            net.arrivals[place] = arrivals_of(net, &net.group[i], slot_of(net, s, k), net.amounts + 3 * net.R * place)
            net.emitted[place] = s.counts[k * net.n_groups + i] if net.group[i].forced else 0


cdef void aim_probes(Chunk *chunk, const Slice *s) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(chunk.n_probes):
        chunk.probes[j].record = s.records + j


cdef inline void take_shared(const Arrivals *a, double *shared, double *external, Py_ssize_t R) noexcept nogil:
    """Take the input to all units at ``R`` receptors out of its slots, which are free again."""
    cdef Py_ssize_t r, variance = place_of(VARIANCE, R)
    for r in range(R):
        a.all[r] = shared[r] + external[r]
        a.samples[r], a.noise[r] = shared[variance + r], external[variance + r]
        shared[r] = external[r] = shared[variance + r] = external[variance + r] = 0.0


cdef Arrivals arrivals_of(const Network *net, Group *g, int64_t slot, double *amounts) noexcept nogil:
    """Return the input of a step, with ``amounts`` for all units; clear their slot."""
    cdef Arrivals a
    cdef double *shared = shared_slot(g, slot, False)
    cdef double *external = shared_slot(g, slot, True)
    cdef Py_ssize_t R = net.R, current = place_of(CURRENT, R)
    memset(&a, 0, sizeof(a))
    a.all, a.samples, a.noise = amounts, amounts + R, amounts + 2 * R
    a.current, external[current] = external[current], 0.0       # groups emit none
    if R == 2:                  # a constant unrolls the loop
        take_shared(&a, shared, external, 2)
    else:
        take_shared(&a, shared, external, R)
    if g.meso == NULL:
        a.row, a.unit = g.row, g.unit
        if g.counts != NULL:
            a.counts = counting_slot(g, slot, 0)
        else:
            a.sums = single_slot(g, slot, 0, False)
        if g.external != NULL:
            a.external = single_slot(g, slot, 0, True)
    return a

# -- the steps of a slice ---------------------------------------------------------------------------------------------

cdef void step_groups(Network *net, const Slice *s, Members *team) noexcept nogil:
    cdef Py_ssize_t i
    cdef Work work
    if team == NULL or net.n_tasks == 1:
        for i in range(net.n_tasks):
            do_task(net, &net.tasks[i], s)
    else:
        work.net, work.s = net, s
        share_out(team, step_task, &work, net.n_tasks)


cdef void step_task(const void *shared, Py_ssize_t i) noexcept nogil:
    cdef const Work *work = <const Work *> shared
    do_task(work.net, &work.net.tasks[i], work.s)


cdef void do_task(Network *net, Task *task, const Slice *s) noexcept nogil:
    cdef Group *g = &net.group[task.group]
    cdef Arrivals *arrivals = net.arrivals + task.group * LONGEST_SLICE
    cdef int64_t *counts = net.emitted + task.group * LONGEST_SLICE
    task.status, task.spikes.n = WELL, 0
    if g.meso != NULL:
        task.status = step_population(g, arrivals, s.steps, counts, task.probes)
    elif g.relays != NULL:
        task.status = repeat_spikes(g.relays, arrivals, task.begin, task.end, s.step, s.steps, &task.spikes)
    elif not g.forced:
        task.status = _micro.advance_block(g.micro, arrivals, task.begin, task.end, s.steps, task.probes,
                                           &task.spikes)
    elif task.begin == 0:
        task.status = _micro.advance_forced(g.micro, arrivals, net.forced[task.group], counts, s.steps,
                                            probes_of_group(net, task))


cdef int64_t step_population(Group *g, const Arrivals *arrivals, Py_ssize_t steps, int64_t *counts,
                             Probes probes) noexcept nogil:
    """Advance a population; return WELL, or the step in which a number was not finite."""
    cdef Py_ssize_t k, i
    for k in range(steps):
        if not _meso.expect_spikes(g.meso, &arrivals[k]):
            memset(counts + k, 0, (steps - k) * sizeof(int64_t))
            return k
        if not g.forced:
            counts[k] = _meso.draw_spikes(g.meso)
        g.meso.released = g.meso.releases + 2 * g.meso.n_laws * k
        _meso.emit_spikes(g.meso, counts[k])
        for i in range(probes.n):
            probes.first[i].record[k * probes.stride] = probes.first[i].value[0]
    return WELL


cdef Probes probes_of_group(const Network *net, const Task *first) noexcept nogil:
    """Return all probes of a group, the first task of which is given."""
    cdef Probes probes = first.probes
    cdef const Task *task = first + 1
    while task < net.tasks + net.n_tasks and task.group == first.group:
        probes.n += task.probes.n
        task += 1
    return probes

# -- after the steps of a slice ---------------------------------------------------------------------------------------

cdef int64_t collect(Network *net, const Slice *s, Py_ssize_t *failed) noexcept nogil:
    """Count spikes and put those of neurons in order; return how the slice went, and which group failed first."""
    cdef Py_ssize_t i, k
    cdef int64_t status = WELL, count, total = 0
    cdef Task *task
    for i in range(net.n_tasks):
        task = &net.tasks[i]
        if task.status == NO_MEMORY:
            return NO_MEMORY
        if task.status >= 0 and (status == WELL or task.status < status):
            status, failed[0] = task.status, task.group
        for k in range(task.spikes.n):
            net.emitted[task.group * LONGEST_SLICE + task.spikes.items[k].step] += 1
    for i in range(net.n_groups):
        for k in range(s.steps):
            count = net.emitted[i * LONGEST_SLICE + k]
            s.counts[k * net.n_groups + i] = count
            total += count if net.group[i].meso == NULL else 0
    if not reserve_fired(net, net.n_fired + total):
        return NO_MEMORY
    sort_spikes(net, s)
    return status


cdef void sort_spikes(Network *net, const Slice *s) noexcept nogil:
    """Append the neurons that fired, in order of step and group; those of one step and group come in order.

    ``places`` holds where those of each step and group begin, and in the end where they end.
    """
    cdef Py_ssize_t i, j, k, place
    cdef Task *task
    for k in range(s.steps):
        for i in range(net.n_groups):
            if net.group[i].meso != NULL:
                continue
            place = i * LONGEST_SLICE + k
            net.places[place] = net.n_fired
            net.n_fired += net.emitted[place]
            if net.group[i].forced and net.emitted[place] > 0:
                memcpy(net.fired + net.places[place], net.forced[i], net.emitted[place] * sizeof(int32_t))
                net.forced[i] += net.emitted[place]
                net.places[place] += net.emitted[place]
    for i in range(net.n_tasks):
        task = &net.tasks[i]
        for j in range(task.spikes.n):
            place = task.group * LONGEST_SLICE + task.spikes.items[j].step
            net.fired[net.places[place]] = task.spikes.items[j].unit
            if task.spikes.counts != NULL:
                net.repeats[net.places[place]] = task.spikes.counts[j]
            net.places[place] += 1


cdef bint emit(Network *net, const Slice *s, Members *team) noexcept nogil:
    """Deliver what the groups have emitted, each thread to a part of the neurons; False: no memory."""
    cdef Work work
    if not list_deliveries(net, s):
        return False
    if team == NULL or net.n_deliveries < FEWEST_DELIVERIES:
        deliver_spikes(net.deliveries, net.n_deliveries, 0, net.n_neurons)
    else:
        work.net, work.s, work.parts = net, s, team_size(team)
        share_out(team, deliver_part, &work, work.parts)
    return True


cdef void deliver_part(const void *shared, Py_ssize_t i) noexcept nogil:
    cdef const Work *work = <const Work *> shared
    cdef const Network *net = work.net
    deliver_spikes(net.deliveries, net.n_deliveries, net.n_neurons * i // work.parts,
                   net.n_neurons * (i + 1) // work.parts)


cdef bint list_deliveries(Network *net, const Slice *s) noexcept nogil:
    """Deliver to all units and to populations; list what goes to single neurons, in order of step and source."""
    cdef Py_ssize_t i, j, k, place, listed
    cdef int64_t count, slot
    cdef Link *p
    cdef const int32_t *fired
    cdef const int64_t *repeats
    net.n_deliveries = 0
    for k in range(s.steps):
        slot = slot_of(net, s, k)
        for i in range(net.n_groups):
            place = i * LONGEST_SLICE + k
            count = net.emitted[place]
            if count == 0:
                continue
            fired, repeats = NULL, NULL                 # of a population nobody is told apart
            if net.group[i].meso == NULL:
                fired = net.fired + net.places[place] - count
            if net.group[i].relays != NULL:
                repeats = net.repeats + net.places[place] - count
            for j in range(net.first[i], net.first[i + 1]):
                p = &net.links[j]
                listed = net.n_deliveries
                if p.first == NULL:
                    deliver_to_all(p, slot, released_by_all(p, s.step + k, k, count, fired, repeats))
                elif not append_deliveries(net, p, slot, s.step + k, k, count, fired, repeats):
                    return False
                elif p.target.meso != NULL:
                    deliver_spikes(net.deliveries + listed, net.n_deliveries - listed, 0, 1)
                    net.n_deliveries = listed
    return True


cdef double released_by_all(const Link *p, int64_t step, Py_ssize_t k, int64_t count, const int32_t *units,
                            const int64_t *repeats) noexcept nogil:
    """Return the input from all spikes of a group in a step to all units of a target, in units of the weight.

    ``k``: the step, counted from the beginning of the slice.
    """
    cdef double released = 0.0, spikes
    cdef int64_t i
    if p.released != NULL:
        return p.released[k * p.stride]
    if p.plasticity == NULL and repeats == NULL:
        return <double> count
    if units == NULL:
        return release(p.plasticity, 0, step, <double> count)
    for i in range(count):
        spikes = 1.0 if repeats == NULL else <double> repeats[i]
        released += spikes if p.plasticity == NULL else release(p.plasticity, units[i], step, spikes)
    return released


cdef bint append_deliveries(Network *net, const Link *p, int64_t slot, int64_t step, Py_ssize_t k, int64_t count,
                            const int32_t *units, const int64_t *repeats) noexcept nogil:
    """List a delivery for each unit that fired, or one for all spikes of a population; False: no memory."""
    cdef int64_t i, n = 1 if units == NULL else count, needed = net.n_deliveries + n
    cdef Delivery *own
    cdef void *deliveries = grown(net.deliveries, &net.delivery_capacity, needed, sizeof(Delivery))
    if deliveries == NULL:
        return False
    net.deliveries = <Delivery *> deliveries
    for i in range(n):
        own = &net.deliveries[net.n_deliveries + i]
        if units == NULL:
            own[0] = Delivery(p, slot, 0, <double> count if p.released == NULL else p.released[k * p.stride], 0)
        else:
            own[0] = Delivery(p, slot, units[i], 1.0 if repeats == NULL else <double> repeats[i], 0)
        if p.plasticity != NULL and p.plasticity.places != NULL:
            own.mark = <uint64_t> step
        elif p.plasticity != NULL:
            own.amount = release(p.plasticity, own.unit, step, own.amount)
        if p.thinning != NULL:
            own.mark = philox(p.thinning.key, <uint64_t> own.unit, <uint64_t> step)
    net.n_deliveries = needed
    return True


cdef bint reserve_fired(Network *net, Py_ssize_t n) noexcept nogil:
    """Make room for ``n`` spikes of a chunk."""
    cdef void *fired = grown(net.fired, &net.fired_capacity, n, sizeof(int32_t))
    cdef void *repeats
    if fired == NULL:
        return False
    net.fired = <int32_t *> fired
    if not net.has_relays:
        return True
    repeats = grown(net.repeats, &net.repeats_capacity, n, sizeof(int64_t))
    if repeats == NULL:
        return False
    net.repeats = <int64_t *> repeats
    return True
