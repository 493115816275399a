"""One step of a group of neurons: the innermost loops of the microscopic level.

Compiled once for each instruction set, as `_cohorts`. Per step and neuron: adaptation, synaptic currents, exact
integration of the membrane, hazard (Schwalger, Deger & Gerstner 2017, Eqs. 1-3, discretized as NEST's gif_psc_exp).
"""

from gifpop._lanes cimport (LANES, above, all_lanes, any_above, exp_lanes, lanes, larger, load, store)
from gifpop._types cimport TILE, Arrivals, Neurons, Parameter


cdef inline const double *at(const Parameter *p, Py_ssize_t start) noexcept nogil:
    """Values of a parameter for the tile that starts at a neuron."""
    return p.value + p.stride * start


cdef inline lanes adapt(double *trace, const Parameter *decay, Py_ssize_t terms, Py_ssize_t places, Py_ssize_t start,
                        Py_ssize_t i) noexcept nogil:
    """Return the sum of the adaptation traces of a few neurons, and let them decay."""
    cdef Py_ssize_t _j, row = places if decay.stride else <Py_ssize_t> TILE
    cdef const double *factor = decay.value + decay.stride * start + i
    cdef lanes x, sum = all_lanes(0.0)
    trace += start + i
    for _j in range(terms):
        x = load(trace)
        sum = sum + x
        store(trace, x * load(factor))
        trace += places
        factor += row
    return sum


cdef inline lanes receive(double *current, const double *decay, double *arriving, double all) noexcept nogil:
    """Decay of a synaptic current and the spikes that arrive; their slot of the ring buffer is free again."""
    cdef lanes x = load(current) * load(decay) + (load(arriving) + all)
    store(current, x)
    store(arriving, all_lanes(0.0))
    return x


cdef inline void move(Neurons *g, Arrivals *a, Py_ssize_t start, Py_ssize_t groups, double *excess,
                      double *weight) noexcept nogil:
    """Everything up to the potentials of a tile.

    ``excess`` is the potential above the threshold in units of Delta_V, ``weight`` the hazard at the threshold
    integrated over the step, zero for who is refractory.
    """
    cdef const double *V_T_star = at(&g.V_T_star, start)
    cdef const double *slope = at(&g.inverse_Delta_V, start)
    cdef const double *hazard = at(&g.hazard, start)
    cdef const double *leak = at(&g.leak, start)
    cdef const double *constant = at(&g.constant_drive, start)
    cdef const double *gain = at(&g.current_gain, start)
    cdef const double *carry_ex = at(&g.carry_ex, start)
    cdef const double *carry_in = at(&g.carry_in, start)
    cdef const double *decay_ex = at(&g.decay_ex, start)
    cdef const double *decay_in = at(&g.decay_in, start)
    cdef const double *V_reset = at(&g.V_reset, start)
    cdef double *potential = g.V_m + start
    cdef double *pause = g.pause + start
    cdef double *external = a.current + start
    cdef Py_ssize_t group, i
    cdef lanes threshold, injected, stc, V, left
    for group in range(groups):
        i = group * LANES
        threshold = load(V_T_star + i) + adapt(g.sfa, &g.sfa_decay, g.J, g.places, start, i)
        store(g.E_sfa + start + i, threshold)
        injected = all_lanes(a.current_all)
        if a.single_currents:
            injected = injected + load(external + i)
            store(external + i, all_lanes(0.0))
        if g.S > 0:
            stc = adapt(g.stc, &g.stc_decay, g.S, g.places, start, i)
            store(g.I_stc + start + i, stc)
            injected = injected - stc
        V = load(potential + i) * load(leak + i) + (load(constant + i) + load(gain + i) * injected)
        V = V + receive(g.I_syn_ex + start + i, decay_ex + i, a.ex + start + i, a.ex_all) * load(carry_ex + i)
        V = V + receive(g.I_syn_in + start + i, decay_in + i, a.inh + start + i, a.inh_all) * load(carry_in + i)
        left = load(pause + i)
        V = above(left, 0.0, load(V_reset + i), V)
        store(potential + i, V)
        store(weight + i, above(left, 0.0, all_lanes(0.0), load(hazard + i)))
        store(pause + i, larger(left - 1.0, all_lanes(0.0)))
        store(excess + i, (V - threshold) * load(slope + i))


cdef inline bint spend(double *budget, const double *excess, const double *weight, Py_ssize_t groups) noexcept nogil:
    """Take the hazard of the step from the budgets; tell whether any is used up.

    A budget drawn from the standard exponential distribution makes the probability to fire in a step
    1 - exp(-lambda h), independently of the past.
    """
    cdef Py_ssize_t group, i
    cdef lanes left, lacking = all_lanes(-1.0)
    for group in range(groups):
        i = group * LANES
        left = load(budget + i) - load(weight + i) * exp_lanes(load(excess + i))
        store(budget + i, left)
        lacking = larger(lacking, 0.0 - left)
    return any_above(lacking, 0.0)


cdef void advance_neurons(Neurons *group, Arrivals *arrivals) noexcept nogil:
    """Advance all neurons of a group to the end of the step; ``due`` tells in which tiles some fire.

    The places of lanes that are left over hold neurons that never fire.
    """
    cdef double[TILE] excess, weight
    cdef Py_ssize_t start = 0, groups
    while start < group.places:
        groups = min(<Py_ssize_t> TILE, group.places - start) // LANES
        move(group, arrivals, start, groups, excess, weight)
        group.due[start // TILE] = spend(group.budget + start, excess, weight, groups)
        start += TILE
