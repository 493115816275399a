"""Finite size by a correction: expected numbers in all cohorts, and a random total (Schwalger, Deger & Gerstner 2017).

Every cohort loses the share that is expected to fire. The number of spikes of the population is drawn, and what cohorts
and free neurons then miss of N, or exceed it by, fires with the variance-weighted probability (docs/theory.md, Eq. 6).
"""

from libc.stdint cimport int64_t
from numpy.random.c_distributions cimport random_binomial, random_poisson

from gifpop.meso._moments cimport part_free, take_fired
from gifpop.meso._population cimport Population, State, Sums


cdef inline void expect_corrected(Population *pop, Py_ssize_t active, double p_free, Sums *sums,
                                  double *mixed) noexcept nogil:
    """Write how many spikes are expected, with the correction; thin the free neurons, which fire with ``p_free``.

    The expected number may be negative or above N; only the draw is clipped.
    """
    cdef State *s = pop.state
    cdef double p_correction, variance, missing, stay
    if pop.carried.D > 0:
        part_free(&pop.carried, p_free, p_free * s.survivors, mixed, pop.smooth)
        take_fired(&pop.carried, mixed, sums.fired + p_free * s.survivors, pop.least)
    sums.survivors += sum_of(pop.survivors + s.oldest + active, s.cohorts - active)

    variance = sums.variance + s.variance + pop.least
    p_correction = (sums.variance_fired + p_free * s.variance) / variance if variance > 0.0 else 0.0
    missing = pop.constants.N - sums.survivors - s.survivors
    s.mean = sums.fired + p_free * s.survivors + p_correction * missing

    stay = 1.0 - p_free
    s.variance = stay * stay * s.variance + p_free * s.survivors
    s.survivors = stay * s.survivors


cdef inline double sum_of(const double *values, Py_ssize_t n) noexcept nogil:
    """Return the sum of values, in two chains of additions that do not wait for each other."""
    cdef double even = 0.0, odd = 0.0
    cdef Py_ssize_t i
    for i in range(n // 2):
        even += values[2 * i]
        odd += values[2 * i + 1]
    return even + odd + (values[n - 1] if n % 2 else 0.0)


cdef inline int64_t draw_total(Population *pop) noexcept nogil:
    """Draw the number of spikes of the step, at most N."""
    cdef double N = pop.constants.N, expected = min(max(pop.state.mean, 0.0), N)
    if pop.constants.poisson:
        return min(random_poisson(pop.random, expected), <int64_t> N)
    return random_binomial(pop.random, expected / N, <int64_t> N, &pop.binomial)
