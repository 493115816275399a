"""Groups of GIF neurons: their arrays, and their spikes."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from gifpop.engine._dispatch cimport loops
from gifpop.micro._firing cimport fire, renew_budget
from gifpop.micro._group cimport TILE as _TILE
from gifpop.engine._exchange cimport NO_MEMORY, WELL, Arrivals, Probes, Spike, SpikeList
from gifpop.engine._growth cimport grown
from gifpop.micro._group cimport Neurons, PerNeuron

TILE = _TILE
PARAMETERS = ("leak", "constant_drive", "current_gain", "V_reset", "V_T_star", "slope", "threshold", "refractory")
TERMS = {"carry": "I_syn", "decay": "I_syn", "arrive": "I_syn", "input": "I_syn", "sfa_decay": "sfa",
         "sfa_jump": "sfa", "stc_decay": "stc", "stc_jump": "stc",
         "stc_carry": "stc"}    # parameters with a row for each row of this part of the state
OF_TRAPEZOID = ("arrive", "input", "stc_carry")     # of no rows otherwise
VARIOUS = ("leak", "constant_drive", "current_gain", "carry", "decay", "arrive", "input", "V_reset", "slope",
           "threshold")
STATE = ("V_m", "E_sfa", "I_stc", "pause", "budget", "draws")


cdef PerNeuron bind(const double[:, ::1] values, Py_ssize_t places):
    cdef PerNeuron parameter
    parameter.value = &values[0, 0] if values.shape[0] else NULL
    parameter.stride, parameter.row = values.shape[1] == places, values.shape[1]
    return parameter


cdef double *rows(double[:, ::1] values):
    return &values[0, 0] if values.shape[0] else NULL


cdef class MicroPopulation:
    """Bind the arrays of a group of neurons for the time loop.

    Parameters
    ----------
    plan : gifpop.micro.plan.NeuronPlan
        ``parameters``: ``PARAMETERS``, shape (1, n), and ``TERMS``, shape (terms, n), where n is ``places`` for a value
        for each neuron or ``TILE`` for one value repeated. ``state``: ``STATE``, shape (1, places), and ``I_syn``,
        ``sfa`` and ``stc``, shape (terms, places); places is N rounded up to a multiple of ``TILE``, with budgets that
        last for ever behind the last neuron. ``trapezoid``: whether neurons are discretized as populations are;
        ``late``: whether they are as in NEST's gif_psc_exp_multisynapse.
    key : uint64 array of length 2
        Of the group's random numbers.

    Attributes
    ----------
    recordables : tuple of float64 array
        What can be recorded of each neuron after each step.
    """

    def __init__(self, plan, const uint64_t[::1] key):
        cdef Neurons *g = &self.neurons
        cdef dict parameters = dict(plan.parameters), state = dict(plan.state)
        cdef Py_ssize_t places = state["V_m"].shape[1]
        self.kept, self.recordables = (parameters, state), plan.recorded
        g.N, g.places, g.trapezoid, g.late = plan.N, places, plan.trapezoid, plan.late
        g.J, g.S, g.R = len(state["sfa"]), len(state["stc"]), len(state["I_syn"])
        g.leak = bind(parameters["leak"], places)
        g.constant_drive = bind(parameters["constant_drive"], places)
        g.current_gain = bind(parameters["current_gain"], places)
        g.carry = bind(parameters["carry"], places)
        g.decay = bind(parameters["decay"], places)
        g.arrive = bind(parameters["arrive"], places)
        g.input = bind(parameters["input"], places)
        g.V_reset = bind(parameters["V_reset"], places)
        g.V_T_star = bind(parameters["V_T_star"], places)
        g.slope = bind(parameters["slope"], places)
        g.threshold = bind(parameters["threshold"], places)
        g.refractory = bind(parameters["refractory"], places)
        g.sfa_decay = bind(parameters["sfa_decay"], places)
        g.sfa_jump = bind(parameters["sfa_jump"], places)
        g.stc_decay = bind(parameters["stc_decay"], places)
        g.stc_jump = bind(parameters["stc_jump"], places)
        g.stc_carry = bind(parameters["stc_carry"], places)
        g.various = any(parameters[name].shape[1] == places for name in VARIOUS)
        g.V_m, g.I_syn, g.pause = rows(state["V_m"]), rows(state["I_syn"]), rows(state["pause"])
        g.E_sfa, g.I_stc = rows(state["E_sfa"]), rows(state["I_stc"])
        g.budget, g.draws = rows(state["budget"]), rows(state["draws"])
        g.sfa, g.stc = rows(state["sfa"]), rows(state["stc"])
        g.key[0], g.key[1] = key[0], key[1]


def draw_budgets(MicroPopulation population, Py_ssize_t first):
    """Draw the hazard that each neuron, from the first one on, takes until its next spike."""
    cdef Py_ssize_t i
    for i in range(first, population.neurons.N):
        renew_budget(&population.neurons, i)


cdef int64_t advance_block(Neurons *group, const Arrivals *arrivals, Py_ssize_t begin, Py_ssize_t end,
                           Py_ssize_t steps, Probes probes, SpikeList *spikes) noexcept nogil:
    """Advance the neurons from ``begin``, where a tile begins, to ``end``.

    Return WELL, NO_MEMORY for their spikes, or the first step in which a number was not finite. The spikes come out in
    order of tile, step and neuron.
    """
    cdef Py_ssize_t start = begin
    cdef int64_t status = WELL
    spikes.n = 0
    while start < end:
        if not reserve(spikes, spikes.n + _TILE * steps):
            return NO_MEMORY
        status = earlier(status, loops.advance_tile(group, arrivals, start, min(<Py_ssize_t> _TILE, end - start), steps,
                                                    of_tile(&probes, start), spikes))
        start += _TILE
    return status


cdef inline int64_t earlier(int64_t status, int64_t other) noexcept nogil:
    """Return the earlier one of two steps in which a number was not finite; WELL: never."""
    return other if status == WELL or WELL < other < status else status


cdef int64_t advance_forced(Neurons *group, const Arrivals *arrivals, const int32_t *fired, const int64_t *counts,
                            Py_ssize_t steps, Probes probes) noexcept nogil:
    """Advance all neurons; whatever their hazard, those in ``fired`` fire, ``counts`` of them in each step.

    Return WELL, or the step in which a number was not finite; nothing has fired in it.
    """
    cdef Py_ssize_t step, start, i
    cdef int64_t status = WELL
    cdef Probes left
    for step in range(steps):
        left = probes
        start = 0
        while start < group.N:
            status = earlier(status, loops.advance_tile(group, &arrivals[step], start,
                                                        min(<Py_ssize_t> _TILE, group.N - start), 1,
                                                        of_tile(&left, start), NULL))
            start += _TILE
        if status != WELL:
            return step
        for i in range(probes.n):
            probes.first[i].record += probes.stride
        for i in range(counts[step]):
            fire(group, fired[i])
        fired += counts[step]
    return WELL


cdef Probes of_tile(Probes *probes, Py_ssize_t start) noexcept nogil:
    """Take the probes of a tile, which come first."""
    cdef Probes own = probes[0]
    own.n = 0
    while own.n < probes.n and probes.first[own.n].unit < start + _TILE:
        own.n += 1
    probes.first += own.n
    probes.n -= own.n
    return own


cdef bint reserve(SpikeList *spikes, Py_ssize_t n) noexcept nogil:
    """Make room for ``n`` spikes in all."""
    cdef void *items = grown(spikes.items, &spikes.capacity, n, sizeof(Spike))
    if items == NULL:
        return False
    spikes.items = <Spike *> items
    return True
