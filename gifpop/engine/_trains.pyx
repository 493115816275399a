"""Steps of spike trains of all receivers of a source, drawn from one stream: see `gifpop.engine.trains`.

``counts`` (steps, receivers) receives numbers of events. Random numbers are taken step after step, receiver after
receiver, so that they do not depend on how steps are put together.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport exp, fabs, isnan, lgamma, log
from libc.stdint cimport int64_t
from libc.string cimport memset
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport (
    binomial_t, random_binomial, random_poisson, random_standard_exponential, random_standard_uniform
)

cdef enum:
    MOST_TERMS = 100000

cdef double PRECISION = 1e-15
cdef double TINY = 1e-300


cdef bitgen_t *_stream(random) except NULL:
    """Return numpy's interface of a generator's stream."""
    return <bitgen_t *> PyCapsule_GetPointer(random.bit_generator.capsule, "BitGenerator")


def gamma_superposition(random, double end_of_stage, int64_t[:, ::1] occupied, const int64_t[::1] entries,
                        double[:, ::1] counts):
    """Let the processes of each receiver end their stages; the last column of ``occupied`` is the last stage."""
    cdef bitgen_t *stream = _stream(random)
    cdef binomial_t setup
    cdef Py_ssize_t step, r, stage
    cdef int64_t came, left
    memset(&setup, 0, sizeof(setup))
    for step in range(counts.shape[0]):
        for r in range(counts.shape[1]):
            came = 0
            for stage in range(occupied.shape[1]):
                left = random_binomial(stream, end_of_stage, occupied[r, stage], &setup)
                occupied[r, stage] += came - left
                came = left
            occupied[r, entries[r]] += came
            counts[step, r] = <double> came


def dead_time_superposition(random, const double[::1] hazards, int64_t[::1] ready, int64_t[:, ::1] resting,
                            const int64_t[::1] dead_steps, int64_t[::1] place, double[:, ::1] counts):
    """Let processes that are ready fire, with the hazard of each step, and rest in a ring of steps."""
    cdef bitgen_t *stream = _stream(random)
    cdef binomial_t setup
    cdef Py_ssize_t step, r
    cdef int64_t fired
    memset(&setup, 0, sizeof(setup))
    for step in range(counts.shape[0]):
        for r in range(counts.shape[1]):
            fired = random_binomial(stream, hazards[step], ready[r], &setup)
            counts[step, r] = <double> fired
            if dead_steps[r]:
                ready[r] += resting[r, place[r]] - fired
                resting[r, place[r]] = fired
                place[r] = (place[r] + 1) % dead_steps[r]


def copies(random, double mean, double copied, double[:, ::1] counts):
    """Draw the events of a Poisson process, and copy each to each receiver with a probability."""
    cdef bitgen_t *stream = _stream(random)
    cdef binomial_t setup
    cdef Py_ssize_t step, r
    cdef int64_t events
    memset(&setup, 0, sizeof(setup))
    for step in range(counts.shape[0]):
        events = random_poisson(stream, mean)
        for r in range(counts.shape[1]):
            counts[step, r] = <double> random_binomial(stream, copied, events, &setup)


def modulated_gamma(random, double order, const double[::1] rates, const double[::1] growths, double[::1] elapsed,
                    double[:, ::1] counts):
    """Let ``elapsed`` grow in each step, then fire with its hazard; rates and growths are times the order."""
    cdef bitgen_t *stream = _stream(random)
    cdef Py_ssize_t step, r
    cdef double drawn
    for step in range(counts.shape[0]):
        for r in range(counts.shape[1]):
            elapsed[r] += growths[step]
            drawn = random_standard_uniform(stream)
            if drawn < rates[step] and drawn < rates[step] * gamma_hazard(order, elapsed[r]):  # hazards are below 1
                counts[step, r] = 1.0
                elapsed[r] = 0.0


def dead_time_on_a_line(random, double rate, double dead, int64_t first, double[::1] coming, double[:, ::1] counts):
    """Count events in the steps from ``first`` on; ``coming`` holds the time of each receiver's next one.

    Where that is not a number, the receiver begins now, in the stationary state.
    """
    cdef bitgen_t *stream = _stream(random)
    cdef double rest = max(1.0 / rate - dead, 0.0), begin
    cdef Py_ssize_t step, r
    for r in range(counts.shape[1]):
        if isnan(coming[r]):
            coming[r] = first + rest * random_standard_exponential(stream)
            if random_standard_uniform(stream) < rate * dead:
                coming[r] += dead * random_standard_uniform(stream)
    for step in range(counts.shape[0]):
        begin = <double> (first + step)
        for r in range(counts.shape[1]):
            while coming[r] < begin + 1.0:
                if coming[r] >= begin:  # not those of steps that nobody asked for
                    counts[step, r] += 1.0
                coming[r] += dead + rest * random_standard_exponential(stream)


cpdef double gamma_hazard(double order, double x) noexcept:
    """Return the hazard of a gamma distribution of unit scale: x^(order - 1) exp(-x) / Gamma(order, x)."""
    cdef double density, term, total
    cdef int n
    if x <= 0.0:
        return 1.0 if order == 1.0 else 0.0
    if x > order + 1.0:
        return 1.0 / (x * _fraction(order, x))
    density = exp((order - 1.0) * log(x) - x - lgamma(order))
    term = total = 1.0 / order
    for n in range(1, MOST_TERMS):  # of the distribution function
        term *= x / (order + n)
        total += term
        if term < PRECISION * total:
            break
    return density / (1.0 - density * x * total)


cdef double _fraction(double order, double x) noexcept:
    """Return Gamma(order, x) exp(x) / x^order by its continued fraction, after Lentz."""
    cdef double b = x + 1.0 - order, c = 1.0 / TINY, d = 1.0 / b, value = d, a, factor
    cdef int n
    for n in range(1, MOST_TERMS):
        a = n * (order - n)
        b += 2.0
        d = a * d + b
        d = 1.0 / (d if fabs(d) > TINY else TINY)
        c = b + a / c
        c = c if fabs(c) > TINY else TINY
        factor = c * d
        value *= factor
        if fabs(factor - 1.0) < PRECISION:
            break
    return value
