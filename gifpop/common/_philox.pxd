"""Random numbers as a function of a counter: Philox4x64-10.

Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3 (SC11, doi:10.1145/2063384.2063405). A
key and a counter give four words, without any state, so that a neuron's numbers depend neither on the order in which
neurons are stepped nor on who steps them. The same words as `numpy.random.Philox`, which counts on before it draws.
"""

from libc.stdint cimport uint64_t


cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>

    static inline uint64_t gp_multiply(uint64_t a, uint64_t b, uint64_t *high)
    {
    #if defined(__SIZEOF_INT128__) && !defined(GP_PORTABLE)
        unsigned __int128 product = (unsigned __int128)a * b;
        *high = (uint64_t)(product >> 64);
        return (uint64_t)product;
    #else
        uint64_t low_a = (uint32_t)a, high_a = a >> 32, low_b = (uint32_t)b, high_b = b >> 32;
        uint64_t low = low_a * low_b, middle = high_a * low_b + (low >> 32);
        uint64_t other = low_a * high_b + (uint32_t)middle;
        *high = high_a * high_b + (middle >> 32) + (other >> 32);
        return (other << 32) | (uint32_t)low;
    #endif
    }

    /* The first of the four words of a counter (c0, c1, 0, 0). */
    static inline uint64_t gp_philox(const uint64_t *key, uint64_t c0, uint64_t c1)
    {
        uint64_t k0 = key[0], k1 = key[1], c2 = 0, c3 = 0, high0, high2, low0, low2;
        for (int i = 0; i < 10; i++) {
            low0 = gp_multiply(0xD2E7470EE14C6C93ULL, c0, &high0);
            low2 = gp_multiply(0xCA5A826395121157ULL, c2, &high2);
            c0 = high2 ^ c1 ^ k0;
            c1 = low2;
            c2 = high0 ^ c3 ^ k1;
            c3 = low0;
            k0 += 0x9E3779B97F4A7C15ULL;
            k1 += 0xBB67AE8584CAA73BULL;
        }
        return c0;
    }

    /* A number of the standard exponential distribution, > 0, from the first 52 bits of a word. */
    static inline double gp_exponential(uint64_t word)
    {
        return -log(((double)(word >> 12) + 0.5) * (1.0 / 4503599627370496.0));
    }
    """
    uint64_t philox "gp_philox"(const uint64_t *key, uint64_t c0, uint64_t c1) noexcept nogil
    double exponential "gp_exponential"(uint64_t word) noexcept nogil
