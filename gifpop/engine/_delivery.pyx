"""Deliver what groups and generators emit to the ring buffers of their targets.

``slot`` is that of the step in which something is emitted.
"""

from libc.math cimport exp, expm1, isnan, sqrt
from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t
from numpy.random.c_distributions cimport random_interval, random_poisson, random_standard_normal

from gifpop.common._philox cimport philox
from gifpop.engine._thinning cimport Sieve, count_passed, seed_sieve
from gifpop.engine._network cimport (EXCITATORY, INHIBITORY, Delivery, Group, Link, Noise, Plasticity, Synapse,
                                     Thinning, counting_slot, later, shared_slot, single_slot)

cdef enum:
    AHEAD = 4               # deliveries between the hint and the use of a row
    LINE = 16               # targets in a line of the cache

cdef double HUGE = 1e300    # intervals in units of a time constant, so that differences and ratios stay numbers

cdef struct Range:
    int64_t begin
    int64_t end


cdef extern from *:
    """
    #if (defined(__GNUC__) || defined(__clang__)) && !defined(GP_PORTABLE)
    #define gp_prefetch(address) __builtin_prefetch(address)
    #else
    #define gp_prefetch(address) ((void)0)
    #endif
    """
    void prefetch "gp_prefetch"(const void *address) noexcept nogil


cdef void deliver_to_all(const Link *p, int64_t slot, double amount) noexcept nogil:
    """Deliver what a source emits in a step to all units."""
    shared_slot(p.target, later(p.target, slot, p.lag), p.external)[p.place] += p.weight * amount


cdef double release(Plasticity *p, int64_t place, int64_t step, double spikes) noexcept nogil:
    """Return the input from spikes of a synapse in a step, in units of the weight, which change the synapse."""
    cdef double total = 0.0, left = spikes, released
    while left > 0.0:
        released = release_once(&p.synapses[place], <double> step, p.dt)
        total += released * released if p.squared else released
        left -= 1.0
    return spikes if p.whole else total


cdef inline double release_once(Synapse *s, double step, double dt) noexcept nogil:
    """Return the share of all resources that a spike releases."""
    cdef double interval = dt * (step - s.last), released
    if s.tau_psc > 0.0:
        s.u = facilitated(s.U, s.u * decay(interval, s.tau_fac))
        recover_in_two_steps(s, interval)
        released = s.u * s.x
        s.x -= released
        s.y += released
    else:
        if s.last >= -1.0:
            s.x = 1.0 + (s.x - s.x * s.u - 1.0) * exp(-interval / s.tau_rec)
            s.u = facilitated(s.U, s.u * decay(interval, s.tau_fac))
        released = s.u * s.x
    s.last = step
    return released


cdef inline double facilitated(double U, double u) noexcept nogil:
    return u + U * (1.0 - u)


cdef inline double decay(double interval, double tau) noexcept nogil:
    return exp(-interval / tau) if tau > 0.0 else 0.0


cdef inline void recover_in_two_steps(Synapse *s, double interval) noexcept nogil:
    """Solve y' = -y / tau_psc, z' = y / tau_psc - z / tau_rec, x + y + z = 1."""
    cdef double a = min(interval / s.tau_psc, HUGE), b = min(interval / s.tau_rec, HUGE)
    cdef double gained = exp(-b), z = 1.0 - s.x - s.y
    # a (exp(-b) - exp(-a)) / (a - b), also where the two are close
    if a == b:
        gained *= a
    elif -1.0 < a - b < 1.0:
        gained *= -a * expm1(b - a) / (a - b)
    else:
        gained = a * (gained - exp(-a)) / (a - b)
    z = z * exp(-b) + s.y * gained
    s.y *= exp(-a)
    s.x = 1.0 - s.y - z


cdef void deliver_line(const Link *p, int64_t slot, int64_t step, double amount) noexcept nogil:
    """Deliver what a generator emits in a step."""
    cdef Delivery all
    if p.thinning != NULL:
        all = Delivery(p, slot, 0, amount, philox(p.thinning.key, 0, <uint64_t> step))
        deliver_thinned(p, &all, 0, p.target.n)
    elif p.plasticity != NULL:
        all = Delivery(p, slot, 0, amount, <uint64_t> step)
        deliver_released(p, &all, 0, p.target.n)
    elif p.first == NULL:
        deliver_to_all(p, slot, amount)
    else:
        deliver_various(p, slot, 0, p.weight * amount, 0, p.target.n)


cdef void deliver_spikes(const Delivery *deliveries, Py_ssize_t n, int64_t begin, int64_t end) noexcept nogil:
    """Deliver spikes to the neurons from ``begin`` to ``end``, counted through all groups."""
    cdef Py_ssize_t i
    cdef const Link *p
    cdef Range own
    for i in range(n):
        announce(&deliveries[i], n - i, begin, end)
        p = deliveries[i].link
        own = of_target(p.target, begin, end)
        if own.begin >= own.end:
            continue
        if p.thinning != NULL:
            deliver_thinned(p, &deliveries[i], own.begin, own.end)
        elif p.plasticity != NULL and p.plasticity.places != NULL:
            deliver_released(p, &deliveries[i], own.begin, own.end)
        elif p.target.meso != NULL or p.lags != NULL or p.weights != NULL:
            deliver_various(p, deliveries[i].slot, deliveries[i].unit, p.weight * deliveries[i].amount, own.begin,
                            own.end)
        else:
            deliver_alike(p, &deliveries[i], own.begin, own.end)


cdef inline Range of_target(const Group *target, int64_t begin, int64_t end) noexcept nogil:
    """Return the units of a group among the neurons from ``begin`` to ``end``; of a population, always its one."""
    cdef Range own
    if target.meso != NULL:
        own.begin, own.end = 0, 1
    else:
        own.begin, own.end = max(begin - target.offset, 0), min(end - target.offset, target.n)
    return own


cdef inline void announce(const Delivery *next, Py_ssize_t n, int64_t begin, int64_t end) noexcept nogil:
    """Prefetch the next rows, which lie far apart: each would begin with a wait for memory."""
    cdef const Link *p
    cdef const int64_t *row
    cdef Range own
    cdef int64_t i
    if n > 2 * AHEAD:
        p = next[2 * AHEAD].link
        prefetch(&p.first[next[2 * AHEAD].unit])
    if n > AHEAD:
        p = next[AHEAD].link
        own = of_target(p.target, begin, end)
        if own.begin < own.end:
            row = &p.first[next[AHEAD].unit]
            i = guess(row[0], row[1], own.begin, p.target.n)
            prefetch(&p.units[i])
            prefetch(&p.units[i + LINE])


cdef inline void deliver_alike(const Link *p, const Delivery *delivery, int64_t begin,
                               int64_t end) noexcept nogil:
    """Deliver along connections of one weight and delay."""
    cdef int64_t i, whole = p.first[delivery.unit], first = whole, last = p.first[delivery.unit + 1]
    cdef const int32_t *units = p.units
    cdef uint16_t multiple = p.multiple
    cdef double weight = p.weight * delivery.amount
    cdef double *sums
    cdef uint16_t *counts
    cdef int64_t slot = later(p.target, delivery.slot, p.lag)
    if begin > 0:
        first = lower_bound(units, first, last, begin, p.target.n)
    if end < p.target.n:
        last = lower_bound(units, whole, last, end, p.target.n)
    if p.target.counts != NULL:
        counts = counting_slot(p.target, slot, p.place)
        for i in range(first, last):
            counts[units[i]] += multiple
    else:
        sums = single_slot(p.target, slot, p.place, False)
        for i in range(first, last):
            sums[units[i]] += weight


cdef inline int64_t guess(int64_t first, int64_t last, int64_t unit, int64_t n) noexcept nogil:
    """Return where ``unit`` of ``n`` would be in a row with evenly spread targets."""
    return first + (last - first) * unit // n


cdef inline int64_t lower_bound(const int32_t *units, int64_t first, int64_t last, int64_t unit,
                                int64_t n) noexcept nogil:
    """Return the first of some connections, in order of target, that does not end before ``unit``.

    From the guess on step by step: the places that a binary search looks at would have to come from memory.
    """
    cdef int64_t i = guess(first, last, unit, n)
    while i < last and units[i] < unit:
        i += 1
    while i > first and units[i - 1] >= unit:
        i -= 1
    return i


cdef void deliver_various(const Link *p, int64_t slot, int64_t unit, double factor, int64_t begin,
                          int64_t end) noexcept nogil:
    """Deliver connections that differ in weight or delay, that start at a generator, or that end at a population."""
    cdef int64_t i
    for i in range(p.first[unit], p.first[unit + 1]):
        if begin <= p.units[i] < end:
            deliver_along(p, i, slot, factor)


cdef void deliver_thinned(const Link *p, const Delivery *delivery, int64_t begin, int64_t end) noexcept nogil:
    """Deliver what passes each connection; all that deliver to a part of the targets draw the same for all."""
    cdef int64_t i, passed
    cdef const Thinning *thinning = p.thinning
    cdef double probability = thinning.probability
    cdef Sieve sieve
    seed_sieve(&sieve, delivery.mark)
    for i in range(p.first[delivery.unit], p.first[delivery.unit + 1]):
        if thinning.probabilities != NULL:
            probability = thinning.probabilities[i]
        passed = count_passed(&sieve, <int64_t> delivery.amount, probability)
        if passed > 0 and begin <= p.units[i] < end:
            deliver_along(p, i, delivery.slot, p.weight * <double> passed)


cdef void deliver_released(const Link *p, const Delivery *delivery, int64_t begin, int64_t end) noexcept nogil:
    """Deliver along connections what each of them releases; who delivers to a part of the targets changes these."""
    cdef int64_t i, step = <int64_t> delivery.mark
    for i in range(p.first[delivery.unit], p.first[delivery.unit + 1]):
        if begin <= p.units[i] < end:
            deliver_along(p, i, delivery.slot,
                          p.weight * release(p.plasticity, p.plasticity.places[i], step, delivery.amount))


cdef inline void deliver_along(const Link *p, int64_t i, int64_t slot, double factor) noexcept nogil:
    """Deliver along the i-th connection of a link: ``factor`` times its weight, if it has one of its own."""
    cdef int64_t lag = p.lag if p.lags == NULL else p.lags[i], place = p.place
    cdef double w = factor if p.weights == NULL else factor * p.weights[i]
    if p.by_sign:
        place = EXCITATORY if w >= 0.0 else INHIBITORY
    if p.target.meso != NULL:
        shared_slot(p.target, later(p.target, slot, lag), p.external)[place] += w
    else:
        single_slot(p.target, later(p.target, slot, lag), place, p.external)[p.units[i]] += w


cdef void deliver_noise(const Noise *p, int64_t slot, int64_t step, double mean) noexcept nogil:
    """Deliver the noise of a step, given its mean number of events, or the variance of its currents."""
    if mean <= 0.0:
        return
    slot = later(p.target, slot, p.lag)
    if p.numbers == NULL:
        deliver_events(p, single_slot(p.target, slot, p.place, True), mean)
        return
    if p.target.meso != NULL and not p.to_all:
        deliver_variance(p, shared_slot(p.target, slot, True), mean)
        return
    draw_numbers(p, (step - p.first) % p.hold == 0)
    if p.to_all:
        shared_slot(p.target, slot, True)[p.place] += p.numbers[0] * sqrt(mean)
    else:
        deliver_currents(p, single_slot(p.target, slot, p.place, True), sqrt(mean))


cdef inline void draw_numbers(const Noise *p, bint due) noexcept nogil:
    """Draw the numbers of currents that are still to be drawn, or all of them if the next ones are due."""
    cdef Py_ssize_t i
    for i in range(p.n):
        if isnan(p.numbers[i]):
            p.numbers[i] = random_standard_normal(p.random)
        elif due:
            p.numbers[i] = p.kept * p.numbers[i] + p.drawn * random_standard_normal(p.random)


cdef inline void deliver_currents(const Noise *p, double *arriving, double std) noexcept nogil:
    """Add a current to the slot of a ring buffer of each unit."""
    cdef Py_ssize_t i
    for i in range(p.n):
        arriving[i] += std * p.numbers[i]


cdef inline void deliver_variance(const Noise *p, double *slot, double variance) noexcept nogil:
    """Deliver what each step adds to the variance of private currents of a population: at first, all of it."""
    slot[p.place] += p.weight * variance * (1.0 if isnan(p.numbers[0]) else p.drawn * p.drawn)
    p.numbers[0] = 0.0


cdef inline void deliver_events(const Noise *p, double *arriving, double mean) noexcept nogil:
    """Draw the events of a step of all processes: rare ones together, spread over the units, which is the same law."""
    cdef Py_ssize_t i
    cdef int64_t events
    if mean < 1.0:
        events = random_poisson(p.random, mean * p.n)
        while events > 0:
            add_events(p, arriving, random_interval(p.random, p.n - 1), 1.0)
            events -= 1
    else:
        for i in range(p.n):
            add_events(p, arriving, i, <double> random_poisson(p.random, mean))


cdef inline void add_events(const Noise *p, double *arriving, int64_t process, double events) noexcept nogil:
    """Add the events of one process to the slot of a ring buffer."""
    cdef double weight = p.weight if p.weights == NULL else p.weight * p.weights[process]
    arriving[process if p.units == NULL else <int64_t> p.units[process]] += weight * events
