"""A column of vectors of different lengths; equal vectors are stored once."""

from __future__ import annotations

import numpy as np

from gifpop.common.typing import Floats, Integers, Shorts


class Ragged:
    """One float64 array for each of n nodes.

    Parameters
    ----------
    n : int
    value : float64 array
        Initial array of all nodes.
    """

    def __init__(self, n: int, value: Floats) -> None:
        self.values: list[Floats] = [value]
        self.codes: Shorts = np.zeros(n, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, i: int) -> Floats:
        """Return the array of the ``i``-th node."""
        return self.values[int(self.codes[i])]

    def take(self, places: Integers) -> list[Floats]:
        """Return the arrays of some nodes, as a list."""
        return [self.values[code] for code in self.codes[places].tolist()]

    def copy(self) -> Ragged:
        """Return an independent copy."""
        other = Ragged(0, self.values[0])
        other.values, other.codes = list(self.values), self.codes.copy()
        return other

    def put(self, places: Integers, arrays: Floats | list[Floats]) -> None:
        """Set the arrays of some nodes: one for all, or a list with one for each."""
        if not isinstance(arrays, list):
            arrays = [arrays]
        keys = [array.tobytes() for array in arrays]
        new = dict(zip(keys, arrays, strict=True))
        codes = {key: code for code, key in enumerate(new, len(self.values))}
        self.values += new.values()  # first, since arrays without a code are harmless
        self.codes[places] = [codes[key] for key in keys]
        if len(places) == len(self) or len(self.values) > 2 * len(self) + 16:
            self._compact()

    def _compact(self) -> None:
        """Remove unused arrays."""
        used, codes = np.unique(self.codes, return_inverse=True)
        self.codes, self.values = codes.astype(np.int32), [self.values[code] for code in used.tolist()]

    def lengths(self, places: Integers | slice = slice(None)) -> Integers:
        """Return the lengths of the arrays of some nodes, by default of all."""
        codes = self.codes[places]
        used = np.flatnonzero(np.bincount(codes))
        lengths = np.zeros(len(self.values), dtype=np.int64)
        lengths[used] = [len(self.values[code]) for code in used.tolist()]
        return lengths[codes]

    def rows(self, count: int, fill: float) -> list[float] | list[Floats]:
        """Return the first ``count`` entries, padded: each a number, or an array over the nodes if they differ."""
        self._compact()
        table = np.full((len(self.values), count), fill)
        for row, value in zip(table, self.values, strict=True):
            row[: len(value)] = value
        if len(self.values) == 1:
            return table[0].tolist()
        return list(np.ascontiguousarray(table[self.codes].T))
