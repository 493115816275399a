"""Short-term plasticity as if who fires were independent of it (Schmutz, Gerstner & Schwalger 2020, to second order).

Means of u and x, their variances p and q and their covariance c, over all N neurons, and the finite-size noise of which
neurons fired. Cohorts carry nothing. In central moments, so that variances stay positive.
"""

from libc.math cimport sqrt
from numpy.random.c_distributions cimport random_standard_normal

from gifpop.meso._population cimport MeanField, Population


cdef inline void release_mean_fields(Population *pop, double spikes) noexcept nogil:
    """Advance all plasticities that cohorts do not carry over the step, at the end of which neurons fire."""
    cdef Py_ssize_t i
    for i in range(pop.n_mean_fields):
        decay_mean_field(&pop.mean_fields[i])
        pop.released[2 * (pop.carried.n_synapses + i)] = 0.0
        pop.released[2 * (pop.carried.n_synapses + i) + 1] = 0.0
        if spikes > 0.0:
            release_mean_field(pop, &pop.mean_fields[i], spikes, pop.released + 2 * (pop.carried.n_synapses + i))


cdef inline void decay_mean_field(MeanField *m) noexcept nogil:
    m.use = m.U + (m.use - m.U) * m.use_kept
    m.resources = 1.0 - (1.0 - m.resources) * m.lack_kept
    m.use_variance *= m.use_kept * m.use_kept
    m.variance *= m.lack_kept * m.lack_kept
    m.covariance *= m.use_kept * m.lack_kept


cdef inline void release_mean_field(Population *pop, MeanField *m, double spikes, double *released) noexcept nogil:
    """Let neurons fire, any of them; write the sums over them of u x and of its square."""
    cdef double N = pop.constants.N, f = min(spikes / N, 1.0), u = m.use, x = m.resources
    cdef double p = m.use_variance, q = m.variance, c = m.covariance
    cdef double mean = u * x + c, variance = u * u * q + x * x * p + 2.0 * u * x * c + p * q + c * c
    cdef double with_use = x * p + u * c, with_resources = u * q + x * c
    cdef double scale = sqrt(spikes * (1.0 - f)), root = sqrt(p), slope = with_use / root if root > 0.0 else 0.0
    cdef double first = random_standard_normal(pop.random), second = random_standard_normal(pop.random)
    cdef double of_use = scale * root * first
    cdef double of_released = scale * (slope * first + sqrt(max(variance - slope * slope, 0.0)) * second)
    cdef double use_after = u + m.U * (1.0 - u), stay = 1.0 - m.U
    released[0] = spikes * mean + of_released
    released[1] = spikes * (variance + mean * mean)
    m.use_variance = (1.0 - f) * p + f * stay * stay * p + f * (1.0 - f) * (use_after - u) * (use_after - u)
    m.variance = ((1.0 - f) * q + f * max(q - 2.0 * with_resources + variance, 0.0)
                  + f * (1.0 - f) * mean * mean)
    m.covariance = (1.0 - f) * c + f * stay * (c - with_use) - f * (1.0 - f) * (use_after - u) * mean
    m.use = u + m.U * (f * (1.0 - u) - of_use / N)
    m.resources = x - released[0] / N
