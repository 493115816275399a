/* Vectors of doubles, several lanes wide, for the innermost loops: the C side of _lanes.pxd.

   The width follows the instruction set that a module is compiled for. Compilers without vector types (MSVC) have one
   lane, in standard C; so has -DGP_PORTABLE, which tests that. -DGP_LANES=n takes another width (a power of two), in
   plain vector code where no intrinsics have it: as tests do. */

#ifndef GP_LANES_H
#define GP_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef GP_LANES
  #if defined(GP_PORTABLE) || (!defined(__GNUC__) && !defined(__clang__))
    #define GP_LANES 1
  #elif defined(__AVX512F__) && defined(__AVX512DQ__)
    #define GP_LANES 8
  #elif defined(__AVX2__)
    #define GP_LANES 4
  #else
    #define GP_LANES 2      /* SSE2, NEON */
  #endif
#endif

#if GP_LANES == 1
  /* no intrinsics */
#elif defined(__AVX2__)
  #include <immintrin.h>
#elif defined(__SSE2__)
  #include <emmintrin.h>
#endif

#if GP_LANES == 1
typedef double gp_lanes;
typedef uint64_t gp_words;
#else
typedef double gp_lanes __attribute__((vector_size(8 * GP_LANES)));
typedef int64_t gp_ilanes __attribute__((vector_size(8 * GP_LANES)));
typedef uint64_t gp_words __attribute__((vector_size(8 * GP_LANES)));
#endif

static inline gp_lanes gp_load(const double *p) { gp_lanes x; memcpy(&x, p, sizeof x); return x; }
static inline void gp_store(double *p, gp_lanes x) { memcpy(p, &x, sizeof x); }

/* Read small counts, one for each lane, and set them to zero. */
static inline gp_lanes gp_take_counts(uint16_t *p)
{
#if GP_LANES == 8 && defined(__AVX512F__)
    gp_lanes x = (gp_lanes)_mm512_cvtepi32_pd(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)));
#elif GP_LANES == 4 && defined(__AVX2__)
    gp_lanes x = (gp_lanes)_mm256_cvtepi32_pd(_mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)p)));
#elif GP_LANES == 1
    gp_lanes x = *p;
#else
    gp_lanes x;
    for (int i = 0; i < GP_LANES; i++) x[i] = p[i];
#endif
    memset(p, 0, GP_LANES * sizeof *p);
    return x;
}


/* Once for each width:
     gp_all        one number in every lane
     gp_larger     x > y ? x : y, so that of a NaN and another number it is y
     gp_smaller    x < y ? x : y
     gp_above      a where x > limit, else b
     gp_any_above  whether x > limit in any lane
     gp_any_nan    whether any lane is not a number
     gp_before     for each lane the sum of `total` and all earlier lanes of x; `total` then holds, in every lane,
                   its sum with all lanes of x
     gp_scale      x times two to the integer that is in the low bits of `shifted`
     gp_sum        the sum of all lanes */

#if GP_LANES == 1

static inline gp_lanes gp_all(double x) { return x; }
static inline double gp_sum(gp_lanes x) { return x; }
static inline gp_lanes gp_larger(gp_lanes x, gp_lanes y) { return x > y ? x : y; }
static inline gp_lanes gp_smaller(gp_lanes x, gp_lanes y) { return x < y ? x : y; }
static inline gp_lanes gp_above(gp_lanes x, double limit, gp_lanes a, gp_lanes b) { return x > limit ? a : b; }
static inline int gp_any_above(gp_lanes x, double limit) { return x > limit; }
static inline int gp_any_nan(gp_lanes x) { return x != x; }

static inline gp_lanes gp_before(gp_lanes x, gp_lanes *total)
{
    gp_lanes before = *total;
    *total += x;
    return before;
}

static inline gp_lanes gp_scale(gp_lanes x, gp_lanes shifted)
{
    uint64_t bits, n;
    memcpy(&bits, &x, sizeof bits);
    memcpy(&n, &shifted, sizeof n);
    bits += n << 52;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#else

static inline gp_lanes gp_all(double x) { return (gp_lanes){0} + x; }

static inline double gp_sum(gp_lanes x)
{
    double sum = 0.0;
    for (int i = 0; i < GP_LANES; i++) sum += x[i];
    return sum;
}

static inline gp_lanes gp_scale(gp_lanes x, gp_lanes shifted)
{
    return (gp_lanes)((gp_ilanes)x + ((gp_ilanes)shifted << 52));
}

#if GP_LANES == 8 && defined(__AVX512F__)

static inline gp_lanes gp_larger(gp_lanes x, gp_lanes y) { return (gp_lanes)_mm512_max_pd((__m512d)x, (__m512d)y); }
static inline gp_lanes gp_smaller(gp_lanes x, gp_lanes y) { return (gp_lanes)_mm512_min_pd((__m512d)x, (__m512d)y); }

static inline __mmask8 gp_mask_above(gp_lanes x, double limit)
{
    return _mm512_cmp_pd_mask((__m512d)x, _mm512_set1_pd(limit), _CMP_GT_OQ);
}

static inline int gp_any_above(gp_lanes x, double limit) { return gp_mask_above(x, limit) != 0; }

static inline int gp_any_nan(gp_lanes x)
{
    return _mm512_cmp_pd_mask((__m512d)x, (__m512d)x, _CMP_UNORD_Q) != 0;
}

static inline gp_lanes gp_above(gp_lanes x, double limit, gp_lanes a, gp_lanes b)
{
    return (gp_lanes)_mm512_mask_blend_pd(gp_mask_above(x, limit), (__m512d)b, (__m512d)a);
}

/* the lanes of x, n lanes later, after n zeros */
#define GP_LATER(x, n) _mm512_castsi512_pd(_mm512_maskz_alignr_epi64( \
    (__mmask8)(0xff << (n)), _mm512_castpd_si512(x), _mm512_castpd_si512(x), 8 - (n)))

static inline gp_lanes gp_before(gp_lanes x, gp_lanes *total)
{
    __m512d one = GP_LATER((__m512d)x, 1);                              /* sums of one, two, four, seven lanes before */
    __m512d two = _mm512_add_pd(one, GP_LATER(one, 1));
    __m512d four = _mm512_add_pd(two, GP_LATER(two, 2));
    __m512d seven = _mm512_add_pd(four, GP_LATER(four, 4));
    __m512d whole = _mm512_add_pd(seven, (__m512d)x);
    gp_lanes before = *total + (gp_lanes)seven;
    *total = *total + (gp_lanes)_mm512_permutexvar_pd(_mm512_set1_epi64(7), whole);
    return before;
}

#elif GP_LANES == 4 && defined(__AVX2__)

static inline gp_lanes gp_larger(gp_lanes x, gp_lanes y) { return (gp_lanes)_mm256_max_pd((__m256d)x, (__m256d)y); }
static inline gp_lanes gp_smaller(gp_lanes x, gp_lanes y) { return (gp_lanes)_mm256_min_pd((__m256d)x, (__m256d)y); }

static inline __m256d gp_mask_above(gp_lanes x, double limit)
{
    return _mm256_cmp_pd((__m256d)x, _mm256_set1_pd(limit), _CMP_GT_OQ);
}

static inline int gp_any_above(gp_lanes x, double limit) { return _mm256_movemask_pd(gp_mask_above(x, limit)) != 0; }

static inline int gp_any_nan(gp_lanes x)
{
    return _mm256_movemask_pd(_mm256_cmp_pd((__m256d)x, (__m256d)x, _CMP_UNORD_Q)) != 0;
}

static inline gp_lanes gp_above(gp_lanes x, double limit, gp_lanes a, gp_lanes b)
{
    return (gp_lanes)_mm256_blendv_pd((__m256d)b, (__m256d)a, gp_mask_above(x, limit));
}

static inline gp_lanes gp_before(gp_lanes x, gp_lanes *total)
{
    __m256d v = (__m256d)x, zero = _mm256_setzero_pd();
    __m256d pair = _mm256_add_pd(v, _mm256_permute_pd(v, 5));           /* sum of its pair in each lane */
    __m256d own = _mm256_unpacklo_pd(zero, v);                          /* (0, x0, 0, x2) */
    __m256d low = _mm256_permute2f128_pd(pair, pair, 0x08);             /* (0, 0, low pair, low pair) */
    __m256d both = _mm256_add_pd(pair, _mm256_permute2f128_pd(pair, pair, 1));
    gp_lanes before = *total + (gp_lanes)_mm256_add_pd(own, low);
    *total = *total + (gp_lanes)both;
    return before;
}

#else

static inline gp_lanes gp_where(gp_ilanes mask, gp_lanes a, gp_lanes b)
{
    return (gp_lanes)(((gp_ilanes)a & mask) | ((gp_ilanes)b & ~mask));
}

#if GP_LANES == 2 && defined(__SSE2__)
static inline gp_lanes gp_larger(gp_lanes x, gp_lanes y) { return (gp_lanes)_mm_max_pd((__m128d)x, (__m128d)y); }
static inline gp_lanes gp_smaller(gp_lanes x, gp_lanes y) { return (gp_lanes)_mm_min_pd((__m128d)x, (__m128d)y); }
#else
static inline gp_lanes gp_larger(gp_lanes x, gp_lanes y) { return gp_where((gp_ilanes)(x > y), x, y); }
static inline gp_lanes gp_smaller(gp_lanes x, gp_lanes y) { return gp_where((gp_ilanes)(x < y), x, y); }
#endif

static inline int gp_any_above(gp_lanes x, double limit)
{
    gp_ilanes mask = (gp_ilanes)(x > gp_all(limit));
    int64_t any = 0;
    for (int i = 0; i < GP_LANES; i++) any |= mask[i];
    return any != 0;
}

static inline int gp_any_nan(gp_lanes x)
{
    gp_ilanes mask = (gp_ilanes)(x != x);
    int64_t any = 0;
    for (int i = 0; i < GP_LANES; i++) any |= mask[i];
    return any != 0;
}

static inline gp_lanes gp_above(gp_lanes x, double limit, gp_lanes a, gp_lanes b)
{
    return gp_where((gp_ilanes)(x > gp_all(limit)), a, b);
}

static inline gp_lanes gp_before(gp_lanes x, gp_lanes *total)
{
    gp_lanes before = {0.0};
    double sum = x[0];
    for (int i = 1; i < GP_LANES; i++) {
        before[i] = sum;
        sum += x[i];
    }
    before += *total;
    *total += sum;
    return before;
}

#endif
#endif


/* x between low and high; a NaN stays one */
static inline gp_lanes gp_clamp(gp_lanes x, double low, double high)
{
    return gp_smaller(gp_all(high), gp_larger(gp_all(low), x));
}

/* Exponentials to within 2 ulp, of x clamped so that neither overflow nor denormal results occur. x is split into an
   integer, which goes to the exponent, and a rest; a polynomial of degree 11 (Remez: of least relative error, below
   2e-17) takes the rest, in Estrin's order, so that few operations wait for each other. */

#define GP_ROUND 6755399441055744.0     /* 1.5 * 2^52: adding it rounds to an integer, in the low bits */
#define GP_LOG2_E 1.4426950408889634074

/* exp(x) of x clamped to [-600, 600] */
static inline gp_lanes gp_exp(gp_lanes x)
{
    gp_lanes shifted, n, r, r2, r4, low, high;
    x = gp_clamp(x, -600.0, 600.0);
    shifted = x * GP_LOG2_E + GP_ROUND;
    n = shifted - GP_ROUND;
    r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;      /* log(2) in two parts */
    r2 = r * r;
    r4 = r2 * r2;
    low = (0.50000000000000106271 + 0.16666666666666412523 * r)
        + (0.04166666666653015859 + 0.0083333333334944616641 * r) * r2;
    high = (0.0013888888943630112946 + 0.00019841269506578687653 * r)
         + (0.000024801493098906550659 + 2.7557586373840163694e-6 * r) * r2
         + (2.7630248379211443975e-7 + 2.5000061602835666699e-8 * r) * r4;
    return gp_scale(1.0 + (r + r2 * (low + high * r4)), shifted);
}

/* 2^x of x clamped to [-865, 865]: fewer operations, for who can have the logarithm of his argument in base two */
static inline gp_lanes gp_exp2(gp_lanes x)
{
    gp_lanes shifted, r, r2, r4, low, middle, high;
    x = gp_clamp(x, -865.0, 865.0);
    shifted = x + GP_ROUND;
    r = x - (shifted - GP_ROUND);
    r2 = r * r;
    r4 = r2 * r2;
    low = (1.0 + 0.69314718055994569714 * r) + (0.24022650695910098033 + 0.055504108664790369577 * r) * r2;
    middle = (0.0096181291076069852087 + 0.0013333558153444181914 * r)
           + (0.00015403530441601035743 + 0.00001525272738261587126 * r) * r2;
    high = (1.3215442657685074515e-6 + 1.0180648174432432958e-7 * r)
         + (7.0725739457588302218e-9 + 4.0780725444187850593e-10 * r) * r2;
    return gp_scale(low + r4 * (middle + high * r4), shifted);
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

static inline gp_lanes gp_root(gp_lanes x)
{
#if GP_LANES == 1
    return sqrt(x);
#else
    for (int i = 0; i < GP_LANES; i++) x[i] = sqrt(x[i]);
    return x;
#endif
}

/* Random words as a function of a seed and a counter, SplitMix64 (Steele, Lea & Flood 2014): lane i has the counter
   `first` - i * `step`. */
static inline gp_words gp_random(uint64_t seed, uint64_t first, uint64_t step)
{
    gp_words x;
#if GP_LANES == 1
    x = seed + (first + 1) * 0x9E3779B97F4A7C15ULL;
    (void)step;
#else
    for (int i = 0; i < GP_LANES; i++) x[i] = seed + (first - i * step + 1) * 0x9E3779B97F4A7C15ULL;
#endif
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

static inline gp_lanes gp_as_lanes(gp_words x)
{
    gp_lanes y;
    memcpy(&y, &x, sizeof y);
    return y;
}

/* Uniform between 0 and 1, both excluded, from 52 bits of a word. */
static inline gp_lanes gp_uniform(gp_words x)
{
    return gp_as_lanes((x >> 12) | 0x3FF0000000000000ULL) - (1.0 - 1.0 / 9007199254740992.0);
}

/* The sum of the four numbers of 16 bits that a word holds. */
static inline gp_lanes gp_sum_of_quarters(gp_words x)
{
    gp_words sum = (x & 0xFFFF) + ((x >> 16) & 0xFFFF) + ((x >> 32) & 0xFFFF) + (x >> 48);
    return gp_as_lanes(sum | 0x4330000000000000ULL) - 4503599627370496.0;
}

#endif
