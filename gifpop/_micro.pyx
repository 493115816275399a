"""Groups of GIF neurons: their arrays, and what happens at a spike."""

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t
from numpy.random cimport bitgen_t
from numpy.random.c_distributions cimport random_standard_exponential

import numpy as np

from gifpop._types cimport STREAM_BLOCK as _STREAM_BLOCK
from gifpop._types cimport TILE as _TILE
from gifpop._types cimport WIDEST as _WIDEST
from gifpop._types cimport Arrivals, Neurons, Parameter, advance_neurons_t

TILE = _TILE
WIDEST = _WIDEST
STREAM_BLOCK = _STREAM_BLOCK
RECORDABLES = ("V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in")
PARAMETERS = ("leak", "constant_drive", "current_gain", "carry_ex", "carry_in", "decay_ex", "decay_in", "V_reset",
              "V_T_star", "inverse_Delta_V", "hazard", "refractory")
TERMS = ("sfa_decay", "sfa_jump", "stc_decay", "stc_jump")
STATE = ("V_m", "I_syn_ex", "I_syn_in", "E_sfa", "I_stc", "pause", "budget")

cdef advance_neurons_t advance_neurons = NULL


def use_neurons(module):
    """Take the loops over neurons from a module compiled from ``_neurons.pyx``."""
    global advance_neurons
    capsule = module.__pyx_capi__["advance_neurons"]
    advance_neurons = <advance_neurons_t> PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))


cdef Parameter bind(const double[:, ::1] values, Py_ssize_t places):
    cdef Parameter parameter
    parameter.value = &values[0, 0] if values.shape[0] else NULL
    parameter.stride = values.shape[1] == places
    return parameter


cdef class MicroPopulation:
    """Bind the arrays and random streams of a group of neurons for the time loop.

    Parameters
    ----------
    N : int
        Neurons.
    parameters : dict of str to float64 array
        ``PARAMETERS``, shape (1, n), and ``TERMS``, shape (terms, n), where n is ``places`` for a value for each neuron
        or ``TILE`` for one value repeated.
    state : dict of str to float64 array
        ``STATE``, shape (1, places), ``sfa`` and ``stc``, shape (terms, places); places is N rounded up to a multiple
        of ``WIDEST``, with budgets that last for ever behind the last neuron.
    bit_generators : sequence of numpy.random.BitGenerator
        One for each ``STREAM_BLOCK`` neurons.
    """

    def __init__(self, Py_ssize_t N, parameters, state, bit_generators):
        cdef Neurons *g = &self.neurons
        cdef double[:, ::1] V_m = state["V_m"], I_syn_ex = state["I_syn_ex"], I_syn_in = state["I_syn_in"]
        cdef double[:, ::1] E_sfa = state["E_sfa"], I_stc = state["I_stc"], pause = state["pause"]
        cdef double[:, ::1] budget = state["budget"], sfa = state["sfa"], stc = state["stc"]
        cdef uint8_t[::1] due
        cdef Py_ssize_t places = V_m.shape[1]
        due_tiles = np.zeros((places + _TILE - 1) // _TILE, dtype=np.uint8)
        self.arrays = (dict(parameters), dict(state), due_tiles)
        self.bit_generators = tuple(bit_generators)
        g.N, g.places, g.J, g.S = N, places, sfa.shape[0], stc.shape[0]
        g.leak = bind(parameters["leak"], places)
        g.constant_drive = bind(parameters["constant_drive"], places)
        g.current_gain = bind(parameters["current_gain"], places)
        g.carry_ex = bind(parameters["carry_ex"], places)
        g.carry_in = bind(parameters["carry_in"], places)
        g.decay_ex = bind(parameters["decay_ex"], places)
        g.decay_in = bind(parameters["decay_in"], places)
        g.V_reset = bind(parameters["V_reset"], places)
        g.V_T_star = bind(parameters["V_T_star"], places)
        g.inverse_Delta_V = bind(parameters["inverse_Delta_V"], places)
        g.hazard = bind(parameters["hazard"], places)
        g.refractory = bind(parameters["refractory"], places)
        g.sfa_decay = bind(parameters["sfa_decay"], places)
        g.sfa_jump = bind(parameters["sfa_jump"], places)
        g.stc_decay = bind(parameters["stc_decay"], places)
        g.stc_jump = bind(parameters["stc_jump"], places)
        g.V_m, g.I_syn_ex, g.I_syn_in = &V_m[0, 0], &I_syn_ex[0, 0], &I_syn_in[0, 0]
        g.E_sfa, g.I_stc, g.pause, g.budget = &E_sfa[0, 0], &I_stc[0, 0], &pause[0, 0], &budget[0, 0]
        g.sfa = &sfa[0, 0] if g.J else NULL
        g.stc = &stc[0, 0] if g.S else NULL
        due = due_tiles
        g.due = &due[0]
        self._bind_streams()

    def _bind_streams(self):
        cdef size_t[::1] streams
        self._streams = np.array(
            [<size_t> PyCapsule_GetPointer(b.capsule, "BitGenerator") for b in self.bit_generators], dtype=np.uintp
        )
        streams = self._streams
        self.neurons.random = <bitgen_t **> &streams[0]


def draw_budgets(double[::1] budget, bit_generators):
    """Draw the hazard that each neuron takes until its first spike, from the streams of its blocks."""
    cdef Py_ssize_t i
    cdef bitgen_t *random = NULL
    for i in range(budget.shape[0]):
        if i % _STREAM_BLOCK == 0:
            random = <bitgen_t *> PyCapsule_GetPointer(bit_generators[i // _STREAM_BLOCK].capsule, "BitGenerator")
        budget[i] = random_standard_exponential(random)


cdef inline double value(const Parameter *p, Py_ssize_t j, Py_ssize_t places, Py_ssize_t i) noexcept nogil:
    """Value of the j-th row of a parameter for neuron i."""
    return p.value[j * places + i] if p.stride else p.value[j * _TILE]


cdef void spike(Neurons *g, Py_ssize_t i) noexcept nogil:
    """What a spike does to its neuron."""
    cdef Py_ssize_t j
    for j in range(g.J):
        g.sfa[j * g.places + i] += value(&g.sfa_jump, j, g.places, i)
    for j in range(g.S):
        g.stc[j * g.places + i] += value(&g.stc_jump, j, g.places, i)
    g.pause[i] = value(&g.refractory, 0, g.places, i)


cdef Py_ssize_t step_neurons(Neurons *group, Arrivals *arrivals, int32_t *fired) noexcept nogil:
    """Advance a group one step; write the neurons that fire to ``fired`` and return how many."""
    cdef Py_ssize_t tile, i, n = 0
    advance_neurons(group, arrivals)
    for tile in range((group.N + _TILE - 1) // _TILE):
        if not group.due[tile]:
            continue
        for i in range(tile * _TILE, min((tile + 1) * _TILE, group.N)):
            if group.budget[i] < 0.0:
                group.budget[i] = random_standard_exponential(group.random[i // _STREAM_BLOCK])
                spike(group, i)
                fired[n] = <int32_t> i
                n += 1
    return n


cdef void step_forced(Neurons *group, Arrivals *arrivals, const int32_t *fired, Py_ssize_t n) noexcept nogil:
    """Advance a group one step in which the given neurons fire, whatever their hazard."""
    cdef Py_ssize_t i
    advance_neurons(group, arrivals)
    for i in range(n):
        spike(group, fired[i])


cdef const double *recordable(const Neurons *group, int64_t variable) noexcept nogil:
    """Where a variable of the neurons stands after each step, by its place in ``RECORDABLES``."""
    if variable == 0:
        return group.V_m
    if variable == 1:
        return group.E_sfa
    if variable == 2:
        return group.I_stc
    if variable == 3:
        return group.I_syn_ex
    return group.I_syn_in
