"""Draw connections: for each source neuron its targets, side by side in one array.

All functions return ``first`` (int64, n_pre + 1) and ``targets`` (int32): connections ``first[s]`` to ``first[s + 1]``
start at source ``s``. Rules that draw for each target run twice over the same random numbers, first to count and then
to write, so that nothing else is held in memory.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport floor, log1p
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport random_standard_exponential

import numpy as np


cdef bitgen_t *stream(bit_generator) except NULL:
    return <bitgen_t *> PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")


cdef inline uint32_t below(bitgen_t *random, uint32_t n) noexcept nogil:
    """An integer in [0, n), every one with the same probability (Lemire 2019, ACM TOMACS 29(1):3)."""
    cdef uint64_t product = <uint64_t> random.next_uint32(random.state) * n
    cdef uint32_t least
    if <uint32_t> product < n:
        least = (0 - n) % n
        while <uint32_t> product < least:
            product = <uint64_t> random.next_uint32(random.state) * n
    return product >> 32


cdef inline uint32_t other(bitgen_t *random, uint32_t n, int64_t excluded) noexcept nogil:
    """An integer in [0, n) other than ``excluded`` (-1: any)."""
    cdef uint32_t i
    if excluded < 0 or excluded >= n:
        return below(random, n)
    i = below(random, n - 1)
    return i + 1 if i >= excluded else i


cdef void choose(bitgen_t *random, int32_t *chosen, int64_t k, uint32_t n, int64_t excluded, bint repeat,
                 uint8_t *taken) noexcept nogil:
    """Draw ``k`` of [0, n) without ``excluded``, with or without repetition; ``taken`` is all zero before and after."""
    cdef int64_t i
    cdef uint32_t candidate
    for i in range(k):
        candidate = other(random, n, excluded)
        if not repeat:
            while taken[candidate]:
                candidate = other(random, n, excluded)
            taken[candidate] = 1
        chosen[i] = candidate
    if not repeat:
        for i in range(k):
            taken[chosen[i]] = 0


cdef void cumulate(int64_t[::1] counts) noexcept nogil:
    """Turn counts, shifted by one, into first indices."""
    cdef Py_ssize_t i
    for i in range(1, counts.shape[0]):
        counts[i] += counts[i - 1]


def all_to_all(int64_t n_pre, int64_t n_post, bint without_self):
    """Every pair, or every pair but those of a neuron with itself."""
    cdef int64_t degree = n_post - without_self, s, t, n = 0
    cdef int64_t[::1] first = np.arange(n_pre + 1, dtype=np.int64) * degree
    cdef int32_t[::1] targets = np.empty(n_pre * degree, dtype=np.int32)
    with nogil:
        for s in range(n_pre):
            for t in range(n_post):
                if without_self and t == s:
                    continue
                targets[n] = <int32_t> t
                n += 1
    return np.asarray(first), np.asarray(targets)


def fixed_outdegree(int64_t n_pre, int64_t n_post, int64_t degree, bint same, bint autapses, bint multapses,
                    bit_generator):
    """``degree`` targets for each source; ``same``: sources and targets are the same neurons."""
    cdef int64_t[::1] first = np.arange(n_pre + 1, dtype=np.int64) * degree
    cdef int32_t[::1] targets = np.empty(n_pre * degree, dtype=np.int32)
    cdef uint8_t[::1] taken = np.zeros(n_post, dtype=np.uint8)
    cdef bitgen_t *random = stream(bit_generator)
    cdef int64_t s
    if degree == 0:
        return np.asarray(first), np.asarray(targets)
    with nogil:
        for s in range(n_pre):
            choose(random, &targets[s * degree], degree, n_post, s if same and not autapses else -1, multapses,
                   &taken[0])
    return np.asarray(first), np.asarray(targets)


def fixed_indegree(int64_t n_pre, int64_t n_post, int64_t degree, bint same, bint autapses, bint multapses,
                   bit_generator):
    """``degree`` sources for each target."""
    cdef int64_t[::1] first = np.zeros(n_pre + 1, dtype=np.int64)
    cdef int64_t[::1] place
    cdef int32_t[::1] targets = np.empty(n_post * degree, dtype=np.int32)
    cdef int32_t[::1] sources = np.empty(max(degree, 1), dtype=np.int32)
    cdef uint8_t[::1] taken = np.zeros(n_pre, dtype=np.uint8)
    cdef bitgen_t *random = stream(bit_generator)
    cdef int64_t i, t
    cdef bint writing
    state = bit_generator.state
    for writing in (False, True):
        bit_generator.state = state
        if writing:
            cumulate(first)
            place = np.array(first)
        with nogil:
            for t in range(n_post):
                choose(random, &sources[0], degree, n_pre, t if same and not autapses else -1, multapses, &taken[0])
                if writing:
                    for i in range(degree):
                        targets[place[sources[i]]] = t
                        place[sources[i]] += 1
                else:
                    for i in range(degree):
                        first[sources[i] + 1] += 1
    return np.asarray(first), np.asarray(targets)


def fixed_total_number(int64_t n_pre, int64_t n_post, int64_t total, bint same, bint autapses, bit_generator):
    """``total`` pairs, repetition allowed."""
    cdef int64_t[::1] first = np.zeros(n_pre + 1, dtype=np.int64)
    cdef int64_t[::1] place
    cdef int32_t[::1] targets = np.empty(total, dtype=np.int32)
    cdef bitgen_t *random = stream(bit_generator)
    cdef int64_t _i
    cdef uint32_t s, t
    cdef bint writing
    state = bit_generator.state
    for writing in (False, True):
        bit_generator.state = state
        if writing:
            cumulate(first)
            place = np.array(first)
        with nogil:
            for _i in range(total):
                s = below(random, n_pre)
                t = other(random, n_post, s if same and not autapses else -1)
                if writing:
                    targets[place[s]] = t
                    place[s] += 1
                else:
                    first[s + 1] += 1
    return np.asarray(first), np.asarray(targets)


def pairwise_bernoulli(int64_t n_pre, int64_t n_post, double p, bint same, bint autapses, bit_generator):
    """Each pair with probability ``p``: the gaps between connected pairs are geometric."""
    cdef int64_t[::1] first = np.zeros(n_pre + 1, dtype=np.int64)
    cdef int32_t[::1] targets = np.empty(0, dtype=np.int32)
    cdef bitgen_t *random = stream(bit_generator)
    cdef double log_q = log1p(-p) if p < 1.0 else 0.0, gap
    cdef int64_t s, t, n = 0
    cdef bint writing
    if p <= 0.0:
        return np.asarray(first), np.asarray(targets)
    state = bit_generator.state
    for writing in (False, True):
        bit_generator.state = state
        if writing:
            targets = np.empty(n, dtype=np.int32)
            n = 0
        with nogil:
            for s in range(n_pre):
                t = -1
                while True:
                    gap = floor(random_standard_exponential(random) / -log_q) if p < 1.0 else 0.0
                    if gap >= n_post - t:
                        break
                    t += 1 + <int64_t> gap
                    if t >= n_post:
                        break
                    if same and not autapses and t == s:
                        continue
                    if writing:
                        targets[n] = t
                    n += 1
                first[s + 1] = n
    return np.asarray(first), np.asarray(targets)


def by_source(const int64_t[::1] sources, const int64_t[::1] targets, int64_t n_pre):
    """Sort given pairs by source, keeping their order otherwise; return also where each pair has come to."""
    cdef int64_t[::1] first = np.zeros(n_pre + 1, dtype=np.int64)
    cdef int32_t[::1] sorted_targets = np.empty(sources.shape[0], dtype=np.int32)
    cdef int64_t[::1] order = np.empty(sources.shape[0], dtype=np.int64)
    cdef int64_t[::1] place
    cdef int64_t i
    with nogil:
        for i in range(sources.shape[0]):
            first[sources[i] + 1] += 1
        cumulate(first)
    place = np.array(first)
    with nogil:
        for i in range(sources.shape[0]):
            sorted_targets[place[sources[i]]] = <int32_t> targets[i]
            order[place[sources[i]]] = i
            place[sources[i]] += 1
    return np.asarray(first), np.asarray(sorted_targets), np.asarray(order)
