"""Who fires, several cohorts at a time: of all side by side, where many do, or of those that points hit
(docs/finite_size.md).

Compiled once for each instruction set. The numbers of neurons that fire have the law of `_drawing`, and their moments
that of `_members`; only the random numbers are others: words that depend on one random seed, on a cohort's place from
the youngest and on what they are for, so that they are the same for any number of lanes.
"""

from libc.math cimport expm1
from libc.stdint cimport int64_t, uint64_t
from numpy.random.c_distributions cimport random_binomial

from gifpop.engine._lanes cimport (LANES, above, all_lanes, any_above, exp_lanes, lanes, larger, load, random_words,
                                   root_lanes, smaller, store, sum_of_quarters, total, uniform_lanes)
from gifpop.meso._members cimport NO_SPREAD, NO_VARIANCE, ROUGHLY, part_members
from gifpop.meso._passes cimport saturated
from gifpop.meso._population cimport MOST_HITS, MOST_MODES, MOST_MOMENTS, Block, Carried, Hits, Population


cdef extern from *:
    """
    #define GP_ALMOST_CERTAIN (1.0 - 1e-13)
    #define GP_LINEAR 0.9490292297837792
    #define GP_CUBIC 0.018642574096521685
    """
    const double LINEAR "GP_LINEAR"     # of the polynomial that makes the sum of four uniform numbers normal
    const double CUBIC "GP_CUBIC"
    const double ALMOST_CERTAIN "GP_ALMOST_CERTAIN"     # beyond, sums of probabilities may stay below by rounding


cdef enum:
    WORDS = 32              # of a cohort: for how many fire, for each mode, and for all other directions
    LONGEST = 100           # expected points of a cohort, from which on its number is drawn by itself
    FREE = 4                # directions besides those of modes that a cohort has which is parted with others
    MANY_DIRECTIONS = 100   # from which on the length of a normal vector varies little,
    MANY_FOR_EACH = 40      # and that of its part along each mode is far below it
    WEAK = 16               # least number of directions for each unit of a pull's square
    MOST_STEPS = 400        # of an inversion
    AT_ONCE = 4             # such steps, before the next look whether they are enough


cdef inline lanes draw_binomial(lanes neurons, lanes length, lanes uniform) noexcept nogil:
    """Return how many neurons of each cohort fire: the least k whose probability, with all smaller ones, reaches u."""
    cdef lanes one = all_lanes(1.0), none = all_lanes(0.0), fired = none
    cdef lanes q = length / larger(neurons, one), odds = saturated(q) * exp_lanes(q)
    cdef lanes probability = exp_lanes(0.0 - length), left = uniform - probability
    cdef double k = 0.0
    cdef Py_ssize_t _i
    while k < MOST_STEPS and any_above(left, 0.0):
        for _i in range(AT_ONCE):
            fired = fired + above(left, 0.0, one, none)
            probability = probability * (odds * (larger(neurons - k, none) * (1.0 / (k + 1.0))))
            left = left - probability
            k += 1.0
    return smaller(fired, neurons)


cdef inline lanes draw_each(Population *pop, lanes neurons, lanes length, lanes fired) noexcept nogil:
    """Return how many neurons of each cohort fire: ``fired``, but where so many are expected that this takes long."""
    cdef double[LANES] m, lengths, numbers
    cdef Py_ssize_t i
    store(m, neurons)
    store(lengths, length)
    store(numbers, fired)
    for i in range(LANES):
        if lengths[i] > LONGEST:
            numbers[i] = <double> random_binomial(pop.random, -expm1(-lengths[i] / m[i]), <int64_t> m[i], &pop.binomial)
    return load(numbers)


cdef inline double draw_numbers(Population *pop, const Block *block, uint64_t seed) noexcept nogil:
    """Draw how many neurons of each cohort fire; return their sum."""
    cdef Py_ssize_t i = -((LANES - block.n % LANES) % LANES)
    cdef lanes neurons, length, uniform, fired, all = all_lanes(0.0)
    while i < block.n:
        neurons = load(block.survivors + i)
        length = larger(load(block.ends + i) - load(block.ends + i - 1), all_lanes(0.0))
        uniform = uniform_lanes(random_words(seed, (block.n - 1 - i) * WORDS, WORDS))
        uniform = smaller(all_lanes(ALMOST_CERTAIN), uniform)
        fired = draw_binomial(neurons, above(length, <double> LONGEST, all_lanes(0.0), length), uniform)
        if any_above(length, <double> LONGEST):
            fired = draw_each(pop, neurons, length, fired)
        store(block.firing + i, fired)
        all = all + fired
        i += LANES
    return total(all)


cdef inline void find_roots(const double *moments, Py_ssize_t stride, lanes *root, lanes *rank,
                            Py_ssize_t D) noexcept nogil:
    """Write the roots of the covariances of `LANES` cohorts, and their ranks, as `_members.find_root` does."""
    cdef lanes none = all_lanes(0.0), one = all_lanes(1.0), x, variance
    cdef Py_ssize_t d, e, j, row = 0, column
    rank[0] = none
    for d in range(D):
        column = 0
        for e in range(d + 1):
            x = load(moments + (D + row + e) * stride)
            variance = x
            for j in range(e):
                x = x - root[row + j] * root[column + j]
            if e < d:
                root[row + e] = above(root[column + e], 0.0, x / root[column + e], none)
            else:
                root[row + e] = above(x - (variance * NO_SPREAD + NO_VARIANCE), 0.0, root_lanes(x), none)
                rank[0] = rank[0] + above(root[row + e], 0.0, one, none)
            column += e + 1
        row += d + 1


cdef inline lanes log_odds_lanes(lanes q) noexcept nogil:
    """Return q/(1 - exp(-q)), as `_members.log_odds` does."""
    if any_above(q, 0.1):
        q = larger(q, all_lanes(1e-8))
        return q / saturated(q)
    return 1.0 + q * (0.5 + q * (1.0 / 12.0 - q * q * (1.0 / 720.0)))


cdef inline lanes nearly_normal(uint64_t seed, uint64_t first) noexcept nogil:
    """Draw numbers of the mean, variance and kurtosis of normal ones: polynomials of sums of four uniform ones."""
    cdef lanes x = (sum_of_quarters(random_words(seed, first, WORDS)) - 131070.0) * ROUGHLY
    return x * (x * x * CUBIC + LINEAR)


cdef inline void shorten(lanes *z, lanes n, lanes rank, lanes normal, Py_ssize_t D) noexcept nogil:
    """Scale vectors to the length sqrt(n); all other coordinates than z are those of normal numbers, as their squares.

    ``normal``: a normal number, for the sum of these squares, as in `_members.draw_sum_of_squares`.
    """
    cdef lanes squares = all_lanes(0.0), others = n - rank, narrow = root_lanes(all_lanes(2.0 / 9.0) / others), x
    cdef Py_ssize_t d
    for d in range(D):
        squares = squares + z[d] * z[d]
    x = larger(1.0 - narrow * narrow + narrow * normal, all_lanes(0.0))
    x = root_lanes(n / (squares + others * (x * x * x)))
    for d in range(D):
        z[d] = z[d] * x


cdef inline void draw_directions(const lanes *root, lanes n, lanes inverse_n, lanes rank, lanes sharpness, lanes *z,
                                 uint64_t seed, uint64_t first, Py_ssize_t D, Py_ssize_t A) noexcept nogil:
    """Draw the first coordinates of vectors of length sqrt(n) in n dimensions, as `_members.draw_direction` does.

    In many dimensions, with a pull that is much shorter, the length of a normal vector varies little and needs no
    scaling: `_members.offset_of` to first order in its square over n.
    """
    cdef lanes none = all_lanes(0.0), strength = none, x, few, y, offset
    cdef lanes[MOST_MODES] exact
    cdef bint any_few
    cdef Py_ssize_t d, e
    for e in range(D):
        z[e] = none
        for d in range(e, D):
            z[e] = z[e] + root[d * (d + 1) // 2 + e]
        if A < D:               # the others do not act
            z[e] = none
            for d in range(e, A):
                z[e] = z[e] + root[d * (d + 1) // 2 + e]
        z[e] = z[e] * sharpness
        strength = strength + z[e] * z[e]
    few = above(n - strength * WEAK, <double> (MANY_DIRECTIONS + MANY_FOR_EACH * D), none, all_lanes(1.0))
    any_few = any_above(few, 0.0)
    if any_few:
        x = root_lanes((n + 1.0) * (n + 1.0) * 0.25 + n * strength)
        offset = (n + 0.25) / root_lanes((n * n + 1.0) * 0.5 + (n - 1.0) * x)
    x = 1.0 - 0.5 * strength * inverse_n
    for d in range(D):
        y = nearly_normal(seed, first + 1 + d)
        if any_few:
            exact[d] = above(root[d * (d + 3) // 2], 0.0, y - offset * z[d], none)
        z[d] = above(root[d * (d + 3) // 2], 0.0, (y - x * z[d]) * x, none)
    if any_few:
        shorten(exact, n, rank, nearly_normal(seed, first + 1 + D), D)
        for d in range(D):
            z[d] = above(few, 0.5, exact[d], z[d])


cdef inline void part_groups(const Carried *carried, double *moments, Py_ssize_t stride, lanes neurons, lanes fired,
                             lanes sharpness, lanes parted, lanes *mixed, uint64_t seed, uint64_t first,
                             Py_ssize_t D) noexcept nogil:
    """Part the moments of `LANES` cohorts where ``parted`` is 1, as `_members.part` does; add to ``mixed``."""
    cdef lanes[MOST_MOMENTS] root
    cdef lanes[MOST_MODES] z, between, apart
    cdef lanes rank, x, before, mean, n = neurons - 1.0, staying = neurons - fired, weight = fired * parted
    cdef lanes inverse = all_lanes(1.0) / (fired * staying * (n * (neurons - 2.0)))     # dividing takes long: once
    cdef lanes narrow = root_lanes(inverse * (neurons - 2.0)), away = staying * narrow, back = fired * narrow
    cdef lanes each = inverse * (fired * staying * (neurons - 2.0)), all = inverse * (neurons * n)
    cdef lanes of_fired = all * (staying * (fired - 1.0)), of_others = all * (fired * (staying - 1.0))
    cdef Py_ssize_t d, e, k = D, row = 0
    find_roots(moments, stride, root, &rank, D)
    draw_directions(root, n, each, rank, away * fired * sharpness, z, seed, first, D, carried.acting)
    for d in range(D):
        between[d] = root[row] * z[0]
        for e in range(1, d + 1):
            between[d] = between[d] + root[row + e] * z[e]
        row += d + 1
        mean = load(moments + d * stride)
        apart[d] = mean + away * between[d] - carried.fired[d]
        mixed[d] = mixed[d] + weight * apart[d]
        store(moments + d * stride, above(parted, 0.5, mean - back * between[d], mean))
    for d in range(D):
        for e in range(d + 1):
            before = load(moments + k * stride)
            x = before - between[d] * between[e] * each
            if e == d:
                x = larger(x, all_lanes(0.0))
            mixed[k] = mixed[k] + weight * (of_fired * x + apart[d] * apart[e])
            store(moments + k * stride, above(parted, 0.5, of_others * x, before))
            k += 1


cdef inline void part_few(Population *pop, const Block *block, Py_ssize_t first, lanes parted,
                          double *mixed) noexcept nogil:
    """Part those cohorts of a group, beginning with ``first``, that have few members or of which all fire."""
    cdef double[LANES] done
    cdef double q
    cdef Py_ssize_t i
    store(done, parted)
    for i in range(first, first + LANES):
        if block.firing[i] > 0.0 and done[i - first] == 0.0:
            q = (block.ends[i] - block.ends[i - 1]) / block.survivors[i]
            part_members(&pop.carried, block.moments + i, block.stride, block.survivors[i], block.firing[i], q, mixed,
                         pop.random)


cdef inline void part_all(Population *pop, const Block *block, uint64_t seed, double *mixed,
                          Py_ssize_t D) noexcept nogil:
    """Part the moments of all cohorts, which have ``D`` modes; add those of who fires to ``mixed``."""
    cdef Py_ssize_t i = -((LANES - block.n % LANES) % LANES), k
    cdef lanes neurons, fired, parted, none = all_lanes(0.0), one = all_lanes(1.0), q
    cdef lanes[MOST_MOMENTS] sums
    for k in range(D + D * (D + 1) // 2):
        sums[k] = none
    while i < block.n:
        neurons, fired = load(block.survivors + i), load(block.firing + i)
        parted = above(fired, 0.0, above(neurons, <double> (D + FREE), above(neurons - fired, 0.0, one, none), none),
                       none)
        if any_above(fired - fired * parted, 0.0):
            part_few(pop, block, i, parted, mixed)
        if any_above(parted, 0.0):
            neurons, fired = above(parted, 0.5, neurons, all_lanes(D + FREE + 1.0)), above(parted, 0.5, fired, one)
            q = (load(block.ends + i) - load(block.ends + i - 1)) / neurons
            part_groups(&pop.carried, block.moments + i, block.stride, neurons, fired, log_odds_lanes(q), parted, sums,
                        seed, (block.n - 1 - i) * WORDS, D)
        i += LANES
    for k in range(D + D * (D + 1) // 2):
        mixed[k] += total(sums[k])


cdef inline void remove_all(const Block *block) noexcept nogil:
    """Take the neurons that fire out of their cohorts."""
    cdef Py_ssize_t i
    for i in range(block.n):
        block.survivors[i] -= block.firing[i]


cdef inline int64_t draw_all(Population *pop, const Block *block, double *mixed) noexcept nogil:
    """Draw who fires of cohorts side by side; remove them, and add their moments to ``mixed``; return how many.

    The lanes that are left over lie before the block, where there are no neurons.
    """
    cdef uint64_t seed = pop.random.next_uint64(pop.random.state)
    cdef Py_ssize_t D = pop.carried.D
    cdef double fired = draw_numbers(pop, block, seed)
    if D == 1:
        part_all(pop, block, seed, mixed, 1)
    elif D == 2:
        part_all(pop, block, seed, mixed, 2)
    elif D > 0:
        part_all(pop, block, seed, mixed, D)
    remove_all(block)
    return <int64_t> fired


cdef inline void part_together(Population *pop, const Block *block, const Hits *hits, double *mixed,
                               Py_ssize_t D) noexcept nogil:
    """Part the moments of cohorts that were hit, which have ``D`` modes; add those of who fires to ``mixed``.

    `LANES` cohorts at a time are gathered; those with few members are parted by themselves.
    """
    cdef uint64_t seed = pop.random.next_uint64(pop.random.state)
    cdef Py_ssize_t moments = D + D * (D + 1) // 2, start = 0, i, k, place
    cdef double[MOST_MOMENTS * LANES] gathered
    cdef double[LANES] neurons, fired, q, parted
    cdef lanes[MOST_MOMENTS] sums
    for k in range(moments):
        sums[k] = all_lanes(0.0)
    while start < hits.n:
        for i in range(LANES):
            neurons[i], fired[i], q[i], parted[i] = D + FREE + 1.0, 1.0, 0.0, 0.0
            if start + i < hits.n:
                place = hits.place[start + i]
                if block.survivors[place] > max(<double> (D + FREE), hits.fired[start + i]):
                    neurons[i], fired[i], q[i] = block.survivors[place], hits.fired[start + i], hits.q[start + i]
                    parted[i] = 1.0
            for k in range(moments):
                gathered[k * LANES + i] = block.moments[k * block.stride + place] if parted[i] > 0.0 else 0.0
        part_groups(&pop.carried, gathered, LANES, load(neurons), load(fired), log_odds_lanes(load(q)), load(parted),
                    sums, seed, (MOST_HITS - start) * WORDS, D)
        for i in range(min(<Py_ssize_t> LANES, hits.n - start)):
            place = hits.place[start + i]
            if parted[i] > 0.0:
                for k in range(moments):
                    block.moments[k * block.stride + place] = gathered[k * LANES + i]
            else:
                part_members(&pop.carried, block.moments + place, block.stride, block.survivors[place],
                             hits.fired[start + i], hits.q[start + i], mixed, pop.random)
        start += LANES
    for k in range(moments):
        mixed[k] += total(sums[k])


cdef inline void part_hits(Population *pop, const Block *block, const Hits *hits, double *mixed) noexcept nogil:
    """Part the moments of cohorts of which some neurons fire; add those of who fires to ``mixed``."""
    cdef Py_ssize_t D = pop.carried.D
    if D == 1:
        part_together(pop, block, hits, mixed, 1)
    elif D == 2:
        part_together(pop, block, hits, mixed, 2)
    else:
        part_together(pop, block, hits, mixed, D)
