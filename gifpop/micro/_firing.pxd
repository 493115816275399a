"""Effects of a spike on its neuron, and the hazard until the next one."""

from libc.stdint cimport uint64_t

from gifpop.common._philox cimport exponential, philox
from gifpop.micro._group cimport Neurons, PerNeuron


cdef inline double value(const PerNeuron *p, Py_ssize_t j, Py_ssize_t i) noexcept nogil:
    """Return the value of the j-th row of a parameter for neuron i."""
    return p.value[j * p.row + p.stride * i]


cdef inline void fire(Neurons *g, Py_ssize_t i) noexcept nogil:
    """Apply a spike to neuron i: it adapts and waits at the reset, or goes on from there if not refractory."""
    cdef Py_ssize_t j
    cdef double refractory = value(&g.refractory, 0, i)
    for j in range(g.J):
        g.sfa[j * g.places + i] += value(&g.sfa_jump, j, i)
    for j in range(g.S):
        g.stc[j * g.places + i] += value(&g.stc_jump, j, i)
    g.pause[i] = max(refractory, 0.0)
    if refractory == 0.0:
        g.V_m[i] = value(&g.V_reset, 0, i)    # where there is no pause that holds it there


cdef inline void renew_budget(Neurons *g, Py_ssize_t i) noexcept nogil:
    """Draw the hazard that neuron i takes until it fires next: the key's number for this neuron and draw."""
    g.budget[i] = exponential(philox(g.key, <uint64_t> g.draws[i], i))
    g.draws[i] += 1.0
