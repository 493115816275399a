"""Read many numbers at once: lists as arrays, times as steps."""

from cpython.bool cimport PyBool_Check
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.long cimport PyLong_CheckExact
from libc.math cimport fabs, floor
from libc.stdint cimport int64_t

import numpy as np

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1


def floats(values):
    """Return a float64 array of a list or tuple of numbers of Python; None if an element is anything else.

    Also None if an element is an integer that 64 bits do not hold. Floats of numpy are floats of Python, its other
    numbers are not.
    """
    cdef double[::1] array = np.empty(len(values))
    cdef Py_ssize_t i
    cdef int overflow = 0
    cdef object value
    for i in range(array.shape[0]):
        value = values[i]
        if PyFloat_Check(value):
            array[i] = PyFloat_AS_DOUBLE(value)
        elif PyLong_CheckExact(value) or PyBool_Check(value):
            array[i] = <double> PyLong_AsLongLongAndOverflow(value, &overflow)
            if overflow:
                return None
        else:
            return None
    return array.base


def steps_on_grid(const double[::1] times, int64_t tics_per_ms, int64_t tics_per_step, double longest, bint offgrid):
    """Return times as steps (int64 array), and the first of them that is no step, or -1.

    Times are rounded to tics, halves up. Between two steps they are rounded up if ``offgrid``, else they are no steps;
    nor are those before 0, of ``longest`` or more, or that are not a number.
    """
    cdef int64_t[::1] steps = np.empty(times.shape[0], dtype=np.int64)
    cdef Py_ssize_t i
    cdef int64_t tics
    for i in range(times.shape[0]):
        if not fabs(times[i]) < longest:
            return steps.base, i
        tics = <int64_t> floor(times[i] * <double> tics_per_ms + 0.5)
        steps[i] = tics // tics_per_step
        if tics < 0 or (tics != steps[i] * tics_per_step and not offgrid):
            return steps.base, i
        steps[i] += tics != steps[i] * tics_per_step
    return steps.base, -1
