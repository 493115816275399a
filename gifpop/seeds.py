"""Random streams: one per population or input, all from one seed."""

import numpy as np

POPULATION, INPUT, CONNECTION, NEURONS, STATE, TRIAL = range(6)  # first part of a stream's key


def root_sequence(seed):
    """Return the SeedSequence of anything that `numpy.random.default_rng` takes as a seed.

    A SeedSequence is used as it is; a Generator or BitGenerator serves as a source of seeds, so that using it twice
    gives different streams.
    """
    if isinstance(seed, np.random.Generator):
        seed = seed.bit_generator
    if isinstance(seed, np.random.BitGenerator):
        return seed.seed_seq.spawn(1)[0]
    if isinstance(seed, np.random.SeedSequence):
        return seed
    try:
        return np.random.SeedSequence(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed must be what numpy.random.default_rng takes, got {seed!r}: {error}") from None


def child(root, *key):
    """Return the SeedSequence that belongs to a key of small integers."""
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key))


def trial(root, number):
    """Return the SeedSequence of a trial."""
    return child(root, TRIAL, number)


def stream(root, *key):
    """Return a bit generator of its own for a key of small integers."""
    return np.random.PCG64(child(root, *key))


def philox_key(root, *key):
    """Return a key of Philox, for numbers that belong to neurons, for a key of small integers."""
    return child(root, *key).generate_state(2, np.uint64)
