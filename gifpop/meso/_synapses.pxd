"""Short-term plasticity of the connections that a population's spikes go out on (docs/plasticity.md).

Of each plasticity, cohorts carry the moments of two modes: how far the use u of their members is above U, and how much
their resources x lack of 1. Both decay between spikes, and raise no threshold. Moments are in units that decay with
them, so that they stay as they are between spikes; now and then all are rescaled.
"""

from libc.string cimport memcpy

from gifpop.meso._moments cimport place
from gifpop.meso._population cimport MOST_MODES, PADDING, Block, Carried, Population, Synapses

cdef extern from *:
    """
    #define GP_SMALLEST_UNIT 0.1
    """
    const double SMALLEST_UNIT "GP_SMALLEST_UNIT"


cdef inline double unit_of(const Carried *carried, Py_ssize_t d) noexcept nogil:
    """Return the unit of the values of a mode."""
    return 1.0 if d < carried.acting else carried.unit[d - carried.acting]


cdef inline void rescale_rows(const Carried *carried, double *moments, Py_ssize_t stride, Py_ssize_t n,
                              Py_ssize_t d) noexcept nogil:
    """Give the moments of ``n`` cohorts side by side that of mode ``d`` are the unit 1."""
    cdef double unit = unit_of(carried, d)
    cdef double *row
    cdef Py_ssize_t e, i
    for i in range(n):
        moments[d * stride + i] *= unit
    for e in range(carried.D):
        row = moments + place(carried, d, e) * stride
        for i in range(n):
            row[i] *= unit * unit if d == e else unit


cdef inline void shrink_units(Population *pop) noexcept nogil:
    """Begin a step: moments of plasticity are what they will be at its end."""
    cdef Carried *carried = &pop.carried
    cdef Py_ssize_t d
    for d in range(carried.acting, carried.D):
        carried.unit[d - carried.acting] *= carried.shrink[d - carried.acting]
        if carried.unit[d - carried.acting] < SMALLEST_UNIT:
            rescale_rows(carried, carried.cohorts + pop.state.oldest, pop.places, pop.state.cohorts, d)
            rescale_rows(carried, carried.free, 1, 1, d)
            rescale_rows(carried, carried.fired, 1, 1, d)
            if pop.state.cells > 0:
                rescale_rows(carried, carried.cells + PADDING, pop.cells.places, pop.state.cells, d)
            carried.unit[d - carried.acting] = 1.0


cdef inline void spend(const Population *pop, double spikes, double *after) noexcept nogil:
    """Write the moments after their spike of neurons that fire, and what their spikes release."""
    cdef Py_ssize_t i
    memcpy(after, pop.carried.fired, pop.carried.moments * sizeof(double))
    for i in range(pop.carried.n_synapses):
        spend_one(&pop.carried, &pop.carried.synapses[i], after, spikes, pop.released + 2 * i)


cdef inline void spend_one(const Carried *carried, const Synapses *s, double *moments, double spikes,
                           double *released) noexcept nogil:
    """Move the modes of one plasticity: resources become x - u x, the use u + U (1 - u).

    With the means u and x and the variances p and q of Gaussian members, and c = cov(u, x), u x has the mean u x + c,
    the covariance x cov(u, y) + u cov(x, y) with any mode y, and the variance x x p + u u q + 2 u x c + p q + c c.
    ``released``: the sums over the spikes of u x and of its square.
    """
    cdef Py_ssize_t a = s.use, b = s.lack, d
    cdef double to_use = unit_of(carried, a) if a >= 0 else 0.0, to_lack = unit_of(carried, b) if b >= 0 else 0.0
    cdef double stay = 1.0 - s.U, u = s.U, x = 1.0, p = 0.0, q = 0.0, c = 0.0, mean, variance, own_use, own_lack
    if a >= 0:
        u += moments[a] * to_use
        p = moments[place(carried, a, a)] * to_use * to_use
    if b >= 0:
        x -= moments[b] * to_lack
        q = moments[place(carried, b, b)] * to_lack * to_lack
    if a >= 0 and b >= 0:
        c = -moments[place(carried, a, b)] * to_use * to_lack
    mean = min(max(u * x + c, 0.0), 1.0)
    variance = x * x * p + u * u * q + 2.0 * u * x * c + p * q + c * c
    released[0] = spikes * mean
    released[1] = spikes * (variance + mean * mean)
    own_use, own_lack = x * p + u * c, -(x * c + u * q)
    for d in range(carried.D):
        if d != a and d != b:
            move_shared(carried, moments, d, a, b, x * to_use, u * to_lack, stay, to_lack)
    if a >= 0:
        moments[a] = (stay * (u - s.U) + s.U * stay) / to_use
        moments[place(carried, a, a)] = stay * stay * p / (to_use * to_use)
    if b >= 0:
        moments[b] = (1.0 - x + mean) / to_lack
        moments[place(carried, b, b)] = max(q + 2.0 * own_lack + variance, 0.0) / (to_lack * to_lack)
    if a >= 0 and b >= 0:
        moments[place(carried, a, b)] = stay * (own_use - c) / (to_use * to_lack)


cdef inline void move_shared(const Carried *carried, double *moments, Py_ssize_t d, Py_ssize_t a, Py_ssize_t b,
                             double by_use, double by_lack, double stay, double to_lack) noexcept nogil:
    """Move the covariances of mode ``d`` with the modes a and b of a plasticity, whose neurons fire."""
    cdef double with_use = 0.0
    cdef double *cell
    if a >= 0:
        cell = moments + place(carried, d, a)
        with_use = cell[0]
        cell[0] = stay * with_use
    if b >= 0:
        cell = moments + place(carried, d, b)
        cell[0] += (by_use * with_use - by_lack * cell[0]) / to_lack


cdef inline void mix_firing(const Carried *carried, const Block *block, const double *before,
                            double *mixed) noexcept nogil:
    """Add the moments of the neurons that are expected to fire, of cohorts that carry no adaptation.

    ``before``: how many there were in each cohort.
    """
    cdef double[MOST_MODES] apart
    cdef double weight
    cdef Py_ssize_t i, d, e, k
    for i in range(block.n):
        weight = before[i] - block.survivors[i]
        k = carried.D
        for d in range(carried.D):
            apart[d] = block.moments[d * block.stride + i] - carried.fired[d]
            mixed[d] += weight * apart[d]
            for e in range(d + 1):
                mixed[k] += weight * (block.moments[k * block.stride + i] + apart[d] * apart[e])
                k += 1
