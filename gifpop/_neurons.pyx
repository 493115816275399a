"""One step of a group of neurons: the innermost loops of the microscopic level.

Compiled once for each instruction set, as `_cohorts`. Per step and neuron: adaptation, synaptic currents, exact
integration of the membrane, hazard (Schwalger, Deger & Gerstner 2017, Eqs. 1-3, discretized as NEST's gif_psc_exp).
"""

from libc.stdint cimport int64_t

from gifpop._fastmath cimport fast_exp, sole, sole_in
from gifpop._types cimport TILE, Arrivals, Neurons, Parameter


cdef inline const double *at(const Parameter *p, Py_ssize_t start) noexcept nogil:
    """Values of a parameter for the tile that starts at a neuron."""
    return p.value + p.stride * start


cdef inline const double *row(const Parameter *p, Py_ssize_t j, Py_ssize_t N, Py_ssize_t start) noexcept nogil:
    """The same for the j-th row of a parameter with several terms."""
    return p.value + j * (N if p.stride else <Py_ssize_t> TILE) + p.stride * start


cdef inline void accumulate(sole total, sole trace, sole_in decay, Py_ssize_t n) noexcept nogil:
    """Add an adaptation trace to the total, then let it decay."""
    cdef Py_ssize_t i
    for i in range(n):
        total[i] += trace[i]
        trace[i] *= decay[i]


cdef inline void receive(sole current, sole_in decay, sole arriving, double all, Py_ssize_t n) noexcept nogil:
    """Decay of a synaptic current and the spikes that arrive; their slot of the ring buffer is free again."""
    cdef Py_ssize_t i
    for i in range(n):
        current[i] = current[i] * decay[i] + (arriving[i] + all)
        arriving[i] = 0.0


cdef inline void drive_by_input(sole drive, sole_in constant, sole_in gain, sole external, double all,
                                sole_in I_stc, Py_ssize_t n) noexcept nogil:
    """What injected currents add to the potential in the step; the external one acts from the next step on."""
    cdef Py_ssize_t i
    for i in range(n):
        drive[i] = constant[i] + gain[i] * (external[i] + all - I_stc[i])
        external[i] = 0.0


cdef inline void drive_by_synapses(sole drive, sole_in I_ex, sole_in carry_ex, sole_in I_in, sole_in carry_in,
                                   Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        drive[i] += I_ex[i] * carry_ex[i] + I_in[i] * carry_in[i]


cdef inline void move(sole V, sole pause, sole_in drive, sole_in leak, sole_in V_reset, Py_ssize_t n) noexcept nogil:
    """Exact integration of the membrane, or the reset while refractory; ``pause`` becomes -1 where free to fire."""
    cdef Py_ssize_t i
    cdef double moved
    for i in range(n):
        moved = V[i] * leak[i] + drive[i]
        V[i] = V_reset[i] if pause[i] > 0.0 else moved
        pause[i] = pause[i] - 1.0


cdef inline bint spend(sole budget, sole pause, sole_in V, sole_in threshold, sole_in slope, sole_in hazard,
                       Py_ssize_t n) noexcept nogil:
    """Take the hazard of the step from the budget of those who may fire; tell whether any is used up.

    A budget drawn from the standard exponential distribution makes the probability to fire in a step
    1 - exp(-lambda h), independently of the past.
    """
    cdef Py_ssize_t i
    cdef double free, left
    cdef int64_t due = 0
    for i in range(n):
        left = pause[i]
        free = 1.0 if left < 0.0 else 0.0  # a factor, not a condition: masked stores are slow
        budget[i] = budget[i] - free * (hazard[i] * fast_exp((V[i] - threshold[i]) * slope[i]))
        pause[i] = left if left > 0.0 else 0.0
    for i in range(n):
        due += budget[i] <= 0.0
    return due > 0


cdef void advance_tile(Neurons *g, Arrivals *a, Py_ssize_t start, Py_ssize_t n) noexcept nogil:
    """One step of ``n`` neurons, all but the spikes themselves."""
    cdef double[TILE] drive
    cdef double *E_sfa = g.E_sfa + start
    cdef double *I_stc = g.I_stc + start
    cdef const double *resting = at(&g.V_T_star, start)
    cdef Py_ssize_t i, j
    for i in range(n):
        E_sfa[i] = resting[i]
        I_stc[i] = 0.0
    for j in range(g.J):
        accumulate(E_sfa, g.sfa + j * g.N + start, row(&g.sfa_decay, j, g.N, start), n)
    for j in range(g.S):
        accumulate(I_stc, g.stc + j * g.N + start, row(&g.stc_decay, j, g.N, start), n)
    receive(g.I_syn_ex + start, at(&g.decay_ex, start), a.ex + start, a.ex_all, n)
    receive(g.I_syn_in + start, at(&g.decay_in, start), a.inh + start, a.inh_all, n)
    drive_by_input(drive, at(&g.constant_drive, start), at(&g.current_gain, start), a.current + start, a.current_all,
                   I_stc, n)
    drive_by_synapses(drive, g.I_syn_ex + start, at(&g.carry_ex, start), g.I_syn_in + start, at(&g.carry_in, start), n)
    move(g.V_m + start, g.pause + start, drive, at(&g.leak, start), at(&g.V_reset, start), n)
    g.due[start // TILE] = spend(g.budget + start, g.pause + start, g.V_m + start, E_sfa,
                                 at(&g.inverse_Delta_V, start), at(&g.hazard, start), n)


cdef void advance_neurons(Neurons *group, Arrivals *arrivals) noexcept nogil:
    """Advance all neurons of a group to the end of the step; ``due`` tells in which tiles some fire."""
    cdef Py_ssize_t start = 0
    while start < group.N:
        advance_tile(group, arrivals, start, min(<Py_ssize_t> TILE, group.N - start))
        start += TILE
