"""Random streams: one per population or input, all from one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gifpop.common.brief import brief

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Seed

POPULATION, INPUT, CONNECTION, NEURONS, STATE, TRIAL, GROWTH = range(7)  # first part of a stream's key


def root_sequence(seed: Seed) -> np.random.SeedSequence:
    """Return the SeedSequence of anything that `numpy.random.default_rng` takes as a seed.

    A SeedSequence is used as it is; a Generator, BitGenerator or RandomState serves as a source of seeds, so that using
    it twice gives different streams.
    """
    if isinstance(seed, np.random.RandomState):
        return np.random.SeedSequence(seed.randint(0, 2**32, size=4, dtype=np.uint32).tolist())
    if isinstance(seed, np.random.Generator):
        seed = seed.bit_generator
    if isinstance(seed, np.random.BitGenerator):
        if not isinstance(seed.seed_seq, np.random.SeedSequence):  # None, of one that was seeded as a RandomState
            return np.random.SeedSequence(seed.random_raw(4).tolist())
        return seed.seed_seq.spawn(1)[0]
    if isinstance(seed, np.random.SeedSequence):
        return seed
    try:
        return np.random.SeedSequence(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed must be what numpy.random.default_rng takes, got {brief(seed)}: {error}") from None


def child(root: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Return the SeedSequence that belongs to a key of small integers."""
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key))


def trial(root: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """Return the SeedSequence of a trial."""
    return child(root, TRIAL, number)


def stream(root: np.random.SeedSequence, *key: int) -> np.random.PCG64:
    """Return a bit generator of its own for a key of small integers."""
    return np.random.PCG64(child(root, *key))


def philox_key(root: np.random.SeedSequence, *key: int) -> npt.NDArray[np.uint64]:
    """Return a key of Philox, for numbers that belong to neurons, for a key of small integers."""
    return np.asarray(child(root, *key).generate_state(2, np.uint64), dtype=np.uint64)
