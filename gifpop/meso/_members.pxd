"""Which members of a cohort fire, where its members carry adaptation (docs/finite_size.md).

With L L' = C, n = M - 1 and z as `draw_direction` draws it, the members that fire, k of M, have the mean
y + sqrt((M - k)/(k n)) L z, the R others y - sqrt(k/(R n)) L z; what is left of the covariance, C - L z z' L'/n, both
have in proportion to their degrees of freedom, k - 1 and R - 1. Number, sum and sum of squares are conserved, and
covariances stay non-negative, since z' z <= n. Those of low adaptation fire more often: a sample has the probability
exp(-(sum of its modes)), times q/(1 - exp(-q)) in the exponent where many fire.
"""

from libc.math cimport exp, expm1, sqrt
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport random_standard_normal, random_standard_uniform

from gifpop.meso._population cimport MOST_MODES, MOST_MOMENTS, Carried

cdef extern from *:
    """
    #define GP_NO_SPREAD 1e-10
    #define GP_NO_VARIANCE 1e-12
    #define GP_ROUGHLY 2.6428997921303014e-05
    """
    const double NO_SPREAD "GP_NO_SPREAD"   # of a variance: what is left of it by rounding alone
    const double NO_VARIANCE "GP_NO_VARIANCE"   # Delta_V^2; members that differ as little are alike
    const double ROUGHLY "GP_ROUGHLY"   # 1 / the standard deviation of the sum of four numbers of 16 bits


cdef inline double log_odds(double q) noexcept nogil:
    """Return q/(1 - exp(-q)): how much faster than the logarithm of q the logarithm of the odds to fire grows."""
    return 1.0 + q * (0.5 + q * (1.0 / 12.0 - q * q / 720.0)) if q < 0.1 else q / -expm1(-q)


cdef inline double offset_of(double n, double strength) noexcept nogil:
    """Return how far a normal vector is moved, by its pull, so that the mean of its direction in n dimensions is right.

    With the scale s^2 = n ``strength``, the mean is s/d, d = (n - 1)/2 + sqrt((n + 1)^2/4 + s^2) (Amos 1974).
    ``strength``: square of the pull.
    """
    cdef double root = sqrt(0.25 * (n + 1.0) * (n + 1.0) + n * strength)
    return (n + 0.25) / sqrt(0.5 * (n * n + 1.0) + (n - 1.0) * root)    # (n + 1/4)/sqrt(d^2 - s^2)


cdef inline void mix_fired(const Carried *carried, const double *mean, const double *covariance, double neurons,
                           double *mixed, Py_ssize_t D) noexcept nogil:
    """Add the moments of neurons that fire, means as differences from those of the step before."""
    cdef Py_ssize_t d, e, k = D
    cdef double[MOST_MODES] apart
    for d in range(D):
        apart[d] = mean[d] - carried.fired[d]
        mixed[d] += neurons * apart[d]
    for d in range(D):
        for e in range(d + 1):
            mixed[k] += neurons * (covariance[k - D] + apart[d] * apart[e])
            k += 1


cdef inline Py_ssize_t find_root(const double *moments, Py_ssize_t stride, double *root, Py_ssize_t D) noexcept nogil:
    """Write the lower triangular root of a covariance, row by row; return its rank, of rounding errors freed."""
    cdef Py_ssize_t d, e, j, row = 0, column, rank = 0
    cdef double x, variance
    for d in range(D):
        column = 0
        for e in range(d + 1):
            x = moments[(D + row + e) * stride]
            variance = x
            for j in range(e):
                x -= root[row + j] * root[column + j]
            if e < d:
                root[row + e] = x / root[column + e] if root[column + e] > 0.0 else 0.0
            elif x > NO_SPREAD * variance + NO_VARIANCE:
                root[row + e] = sqrt(x)
                rank += 1
            else:
                root[row + e] = 0.0
            column += e + 1
        row += d + 1
    return rank


cdef inline double draw_sum_of_squares(Py_ssize_t n, bitgen_t *random) noexcept nogil:
    """Draw the sum of the squares of ``n`` normal numbers, for n > 2 by the cube of one (Wilson & Hilferty 1931)."""
    cdef double x, sum = 0.0, narrow
    cdef Py_ssize_t _i
    if n <= 2:
        for _i in range(n):
            x = random_standard_normal(random)
            sum += x * x
        return sum
    narrow = 2.0 / (9.0 * n)
    x = max(1.0 - narrow + sqrt(narrow) * random_standard_normal(random), 0.0)
    return n * x * x * x


cdef inline void draw_direction(const double *root, Py_ssize_t D, Py_ssize_t n, Py_ssize_t rank, const double *pull,
                                double *z, bitgen_t *random) noexcept nogil:
    """Draw the first coordinates z, of those modes that spread, of a vector of length sqrt(n) in n dimensions.

    Its direction is uniform but for a factor exp(-pull z) (von Mises & Fisher): exactly in one dimension; in more it is
    that of a normal vector, whose mean makes that of the direction right.
    """
    cdef Py_ssize_t d, left = min(rank, n)
    cdef double strength = 0.0, offset, squares = 0.0, scale
    for d in range(D):
        strength += pull[d] * pull[d]
    offset = offset_of(<double> n, strength)
    for d in range(D):
        z[d] = 0.0
        if left > 0 and root[d * (d + 3) // 2] > 0.0:
            left -= 1
            if n == 1:
                z[d] = -1.0 if random_standard_uniform(random) * (1.0 + exp(-2.0 * pull[d])) < 1.0 else 1.0
            else:
                z[d] = random_standard_normal(random) - offset * pull[d]
                squares += z[d] * z[d]
    if n > 1:
        squares += draw_sum_of_squares(n - min(rank, n), random)
        scale = sqrt(n / squares) if squares > 0.0 else 0.0
        for d in range(D):
            z[d] *= scale


cdef inline void part(const Carried *carried, double *moments, Py_ssize_t stride, double neurons, double fired,
                      double q, double *mixed, bitgen_t *random, Py_ssize_t D, Py_ssize_t A) noexcept nogil:
    """Do as `part_members` for ``D`` modes, ``A`` of adaptation, numbers known to the compiler."""
    cdef double[MOST_MOMENTS] root, covariance
    cdef double[MOST_MODES] pull, z, mean
    cdef double n = neurons - 1.0, staying = neurons - fired, away, back, between, x, of_fired = 0.0, of_others = 0.0
    cdef Py_ssize_t d, e, k = D, row = 0, rank = 0
    if staying > 0.0:
        rank = find_root(moments, stride, root, D)
    if rank == 0:               # all fire, or members are alike
        for d in range(D):
            mean[d] = moments[d * stride]
        for k in range(D, D + D * (D + 1) // 2):
            covariance[k - D] = moments[k * stride]
        mix_fired(carried, mean, covariance, fired, mixed, D)
        return
    away = sqrt(staying / (fired * n))
    back = away * fired / staying
    for e in range(D):
        pull[e] = 0.0
        for d in range(e, A):
            pull[e] += root[d * (d + 1) // 2 + e]
        pull[e] *= away * fired * log_odds(q)
    draw_direction(root, D, <Py_ssize_t> n, rank, pull, z, random)
    if neurons > 2.0:
        of_fired = neurons * (fired - 1.0) / (fired * (neurons - 2.0))
        of_others = neurons * (staying - 1.0) / (staying * (neurons - 2.0))
    for d in range(D):
        between = 0.0
        for e in range(d + 1):
            between += root[row + e] * z[e]
        row += d + 1
        pull[d] = between       # L z from here on
        mean[d] = moments[d * stride] + away * between
        moments[d * stride] -= back * between
    for d in range(D):
        for e in range(d + 1):
            x = moments[k * stride] - pull[d] * pull[e] / n
            if e == d:
                x = max(x, 0.0)
            covariance[k - D] = of_fired * x
            moments[k * stride] = of_others * x
            k += 1
    mix_fired(carried, mean, covariance, fired, mixed, D)


cdef inline void part_members(const Carried *carried, double *moments, Py_ssize_t stride, double neurons, double fired,
                              double q, double *mixed, bitgen_t *random) noexcept nogil:
    """Part the moments of a cohort, ``fired`` of whose ``neurons`` fire, a sample of them; add theirs to ``mixed``."""
    cdef Py_ssize_t D = carried.D, A = carried.acting
    if D == 1 and A == 1:
        part(carried, moments, stride, neurons, fired, q, mixed, random, 1, 1)
    elif D == 2 and A == 2:
        part(carried, moments, stride, neurons, fired, q, mixed, random, 2, 2)
    else:
        part(carried, moments, stride, neurons, fired, q, mixed, random, D, A)
