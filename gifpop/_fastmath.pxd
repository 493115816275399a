"""What lets compilers turn the innermost loops into vector instructions."""

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #if defined(_MSC_VER)
    typedef double *__restrict gp_sole;
    typedef const double *__restrict gp_sole_in;
    #else
    typedef double *restrict gp_sole;           /* the only pointer to its array in a function */
    typedef const double *restrict gp_sole_in;
    #endif

    /* exp(x) to within 2 ulp, of x clamped to [-600, 600] so that neither overflow nor denormal results occur.
       With x = n log(2) + r, 2^n by its exponent bits and exp(r) = 1 + r + r c/(2 - c), where c is a polynomial
       (the remainder function of fdlibm). Straight-line code, which compilers turn into vector instructions. */
    static inline double gp_exp(double x)
    {
        const double shift = 6755399441055744.0;   /* 1.5 * 2^52: adding it rounds to an integer */
        double n, r, t, c, scale;
        int64_t bits;
        x = x < -600.0 ? -600.0 : x;
        x = x > 600.0 ? 600.0 : x;
        n = x * 1.4426950408889634074 + shift;
        memcpy(&bits, &n, sizeof bits);
        n -= shift;
        r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
        t = r * r;
        c = r - t * (1.66666666666666019037e-01 + t * (-2.77777777770155933842e-03 + t * (6.61375632143793436117e-05
              + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
        bits = (int64_t)((uint64_t)bits << 52) + ((int64_t)1023 << 52);
        memcpy(&scale, &bits, sizeof scale);
        return scale + scale * (r + r * c / (2.0 - c));
    }
    """
    ctypedef double *sole "gp_sole"
    ctypedef const double *sole_in "gp_sole_in"
    double fast_exp "gp_exp"(double x) noexcept nogil
