"""Thinning: how many spikes pass a connection, each with the same probability, whatever happens to the others.

Random numbers follow from the key of a link, the step and the source unit, one after the other along its connections:
they do not depend on what was drawn before, nor on who delivers.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport binomial_t, random_binomial

from gifpop.common._xoshiro cimport Xoshiro, next_word, seeded


cdef struct Sieve:          # for the connections of one source unit in one step
    Xoshiro random
    bitgen_t stream         # the same for numpy
    binomial_t binomial


cdef inline double next_double(void *random) noexcept nogil:
    """Return a number in [0, 1)."""
    return <double> (next_word(<Xoshiro *> random) >> 11) * (1.0 / 9007199254740992.0)


cdef inline void seed_sieve(Sieve *sieve, uint64_t seed) noexcept nogil:
    """Seed the random numbers with a word: its SplitMix64 sequence (Steele, Lea & Flood 2014)."""
    cdef uint64_t[4] words
    cdef uint64_t z
    cdef int i
    for i in range(4):
        seed += <uint64_t> 0x9E3779B97F4A7C15
        z = (seed ^ (seed >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
        words[i] = z ^ (z >> 31)
    memset(sieve, 0, sizeof(Sieve))
    sieve.random = seeded(words)
    sieve.stream.state = &sieve.random
    sieve.stream.next_double = next_double


cdef inline int64_t count_passed(Sieve *sieve, int64_t spikes, double probability) noexcept nogil:
    """Return how many of some spikes pass a connection."""
    if spikes == 1:
        return next_double(&sieve.random) < probability
    return random_binomial(&sieve.stream, probability, spikes, &sieve.binomial)
