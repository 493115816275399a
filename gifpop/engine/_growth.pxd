"""Growth of C arrays whose length is not known in advance."""

from libc.stdlib cimport realloc


cdef inline void *grown(void *items, Py_ssize_t *capacity, Py_ssize_t n, size_t size) noexcept nogil:
    """Return an array with room for ``n`` items, moved and twice as long if it was too short.

    NULL: no memory; nothing has changed then.
    """
    cdef void *moved
    if items != NULL and n <= capacity[0]:
        return items
    moved = realloc(items, 2 * (n + 1) * size)
    if moved != NULL:
        capacity[0] = 2 * (n + 1)
    return moved
