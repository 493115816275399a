"""The inside of a simulation: the one place where tests know its private attributes.

Plans hold the state of the populations as arrays. `state_of` finds all that belongs to a state without knowing what
gifpop saves.
"""

import numpy as np

from gifpop.saving.contents import contents

NOT_STATE = {
    "Simulation": {"_busy", "_progress"},
    "State": {"records"},  # results are compared as users see them
    "Assembly": {"_initial_plans", "_relaxed", "_signals"},  # what reset finds anew
    "Engine": {"core", "_running", "_pace"},  # pointers to the arrays; how long steps take
    "Link": {"largest_indegree"},  # found anew
}
STATELESS = (type(None), bool, int, float, str)


def assembly_of(simulation):
    """Return the network at its levels, with all options."""
    return simulation._state.assembly


def engine_of(simulation):
    """Return the engine, which holds plans, streams, links, signals, ring buffers and the step."""
    return simulation._state.engine


def network_of(simulation):
    """Return the description of the network as it was last changed."""
    return assembly_of(simulation).net


def plans_of(simulation):
    """Return the plans of all populations."""
    return engine_of(simulation).plans


def plan_of(simulation, population=0):
    """Return the plan of a population, given by name or index."""
    if isinstance(population, str):
        population = list(network_of(simulation).populations).index(population)
    return plans_of(simulation)[population]


def buffers_of(simulation):
    """Return the ring buffers."""
    return engine_of(simulation)._buffers


def contents_of(simulation):
    """Return what is saved or copied of a simulation."""
    return contents(simulation._state)


def resumed(fresh, engine):
    """Return an engine in its initial state, put into that of another one of the same groups, links and signals."""
    fresh.plans, fresh.streams = [plan.copy() for plan in engine.plans], engine.streams
    fresh.resume(engine.state())
    return fresh


def is_locked(simulation):
    """Return whether the simulation refuses to be run or changed because it is being run or changed."""
    return simulation._busy.locked() or engine_of(simulation)._running.locked()


class State(dict):
    """What `state_of` returns."""


def state_of(value):
    """Return everything that is reachable from an object by attributes, keys and indices: a dict of place to leaf."""
    leaves = State()
    _collect(value, type(value).__name__, leaves)
    return leaves


def _collect(value, path, leaves):
    if isinstance(value, np.ndarray | np.generic):
        leaves[path] = type(value), value.dtype, value.shape, value.tobytes()
    elif isinstance(value, STATELESS):
        leaves[path] = type(value), hex(value) if isinstance(value, int) else repr(value)
    elif isinstance(value, np.random.BitGenerator):
        leaves[path] = type(value), repr(value.state)
    elif isinstance(value, np.random.Generator):
        _collect(value.bit_generator, f"{path}.bit_generator", leaves)
    elif isinstance(value, np.random.SeedSequence):
        _collect(value.state, f"{path}.state", leaves)
    elif isinstance(value, range):
        leaves[path] = value
    else:
        leaves[path] = type(value)
        for key, part in _parts(value):
            _collect(part, f"{path}.{key}", leaves)


def _parts(value):
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, list | tuple):
        return enumerate(value)
    return [item for item in vars(value).items() if item[0] not in NOT_STATE.get(type(value).__name__, ())]


def arrays_of(value, kind="", found=None):
    """Return all arrays that are reachable from an object, each with a name that those of its kind have in common."""
    found = [] if found is None else found
    if isinstance(value, np.ndarray):
        found.append((kind, value))
    elif not isinstance(
        value, (*STATELESS, range, np.generic, np.random.BitGenerator, np.random.Generator, np.random.SeedSequence)
    ):
        for key, part in _parts(value):
            arrays_of(part, f"{type(value).__name__}.{key}" if isinstance(key, str) else kind, found)
    return found


def assert_same_state(a, b):
    """Compare two objects, or what `state_of` returned of them, bit for bit."""
    a, b = (one if isinstance(one, State) else state_of(one) for one in (a, b))
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    different = [place for place in a if a[place] != b[place]]
    assert not different, different


def assert_same_results(a, b):
    """Compare two results in everything that was recorded."""
    assert_same_state(*([one._populations, one.t, one.level] for one in (a, b)))
