"""Groups, links and input in transit, as the time loop sees them.

Groups are mesoscopic populations (one unit), groups of neurons and of relays (a unit each). A link carries what its
source emits in step ``k`` to its target, where it is used in step ``k + lag``: to all units at once, or to single ones.
What comes from groups and what comes from generators is added up apart, so that the sums do not depend on when which of
the two is delivered.
"""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t
from numpy.random cimport bitgen_t

from gifpop.engine._tempo cimport Tempo
from gifpop.engine._exchange cimport Arrivals, Probe, Probes, SpikeList
from gifpop.engine._relays cimport Relays
from gifpop.meso._population cimport Population
from gifpop.micro._group cimport Neurons


cdef enum:                  # kinds of amounts; spikes are numbered by their receptor
    EXCITATORY = 0
    INHIBITORY = 1
    CURRENT = -1
    VARIANCE = -2           # between the neurons of a population, of spikes at receptor 0; at receptor r: VARIANCE - r


cdef struct Group:
    Population *meso        # two of the three are NULL
    Neurons *micro
    Relays *relays
    Py_ssize_t n            # units
    Py_ssize_t offset       # neurons of the groups before
    Py_ssize_t R            # receptors
    Py_ssize_t slots        # of the ring buffers; step k reads slot k % slots
    Py_ssize_t row          # length of a row of the ring buffers of single neurons
    Py_ssize_t width        # of a slot of the input to all units
    double *shared          # to all units, (slots, width), from groups
    double *shared_external     # likewise, from generators
    double *sums            # to single neurons, (slots, R, row), from groups; NULL: none, or counts
    uint16_t *counts        # the same as numbers of spikes of equal weight
    const double *unit      # that weight, for each receptor, pA
    double *external        # to single neurons, (slots, R + 1, row), from generators; NULL: none
    const double **recordables  # the variables that can be recorded, an entry for each unit
    bint forced             # spikes are prescribed


cdef struct Synapse:        # that its spikes change (Tsodyks and Markram); a line of the cache
    double U                # share of the resources that a spike releases after a long pause
    double tau_rec          # of their recovery
    double tau_fac          # with which facilitation ends; 0: there is none
    double tau_psc          # with which released resources become inactive, before they recover; 0: they are at once
    double x                # resources at the last spike: before what it released; with tau_psc, after
    double y                # released ones, after it
    double u                # share that it released
    double last             # its step; < -1: there was none


cdef struct Plasticity:     # short-term, of the spikes of each source unit of a link
    double dt               # a step, in the unit of the time constants
    bint squared            # the square of what a spike releases is delivered, for variances
    bint whole              # spikes arrive as they are: relays repeat them
    Synapse *synapses       # one for each source unit, or
    const int64_t *places   # the one of each single connection; NULL: those of a source unit are one


cdef struct Thinning:       # of the spikes along the connections of a link
    double probability      # that a spike passes
    const double *probabilities     # of each connection; NULL: all alike
    const uint64_t *key     # of the random numbers


cdef struct Link:
    Group *target
    int64_t lag             # steps between emission and use
    int64_t place           # of its kind of amount in a slot of the target
    bint by_sign            # the sign of each weight selects one of the first two receptors
    double weight           # pA, or pA^2 of a variance; of every connection, or a factor of `weights`
    uint16_t multiple       # of the target's unit, where it counts
    const int64_t *first    # connections first[u] to first[u + 1] start at unit u; NULL: one to all units
    const int32_t *units    # their targets, ascending
    const double *weights   # pA; NULL: all alike
    const int32_t *lags     # NULL: all alike
    Plasticity *plasticity  # NULL: spikes do not change what others deliver, or the source knows
    const double *released  # in each step of a slice, by the spikes of a population that does; NULL: it does not
    Py_ssize_t stride       # from one step to the next
    const Thinning *thinning    # NULL: all spikes pass
    bint external           # from a generator


cdef struct Delivery:       # of spikes of one unit along one link
    const Link *link
    int64_t slot            # of the step of the spike
    int64_t unit            # that fired
    double amount           # spikes: of a population or a relay there can be several
    uint64_t mark           # seed of what passes the connections of a thinned link; step, where each of them changes


cdef struct Noise:          # independent Poisson processes, one onto each of some units; or currents that fluctuate
    Group *target
    int64_t lag
    int64_t place           # of its receptor in a slot of the target
    double weight           # of each event, or a factor of `weights`
    const int32_t *units    # NULL: all
    const double *weights   # of the processes' events; NULL: all alike
    Py_ssize_t n
    bitgen_t *random
    double *numbers         # of currents, of variance 1; not a number: still to be drawn; NULL: events
    double kept             # share of a number in the next one
    double drawn            # standard deviation of the rest
    int64_t hold            # steps for which numbers are kept,
    int64_t first           # from this one on
    bint to_all             # one number for all units


cdef struct Task:           # what one thread takes through a slice: a population, or a block of neurons
    Py_ssize_t group
    Py_ssize_t begin        # neurons
    Py_ssize_t end
    Probes probes
    SpikeList spikes
    int64_t status          # WELL, NO_MEMORY, or the step in which a number was not finite


cdef struct Network:
    Py_ssize_t n_groups
    Py_ssize_t n_neurons
    Py_ssize_t n_noise
    Py_ssize_t n_tasks
    Py_ssize_t R            # receptors of a group, at most
    Py_ssize_t slots
    Py_ssize_t slice_steps  # that groups take before their spikes are delivered
    Group *group
    int64_t *first          # links first[s] to first[s + 1] start at source s
    Link *links
    Plasticity *plasticities
    Thinning *thinnings
    Noise *noise
    Task *tasks
    Arrivals *arrivals      # of a slice, (groups, LONGEST_SLICE)
    double *amounts         # that these point to, (groups, LONGEST_SLICE, 3, R)
    int64_t *emitted        # counts of the slice, likewise
    int64_t *places         # where their neurons end in `fired`
    const int32_t **forced  # next prescribed spikes of each group
    int32_t *fired          # of the chunk, in order of step, group, neuron
    Py_ssize_t n_fired
    Py_ssize_t fired_capacity
    int64_t *repeats        # spikes of each relay among these; not used for neurons
    Py_ssize_t repeats_capacity
    bint has_relays
    Delivery *deliveries    # of the slice
    Py_ssize_t n_deliveries
    Py_ssize_t delivery_capacity
    Tempo tempo             # of sharing among threads


cdef struct Chunk:          # steps of a network in one go
    int64_t step            # the first one, counted from the beginning of the simulation
    Py_ssize_t steps
    const double *lines     # what the input lines emit, (steps, n_lines)
    Py_ssize_t n_lines
    const double *means     # mean numbers of events of each noise, (steps, n_noise)
    int64_t *counts         # read where prescribed, else written, (steps, groups)
    double *records         # written, (steps, n_probes)
    Probe *probes           # in order of group and unit
    Py_ssize_t n_probes
    int64_t status          # written: WELL, NO_MEMORY, or steps until a group failed, with whose slice the chunk ends
    Py_ssize_t failed       # that group
    Py_ssize_t advanced     # steps that everything has advanced


cdef inline int64_t later(const Group *g, int64_t slot, int64_t steps) noexcept nogil:
    """Return the slot ``steps`` after ``slot``; fewer steps than there are slots."""
    slot += steps
    return slot if slot < g.slots else slot - g.slots


cdef inline Py_ssize_t place_of(int64_t kind, Py_ssize_t R) noexcept nogil:
    """Return the place of a kind of amount in a slot: spikes at R receptors, current, variances at R receptors."""
    return kind if kind >= 0 else R + CURRENT - kind


cdef inline double *shared_slot(const Group *g, int64_t slot, bint external) noexcept nogil:
    """Return where input to all units stands."""
    return (g.shared_external if external else g.shared) + slot * g.width


cdef inline double *single_slot(const Group *g, int64_t slot, int64_t place, bint external) noexcept nogil:
    """Return where input to single neurons stands."""
    if external:
        return g.external + (slot * (g.R + 1) + place) * g.row
    return g.sums + (slot * g.R + place) * g.row


cdef inline uint16_t *counting_slot(const Group *g, int64_t slot, int64_t receptor) noexcept nogil:
    """Return where numbers of spikes to single neurons stand."""
    return g.counts + (slot * g.R + receptor) * g.row
