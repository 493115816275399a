"""Vectors of doubles, several lanes wide, for the innermost loops.

Cython takes `lanes` for a number, and the C compiler for a vector: ``+ - *`` act on all lanes, and a number in an
expression counts for every lane. The width follows the instruction set that a module is compiled for; compilers without
vector types have one lane.
"""

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #if defined(__GNUC__) || defined(__clang__)
      #if defined(__AVX2__)
        #define GP_LANES 4
      #else
        #define GP_LANES 2
      #endif
      typedef double gp_lanes __attribute__((vector_size(8 * GP_LANES)));
      typedef int64_t gp_ilanes __attribute__((vector_size(8 * GP_LANES)));
    #else
      #define GP_LANES 1
      typedef double gp_lanes;
    #endif
    #if defined(__AVX2__)
      #include <immintrin.h>
    #endif

    static inline gp_lanes gp_load(const double *p) { gp_lanes x; memcpy(&x, p, sizeof x); return x; }
    static inline void gp_store(double *p, gp_lanes x) { memcpy(p, &x, sizeof x); }
    static inline gp_lanes gp_all(double x)
    {
    #if GP_LANES == 1
        return x;
    #else
        return (gp_lanes){0} + x;
    #endif
    }

    #if GP_LANES == 1
    static inline gp_lanes gp_larger(gp_lanes x, gp_lanes y) { return x > y ? x : y; }
    static inline gp_lanes gp_smaller(gp_lanes x, gp_lanes y) { return x < y ? x : y; }
    static inline double gp_sum(gp_lanes x) { return x; }
    static inline int gp_any_above(gp_lanes x, double limit) { return x > limit; }
    static inline gp_lanes gp_above(gp_lanes x, double limit, gp_lanes a, gp_lanes b) { return x > limit ? a : b; }
    static inline gp_lanes gp_clamp(gp_lanes x, double low, double high)
    {
        return x < low ? low : x > high ? high : x;
    }
    static inline gp_lanes gp_before(gp_lanes x, gp_lanes *total)
    {
        gp_lanes sum = *total;
        *total += x;
        return sum;
    }
    static inline gp_lanes gp_scale(gp_lanes x, gp_lanes shifted)
    {
        int64_t bits, n;
        memcpy(&bits, &x, sizeof bits);
        memcpy(&n, &shifted, sizeof n);
        bits += (int64_t)((uint64_t)n << 52);
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    #else
    static inline double gp_sum(gp_lanes x)
    {
        double sum = 0.0;
        for (int i = 0; i < GP_LANES; i++) sum += x[i];
        return sum;
    }

    /* a where x > limit, else b */
    static inline gp_lanes gp_above(gp_lanes x, double limit, gp_lanes a, gp_lanes b)
    {
        gp_ilanes mask = (gp_ilanes)(x > gp_all(limit));
        return (gp_lanes)(((gp_ilanes)a & mask) | ((gp_ilanes)b & ~mask));
    }

    static inline gp_lanes gp_larger(gp_lanes x, gp_lanes y)
    {
    #if GP_LANES == 4
        return (gp_lanes)_mm256_max_pd((__m256d)x, (__m256d)y);
    #else
        gp_ilanes mask = (gp_ilanes)(x > y);
        return (gp_lanes)(((gp_ilanes)x & mask) | ((gp_ilanes)y & ~mask));
    #endif
    }

    static inline gp_lanes gp_smaller(gp_lanes x, gp_lanes y)
    {
    #if GP_LANES == 4
        return (gp_lanes)_mm256_min_pd((__m256d)x, (__m256d)y);
    #else
        gp_ilanes mask = (gp_ilanes)(x < y);
        return (gp_lanes)(((gp_ilanes)x & mask) | ((gp_ilanes)y & ~mask));
    #endif
    }

    static inline int gp_any_above(gp_lanes x, double limit)
    {
    #if GP_LANES == 4
        return _mm256_movemask_pd(_mm256_cmp_pd((__m256d)x, _mm256_set1_pd(limit), _CMP_GT_OQ)) != 0;
    #else
        gp_ilanes mask = (gp_ilanes)(x > gp_all(limit));
        return (mask[0] | mask[1]) != 0;
    #endif
    }

    static inline gp_lanes gp_clamp(gp_lanes x, double low, double high)
    {
    #if GP_LANES == 4
        return (gp_lanes)_mm256_min_pd(_mm256_set1_pd(high), _mm256_max_pd(_mm256_set1_pd(low), (__m256d)x));
    #else
        gp_ilanes below = (gp_ilanes)(x < gp_all(low)), above = (gp_ilanes)(x > gp_all(high));
        x = (gp_lanes)(((gp_ilanes)gp_all(low) & below) | ((gp_ilanes)x & ~below));
        return (gp_lanes)(((gp_ilanes)gp_all(high) & above) | ((gp_ilanes)x & ~above));
    #endif
    }

    /* For each lane the sum of `total` and all earlier lanes of x; `total` then holds the sum of all, in every lane. */
    static inline gp_lanes gp_before(gp_lanes x, gp_lanes *total)
    {
        gp_lanes before;
    #if GP_LANES == 4
        __m256d v = (__m256d)x, zero = _mm256_setzero_pd();
        __m256d pair = _mm256_add_pd(v, _mm256_permute_pd(v, 5));            /* sum of its pair in each lane */
        __m256d own = _mm256_unpacklo_pd(zero, v);                          /* (0, x0, 0, x2) */
        __m256d low = _mm256_permute2f128_pd(pair, pair, 0x08);              /* (0, 0, low pair, low pair) */
        __m256d both = _mm256_add_pd(pair, _mm256_permute2f128_pd(pair, pair, 1));
        before = *total + (gp_lanes)_mm256_add_pd(own, low);
        *total = *total + (gp_lanes)both;
    #else
        before = *total + (gp_lanes){0.0, x[0]};
        *total = *total + (x[0] + x[1]);
    #endif
        return before;
    }

    /* x times two to the integer that is in the low bits of `shifted` */
    static inline gp_lanes gp_scale(gp_lanes x, gp_lanes shifted)
    {
        return (gp_lanes)((gp_ilanes)x + ((gp_ilanes)shifted << 52));
    }
    #endif

    /* exp(x) to within 2 ulp, of x clamped to [-600, 600] so that neither overflow nor denormal results occur.
       With x = n log(2) + r: exp(r) by the polynomial of degree 10 whose largest relative error on |r| <= log(2)/2 is
       least (Remez: 3e-16), in Estrin's order, so that few operations wait for each other; then n to its exponent. */
    static inline gp_lanes gp_exp(gp_lanes x)
    {
        const double shift = 6755399441055744.0;   /* 1.5 * 2^52: adding it rounds to an integer */
        gp_lanes shifted, n, r, r2, r4, low, high;
        x = gp_clamp(x, -600.0, 600.0);
        shifted = x * 1.4426950408889634074 + shift;
        n = shifted - shift;
        r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
        r2 = r * r;
        r4 = r2 * r2;
        low = (0.49999999999998322657 + 0.16666666666611511184 * r)
            + (0.04166666666813762443 + 0.0083333333708925015487 * r) * r2;
        high = (0.0013888888516013152352 + 0.00019841185202531637566 * r)
             + (0.000024801931845475094207 + 2.7635006253318474263e-6 * r) * r2 + 2.7476784503711414251e-7 * r4;
        return gp_scale(1.0 + (r + r2 * (low + high * r4)), shifted);
    }

    /* 1 - exp(-p) of 0 <= p <= 0.25 to within 2 ulp: the polynomial of degree 9 whose relative error is least. */
    static inline gp_lanes gp_saturate(gp_lanes p)
    {
        gp_lanes p2 = p * p, p4 = p2 * p2;
        gp_lanes low = (-0.49999999999999683354 + 0.16666666666625507526 * p)
                     + (-0.041666666648374448022 + 0.0083333329399571453464 * p) * p2;
        gp_lanes high = (-0.0013888842040593324583 + 0.00019838012453815434735 * p)
                      + (-0.000024669694694668258742 + 2.4657624253523759046e-6 * p) * p2;
        return p + p2 * (low + high * p4);
    }
    """
    ctypedef double lanes "gp_lanes"
    enum:
        LANES "GP_LANES"
    lanes load "gp_load"(const double *p) noexcept nogil
    void store "gp_store"(double *p, lanes x) noexcept nogil
    lanes all_lanes "gp_all"(double x) noexcept nogil
    double total "gp_sum"(lanes x) noexcept nogil
    bint any_above "gp_any_above"(lanes x, double limit) noexcept nogil
    lanes larger "gp_larger"(lanes x, lanes y) noexcept nogil
    lanes smaller "gp_smaller"(lanes x, lanes y) noexcept nogil
    lanes above "gp_above"(lanes x, double limit, lanes a, lanes b) noexcept nogil
    lanes sums_before "gp_before"(lanes x, lanes *total) noexcept nogil
    lanes exp_lanes "gp_exp"(lanes x) noexcept nogil
    lanes saturate_lanes "gp_saturate"(lanes p) noexcept nogil
