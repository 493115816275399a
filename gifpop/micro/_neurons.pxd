"""A tile of neurons through the steps of a slice: the innermost loops of the microscopic level.

Compiled once for each instruction set, as `_cohorts`. Per step and neuron: adaptation, synaptic currents, exact
integration of the membrane, hazard (Schwalger, Deger & Gerstner 2017). With ``trapezoid``, a number that the compiler
knows, a step is that of a population's cohort; x is the hazard, integrated over half a step, and w arrives in the step:

    theta <- theta exp(-h/tau)                      adapt
    w <- input w                                    gather, move: what they leave behind
    V <- V P + drive + carry I + arrive w - carry I_stc     the same, and adapt
    I <- I decay + w;  I_stc <- I_stc exp(-h/tau)   the same
    x' = exp((V - V_T - theta)/Delta_V)             move, spend: as a power of two
    fires if budget < x + x';  x <- x'              spend

Otherwise it is that of NEST's gif_psc_exp: spikes arrive at the beginning of the step, adaptation decays after it has
acted, and the hazard at the end of the step counts for all of it; or that of gif_psc_exp_multisynapse, where spikes
arrive at the end of the step, ``late``.
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
    PAIR = 2                # receptors whose constants and input stay in registers,
    MOST = 3                # as do those of three that are alike and count; other numbers do not


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


cdef inline lanes receive(lanes *current, lanes arriving, lanes V, lanes carry, lanes decay, lanes arrive,
                          bint trapezoid) noexcept nogil:
    """Integrate a synaptic current, given what arrives of it; return the potential with what it adds."""
    cdef lanes before = current[0]
    current[0] = before * decay + arriving
    if trapezoid:
        return V + before * carry + arriving * arrive
    return V + current[0] * carry


cdef inline void add_up(double *traces, const PerNeuron *decay, const PerNeuron *carry, Py_ssize_t terms,
                        Py_ssize_t places, Py_ssize_t start, Py_ssize_t groups, double *sums,
                        bint decayed) noexcept nogil:
    cdef Py_ssize_t group, _j
    cdef const double *factor
    cdef const double *weight = NULL
    cdef double *trace
    cdef lanes x, left, sum
    for group in range(groups):
        trace = traces + start + group * LANES
        factor = at(decay, start) + group * LANES
        if carry != NULL:
            weight = at(carry, start) + group * LANES
        sum = all_lanes(0.0)
        for _j in range(terms):
            x = load(trace)
            left = x * load(factor)
            store(trace, left)
            if carry != NULL:
                sum = sum + x * load(weight)
                weight += carry.row
            else:
                sum = sum + (left if decayed else x)
            trace += places
            factor += decay.row
        store(sums + group * LANES, sum)


cdef inline void adapt(double *traces, const PerNeuron *decay, const PerNeuron *carry, Py_ssize_t terms,
                       Py_ssize_t places, Py_ssize_t start, Py_ssize_t groups, double *sums,
                       bint decayed) noexcept nogil:
    """Decay the adaptation traces of a tile; write their sums to ``sums``, from before or after they have ``decayed``.

    With ``carry``, write what the traces, currents, take from the potentials while they decay.
    """
    if terms == 1:              # constants unroll the loop
        add_up(traces, decay, carry, 1, places, start, groups, sums, decayed)
    elif terms == 2:
        add_up(traces, decay, carry, 2, places, start, groups, sums, decayed)
    elif terms > 2:
        add_up(traces, decay, carry, terms, places, start, groups, sums, decayed)


cdef inline void gather(Neurons *g, const Arrivals *a, Py_ssize_t start, Py_ssize_t groups, const double *stc,
                        Input *input, Py_ssize_t R, bint whole, bint late, bint trapezoid) noexcept nogil:
    """Gather the input of a tile: that of single neurons, and that of all neurons.

    ``whole``: the currents of the R receptors are integrated here, too, and stand in ``input.drive``. ``stc``: the
    adaptation currents, or, ``trapezoid``, what they take from the potentials.
    """
    cdef const double *constant = at(&g.constant_drive, start)
    cdef const double *gain = at(&g.current_gain, start)
    cdef const double *carry = at(&g.carry, start)
    cdef const double *decay = at(&g.decay, start)
    cdef const double *arrive = at(&g.arrive, start)
    cdef const double *feed = at(&g.input, start)
    cdef const double *unit = a.unit
    cdef double *sums = a.sums      # local, as the compiler takes any store to change what `a` and `g` hold
    cdef double *external = a.external
    cdef double *I_syn = g.I_syn
    cdef uint16_t *counts = a.counts
    cdef bint adapting = g.S > 0
    cdef Py_ssize_t row = a.row, places = g.places, carry_row = g.carry.row, decay_row = g.decay.row
    cdef Py_ssize_t arrive_row = g.arrive.row, feed_row = g.input.row
    cdef Py_ssize_t group, i, j, r
    cdef lanes current, drive, x, before, common = all_lanes(a.current)
    for group in range(groups):
        i = group * LANES
        j = start + i
        current = common
        if external != NULL:
            current = current + take(external + R * row + j)
        if adapting and not trapezoid:
            current = current - load(stc + i)
        drive = load(constant + i) + load(gain + i) * current
        if adapting and trapezoid:
            drive = drive - load(stc + i)
        for r in range(R):
            if sums == NULL:
                x = take_counts(counts + r * row + j) * unit[r]
            else:
                x = take(sums + r * row + j)
            if external != NULL:
                x = x + take(external + r * row + j)
            if not whole:
                store(input.arriving[r] + i, x)
            elif trapezoid:
                x, before = (x + a.all[r]) * load(feed + r * feed_row + i), load(I_syn + r * places + j)
                drive = drive + before * load(carry + r * carry_row + i) + x * load(arrive + r * arrive_row + i)
                store(I_syn + r * places + j, before * load(decay + r * decay_row + i) + x)
            else:
                before = load(I_syn + r * places + j)
                x = x + a.all[r] + before * load(decay + r * decay_row + i)
                store(I_syn + r * places + j, x)
                if late:
                    x = before
                drive = drive + x * load(carry + r * carry_row + i)
        store(input.drive + i, drive)


cdef inline bint move(Neurons *g, const Arrivals *a, Py_ssize_t start, Py_ssize_t groups, const Input *input,
                      const double *adapted, double *excess, bint various, bint gathered, bint counted,
                      Py_ssize_t R, bint trapezoid) noexcept nogil:
    """Integrate synaptic currents and potentials of a tile; return whether all are finite numbers.

    ``excess`` is log2 of the hazard, integrated over the step or, ``trapezoid``, half of it. ``various``: the neurons
    have parameters of their own; ``gathered``: ``input`` holds their input, which is ``counted`` otherwise, or summed;
    ``R``: receptors that ``input.drive`` does not hold, at most ``MOST``. All are constants where this is inlined, so
    that what is common stays in registers.
    """
    cdef const double *leaks = at(&g.leak, start)
    cdef const double *resets = at(&g.V_reset, start)
    cdef const double *slopes = at(&g.slope, start)
    cdef const double *thresholds = at(&g.threshold, start)
    cdef const double *carries[MOST]
    cdef const double *decays[MOST]
    cdef const double *arrives[MOST]
    cdef const double *feeds[MOST]
    cdef lanes leak = load(leaks), V_reset = load(resets), slope = load(slopes), threshold = load(thresholds)
    cdef lanes drive = load(at(&g.constant_drive, start)) + load(at(&g.current_gain, start)) * a.current
    cdef lanes[MOST] carry, decay, arrive, feed, common, arriving, current
    cdef double[MOST] all, unit
    cdef double *I_syn[MOST]
    cdef double *sums[MOST]
    cdef uint16_t *counts[MOST]
    cdef double *potential = g.V_m + start
    cdef double *pause = g.pause + start
    cdef Py_ssize_t group, i, r
    cdef lanes V, x, left, finite = all_lanes(0.0)
    for r in range(R):
        carries[r], decays[r] = row_of(&g.carry, r, start), row_of(&g.decay, r, start)
        carry[r], decay[r] = load(carries[r]), load(decays[r])
        all[r], I_syn[r] = a.all[r], g.I_syn + r * g.places + start
        if counted:
            unit[r], counts[r] = a.unit[r], a.counts + r * a.row + start
        elif not gathered:
            sums[r] = a.sums + r * a.row + start
        if trapezoid:
            arrives[r], feeds[r] = row_of(&g.arrive, r, start), row_of(&g.input, r, start)
            arrive[r], feed[r] = load(arrives[r]), load(feeds[r])
            common[r] = feed[r] * all[r]
            if counted:
                feed[r] = feed[r] * unit[r]
    for group in range(groups):
        i = group * LANES
        if various:
            leak, V_reset = load(leaks + i), load(resets + i)
            slope, threshold = load(slopes + i), load(thresholds + i)
            for r in range(R):
                carry[r], decay[r] = load(carries[r] + i), load(decays[r] + i)
                if trapezoid:
                    arrive[r], feed[r] = load(arrives[r] + i), load(feeds[r] + i)
        if gathered:
            drive = load(input.drive + i)
        for r in range(R):
            if gathered:
                arriving[r] = load(input.arriving[r] + i)
            elif counted and trapezoid:
                arriving[r] = take_counts(counts[r] + i)     # of which `feed` knows the unit
            elif counted:
                arriving[r] = take_counts(counts[r] + i) * unit[r]
            else:
                arriving[r] = take(sums[r] + i)
        V = load(potential + i) * leak + drive
        for r in range(R):
            if trapezoid and not various:
                x = arriving[r] * feed[r] + common[r]
            elif trapezoid:
                x = (arriving[r] + all[r]) * feed[r]
            else:
                x = arriving[r] + all[r]
            current[r] = load(I_syn[r] + i)
            V = receive(&current[r], x, V, carry[r], decay[r], arrive[r], trapezoid)
        finite = finite + 0.0 * V       # NaN from the first one on that is not, here or in the currents
        left = load(pause + i)
        V = above(left, 0.0, V_reset, V)
        for r in range(R):
            store(I_syn[r] + i, current[r])
        store(potential + i, V)
        store(pause + i, larger(left - 1.0, all_lanes(0.0)))
        store(excess + i, above(left, 0.0, all_lanes(NO_HAZARD), (V - load(adapted + i)) * slope - threshold))
    return not any_nan(finite)


cdef inline bint spend(double *budget, double *excess, Py_ssize_t groups, bint trapezoid) noexcept nogil:
    """Subtract the hazard of the step from the budgets; return whether any is used up, and what is left in ``excess``.

    A budget drawn from the standard exponential distribution makes the probability to fire in a step 1 - exp(-H), where
    H is the hazard integrated over the step, independently of the past. Of a trapezoid, the first half has been
    subtracted in the step before; here are the second one and the first one of the next step.
    """
    cdef Py_ssize_t group, i
    cdef lanes taken, left, least = all_lanes(0.0)
    for group in range(groups):
        i = group * LANES
        taken = exp2_lanes(load(excess + i))
        left = load(budget + i) - taken
        if trapezoid:
            store(excess + i, left)
            store(budget + i, left - taken)
        else:
            store(budget + i, left)
        least = smaller(least, left)
    return any_above(0.0 - least, 0.0)


cdef inline void fire_due(Neurons *g, const double *left, Py_ssize_t start, Py_ssize_t size, Py_ssize_t step,
                          SpikeList *spikes) noexcept nogil:
    """Fire the neurons of a tile that have used up their budgets: nothing is ``left``."""
    cdef Py_ssize_t group, i, groups = (size + LANES - 1) // LANES
    for group in range(groups):
        if not any_above(0.0 - load(left + group * LANES), 0.0):
            continue
        for i in range(group * LANES, min((group + 1) * LANES, size)):
            if left[i] < 0.0:
                renew_budget(g, start + i)
                fire(g, start + i)
                spikes.items[spikes.n].step = <int32_t> step
                spikes.items[spikes.n].unit = <int32_t> (start + i)
                spikes.n += 1


cdef inline void clear(double *values) noexcept nogil:
    cdef Py_ssize_t group
    for group in range(TILE // LANES):
        store(values + group * LANES, all_lanes(0.0))


cdef inline void keep(Neurons *g, Py_ssize_t start, Py_ssize_t groups, const double *adapted, const double *stc,
                      bint trapezoid) noexcept nogil:
    """Store what only recorders read: threshold and adaptation current."""
    cdef const double *V_T_star = at(&g.V_T_star, start)
    cdef Py_ssize_t group, i, j
    cdef lanes sum
    for group in range(groups):
        i = group * LANES
        store(g.E_sfa + start + i, load(V_T_star + i) + load(adapted + i))
        if g.S > 0 and trapezoid:
            sum = all_lanes(0.0)
            for j in range(g.S):
                sum = sum + load(g.stc + j * g.places + start + i)
            store(g.I_stc + start + i, sum)
        elif g.S > 0:
            store(g.I_stc + start + i, load(stc + i))


cdef inline bint step_tile(Neurons *g, const Arrivals *a, Py_ssize_t start, Py_ssize_t groups, double *adapted,
                           double *stc, double *excess, bint trapezoid) noexcept nogil:
    """Advance a tile up to its hazards; return whether potentials and currents are finite numbers."""
    cdef Input input
    adapt(g.sfa, &g.sfa_decay, NULL, g.J, g.places, start, groups, adapted, trapezoid)
    adapt(g.stc, &g.stc_decay, &g.stc_carry if trapezoid else NULL, g.S, g.places, start, groups, stc, False)
    if g.R == MOST and trapezoid and not (g.various or g.S > 0 or a.external != NULL or a.sums != NULL):
        return move(g, a, start, groups, NULL, adapted, excess, False, False, True, MOST, trapezoid)
    if g.R != PAIR or g.late:
        if trapezoid or not g.late:
            gather(g, a, start, groups, stc, &input, g.R, True, False, trapezoid)
        else:
            gather(g, a, start, groups, stc, &input, g.R, True, True, trapezoid)
        return move(g, a, start, groups, &input, adapted, excess, True, True, False, 0, trapezoid)
    if g.various or g.S > 0 or a.external != NULL:
        gather(g, a, start, groups, stc, &input, PAIR, False, False, trapezoid)
        if g.various:
            return move(g, a, start, groups, &input, adapted, excess, True, True, False, PAIR, trapezoid)
        return move(g, a, start, groups, &input, adapted, excess, False, True, False, PAIR, trapezoid)
    if a.sums == NULL:
        return move(g, a, start, groups, NULL, adapted, excess, False, False, True, PAIR, trapezoid)
    return move(g, a, start, groups, NULL, adapted, excess, False, False, False, PAIR, trapezoid)


cdef inline int64_t advance(Neurons *group, const Arrivals *arrivals, Py_ssize_t start, Py_ssize_t size,
                            Py_ssize_t steps, Probes probes, SpikeList *spikes, bint trapezoid) noexcept nogil:
    """Advance a tile, as `advance_tile`, in one of the two ways, known to the compiler."""
    cdef Py_ssize_t step, i, groups = (size + LANES - 1) // LANES
    cdef double[TILE] adapted, stc, excess
    clear(adapted)
    for step in range(steps):
        if not step_tile(group, &arrivals[step], start, groups, adapted, stc, excess, trapezoid):
            return step
        if probes.n > 0 or step == steps - 1:
            keep(group, start, groups, adapted, stc, trapezoid)
        for i in range(probes.n):
            probes.first[i].record[step * probes.stride] = probes.first[i].value[0]
        if spend(group.budget + start, excess, groups, trapezoid) and spikes != NULL:
            fire_due(group, &excess[0] if trapezoid else group.budget + start, start, size, step, spikes)
    return WELL


cdef inline int64_t advance_tile(Neurons *group, const Arrivals *arrivals, Py_ssize_t start, Py_ssize_t size,
                                 Py_ssize_t steps, Probes probes, SpikeList *spikes) noexcept nogil:
    """Advance the ``size`` neurons of the tile that begins at ``start``, one step for each of ``arrivals``.

    Return WELL, or the step in which a potential or current was not a finite number, at which the tile then stays.
    What is left over in the last vector are neurons that never fire. ``spikes`` has room for one spike of each neuron
    in each step; NULL: nobody fires of itself.
    """
    if group.trapezoid:
        return advance(group, arrivals, start, size, steps, probes, spikes, True)
    return advance(group, arrivals, start, size, steps, probes, spikes, False)
