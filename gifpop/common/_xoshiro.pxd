"""xoshiro256++ 1.0 (Blackman & Vigna 2021, ACM Trans Math Softw 47(4):36), inlined.

A number takes a fraction of the time of a call through numpy's bit generators, which seed it. For loops that draw a
number for every connection.
"""

from libc.stdint cimport uint32_t, uint64_t


cdef struct Xoshiro:
    uint64_t[4] state


cdef inline Xoshiro seeded(const uint64_t *words) noexcept nogil:
    """Return a generator whose state is four random words."""
    cdef Xoshiro random
    random.state[0], random.state[1], random.state[2], random.state[3] = words[0], words[1], words[2], words[3]
    return random


cdef inline uint64_t rotated(uint64_t x, int k) noexcept nogil:
    return (x << k) | (x >> (64 - k))


cdef inline uint64_t next_word(Xoshiro *random) noexcept nogil:
    """Return 64 random bits."""
    cdef uint64_t *s = random.state
    cdef uint64_t word = rotated(s[0] + s[3], 23) + s[0], shifted = s[1] << 17
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotated(s[3], 45)
    return word


cdef inline uint32_t scaled(Xoshiro *random, uint32_t bits, uint32_t n) noexcept nogil:
    """Turn 32 random bits, or in rare cases new ones, into an integer in [0, n), every one with the same probability.

    Lemire (2019), ACM Trans Model Comput Simul 29(1):3.
    """
    cdef uint64_t product = <uint64_t> bits * n
    cdef uint32_t least
    if <uint32_t> product < n:
        least = (0 - n) % n
        while <uint32_t> product < least:
            product = (next_word(random) >> 32) * n
    return product >> 32


cdef inline uint32_t below(Xoshiro *random, uint32_t n) noexcept nogil:
    """Return an integer in [0, n), every one with the same probability."""
    return scaled(random, next_word(random) >> 32, n)


cdef inline void fill_below(Xoshiro *random, uint32_t n, uint32_t *values, Py_ssize_t size) noexcept nogil:
    """Write integers in [0, n), two from each word."""
    cdef Xoshiro local = random[0]      # stays in registers
    cdef uint64_t word
    cdef Py_ssize_t i
    for i in range(0, size - 1, 2):
        word = next_word(&local)
        values[i] = scaled(&local, <uint32_t> word, n)
        values[i + 1] = scaled(&local, word >> 32, n)
    if size % 2:
        values[size - 1] = below(&local, n)
    random[0] = local
