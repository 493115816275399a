"""A tile of neurons through the steps of a slice: the innermost loops of the microscopic level.

Compiled once for each instruction set, as `_cohorts`. Per step and neuron: adaptation, synaptic currents, exact
integration of the membrane, hazard (Schwalger, Deger & Gerstner 2017, discretized as NEST's gif_psc_exp).
"""

from libc.stdint cimport int32_t, int64_t, uint16_t

from gifpop.micro._firing cimport fire, renew_budget
from gifpop.engine._lanes cimport (LANES, above, all_lanes, any_above, any_nan, exp2_lanes, lanes, larger, load,
                                   smaller, store, take_counts)
from gifpop.engine._exchange cimport WELL, Arrivals, Probes, SpikeList
from gifpop.micro._group cimport TILE, Neurons, PerNeuron

cdef extern from *:
    """
    #define GP_NO_HAZARD -1e6
    """
    const double NO_HAZARD "GP_NO_HAZARD"   # log2 of the hazard of a refractory neuron: below what any budget notices


cdef enum:
    PAIR = 2                # receptors whose constants and input stay in registers; other numbers do not


cdef struct Input:          # of a tile
    double[TILE] drive      # what currents and the leak towards E_L add to the potentials, mV
    double[PAIR][TILE] arriving     # weights of the spikes that arrive, pA


cdef inline const double *at(const PerNeuron *p, Py_ssize_t start) noexcept nogil:
    """Return the values of a parameter for the neurons from ``start`` on, within a tile."""
    return p.value + p.stride * start


cdef inline const double *row_of(const PerNeuron *p, Py_ssize_t r, Py_ssize_t start) noexcept nogil:
    """Return the values of the r-th row of a parameter for the neurons from ``start`` on, within a tile."""
    return at(p, start) + r * p.row


cdef inline lanes take(double *arriving) noexcept nogil:
    """Read arriving input; clear its place in the ring buffer."""
    cdef lanes x = load(arriving)
    store(arriving, all_lanes(0.0))
    return x


cdef inline void add_up(double *traces, const PerNeuron *decay, Py_ssize_t terms, Py_ssize_t places, Py_ssize_t start,
                        Py_ssize_t groups, double *sums) noexcept nogil:
    cdef Py_ssize_t group, _j
    cdef const double *factor
    cdef double *trace
    cdef lanes x, sum
    for group in range(groups):
        trace = traces + start + group * LANES
        factor = at(decay, start) + group * LANES
        sum = all_lanes(0.0)
        for _j in range(terms):
            x = load(trace)
            sum = sum + x
            store(trace, x * load(factor))
            trace += places
            factor += decay.row
        store(sums + group * LANES, sum)


cdef inline void adapt(double *traces, const PerNeuron *decay, Py_ssize_t terms, Py_ssize_t places, Py_ssize_t start,
                       Py_ssize_t groups, double *sums) noexcept nogil:
    """Write the sums of the adaptation traces of a tile to ``sums``; decay the traces."""
    if terms == 1:              # constants unroll the loop
        add_up(traces, decay, 1, places, start, groups, sums)
    elif terms == 2:
        add_up(traces, decay, 2, places, start, groups, sums)
    elif terms > 2:
        add_up(traces, decay, terms, places, start, groups, sums)


cdef inline void gather(Neurons *g, const Arrivals *a, Py_ssize_t start, Py_ssize_t groups, const double *stc,
                        Input *input, Py_ssize_t R) noexcept nogil:
    """Gather the input of a tile: that of single neurons, and that of all neurons.

    Where there are not ``PAIR`` receptors, R, their currents are integrated here and stand in ``input.drive``.
    """
    cdef const double *constant = at(&g.constant_drive, start)
    cdef const double *gain = at(&g.current_gain, start)
    cdef const double *carry = at(&g.carry, start)
    cdef const double *decay = at(&g.decay, start)
    cdef const double *unit = a.unit
    cdef double *sums = a.sums      # local, as the compiler takes any store to change what `a` and `g` hold
    cdef double *external = a.external
    cdef double *I_syn = g.I_syn
    cdef uint16_t *counts = a.counts
    cdef bint adapting = g.S > 0
    cdef Py_ssize_t row = a.row, places = g.places, carry_row = g.carry.row, decay_row = g.decay.row
    cdef Py_ssize_t group, i, j, r
    cdef lanes current, drive, x, common = all_lanes(a.current)
    for group in range(groups):
        i = group * LANES
        j = start + i
        current = common
        if external != NULL:
            current = current + take(external + R * row + j)
        if adapting:
            current = current - load(stc + i)
        drive = load(constant + i) + load(gain + i) * current
        for r in range(R):
            if sums == NULL:
                x = take_counts(counts + r * row + j) * unit[r]
            else:
                x = take(sums + r * row + j)
            if external != NULL:
                x = x + take(external + r * row + j)
            if R == PAIR:
                store(input.arriving[r] + i, x)
            else:
                x = x + a.all[r] + load(I_syn + r * places + j) * load(decay + r * decay_row + i)
                store(I_syn + r * places + j, x)
                drive = drive + x * load(carry + r * carry_row + i)
        store(input.drive + i, drive)


cdef inline bint move(Neurons *g, const Arrivals *a, Py_ssize_t start, Py_ssize_t groups, const Input *input,
                      const double *adapted, double *excess, bint various, bint gathered, bint counted,
                      Py_ssize_t R) noexcept nogil:
    """Integrate synaptic currents and potentials of a tile; return whether all are finite numbers.

    ``excess`` is log2 of the hazard, integrated over the step. ``various``: the neurons have parameters of their own;
    ``gathered``: ``input`` holds their input, which is ``counted`` otherwise, or summed; ``R``: receptors that
    ``input.drive`` does not hold, none or ``PAIR``. All are constants where this is inlined, so that what is common
    stays in registers.
    """
    cdef const double *leaks = at(&g.leak, start)
    cdef const double *resets = at(&g.V_reset, start)
    cdef const double *slopes = at(&g.slope, start)
    cdef const double *thresholds = at(&g.threshold, start)
    cdef const double *carries[PAIR]
    cdef const double *decays[PAIR]
    cdef lanes leak = load(leaks), V_reset = load(resets), slope = load(slopes), threshold = load(thresholds)
    cdef lanes drive = load(at(&g.constant_drive, start)) + load(at(&g.current_gain, start)) * a.current
    cdef lanes[PAIR] carry, decay, current
    cdef double[PAIR] all, unit
    cdef double *I_syn[PAIR]
    cdef double *sums[PAIR]
    cdef uint16_t *counts[PAIR]
    cdef double *potential = g.V_m + start
    cdef double *pause = g.pause + start
    cdef Py_ssize_t group, i, r
    cdef lanes V, left, finite = all_lanes(0.0)
    for r in range(R):
        carries[r], decays[r] = row_of(&g.carry, r, start), row_of(&g.decay, r, start)
        carry[r], decay[r] = load(carries[r]), load(decays[r])
        all[r], I_syn[r] = a.all[r], g.I_syn + r * g.places + start
        if counted:
            unit[r], counts[r] = a.unit[r], a.counts + r * a.row + start
        elif not gathered:
            sums[r] = a.sums + r * a.row + start
    for group in range(groups):
        i = group * LANES
        if various:
            leak, V_reset = load(leaks + i), load(resets + i)
            slope, threshold = load(slopes + i), load(thresholds + i)
            for r in range(R):
                carry[r], decay[r] = load(carries[r] + i), load(decays[r] + i)
        if gathered:
            drive = load(input.drive + i)
        for r in range(R):
            if gathered:
                current[r] = load(input.arriving[r] + i)
            elif counted:
                current[r] = take_counts(counts[r] + i) * unit[r]
            else:
                current[r] = take(sums[r] + i)
        for r in range(R):
            current[r] = load(I_syn[r] + i) * decay[r] + (current[r] + all[r])
        V = load(potential + i) * leak + drive
        for r in range(R):
            V = V + current[r] * carry[r]
        finite = finite + 0.0 * V       # NaN from the first one on that is not, here or in the currents
        left = load(pause + i)
        V = above(left, 0.0, V_reset, V)
        for r in range(R):
            store(I_syn[r] + i, current[r])
        store(potential + i, V)
        store(pause + i, larger(left - 1.0, all_lanes(0.0)))
        store(excess + i, above(left, 0.0, all_lanes(NO_HAZARD), (V - load(adapted + i)) * slope - threshold))
    return not any_nan(finite)


cdef inline bint spend(double *budget, const double *excess, Py_ssize_t groups) noexcept nogil:
    """Subtract the hazard of the step from the budgets; return whether any is used up.

    A budget drawn from the standard exponential distribution makes the probability to fire in a step
    1 - exp(-lambda h), independently of the past.
    """
    cdef Py_ssize_t group, i
    cdef lanes left, least = all_lanes(0.0)
    for group in range(groups):
        i = group * LANES
        left = load(budget + i) - exp2_lanes(load(excess + i))
        store(budget + i, left)
        least = smaller(least, left)
    return any_above(0.0 - least, 0.0)


cdef inline void fire_due(Neurons *g, Py_ssize_t start, Py_ssize_t size, Py_ssize_t step,
                          SpikeList *spikes) noexcept nogil:
    """Fire the neurons of a tile that have used up their budgets."""
    cdef Py_ssize_t i
    for i in range(start, start + size):
        if g.budget[i] < 0.0:
            renew_budget(g, i)
            fire(g, i)
            spikes.items[spikes.n].step = <int32_t> step
            spikes.items[spikes.n].unit = <int32_t> i
            spikes.n += 1


cdef inline void clear(double *values) noexcept nogil:
    cdef Py_ssize_t group
    for group in range(TILE // LANES):
        store(values + group * LANES, all_lanes(0.0))


cdef inline void keep(Neurons *g, Py_ssize_t start, Py_ssize_t groups, const double *adapted,
                      const double *stc) noexcept nogil:
    """Store what only recorders read: threshold and adaptation current."""
    cdef const double *V_T_star = at(&g.V_T_star, start)
    cdef Py_ssize_t group, i
    for group in range(groups):
        i = group * LANES
        store(g.E_sfa + start + i, load(V_T_star + i) + load(adapted + i))
        if g.S > 0:
            store(g.I_stc + start + i, load(stc + i))


cdef inline bint step_tile(Neurons *g, const Arrivals *a, Py_ssize_t start, Py_ssize_t groups, double *adapted,
                           double *stc, double *excess) noexcept nogil:
    """Advance a tile up to its hazards; return whether potentials and currents are finite numbers."""
    cdef Input input
    adapt(g.sfa, &g.sfa_decay, g.J, g.places, start, groups, adapted)
    adapt(g.stc, &g.stc_decay, g.S, g.places, start, groups, stc)
    if g.R != PAIR:
        gather(g, a, start, groups, stc, &input, g.R)
        return move(g, a, start, groups, &input, adapted, excess, True, True, False, 0)
    if g.various or g.S > 0 or a.external != NULL:
        gather(g, a, start, groups, stc, &input, PAIR)
        if g.various:
            return move(g, a, start, groups, &input, adapted, excess, True, True, False, PAIR)
        return move(g, a, start, groups, &input, adapted, excess, False, True, False, PAIR)
    if a.sums == NULL:
        return move(g, a, start, groups, NULL, adapted, excess, False, False, True, PAIR)
    return move(g, a, start, groups, NULL, adapted, excess, False, False, False, PAIR)


cdef inline int64_t advance_tile(Neurons *group, const Arrivals *arrivals, Py_ssize_t start, Py_ssize_t size,
                                 Py_ssize_t steps, Probes probes, SpikeList *spikes) noexcept nogil:
    """Advance the ``size`` neurons of the tile that begins at ``start``, one step for each of ``arrivals``.

    Return WELL, or the step in which a potential or current was not a finite number, at which the tile then stays.
    What is left over in the last vector are neurons that never fire. ``spikes`` has room for one spike of each neuron
    in each step; NULL: nobody fires of itself.
    """
    cdef Py_ssize_t step, i, groups = (size + LANES - 1) // LANES
    cdef double[TILE] adapted, stc, excess
    clear(adapted)
    for step in range(steps):
        if not step_tile(group, &arrivals[step], start, groups, adapted, stc, excess):
            return step
        if probes.n > 0 or step == steps - 1:
            keep(group, start, groups, adapted, stc)
        for i in range(probes.n):
            probes.first[i].record[step * probes.stride] = probes.first[i].value[0]
        if spend(group.budget + start, excess, groups) and spikes != NULL:
            fire_due(group, start, size, step, spikes)
    return WELL
