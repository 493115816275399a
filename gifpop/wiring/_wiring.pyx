"""Draw connections: the targets of each source neuron in ascending order, all in one array.

``first`` (int64, n_pre + 1) and ``targets`` (int32): connections ``first[s]`` to ``first[s + 1]`` start at source
``s``. Generators are seeded with four random words.

What may take long calls a function of Python, ``look``, between pieces of the work; what that raises ends it.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

import numpy as np

from gifpop.common._xoshiro cimport Xoshiro, below, fill_below, next_word, seeded

cdef enum:
    PIECE = 1 << 20     # connections between two looks


def all_to_all(int64_t n_pre, int64_t n_post, bint without_self, look):
    """Connect every pair, optionally without autapses."""
    cdef int64_t degree = n_post - without_self, s = 0, end, t, n = 0
    cdef int64_t[::1] first = np.arange(n_pre + 1, dtype=np.int64) * degree
    cdef int32_t[::1] targets = np.empty(n_pre * degree, dtype=np.int32)
    while s < n_pre:
        look()
        end = min(n_pre, s + 1 + PIECE // n_post)
        with nogil:
            while s < end:
                for t in range(n_post):
                    if without_self and t == s:
                        continue
                    targets[n] = <int32_t> t
                    n += 1
                s += 1
    return np.asarray(first), np.asarray(targets)


def fixed_outdegree(int64_t n_pre, int64_t n_post, int64_t degree, bint without_self, bint multapses,
                    const uint64_t[::1] seed, look):
    """Draw ``degree`` targets for each source."""
    targets = np.empty((n_pre, degree), dtype=np.int32)
    cdef int32_t[:, ::1] rows = targets
    cdef uint8_t[::1] taken = np.zeros(n_post, dtype=np.uint8)
    cdef Xoshiro random = seeded(&seed[0])
    cdef int64_t s = 0, begin, end
    while degree > 0 and s < n_pre:
        look()
        begin, end = s, min(n_pre, s + 1 + PIECE // degree)
        with nogil:
            while s < end:
                draw(&random, <uint32_t *> &rows[s, 0], degree, n_post, s if without_self else -1, multapses, &taken[0])
                s += 1
        targets[begin:end].sort(axis=1)
    return np.arange(n_pre + 1, dtype=np.int64) * degree, targets.ravel()


def fill_rows(const int32_t[::1] shares, int64_t n, int64_t offset, bint without_self, bint multapses,
              const uint64_t[::1] seed, int64_t[::1] first, int32_t[::1] targets, look):
    """Draw ``shares[t]`` of ``n`` sources for each target ``t``, and write the rows of these sources.

    Parameters
    ----------
    shares : int32 array of length n_post
    n : int
    offset : int
        With ``without_self``: the target that is the first source itself; the next one is the second source.
    without_self, multapses : bool
    seed : uint64 array of length 4
    first : int64 array of length n + 1
        ``first[0]`` is given, the others are written.
    targets : int32 array
        Written from ``first[0]`` to ``first[n]``.
    """
    cdef int64_t size = np.sum(shares, dtype=np.int64), n_post = shares.shape[0], t = 0, begin, end, place = 0
    cdef uint32_t[::1] sources = np.empty(max(1, size), dtype=np.uint32)
    cdef uint8_t[::1] taken = np.zeros(n, dtype=np.uint8)
    cdef int64_t[::1] places
    cdef Xoshiro random = seeded(&seed[0])
    if size == 0:
        first[1:] = first[0]
        return
    while t < n_post:
        look()
        end = place + PIECE
        with nogil:
            while t < n_post and place < end:
                draw(&random, &sources[place], shares[t], n, t - offset if without_self else -1, multapses, &taken[0])
                place += shares[t]
                t += 1
    first[1:] = 0
    for begin in range(0, size, PIECE):
        look()
        with nogil:
            count_rows(&sources[begin], min(PIECE, size - begin), &first[1])
    for t in range(n):
        first[t + 1] += first[t]
    places = np.array(first)
    t = place = 0
    while t < n_post:
        look()
        begin, end = t, place
        with nogil:
            while t < n_post and place < end + PIECE:
                place += shares[t]
                t += 1
            scatter(&sources[end], &shares[0], begin, t, &places[0], &targets[0])


def by_source(const int64_t[::1] sources, const int64_t[::1] targets, int64_t n_pre, int64_t n_post, look):
    """Sort given pairs by source, then target, equal ones in their order; return also where each has come from."""
    order = sort_by(sources, n_pre, sort_by(targets, n_post, np.arange(len(sources)), look), look)
    first = np.zeros(n_pre + 1, dtype=np.int64)
    np.cumsum(np.bincount(sources, minlength=n_pre), out=first[1:])
    return first, np.asarray(targets)[order].astype(np.int32), order


def sort_by(const int64_t[::1] keys, int64_t n_keys, const int64_t[::1] order, look):
    """Return ``order`` (numbers of keys) sorted by keys in [0, n_keys), equal ones as they were."""
    cdef int64_t[::1] sorted_order = np.empty(len(order), dtype=np.int64)
    cdef int64_t[::1] places = np.zeros(n_keys + 1, dtype=np.int64)
    cdef int64_t n = order.shape[0], i, begin, key
    for begin in range(0, n, PIECE):
        look()
        with nogil:
            for i in range(begin, min(n, begin + PIECE)):
                places[keys[i] + 1] += 1
    with nogil:
        for i in range(n_keys):
            places[i + 1] += places[i]
    for begin in range(0, n, PIECE):
        look()
        with nogil:
            for i in range(begin, min(n, begin + PIECE)):
                key = keys[order[i]]
                sorted_order[places[key]] = order[i]
                places[key] += 1
    return np.asarray(sorted_order)


def random_words(const uint64_t[::1] seed, Py_ssize_t size):
    """Return the first words of a generator (for tests)."""
    cdef Xoshiro random = seeded(&seed[0])
    return np.array([next_word(&random) for _ in range(size)], dtype=np.uint64)


def random_integers(const uint64_t[::1] seed, uint32_t n, Py_ssize_t size):
    """Return integers in [0, n) (for tests)."""
    cdef Xoshiro random = seeded(&seed[0])
    cdef uint32_t[::1] values = np.empty(size, dtype=np.uint32)
    fill_below(&random, n, &values[0], size)
    return np.asarray(values)


cdef void draw(Xoshiro *random, uint32_t *chosen, int64_t k, uint32_t n, int64_t excluded, bint repeat,
               uint8_t *taken) noexcept nogil:
    """Draw ``k`` of [0, n), but not ``excluded`` if that is among them, with or without repetition.

    ``taken`` has n entries, all zero before and after.
    """
    cdef int64_t i
    if excluded >= n:
        excluded = -1
    if not repeat:
        draw_distinct(random, chosen, k, n, excluded, taken)
        return
    fill_below(random, n, chosen, k)
    if excluded >= 0:
        for i in range(k):
            while chosen[i] == excluded:
                chosen[i] = below(random, n)


cdef void draw_distinct(Xoshiro *random, uint32_t *chosen, int64_t k, uint32_t n, int64_t excluded,
                        uint8_t *taken) noexcept nogil:
    """Draw ``k`` different ones; if these are more than half, draw the ones to leave out."""
    cdef int64_t candidates = n - (excluded >= 0), drawn = min(k, candidates - k), i, found = 0
    cdef uint32_t candidate
    if excluded >= 0:
        taken[excluded] = 1
    for i in range(drawn):
        candidate = below(random, n)
        while taken[candidate]:
            candidate = below(random, n)
        taken[candidate] = 1
        chosen[i] = candidate
    if drawn == k:
        for i in range(k):
            taken[chosen[i]] = 0
        if excluded >= 0:
            taken[excluded] = 0
    else:
        for candidate in range(n):
            if not taken[candidate]:
                chosen[found] = candidate
                found += 1
        memset(taken, 0, n)


cdef void count_rows(const uint32_t *sources, int64_t size, int64_t *lengths) noexcept nogil:
    """Add to the length of each source's row the number of times it occurs in ``sources``."""
    cdef int64_t i
    for i in range(size):
        lengths[sources[i]] += 1


cdef void scatter(const uint32_t *sources, const int32_t *shares, int64_t begin, int64_t end, int64_t *places,
                  int32_t *targets) noexcept nogil:
    """Write targets from ``begin`` to ``end`` into the rows of their sources, at their places, which move on."""
    cdef int64_t t, i, n, a, b
    for t in range(begin, end):
        n = shares[t]
        for i in range(0, n - 1, 2):        # two by two: both places are known before either is used
            a = places[sources[i]]
            places[sources[i]] = a + 1
            b = places[sources[i + 1]]
            places[sources[i + 1]] = b + 1
            targets[a] = targets[b] = <int32_t> t
        if n % 2:
            targets[places[sources[n - 1]]] = <int32_t> t
            places[sources[n - 1]] += 1
        sources += n
