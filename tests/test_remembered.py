"""Arrays that are computed once: they stay right whatever interrupts the one who asks for them."""

import numpy as np
import pytest

from gifpop.common.remembered import ARRAYS_KEPT, remembered


class Key:
    """An argument; when hashes and comparisons are counted down to zero, one of them is interrupted."""

    left = None

    def __init__(self, value):
        self.value = value

    def tick(self):
        if Key.left is not None:
            Key.left -= 1
            if Key.left == 0:
                raise KeyboardInterrupt

    def __hash__(self):
        self.tick()
        return hash(self.value)

    def __eq__(self, other):
        self.tick()
        return self.value == other.value


@pytest.mark.filterwarnings("ignore:Exception ignored in.*WeakValueDictionary")  # an entry that is dead stays
@pytest.mark.parametrize("asked", [0, ARRAYS_KEPT - 1, ARRAYS_KEPT + 5], ids=["oldest", "newest", "another"])
def test_interrupted_at_any_hash_or_comparison(asked):
    for interrupted in range(1, 20):
        recall = remembered(lambda key: np.full(3, float(key.value)))
        for value in range(ARRAYS_KEPT):
            recall(Key(value))
        Key.left = interrupted
        try:
            recall(Key(asked))
        except KeyboardInterrupt:
            pass
        finally:
            Key.left = None
        for value in range(2 * ARRAYS_KEPT):
            assert (recall(Key(value)) == value).all()
